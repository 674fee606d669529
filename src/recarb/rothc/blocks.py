"""The phases in blocks of cells, month by month, with the steps of `block_steps`.

A function of one block works on the cells `lo` to `hi` of one member, WIDTH at most. The few whose
deficit does not settle within the usual passes are marked, and done again as blocks of one cell.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import inlined, njit
from recarb.rothc.block_steps import (
    DEEPEST,
    DEFICIT,
    ENTRY,
    RATES,
    RESPIRED,
    ROWS,
    STOCK,
    WIDTH,
    describe_soils,
    load_input,
    load_warmth,
    load_water,
    pass_water,
    pass_weather,
    repeat_columns,
    reset_columns,
    slow_paddy,
    solve_steady,
    turn_columns,
    turn_over,
)
from recarb.rothc.equilibrium import (
    COLUMNS,
    DEFICIT_NOT_PERIODIC,
    DRIFT_TOLERANCE_MM,
    INPUTS,
    MAX_PASSES,
    NO_TURNOVER,
    NO_WATER_LIMITS,
    OK,
    POOLS,
)
from recarb.rothc.parameters import Parameters
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

YEAR = 12  # months
PLANT = 3  # rows of a column: a plant pool, BIO, HUM
PASSES = 2  # over the year, after which most deficits have settled


@njit
def fill_block(
    soils: Soils,
    land: Land,
    member: int,
    lo: int,
    hi: int,
    depth_cm: float,
    p: Parameters,
    deficit_mm: Floats,
    block: Floats,
) -> None:
    """Put the soils of the cells, the first year's paddy factor and the deficits into a block."""
    describe_soils(
        soils.clay_pct[member, lo:hi],
        depth_cm,
        soils.shift_c[member, lo:hi],
        soils.rain_factor[member, lo:hi],
        soils.cover_shift[member, lo:hi],
        p,
        block,
    )
    slow_paddy(land.paddy[0, lo:hi], p, block)
    for j in range(hi - lo):
        block[DEFICIT, j] = deficit_mm[j]


@inlined
def load_month(weather: Weather, month: int, lo: int, hi: int, block: Floats) -> None:
    """Fill the rows of the month with its weather; months of one year repeat."""
    of_series, of_cover = month % weather.temperature_c.shape[0], month % weather.cover.shape[0]
    load_water(
        weather.rain_mm[of_series, lo:hi],
        weather.irrigation_mm[month % YEAR, lo:hi],
        weather.pet_mm[of_series, lo:hi],
        weather.cover[of_cover, lo:hi],
        block,
    )
    load_warmth(weather.temperature_c[of_series, lo:hi], block)


@inlined
def warm_up_block(
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    member: int,
    lo: int,
    hi: int,
    depth_cm: float,
    p: Parameters,
    pools: Floats,
    deficit_mm: Floats,
    mean_rate: Floats,
    respired: Floats,
) -> None:
    """Step the cells through all years of `c_input` (years, cell).

    `pools` (4, cells), `deficit_mm`, `mean_rate` and `respired` (cells,) are changed in place.
    """
    months, cells = c_input.shape[0] * YEAR, hi - lo
    block = np.empty((ROWS, WIDTH))
    fill_block(soils, land, member, lo, hi, depth_cm, p, deficit_mm, block)
    for j in range(cells):
        block[RATES, j] = block[RESPIRED, j] = 0.0
        for pool in range(POOLS):
            block[STOCK + pool, j] = pools[pool, j]
    per_rate = p.k_hum_per_yr / p.months_per_year
    for month in range(months):
        year = month // YEAR
        if month % YEAR == 0:
            slow_paddy(land.paddy[year % land.paddy.shape[0], lo:hi], p, block)
            for c in range(INPUTS):
                for j in range(cells):
                    block[ENTRY + c, j] = land.entry[c, year % land.entry.shape[1], lo + j]
        load_month(weather, month, lo, hi, block)
        load_input(c_input[year, lo:hi], land.share[month % land.share.shape[0], lo:hi], block)
        pass_weather(cells, p, block)
        turn_over(cells, per_rate, p, block)
    for j in range(cells):
        mean_rate[j] = block[RATES, j] / months
        deficit_mm[j], respired[j] = block[DEFICIT, j], block[RESPIRED, j]
        for pool in range(POOLS):
            pools[pool, j] = block[STOCK + pool, j]


