"""One month of many cells: loops over a block of cells that the compiler turns into vector code.

The same equations as in `rates` and `pools`, written without branches and without calls of the
mathematical library. Every array is one row of a block: (cells,) float64, contiguous. Fused
multiply-add stays off, so a cell has the same bits in any block and on any machine.
"""

import math

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.compile import inlined, njit
from recarb.rothc.equilibrium import COLUMNS, POOLS
from recarb.rothc.parameters import Parameters, Variant
from recarb.rothc.pools import co2_ratio
from recarb.rothc.rates import maximum_deficit, paddy_rate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RPM_POWER, BIO_POWER, DPM_POWER = 15, 33, 500  # k_RPM, k_BIO, k_DPM in units of k_HUM
RATIO_TOLERANCE = 1e-12  # of these ratios
SQUARINGS = 5  # exp(u) = exp(u / 32)^32
HALVED = 0.5**SQUARINGS

PLANT_POOL = (0, 1, 0, 0, 0, 1, 0)  # the plant pool of each column; of 2, 3 and 6 it is empty

SOIL_ROWS = 7  # of the array that describes the soils of a block:
DEEPEST = 0  # maximum deficit [mm]
STEEPNESS = 1  # (1 - b_min) / (deficit between one bar and the maximum) [mm-1]
KEPT = 2  # share of decomposed carbon that stays, 1 / (1 + x) [-]
SHIFT = 3  # added to temperature [K]
FACTOR = 4  # times rain [-]
PADDY = 5  # rate modifier of flooded rice [-]
GREENER = 6  # added to plant cover [-]

CENTRE = 0.15  # of u / 32, between 0 (any heat) and 0.25 (-5 degC)
EXP_CENTRE = math.exp(CENTRE)
LARGEST_EXPONENT = 8.0  # u at the coldest temperature that decomposes
LARGEST_DECAY = 0.05  # 0.02 rho / 12 of the hottest wettest month


def supports(p: Parameters) -> bool:
    """Whether the short cuts of this module hold for these parameters; else cell by cell.

    The decay constants have the ratios of RothC-26.3, the arguments of the two polynomials stay
    where their errors are stated, no other rate modifier leaves 0..1, and a month is that of
    RothC-26.3: one moisture deficit with limits by clay, one paddy factor for the whole year.
    """
    if p.variant._replace(analytical_spin_up=False) != Variant():
        return False
    ratios = (
        (p.k_rpm_per_yr, RPM_POWER),
        (p.k_bio_per_yr, BIO_POWER),
        (p.k_dpm_per_yr, DPM_POWER),
    )
    exact = all(abs(k - power * p.k_hum_per_yr) <= RATIO_TOLERANCE * k for k, power in ratios)
    coldest = p.temp_min_c + p.temp_c_c
    inside = coldest > 0.0 and 0.0 <= p.temp_b_c / coldest <= LARGEST_EXPONENT
    shares = (p.moist_min, p.cover_reduction, p.paddy_factor)
    slowing = all(0.0 <= share <= 1.0 for share in shares) and p.one_bar_fraction < 1.0
    hottest = p.k_hum_per_yr * p.temp_a / (2.0 * p.months_per_year)
    return exact and inside and slowing and 0.0 < hottest <= LARGEST_DECAY


@njit
def exponential(u: float) -> float:
    """exp(u) for u in 0..8, relative error below 4e-12 (below 2e-13 for u in 1.6..8).

    Taylor polynomial of degree 8 of exp(u / 32) about 0.15, five times squared.
    """
    w = u * HALVED - CENTRE
    w2 = w * w
    w4 = w2 * w2
    low = (1.0 + w) + w2 * (1.0 / 2.0 + w * (1.0 / 6.0))
    mid = (1.0 / 24.0 + w * (1.0 / 120.0)) + w2 * (1.0 / 720.0 + w * (1.0 / 5040.0))
    power = (low + w4 * (mid + w4 * (1.0 / 40320.0))) * EXP_CENTRE
    for _ in range(SQUARINGS):
        power *= power
    return power


@njit
def small_decay(h: float) -> float:
    """exp(-h) for h in 0..0.05, relative error below 2e-13 (below 4e-16 for h up to 0.02)."""
    h2 = h * h
    mid = (1.0 / 24.0 - h * (1.0 / 120.0)) + h2 * (1.0 / 720.0)
    return 1.0 - (h - h2 * ((1.0 / 2.0 - h * (1.0 / 6.0)) + h2 * mid))


@inlined
def slow_paddy(paddy: Bools, p: Parameters, soil: Floats) -> None:
    """Fill the paddy row of `soil`."""
    for j in range(paddy.size):
        soil[PADDY, j] = paddy_rate(paddy[j], p)


