"""What a grid must be to carry a national map, and how large its cells are on the ellipsoid."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from recarb.core.errors import GridMismatch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EQUAL_AREA = "EPSG:6933"  # cylindrical equal-area on WGS84: a lon/lat cell is a rectangle in it
LONLAT = "EPSG:4326"
M2_PER_HA = 1.0e4
EDGE_TOLERANCE = 0.01  # share of a cell by which a grid may stick out of the globe


@dataclass(frozen=True)
class Tile:
    """A rectangle of cells: rows and columns of the grid."""

    rows: slice
    columns: slice

    @property
    def roi(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [cells]."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def tiles(shape: tuple[int, int], size: int) -> list[Tile]:
    """Cut a grid into tiles of at most `size` x `size` cells, row by row.

    >>> [tile.shape for tile in tiles((3, 5), 4)]
    [(3, 4), (3, 1)]
    """
    height, width = shape
    return [
        Tile(slice(r, min(r + size, height)), slice(c, min(c + size, width)))
        for r in range(0, height, size)
        for c in range(0, width, size)
    ]


def check_grid(grid: GeoBox, where: str) -> None:
    """Refuse a grid on which a map would be wrong.

    Raises
    ------
    GridMismatch
        The grid sticks out of the globe. A country across the antimeridian is run on a grid from
        -180 to 180 (empty cells cost nothing), in two halves, or in a projected CRS of its own.
    """
    if not is_geographic(grid):
        return
    box = grid.boundingbox
    slack = EDGE_TOLERANCE * abs(grid.transform.a)
    if box.left < -180.0 - slack or box.right > 180.0 + slack:
        raise GridMismatch(
            f"{where}: longitudes from {box.left:g} to {box.right:g}; expected -180 to 180. For a "
            "country across the antimeridian use a grid from -180 to 180, two halves, or a "
            "projected CRS centred on the country"
        )
    if box.bottom < -90.0 - slack or box.top > 90.0 + slack:
        raise GridMismatch(
            f"{where}: latitudes from {box.bottom:g} to {box.top:g}; expected -90 to 90. Are "
            "latitude and longitude swapped?"
        )


def is_geographic(grid: GeoBox) -> bool:
    """Whether a grid is in degrees."""
    return grid.crs is not None and grid.crs.geographic


def cell_centres(
    grid: GeoBox, rows: Ints | Floats, columns: Ints | Floats
) -> tuple[Floats, Floats]:
    """Coordinates x, y of cell centres in the grid's CRS; fractions lie beside the centres."""
    a = grid.transform
    x: Floats = np.asarray(a.c + (columns + 0.5) * a.a, dtype=np.float64)
    y: Floats = np.asarray(a.f + (rows + 0.5) * a.e, dtype=np.float64)
    return x, y


@cache
def _transformer(source: str, target: str) -> Transformer:
    """Making one takes 0.1 s."""
    return Transformer.from_crs(source, target, always_xy=True)


def transform(x: Floats, y: Floats, source: object, target: object) -> tuple[Floats, Floats]:
    """Coordinates in another CRS, always x (longitude) first; NaN where it does not reach."""
    if source == target:
        return x, y
    change = _transformer(str(source), str(target))
    new_x, new_y = (np.asarray(axis, dtype=np.float64) for axis in change.transform(x, y))
    known = np.isfinite(new_x) & np.isfinite(new_y)
    return np.where(known, new_x, np.nan), np.where(known, new_y, np.nan)


def cell_areas_ha(grid: GeoBox, tile: Tile) -> Floats:
    """Area of every cell of a tile on the WGS84 ellipsoid [ha], (y, x).

    The corners are projected to an equal-area projection; a longitude/latitude cell is exactly a
    rectangle there, any other cell is taken as the quadrilateral of its corners.
    """
    rows = np.arange(tile.rows.start, tile.rows.stop + 1)
    columns = np.arange(tile.columns.start, tile.columns.stop + 1)
    a = grid.transform
    x, y = np.meshgrid(a.c + columns * a.a, a.f + rows * a.e)
    if is_geographic(grid):
        y = np.clip(y, -90.0, 90.0)
    east, north = transform(x, y, grid.crs, EQUAL_AREA)
    return _quadrilaterals(_unwrap(east), north) / M2_PER_HA


def _unwrap(east: Floats) -> Floats:
    """Make eastings continuous along rows and columns where a grid crosses the antimeridian."""
    world, _ = transform(np.array([-180.0, 180.0]), np.zeros(2), LONLAT, EQUAL_AREA)
    period = float(world[1] - world[0])
    return np.unwrap(np.unwrap(east, axis=1, period=period), axis=0, period=period)


def _quadrilaterals(x: Floats, y: Floats) -> Floats:
    """Shoelace area of the cells between the corner points, (y + 1, x + 1) -> (y, x)."""
    diagonal_x = x[1:, 1:] - x[:-1, :-1]
    diagonal_y = y[1:, 1:] - y[:-1, :-1]
    other_x = x[:-1, 1:] - x[1:, :-1]
    other_y = y[:-1, 1:] - y[1:, :-1]
    return np.abs(diagonal_x * other_y - diagonal_y * other_x) / 2.0
