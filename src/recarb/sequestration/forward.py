"""Phase 3: twenty years ahead under business as usual and every level of management, at once."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.rothc import kernels
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.members import Shape, by_member, land_of, soils_of, weather_of
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

BAU = "BAU"


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


def forward(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    years: int,
) -> xr.Dataset:
    """Stocks after `years` for BAU and every scenario, from one propagation.

    y_n = A^n y_0 + C (sum of A^j) u: the first term is the same for all scenarios and the second is
    proportional to the input. Chains add their `gain_points` to the gain of every scenario.

    Returns
    -------
    `state` with final_soc [t ha-1] and c_input [t ha-1 year-1] over (scenario, cell) or (chain,
    scenario, cell), and rate_forward [-].
    """
    land = land_of(inputs["land_use"].values, tables)
    left, response, rate = kernels.forward(
        by_member(state["pools"], "pool"),
        by_member(state["deficit"]),
        weather_of(inputs, "forward"),
        soils_of(inputs),
        land,
        years,
        tables.depth_cm,
        tables.parameters,
    )
    per_unit = (land.entry[:, 0] * response.sum(axis=2)).sum(axis=1)
    kept = left.sum(axis=1) + by_member(state["iom"])
    c_input = _inputs_of_scenarios(state, inputs, scenarios)
    shaped = Shape(inputs)
    return state.assign(
        final_soc=shaped(kept[:, None] + c_input * per_unit[:, None], "scenario"),
        c_input=shaped(c_input, "scenario"),
        rate_forward=shaped(rate),
    ).assign_coords(scenario=[BAU, *(s.name for s in scenarios)])


def _inputs_of_scenarios(
    state: xr.Dataset, inputs: xr.Dataset, scenarios: tuple[Scenario, ...]
) -> Floats:
    """Annual carbon input, (member, scenario, cell)."""
    c_bau = by_member(state["c_bau"])
    points = inputs["gain_points"].values if "gain_points" in inputs else np.zeros(len(c_bau))
    points = points[:, None] if points.ndim == 1 else points
    managed = [scenario_input(s, c_bau, inputs, points) for s in scenarios]
    return np.stack([c_bau, *managed], axis=1)
