"""`recarb check`: every fault of a run's inputs at once, before any computing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Climate, Layer, RunConfig
from recarb.core.errors import ConfigError, RecarbError
from recarb.core.findings import Finding, Severity
from recarb.core.grid import check_grid, tiles
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR, bands_of_years, days_of, months_of
from recarb.harmonise.climate import ClimateReader
from recarb.harmonise.crosswalk import load_crosswalk
from recarb.io.raster import LayerFile, describe
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.inputs import LAND_USE, CountryInputs, check_bands
from recarb.sequestration.layer_checks import (
    LayerSummary,
    code_findings,
    overlap_findings,
    summary_of,
    value_findings,
)
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.warm_up import reference_npp

Floats = NDArray[np.float64]
Result = TypeVar("Result")

MOST = 0.5  # share of cells that makes "most of a country"
SAMPLE_CELLS, SAMPLE_TILES, SAMPLE_SIZE = 400, 60, 16


@dataclass
class CheckReport:
    """What `recarb check` found."""

    findings: list[Finding] = field(default_factory=list)
    layers: list[LayerSummary] = field(default_factory=list)
    codes: dict[str, dict[int, int]] = field(default_factory=dict)
    inputs: CountryInputs | None = None

    def attempt(self, where: str, action: Callable[[], Result]) -> Result | None:
        """Do something; an error becomes a finding and the check goes on."""
        try:
            return action()
        except RecarbError as error:
            code = "config" if isinstance(error, ConfigError) else type(error).__name__
            self.findings.append(Finding(code, Severity.ERROR, where, str(error)))
            return None

    @property
    def broken(self) -> bool:
        """Whether any error was found."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def check_run(config: RunConfig) -> CheckReport:
    """Check every input of a run: files, units, grids, months, values, codes, and what looks odd."""
    report = CheckReport()
    soc = report.attempt("inputs.soc", lambda: _soc(config))
    if soc is None:
        return report
    grid: GeoBox = soc.geobox
    found = _static_layers(report, config, grid)
    for name, climate in config.climate.items():
        _climate_layers(report, config, name, climate, grid)
    _swapped(report, found)
    _products(report, config)
    if report.broken:
        return report
    report.inputs = report.attempt("run", lambda: CountryInputs(config))
    if report.inputs is not None:
        inputs = report.inputs
        report.attempt("sample", lambda: _sample(report, config, inputs))
    return report


def _soc(config: RunConfig) -> LayerFile:
    soc = describe("soc", config.inputs.soc)
    check_grid(soc.geobox, soc.where)
    return soc


def _static_layers(
    report: CheckReport, config: RunConfig, grid: GeoBox
) -> dict[str, LayerSummary]:
    found = {}
    for key in type(config.inputs).model_fields:
        layer: Layer | None = getattr(config.inputs, key)
        if layer is not None:
            row = report.attempt(f"inputs.{key}", lambda: _static(report, config, key, layer, grid))
            if row is not None:
                found[key] = row
    return found


def _static(
    report: CheckReport, config: RunConfig, key: str, layer: Layer, grid: GeoBox
) -> LayerSummary:
    name = "land_use" if key in LAND_USE else key
    file = describe(key, layer, catalogue()[name])
    check_bands(file, key, config)
    row = _opened(report, file, key)
    apart = overlap_findings(file, grid, key)
    report.findings += apart
    if apart:
        return row
    if key in LAND_USE:
        choice = getattr(config.inputs, key)
        crosswalk = load_crosswalk(choice.crosswalk, options=choice.options)
        wrong, report.codes[key] = code_findings(file, crosswalk, grid, key)
        report.findings += wrong
    elif not file.quantity.is_code:
        days = days_of(np.arange("2001-01", "2002-01", dtype="datetime64[M]"), climatology=True)
        per_band = days if file.count == YEAR else None
        bands = (file.layer.band,) if file.layer.band is not None else None
        report.findings += value_findings(file, grid, row, per_band, bands)
    return row


