"""Records of measurements, in bench/results: one JSON file per benchmark and date."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import ROOT, Run, machine
from recarb.core.provenance import write_json

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Record:
    """One case of one benchmark: every repeat, and what it is compared with.

    cells : cells that were run; 0 where it is not about cells
    ratio, against : this case's median wall time, or speed, over that of another case
    """

    benchmark: str
    case: str
    cells: int
    runs: tuple[Run, ...]
    ratio: float | None = None
    against: str = ""
    target: str = ""
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    machine: dict[str, Any] = field(default_factory=machine)

    @property
    def wall_s(self) -> float:
        """Median wall time [s]."""
        return median(run.wall_s for run in self.runs)

    def spread_pct(self, name: str = "wall_s") -> float:
        """From the smallest to the largest of a number of the repeats, of the median [percent]."""
        values = [getattr(run, name) for run in self.runs]
        return 100.0 * float(max(values) - min(values)) / float(median(values))

    @property
    def cells_per_s(self) -> float:
        """Cells per second of the median."""
        return self.cells / self.wall_s

    def middle(self, name: str) -> float | None:
        """Median of another number of the repeats, None where it was not measured."""
        values = [getattr(run, name) for run in self.runs]
        known = [float(value) for value in values if value is not None]
        return median(known) if known else None


def append(records: Iterable[Record], folder: Path = RESULTS) -> list[Path]:
    """Add records to the files of their benchmark and date."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for record in records:
        path = folder / f"{record.benchmark}_{record.date[:10]}.json"
        earlier = json.loads(path.read_text(encoding="utf-8"))["records"] if path.exists() else []
        write_json(path, {"records": [*earlier, asdict(record)]})
        changed.append(path)
    return sorted(set(changed))


def history(folder: Path = RESULTS) -> list[Record]:
    """Every record there is, oldest first."""
    found = []
    for path in folder.glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["records"]:
            runs = tuple(Run(**run) for run in row.pop("runs"))
            found.append(Record(runs=runs, **row))
    return sorted(found, key=lambda record: record.date)


def latest(records: Iterable[Record]) -> list[Record]:
    """The newest record of every case, in the order in which the cases first came."""
    newest: dict[tuple[str, str], Record] = {}
    for record in records:
        newest[record.benchmark, record.case] = record
    return list(newest.values())
