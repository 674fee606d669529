"""The closed forms: a year of RothC is an affine map, so spin-up and forward need no iteration.

For a given climate, cover and parameters a month maps the four active pools y = (DPM, RPM, BIO,
HUM) to A y + I u. Twelve months compose into one annual map, held here as seven *columns* of four
pools: columns 0-3 are what a unit of DPM, RPM, BIO, HUM becomes in a year (the matrix A), columns
4-6 what a unit of annual carbon input into DPM, RPM, HUM has become at the end of the year.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import decay_factors, decompose
from recarb.rothc.rates import (
    Limits,
    cover_rate,
    is_vegetated,
    moisture_rate,
    next_deficit,
    temperature_rate,
)

Floats = NDArray[np.float64]
Deficits = tuple[float, float]  # [mm] of covered and bare ground; twice the same if not mixed

OK = 0
NO_TURNOVER = 1  # no month of the year is warm enough: I - A is singular
DEFICIT_NOT_PERIODIC = 2  # the moisture deficit still drifts at the bound of passes
NO_WATER_LIMITS = 3  # the retention curve of the soil has none

MAX_PASSES = 100_000  # passes over the year before DEFICIT_NOT_PERIODIC
DRIFT_TOLERANCE_MM = 1e-9  # a deficit that moves less than this in a year is periodic

DPM, RPM, BIO, HUM = 0, 1, 2, 3
POOLS = 4
INPUTS = 3  # inputs enter DPM, RPM and HUM: columns 4, 5, 6
COLUMNS = POOLS + INPUTS


class Year(NamedTuple):
    """The months of a year of one soil, (12,) each.

    temperature_c [degC], balance_mm : water balance [mm], cover : plant cover [0-1],
    paddy : rate modifier of flooded rice [-]
    """

    temperature_c: Floats
    balance_mm: Floats
    cover: Floats
    paddy: Floats


@njit
def next_deficits(
    deficits_mm: Deficits, balance_mm: float, cover: float, limits: Limits, p: Parameters
) -> Deficits:
    """Deficits after one month with water balance `balance_mm` [mm]."""
    if p.variant.mixed_cover:
        return (
            next_deficit(deficits_mm[0], balance_mm, True, limits),
            next_deficit(deficits_mm[1], balance_mm, False, limits),
        )
    one_mm = next_deficit(deficits_mm[0], balance_mm, is_vegetated(cover, p), limits)
    return one_mm, one_mm


@njit
def month_rate(
    temperature_c: float,
    deficits_mm: Deficits,
    cover: float,
    paddy: float,
    limits: Limits,
    p: Parameters,
) -> float:
    """Rate modifier of one month, a b c times that of paddy [-]; deficits are this month's.

    With mixed cover a (f b_covered 0.6 + (1 - f) b_bare): two grounds side by side.
    """
    warmth = temperature_rate(temperature_c, p)
    if p.variant.mixed_cover:
        covered = cover * moisture_rate(deficits_mm[0], limits, p) * cover_rate(1.0, p)
        bare = (1.0 - cover) * moisture_rate(deficits_mm[1], limits, p)
        return warmth * (covered + bare) * paddy
    return warmth * moisture_rate(deficits_mm[0], limits, p) * cover_rate(cover, p) * paddy


@njit
def year_deficits(year: Year, limits: Limits, deficits_mm: Deficits, p: Parameters) -> Deficits:
    """Deficits at the end of a year [mm] that starts with `deficits_mm`."""
    for m in range(year.cover.size):
        deficits_mm = next_deficits(deficits_mm, year.balance_mm[m], year.cover[m], limits, p)
    return deficits_mm


@njit
def periodic_deficits(year: Year, limits: Limits, p: Parameters) -> tuple[Deficits, bool]:
    """Deficits that January inherits when the year repeats for ever [mm]; whether they settled."""
    deficits_mm = (0.0, 0.0)
    for _ in range(MAX_PASSES):
        end_mm = year_deficits(year, limits, deficits_mm, p)
        drift_mm = max(abs(end_mm[0] - deficits_mm[0]), abs(end_mm[1] - deficits_mm[1]))
        if drift_mm <= DRIFT_TOLERANCE_MM:
            return end_mm, True
        deficits_mm = end_mm
    return deficits_mm, False


@njit
def year_rates(
    year: Year, limits: Limits, deficits_mm: Deficits, p: Parameters, rates: Floats
) -> Deficits:
    """Fill `rates` with the monthly rate modifiers; return the deficits at the year's end [mm]."""
    for m in range(rates.size):
        deficits_mm = next_deficits(deficits_mm, year.balance_mm[m], year.cover[m], limits, p)
        rates[m] = month_rate(
            year.temperature_c[m], deficits_mm, year.cover[m], year.paddy[m], limits, p
        )
    return deficits_mm


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
def solve_continuous(rate: float, entry: Floats, ratio: float, p: Parameters, pools: Floats) -> int:
    """Put the steady state of continuous time into `pools` (4,); return a status.

    `rate` is the mean rate modifier [-], `entry` (3,) the annual input into DPM, RPM and HUM. What
    decomposes in a year is D = input + what stays, so D = input (1 + x) / x. Dechow et al. 2019.
    """
    if rate <= 0.0:
        return NO_TURNOVER
    decomposed = (entry[0] + entry[1] + entry[2]) * (1.0 + ratio) / ratio
    kept = decomposed / (1.0 + ratio)
    pools[DPM] = entry[0] / (p.k_dpm_per_yr * rate)
    pools[RPM] = entry[1] / (p.k_rpm_per_yr * rate)
    pools[BIO] = p.bio_fraction * kept / (p.k_bio_per_yr * rate)
    pools[HUM] = (p.hum_fraction * kept + entry[2]) / (p.k_hum_per_yr * rate)
    return OK


@njit
def equilibrium(
    year: Year,
    share: Floats,
    entry: Floats,
    limits: Limits,
    ratio: float,
    p: Parameters,
    pools: Floats,
    columns: Floats,
    rates: Floats,
) -> tuple[Deficits, int]:
    """Equilibrium of one soil: fills `pools` (4,) per unit of input, returns deficits and status.

    `share` and `entry` as in `weather.Land`; `columns` (7, 4) and `rates` (12,) are filled with the
    annual map and the monthly rate modifiers of the periodic year.
    """
    if not limits.deepest_mm < 0.0:
        return (np.nan, np.nan), NO_WATER_LIMITS
    deficits_mm, settled = periodic_deficits(year, limits, p)
    if not settled:
        return deficits_mm, DEFICIT_NOT_PERIODIC
    deficits_mm = year_rates(year, limits, deficits_mm, p, rates)
    reset_columns(columns)
    extend_columns(columns, rates, share, ratio, p)
    if p.variant.analytical_spin_up:
        return deficits_mm, solve_continuous(rates.mean(), entry, ratio, p, pools)
    return deficits_mm, solve_equilibrium(columns, entry, pools)
