"""Reading rasters: what a file holds, and windows of it as float64 with NaN for missing.

GDAL reads the formats (GeoTIFF, NetCDF, ...). Scale and offset of the file's tags are applied once,
here and nowhere else; units are converted once, here and nowhere else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from recarb.core.config import Layer
from recarb.core.errors import GridMismatch, InputError, MissingData, UnitError
from recarb.core.paths import AnyPath, is_file, matching
from recarb.core.quantities import Quantity, catalogue
from recarb.core.units import Conversion, conversion
from recarb.io.opened import opened, path_of, uri_of

Floats = NDArray[np.float64]
ROI = tuple[slice, slice]

GRID_TOLERANCE = 1e-6  # share of a cell by which two parts of one series may be shifted
VERSION_TAGS = ("SOURCE", "product_version", "version", "VERSION",  # GeoTIFF, ours first
                "NC_GLOBAL#product_version", "NC_GLOBAL#version")  # fmt: skip
HUGE = 1e30  # from here on a declared nodata value is matched roughly:
HUGE_TOLERANCE = 1e-3  # -3.4e38 is written with more or fewer digits (relative)


@dataclass(frozen=True)
class LayerFile:
    """One layer as it lies on disk: where, on which grid, in which unit, with which bands.

    `parts` are the files (a series may be split over several), each with its number of bands.
    """

    key: str
    layer: Layer
    quantity: Quantity
    parts: tuple[tuple[str, int], ...]
    geobox: GeoBox
    unit: str
    unit_from: str
    unit_tag: str | None
    conversion: Conversion
    band_names: tuple[str, ...]
    times: tuple[str, ...] | None

    @property
    def count(self) -> int:
        """Number of bands over all parts."""
        return sum(bands for _, bands in self.parts)

    @property
    def where(self) -> str:
        """How the layer is named in messages."""
        return f"{self.key} ({self.layer.path.name})"

    @property
    def files(self) -> tuple[AnyPath, ...]:
        """The files, local or remote."""
        return tuple(path_of(uri) for uri, _ in self.parts)


def describe(key: str, layer: Layer, quantity: Quantity | None = None) -> LayerFile:
    """Open a layer and read what it says of itself.

    Raises
    ------
    MissingData
        The file, the band or the variable is not there.
    InputError
        It is no raster.
    GridMismatch
        It has no coordinate system, or the parts of a series differ.
    UnitError
        Neither its tags nor run.toml name a unit, or the unit cannot be converted.
    """
    quantity = quantity or catalogue()[key]
    uris = [uri_of(key, path, layer.variable) for path in _paths(key, layer)]
    parts: list[tuple[str, int]] = []
    names: list[str] = []
    times: list[str] = []
    geobox: GeoBox | None = None
    tag: str | None = None
    for uri in uris:
        with opened(uri, key) as source:
            _check_georeference(source, key, uri)
            box = _geobox(source)
            if geobox is not None and not _same_grid(geobox, box):
                raise GridMismatch(f"{key}: {path_of(uri)} lies on another grid than {uris[0]}")
            geobox = geobox or box
            tag = _one_unit(tag, _unit_tag(source), layer, f"{key}: {path_of(uri)}")
            parts.append((uri, source.count))
            names += [name or "" for name in source.descriptions]
            times += _time_stamps(source)
    assert geobox is not None  # noqa: S101 - _paths returned at least one file
    unit, unit_from = _unit(key, layer, quantity, tag)
    return LayerFile(
        key=key,
        layer=layer,
        quantity=quantity,
        parts=tuple(parts),
        geobox=geobox,
        unit=unit,
        unit_from=unit_from,
        unit_tag=tag,
        conversion=conversion(unit, quantity, f"{key} ({layer.path.name})"),
        band_names=tuple(names),
        times=tuple(times) if len(times) == len(names) else None,
    )


def read(layer: LayerFile, bands: Sequence[int], roi: ROI, days: Floats | None = None) -> Floats:
    """Read 1-based `bands` of a window, (band, y, x) float64 in the canonical unit, NaN = missing.

    Parameters
    ----------
    roi : rows and columns of the layer's own grid
    days : (band,) days of each month, needed for units per day
    """
    rows, columns = roi
    window = Window.from_slices(rows, columns)
    shape = (len(bands), rows.stop - rows.start, columns.stop - columns.start)
    if not all(1 <= band <= layer.count for band in bands):
        raise MissingData(f"{layer.where}: bands {list(bands)} are wanted, it has {layer.count}")
    values = np.empty(shape)
    for uri, inside, at in _bands_by_part(layer, bands):
        with opened(uri, layer.key) as source:
            _decode(source, inside, window, layer.layer, out=values[at])
    per_band = None if days is None else days[:, None, None]
    return layer.conversion.apply(values, per_band)


def read_raw_codes(layer: LayerFile, band: int, roi: ROI) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Class codes of a window as they stand in the file, and where they are valid."""
    window = Window.from_slices(*roi)
    ((uri, inside, _),) = _bands_by_part(layer, [band])
    with opened(uri, layer.key) as source:
        data = source.read(inside[0], window=window)
        valid = source.read_masks(inside[0], window=window) > 0
    for missing in layer.layer.nodata:
        valid &= ~_equals(data, missing)
    if data.dtype.kind == "f":
        valid &= ~np.isnan(data)
    return data, valid


