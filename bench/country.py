"""The case "country": 300,000 modelled cells of 30 arc-seconds, all layers at their usual grids.

Land cover has pixels of 10 arc-seconds (ESA CCI), climate is a monthly series of 1981-2020 on
cells of 1/24 degree (TerraClimate): temperature, rain and PET as scaled int16. Every number is made
up; only the sizes, types and packings are those of real files.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.noise import smooth, uniform
from bench.rasters import (
    NORTH,
    PER_DEGREE,
    SYNTHETIC,
    WEST,
    WINDOW,
    Draw,
    Spec,
    global_grid,
    write_map,
)
from recarb.core.grid import Tile

Floats = NDArray[np.float64]

# own choices, to look like a country of the mid-latitudes
MODELLED = 0.556  # cells that run, of all cells of the grid
ASPECT = 1.5  # width over height
CENTRE = (-38.0, 44.0)  # longitude and latitude [degrees], in the open Atlantic
PIXELS = 3  # land-cover pixels along a cell
CLIMATE_CELLS = 5  # cells along a climate cell
MARGIN = 2  # climate cells around the country
YEAR, FIRST_YEAR, LAST_YEAR = 12, 1981, 2020
BORDER_POINTS, PROVINCES, BORDER_RADIUS, BORDER_WAVE = 720, 8, 0.94, 0.10
WAVES = range(3, 40)
COAST, CLIMATE_REACH = 1.05, 1.4  # where soils and climate end [half widths squared]
CROPS, ORCHARDS, FOREST, PINE, SHRUB, GRASS, URBAN, WATER = 10, 12, 60, 70, 120, 130, 190, 210
INT16_MISSING, FLOAT_MISSING, BYTE_MISSING = -32768.0, -9999.0, 0.0
TENTHS = 0.1

# numbers of the random streams; a smooth field takes its number and the next ones
SOC, CLAY, WOODS, FIELDS, TOWNS, SHORE, PLACE, BORDER = range(100, 900, 100)
WARM, WET = 10_000, 50_000  # one stream per month

RUN_TOML = """\
# SYNTHETIC: a country of about {cells} cells that does not exist, made for a benchmark of recarb.
iso3 = "XBC"
name = "Benchland"
note = "{note}"
output = "out"

[inputs]
soc = {{ path = "soc.tif" }}
clay = {{ path = "clay.tif" }}
land_use = {{ path = "land_cover.tif", crosswalk = "esa_cci_fao_scripts" }}
{cover}
[boundary]
path = "boundary.geojson"
unit_field = "province"

[climate.series]
product = "synthetic series"
temperature = {{ path = "temperature.tif" }}
rain = {{ path = "rain.tif" }}
pet = {{ path = "pet.tif" }}

[spin_up]
climate = "series"
years = [1981, 2000]

[warm_up]
climate = "series"
years = [2001, 2020]
"""


@dataclass(frozen=True)
class Country:
    """Where the country lies on the global grid of 30 arc-seconds: rows and columns."""

    rows: slice
    columns: slice

    @classmethod
    def of(cls, cells: int) -> "Country":
        """A country in which about `cells` cells run.

        >>> country = Country.of(300_000)
        >>> country.columns.stop - country.columns.start, country.rows.stop - country.rows.start
        (900, 600)
        """
        height = np.sqrt(cells / MODELLED / ASPECT)
        middle = ((NORTH - CENTRE[1]) * PER_DEGREE, (CENTRE[0] - WEST) * PER_DEGREE)
        rows, columns = (
            _aligned(at, length)
            for at, length in zip(middle, (height, height * ASPECT), strict=True)
        )
        return cls(rows, columns)

    def window(self, tile: Tile, pixels: int = 1) -> tuple[slice, slice]:
        """A tile of the country's map as rows and columns of the globe, in pixels of a cell."""
        return _moved(tile.rows, self.rows.start * pixels), _moved(
            tile.columns, self.columns.start * pixels
        )

    def from_middle(self, rows: slice, columns: slice, size: float = 1.0) -> Floats:
        """Squared distance from the middle [half widths]: 1 on the ellipse inside the map."""
        y = _share(rows, size, self.rows)
        x = _share(columns, size, self.columns)
        return np.asarray(x[None, :] ** 2 + y[:, None] ** 2)


