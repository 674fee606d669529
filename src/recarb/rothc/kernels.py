"""Spin-up, warm-up and forward for many cells: in blocks, and cell by cell where blocks do not do.

Arrays are C-contiguous float64 with the cell as last axis and, where members differ, the member as
first (see `weather`). A compiled kernel raises nothing: it returns a status byte per cell. Every
cell has the same bits in any block and on any number of threads; blocks agree with the scalar
equations to 1e-10 relative (tests).

Deficits are (member, cell); with mixed cover (member, 2, cell), of covered and of bare ground.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.errors import MissingData
from recarb.rothc.block_steps import WIDTH, supports
from recarb.rothc.blocks import forward_blocks, spin_up_blocks, warm_up_blocks
from recarb.rothc.parameters import STANDARD, Parameters
from recarb.rothc.pools import co2_ratio
from recarb.rothc.rates import Limits, paddy_rate, seasonal_paddy_rate
from recarb.rothc.single import (
    forward_cells,
    limits_of,
    spin_up_cells,
    step_months,
    warm_up_cells,
)
from recarb.rothc.weather import Land, Soils, Weather

__all__ = ["BLOCK", "YEAR", "forward", "prepared", "run_months", "spin_up", "warm_up"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

YEAR = 12  # months
BLOCK = WIDTH
NO_SHIFT = (np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1)))  # of the climate and cover


def prepared(soils: Soils, depth_cm: float, p: Parameters) -> Soils:
    """The soils with all that the variant of `p` needs to know of them.

    Raises
    ------
    MissingData
        The limits by van Genuchten need silt, bulk density and organic carbon, which are not given.
    """
    if p.variant.moisture == STANDARD:
        return soils
    texture = (soils.clay_pct, soils.silt_pct, soils.organic_carbon_pct, soils.bulk_density_g_cm3)
    if any(layer.shape != soils.clay_pct.shape for layer in texture):
        raise MissingData(
            "the water limits by van Genuchten need silt [%], organic carbon [%] and bulk density "
            "[g cm-3] of every cell beside clay; not all of them are given"
        )
    from recarb.rothc.hydraulics import limits_of_cells  # compiled only where it is wanted

    return soils._replace(limits_mm=limits_of_cells(*texture, depth_cm, p))


def with_calendar(land: Land, p: Parameters) -> Land:
    """`land`, or MissingData without the calendar of the seasonal paddy scheme."""
    if p.variant.seasonal_paddy and land.flooded.shape != (YEAR, land.paddy.shape[1]):
        raise MissingData(
            "the seasonal paddy scheme needs the part of each month under water, (12, cell); "
            f"came {land.flooded.shape}"
        )
    return land


def by_ground(deficit_mm: Floats, p: Parameters) -> Floats:
    """Deficits as (member, 1 | 2, cell), or MissingData."""
    if not p.variant.mixed_cover:
        return deficit_mm[:, None]
    if deficit_mm.shape[1:-1] != (2,):
        raise MissingData(
            "mixed cover needs the deficits of covered and of bare ground, (member, 2, cell); "
            f"came {deficit_mm.shape}"
        )
    return deficit_mm


def as_given(deficit_mm: Floats, p: Parameters) -> Floats:
    """The reverse of `by_ground`."""
    return deficit_mm if p.variant.mixed_cover else deficit_mm[:, 0]


def spin_up(
    weather: Weather,
    soils: Soils,
    land: Land,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats, Bytes]:
    """Equilibrium pools per unit of annual input, for every member and cell.

    Parameters
    ----------
    weather : the periodic year, 12 months
    land : one year
    depth_cm : [cm]
    block : cells worked on together, WIDTH at most; changes no bit of the result

    Returns
    -------
    pools : (member, 4, cell) [t C ha-1 per t C ha-1 yr-1], NaN where the status is not OK
    deficit_mm : (member, cell) [mm] at the end of December
    mean_rate : (member, cell) [-]
    status : (member, cell) `OK`, `NO_TURNOVER`, `DEFICIT_NOT_PERIODIC` or `NO_WATER_LIMITS`
    """
    what = (weather, prepared(soils, depth_cm, p), with_calendar(land, p), depth_cm, p)
    in_blocks = supports(p) and not p.variant.analytical_spin_up
    found = spin_up_blocks(*what, min(block, WIDTH)) if in_blocks else spin_up_cells(*what)
    pools, deficit, mean_rate, status = found
    return pools, as_given(deficit, p), mean_rate, status


def warm_up(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step every member and cell month by month through a series of years.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
        State at the start.
    c_input : (member, years, cell) [t C ha-1 yr-1]

    Returns
    -------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
    mean_rate : (member, cell) [-]
    respired : (member, cell) [t C ha-1] over the whole series
    """
    what = (
        pools,
        by_ground(deficit_mm, p),
        weather,
        prepared(soils, depth_cm, p),
        with_calendar(land, p),
        c_input,
        depth_cm,
        p,
    )
    found = warm_up_blocks(*what, min(block, WIDTH)) if supports(p) else warm_up_cells(*what)
    pools, deficit, mean_rate, respired = found
    return pools, as_given(deficit, p), mean_rate, respired


