"""The loops over cells: spin-up, warm-up, forward, and the month-by-month run of one soil.

Arrays are C-contiguous float64 with the cell as first axis. A kernel raises nothing: it returns a
status byte per cell. Axes written `(cell, years | 1)` may have length one and then hold for all
years; `(cell, months | 12)` likewise repeat.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.compile import njit
from recarb.rothc.equilibrium import (
    BIO,
    COLUMNS,
    DPM,
    HUM,
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
from recarb.rothc.rates import is_vegetated, maximum_deficit, next_deficit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

YEAR = 12  # months


@njit
def spin_up(
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: Bools,
    share: Floats,
    entry: Floats,
    clay_pct: Floats,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats, Bytes]:
    """Equilibrium pools per unit of annual input, for every cell.

    Parameters
    ----------
    temperature_c, balance_mm, cover, share : (cell, 12)
        Monthly mean temperature [degC], rain + irrigation - PET [mm], cover fraction [0-1], share
        of the annual input [-].
    paddy : (cell,) bool
    entry : (cell, 3)
        Part of the input entering DPM, RPM, HUM [-].
    clay_pct : (cell,) [%]
    depth_cm : [cm]

    Returns
    -------
    pools : (cell, 4) [t C ha-1 per t C ha-1 yr-1], NaN where the status is not OK
    deficit_mm : (cell,) [mm] at the end of December
    mean_rate : (cell,) [-]
    status : (cell,) `OK`, `NO_TURNOVER` or `DEFICIT_NOT_PERIODIC`
    """
    cells = clay_pct.size
    pools = np.full((cells, POOLS), np.nan)
    deficit = np.full(cells, np.nan)
    mean_rate = np.full(cells, np.nan)
    status = np.zeros(cells, dtype=np.uint8)
    found = np.empty(POOLS)
    columns = np.empty((COLUMNS, POOLS))
    rates = np.empty(YEAR)
    for i in range(cells):
        deficit[i], code = equilibrium(
            temperature_c[i],
            balance_mm[i],
            cover[i],
            paddy[i],
            share[i],
            entry[i],
            maximum_deficit(clay_pct[i], depth_cm, p),
            co2_ratio(clay_pct[i], p),
            p,
            found,
            columns,
            rates,
        )
        status[i] = code
        if code == OK:
            pools[i] = found
            mean_rate[i] = rates.mean()
    return pools, deficit, mean_rate, status


@njit
def warm_up(
    pools: Floats,
    deficit_mm: Floats,
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: Bools,
    share: Floats,
    entry: Floats,
    c_input: Floats,
    clay_pct: Floats,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step every cell month by month through a series of years.

    Parameters
    ----------
    pools : (cell, 4) [t C ha-1]
    deficit_mm : (cell,) [mm]
        State at the start.
    temperature_c, balance_mm : (cell, months)
    cover : (cell, months | 12)
    paddy : (cell, years | 1)
    share : (cell, 12)
    entry : (cell, years | 1, 3)
    c_input : (cell, years) [t C ha-1 yr-1]

    Returns
    -------
    pools : (cell, 4) [t C ha-1]
    deficit_mm : (cell,) [mm]
    mean_rate : (cell,) [-]
    respired : (cell,) [t C ha-1] over the whole series
    """
    cells, years = c_input.shape
    after = pools.copy()
    deficit = deficit_mm.copy()
    mean_rate = np.zeros(cells)
    respired = np.zeros(cells)
    for i in range(cells):
        max_deficit = maximum_deficit(clay_pct[i], depth_cm, p)
        ratio = co2_ratio(clay_pct[i], p)
        dpm, rpm, bio, hum = after[i, DPM], after[i, RPM], after[i, BIO], after[i, HUM]
        for month in range(years * YEAR):
            year = month // YEAR
            covered = cover[i, month % cover.shape[1]]
            is_paddy = paddy[i, year % paddy.shape[1]]
            deficit[i] = next_deficit(
                deficit[i], balance_mm[i, month], is_vegetated(covered, p), max_deficit, p
            )
            rate = month_rate(
                temperature_c[i, month], deficit[i], covered, is_paddy, max_deficit, p
            )
            dpm, rpm, bio, hum, co2 = decompose(
                dpm, rpm, bio, hum, decay_factors(rate, p), ratio, p
            )
            into = entry[i, year % entry.shape[1]]
            plant = c_input[i, year] * share[i, month % YEAR]
            dpm += plant * into[0]
            rpm += plant * into[1]
            hum += plant * into[2]
            respired[i] += co2
            mean_rate[i] += rate
        after[i, DPM], after[i, RPM], after[i, BIO], after[i, HUM] = dpm, rpm, bio, hum
        mean_rate[i] /= years * YEAR
    return after, deficit, mean_rate, respired


@njit
def forward(
    pools: Floats,
    deficit_mm: Floats,
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: Bools,
    share: Floats,
    clay_pct: Floats,
    depth_cm: float,
    years: int,
    p: Parameters,
) -> tuple[Floats, Floats, Floats]:
    """All scenarios at once: what is left of the pools, and what a unit of input becomes.

    Years are stepped until January's deficit repeats (usually one); from then on the annual map is
    constant and its powers give the rest.

    Returns
    -------
    left : (cell, 4) [t C ha-1]
        A^n y0, the same for every scenario.
    response : (cell, 3, 4) [t C ha-1 per t C ha-1 yr-1]
        Pools after `years` from a unit of annual input entering DPM, RPM or HUM.
    mean_rate : (cell,) [-] of the last year's climate state
    """
    cells = clay_pct.size
    left = np.empty((cells, POOLS))
    response = np.empty((cells, COLUMNS - POOLS, POOLS))
    mean_rate = np.empty(cells)
    columns = np.empty((COLUMNS, POOLS))
    annual = np.empty((COLUMNS, POOLS))
    rates = np.empty(YEAR)
    moved = np.empty(POOLS)
    for i in range(cells):
        max_deficit = maximum_deficit(clay_pct[i], depth_cm, p)
        ratio = co2_ratio(clay_pct[i], p)
        reset_columns(columns)
        deficit = deficit_mm[i]
        remaining = years
        while remaining > 0:
            end = year_rates(
                temperature_c[i], balance_mm[i], cover[i], paddy[i], max_deficit, deficit, p, rates
            )
            reset_columns(annual)
            extend_columns(annual, rates, share[i], ratio, p)
            if end == deficit:
                repeat_map(annual, remaining, columns)
                remaining = 0
            else:
                compose(annual, columns, moved)
                remaining -= 1
                deficit = end
        mean_rate[i] = rates.mean()
        apply_map(columns, pools[i], left[i])
        response[i] = columns[POOLS:]
    return left, response, mean_rate


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
