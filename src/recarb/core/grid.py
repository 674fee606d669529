"""What a grid must be to carry a national map, and how large its cells are on the ellipsoid."""

from dataclasses import dataclass

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
    if not grid.crs.geographic:
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


def cell_centres(grid: GeoBox, rows: Ints, columns: Ints) -> tuple[Floats, Floats]:
    """Coordinates x, y of cell centres in the grid's CRS."""
    a = grid.transform
    return a.c + (columns + 0.5) * a.a, a.f + (rows + 0.5) * a.e


def transform(x: Floats, y: Floats, source: object, target: object) -> tuple[Floats, Floats]:
    """Coordinates in another CRS, always x (longitude) first."""
    if source == target:
        return x, y
    change = Transformer.from_crs(str(source), str(target), always_xy=True)
    new_x, new_y = change.transform(x, y)
    return np.asarray(new_x, dtype=np.float64), np.asarray(new_y, dtype=np.float64)


def cell_areas_ha(grid: GeoBox, tile: Tile) -> Floats:
    """Area of every cell of a tile on the WGS84 ellipsoid [ha], (y, x).

    The corners are projected to an equal-area projection; a longitude/latitude cell is exactly a
    rectangle there, any other cell is taken as the quadrilateral of its corners.
    """
    rows = np.arange(tile.rows.start, tile.rows.stop + 1)
    columns = np.arange(tile.columns.start, tile.columns.stop + 1)
    a = grid.transform
    x, y = np.meshgrid(a.c + columns * a.a, a.f + rows * a.e)
    east, north = transform(x, np.clip(y, -90.0, 90.0) if grid.crs.geographic else y, grid.crs, EQUAL_AREA)
    return _quadrilaterals(_unwrap(east), north) / M2_PER_HA


def _unwrap(east: Floats) -> Floats:
    """Make eastings continuous along rows and columns where the grid crosses the antimeridian."""
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
