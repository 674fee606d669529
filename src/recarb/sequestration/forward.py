"""Phase 3: twenty years ahead under business as usual and every level of management, at once.

Where all years ahead are the same mean year, one closed form gives any number of them; where they
differ (`ahead`), the response of every single year does.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_sum
from recarb.rothc import kernels
from recarb.rothc.years import yearly_response
from recarb.sequestration.ahead import (
    course_of_input,
    differs_by_year,
    land_ahead,
    weather_ahead,
)
from recarb.sequestration.members import Shape, by_member, deficit_of, soils_of
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
        deficit_of(state),
        weather_ahead(inputs),
        soils_of(inputs),
        land_ahead(inputs, tables),
        horizons,
        tables.depth_cm,
        tables.parameters,
    )
    return YearlyResponse(left + by_member(state["iom"])[:, None], per_unit, rate)


@dataclass(frozen=True)
class Projection:
    """The stocks ahead of BAU and every scenario.

    stock : (member, horizon, scenario, cell) [t C ha-1]
    per_unit : (member, horizon, cell) [t C ha-1 per t C ha-1 yr-1]
        Stock that comes from a unit of input a year, which follows the course of BAU's input.
    rate : (member, cell) [-] mean rate modifier
    """

    stock: Floats
    per_unit: Floats
    rate: Floats


def forward(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    years: int,
) -> xr.Dataset:
    """Stocks after `years` for BAU and every scenario, from one propagation.

    Chains add their `gain_points` to the gain of every scenario.

    Returns
    -------
    `state` with final_soc [t ha-1] and c_input [t ha-1 year-1] over (scenario, cell) or (chain,
    scenario, cell), rate_forward [-], and input_response [t ha-1 per t ha-1 year-1], the stock that
    a unit of annual input has become.
    """
    found = project(state, inputs, tables, scenarios, (years,))
    shaped = Shape(inputs)
    return state.assign(
        final_soc=shaped(found.stock[:, 0], "scenario"),
        c_input=shaped(inputs_of_scenarios(state, inputs, scenarios), "scenario"),
        rate_forward=shaped(found.rate),
        input_response=shaped(found.per_unit[:, 0]),
    ).assign_coords(scenario=[BAU, *(s.name for s in scenarios)])


def project(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    horizons: tuple[int, ...],
) -> Projection:
    """Stocks of BAU and every scenario at every horizon (years after t0, ascending)."""
    if not differs_by_year(inputs):
        courses = courses_of_input(state, inputs, tables, scenarios, 1)
        c_input = np.stack([course[:, 0] for course in courses], axis=1)
        each = [_closed_form(state, inputs, tables, c_input, years) for years in horizons]
        stock, per_unit = (np.stack([one[k] for one in each], axis=1) for k in range(2))
        return Projection(stock, per_unit, each[-1][2])
    response = respond(state, inputs, tables, horizons)
    entry = land_ahead(inputs, tables).entry.swapaxes(0, 1)
    courses = courses_of_input(state, inputs, tables, scenarios, horizons[-1])
    stocks = [response.stock(entering(c_input, entry)) for c_input in courses]
    unit = entering(course_of_input(inputs, tables, horizons[-1]), entry)
    return Projection(np.stack(stocks, axis=2), response.stock(unit) - response.left, response.rate)


def courses_of_input(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    years: int,
) -> list[Floats]:
    """Annual carbon input of BAU and every scenario, (member, year, cell) [t C ha-1 yr-1].

    An absolute amount does not follow the course of business as usual.
    """
    c_input = inputs_of_scenarios(state, inputs, scenarios)
    course = course_of_input(inputs, tables, years)
    relative = [True, *(scenario.c_input_tc_ha_per_yr is None for scenario in scenarios)]
    return [
        c_input[:, number, None] * (course if follows else np.ones_like(course))
        for number, follows in enumerate(relative)
    ]


def entering(c_input: Floats, entry: Floats) -> Floats:
    """What enters DPM, RPM and HUM each year [t C ha-1 yr-1], (member, year, 3, cell).

    `c_input` (member, year, cell) [t C ha-1 yr-1]; `entry` (year | 1, 3, cell) [-].
    """
    years = np.arange(c_input.shape[1])
    return np.asarray(c_input[:, :, None] * entry[years % entry.shape[0]])


def _closed_form(
    state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables, c_input: Floats, years: int
) -> tuple[Floats, Floats, Floats]:
    """Stock (member, scenario, cell) after `years` that are all the same, `per_unit`, mean rate.

    y_n = A^n y_0 + C (sum of A^j) u: the first term is the same for all scenarios and the second is
    proportional to the input.
    """
    land = land_ahead(inputs, tables)
    left, response, rate = kernels.forward(
        by_member(state["pools"], "pool"),
        deficit_of(state),
        weather_ahead(inputs),
        soils_of(inputs),
        land,
        years,
        tables.depth_cm,
        tables.parameters,
    )
    per_unit = (land.entry[:, 0] * response.sum(axis=2)).sum(axis=1)
    kept = left.sum(axis=1) + by_member(state["iom"])
    return kept[:, None] + c_input * per_unit[:, None], per_unit, rate


def inputs_of_scenarios(
    state: xr.Dataset, inputs: xr.Dataset, scenarios: tuple[Scenario, ...]
) -> Floats:
    """Annual carbon input of BAU and every scenario [t C ha-1 yr-1], (member, scenario, cell)."""
    c_bau = by_member(state["c_bau"])
    points = inputs["gain_points"].values if "gain_points" in inputs else np.zeros(len(c_bau))
    points = points[:, None] if points.ndim == 1 else points
    managed = [scenario_input(s, c_bau, inputs, points) for s in scenarios]
    return np.stack([c_bau, *managed], axis=1)