def version_of(layer: LayerFile) -> str:
    """Version of the data set as the file's own tags tell it; "" where they do not.

    Raises
    ------
    InputError
        The file is damaged or cannot be reached.
    """
    with opened(layer.parts[0][0], layer.key) as source:
        tags = source.tags()
    return next((tags[name].strip() for name in VERSION_TAGS if tags.get(name, "").strip()), "")


def whole(layer: LayerFile) -> ROI:
    """The window that covers the whole layer."""
    height, width = layer.geobox.shape
    return slice(0, height), slice(0, width)


def _bands_by_part(
    layer: LayerFile, bands: Sequence[int]
) -> Iterator[tuple[str, list[int], slice]]:
    """Per run of bands in one file: its URI, the bands inside it, and where they go."""
    ends = np.cumsum([count for _, count in layer.parts])
    parts = np.searchsorted(ends, bands)
    cuts = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(bands)]
    for first, last in pairwise(cuts):
        uri, count = layer.parts[parts[first]]
        before = int(ends[parts[first]]) - count
        yield uri, [band - before for band in bands[first:last]], slice(first, last)


def _equals(data: NDArray[Any], value: float) -> NDArray[np.bool_]:
    """Where `data` is a declared value, in the file's own type (0.1 differs in 32 bits)."""
    if data.dtype.kind != "f" or not np.isfinite(value):
        return np.asarray(data == value)
    if abs(value) < HUGE:
        return np.asarray(data == np.asarray(value).astype(data.dtype))
    low, high = sorted((value * (1.0 - HUGE_TOLERANCE), value * (1.0 + HUGE_TOLERANCE)))
    wide = data.astype(np.float64)
    return np.asarray((wide >= low) & (wide <= high))


def _decode(source: Any, bands: list[int], window: Window, layer: Layer, out: Floats) -> None:
    """Read bands into `out` (band, y, x): missing values become NaN, the tags' scale is applied."""
    missing = _masked(source, bands, window)
    if layer.nodata:
        data = source.read(bands, window=window)
        for value in layer.nodata:
            missing = missing | _equals(data, value)
        out[...] = data
    else:
        source.read(bands, window=window, out=out)
    if layer.apply_scale:
        scales, offsets = source.scales, source.offsets  # rasterio asks every band for them
        for i, band in enumerate(bands):
            if (scales[band - 1], offsets[band - 1]) != (1.0, 0.0):
                out[i] *= scales[band - 1]
                out[i] += offsets[band - 1]
    np.copyto(out, np.nan, where=missing)


def _masked(source: Any, bands: list[int], window: Window) -> NDArray[np.bool_]:
    """Where the file says that nothing is: its nodata value, mask band or alpha."""
    if _needs_no_mask(source, bands):
        return np.zeros((len(bands), 1, 1), dtype=np.bool_)  # NaN is NaN without a mask
    return np.asarray(source.read_masks(bands, window=window) == 0)