def forward(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    years: int,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats]:
    """All scenarios at once: what is left of the pools, and what a unit of input becomes.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
        State at the start.
    weather : the year that repeats, 12 months
    land : one year

    Returns
    -------
    left : (member, 4, cell) [t C ha-1]
        A^n y0, the same for every scenario.
    response : (member, 3, 4, cell) [t C ha-1 per t C ha-1 yr-1]
        Pools after `years` from a unit of annual input entering DPM, RPM or HUM.
    mean_rate : (member, cell) [-] of the last year's climate state
    """
    what = (
        pools,
        by_ground(deficit_mm, p),
        weather,
        prepared(soils, depth_cm, p),
        with_calendar(land, p),
        years,
        depth_cm,
        p,
    )
    return forward_blocks(*what, min(block, WIDTH)) if supports(p) else forward_cells(*what)


def limits_of_soil(soils: Soils, depth_cm: float, p: Parameters) -> Limits:
    """Limits of the deficit of the first soil of `soils` [mm]; NaN where its curve has none."""
    return limits_of(prepared(soils, depth_cm, p), 0, 0, depth_cm, p)


def paddy_rates(months: int, paddy: bool, flooded: Floats | None, p: Parameters) -> Floats:
    """Rate modifier of flooded rice of one soil, (months,) [-]; `flooded` as in `run_months`."""
    if not (paddy and p.variant.seasonal_paddy):
        return np.full(months, paddy_rate(paddy, p))
    if flooded is None:
        raise MissingData("the seasonal paddy scheme needs the part of each month under water")
    return np.array([seasonal_paddy_rate(part, p) for part in flooded])


def run_months(
    pools: Floats,
    deficit_mm: float | Floats,
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: bool,
    inputs: Floats,
    clay_pct: float,
    depth_cm: float,
    p: Parameters,
    limits: Limits | None = None,
    flooded: Floats | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step one soil and keep every month.

    Parameters
    ----------
    pools : (4,) [t C ha-1]
    deficit_mm : at the start [mm]; with mixed cover (2,), of covered and of bare ground
    temperature_c, balance_mm, cover : (months,)
    inputs : (months, 3) [t C ha-1] entering DPM, RPM, HUM
    limits : limits of the deficit; needed by the variants of moisture, else by clay
    flooded : (months,) part under water [-]; needed by a paddy of the seasonal scheme

    Returns
    -------
    pools : (months, 4) [t C ha-1]; respired : (months,) [t C ha-1];
    deficit_mm : (months,) [mm], with mixed cover (months, 2); rate : (months,) [-]
    """
    if limits is None:
        limits = limits_of_soil(Soils(np.array([[clay_pct]]), *NO_SHIFT), depth_cm, p)
    history, respired, deficits, rates = step_months(
        pools,
        np.atleast_1d(np.asarray(deficit_mm, dtype=np.float64)),
        temperature_c,
        balance_mm,
        cover,
        paddy_rates(temperature_c.size, paddy, flooded, p),
        inputs,
        limits,
        co2_ratio(clay_pct, p),
        p,
    )
    return history, respired, deficits if p.variant.mixed_cover else deficits[:, 0], rates
