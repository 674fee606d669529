"""The grids that inputs are brought to: that of the SOC map, and that of the climate."""

import math
from collections.abc import Sequence

from affine import Affine
from odc.geo.geobox import GeoBox

from recarb.core.errors import GridMismatch
from recarb.core.grid import LONLAT, is_geographic
from recarb.harmonise.regrid import aligned_shift
from recarb.io.raster import LayerFile
from recarb.sources.base import HALF_CIRCLE_DEG, POLE_DEG, Box

FAO_CELLS_PER_DEG = 120  # 30 arc-seconds, the protocol's; counted from 180 W, 90 N as GSOCmap is
CIRCLE_DEG = 360.0
EDGE = 1e-6  # share of a cell: an edge on a line of the grid is no cell more


def union(layers: Sequence[LayerFile]) -> GeoBox:
    """The grid that holds several pieces of one map.

    Raises
    ------
    GridMismatch
        They are pieces of different grids.
    """
    first = layers[0].geobox
    top = left = 0
    bottom, right = first.shape
    for layer in layers[1:]:
        shift = aligned_shift(first, layer.geobox)
        if shift is None:
            raise GridMismatch(
                f"{layer.where} does not lie on the grid of {layers[0].where}; fetch both again"
            )
        top, left = min(top, shift[0]), min(left, shift[1])
        bottom = max(bottom, shift[0] + layer.geobox.shape[0])
        right = max(right, shift[1] + layer.geobox.shape[1])
    return _moved(first, top, left, bottom, right)


def soc_grid(
    layers: Sequence[LayerFile], boxes: Sequence[Box], margin_deg: float, snap: bool
) -> GeoBox:
    """The grid of all inputs: that of the SOC map, or FAO's 30 arc-seconds.

    A country on both sides of 180 degrees gets a grid from -180 to 180.

    Parameters
    ----------
    boxes : where the country lies; () takes the whole map
    snap : take FAO's grid; a fetched map that is not in longitude and latitude takes it anyway
    """
    grid = union(layers)
    around = _around(boxes, margin_deg)
    if snap or (around is not None and not is_geographic(grid)):
        if around is None:
            box = grid.geographic_extent.boundingbox
            around = Box(box.left, box.bottom, box.right, box.top)
        return fao_grid(around)
    return grid if around is None else cropped(grid, around)


def fao_grid(box: Box) -> GeoBox:
    """The cells of FAO's 30 arc-second grid that cover a box.

    >>> tuple(fao_grid(Box(100.001, 13.0, 100.01, 13.01)).shape)
    (2, 2)
    """
    size = 1.0 / FAO_CELLS_PER_DEG
    world = GeoBox(
        (round(2 * POLE_DEG) * FAO_CELLS_PER_DEG, round(CIRCLE_DEG) * FAO_CELLS_PER_DEG),
        Affine(size, 0.0, -HALF_CIRCLE_DEG, 0.0, -size, POLE_DEG),
        LONLAT,
    )
    return cropped(world, box)


def cropped(grid: GeoBox, box: Box) -> GeoBox:
    """The whole cells of a longitude/latitude grid that cover a box, and no more than it has.

    Raises
    ------
    GridMismatch
        The box lies outside.
    """
    top, left, bottom, right = _cells(grid, box)
    top, left = max(top, 0), max(left, 0)
    bottom, right = min(bottom, grid.shape[0]), min(right, grid.shape[1])
    if bottom <= top or right <= left:
        raise GridMismatch(
            f"expected a map that covers {box.name}, came one of {tuple(grid.boundingbox)}"
        )
    return _moved(grid, top, left, bottom, right)


def climate_grid(source: GeoBox, boxes: Sequence[Box], margin_deg: float) -> GeoBox:
    """The cells of a climate grid around a country; goes on beyond 180 degrees where it does."""
    box = arc(boxes)
    west, east = box.west - margin_deg, box.east + margin_deg
    if east - west >= CIRCLE_DEG:
        west, east = -HALF_CIRCLE_DEG, HALF_CIRCLE_DEG
    south = max(box.south - margin_deg, -POLE_DEG)
    north = min(box.north + margin_deg, POLE_DEG)
    top, left, bottom, right = _cells(source, Box(west, south, east, north))
    circle = round(CIRCLE_DEG / source.transform.a)
    return _moved(source, top, left, bottom, left + min(right - left, circle))


def arc(boxes: Sequence[Box]) -> Box:
    """The shortest box around all boxes; its east is beyond 180 where they lie on both sides.

    >>> arc([Box(-180, -21, -178, -16), Box(177, -22, 180, -16)])
    Box(west=177, south=-22, east=182.0, north=-16)
    """
    ordered = sorted(boxes)
    reach, gaps = ordered[0].east, []
    for box in ordered[1:]:
        gaps.append((box.west - reach, box.west, reach))
        reach = max(reach, box.east)
    round_the_back = ordered[0].west + CIRCLE_DEG - reach
    widest = max(gaps, default=(-1.0, 0.0, 0.0))
    south, north = min(b.south for b in boxes), max(b.north for b in boxes)
    if widest[0] > round_the_back:
        return Box(widest[1], south, widest[2] + CIRCLE_DEG, north)
    return Box(ordered[0].west, south, reach, north)


def _around(boxes: Sequence[Box], margin_deg: float) -> Box | None:
    """One box around all, inside -180 to 180."""
    if not boxes:
        return None
    return Box(
        min(box.west for box in boxes),
        min(box.south for box in boxes),
        max(box.east for box in boxes),
        max(box.north for box in boxes),
    ).grown(margin_deg)


def _cells(grid: GeoBox, box: Box) -> tuple[int, int, int, int]:
    """Top, left, bottom and right in rows and columns; may lie outside the grid."""
    a = grid.transform
    return (
        math.floor((box.north - a.f) / a.e + EDGE),
        math.floor((box.west - a.c) / a.a + EDGE),
        math.ceil((box.south - a.f) / a.e - EDGE),
        math.ceil((box.east - a.c) / a.a - EDGE),
    )


def _moved(grid: GeoBox, top: int, left: int, bottom: int, right: int) -> GeoBox:
    """The grid that starts at a row and column of another; (0, 0) keeps the same bits."""
    a = grid.transform
    start = Affine(a.a, a.b, a.c + left * a.a, a.d, a.e, a.f + top * a.e)
    return GeoBox((bottom - top, right - left), start, grid.crs)
