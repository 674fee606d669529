"""The synthetic cases as the tests want them: what a window of a map draws."""

import numpy as np
from bench.rasters import Draw

from recarb.core.grid import Tile


def drawn(draw: Draw, rows: slice, columns: slice, bands: slice = slice(0, 1)):
    """The numbers of a window of a map."""
    return np.asarray(draw(Tile(rows, columns), bands))
