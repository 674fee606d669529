"""One month of many cells: loops over a block of cells that the compiler turns into vector code.

The same equations as in `rates` and `pools`, written without branches and without calls of the
mathematical library. Fused multiply-add stays off, so a cell has the same bits in any block and on
any machine.

All that a block holds are rows of one array (ROWS, WIDTH): the compiler makes vector code of a loop
only if it can tell the arrays apart, and rows at constant distances it can.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import inlined, njit
from recarb.rothc.equilibrium import COLUMNS, POOLS
from recarb.rothc.parameters import Parameters, Variant
from recarb.rothc.pools import co2_ratio
from recarb.rothc.rates import maximum_deficit, paddy_rate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RPM_POWER, BIO_POWER, DPM_POWER = 15, 33, 500  # k_RPM, k_BIO, k_DPM in units of k_HUM
RATIO_TOLERANCE = 1e-12  # of these ratios
SQUARINGS = 4  # exp(u) = exp(u / 16)^16
PARTS = 2.0**SQUARINGS

PLANT_POOL = (0, 1, 0, 0, 0, 1, 0)  # the plant pool of each column; of 2, 3 and 6 it is empty

PLANTED, PLANTLESS = (0, 1, 4, 5), (2, 3, 6)

WIDTH = 128  # cells: with it, what a month touches stays in the first cache
# rows of a block; of the soil:
DEEPEST = 0  # maximum deficit [mm]
STEEPNESS = 1  # (1 - b_min) / (deficit between one bar and the maximum) [mm-1]
KEPT = 2  # share of decomposed carbon that stays, 1 / (1 + x) [-]
SHIFT = 3  # added to temperature [K]
FACTOR = 4  # times rain [-]
PADDY = 5  # rate modifier of flooded rice [-]
GREENER = 6  # added to plant cover [-]
# of its state:
DEFICIT = 7  # [mm]
RATE = 8  # rate modifier of the month [-]
RATES = 9  # sum of those of all months [-]
STOCK = 10  # the first of four pools [t C ha-1]
RESPIRED = 14  # sum of all months [t C ha-1]
ENTRY = 15  # the first of three parts of the input: those that enter DPM, RPM, HUM [-]
# of the month:
TEMPERATURE = 18  # [degC]
BALANCE = 19  # of water [mm]
COVER = 20  # plant cover [0-1]
PLANT = 21  # carbon input [t C ha-1]
ROWS = 22

LARGEST_EXPONENT = 8.0  # u at the coldest temperature that decomposes
SMALLEST_EXPONENT = 1.0  # of the same: far from what `warmth` could not hold
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
    inside = coldest > 0.0 and SMALLEST_EXPONENT <= p.temp_b_c / coldest <= LARGEST_EXPONENT
    shares = (p.moist_min, p.cover_reduction, p.paddy_factor)
    slowing = all(0.0 <= share <= 1.0 for share in shares) and p.one_bar_fraction < 1.0
    hottest = p.k_hum_per_yr * p.temp_a / (2.0 * p.months_per_year)
    return exact and inside and slowing and 0.0 < hottest <= LARGEST_DECAY


@njit
def warmth(above_c: float, p: Parameters) -> float:
    """47.91 / (1 + exp(u)) with u = 106.06 / `above_c` in 0..8, relative error below 1e-12.

    The Pade approximant [5/5] of exp(u / 16), written in s = 16 / u: its numerator is even + odd,
    its denominator even - odd. Both four times squared, so one division is enough.
    """
    s = above_c * (PARTS / p.temp_b_c)
    s2 = s * s
    even = s * ((30240.0 * s2 + 3360.0) * s2 + 30.0)
    odd = (15120.0 * s2 + 420.0) * s2 + 1.0
    growing, falling = even + odd, even - odd
    for _ in range(SQUARINGS):
        growing *= growing
        falling *= falling
    return p.temp_a * falling / (falling + growing)


@njit
def small_decay(h: float) -> float:
    """exp(-h) for h in 0..0.05, relative error below 2e-13 (below 4e-16 for h up to 0.02)."""
    h2 = h * h
    mid = (1.0 / 24.0 - h * (1.0 / 120.0)) + h2 * (1.0 / 720.0)
    return 1.0 - (h - h2 * ((1.0 / 2.0 - h * (1.0 / 6.0)) + h2 * mid))


@inlined
def slow_paddy(paddy: Bools, p: Parameters, block: Floats) -> None:
    """Fill the paddy row of `block`."""
    for j in range(paddy.size):
        block[PADDY, j] = paddy_rate(paddy[j], p)


@njit
def describe_soils(
    clay_pct: Floats,
    depth_cm: float,
    shift_c: Floats,
    rain_factor: Floats,
    cover_shift: Floats,
    p: Parameters,
    block: Floats,
) -> None:
    """Fill the rows of the soil, but that of paddy."""
    for j in range(clay_pct.size):
        deepest = maximum_deficit(clay_pct[j], depth_cm, p)
        block[DEEPEST, j] = deepest
        block[STEEPNESS, j] = (1.0 - p.moist_min) / (deepest * (1.0 - p.one_bar_fraction))
        block[KEPT, j] = 1.0 / (1.0 + co2_ratio(clay_pct[j], p))
        block[SHIFT, j] = shift_c[j]
        block[FACTOR, j] = rain_factor[j]
        block[GREENER, j] = cover_shift[j]


@inlined
def load_water(
    rain_mm: Floats, irrigation_mm: Floats, pet_mm: Floats, cover: Floats, block: Floats
) -> None:
    """Fill the rows of the month's water balance and plant cover: `rates.shifted_cover`."""
    for j in range(cover.size):
        block[BALANCE, j] = rain_mm[j] * block[FACTOR, j] + irrigation_mm[j] - pet_mm[j]
    for j in range(cover.size):
        block[COVER, j] = min(1.0, max(0.0, cover[j] + block[GREENER, j]))


