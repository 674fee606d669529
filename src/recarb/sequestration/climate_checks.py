"""What is wrong with a climate product: months, years, units, impossible and suspicious values."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Climate, Layer, RunConfig
from recarb.core.config.fields import Years
from recarb.core.findings import Finding, Severity
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import bands_of_years, days_of, months_of
from recarb.harmonise.climate import ClimateReader
from recarb.harmonise.pet import PET_METHODS
from recarb.harmonise.regrid import source_window
from recarb.io.raster import LayerFile, describe
from recarb.sequestration.check_report import CheckReport, LayerSummary
from recarb.sequestration.grid_checks import shift_findings
from recarb.sequestration.layer_checks import (
    constant_findings,
    ground_of,
    overlap_findings,
    together,
    unit_findings,
    value_findings,
)
from recarb.sequestration.series_checks import (
    BandWatch,
    YearWatch,
    copy_findings,
    gap_findings,
    season_findings,
)
from recarb.sequestration.suspicions import SuspicionCode, suspicion

Floats = NDArray[np.float64]
Months = NDArray[np.datetime64]

MOST = 0.5  # share of cells that makes "most of a country"
WATCHED_CELLS = 100_000  # of a layer, evenly spaced, that stand for all in a mean year
MONTH_DAYS = 30.4375  # 365.25 / 12, where the months of a faulty series are unknown


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
    report.tell(shift_findings(file, ground))
    sampler = report.sampler(file, f"{name}.{key}")
    if months is None:
        days = np.full(file.count, MONTH_DAYS)
        report.tell(value_findings(file, ground, row, days, watch=sampler))
        return row
    rows, columns = source_window(file.geobox, ground)
    cells = (rows.stop - rows.start) * (columns.stop - columns.start)
    mean_year = YearWatch(months, every=max(cells // WATCHED_CELLS, 1))
    bands = BandWatch(file.count)
    watch = together(mean_year, bands, sampler)
    wrong = value_findings(file, ground, row, days_of(months, climate.climatology), watch=watch)
    if report.tell(wrong):
        return row
    year = mean_year.year()
    report.tell(constant_findings(file, row))
    report.tell(_odd_climate(config, file, key, year.months))
    if key == "temperature":
        report.tell(season_findings(file, year))
    report.tell(gap_findings(file, months, bands, _wanted_bands(config, name, months)))
    if not climate.climatology:
        report.tell(copy_findings(file, months, bands))
    return row


def _wanted_bands(config: RunConfig, name: str, months: Months) -> list[int]:
    """1-based bands that a phase uses: the years it names, or all where it names none."""
    if config.climate[name].climatology or config.forward.climate == name:
        return list(range(1, months.size + 1))
    years = [set(range(first, last + 1)) for first, last in _years_of(config, name)]
    used = set().union(*years)
    return [band for band, month in enumerate(months, start=1) if int(str(month)[:4]) in used]


def _orography(report: CheckReport, where: str, layer: Layer, grid: GeoBox | None) -> None:
    file = describe(where, layer, catalogue()["elevation"])
    row = report.opened(file, where.removeprefix("climate."))
    report.tell(unit_findings(file))
    ground = ground_of(file, grid)
    if ground is not None and not report.tell(overlap_findings(file, ground, where)):
        seen = report.sampler(file, where.removeprefix("climate."))
        report.tell(value_findings(file, ground, row, bands=(layer.band or 1,), watch=seen))


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
