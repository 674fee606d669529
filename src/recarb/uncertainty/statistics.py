"""What many draws of a quantity say: mean, spread, interval, and from which input it comes.

Draws lie along the last axis and are reduced row by row, so that a row has the same bits in any
block.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from recarb.uncertainty.distributions import Z_95
from recarb.uncertainty.indices import first_order

Floats = NDArray[np.float64]

INTERVAL = (0.025, 0.975)  # quantiles of the 95 % interval


@dataclass(frozen=True)
class Spread:
    """Of each quantity, (quantity, row): its moments, interval, P(> 0) and shares of variance.

    shares : (input, quantity, row) first-order indices, NaN where nothing varies
    """

    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    positive: Floats
    shares: Floats


def of_draws(values: Floats, scores: Floats, even: bool = True) -> Spread:
    """Of a sample: `values` (quantity, row, draw) and the `scores` (input, row, draw) behind it.

    `even` where the draws are quasi-random.
    """
    low, high = np.quantile(values, INTERVAL, axis=-1)
    return Spread(
        mean=values.mean(axis=-1),
        sd=values.std(axis=-1, ddof=1),
        low=low,
        high=high,
        positive=(values > 0.0).mean(axis=-1),
        shares=np.stack([first_order(values, one, even) for one in scores]),
    )


def delta_design(inputs: int) -> Floats:
    """Scores of the runs that `of_delta` needs, (1 + 2 input, input): none, then -1, +1 of each.

    >>> delta_design(1).tolist()
    [[0.0], [-1.0], [1.0]]
    """
    steps = np.zeros((1 + 2 * inputs, inputs))
    for k in range(inputs):
        steps[1 + 2 * k, k], steps[2 + 2 * k, k] = -1.0, 1.0
    return steps


def of_delta(values: Floats) -> Spread:
    """From the runs of `delta_design`, (quantity, row, run): delta method of second order.

    Y = f(0) + sum of f'_k z_k + f''_k z_k^2 / 2, with central differences of one standard deviation
    and z_k independent and normal. Variance = sum of f'_k^2 + f''_k^2 / 2. The interval is that of
    a normal distribution.
    """
    plain, lower, upper = values[..., :1], values[..., 1::2], values[..., 2::2]
    slope, bend = (upper - lower) / 2.0, upper - 2.0 * plain + lower
    parts = slope**2 + bend**2 / 2.0
    variance = parts.sum(axis=-1)
    mean, sd = plain[..., 0] + bend.sum(axis=-1) / 2.0, np.sqrt(variance)
    varies = sd > 0.0
    score = np.divide(mean, sd, out=np.where(mean > 0.0, np.inf, -np.inf), where=varies)
    shares = np.full_like(parts, np.nan)
    np.divide(parts, variance[..., None], out=shares, where=varies[..., None])
    return Spread(
        mean=mean,
        sd=sd,
        low=mean - Z_95 * sd,
        high=mean + Z_95 * sd,
        positive=np.asarray(ndtr(score)),
        shares=np.moveaxis(shares, -1, 0),
    )
