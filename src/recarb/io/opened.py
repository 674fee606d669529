"""Open rasters: each thread keeps its last ones, because opening costs more than a window.

Measured with `raster.read` on 500 windows of a tiled GeoTIFF: 3.5 s opened anew each time, 1.0 s
kept open; on 10 windows of 480 bands: 11 s and 2.6 s. GDAL drops unpacked blocks with the file.
"""

import atexit
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError  # what rasterio lets through of GDAL's own errors
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from recarb.core.errors import InputError
from recarb.core.paths import AnyPath, is_remote, parse_path
from recarb.io.remote import Opener, open_remote

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
TRUSTED_S = 10.0  # for so long a remote file is taken to be the same without asking
KEPT = 64  # open files of one thread; a series may be split over some tens
LOCAL_ONLY = (".nc", ".nc4", ".cdf", ".h5", ".hdf", ".hdf5", ".grb", ".grib", ".vrt")
REMOTE_FORMAT = (
    "behind a URL only GeoTIFF can be read (best Cloud-Optimised: gdal_translate -of COG); convert "
    "it, or copy the file and give its local path"
)


@dataclass
class _Open:
    """An open raster, which process opened what version of it, and when that was last asked."""

    source: Any
    opener: Opener | None
    mark: object
    asked_s: float

    def is_fresh(self) -> bool:
        """Whether a remote file was asked for its version only now."""
        is_ours = isinstance(self.mark, tuple) and self.mark[0] == os.getpid()
        return is_ours and self.opener is not None and monotonic() - self.asked_s < TRUSTED_S


class _Kept(threading.local):
    """Open rasters of this thread, the longest unused first."""

    def __init__(self) -> None:
        self.sources: OrderedDict[str, _Open] = OrderedDict()


_kept = _Kept()


def uri_of(key: str, path: AnyPath, variable: str | None) -> str:
    """How GDAL is asked for a file, or for one variable of a NetCDF.

    Raises
    ------
    InputError
        A remote file of a format that is read only from a local disk.
    """
    if is_remote(path) and (variable or path.suffix.lower() in LOCAL_ONLY):
        raise InputError(f"{key}: {path}: {REMOTE_FORMAT}")
    return f'NETCDF:"{path}":{variable}' if variable else str(path)


def path_of(uri: str) -> AnyPath:
    """The file of a URI."""
    plain = uri.split('"')[1] if uri.startswith("NETCDF:") else uri
    return parse_path(plain) if "://" in plain else Path(plain)


@contextmanager
def opened(uri: str, key: str) -> Iterator[Any]:
    """The open raster, for this thread alone; the caller does not close it.

    Raises
    ------
    InputError
        It is no raster, is damaged or cannot be reached.
    """
    found = _source(uri, key)
    opener = found.opener
    try:
        yield found.source
        if opener is not None:
            opener.check()
    except BaseException as error:
        _forget(uri)
        if opener is not None:
            opener.check()
        if isinstance(error, GDAL_ERRORS):
            raise InputError(
                f"{key}: {path_of(uri)} opens but cannot be read ({error}); it is damaged: copy or "
                "download it again"
            ) from error
        raise


def close_all() -> None:
    """Close what this thread keeps open."""
    for uri in list(_kept.sources):
        _forget(uri)


atexit.register(close_all)  # later GDAL could not call back into Python any more


def _source(uri: str, key: str) -> _Open:
    kept = _kept.sources.get(uri)
    if kept is not None and kept.is_fresh():
        _kept.sources.move_to_end(uri)
        return kept
    path = path_of(uri)
    opener = None if isinstance(path, Path) else Opener(path)
    mark = (os.getpid(), _local_mark(path) if opener is None else opener.mark())
    if kept is not None and kept.mark == mark:
        _kept.sources.move_to_end(uri)
        kept.asked_s = monotonic()
        return kept
    _forget(uri)
    found = _Open(_open(uri, key, opener), opener, mark, monotonic())
    _kept.sources[uri] = found
    if len(_kept.sources) > KEPT:
        _forget(next(iter(_kept.sources)))
    return found


def _local_mark(path: AnyPath) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _forget(uri: str) -> None:
    kept = _kept.sources.pop(uri, None)
    if kept is not None:
        kept.source.close()


def _open(uri: str, key: str, opener: Opener | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(uri) if opener is None else open_remote(opener)
        except GDAL_ERRORS as error:
            expected = "Expected GeoTIFF or NetCDF" if opener is None else REMOTE_FORMAT
            raise InputError(
                f"{key}: {path_of(uri)} is not a raster GDAL can read ({error}). "
                f"{expected}; if it was downloaded, it may be an error page or half a file"
            ) from error
