"""What speeds decomposition up or slows it down: temperature, moisture, plant cover.

Scalar functions, one equation each, written as in Coleman & Jenkinson (1996) and Coleman, Prout &
Milne (2024). They run as plain Python (`.py_func`) and compiled.
"""

import math
from typing import NamedTuple

from recarb.core.compile import njit
from recarb.rothc.parameters import Parameters


class Limits(NamedTuple):
    """Deficits at which a soil changes its ways [mm, <= 0]."""

    one_bar_mm: float  # nothing slows down above
    driest_mm: float  # the least rate from here on
    deepest_mm: float  # no vegetated soil gets drier
    bare_mm: float  # nor a bare soil by itself


@njit
def temperature_rate(temperature_c: float, p: Parameters) -> float:
    """Rate modifier for temperature a [-]; 0 below `p.temp_min_c`. C24 eq. for a(T).

    >>> from recarb.rothc.parameters import Parameters
    >>> round(temperature_rate(9.25, Parameters()), 2)
    0.99
    """
    if temperature_c < p.temp_min_c:
        return 0.0
    return p.temp_a / (1.0 + math.exp(p.temp_b_c / (temperature_c + p.temp_c_c)))


@njit
def maximum_deficit(clay_pct: float, depth_cm: float, p: Parameters) -> float:
    """Largest topsoil moisture deficit M [mm], negative. CJ96.

    >>> from recarb.rothc.parameters import Parameters
    >>> round(maximum_deficit(23.4, 23.0, Parameters()), 2)
    -44.94
    """
    of_23_cm = p.tsmd_base_mm + p.tsmd_clay_mm * clay_pct - p.tsmd_clay2_mm * clay_pct * clay_pct
    return -of_23_cm * depth_cm / p.tsmd_depth_cm


@njit
def standard_limits(clay_pct: float, depth_cm: float, p: Parameters) -> Limits:
    """Limits of the deficit by clay content alone. CJ96.

    >>> from recarb.rothc.parameters import Parameters
    >>> [round(limit, 2) for limit in standard_limits(23.4, 23.0, Parameters())]
    [-19.96, -44.94, -44.94, -24.99]
    """
    deepest_mm = maximum_deficit(clay_pct, depth_cm, p)
    return Limits(
        p.one_bar_fraction * deepest_mm, deepest_mm, deepest_mm, p.bare_fraction * deepest_mm
    )


@njit
def shifted_cover(cover: float, shift: float) -> float:
    """Plant cover [0-1] under the shift of a member, never outside 0..1.

    >>> [round(shifted_cover(0.9, shift), 2) for shift in (-0.3, 0.0, 0.3)]
    [0.6, 0.9, 1.0]
    """
    return min(1.0, max(0.0, cover + shift))


@njit
def is_vegetated(cover: float, p: Parameters) -> bool:
    """Whether a month with cover fraction `cover` [0-1] counts as vegetated."""
    return cover >= p.cover_threshold


@njit
def next_deficit(deficit_mm: float, balance_mm: float, vegetated: bool, limits: Limits) -> float:
    """Deficit S after one month [mm, <= 0] with water balance `balance_mm` [mm]. CJ96.

    A bare month never dries the soil beyond the bare-soil limit, but keeps a deeper deficit that it
    inherits.

    >>> limits = Limits(-22.2, -50.0, -50.0, -27.8)
    >>> next_deficit(0.0, -100.0, False, limits), next_deficit(-40.0, -100.0, False, limits)
    (-27.8, -40.0)
    """
    floor_mm = limits.deepest_mm
    if not vegetated:
        floor_mm = min(limits.bare_mm, deficit_mm)
    return max(floor_mm, min(0.0, deficit_mm + balance_mm))


@njit
def moisture_rate(deficit_mm: float, limits: Limits, p: Parameters) -> float:
    """Rate modifier for moisture b [-], 1 above the 1-bar deficit. CJ96; drier than -15 bar: F13.

    The driest deficit is always the one of the vegetated soil: a bare, dry soil without an
    inherited deficit has b = 0.839.

    >>> from recarb.rothc.parameters import Parameters
    >>> limits = Limits(-22.2, -50.0, -50.0, -27.8)
    >>> round(moisture_rate(-27.8, limits, Parameters()), 3)
    0.839
    """
    if deficit_mm > limits.one_bar_mm:
        return 1.0
    if deficit_mm < limits.driest_mm:
        return p.moist_min
    span_mm = limits.driest_mm - limits.one_bar_mm
    return p.moist_min + (1.0 - p.moist_min) * (limits.driest_mm - deficit_mm) / span_mm


@njit
def cover_rate(cover: float, p: Parameters) -> float:
    """Rate modifier for plant cover c [-] of a cover fraction [0-1]: 1 bare, 0.6 covered. CJ96."""
    return 1.0 - p.cover_reduction * cover


@njit
def paddy_rate(paddy: bool, p: Parameters) -> float:
    """Rate modifier of flooded rice [-], 1 elsewhere. SY05 as in the published scripts."""
    return p.paddy_factor if paddy else 1.0


@njit
def seasonal_paddy_rate(flooded: float, p: Parameters) -> float:
    """Rate modifier of a rice field under water for the part `flooded` of a month [-]. SY05.

    >>> from recarb.rothc.parameters import Parameters
    >>> [round(seasonal_paddy_rate(part, Parameters()), 3) for part in (0.0, 0.5, 1.0)]
    [0.6, 0.4, 0.2]
    """
    return p.paddy_flooded * flooded + p.paddy_drained * (1.0 - flooded)
