"""Protocol fao-r on the cells of a run."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from tests.factories import cells, config

from recarb.core.errors import ConfigError
from recarb.sequestration.fao_r import protocol
from recarb.sequestration.fao_r.uncertainty import filtered, rate_uncertainty
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.output import map_tags
from recarb.sequestration.point import trajectory
from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.tables import ModelTables

FAO_R = config(protocol="fao-r")


def hot(inputs: xr.Dataset, temperature_c: float = 27.0, phase: str = "warm_up") -> xr.Dataset:
    """The same with the first cell so warm and wet that the Euler steps diverge."""
    changed = inputs.copy(deep=True)
    changed[f"temperature_{phase}"][:, 0] = temperature_c
    changed[f"rain_{phase}"][:, 0] = 300.0
    changed[f"pet_{phase}"][:, 0] = 100.0
    changed[f"cover_{phase}"][:, 0] = 1.0
    return changed


def test_all_maps_have_values_and_differ_from_the_default_protocol():
    found, plain = simulate(cells(), FAO_R), simulate(cells(), config())
    assert set(found) == set(plain)
    for product in products(FAO_R):
        assert np.isfinite(found[product.key].values).all(), product.key
    assert (found["outcome"].values == Outcome.RUN).all()
    for key in ("T0", "finalSOC_BAU", "C_eq", "U_ASR_SSM1"):
        assert (found[key].values != plain[key].values).all(), key
        assert found[key].attrs == plain[key].attrs
    assert len(products(FAO_R)) == 29


def test_spin_up_gives_the_stock_of_the_map():
    ended = protocol.run(cells(), FAO_R, ModelTables.of(FAO_R))["mean"]
    inputs = cells(warm_up=False)
    steady = protocol.run(inputs, FAO_R, ModelTables.of(FAO_R))["mean"]
    np.testing.assert_allclose(steady["soc_t0"].values, inputs["soc"].values, rtol=1e-12)
    assert (ended["soc_t0"].values != inputs["soc"].values).all()


def test_all_chains_have_the_inert_carbon_and_the_reference_of_the_plain_one():
    ended = protocol.run(cells(), FAO_R, ModelTables.of(FAO_R))
    for key in ("iom", "npp_reference"):
        for chain in ("max", "min"):
            np.testing.assert_array_equal(ended[chain][key], ended["mean"][key])


def test_the_same_bits_in_any_company(monkeypatch):
    inputs = cells((2, 3, 12, 5, 13, 3, 2))
    inputs["temperature_warm_up"][::12, 3] = -25.0  # bridged by the spline
    whole = simulate(inputs, FAO_R)
    monkeypatch.setattr(protocol, "CELLS_AT_ONCE", 3)
    parts = simulate(inputs, FAO_R)
    alone = [simulate(inputs.isel(cell=slice(i, i + 1)), FAO_R) for i in range(7)]
    for key in whole:
        np.testing.assert_array_equal(whole[key].values, parts[key].values)
        one_by_one = np.concatenate([one[key].values for one in alone])
        np.testing.assert_array_equal(whole[key].values, one_by_one)


def test_a_cell_below_zero_at_t0_is_failed_as_diverged():
    for temperature_c in (27.0, 28.0, 29.0):
        found = simulate(hot(cells(), temperature_c), FAO_R)
        if found["outcome"].values[0] != Outcome.RUN:
            break
    assert found["outcome"].values.tolist() == [Outcome.DIVERGED, 0, 0, 0]
    for key in (product.key for product in products(FAO_R) + diagnostics(FAO_R)):
        assert np.isnan(found[key].values[0]), key
    np.testing.assert_array_equal(found["T0"].values[1:], simulate(cells(), FAO_R)["T0"].values[1:])


def test_a_stock_outside_the_filter_is_missing_and_t0_stands():
    found = simulate(hot(cells(), phase="forward"), FAO_R)
    assert found["outcome"].values[0] == Outcome.RUN
    assert np.isfinite(found["T0"].values[0])
    for key in ("finalSOC_BAU", "ASR_SSM1", "RSR_SSM2", "U_SSM", "U_ASR_BAU"):
        assert np.isnan(found[key].values[0]), key


def test_a_cold_spin_up_loses_the_cell():
    inputs = cells()
    inputs["temperature_spin_up"][0, 2] = -18.4
    assert simulate(inputs, FAO_R)["outcome"].values.tolist() == [0, 0, Outcome.NO_RATE, 0]


def test_a_year_without_rain_loses_the_cell():
    inputs = cells()
    inputs["rain_warm_up"][24:36, 1] = 0.0
    assert simulate(inputs, FAO_R)["outcome"].values.tolist() == [0, Outcome.NO_NPP, 0, 0]


def test_the_last_chains_uncertainty_stands_for_all_scenarios():
    found = simulate(cells(), FAO_R)
    final, t0 = found["finalSOC_SSM1"].values, found["T0"].values
    expected = np.hypot(found["U_SSM"].values * final, found["U_T0"].values * t0) / (final + t0)
    np.testing.assert_allclose(found["U_ASR_SSM1"].values, expected, rtol=1e-12)
    half = expected / 100.0 * (final + t0) / 20.0
    np.testing.assert_allclose(found["HW_ASR_SSM1"].values, half, rtol=1e-12)


def test_no_cells_give_no_maps_but_no_error():
    assert simulate(cells().isel(cell=slice(0, 0)), FAO_R).sizes["cell"] == 0


def test_without_chains_there_is_no_uncertainty():
    found = simulate(cells(), config(protocol="fao-r", uncertainty={"chains": False}))
    assert "U_T0" not in found
    np.testing.assert_array_equal(found["T0"].values, simulate(cells(), FAO_R)["T0"].values)


def test_irrigation_counts_in_the_water_balance():
    inputs = cells()
    inputs["irrigation"][:] = 40.0
    wet, dry = simulate(inputs, FAO_R), simulate(cells(), FAO_R)
    assert (wet["C_eq"].values[:3] > dry["C_eq"].values[:3]).all()
    np.testing.assert_array_equal(wet["NPP"].values, dry["NPP"].values)


def test_own_npp_reference_is_taken_as_it_is():
    layer, climate = np.array([5.0, 5.0, 9.0, 3.0]), np.array([4.0, 4.0, 8.0, 2.0])
    inputs = cells().assign(npp_reference=("cell", layer))
    inputs["npp_reference_climate"] = ("cell", climate)
    found, plain = simulate(inputs, FAO_R), simulate(cells(), FAO_R)
    of_layer = found["C_BAU"].values * found["NPP"].values
    np.testing.assert_allclose(of_layer, plain["C_BAU"].values * plain["NPP"].values, rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ({"rothc": {"k_hum_per_yr": 0.03}}, "model.rothc"),
        ({"input_share": {"2": [1.0 / 12.0] * 12}}, "model.input_share"),
        ({"modelled_land_use": [2, 4]}, "not 4"),
        ({"variant": {"cover": "mixed"}}, "model.variant"),
        ({"depth_cm": 20.0}, "model.depth_cm of 20"),
    ],
)
def test_what_the_scripts_cannot_do_is_refused(model, word):
    with pytest.raises(ValidationError, match=word):
        config(protocol="fao-r", model=model)
    config(model=model)


def test_one_cell_month_by_month_is_refused():
    with pytest.raises(ConfigError, match="only maps"):
        trajectory(FAO_R, 10.0, 50.0)


def test_the_maps_say_which_protocol_made_them():
    assert map_tags(FAO_R, "", 2020)["protocol"] == "GSOCseq, fao-r (scripts v1.1)"
    assert map_tags(config(), "", 2020)["protocol"] == "GSOCseq, RothC-26.3"


@pytest.mark.parametrize(
    "forward", [{"horizons": [50]}, {"steady_state": True}, {"climate_change": {"pet_factor": 1.1}}]
)
def test_futures_are_not_the_scripts(forward):
    with pytest.raises(ValidationError, match=f"forward.{next(iter(forward))}"):
        config(protocol="fao-r", forward=forward)


def test_irrigation_in_npp_is_not_the_scripts():
    with pytest.raises(ValidationError, match="irrigation_counts_as_rain"):
        config(protocol="fao-r", npp_reference={"irrigation_counts_as_rain": True})


def test_draws_are_not_the_scripts():
    with pytest.raises(ValidationError, match="monte_carlo"):
        config(protocol="fao-r", monte_carlo={"draws": 500})
    with pytest.raises(ConfigError, match=r"--monte-carlo 500: .*fao-r"):
        FAO_R.with_draws(500)


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ValidationError, match=r"rothc-26\.3"):
        config(protocol="fao")


def test_the_filter_keeps_its_ends():
    stocks = np.array([-1e-9, 0.0, 300.0, 300.1, np.nan])
    np.testing.assert_array_equal(filtered(stocks), [np.nan, 0.0, 300.0, np.nan, np.nan])


def test_the_published_rate_uncertainty_of_peers():
    sixty, fifty_eight, twenty = np.array([60.0]), np.array([58.0]), np.array([20.0])
    found = rate_uncertainty(twenty, sixty, twenty, fifty_eight)
    assert found == pytest.approx(14.1, abs=0.05)
