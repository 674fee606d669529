"""What a caller of the benchmarks asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """Sizes and repeats of the benchmarks.

    work : folder for cases and results of runs; cases that lie there are used again
    full : the sizes of the targets, not the small ones
    cells : sizes of the caller's own
    """

    work: Path
    full: bool = False
    cells: tuple[int, ...] = ()
    repeats: int = 3

    def sizes(self, small: tuple[int, ...], full: tuple[int, ...]) -> tuple[int, ...]:
        """Cells of the cases to run."""
        return self.cells or (full if self.full else small)
