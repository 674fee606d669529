"""The phases for a block of cells at once, month by month, with the steps of `block_steps`.

Every function works on the cells `lo` to `hi` of one member. The few cells whose deficit does not
settle within the usual passes are marked, for `single` to do.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.block_steps import (
    SOIL_ROWS,
    compose_columns,
    describe_soils,
    feed,
    load_cover,
    load_month,
    reset_columns,
    slow_paddy,
    solve_steady,
    turn_columns,
    turn_over,
    warm,
    wet_and_dry,
)
from recarb.rothc.compile import inlined, njit
from recarb.rothc.equilibrium import COLUMNS, DRIFT_TOLERANCE_MM, INPUTS, NO_TURNOVER, OK, POOLS
from recarb.rothc.parameters import Parameters
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

YEAR = 12  # months
PLANT = 3  # rows of a column: a plant pool, BIO, HUM
LEFT_OVER = 255  # status of a cell that `single` has to do


@njit
def soils_of_block(
    soils: Soils, land: Land, member: int, lo: int, hi: int, depth_cm: float, p: Parameters
) -> Floats:
    """The soils of a block, (SOIL_ROWS, cells), with the first year's paddy factor."""
    soil = np.empty((SOIL_ROWS, hi - lo))
    describe_soils(
        soils.clay_pct[member, lo:hi],
        depth_cm,
        soils.shift_c[member, lo:hi],
        soils.rain_factor[member, lo:hi],
        soils.cover_shift[member, lo:hi],
        land.paddy[0, lo:hi],
        p,
        soil,
    )
    return soil


@inlined
def rates_of_month(
    weather: Weather,
    month: int,
    lo: int,
    hi: int,
    soil: Floats,
    p: Parameters,
    room: Floats,
    deficit_mm: Floats,
    rates: Floats,
) -> None:
    """Let a month pass over the deficit and fill `rates`; `room` (3, cells) is to work in."""
    of_series = month % weather.temperature_c.shape[0]
    load_month(
        weather.temperature_c[of_series, lo:hi],
        weather.rain_mm[of_series, lo:hi],
        weather.pet_mm[of_series, lo:hi],
        weather.irrigation_mm[month % YEAR, lo:hi],
        soil,
        room[0],
        room[1],
    )
    load_cover(weather.cover[month % weather.cover.shape[0], lo:hi], soil, room[2])
    wet_and_dry(room[1], room[2], soil, p, deficit_mm, rates)
    warm(room[0], p, rates)


@inlined
def warm_up_block(
    weather: Weather,
    land: Land,
    c_input: Floats,
    soil: Floats,
    lo: int,
    hi: int,
    p: Parameters,
    pools: Floats,
    deficit_mm: Floats,
    mean_rate: Floats,
    respired: Floats,
) -> None:
    """Step the cells through all years of `c_input` (years, cell).

    `pools` (4, cells), `deficit_mm`, `mean_rate` and `respired` (cells,) are changed in place.
    """
    years, cells = c_input.shape[0], hi - lo
    room, rates, plant = np.empty((3, cells)), np.empty(cells), np.empty(cells)
    # contiguous: only their loops become vector code
    stock, deficit, lost = np.empty((POOLS, cells)), np.empty(cells), np.zeros(cells)
    total_rate, entry = np.zeros(cells), np.empty((INPUTS, cells))
    for j in range(cells):
        deficit[j] = deficit_mm[j]
        for pool in range(POOLS):
            stock[pool, j] = pools[pool, j]
    per_rate = p.k_hum_per_yr / p.months_per_year
    for month in range(years * YEAR):
        year = month // YEAR
        if month % YEAR == 0:
            of_entry = year % land.entry.shape[1]
            for c in range(INPUTS):
                for j in range(cells):
                    entry[c, j] = land.entry[c, of_entry, lo + j]
            slow_paddy(land.paddy[year % land.paddy.shape[0], lo:hi], p, soil)
        rates_of_month(weather, month, lo, hi, soil, p, room, deficit, rates)
        share = land.share[month % land.share.shape[0], lo:hi]
        feed(c_input[year, lo:hi], share, rates, plant, total_rate)
        turn_over(rates, per_rate, soil, plant, entry, p, stock, lost)
    for j in range(cells):
        mean_rate[j] = total_rate[j] / (years * YEAR)
        deficit_mm[j], respired[j] = deficit[j], lost[j]
        for pool in range(POOLS):
            pools[pool, j] = stock[pool, j]


