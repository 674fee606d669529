"""A fetched file becomes a layer: its variable, unit, months, whatever it is packed in.

Scale, offset and fill are those of the file. The unit is the registry's: tags of public files often
name none, or say less ("mm").
"""

import gzip
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import Layer
from recarb.core.errors import MissingData, OutOfRange, OutputError, WrongContent
from recarb.core.quantities import Quantity
from recarb.io.raster import LayerFile, describe
from recarb.sources.material import Material
from recarb.sources.registry import LayerFacts

Floats = NDArray[np.float64]

RASTERS = (".tif", ".tiff", ".nc")
CHUNK = 1 << 20  # bytes unpacked at a time


def layers_of(material: Material, key: str, staging: Path, **values: str) -> list[LayerFile]:
    """The GeoTIFFs of a material that carry these values, described; one for each box or tile.

    Parameters
    ----------
    key : quantity of core/quantities.toml that they become

    Raises
    ------
    MissingData
        There is no such file.
    InputError
        A file is no raster, or its unit is unknown.
    """
    from recarb.core.quantities import catalogue

    facts = facts_of(material, values.get("variable"))
    unit = material.unit if facts is None or facts.unit == "code" else facts.unit
    paths = [inside for path in material.where(**values) for inside in rasters_in(path, staging)]
    if not paths:
        raise MissingData(
            f"{material.role}: {material.title} has no file with {values}; fetch again"
        )
    return [describe(key, Layer(path=path, unit=unit), catalogue()[key]) for path in paths]


def facts_of(material: Material, variable: str | None) -> LayerFacts | None:
    """What the registry says of a variable; of the only one where there is one."""
    if material.entry is None:
        return None
    layers = material.entry.layers
    if variable is None and len(layers) == 1:
        return next(iter(layers.values()))
    return layers.get(variable or "")


def rasters_in(path: Path, staging: Path) -> list[Path]:
    """The rasters of a file: itself, or what is in the zip, in the order of their names.

    Raises
    ------
    WrongContent
        A zip without a raster.
    OutputError
        It cannot be unpacked to the disk.
    """
    if path.suffix.lower() != ".zip":
        return [path]
    with zipfile.ZipFile(path) as packed:
        names = sorted(
            name for name in packed.namelist()
            if PurePosixPath(name).suffix.lower() in RASTERS
        )  # fmt: skip
        if not names:
            raise WrongContent(f"{path}: expected a zip with a raster, found {packed.namelist()}")
        return [_unpacked_member(packed, name, staging / path.stem) for name in names]


def _unpacked_member(packed: zipfile.ZipFile, name: str, folder: Path) -> Path:
    """One member under its bare name: a path inside a zip cannot lead elsewhere."""
    target = folder / PurePosixPath(name).name
    if target.is_file() and target.stat().st_size == packed.getinfo(name).file_size:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with packed.open(name) as source, target.open("wb") as handle:
            shutil.copyfileobj(source, handle, CHUNK)
    except OSError as error:
        raise OutputError(f"{target}: cannot be unpacked ({error.strerror}); make room") from error
    if target.suffix.lower() in RASTERS[:2]:
        _named_crs(target)
    return target


def _named_crs(path: Path) -> None:
    """Old maps in a zip name no coordinate system; those of the registry are all EPSG:4326."""
    import rasterio

    with rasterio.open(path) as source:
        known = source.crs is not None
    if not known:
        with rasterio.open(path, "r+") as target:
            target.crs = "EPSG:4326"


@contextmanager
def unpacked(path: Path, staging: Path) -> Iterator[Path]:
    """The NetCDF inside a .gz, removed again afterwards; any other file as it is.

    Raises
    ------
    OutputError
        The disk does not take it.
    """
    from recarb.io.opened import close_all

    if path.suffix.lower() != ".gz":
        yield path
        return
    target = staging / path.stem
    try:
        with gzip.open(path) as source, target.open("wb") as handle:
            shutil.copyfileobj(source, handle, CHUNK)
    except OSError as error:
        raise OutputError(f"{target}: cannot be unpacked ({error.strerror}); make room") from error
    try:
        yield target
    finally:
        close_all()
        target.unlink(missing_ok=True)


def check_possible(values: Floats, quantity: Quantity, where: str) -> None:
    """Refuse values that no place on earth has: a wrong scale, offset or fill shows here.

    Raises
    ------
    OutOfRange
    """
    known = values[np.isfinite(values)]
    if known.size and not (known.min() >= quantity.low and known.max() <= quantity.high):
        raise OutOfRange(
            f"{where}: expected {quantity.low:g} to {quantity.high:g} {quantity.unit}, came "
            f"{known.min():g} to {known.max():g}; its scale, offset, fill or unit is not what the "
            "registry says (`recarb sources show`)"
        )


def first_known(fields: Iterator[Floats]) -> Floats:
    """Of several boxes or tiles of one map, the first that knows a cell."""
    result: Any = None
    for field in fields:
        result = field if result is None else np.where(np.isnan(result), field, result)
    return np.asarray(result)
