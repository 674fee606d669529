"""A map on another grid: averaged where it is finer, bilinear where coarser, copied where equal.

GDAL's warper is not used (3.10 through rasterio 1.4, tried): between projections `reproject`
ignores `tolerance=0` and interpolates coordinates, so that a cell depends on the window it is
computed in. Here every cell is found by its row and column in the whole target grid, and each of
its source cells by its own coordinates.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.grid import cell_centres, transform
from recarb.harmonise.interpolate import nearest_turn, sampler, stencil, window_of
from recarb.io.raster import ROI, LayerFile, read

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALIGNED = 1e-4  # share of a cell by which two grids may be shifted and still count as one
FINER = 0.75  # a source cell below this share of a target cell is averaged
MARGIN = 3  # source cells read around the target
LATTICE = 65  # points per side by which a rectangle is projected
PROBES = 9  # points per side at which two grids are compared
MIN_POINTS, MAX_POINTS = 12, 60  # per side of a target cell, when averaging between projections
POINTS_AT_ONCE = 4_000_000
EDGE_DIGITS = 6  # of a source cell: edges that only differ by rounding are one


@dataclass(frozen=True)
class _Source:
    """One band of a layer, read by windows."""

    layer: LayerFile
    band: int
    days: float | None

    @property
    def grid(self) -> GeoBox:
        return self.layer.geobox

    def read(self, window: ROI) -> Floats:
        days = None if self.days is None else np.array([self.days])
        return np.asarray(read(self.layer, [self.band], window, days)[0])

    def around(self, rows: Ints, columns: Ints) -> tuple[ROI, Floats]:
        """The smallest window that holds the given cells, and its values."""
        window = (
            slice(int(rows.min()), int(rows.max()) + 1),
            slice(int(columns.min()), int(columns.max()) + 1),
        )
        return window, self.read(window)


def to_grid(
    layer: LayerFile,
    target: GeoBox,
    band: int = 1,
    roi: ROI | None = None,
    days: float | None = None,
) -> Floats:
    """One band of `layer` on the grid `target`, (y, x) in the canonical unit, NaN = missing.

    Parameters
    ----------
    roi : rows and columns of `target` that are wanted, default all. A cell has the same bits in any
        window of one grid; not so in a grid that was cut before, whose corner is rounded.
    days : days of the band's month, needed for units per day

    Classes (quantities whose unit is a code) are never mixed: the one that covers most of a cell.
    """
    rows, columns = roi or (slice(0, target.shape[0]), slice(0, target.shape[1]))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return np.empty((max(rows.stop - rows.start, 0), max(columns.stop - columns.start, 0)))
    source, grid = _Source(layer, band, days), layer.geobox
    shift = aligned_shift(grid, target)
    if shift is not None:
        down, right = (np.arange(part.start, part.stop) for part in (rows, columns))
        return _copy(source, down + shift[0], right + shift[1])
    finer = is_finer(grid, target)
    if layer.quantity.is_code:
        side = _points_per_side(grid, target) if finer else 1
        return _by_points(source, target, (rows, columns), side, _majority)
    if not finer:
        return _bilinear(source, target, (rows, columns))
    if grid.crs == target.crs:
        return _average_by_area(source, target, (rows, columns))
    return _by_points(source, target, (rows, columns), _points_per_side(grid, target), _mean)


def aligned_shift(source: GeoBox, target: GeoBox) -> tuple[int, int] | None:
    """Rows and columns by which `target` starts inside `source`; None if the grids differ."""
    if source.crs != target.crs:
        return None
    s, t = source.transform, target.transform
    rows, columns = (t.f - s.f) / s.e, (t.c - s.c) / s.a
    drift = max(abs(s.a - t.a) * max(target.shape) / s.a, abs(s.e - t.e) * max(target.shape) / -s.e)
    off = max(abs(rows - round(rows)), abs(columns - round(columns)), drift)
    return (round(rows), round(columns)) if off <= ALIGNED else None


def is_finer(source: GeoBox, target: GeoBox) -> bool:
    """Whether a cell of `source` is smaller than one of `target` where the two grids overlap."""
    ratio = cell_ratio(source, target)
    return ratio is not None and ratio * FINER > 1.0


def cell_ratio(source: GeoBox, target: GeoBox) -> float | None:
    """Side of a target cell in source cells (median over the overlap); None if they lie apart."""
    if source.crs == target.crs:
        s, t = source.transform, target.transform
        return math.sqrt(abs(t.a * t.e / (s.a * s.e)))
    for one, other, power in ((target, source, 1), (source, target, -1)):
        area = _areas_of_probes(one, other)
        if area.size:
            return float(np.sqrt(np.median(area)) ** power)
    return None


def _areas_of_probes(one: GeoBox, other: GeoBox) -> Floats:
    """Areas of cells of `one` in cells of `other`, for a lattice of cells that lie in `other`."""
    rows, columns = (np.linspace(0, n - 1, PROBES).astype(np.int64) for n in one.shape)
    row, column = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    down, right = positions(one, other, row, column)
    down_s, right_s = positions(one, other, row + 1, column)
    down_e, right_e = positions(one, other, row, column + 1)
    turn_s = nearest_turn(right_s - right, other, about=0.0)
    turn_e = nearest_turn(right_e - right, other, about=0.0)
    area = np.abs((down_s - down) * turn_e - (down_e - down) * turn_s)
    inside = (down >= 0) & (down < other.shape[0]) & (right >= 0) & (right < other.shape[1])
    return np.asarray(area[inside & np.isfinite(area) & (area > 0)])


def positions(
    target: GeoBox, source: GeoBox, rows: Floats | Ints, columns: Floats | Ints
) -> tuple[Floats, Floats]:
    """Row and column of `source`, as fractions, of the centres of cells of `target`."""
    x, y = transform(*cell_centres(target, rows, columns), target.crs, source.crs)
    a = source.transform
    return (y - a.f) / a.e, nearest_turn((x - a.c) / a.a, source, about=source.shape[1] / 2.0)


def source_window(source: GeoBox, target: GeoBox) -> ROI:
    """Rows and columns of `source` that cover `target`, with a margin; may be empty."""
    edges = [np.unique(np.linspace(0, n, min(n + 1, LATTICE)).round()) - 0.5 for n in target.shape]
    row, column = (axis.ravel() for axis in np.meshgrid(*edges, indexing="ij"))
    down, right = positions(target, source, row, column)
    known = np.isfinite(down) & np.isfinite(right)
    if not known.any():
        return slice(0, 0), slice(0, 0)
    ratio = cell_ratio(source, target)
    margin = MARGIN + math.ceil(0.0 if ratio is None else ratio)
    return (
        _span(down[known], margin, source.shape[0]),
        _span(right[known], margin, source.shape[1]),
    )


def _span(positions: Floats, margin: int, length: int) -> slice:
    """The whole cells that hold `positions` and `margin` more, cut to 0..length."""
    first = min(max(math.floor(positions.min()) - margin, 0), length)
    last = min(math.ceil(positions.max()) + margin, length)
    return slice(first, max(first, last))


def _copy(source: _Source, rows: Ints, columns: Ints) -> Floats:
    """The source cells at `rows` and `columns`, NaN outside."""
    height, width = source.grid.shape
    columns = _turned(columns, source.grid)
    down, right = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    result = np.full((rows.size, columns.size), np.nan)
    if down.any() and right.any():
        window, values = source.around(rows[down], columns[right])
        found = np.ix_(rows[down] - window[0].start, columns[right] - window[1].start)
        result[np.ix_(down, right)] = values[found]
    return result


def _turned(columns: Ints, grid: GeoBox) -> Ints:
    """Columns of a longitude grid that lie a full circle off, on the grid."""
    centres = columns.astype(np.float64) + 0.5
    return np.floor(nearest_turn(centres, grid, about=grid.shape[1] / 2.0)).astype(np.int64)


def _bilinear(source: _Source, target: GeoBox, roi: ROI) -> Floats:
    """Between the centres of source cells, over the valid neighbours."""
    row, column = (axis.ravel() for axis in np.mgrid[roi])
    x, y = transform(*cell_centres(target, row, column), target.crs, source.grid.crs)
    found = stencil(x, y, source.grid)
    shape = (roi[0].stop - roi[0].start, roi[1].stop - roi[1].start)
    if (found.rows < 0).all():
        return np.full(shape, np.nan)
    window = window_of(found, source.grid, (0, 0))
    field = source.read(window)
    cut = sampler(found, np.isfinite(field), window, (x, y), source.grid, fill_km=0.0)
    return np.asarray(cut.apply(field[None])[0].reshape(shape))


def _average_by_area(source: _Source, target: GeoBox, roi: ROI) -> Floats:
    """Mean of the valid source cells under each target cell, weighted by the part that overlaps.

    One axis after the other, and cell by cell in a fixed order: numpy's own sums add in another
    order for another window.
    """
    s, t = source.grid.transform, target.transform
    height, width = source.grid.shape
    down = ((t.f - s.f) + np.arange(roi[0].start, roi[0].stop + 1) * t.e) / s.e
    right = ((t.c - s.c) + np.arange(roi[1].start, roi[1].stop + 1) * t.a) / s.a
    rows, row_parts = _overlaps(down)
    columns, column_parts = _overlaps(right)
    columns = _turned(columns, source.grid)
    row_parts[(rows < 0) | (rows >= height)] = 0.0
    column_parts[(columns < 0) | (columns >= width)] = 0.0
    if not row_parts.any() or not column_parts.any():
        return np.full((rows.shape[0], columns.shape[0]), np.nan)
    window, values = source.around(rows[row_parts > 0], columns[column_parts > 0])
    rows = np.clip(rows - window[0].start, 0, values.shape[0] - 1)
    columns = np.clip(columns - window[1].start, 0, values.shape[1] - 1)
    valid = np.isfinite(values)
    total, weight = np.where(valid, values, 0.0), valid.astype(np.float64)
    total, weight = (_collect(f.T, columns, column_parts).T for f in (total, weight))
    total, weight = (_collect(f, rows, row_parts) for f in (total, weight))
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0.0)


def _overlaps(edges: Floats) -> tuple[Ints, Floats]:
    """Source cells between each pair of `edges` along one axis, and the part of each between them.

    Both are (cell, source cell).
    """
    edges = np.round(edges, EDGE_DIGITS)
    low, high = edges[:-1], edges[1:]
    first = np.floor(low).astype(np.int64)
    reach = int(np.max(np.ceil(high).astype(np.int64) - first))
    index = first[:, None] + np.arange(reach)
    parts = np.minimum(high[:, None], index + 1) - np.maximum(low[:, None], index)
    return index, np.maximum(parts, 0.0)


def _collect(field: Floats, rows: Ints, parts: Floats) -> Floats:
    """Sum over the rows under each target row, weighted, one after the other."""
    total = np.zeros((rows.shape[0], field.shape[1]))
    for k in range(rows.shape[1]):
        total += parts[:, k, None] * field[rows[:, k]]
    return total


def _by_points(
    source: _Source, target: GeoBox, roi: ROI, side: int, combine: Callable[[Floats], Floats]
) -> Floats:
    """What `combine` makes of the source cells at `side` x `side` points of each target cell."""
    height, width = roi[0].stop - roi[0].start, roi[1].stop - roi[1].start
    result = np.empty((height, width))
    step = max(POINTS_AT_ONCE // (width * side * side), 1)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        block = (slice(roi[0].start + top, roi[0].start + bottom), roi[1])
        result[top:bottom] = combine(_seen(source, target, block, side))
    return result


def _points_per_side(source: GeoBox, target: GeoBox) -> int:
    """About one point per source cell; one number for the whole target grid."""
    ratio = cell_ratio(source, target) or 0.0
    return min(max(math.ceil(ratio), MIN_POINTS), MAX_POINTS)


def _seen(source: _Source, target: GeoBox, roi: ROI, side: int) -> Floats:
    """Value of the source cell under each point of each target cell, (point, y, x)."""
    down, right = _inside_cells(source.grid, target, roi, side)
    height, width = source.grid.shape
    inside = (down >= 0) & (down < height) & (right >= 0) & (right < width)
    if not inside.any():
        return np.full(inside.shape, np.nan)
    rows = np.floor(np.where(inside, down, 0.0)).astype(np.int64)
    columns = np.floor(np.where(inside, right, 0.0)).astype(np.int64)
    window, values = source.around(rows[inside], columns[inside])
    rows, columns = rows - window[0].start, columns - window[1].start
    found = values[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return np.where(inside, found, np.nan)


def _inside_cells(source: GeoBox, target: GeoBox, roi: ROI, side: int) -> tuple[Floats, Floats]:
    """Row and column of `source`, as fractions, of points inside target cells, (point, y, x).

    The corners of every cell are projected; inside it the points lie evenly between them. The arc
    over a cell of 1 km is 2 cm high.
    """
    corners = np.mgrid[roi[0].start : roi[0].stop + 1, roi[1].start : roi[1].stop + 1] - 0.5
    down, right = positions(target, source, corners[0], corners[1])
    steps = (
        _bilinear_steps(down, lambda step: step),
        _bilinear_steps(right, lambda step: nearest_turn(step, source, about=0.0)),
    )
    within = (np.arange(side) + 0.5) / side
    y, x = (axis.reshape(-1, 1, 1) for axis in np.meshgrid(within, within, indexing="ij"))
    down, right = (base + y * south + x * (east + y * both) for base, south, east, both in steps)
    return down, nearest_turn(right, source, about=source.shape[1] / 2.0)


def _bilinear_steps(
    corners: Floats, turned: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Upper left corner of every cell, and the steps south, east and both from it."""
    base = corners[:-1, :-1]
    south, east = turned(corners[1:, :-1] - base), turned(corners[:-1, 1:] - base)
    return base, south, east, turned(corners[1:, 1:] - base) - south - east


def _mean(seen: Floats) -> Floats:
    """Mean over the first axis of what is valid, added one after the other."""
    total, count = np.zeros(seen.shape[1:]), np.zeros(seen.shape[1:])
    for field in seen:
        valid = np.isfinite(field)
        total += np.where(valid, field, 0.0)
        count += valid
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _majority(seen: Floats) -> Floats:
    """The most frequent value over the first axis; of equals the lowest; NaN has no vote."""
    winner, most = np.full(seen.shape[1:], np.nan), np.zeros(seen.shape[1:], dtype=np.int64)
    for code in np.unique(seen[np.isfinite(seen)]):
        votes = (seen == code).sum(axis=0)
        winner[votes > most] = code
        most = np.maximum(most, votes)
    return winner
