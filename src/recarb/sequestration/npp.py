"""Net primary production by MIAMI: the yearly weight of the carbon input."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Value = TypeVar("Value", float, Floats)

G_M2_TO_T_HA = 0.01
CARBON_FRACTION = 0.48  # manual ch. 6 (the scripts use 0.5; it cancels in ratios)


def miami(temperature_c: Floats, rain_mm: Floats) -> Floats:
    """Net primary production [g dry matter m-2 yr-1], Lieth 1972 (MIAMI); manual eq. 6.6-6.8.

    Parameters
    ----------
    temperature_c : annual mean air temperature [degC]
    rain_mm : annual precipitation [mm]

    >>> round(float(miami(np.float64(9.25), np.float64(700.0))), 0)
    1115.0
    """
    by_temperature = 3000.0 / (1.0 + np.exp(1.315 - 0.119 * temperature_c))
    by_rain = 3000.0 * (1.0 - np.exp(-0.000664 * rain_mm))
    return np.minimum(by_temperature, by_rain)


def npp_carbon(temperature_c: Floats, rain_mm: Floats) -> Floats:
    """The same as carbon [t C ha-1 yr-1]."""
    return miami(temperature_c, rain_mm) * (G_M2_TO_T_HA * CARBON_FRACTION)