def write_country(folder: Path, cells: int, *, cover: bool = False, window: int = WINDOW) -> Path:
    """Write the case and return the path of its run.toml, which is written last.

    Parameters
    ----------
    cells : how many cells run, about
    cover : also write twelve layers of plant cover; without, the default calendar serves
    window : side of what is drawn at once [cells]
    """
    country = Country.of(cells)
    folder.mkdir(parents=True, exist_ok=True)
    grid = global_grid(country.rows, country.columns)
    for name, (spec, draw) in soil_maps(country).items():
        write_map(folder / f"{name}.tif", grid, spec, draw, window)
    if cover:
        spec, draw = _cover(country)
        write_map(folder / "cover.tif", grid, spec, draw, window)
    fine = (_scaled(country.rows, PIXELS), _scaled(country.columns, PIXELS))
    spec, draw = land_cover(country)
    write_map(
        folder / "land_cover.tif", global_grid(*fine, PER_DEGREE * PIXELS), spec, draw, window
    )
    write_climate(folder, country, window)
    _write_boundary(folder / "boundary.geojson", country)
    line = 'cover = { path = "cover.tif" }\n' if cover else ""
    text = RUN_TOML.format(cells=f"{cells:,}", note=SYNTHETIC, cover=line)
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def soil_maps(country: Country) -> dict[str, tuple[Spec, Draw]]:
    """SOC [t C ha-1] as float32 and clay [percent] as scaled int16."""

    def soc(tile: Tile, _: slice) -> Floats:
        rows, columns = country.window(tile)
        stock = (
            38.0 + 9.0 * smooth(SOC, rows, columns, 64) + 3.0 * smooth(SOC + 50, rows, columns, 4)
        )
        stock = np.asarray(np.round(np.clip(stock, 8.0, 120.0), 1), dtype=np.float64)
        return _on_land(country, rows, columns, stock)

    def clay(tile: Tile, _: slice) -> Floats:
        rows, columns = country.window(tile)
        return _on_land(
            country, rows, columns, np.clip(24.0 + 8.0 * smooth(CLAY, rows, columns, 64), 3.0, 60.0)
        )

    return {
        "soc": (Spec("SOC stock, 0-30 cm", "t/ha", "float32", FLOAT_MISSING), soc),
        "clay": (Spec("clay, 0-30 cm", "%", "int16", INT16_MISSING, TENTHS), clay),
    }


def land_cover(country: Country) -> tuple[Spec, Draw]:
    """ESA CCI codes on pixels of 10 arc-seconds; a later rule goes before an earlier one."""

    def draw(tile: Tile, _: slice) -> Floats:
        rows, columns = country.window(tile, PIXELS)
        woods, fields = (smooth(stream, rows, columns, 64, octaves=6) for stream in (WOODS, FIELDS))
        codes = np.full(woods.shape, float(GRASS))
        codes[fields > -0.3] = CROPS
        codes[fields < -1.1] = SHRUB
        codes[fields > 1.6] = ORCHARDS
        codes[woods > 0.88] = FOREST
        codes[woods > 1.5] = PINE
        codes[smooth(TOWNS, rows, columns, 32) > 2.1] = URBAN
        codes[smooth(SHORE, rows, columns, 128) > 2.2] = WATER
        codes[country.from_middle(rows, columns, 1 / PIXELS) > COAST] = WATER
        return np.asarray(codes[None])

    return Spec("land cover, ESA CCI codes", None, "uint8", BYTE_MISSING), draw


def _cover(country: Country) -> tuple[Spec, Draw]:
    """Share of the time under plants [percent], twelve months."""

    def draw(tile: Tile, bands: slice) -> Floats:
        rows, columns = country.window(tile)
        field = smooth(FIELDS + 50, rows, columns, 32)
        months = np.arange(bands.start, bands.stop)
        green = 62.0 - 20.0 * np.cos(2.0 * np.pi * months / YEAR)[:, None, None] + 12.0 * field
        return np.where(_land(country, rows, columns), np.clip(np.round(green), 0.0, 100.0), np.nan)

    return Spec("plant cover", "%", "uint8", 255.0, bands=("",) * YEAR), draw


def months() -> tuple[str, ...]:
    """`YYYY-MM` of the series."""
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return tuple(f"{year}-{month:02d}" for year in years for month in range(1, YEAR + 1))


