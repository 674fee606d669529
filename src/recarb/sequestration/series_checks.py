"""What is wrong with months: a season upside down, months without values, copied years."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recarb.core.findings import Finding, Severity
from recarb.core.grid import LONLAT, cell_centres, transform
from recarb.harmonise.calendar import YEAR
from recarb.io.raster import ROI, LayerFile
from recarb.sequestration.layer_checks import MOST
from recarb.sequestration.suspicions import SuspicionCode, suspicion

Floats = NDArray[np.float64]
Months = NDArray[np.datetime64]

JUNE_TO_AUGUST, DECEMBER_TO_FEBRUARY = [5, 6, 7], [11, 0, 1]
TROPICS_DEG = 20.0  # beyond this latitude June or January is the warm season [issue and users]
SEASON_K = 1.0  # smaller differences between the two say nothing; own judgement
FULL = 0.9  # share of the fullest month's values below which a month is uneven; own judgement
ALWAYS = 0.99  # share of the cells with one and the same cover all year; own judgement
NAMED_MONTHS = 6


@dataclass
class MeanYear:
    """Mean year of a series, (12, cell), and where on the layer's grid its cells lie."""

    months: Floats
    rows: Floats
    columns: Floats


@dataclass
class YearWatch:
    """Sums up the months of a series into a mean year, at some cells of every block."""

    months: Months
    every: int = 1
    totals: dict[tuple[int, int], Floats] = field(default_factory=dict)  # (first row, month)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    windows: dict[int, ROI] = field(default_factory=dict)  # by first row

    def __call__(self, bands: list[int], window: ROI, values: Floats) -> None:
        """Add one block of some bands."""
        self.windows[window[0].start] = window
        for band, block in zip(bands, values, strict=True):
            key = (window[0].start, int(self.months[band - 1].astype(int)) % YEAR)
            self.totals[key] = self.totals.get(key, 0.0) + block.ravel()[:: self.every]
            self.counts[key] = self.counts.get(key, 0) + 1

    def year(self) -> MeanYear:
        """Mean year over the cells that have every month."""
        parts, rows, columns = [np.empty((YEAR, 0))], [np.empty(0)], [np.empty(0)]
        for start, (_, across) in sorted(self.windows.items()):
            keys = [(start, month) for month in range(YEAR)]
            if all(key in self.totals for key in keys):
                part = np.stack([self.totals[key] / self.counts[key] for key in keys])
                down, right = np.divmod(
                    np.arange(part.shape[1]) * self.every, across.stop - across.start
                )
                parts.append(part)
                rows.append(down + float(start))
                columns.append(right + float(across.start))
        months = np.concatenate(parts, axis=1)
        known = np.isfinite(months).all(axis=0)
        return MeanYear(
            months[:, known], np.concatenate(rows)[known], np.concatenate(columns)[known]
        )


@dataclass
class BandWatch:
    """Counts and sums up the values of every band."""

    bands: int
    counts: NDArray[np.int64] = field(init=False)
    sums: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.bands, dtype=np.int64)
        self.sums = np.zeros(self.bands)

    def __call__(self, bands: list[int], _window: ROI, values: Floats) -> None:
        """Add one block of some bands."""
        at = np.array(bands) - 1
        self.counts[at] += np.isfinite(values).sum(axis=(1, 2))
        self.sums[at] += np.nan_to_num(values).sum(axis=(1, 2))


@dataclass
class CoverWatch:
    """Counts the cells whose plant cover is the same in all twelve months."""

    cells: int = 0
    same: int = 0

    def __call__(self, bands: list[int], _window: ROI, values: Floats) -> None:
        """Add one block; a block holds all months of its cells."""
        known = np.isfinite(values).all(axis=0)
        self.cells += int(known.sum())
        self.same += int((known & (values == values[0]).all(axis=0)).sum())

    def findings(self, layer: LayerFile) -> list[Finding]:
        """Cover that never changes means that no field is ever bare."""
        if not self.cells or self.same < ALWAYS * self.cells:
            return []
        return [
            suspicion(
                SuspicionCode.CONSTANT_COVER,
                layer.where,
                f"the plant cover of {self.same / self.cells:.0%} of the cells is the same in "
                "every month; expected months with more and months with less",
                "was one map written into all twelve bands? Without a cover layer recarb takes "
                "the cover from land use and crop calendar",
            )
        ]


