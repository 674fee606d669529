"""From normal scores to positive quantities that keep within their bounds."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

Z_95 = 1.959963984540054  # 95 % of a normal distribution lies within so many standard deviations
PERCENT = 100.0


def log_sd_of_ratio(coefficient: Floats | float) -> Floats:
    """Standard deviation of ln X where X is log-normal with sd / mean = `coefficient`.

    >>> round(float(log_sd_of_ratio(0.1)), 4)
    0.0998
    """
    return np.asarray(np.sqrt(np.log1p(np.square(coefficient))))


def log_sd_of_limits(low: Floats, high: Floats, probability_pct: float) -> Floats:
    """Standard deviation of ln X where `probability_pct` of X lies between `low` and `high`.

    The rest lies in equal parts below and above; both limits are positive.
    """
    distance = 2.0 * ndtri((1.0 + probability_pct / PERCENT) / 2.0)
    return np.asarray(np.log(high / low) / distance)


def log_normal(score: Floats, log_sd: Floats, mean_one: Floats | bool = True) -> Floats:
    """Positive factor of a normal score: its mean is one, or (not `mean_one`) its median.

    >>> float(log_normal(np.zeros(1), np.zeros(1))[0])
    1.0
    """
    return np.asarray(np.exp(log_sd * score - np.where(mean_one, log_sd**2 / 2.0, 0.0)))


def below(score: Floats, highest: Floats) -> Floats:
    """Normal scores squeezed below `highest`: the distribution is cut there and fills up to one.

    >>> bool((below(np.array([-1.0, 0.0, 9.0]), np.full(3, 2.0)) <= 2.0).all())
    True
    """
    return np.asarray(np.minimum(ndtri(ndtr(score) * ndtr(highest)), highest))
