"""The predominant class of a target cell, by the area that each class covers in it.

GDAL's mode is not used (3.10, tried): it gives a source pixel that a cell touches by a millionth of
its width the same vote as a pixel inside, so that a transform with rounded digits moves a map by
half a pixel; and between projections its result depends on the window it is computed in.
"""

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from recarb.core.errors import GridMismatch
from recarb.harmonise.landuse_classes import CLASS_COUNT

EXCLUDED = 255
"""Class of a code that a crosswalk excludes: it has a vote, and ends as 0 (no land use)."""

_VOTE_EXCLUDED = CLASS_COUNT + 1
_PARTS = 256  # pixel widths are cut into whole parts: votes are integers, so ties are exact
_POINTS = 12  # points per cell side between projections; fixed, so that no tile decides on it
_BLOCK_CELLS = 500_000
_MAP_DIMENSIONS = 2
_FULL_CIRCLE_DEG = 360.0


def modal_to_grid(
    classes: NDArray[np.uint8],
    src_transform: Affine,
    src_crs: object,
    dst_geobox: GeoBox,
    *,
    where: str = "the land use layer",
) -> NDArray[np.uint8]:
    """Return the class that covers most of each target cell.

    A cell's result depends only on the source pixels under it, never on the window it is computed
    in, as long as the source window covers the cell. Equal areas go to the lower code.

    Parameters
    ----------
    classes : (y, x) uint8
        Land use class 1-13, 0 no land use (no vote), `EXCLUDED` (a vote, but no class): what
        `reclassify` returns. Reclassify first: split native classes would lose the vote.
    src_transform, src_crs : Affine, CRS
        Georeference of `classes`.
    dst_geobox : GeoBox
        Target grid. Longitudes beyond 180 deg find the pixels beyond the antimeridian.
    where : str
        File name for messages.

    Returns
    -------
    (y, x) uint8
        Class 1-13 on the target grid; 0 where there is none.
    """
    if classes.ndim != _MAP_DIMENSIONS or src_crs is None or dst_geobox.crs is None:
        raise GridMismatch(
            f"{where}: expected a map of two dimensions and two grids with a projection, came "
            f"shape {classes.shape}, source CRS {src_crs}, target CRS {dst_geobox.crs}. "
            "Set the projection of the file."
        )
    if classes.size == 0:  # the layer ends before this tile
        return np.zeros(dst_geobox.shape, dtype=np.uint8)
    source = GeoBox(classes.shape, src_transform, src_crs)  # type: ignore[arg-type]
    if source == dst_geobox:
        modal = classes.copy()
    elif source.crs == dst_geobox.crs and source.axis_aligned and dst_geobox.axis_aligned:
        modal = _vote_by_area(classes, source, dst_geobox)
    else:
        modal = _vote_by_points(classes, source, dst_geobox)
    modal[modal == EXCLUDED] = 0
    return modal


def _vote_by_area(classes: NDArray[np.uint8], source: GeoBox, target: GeoBox) -> NDArray[np.uint8]:
    height, width = target.shape
    here, there = source.affine, target.affine
    rows, row_parts = _overlaps(
        there.e / here.e, (there.f - here.f) / here.e, height, classes.shape[0], None
    )
    cols, col_parts = _overlaps(
        there.a / here.a, (there.c - here.c) / here.a, width, classes.shape[1], _period(source)
    )
    modal = np.empty((height, width), dtype=np.uint8)
    step = max(1, _BLOCK_CELLS // width)
    for top in range(0, height, step):
        block = slice(top, top + step)
        modal[block] = _count_votes(classes, rows[block], row_parts[block], cols, col_parts)
    return modal


def _period(source: GeoBox) -> int | None:
    """Return the pixels in a full circle of longitude, None where there is no whole number."""
    if source.crs is None or not source.crs.geographic:
        return None
    pixels = _FULL_CIRCLE_DEG / abs(source.affine.a)
    whole = round(pixels)
    return whole if abs(pixels - whole) * _PARTS < 1 else None


def _overlaps(
    scale: float, offset: float, cells: int, pixels: int, period: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels under each cell along one axis and the parts of them inside it.

    Both are (cell, pixel); a pixel outside the source has no part.
    """
    edges = np.rint((scale * np.arange(cells + 1) + offset) * _PARTS).astype(np.int64)
    low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    high = np.maximum(high, low + 1)  # a cell finer than a part still sees the pixel it lies in
    first = low // _PARTS
    reach = int(np.max(-(-high // _PARTS) - first))
    index = first[:, None] + np.arange(reach)
    start = index * _PARTS
    parts = np.minimum(high[:, None], start + _PARTS) - np.maximum(low[:, None], start)
    if period is not None:
        index = index % period
    inside = (index >= 0) & (index < pixels)
    return np.where(inside, index, 0), np.where(inside, np.maximum(parts, 0), 0)


def _count_votes(
    classes: NDArray[np.uint8],
    rows: NDArray[np.int64],
    row_parts: NDArray[np.int64],
    cols: NDArray[np.int64],
    col_parts: NDArray[np.int64],
) -> NDArray[np.uint8]:
    shape = (rows.shape[0], cols.shape[0])
    votes = _no_votes(shape)
    for i in range(rows.shape[1]):
        for j in range(cols.shape[1]):
            seen = classes[rows[:, i][:, None], cols[:, j]]
            _add(votes, seen, np.outer(row_parts[:, i], col_parts[:, j]))
    return _winner(votes, shape)


def _vote_by_points(
    classes: NDArray[np.uint8], source: GeoBox, target: GeoBox
) -> NDArray[np.uint8]:
    height, width = target.shape
    transformer = Transformer.from_crs(target.crs, source.crs, always_xy=True)
    modal = np.empty((height, width), dtype=np.uint8)
    step = max(1, _BLOCK_CELLS // width)
    within = (np.arange(_POINTS) + 1 / 2) / _POINTS
    for top in range(0, height, step):
        row, col = np.mgrid[top : min(top + step, height), 0:width].astype(np.float64)
        votes = _no_votes(row.shape)
        for down in within:
            for right in within:
                points = transformer.transform(*_along(target.affine, col + right, row + down))
                _add(votes, _seen_at(classes, source, *points), 1)
        modal[top : top + step] = _winner(votes, row.shape)
    return modal


def _along(
    affine: Affine, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f


def _seen_at(
    classes: NDArray[np.uint8], source: GeoBox, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the class of the source pixel at each point, 0 outside."""
    col, row = (np.floor(axis) for axis in _along(~source.affine, x, y))
    period = _period(source)
    if period is not None:
        col = col % period
    height, width = classes.shape
    inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
    seen = np.zeros(x.shape, dtype=np.uint8)
    seen[inside] = classes[row[inside].astype(np.int64), col[inside].astype(np.int64)]
    return seen


def _no_votes(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.zeros((_VOTE_EXCLUDED + 1, int(np.prod(shape))), dtype=np.int64)


def _add(
    votes: NDArray[np.int64], seen: NDArray[np.uint8], weight: NDArray[np.int64] | int
) -> None:
    candidate = np.minimum(seen, _VOTE_EXCLUDED).ravel()
    votes[candidate, np.arange(candidate.size)] += np.ravel(weight)


def _winner(votes: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    votes[0] = 0  # no data does not vote; argmax gives 0 where nobody does
    winner: NDArray[np.uint8] = votes.argmax(axis=0).astype(np.uint8).reshape(shape)
    winner[winner == _VOTE_EXCLUDED] = EXCLUDED
    return winner
