"""The case "world": the half-degree layers of a real run, refined to cells of 30 arc-seconds.

The patterns below half a degree are noise, and so are the months of the climate series about their
normals: nothing in it is a result. About 50 million cells run; fewer in a window of the globe.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.noise import smooth
from bench.rasters import PER_DEGREE, SYNTHETIC, WINDOW, Draw, Spec, global_grid, write_map
from recarb.core.config import RunConfig, load_config
from recarb.core.grid import Tile
from recarb.harmonise.climate import ClimateReader
from recarb.io.raster import describe, read, read_raw_codes, whole

Floats = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
REAL_RUN = ROOT / "tests" / "real" / "global_0p5deg.toml"  # the layers, and PET by FAO-56

ROWS, COLUMNS = 180 * PER_DEGREE, 360 * PER_DEGREE
PARENT, COVER_PARENT = 60, 40  # cells along half a degree and along 20 arc-minutes
FARMED = (7, 8, 9, 11, 12, 13)  # GLCNMO2008: shrub, herbaceous, cropland, paddy, mosaic
WOOD = 5.0  # GLCNMO2008: mixed forest
# own choices
KEPT = 0.65  # of the farmed cells stay so: 50 of 77 million
KEPT_ABOVE = -0.385  # normal quantile of 1 - KEPT
RAGGED = 20.0  # cells by which the borders of the coarse layers are moved (standard deviation)
MIDDLE = (21.0, 47.0)  # longitude and latitude of a window [degrees], among farmland
STEP = 10  # cells by which a window grows to each side
WHOLE = 0.9  # of all cells; who asks for more gets the whole globe
BELT = 60  # rows of the climate read at once
MARGIN = 4  # climate cells around a window
YEAR, FIRST_YEAR, LAST_YEAR = 12, 2001, 2020
INT16_MISSING, FLOAT_MISSING, BYTE_MISSING, TENTHS = -32768.0, -9999.0, 255.0, 0.1

# numbers of the random streams; a smooth field takes its number and the next ones
SOUTH, EAST, PATCHES, STOCK, GRAIN, TEXTURE = range(1000, 1600, 100)
WARM, WET = 100_000, 200_000  # one stream per month

RUN_TOML = """\
# SYNTHETIC: the world at 30 arc-seconds in about {cells} cells, made for a benchmark of recarb.
iso3 = "XWD"
name = "World, synthetic detail"
note = "{note}"
output = "out"
# annual crops of the default calendar, as in the real run of half a degree
accept = ["c_eq_above_npp"]

[inputs]
soc = {{ path = "soc.tif" }}
clay = {{ path = "clay.tif" }}
land_use = {{ path = "land_cover.tif", crosswalk = "glcnmo2008" }}

[boundary]
path = "countries.geojson"
unit_field = "name"

[climate.normals]
product = "synthetic series about CRU CL 1.0"
climatology = true
temperature = {{ path = "temperature_normals.tif" }}
rain = {{ path = "rain_normals.tif" }}
pet = {{ path = "pet_normals.tif" }}

[climate.series]
product = "synthetic series about CRU CL 1.0"
temperature = {{ path = "temperature.tif" }}
rain = {{ path = "rain.tif" }}
pet = {{ path = "pet.tif" }}

[spin_up]
climate = "normals"

