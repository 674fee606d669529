"""The facts and choices that the synthetic country is made of, each with its source."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.float64]
Months = Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]
Disc = tuple[float, float, float]  # east and north of the middle [half widths], radius

SEED = 20201231
PIXELS = 3  # land-cover pixels of 10 arc-seconds along a cell of 30
CLIMATE_CELLS = 5  # cells of 30 arc-seconds along a climate cell of 1/24 degree
MARGIN = 10  # cells around the country: every cell lies between four climate cells


class Fact(BaseModel):
    """A table of example_facts.toml; without a source it is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: Annotated[str, Field(min_length=3)]


class Country(Fact):
    """Codes, place and provinces; the grid has `cells` x `cells`."""

    iso3: str
    iso2: str
    name: str
    west_deg: float
    south_deg: float
    cells: int
    cells_per_degree: int
    provinces: tuple[str, str, str, str]


class Station(Fact):
    """Climate normals of a real station."""

    name: str
    period: tuple[int, int]
    altitude_m: float
    temperature_c: Months
    temperature_max_c: Months
    temperature_min_c: Months
    rain_mm: Months


class Lapse(Fact):
    """Change of temperature with height."""

    rate_c_per_km: float


class Orography(Fact):
    """Rain with height and from the western to the eastern coast."""

    rain_pct_per_100m: float
    west_coast_pct: float
    east_coast_pct: float


class Warming(Fact):
    """Linear trend of temperature, zero in the centre year."""

    trend_c_per_decade: float
    centre_year: float


class Variability(Fact):
    """Monthly anomalies, AR(1)."""

    first_year: int
    last_year: int
    temperature_sd_c: float
    temperature_memory: float
    rain_log_sd: float
    rain_memory: float


class Terrain(Fact):
    """Shape of the land; lengths in half widths of the map."""

    plateau_m: float
    plateau_rise: float
    ridge_m: float
    ridge_east: float
    ridge_width: float
    ridge_bend: float
    roughness_m: float
    lake_east: float
    lake_north: float
    lake_radius: float
    lake_m: float


class Landscape(Fact):
    """Which land cover grows where: limits of random fields [-] and of elevation [m]."""

    shrub_below: float
    crops_above: float
    crops_to_m: float
    orchards_above: float
    orchards_to_m: float
    oak_above: float
    pine_above: float
    pine_from_m: float
    meadows_from_m: float
    irrigated_above: float
    irrigated_reach: float


class Patches(Fact):
    """Places where something is different."""

    towns: tuple[Disc, ...]
    no_survey: tuple[Disc, ...]
    bare_of_carbon: tuple[Disc, ...]


class Stock(Fact):
    """Scatter of the SOC stock about the equilibrium."""

    scatter_log_sd: float


class Texture(Fact):
    """Limits of a texture class."""

    name: str
    clay_pct: tuple[float, float]
    sand_pct: tuple[float, float]


class LandCover(Fact):
    """A land-cover code: input as a share of NPP, and share of images with green plants."""

    code: int
    name: str
    input_pct: float
    cover_pct: Months


class Facts(BaseModel):
    """All of example_facts.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    country: Country
    station: Station
    lapse: Lapse
    orography: Orography
    warming: Warming
    variability: Variability
    terrain: Terrain
    landscape: Landscape
    patches: Patches
    soc: Stock
    texture: tuple[Texture, ...]
    land_cover: tuple[LandCover, ...]

    def sources(self) -> dict[str, str]:
        """Where each table comes from."""
        single = {name: getattr(self, name) for name in type(self).model_fields}
        rows = {
            f"{name}: {row.name}": row.source
            for name in ("texture", "land_cover")
            for row in single.pop(name)
        }
        return {name: fact.source for name, fact in single.items()} | rows


@cache
def facts() -> Facts:
    """Read the facts.

    >>> facts().country.iso3
    'XTL'
    """
    text = (files("recarb.sequestration") / "example_facts.toml").read_text(encoding="utf-8")
    return Facts.model_validate(tomllib.loads(text))


def random(field: int) -> np.random.Generator:
    """A stream of random numbers of its own for each field, the same on every run."""
    return np.random.Generator(np.random.PCG64([SEED, field]))


def grid(pixels: int = 1, margin: int = 0) -> GeoBox:
    """The country's grid, `pixels` per cell along each side, `margin` cells around."""
    c = facts().country
    size = 1.0 / (c.cells_per_degree * pixels)
    cells = c.cells + 2 * margin
    west = c.west_deg - margin / c.cells_per_degree
    north = c.south_deg + (c.cells + margin) / c.cells_per_degree
    shape = (cells * pixels, cells * pixels)
    return GeoBox(shape, Affine(size, 0.0, west, 0.0, -size, north), "EPSG:4326")


def climate_grid() -> GeoBox:
    """The climate product's grid of 1/24 degree."""
    around = grid(margin=MARGIN)
    cells, a = around.shape[0] // CLIMATE_CELLS, around.transform
    size = a.a * CLIMATE_CELLS
    return GeoBox((cells, cells), Affine(size, 0.0, a.c, 0.0, -size, a.f), "EPSG:4326")
