"""What became of every cell: run, excluded with a reason, or failed. None is dropped silently."""

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Outcome(IntEnum):
    """Fate of one cell; the number stands in the outcome map of the diagnostics."""

    RUN = 0
    NO_SOC = 1
    ZERO_SOC = 2
    NO_CLAY = 3
    NO_LAND_USE = 4
    NOT_MODELLED = 5
    LAND_USE_HISTORY = 6
    NO_COVER = 7
    NO_NPP = 8
    NO_ZONE = 9
    NO_NPP_REFERENCE = 10
    NO_UNCERTAINTY_LAYER = 11
    NO_IRRIGATION = 12
    NO_TURNOVER = 13
    NO_TEXTURE = 14
    NO_WATER_LIMITS = 15
    NO_CLIMATE = 20
    DEFICIT_NOT_PERIODIC = 21
    NO_RATE = 22
    DIVERGED = 23
    OUTSIDE = 255


FAILED = (
    Outcome.NO_CLIMATE,
    Outcome.DEFICIT_NOT_PERIODIC,
    Outcome.NO_RATE,
    Outcome.DIVERGED,
)

MEANING: Mapping[Outcome, str] = {
    Outcome.RUN: "modelled",
    Outcome.NO_SOC: "no SOC stock in the map",
    Outcome.ZERO_SOC: "the SOC stock is zero",
    Outcome.NO_CLAY: "no clay content",
    Outcome.NO_LAND_USE: "no land use",
    Outcome.NOT_MODELLED: "land use is not modelled",
    Outcome.LAND_USE_HISTORY: "a land use of the cell, at any time, has no DPM/RPM or NPP share",
    Outcome.NO_COVER: "no plant cover in the cover layer",
    Outcome.NO_NPP: "a year without net primary production",
    Outcome.NO_ZONE: "no zone, but a scenario differs by zone",
    Outcome.NO_NPP_REFERENCE: "no value in the NPP reference layer",
    Outcome.NO_UNCERTAINTY_LAYER: "no value in an uncertainty layer, or limits that cross",
    Outcome.NO_IRRIGATION: "no value in the irrigation layer",
    Outcome.NO_TURNOVER: "no month warm enough for decomposition",
    Outcome.NO_TEXTURE: "no silt, bulk density or organic carbon, which the variant needs",
    Outcome.NO_WATER_LIMITS: "the retention curve of the soil has no water limits",
    Outcome.NO_CLIMATE: "no climate cell near enough",
    Outcome.DEFICIT_NOT_PERIODIC: "the moisture deficit did not become periodic",
    Outcome.NO_RATE: "a month below -18.3 degC in the spin-up (fao-r)",
    Outcome.DIVERGED: "the stock at t0 is below zero or beyond all bounds (fao-r)",
    Outcome.OUTSIDE: "outside the boundary",
}


class Ledger:
    """Counts of outcomes over the tiles of a run."""

    def __init__(self) -> None:
        self.counts = np.zeros(256, dtype=np.int64)

    def add(self, outcomes: Bytes) -> None:
        """Count the outcomes of one tile."""
        self.counts += np.bincount(outcomes.ravel(), minlength=256)

    def merge(self, other: "Ledger") -> None:
        """Add the counts of another ledger."""
        self.counts += other.counts

    @property
    def total(self) -> int:
        """Cells inside the boundary."""
        return int(self.counts.sum() - self.counts[Outcome.OUTSIDE])

    @property
    def run(self) -> int:
        """Cells modelled."""
        return int(self.counts[Outcome.RUN])

    @property
    def failed(self) -> int:
        """Cells that ought to have run and did not."""
        return int(sum(self.counts[outcome] for outcome in FAILED))

    def reasons(self) -> dict[str, int]:
        """Cells by outcome, those that occur, outside left out."""
        return {
            outcome.name.lower(): int(self.counts[outcome])
            for outcome in Outcome
            if outcome is not Outcome.OUTSIDE and self.counts[outcome]
        }

    def record(self) -> dict[str, object]:
        """For JSON: run + excluded + failed = total."""
        return {
            "total": self.total,
            "run": self.run,
            "excluded": self.total - self.run - self.failed,
            "failed": self.failed,
            "by_outcome": self.reasons(),
        }

    def lines(self) -> list[str]:
        """For people."""
        lines = [
            f"cells: {self.run:,} run + {self.total - self.run - self.failed:,} excluded + "
            f"{self.failed:,} failed = {self.total:,}"
        ]
        for outcome in Outcome:
            count = int(self.counts[outcome])
            if count and outcome not in {Outcome.RUN, Outcome.OUTSIDE}:
                kind = "failed" if outcome in FAILED else "excluded"
                lines.append(f"  {kind}: {count:,} {MEANING[outcome]} ({outcome.name.lower()})")
        return lines
