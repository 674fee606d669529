"""Stocks of another depth."""

import pytest

from recarb.validation.depth import MEAN_BETA, stock_of_depth


def test_stock_of_depth():
    """With beta 0.9 the share above 1 cm is 0.1 and above 2 cm 0.19."""
    assert stock_of_depth(10.0, 1.0, 2.0, 0.9) == pytest.approx(19.0, rel=1e-14)
    assert stock_of_depth(19.0, 2.0, 1.0, 0.9) == pytest.approx(10.0, rel=1e-14)


def test_the_same_depth_changes_nothing():
    assert stock_of_depth(47.3, 30.0, 30.0, MEAN_BETA) == 47.3
