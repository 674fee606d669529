"""The uncertainty of a total whose parts have errors that are alike where they are near.

Var(sum of a_i Y_i) = sum over i, j of w_i w_j rho(d_ij) with w_i = a_i sd_i. Without correlation
that is the sum of w_i^2, under full correlation (sum of w_i)^2; between them

    rho(0) = 1,    rho(d) = (1 - nugget) exp(-d / length)    for d > 0.

The double sum over millions of cells is a convolution once cells are put into square blocks, and
the fast Fourier transform does it at once. Two blocks have the mean correlation of their points,
and a cell's own variance is counted exactly.
"""

from dataclasses import InitVar, dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float64]
Ints = NDArray[np.int16]

MOST_BLOCKS = 512  # along a side: a block is then finer than any country's errors are known
NEAR_BLOCKS = 4  # so near, the correlation changes within a block and is averaged over its points
POINTS = 16  # along a side of a block, for that average


def total_sd(weights: Floats, fully: bool) -> float:
    """Standard deviation of a total of independent, or `fully` correlated, errors.

    Parameters
    ----------
    weights : (cell,) standard deviation of what each cell adds to the total

    >>> total_sd(np.array([3.0, 4.0]), fully=False), total_sd(np.array([3.0, 4.0]), fully=True)
    (5.0, 7.0)
    """
    return float(weights.sum() if fully else np.sqrt(np.square(weights).sum()))


@dataclass(frozen=True)
class Blocks:
    """Places in a plane, put into square blocks.

    x_km, y_km : (cell,) places; not kept
    cell_km : side of a cell; blocks are not smaller
    """

    x_km: InitVar[Floats]
    y_km: InitVar[Floats]
    cell_km: InitVar[float]
    side_km: float = field(init=False)
    row: Ints = field(init=False)
    column: Ints = field(init=False)

    def __post_init__(self, x_km: Floats, y_km: Floats, cell_km: float) -> None:
        extent = max(np.ptp(x_km), np.ptp(y_km))
        side = max(cell_km, float(extent) / (MOST_BLOCKS - 1))
        object.__setattr__(self, "side_km", side)
        for name, place in (("row", y_km), ("column", x_km)):
            index = np.floor((place - place.min()) / side + 0.5).astype(np.int16)
            object.__setattr__(self, name, index)

    def sd(self, weights: Floats, length_km: float, nugget: float = 0.0) -> float:
        """Standard deviation of the total under an exponential correlation.

        Parameters
        ----------
        weights : (cell,) standard deviation of what each cell adds to the total
        length_km : distance at which the correlation has fallen to 1/e (to 0.05 at three of them)
        nugget : part of the variance of a cell that it shares with no other [0-1]
        """
        own = np.square(weights).sum()
        near = self.near_correlation(length_km)
        together = self._convolved(weights, length_km, near) - near[0, 0] * own
        return float(np.sqrt(own + (1.0 - nugget) * max(together, 0.0)))

    def near_correlation(self, length_km: float) -> Floats:
        """Mean correlation between the points of blocks 0.. rows and columns apart."""
        step = np.arange(1 - POINTS, POINTS)
        weight = (POINTS - np.abs(step)) / POINTS**2
        lag = (np.arange(NEAR_BLOCKS)[:, None] + step / POINTS) * self.side_km
        square = np.square(lag)
        distance = np.sqrt(square[:, None, :, None] + square[None, :, None, :])
        return np.asarray(np.einsum("ijkl,k,l->ij", np.exp(-distance / length_km), weight, weight))

    def _convolved(self, weights: Floats, length_km: float, near: Floats) -> float:
        """Sum over all pairs of blocks of their weights and their correlation."""
        shape = (int(self.row.max()) + 1, int(self.column.max()) + 1)
        padded = tuple(fft.next_fast_len(2 * n - 1, real=True) for n in shape)
        flat = self.row.astype(np.int64) * padded[1] + self.column
        grid = np.bincount(flat, weights, padded[0] * padded[1]).reshape(padded)
        kernel = self._kernel(padded, length_km, near)
        spectrum = np.square(np.abs(fft.rfft2(grid))) * fft.rfft2(kernel)
        return float(fft.irfft2(spectrum, padded)[0, 0])

    def _kernel(self, shape: tuple[int, ...], length_km: float, near: Floats) -> Floats:
        rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) for n in shape)
        distance = np.hypot(rows[:, None], columns[None, :]) * self.side_km
        kernel = np.exp(-distance / length_km)
        i, j = np.flatnonzero(rows < NEAR_BLOCKS), np.flatnonzero(columns < NEAR_BLOCKS)
        kernel[np.ix_(i, j)] = near[np.ix_(rows[i], columns[j])]
        return np.asarray(kernel)
