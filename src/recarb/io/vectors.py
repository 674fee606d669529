"""Boundaries: polygons of any OGR file, and which cell of a grid lies in which unit."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.affinity import translate

from recarb.core.errors import ConfigError, GridMismatch, InputError, MissingData
from recarb.core.paths import AnyPath, is_file, is_remote, read_bytes

OUTSIDE = 0
NAMELESS = "(no name)"  # polygons with an empty unit field; dropped, their land would be lost
POLYGONS = ("Polygon", "MultiPolygon")
CIRCLE, HALF_CIRCLE, POLE = 360.0, 180.0, 90.0  # degrees
EDGE = 1e-6  # degrees; public boundaries end at 180.0000001


@dataclass(frozen=True)
class Units:
    """Administrative units: names, and polygons in the grid's CRS. Unit numbers start at 1."""

    names: tuple[str, ...]
    shapes: tuple[Any, ...]
    path: AnyPath

    @cached_property
    def _bounds(self) -> NDArray[np.float64]:
        return np.asarray(shapely.bounds(self.shapes)).T

    def on_grid(self, grid: GeoBox) -> NDArray[np.uint16]:
        """Unit number of every cell by its centre, (y, x); 0 outside."""
        box, (west, south, east, north) = grid.boundingbox, self._bounds
        near = np.flatnonzero(
            (west <= box.right) & (east >= box.left) & (south <= box.top) & (north >= box.bottom)
        )
        result = np.full(grid.shape, OUTSIDE, dtype=np.uint16)
        if near.size:  # all polygons of the world would take longer than the model
            pairs = [(self.shapes[number], number + 1) for number in near.tolist()]
            rasterio.features.rasterize(pairs, out=result, transform=grid.transform)
        return result


def read_units(path: AnyPath, grid: GeoBox, unit_field: str | None) -> Units:
    """Read a boundary file and bring it to the CRS of `grid`.

    Polygons of one name become one unit. Without `unit_field` the country is one unit.

    Raises
    ------
    MissingData, InputError
        No such file; no vector file; no polygons.
    ConfigError
        The field does not exist.
    GridMismatch
        The file has no CRS or does not overlap the grid.
    """
    frame = _only_polygons(_read(path))
    if frame.empty:
        raise MissingData(
            f"boundary: {path}: expected polygons, found none; give the file of the country's "
            "area, not of its border lines or places"
        )
    if frame.crs is None:
        raise GridMismatch(
            f"boundary: {path} has no coordinate system; save it with one (EPSG:4326)"
        )
    frame = polygons_in(frame, str(grid.crs))
    box = grid.boundingbox
    if frame.cx[box.left : box.right, box.bottom : box.top].empty:
        raise GridMismatch(
            f"boundary: {path} (bounds {_bounds(frame.total_bounds)}) does not overlap the SOC map "
            f"(bounds {_bounds((box.left, box.bottom, box.right, box.top))}); give the boundary of "
            "this country, in longitude and latitude or the CRS it names"
        )
    if unit_field is None:
        return Units(("country",), (frame.geometry.union_all(),), path)
    if unit_field not in frame.columns:
        fields = ", ".join(str(name) for name in frame.columns if name != "geometry")
        raise ConfigError(
            f"boundary: {path} has no field {unit_field!r}; it has {fields}; correct "
            "boundary.unit_field in run.toml"
        )
    frame[unit_field] = frame[unit_field].astype(object).where(frame[unit_field].notna(), NAMELESS)
    merged = frame.dissolve(by=unit_field)
    names = tuple(str(name) for name in merged.index)
    return Units(names, tuple(merged.geometry), path)


def polygons_in(frame: Any, crs: str) -> Any:
    """The polygons of a frame, valid and in another CRS, cut where they cross the antimeridian."""
    frame = _wrapped(_only_polygons(frame))
    frame = _only_polygons(frame.set_geometry(frame.geometry.make_valid()))
    return _wrapped(frame.to_crs(crs))


