"""One cell month by month: the whole trajectory, all phases and scenarios."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.errors import InputError
from recarb.core.grid import LONLAT, Tile, transform
from recarb.rothc import kernels
from recarb.sequestration.ahead import land_use_ahead, weather_ahead
from recarb.sequestration.carbon_input import npp_ratio
from recarb.sequestration.forward import BAU, courses_of_input
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import MEANING, Outcome
from recarb.sequestration.members import weather_of
from recarb.sequestration.spin_up import POOLS, spin_up
from recarb.sequestration.tables import YEAR, ModelTables
from recarb.sequestration.warm_up import warm_up

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectory:
    """The months of one cell, and what it is.

    `months`: phase, scenario, year, month, dpm_tc_ha ... hum_tc_ha, iom_tc_ha, soc_tc_ha,
    c_input_tc_ha, rate, deficit_mm.
    """

    lon: float
    lat: float
    row: int
    column: int
    facts: dict[str, float]
    months: pd.DataFrame
    note: str = ""


def trajectory(config: RunConfig, lon: float, lat: float) -> Trajectory:
    """Run one cell with every month kept; its ends are the values of the maps.

    Raises
    ------
    InputError
        The point lies outside the SOC map, or its cell is not modelled (the message says why).
    """
    inputs = CountryInputs(config)
    tile = cell_at(inputs, lon, lat)
    loaded = inputs.load(tile)
    outcome = Outcome(int(loaded.outcome[0, 0]))
    if outcome is not Outcome.RUN:
        raise InputError(f"the cell at {lon:g}, {lat:g} is not modelled: {MEANING[outcome]}")
    cell, tables = loaded.cells, inputs.tables
    state = spin_up(cell, tables)
    warm = warm_up(state, cell, tables)
    outcome = Outcome(int(warm["outcome"].values[0]))
    if outcome is not Outcome.RUN:
        raise InputError(f"the cell at {lon:g}, {lat:g} is not modelled: {MEANING[outcome]}")
    parts = [_spin_up_year(state, cell, tables, config)]
    if config.warm_up is not None:
        parts.append(_warm_up_months(state, cell, tables, config))
    parts += _forward_months(warm, cell, tables, config)
    facts = {
        "soc_tc_ha": float(cell["soc"].values[0]),
        "clay_pct": float(cell["clay"].values[0]),
        "land_use": float(cell["land_use"].values[0]),
        "c_eq_tc_ha_per_yr": float(state["c_eq"].values[0]),
        "c_bau_tc_ha_per_yr": float(warm["c_bau"].values[0]),
        "npp_tc_ha_per_yr": float(warm["npp_reference"].values[0]),
    }
    months = pd.concat(parts, ignore_index=True)
    return Trajectory(lon, lat, tile.rows.start, tile.columns.start, facts, months, config.note)


def cell_at(inputs: CountryInputs, lon: float, lat: float) -> Tile:
    """The tile of the one cell that holds a point."""
    x, y = transform(np.array([lon]), np.array([lat]), LONLAT, inputs.grid.crs)
    a = inputs.grid.transform
    column, row = int(np.floor((x[0] - a.c) / a.a)), int(np.floor((y[0] - a.f) / a.e))
    height, width = inputs.grid.shape
    if not (0 <= row < height and 0 <= column < width):
        box = inputs.grid.boundingbox
        raise InputError(
            f"the point {lon:g}, {lat:g} (longitude, latitude) lies outside the SOC map, which "
            f"covers x {box.left:g} to {box.right:g}, y {box.bottom:g} to {box.top:g}"
        )
    return Tile(slice(row, row + 1), slice(column, column + 1))


def _stepped(
    start: Floats,
    deficit: float,
    cell: xr.Dataset,
    phase: str,
    c_input: Floats,
    tables: ModelTables,
    land_use: NDArray[np.uint8],
    years: int,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Months of a phase, year by year because land use may change: pools, input, rate, deficit.

    Each year has its own DPM/RPM, monthly shares and paddy factor.

    `c_input`, `land_use` : (years | 1,); monthly climate and cover repeat where they have one year.
    """
    weather = weather_ahead(cell) if phase == "forward" else weather_of(cell, phase)
    collected: list[tuple[Floats, ...]] = []
    for year in range(years):
        at = weather._replace(
            **{
                key: np.resize(values[:, 0], (years, YEAR))[year]
                for key, values in weather._asdict().items()
            }
        )
        used = land_use[year % land_use.size]
        amount = c_input[year % c_input.size] * tables.share[used]
        inputs = amount[:, None] * tables.entry(np.array(used))
        pools, respired, deficits, rates = kernels.run_months(
            start,
            deficit,
            at.temperature_c,
            at.rain_mm + at.irrigation_mm - at.pet_mm,
            at.cover,
            bool(tables.paddy[used]),
            inputs,
            float(cell["clay"].values[0]),
            tables.depth_cm,
            tables.parameters,
        )
        collected.append((pools, inputs.sum(axis=1), rates, deficits, respired))
        start, deficit = pools[-1].copy(), float(deficits[-1])
    pools, amounts, rates, deficits, respired = (
        np.concatenate(p) for p in zip(*collected, strict=True)
    )
    return pools, amounts, rates, deficits, respired