@njit
def warm_up_blocks(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    depth_cm: float,
    p: Parameters,
    step: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """`kernels.warm_up` in blocks of `step` cells; deficits (member, 1, cell)."""
    members, cells = soils.clay_pct.shape
    after, deficit = pools.copy(), deficit_mm.copy()
    mean_rate, respired = np.empty((members, cells)), np.empty((members, cells))
    for lo in range(0, cells, step):
        hi = min(lo + step, cells)
        for k in range(members):
            warm_up_block(
                weather, soils, land, c_input[k], k, lo, hi, depth_cm, p, after[k, :, lo:hi],
                deficit[k, 0, lo:hi], mean_rate[k, lo:hi], respired[k, lo:hi],
            )  # fmt: skip
    return after, deficit, mean_rate, respired


@njit
def settle_block(
    weather: Weather, lo: int, hi: int, p: Parameters, block: Floats, status: Bytes
) -> None:
    """Let the year pass over empty deficits until each repeats; fill `status` (cells,).

    A deficit that has settled stays, whatever the others do. One cell alone is followed for
    MAX_PASSES years, a block of several for PASSES.
    """
    cells = hi - lo
    for j in range(cells):
        block[DEFICIT, j] = 0.0
        status[j] = DEFICIT_NOT_PERIODIC if block[DEEPEST, j] < 0.0 else NO_WATER_LIMITS
    for _ in range(MAX_PASSES if cells == 1 else PASSES):
        earlier = block[DEFICIT].copy()
        for month in range(YEAR):
            load_month(weather, month, lo, hi, block)
            pass_water(cells, p, block)
        moving = False
        for j in range(cells):
            if status[j] != DEFICIT_NOT_PERIODIC:
                block[DEFICIT, j] = earlier[j]
            elif abs(block[DEFICIT, j] - earlier[j]) <= DRIFT_TOLERANCE_MM:
                status[j] = OK
            else:
                moving = True
        if not moving:
            return


@njit
def annual_map_block(
    weather: Weather,
    land: Land,
    year: int,
    lo: int,
    hi: int,
    p: Parameters,
    block: Floats,
    columns: Floats,
) -> None:
    """Fill `columns` (7, 3, cells) with the map of a year that starts with the block's deficits.

    `year` counts from 0; weather and land of one year repeat. Afterwards the deficits are those of
    the year's end, and the sum of the rates is that of the year.
    """
    left = np.empty((POOLS, WIDTH))
    per_rate = p.k_hum_per_yr / p.months_per_year
    reset_columns(columns)
    for j in range(hi - lo):
        block[RATES, j] = 0.0
    for month in range(year * YEAR, (year + 1) * YEAR):
        load_month(weather, month, lo, hi, block)
        pass_weather(hi - lo, p, block)
        share = land.share[month % land.share.shape[0], lo:hi]
        turn_columns(per_rate, share, p, block, left, columns)


@inlined
def spin_up_block(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    lo: int,
    hi: int,
    depth_cm: float,
    p: Parameters,
    pools: Floats,
    deficit_mm: Floats,
    mean_rate: Floats,
    status: Bytes,
) -> None:
    """Equilibrium per unit of annual input; all four results are filled."""
    cells = hi - lo
    block, columns = np.empty((ROWS, WIDTH)), np.empty((COLUMNS, PLANT, WIDTH))
    fill_block(soils, land, member, lo, hi, depth_cm, p, deficit_mm, block)
    settle_block(weather, lo, hi, p, block, status)
    for j in range(cells):
        deficit_mm[j] = block[DEFICIT, j]
    annual_map_block(weather, land, 0, lo, hi, p, block, columns)
    solve_steady(columns, land.entry[:, 0, lo:hi], pools)
    for j in range(cells):
        mean_rate[j] = block[RATES, j] / YEAR
        if status[j] == OK:
            deficit_mm[j] = block[DEFICIT, j]
            if not np.isfinite(pools[0, j]):
                status[j] = NO_TURNOVER
        if status[j] != OK:
            mean_rate[j] = np.nan
            for pool in range(POOLS):
                pools[pool, j] = np.nan


@njit
def spin_up_blocks(
    weather: Weather, soils: Soils, land: Land, depth_cm: float, p: Parameters, step: int
) -> tuple[Floats, Floats, Floats, Bytes]:
    """`kernels.spin_up` in blocks of `step` cells; deficits (member, 1, cell)."""
    members, cells = soils.clay_pct.shape
    pools, mean_rate = np.empty((members, POOLS, cells)), np.empty((members, cells))
    deficit = np.zeros((members, 1, cells))
    status = np.full((members, cells), np.uint8(DEFICIT_NOT_PERIODIC))
    for width in (step, 1):  # in the second round those that have not settled, one by one
        for lo in range(0, cells, width):
            hi = min(lo + width, cells)
            for k in range(members):
                if width > 1 or status[k, lo] == DEFICIT_NOT_PERIODIC:
                    spin_up_block(
                        weather, soils, land, k, lo, hi, depth_cm, p, pools[k, :, lo:hi],
                        deficit[k, 0, lo:hi], mean_rate[k, lo:hi], status[k, lo:hi],
                    )  # fmt: skip
    return pools, deficit, mean_rate, status


@njit
def read_columns(columns: Floats, start: Floats, j: int, left: Floats, response: Floats) -> None:
    """Fill `left` and `response` of cell `j` from the map of all years."""
    left[0, j] = columns[0, 0, j] * start[0, j]
    left[1, j] = columns[1, 0, j] * start[1, j]
    for pool in range(2, POOLS):
        row = pool - 1
        total = columns[0, row, j] * start[0, j] + columns[1, row, j] * start[1, j]
        total += columns[2, row, j] * start[2, j] + columns[3, row, j] * start[3, j]
        left[pool, j] = total
        for c in range(INPUTS):
            response[c, pool, j] = columns[POOLS + c, row, j]
    for c in range(INPUTS):
        response[c, 0, j] = columns[4, 0, j] if c == 0 else 0.0
        response[c, 1, j] = columns[5, 0, j] if c == 1 else 0.0


@inlined
def forward_block(
    weather: Weather,
    soils: Soils,
    land: Land,
    start: Floats,
    deficit_mm: Floats,
    years: int,
    member: int,
    lo: int,
    hi: int,
    depth_cm: float,
    p: Parameters,
    left: Floats,
    response: Floats,
    mean_rate: Floats,
    moving: Bools,
) -> None:
    """What is left of `start` (4, cells) after `years`, and the response to a unit of input.

    The first year is stepped from the deficit that is inherited, the second gives the annual map
    of all that follow. `moving` marks the cells whose deficit moves on in the second year; one cell
    alone is stepped until it does not.
    `left` (4, cells), `response` (3, 4, cells), `mean_rate` (cells,) are filled.
    """
    cells, remaining = hi - lo, years
    block, columns = np.empty((ROWS, WIDTH)), np.empty((COLUMNS, PLANT, WIDTH))
    annual = np.empty((COLUMNS, PLANT, WIDTH))
    fill_block(soils, land, member, lo, hi, depth_cm, p, deficit_mm, block)
    while remaining > 0:
        first, earlier = remaining == years, block[DEFICIT].copy()
        annual_map_block(weather, land, 0, lo, hi, p, block, columns if first else annual)
        for j in range(cells):
            moving[j] = not first and block[DEFICIT, j] != earlier[j]
        stepped = first or (cells == 1 and moving[0])
        if not first:
            repeat_columns(annual, 1 if stepped else remaining, columns)
        remaining = remaining - 1 if stepped else 0
    for j in range(cells):
        mean_rate[j] = block[RATES, j] / YEAR
        read_columns(columns, start, j, left, response)


@njit
def forward_blocks(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    years: int,
    depth_cm: float,
    p: Parameters,
    step: int,
) -> tuple[Floats, Floats, Floats]:
    """`kernels.forward` in blocks of `step` cells; deficits (member, 1, cell)."""
    members, cells = soils.clay_pct.shape
    left, response = np.empty((members, POOLS, cells)), np.empty((members, INPUTS, POOLS, cells))
    mean_rate, moving = np.empty((members, cells)), np.ones((members, cells), dtype=np.bool_)
    for width in (step, 1):  # in the second round those that have not settled, one by one
        for lo in range(0, cells, width):
            hi = min(lo + width, cells)
            for k in range(members):
                if width > 1 or moving[k, lo]:
                    forward_block(
                        weather, soils, land, pools[k, :, lo:hi], deficit_mm[k, 0, lo:hi], years, k,
                        lo, hi, depth_cm, p, left[k, :, lo:hi], response[k, :, :, lo:hi],
                        mean_rate[k, lo:hi], moving[k, lo:hi],
                    )  # fmt: skip
    return left, response, mean_rate
