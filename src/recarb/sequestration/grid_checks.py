"""A layer whose cells lie half a cell beside those of the SOC map."""

import math

from odc.geo.geobox import GeoBox

from recarb.core.findings import Finding, Severity
from recarb.io.raster import LayerFile

SAME_SIZE = 1e-3  # by which one cell may miss being a multiple of the other
HALF, ABOUT_HALF = 0.5, 0.05  # of a cell; own judgement


def shift_findings(layer: LayerFile, grid: GeoBox) -> list[Finding]:
    """Whether somebody took the centres of cells for their corners when a map was written.

    Only where the cells of one grid are a whole number of cells of the other, so that their edges
    ought to meet; any other two grids are simply two grids.
    """
    own, ours = layer.geobox.transform, grid.transform
    if layer.geobox.crs != grid.crs:
        return []
    right = _off((own.c - ours.c), abs(own.a), abs(ours.a))
    down = _off((own.f - ours.f), abs(own.e), abs(ours.e))
    if right is None or down is None or not (_is_half(right) or _is_half(down)):
        return []
    told = [f"half a cell {way}" for way, off in (("east or west", right), ("north or south", down))
            if _is_half(off)]  # fmt: skip
    return [
        Finding(
            "shifted_grid",
            Severity.WARNING,
            layer.where,
            f"its cells fit those of the SOC map in size, but lie {' and '.join(told)} of them",
            "were centres of cells written as corners? Then correct the corner (gdal_translate "
            "-a_ullr); if the grid is right, recarb interpolates",
        )
    ]


def _off(distance: float, one: float, other: float) -> float | None:
    """Distance of two edges in cells of the finer grid, 0..1; None if sizes do not fit."""
    fine, coarse = sorted((one, other))
    ratio = coarse / fine
    if abs(ratio - round(ratio)) > SAME_SIZE * ratio:
        return None
    return math.fmod(abs(distance) / fine, 1.0)


def _is_half(part: float) -> bool:
    return abs(part - HALF) <= ABOUT_HALF
