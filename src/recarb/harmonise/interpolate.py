"""From a coarse grid to points: bilinear between cell centres, over the valid neighbours only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.grid import LONLAT, cell_centres, is_geographic, transform
from recarb.harmonise.gather import gather

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0088  # mean radius of WGS84
FULL_CIRCLE = 360.0
OFF_GRID = -9.0  # cells; where a point that cannot be projected is put
PROBES = 9  # points per side at which the cells of a projected grid are measured
ONE_SIDE = 1e-12  # a weight below this is a rounding error of a point on a cell centre


@dataclass(frozen=True)
class Stencil:
    """The four cells around every point, on the whole source grid.

    rows, columns : (point, 4); a row or column outside the grid is -1
    weights : (point, 4) [-], summing to 1
    row, column : (point,) the cell nearest to the point, also for a point outside the grid
    """

    rows: Ints
    columns: Ints
    weights: Floats
    row: Ints
    column: Ints


def stencil(x: Floats, y: Floats, grid: GeoBox) -> Stencil:
    """Bilinear neighbours of points given in the grid's CRS; a global grid closes at its seam."""
    a = grid.transform
    height, width = grid.shape
    known = np.isfinite(x) & np.isfinite(y)
    across = nearest_turn((x - a.c) / a.a - 0.5, grid, about=(width - 1) / 2.0)
    across = np.where(known, across, OFF_GRID)
    down = np.where(known, (y - a.f) / a.e - 0.5, OFF_GRID)
    left, top = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
    fx, fy = across - left, down - top
    columns = np.stack([left, left + 1, left, left + 1], axis=1)
    rows = np.stack([top, top, top + 1, top + 1], axis=1)
    weights = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], axis=1)
    column = np.rint(across).astype(np.int64)
    if closes(grid):
        columns, column = np.mod(columns, width), np.mod(column, width)
    outside = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    return Stencil(
        np.where(outside, -1, rows),
        np.where(outside, -1, columns),
        weights,
        np.clip(np.rint(down).astype(np.int64), 0, height - 1),
        np.clip(column, 0, width - 1),
    )


def closes(grid: GeoBox) -> bool:
    """Whether the columns of a grid make the full circle."""
    period = _columns_per_circle(grid)
    return period is not None and round(period) == grid.shape[1]


def nearest_turn(columns: Floats, grid: GeoBox, about: float) -> Floats:
    """The same columns of a longitude grid, moved by full circles to within half of one of `about`.

    Columns that lie there already keep their bits.
    """
    period = _columns_per_circle(grid)
    if period is None:
        return columns
    return np.asarray(columns - period * np.round((columns - about) / period))


def _columns_per_circle(grid: GeoBox) -> float | None:
    """Number of columns that make 360 degrees, None for a projected grid."""
    return FULL_CIRCLE / grid.transform.a if is_geographic(grid) else None


@dataclass(frozen=True)
class Sampler:
    """A stencil cut to the valid cells of one window, ready to be applied to any of its fields.

    index : (point, 4) flat positions in the window; weights : (point, 4), 0 for invalid neighbours;
    filled : (point,) taken from the nearest valid cell; missing : (point,) nothing near enough
    """

    index: Ints
    weights: Floats
    filled: Bools
    missing: Bools

    def apply(self, fields: Floats) -> Floats:
        """(time, y, x) of the window -> (time, point), C-contiguous; NaN where missing."""
        times, points = fields.shape[0], len(self.index)
        flat = np.where(np.isfinite(fields), fields, 0.0).reshape(times, -1)
        result = np.empty((times, points))
        gather(flat, self.index.astype(np.uint32), self.weights, result)
        result[:, self.missing] = np.nan
        return result