@inlined
def load_warmth(temperature_c: Floats, block: Floats) -> None:
    """Fill the row of the month's temperature."""
    for j in range(temperature_c.size):
        block[TEMPERATURE, j] = temperature_c[j] + block[SHIFT, j]


@inlined
def load_input(c_input: Floats, share: Floats, block: Floats) -> None:
    """Fill the row of the month's carbon input."""
    for j in range(share.size):
        block[PLANT, j] = c_input[j] * share[j]


@njit
def deficit_after(
    now_mm: float, balance_mm: float, cover: float, deepest_mm: float, p: Parameters
) -> float:
    """The deficit after the month [mm]: `rates.next_deficit`."""
    bare = min(p.bare_fraction * deepest_mm, now_mm)
    floor = deepest_mm if cover >= p.cover_threshold else bare
    return max(floor, min(0.0, now_mm + balance_mm))


@njit
def rate_of_month(
    temperature_c: float, above_mm: float, steepness: float, cover: float, p: Parameters
) -> float:
    """The rate modifier but for paddy [-]: those of `rates` for moisture, cover and temperature.

    `above_mm` is how far the deficit lies above the deepest.
    """
    warm = warmth(max(temperature_c, p.temp_min_c) + p.temp_c_c, p)
    moist = min(1.0, p.moist_min - above_mm * steepness)
    rate = moist * (1.0 - p.cover_reduction * cover)
    return rate * (warm if temperature_c >= p.temp_min_c else 0.0)


@inlined
def pass_water(cells: int, p: Parameters, block: Floats) -> None:
    """Let the month pass over the deficits alone."""
    for j in range(cells):
        block[DEFICIT, j] = deficit_after(
            block[DEFICIT, j], block[BALANCE, j], block[COVER, j], block[DEEPEST, j], p
        )


@inlined
def pass_weather(cells: int, p: Parameters, block: Floats) -> None:
    """Let the month pass over the deficits, fill the rates and add them up."""
    for j in range(cells):
        cover, deepest = block[COVER, j], block[DEEPEST, j]
        deficit = deficit_after(block[DEFICIT, j], block[BALANCE, j], cover, deepest, p)
        above = deficit - deepest
        rate = rate_of_month(block[TEMPERATURE, j], above, block[STEEPNESS, j], cover, p)
        rate *= block[PADDY, j]
        block[DEFICIT, j], block[RATE, j] = deficit, rate
        block[RATES, j] += rate


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
def turn_over(cells: int, per_rate: float, p: Parameters, block: Floats) -> None:
    """Let the month pass over the pools, then add its input: `pools.decompose`.

    `per_rate` is k_HUM / 12.
    """
    for j in range(cells):
        of_dpm, of_rpm, of_bio, of_hum = decay_powers(block[RATE, j], per_rate)
        dpm, rpm = block[STOCK, j], block[STOCK + 1, j]
        bio, hum = block[STOCK + 2, j], block[STOCK + 3, j]
        d, r, b, h = dpm * of_dpm, rpm * of_rpm, bio * of_bio, hum * of_hum
        lost = (dpm - d) + (rpm - r) + (bio - b) + (hum - h)
        kept, plant = lost * block[KEPT, j], block[PLANT, j]
        block[RESPIRED, j] += lost - kept
        block[STOCK, j] = d + plant * block[ENTRY, j]
        block[STOCK + 1, j] = r + plant * block[ENTRY + 1, j]
        block[STOCK + 2, j] = b + p.bio_fraction * kept
        block[STOCK + 3, j] = h + p.hum_fraction * kept + plant * block[ENTRY + 2, j]


@inlined
def turn_columns(
    per_rate: float, share: Floats, p: Parameters, block: Floats, left: Floats, columns: Floats
) -> None:
    """Let the month pass over the annual map: `equilibrium.extend_columns` of every cell.

    `columns` (7, 3, cells) holds the same seven columns without what is always zero: the plant pool
    that the column starts in (DPM or RPM), BIO and HUM. `left` (4, cells) is room to work in.
    """
    for j in range(share.size):
        left[0, j], left[1, j], left[2, j], left[3, j] = decay_powers(block[RATE, j], per_rate)
    of_bio, of_hum, kept_share = left[2], left[3], block[KEPT]
    for c in PLANTED:
        plant, bio, hum = columns[c, 0], columns[c, 1], columns[c, 2]
        of_plant = left[PLANT_POOL[c]]
        for j in range(share.size):
            x, b, h = plant[j] * of_plant[j], bio[j] * of_bio[j], hum[j] * of_hum[j]
            kept = ((plant[j] - x) + (bio[j] - b) + (hum[j] - h)) * kept_share[j]
            plant[j] = x
            bio[j] = b + p.bio_fraction * kept
            hum[j] = h + p.hum_fraction * kept
    for c in PLANTLESS:
        bio, hum = columns[c, 1], columns[c, 2]
        for j in range(share.size):
            b, h = bio[j] * of_bio[j], hum[j] * of_hum[j]
            kept = ((bio[j] - b) + (hum[j] - h)) * kept_share[j]
            bio[j] = b + p.bio_fraction * kept
            hum[j] = h + p.hum_fraction * kept
    for j in range(share.size):
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


@inlined
def repeat_columns(annual: Floats, years: int, columns: Floats) -> None:
    """Let `years` of the map `annual` pass over `columns`: `equilibrium.repeat_map`.

    `annual` becomes a power of itself.
    """
    while years > 0:
        if years % 2 == 1:
            compose_columns(annual, columns)
        years //= 2
        if years > 0:
            compose_columns(annual.copy(), annual)


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