def _opened(report: CheckReport, file: LayerFile, key: str) -> LayerSummary:
    row = summary_of(file, key)
    report.layers.append(row)
    if file.unit_from == "run.toml" and file.unit_tag not in {None, file.unit}:
        report.findings.append(
            Finding(
                "unit_overrides_tag",
                Severity.WARNING,
                file.where,
                f"run.toml says {file.unit!r}, the file's tag {file.unit_tag!r}; run.toml counts",
            )
        )
    return row


@dataclass
class _YearWatch:
    """Sums up the months of a series, cell by cell, into a mean year."""

    totals: dict[int, Floats] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def __call__(self, bands: list[int], values: Floats) -> None:
        for band, field_ in zip(bands, values, strict=True):
            month = (band - 1) % YEAR
            flat = field_.ravel()
            if month in self.totals and self.totals[month].size != flat.size:
                continue  # a layer too large for one block: its first block stands for it
            self.totals[month] = self.totals.get(month, 0.0) + flat
            self.counts[month] = self.counts.get(month, 0) + 1

    def year(self) -> Floats:
        """(12, cell) mean year over the cells that have every month."""
        months = np.stack([self.totals[m] / self.counts[m] for m in range(YEAR)])
        return months[:, np.isfinite(months).all(axis=0)]


def _climate_layers(
    report: CheckReport, config: RunConfig, name: str, climate: Climate, grid: GeoBox
) -> None:
    where = f"climate.{name}"
    for key, layer in climate.layers().items():
        report.attempt(
            f"{where}.{key}", lambda: _climate_layer(report, config, name, climate, key, layer, grid)
        )
    if not report.broken:
        report.attempt(where, lambda: ClimateReader(name, climate, None, config.model))


def _climate_layer(
    report: CheckReport,
    config: RunConfig,
    name: str,
    climate: Climate,
    key: str,
    layer: Layer,
    grid: GeoBox,
) -> None:
    file = describe(key, layer)
    row = _opened(report, file, f"{name}.{key}")
    apart = overlap_findings(file, grid, f"climate.{name}.{key}")
    report.findings += apart
    months = months_of(file, climate.climatology)
    for years in _years_of(config, name):
        if not climate.climatology:
            bands_of_years(file, months, years)
    if apart:
        return
    watch = _YearWatch()
    days = days_of(months, climate.climatology)
    report.findings += value_findings(file, grid, row, days, watch=watch)
    if not report.broken:
        report.findings += _odd_climate(config, file, key, watch.year())


def _years_of(config: RunConfig, name: str) -> list[tuple[int, int]]:
    """Years that the phases want from one climate product."""
    wanted = []
    if config.spin_up.climate == name:
        wanted += [config.spin_up.years, config.npp_reference.years]
    if config.warm_up is not None and config.warm_up.climate == name:
        wanted.append(config.warm_up.years)
    return [years for years in wanted if years is not None]


def _odd_climate(config: RunConfig, file: LayerFile, key: str, year: Floats) -> list[Finding]:
    limits = config.suspicion
    if key == "rain" and year.size:
        dry = float((year.sum(axis=0) < limits.rain_below_mm_per_yr).mean())
        if dry > MOST:
            return [
                Finding(
                    "dry_country",
                    Severity.SUSPICIOUS,
                    file.where,
                    f"{dry:.0%} of the cells have less than {limits.rain_below_mm_per_yr:g} mm a year",
                    'is the file in mm/day? then write unit = "mm/day"',
                )
            ]
    if key == "temperature" and year.size:
        amplitude = float(np.median(year.max(axis=0) - year.min(axis=0)))
        if amplitude > limits.amplitude_above_c:
            return [
                Finding(
                    "temperature_amplitude",
                    Severity.SUSPICIOUS,
                    file.where,
                    f"the warmest month is {amplitude:.0f} K warmer than the coldest (median cell)",
                    'are these tenths of a degree (unit = "0.1 degC")?',
                )
            ]
    return []


def _swapped(report: CheckReport, found: Mapping[str, LayerSummary]) -> None:
    if not {"soc", "clay"} <= set(found):
        return
    soc, clay = found["soc"], found["clay"]
    if clay.mean > soc.mean:
        report.findings.append(
            Finding(
                "clay_above_soc",
                Severity.SUSPICIOUS,
                f"clay ({clay.file}), soc ({soc.file})",
                f"mean clay {clay.mean:.1f} % is above mean SOC {soc.mean:.1f} t C ha-1",
                "are the two files swapped, or is the stock in kg/m2?",
            )
        )


