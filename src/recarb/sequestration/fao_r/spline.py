"""Months without a rate: R's spline through the others, outside them extrapolated.

`carbonTurnover` of the package soilassessment asks `splinefun` for the rate of every month.
splinefun drops what is not a number and gives a cubic there [FMM77].
Cell by cell the same operations in the same order: a cell has the same bits in any company.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_FOR_CUBIC = 3  # points; fewer give a line
LEAST_FOR_ENDS = 4  # points that fix the third derivatives at both ends


def bridged(rate: Floats) -> Floats:
    """The same series (month, cell) with the spline where it is NaN; NaN where nothing is known."""
    gaps = np.isnan(rate)
    if not gaps.any():
        return rate
    filled = rate.copy()
    holed = np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0))
    patterns, which = np.unique(gaps[:, holed].T, axis=0, return_inverse=True)
    for number, missing in enumerate(patterns):
        cells = holed[which == number]
        known, wanted = np.flatnonzero(~missing), np.flatnonzero(missing)
        filled[np.ix_(wanted, cells)] = spline(
            known.astype(np.float64), rate[np.ix_(known, cells)], wanted.astype(np.float64)
        )
    return filled


def spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """Cubic spline through (x, y) with the end conditions of Forsythe, Malcolm & Moler.

    Parameters
    ----------
    x : (point,) increasing
    y : (point, cell)
    at : (place,)

    Returns
    -------
    (place, cell)
    """
    if x.size == 1:
        return np.repeat(y, at.size, axis=0)
    step = np.diff(x)[:, None]
    slope = np.diff(y, axis=0) / step
    sixth = _solved(x, step, slope) if x.size >= LEAST_FOR_CUBIC else np.zeros_like(y)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    cubic = np.diff(sixth, axis=0)[i] / step[i]
    linear = slope[i] - step[i] * (sixth[i + 1] + 2.0 * sixth[i])
    d = (at - x[i])[:, None]
    return np.asarray(y[i] + d * (linear + d * (3.0 * sixth[i] + d * cubic)))


def _solved(x: Floats, step: Floats, slope: Floats) -> Floats:
    """A sixth of the second derivative at every point, (point, cell), by elimination."""
    last = x.size - 1
    right = np.concatenate([np.zeros_like(slope[:1]), np.diff(slope, axis=0), 0.0 * slope[:1]])
    if x.size >= LEAST_FOR_ENDS:
        first_pair = right[2] / (x[3] - x[1]) - right[1] / (x[2] - x[0])
        last_pair = right[-2] / (x[-1] - x[-3]) - right[-3] / (x[-2] - x[-4])
        right[0] = first_pair * step[0] ** 2 / (x[3] - x[0])
        right[-1] = -last_pair * step[-1] ** 2 / (x[-1] - x[-4])
    diagonal = np.concatenate([-step[0], 2.0 * (x[2:] - x[:-2]), -step[-1]])
    for i in range(1, last + 1):
        factor = step[i - 1, 0] / diagonal[i - 1]
        diagonal[i] -= factor * step[i - 1, 0]
        right[i] -= factor * right[i - 1]
    right[last] /= diagonal[last]
    for i in range(last - 1, -1, -1):
        right[i] = (right[i] - step[i] * right[i + 1]) / diagonal[i]
    return right
