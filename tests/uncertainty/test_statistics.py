"""Statistics of draws, and the delta method where its result is known."""

import numpy as np
import pytest
from scipy import stats

from recarb.uncertainty.distributions import Z_95
from recarb.uncertainty.sampling import normal_scores
from recarb.uncertainty.statistics import delta_design, of_delta, of_draws

LINEAR = np.array([1.0, -2.0, 0.5])


def linear(scores):
    return 10.0 + scores @ LINEAR


def quadratic(scores):
    return 1.0 + scores[..., 0] + 0.5 * scores[..., 1] ** 2


def both(function, inputs, draws=4096):
    scores = normal_scores(np.zeros(1, int), np.zeros(1, int), draws, inputs, 5, "sobol")
    by_input = scores.transpose(1, 2, 0)
    drawn = of_draws(function(scores[:, :, 0])[None, None], np.ascontiguousarray(by_input))
    return drawn, of_delta(function(delta_design(inputs))[None, None])


def test_delta_is_exact_where_the_model_is_linear():
    _, delta = both(linear, 3)
    sd = np.sqrt(5.25)
    found = [delta.mean, delta.sd, delta.low, delta.high, delta.positive]
    expected = [10.0, sd, 10.0 - Z_95 * sd, 10.0 + Z_95 * sd, stats.norm.cdf(10.0 / sd)]
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-12)
    np.testing.assert_allclose(delta.shares[:, 0, 0], LINEAR**2 / 5.25, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "inputs", "within"), [(linear, 3, 0.01), (quadratic, 2, 0.03)]
)
def test_draws_and_delta_agree(function, inputs, within):
    """A square adds its mean and its variance: the second order of the delta method."""
    drawn, delta = both(function, inputs)
    for key in ("mean", "sd"):
        np.testing.assert_allclose(getattr(drawn, key), getattr(delta, key), rtol=within)
    np.testing.assert_allclose(drawn.shares, delta.shares, atol=0.03)


def test_the_interval_holds_the_quantiles():
    values = np.random.default_rng(2).normal(size=(1, 3, 2000))
    found = of_draws(values, values.transpose(0, 1, 2))
    inside = (values >= found.low[..., None]) & (values <= found.high[..., None])
    np.testing.assert_allclose(inside.mean(axis=-1), 0.95, atol=0.001)
    np.testing.assert_allclose(found.positive, 0.5, atol=0.05)


def test_a_row_has_the_same_bits_alone():
    rng = np.random.default_rng(3)
    values, scores = rng.gamma(2.0, size=(2, 9, 333)), rng.normal(size=(4, 9, 333))
    whole = of_draws(values, scores)
    part = of_draws(np.ascontiguousarray(values[:, 4:5]), np.ascontiguousarray(scores[:, 4:5]))
    for key in ("mean", "sd", "low", "high", "positive", "shares"):
        np.testing.assert_array_equal(getattr(whole, key)[..., 4:5], getattr(part, key))


def test_a_draw_that_did_not_end_leaves_no_number():
    values = np.ones((1, 1, 300)) + np.random.default_rng(4).normal(size=300)
    values[0, 0, 7] = np.nan
    found = of_draws(values, np.random.default_rng(5).normal(size=(1, 1, 300)))
    for key in ("mean", "sd", "low", "high", "shares"):
        assert np.isnan(getattr(found, key)).all()


def test_nothing_varies():
    found = of_delta(np.full((1, 1, 5), 2.0))
    assert found.sd == 0.0 and found.positive == 1.0 and np.isnan(found.shares).all()
