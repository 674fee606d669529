"""Draws: what they are made of, and that a cell's draws are its own."""

import numpy as np
import pytest
from scipy import stats

from recarb.uncertainty.sampling import normal_scores

SAMPLING = ("sobol", "random")
ROWS, COLUMNS = np.array([0, 0, 7, 2**20]), np.array([0, 1, 0, 2**21])


def scores(rows=ROWS, columns=COLUMNS, draws=1000, inputs=7, seed=1, sampling="sobol"):
    return normal_scores(rows, columns, draws, inputs, seed, sampling)


@pytest.mark.parametrize("sampling", SAMPLING)
def test_a_cell_has_the_same_draws_in_any_company(sampling):
    together = scores(sampling=sampling)
    alone = scores(ROWS[2:3], COLUMNS[2:3], sampling=sampling)
    backwards = scores(ROWS[::-1], COLUMNS[::-1], sampling=sampling)
    np.testing.assert_array_equal(together[:, :, 2:3], alone)
    np.testing.assert_array_equal(together[:, :, ::-1], backwards)


@pytest.mark.parametrize("sampling", SAMPLING)
def test_no_two_cells_and_no_two_seeds_share_their_draws(sampling):
    """Row and column are not exchanged, and errors of statistics are not common to all cells."""
    at = np.arange(40)
    found = np.concatenate(
        [scores(at, at + 1, sampling=sampling, seed=seed)[:, 0] for seed in (1, 2)]
        + [scores(at + 1, at, sampling=sampling)[:, 0]],
        axis=1,
    )
    between = np.corrcoef(found.T)[np.triu_indices(found.shape[1], 1)]
    assert between.max() < 1.0 - 1e-9
    assert abs(between.mean()) < 0.02


@pytest.mark.parametrize("sampling", SAMPLING)
def test_each_input_is_standard_normal_and_independent_of_the_others(sampling):
    found = scores(sampling=sampling)
    assert np.isfinite(found).all()
    for cell in range(len(ROWS)):
        one = found[:, :, cell]
        assert min(stats.kstest(column, "norm").pvalue for column in one.T) > 0.001
        assert np.abs(np.corrcoef(one.T) - np.eye(7)).max() < 0.12


def test_sobol_is_more_even_than_random():
    """The error of a mean over 1000 draws: that of random draws is 1 / sqrt(1000) of the sd."""
    cells = np.arange(50)
    error = {
        sampling: np.abs(scores(cells, cells, sampling=sampling).sum(axis=1).mean(axis=0)).mean()
        for sampling in SAMPLING
    }
    assert error["sobol"] < 0.2 * error["random"]


def test_another_way_to_sample_is_refused():
    with pytest.raises(ValueError, match="lattice"):
        scores(sampling="lattice")
