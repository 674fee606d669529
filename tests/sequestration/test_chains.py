"""What the upper and the lower chain change, and what they leave alone."""

import numpy as np
import pytest
import xarray as xr
from tests.factories import cells, config

from recarb.core.config import RunConfig
from recarb.sequestration.carbon_input import yearly_npp
from recarb.sequestration.chains import chains, perturb
from recarb.sequestration.forward import forward
from recarb.sequestration.members import weather_of
from recarb.sequestration.scenario_inputs import scenario_input
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

STANDARD = config().uncertainty
SIDES = {"mean": 0, "max": 1, "min": -1}


def perturbed(inputs: xr.Dataset, **changes) -> xr.Dataset:
    return perturb(inputs, config(uncertainty=changes).uncertainty)


def test_the_plain_chain_comes_first_and_changes_nothing():
    assert [one.name for one in chains(STANDARD)] == ["mean", "max", "min"]
    assert {one.name: one.side for one in chains(STANDARD)} == SIDES
    inputs = cells()
    found = perturbed(inputs)
    assert found["chain"].values.tolist() == ["mean", "max", "min"]
    plain = found.sel(chain="mean", drop=True)
    assert plain[list(inputs.data_vars)].identical(inputs)
    assert (plain["temperature_shift"] == 0.0).all() and (plain["rain_factor"] == 1.0).all()
    assert plain["gain_points"] == 0.0
    alone = perturbed(inputs, chains=False)
    assert alone["chain"].values.tolist() == ["mean"]
    assert alone.sel(chain="mean", drop=True).identical(plain)


@pytest.mark.parametrize(
    ("name", "soc", "clay", "rain", "kelvin"),
    [("max", 1.2, 1.1, 1.05, -0.3), ("min", 0.8, 0.9, 0.95, +0.3)],
)
def test_the_standard_set_of_the_manual(name, soc, clay, rain, kelvin):
    """Manual ch. 12; temperature in kelvins, because 2 % of 0 degC is nothing."""
    inputs = cells()
    every = perturbed(inputs)
    found = every.sel(chain=name)
    np.testing.assert_allclose(found["soc"], soc * inputs["soc"], rtol=1e-12)
    np.testing.assert_allclose(found["clay"], clay * inputs["clay"], rtol=1e-12)
    np.testing.assert_allclose(found["rain_factor"], np.full(4, rain), rtol=1e-12)
    np.testing.assert_allclose(found["temperature_shift"], np.full(4, kelvin), rtol=1e-12)
    touched = {n for n in inputs.data_vars if not every[n].identical(inputs[n])}
    assert touched == {"soc", "clay"}
    new = {"temperature_shift", "rain_factor", "gain_points"}
    assert set(every.data_vars) - set(inputs.data_vars) == new


def test_layers_of_uncertainty_go_before_the_standard_percentages():
    inputs = cells()
    inputs["soc_uncertainty"] = ("cell", np.array([5.0, 10.0, 50.0, 100.0]))
    inputs["clay_uncertainty"] = ("cell", np.array([0.0, 1.0, 2.0, 3.0]))
    found = perturbed(inputs)
    upper, lower = found.sel(chain="max"), found.sel(chain="min")
    np.testing.assert_allclose(upper["soc"] / inputs["soc"], [1.05, 1.1, 1.5, 2.0])
    np.testing.assert_allclose(lower["soc"] / inputs["soc"], [0.95, 0.9, 0.5, 0.0])
    np.testing.assert_allclose(upper["clay"] / inputs["clay"], [1.0, 1.01, 1.02, 1.03])
    np.testing.assert_array_equal(found.sel(chain="mean")["soc"], inputs["soc"])


def test_own_percentages():
    inputs = cells()
    own = {"soc_pct": 7.0, "clay_pct": 3.0, "rain_pct": 2.0, "temperature_c": 1.0}
    found = perturbed(inputs, **own, gain_points=4.0).sel(chain="max")
    np.testing.assert_allclose(found["soc"] / inputs["soc"], 1.07)
    np.testing.assert_allclose(found["clay"] / inputs["clay"], 1.03)
    np.testing.assert_allclose(found["rain_factor"], np.full(4, 1.02))
    np.testing.assert_allclose(found["temperature_shift"], np.full(4, -1.0), rtol=1e-12)
    assert found["gain_points"] == 4.0