def sampler(
    found: Stencil,
    valid: Bools,
    window: tuple[slice, slice],
    points: tuple[Floats, Floats],
    grid: GeoBox,
    fill_km: float,
) -> Sampler:
    """Renormalise a stencil over the valid cells of a window.

    Parameters
    ----------
    valid : (y, x) of the window
    window : rows and columns of `grid`
    points : longitude and latitude of the points [degrees]
    fill_km : largest distance [km] to the nearest valid cell for a point without valid neighbour
    """
    rows = found.rows - window[0].start
    columns = found.columns - window[1].start
    height, width = valid.shape
    inside = (found.rows >= 0) & (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = np.where(inside, rows * width + columns, 0)
    usable = inside & valid.ravel()[index]
    weights = np.where(usable & (found.weights > ONE_SIDE), found.weights, 0.0)
    total = weights.sum(axis=1)
    empty = total <= 0.0
    weights = np.divide(weights, total[:, None], out=np.zeros_like(weights), where=~empty[:, None])
    missing = empty.copy()
    if empty.any() and valid.any() and fill_km > 0:
        at = np.flatnonzero(empty)
        nearest, distance = _nearest_valid(valid, window, (points[0][at], points[1][at]), grid)
        near = at[distance <= fill_km]
        index[near, 0] = nearest[distance <= fill_km]
        weights[near, 0] = 1.0
        missing[near] = False
    return Sampler(index, weights, filled=empty & ~missing, missing=missing)


def _nearest_valid(
    valid: Bools, window: tuple[slice, slice], points: tuple[Floats, Floats], grid: GeoBox
) -> tuple[Ints, Floats]:
    """Flat position of the valid cell nearest to each point, and its distance [km]."""
    from scipy.spatial import KDTree

    flat = np.flatnonzero(valid)
    rows, columns = np.divmod(flat, valid.shape[1])
    x, y = cell_centres(grid, rows + window[0].start, columns + window[1].start)
    lon, lat = transform(x, y, grid.crs, LONLAT)
    tree, wanted = KDTree(_on_sphere(lon, lat)), _on_sphere(*points)
    chord, _ = tree.query(wanted)
    # of cells equally near the first of the whole grid is taken, whatever window was read
    tied = tree.query_ball_point(wanted, chord * (1.0 + ONE_SIDE))
    first = flat[[min(positions) for positions in tied]]
    return first, 2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2.0, 1.0))


def _on_sphere(lon: Floats, lat: Floats) -> Floats:
    """Unit vectors (point, 3)."""
    east, north = np.radians(lon), np.radians(lat)
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )


def margin_of(grid: GeoBox, distance_km: float, latitude: float) -> tuple[int, int]:
    """Rows and columns of `grid` that reach at least `distance_km` at `latitude` [degrees]."""
    height, width = grid.shape
    if is_geographic(grid):
        angle, parallel = distance_km / EARTH_RADIUS_KM, np.cos(np.radians(latitude))
        # a circle around a point is widest in longitude beyond it: sin(angle) / cos(latitude)
        if angle >= np.pi / 2 or np.sin(angle) >= parallel:
            reach = FULL_CIRCLE
        else:
            reach = float(np.degrees(np.arcsin(np.sin(angle) / parallel)))
        rows, columns = np.degrees(angle) / -grid.transform.e, reach / grid.transform.a
    else:
        rows = columns = distance_km / _smallest_step_km(grid)
    return min(int(np.ceil(rows)) + 1, height), min(int(np.ceil(columns)) + 1, width)


def _smallest_step_km(grid: GeoBox) -> float:
    """Least distance on the ground between neighbours of a projected grid: Mercator's shrink."""
    rows, columns = (np.linspace(0, n - 1, PROBES) for n in grid.shape)
    row, column = (axis.ravel() for axis in np.meshgrid(rows, columns))
    here, south, east = (
        _on_sphere(*transform(*cell_centres(grid, row + down, column + right), grid.crs, LONLAT))
        for down, right in ((0, 0), (1, 0), (0, 1))
    )
    steps = [np.linalg.norm(there - here, axis=1) for there in (south, east)]
    return float(np.nanmin(steps)) * EARTH_RADIUS_KM


def window_of(found: Stencil, grid: GeoBox, margin: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of `grid` that hold the stencil and `margin` cells around it.

    Points on both sides of the seam of a global grid need its full width.
    """
    height, width = grid.shape
    first_row, last_row = found.row.min() - 1 - margin[0], found.row.max() + 2 + margin[0]
    first, last = found.column.min() - 1 - margin[1], found.column.max() + 2 + margin[1]
    if closes(grid) and (first < 0 or last > width):
        first, last = 0, width
    return (
        slice(int(max(first_row, 0)), int(min(last_row, height))),
        slice(int(max(first, 0)), int(min(last, width))),
    )
