"""A mean climate changed by kelvins and factors."""

import numpy as np
import pandas as pd
import pyet
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from recarb.core.config import ClimateChange
from recarb.harmonise.climate import Sample
from recarb.harmonise.climate_change import changed, hargreaves_factor

YEAR, POINTS = 12, 3
NOTHING = np.zeros(POINTS, dtype=bool)


def mean_year() -> Sample:
    rng = np.random.default_rng(4)
    shape = (YEAR, POINTS)
    climate = rng.uniform(-5, 25, shape), rng.uniform(0, 90, shape), rng.uniform(5, 150, shape)
    return Sample(*climate, NOTHING, NOTHING, NOTHING)


def change(**keys) -> ClimateChange:
    return ClimateChange.model_validate({"pet_factor": 1.0} | keys)


def test_no_change_has_the_same_bits():
    before, after = mean_year(), changed(mean_year(), change(), 20)
    for name in ("temperature", "rain", "pet"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_one_number_holds_for_all_months_and_twelve_for_each():
    before = mean_year()
    kelvin = [float(m) for m in range(YEAR)]
    after = changed(before, change(temperature_k=kelvin, rain_factor=0.9, pet_factor=1.2), 20)
    np.testing.assert_allclose(after.temperature - before.temperature, np.c_[kelvin] + [0, 0, 0])
    np.testing.assert_allclose(after.rain, 0.9 * before.rain)
    np.testing.assert_allclose(after.pet, 1.2 * before.pet)


def test_a_ramp_grows_evenly_and_then_stays():
    before = mean_year()
    ramp = change(temperature_k=2.0, rain_factor=0.8, pet_factor=1.1, ramp_years=4)
    after = changed(before, ramp, 6)
    assert after.temperature.shape == (6 * YEAR, POINTS)
    part = np.array([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    of_years = after.temperature.reshape(6, YEAR, POINTS) - before.temperature
    np.testing.assert_allclose(of_years, 2.0 * part[:, None, None] + 0 * of_years, atol=1e-12)
    rain, pet = (getattr(after, name).reshape(6, YEAR, POINTS) for name in ("rain", "pet"))
    np.testing.assert_allclose(rain, before.rain * (1.0 - 0.2 * part[:, None, None]))
    np.testing.assert_allclose(pet, before.pet * (1.0 + 0.1 * part[:, None, None]))


@settings(max_examples=25)
@given(st.floats(-15.0, 30.0), st.floats(0.0, 6.0), st.floats(4.0, 20.0))
def test_pet_follows_temperature_as_in_the_library_of_hargreaves(mean_c, warming_k, spread_c):
    """pyet's own equation, with the daily range as it was; its latent heat moves by 0.1 % a K."""
    day = pd.DatetimeIndex(["2001-05-15"])

    def pet(temperature_c: float) -> float:
        mean, high, low = (
            xr.DataArray([[[temperature_c + d]]], {"time": day}, ("time", "y", "x"))
            for d in (0.0, spread_c / 2, -spread_c / 2)
        )
        latitude = xr.DataArray([[0.7]], dims=("y", "x"))
        return float(pyet.hargreaves(mean, high, low, latitude).values.squeeze())

    factor = float(hargreaves_factor(np.array([mean_c]), np.array([warming_k]))[0])
    expected = pet(mean_c + warming_k) / pet(mean_c)
    assert factor == pytest.approx(expected, rel=2e-3 * warming_k + 1e-9)


def test_months_colder_than_the_equation_knows_keep_their_pet():
    factor = hargreaves_factor(np.array([-40.0, -17.8, 12.2]), np.array([3.0, 3.0, 3.0]))
    np.testing.assert_allclose(factor, [1.0, 1.0, 1.1])
    assert hargreaves_factor(np.array([-17.0]), np.array([-5.0]))[0] == 0.0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"pet_factor": None}, "changes PET"),
        ({"pet_method": "hargreaves"}, "not both"),
        ({"temperature_k": [1.0, 2.0]}, "at least 12 items"),
        ({"rain_factor": -0.1}, "greater than or equal to 0"),
        ({"rain_factor": "more"}, "valid tuple"),
    ],
)
def test_what_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        change(**keys)
