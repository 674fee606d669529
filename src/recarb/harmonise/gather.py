"""The inner loop of interpolation: every field at every point, from four cells each."""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit

Floats = NDArray[np.float64]
# without a sign: of a signed one it would be asked each time whether it counts from the end
Positions = NDArray[np.uint32]

BLOCK = 256  # points whose cells and weights stay in the first cache for all fields


@njit
def gather(fields: Floats, index: Positions, weights: Floats, found: Floats) -> None:
    """Fill `found` (time, point) with weighted sums of four cells of `fields` (time, cell).

    `index` (point, 4) are the cells, `weights` (point, 4) [-] their parts. A product of sparse
    matrices has the same bits; it takes twice as long, and other threads wait for it.
    """
    times, points = found.shape
    for low in range(0, points, BLOCK):
        for time in range(times):
            field, out = fields[time], found[time]
            for i in range(low, min(low + BLOCK, points)):
                upper = weights[i, 0] * field[index[i, 0]] + weights[i, 1] * field[index[i, 1]]
                out[i] = (
                    upper + weights[i, 2] * field[index[i, 2]] + weights[i, 3] * field[index[i, 3]]
                )


def compile_gather() -> None:
    """Call it once on nothing, so that it is compiled before threads ask for it."""
    gather(np.empty((0, 1)), np.empty((0, 4), np.uint32), np.empty((0, 4)), np.empty((0, 0)))
