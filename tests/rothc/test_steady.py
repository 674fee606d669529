"""Where the soil ends and how long it takes: against years of plain stepping."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from tests.rothc.fields import Field, of_site, random_field
from tests.rothc.soils import floats, sites

from recarb.rothc import kernels
from recarb.rothc.equilibrium import INPUTS, NO_TURNOVER, OK
from recarb.rothc.parameters import DEFAULT
from recarb.rothc.steady import NEAR, NEAR_TC_HA, steady_state

COURSES = (0.5, 2.0)  # annual input [t C ha-1 yr-1]


def steady(field: Field) -> tuple[np.ndarray, ...]:
    levels = np.array(COURSES)[None, :, None, None]
    entering = np.broadcast_to(
        levels * field.land.entry[:, 0], (field.members, len(COURSES), INPUTS, field.cells)
    ).copy()
    return steady_state(
        field.pools, field.deficit_mm, field.weather, field.soils, field.land, entering,
        field.depth_cm, DEFAULT,
    )  # fmt: skip


def stepped(field: Field, years: int, level: float) -> np.ndarray:
    """Active carbon (year, member, cell) at the end of every year, month by month."""
    found, state = [field.pools.sum(axis=1)], (field.pools, field.deficit_mm)
    c_input = np.full((field.members, 1, field.cells), level)
    for _ in range(years):
        pools, deficit, *_ = kernels.warm_up(
            *state, field.weather, field.soils, field.land, c_input, field.depth_cm, DEFAULT
        )
        state = (pools, deficit)
        found.append(pools.sum(axis=1))
    return np.array(found)


def years_until_near(stocks: np.ndarray, end: np.ndarray) -> np.ndarray:
    """First year from which a course (year, ...) stays near its end."""
    limit = np.maximum(NEAR * np.abs(stocks[0] - end), NEAR_TC_HA)
    far = np.abs(stocks - end) > limit
    return np.where(far.any(axis=0), len(far) - np.argmax(far[::-1], axis=0), 0)


def test_stock_and_years_equal_the_run_by_months():
    """Warm cells, which are in their steady state long before the run ends."""
    field = random_field(24, members=2, years=1, odd=False, seed=3)
    field = field.at(cells=np.flatnonzero(field.weather.temperature_c.mean(axis=0) > 18.0))
    end, years, status = steady(field)
    assert (status == OK).all()
    assert field.cells > 5
    slowest = 12_000
    for course, level in enumerate(COURSES):
        stocks = stepped(field, slowest, level)
        settled = np.abs(stocks[-1] - stocks[-1000]) < 1e-9 * stocks[-1]
        assert settled.mean() > 0.5
        np.testing.assert_allclose(stocks[-1][settled], end[:, course][settled], rtol=1e-8)
        found = years[:, course][settled]
        np.testing.assert_array_equal(years_until_near(stocks, end[:, course])[settled], found)
        assert found.max() > 50


def test_an_effect_of_input_takes_the_same_time_at_any_level():
    """The difference of two courses goes to its end as the unit does from empty pools."""
    field = random_field(8, members=1, years=1, odd=False, seed=5)
    end, years, _ = steady(field)
    low, high = (stepped(field, 1500, level) for level in COURSES)
    effect, whole = high - low, end[:, 1] - end[:, 0]
    reached = effect >= (1.0 - NEAR) * whole
    known = reached.any(axis=0)
    assert known.any()
    np.testing.assert_array_equal(np.argmax(reached, axis=0)[known], years[:, -1][known])
    np.testing.assert_allclose(whole, 1.5 * end[:, -1], rtol=1e-12)


def test_a_stock_that_overshoots_is_near_only_when_it_stays():
    """Residues decay to below the steady stock before humus fills up: 5 % is met twice."""
    field = random_field(30, members=1, years=1, odd=False, seed=8)
    field = field.at(cells=np.flatnonzero(field.weather.temperature_c.mean(axis=0) > 12.0))
    end = steady(field)[0][:, 1]
    pools = np.zeros_like(field.pools)
    pools[:, 1] = end * np.linspace(1.2, 2.0, field.cells)  # all of it RPM
    field = replace(field, pools=pools)
    stocks, years = stepped(field, 4000, COURSES[1]), steady(field)[1][:, 1]
    known = years < len(stocks)
    assert known.sum() > 3
    np.testing.assert_array_equal(years_until_near(stocks, end)[known], years[known])
    limit = np.maximum(NEAR * np.abs(stocks[0] - end), NEAR_TC_HA)
    first = np.argmax(np.abs(stocks - end) <= limit, axis=0)
    assert (first < years)[known].any(), "none of the courses crosses its end on the way"


@settings(max_examples=20)
@given(sites(coldest_c=5.0), floats(0.0, 1.0))
def test_a_steady_stock_stays(site, dryness):
    """From any deficit: the one it settles to may depend on where it starts."""
    field = of_site(site, deficit_mm=dryness * site.max_deficit_mm)
    end, _, status = steady(field)
    if status[0, 0] != OK:
        return
    left, response, _ = field.run("forward", 200_000)
    per_unit = (field.land.entry[:, 0] * response.sum(axis=2)).sum(axis=1)
    np.testing.assert_allclose(left.sum(axis=1) + COURSES[0] * per_unit, end[:, 0], rtol=1e-8)


def test_already_there_takes_no_time():
    field = random_field(6, members=1, years=1, odd=False)
    per_unit, deficit, _, _ = field.run("spin_up")
    there = replace(field, pools=COURSES[1] * per_unit, deficit_mm=deficit)
    end, years, _ = steady(there)
    np.testing.assert_allclose(end[0, 1], there.pools.sum(axis=1)[0], rtol=1e-10)
    np.testing.assert_array_equal(years[0, 1], 0.0)
    assert (years[0, 0] > 0.0).all() and (years[0, 2] > 0.0).all()


def test_frozen_soil_has_no_steady_state():
    field = random_field(4, members=1, years=1, odd=False)
    field.weather.temperature_c[:, 2] = -30.0
    end, years, status = steady(field)
    assert status[0].tolist() == [OK, OK, NO_TURNOVER, OK]
    assert np.isnan(end[0, :, 2]).all() and np.isnan(years[0, :, 2]).all()
    assert np.isfinite(end[0, :, [0, 1, 3]]).all()


def test_times_beyond_the_bound_are_not_given():
    field = random_field(3, members=1, years=1, odd=False)
    field.weather.temperature_c[:] = -4.9  # decomposes, and turns over in 100 000 years
    end, years, status = steady(field)
    assert (status == OK).all() and np.isfinite(end).all()
    assert np.isnan(years).all()


def test_a_cell_has_the_same_bits_alone():
    field = random_field(12, years=1)
    together = steady(field)
    for i in (0, 5, 11):
        for alone, among in zip(steady(field.at(cells=[i])), together, strict=True):
            np.testing.assert_array_equal(alone[..., 0], among[..., i])
