"""Carbon input that follows NPP from the year of the SOC map to t0."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import YEAR, cells, config

from recarb.sequestration.carbon_input import npp_ratio, reference_npp, yearly_npp
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.npp import npp_carbon
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

TABLES = ModelTables.of(config())


def run(inputs: xr.Dataset) -> xr.Dataset:
    return warm_up(spin_up(inputs, TABLES), inputs, TABLES)


def mean_year_npp(inputs: xr.Dataset, phase: str) -> np.ndarray:
    """NPP of the mean climate of a phase [t C ha-1 yr-1]."""
    t, p = (inputs[f"{v}_{phase}"].values.reshape(-1, YEAR, inputs.sizes["cell"])
            for v in ("temperature", "rain"))  # fmt: skip
    return npp_carbon(t.mean(axis=(0, 1)), p.mean(axis=0).sum(axis=0))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.integers(1, 25))
def test_like_is_compared_with_like_where_the_reference_is_twelve_means(seed, warming, years):
    """The mean of the ratio over the years is the ratio of the NPP of the two mean climates."""
    inputs = cells(reference=False, seed=seed, warming=warming, years=years)
    expected = mean_year_npp(inputs, "warm_up") / mean_year_npp(inputs, "spin_up")
    np.testing.assert_allclose(npp_ratio(inputs)[0].mean(axis=0), expected, rtol=1e-9)


def test_the_forward_climate_of_another_product_does_not_change_the_warm_up():
    inputs = cells(reference=False)
    other = inputs.assign(
        temperature_forward=inputs["temperature_forward"] + 2.0,
        rain_forward=0.7 * inputs["rain_forward"],
    )
    np.testing.assert_array_equal(npp_ratio(other), npp_ratio(inputs))


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_over_the_reference_years_themselves_the_ratio_is_one(seed):
    """Year by year: MIAMI is not linear, so the reference is the mean of the yearly values."""
    inputs = cells(seed=seed)
    by_year = (-1, YEAR, inputs.sizes["cell"])
    inputs["temperature_reference"] = (
        ("reference", "cell"), inputs["temperature_warm_up"].values.reshape(by_year).mean(1)
    )  # fmt: skip
    inputs["rain_reference"] = (
        ("reference", "cell"), inputs["rain_warm_up"].values.reshape(by_year).sum(1)
    )  # fmt: skip
    np.testing.assert_allclose(npp_ratio(inputs)[0].mean(axis=0), 1.0, rtol=1e-12)
    of_mean = mean_year_npp(inputs, "warm_up")
    assert (reference_npp(inputs) < of_mean).any()  # concave, where rain limits


def test_the_years_vary_as_their_npp():
    inputs = cells()
    npp = yearly_npp(inputs, "warm_up")
    assert npp.shape == (1, 20, 4)
    np.testing.assert_allclose(npp_ratio(inputs), npp / reference_npp(inputs)[:, None], rtol=1e-12)


def test_an_own_reference_layer_is_the_reference():
    """As the year-by-year climate would give it: no like-with-like on top of it."""
    inputs = cells()
    known = reference_npp(inputs)[0]
    own = inputs.drop_vars(["temperature_reference", "rain_reference"])
    own["npp_reference"] = ("cell", known)
    own["npp_reference_climate"] = ("cell", mean_year_npp(inputs, "spin_up"))
    np.testing.assert_allclose(reference_npp(own)[0], known, rtol=1e-12)
    np.testing.assert_allclose(npp_ratio(own), npp_ratio(inputs), rtol=1e-12)


def test_irrigation_is_no_rain_for_npp_unless_the_run_says_so():
    inputs = cells((2, 2))
    inputs["irrigation"][:] = 30.0
    plain = npp_ratio(inputs)
    np.testing.assert_array_equal(plain, npp_ratio(cells((2, 2))))
    counted = inputs.assign_attrs(irrigation_counts_as_rain=True)
    assert (yearly_npp(counted, "warm_up") >= yearly_npp(inputs, "warm_up")).all()
    assert (reference_npp(counted)[0, 1] > reference_npp(inputs)[0, 1]) and (
        npp_ratio(counted) != plain
    ).any()
    rained = inputs.assign(
        rain_warm_up=inputs["rain_warm_up"] + 30.0, rain_reference=inputs["rain_reference"] + 360.0
    )
    np.testing.assert_allclose(npp_ratio(counted), npp_ratio(rained), rtol=1e-12)


def test_the_input_is_that_of_the_equilibrium_times_the_ratio():
    inputs = cells()
    state = spin_up(inputs, TABLES)
    found = warm_up(state, inputs, TABLES)
    expected = state["c_eq"] * npp_ratio(inputs)[0].mean(axis=0)
    np.testing.assert_allclose(found["c_bau"], expected, rtol=1e-12)


LEFT = {2: 0.53, 12: 0.53, 13: 0.53, 3: 0.72, 5: 0.72, 6: 0.72, 8: 0.72, 4: 0.88}


@pytest.mark.parametrize("before", [2, 3, 4, 12])
@pytest.mark.parametrize("after", [2, 3, 4, 13])
@pytest.mark.parametrize("skipped", [False, True])
def test_a_change_of_land_use_changes_what_people_take(before, after, skipped):
    """Manual eq. 6.10-6.12: crops leave 0.53 of NPP, grass and shrub 0.72, trees 0.88."""
    stays, changes = (cells((code,) * 4, warm_up=not skipped) for code in (after, after))
    changes["land_use_spin_up"][:] = before
    same, other = (spin_up(one, TABLES) for one in (stays, changes))
    found = warm_up(other, changes, TABLES)["c_bau"] / other["c_eq"]
    expected = warm_up(same, stays, TABLES)["c_bau"] / same["c_eq"] * LEFT[after] / LEFT[before]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_land_use_year_by_year():
    """Ten years of crops, then ten of grass: input and its quality follow each year."""
    inputs = cells((2, 2, 2, 2))
    state = spin_up(inputs, TABLES)
    yearly = np.where(np.arange(20) < 10, 2, 3).astype(np.uint8)
    inputs["land_use_yearly"] = (("year", "cell"), np.tile(yearly[:, None], (1, 4)))
    found = warm_up(state, inputs, TABLES)
    kept = np.where(yearly == 2, 1.0, 0.72 / 0.53)
    expected = state["c_eq"] * (npp_ratio(inputs)[0] * kept[:, None]).mean(axis=0)
    np.testing.assert_allclose(found["c_bau"], expected, rtol=1e-12)
    early = inputs.isel(time=slice(0, 120)).drop_vars("land_use_yearly")
    late = inputs.isel(time=slice(120, 240)).assign(land_use=("cell", np.full(4, 3, np.uint8)))
    late = late.drop_vars("land_use_yearly")
    half = warm_up(state, early, TABLES)
    both = warm_up(half.drop_vars("c_bau"), late, TABLES)
    np.testing.assert_allclose(found["pools"], both["pools"], rtol=1e-10)
    np.testing.assert_allclose(found["deficit"], both["deficit"], atol=1e-9)


def test_shares_of_the_input_follow_the_land_use_of_each_year():
    """Crops get theirs in January, grass in December; all years but the last were crops.

    It used to be the share of the latest land use in all years.
    """
    tables = ModelTables.of(
        config(model={"input_share": {"2": [1.0] + [0.0] * 11, "3": [0.0] * 11 + [1.0]}})
    )
    inputs = cells((3, 3, 3, 3))
    state = spin_up(inputs, tables)
    yearly = np.where(np.arange(20) < 19, 2, 3).astype(np.uint8)
    inputs["land_use_yearly"] = (("year", "cell"), np.tile(yearly[:, None], (1, 4)))
    found = warm_up(state, inputs, tables)
    early = inputs.isel(time=slice(0, 228)).drop_vars("land_use_yearly")
    early = early.assign(land_use=("cell", np.full(4, 2, np.uint8)))
    late = inputs.isel(time=slice(228, 240)).drop_vars("land_use_yearly")
    both = warm_up(warm_up(state, early, tables).drop_vars("c_bau"), late, tables)
    np.testing.assert_allclose(found["pools"], both["pools"], rtol=1e-10)


def test_paddy_year_by_year():
    inputs = cells((13, 13, 13, 13))
    state = spin_up(inputs, TABLES)
    dry = inputs.assign(land_use_yearly=(("year", "cell"), np.full((20, 4), 12, dtype=np.uint8)))
    wet, drained = (warm_up(state, one, TABLES) for one in (inputs, dry))
    np.testing.assert_allclose(wet["rate_warm_up"], 0.4 * drained["rate_warm_up"], rtol=1e-12)


def test_without_a_series_t0_is_the_map():
    inputs = cells(warm_up=False)
    state = spin_up(inputs, TABLES)
    found = warm_up(state, inputs, TABLES)
    xr.testing.assert_identical(found["pools"], state["pools"])
    np.testing.assert_array_equal(found["deficit"], state["deficit"])
    np.testing.assert_allclose(found["c_bau"], state["c_eq"], rtol=1e-12)


def test_without_a_series_the_input_follows_the_climate_ahead():
    inputs = cells(warm_up=False)
    inputs["rain_forward"] = 0.8 * inputs["rain_spin_up"]
    state = spin_up(inputs, TABLES)
    ratio = mean_year_npp(inputs, "forward") / mean_year_npp(inputs, "spin_up")
    found = warm_up(state, inputs, TABLES)
    np.testing.assert_allclose(found["c_bau"] / state["c_eq"], ratio, rtol=1e-12)
    assert (ratio < 1.0).any()


def test_carbon_is_neither_lost_nor_made():
    """Input = change + respired; the model's own check would raise otherwise."""
    inputs = cells((2, 3, 12, 13))
    state = spin_up(inputs, TABLES)
    found = warm_up(state, inputs, TABLES)
    grown = (found["pools"].sum("pool") - state["pools"].sum("pool")).values
    given = 20 * found["c_bau"].values
    respired = given - grown
    assert (found["outcome"] == Outcome.RUN).all()
    assert (respired > 0.5 * given).all() and (respired < 1.6 * given).all()