@njit
def describe_soils(
    clay_pct: Floats,
    depth_cm: float,
    shift_c: Floats,
    rain_factor: Floats,
    cover_shift: Floats,
    paddy: Bools,
    p: Parameters,
    soil: Floats,
) -> None:
    """Fill `soil` (SOIL_ROWS, cells)."""
    for j in range(clay_pct.size):
        deepest = maximum_deficit(clay_pct[j], depth_cm, p)
        soil[DEEPEST, j] = deepest
        soil[STEEPNESS, j] = (1.0 - p.moist_min) / (deepest * (1.0 - p.one_bar_fraction))
        soil[KEPT, j] = 1.0 / (1.0 + co2_ratio(clay_pct[j], p))
        soil[SHIFT, j] = shift_c[j]
        soil[FACTOR, j] = rain_factor[j]
        soil[GREENER, j] = cover_shift[j]
    slow_paddy(paddy, p, soil)


@inlined
def load_month(
    temperature_c: Floats,
    rain_mm: Floats,
    pet_mm: Floats,
    irrigation_mm: Floats,
    soil: Floats,
    shifted_c: Floats,
    balance_mm: Floats,
) -> None:
    """Fill `shifted_c` and `balance_mm` with the temperature and the water balance of the month."""
    shift, factor = soil[SHIFT], soil[FACTOR]
    for j in range(balance_mm.size):
        shifted_c[j] = temperature_c[j] + shift[j]
        balance_mm[j] = rain_mm[j] * factor[j] + irrigation_mm[j] - pet_mm[j]


@inlined
def load_cover(cover: Floats, soil: Floats, shifted: Floats) -> None:
    """Fill `shifted` with the plant cover of the month: `rates.shifted_cover`."""
    greener = soil[GREENER]
    for j in range(shifted.size):
        shifted[j] = min(1.0, max(0.0, cover[j] + greener[j]))


@inlined
def wet_and_dry(
    balance_mm: Floats,
    cover: Floats,
    soil: Floats,
    p: Parameters,
    deficit_mm: Floats,
    rates: Floats,
) -> None:
    """Let the month pass over the deficit and start `rates` with moisture, cover and paddy.

    `rates.next_deficit` and `rates.moisture_rate` of every cell.
    """
    deepest_mm, steepness, paddy = soil[DEEPEST], soil[STEEPNESS], soil[PADDY]
    for j in range(deficit_mm.size):
        deepest, now = deepest_mm[j], deficit_mm[j]
        floor = deepest if cover[j] >= p.cover_threshold else min(p.bare_fraction * deepest, now)
        now = max(floor, min(0.0, now + balance_mm[j]))
        moist = min(1.0, p.moist_min + (deepest - now) * steepness[j])
        deficit_mm[j] = now
        rates[j] = moist * (1.0 - p.cover_reduction * cover[j]) * paddy[j]


@inlined
def warm(temperature_c: Floats, p: Parameters, rates: Floats) -> None:
    """Multiply `rates` by the rate modifier for temperature: `rates.temperature_rate`."""
    for j in range(rates.size):
        warmth = temperature_c[j]
        u = p.temp_b_c / (max(warmth, p.temp_min_c) + p.temp_c_c)
        found = p.temp_a / (1.0 + exponential(u))
        rates[j] *= found if warmth >= p.temp_min_c else 0.0


@njit
def decay_powers(rate: float, per_rate: float) -> tuple[float, float, float, float]:
    """Shares of DPM, RPM, BIO and HUM that are left after a month: `pools.decay_factors`.

    `per_rate` is k_HUM / 12; the other pools are powers of exp(-per_rate rho).
    """
    q = small_decay(rate * per_rate)
    q2 = q * q
    q3 = q2 * q
    q5 = q3 * q2
    q6 = q3 * q3
    q12 = q6 * q6
    q15 = q12 * q3
    q30 = q15 * q15
    q60 = q30 * q30
    q120 = q60 * q60
    q125 = q120 * q5
    q250 = q125 * q125
    return q250 * q250, q15, q30 * q3, q


@inlined
def feed(c_input: Floats, share: Floats, rates: Floats, plant: Floats, total_rate: Floats) -> None:
    """Fill `plant` with the month's carbon input and add the month's rate to `total_rate`."""
    for j in range(plant.size):
        plant[j] = c_input[j] * share[j]
        total_rate[j] += rates[j]


@inlined
def turn_over(
    rates: Floats,
    per_rate: float,
    soil: Floats,
    plant: Floats,
    entry: Floats,
    p: Parameters,
    pools: Floats,
    respired: Floats,
) -> None:
    """Let the month pass over the pools (4, cells), then add `plant` by `entry` (3, cells)."""
    dpm, rpm, bio, hum = pools[0], pools[1], pools[2], pools[3]
    kept_share = soil[KEPT]
    to_dpm, to_rpm, to_hum = entry[0], entry[1], entry[2]
    for j in range(respired.size):
        of_dpm, of_rpm, of_bio, of_hum = decay_powers(rates[j], per_rate)
        d, r, b, h = dpm[j] * of_dpm, rpm[j] * of_rpm, bio[j] * of_bio, hum[j] * of_hum
        lost = (dpm[j] - d) + (rpm[j] - r) + (bio[j] - b) + (hum[j] - h)
        kept = lost * kept_share[j]
        respired[j] += lost - kept
        dpm[j] = d + plant[j] * to_dpm[j]
        rpm[j] = r + plant[j] * to_rpm[j]
        bio[j] = b + p.bio_fraction * kept
        hum[j] = h + p.hum_fraction * kept + plant[j] * to_hum[j]


