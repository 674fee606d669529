"""Phase 3: twenty years ahead under business as usual and every level of management, at once."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.rothc import kernels
from recarb.sequestration.members import Shape, by_member, land_of, soils_of, weather_of
from recarb.sequestration.scenario_inputs import scenario_input
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

BAU = "BAU"


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
    c_input = np.stack(_inputs_of_scenarios(state, inputs, scenarios))
    shaped = Shape(inputs)
    return state.assign(
        final_soc=shaped(kept[:, None] + c_input * per_unit[:, None], "scenario"),
        c_input=shaped(c_input, "scenario"),
        rate_forward=shaped(rate),
    ).assign_coords(scenario=[BAU, *(s.name for s in scenarios)])


def _inputs_of_scenarios(
    state: xr.Dataset, inputs: xr.Dataset, scenarios: tuple[Scenario, ...]
) -> list[Floats]:
    """Annual carbon input (scenario, cell) of every member."""
    c_bau = by_member(state["c_bau"])
    points = np.atleast_1d(inputs["gain_points"].values) if "gain_points" in inputs else [0.0]
    return [
        np.stack([c, *(scenario_input(s, c, inputs, float(extra)) for s in scenarios)])
        for c, extra in zip(c_bau, points, strict=True)
    ]
