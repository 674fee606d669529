"""ICBM, held to runs of another implementation, to its differential equations and to the paper."""

import numpy as np
import pytest
from tests.models import golden
from tests.models.drivers import some_drivers
from tests.realdata import requires

from recarb.models.icbm import Icbm, Parameters, Pools, advance, steady_state
from recarb.models.interface import Reason

P = Parameters()
TOLERANCE = 5e-12  # relative
PRINTED = 1e-13  # digits of the golden table, for pools that have all but gone


def of_case(case):
    one = golden.table("icbm_cases_and_steady_state").set_index("case").loc[case]
    p = Parameters(one["k1"], one["k2"])
    return one, p


CASES = ("BareFallow", "pNpS", "mNpS", "mNmS", "pNmS", "FYM", "SwS", "SteadyState",
         "x_hot_highinput", "x_cold_lowinput", "x_lin_coarse", "x_zero_init")  # fmt: skip


@pytest.mark.realdata
@requires(golden.FOLDER)
@pytest.mark.parametrize("case", CASES)
def test_steady_states_of_the_golden_table(case):
    one, p = of_case(case)
    found = steady_state(one["i"], one["h"], one["r"], p)
    np.testing.assert_allclose(found, (one["Yss"], one["Oss"]), rtol=TOLERANCE)


@pytest.mark.realdata
@requires(golden.FOLDER)
@pytest.mark.parametrize("case", CASES)
def test_a_hundred_years_of_the_golden_table(case):
    one, p = of_case(case)
    rows = golden.table("icbm_timeseries").query("case == @case")
    start = Pools(np.array(one["Y0"]), np.array(one["O0"]))
    years = rows["year"].to_numpy(dtype=float)
    assert years.max() == 100.0
    found = advance(start, one["i"], one["h"], one["r"], years, p)
    for pool, column in zip(found, ("Y_exact", "O_exact"), strict=True):
        expected = rows[column].to_numpy(dtype=float)
        np.testing.assert_allclose(pool, expected, rtol=TOLERANCE, atol=PRINTED)


def test_the_steady_state_of_the_paper():
    """Ultuna with 2 t C ha-1 of crop input: 2.5 t young, 41.3 t old."""
    found = steady_state(np.array(2.0), 0.125, np.array(1.0), P)
    assert [round(float(pool), 4) for pool in found] == [2.5, 41.3223]


def test_the_solution_obeys_its_differential_equations():
    h, r, i, step = 0.2, 1.7, 3.0, 1e-5
    for years in (0.5, 10.0, 80.0):
        young, old = advance(Pools(9.0, 31.0), i, h, r, years, P)
        later = advance(Pools(9.0, 31.0), i, h, r, years + step, P)
        out = P.k_young_per_yr * r * young
        rates = (i - out, h * out - P.k_old_per_yr * r * old)
        np.testing.assert_allclose(
            [(later.young - young) / step, (later.old - old) / step], rates, rtol=1e-3, atol=1e-6
        )


def test_many_years_are_the_years_one_by_one():
    pools = whole = Pools(np.array(4.0), np.array(50.0))
    for _ in range(30):
        pools = advance(pools, np.array(2.5), 0.125, np.array(0.8), 1.0, P)
    whole = advance(whole, np.array(2.5), 0.125, np.array(0.8), 30.0, P)
    np.testing.assert_allclose(pools, whole, rtol=1e-12)


def test_the_stock_of_the_map_is_the_modelled_one():
    drivers = some_drivers(4, warm_up_years=0)
    found = Icbm(0.4).project(drivers)
    np.testing.assert_allclose(found.stocks.t0[0], drivers.stock_tc_ha, rtol=1e-14)
    steady = steady_state(found.stocks.c_eq[0], P.humification, drivers.spin_up.rate / 0.4, P)
    np.testing.assert_allclose(steady.young + steady.old, drivers.stock_tc_ha, rtol=1e-14)


def test_a_warm_up_is_the_years_one_by_one():
    drivers = some_drivers(3, warm_up_years=5)
    found = Icbm(0.4).project(drivers).stocks
    r, h = drivers.warm_up.rate / 0.4, P.humification
    pools = steady_state(found.c_eq[0], h, drivers.spin_up.rate / 0.4, P)
    for year in range(5):
        pools = advance(pools, found.c_eq[0] * drivers.input_warm_up[year], h, r, 1.0, P)
    np.testing.assert_allclose(found.t0[0], pools.young + pools.old, rtol=1e-14)
    ahead = drivers.forward.rate / 0.4
    for scenario in range(len(drivers.input_forward)):
        given = found.c_eq[0] * drivers.input_forward[scenario]
        after = pools
        for _ in range(drivers.years):
            after = advance(after, given, h, ahead, 1.0, P)
        np.testing.assert_allclose(found.final[0, scenario], after.young + after.old, rtol=1e-12)


def test_a_faster_climate_needs_more_input_for_the_same_stock():
    drivers = some_drivers(2, warm_up_years=0)
    slow, fast = (Icbm(reference).project(drivers).stocks.c_eq for reference in (0.8, 0.4))
    np.testing.assert_allclose(fast, 2.0 * slow, rtol=1e-14)


def test_only_mineral_cropland_has_numbers():
    drivers = some_drivers(4, warm_up_years=0)
    land_use = drivers.land_use.copy()
    land_use[-1, 0], land_use[0, 1] = 3, 3
    peat = np.array([False, False, True, False])
    found = Icbm(0.4).project(drivers._replace(land_use=land_use, peat=peat))
    assert [Reason(code) for code in found.reason] == [
        Reason.NOT_CROPLAND, Reason.LAND_USE_CHANGED, Reason.ORGANIC_SOIL, Reason.MODELLED
    ]  # fmt: skip
    for values in found.stocks:
        assert np.isnan(values[..., :3]).all() and np.isfinite(values[..., 3]).all()


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_cell_has_the_same_bits_in_any_company(size):
    drivers = some_drivers(41, warm_up_years=3)
    whole = Icbm(0.37).project(drivers).stocks
    for start in range(0, 41, size):
        part = Icbm(0.37).project(drivers.at(np.arange(start, min(start + size, 41)))).stocks
        for of_part, of_all in zip(part, whole, strict=True):
            np.testing.assert_array_equal(of_part, of_all[..., start : start + size])
