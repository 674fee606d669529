"""Boundaries: polygons of any OGR file, and which cell of a grid lies in which unit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.features
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.errors import ConfigError, GridMismatch, InputError, MissingData

OUTSIDE = 0


@dataclass(frozen=True)
class Units:
    """Administrative units: names, and polygons in the grid's CRS. Unit numbers start at 1."""

    names: tuple[str, ...]
    shapes: tuple[Any, ...]
    path: Path

    def on_grid(self, grid: GeoBox) -> NDArray[np.uint16]:
        """Unit number of every cell by its centre, (y, x); 0 outside."""
        pairs = [(shape, number + 1) for number, shape in enumerate(self.shapes)]
        result: NDArray[np.uint16] = rasterio.features.rasterize(
            pairs, out_shape=grid.shape, transform=grid.transform, fill=OUTSIDE, dtype="uint16"
        )
        return result


def read_units(path: Path, grid: GeoBox, unit_field: str | None) -> Units:
    """Read a boundary file and bring it to the CRS of `grid`.

    Polygons of one name become one unit. Without `unit_field` the country is one unit.

    Raises
    ------
    MissingData, InputError
        No such file; no vector file; no polygons.
    ConfigError
        The field does not exist.
    GridMismatch
        The file has no CRS, or does not overlap the grid.
    """
    import geopandas
    from pyogrio.errors import DataSourceError

    if not path.is_file():
        raise MissingData(f"boundary: no such file: {path}; correct boundary.path in run.toml")
    try:
        frame = geopandas.read_file(path)
    except DataSourceError as error:
        raise InputError(f"boundary: {path} is not a vector file GDAL can read ({error})") from error
    frame = frame[frame.geometry.notna() & frame.geom_type.isin(["Polygon", "MultiPolygon"])]
    if frame.empty:
        raise MissingData(f"boundary: {path} holds no polygons")
    if frame.crs is None:
        raise GridMismatch(f"boundary: {path} has no coordinate system; save it with one (EPSG:4326)")
    frame["geometry"] = frame.geometry.make_valid()
    frame = frame.to_crs(str(grid.crs))
    box = grid.boundingbox
    if frame.cx[box.left : box.right, box.bottom : box.top].empty:
        raise GridMismatch(
            f"boundary: {path} (bounds {_bounds(frame.total_bounds)}) does not overlap the SOC map "
            f"(bounds {_bounds((box.left, box.bottom, box.right, box.top))})"
        )
    if unit_field is None:
        return Units(("country",), (frame.geometry.union_all(),), path)
    if unit_field not in frame.columns:
        fields = ", ".join(str(name) for name in frame.columns if name != "geometry")
        raise ConfigError(f"boundary: {path} has no field {unit_field!r}; it has {fields}")
    merged = frame.dissolve(by=unit_field)
    names = tuple(str(name) for name in merged.index)
    return Units(names, tuple(merged.geometry), path)


def _bounds(bounds: Any) -> str:
    return ", ".join(f"{value:g}" for value in bounds)
