"""The phases for one cell, with the scalar equations of `rates`, `pools` and `equilibrium`.

For the cells that `blocks` leaves over, for parameters its short cuts do not hold for, and for the
month-by-month run of one soil. Shapes are those of `kernels`, `member` and `i` pick the cell.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.compile import njit
from recarb.rothc.equilibrium import (
    BIO,
    COLUMNS,
    DPM,
    HUM,
    INPUTS,
    OK,
    POOLS,
    RPM,
    apply_map,
    compose,
    equilibrium,
    extend_columns,
    month_rate,
    repeat_map,
    reset_columns,
    year_rates,
)
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import co2_ratio, decay_factors, decompose
from recarb.rothc.rates import is_vegetated, maximum_deficit, next_deficit, shifted_cover
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

YEAR = 12  # months


@njit
def first_year(
    weather: Weather, soils: Soils, member: int, i: int
) -> tuple[Floats, Floats, Floats]:
    """Temperature, water balance and cover of the first year of one cell, (12,) each."""
    temperature, balance, cover = np.empty(YEAR), np.empty(YEAR), np.empty(YEAR)
    for m in range(YEAR):
        temperature[m] = weather.temperature_c[m, i] + soils.shift_c[member, i]
        rain = weather.rain_mm[m, i] * soils.rain_factor[member, i]
        balance[m] = rain + weather.irrigation_mm[m, i] - weather.pet_mm[m, i]
        cover[m] = shifted_cover(weather.cover[m, i], soils.cover_shift[member, i])
    return temperature, balance, cover


@njit
def spin_up_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    i: int,
    depth_cm: float,
    p: Parameters,
    pools: Floats,
) -> tuple[float, float, int]:
    """Fill `pools` (4,) per unit of annual input; return deficit [mm], mean rate and status."""
    temperature, balance, cover = first_year(weather, soils, member, i)
    clay = soils.clay_pct[member, i]
    rates, columns = np.empty(YEAR), np.empty((COLUMNS, POOLS))
    deficit, status = equilibrium(
        temperature,
        balance,
        cover,
        land.paddy[0, i],
        land.share[:, i].copy(),
        land.entry[:, 0, i].copy(),
        maximum_deficit(clay, depth_cm, p),
        co2_ratio(clay, p),
        p,
        pools,
        columns,
        rates,
    )
    if status != OK:
        pools[:] = np.nan
        return deficit, np.nan, status
    return deficit, rates.mean(), status


@njit
def warm_up_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    member: int,
    i: int,
    depth_cm: float,
    p: Parameters,
    pools: Floats,
    deficit_mm: float,
) -> tuple[float, float, float]:
    """Step `pools` (4,) through all years of `c_input` (member, years, cell).

    Returns the deficit at the end [mm], the mean rate modifier and the carbon respired [t C ha-1].
    """
    max_deficit = maximum_deficit(soils.clay_pct[member, i], depth_cm, p)
    ratio = co2_ratio(soils.clay_pct[member, i], p)
    dpm, rpm, bio, hum = pools[DPM], pools[RPM], pools[BIO], pools[HUM]
    mean_rate, respired, months = 0.0, 0.0, c_input.shape[1] * YEAR
    for month in range(months):
        year = month // YEAR
        at = month % weather.temperature_c.shape[0]
        covered = weather.cover[month % weather.cover.shape[0], i]
        covered = shifted_cover(covered, soils.cover_shift[member, i])
        rain = weather.rain_mm[at, i] * soils.rain_factor[member, i]
        balance = rain + weather.irrigation_mm[month % YEAR, i] - weather.pet_mm[at, i]
        deficit_mm = next_deficit(deficit_mm, balance, is_vegetated(covered, p), max_deficit, p)
        temperature = weather.temperature_c[at, i] + soils.shift_c[member, i]
        paddy = land.paddy[year % land.paddy.shape[0], i]
        rate = month_rate(temperature, deficit_mm, covered, paddy, max_deficit, p)
        dpm, rpm, bio, hum, co2 = decompose(dpm, rpm, bio, hum, decay_factors(rate, p), ratio, p)
        plant = c_input[member, year, i] * land.share[month % land.share.shape[0], i]
        entered = year % land.entry.shape[1]
        dpm += plant * land.entry[0, entered, i]
        rpm += plant * land.entry[1, entered, i]
        hum += plant * land.entry[2, entered, i]
        respired += co2
        mean_rate += rate
    pools[DPM], pools[RPM], pools[BIO], pools[HUM] = dpm, rpm, bio, hum
    return deficit_mm, mean_rate / months, respired


@njit
def forward_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    i: int,
    start: Floats,
    deficit_mm: float,
    years: int,
    depth_cm: float,
    p: Parameters,
    left: Floats,
    response: Floats,
) -> float:
    """Fill `left` (4,) and `response` (3, 4); return the mean rate of the last year.

    Years are stepped until January's deficit repeats (usually one); from then on the annual map is
    constant and its powers give the rest.
    """
    temperature, balance, cover = first_year(weather, soils, member, i)
    clay = soils.clay_pct[member, i]
    max_deficit, ratio = maximum_deficit(clay, depth_cm, p), co2_ratio(clay, p)
    columns, annual = np.empty((COLUMNS, POOLS)), np.empty((COLUMNS, POOLS))
    rates, moved = np.empty(YEAR), np.empty(POOLS)
    share, paddy = land.share[:, i].copy(), land.paddy[0, i]
    reset_columns(columns)
    remaining = years
    while remaining > 0:
        end = year_rates(temperature, balance, cover, paddy, max_deficit, deficit_mm, p, rates)
        reset_columns(annual)
        extend_columns(annual, rates, share, ratio, p)
        if end == deficit_mm:
            repeat_map(annual, remaining, columns)
            remaining = 0
        else:
            compose(annual, columns, moved)
            remaining -= 1
            deficit_mm = end
    apply_map(columns, start, left)
    for c in range(INPUTS):
        for pool in range(POOLS):
            response[c, pool] = columns[POOLS + c, pool]
    return float(rates.mean())


@njit
def run_months(
    pools: Floats,
    deficit_mm: float,
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: bool,
    inputs: Floats,
    clay_pct: float,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step one soil and keep every month.

    Parameters
    ----------
    pools : (4,) [t C ha-1]
    temperature_c, balance_mm, cover : (months,)
    inputs : (months, 3) [t C ha-1] entering DPM, RPM, HUM

    Returns
    -------
    pools : (months, 4) [t C ha-1]; respired : (months,) [t C ha-1];
    deficit_mm : (months,) [mm]; rate : (months,) [-]
    """
    months = temperature_c.size
    history = np.empty((months, POOLS))
    respired = np.empty(months)
    deficits = np.empty(months)
    rates = np.empty(months)
    max_deficit = maximum_deficit(clay_pct, depth_cm, p)
    ratio = co2_ratio(clay_pct, p)
    dpm, rpm, bio, hum = pools[DPM], pools[RPM], pools[BIO], pools[HUM]
    for m in range(months):
        deficit_mm = next_deficit(
            deficit_mm, balance_mm[m], is_vegetated(cover[m], p), max_deficit, p
        )
        rate = month_rate(temperature_c[m], deficit_mm, cover[m], paddy, max_deficit, p)
        dpm, rpm, bio, hum, respired[m] = decompose(
            dpm, rpm, bio, hum, decay_factors(rate, p), ratio, p
        )
        dpm += inputs[m, 0]
        rpm += inputs[m, 1]
        hum += inputs[m, 2]
        history[m, DPM], history[m, RPM], history[m, BIO], history[m, HUM] = dpm, rpm, bio, hum
        deficits[m], rates[m] = deficit_mm, rate
    return history, respired, deficits, rates
