"""Quantiles become the half width of a 95 % interval in percent."""

import numpy as np
import pytest
from scipy.stats import norm

from recarb.sources.prepare_uncertainty import NORMAL_90, NORMAL_95, half_width_pct


def test_the_interval_of_a_normal_distribution():
    mean, sd = 60.0, 9.0
    low, high = norm.ppf([0.05, 0.95], mean, sd)
    found = half_width_pct(np.array([low]), np.array([high]))
    assert found[0] == pytest.approx(100.0 * norm.ppf(0.975) * sd / mean, rel=1e-5)


def test_the_constants_are_those_of_the_normal_distribution():
    assert pytest.approx(norm.ppf(0.95), abs=1e-6) == NORMAL_90
    assert pytest.approx(norm.ppf(0.975), abs=1e-6) == NORMAL_95


@pytest.mark.parametrize(("low", "high"), [(np.nan, 5.0), (5.0, np.nan), (0.0, 0.0), (6.0, 5.0)])
def test_quantiles_that_tell_nothing(low, high):
    assert np.isnan(half_width_pct(np.array([low]), np.array([high])))[0]


def test_a_certain_value_has_no_width():
    assert half_width_pct(np.array([7.0]), np.array([7.0]))[0] == 0.0