def _products(report: CheckReport, config: RunConfig) -> None:
    names = {config.spin_up.climate}
    names |= {config.warm_up.climate} if config.warm_up else set()
    names |= {config.forward.climate} if config.forward.climate else set()
    products = sorted({config.climate[name].product for name in names})
    if len(products) > 1:
        report.findings.append(
            Finding(
                "mixed_climate",
                Severity.SUSPICIOUS,
                "climate",
                f"the phases use different climate products: {', '.join(products)}",
                "two products differ by more than the climate changed; use one for all phases",
            )
        )
    spin_up = config.climate[config.spin_up.climate]
    if config.warm_up and spin_up.climatology and config.inputs.npp_reference is None:
        report.findings.append(
            Finding(
                "npp_like_with_like",
                Severity.NOTE,
                "npp_reference",
                "the reference is known as twelve means only: the level of NPP is compared mean "
                "climate with mean climate, the years vary about it",
            )
        )


def _sample(report: CheckReport, config: RunConfig, inputs: CountryInputs) -> None:
    """Spin up a few hundred cells: is the input they need within what can grow there?"""
    above, cells, jumps = 0, 0, []
    candidates = tiles(inputs.grid.shape, SAMPLE_SIZE)
    step = max(len(candidates) // SAMPLE_TILES, 1)
    outcomes = np.zeros(256, dtype=np.int64)
    for tile in candidates[step // 2 :: step] or candidates:
        loaded = inputs.load(tile)
        outcomes += np.bincount(loaded.outcome.ravel(), minlength=256)
        if loaded.cells.sizes["cell"]:
            state = spin_up(loaded.cells, inputs.tables)
            above += int((state["c_eq"].values > reference_npp(loaded.cells)).sum())
            cells += loaded.cells.sizes["cell"]
            jumps.append(_phase_means(loaded.cells))
        if cells >= SAMPLE_CELLS:
            break
    if cells == 0 and len(candidates) <= SAMPLE_TILES:
        report.findings.append(_nothing_to_run(outcomes))
    if cells and above / cells > MOST:
        report.findings.append(
            Finding(
                "c_eq_above_npp",
                Severity.SUSPICIOUS,
                "spin-up",
                f"{above} of {cells} sampled cells need more carbon input than MIAMI says can grow",
                "is the SOC stock too high (unit?), or temperature, rain or PET wrong?",
            )
        )
    if jumps:
        report.findings += _jump(config, np.average(jumps, axis=0))


def _nothing_to_run(outcomes: NDArray[np.int64]) -> Finding:
    reasons = ", ".join(
        f"{outcomes[o]} {o.name.lower()}" for o in Outcome if o is not Outcome.OUTSIDE and outcomes[o]
    )
    return Finding(
        "nothing_to_run",
        Severity.ERROR,
        "run",
        f"no cell can be modelled: {reasons or 'all lie outside the boundary'}",
        "do the layers cover the country, and is the crosswalk that of the land-cover map?",
    )


def _phase_means(cells: xr.Dataset) -> Floats:
    """Mean temperature and yearly rain of the spin-up and of the forward climate."""
    return np.array(
        [
            cells["temperature_spin_up"].values.mean(),
            cells["rain_spin_up"].values.sum(axis=1).mean(),
            cells["temperature_forward"].values.mean(),
            cells["rain_forward"].values.sum(axis=1).mean(),
        ]
    )


def _jump(config: RunConfig, means: Floats) -> list[Finding]:
    warmer = means[2] - means[0]
    wetter = PERCENT * (means[3] - means[1]) / means[1] if means[1] > 0 else 0.0
    limits = config.suspicion
    if abs(warmer) <= limits.temperature_jump_c and abs(wetter) <= limits.rain_jump_pct:
        return []
    return [
        Finding(
            "climate_jump",
            Severity.SUSPICIOUS,
            "climate",
            f"from spin-up to forward the mean temperature moves by {warmer:+.2f} K and rain by "
            f"{wetter:+.0f} %",
            "two products or two baselines fake a climate change; use one product for all phases",
        )
    ]
