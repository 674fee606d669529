"""The arguments of the kernels over many cells; the cell is always the last axis."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOT_GIVEN = np.empty((0, 0))
NO_LIMITS = np.empty((0, 0, 0))


class Weather(NamedTuple):
    """What falls on the cells, the same for all members; C-contiguous float64.

    A member is one set of soils and shifts on the same cells: a chain, or a Monte Carlo draw.

    temperature_c : (months, cell) [degC]; twelve months repeat
    rain_mm, pet_mm : (months, cell) [mm month-1]
    irrigation_mm : (12, cell) [mm month-1]
    cover : (months | 12, cell) plant cover [0-1]
    """

    temperature_c: Floats
    rain_mm: Floats
    pet_mm: Floats
    irrigation_mm: Floats
    cover: Floats


class Soils(NamedTuple):
    """What differs between members; each is (member, cell).

    clay_pct : [%]; shift_c : added to every temperature [K]; rain_factor : times every rain [-];
    cover_shift : added to the plant cover of every month, which stays within 0..1
    silt_pct, bulk_density_g_cm3, organic_carbon_pct : [%], [g cm-3], [%]; for the variants of
    moisture by van Genuchten
    limits_mm : (member, 4, cell) `rates.Limits`, filled by `kernels.prepared` for these variants
    """

    clay_pct: Floats
    shift_c: Floats
    rain_factor: Floats
    cover_shift: Floats
    silt_pct: Floats = NOT_GIVEN
    bulk_density_g_cm3: Floats = NOT_GIVEN
    organic_carbon_pct: Floats = NOT_GIVEN
    limits_mm: Floats = NO_LIMITS


class Land(NamedTuple):
    """How the land is used. An axis of years may have length one and then holds for all years.

    paddy : (years | 1, cell) bool, flooded rice
    share : (months | 12, cell) part of the year's carbon input that falls into each month [-]
    entry : (3, years | 1, cell) part of the input that enters DPM, RPM, HUM [-]
    flooded : (12, cell) part of the month under water [-]; for the seasonal paddy scheme
    """

    paddy: Bools
    share: Floats
    entry: Floats
    flooded: Floats = NOT_GIVEN
