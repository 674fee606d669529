"""Writing maps: window by window into a temporary file, then verified under the final name."""

import os
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from recarb.core.errors import OutputError
from recarb.io.opened import GDAL_ERRORS

NODATA = -9999.0
BLOCK = 256
TIFF_STEP = 16  # the side of a block is a multiple of this
WRITE_ERRORS = (*GDAL_ERRORS, OSError)
OVERVIEW_RESAMPLING = {"float32": "average", "uint8": "nearest", "uint16": "nearest"}


@dataclass(frozen=True)
class MapSpec:
    """What is written into the file beside the numbers.

    Attributes
    ----------
    bands : description of each of several bands; without it there is one, called `title`
    cog : a Cloud-Optimised GeoTIFF; a long series of small fields is better off with one band after
        the other, for which COGs have no room
    """

    name: str
    title: str
    unit: str
    dtype: str = "float32"
    tags: Mapping[str, str] = field(default_factory=dict)
    bands: tuple[str, ...] = ()
    cog: bool = True

    @property
    def nodata(self) -> float:
        """-9999 for measures, the largest number for counts and classes."""
        return NODATA if self.dtype == "float32" else float(np.iinfo(self.dtype).max)


class MapWriter:
    """A map that grows tile by tile and gets its final name only when all of it is on disk.

    Use as a context manager; `publish` turns it into a Cloud-Optimised GeoTIFF. A disk that fills
    or a process that dies leaves at most files in the staging folder, never a half-written map.

    Parameters
    ----------
    block : cells along the blocks of the staged file; the size of the windows that will be written,
        where it can be: a compressed block that is written in parts is compressed again each time
    """

    def __init__(self, spec: MapSpec, geobox: GeoBox, staging: Path, block: int = BLOCK) -> None:
        self.spec = spec
        self.staged = staging / f"{spec.name}.part"
        self._sums = array("q")  # band, row, column, height, width, checksum of each
        titles = spec.bands or (spec.title,)
        staged_block = BLOCK if block % TIFF_STEP else block
        profile = {
            "driver": "GTiff",
            "height": geobox.shape[0],
            "width": geobox.shape[1],
            "count": len(titles),
            "interleave": "band",
            "dtype": spec.dtype,
            "crs": str(geobox.crs),
            "transform": geobox.transform,
            "nodata": spec.nodata,
            "tiled": True,
            "blockxsize": staged_block,
            "blockysize": staged_block,
            "compress": "zstd",  # quick and small: the staged file is read once and removed
            "zstd_level": 1,
            "sparse_ok": True,
            "bigtiff": "IF_SAFER",
        }
        try:
            self._file: Any = rasterio.open(self.staged, "w", **profile)
        except WRITE_ERRORS as error:
            raise OutputError(f"cannot write into {staging}: {error}") from error
        self._file.update_tags(**spec.tags)
        for band, title in enumerate(titles, start=1):
            self._file.set_band_description(band, title)
            self._file.set_band_unit(band, spec.unit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except WRITE_ERRORS as error:
            raise OutputError(_disk_message(self.staged, error)) from error

    def write(self, values: NDArray[Any], row: int, column: int, band: int = 1) -> None:
        """Write a block (y, x) whose upper left cell is (`row`, `column`); NaN becomes nodata.

        A block without any value is left out of the file, which reads as nodata there.

        Raises
        ------
        OutputError
            The disk is full or failing, or a value does not fit the type of the map.
        """
        self._check_fit(values, row, column)
        block = np.where(np.isnan(values), self.spec.nodata, values).astype(self.spec.dtype)
        if (block == self.spec.nodata).all():
            return
        height, width = block.shape
        try:
            self._file.write(block, band, window=Window(column, row, width, height))
        except WRITE_ERRORS as error:
            raise OutputError(_disk_message(self.staged, error)) from error
        self._sums.extend(
            (band, row, column, height, width, zlib.crc32(np.ascontiguousarray(block).data))
        )

    def _check_fit(self, values: NDArray[Any], row: int, column: int) -> None:
        """Refuse what a cast would turn into another number without a word."""
        if values.dtype == self.spec.dtype and not np.isinf(values).any():
            return
        known = values[~np.isnan(values)]
        kind = np.dtype(self.spec.dtype)
        limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
        fits = (known >= limits.min) & (known <= limits.max)
        if kind.kind != "f":
            fits &= known == np.rint(known)
        if not fits.all():
            raise OutputError(
                f"{self.spec.name}: {known[~fits][0]:g} near row {row}, column {column} does not "
                f"fit a map of {self.spec.dtype} ({limits.min:g} to {limits.max:g}). This is a "
                "fault of recarb: please report it with run.toml"
            )

    def publish(self, folder: Path) -> Path:
        """Finish the file, read it back, compare with what was given, rename it into `folder`."""
        final = folder / f"{self.spec.name}.tif"
        part = self.staged.with_name(f"{self.spec.name}.cog") if self.spec.cog else self.staged
        try:
            self._file.close()
            if self.spec.cog:
                self._to_cog(part)
            self._verify(part)
            _to_disk(part)
            os.replace(part, final)
        except WRITE_ERRORS as error:
            raise OutputError(_disk_message(final, error)) from error
        finally:
            part.unlink(missing_ok=True)
        self.staged.unlink(missing_ok=True)
        return final

    def _to_cog(self, part: Path) -> None:
        rasterio.shutil.copy(
            self.staged,
            part,
            driver="COG",
            COMPRESS="DEFLATE",
            LEVEL="1",  # a few percent larger, a quarter sooner
            PREDICTOR="YES",
            BLOCKSIZE=BLOCK,
            OVERVIEW_RESAMPLING=OVERVIEW_RESAMPLING[self.spec.dtype],
            SPARSE_OK="TRUE",
            BIGTIFF="IF_SAFER",
            NUM_THREADS="1",
        )

    def _verify(self, path: Path) -> None:
        sums = np.reshape(self._sums, (-1, 6)).tolist()
        with rasterio.open(path) as written:
            for band, row, column, height, width, checksum in sums:
                block = written.read(band, window=Window(column, row, width, height))
                if zlib.crc32(np.ascontiguousarray(block).data) != checksum:
                    raise OutputError(
                        f"{path.name}: what was read back at row {row}, column {column} is not "
                        "what was written; the disk is full or failing. No map was put in place"
                    )


def _to_disk(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _disk_message(path: Path, error: Exception) -> str:
    return (
        f"{path}: could not be written ({error}). Is the disk full? Nothing stands under the final "
        "name; free some room and run again"
    )
