"""The carbon input of every scenario, from business as usual and what run.toml asks for."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.sequestration.chains import PERCENT

Floats = NDArray[np.float64]


def scenario_input(
    scenario: Scenario, c_bau: Floats, inputs: xr.Dataset, gain_points: Floats | float
) -> Floats:
    """Annual carbon input of a scenario [t C ha-1 yr-1], (..., cell) as `c_bau`.

    A gain by zone goes before a gain by land use, and that before the general gain. The points of
    a chain are added to the gain; an absolute input moves by the same percentage of itself.
    """
    if scenario.c_input_tc_ha_per_yr is not None:
        amount = scenario.c_input_tc_ha_per_yr * (1.0 + np.asarray(gain_points) / PERCENT)
        return np.broadcast_to(np.maximum(amount, 0.0), c_bau.shape).copy()
    gain = np.full(c_bau.shape[-1], scenario.gain_pct)
    for code, value in scenario.gain_pct_by_land_use.items():
        gain[inputs["land_use"].values == code] = value
    if scenario.gain_pct_by_zone:
        for zone, value in scenario.gain_pct_by_zone.items():
            gain[inputs["zones"].values == zone] = value
    return c_bau * np.maximum(1.0 + (gain + gain_points) / PERCENT, 0.0)