def _read(path: AnyPath) -> Any:
    import geopandas
    from pyogrio.errors import DataSourceError

    if not is_file(path):
        raise MissingData(f"boundary: no such file: {path}; correct boundary.path in run.toml")
    if is_remote(path) and path.suffix.lower() == ".shp":
        raise InputError(
            f"boundary: {path}: a shapefile is several files; behind a URL give a GeoPackage, "
            "GeoJSON, or the shapefile's files in one .zip"
        )
    try:
        if not is_remote(path):
            return geopandas.read_file(path)
        with TemporaryDirectory(prefix="recarb_") as folder:
            copy = Path(folder) / path.name  # small, and GDAL goes by the ending of its name
            copy.write_bytes(read_bytes(path))
            return geopandas.read_file(copy)
    except DataSourceError as error:
        raise InputError(
            f"boundary: {path} is not a vector file GDAL can read ({error})"
        ) from error


def _wrapped(frame: Any) -> Any:
    """Polygons in longitudes from -180 to 180, cut where they cross the antimeridian.

    A side longer than half a circle is read as one that crosses it: drawn as it stands it would
    run round the wrong side of the world.
    """
    if not frame.crs.is_geographic:
        return frame
    shapes = [_wrapped_shape(shape) if _crosses(shape) else shape for shape in frame.geometry]
    return frame.set_geometry(shapes, crs=frame.crs)


def _crosses(shape: Any) -> bool:
    """Whether a shape goes beyond the antimeridian or jumps across it."""
    if max(-shape.bounds[0], shape.bounds[2]) > HALF_CIRCLE + EDGE:
        return True
    return any(_turns(ring).any() for part in _polygons(shape) for ring in _rings(part))


def _only_polygons(frame: Any) -> Any:
    """Rows with area; of a collection its polygons, because GIS tools mix lines into them."""
    frame = frame[frame.geometry.notna()]
    shapes = [
        shape if shape.geom_type in POLYGONS else shapely.MultiPolygon(_polygons(shape))
        for shape in frame.geometry
    ]
    frame = frame.set_geometry(shapes, crs=frame.crs)
    return frame[~frame.geometry.is_empty]


def _polygons(shape: Any) -> list[Any]:
    parts = shapely.get_parts(shapely.get_parts(shape))  # a collection may hold multi-polygons
    return [part for part in parts if part.geom_type == POLYGONS[0]]


def _rings(polygon: Any) -> list[Any]:
    return [polygon.exterior, *polygon.interiors]


def _turns(ring: Any) -> NDArray[np.float64]:
    """Full circles to add at every point of a ring so that no side jumps."""
    lon = shapely.get_coordinates(ring)[:, 0]
    step = np.diff(lon)
    inner = np.abs(lon) < HALF_CIRCLE - EDGE  # the frame of a world map may run along 180 itself
    jumps = (np.abs(step) > HALF_CIRCLE) & (inner[1:] | inner[:-1])
    return np.concatenate([[0.0], np.cumsum(-np.sign(step) * jumps)])


def _wrapped_shape(shape: Any) -> Any:
    pieces = []
    for part in _polygons(shape):
        shell, *holes = [_continuous(ring) for ring in _rings(part)]
        for hole in holes:
            turns = round((shell.centroid.x - hole.centroid.x) / CIRCLE)
            shell = shell.difference(translate(hole, CIRCLE * turns))
        for turns in (-1, 0, 1):
            west = CIRCLE * turns - HALF_CIRCLE
            inside = shell.intersection(shapely.box(west, -POLE, west + CIRCLE, POLE))
            pieces.append(translate(inside, -CIRCLE * turns))
    return shapely.MultiPolygon(_polygons(shapely.union_all(pieces)))


def _continuous(ring: Any) -> Any:
    """The area of a ring with continuous longitudes, which may pass 180."""
    points = shapely.get_coordinates(ring)
    turns = _turns(ring)
    points[:, 0] += CIRCLE * turns
    if turns[-1] != 0.0:  # it runs round a pole: closed along the nearer one
        pole = np.copysign(POLE, points[:, 1].mean())
        points = np.concatenate([points, [[points[-1, 0], pole], [points[0, 0], pole]]])
    return shapely.make_valid(shapely.Polygon(points))


def _bounds(bounds: Any) -> str:
    return ", ".join(f"{value:g}" for value in bounds)
