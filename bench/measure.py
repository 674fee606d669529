"""What a command takes: wall time, CPU time, memory, disk; and on which machine."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recarb.core.errors import ModelError
from recarb.core.provenance import versions

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = ROOT / "bench" / "launcher.py"
TAIL = 2000  # characters of a failed command's output that are shown

# The one place of recarb's options: what every benchmark of the command line runs.
RECARB = (sys.executable, "-c", "from recarb.cli import main; main()")
RUN = (*RECARB, "run", "--overwrite", "--no-pictures")


@dataclass(frozen=True)
class Run:
    """One run of a command; None where it is no process of its own that was measured."""

    wall_s: float
    cpu_s: float | None = None
    peak_memory_bytes: int | None = None
    written_bytes: int | None = None
    peak_disk_bytes: int | None = None


def measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Run:
    """Run a command from the repository's root and measure it.

    Parameters
    ----------
    folder : where the command writes; how much room its files take meanwhile is watched
    environment : variables that are set for the command

    Raises
    ------
    ModelError
        The command failed; the end of what it said is in the message.
    """
    import json

    with tempfile.TemporaryDirectory() as name:
        report, said = Path(name) / "report.json", Path(name) / "said.txt"
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), str(folder)]
        with said.open("w") as output:
            subprocess.run(  # noqa: S603 - our own commands
                [*launcher, *command],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        found = json.loads(report.read_text(encoding="utf-8"))
        if code := found.pop("exit_code"):
            text = said.read_text(encoding="utf-8", errors="replace")[-TAIL:]
            raise ModelError(f"{' '.join(command)} ended with {code}:\n{text}")
    return Run(**found)


@cache
def machine() -> dict[str, Any]:
    """Cores, memory, processor, Python, libraries and the commit, as the system tells them."""
    pages = os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    memory = pages * os.sysconf("SC_PAGE_SIZE") if pages else 0
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
        "commit": _commit(),
    }


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text(encoding="utf-8").splitlines():
            if line.lower().startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """Commit of the sources, with `+` where files were changed since."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def told(*words: str) -> str:
        answer = subprocess.run(  # noqa: S603 - fixed words
            [git, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return answer.stdout.strip()

    changed = told("status", "--porcelain", "--untracked-files=no", "src")
    return (told("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")
