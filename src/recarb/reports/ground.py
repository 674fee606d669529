"""What lies under every map of a run: extent, outlines of its units, cells without a value."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from recarb.core.config import RunConfig
from recarb.core.grid import is_geographic
from recarb.io.vectors import read_units
from recarb.sequestration.ledger import FAILED, Outcome

Floats = NDArray[np.float64]
Extent = tuple[float, float, float, float]  # left, right, bottom, top
Shape = tuple[int, int]

SMALLEST_COSINE = 0.2


class Blank(IntEnum):
    """Why a cell of a picture has no value."""

    OUTSIDE = 0
    EXCLUDED = 1
    FAILED = 2


@dataclass(frozen=True)
class Ground:
    """Outlines of a run's units as lines, and whether its x and y are degrees."""

    outlines: Any | None
    geographic: bool


def ground_of(config: RunConfig, path: Path) -> Ground:
    """Outlines of the run's units, as its maps were made with, in the CRS of the map at `path`."""
    with rasterio.open(path) as source:
        grid = GeoBox(source.shape, source.transform, source.crs)
    return ground_on(config, grid)


def ground_on(config: RunConfig, grid: GeoBox) -> Ground:
    """Outlines of the run's units in the CRS of a grid."""
    if config.boundary is None:
        return Ground(None, is_geographic(grid))
    import geopandas

    units = read_units(config.boundary.path, grid, config.boundary.unit_field)
    lines = geopandas.GeoSeries(units.shapes, crs=str(grid.crs)).boundary
    return Ground(lines, is_geographic(grid))


def extent_of(path: Path) -> Extent:
    """Left, right, bottom, top of a map."""
    with rasterio.open(path) as source:
        box = source.bounds
    return box.left, box.right, box.bottom, box.top


def aspect_of(extent: Extent, geographic: bool) -> float:
    """Height over width as a map is shown: a degree of longitude shrinks away from the equator."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    if not geographic:
        return ratio
    return ratio / max(float(np.cos(np.radians((bottom + top) / 2.0))), SMALLEST_COSINE)


def read_values(path: Path, largest: Shape) -> Floats:
    """A map in at most `largest` rows and columns, means where it has more; NaN without value.

    Of a large map GDAL reads the overview that fits, so that time and memory do not grow with it.
    """
    data, nodata = _read_small(path, largest, Resampling.average)
    values: Floats = data.astype(np.float64)
    values[data == nodata] = np.nan
    return values


def read_blanks(path: Path, largest: Shape) -> NDArray[np.uint8]:
    """Why the cells of a run have no value, `Blank`, from its map of outcomes.

    Without a boundary the sea is where the map of SOC ends: that is outside too.
    """
    outcome, _ = _read_small(path, largest, Resampling.nearest)
    blanks = np.full(outcome.shape, Blank.EXCLUDED, dtype=np.uint8)
    blanks[np.isin(outcome, (Outcome.OUTSIDE, Outcome.NO_SOC))] = Blank.OUTSIDE
    blanks[np.isin(outcome, FAILED)] = Blank.FAILED
    return blanks


def _read_small(path: Path, largest: Shape, resampling: Resampling) -> tuple[NDArray[Any], Any]:
    with rasterio.open(path) as source:
        shape = tuple(min(own, most) for own, most in zip(source.shape, largest, strict=True))
        return source.read(1, out_shape=shape, resampling=resampling), source.nodata
