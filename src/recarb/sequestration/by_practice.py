"""Scenarios by practice: from what enters the soil in every year to the stock at the end.

Exact for any course of inputs, because the stock is linear in them: each year's input has a
response of its own (`forward.respond`). A practice that changes the cover changes the rates too:
the land that adopts it in each year is then propagated by itself, with the cover it has.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_sum
from recarb.sequestration.ahead import course_of_input, land_ahead, weather_ahead
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
    for at, here, courses, gain in _gains(state, inputs, tables, scenarios, (years,)):
        final[:, at, here] = final[:, 0, here] + gain[:, 0]
        c_input[:, at, here] = [one.mean(years) for one in courses]
        capped[:, at, here] = [one.capped for one in courses]
    shaped = Shape(inputs)
    return state.assign(
        final_soc=shaped(final, "scenario"),
        c_input=shaped(c_input, "scenario"),
        npp_capped=shaped(capped, "scenario"),
    )


def ahead_with_practices(
    stock: Floats,
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    horizons: tuple[int, ...],
) -> Floats:
    """`stock` (member, horizon, scenario, cell) with the scenarios that consist of practices."""
    found = stock.copy()
    for at, here, _, gain in _gains(state, inputs, tables, scenarios, horizons):
        found[:, :, at, here] = found[:, :, 0, here] + gain
    return found


def _gains(
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    scenarios: tuple[Scenario, ...],
    horizons: tuple[int, ...],
) -> Iterator[tuple[int, slice, list[Courses], Floats]]:
    """Number of a scenario, some cells, their courses, and their gain (member, horizon, cell)."""
    if not tables.measures:
        return
    for lo in range(0, inputs.sizes["cell"], CELLS_AT_ONCE):
        here = slice(lo, min(lo + CELLS_AT_ONCE, inputs.sizes["cell"]))
        part, drivers = state.isel(cell=here), inputs.isel(cell=here)
        plain = respond(part, drivers, tables, horizons)
        for at, scenario in enumerate(scenarios, start=1):
            if scenario.practices:
                courses = courses_of(scenario, part, drivers, tables)
                yield at, here, courses, _gain(courses, plain, part, drivers, tables, horizons)


def _gain(
    courses: list[Courses],
    plain: YearlyResponse,
    state: xr.Dataset,
    inputs: xr.Dataset,
    tables: ModelTables,
    horizons: tuple[int, ...],
) -> Floats:
    """Stock beyond that of BAU [t C ha-1], (member, horizon, cell).

    `plain` is the response under BAU's cover. Exactly 0 where no practice applies.
    """
    bau = plain.stock(np.stack([one.bau for one in courses]))
    found = []
    for part in courses[0].parts:
        response = plain
        if part.covered_from is not None:
            measures = courses[0].measures
            covered = covered_from(inputs, measures, part.covered_from, horizons[-1])
            response = respond(state, covered, tables, horizons)
        entering = np.stack([one.entering(part) for one in courses])
        found.append(part.share * (response.stock(entering) - bau))
    return running_sum(found)


def courses_of(
    scenario: Scenario, state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables
) -> list[Courses]:
    """What each member's land goes through under a scenario by practice."""
    measures = tables.measures[scenario.name]
    years = measures[0].adopting.size
    c_bau, npp = by_member(state["c_bau"]), by_member(state["npp_reference"])
    course = course_of_input(inputs, tables, years)
    course = np.broadcast_to(course, (len(c_bau), *course.shape[1:]))
    points = np.atleast_1d(inputs["gain_points"].values) if "gain_points" in inputs else [0.0]
    entry = land_ahead(inputs, tables).entry.swapaxes(0, 1)
    entry = entry[np.arange(years) % len(entry)]
    return [
        practice_courses(
            measures,
            c_bau[member] * course[member],
            entry,
            npp[member] if scenario.cap_at_npp else None,
            inputs,
            extra,
        )
        for member, extra in enumerate(points)
    ]


def covered_from(
    inputs: xr.Dataset, measures: Sequence[Measure], start: int, years: int
) -> xr.Dataset:
    """`inputs` with the plant cover of land that adopts in year `start`, month by month [0-1]."""
    covering = next(one for one in measures if one.cover_months)
    year_or_all = weather_ahead(inputs).cover
    cover = np.resize(year_or_all, (years, YEAR, year_or_all.shape[1]))
    here = place_of(covering, inputs)
    here = here[np.arange(start, years) % len(here), None]
    months = [month - 1 for month in covering.cover_months]
    cover[start:, months] = np.where(here, COVERED, cover[start:, months])
    whole = cover.reshape(years * YEAR, -1)
    rest = inputs.drop_vars("cover_ahead", errors="ignore")
    return rest.assign(cover_ahead=(("covered_month", "cell"), whole))
