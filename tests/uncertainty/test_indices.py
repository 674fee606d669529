"""First-order indices against functions whose indices are known in closed form."""

import numpy as np
import pytest
from scipy.special import ndtr

from recarb.uncertainty.indices import first_order
from recarb.uncertainty.sampling import normal_scores


def indices(function, inputs, draws, sampling="sobol", cells=1):
    """(input, cell) of function(scores (draw, input, cell)) -> (draw, cell)."""
    at = np.arange(cells)
    scores = normal_scores(at, at, draws, inputs, 3, sampling)
    values = np.ascontiguousarray(function(scores).T)[None]
    by_input = scores.transpose(1, 2, 0)
    return np.stack([first_order(values, one, sampling == "sobol")[0] for one in by_input])


def ishigami(scores, a=7.0, b=0.1):
    """[IH90]; each input uniform in -pi..pi."""
    x = (2.0 * ndtr(scores) - 1.0) * np.pi
    return np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize(
    ("sampling", "draws", "within"), [("sobol", 1000, 0.05), ("random", 8000, 0.04)]
)
def test_ishigami(sampling, draws, within):
    """S1 = 0.3139, S2 = 0.4424, S3 = 0 (which acts through S13 alone)."""
    found = indices(ishigami, 3, draws, sampling, cells=5)
    np.testing.assert_allclose(
        found, np.array([[0.3139], [0.4424], [0.0]]) + np.zeros(5), atol=within
    )


def test_a_sum_of_normals():
    weights = np.array([3.0, 2.0, 1.0, 0.0])
    found = indices(lambda z: (weights[:, None] * z).sum(axis=1), 4, 1000, cells=20)
    np.testing.assert_allclose(found.mean(axis=1), weights**2 / 14.0, atol=0.02)


def test_the_least_number_of_draws_is_enough_to_rank():
    weights = np.array([3.0, 2.0, 1.0])
    found = indices(lambda z: (weights[:, None] * z).sum(axis=1), 3, 200, cells=20)
    assert (np.diff(found.mean(axis=1)) < 0).all()
    np.testing.assert_allclose(found.mean(axis=1), weights**2 / 14.0, atol=0.06)


def test_noise_is_not_taken_for_an_influence():
    """Without the correction an input that does nothing would get 13 / 999 = 0.013."""
    rng = np.random.default_rng(1)
    values, scores = rng.normal(size=(1, 200, 1000)), rng.normal(size=(200, 1000))
    assert first_order(values, scores, even=False).mean() < 0.006


def test_what_does_not_vary_has_no_shares():
    scores = np.random.default_rng(1).normal(size=(2, 300))
    values = np.stack([np.full((2, 300), 5.0)])
    assert np.isnan(first_order(values, scores)).all()
