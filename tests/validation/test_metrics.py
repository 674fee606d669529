"""Each measure against a worked example by hand, and what holds for all of them.

Measured 2, 4, 6 and modelled 3, 4, 8: errors 1, 0, 2; means 4 and 5; over n, variances 8/3 and
14/3, covariance 10/3.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recarb.validation import metrics
from recarb.validation.metrics import METRICS

OBSERVED, MODELLED = np.array([2.0, 4.0, 6.0]), np.array([3.0, 4.0, 8.0])
ONES = np.ones(3)
BY_KEY = {metric.key: metric.function for metric in METRICS}


def test_rmse():
    assert metrics.rmse(OBSERVED, MODELLED, ONES) == pytest.approx((5 / 3) ** 0.5, rel=1e-14)


def test_relative_rmse():
    expected = 100 * (5 / 3) ** 0.5 / 4
    assert metrics.relative_rmse(OBSERVED, MODELLED, ONES) == pytest.approx(expected, rel=1e-14)


def test_bias_is_above_zero_where_the_model_holds_too_much():
    assert metrics.bias(OBSERVED, MODELLED, ONES) == pytest.approx(1.0, rel=1e-14)


def test_mean_absolute_error():
    modelled = np.array([3.0, 4.0, 4.0])
    assert metrics.mean_absolute_error(OBSERVED, modelled, ONES) == pytest.approx(1.0, rel=1e-14)
    assert metrics.bias(OBSERVED, modelled, ONES) == pytest.approx(-1 / 3, rel=1e-14)


def test_nash_sutcliffe():
    """1 - (5/3) / (8/3); 0 for the mean of the measured, 1 for the measured themselves."""
    assert metrics.nash_sutcliffe(OBSERVED, MODELLED, ONES) == pytest.approx(3 / 8, rel=1e-14)
    assert metrics.nash_sutcliffe(OBSERVED, np.full(3, 4.0), ONES) == 0.0
    assert metrics.nash_sutcliffe(OBSERVED, OBSERVED, ONES) == 1.0


def test_concordance():
    """(2 10/3) / (8/3 + 14/3 + 1)."""
    assert metrics.concordance(OBSERVED, MODELLED, ONES) == pytest.approx(0.8, rel=1e-14)
    assert metrics.concordance(OBSERVED, OBSERVED[::-1], ONES) == pytest.approx(-1.0, rel=1e-14)


def test_r_squared_does_not_see_bias():
    """(10/3)^2 / (8/3 14/3); 1 for any straight line, as the correlation of scipy has it."""
    assert metrics.r_squared(OBSERVED, MODELLED, ONES) == pytest.approx(100 / 112, rel=1e-14)
    assert metrics.r_squared(OBSERVED, 3.0 * OBSERVED + 50.0, ONES) == pytest.approx(1.0)
    assert metrics.r_squared(OBSERVED, MODELLED, ONES) == pytest.approx(
        stats.pearsonr(OBSERVED, MODELLED)[0] ** 2, rel=1e-12
    )


@pytest.mark.parametrize("key", BY_KEY)
def test_a_weight_counts_rows(key):
    """Weight 2 is the row twice, weight 0 the row left out, and only proportions matter."""
    doubled = BY_KEY[key](np.array([2.0, 2, 6, 9]), np.array([3.0, 3, 8, 1]), np.ones(4))
    weighted = BY_KEY[key](
        np.array([2.0, 6, 9, 77]), np.array([3.0, 8, 1, 5]), np.array([0.6, 0.3, 0.3, 0.0])
    )
    assert weighted == pytest.approx(doubled, rel=1e-12)


@pytest.mark.parametrize("key", BY_KEY)
def test_many_sets_of_weights_at_once(key):
    weight = np.array([[1.0, 1, 1], [1, 2, 3], [5, 1, 1]])
    at_once = BY_KEY[key](OBSERVED, MODELLED, weight)
    assert at_once == pytest.approx([BY_KEY[key](OBSERVED, MODELLED, one) for one in weight])


def test_no_value_is_nan_and_not_a_number():
    same = np.full(3, 4.0)
    assert np.isnan(metrics.nash_sutcliffe(same, MODELLED, ONES))
    assert np.isnan(metrics.r_squared(same, MODELLED, ONES))
    assert np.isnan(metrics.r_squared(OBSERVED, same, ONES))
    assert all(np.isnan(function(OBSERVED, MODELLED, 0.0 * ONES)) for function in BY_KEY.values())


stocks = st.lists(st.tuples(st.floats(1.0, 300.0), st.floats(1.0, 300.0)), min_size=3, max_size=30)


@given(stocks)
def test_measures_are_consistent(pairs):
    observed, modelled = np.array(pairs).T
    found = {key: f(observed, modelled, np.ones(len(pairs))) for key, f in BY_KEY.items()}
    slack = 1e-9
    assert abs(found["bias"]) <= found["mae"] + slack
    assert found["mae"] <= found["rmse"] + slack
    if np.ptp(observed) > 1e-3 and np.ptp(modelled) > 1e-3:
        assert -1 - slack <= found["concordance"] <= 1 + slack
        assert found["concordance"] ** 2 <= found["r_squared"] + slack
        assert found["nash_sutcliffe"] <= found["r_squared"] + slack
