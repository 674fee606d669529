"""Nothing drawn is impossible, and what is drawn has the moments that were asked for."""

import numpy as np
import pytest
from scipy.special import ndtri

from recarb.uncertainty import distributions as of

EVEN = ndtri((np.arange(20_000) + 0.5) / 20_000)  # normal scores of equal probability


@pytest.mark.parametrize("coefficient", [0.05, 0.3, 1.5])
def test_a_log_normal_factor_has_mean_one_and_the_coefficient_of_variation(coefficient):
    found = of.log_normal(EVEN, of.log_sd_of_ratio(coefficient))
    assert found.min() > 0.0
    assert found.mean() == pytest.approx(1.0, rel=0.01)
    assert found.std() == pytest.approx(coefficient, rel=0.1)


@pytest.mark.parametrize("pct", [90.0, 95.0])
def test_limits_are_the_quantiles_of_what_is_drawn(pct):
    """Confidence limits of a real map (North Macedonia, kriged): 24 and 146 about 59 t C/ha."""
    low, high = np.array(23.97), np.array(146.26)
    drawn = 59.19 * of.log_normal(EVEN, of.log_sd_of_limits(low, high, pct), mean_one=False)
    below = (100.0 - pct) / 200.0
    np.testing.assert_allclose(
        np.quantile(drawn, [below, 0.5, 1 - below]), [23.97, 59.19, 146.26], rtol=0.01
    )


def test_a_cut_distribution_ends_at_the_cut_and_fills_up_to_one():
    found = of.below(EVEN, np.array(0.7))
    assert found.max() <= 0.7 and np.diff(found).min() >= 0.0
    inside = EVEN[EVEN < 0.7]
    np.testing.assert_allclose(found.mean(), inside.mean(), atol=2e-3)
    np.testing.assert_allclose(of.below(EVEN, np.array(np.inf)), EVEN, atol=1e-9)
