"""Phase 3: twenty years ahead under business as usual and every level of management, at once."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_sum
from recarb.rothc import kernels
from recarb.rothc.years import yearly_response
from recarb.sequestration.members import Shape, by_member, land_of, soils_of, weather_of
from recarb.sequestration.scenario_inputs import scenario_input
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

BAU = "BAU"


@dataclass(frozen=True)
class YearlyResponse:
    """What becomes of the pools at t0, and of a unit of input in each single year ahead.

    left : (member, horizon, cell) [t C ha-1]
        Stock at the horizon that comes from the pools at t0, inert carbon included.
    per_unit : (member, horizon, year, 3, cell) [t C ha-1 per t C ha-1 yr-1]
        Stock at the horizon that comes from a unit of input into DPM, RPM or HUM in that year alone
        (spread over its months as the land use says); 0 for years after the horizon.
    rate : (member, cell) [-] mean rate modifier of all years
    """

    left: Floats
    per_unit: Floats
    rate: Floats

    def stock(self, entering: Floats) -> Floats:
        """Stock at every horizon [t C ha-1], (member, horizon, cell), of one course of inputs.

        `entering` (member | 1, year | 1, 3, cell) is the annual input into DPM, RPM and HUM [t C
        ha-1 yr-1]; with one year it is that of every year.
        """
        total = self.left.copy()
        for year in range(self.per_unit.shape[2]):
            amount = entering[:, year % entering.shape[1], None]
            total += running_sum(np.moveaxis(amount * self.per_unit[:, :, year], 2, 0))
        return total


def respond(
    state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables, horizons: tuple[int, ...]
) -> YearlyResponse:
    """The response of every year ahead, exact for any course of inputs (adoption in steps).

    Parameters
    ----------
    state : Dataset, as `warm_up` gives it
    horizons : years after t0, ascending
    """
    left, per_unit, rate = yearly_response(
        by_member(state["pools"], "pool"),
        by_member(state["deficit"]),
        weather_of(inputs, "forward"),
        soils_of(inputs),
        land_of(inputs["land_use"].values, tables),
        horizons,
        tables.depth_cm,
        tables.parameters,
    )
    return YearlyResponse(left + by_member(state["iom"])[:, None], per_unit, rate)


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
    scenario, cell), rate_forward [-], and input_response [t ha-1 per t ha-1 year-1], the stock that
    a unit of annual input has become.
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
        input_response=shaped(per_unit),
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
