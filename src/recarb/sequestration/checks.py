"""`recarb check`: every fault of a run's inputs at once, before any computing."""

from collections.abc import Mapping
from time import monotonic

import numpy as np
from odc.geo.geobox import GeoBox

from recarb.core.config import LandUseLayer, Layer, RunConfig
from recarb.core.errors import GridMismatch
from recarb.core.findings import Finding, Progress, Severity, no_progress
from recarb.core.grid import LONLAT, check_grid, transform
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR, climatology_months, days_of
from recarb.harmonise.crosswalk import load_crosswalk
from recarb.io.raster import LayerFile, describe
from recarb.io.vectors import read_units
from recarb.sequestration.check_report import CheckReport, LayerSummary
from recarb.sequestration.climate_checks import MOST, check_climate
from recarb.sequestration.grid_checks import shift_findings
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.layer_checks import (
    code_findings,
    constant_findings,
    ground_of,
    mask_findings,
    overlap_findings,
    together,
    unit_findings,
    value_findings,
    zone_findings,
)
from recarb.sequestration.layers import LAND_USE, check_bands
from recarb.sequestration.look import Look, View
from recarb.sequestration.practices.measures import practice_findings
from recarb.sequestration.sample_checks import Occupied, check_sample
from recarb.sequestration.series_checks import CoverWatch
from recarb.sequestration.suspicions import SuspicionCode, suspicion, unknown_accepts
from recarb.sequestration.tables import ModelTables

__all__ = ["MOST", "CheckReport", "check_run"]

MASKS = ("peat", "wetland")
VARYING = ("soc", "clay")  # maps that are never one value all over; others may be


def check_run(
    config: RunConfig, progress: Progress = no_progress, look: bool = False
) -> CheckReport:
    """Check every input of a run: files, units, grids, months, values, codes, and what looks odd.

    Bad data do not raise: whatever is wrong with them becomes a finding, and the check goes on.
    `progress` is called with layers done, layers in all, and what is being done. With `look` every
    layer also gets a small map and its share of the country; that takes no second reading.
    """
    start = monotonic()
    report = CheckReport(progress=progress, expected=_layer_count(config))
    _check(report, config, look)
    if report.look is not None:
        for row in report.layers:
            row.covers_pct = report.look.covers_pct(row.key)
    report.seconds = monotonic() - start
    return report


def _check(report: CheckReport, config: RunConfig, look: bool) -> None:
    report.tell(unknown_accepts(config.accept))
    if report.attempt("model", ModelTables.of, config) is not None:
        report.tell(list(practice_findings(config)))
    report.tell(_small_gain(config))
    grid = report.attempt("inputs.soc", _grid, config)
    if look and grid is not None:
        report.look = Look(View.of(config, grid))
    occupied = None if grid is None else Occupied((grid.shape[0], grid.shape[1]))
    found = _static_layers(report, config, grid, occupied)
    for name in config.climate:
        check_climate(report, config, name, grid)
    _odd_soil(report, config, found)
    _products(report, config)
    if report.broken or occupied is None:
        _check_boundary(report, config, grid)
        return
    report.inputs = report.attempt("run", CountryInputs, config)
    if report.inputs is not None:
        inputs = report.inputs
        report.attempt("run", check_sample, report, config, inputs, occupied)


def _layer_count(config: RunConfig) -> int:
    maps = [key for key in type(config.inputs).model_fields if getattr(config.inputs, key)]
    return len(maps) + sum(len(climate.layers()) for climate in config.climate.values())


def _grid(config: RunConfig) -> GeoBox:
    """The grid of the run, which is that of the SOC map."""
    soc = describe("inputs.soc", config.inputs.soc, catalogue()["soc"])
    grid = soc.geobox
    check_grid(grid, soc.where)
    box = grid.boundingbox
    corners = np.array([(x, y) for x in (box.left, box.right) for y in (box.bottom, box.top)])
    if not np.isfinite(transform(corners[:, 0], corners[:, 1], grid.crs, LONLAT)).all():
        raise GridMismatch(
            f"{soc.where}: expected a map on the Earth; its corners (x {box.left:g} to "
            f"{box.right:g}, y {box.bottom:g} to {box.top:g}) have no longitude and latitude in "
            "its coordinate system: assign the right one"
        )
    return grid


def _check_boundary(report: CheckReport, config: RunConfig, grid: GeoBox | None) -> None:
    boundary = config.boundary
    if boundary is not None and grid is not None:
        report.attempt("boundary", read_units, boundary.path, grid, boundary.unit_field)


def _static_layers(
    report: CheckReport, config: RunConfig, grid: GeoBox | None, occupied: Occupied | None
) -> dict[str, LayerSummary]:
    found = {}
    for key in type(config.inputs).model_fields:
        layer: Layer | None = getattr(config.inputs, key)
        if layer is None or (key == "soc" and grid is None):
            continue
        row = report.attempt(f"inputs.{key}", _static, report, config, key, layer, grid, occupied)
        if row is not None:
            found[key] = row
    return found


def _static(
    report: CheckReport,
    config: RunConfig,
    key: str,
    layer: Layer,
    grid: GeoBox | None,
    occupied: Occupied | None,
) -> LayerSummary:
    where = f"inputs.{key}"
    file = describe(where, layer, catalogue()["land_use" if key in LAND_USE else key])
    row = report.opened(file, key)
    report.tell(unit_findings(file))
    before = report.errors
    report.attempt(where, check_bands, file, key, config)
    if isinstance(layer, LandUseLayer):
        for number, override in enumerate(layer.override):
            name = f"{where}.override.{number}"
            report.attempt(name, _override, report, override, name, grid)
    ground = ground_of(file, grid)
    if ground is None or report.errors > before:
        return row
    if report.tell(overlap_findings(file, ground, where)):
        return row
    report.tell(shift_findings(file, ground))
    _values(report, config, file, key, ground, row, occupied)
    return row