@pytest.mark.parametrize(
    ("name", "factors"), [("max", (1.2, 1.25, 1.35)), ("mean", (1.05, 1.1, 1.2)),
                          ("min", (0.9, 0.95, 1.05))],
)  # fmt: skip
def test_gains_move_by_fifteen_points(name, factors):
    """SSM1's lower chain is 10 % below BAU: intended by the manual."""
    inputs, c_bau = cells(), np.array([1.0, 2.0, 3.0, 4.0])
    points = float(perturbed(inputs)["gain_points"].sel(chain=name))
    for scenario, factor in zip(config().scenarios, factors, strict=True):
        found = scenario_input(scenario, c_bau, inputs, points)
        np.testing.assert_allclose(found, factor * c_bau, rtol=1e-12)


def by_hand(inputs: xr.Dataset, side: int) -> xr.Dataset:
    """Inputs of one chain with the climate of every phase perturbed, series by series."""
    moved = inputs.copy(deep=True)
    moved["soc"] = inputs["soc"] * (1.0 + 0.2 * side)
    moved["clay"] = inputs["clay"] * (1.0 + 0.1 * side)
    for name in map(str, inputs.data_vars):
        if name.startswith("rain_"):
            moved[name] = inputs[name] * (1.0 + 0.05 * side)
        elif name.startswith("temperature_"):
            moved[name] = inputs[name] - 0.3 * side
    return moved


def phases(inputs: xr.Dataset, run: RunConfig) -> xr.Dataset:
    tables = ModelTables.of(run)
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    return forward(state, inputs, tables, run.scenarios, run.forward.years)


def all_known() -> xr.Dataset:
    """Crops, grass and paddy in every climate, some irrigated, with a class for every year."""
    inputs = cells((2, 3, 12, 5, 13, 2, 3, 13), seed=5).assign_attrs(irrigation_counts_as_rain=True)
    inputs["irrigation"][:, ::3] = 20.0
    yearly = np.tile(inputs["land_use"].values, (20, 1))
    yearly[:8, 0], yearly[12:, 4] = 3, 12
    return inputs.assign(land_use_yearly=(("year", "cell"), yearly))


def twelve_means() -> xr.Dataset:
    return cells((2, 3, 13, 5), reference=False)


def own_reference() -> xr.Dataset:
    """An own layer of reference NPP, as `CountryInputs` gives it."""
    inputs = twelve_means()
    plain = yearly_npp(inputs, "spin_up")[0, 0]
    return inputs.assign(npp_reference=("cell", 1.3 * plain), npp_reference_climate=("cell", plain))


def no_series() -> xr.Dataset:
    return cells((2, 3, 13, 5), warm_up=False)


@pytest.mark.parametrize("made", [all_known, twelve_means, own_reference, no_series])
def test_all_chains_at_once_are_each_chain_by_hand(made):
    """Pools, inputs, inert carbon, deficits and rates, not only the stocks of the maps."""
    inputs = made()
    at_once = phases(perturbed(inputs), config())
    for k, side in enumerate(SIDES.values()):
        gains = {f"SSM{i}": g + 15.0 * side for i, g in enumerate((5.0, 10.0, 20.0), start=1)}
        scenarios = [{"name": key, "gain_pct": gain} for key, gain in gains.items()]
        alone = phases(by_hand(inputs, side), config(scenarios=scenarios))
        found = at_once.isel(chain=k, drop=True)
        assert set(found.data_vars) == set(alone.data_vars)
        for key, expected in alone.items():
            assert found[key].dims == expected.dims, key
            np.testing.assert_allclose(found[key], expected, rtol=1e-12, atol=1e-12, err_msg=key)


def test_the_climate_itself_is_not_copied_for_the_chains():
    inputs = cells()
    assert weather_of(perturbed(inputs), "warm_up").rain_mm.shape == (240, 4)


@pytest.mark.parametrize("level", [-20.0, 0.0, 15.0])
def test_the_shift_is_the_same_at_any_temperature(level):
    """A year at `level` under the shift is a year at the shifted level, frozen or not."""
    inputs = cells()
    inputs["temperature_spin_up"][:] = level
    found = spin_up(perturbed(inputs, rain_pct=0.0, clay_pct=0.0), ModelTables.of(config()))
    for k, shifted in ((1, level - 0.3), (2, level + 0.3)):
        inputs["temperature_spin_up"][:] = shifted
        expected = spin_up(inputs, ModelTables.of(config()))
        for key in ("outcome", "rate_spin_up"):
            np.testing.assert_array_equal(found[key].isel(chain=k), expected[key])