@njit
def year_deficit_block(
    weather: Weather, soil: Floats, lo: int, hi: int, p: Parameters, deficit_mm: Floats
) -> None:
    """Let the first year of the weather pass over the deficit."""
    room, rates = np.empty((3, hi - lo)), np.empty(hi - lo)
    for month in range(YEAR):
        load_month(
            weather.temperature_c[month, lo:hi],
            weather.rain_mm[month, lo:hi],
            weather.pet_mm[month, lo:hi],
            weather.irrigation_mm[month, lo:hi],
            soil,
            room[0],
            room[1],
        )
        load_cover(weather.cover[month, lo:hi], soil, room[2])
        wet_and_dry(room[1], room[2], soil, p, deficit_mm, rates)


@njit
def annual_map_block(
    weather: Weather,
    land: Land,
    soil: Floats,
    lo: int,
    hi: int,
    p: Parameters,
    deficit_mm: Floats,
    mean_rate: Floats,
    columns: Floats,
    year: int,
) -> None:
    """Fill `columns` (7, 3, cells) with the map of a year that starts with `deficit_mm`.

    `year` counts from 0; weather and land of one year repeat. `deficit_mm` is that of the year's
    end afterwards; `mean_rate` (cells,) is filled.
    """
    cells = hi - lo
    room, rates, left = np.empty((3, cells)), np.empty(cells), np.empty((POOLS, cells))
    per_rate = p.k_hum_per_yr / p.months_per_year
    reset_columns(columns)
    for j in range(cells):
        mean_rate[j] = 0.0
    for month in range(year * YEAR, (year + 1) * YEAR):
        rates_of_month(weather, month, lo, hi, soil, p, room, deficit_mm, rates)
        share = land.share[month % land.share.shape[0], lo:hi]
        turn_columns(rates, per_rate, soil, share, p, left, columns)
        for j in range(cells):
            mean_rate[j] += rates[j] / YEAR


@inlined
def spin_up_block(
    weather: Weather,
    land: Land,
    soil: Floats,
    lo: int,
    hi: int,
    p: Parameters,
    pools: Floats,
    deficit_mm: Floats,
    mean_rate: Floats,
    status: Bytes,
) -> None:
    """Equilibrium per unit of annual input; all four results are filled.

    Status is LEFT_OVER where the deficit still moves in the second year from an empty one.
    """
    cells = hi - lo
    for j in range(cells):
        deficit_mm[j] = 0.0
    year_deficit_block(weather, soil, lo, hi, p, deficit_mm)
    earlier = deficit_mm.copy()
    year_deficit_block(weather, soil, lo, hi, p, deficit_mm)
    for j in range(cells):
        moves = abs(deficit_mm[j] - earlier[j]) > DRIFT_TOLERANCE_MM
        status[j] = LEFT_OVER if moves else OK
    columns = np.empty((COLUMNS, PLANT, cells))
    annual_map_block(weather, land, soil, lo, hi, p, deficit_mm, mean_rate, columns, 0)
    solve_steady(columns, land.entry[:, 0, lo:hi], pools)
    for j in range(cells):
        if status[j] == OK and not np.isfinite(pools[0, j]):
            status[j] = NO_TURNOVER
            mean_rate[j] = np.nan


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
    land: Land,
    soil: Floats,
    start: Floats,
    years: int,
    lo: int,
    hi: int,
    p: Parameters,
    deficit_mm: Floats,
    left: Floats,
    response: Floats,
    mean_rate: Floats,
    undone: Bools,
) -> None:
    """What is left of `start` (4, cells) after `years`, and the response to a unit of input.

    The first year is stepped from the deficit that is inherited, the second gives the annual map
    of all that follow. `undone` marks the cells whose deficit moves on in the second year.
    `left` (4, cells), `response` (3, 4, cells), `mean_rate` (cells,) are filled.
    """
    cells = hi - lo
    columns, annual = np.empty((COLUMNS, PLANT, cells)), np.empty((COLUMNS, PLANT, cells))
    annual_map_block(weather, land, soil, lo, hi, p, deficit_mm, mean_rate, columns, 0)
    if years > 1:
        earlier = deficit_mm.copy()
        annual_map_block(weather, land, soil, lo, hi, p, deficit_mm, mean_rate, annual, 0)
        for j in range(cells):
            undone[j] = deficit_mm[j] != earlier[j]
        remaining = years - 1
        while remaining > 0:
            if remaining % 2 == 1:
                compose_columns(annual, columns)
            compose_columns(annual.copy(), annual)
            remaining //= 2
    for j in range(cells):
        read_columns(columns, start, j, left, response)
