"""A map on another grid: averaged where it is finer, bilinear where it is coarser, copied where equal.

Every cell is computed with exact coordinates, so that it does not depend on the tile it lies in.
"""

import math

import numpy as np
import rasterio.warp
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from recarb.io.raster import ROI, LayerFile, read

Floats = NDArray[np.float64]

ALIGNED = 1e-4  # share of a cell by which two grids may be shifted and still count as one
FINER = 0.75  # a source cell below this share of a target cell is averaged
MARGIN = 3  # source cells read around the target
DENSITY = 21  # points per edge when a rectangle is projected


def to_grid(layer: LayerFile, target: GeoBox, band: int = 1) -> Floats:
    """One band of `layer` on the grid `target`, (y, x) in the canonical unit, NaN = missing."""
    shift = aligned_shift(layer.geobox, target)
    if shift is not None:
        return _copy(layer, band, shift, target.shape)
    roi = source_window(layer.geobox, target)
    result = np.full(target.shape, np.nan)
    if roi[0].stop <= roi[0].start or roi[1].stop <= roi[1].start:
        return result
    values = read(layer, [band], roi)[0]
    rasterio.warp.reproject(
        values,
        result,
        src_transform=layer.geobox[roi].transform,
        src_crs=str(layer.geobox.crs),
        dst_transform=target.transform,
        dst_crs=str(target.crs),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.average if is_finer(layer.geobox, target) else Resampling.bilinear,
        tolerance=0,
        num_threads=1,
    )
    return result


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
    """Whether a cell of `source` is smaller than one of `target`, measured at the target's centre."""
    if source.crs == target.crs:
        size = abs(source.transform.a * source.transform.e)
    else:
        size = abs(source.transform.a * source.transform.e) * _area_scale(source, target)
    return math.sqrt(size / abs(target.transform.a * target.transform.e)) < FINER


def _area_scale(source: GeoBox, target: GeoBox) -> float:
    """Target units of area per source unit of area at the target's centre."""
    x, y = target.center_pixel.boundingbox.left, target.center_pixel.boundingbox.top
    a = target.transform
    left, bottom, right, top = rasterio.warp.transform_bounds(
        str(target.crs), str(source.crs), x, y - abs(a.e), x + a.a, y
    )
    return abs(a.a * a.e) / abs((right - left) * (top - bottom))


def source_window(source: GeoBox, target: GeoBox) -> ROI:
    """Rows and columns of `source` that cover `target`, with a margin; may be empty."""
    box = target.boundingbox
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    if source.crs != target.crs:
        left, bottom, right, top = rasterio.warp.transform_bounds(
            str(target.crs), str(source.crs), left, bottom, right, top, densify_pts=DENSITY
        )
    a = source.transform
    height, width = source.shape
    reach_x, reach_y = _reach(source, (left, bottom, right, top), target.shape)
    rows = (
        max(math.floor((top - a.f) / a.e) - reach_y, 0),
        min(math.ceil((bottom - a.f) / a.e) + reach_y, height),
    )
    columns = (
        max(math.floor((left - a.c) / a.a) - reach_x, 0),
        min(math.ceil((right - a.c) / a.a) + reach_x, width),
    )
    if left > right:  # across the antimeridian: the whole width holds both sides
        columns = (0, width)
    return slice(rows[0], max(rows)), slice(columns[0], max(columns))


def _reach(
    source: GeoBox, box: tuple[float, float, float, float], shape: tuple[int, int]
) -> tuple[int, int]:
    """Margin in source cells: a few, and one target cell where that is larger."""
    width = abs(box[2] - box[0]) / shape[1] / source.transform.a
    height = abs(box[3] - box[1]) / shape[0] / abs(source.transform.e)
    return MARGIN + math.ceil(width), MARGIN + math.ceil(height)


def _copy(layer: LayerFile, band: int, shift: tuple[int, int], shape: tuple[int, int]) -> Floats:
    result = np.full(shape, np.nan)
    height, width = layer.geobox.shape
    rows = slice(max(shift[0], 0), min(shift[0] + shape[0], height))
    columns = slice(max(shift[1], 0), min(shift[1] + shape[1], width))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return result
    inside = (
        slice(rows.start - shift[0], rows.stop - shift[0]),
        slice(columns.start - shift[1], columns.stop - shift[1]),
    )
    result[inside] = read(layer, [band], (rows, columns))[0]
    return result
