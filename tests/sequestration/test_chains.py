"""What the upper and the lower chain change, and what they leave alone."""

import numpy as np
import pytest
from tests.factories import cells, config

from recarb.sequestration.chains import Chain, chains
from recarb.sequestration.forward import scenario_input

STANDARD = config().uncertainty


def chain(name: str, **changes) -> Chain:
    found = chains(config(uncertainty=changes).uncertainty)
    return next(one for one in found if one.name == name)


def test_the_plain_chain_comes_first_and_changes_nothing():
    assert [one.name for one in chains(STANDARD)] == ["mean", "max", "min"]
    inputs = cells()
    assert chain("mean").perturb(inputs).identical(inputs)
    assert [one.name for one in chains(config(uncertainty={"chains": False}).uncertainty)] == [
        "mean"
    ]


@pytest.mark.parametrize(
    ("name", "soc", "clay", "rain", "kelvin"),
    [("max", 1.2, 1.1, 1.05, -0.3), ("min", 0.8, 0.9, 0.95, +0.3)],
)
def test_the_standard_set_of_the_manual(name, soc, clay, rain, kelvin):
    """Manual ch. 12; temperature in kelvins, because 2 % of 0 degC is nothing."""
    inputs = cells()
    found = chain(name).perturb(inputs)
    np.testing.assert_allclose(found["soc"], soc * inputs["soc"], rtol=1e-12)
    np.testing.assert_allclose(found["clay"], clay * inputs["clay"], rtol=1e-12)
    for phase in ("spin_up", "warm_up", "reference", "forward"):
        np.testing.assert_allclose(
            found[f"rain_{phase}"], rain * inputs[f"rain_{phase}"], rtol=1e-12
        )
        shift = found[f"temperature_{phase}"] - inputs[f"temperature_{phase}"]
        np.testing.assert_allclose(shift, kelvin, rtol=1e-9)
    touched = {n for n in found.data_vars if not found[n].identical(inputs[n])}
    assert {str(n).split("_")[0] for n in touched} == {"soc", "clay", "rain", "temperature"}


@pytest.mark.parametrize("level", [-20.0, 0.0, 15.0])
def test_the_shift_is_the_same_at_any_temperature(level):
    inputs = cells()
    inputs["temperature_spin_up"][:] = level
    for name, expected in (("max", level - 0.3), ("min", level + 0.3)):
        found = chain(name).perturb(inputs)["temperature_spin_up"]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_layers_of_uncertainty_go_before_the_standard_percentages():
    inputs = cells()
    inputs["soc_uncertainty"] = ("cell", np.array([5.0, 10.0, 50.0, 100.0]))
    inputs["clay_uncertainty"] = ("cell", np.array([0.0, 1.0, 2.0, 3.0]))
    upper, lower = (chain(name).perturb(inputs) for name in ("max", "min"))
    np.testing.assert_allclose(upper["soc"] / inputs["soc"], [1.05, 1.1, 1.5, 2.0])
    np.testing.assert_allclose(lower["soc"] / inputs["soc"], [0.95, 0.9, 0.5, 0.0])
    np.testing.assert_allclose(upper["clay"] / inputs["clay"], [1.0, 1.01, 1.02, 1.03])


def test_own_percentages():
    inputs = cells()
    found = chain("max", soc_pct=7.0, clay_pct=3.0, rain_pct=2.0, temperature_c=1.0).perturb(inputs)
    np.testing.assert_allclose(found["soc"] / inputs["soc"], 1.07)
    np.testing.assert_allclose(found["clay"] / inputs["clay"], 1.03)
    np.testing.assert_allclose(found["rain_forward"] / inputs["rain_forward"], 1.02)
    np.testing.assert_allclose(
        found["temperature_forward"], inputs["temperature_forward"] - 1.0, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "factors"), [("max", (1.2, 1.25, 1.35)), ("mean", (1.05, 1.1, 1.2)),
                          ("min", (0.9, 0.95, 1.05))],
)  # fmt: skip
def test_gains_move_by_fifteen_points(name, factors):
    """SSM1's lower chain is 10 % below BAU: intended by the manual."""
    inputs, c_bau = cells(), np.array([1.0, 2.0, 3.0, 4.0])
    for scenario, factor in zip(config().scenarios, factors, strict=True):
        found = scenario_input(scenario, c_bau, inputs, chain(name).gain_points)
        np.testing.assert_allclose(found, factor * c_bau, rtol=1e-12)
