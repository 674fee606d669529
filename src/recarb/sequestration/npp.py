"""Net primary production by MIAMI: the yearly weight of the carbon input."""

import math

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import inlined, njit

Floats = NDArray[np.float64]

HIGHEST = 3000.0  # [g dry matter m-2 yr-1]
G_M2_TO_T_HA = 0.01
CARBON_FRACTION = 0.48  # manual ch. 6 (the scripts use 0.5; it cancels in ratios)
TO_CARBON = G_M2_TO_T_HA * CARBON_FRACTION

LARGEST_EXPONENT = 20.0  # reached at -157 degC, or 30 m of rain in a year
SQUARINGS = 6  # exp(u) = exp(u / 64)^64
HALVED = 0.5**SQUARINGS
TAYLOR = tuple(1.0 / math.factorial(n) for n in range(12, -1, -1))


def miami(temperature_c: Floats, rain_mm: Floats) -> Floats:
    """Net primary production [g dry matter m-2 yr-1], Lieth 1972 (MIAMI); manual eq. 6.6-6.8.

    Parameters
    ----------
    temperature_c : annual mean air temperature [degC]
    rain_mm : annual precipitation [mm]

    >>> round(float(miami(np.float64(9.25), np.float64(700.0))), 0)
    1115.0
    """
    by_temperature = HIGHEST / (1.0 + np.exp(1.315 - 0.119 * temperature_c))
    by_rain = HIGHEST * (1.0 - np.exp(-0.000664 * rain_mm))
    return np.minimum(by_temperature, by_rain)


def npp_carbon(temperature_c: Floats, rain_mm: Floats) -> Floats:
    """The same as carbon [t C ha-1 yr-1]."""
    return miami(temperature_c, rain_mm) * TO_CARBON


@inlined
def exponential(u: float) -> float:
    """exp(u) for u in -20..20, relative error below 3e-14; beyond, that of the bound.

    Taylor polynomial of degree 12 of exp(u / 64), six times squared.
    """
    w = min(max(u, -LARGEST_EXPONENT), LARGEST_EXPONENT) * HALVED
    power = TAYLOR[0]
    for coefficient in TAYLOR[1:]:
        power = power * w + coefficient
    for _ in range(SQUARINGS):
        power *= power
    return power


@njit
def yearly_carbon(
    temperature_c: Floats, rain_mm: Floats, shift_c: Floats, factor: Floats, irrigation_mm: Floats
) -> Floats:
    """`miami` as carbon, of every year of every member [t C ha-1 yr-1], (member, year, cell).

    Agrees with `miami` to 1e-12 of its highest value, and has the same bits in any tile.

    Parameters
    ----------
    temperature_c, rain_mm : (year, cell) annual mean [degC] and sum [mm]
    shift_c, factor : (member, cell) added to temperature [K], times rain [-]
    irrigation_mm : (cell,) added to rain [mm]
    """
    members, cells = shift_c.shape
    years = temperature_c.shape[0]
    found = np.empty((members, years, cells))
    for k in range(members):
        for year in range(years):
            warmth, rain, out = temperature_c[year], rain_mm[year], found[k, year]
            shift, times = shift_c[k], factor[k]
            for j in range(cells):
                of_warmth = exponential(1.315 - 0.119 * (warmth[j] + shift[j]))
                of_rain = exponential(-0.000664 * (rain[j] * times[j] + irrigation_mm[j]))
                limit = min(HIGHEST / (1.0 + of_warmth), HIGHEST * (1.0 - of_rain))
                out[j] = limit * TO_CARBON
    return found


@njit
def yearly_sums(series: Floats, months: int) -> Floats:
    """Sum of every year of a series (month, cell), one month after the other, (year, cell)."""
    years, cells = series.shape[0] // months, series.shape[1]
    found = np.empty((years, cells))
    for year in range(years):
        total, first = found[year], series[months * year]
        for j in range(cells):
            total[j] = first[j]
        for month in range(months * year + 1, months * (year + 1)):
            values = series[month]
            for j in range(cells):
                total[j] += values[j]
    return found
