"""From a coarse grid to points: bilinear between cell centres, over the valid neighbours only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.grid import LONLAT, transform

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0088  # mean radius of WGS84
KM_PER_DEGREE = np.pi * EARTH_RADIUS_KM / 180.0
FULL_CIRCLE = 360.0
CORNERS = 4
TIES = 8  # cells that can be equally near on a regular grid
ONE_SIDE = 1e-12  # a weight below this is a rounding error of a point on a cell centre


@dataclass(frozen=True)
class Stencil:
    """The four cells around every point, on the whole source grid.

    rows, columns : (point, 4); a row or column outside the grid is -1
    weights : (point, 4) [-], summing to 1
    """

    rows: Ints
    columns: Ints
    weights: Floats


def stencil(x: Floats, y: Floats, grid: GeoBox) -> Stencil:
    """Bilinear neighbours of points given in the grid's CRS; a global grid closes at its seam."""
    a = grid.transform
    height, width = grid.shape
    across = (x - a.c) / a.a - 0.5
    period = _columns_per_circle(grid)
    if period is not None:
        across = np.mod(across + 0.5, period) - 0.5
    down = (y - a.f) / a.e - 0.5
    left, top = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
    fx, fy = across - left, down - top
    columns = np.stack([left, left + 1, left, left + 1], axis=1)
    rows = np.stack([top, top, top + 1, top + 1], axis=1)
    weights = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], axis=1)
    if period is not None and round(period) == width:
        columns = np.mod(columns, width)
    outside = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    return Stencil(np.where(outside, -1, rows), np.where(outside, -1, columns), weights)


def _columns_per_circle(grid: GeoBox) -> float | None:
    """Number of columns that make 360 degrees, None for a projected grid."""
    return FULL_CIRCLE / grid.transform.a if grid.crs.geographic else None


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
        """(time, y, x) of the window -> (point, time), C-contiguous; NaN where missing."""
        by_cell = np.ascontiguousarray(fields.reshape(fields.shape[0], -1).T)
        by_cell[~np.isfinite(by_cell)] = 0.0
        result = np.zeros((self.index.shape[0], fields.shape[0]))
        for corner in range(CORNERS):
            result += self.weights[:, corner, None] * by_cell[self.index[:, corner]]
        result[self.missing] = np.nan
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
    """Flat position of the nearest valid cell of the window for each point, and its distance [km]."""
    from scipy.spatial import KDTree

    flat = np.flatnonzero(valid)
    rows, columns = np.divmod(flat, valid.shape[1])
    a = grid.transform
    x = a.c + (columns + window[1].start + 0.5) * a.a
    y = a.f + (rows + window[0].start + 0.5) * a.e
    lon, lat = transform(x, y, grid.crs, LONLAT)
    tree = KDTree(_on_sphere(lon, lat))
    chord, position = tree.query(_on_sphere(*points), k=min(TIES, flat.size))
    chord, position = chord.reshape(len(points[0]), -1), position.reshape(len(points[0]), -1)
    # of cells equally near the first of the whole grid is taken, whatever window was read
    tied = chord <= chord[:, :1] * (1.0 + ONE_SIDE)
    first = np.where(tied, flat[position], valid.size).min(axis=1)
    return first, 2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord[:, 0] / 2.0, 1.0))


def _on_sphere(lon: Floats, lat: Floats) -> Floats:
    """Unit vectors (point, 3)."""
    east, north = np.radians(lon), np.radians(lat)
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )


def margin_of(grid: GeoBox, distance_km: float, latitude: float) -> tuple[int, int]:
    """Rows and columns of `grid` that reach at least `distance_km` at `latitude` [degrees]."""
    across, down = grid.transform.a, abs(grid.transform.e)
    metres_per_unit = 1000.0
    if grid.crs.geographic:
        along = KM_PER_DEGREE * max(np.cos(np.radians(latitude)), ONE_SIDE)
        per_row, per_column = down * KM_PER_DEGREE, across * along
    else:
        per_row, per_column = down / metres_per_unit, across / metres_per_unit
    height, width = grid.shape
    rows = min(int(np.ceil(distance_km / per_row)) + 1, height)
    return rows, min(int(np.ceil(distance_km / per_column)) + 1, width)


def window_of(found: Stencil, grid: GeoBox, margin: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of `grid` that hold the stencil and `margin` cells around it.

    Points on both sides of the seam of a global grid need its full width.
    """
    height, width = grid.shape
    rows, columns = found.rows[found.rows >= 0], found.columns[found.columns >= 0]
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    first_row, last_row = max(rows.min() - margin[0], 0), min(rows.max() + margin[0] + 1, height)
    first, last = columns.min() - margin[1], columns.max() + margin[1] + 1
    period = _columns_per_circle(grid)
    at_seam = period is not None and round(period) == width and (first < 0 or last > width)
    if at_seam:
        first, last = 0, width
    return (
        slice(int(first_row), int(last_row)),
        slice(int(max(first, 0)), int(min(last, width))),
    )
