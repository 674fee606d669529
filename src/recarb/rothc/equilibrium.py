"""The closed forms: a year of RothC is an affine map, so spin-up and forward need no iteration.

For a given climate, cover and parameters a month maps the four active pools y = (DPM, RPM, BIO,
HUM) to A y + I u. Twelve months compose into one annual map, held here as seven *columns* of four
pools: columns 0-3 are what a unit of DPM, RPM, BIO, HUM becomes in a year (the matrix A), columns
4-6 what a unit of annual carbon input into DPM, RPM, HUM has become at the end of the year.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.compile import njit
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import decay_factors, decompose
from recarb.rothc.rates import (
    cover_rate,
    is_vegetated,
    moisture_rate,
    next_deficit,
    paddy_rate,
    temperature_rate,
)

Floats = NDArray[np.float64]

OK = 0
NO_TURNOVER = 1  # no month of the year is warm enough: I - A is singular
DEFICIT_NOT_PERIODIC = 2  # the moisture deficit still drifts at the bound of passes

MAX_PASSES = 100_000  # passes over the year before DEFICIT_NOT_PERIODIC
DRIFT_TOLERANCE_MM = 1e-9  # a deficit that moves less than this in a year is periodic

DPM, RPM, BIO, HUM = 0, 1, 2, 3
POOLS = 4
INPUTS = 3  # inputs enter DPM, RPM and HUM: columns 4, 5, 6
COLUMNS = POOLS + INPUTS


@njit
def month_rate(
    temperature_c: float,
    deficit_mm: float,
    cover: float,
    paddy: bool,
    max_deficit_mm: float,
    p: Parameters,
) -> float:
    """Rate modifier of one month, a b c times paddy factor [-]; `deficit_mm` is this month's."""
    return (
        temperature_rate(temperature_c, p)
        * moisture_rate(deficit_mm, max_deficit_mm, p)
        * cover_rate(cover, p)
        * paddy_rate(paddy, p)
    )


@njit
def year_deficit(
    balance_mm: Floats, cover: Floats, max_deficit_mm: float, deficit_mm: float, p: Parameters
) -> float:
    """Deficit at the end of a year [mm] that starts with `deficit_mm`; arguments are (12,)."""
    for m in range(balance_mm.size):
        vegetated = is_vegetated(cover[m], p)
        deficit_mm = next_deficit(deficit_mm, balance_mm[m], vegetated, max_deficit_mm, p)
    return deficit_mm


@njit
def periodic_deficit(
    balance_mm: Floats, cover: Floats, max_deficit_mm: float, p: Parameters
) -> tuple[float, bool]:
    """Deficit that January inherits when the year repeats for ever [mm], and whether it settled."""
    deficit_mm = 0.0
    for _ in range(MAX_PASSES):
        end_mm = year_deficit(balance_mm, cover, max_deficit_mm, deficit_mm, p)
        if abs(end_mm - deficit_mm) <= DRIFT_TOLERANCE_MM:
            return end_mm, True
        deficit_mm = end_mm
    return deficit_mm, False


@njit
def year_rates(
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: bool,
    max_deficit_mm: float,
    deficit_mm: float,
    p: Parameters,
    rates: Floats,
) -> float:
    """Fill `rates` with the monthly rate modifiers; return the deficit at the year's end [mm]."""
    for m in range(rates.size):
        vegetated = is_vegetated(cover[m], p)
        deficit_mm = next_deficit(deficit_mm, balance_mm[m], vegetated, max_deficit_mm, p)
        rates[m] = month_rate(temperature_c[m], deficit_mm, cover[m], paddy, max_deficit_mm, p)
    return deficit_mm


@njit
def reset_columns(columns: Floats) -> None:
    """Make `columns` (7, 4) the identity map: nothing decomposed, nothing added."""
    columns[:, :] = 0.0
    for pool in range(POOLS):
        columns[pool, pool] = 1.0


@njit
def extend_columns(
    columns: Floats, rates: Floats, share: Floats, ratio: float, p: Parameters
) -> None:
    """Let one more year pass over `columns` (7, 4).

    `rates` (12,) are the monthly rate modifiers, `share` (12,) the part of the annual input that
    falls into each month [-].
    """
    for m in range(rates.size):
        left = decay_factors(rates[m], p)
        for c in range(COLUMNS):
            dpm, rpm, bio, hum, _ = decompose(
                columns[c, DPM], columns[c, RPM], columns[c, BIO], columns[c, HUM], left, ratio, p
            )
            columns[c, DPM] = dpm
            columns[c, RPM] = rpm
            columns[c, BIO] = bio
            columns[c, HUM] = hum
        columns[4, DPM] += share[m]
        columns[5, RPM] += share[m]
        columns[6, HUM] += share[m]


