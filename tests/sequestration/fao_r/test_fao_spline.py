"""R's spline through the months that have a rate, held to another library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import make_interp_spline

from recarb.sequestration.fao_r.spline import bridged


def by_scipy(known: np.ndarray, rate: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Cubic spline whose third derivatives at the ends are those of the cubics through 4 points."""
    ends = [
        6.0 * np.polyfit(known[four], rate[four], 3)[0] for four in (slice(0, 4), slice(-4, None))
    ]
    spline = make_interp_spline(known, rate, k=3, bc_type=([(3, ends[0])], [(3, ends[1])]))
    return spline(wanted)


@settings(max_examples=40)
@given(
    st.lists(st.booleans(), min_size=12, max_size=12).filter(lambda g: 1 <= sum(g) <= 7),
    st.integers(0, 1000),
)
def test_gaps_inside_and_at_the_ends_are_those_of_scipy(gaps, seed):
    rate = np.random.default_rng(seed).uniform(0.0, 3.0, 12)
    missing = np.array(gaps)
    known, wanted = np.flatnonzero(~missing).astype(float), np.flatnonzero(missing).astype(float)
    expected = by_scipy(known, rate[~missing], wanted)
    filled = bridged(np.where(missing, np.nan, rate)[:, None])[:, 0]
    np.testing.assert_allclose(filled[missing], expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(filled[~missing], rate[~missing])


def test_a_series_without_gaps_stays_as_it_is():
    rate = np.arange(24.0).reshape(12, 2)
    assert bridged(rate) is rate


@pytest.mark.parametrize("points", [1, 2, 3])
def test_few_points_give_a_constant_a_line_a_parabola(points):
    months, rate = np.arange(12.0), np.full(12, np.nan)
    at = np.array([2, 6, 9])[:points]
    rate[at] = np.array([1.0, 2.0, 0.5])[:points]
    filled = bridged(rate[:, None])[:, 0]
    if points < 3:
        line = np.polyfit(at, rate[at], points - 1)
        np.testing.assert_allclose(filled, np.polyval(line, months), rtol=1e-12, atol=1e-12)
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[at], rate[at], rtol=1e-12)


def test_nothing_known_stays_nothing_and_neighbours_do_not_matter():
    rng = np.random.default_rng(3)
    rate = rng.uniform(0.0, 3.0, (12, 5))
    rate[0, :3] = rate[11, 1:4] = np.nan
    rate[:, 4] = np.nan
    filled = bridged(rate)
    assert np.isnan(filled[:, 4]).all()
    for cell in range(4):
        alone = bridged(rate[:, cell : cell + 1])[:, 0]
        np.testing.assert_array_equal(filled[:, cell], alone)
