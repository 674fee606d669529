"""What is wrong with a climate product: months, years, units, impossible and suspicious values."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Climate, Layer, RunConfig
from recarb.core.config.fields import Years
from recarb.core.findings import Finding, Severity
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR, bands_of_years, days_of, months_of
from recarb.harmonise.climate import ClimateReader
from recarb.harmonise.pet import PET_METHODS
from recarb.harmonise.regrid import source_window
from recarb.io.raster import ROI, LayerFile, describe
from recarb.sequestration.check_report import CheckReport, LayerSummary
from recarb.sequestration.layer_checks import (
    ground_of,
    overlap_findings,
    unit_findings,
    value_findings,
)
from recarb.sequestration.suspicions import SuspicionCode, suspicion

Floats = NDArray[np.float64]
Months = NDArray[np.datetime64]

MOST = 0.5  # share of cells that makes "most of a country"
WATCHED_CELLS = 100_000  # of a layer, evenly spaced, that stand for all in a mean year
MONTH_DAYS = 30.4375  # 365.25 / 12, where the months of a faulty series are unknown


@dataclass
class YearWatch:
    """Sums up the months of a series into a mean year, at some cells of every block."""

    months: Months
    every: int = 1
    totals: dict[tuple[int, int], Floats] = field(default_factory=dict)  # (first row, month)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)

    def __call__(self, bands: list[int], window: ROI, values: Floats) -> None:
        """Add one block of some bands."""
        for band, block in zip(bands, values, strict=True):
            key = (window[0].start, int(self.months[band - 1].astype(int)) % YEAR)
            self.totals[key] = self.totals.get(key, 0.0) + block.ravel()[:: self.every]
            self.counts[key] = self.counts.get(key, 0) + 1

    def year(self) -> Floats:
        """(12, cell) mean year over the cells that have every month."""
        parts = []
        for start in sorted({start for start, _ in self.totals}):
            keys = [(start, month) for month in range(YEAR)]
            if all(key in self.totals for key in keys):
                parts.append(np.stack([self.totals[key] / self.counts[key] for key in keys]))
        if not parts:
            return np.empty((YEAR, 0))
        months = np.concatenate(parts, axis=1)
        return months[:, np.isfinite(months).all(axis=0)]


def check_climate(report: CheckReport, config: RunConfig, name: str, grid: GeoBox | None) -> None:
    """Check every layer of one climate product."""
    climate, where, before = config.climate[name], f"climate.{name}", report.errors
    rows: dict[str, LayerSummary] = {}
    for key, layer in climate.layers().items():
        row = report.attempt(f"{where}.{key}", _layer, report, config, name, key, layer, grid)
        if row is not None:
            rows[key] = row
    if climate.elevation is not None:
        orography = climate.elevation
        report.attempt(
            f"{where}.elevation", _orography, report, f"{where}.elevation", orography, grid
        )
    report.tell(_missing_variables(climate, where))
    if report.errors == before:
        report.tell(_crossed(rows, where))
        report.attempt(where, ClimateReader, name, climate, None, config.model)


def _layer(
    report: CheckReport,
    config: RunConfig,
    name: str,
    key: str,
    layer: Layer,
    grid: GeoBox | None,
) -> LayerSummary:
    climate, where = config.climate[name], f"climate.{name}.{key}"
    file = describe(where, layer, catalogue()[key])
    row = report.opened(file, f"{name}.{key}")
    report.tell(unit_findings(file))
    months = report.attempt(where, months_of, file, climate.climatology)
    if months is not None:
        report.tell(_first_disagrees(file))
        for years in _years_of(config, name):
            if not climate.climatology:
                report.attempt(where, bands_of_years, file, months, years)
    ground = ground_of(file, grid)
    if ground is None or report.tell(overlap_findings(file, ground, where)):
        return row
    if months is None:
        days = np.full(file.count, MONTH_DAYS)
        report.tell(value_findings(file, ground, row, days))
        return row
    rows, columns = source_window(file.geobox, ground)
    cells = (rows.stop - rows.start) * (columns.stop - columns.start)
    watch = YearWatch(months, every=max(cells // WATCHED_CELLS, 1))
    wrong = value_findings(file, ground, row, days_of(months, climate.climatology), watch=watch)
    if not report.tell(wrong):
        report.tell(_odd_climate(config, file, key, watch.year()))
    return row


def _orography(report: CheckReport, where: str, layer: Layer, grid: GeoBox | None) -> None:
    file = describe(where, layer, catalogue()["elevation"])
    row = report.opened(file, where.removeprefix("climate."))
    report.tell(unit_findings(file))
    ground = ground_of(file, grid)
    if ground is not None and not report.tell(overlap_findings(file, ground, where)):
        report.tell(value_findings(file, ground, row, bands=(layer.band or 1,)))


def _years_of(config: RunConfig, name: str) -> list[tuple[int, int]]:
    """Years that the phases want from one climate product."""
    wanted: list[Years | None] = []
    if config.spin_up.climate == name:
        wanted += [config.spin_up.years, config.npp_reference.years]
    if config.warm_up is not None and config.warm_up.climate == name:
        wanted.append(config.warm_up.years)
    if config.forward.climate == name:
        wanted.append(config.forward.series_years(config.t0_year))
    return [years for years in wanted if years is not None]


def _first_disagrees(file: LayerFile) -> list[Finding]:
    """`first` in run.toml shifts a series whose file knows its months."""
    first = file.layer.first
    if first is None or file.times is None or file.times[0] == first:
        return []
    return [
        Finding(
            "first_overrides_time",
            Severity.WARNING,
            file.where,
            f"run.toml says the series begins in {first}, the file itself says {file.times[0]}; "
            "run.toml counts",
            "remove `first` from run.toml if the file is right",
        )
    ]


def _missing_variables(climate: Climate, where: str) -> list[Finding]:
    """Variables the PET method needs and nobody gave."""
    if climate.pet_method is None:
        return []
    needed = PET_METHODS[climate.pet_method]
    return [
        Finding(
            "missing_data",
            Severity.ERROR,
            where,
            f"PET by {climate.pet_method} needs {', '.join(needed)}; {key} is not given",
            f"add {key} = {{ path = ... }}, or choose another pet_method",
        )
        for key in needed
        if key not in climate.layers()
    ]


def _crossed(rows: dict[str, LayerSummary], where: str) -> list[Finding]:
    """Whether the minimum, the mean and the maximum of temperature are in this order."""
    order = [key for key in ("temperature_min", "temperature", "temperature_max") if key in rows]
    return [
        Finding(
            "temperatures_crossed",
            Severity.ERROR,
            where,
            f"expected minimum, mean and maximum temperature in this order; the mean of {low} "
            f"({rows[low].file}) is {rows[low].mean:.1f} degC, above that of "
            f"{high} ({rows[high].file}), {rows[high].mean:.1f} degC",
            "are the two files swapped, or are their units different?",
        )
        for low, high in pairwise(order)
        if rows[low].mean > rows[high].mean
    ]


def _odd_climate(config: RunConfig, file: LayerFile, key: str, year: Floats) -> list[Finding]:
    """What a mean year (12, cell) says about units that give possible but strange values."""
    if not year.size:
        return []
    limits = config.suspicion
    if key in {"temperature", "pet"} and (empty := int((year == 0.0).all(axis=0).sum())):
        return [
            suspicion(
                SuspicionCode.ZERO_FILLED,
                file.where,
                f"{empty} of {year.shape[1]} cells hold exactly 0 in every month",
                "was a missing value filled with 0? Write these cells as nodata into the file",
            )
        ]
    if key == "temperature":
        return _amplitude(file, year, limits.amplitude_above_c)
    if key == "rain":
        dry, wet = limits.rain_below_mm_per_yr, limits.rain_above_mm_per_yr
        found = _low_sum(file, year, dry, SuspicionCode.DRY_COUNTRY, "of rain")
        return found + _high_rain(file, year, wet)
    if key == "pet":
        return _low_sum(file, year, limits.pet_below_mm_per_yr, SuspicionCode.LOW_PET, "of PET")
    return []


def _amplitude(file: LayerFile, year: Floats, limit: float) -> list[Finding]:
    amplitude = float(np.median(year.max(axis=0) - year.min(axis=0)))
    if amplitude <= limit:
        return []
    return [
        suspicion(
            SuspicionCode.TEMPERATURE_AMPLITUDE,
            file.where,
            f"the warmest month is {amplitude:.0f} K warmer than the coldest (median cell); "
            f"expected at most {limit:g} K",
            'are these tenths of a degree (unit = "0.1 degC"), or is it rain?',
        )
    ]


def _high_rain(file: LayerFile, year: Floats, limit: float) -> list[Finding]:
    """More rain in a year than `limit` [mm] in most cells."""
    sums = year.sum(axis=0)
    high = float((sums > limit).mean())
    if high <= MOST:
        return []
    return [
        suspicion(
            SuspicionCode.WET_COUNTRY,
            file.where,
            f"{high:.0%} of the cells get more than {limit:g} mm of rain a year (median "
            f"{np.median(sums):.0f} mm, read as {file.unit!r} from {file.unit_from})",
            'is the file in mm/month? then write unit = "mm/month" beside its path',
        )
    ]


def _low_sum(
    file: LayerFile, year: Floats, limit: float, code: SuspicionCode, what: str
) -> list[Finding]:
    """Less water in a year than `limit` [mm] in most cells."""
    sums = year.sum(axis=0)
    low = float((sums < limit).mean())
    if low <= MOST:
        return []
    return [
        suspicion(
            code,
            file.where,
            f"{low:.0%} of the cells have less than {limit:g} mm {what} a year (median "
            f"{np.median(sums):.0f} mm, read as {file.unit!r} from {file.unit_from})",
            'is the file in mm/day? then write unit = "mm/day" beside its path',
        )
    ]
