"""Plant cover from NDVI: in each month, the share of good images that are green.

Images are masked by their reliability first, then compared with the threshold on their own grid;
the shares come to the SOC grid. All rules stand in `cover.toml`, each with its source.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recarb.core.config import Layer
from recarb.core.errors import ConfigError, MissingData, OutOfRange
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR
from recarb.harmonise.regrid import to_grid
from recarb.io.cog import MapSpec, MapWriter
from recarb.io.raster import ROI, LayerFile, describe, read_raw_codes
from recarb.sources.layer_out import TILE_CELLS, Out, write_layer
from recarb.sources.material import Material
from recarb.sources.readers import first_known

Floats = NDArray[np.float64]

IMAGE = re.compile(
    r"\.A(?P<day>\d{7})\.(?P<tile>h\d{2}v\d{2})\..*_(?P<kind>NDVI|reliability)\.tif$"
)
LOWEST, HIGHEST = -0.2, 1.0  # NDVI, by the product specification of MOD13: -2000 to 10000
HALF_COMPOSITE = timedelta(days=8)  # of 16 days: its middle says which month it is of
ROWS = 256  # of an image read at once


class Rules(BaseModel):
    """`cover.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ndvi_above: float = Field(ge=LOWEST, le=HIGHEST)
    ndvi_above_source: str
    good_reliability: tuple[int, ...] = Field(min_length=1)
    good_reliability_source: str
    scale: float = Field(gt=0)
    scale_source: str
    share_without_images: float | None = Field(default=None, ge=0, le=1)
    share_without_images_source: str = ""


class Image(NamedTuple):
    """One composite of one tile."""

    month: int  # 0 to 11
    ndvi: LayerFile
    reliability: LayerFile


def load_rules(path: Path | None = None) -> Rules:
    """The rules that ship, or a user's own.

    Raises
    ------
    ConfigError
        They are not valid.

    >>> load_rules().good_reliability
    (0, 1)
    """
    place = path or files("recarb.sources") / "cover.toml"
    try:
        return Rules.model_validate(tomllib.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(f"{place}: expected rules like those of cover.toml: {error}") from error


def images_of(material: Material) -> dict[str, list[Image]]:
    """The images of each tile; every NDVI has its reliability.

    Raises
    ------
    MissingData
        A name says no date, or one of the two is missing.
    """
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for path in material.paths:
        match = IMAGE.search(path.name)
        if match is None:
            raise MissingData(
                f"ndvi: {path.name}: expected a name with date and tile, as ...A2015001.h27v07..."
            )
        found.setdefault((match["tile"], match["day"]), {})[match["kind"]] = path
    tiles: dict[str, list[Image]] = {}
    for (tile, day), pair in sorted(found.items()):
        if len(pair) != len(("NDVI", "reliability")):
            raise MissingData(
                f"ndvi: {tile} of {day} has only {', '.join(pair)}; fetch again: --with ndvi"
            )
        middle = datetime.strptime(day, "%Y%j") + HALF_COMPOSITE
        ndvi, reliability = (_codes(pair[kind]) for kind in ("NDVI", "reliability"))
        tiles.setdefault(tile, []).append(Image(middle.month - 1, ndvi, reliability))
    return tiles


def _codes(path: Path) -> LayerFile:
    """Whole numbers as they stand in the file: a scale in its tags may mean divide."""
    return describe("land_use", Layer(path=path), catalogue()["land_use"])


def write_cover(
    material: Material, rules: Rules, grid: GeoBox, tags: Mapping[str, str], out: Out
) -> tuple[Path, int]:
    """Write the twelve shares on the SOC grid; also how many cell-months had no good image.

    Raises
    ------
    MissingData
        An image lacks its reliability.
    OutOfRange
        NDVI outside -0.2 to 1: the scale is wrong.
    OutputError
        The disk does not take it.
    """
    shares = [
        describe("cover", Layer(path=_tile_shares(tile, images, rules, out), unit="1"))
        for tile, images in images_of(material).items()
    ]
    filled = 0

    def make(roi: ROI) -> Floats:
        nonlocal filled
        months = [
            first_known(to_grid(layer, grid, band, roi) for layer in shares)
            for band in range(1, YEAR + 1)
        ]
        found = np.stack(months)
        seen = np.isfinite(found).any(axis=0)  # elsewhere no image reaches: stays unknown
        gaps = np.isnan(found) & seen
        filled += int(gaps.sum())
        if rules.share_without_images is not None:
            found[gaps] = rules.share_without_images
        return found

    names = tuple(f"month {month}" for month in range(1, YEAR + 1))
    told = {**tags, "COVER_RULES": rules.model_dump_json()}
    spec = MapSpec("cover", catalogue()["cover"].long_name, "1", tags=told, bands=names)
    return write_layer(spec, grid, make, out, TILE_CELLS), filled


def _tile_shares(tile: str, images: list[Image], rules: Rules, out: Out) -> Path:
    """Twelve shares on the tile's own grid, block of rows by block of rows."""
    grid = images[0].ndvi.geobox
    names = tuple(str(month) for month in range(1, YEAR + 1))
    spec = MapSpec(f"cover_{tile}", "share", "1", bands=names, cog=False)
    blocks = list(_blocks(grid))
    with MapWriter(spec, grid, out.staging) as writer:
        for done, roi in enumerate(blocks):
            out.progress(done, len(blocks), f"NDVI of {tile}")
            for band, share in enumerate(_shares(images, rules, roi), start=1):
                writer.write(share, roi[0].start, 0, band)
        return writer.publish(out.staging)


def _blocks(grid: GeoBox) -> Iterator[ROI]:
    height, width = grid.shape
    for top in range(0, height, ROWS):
        yield slice(top, min(top + ROWS, height)), slice(0, width)


def _shares(images: list[Image], rules: Rules, roi: ROI) -> Floats:
    """(month, y, x); NaN where a month has no good image."""
    shape = (YEAR, roi[0].stop - roi[0].start, roi[1].stop - roi[1].start)
    green, good = np.zeros(shape), np.zeros(shape)
    for image in images:
        raw, known = read_raw_codes(image.ndvi, 1, roi)
        quality, told = read_raw_codes(image.reliability, 1, roi)
        usable = known & told & np.isin(quality, rules.good_reliability)
        ndvi = raw * rules.scale
        if usable.any() and not LOWEST <= ndvi[usable].min() <= ndvi[usable].max() <= HIGHEST:
            raise OutOfRange(
                f"{image.ndvi.where}: expected NDVI from {LOWEST} to {HIGHEST}, came "
                f"{ndvi[usable].min():g} to {ndvi[usable].max():g}; correct scale (--cover-rules)"
            )
        good[image.month] += usable
        green[image.month] += usable & (ndvi > rules.ndvi_above)
    return np.divide(green, good, out=np.full(shape, np.nan), where=good > 0)
