"""MIAMI against its published constants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recarb.sequestration.npp import miami, npp_carbon, yearly_carbon

WET, HOT = 1e5, 80.0  # so that the other limit rules


@pytest.mark.parametrize(
    ("temperature", "npp"),
    [(1.315 / 0.119, 1500.0), (0.0, 635.0), (10.0, 1406.0), (25.0, 2520.0), (-13.0, 162.0)],
)
def test_the_limit_by_temperature(temperature, npp):
    """Half of 3000 where the exponent is 0; the rest by pocket calculator."""
    assert miami(np.float64(temperature), np.float64(WET)) == pytest.approx(npp, abs=1.0)


@pytest.mark.parametrize(
    ("rain", "npp"), [(np.log(2) / 0.000664, 1500.0), (0.0, 0.0), (500.0, 847.5), (1000.0, 1455.7)]
)
def test_the_limit_by_rain(rain, npp):
    assert miami(np.float64(HOT), np.float64(rain)) == pytest.approx(npp, abs=0.5)


@given(st.floats(-30, 35), st.floats(0, 5000))
def test_the_smaller_limit_counts_and_neither_passes_3000(temperature, rain):
    both = miami(np.float64(temperature), np.float64(rain))
    alone = (
        miami(np.float64(temperature), np.float64(WET)),
        miami(np.float64(HOT), np.float64(rain)),
    )
    assert both == min(alone) and 0.0 <= both < 3000.0


def test_as_carbon():
    """3000 g of dry matter m-2, 48 % carbon, are 14.4 t C ha-1."""
    found = npp_carbon(np.array([500.0]), np.array([1e6]))
    np.testing.assert_allclose(found, 14.4, rtol=1e-12)


@given(
    st.floats(-150, 60), st.floats(0, 30_000), st.floats(-5, 5), st.floats(0, 2), st.floats(0, 1000)
)
def test_the_compiled_years_are_miami(temperature, rain, shift, factor, irrigation):
    """What is left of 1 - exp(-x) at next to no rain has an absolute error."""
    one = np.full((1, 1), 1.0)
    found = yearly_carbon(
        temperature * one, rain * one, shift * one, factor * one, np.array([irrigation])
    )
    expected = npp_carbon(temperature + shift, rain * factor + irrigation)
    assert found.shape == (1, 1, 1)
    assert found[0, 0, 0] == pytest.approx(expected, rel=1e-12, abs=14.4e-13)


def test_compiled_years_beyond_any_climate_are_finite():
    one = np.ones((1, 1))
    coldest, wettest = yearly_carbon(
        np.array([[-1e6, 40.0]]), np.array([[100.0, 1e9]]), one.repeat(2, 1), one.repeat(2, 1),
        np.zeros(2),
    )[0, 0]  # fmt: skip
    assert 0.0 <= coldest < 1e-6
    assert wettest == pytest.approx(npp_carbon(np.float64(41.0), np.float64(1e9)), rel=1e-8)


def test_a_cell_has_the_same_bits_among_any_others():
    rng = np.random.default_rng(5)
    t, p = rng.uniform(-20, 35, (4, 301)), rng.uniform(0, 4000, (4, 301))
    shift, factor = rng.uniform(-1, 1, (3, 301)), rng.uniform(0.9, 1.1, (3, 301))
    water = rng.uniform(0, 300, 301)
    whole = yearly_carbon(t, p, shift, factor, water)
    for lo, hi in ((0, 1), (1, 8), (8, 301)):
        part = [np.ascontiguousarray(a[..., lo:hi]) for a in (t, p, shift, factor, water)]
        np.testing.assert_array_equal(yearly_carbon(*part), whole[..., lo:hi])
