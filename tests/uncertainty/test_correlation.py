"""Totals under correlated errors, against the plain double sum over all pairs of cells."""

import numpy as np
import pytest

from recarb.uncertainty.correlation import Blocks, total_sd
from recarb.uncertainty.variogram import fit_variogram

CELL_KM = 0.8


def places(rows=25, columns=40, seed=1):
    """Cells of a grid that is not square, with holes; weights that differ."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    kept = rng.random(x.size) < 0.7
    return x[kept] * 0.7, y[kept] * 0.93, rng.uniform(0.5, 2.0, kept.sum())


def by_pairs(x, y, weights, length_km, nugget):
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    correlation = (1.0 - nugget) * np.exp(-distance / length_km)
    np.fill_diagonal(correlation, 1.0)
    return np.sqrt(weights @ correlation @ weights)


@pytest.mark.parametrize("nugget", [0.0, 0.4])
@pytest.mark.parametrize(
    ("length_km", "within"), [(0.3, 0.08), (1.0, 0.02), (5.0, 0.01), (40.0, 0.002)]
)
def test_blocks_are_the_sum_over_all_pairs(length_km, within, nugget):
    x, y, weights = places()
    found = Blocks(x, y, CELL_KM).sd(weights, length_km, nugget)
    assert found == pytest.approx(by_pairs(x, y, weights, length_km, nugget), rel=within)


def test_coarse_blocks_are_near_it(monkeypatch):
    """Four and more cells in a block, as in a country larger than the blocks are fine."""
    monkeypatch.setattr("recarb.uncertainty.correlation.MOST_BLOCKS", 16)
    x, y, weights = places()
    for length_km, within in ((1.0, 0.05), (5.0, 0.01), (40.0, 0.002)):
        found = Blocks(x, y, CELL_KM).sd(weights, length_km)
        assert found == pytest.approx(by_pairs(x, y, weights, length_km, 0.0), rel=within)


def test_the_ends_are_no_correlation_and_full_correlation():
    x, y, weights = places()
    blocks = Blocks(x, y, CELL_KM)
    assert blocks.sd(weights, 1e-3) == pytest.approx(total_sd(weights, fully=False), rel=1e-2)
    assert blocks.sd(weights, 1e7) == pytest.approx(total_sd(weights, fully=True), rel=1e-4)
    assert blocks.sd(weights, 10.0, nugget=1.0) == pytest.approx(total_sd(weights, fully=False))


def test_more_correlation_is_more_uncertainty():
    x, y, weights = places()
    found = [Blocks(x, y, CELL_KM).sd(weights, km) for km in (0.5, 2.0, 8.0, 32.0, 128.0)]
    assert (np.diff(found) > 0).all()


def test_one_cell():
    one = np.array([3.0])
    assert Blocks(np.zeros(1), np.zeros(1), CELL_KM).sd(one, 10.0) == pytest.approx(3.0)


def field(x, y, length_km, nugget, seed):
    """A Gaussian field with exponential correlation."""
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    covariance = (1.0 - nugget) * np.exp(-distance / length_km) + nugget * np.eye(x.size)
    return np.linalg.cholesky(covariance) @ np.random.default_rng(seed).normal(size=x.size)


@pytest.mark.parametrize(("length_km", "nugget"), [(6.0, 0.0), (6.0, 0.5), (9.0, 0.2)])
def test_the_variogram_finds_the_length_of_a_made_field(length_km, nugget):
    rng = np.random.default_rng(11)
    x, y = rng.uniform(0.0, 120.0, (2, 1200))
    fits = [fit_variogram(x, y, field(x, y, length_km, nugget, seed)) for seed in range(5)]
    assert np.median([fit.length_km for fit in fits]) == pytest.approx(length_km, rel=0.5)
    assert np.median([fit.nugget for fit in fits]) == pytest.approx(nugget, abs=0.2)


def test_no_variogram_without_places_without_variation_or_with_a_trend():
    x, y, _ = places()
    rng = np.random.default_rng(1)
    assert fit_variogram(x[:30], y[:30], rng.normal(size=30)) is None
    assert fit_variogram(x, y, np.ones(x.size)) is None
    assert fit_variogram(x, y, x + y) is None