@inlined
def turn_columns(
    rates: Floats,
    per_rate: float,
    soil: Floats,
    share: Floats,
    p: Parameters,
    left: Floats,
    columns: Floats,
) -> None:
    """Let the month pass over the annual map: `equilibrium.extend_columns` of every cell.

    `columns` (7, 3, cells) holds the same seven columns without what is always zero: the plant pool
    that the column starts in (DPM or RPM), BIO and HUM. `left` (4, cells) is room to work in.
    """
    for j in range(rates.size):
        left[0, j], left[1, j], left[2, j], left[3, j] = decay_powers(rates[j], per_rate)
    of_bio, of_hum, kept_share = left[2], left[3], soil[KEPT]
    for c in range(COLUMNS):
        plant, bio, hum = columns[c, 0], columns[c, 1], columns[c, 2]
        of_plant = left[PLANT_POOL[c]]
        for j in range(rates.size):
            x, b, h = plant[j] * of_plant[j], bio[j] * of_bio[j], hum[j] * of_hum[j]
            kept = ((plant[j] - x) + (bio[j] - b) + (hum[j] - h)) * kept_share[j]
            plant[j] = x
            bio[j] = b + p.bio_fraction * kept
            hum[j] = h + p.hum_fraction * kept
    for j in range(rates.size):
        columns[4, 0, j] += share[j]
        columns[5, 0, j] += share[j]
        columns[6, 2, j] += share[j]


@inlined
def reset_columns(columns: Floats) -> None:
    """Make `columns` (7, 3, cells) the identity map."""
    for j in range(columns.shape[2]):
        for c in range(COLUMNS):
            for row in range(3):
                columns[c, row, j] = 0.0
        columns[0, 0, j] = 1.0
        columns[1, 0, j] = 1.0
        columns[2, 1, j] = 1.0
        columns[3, 2, j] = 1.0


@inlined
def compose_columns(later: Floats, columns: Floats) -> None:
    """Let the map `later` pass over `columns`, both (7, 3, cells): `equilibrium.compose`."""
    bio_bio, bio_hum, hum_bio, hum_hum = later[2, 1], later[2, 2], later[3, 1], later[3, 2]
    for c in range(COLUMNS):
        plant, bio, hum = columns[c, 0], columns[c, 1], columns[c, 2]
        of = later[PLANT_POOL[c]]
        stays, to_bio, to_hum, of_input = of[0], of[1], of[2], later[c]
        for j in range(plant.size):
            x, b, h = plant[j], bio[j], hum[j]
            plant[j] = stays[j] * x
            bio[j] = to_bio[j] * x + bio_bio[j] * b + hum_bio[j] * h
            hum[j] = to_hum[j] * x + bio_hum[j] * b + hum_hum[j] * h
            if c >= POOLS:
                plant[j] += of_input[0, j]
                bio[j] += of_input[1, j]
                hum[j] += of_input[2, j]


@njit
def solve_steady(columns: Floats, entry: Floats, pools: Floats) -> None:
    """Put y* per unit of annual input into `pools` (4, cells): `equilibrium.solve_steady`.

    `entry` (3, cells); NaN where there is no turnover.
    """
    for j in range(pools.shape[1]):
        bio_bio, bio_hum = columns[2, 1, j], columns[2, 2, j]
        hum_bio, hum_hum = columns[3, 1, j], columns[3, 2, j]
        determinant = (1.0 - bio_bio) * (1.0 - hum_hum) - bio_hum * hum_bio
        turns = columns[0, 0, j] < 1.0 and columns[1, 0, j] < 1.0 and determinant > 0.0
        if not turns:
            for pool in range(POOLS):
                pools[pool, j] = np.nan
            continue
        dpm = entry[0, j] * columns[4, 0, j] / (1.0 - columns[0, 0, j])
        rpm = entry[1, j] * columns[5, 0, j] / (1.0 - columns[1, 0, j])
        into_bio = columns[0, 1, j] * dpm + columns[1, 1, j] * rpm
        into_hum = columns[0, 2, j] * dpm + columns[1, 2, j] * rpm
        for c in range(3):
            into_bio += entry[c, j] * columns[4 + c, 1, j]
            into_hum += entry[c, j] * columns[4 + c, 2, j]
        pools[0, j], pools[1, j] = dpm, rpm
        pools[2, j] = ((1.0 - hum_hum) * into_bio + hum_bio * into_hum) / determinant
        pools[3, j] = (bio_hum * into_bio + (1.0 - bio_bio) * into_hum) / determinant