def _values(
    report: CheckReport,
    config: RunConfig,
    file: LayerFile,
    key: str,
    ground: GeoBox,
    row: LayerSummary,
    occupied: Occupied | None,
) -> None:
    """Read all of a layer that lies on the country."""
    if isinstance(file.layer, LandUseLayer):
        crosswalk = load_crosswalk(file.layer.crosswalk, options=file.layer.options)
        watch = report.sampler(file, key, crosswalk.classes)
        wrong, report.codes[key] = code_findings(file, crosswalk, ground, row, watch)
        report.tell(wrong)
    elif key in MASKS:
        report.tell(mask_findings(file, ground, row, report.sampler(file, key)))
    elif file.quantity.is_code:
        zones = {zone for s in config.scenarios for zone in s.zones}
        report.tell(zone_findings(file, ground, row, zones, report.sampler(file, key)))
    else:
        cover = CoverWatch() if key == "cover" else None
        counted = occupied if key == "soc" else None
        seen = together(counted, cover, report.sampler(file, key))
        if report.tell(value_findings(file, ground, row, _days(file), _bands(file), seen)):
            return
        if key in VARYING:
            report.tell(constant_findings(file, row))
        if cover is not None:
            report.tell(cover.findings(file))


def _days(file: LayerFile) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    return days_of(climatology_months(), climatology=True) if file.count == YEAR else None


def _bands(file: LayerFile) -> tuple[int, ...] | None:
    return None if file.layer.band is None else (file.layer.band,)


def _override(report: CheckReport, layer: Layer, where: str, grid: GeoBox | None) -> None:
    """A share that gives some cells another class."""
    file = describe(where, layer, catalogue()["cover"])
    row = report.opened(file, where.removeprefix("inputs."))
    report.tell(unit_findings(file))
    ground = ground_of(file, grid)
    if ground is not None and not report.tell(overlap_findings(file, ground, where)):
        seen = report.sampler(file, where.removeprefix("inputs."))
        report.tell(value_findings(file, ground, row, bands=(layer.band or 1,), watch=seen))


def _small_gain(config: RunConfig) -> list[Finding]:
    """Scenarios whose gains look like shares: 0.05 for 5 %."""
    limit = config.suspicion.gain_below_pct
    largest = {one.name: max(map(abs, one.gains_pct)) for one in config.scenarios}
    small = [f"{gain:g} % in {name}" for name, gain in largest.items() if 0.0 < gain < limit]
    if not small:
        return []
    return [
        suspicion(
            SuspicionCode.SMALL_GAIN,
            "scenarios",
            f"the largest gain is {', '.join(small)}; expected {limit:g} % or more of the carbon "
            "input under business as usual",
            "is it a share? gains are percent: gain_pct = 5.0, not 0.05",
        )
    ]


def _odd_soil(report: CheckReport, config: RunConfig, found: Mapping[str, LayerSummary]) -> None:
    """What the means of clay and SOC say about swapped files and wrong units."""
    if "clay" not in found:
        return
    clay, limit = found["clay"], config.suspicion.clay_below_pct
    if 0.0 < clay.mean < limit:
        report.tell(
            [
                suspicion(
                    SuspicionCode.LOW_CLAY,
                    f"inputs.clay ({clay.file})",
                    f"the mean clay content is {clay.mean:.2g} %; expected more than "
                    f"{limit:g} % in a whole country",
                    'is it a share (write unit = "1" beside its path), or was a scale factor '
                    "applied twice (apply_scale = false)?",
                )
            ]
        )
    if "soc" in found and clay.mean > found["soc"].mean:
        soc = found["soc"]
        report.tell(
            [
                suspicion(
                    SuspicionCode.CLAY_ABOVE_SOC,
                    f"inputs.clay ({clay.file}), inputs.soc ({soc.file})",
                    f"the mean clay content, {clay.mean:.1f} %, is above the mean SOC stock, "
                    f"{soc.mean:.1f} t C ha-1; expected the stock to be the larger number",
                    'are the two files swapped, is the stock in kg/m2 (unit = "kg/m2"), or the '
                    'clay in g/kg (unit = "g/kg")?',
                )
            ]
        )


def _products(report: CheckReport, config: RunConfig) -> None:
    names = {config.spin_up.climate}
    names |= {config.warm_up.climate} if config.warm_up else set()
    names |= {config.forward.climate} if config.forward.climate else set()
    products = sorted({config.climate[name].product for name in names})
    if len(products) > 1:
        report.tell(
            [
                suspicion(
                    SuspicionCode.MIXED_CLIMATE,
                    "climate",
                    f"expected one climate product for all phases, found {', '.join(products)}",
                    "two products differ by more than the climate changed; use one for all phases",
                )
            ]
        )
    spin_up = config.climate[config.spin_up.climate]
    if config.warm_up and spin_up.climatology and config.inputs.npp_reference is None:
        report.tell(
            [
                Finding(
                    "npp_like_with_like",
                    Severity.NOTE,
                    "npp_reference",
                    "the reference is known as twelve means only: the level of NPP is compared "
                    "mean climate with mean climate, the years vary about it",
                )
            ]
        )
