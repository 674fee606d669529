"""The rate of every month as the published scripts compute it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.parameters import DEFAULT as ROTHC
from recarb.sequestration.fao_r.numbers import NUMBERS
from recarb.sequestration.tables import YEAR

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Weather:
    """Whole years of one chain on some cells.

    temperature_c [degC], balance_mm = rain + irrigation - PET [mm month-1]: (months, cell);
    cover_factor [-], 1 bare and 0.6 covered: (months | 12, cell).
    """

    temperature_c: Floats
    balance_mm: Floats
    cover_factor: Floats


def temperature_rate(temperature_c: Floats) -> Floats:
    """Rate modifier a [-]; not a number below -18.3 degC. S12.

    >>> temperature_rate(np.array([9.25, -20.0])).round(2).tolist()
    [1.0, nan]
    """
    n = NUMBERS
    with np.errstate(divide="ignore", over="ignore"):
        rate = n.temp_a / (1.0 + np.exp(n.temp_b_c / (temperature_c + n.temp_c_c)))
    return np.where(temperature_c >= -n.temp_c_c, rate, np.nan)


def moisture_rate(balance_mm: Floats, bare: Bools, clay_pct: Floats, depth_cm: float) -> Floats:
    """Rate modifier b [-] of the months of each year, (year, 12, cell). SCR, fw1func.

    Every year starts anew: January with its own balance, not clipped. The deficit is clipped to the
    limit of its own month, bare or covered, but all months are judged by the limit of December.

    Parameters
    ----------
    balance_mm, bare : (year, 12, cell)
    clay_pct : (cell,) [%]
    """
    n, p = NUMBERS, ROTHC
    of_23_cm = p.tsmd_base_mm + p.tsmd_clay_mm * clay_pct - p.tsmd_clay2_mm * clay_pct**2
    covered_mm = -of_23_cm * (depth_cm / p.tsmd_depth_cm)
    limit_mm = np.where(bare, covered_mm / n.bare_divisor, covered_mm)
    deficit_mm = np.empty_like(balance_mm)
    deficit_mm[:, 0] = np.minimum(balance_mm[:, 0], 0.0)
    for month in range(1, YEAR):
        dried = np.minimum(deficit_mm[:, month - 1] + balance_mm[:, month], 0.0)
        deficit_mm[:, month] = np.maximum(dried, limit_mm[:, month])
    december_mm = limit_mm[:, -1:]
    one_bar_mm = p.one_bar_fraction * december_mm
    falling = (1.0 - p.moist_min) * (december_mm - deficit_mm) / (december_mm - one_bar_mm)
    b = np.where(deficit_mm > one_bar_mm, 1.0, p.moist_min + falling)
    return np.maximum(b, p.moist_min)


def monthly_rates(weather: Weather, clay_pct: Floats, paddy: Bools, depth_cm: float) -> Floats:
    """Rate modifier of every month [-], (months, cell); NaN below -18.3 degC.

    Parameters
    ----------
    clay_pct : (cell,) [%]
    paddy : (cell,) flooded rice, whose rate is 0.4 of the others'
    """
    shape = (-1, YEAR, clay_pct.size)
    cover = weather.cover_factor.reshape(shape)
    wet = moisture_rate(
        weather.balance_mm.reshape(shape), cover > NUMBERS.bare_above, clay_pct, depth_cm
    )
    rate = temperature_rate(weather.temperature_c.reshape(shape)) * wet * cover
    rate *= np.where(paddy, ROTHC.paddy_factor, 1.0)
    return np.ascontiguousarray(rate.reshape(-1, clay_pct.size))