def _frame(
    phase: str, scenario: str, first_year: int, iom: float, months: tuple[Floats, ...]
) -> pd.DataFrame:
    pools, amounts, rates, deficits, respired = months
    number = np.arange(rates.size)
    frame = pd.DataFrame(
        {
            "phase": phase,
            "scenario": scenario,
            "year": first_year + number // YEAR,
            "month": number % YEAR + 1,
        }
    )
    for i, pool in enumerate(POOLS):
        frame[f"{pool}_tc_ha"] = pools[:, i]
    return frame.assign(
        iom_tc_ha=iom,
        soc_tc_ha=pools.sum(axis=1) + iom,
        c_input_tc_ha=amounts,
        respired_tc_ha=respired,
        rate=rates,
        deficit_mm=deficits,
    )


def _spin_up_year(
    state: xr.Dataset, cell: xr.Dataset, tables: ModelTables, config: RunConfig
) -> pd.DataFrame:
    """The periodic year of the equilibrium; it ends where it began."""
    land_use = cell["land_use_spin_up"].values
    months = _stepped(
        state["pools"].isel(cell=0).values,
        float(state["deficit"].values[0]),
        cell.assign(land_use=("cell", land_use)),
        "spin_up",
        state["c_eq"].values,
        tables,
        land_use,
        1,
    )
    return _frame("spin_up", BAU, config.model.soc_year, float(state["iom"].values[0]), months)


def _warm_up_months(
    state: xr.Dataset, cell: xr.Dataset, tables: ModelTables, config: RunConfig
) -> pd.DataFrame:
    assert config.warm_up is not None  # noqa: S101 - the caller asked
    land_use = cell["land_use"].values
    if "land_use_yearly" in cell:
        land_use = cell["land_use_yearly"].isel(cell=0).values
    fraction = tables.npp_fraction
    kept = fraction[land_use] / fraction[cell["land_use_spin_up"].values[0]]
    c_input = state["c_eq"].values[0] * npp_ratio(cell)[0, :, 0] * kept
    first, last = config.warm_up.years
    months = _stepped(
        state["pools"].isel(cell=0).values,
        float(state["deficit"].values[0]),
        cell,
        "warm_up",
        c_input,
        tables,
        land_use,
        last - first + 1,
    )
    return _frame("warm_up", BAU, first, float(state["iom"].values[0]), months)


def _forward_months(
    warm: xr.Dataset, cell: xr.Dataset, tables: ModelTables, config: RunConfig
) -> list[pd.DataFrame]:
    names = [BAU, *(scenario.name for scenario in config.scenarios)]
    courses = courses_of_input(warm, cell, tables, config.scenarios, config.forward.last)
    frames = []
    for name, course in zip(names, courses, strict=True):
        months = _stepped(
            warm["pools"].isel(cell=0).values,
            float(warm["deficit"].values[0]),
            cell,
            "forward",
            course[0, :, 0],
            tables,
            land_use_ahead(cell)[:, 0],
            config.forward.last,
        )
        iom = float(warm["iom"].values[0])
        frames.append(_frame("forward", name, config.t0_year + 1, iom, months))
    return frames
