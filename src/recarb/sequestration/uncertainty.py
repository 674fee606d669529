"""Uncertainty of stocks and rates from the chains, in percent, and the half width beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recarb.sequestration.chains import PERCENT

Floats = NDArray[np.float64]

FORMULAS = ("chains", "sum", "independent")


@dataclass(frozen=True)
class Bounds:
    """A quantity in the three chains, (cell,) each."""

    mean: Floats
    upper: Floats
    lower: Floats


def stock_uncertainty(stock: Bounds) -> Floats:
    """U = 100 |max - min| / (2 mean) [%]. Manual ch. 12.

    The upper chain can end below the lower one, where its rain keeps a dry soil decomposing.

    >>> one = np.ones(1)
    >>> stock_uncertainty(Bounds(50.0 * one, 60.0 * one, 40.0 * one)).tolist()
    [20.0]
    """
    return np.asarray(PERCENT * np.abs(stock.upper - stock.lower) / (2.0 * stock.mean))


def rate_half_width(later: Bounds, earlier: Bounds, years: int, formula: str) -> Floats:
    """Half width of (later - earlier) / years [unit of the stock per year]; NaN without a rate.

    `chains` differences the chains first, so that what both stocks share cancels; the others
    combine two half widths as if the stocks were independent (IPCC 2006, vol. 1, eq. 3.2).
    """
    if formula == "chains":
        upper, lower = later.upper - earlier.upper, later.lower - earlier.lower
        half = np.abs(upper - lower) / 2.0
    else:
        one = (later.upper - later.lower) / 2.0
        other = (earlier.upper - earlier.lower) / 2.0
        half = np.hypot(one, other)
    return np.where(np.isnan(later.mean - earlier.mean), np.nan, half / years)


def rate_uncertainty(
    later: Bounds, earlier: Bounds, years: int, formula: str, floor: float
) -> Floats:
    """Uncertainty of (later - earlier) / years [%], NaN where |rate| < `floor`.

    `chains`: 100 |rate_max - rate_min| / (2 |rate|). `independent`: sqrt((U1 X1)^2 + (U2 X2)^2) /
    |X1 - X2|. `sum`: the same over |X1 + X2|, as published; it understates, because the sum of two
    stocks is large where their difference is small.
    """
    rate = (later.mean - earlier.mean) / years
    half = rate_half_width(later, earlier, years, formula)
    by = np.abs(later.mean + earlier.mean) / years if formula == "sum" else np.abs(rate)
    percent = np.divide(PERCENT * half, by, out=np.full_like(half, np.nan), where=by > 0.0)
    return np.where(np.abs(rate) < floor, np.nan, percent)
