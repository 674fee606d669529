"""MIAMI against its published constants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recarb.sequestration.npp import miami, npp_carbon

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
