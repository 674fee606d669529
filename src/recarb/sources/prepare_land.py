"""Land use on the SOC grid: codes to classes on the native grid, then a vote by area.

The predominant class is what the protocol wants; the share of every class is kept beside it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.errors import InputError
from recarb.harmonise.landuse import (
    Crosswalk,
    land_use_classes,
    modal_to_grid,
    reclassify,
    shares_to_grid,
)
from recarb.harmonise.regrid import aligned_shift, cell_ratio, source_window
from recarb.io.cog import MapSpec
from recarb.io.raster import ROI, LayerFile, read_raw_codes
from recarb.sources.layer_out import TILE_CELLS, Out, write_layer
from recarb.sources.target import union

PIXELS_AT_ONCE = 4096  # land-cover pixels along the side of what is read at once


@dataclass(frozen=True)
class Mosaic:
    """Tiles of one land-cover map, read as one."""

    tiles: tuple[LayerFile, ...]
    grid: GeoBox

    def classes(self, roi: ROI, crosswalk: Crosswalk) -> NDArray[np.uint8]:
        """Land-use classes of a window of the whole map, 0 where nothing is known.

        Raises
        ------
        MissingData
            A code has no row in the crosswalk.
        """
        rows, columns = roi
        found = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        for tile in self.tiles:
            shift = aligned_shift(self.grid, tile.geobox)
            if shift is None:
                raise InputError(f"{tile.where}: not on the grid of its neighbours")
            inside = _overlap(rows, shift[0], tile.geobox.shape[0])
            across = _overlap(columns, shift[1], tile.geobox.shape[1])
            if inside is None or across is None:
                continue
            codes, valid = read_raw_codes(tile, 1, (inside[0], across[0]))
            part = found[inside[1], across[1]]
            classes = reclassify(codes, valid, crosswalk, where=tile.where)
            part[part == 0] = classes[part == 0]
        return found


def mosaic(tiles: Sequence[LayerFile]) -> Mosaic:
    """Tiles that lie on one grid.

    Raises
    ------
    GridMismatch
        They do not.
    """
    return Mosaic(tuple(tiles), union(tiles))


def write_land_use(
    name: str, whole: Mosaic, crosswalk: Crosswalk, grid: GeoBox, tags: Mapping[str, str], out: Out
) -> tuple[Path, Path]:
    """Write the predominant class of every cell, and the share of each class.

    Raises
    ------
    MissingData
        A code has no row in the crosswalk.
    OutputError
        The disk does not take it.
    """
    told = {**tags, "CROSSWALK": crosswalk.name, "CROSSWALK_SOURCE": crosswalk.source}
    side = window_side(whole.grid, grid)

    def seen(roi: ROI) -> tuple[NDArray[np.uint8], GeoBox, GeoBox] | None:
        box = grid[roi]
        window = source_window(whole.grid, box)
        if window[0].stop <= window[0].start or window[1].stop <= window[1].start:
            return None
        return whole.classes(window, crosswalk), whole.grid[window], box

    def predominant(roi: ROI) -> NDArray[Any] | None:
        found = seen(roi)
        if found is None:
            return None
        classes, source, box = found
        modal = modal_to_grid(classes, source.transform, source.crs, box, where=name)
        return np.where(modal == 0, np.nan, modal)[None]

    def shares(roi: ROI) -> NDArray[Any] | None:
        found = seen(roi)
        if found is None:
            return None
        classes, source, box = found
        return shares_to_grid(classes, source.transform, source.crs, box, where=name)

    classes = land_use_classes()
    spec = MapSpec(name, "land use class 1-13 that covers most of the cell", "code", "uint8", told)
    names = tuple(f"share of {code} {one.name}" for code, one in sorted(classes.items()))
    wide = MapSpec(f"{name}_shares", "share of each land use class", "1", tags=told, bands=names)
    return write_layer(spec, grid, predominant, out, side), write_layer(
        wide, grid, shares, out, side
    )


def window_side(source: GeoBox, target: GeoBox) -> int:
    """Target cells along a window, so that not too many pixels are read at once."""
    ratio = cell_ratio(source, target) or 1.0
    return max(1, min(TILE_CELLS, math.floor(PIXELS_AT_ONCE / max(ratio, 1.0))))


def _overlap(window: slice, start: int, length: int) -> tuple[slice, slice] | None:
    """What of a window lies in a tile: in cells of the tile, and in cells of the window."""
    first, last = max(window.start, start), min(window.stop, start + length)
    if last <= first:
        return None
    return slice(first - start, last - start), slice(first - window.start, last - window.start)
