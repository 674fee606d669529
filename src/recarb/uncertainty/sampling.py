"""Normal scores for every cell of a grid, from its position alone.

Whatever tile, thread or machine asks, a cell gets the same draws; two cells never share them.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

ROW_BITS = 32  # the upper half of a cell's number is its row, the lower its column
SMALLEST = 2.0**-53  # the normal score of 0 would be infinite


def normal_scores(
    rows: Ints, columns: Ints, draws: int, inputs: int, seed: int, sampling: str
) -> Floats:
    """Independent standard normal scores, (draw, input, cell).

    Parameters
    ----------
    rows, columns : (cell,) position in the grid of the country
    sampling : "random" or "sobol"
        `random`: every cell has a stream of its own. `sobol`: one scrambled Sobol' sequence for
        all cells, which each cell shifts by a random vector of its own, modulo 1 [CP76]: every cell
        keeps the evenness of the sequence. A statistic of one cell tells nothing of another's;
        single draws of two cells must not be paired.

    Raises
    ------
    ValueError
        `sampling` is neither.
    """
    streams = (_stream(seed, row, column) for row, column in _pairs(rows, columns))
    if sampling == "random":
        uniform = np.stack([stream.random((draws, inputs)) for stream in streams], axis=-1)
    elif sampling == "sobol":
        shifts = np.stack([stream.random(inputs) for stream in streams], axis=-1)
        uniform = (sobol_points(draws, inputs, seed)[:, :, None] + shifts) % 1.0
    else:
        raise ValueError(f"expected random or sobol, came {sampling!r}")
    return np.asarray(ndtri(np.maximum(uniform, SMALLEST)))


def _pairs(rows: Ints, columns: Ints) -> Iterable[tuple[int, int]]:
    return zip(rows.tolist(), columns.tolist(), strict=True)


def _stream(seed: int, row: int, column: int) -> np.random.Generator:
    """A stream of random numbers of its own for each cell: Philox with the cell as key."""
    key = np.array([seed, (row << ROW_BITS) + column], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@lru_cache(maxsize=4)
def sobol_points(draws: int, inputs: int, seed: int) -> Floats:
    """The first `draws` points of a scrambled Sobol' sequence in 0..1, (draw, input)."""
    from scipy.stats import qmc  # slow to import, and few runs need it

    # the length is rounded up to a power of two, without which scipy warns
    sequence = qmc.Sobol(inputs, scramble=True, rng=np.random.default_rng(seed))
    points = np.asarray(sequence.random_base2((draws - 1).bit_length()))[:draws]
    points.setflags(write=False)
    return points
