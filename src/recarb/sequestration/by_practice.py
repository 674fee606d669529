"""Scenarios by practice: from what enters the soil in every year to the stock at the end.

Exact for any course of inputs, because the stock is linear in them: each year's input has a
response of its own (`forward.respond`). A practice that changes the cover changes the rates too:
the land that adopts it in each year is then propagated by itself, with the cover it has.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_sum
from recarb.sequestration.forward import YearlyResponse, respond
from recarb.sequestration.members import Shape, by_member
from recarb.sequestration.practices.measures import Measure
from recarb.sequestration.scenario_inputs import Courses, place_of, practice_courses
from recarb.sequestration.tables import YEAR, ModelTables

Floats = NDArray[np.float64]

COVERED = 1.0
CELLS_AT_ONCE = 2048  # whose years of response stay small beside a tile; changes no bit


def with_practices(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    years: int,
) -> xr.Dataset:
    """`state`, as `forward` gives it, with the scenarios that consist of practices.

    Returns
    -------
    `state` with final_soc and c_input of these scenarios, and new npp_capped (scenario, cell) or
    (chain, scenario, cell): 1 where their practices were cut back to NPP. Unchanged without any.
    """
    if not tables.measures:
        return state
    final, c_input = (by_member(state[key], "scenario").copy() for key in ("final_soc", "c_input"))
    capped = np.zeros_like(final)
    cells = final.shape[-1]
    for lo in range(0, cells, CELLS_AT_ONCE):
        here = slice(lo, lo + CELLS_AT_ONCE)
        part, drivers = state.isel(cell=here), inputs.isel(cell=here)
        plain = respond(part, drivers, tables, (years,))
        for at, scenario in enumerate(scenarios, start=1):
            if scenario.practices:
                courses = courses_of(scenario, part, drivers, tables)
                gain = _gain(courses, plain, part, drivers, tables, years)
                final[:, at, here] = final[:, 0, here] + gain
                c_input[:, at, here] = [one.mean for one in courses]
                capped[:, at, here] = [one.capped for one in courses]
    shaped = Shape(inputs)
    return state.assign(
        final_soc=shaped(final, "scenario"),
        c_input=shaped(c_input, "scenario"),
        npp_capped=shaped(capped, "scenario"),
    )


def _gain(
    courses: list[Courses],
    plain: YearlyResponse,
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    years: int,
) -> Floats:
    """Stock after `years` beyond that of BAU [t C ha-1], (member, cell).

    `plain` is the response under BAU's cover. Exactly 0 where no practice applies.
    """
    bau = plain.stock(np.stack([one.bau for one in courses]))
    found = []
    for part in courses[0].parts:
        response = plain
        if part.covered_from is not None:
            covered = covered_from(inputs, courses[0].measures, part.covered_from, years)
            response = respond(state, covered, tables, (years,))
        entering = np.stack([one.entering(part) for one in courses])
        found.append(part.share * (response.stock(entering) - bau)[:, 0])
    return running_sum(found)


def courses_of(
    scenario: Scenario, state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables
) -> list[Courses]:
    """What each member's land goes through under a scenario by practice."""
    c_bau, npp = by_member(state["c_bau"]), by_member(state["npp_reference"])
    points = np.atleast_1d(inputs["gain_points"].values) if "gain_points" in inputs else [0.0]
    entry = np.ascontiguousarray(tables.entry(inputs["land_use"].values).T)
    return [
        practice_courses(
            tables.measures[scenario.name],
            c_bau[member],
            entry,
            npp[member] if scenario.cap_at_npp else None,
            inputs,
            float(extra),
        )
        for member, extra in enumerate(points)
    ]


def covered_from(
    inputs: xr.Dataset, measures: Sequence[Measure], start: int, years: int
) -> xr.Dataset:
    """`inputs` with the plant cover of land that adopts in year `start`, month by month [0-1]."""
    covering = next(one for one in measures if one.cover_months)
    year_or_all = inputs["cover_forward"].transpose(..., "cell").values
    cover = np.resize(year_or_all, (years, YEAR, year_or_all.shape[1]))
    months = [month - 1 for month in covering.cover_months]
    here = place_of(covering, inputs)
    cover[start:, months] = np.where(here, COVERED, cover[start:, months])
    whole = cover.reshape(years * YEAR, -1)
    return inputs.drop_vars("cover_forward").assign(
        cover_forward=(("forward_month", "cell"), whole)
    )
