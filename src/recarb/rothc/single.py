"""The phases for one cell, with the scalar equations of `rates`, `pools` and `equilibrium`.

For parameters and variants that the short cuts of `blocks` do not hold for, and for the
month-by-month run of one soil. Shapes are those of `kernels`, `member` and `i` pick the
cell; deficits are (1,), or (2,) with mixed cover: covered and bare ground.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.equilibrium import (
    BIO,
    COLUMNS,
    DPM,
    HUM,
    INPUTS,
    OK,
    POOLS,
    RPM,
    Deficits,
    Year,
    apply_map,
    compose,
    equilibrium,
    extend_columns,
    month_rate,
    next_deficits,
    repeat_map,
    reset_columns,
    year_rates,
)
from recarb.rothc.parameters import STANDARD, Parameters
from recarb.rothc.pools import co2_ratio, decay_factors, decompose
from recarb.rothc.rates import (
    Limits,
    paddy_rate,
    seasonal_paddy_rate,
    shifted_cover,
    standard_limits,
)
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

YEAR = 12  # months


@njit
def limits_of(soils: Soils, member: int, i: int, depth_cm: float, p: Parameters) -> Limits:
    """Limits of the moisture deficit of one cell [mm]."""
    if p.variant.moisture == STANDARD:
        return standard_limits(soils.clay_pct[member, i], depth_cm, p)
    found = soils.limits_mm[member, :, i]
    return Limits(found[0], found[1], found[2], found[3])


@njit
def paddy_of(land: Land, year: int, month: int, i: int, p: Parameters) -> float:
    """Rate modifier of flooded rice of one cell in a month (0-11) of a year [-]."""
    paddy = land.paddy[year % land.paddy.shape[0], i]
    if paddy and p.variant.seasonal_paddy:
        return seasonal_paddy_rate(land.flooded[month, i], p)
    return paddy_rate(paddy, p)


@njit
def deficits_of(deficit_mm: Floats) -> Deficits:
    """The pair of deficits of one cell from what is kept of it, (1,) or (2,) [mm]."""
    return deficit_mm[0], deficit_mm[-1]


@njit
def keep_deficits(deficits_mm: Deficits, deficit_mm: Floats) -> None:
    """Fill `deficit_mm`, (1,) or (2,)."""
    deficit_mm[0] = deficits_mm[0]
    deficit_mm[-1] = deficits_mm[1]


@njit
def year_of(
    weather: Weather, soils: Soils, land: Land, member: int, i: int, year: int, p: Parameters
) -> Year:
    """One year of one cell, counted from 0; weather and land of one year repeat."""
    temperature, balance = np.empty(YEAR), np.empty(YEAR)
    cover, paddy = np.empty(YEAR), np.empty(YEAR)
    for m in range(YEAR):
        month = year * YEAR + m
        at = month % weather.temperature_c.shape[0]
        temperature[m] = weather.temperature_c[at, i] + soils.shift_c[member, i]
        rain = weather.rain_mm[at, i] * soils.rain_factor[member, i]
        balance[m] = rain + weather.irrigation_mm[m, i] - weather.pet_mm[at, i]
        covered = weather.cover[month % weather.cover.shape[0], i]
        cover[m] = shifted_cover(covered, soils.cover_shift[member, i])
        paddy[m] = paddy_of(land, year, m, i, p)
    return Year(temperature, balance, cover, paddy)


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
    deficit_mm: Floats,
) -> tuple[float, int]:
    """Fill `pools` (4,) per unit of annual input and `deficit_mm`; return mean rate and status."""
    rates, columns = np.empty(YEAR), np.empty((COLUMNS, POOLS))
    deficits, status = equilibrium(
        year_of(weather, soils, land, member, i, 0, p),
        land.share[:, i].copy(),
        land.entry[:, 0, i].copy(),
        limits_of(soils, member, i, depth_cm, p),
        co2_ratio(soils.clay_pct[member, i], p),
        p,
        pools,
        columns,
        rates,
    )
    keep_deficits(deficits, deficit_mm)
    if status != OK:
        pools[:] = np.nan
        return np.nan, status
    return rates.mean(), status


@njit
def spin_up_cells(
    weather: Weather, soils: Soils, land: Land, depth_cm: float, p: Parameters
) -> tuple[Floats, Floats, Floats, Bytes]:
    """`kernels.spin_up` cell by cell; deficits (member, 1 | 2, cell)."""
    members, cells = soils.clay_pct.shape
    pools, mean_rate = np.empty((members, POOLS, cells)), np.empty((members, cells))
    deficit = np.empty((members, 2 if p.variant.mixed_cover else 1, cells))
    status = np.empty((members, cells), dtype=np.uint8)
    for k in range(members):
        for i in range(cells):
            mean_rate[k, i], status[k, i] = spin_up_cell(
                weather, soils, land, k, i, depth_cm, p, pools[k, :, i], deficit[k, :, i]
            )
    return pools, deficit, mean_rate, status


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
    deficit_mm: Floats,
) -> tuple[float, float]:
    """Step `pools` (4,) and `deficit_mm` through all years of `c_input` (member, years, cell).

    Returns the mean rate modifier and the carbon respired [t C ha-1].
    """
    limits = limits_of(soils, member, i, depth_cm, p)
    ratio = co2_ratio(soils.clay_pct[member, i], p)
    dpm, rpm, bio, hum = pools[DPM], pools[RPM], pools[BIO], pools[HUM]
    deficits = deficits_of(deficit_mm)
    mean_rate, respired, months = 0.0, 0.0, c_input.shape[1] * YEAR
    for month in range(months):
        year = month // YEAR
        at = month % weather.temperature_c.shape[0]
        covered = weather.cover[month % weather.cover.shape[0], i]
        covered = shifted_cover(covered, soils.cover_shift[member, i])
        rain = weather.rain_mm[at, i] * soils.rain_factor[member, i]
        balance = rain + weather.irrigation_mm[month % YEAR, i] - weather.pet_mm[at, i]
        deficits = next_deficits(deficits, balance, covered, limits, p)
        temperature = weather.temperature_c[at, i] + soils.shift_c[member, i]
        paddy = paddy_of(land, year, month % YEAR, i, p)
        rate = month_rate(temperature, deficits, covered, paddy, limits, p)
        dpm, rpm, bio, hum, co2 = decompose(dpm, rpm, bio, hum, decay_factors(rate, p), ratio, p)
        plant = c_input[member, year, i] * land.share[month % land.share.shape[0], i]
        entered = year % land.entry.shape[1]
        dpm += plant * land.entry[0, entered, i]
        rpm += plant * land.entry[1, entered, i]
        hum += plant * land.entry[2, entered, i]
        respired += co2
        mean_rate += rate
    pools[DPM], pools[RPM], pools[BIO], pools[HUM] = dpm, rpm, bio, hum
    keep_deficits(deficits, deficit_mm)
    return mean_rate / months, respired


@njit
def warm_up_cells(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats, Floats]:
    """`kernels.warm_up` cell by cell; deficits (member, 1 | 2, cell)."""
    members, cells = soils.clay_pct.shape
    after, deficit = pools.copy(), deficit_mm.copy()
    mean_rate, respired = np.empty((members, cells)), np.empty((members, cells))
    for k in range(members):
        for i in range(cells):
            mean_rate[k, i], respired[k, i] = warm_up_cell(
                weather, soils, land, c_input, k, i, depth_cm, p, after[k, :, i], deficit[k, :, i]
            )
    return after, deficit, mean_rate, respired


@njit
def forward_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    i: int,
    start: Floats,
    deficit_mm: Floats,
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
    first = year_of(weather, soils, land, member, i, 0, p)
    limits = limits_of(soils, member, i, depth_cm, p)
    ratio = co2_ratio(soils.clay_pct[member, i], p)
    columns, annual = np.empty((COLUMNS, POOLS)), np.empty((COLUMNS, POOLS))
    rates, moved = np.empty(YEAR), np.empty(POOLS)
    share, deficits = land.share[:, i].copy(), deficits_of(deficit_mm)
    reset_columns(columns)
    remaining = years
    while remaining > 0:
        end = year_rates(first, limits, deficits, p, rates)
        reset_columns(annual)
        extend_columns(annual, rates, share, ratio, p)
        if end[0] == deficits[0] and end[1] == deficits[1]:
            repeat_map(annual, remaining, columns)
            remaining = 0
        else:
            compose(annual, columns, moved)
            remaining -= 1
            deficits = end
    apply_map(columns, start, left)
    for c in range(INPUTS):
        for pool in range(POOLS):
            response[c, pool] = columns[POOLS + c, pool]
    return float(rates.mean())


@njit
def forward_cells(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    years: int,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats]:
    """`kernels.forward` cell by cell; deficits (member, 1 | 2, cell)."""
    members, cells = soils.clay_pct.shape
    left, response = np.empty((members, POOLS, cells)), np.empty((members, INPUTS, POOLS, cells))
    mean_rate = np.empty((members, cells))
    for k in range(members):
        for i in range(cells):
            mean_rate[k, i] = forward_cell(
                weather, soils, land, k, i, pools[k, :, i].copy(), deficit_mm[k, :, i], years,
                depth_cm, p, left[k, :, i], response[k, :, :, i],
            )  # fmt: skip
    return left, response, mean_rate


@njit
def step_months(
    pools: Floats,
    deficit_mm: Floats,
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: Floats,
    inputs: Floats,
    limits: Limits,
    ratio: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step one soil and keep every month; see `kernels.run_months`.

    `paddy` (months,) is the rate modifier of flooded rice; the deficits that are returned are
    (months, 1 | 2).
    """
    months = temperature_c.size
    history, respired = np.empty((months, POOLS)), np.empty(months)
    kept, rates = np.empty((months, deficit_mm.size)), np.empty(months)
    dpm, rpm, bio, hum = pools[DPM], pools[RPM], pools[BIO], pools[HUM]
    deficits = deficits_of(deficit_mm)
    for m in range(months):
        deficits = next_deficits(deficits, balance_mm[m], cover[m], limits, p)
        rate = month_rate(temperature_c[m], deficits, cover[m], paddy[m], limits, p)
        dpm, rpm, bio, hum, respired[m] = decompose(
            dpm, rpm, bio, hum, decay_factors(rate, p), ratio, p
        )
        dpm += inputs[m, 0]
        rpm += inputs[m, 1]
        hum += inputs[m, 2]
        history[m, DPM], history[m, RPM], history[m, BIO], history[m, HUM] = dpm, rpm, bio, hum
        keep_deficits(deficits, kept[m])
        rates[m] = rate
    return history, respired, kept, rates
