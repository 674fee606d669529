"""Twenty years ahead: every level of management from one propagation."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import cells, config

from recarb.core.config import Scenario
from recarb.sequestration.forward import forward
from recarb.sequestration.scenario_inputs import scenario_input
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

TABLES = ModelTables.of(config())
C_BAU = np.array([1.0, 2.0, 3.0, 4.0])


def inputs_by_zone() -> xr.Dataset:
    return cells((2, 3, 12, 2)).assign(zones=("cell", np.array([1.0, 1.0, 2.0, 7.0])))


def amount(gain_points: float = 0.0, **table) -> list[float]:
    scenario = Scenario.model_validate({"name": "A"} | table)
    found = scenario_input(scenario, C_BAU, inputs_by_zone(), gain_points)
    return np.round(found, 12).tolist()


def test_one_gain_for_all():
    assert amount(gain_pct=30.0) == [1.3, 2.6, 3.9, 5.2]
    assert amount() == C_BAU.tolist()


def test_a_gain_by_land_use():
    assert amount(gain_pct=10.0, gain_pct_by_land_use={2: 50.0}) == [1.5, 2.2, 3.3, 6.0]


def test_a_gain_by_zone_goes_before_one_by_land_use():
    found = amount(
        gain_pct=10.0, gain_pct_by_land_use={2: 50.0, 3: 20.0}, gain_pct_by_zone={1: 0.0, 9: 99.0}
    )
    assert found == [1.0, 2.0, 3.3, 6.0]


def test_an_absolute_amount():
    assert amount(c_input_tc_ha_per_yr=2.5, gain_pct=10.0) == [2.5] * 4
    assert amount(c_input_tc_ha_per_yr=2.0, gain_points=15.0) == [2.3] * 4
    assert amount(c_input_tc_ha_per_yr=0.0) == [0.0] * 4


def test_points_are_added_to_the_gain_not_multiplied():
    assert amount(gain_pct=20.0, gain_points=15.0) == [1.35, 2.7, 4.05, 5.4]
    assert amount(gain_pct=5.0, gain_points=-15.0) == [0.9, 1.8, 2.7, 3.6]


def test_input_is_never_negative():
    assert amount(gain_pct=-95.0, gain_points=-15.0) == [0.0] * 4


def at_t0(inputs: xr.Dataset) -> xr.Dataset:
    return warm_up(spin_up(inputs, TABLES), inputs, TABLES)


def test_bau_comes_first_and_scenarios_in_their_order():
    inputs = cells()
    found = forward(at_t0(inputs), inputs, TABLES, config().scenarios, 20)
    assert found["scenario"].values.tolist() == ["BAU", "SSM1", "SSM2", "SSM3"]
    alone = forward(at_t0(inputs), inputs, TABLES, (), 20)
    assert alone["scenario"].values.tolist() == ["BAU"]
    np.testing.assert_array_equal(
        alone["final_soc"].sel(scenario="BAU"), found["final_soc"].sel(scenario="BAU")
    )


def test_a_scenario_does_not_depend_on_its_companions():
    inputs, state = cells(), at_t0(cells())
    gain = Scenario(name="A", gain_pct=7.0)
    many = [Scenario(name=f"S{i}", gain_pct=float(i)) for i in range(6)]
    one = forward(state, inputs, TABLES, (gain,), 20)["final_soc"].sel(scenario="A")
    among = forward(state, inputs, TABLES, (*many, gain), 20)["final_soc"].sel(scenario="A")
    np.testing.assert_array_equal(one, among)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(0.0, 60.0), st.integers(1, 60))
def test_more_input_is_more_carbon_and_the_gain_is_linear(seed, gain, years):
    inputs = cells(seed=seed)
    scenarios = tuple(Scenario(name=n, gain_pct=g) for n, g in (("A", gain), ("B", 2 * gain)))
    found = forward(at_t0(inputs), inputs, TABLES, scenarios, years)["final_soc"].values
    ahead, further = found[1] - found[0], found[2] - found[0]
    assert (ahead >= 0).all()
    np.testing.assert_allclose(further, 2 * ahead, atol=1e-9)


@pytest.mark.parametrize("years", [20, 50, 100])
def test_a_stock_in_equilibrium_stays(years):
    inputs = cells(warm_up=False)
    found = forward(at_t0(inputs), inputs, TABLES, (), years)
    np.testing.assert_allclose(found["final_soc"][0], inputs["soc"], rtol=1e-10)
