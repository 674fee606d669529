"""Random fields that are functions of the place: any window of them has the same numbers.

Whole numbers are hashed (splitmix64) and blended by sums and products only, so that a map may be
drawn tile by tile, in any order, and its tiles join.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # splitmix64
SHIFTS = (30, 27, 31)  # splitmix64
MANTISSA = 53  # bits of a float64
WORD = (1 << 64) - 1
UNIFORM_VARIANCE = 1.0 / 12.0
BLEND = 26.0 / 35.0  # mean of (1 - b)^2 + b^2 for b = 3 t^2 - 2 t^3 and t even in 0..1


def uniform(stream: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Numbers in [0, 1) for every pair of whole numbers of a stream, (row, column).

    >>> at = np.arange(3)
    >>> bool((uniform(1, at, at)[1:, 2:] == uniform(1, at[1:], at[2:])).all())
    True
    """
    along = _mixed(rows.astype(np.uint64) + np.uint64((int(stream) * GOLDEN) & WORD))
    both = _mixed(along[:, None] ^ _mixed(columns.astype(np.uint64))[None, :])
    return np.asarray((both >> np.uint64(64 - MANTISSA)) * 2.0**-MANTISSA)


def smooth(stream: int, rows: slice, columns: slice, wavelength: int, octaves: int = 4) -> Floats:
    """A smooth field of mean 0 and standard deviation 1 in a window, (row, column).

    Parameters
    ----------
    rows, columns : window of an endless grid
    wavelength : distance of the first lattice's points [cells]; each octave halves it
    """
    field = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
    for octave in range(octaves):
        step = max(wavelength >> octave, 1)
        low, blend = _between(rows, step)
        left, across = _between(columns, step)
        lattice = uniform(
            stream + octave,
            np.arange(low[0], low[-1] + 2),
            np.arange(left[0], left[-1] + 2),
        )
        north, west = low - low[0], left - left[0]
        wide = lattice[:, west] + (lattice[:, west + 1] - lattice[:, west]) * across
        field += (wide[north] + (wide[north + 1] - wide[north]) * blend[:, None] - 0.5) / 2**octave
    weights = sum(0.25**octave for octave in range(octaves))
    return np.asarray(field / (np.sqrt(UNIFORM_VARIANCE * weights) * BLEND))


def _between(part: slice, step: int) -> tuple[NDArray[np.int64], Floats]:
    """Lattice point before every cell, and how far the cell lies on the way to the next [-]."""
    at = np.arange(part.start, part.stop)
    low = at // step
    t = (at - low * step + 0.5) / step
    return low, np.asarray(t * t * (3.0 - 2.0 * t))


def _mixed(value: Hashes) -> Hashes:
    value = value + np.uint64(GOLDEN)
    value = (value ^ (value >> np.uint64(SHIFTS[0]))) * np.uint64(FIRST)
    value = (value ^ (value >> np.uint64(SHIFTS[1]))) * np.uint64(SECOND)
    return value ^ (value >> np.uint64(SHIFTS[2]))
