"""One month of the carbon pools: what decomposes, what is respired, where the rest goes."""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.parameters import Parameters

Stock = TypeVar("Stock", float, NDArray[np.float64])


@njit
def co2_ratio(clay_pct: float, p: Parameters) -> float:
    """Ratio x of CO2 to (BIO + HUM) formed [-]. CJ96: x = 1.67 (1.85 + 1.60 exp(-0.0786 clay)).

    >>> from recarb.rothc.parameters import Parameters
    >>> round(co2_ratio(23.4, Parameters()), 3)
    3.514
    """
    return p.x_scale * (p.x_base + p.x_clay * math.exp(-p.x_clay_decay_per_pct * clay_pct))


@njit
def inert_carbon(soc_tc_ha: Stock, p: Parameters) -> Stock:
    """Inert organic matter IOM [t C ha-1] of a stock [t C ha-1]. F98: 0.049 SOC^1.139.

    >>> from recarb.rothc.parameters import Parameters
    >>> round(inert_carbon(37.19, Parameters()), 2)
    3.01
    """
    inert: Stock = p.iom_scale * soc_tc_ha**p.iom_power
    return inert


@njit
def split_input(
    plant: float, fym: float, dpm_rpm: float, p: Parameters
) -> tuple[float, float, float]:
    """Carbon entering DPM, RPM and HUM [t C ha-1] of a plant input and farmyard manure. CJ96."""
    dpm = plant * dpm_rpm / (1.0 + dpm_rpm) + p.fym_dpm * fym
    rpm = plant / (1.0 + dpm_rpm) + p.fym_rpm * fym
    return dpm, rpm, p.fym_hum * fym


@njit
def decay_factors(rate: float, p: Parameters) -> tuple[float, float, float, float]:
    """Share of DPM, RPM, BIO, HUM [-] that is left after a month with rate modifier `rate` [-]."""
    dt = 1.0 / p.months_per_year
    return (
        math.exp(-p.k_dpm_per_yr * rate * dt),
        math.exp(-p.k_rpm_per_yr * rate * dt),
        math.exp(-p.k_bio_per_yr * rate * dt),
        math.exp(-p.k_hum_per_yr * rate * dt),
    )


@njit
def decompose(
    dpm: float,
    rpm: float,
    bio: float,
    hum: float,
    left: tuple[float, float, float, float],
    ratio: float,
    p: Parameters,
) -> tuple[float, float, float, float, float]:
    """Pools after a month without input, and the carbon respired [t C ha-1]. CJ96.

    `left` are the `decay_factors`, `ratio` is the `co2_ratio`. All four pools decompose from what
    they were at the start of the month.
    """
    lost = (
        dpm * (1.0 - left[0])
        + rpm * (1.0 - left[1])
        + bio * (1.0 - left[2])
        + hum * (1.0 - left[3])
    )
    kept = lost / (1.0 + ratio)
    return (
        dpm * left[0],
        rpm * left[1],
        bio * left[2] + p.bio_fraction * kept,
        hum * left[3] + p.hum_fraction * kept,
        lost - kept,
    )
