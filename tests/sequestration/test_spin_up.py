"""The equilibrium: the modelled stock is the mapped one."""

import numpy as np
import pytest
import xarray as xr
from tests.factories import cells, config

from recarb.rothc.reference import Month, Soil, step
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables

TABLES = ModelTables.of(config())
ALL_CLASSES = (2, 3, 12, 5, 13, 4, 6, 8)


def test_the_modelled_stock_is_the_mapped_stock():
    inputs = cells(ALL_CLASSES)
    state = spin_up(inputs, TABLES)
    assert (state["outcome"] == Outcome.RUN).all()
    modelled = state["pools"].sum("pool") + state["iom"]
    np.testing.assert_allclose(modelled, inputs["soc"], rtol=1e-12)
    assert (state["pools"] > 0).all() and (state["c_eq"] > 0).all()


def test_inert_carbon_is_falloons():
    inputs = cells()
    expected = 0.049 * inputs["soc"].values ** 1.139
    np.testing.assert_allclose(spin_up(inputs, TABLES)["iom"], expected, rtol=1e-12)


def year_of(inputs: xr.Dataset, i: int, c_input: float, dpm_rpm: float) -> list[Month]:
    one = inputs.isel(cell=i)
    balance = one["rain_spin_up"] + one["irrigation"] - one["pet_spin_up"]
    return [
        Month(
            float(one["temperature_spin_up"][m]),
            float(balance[m]),
            float(one["cover_spin_up"][m]),
            plant=c_input / 12.0,
            dpm_rpm=dpm_rpm,
        )
        for m in range(12)
    ]


@pytest.mark.parametrize("i", range(len(ALL_CLASSES)))
def test_a_year_month_by_month_leaves_the_equilibrium_as_it_is(i):
    """The plain Python model starts from the pools and comes back to them, deficit included."""
    inputs = cells(ALL_CLASSES)
    state = spin_up(inputs, TABLES).isel(cell=i)
    code = ALL_CLASSES[i]
    start = [float(v) for v in state["pools"]]
    soil = Soil(*start, deficit_mm=float(state["deficit"]))
    ratio = {2: 1.44, 12: 1.44, 13: 1.44, 4: 0.25}.get(code, 0.67)
    for month in year_of(inputs, i, float(state["c_eq"]), ratio):
        step(soil, month, float(inputs["clay"][i]), 30.0, paddy=code == 13)
    np.testing.assert_allclose([soil.dpm, soil.rpm, soil.bio, soil.hum], start, rtol=1e-12)
    np.testing.assert_allclose(soil.deficit_mm, state["deficit"], atol=1e-9)


def test_irrigation_counts_in_the_water_balance():
    """In the dry summer it speeds decomposition up, so the same stock needs more input."""
    dry, wet = cells((3, 3)), cells((3, 3))
    wet["irrigation"][:] = 60.0
    before, after = spin_up(dry, TABLES), spin_up(wet, TABLES)
    assert (after["c_eq"][1] > 1.1 * before["c_eq"][1]) and (
        after["deficit"] >= before["deficit"]
    ).all()
    moved = dry.assign(rain_spin_up=dry["rain_spin_up"] + 60.0)
    xr.testing.assert_allclose(spin_up(moved, TABLES), after, rtol=1e-12)


def test_the_land_use_of_the_spin_up_is_its_own():
    """Crops that became grass afterwards: the equilibrium is that of crops."""
    changed = cells((3, 3, 3, 3))
    changed["land_use_spin_up"][:] = 13
    expected = cells((13, 13, 13, 13)).assign(cover_spin_up=changed["cover_spin_up"])
    xr.testing.assert_identical(spin_up(changed, TABLES), spin_up(expected, TABLES))
    other = spin_up(cells((3, 3, 3, 3)), TABLES)
    assert (other["c_eq"].values != spin_up(changed, TABLES)["c_eq"].values).all()


def test_paddy_slows_class_13_alone():
    upland, paddy = spin_up(cells((12, 12)), TABLES), spin_up(cells((13, 13)), TABLES)
    np.testing.assert_allclose(paddy["rate_spin_up"], 0.4 * upland["rate_spin_up"], rtol=1e-12)


def test_what_has_no_equilibrium_has_an_outcome_and_no_number():
    inputs = cells((3, 3, 3))
    inputs["temperature_spin_up"][:, 1] = -5.01
    inputs["rain_spin_up"][:, 2] = np.linspace(45.0, 55.0, 12)
    inputs["pet_spin_up"][:, 2] = 50.0 + 1e-7  # dries by a micrometre a year, and touches no bound
    state = spin_up(inputs, TABLES)
    assert state["outcome"].values.tolist() == [
        Outcome.RUN,
        Outcome.NO_TURNOVER,
        Outcome.DEFICIT_NOT_PERIODIC,
    ]
    assert np.isnan(state["c_eq"].values).tolist() == [False, True, True]
    assert np.isnan(state["pools"].values[:, 1:]).all()
