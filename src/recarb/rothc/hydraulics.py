"""Water limits of a soil from its retention curve: van Genuchten, by the soil's texture.

Sources: [W99] Wosten et al. 1999, Geoderma 90:169-185 (continuous pedotransfer functions, topsoil);
[F13] Farina et al. 2013, Geoderma 200-201:18-30. Numbers as in RothC v2.0.0 of Rothamsted.
"""

import math

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.parameters import VAN_GENUCHTEN, Parameters
from recarb.rothc.rates import Limits

Floats = NDArray[np.float64]
Terms = tuple[float, ...]

MATTER_PER_CARBON = 1.72  # organic matter / organic carbon [-], F13
RESIDUAL_WATER = 0.01  # theta_R [-], W99
FIELD_CAPACITY_CM, ONE_BAR_CM = 50.0, 1_000.0  # suctions [cm of water], F13
WILTING_CM, HYGROSCOPIC_CM = 15_000.0, 1.0e6  # -15 and -1000 bar
MM_PER_CM = 10.0

LIMITS = len(Limits._fields)

# W99, coefficients of: 1, clay, silt, matter, density, clay2, silt2, matter2, density2, 1/clay,
# 1/silt, 1/matter, 1/density, ln silt, ln matter, ln density, density clay, density silt,
# density matter, matter clay; then of a topsoil: 1, clay, silt
# fmt: off
LN_ALPHA = (-14.96, 0.03135, 0.0351, 0.646, 15.29, -0.000781, 0.0, -0.00687, -4.671, 0.0,
            0.0, 0.0449, 0.0, 0.0663, 0.1482, 0.0, 0.0, -0.04546,
            -0.4852, 0.0, -0.192, 0.00673, 0.0)
SATURATED = (0.7919, 0.001691, 0.0, 0.0, -0.29619, 0.0, -1.491e-6, 8.21e-5, 0.0, 0.02427,
             0.01113, 0.0, 0.0, 0.01472, 0.0, 0.0, -0.000619, 0.0,
             -0.001183, -7.33e-5, 0.0, 0.0, -0.0001664)
LN_N_1 = (-25.23, -0.02195, 0.0074, -0.194, 45.5, 0.0003658, 0.0, 0.002885, -7.24, 0.0,
          -0.1524, -0.01958, -12.81, -0.2876, -0.0709, -44.6, -0.02264, 0.0,
          0.0896, 0.0, 0.0, 0.00718, 0.0)
# fmt: on


@njit
def terms(clay: float, silt: float, matter: float, density: float) -> Terms:
    """What W99 multiplies its coefficients with; clay, silt, matter [%], density [g cm-3]."""
    return (
        1.0, clay, silt, matter, density, clay**2, silt**2, matter**2, density**2, 1.0 / clay,
        1.0 / silt, 1.0 / matter, 1.0 / density, math.log(silt), math.log(matter),
        math.log(density), density * clay, density * silt, density * matter, matter * clay,
        1.0, clay, silt,
    )  # fmt: skip


@njit
def weighted(coefficients: Terms, values: Terms) -> float:
    """Sum of the products, in order."""
    total = 0.0
    for i in range(len(coefficients)):
        total += coefficients[i] * values[i]
    return total


@njit
def water_content(suction_cm: float, saturated: float, alpha_per_cm: float, n: float) -> float:
    """Water content of a soil at a suction [cm3 cm-3]. Van Genuchten 1980, m = 1 - 1/n."""
    drained: float = (1.0 + (alpha_per_cm * suction_cm) ** n) ** (1.0 - 1.0 / n)
    return RESIDUAL_WATER + (saturated - RESIDUAL_WATER) / drained


@njit
def van_genuchten_limits(
    clay_pct: float,
    silt_pct: float,
    organic_carbon_pct: float,
    bulk_density_g_cm3: float,
    depth_cm: float,
    p: Parameters,
) -> Limits:
    """Limits of the deficit by the retention curve [mm]; NaN where the curve has none. F13.

    The deficit is counted from field capacity. The bare-soil limit lies where it lies in the
    standard soil: b is 0.839 there.
    """
    nothing = math.nan
    if min(clay_pct, silt_pct, organic_carbon_pct, bulk_density_g_cm3) <= 0.0:
        return Limits(nothing, nothing, nothing, nothing)
    values = terms(clay_pct, silt_pct, MATTER_PER_CARBON * organic_carbon_pct, bulk_density_g_cm3)
    alpha, n = math.exp(weighted(LN_ALPHA, values)), 1.0 + math.exp(weighted(LN_N_1, values))
    saturated = weighted(SATURATED, values)
    capacity = water_content(FIELD_CAPACITY_CM, saturated, alpha, n)
    per_content_mm = MM_PER_CM * depth_cm
    one_bar = (water_content(ONE_BAR_CM, saturated, alpha, n) - capacity) * per_content_mm
    driest = (water_content(WILTING_CM, saturated, alpha, n) - capacity) * per_content_mm
    deepest = driest
    if p.variant.moisture == VAN_GENUCHTEN:
        deepest = (water_content(HYGROSCOPIC_CM, saturated, alpha, n) - capacity) * per_content_mm
    if not deepest <= driest < one_bar < 0.0:
        return Limits(nothing, nothing, nothing, nothing)
    return Limits(one_bar, driest, deepest, driest - p.van_genuchten_bare * (driest - one_bar))


@njit
def limits_of_cells(
    clay_pct: Floats,
    silt_pct: Floats,
    organic_carbon_pct: Floats,
    bulk_density_g_cm3: Floats,
    depth_cm: float,
    p: Parameters,
) -> Floats:
    """`van_genuchten_limits` of every member and cell, (member, 4, cell).

    The arguments are (member, cell).
    """
    members, cells = clay_pct.shape
    found = np.empty((members, LIMITS, cells))
    for k in range(members):
        for i in range(cells):
            limits = van_genuchten_limits(
                clay_pct[k, i],
                silt_pct[k, i],
                organic_carbon_pct[k, i],
                bulk_density_g_cm3[k, i],
                depth_cm,
                p,
            )
            found[k, 0, i], found[k, 1, i] = limits.one_bar_mm, limits.driest_mm
            found[k, 2, i], found[k, 3, i] = limits.deepest_mm, limits.bare_mm
    return found