def season_findings(layer: LayerFile, year: MeanYear) -> list[Finding]:
    """Whether the warm months fall into the cold season of the hemisphere."""
    x, y = cell_centres(layer.geobox, year.rows, year.columns)
    _, lat = transform(x, y, layer.geobox.crs, LONLAT)
    warmer = year.months[JUNE_TO_AUGUST].mean(axis=0)
    warmer -= year.months[DECEMBER_TO_FEBRUARY].mean(axis=0)
    clear = (np.abs(lat) > TROPICS_DEG) & (np.abs(warmer) > SEASON_K)
    if not clear.any():
        return []
    wrong = clear & (np.sign(lat) != np.sign(warmer))
    share = wrong.sum() / clear.sum()
    if share <= MOST:
        return []
    lat_deg = float(np.median(lat[wrong]))
    side = "north" if lat_deg > 0 else "south"
    return [
        suspicion(
            SuspicionCode.WRONG_SEASON,
            layer.where,
            f"June to August are {np.median(warmer[wrong]):+.0f} K against December to February "
            f"in {share:.0%} of the cells beyond {TROPICS_DEG:g} degrees, about "
            f"{abs(lat_deg):.0f} degrees {side}: winter and summer have changed places",
            "does the series begin in January (`first`), is north up, and is it the right "
            "hemisphere?",
        )
    ]


def gap_findings(
    layer: LayerFile, months: Months, watch: BandWatch, wanted: Iterable[int]
) -> list[Finding]:
    """Months that a phase uses and that hold no values, or clearly fewer than others."""
    used = np.zeros(watch.bands, dtype=bool)
    used[np.fromiter(wanted, dtype=np.int64) - 1] = True
    empty = used & (watch.counts == 0)
    poor = used & ~empty & (watch.counts < FULL * watch.counts.max())
    found = []
    if empty.any():
        found.append(
            Finding(
                "series_gap",
                Severity.ERROR,
                layer.where,
                f"expected values in every month in use, found none in {_named(months, empty)}",
                "get these months again, or choose `years` without them",
            )
        )
    if poor.any():
        found.append(
            Finding(
                "uneven_series",
                Severity.WARNING,
                layer.where,
                f"{_named(months, poor)} have values in fewer cells than other months "
                f"(as few as {watch.counts[poor].min():,} of {watch.counts.max():,})",
                "a cell that lacks one month has no climate; are these months complete?",
            )
        )
    return found


def copy_findings(layer: LayerFile, months: Months, watch: BandWatch) -> list[Finding]:
    """Years that repeat the one before: a gap that somebody filled with a copy."""
    counts, sums = watch.counts.reshape(-1, YEAR), watch.sums.reshape(-1, YEAR)
    same = (counts[1:] == counts[:-1]).all(axis=1) & (sums[1:] == sums[:-1]).all(axis=1)
    same &= counts[1:].any(axis=1) & sums[1:].any(axis=1)
    if not same.any():
        return []
    first = int(str(months[0])[:4])
    named = ", ".join(str(first + 1 + year) for year in np.flatnonzero(same)[:NAMED_MONTHS])
    return [
        Finding(
            "repeated_year",
            Severity.WARNING,
            layer.where,
            f"{int(same.sum())} year(s) hold the very values of the year before: {named}",
            "was a gap filled with a copy? Then get these years, or end the series before them",
        )
    ]


def _named(months: Months, chosen: NDArray[np.bool_]) -> str:
    at = months[chosen]
    more = f" and {at.size - NAMED_MONTHS} more" if at.size > NAMED_MONTHS else ""
    return f"{at.size} month(s), {', '.join(str(one) for one in at[:NAMED_MONTHS])}{more}"
