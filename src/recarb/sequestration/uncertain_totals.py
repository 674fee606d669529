"""Uncertainty of national, provincial and land-use totals, under assumptions that stand beside it.

Errors of neighbouring cells are alike: both come from the same soil map, the same climate station.
How far, nobody knows; so a total is given under several stated correlations of its cells' errors,
from none to full.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Progress, Severity, no_progress
from recarb.core.grid import LONLAT, Tile, cell_areas_ha, cell_centres, transform
from recarb.core.sums import running_sum
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.sequestration.draws import DRAWN
from recarb.sequestration.forward import BAU
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.monte_carlo import quantities
from recarb.sequestration.output import DIAGNOSTICS, UNCERTAINTY
from recarb.sequestration.products import RATE
from recarb.sequestration.summary import ALL, PERCENT, T_PER_MT
from recarb.uncertainty.correlation import Blocks, total_sd
from recarb.uncertainty.distributions import Z_95
from recarb.uncertainty.variogram import Variogram, fit_variogram

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STRIP_ROWS = 256
CELLS_AT_ONCE = 2**16
M_PER_KM = 1000.0
HA_PER_KM2 = 100.0
KM_OF_TREND = 100.0  # keeps the numbers of a trend surface near one
SAME_GAIN = "the gain of SSM is off by the same everywhere, other "
DIGITS = 6  # significant, of the table: more than anybody knows of these numbers


@dataclass(frozen=True)
class Assumption:
    """How the errors of two cells are taken to go together."""

    text: str
    length_km: float  # 0: not at all, infinite: fully
    nugget: float = 0.0
    same_gain: bool = False  # whether the error of the gain is one for the country

    def sd(self, blocks: Blocks, weights: Floats, of_gain: Floats) -> float:
        """Standard deviation of the total of cells that each add one of `weights`.

        Parameters
        ----------
        of_gain : (cell,) share of the variance that the gain of SSM explains [0-1]
        """
        if self.same_gain:
            gain = total_sd(weights * np.sqrt(of_gain), fully=True)
            return float(np.hypot(gain, self._alike(blocks, weights * np.sqrt(1.0 - of_gain))))
        return self._alike(blocks, weights)

    def _alike(self, blocks: Blocks, weights: Floats) -> float:
        if self.length_km in {0.0, np.inf}:
            return total_sd(weights, fully=self.length_km > 0.0)
        return blocks.sd(weights, self.length_km, self.nugget)


@dataclass(frozen=True)
class CellsOfRun:
    """The cells with draws: their places in a plane [km], area [ha], unit, land use."""

    x_km: Floats
    y_km: Floats
    area_ha: Floats
    unit: NDArray[np.uint16]
    land_use: NDArray[np.uint8]

    @property
    def side_km(self) -> float:
        """Side of a square as large as the mean cell."""
        return float(np.sqrt(self.area_ha.mean() / HA_PER_KM2))


def totals_table(
    folder: Path, inputs: CountryInputs, progress: Progress = no_progress
) -> pd.DataFrame:
    """Every total with its standard deviation and 95 % interval under every assumption.

    Parameters
    ----------
    folder : of a run whose maps are written

    Returns
    -------
    One row per group of cells (as in summary.csv), quantity and assumption; no rows without cells.
    """
    config = inputs.config
    names = quantities(config)
    progress(0, len(names), "uncertainty of totals")
    where = _cells_with_draws(folder, config)
    if not where.any():
        return pd.DataFrame()
    cells = _cells_of(where, folder, inputs)
    t0 = _read(folder, config, "T0_mean")[where]
    assumptions = _assumptions(config, fitted_variogram(cells, t0))
    groups = [(*group, _blocks(cells, group[-1])) for group in _groups(cells, inputs)]
    rows: list[dict[str, object]] = []
    for done, (quantity, unit) in enumerate(names, start=1):
        mean = _read(folder, config, f"{quantity}_mean")[where] * cells.area_ha / T_PER_MT
        sd = _read(folder, config, f"{quantity}_sd")[where] * cells.area_ha / T_PER_MT
        of_gain = _share_of_gain(folder, config, quantity, where)
        for labels, inside, blocks in groups:
            known = {
                **labels,
                "quantity": quantity,
                "unit_of_total": "Mt C yr-1" if unit == RATE else "Mt C",
                "cells": int(inside.sum()),
                "area_ha": _rounded(float(cells.area_ha[inside].sum())),
            }
            rows += [
                known
                | _row(one, float(mean[inside].sum()), one.sd(blocks, sd[inside], of_gain[inside]))
                for one in assumptions
                if of_gain.any() or not one.same_gain
            ]
        progress(done, len(names), "uncertainty of totals")
    return pd.DataFrame(rows)


def totals_findings(table: pd.DataFrame, config: RunConfig) -> list[Finding]:
    """What the table does not have although it was asked for."""
    choices = config.monte_carlo
    wanted = choices is not None and choices.fit_correlation and not table.empty
    if not wanted or table["assumption"].str.contains("fitted").any():
        return []
    return [
        Finding(
            "no_correlation_length",
            Severity.NOTE,
            "totals_uncertainty.csv",
            "the stock shows no length of correlation: too few cells, or it changes through the "
            "whole country",
            "say one yourself: [monte_carlo] correlation_km",
        )
    ]


def fitted_variogram(cells: CellsOfRun, t0: Floats) -> Variogram | None:
    """How far the stock is like itself: of ln SOC after land uses and a trend surface.

    Without the surface, of second order, the change of stocks through the country, from plain to
    mountain, would pass for a correlation of errors.
    """
    uses, logarithm = np.unique(cells.land_use), np.log(t0)

    def known(part: slice) -> Floats:
        x, y = cells.x_km[part] / KM_OF_TREND, cells.y_km[part] / KM_OF_TREND
        of_class = (cells.land_use[part, None] == uses).astype(np.float64)
        return np.column_stack([of_class, x, y, x**2, x * y, y**2])

    # normal equations, summed up: the matrix of a large country would not fit into its memory
    parts = [slice(lo, lo + CELLS_AT_ONCE) for lo in range(0, t0.size, CELLS_AT_ONCE)]
    square = running_sum([known(part).T @ known(part) for part in parts])
    right = running_sum([known(part).T @ logarithm[part] for part in parts])
    fit = np.linalg.lstsq(square, right, rcond=None)[0]
    rest = [logarithm[part] - known(part) @ fit for part in parts]
    return fit_variogram(cells.x_km, cells.y_km, np.concatenate(rest))


def _assumptions(config: RunConfig, fitted: Variogram | None) -> list[Assumption]:
    choices = config.monte_carlo
    assert choices is not None  # noqa: S101 - the table is asked for only with a Monte Carlo
    found = [Assumption("errors of cells are independent", 0.0)]
    for length in sorted(choices.correlation_km):
        text = f"errors correlate as exp(-d / {length:g} km), given in run.toml"
        found.append(Assumption(text, length))
    if choices.fit_correlation and fitted is not None:
        length, nugget = _rounded(fitted.length_km, 3), round(fitted.nugget, 2)
        text = (
            f"errors correlate as the mapped stock does: exp(-d / {length:g} km), nugget "
            f"{nugget:g}, fitted to ln SOC after land uses and trend"
        )
        found.append(Assumption(text, length, nugget))
    found += [replace(one, text=SAME_GAIN + one.text, same_gain=True) for one in found]
    return [*found, Assumption("errors of all cells are one", np.inf)]


def _row(assumption: Assumption, total: float, sd: float) -> dict[str, object]:
    half = Z_95 * sd
    return {
        "assumption": assumption.text,
        "correlation_km": assumption.length_km,
        "nugget": assumption.nugget,
        "same_gain": assumption.same_gain,
        "total": _rounded(total),
        "sd": _rounded(sd),
        "low_95": _rounded(total - half),
        "high_95": _rounded(total + half),
        "half_width_pct": _rounded(PERCENT * half / abs(total)) if total else np.nan,
    }


def _groups(cells: CellsOfRun, inputs: CountryInputs) -> Iterator[tuple[dict[str, object], Bools]]:
    """Labels and cells of every group of summary.csv: country, land uses, units, units by use."""
    names = inputs.units.names if inputs.units else ("country",)
    codes, units = np.unique(cells.land_use).tolist(), np.unique(cells.unit).tolist()
    wanted = [("country", 0, 0)]
    wanted += [("land_use", 0, code) for code in codes]
    wanted += [("unit", unit, 0) for unit in units]
    wanted += [("unit_land_use", unit, code) for unit in units for code in codes]
    for level, unit, code in wanted:
        inside = np.ones(cells.unit.shape, dtype=bool)
        inside &= (cells.unit == unit) if unit else inside
        inside &= (cells.land_use == code) if code else inside
        if inside.any():
            yield (
                {
                    "level": level,
                    "unit": names[unit - 1] if unit else ALL,
                    "land_use": code or ALL,
                    "land_use_name": land_use_classes()[code].name if code else ALL,
                },
                inside,
            )


def _blocks(cells: CellsOfRun, inside: Bools) -> Blocks:
    return Blocks(cells.x_km[inside], cells.y_km[inside], cells.side_km)


def _cells_with_draws(folder: Path, config: RunConfig) -> Bools:
    return np.isfinite(_read(folder, config, "T0_mean"))


def _cells_of(where: Bools, folder: Path, inputs: CountryInputs) -> CellsOfRun:
    """Places, areas and groups of the cells `where` (y, x), in the order of the grid."""
    grid = inputs.grid
    rows, columns = np.nonzero(where)
    x, y = cell_centres(grid, rows, columns)
    lon, lat = transform(x, y, grid.crs, LONLAT)
    plane = _plane(lon, lat)
    east, north = transform(lon, lat, LONLAT, plane)
    areas, units = [], []
    for top in range(0, where.shape[0], STRIP_ROWS):
        strip = slice(top, min(top + STRIP_ROWS, where.shape[0]))
        tile = Tile(strip, slice(0, where.shape[1]))
        if where[strip].any():
            areas.append(cell_areas_ha(grid, tile)[where[strip]])
            units.append(inputs.unit_numbers(tile)[where[strip]])
    path = folder / DIAGNOSTICS / f"{inputs.config.iso3}_land_use.tif"
    with rasterio.open(path) as source:
        land_use = source.read(1)[where]
    return CellsOfRun(
        east / M_PER_KM, north / M_PER_KM, np.concatenate(areas), np.concatenate(units), land_use
    )


def _share_of_gain(folder: Path, config: RunConfig, quantity: str, where: Bools) -> Floats:
    """Share of a quantity's variance that the gain of SSM explains [0-1]; 0 of what has none."""
    if not quantity.startswith(("ASR", "RSR")) or quantity.endswith(BAU):
        return np.zeros(int(where.sum()))
    band = DRAWN.index("gain") + 1
    return np.nan_to_num(_read(folder, config, f"{quantity}_shares", band)[where])


def _plane(lon: Floats, lat: Floats) -> str:
    """A plane in which distances are true: about the middle of the cells, also across 180 deg."""
    at = np.deg2rad(lon)
    middle = np.rad2deg(np.arctan2(np.sin(at).mean(), np.cos(at).mean()))
    return f"+proj=aeqd +lat_0={lat.mean():.3f} +lon_0={middle:.3f} +datum=WGS84 +units=m"


def _read(folder: Path, config: RunConfig, stem: str, band: int = 1) -> Floats:
    """A map of the Monte Carlo, (y, x), NaN where it has no value."""
    with rasterio.open(folder / UNCERTAINTY / f"{config.iso3}_{stem}.tif") as source:
        found = source.read(band, masked=True)
    return np.asarray(found.astype(np.float64).filled(np.nan))


def _rounded(value: float, digits: int = DIGITS) -> float:
    return float(f"{value:.{digits}g}")
