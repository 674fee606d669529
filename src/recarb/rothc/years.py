"""The years ahead one by one: what the pools of today and the input of each year become.

A year y maps the pools to A_y y + U_y r, where r (3) is the year's carbon input into DPM, RPM and
HUM. With w_h = (1, 1, 1, 1) at a horizon h and w_(y-1) = A_y^T w_y, the stock at h is

    w_0 . y_0 + sum over the years y of (w_y^T U_y) . r_y

Stepping w backwards through the years gives every w_y^T U_y at once: the stock that a unit of
input in that year alone has become. So weather, cover and land may differ from year to year, and
any course of inputs is one sum.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.block_steps import (
    DEFICIT,
    PLANT_POOL,
    RATES,
    ROWS,
    WIDTH,
    slow_paddy,
    supports,
)
from recarb.rothc.blocks import PLANT, annual_map_block, fill_block
from recarb.rothc.equilibrium import COLUMNS, INPUTS, POOLS, extend_columns, year_rates
from recarb.rothc.equilibrium import reset_columns as reset_cell
from recarb.rothc.kernels import BLOCK, YEAR, by_ground, prepared, with_calendar
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import co2_ratio
from recarb.rothc.single import deficits_of, keep_deficits, limits_of, year_of
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def yearly_response(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    horizons: tuple[int, ...],
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats]:
    """Stock at several horizons from today's pools, and from a unit of input in each year alone.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm], with mixed cover (member, 2, cell)
        State at the start.
    weather, land : twelve months that repeat, or every month up to the last horizon; `land.entry`
        is not used
    horizons : years after the start, ascending
    block : cells worked on together, WIDTH at most; changes no bit of the result

    Returns
    -------
    left : (member, horizon, cell) [t C ha-1]
        Active carbon that remains of `pools`.
    response : (member, horizon, year, 3, cell) [t C ha-1 per t C ha-1 yr-1]
        Active carbon at the horizon from a unit of input into DPM, RPM or HUM in that year alone;
        0 for the years after the horizon.
    mean_rate : (member, cell) [-] over all years
    """
    return _yearly_response(
        pools, by_ground(deficit_mm, p), weather, prepared(soils, depth_cm, p),
        with_calendar(land, p), np.array(horizons, dtype=np.int64), depth_cm, p, block, supports(p),
    )  # fmt: skip


@njit
def _yearly_response(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    horizons: Integers,
    depth_cm: float,
    p: Parameters,
    block: int,
    in_blocks: bool,
) -> tuple[Floats, Floats, Floats]:
    members, cells = soils.clay_pct.shape
    years = horizons[-1]
    left = np.empty((members, horizons.size, cells))
    response = np.zeros((members, horizons.size, years, INPUTS, cells))
    mean_rate = np.empty((members, cells))
    which = np.empty(years, dtype=np.int64)
    step = min(block, WIDTH)
    for lo in range(0, cells, step):
        hi = min(lo + step, cells)
        maps = np.empty((years, COLUMNS, PLANT, hi - lo))
        for k in range(members):
            year_maps(
                weather, soils, land, k, lo, hi, depth_cm, p, in_blocks,
                deficit_mm[k, :, lo:hi].copy(), maps, which, mean_rate[k, lo:hi],
            )  # fmt: skip
            for h in range(horizons.size):
                back_through_years(
                    maps, which[: horizons[h]], pools[k, :, lo:hi], left[k, h, lo:hi],
                    response[k, h, :, :, lo:hi],
                )  # fmt: skip
    return left, response, mean_rate


@njit
def year_maps(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    lo: int,
    hi: int,
    depth_cm: float,
    p: Parameters,
    in_blocks: bool,
    deficit_mm: Floats,
    maps: Floats,
    which: Integers,
    mean_rate: Floats,
) -> None:
    """Fill the annual maps (years, 7, 3, cells) of a block; `maps[which[y]]` is that of year y.

    `deficit_mm` (1 | 2, cells) is changed in place. A year that repeats the one before, deficit and
    all, is not computed again.
    """
    block, total = np.empty((ROWS, WIDTH)), np.zeros(hi - lo)
    if in_blocks:
        fill_block(soils, land, member, lo, hi, depth_cm, p, deficit_mm[0], block)
    alike = (
        weather.temperature_c.shape[0] == YEAR
        and weather.cover.shape[0] == YEAR
        and land.paddy.shape[0] == 1
        and land.share.shape[0] == YEAR
    )
    settled = False
    for year in range(which.size):
        which[year] = which[year - 1] if settled else year
        if not settled:
            before = deficit_mm.copy()
            if in_blocks:
                slow_paddy(land.paddy[year % land.paddy.shape[0], lo:hi], p, block)
                annual_map_block(weather, land, year, lo, hi, p, block, maps[year])
                deficit_mm[0] = block[DEFICIT, : hi - lo]
            else:
                for j in range(hi - lo):
                    block[RATES, j] = YEAR * annual_map_cell(
                        weather, soils, land, member, lo + j, year, depth_cm, p, deficit_mm[:, j],
                        maps[year, :, :, j],
                    )  # fmt: skip
            settled = alike and np.array_equal(before, deficit_mm)
        total += block[RATES, : hi - lo]
    mean_rate[:] = total / (which.size * YEAR)


@njit
def annual_map_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    i: int,
    year: int,
    depth_cm: float,
    p: Parameters,
    deficit_mm: Floats,
    columns: Floats,
) -> float:
    """Fill the map (7, 3) of one year of one cell, step `deficit_mm` (1 | 2,); return mean rate."""
    share, rates, full = np.empty(YEAR), np.empty(YEAR), np.empty((COLUMNS, POOLS))
    for m in range(YEAR):
        share[m] = land.share[(year * YEAR + m) % land.share.shape[0], i]
    months = year_of(weather, soils, land, member, i, year, p)
    limits = limits_of(soils, member, i, depth_cm, p)
    keep_deficits(year_rates(months, limits, deficits_of(deficit_mm), p, rates), deficit_mm)
    reset_cell(full)
    extend_columns(full, rates, share, co2_ratio(soils.clay_pct[member, i], p), p)
    for c in range(COLUMNS):
        columns[c, 0] = full[c, PLANT_POOL[c]]
        columns[c, 1], columns[c, 2] = full[c, 2], full[c, 3]
    return float(rates.mean())


@njit
def back_through_years(
    maps: Floats, which: Integers, start: Floats, left: Floats, response: Floats
) -> None:
    """Fill `left` (cells,) and `response` (years, 3, cells) of the horizon at the end of `which`.

    `start` (4, cells) are the pools at the beginning of the first year.
    """
    cells = left.size
    weight = np.ones((POOLS, cells))
    of_dpm, of_rpm, of_bio, of_hum = weight[0], weight[1], weight[2], weight[3]
    for year in range(which.size - 1, -1, -1):
        m = maps[which[year]]
        for j in range(cells):
            dpm, rpm, bio, hum = of_dpm[j], of_rpm[j], of_bio[j], of_hum[j]
            response[year, 0, j] = dpm * m[4, 0, j] + bio * m[4, 1, j] + hum * m[4, 2, j]
            response[year, 1, j] = rpm * m[5, 0, j] + bio * m[5, 1, j] + hum * m[5, 2, j]
            response[year, 2, j] = bio * m[6, 1, j] + hum * m[6, 2, j]
            of_dpm[j] = dpm * m[0, 0, j] + bio * m[0, 1, j] + hum * m[0, 2, j]
            of_rpm[j] = rpm * m[1, 0, j] + bio * m[1, 1, j] + hum * m[1, 2, j]
            of_bio[j] = bio * m[2, 1, j] + hum * m[2, 2, j]
            of_hum[j] = bio * m[3, 1, j] + hum * m[3, 2, j]
    for j in range(cells):
        total = of_dpm[j] * start[0, j] + of_rpm[j] * start[1, j]
        left[j] = total + of_bio[j] * start[2, j] + of_hum[j] * start[3, j]
