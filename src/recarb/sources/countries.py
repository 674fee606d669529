"""Where a country lies: boxes of longitude and latitude, from a table or the user's boundary."""

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.sources.base import HALF_CIRCLE_DEG, POLE_DEG, Area, Box

CORNERS = 4


@cache
def countries() -> dict[str, Area]:
    """All countries of the table by ISO 3166 alpha-3 code.

    >>> countries()["FJI"].boxes[0]
    Box(west=-180.0, south=-20.7, east=-178.2, north=-16.1)
    """
    text = (files("recarb.sources") / "countries.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, Area] = {}
    for row in csv.DictReader(lines):
        box = Box(*(float(row[side]) for side in Box._fields))
        before = found.get(row["iso3"])
        boxes = (*before.boxes, box) if before else (box,)
        found[row["iso3"]] = Area(row["iso3"], row["name"], boxes)
    return found


def area_of(iso3: str, boundary: Path | None = None, box: str | None = None) -> Area:
    """The area of a country: from `box` or `boundary` where given, else from the table.

    Raises
    ------
    ConfigError
        No three letters, an unknown country, or no box.
    """
    code = iso3.upper()
    if len(code) != len("ISO") or not code.isalpha() or not code.isascii():
        raise ConfigError(
            f"expected the three letters of a country (ISO 3166 alpha-3, like THA), came {iso3!r}"
        )
    known = countries().get(code)
    name = known.name if known else code
    if box is not None:
        return Area(code, name, (parse_box(box),))
    if boundary is not None:
        return Area(code, name, _boxes_of(boundary))
    if known is None:
        raise ConfigError(
            f"{code} is not in recarb's table of countries; correct it, or say where it lies: "
            "--box WEST,SOUTH,EAST,NORTH or --boundary FILE"
        )
    return known


def parse_box(text: str) -> Box:
    """A box from "west,south,east,north" [deg].

    >>> parse_box("97.3,5.6,105.7,20.5").north
    20.5
    """
    wrong = ConfigError(
        f"--box: expected WEST,SOUTH,EAST,NORTH in degrees, as 97.3,5.6,105.7,20.5; came {text!r}; "
        "a country across 180 degrees: give its --boundary"
    )
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise wrong from None
    if len(numbers) != CORNERS:
        raise wrong
    box = Box(*numbers)
    in_world = -HALF_CIRCLE_DEG <= box.west < box.east <= HALF_CIRCLE_DEG
    if not in_world or not -POLE_DEG <= box.south < box.north <= POLE_DEG:
        raise wrong
    return box


def _boxes_of(path: Path) -> tuple[Box, ...]:
    """Boxes of the polygons of a file; one on each side of the antimeridian where it goes across.

    Raises
    ------
    MissingData, InputError
        No such file, no polygons.
    """
    import geopandas
    from pyogrio.errors import DataSourceError

    from recarb.io.vectors import polygons_in
    from recarb.sources.target import arc

    if not path.is_file():
        raise MissingData(f"--boundary: no such file: {path}; correct the path")
    try:
        frame = geopandas.read_file(path)
    except DataSourceError as error:
        raise InputError(f"--boundary: {path} is no vector file GDAL can read ({error})") from error
    if frame.empty or frame.crs is None:
        raise InputError(
            f"--boundary: {path}: expected polygons with a coordinate system, found "
            f"{len(frame)} shapes, coordinate system {frame.crs}; save it again (EPSG:4326)"
        )
    bounds = polygons_in(frame, "EPSG:4326").geometry.explode().bounds
    if bounds.empty or not np.isfinite(bounds.to_numpy()).all():
        raise InputError(
            f"--boundary: {path}: expected polygons, found lines, points or places off the Earth; "
            "give the file of the country's area in the coordinate system it names"
        )
    boxes = [Box(*row).grown(0) for row in bounds.to_numpy().tolist()]
    around = arc(boxes)
    if around.east <= HALF_CIRCLE_DEG:
        return (around,)
    east = [box for box in boxes if box.west >= around.west]
    west = [box for box in boxes if box.west < around.west]
    return arc(west), arc(east)
