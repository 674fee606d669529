"""Synthetic maps as GeoTIFF, drawn and written window by window."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from recarb.core.grid import Tile, tiles

SYNTHETIC = "SYNTHETIC data for a benchmark of recarb: no place on Earth is described"
BLOCK = 256  # side of a tile in the file [cells], less where the map is smaller
TILE_STEP = 16  # GeoTIFF wants multiples of it
WINDOW = 4 * BLOCK  # side of what is drawn at once [cells]
MONTHS = 12  # bands drawn at once
PREDICTOR = {"f": 3, "i": 2, "u": 2}
PER_DEGREE = 120  # cells of 30 arc-seconds, the grid of the model
WEST, NORTH, LONLAT = -180.0, 90.0, "EPSG:4326"

Draw = Callable[[Tile, slice], NDArray[Any]]  # window, bands from 0 -> (band, y, x), NaN is missing


@dataclass(frozen=True)
class Spec:
    """How a map lies in its file: the number in it times `scale` is the value in `unit`."""

    title: str
    unit: str | None
    dtype: str
    nodata: float
    scale: float = 1.0
    bands: tuple[str, ...] = ("",)


def global_grid(rows: slice, columns: slice, per_degree: int = PER_DEGREE) -> GeoBox:
    """A window of the grid that covers the globe from 180 degrees west, 90 degrees north.

    >>> global_grid(slice(0, 60), slice(0, 120)).boundingbox.bbox
    (-180.0, 89.5, -179.0, 90.0)
    """
    size = 1.0 / per_degree
    place = Affine(size, 0, WEST + columns.start * size, 0, -size, NORTH - rows.start * size)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return GeoBox(shape, place, LONLAT)


def write_map(path: Path, grid: GeoBox, spec: Spec, draw: Draw, window: int = WINDOW) -> Path:
    """Draw a map and write it: tiled, deflate, sparse where nothing is; BigTIFF where it may be.

    Parameters
    ----------
    window : side of what is drawn at once [cells], a multiple of the file's tiles; the bands of a
        series are drawn by years
    """
    kind = np.dtype(spec.dtype).kind
    profile = {
        "driver": "GTiff",
        "height": grid.shape[0],
        "width": grid.shape[1],
        "count": len(spec.bands),
        "dtype": spec.dtype,
        "crs": str(grid.crs),
        "transform": grid.transform,
        "nodata": spec.nodata,
        "tiled": True,
        "blockxsize": _block(grid.shape[1]),
        "blockysize": _block(grid.shape[0]),
        "interleave": "band",
        "compress": "deflate",
        "predictor": PREDICTOR[kind],
        "sparse_ok": True,
        "bigtiff": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(title=spec.title, note=SYNTHETIC)
        _describe(file, spec)
        for first in range(0, len(spec.bands), MONTHS):
            bands = slice(first, min(first + MONTHS, len(spec.bands)))
            for tile in tiles((grid.shape[0], grid.shape[1]), window):
                _write(file, spec, tile, bands, draw(tile, bands))
    return path


def _block(length: int) -> int:
    """Side of the tiles along a side of the map."""
    return min(BLOCK, -(-length // TILE_STEP) * TILE_STEP)


def _describe(file: Any, spec: Spec) -> None:
    """Scale, unit and name of every band."""
    if spec.scale != 1.0:
        file.scales = (spec.scale,) * len(spec.bands)
    if spec.unit is not None:
        file.units = (spec.unit,) * len(spec.bands)
    for number, name in enumerate(spec.bands, start=1):
        file.set_band_description(number, name)


def _write(file: Any, spec: Spec, tile: Tile, bands: slice, values: NDArray[Any]) -> None:
    missing = np.isnan(values)
    if missing.all():
        return
    numbers = values / spec.scale
    if np.dtype(spec.dtype).kind != "f":
        numbers = np.rint(numbers)
    packed = np.where(missing, spec.nodata, numbers).astype(spec.dtype)
    where = Window(tile.columns.start, tile.rows.start, tile.shape[1], tile.shape[0])
    file.write(packed, list(range(bands.start + 1, bands.stop + 1)), window=where)
