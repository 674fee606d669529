"""The closed form of the spin-up: right, or a status, never a number that is not right."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.rothc.fields import of_site
from tests.rothc.soils import YEAR, Site, Steady, floats, sites, solve

from recarb.rothc import equilibrium as eq
from recarb.rothc.parameters import DEFAULT as P

ITERATED_YEARS = 20_000
TURNOVERS = 40
BLOCK_YEARS = 200
EPS = np.finfo(float).eps


def make_site(**changes) -> Site:
    site = Site(
        temperature_c=np.array([3.4, 3.6, 5.1, 7.3, 11, 13.9, 16, 16, 13.5, 10.2, 6.1, 4.6]),
        balance_mm=np.array([68, 51, 42, 14, -10, -17, -43, -13, 6, 30, 61, 65], float),
        cover=np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0], float),
        share=np.full(YEAR, 1.0 / YEAR),
        entry=np.array([0.59, 0.41, 0.0]),
        clay_pct=23.4,
        depth_cm=23.0,
    )
    return replace(site, **changes)


def iterate(site: Site, steady: Steady, years: int) -> np.ndarray:
    """The classical spin-up from empty pools, month by month."""
    field = of_site(site, BLOCK_YEARS, deficit_mm=steady.deficit_mm)
    field = replace(field, pools=np.zeros_like(field.pools))
    for _ in range(math.ceil(years / BLOCK_YEARS)):
        pools, deficit, *_ = field.run("warm_up")
        field = replace(field, pools=pools, deficit_mm=deficit)
    return field.pools[0, :, 0]


def square(site: Site, steady: Steady) -> np.ndarray:
    """2^64 years by squaring the annual map, in numpy."""
    annual = np.eye(eq.POOLS + 1)
    annual[: eq.POOLS, : eq.POOLS] = steady.matrix
    annual[: eq.POOLS, -1] = site.entry @ steady.columns[eq.POOLS :]
    for _ in range(64):
        annual = annual @ annual
    return annual[: eq.POOLS, -1]


@settings(max_examples=200)
@given(sites())
def test_closed_form_is_the_fixed_point(site):
    steady = solve(site)
    assert steady.status in (eq.OK, eq.NO_TURNOVER)
    if steady.status == eq.NO_TURNOVER:
        assert site.temperature_c.max() < P.temp_min_c
        assert np.isnan(steady.pools).all()
        return
    u = site.entry @ steady.columns[eq.POOLS :]
    y = steady.pools
    assert (y > 0.0).all()
    assert np.linalg.norm(steady.matrix @ y + u - y) <= 1e-12 * np.linalg.norm(y)


@settings(max_examples=25)
@given(sites(coldest_c=-10.0))
def test_closed_form_equals_the_iterated_one(site):
    steady = solve(site)
    assume(steady.status == eq.OK)
    years = TURNOVERS * steady.turnover_years()
    if years <= ITERATED_YEARS:
        assert iterate(site, steady, int(years) + 1) == pytest.approx(steady.pools, rel=1e-10)
    else:
        tolerance = 1e-12 + 100.0 * EPS * steady.turnover_years()
        assert square(site, steady) == pytest.approx(steady.pools, rel=tolerance)


def test_closed_form_equals_monthly_iteration_at_hoosfield():
    site = make_site()
    steady = solve(site)
    assert TURNOVERS * steady.turnover_years() < ITERATED_YEARS
    years = int(TURNOVERS * steady.turnover_years()) + 1
    assert iterate(site, steady, years) == pytest.approx(steady.pools, rel=1e-11)


def test_closed_form_holds_where_turnover_takes_300_000_years():
    cold = np.full(YEAR, -20.0)
    cold[6] = -5.0
    site = make_site(
        temperature_c=cold,
        balance_mm=np.full(YEAR, -50.0),
        cover=np.ones(YEAR),
        paddy=True,
    )
    steady = solve(site)
    assert steady.status == eq.OK
    assert steady.turnover_years() > 300_000
    tolerance = 100.0 * EPS * steady.turnover_years()
    assert square(site, steady) == pytest.approx(steady.pools, rel=tolerance)


def test_no_month_warm_enough_is_a_status_and_no_number():
    frozen = make_site(temperature_c=np.full(YEAR, -5.1))
    assert solve(frozen).status == eq.NO_TURNOVER
    pools, _, mean_rate, status = of_site(frozen).run("spin_up")
    assert status[0, 0] == eq.NO_TURNOVER
    assert np.isnan(pools).all()
    assert np.isnan(mean_rate).all()


def test_deficit_that_drifts_a_few_mm_a_year_is_followed_to_its_end():
    balance = np.zeros(YEAR)
    balance[[0, 6]] = 5.0, -8.0
    site = make_site(balance_mm=balance, cover=np.ones(YEAR))
    (deficit, _), settled = eq.periodic_deficits(site.year, site.limits, P)
    assert settled
    assert deficit == pytest.approx(site.max_deficit_mm)
    two_years = eq.year_deficits(site.year, site.limits, (0.0, 0.0), P)
    two_years = eq.year_deficits(site.year, site.limits, two_years, P)
    assert two_years[0] == pytest.approx(-11.0), "the drift touches no bound for years"


def test_deficit_that_still_drifts_at_the_bound_of_passes_is_a_status():
    balance = np.zeros(YEAR)
    balance[6] = -1e-6
    site = make_site(balance_mm=balance, cover=np.ones(YEAR))
    pools, _, _, status = of_site(site).run("spin_up")
    assert status[0, 0] == eq.DEFICIT_NOT_PERIODIC
    assert np.isnan(pools).all()


@settings(max_examples=100)
@given(sites(), floats(0.0, 1.0))
def test_periodic_deficit_repeats(site, _fraction):
    deficit, settled = eq.periodic_deficits(site.year, site.limits, P)
    assert settled
    again = eq.year_deficits(site.year, site.limits, deficit, P)
    assert again == pytest.approx(deficit, abs=1e-8)


def test_december_carries_over_to_january():
    """A dry December; restarting every January would leave the soil moist."""
    balance = np.full(YEAR, 100.0)
    balance[11] = -30.0
    balance[0] = 0.0
    site = make_site(balance_mm=balance, cover=np.ones(YEAR))
    steady = solve(site)
    assert steady.deficit_mm == -30.0
    assert steady.rates[0] == pytest.approx(0.6 * steady_rate(site, 0, -30.0), rel=1e-12)
    assert steady_rate(site, 0, -30.0) < steady_rate(site, 0, 0.0)


def steady_rate(site: Site, month: int, deficit_mm: float) -> float:
    deficits = (deficit_mm, deficit_mm)
    return eq.month_rate(site.temperature_c[month], deficits, 0.0, 1.0, site.limits, P)


def test_each_month_has_its_own_cover():
    """One flag for the whole year would give one of the two outer results."""
    bare = solve(make_site(cover=np.zeros(YEAR))).pools.sum()
    mixed = solve(make_site()).pools.sum()
    covered = solve(make_site(cover=np.ones(YEAR))).pools.sum()
    assert bare < mixed < covered


def test_paddy_multiplies_every_rate():
    dry, wet = solve(make_site()), solve(make_site(paddy=True))
    assert wet.rates == pytest.approx(0.4 * dry.rates, rel=1e-14)
    assert wet.pools.sum() > dry.pools.sum()


@settings(max_examples=50)
@given(sites(coldest_c=0.0), st.integers(0, 300))
def test_repeated_map_equals_the_map_again_and_again(site, years):
    annual = solve(site).columns
    fast, slow, moved = np.empty_like(annual), np.empty_like(annual), np.empty(eq.POOLS)
    eq.reset_columns(fast)
    eq.reset_columns(slow)
    eq.repeat_map(annual, years, fast)
    for _ in range(years):
        eq.compose(annual, slow, moved)
    assert fast == pytest.approx(slow, rel=1e-11, abs=1e-30)


@settings(max_examples=50)
@given(sites(coldest_c=0.0), floats(0.1, 10.0))
def test_steady_state_of_a_given_input_is_linear(site, level):
    steady = solve(site)
    pools = np.empty(eq.POOLS)
    u = level * (site.entry @ steady.columns[eq.POOLS :])
    assert eq.solve_steady(steady.columns, u, pools) == eq.OK
    assert pools == pytest.approx(level * steady.pools, rel=1e-12)
