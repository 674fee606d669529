"""What must hold for carbon in any climate."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.rothc.fields import of_site, random_field
from tests.rothc.soils import Site, covers, floats, months, sites, solve

from recarb.rothc import equilibrium as eq
from recarb.rothc import kernels
from recarb.rothc.parameters import DEFAULT as P

MONTHS = 60


@st.composite
def series(draw):
    """Arguments of `run_months`."""
    return {
        "pools": draw(months(0.0, 100.0, eq.POOLS)),
        "deficit_mm": draw(floats(-4.0, 0.0)),
        "temperature_c": draw(months(-70.0, 60.0, MONTHS)),
        "balance_mm": draw(months(-400.0, 400.0, MONTHS)),
        "cover": draw(covers(MONTHS)),
        "paddy": draw(st.booleans()),
        "inputs": np.repeat(draw(months(0.0, 5.0, MONTHS)), 3).reshape(MONTHS, 3),
        "clay_pct": draw(floats(0.0, 100.0)),
        "depth_cm": draw(floats(5.0, 100.0)),
    }


def run(arguments, **changes):
    return kernels.run_months(*(arguments | changes).values(), P)


@settings(max_examples=80)
@given(series())
def test_inputs_are_change_plus_respired(arguments):
    pools, respired, _, _ = run(arguments)
    entered, start = math.fsum(arguments["inputs"].ravel()), math.fsum(arguments["pools"])
    gap = entered - math.fsum(respired) - (math.fsum(pools[-1]) - start)
    assert abs(gap) <= 1e-10 * (entered + start)


@settings(max_examples=80)
@given(series())
def test_nothing_is_ever_negative_or_without_a_number(arguments):
    pools, respired, deficits, rates = run(arguments)
    for values in (pools, respired, rates, -deficits):
        assert np.isfinite(values).all()
        assert (values >= 0.0).all()


@settings(max_examples=80)
@given(series(), st.integers(0, MONTHS - 1), floats(0.0, 20.0))
def test_a_warmer_month_never_leaves_more_carbon(arguments, month, warming):
    """Staying in a pool keeps carbon longer than decomposing, since most of that is respired.

    Hence the sum of the pools, at any later time, never rises with the rate of any month.
    """
    warmer = arguments["temperature_c"].copy()
    warmer[month] += warming
    cool, _, _, _ = run(arguments)
    warm, _, _, _ = run(arguments, temperature_c=warmer)
    assert (warm.sum(axis=1) <= cool.sum(axis=1) * (1.0 + 1e-13)).all()


@settings(max_examples=60)
@given(sites(coldest_c=-5.0, hottest_c=30.0), floats(0.0, 5.0))
def test_a_warmer_climate_never_holds_more_carbon_at_equilibrium(site, warming):
    warm = Site(**{**vars(site), "temperature_c": site.temperature_c + warming})
    assert solve(warm).pools.sum() <= solve(site).pools.sum() * (1.0 + 1e-11)


@settings(max_examples=60)
@given(sites(), floats(0.1, 10.0))
def test_at_equilibrium_a_year_respires_what_entered(site, level):
    steady = solve(site)
    assume(steady.status == eq.OK)
    assume(steady.turnover_years() < 1e4)
    inputs = level * site.share[:, None] * site.entry
    pools, respired, _, _ = kernels.run_months(
        level * steady.pools,
        steady.deficit_mm,
        site.temperature_c,
        site.balance_mm,
        site.cover,
        site.paddy,
        inputs,
        site.clay_pct,
        site.depth_cm,
        P,
    )
    assert pools[-1] == pytest.approx(level * steady.pools, rel=1e-11)
    assert math.fsum(respired) == pytest.approx(level, rel=1e-8)


@settings(max_examples=40)
@given(sites(), st.integers(1, 10), floats(0.0, 5.0))
def test_carbon_closes_over_the_warm_up(site, years, level):
    field = of_site(site, years, level)
    pools, _, _, respired = field.run("warm_up")
    start = field.pools.sum()
    gap = years * level - respired[0, 0] - (pools.sum() - start)
    assert abs(gap) <= 1e-10 * (start + years * level)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_carbon_closes_over_the_warm_up_of_every_member_of_a_block(seed, land_by_year):
    field = random_field(40, years=5, seed=seed, land_by_year=land_by_year)
    pools, deficit, rate, respired = field.run("warm_up")
    through = field.pools.sum(axis=1) + field.c_input.sum(axis=1)
    gap = through - pools.sum(axis=1) - respired
    assert (abs(gap) <= 1e-12 * through).all()
    for values in (pools, respired, rate, -deficit):
        assert (values >= 0.0).all()
