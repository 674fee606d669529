"""Writing one prepared layer, tile by tile, with its provenance in the tags."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.findings import Progress, no_progress
from recarb.core.grid import Tile, tiles
from recarb.io.cog import MapSpec, MapWriter
from recarb.io.raster import ROI

TILE_CELLS = 512  # along a tile that is computed at once
MakeBands = Callable[[ROI], NDArray[Any] | None]


@dataclass(frozen=True)
class Out:
    """Where layers go, and who is told."""

    folder: Path
    staging: Path
    progress: Progress = no_progress


def write_layer(
    spec: MapSpec, grid: GeoBox, make: MakeBands, out: Out, side: int = TILE_CELLS
) -> Path:
    """Write a Cloud-Optimised GeoTIFF from what `make` gives for each window.

    Parameters
    ----------
    make : (band, y, x) with NaN where nothing is known; None where the whole window is empty
    side : cells along a window

    Raises
    ------
    OutputError
        The disk does not take it; nothing stands under the final name.
    """
    windows: list[Tile] = tiles((grid.shape[0], grid.shape[1]), side)
    with MapWriter(spec, grid, out.staging) as writer:
        for done, tile in enumerate(windows):
            out.progress(done, len(windows), spec.name)
            bands = make(tile.roi)
            if bands is None:
                continue
            for number, values in enumerate(bands, start=1):
                floating = np.asarray(values, dtype=np.float64)
                writer.write(floating, tile.rows.start, tile.columns.start, number)
        return writer.publish(out.folder)