[warm_up]
climate = "series"
years = [2001, 2020]
"""


@dataclass(frozen=True)
class Coarse:
    """The coarse layers of the whole globe; NaN is missing.

    soc_tc_ha, clay_pct : (360, 720); land_cover : (540, 1080); normals : (12, 360, 720) by variable
    """

    soc_tc_ha: Floats
    clay_pct: Floats
    land_cover: Floats
    normals: dict[str, Floats]

    @classmethod
    def of(cls, config: RunConfig) -> "Coarse":
        """Read them with the real run's own settings."""
        soc, clay = (
            describe(key, layer)
            for key, layer in (("soc", config.inputs.soc), ("clay", config.inputs.clay))
        )
        cover = describe("land_use", config.inputs.land_use)
        codes, valid = read_raw_codes(cover, 1, whole(cover))
        assert config.inputs.elevation is not None  # noqa: S101 - that run names it
        elevation = describe("elevation", config.inputs.elevation)
        reader = ClimateReader("normals", config.climate["normals"], elevation, config.model)
        normals = {key: _fields(reader, key) for key in ("temperature", "rain", "pet")}
        return cls(
            read(soc, [1], whole(soc))[0],
            read(clay, [config.inputs.clay.band or 1], whole(clay))[0],
            np.where(valid, codes, np.nan),
            normals,
        )

    def farmed(self) -> Floats:
        """Cells expected to run under every pixel of 20 arc-minutes, (540, 1080)."""
        rows, columns = (
            (np.arange(n) * COVER_PARENT + COVER_PARENT // 2) // PARENT
            for n in self.land_cover.shape
        )
        soil = np.isfinite(self.soc_tc_ha + self.clay_pct)[np.ix_(rows, columns)]
        return np.asarray(KEPT * COVER_PARENT**2 * (np.isin(self.land_cover, FARMED) & soil))


def _fields(reader: ClimateReader, key: str) -> Floats:
    """Twelve means on the whole globe, some rows at a time: PET takes many arrays."""
    height, width = reader.grid_of(key).shape
    parts = [
        reader.fields(key, None, (slice(row, min(row + BELT, height)), slice(0, width)))
        for row in range(0, height, BELT)
    ]
    return np.concatenate(parts, axis=1)


def write_world(folder: Path, cells: int, window: int = WINDOW) -> Path:
    """Write the case for about `cells` cells and return the path of its run.toml, written last.

    RECARB_DATA names the folder of the real data.

    Raises
    ------
    RecarbError
        The real layers are not there.
    """
    os.environ.setdefault("RECARB_OUT", str(folder))  # the real run's toml wants one; unused
    config = load_config(REAL_RUN)
    coarse = Coarse.of(config)
    rows, columns = window_of(coarse.farmed(), cells)
    folder.mkdir(parents=True, exist_ok=True)
    grid = global_grid(rows, columns)
    for name, (spec, draw) in maps(coarse, rows, columns).items():
        write_map(folder / f"{name}.tif", grid, spec, draw, window)
    write_climate(folder, coarse, rows, columns, window)
    assert config.boundary is not None  # noqa: S101 - that run names it
    shutil.copyfile(str(config.boundary.path), folder / "countries.geojson")
    path = folder / "run.toml"
    text = RUN_TOML.format(cells=f"{cells:,}", note=SYNTHETIC)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def window_of(farmed: Floats, cells: int) -> tuple[slice, slice]:
    """The smallest window, twice as wide as high, in which about `cells` cells run.

    Parameters
    ----------
    farmed : expected cells under every pixel of 20 arc-minutes, (540, 1080)
    """
    if cells > WHOLE * farmed.sum():
        return slice(0, ROWS), slice(0, COLUMNS)
    middle = ((90.0 - MIDDLE[1]) * PER_DEGREE, (MIDDLE[0] + 180.0) * PER_DEGREE)

    def window(steps: int) -> tuple[slice, slice]:
        return (
            _clipped(middle[0], steps * STEP, ROWS),
            _clipped(middle[1], 2 * steps * STEP, COLUMNS),
        )

    low, high = 1, ROWS // STEP
    while low < high:
        steps = (low + high) // 2
        rows, columns = window(steps)
        if _overlap(rows, ROWS) @ farmed @ _overlap(columns, COLUMNS) < cells:
            low = steps + 1
        else:
            high = steps
    return window(low)


def maps(coarse: Coarse, rows: slice, columns: slice) -> dict[str, tuple[Spec, Draw]]:
    """SOC as float32, clay and land cover as bytes; all from the same moved borders."""

    def place(tile: Tile) -> tuple[slice, slice]:
        return (
            slice(rows.start + tile.rows.start, rows.start + tile.rows.stop),
            slice(columns.start + tile.columns.start, columns.start + tile.columns.stop),
        )

    def soc(tile: Tile, _: slice) -> Floats:
        at = place(tile)
        detail = 1.0 + 0.12 * smooth(STOCK, *at, 32) + 0.05 * smooth(GRAIN, *at, 2, octaves=2)
        stock = _sampled(coarse.soc_tc_ha, at, PARENT) * np.clip(detail, 0.4, 1.6)
        return np.asarray(np.round(stock, 1)[None])

    def clay(tile: Tile, _: slice) -> Floats:
        at = place(tile)
        content = _sampled(coarse.clay_pct, at, PARENT) + 3.0 * smooth(TEXTURE, *at, 32)
        return np.clip(content, 1.0, 90.0)[None]

    def cover(tile: Tile, _: slice) -> Floats:
        at = place(tile)
        codes = _sampled(coarse.land_cover, at, COVER_PARENT)
        wooded = np.isin(codes, FARMED) & (smooth(PATCHES, *at, 16, octaves=3) < KEPT_ABOVE)
        return np.where(wooded, WOOD, codes)[None]

    return {
        "soc": (Spec("SOC stock, 0-30 cm", "t/ha", "float32", FLOAT_MISSING), soc),
        "clay": (Spec("clay, 0-30 cm", "%", "uint8", BYTE_MISSING), clay),
        "land_cover": (Spec("land cover, GLCNMO2008 codes", None, "uint8", BYTE_MISSING), cover),
    }


def write_climate(
    folder: Path, coarse: Coarse, rows: slice, columns: slice, window: int = WINDOW
) -> None:
    """Normals and a monthly series of temperature, rain and PET, at half a degree."""
    high, wide = coarse.soc_tc_ha.shape
    rows, columns = _around(rows, high), _around(columns, wide)
    grid = global_grid(rows, columns, PER_DEGREE // PARENT)
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    names = tuple(f"{year}-{month:02d}" for year in years for month in range(1, YEAR + 1))

    for key, unit in (("temperature", "degC"), ("rain", "mm/month"), ("pet", "mm/month")):

        def normal(tile: Tile, bands: slice, key: str = key) -> Floats:
            at = (
                slice(rows.start + tile.rows.start, rows.start + tile.rows.stop),
                slice(columns.start + tile.columns.start, columns.start + tile.columns.stop),
            )
            return _month(coarse.normals[key], None, at, bands)

        def month(tile: Tile, bands: slice, key: str = key) -> Floats:
            at = (
                slice(rows.start + tile.rows.start, rows.start + tile.rows.stop),
                slice(columns.start + tile.columns.start, columns.start + tile.columns.stop),
            )
            return _month(coarse.normals[key], key, at, bands)

        spec = Spec(key, unit, "int16", INT16_MISSING, TENTHS, ("",) * YEAR)
        write_map(folder / f"{key}_normals.tif", grid, spec, normal, window)
        spec = Spec(key, unit, "int16", INT16_MISSING, TENTHS, names)
        write_map(folder / f"{key}.tif", grid, spec, month, window)


def _month(normals: Floats, key: str | None, at: tuple[slice, slice], bands: slice) -> Floats:
    """Months of a window: the normals, or (with `key`) the weather of every month about them."""
    months = np.arange(bands.start, bands.stop)
    values = normals[months % YEAR][:, at[0], at[1]]
    if key is None:
        return np.asarray(values)
    stream = WET if key == "rain" else WARM
    weather = np.stack([smooth(stream + YEAR * m, *at, 16, octaves=3) for m in months])
    changed = {
        "temperature": values + 1.2 * weather,
        "rain": values * np.maximum(1.0 + 0.4 * weather, 0.0),
        "pet": values * (1.0 + 0.03 * weather),  # a warm month has more of it
    }
    return np.asarray(changed[key])


def _sampled(layer: Floats, at: tuple[slice, slice], parent: int) -> Floats:
    """A coarse layer at every cell of a window, its borders moved by noise."""
    rows = _moved(SOUTH, at) + np.arange(at[0].start, at[0].stop)[:, None]
    columns = _moved(EAST, at) + np.arange(at[1].start, at[1].stop)[None, :]
    row = np.clip(rows // parent, 0, layer.shape[0] - 1).astype(np.int64)
    column = (columns // parent).astype(np.int64) % layer.shape[1]
    return np.asarray(layer[row, column])


def _moved(stream: int, at: tuple[slice, slice]) -> Floats:
    return np.floor(RAGGED * smooth(stream, *at, 64, octaves=5))


def _clipped(middle: float, reach: int, size: int) -> slice:
    """Cells to both sides of the middle, moved back onto the globe where they leave it."""
    length = min(2 * reach, size)
    first = min(max(int(middle) - reach, 0), size - length)
    return slice(first, first + length)


def _overlap(part: slice, size: int) -> Floats:
    """Share of every pixel of 20 arc-minutes that lies in a part of the globe [-]."""
    first = np.arange(0, size, COVER_PARENT)
    inside = np.minimum(first + COVER_PARENT, part.stop) - np.maximum(first, part.start)
    return np.asarray(np.clip(inside / COVER_PARENT, 0.0, 1.0))


def _around(part: slice, size: int) -> slice:
    """Climate cells of a part of the globe and some around it."""
    first = max(part.start // PARENT - MARGIN, 0)
    return slice(first, min(-(-part.stop // PARENT) + MARGIN, size))
