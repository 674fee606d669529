"""Decoded climate by blocks of its own grid, kept while there is room.

Neighbouring tiles of 1 km share their climate cells: each block is read, converted and (for PET)
computed once, whatever the size of the tiles.
"""

import threading
from collections.abc import Callable, Hashable

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from recarb.io.raster import ROI

Floats = NDArray[np.float64]

SIDE = 32  # climate cells along a block
DEFAULT_BYTES = 256 * 2**20

Load = Callable[[ROI], Floats]
Block = tuple[int, int, int, int]  # first row, end of rows, first column, end of columns


class FieldCache:
    """Windows of fields (time, y, x), put together from blocks that are loaded once.

    Threads may ask at the same time; a block that one is loading is waited for by the others. The
    blocks used last are kept, up to `limit_bytes`.
    """

    def __init__(self, limit_bytes: int = DEFAULT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._block = _kept(limit_bytes)

    def limit(self, limit_bytes: int) -> None:
        """Start anew if the limit is another one; not while threads ask."""
        if limit_bytes != self.limit_bytes:
            self.limit_bytes, self._block = limit_bytes, _kept(limit_bytes)

    def window(self, name: Hashable, shape: tuple[int, int], roi: ROI, load: Load) -> Floats:
        """Fields of the rows and columns `roi` of a grid of `shape`.

        `load` gives the fields of any window; a cell must not depend on the window it is read in.
        `name` tells one kind of fields from another.
        """
        rows, columns = roi
        parts = [
            [
                self._cut(name, shape, (top, left), roi, load)
                for left in range(columns.start - columns.start % SIDE, columns.stop, SIDE)
            ]
            for top in range(rows.start - rows.start % SIDE, rows.stop, SIDE)
        ]
        return np.concatenate([np.concatenate(row, axis=2) for row in parts], axis=1)

    def _cut(
        self, name: Hashable, shape: tuple[int, int], at: tuple[int, int], roi: ROI, load: Load
    ) -> Floats:
        """The part of the block that starts `at` a row and column that lies in `roi`."""
        top, left = at
        block = (top, min(top + SIDE, shape[0]), left, min(left + SIDE, shape[1]))
        fields = self._block(name, block, load)
        rows = slice(max(roi[0].start - top, 0), roi[0].stop - top)
        columns = slice(max(roi[1].start - left, 0), roi[1].stop - left)
        return fields[:, rows, columns]


def _kept(limit_bytes: int) -> Callable[[Hashable, Block, Load], Floats]:
    """`_load` that keeps what it was asked for last."""
    blocks: LRUCache[Hashable, Floats] = LRUCache(limit_bytes, getsizeof=lambda b: b.nbytes)
    found: Callable[[Hashable, Block, Load], Floats] = cached(
        blocks, key=lambda name, block, load: (name, block), condition=threading.Condition()
    )(_load)
    return found


def _load(name: Hashable, block: Block, load: Load) -> Floats:
    top, bottom, left, right = block
    return load((slice(top, bottom), slice(left, right)))
