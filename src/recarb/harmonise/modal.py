"""The predominant class of a target cell, and the share of each, by the area it covers in it.

GDAL's mode is not used (3.10, tried): it gives a source pixel that a cell touches by a millionth of
its width the same vote as a pixel inside, so that a transform with rounded digits moves a map by
half a pixel; and between projections its result depends on the window it is computed in.
"""

from collections.abc import Callable
from typing import Any

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

_Count = Callable[[NDArray[np.int64], tuple[int, ...]], NDArray[Any]]


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
    source = _source(classes, src_transform, src_crs, dst_geobox, where)
    if source == dst_geobox:
        modal = classes.copy()
    else:
        modal = np.zeros(dst_geobox.shape, dtype=np.uint8)
        _vote(classes, source, dst_geobox, _winner, modal)
    modal[modal == EXCLUDED] = 0
    return modal


def shares_to_grid(
    classes: NDArray[np.uint8],
    src_transform: Affine,
    src_crs: object,
    dst_geobox: GeoBox,
    *,
    where: str = "the land use layer",
) -> NDArray[np.float32]:
    """Return the share of each class in the area of a target cell that is known.

    Parameters are those of `modal_to_grid`. `EXCLUDED` codes count as area, so the shares of the 13
    classes may add up to less than 1.

    Returns
    -------
    (13, y, x) float32
        Share of class 1 to 13 [-]; NaN where nothing is known.
    """
    source = _source(classes, src_transform, src_crs, dst_geobox, where)
    shares = np.full((CLASS_COUNT, *dst_geobox.shape), np.nan, dtype=np.float32)
    _vote(classes, source, dst_geobox, _shares, shares)
    return shares


def _source(
    classes: NDArray[np.uint8], src_transform: Affine, src_crs: object, target: GeoBox, where: str
) -> GeoBox:
    if classes.ndim != _MAP_DIMENSIONS or src_crs is None or target.crs is None:
        raise GridMismatch(
            f"{where}: expected a map of two dimensions and two grids with a projection, came "
            f"shape {classes.shape}, source CRS {src_crs}, target CRS {target.crs}. "
            "Set the projection of the file."
        )
    return GeoBox(classes.shape, src_transform, src_crs)  # type: ignore[arg-type]


def _vote(
    classes: NDArray[np.uint8], source: GeoBox, target: GeoBox, count: _Count, out: NDArray[Any]
) -> None:
    """Fill `out` (..., y, x), block by block, with what `count` makes of the votes of each cell."""
    if classes.size == 0:  # the layer ends before this tile
        return
    if source.crs == target.crs and source.axis_aligned and target.axis_aligned:
        _vote_by_area(classes, source, target, count, out)
    else:
        _vote_by_points(classes, source, target, count, out)


def _vote_by_area(
    classes: NDArray[np.uint8], source: GeoBox, target: GeoBox, count: _Count, out: NDArray[Any]
) -> None:
    height, width = target.shape
    here, there = source.affine, target.affine
    rows, row_parts = _overlaps(
        there.e / here.e, (there.f - here.f) / here.e, height, classes.shape[0], None
    )
    cols, col_parts = _overlaps(
        there.a / here.a, (there.c - here.c) / here.a, width, classes.shape[1], _period(source)
    )
    step = max(1, _BLOCK_CELLS // width)
    for top in range(0, height, step):
        block = slice(top, top + step)
        votes, shape = _count_votes(classes, rows[block], row_parts[block], cols, col_parts)
        out[..., block, :] = count(votes, shape)


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
) -> tuple[NDArray[np.int64], tuple[int, int]]:
    shape = (rows.shape[0], cols.shape[0])
    votes = _no_votes(shape)
    for i in range(rows.shape[1]):
        for j in range(cols.shape[1]):
            seen = classes[rows[:, i][:, None], cols[:, j]]
            _add(votes, seen, np.outer(row_parts[:, i], col_parts[:, j]))
    return votes, shape


def _vote_by_points(
    classes: NDArray[np.uint8], source: GeoBox, target: GeoBox, count: _Count, out: NDArray[Any]
) -> None:
    height, width = target.shape
    transformer = Transformer.from_crs(target.crs, source.crs, always_xy=True)
    step = max(1, _BLOCK_CELLS // width)
    within = (np.arange(_POINTS) + 1 / 2) / _POINTS
    for top in range(0, height, step):
        row, col = np.mgrid[top : min(top + step, height), 0:width].astype(np.float64)
        votes = _no_votes(row.shape)
        for down in within:
            for right in within:
                points = transformer.transform(*_along(target.affine, col + right, row + down))
                _add(votes, _seen_at(classes, source, *points), 1)
        out[..., top : top + step, :] = count(votes, row.shape)


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


def _shares(votes: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    total = votes[1:].sum(axis=0)
    known = np.where(total == 0, np.nan, total)
    return np.asarray(votes[1 : CLASS_COUNT + 1] / known, dtype=np.float32).reshape(-1, *shape)