@njit
def apply_map(columns: Floats, pools: Floats, out: Floats) -> None:
    """Put A `pools` into `out` (4,), A being columns 0-3; no input is added."""
    for pool in range(POOLS):
        total = 0.0
        for c in range(POOLS):
            total += columns[c, pool] * pools[c]
        out[pool] = total


@njit
def compose(later: Floats, columns: Floats, moved: Floats) -> None:
    """Let the map `later` (7, 4) pass over `columns` (7, 4); `moved` (4,) is room to work in."""
    for c in range(COLUMNS):
        apply_map(later, columns[c], moved)
        for pool in range(POOLS):
            columns[c, pool] = moved[pool]
            if c >= POOLS:
                columns[c, pool] += later[c, pool]


@njit
def repeat_map(annual: Floats, years: int, columns: Floats) -> None:
    """Let `years` more years of the constant map `annual` (7, 4) pass over `columns` (7, 4).

    A^n by binary powers: y_n = A^n y_0 + C (sum of A^j) u, exact for any n.
    """
    power = annual.copy()
    moved = np.empty(POOLS)
    while years > 0:
        if years % 2 == 1:
            compose(power, columns, moved)
        compose(power.copy(), power, moved)
        years //= 2


@njit
def solve_steady(columns: Floats, u: Floats, pools: Floats) -> int:
    """Put y* = (I - A)^-1 u into `pools` (4,) and return a status; A is columns 0-3 of `columns`.

    `u` (4,) is what a year's inputs have become at its end when it starts from empty pools. DPM and
    RPM are scalars; only BIO and HUM couple, so one 2 x 2 solve remains.
    """
    determinant = (1.0 - columns[BIO, BIO]) * (1.0 - columns[HUM, HUM]) - (
        columns[BIO, HUM] * columns[HUM, BIO]
    )
    if columns[DPM, DPM] >= 1.0 or columns[RPM, RPM] >= 1.0 or determinant <= 0.0:
        return NO_TURNOVER
    pools[DPM] = u[DPM] / (1.0 - columns[DPM, DPM])
    pools[RPM] = u[RPM] / (1.0 - columns[RPM, RPM])
    into_bio = u[BIO] + columns[DPM, BIO] * pools[DPM] + columns[RPM, BIO] * pools[RPM]
    into_hum = u[HUM] + columns[DPM, HUM] * pools[DPM] + columns[RPM, HUM] * pools[RPM]
    pools[BIO] = ((1.0 - columns[HUM, HUM]) * into_bio + columns[HUM, BIO] * into_hum) / determinant
    pools[HUM] = (columns[BIO, HUM] * into_bio + (1.0 - columns[BIO, BIO]) * into_hum) / determinant
    return OK


@njit
def solve_equilibrium(columns: Floats, entry: Floats, pools: Floats) -> int:
    """Put y* per unit of annual input into `pools` (4,); return a status.

    `entry` (3,) says which part of the input enters DPM, RPM and HUM.
    """
    u = np.empty(POOLS)
    for pool in range(POOLS):
        u[pool] = (
            entry[0] * columns[4, pool] + entry[1] * columns[5, pool] + entry[2] * columns[6, pool]
        )
    return solve_steady(columns, u, pools)


@njit
def equilibrium(
    temperature_c: Floats,
    balance_mm: Floats,
    cover: Floats,
    paddy: bool,
    share: Floats,
    entry: Floats,
    max_deficit_mm: float,
    ratio: float,
    p: Parameters,
    pools: Floats,
    columns: Floats,
    rates: Floats,
) -> tuple[float, int]:
    """Periodic equilibrium of one soil: fills `pools` (4,) per unit input, returns deficit, status.

    The climate arguments are (12,); `columns` (7, 4) and `rates` (12,) are filled with the annual
    map and the monthly rate modifiers of the periodic year.
    """
    deficit_mm, settled = periodic_deficit(balance_mm, cover, max_deficit_mm, p)
    if not settled:
        return deficit_mm, DEFICIT_NOT_PERIODIC
    deficit_mm = year_rates(
        temperature_c, balance_mm, cover, paddy, max_deficit_mm, deficit_mm, p, rates
    )
    reset_columns(columns)
    extend_columns(columns, rates, share, ratio, p)
    return deficit_mm, solve_equilibrium(columns, entry, pools)
