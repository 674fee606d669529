"""Is a file what it should be? First bytes, then all of it decoded, then its values."""

import gzip
import json
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from recarb.core.errors import OutputError, WrongContent
from recarb.sources.base import EMPTY, Kind, Wanted

HEAD_BYTES = 16  # enough for every magic number
PAGE_BYTES = 512  # enough for the title of a web page
CHUNK = 1 << 20  # bytes read at a time
CELLS_AT_ONCE = 1 << 24  # decoded at a time: 128 MiB as float64

CLASSIC = (b"CDF\x01", b"CDF\x02")  # NetCDF 3, whose length recarb can prove
NETCDF = (*CLASSIC, b"\x89HDF\r\n\x1a\n")
MAGIC: dict[Kind, tuple[bytes, ...]] = {
    Kind.GEOTIFF: (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),  # classic and BigTIFF
    Kind.NETCDF: NETCDF,
    Kind.NETCDF_GZIP: (b"\x1f\x8b",),
    Kind.ZIP: (b"PK\x03\x04",),
    Kind.JSON: (b"{", b"["),
}
WEB_PAGE = re.compile(rb"^\s*(<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html)", re.I)
TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title>", re.I | re.S)


def is_web_page(head: bytes) -> bool:
    """Whether a file starts as HTML.

    >>> is_web_page(b" <!DOCTYPE html><title>Sign in</title>")
    True
    """
    return bool(WEB_PAGE.match(head.removeprefix(b"\xef\xbb\xbf")))


def check_head(head: bytes, kind: Kind) -> None:
    """Compare the first bytes of a file with its format.

    Raises
    ------
    WrongContent
        Nothing, a web page, or another format.
    """
    if not head:
        raise WrongContent(f"expected {kind.value}, came 0 bytes")
    if is_web_page(head):
        title = TITLE.search(head)
        named = f" ({title[1].decode('utf-8', 'replace')})" if title else ""
        raise WrongContent(f"expected {kind.value}, came a web page{named}")
    start = head.lstrip() if kind is Kind.JSON else head
    if not start.startswith(MAGIC[kind]):
        raise WrongContent(
            f"expected {kind.value} (first bytes {MAGIC[kind][0]!r}), came {head[:HEAD_BYTES]!r}"
        )


def check_file(path: Path, wanted: Wanted) -> tuple[str, ...]:
    """Decode a whole file and look at its values; what was checked, for provenance.

    Raises
    ------
    WrongContent
        It cannot be decoded to its end, or holds impossible values.
    """
    with path.open("rb") as handle:
        head = handle.read(PAGE_BYTES)
    check_head(head, wanted.kind)
    match wanted.kind:
        case Kind.GEOTIFF:
            return ("first bytes", _check_raster(path, wanted))
        case Kind.NETCDF:
            return ("first bytes", _check_netcdf(path, wanted))
        case Kind.NETCDF_GZIP:
            return ("first bytes", _check_gzip(path, wanted))
        case Kind.ZIP:
            return ("first bytes", _check_zip(path))
        case Kind.JSON:
            return ("first bytes", _check_json(path))


def check_decodes(path: Path, variable: str | None = None) -> tuple[float, float, int]:
    """Decode every block of every band of a raster; smallest and largest value, how many there are.

    Raises
    ------
    WrongContent
        A block cannot be decoded, or there is no such variable.
    """
    import rasterio

    from recarb.io.opened import GDAL_ERRORS

    uri = f'NETCDF:"{path}":{variable}' if variable else str(path)
    low, high, valid = np.inf, -np.inf, 0
    try:
        with rasterio.open(uri) as source:
            rows = max(1, CELLS_AT_ONCE // source.width)
            for band in range(1, source.count + 1):
                scale, offset = source.scales[band - 1], source.offsets[band - 1]
                for top in range(0, source.height, rows):
                    window = ((top, min(top + rows, source.height)), (0, source.width))
                    values = source.read(band, window=window, masked=True).compressed()
                    values = values[np.isfinite(values)]
                    if values.size:
                        ends = np.array([values.min(), values.max()], np.float64) * scale + offset
                        low, high = min(low, ends.min()), max(high, ends.max())
                        valid += values.size
    except GDAL_ERRORS as error:
        named = f" variable {variable}" if variable else ""
        raise WrongContent(f"expected a raster{named} that decodes, came: {error}") from error
    return low, high, valid


def _check_raster(path: Path, wanted: Wanted) -> str:
    """Decode all of it and hold its values to what is possible; the range found."""
    plausible = wanted.plausible
    low, high, valid = check_decodes(path, plausible.variable if plausible else None)
    if not valid and wanted.may_be_empty:
        return EMPTY
    if not valid:
        raise WrongContent("expected values, every cell is 'no data': does it cover this place?")
    if plausible and not plausible.low <= low <= high <= plausible.high:
        raise WrongContent(
            f"expected values from {plausible.low:g} to {plausible.high:g} {plausible.unit}, "
            f"came {low:g} to {high:g}"
        )
    return f"decoded: {valid} values from {low:g} to {high:g}"


def _check_classic_length(path: Path) -> None:
    """Refuse half a NetCDF 3: the NetCDF library would read zeros where it ends."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(path, mmap=False) as source:
            source.variables.clear()
    except (ValueError, TypeError, IndexError, EOFError) as error:
        raise WrongContent(f"expected a whole NetCDF 3, came: {error}") from error


def _check_gzip(path: Path, wanted: Wanted) -> str:
    """Unpack to the end, which compares gzip's own checksum, and decode the NetCDF inside."""
    inside = path.with_name(path.name + ".unpacked.nc")
    try:
        total = _unpack(path, inside)
        told = f"unpacked: {total} bytes, checksum of gzip"
        if wanted.plausible is None or wanted.plausible.variable is None:
            return told
        return f"{told}; {_check_netcdf(inside, wanted)}"
    finally:
        inside.unlink(missing_ok=True)


def _unpack(path: Path, target: Path) -> int:
    """Unpack a gzip whose content starts as NetCDF; how many bytes it holds."""
    total = 0
    try:
        with gzip.open(path) as source, target.open("wb") as unpacked:
            while chunk := source.read(CHUNK):
                if not total:
                    check_head(chunk[:PAGE_BYTES], Kind.NETCDF)
                total += len(chunk)
                unpacked.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise WrongContent(f"expected gzip that unpacks, came: {error}") from error
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be unpacked to be checked ({error.strerror}); make room"
        ) from error
    if not total:
        check_head(b"", Kind.NETCDF)
    return total


def _check_netcdf(path: Path, wanted: Wanted) -> str:
    """Decode a NetCDF of either format."""
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if head.startswith(CLASSIC):
        _check_classic_length(path)
    return _check_raster(path, wanted)


def _check_zip(path: Path) -> str:
    """Compare the checksum of every member."""
    try:
        with zipfile.ZipFile(path) as inside:
            names = inside.namelist()
            wrong = inside.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise WrongContent(f"expected zip that unpacks, came: {error}") from error
    if wrong is not None or not names:
        raise WrongContent(f"expected zip that unpacks, came one with damaged {wrong or 'nothing'}")
    return f"unpacked: {len(names)} members, checksums of zip"


def _check_json(path: Path) -> str:
    """Parse; a boundary must hold shapes."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise WrongContent(f"expected JSON, came: {error}") from error
    if path.name.split(".part")[0].endswith(".geojson"):
        shapes = content.get("features") if isinstance(content, dict) else None
        if not shapes:
            raise WrongContent("expected GeoJSON with shapes, came one with none")
        return f"parsed: {len(shapes)} shapes"
    return "parsed"
