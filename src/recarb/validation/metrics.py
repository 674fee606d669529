"""How far modelled stocks lie from measured ones: one measure, one function, one source.

Arrays are (..., n): the rows of a comparison are the last axis. `weight` says how much each row
counts; only its proportions matter, and rows of weight 0 count as left out. A measure that has no
value there, such as a correlation with a constant, is NaN.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PERCENT = 100.0


class Metric(NamedTuple):
    """One measure: its key in tables, its name and unit for people, the function."""

    key: str
    title: str
    unit: str
    function: Callable[[Floats, Floats, Floats], Floats]


def rmse(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """Root mean square error [unit of the stocks]. Loague & Green 1991 (LG91)."""
    return np.sqrt(_mean((modelled - observed) ** 2, weight))


def relative_rmse(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """RMSE as a share of the mean measured stock [%]. Smith et al. 1997 (S97)."""
    return _ratio(PERCENT * rmse(observed, modelled, weight), _mean(observed, weight))


def bias(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """Mean of modelled minus measured: above 0 the model holds too much.

    Addiscott & Whitmore 1987 (AW87), who name it the mean difference.
    """
    return _mean(modelled - observed, weight)


def mean_absolute_error(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """Mean size of the error, whatever its sign. Willmott & Matsuura 2005 (WM05)."""
    return _mean(np.abs(modelled - observed), weight)


def nash_sutcliffe(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """Model efficiency [-]: 1 perfect, 0 no better than the mean of the measured stocks.

    Nash & Sutcliffe 1970 (NS70).
    """
    errors = _mean((modelled - observed) ** 2, weight)
    return 1.0 - _ratio(errors, _covariance(observed, observed, weight))


def concordance(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """How near the points lie to the 1:1 line [-1 to 1]. Lin 1989 (L89), with moments over n."""
    spread = _covariance(observed, observed, weight) + _covariance(modelled, modelled, weight)
    apart = (_mean(modelled, weight) - _mean(observed, weight)) ** 2
    return _ratio(2.0 * _covariance(observed, modelled, weight), spread + apart)


def r_squared(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    """Square of the correlation [0 to 1]; blind to any bias. Smith et al. 1997 (S97)."""
    product = _covariance(observed, observed, weight) * _covariance(modelled, modelled, weight)
    return _ratio(_covariance(observed, modelled, weight) ** 2, product)


METRICS = (
    Metric("rmse", "RMSE", "t C ha-1", rmse),
    Metric("relative_rmse", "relative RMSE", "%", relative_rmse),
    Metric("bias", "bias (modelled - measured)", "t C ha-1", bias),
    Metric("mae", "mean absolute error", "t C ha-1", mean_absolute_error),
    Metric("nash_sutcliffe", "Nash-Sutcliffe efficiency", "-", nash_sutcliffe),
    Metric("concordance", "Lin's concordance", "-", concordance),
    Metric("r_squared", "r2", "-", r_squared),
)


def _mean(values: Floats, weight: Floats) -> Floats:
    total: Floats = np.sum(values * weight, axis=-1)
    return _ratio(total, np.sum(weight, axis=-1))


def _covariance(one: Floats, other: Floats, weight: Floats) -> Floats:
    """Over n, not n - 1: of the rows themselves, not of what they were drawn from."""
    from_mean = one - _mean(one, weight)[..., None]
    return _mean(from_mean * (other - _mean(other, weight)[..., None]), weight)


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where nothing is below."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    found = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0.0)
    return np.asarray(found)[()]
