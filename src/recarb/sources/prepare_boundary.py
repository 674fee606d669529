"""The boundary of a country beside its layers, as GeoJSON."""

import os
from pathlib import Path

from recarb.core.errors import InputError, MissingData, OutputError
from recarb.sources.layer_out import Out
from recarb.sources.material import Material

NAME = "boundary.geojson"
UNIT_FIELDS = {"geoboundaries": "shapeName", "natural_earth": "NAME"}  # that name the units
ISO3_FIELDS = ("ISO_A3_EH", "ISO_A3", "ADM0_A3", "shapeGroup")  # that name the country


def write_boundary(material: Material, iso3: str, out: Out) -> Path:
    """Write the polygons of a country; out of a world map only its own.

    Raises
    ------
    InputError
        It is no vector file.
    MissingData
        It holds no polygon of the country.
    OutputError
        The disk does not take it.
    """
    import geopandas
    from pyogrio.errors import DataSourceError

    path = material.paths[0]
    uri = f"/vsizip/{path}" if path.suffix.lower() == ".zip" else path
    try:
        frame = geopandas.read_file(uri)
    except DataSourceError as error:
        raise InputError(f"boundary: {path} is no vector file GDAL can read ({error})") from error
    if path.suffix.lower() == ".zip":
        field = next((name for name in ISO3_FIELDS if name in frame.columns), None)
        frame = frame if field is None else frame[frame[field] == iso3]
    if frame.empty:
        raise MissingData(
            f"boundary: {path.name} has no polygon of {iso3}; bring your own: --own boundary=FILE"
        )
    part = out.staging / NAME
    try:
        frame.to_file(part, driver="GeoJSON")
        os.replace(part, out.folder / NAME)
    except (OSError, DataSourceError) as error:
        raise OutputError(f"{out.folder / NAME}: cannot be written ({error})") from error
    return out.folder / NAME
