"""GeoTIFFs behind a URL: GDAL reads the parts it needs through fsspec."""

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import rasterio
from rasterio.abc import FileContainer
from upath import UPath

from recarb.core.errors import InputError
from recarb.core.paths import reaching

NAME = "/remote.tif"  # what GDAL calls the file; a real name may hold signs that it splits at
SIDE_FILES = (".aux.xml", ".msk")  # tags and mask that GIS tools lay beside a GeoTIFF
BLOCK = 1 << 17  # bytes fetched at least, because a request costs more than its bytes
BLOCKS_KEPT = 512  # 64 MiB


@dataclass(frozen=True)
class _Version:
    """A remote file as it was when it was opened; another version has blocks of its own."""

    url: str
    mark: str
    size: int


class _File(io.RawIOBase):
    """What GDAL reads from. An error must not pass through C code, so it is kept in `faults`."""

    def __init__(self, path: UPath, version: _Version, faults: list[BaseException]) -> None:
        self._path, self._version, self._faults = path, version, faults
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._version.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = self._version.size if size < 0 else min(self._at + size, self._version.size)
        if self._at >= end:
            return b""
        try:
            found = _read(self._path, self._version, self._at, end)
        except BaseException as error:  # Ctrl-C too: here it would be lost
            self._faults.append(error)
            return b""
        self._at += len(found)
        return found


def _read(path: UPath, version: _Version, start: int, end: int) -> bytes:
    if end - start >= BLOCK:
        return _fetch(path, version, start, end)
    first, last = start // BLOCK, (end - 1) // BLOCK
    found = b"".join(_block(path, version, number) for number in range(first, last + 1))
    return found[start - first * BLOCK : end - first * BLOCK]


@lru_cache(maxsize=BLOCKS_KEPT)
def _block(path: UPath, version: _Version, number: int) -> bytes:
    return _fetch(path, version, number * BLOCK, min((number + 1) * BLOCK, version.size))


def _fetch(path: UPath, version: _Version, start: int, end: int) -> bytes:
    with reaching(path):
        found = bytes(path.fs.cat_file(path.path, start=start, end=end))
    if len(found) != end - start:
        raise InputError(
            f"{path}: expected {end - start} bytes from byte {start}, the server gave "
            f"{len(found)}; it cannot give parts of a file, or the file changed: copy it and give "
            "its local path"
        )
    return found


class Opener(FileContainer):  # type: ignore[misc] # rasterio has no types
    """Shows GDAL one remote file and what lies beside it, and keeps what went wrong."""

    def __init__(self, path: UPath) -> None:
        self._path = path
        self._versions: dict[str, _Version | None] = {}
        self.faults: list[BaseException] = []

    def check(self) -> None:
        """Raise what went wrong while GDAL read; it may have taken it for an empty part."""
        if self.faults:
            raise self.faults[0]

    def mark(self) -> str | None:
        """Tells one version of the file from another; None where it cannot be reached."""
        version = self.version(NAME)
        return version.mark if version else None

    def version(self, name: str) -> _Version | None:
        """The version of the file GDAL calls `name`, None where there is none."""
        if name not in self._versions:
            self._versions[name] = self._look_up(name)
        return self._versions[name]

    def _of(self, name: str) -> UPath:
        return self._path.with_name(self._path.name + name.removeprefix(NAME))

    def _look_up(self, name: str) -> _Version | None:
        if name not in {NAME, *(NAME + side for side in SIDE_FILES)}:
            return None
        path = self._of(name)
        try:
            with reaching(path):
                try:
                    facts = path.fs.info(path.path)
                except (FileNotFoundError, PermissionError):
                    if name == NAME:
                        raise
                    return None  # a store that may not be listed forbids what is not there
            return _Version(str(path), str(sorted(facts.items(), key=str)), _size(path, facts))
        except BaseException as error:
            self.faults.append(error)
            return None

    def open(self, path: str, mode: str = "r", **_: Any) -> _File:
        """A new handle; GDAL asks for one and then for side files."""
        version = self.version(path)
        if version is None:
            raise FileNotFoundError(path)
        return _File(self._of(path), version, self.faults)

    def isfile(self, path: str) -> bool:
        """Whether GDAL finds `path`."""
        return self.version(path) is not None

    def isdir(self, path: str) -> bool:
        """No folder is shown."""
        return False

    def ls(self, path: str) -> list[str]:
        """The file and what belongs to it: a bucket may hold a million others."""
        return [NAME, *(NAME + side for side in SIDE_FILES if self.isfile(NAME + side))]

    def mtime(self, path: str) -> int:
        """Not told; the version says it."""
        return 0

    def size(self, path: str) -> int:
        """Bytes of the file."""
        version = self.version(path)
        return version.size if version else 0

    def rm(self, path: str) -> None:
        """Refuse: inputs are only read."""
        raise PermissionError(path)


def _size(path: UPath, facts: dict[str, Any]) -> int:
    if facts.get("size") is None:
        raise InputError(
            f"{path}: the server does not tell the size of the file, so that it cannot be read in "
            "parts; copy it and give its local path"
        )
    return int(facts["size"])


def open_remote(opener: Opener) -> Any:
    """Open a remote GeoTIFF; the caller asks `opener.check()` after every read.

    Raises
    ------
    MissingData, InputError
        It is not there or cannot be reached.
    RasterioError
        It is no GeoTIFF.
    """
    opener.version(NAME)
    opener.check()
    try:
        source = rasterio.open(NAME, opener=opener, driver="GTiff")
    finally:
        opener.check()
    return source