def test_the_deficit_of_the_spin_up_is_carried_on():
    """Where every month's balance is nought, December's deficit is still there twenty years on."""
    inputs = cells((3, 3, 3, 3))
    inputs["pet_warm_up"] = inputs["rain_warm_up"]
    state = spin_up(inputs, TABLES)
    state["deficit"] = ("cell", np.array([0.0, -10.0, -30.0, -60.0]))
    found = warm_up(state, inputs, TABLES)
    np.testing.assert_allclose(found["deficit"], state["deficit"], atol=1e-9)
    moist = warm_up(state.assign(deficit=0.0 * state["deficit"]), inputs, TABLES)
    assert found["rate_warm_up"].values[3] < 0.9 * moist["rate_warm_up"].values[3]


@pytest.mark.parametrize("series", ["warm_up", "reference", "forward"])
def test_a_year_without_rain_is_an_exclusion_not_a_number(series):
    """In the published chain one such year makes all later inputs not-a-number."""
    inputs = cells(warm_up=series != "forward")
    span = {"warm_up": slice(36, 48), "reference": slice(3, 4), "forward": slice(0, 12)}[series]
    inputs[f"rain_{series}"][span, 1] = 0.0
    found = run(inputs)
    expected = [Outcome.RUN, Outcome.NO_NPP, Outcome.RUN, Outcome.RUN]
    assert found["outcome"].values.tolist() == expected


def test_a_cell_that_failed_in_the_spin_up_keeps_its_outcome():
    inputs = cells()
    inputs["temperature_spin_up"][:, 2] = -20.0
    found = run(inputs)
    assert found["outcome"].values.tolist() == [0, 0, Outcome.NO_TURNOVER, 0]


def test_a_shorter_warm_up_ends_earlier_on_the_same_way():
    """A SOC map of 2010 has ten years to t0."""
    long, short = cells(years=20), cells(years=20).isel(time=slice(0, 120))
    state = spin_up(long, TABLES)
    first = warm_up(state, short, TABLES)
    rest = long.isel(time=slice(120, 240))
    np.testing.assert_allclose(
        warm_up(first.drop_vars("c_bau"), rest, TABLES)["pools"],
        warm_up(state, long, TABLES)["pools"],
        rtol=1e-12,
    )
