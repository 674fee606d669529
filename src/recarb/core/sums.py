"""Sums over the first axis in one order.

numpy's own sum adds in another order for an array of one column: a cell would have other bits in
another tile.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def running_sum(values: NDArray[Any] | Sequence[NDArray[Any]]) -> Floats:
    """Sum over the first axis, one after the other."""
    total = np.array(values[0], dtype=np.float64)
    for part in values[1:]:
        total += part
    return total


def running_mean(values: NDArray[Any]) -> Floats:
    """Mean over the first axis."""
    return running_sum(values) / len(values)
