"""What the checks found. Bulk data do not raise: a country sees all its faults at once."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from recarb.core.errors import ConfigError, InputError, RecarbError

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what is being done


def no_progress(_done: int, _total: int, _what: str) -> None:
    """Show nothing."""


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"  # the run cannot be right: never accepted
    SUSPICIOUS = "suspicious"  # stops the run unless `accept` names its code
    WARNING = "warning"  # told, and written to provenance
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing a check found: what, where and what to do."""

    code: str
    severity: Severity
    where: str
    message: str
    hint: str = ""

    def line(self) -> str:
        """One line for people."""
        hint = f" -> {self.hint}" if self.hint else ""
        return f"{self.severity.value:10} {self.code}: {self.where}: {self.message}{hint}"

    def record(self) -> dict[str, str]:
        """For JSON."""
        return {key: str(value) for key, value in asdict(self).items()}


def stopping(findings: Iterable[Finding], accept: Iterable[str] = ()) -> list[Finding]:
    """Those findings that stop a run: errors, and suspicions nobody accepted."""
    accepted = set(accept)
    return [
        finding
        for finding in findings
        if finding.severity is Severity.ERROR
        or (finding.severity is Severity.SUSPICIOUS and finding.code not in accepted)
    ]


def raise_if_stopping(findings: Iterable[Finding], accept: Iterable[str] = ()) -> None:
    """Raise one InputError that lists every finding that stops the run."""
    found = stopping(findings, accept)
    if not found:
        return
    lines = "\n".join(finding.line() for finding in found)
    codes = sorted({f.code for f in found if f.severity is Severity.SUSPICIOUS})
    advice = (
        "\nIf this is how your country is, name it in run.toml: accept = "
        + "["
        + ", ".join(f'"{code}"' for code in codes)
        + "]"
        if codes
        else ""
    )
    kind: type[RecarbError] = InputError
    if all(finding.code == "config" for finding in found):
        kind = ConfigError
    raise kind(f"{len(found)} finding(s) stop the run:\n{lines}{advice}")
