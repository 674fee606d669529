"""Phase 3: twenty years ahead under business as usual and every level of management, at once."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.rothc import kernels
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

BAU = "BAU"


def scenario_input(
    scenario: Scenario, c_bau: Floats, inputs: xr.Dataset, gain_points: float
) -> Floats:
    """Annual carbon input of a scenario [t C ha-1 yr-1], (cell,).

    A gain by zone goes before a gain by land use, and that before the general gain. The points of
    a chain are added to the gain; an absolute input moves by the same percentage of itself.
    """
    if scenario.c_input_tc_ha_per_yr is not None:
        amount = scenario.c_input_tc_ha_per_yr * (1.0 + gain_points / PERCENT)
        return np.full(c_bau.size, max(amount, 0.0))
    gain = np.full(c_bau.size, scenario.gain_pct)
    for code, value in scenario.gain_pct_by_land_use.items():
        gain[inputs["land_use"].values == code] = value
    if scenario.gain_pct_by_zone:
        for zone, value in scenario.gain_pct_by_zone.items():
            gain[inputs["zones"].values == zone] = value
    return c_bau * np.maximum(1.0 + (gain + gain_points) / PERCENT, 0.0)


def forward(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    years: int,
    gain_points: float = 0.0,
) -> xr.Dataset:
    """Stocks after `years` for BAU and every scenario, from one propagation.

    y_n = A^n y_0 + C (sum of A^j) u: the first term is the same for all scenarios and the second is
    proportional to the input.

    Returns
    -------
    `state` with final_soc [t ha-1] and c_input [t ha-1 year-1] over (scenario, cell), and
    rate_forward [-].
    """
    land_use = inputs["land_use"].values
    balance = inputs["rain_forward"] + inputs["irrigation"] - inputs["pet_forward"]
    left, response, rate = kernels.forward(
        np.ascontiguousarray(state["pools"].values),
        state["deficit"].values,
        np.ascontiguousarray(inputs["temperature_forward"].values),
        np.ascontiguousarray(balance.values),
        np.ascontiguousarray(inputs["cover_forward"].values),
        tables.paddy[land_use],
        np.ascontiguousarray(tables.share[land_use]),
        np.ascontiguousarray(inputs["clay"].values),
        tables.depth_cm,
        years,
        tables.parameters,
    )
    per_unit = (tables.entry(land_use) * response.sum(axis=2)).sum(axis=1)
    c_bau = state["c_bau"].values
    amounts = [c_bau] + [scenario_input(s, c_bau, inputs, gain_points) for s in scenarios]
    kept = left.sum(axis=1) + state["iom"].values
    return state.assign(
        final_soc=(("scenario", "cell"), np.stack([kept + c * per_unit for c in amounts])),
        c_input=(("scenario", "cell"), np.stack(amounts)),
        rate_forward=("cell", rate),
    ).assign_coords(scenario=[BAU, *(s.name for s in scenarios)])
