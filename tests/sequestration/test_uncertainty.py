"""The formulas on the numbers that the specification worked out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recarb.sequestration.uncertainty import (
    FORMULAS,
    Bounds,
    rate_half_width,
    rate_uncertainty,
    stock_uncertainty,
)

YEARS, FLOOR = 20, 0.001


def bounds(mean: float, upper: float, lower: float) -> Bounds:
    return Bounds(*(np.array([float(v)]) for v in (mean, upper, lower)))


LATER, EARLIER = bounds(60, 72, 48), bounds(58, 69.6, 46.4)  # 60 and 58 t C ha-1, each +-20 %


def test_a_stock_that_varies_by_a_fifth():
    assert stock_uncertainty(LATER)[0] == pytest.approx(20.0, rel=1e-12)
    assert stock_uncertainty(bounds(50, 70, 40))[0] == pytest.approx(30.0, rel=1e-12)


@pytest.mark.parametrize(("formula", "percent"), [("sum", 14.1), ("independent", 834.5)])
def test_sixty_and_fifty_eight_each_twenty_percent(formula, percent):
    """Over the sum of two like stocks a difference looks certain; over itself it does not."""
    found = rate_uncertainty(LATER, EARLIER, YEARS, formula, FLOOR)
    assert found[0] == pytest.approx(percent, abs=0.05)


def test_chains_are_differenced_first():
    """By hand: upper +2.4, lower +1.6, mean +2.0 in 20 years: half of 0.04 over 0.1 a year."""
    found = rate_uncertainty(LATER, EARLIER, YEARS, "chains", FLOOR)
    assert found[0] == pytest.approx(20.0, rel=1e-9)
    assert rate_half_width(LATER, EARLIER, YEARS, "chains")[0] == pytest.approx(0.02, rel=1e-9)


@pytest.mark.parametrize("formula", ["sum", "independent"])
def test_independent_half_widths_add_in_squares(formula):
    found = rate_half_width(LATER, EARLIER, YEARS, formula)
    assert found[0] == pytest.approx(np.sqrt(12.0**2 + 11.6**2) / YEARS, rel=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_rate_near_zero_has_no_percentage_but_a_half_width(formula, sign):
    for rate, known in ((0.0, False), (0.00099, False), (0.00101, True)):
        later = bounds(58 + sign * rate * YEARS, 72, 48)
        found = rate_uncertainty(later, EARLIER, YEARS, formula, FLOOR)
        assert np.isfinite(found[0]) == known
        assert np.isfinite(rate_half_width(later, EARLIER, YEARS, formula)[0])


def test_a_loss_has_the_uncertainty_of_the_same_gain():
    gain = rate_uncertainty(LATER, EARLIER, YEARS, "chains", FLOOR)
    loss = rate_uncertainty(EARLIER, LATER, YEARS, "chains", FLOOR)
    np.testing.assert_allclose(gain, loss, rtol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("missing", ["mean", "upper", "lower"])
def test_a_chain_without_a_result_leaves_no_uncertainty(formula, missing):
    """Also no half width where only the plain chain failed: there is no rate to put it beside."""
    later = Bounds(**(LATER.__dict__ | {missing: np.array([np.nan])}))
    assert np.isnan(stock_uncertainty(later)[0])
    assert np.isnan(rate_uncertainty(later, EARLIER, YEARS, formula, FLOOR)[0])
    assert np.isnan(rate_half_width(later, EARLIER, YEARS, formula)[0])


@given(st.floats(0.01, 10), st.lists(st.floats(20, 200), min_size=6, max_size=6))
def test_percentages_do_not_depend_on_the_unit(factor, values):
    plain = bounds(*values[:3]), bounds(*values[3:])
    scaled = bounds(*(factor * v for v in values[:3])), bounds(*(factor * v for v in values[3:]))
    for formula in FORMULAS:
        np.testing.assert_allclose(
            rate_uncertainty(*plain, YEARS, formula, 0.0),
            rate_uncertainty(*scaled, YEARS, formula, 0.0),
            rtol=1e-6,
        )