def _needs_no_mask(source: Any, bands: list[int]) -> bool:
    nodata = source.nodatavals
    given = [nodata[band - 1] for band in bands if nodata[band - 1] is not None]
    if not np.isnan(given).all():
        return False  # asked first: the flags of all bands of a long series take a while
    flags = source.mask_flag_enums
    return all(flags[band - 1] in ([MaskFlags.all_valid], [MaskFlags.nodata]) for band in bands)


def _paths(key: str, layer: Layer) -> list[AnyPath]:
    path = layer.path
    if any(sign in path.name for sign in "*?["):
        found = matching(path)
        if not found:
            raise MissingData(f"{key}: no file matches {path}; correct `path` in run.toml")
        return found
    if not is_file(path):
        raise MissingData(f"{key}: no such file: {path}; correct `path` in run.toml")
    return [path]


def _check_georeference(source: Any, key: str, uri: str) -> None:
    if source.count == 0 and source.subdatasets:
        names = ", ".join(name.rsplit(":", 1)[-1] for name in source.subdatasets)
        raise MissingData(
            f"{key}: {path_of(uri)} holds several variables ({names}); name one: variable = ..."
        )
    if any(str(kind).startswith("complex") for kind in source.dtypes):
        raise InputError(
            f"{key}: {path_of(uri)} holds complex numbers (radar?); expected a map of real numbers"
        )
    if _crs(source) is None:
        raise GridMismatch(
            f"{key}: {path_of(uri)} has no coordinate system (CRS). Assign one, for example with "
            "`gdal_edit.py -a_srs EPSG:4326`, or export it again from your GIS"
        )
    a = source.transform
    if a.b != 0 or a.d != 0 or a.a <= 0 or a.e >= 0:
        raise GridMismatch(
            f"{key}: {path_of(uri)} is rotated or upside down ({tuple(a)[:6]}); warp it to "
            "a north-up grid with gdalwarp"
        )


def _geobox(source: Any) -> GeoBox:
    return GeoBox((source.height, source.width), source.transform, _crs(source))


def _crs(source: Any) -> Any:
    """The file's CRS; CF files on a plain latitude/longitude grid rarely name the one they mean."""
    if source.crs is not None or source.driver != "netCDF":
        return source.crs
    units = {value for key, value in source.tags().items() if key.lower().endswith("#units")}
    return "EPSG:4326" if {"degrees_north", "degrees_east"} <= units else None


def _same_grid(one: GeoBox, other: GeoBox) -> bool:
    if one.shape != other.shape or one.crs != other.crs:
        return False
    size = abs(one.transform.a)
    pairs = zip(tuple(one.transform)[:6], tuple(other.transform)[:6], strict=True)
    return all(abs(a - b) <= GRID_TOLERANCE * size for a, b in pairs)


def _unit_tag(source: Any) -> str | None:
    candidates = [unit for unit in source.units if unit]
    tags = {key.lower(): value for key, value in source.tags().items()}
    band = {key.lower(): value for key, value in source.tags(1).items()}
    candidates += [
        table[key] for table in (band, tags) for key in ("units", "unit") if key in table
    ]
    return candidates[0] if candidates else None


def _one_unit(tag: str | None, of_part: str | None, layer: Layer, where: str) -> str | None:
    """The unit of a series in parts; a part that names another is no mistake to guess about."""
    if layer.unit is None and tag is not None and of_part not in {None, tag}:
        raise UnitError(
            f"{where} is in {of_part!r}, the parts before it in {tag!r}; make them one, or write "
            "`unit = ...` in run.toml if the tags are wrong"
        )
    return tag or of_part


def _unit(key: str, layer: Layer, quantity: Quantity, tag: str | None) -> tuple[str, str]:
    if quantity.is_code:
        return quantity.unit, "code"
    if layer.unit is not None:
        return layer.unit, "run.toml"
    if tag is not None:
        return tag, "tag"
    raise UnitError(
        f"{key}: the unit of {layer.path.name} is unknown: its tags name none. Expected something "
        f"that becomes {quantity.unit}; write `unit = ...` beside its path in run.toml"
    )


def _time_stamps(source: Any) -> list[str]:
    """`YYYY-MM` of every band: from NetCDF time, else from band names like 1981-01 or 198101."""
    from recarb.io.times import from_names, from_netcdf

    return from_netcdf(source) or from_names(source.descriptions)