def write_climate(folder: Path, country: Country, window: int = WINDOW) -> None:
    """Monthly temperature, rain and PET on cells of 1/24 degree; none over the open sea."""
    rows, columns = (_coarse(part) for part in (country.rows, country.columns))
    grid = global_grid(rows, columns, PER_DEGREE // CLIMATE_CELLS)

    def place(tile: Tile) -> tuple[slice, slice]:
        return _moved(tile.rows, rows.start), _moved(tile.columns, columns.start)

    def warm(tile: Tile, bands: slice) -> Floats:
        return _temperature(country, *place(tile), bands)

    def wet(tile: Tile, bands: slice) -> Floats:
        return _rain(country, *place(tile), bands)

    def evaporated(tile: Tile, bands: slice) -> Floats:
        return 8.0 + 5.0 * np.maximum(_temperature(country, *place(tile), bands), 0.0)

    for name, unit, draw in (
        ("temperature", "degC", warm),
        ("rain", "mm/month", wet),
        ("pet", "mm/month", evaporated),
    ):
        spec = Spec(name, unit, "int16", INT16_MISSING, TENTHS, months())
        write_map(folder / f"{name}.tif", grid, spec, draw, window)


def _temperature(country: Country, rows: slice, columns: slice, bands: slice) -> Floats:
    """Monthly means [degC]: latitude, season, place, a slow warming, and the month's weather."""
    at = np.arange(bands.start, bands.stop)
    latitude = NORTH - (np.arange(rows.start, rows.stop) + 0.5) * CLIMATE_CELLS / PER_DEGREE
    mean = 12.5 - 0.6 * (latitude - CENTRE[1])[:, None] + 0.8 * smooth(PLACE, rows, columns, 32)
    season = -8.5 * np.cos(2.0 * np.pi * (at % YEAR - 0.5) / YEAR) + 0.03 * (at // YEAR - 20)
    weather = np.stack([smooth(WARM + YEAR * m, rows, columns, 32, octaves=3) for m in at])
    return _near_land(country, rows, columns, mean + season[:, None, None] + 1.2 * weather)


def _rain(country: Country, rows: slice, columns: slice, bands: slice) -> Floats:
    """Monthly sums [mm]: season and place, times the month's weather."""
    at = np.arange(bands.start, bands.stop)
    normal = 72.0 + 18.0 * np.cos(2.0 * np.pi * at / YEAR)
    place = 1.0 + 0.2 * smooth(PLACE + 50, rows, columns, 32)
    weather = np.stack([smooth(WET + YEAR * m, rows, columns, 32, octaves=3) for m in at])
    months_mm = normal[:, None, None] * place * np.maximum(1.0 + 0.45 * weather, 0.0)
    return _near_land(country, rows, columns, np.maximum(months_mm, 0.0))


def _write_boundary(path: Path, country: Country) -> None:
    """Provinces from the middle to a ragged border."""
    angle = np.arange(BORDER_POINTS + 1) * (2.0 * np.pi / BORDER_POINTS)
    waves = np.array(WAVES)
    phase = 2.0 * np.pi * uniform(BORDER, np.zeros(1, dtype=np.int64), waves)[0]
    wave = np.cos(np.outer(angle, waves) + phase) / waves
    radius = BORDER_RADIUS + BORDER_WAVE * wave.sum(axis=1)
    box = global_grid(country.rows, country.columns).boundingbox
    x = (box.left + box.right) / 2.0 + (box.right - box.left) / 2.0 * radius * np.cos(angle)
    y = (box.bottom + box.top) / 2.0 + (box.top - box.bottom) / 2.0 * radius * np.sin(angle)
    middle = [(box.left + box.right) / 2.0, (box.bottom + box.top) / 2.0]
    border = [[round(float(a), 6), round(float(b), 6)] for a, b in zip(x, y, strict=True)]
    border[-1] = border[0]
    each = BORDER_POINTS // PROVINCES
    features = [
        {
            "type": "Feature",
            "properties": {"province": f"province {number + 1}", "note": SYNTHETIC},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[middle, *border[number * each : (number + 1) * each + 1], middle]],
            },
        }
        for number in range(PROVINCES)
    ]
    content = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")


def _land(country: Country, rows: slice, columns: slice, size: float = 1.0) -> NDArray[np.bool_]:
    return np.asarray(country.from_middle(rows, columns, size) <= COAST)


def _on_land(country: Country, rows: slice, columns: slice, values: Floats) -> Floats:
    return np.where(_land(country, rows, columns), values, np.nan)[None]


def _near_land(country: Country, rows: slice, columns: slice, values: Floats) -> Floats:
    near = country.from_middle(rows, columns, CLIMATE_CELLS) <= CLIMATE_REACH
    return np.where(near, values, np.nan)


def _aligned(middle: float, length: float) -> slice:
    """A part of the globe about `middle` that begins and ends with a climate cell."""
    cells = max(round(length / CLIMATE_CELLS), 2) * CLIMATE_CELLS
    first = round((middle - cells / 2) / CLIMATE_CELLS) * CLIMATE_CELLS
    return slice(first, first + cells)


def _coarse(part: slice) -> slice:
    return slice(part.start // CLIMATE_CELLS - MARGIN, part.stop // CLIMATE_CELLS + MARGIN)


def _scaled(part: slice, factor: int) -> slice:
    return slice(part.start * factor, part.stop * factor)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _share(part: slice, size: float, whole: slice) -> Floats:
    """Place of every pixel, `size` cells long, between -1 and 1 across the country."""
    at = (np.arange(part.start, part.stop) + 0.5) * size - whole.start
    return np.asarray(2.0 * at / (whole.stop - whole.start) - 1.0)
