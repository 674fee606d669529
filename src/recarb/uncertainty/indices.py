"""First-order indices: which share of a quantity's variance a single input explains.

S_k = Var(E(Y | X_k)) / Var(Y), from the draws at hand (given-data estimator): the draws are put
into strata of equal probability of X_k, and in each a line is fitted through Y against X_k. What
the lines explain is held against the whole variance. (After PB13, who take the strata's means;
lines let few strata do.) No further model runs are needed, where designs of pick and freeze [JK14]
need one set more for each input.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_STRATA, MOST_STRATA = 4, 32
DRAWS_OF_STRATUM = 128  # own trials: fewer bring noise, more leave curvature out


@dataclass(frozen=True)
class Strata:
    """Draws of one input by stratum, for rows of draws.

    index : (row, draw) row times the number of strata, plus the stratum
    score : (row, draw) the normal score, from the mean of its stratum
    """

    index: Ints
    score: Floats
    count: int

    @classmethod
    def of(cls, scores: Floats) -> "Strata":
        """Strata of the normal scores of one input, (row, draw)."""
        rows, draws = scores.shape
        count = min(max(draws // DRAWS_OF_STRATUM, LEAST_STRATA), MOST_STRATA)
        within = np.minimum((ndtr(scores) * count).astype(np.int64), count - 1)
        index = within + count * np.arange(rows)[:, None]
        plain = cls(index, scores, count)
        return cls(index, scores - plain.spread(plain.mean(scores)), count)

    def sum(self, values: Floats) -> Floats:
        """Sums of values (row, draw) by stratum, (row, stratum)."""
        rows = len(self.index)
        found = np.bincount(self.index.ravel(), values.ravel(), rows * self.count)
        return np.asarray(found.reshape(rows, self.count), dtype=np.float64)

    def mean(self, values: Floats) -> Floats:
        """Means of values (row, draw) by stratum, (row, stratum); 0 of none."""
        return self.sum(values) / np.maximum(self.sum(np.ones_like(values)), 1.0)

    def spread(self, of_stratum: Floats) -> Floats:
        """The value of its stratum for every draw, (row, draw)."""
        return np.asarray(of_stratum.ravel()[self.index])


def first_order(values: Floats, scores: Floats, even: bool = True) -> Floats:
    """First-order index of one input, (quantity, row); NaN where a quantity does not vary.

    Parameters
    ----------
    values : (quantity, row, draw)
    scores : (row, draw) normal scores of the input
    even : whether the draws are quasi-random. The lines through random draws also follow their
        noise; that is taken out, as in adjusted R squared

    Returns
    -------
    Within 0..1: what noise makes negative is zero.
    """
    strata = Strata.of(scores)
    draws, parameters = scores.shape[1], 2 * strata.count - 1
    along = strata.sum(strata.score**2)
    found = np.empty(values.shape[:2])
    for k, quantity in enumerate(values):
        centred = quantity - quantity.mean(axis=-1, keepdims=True)
        total = np.square(centred).sum(axis=-1)
        means = strata.mean(centred)
        explained = (strata.sum(centred) * means).sum(axis=-1)
        together = strata.sum((centred - strata.spread(means)) * strata.score)
        lines = np.divide(together**2, along, out=np.zeros_like(along), where=along > 0.0)
        explained += lines.sum(axis=-1)
        if not even:
            explained -= (total - explained) * parameters / (draws - 1 - parameters)
        share = np.divide(explained, total, out=np.full(len(total), np.nan), where=total > 0.0)
        found[k] = np.clip(share, 0.0, 1.0)
    return found
