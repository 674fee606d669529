"""What a run looks up by land use."""

from typing import Any

import numpy as np
import pytest
from tests.factories import config

from recarb.core.errors import ConfigError
from recarb.rothc.parameters import Parameters
from recarb.sequestration.tables import ModelTables

CROP, GRASS, FOREST, SHRUB, TREE_CROP, PADDY = 2, 3, 4, 5, 12, 13


def tables(**model: Any) -> ModelTables:
    return ModelTables.of(config(model=model))


@pytest.mark.parametrize(
    ("code", "dpm"),
    [(CROP, 0.5902), (TREE_CROP, 0.5902), (PADDY, 0.5902), (GRASS, 0.4012), (SHRUB, 0.4012),
     (6, 0.4012), (8, 0.4012), (FOREST, 0.2)],
)  # fmt: skip
def test_where_the_carbon_input_goes(code, dpm):
    """DPM/RPM 1.44, 0.67 and 0.25 (Coleman & Jenkinson 1996)."""
    entry = tables().entry(np.array([code]))
    np.testing.assert_allclose(entry[0, 0], dpm, atol=5e-5)
    np.testing.assert_allclose(entry.sum(axis=-1), 1.0, rtol=1e-12)
    assert entry[0, 2] == 0.0


def test_a_changed_ratio():
    np.testing.assert_allclose(tables(dpm_rpm={2: 3.0}).entry(np.array([2]))[0, 0], 0.75)


def test_the_modelled_classes_are_the_agricultural_ones_unless_chosen():
    assert np.flatnonzero(tables().modelled).tolist() == [2, 3, 5, 12, 13]
    chosen = tables(modelled_land_use=[2, 4])
    assert np.flatnonzero(chosen.modelled).tolist() == [2, 4]
    with pytest.raises(ConfigError, match="class 9"):
        tables(modelled_land_use=[9])


CROPPED = np.zeros((12, 6), dtype=bool)
CROPPED[3:8] = True


def test_cover_by_land_use():
    """Manual ch. 6: perennials 0.6 (covered) all year, annual crops in cropped months."""
    codes = np.array([CROP, GRASS, FOREST, SHRUB, TREE_CROP, PADDY])
    cover = tables().cover(codes, CROPPED)
    np.testing.assert_array_equal(cover[:, [0, 5]], CROPPED[:, :2].astype(float))
    np.testing.assert_array_equal(cover[:, 1:5], 1.0)


def test_an_own_calendar_goes_before_the_default():
    cover = tables(crop_calendar={"2": [1, 12], "12": [6]}).cover(
        np.array([CROP, TREE_CROP, PADDY]), CROPPED[:, :3]
    )
    assert np.flatnonzero(cover[:, 0]).tolist() == [0, 11]
    assert np.flatnonzero(cover[:, 1]).tolist() == [5]
    np.testing.assert_array_equal(cover[:, 2], CROPPED[:, 2].astype(float))


def test_paddy_is_class_13_alone():
    assert np.flatnonzero(tables().paddy).tolist() == [PADDY]


def test_shares_of_the_annual_input():
    found = tables(input_share={"2": [0.5, 0.5, *[0.0] * 10]}).share
    np.testing.assert_array_equal(found[2], [0.5, 0.5, *[0.0] * 10])
    np.testing.assert_allclose(found[3], 1.0 / 12.0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"input_share": {"2": [0.1] * 12}}, "sum to 1"),
        ({"input_share": {"2": [0.5, 0.5]}}, "12 shares"),
        ({"input_share": {"2": [1.5, -0.5, *[0.0] * 10]}}, "none negative"),
        ({"input_share": {"14": [1.0, *[0.0] * 11]}}, "'14' is no land-use class"),
        ({"crop_calendar": {"2": [0, 1]}}, "months are 1 to 12"),
        ({"crop_calendar": {"2": [12, 13]}}, "months are 1 to 12"),
        ({"crop_calendar": {"crops": [1]}}, "'crops' is no land-use class"),
        ({"rothc": {"k_humus": 0.02}}, "no parameter k_humus.*k_hum_per_yr"),
        ({"rothc": {"k_hum_per_yr": -0.02}}, "k_hum_per_yr: expected 0 or more, came -0.02"),
        ({"rothc": {"moist_min": 3.0}}, "moist_min: expected a part from 0 to 1, came 3"),
        ({"rothc": {"months_per_year": 24.0}}, "the climate is monthly, so it is 12; came 24"),
        ({"rothc": {"tsmd_clay2_mm": 0.1}}, "not below zero for every clay content"),
        ({"dpm_rpm": {15: 1.0}}, "class 15"),
        ({"dpm_rpm": {2: 0.0}}, "above 0"),
    ],
)
def test_what_is_refused(model, message):
    with pytest.raises(ConfigError, match=message):
        tables(**model)


def test_parameters_of_the_model():
    assert tables().parameters == Parameters()
    assert tables(rothc={"k_hum_per_yr": 0.015}).parameters.k_hum_per_yr == 0.015


@pytest.mark.parametrize(
    "scenario",
    [
        {"gain_pct_by_land_use": {"99": 8.0}},
        {"practices": [{"gain_pct": 8.0, "land_use": [2, 99]}]},
    ],
)
def test_a_scenario_for_a_class_that_is_none_is_refused(scenario):
    """It would change nothing, and nobody would be told."""
    run = config(scenarios=[{"name": "P", **scenario}])
    with pytest.raises(ConfigError, match=r"scenario P.*'99' is no land-use class \(1 to 13\)"):
        ModelTables.of(run)
