"""The land of the synthetic country: coast, relief, water, soils, land cover, plant cover.

All fields are (y, x) with the north first, either on cells of 30 or on pixels of 10 arc-seconds.
"""

from dataclasses import dataclass

import numpy as np
import rasterio.features
from numpy.typing import NDArray

from recarb.sequestration.example_facts import (
    PIXELS,
    Disc,
    Texture,
    facts,
    grid,
    random,
)

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

YEAR = 12
PERCENT = 100.0
SEA_LEVEL_M = 1.0  # lowest land
GREENER_PCT = 4.0  # standard deviation of plant cover from place to place

# numbers of the random streams
COAST, RELIEF, SOILS, GRAIN, WOODS, FIELDS, ORCHARDS, SEASON, CARBON = range(9)

COAST_POINTS = 360
COAST_RADIUS = 0.80  # mean distance of the coast from the middle [half widths]
COAST_WAVES = range(2, 24)
COAST_ROUGHNESS = 0.14
PROVINCE_TURN = COAST_POINTS // 8  # the borders run north-east, north-west, south-west, south-east

CROPS, TREES, IRRIGATED, HOLM_OAK, PINE, SHRUB, GRASS, URBAN, WATER = (
    *(10, 12, 20, 50, 70, 120, 130, 190, 210),
)


@dataclass(frozen=True)
class Land:
    """What the country looks like.

    land_cover, elevation_m : (pixel, pixel) of 10 arc-seconds
    inside, surveyed, carbon_free : (cell, cell) land; with a soil survey; without any carbon
    clay_pct, sand_pct : (cell, cell); cover_pct : (12, cell, cell)
    input_share : (cell, cell) carbon input to the soil / NPP [-]
    """

    land_cover: Bytes
    elevation_m: Floats
    inside: Bools
    surveyed: Bools
    carbon_free: Bools
    clay_pct: Floats
    sand_pct: Floats
    cover_pct: Floats
    input_share: Floats


def smooth_noise(stream: int, cells: int, knots: int, octaves: int = 4) -> Floats:
    """A smooth random field (cell, cell) with mean 0 and standard deviation 1.

    Random numbers on lattices of `knots`, twice as many, ..., blended between their points; only
    sums and products, so that every machine draws the same map.
    """
    generator = random(stream)
    field = np.zeros((cells, cells))
    for octave in range(octaves):
        count = knots * 2**octave
        lattice = generator.random((count + 1, count + 1))
        at = (np.arange(cells) + 0.5) / cells * count
        low = np.minimum(at.astype(np.int64), count - 1)
        t = at - low
        blend = t * t * (3.0 - 2.0 * t)
        rows = lattice[low] + (lattice[low + 1] - lattice[low]) * blend[:, None]
        field += (rows[:, low] + (rows[:, low + 1] - rows[:, low]) * blend) / 2**octave
    return np.asarray((field - field.mean()) / field.std())


def coast() -> tuple[Floats, Floats]:
    """Angle [radian, from 0 to 2 pi] and distance [half widths] of the points of the coast."""
    angle = np.arange(COAST_POINTS + 1) * (2.0 * np.pi / COAST_POINTS)
    generator = random(COAST)
    radius: Floats = np.full(angle.size, COAST_RADIUS)
    for wave in COAST_WAVES:
        phase = 2.0 * np.pi * generator.random()
        radius += COAST_ROUGHNESS / wave * np.cos(wave * angle + phase)
    return np.asarray(angle, dtype=np.float64), radius


def provinces() -> dict[str, list[tuple[float, float]]]:
    """Outline of every province, longitude and latitude [degrees].

    A province has a part of the coast and ends in the middle of the country.
    """
    angle, radius = coast()
    c = facts().country
    half = c.cells / c.cells_per_degree / 2.0
    middle = (c.west_deg + half, c.south_deg + half)
    east, north = (
        middle[0] + half * radius * np.cos(angle),
        middle[1] + half * radius * np.sin(angle),
    )
    quarter = COAST_POINTS // len(c.provinces)
    outlines = {}
    for number, name in enumerate(c.provinces):
        first = PROVINCE_TURN + number * quarter
        at = [point % COAST_POINTS for point in range(first, first + quarter + 1)]
        ring = [middle, *((float(east[i]), float(north[i])) for i in at), middle]
        outlines[name] = [(round(x, 6), round(y, 6)) for x, y in ring]
    return outlines


def province_polygons() -> list[dict[str, object]]:
    """The outlines as GeoJSON geometries."""
    return [{"type": "Polygon", "coordinates": [ring]} for ring in provinces().values()]


def _inside(pixels: int) -> Bools:
    box = grid(pixels)
    drawn = rasterio.features.rasterize(
        province_polygons(), out_shape=box.shape, transform=box.transform, dtype="uint8"
    )
    return np.asarray(drawn > 0)


def _from_middle(cells: int) -> tuple[Floats, Floats]:
    """East and north of the middle of the map [half widths], (1, x) and (y, 1)."""
    at = (np.arange(cells) + 0.5) / cells * 2.0 - 1.0
    return at[None, :], -at[:, None]


def _in_discs(discs: tuple[Disc, ...], cells: int) -> Bools:
    east, north = _from_middle(cells)
    found = np.zeros((cells, cells), dtype=bool)
    for x, y, radius in discs:
        found |= (east - x) ** 2 + (north - y) ** 2 <= radius**2
    return found


def _relief(inside: Bools) -> Floats:
    """Elevation [m]; 0 in the sea."""
    t, cells = facts().terrain, inside.shape[0]
    east, north = _from_middle(cells)
    angle, radius = coast()
    around = np.mod(np.arctan2(north, east), 2.0 * np.pi)
    inland = np.maximum(1.0 - np.hypot(east, north) / np.interp(around, angle, radius), 0.0)
    plateau = t.plateau_m * (1.0 - np.exp(-inland / t.plateau_rise))
    crest = t.ridge_east + t.ridge_bend * np.sin(np.pi * north)
    ridge = t.ridge_m * np.exp(-(((east - crest) / t.ridge_width) ** 2))
    rough = t.roughness_m * smooth_noise(RELIEF, cells, 6)
    taper = 1.0 - np.exp(-inland / t.plateau_rise)
    land = np.maximum(plateau + (ridge + rough) * taper, SEA_LEVEL_M)
    land[_lake(cells)] = t.lake_m
    return np.where(inside, land, 0.0)


def _lake(cells: int, reach: float = 1.0) -> Bools:
    t = facts().terrain
    return _in_discs(((t.lake_east, t.lake_north, t.lake_radius * reach),), cells)


def _land_cover(inside: Bools, elevation: Floats) -> Bytes:
    """ESA CCI codes; a later rule goes before an earlier one."""
    cells, rules = inside.shape[0], facts().landscape
    woods, plough, olives = (smooth_noise(s, cells, 9, 5) for s in (WOODS, FIELDS, ORCHARDS))
    codes = np.full(inside.shape, GRASS, dtype=np.uint8)
    codes[plough < rules.shrub_below] = SHRUB
    codes[(plough > rules.crops_above) & (elevation < rules.crops_to_m)] = CROPS
    codes[(olives > rules.orchards_above) & (elevation < rules.orchards_to_m)] = TREES
    codes[woods > rules.oak_above] = HOLM_OAK
    codes[(woods > rules.pine_above) & (elevation > rules.pine_from_m)] = PINE
    codes[elevation > rules.meadows_from_m] = GRASS
    codes[_lake(cells, rules.irrigated_reach) & (plough > rules.irrigated_above)] = IRRIGATED
    codes[_in_discs(facts().patches.towns, cells)] = URBAN
    codes[_lake(cells) | ~inside] = WATER
    return codes


def _soils(cells: int) -> tuple[Floats, Floats]:
    """Clay and sand [percent]: the field runs through the texture classes, each in its limits."""
    rank = smooth_noise(SOILS, cells, 5).ravel().argsort().argsort().reshape(cells, cells)
    classes: tuple[Texture, ...] = facts().texture
    # a few dunes, then equal parts of the other classes
    edges = np.concatenate([[0.0], np.linspace(0.03, 1.0, len(classes))]) * cells**2
    grain = 0.5 + 0.5 * np.tanh(smooth_noise(GRAIN, cells, 25))
    clay, sand = np.zeros((cells, cells)), np.zeros((cells, cells))
    for texture, low, high in zip(classes, edges[:-1], edges[1:], strict=True):
        here = (rank >= low) & (rank < high)
        clay[here] = _between(texture.clay_pct, grain[here])
        sand[here] = _between(texture.sand_pct, 1.0 - grain[here])
    return clay.round(1), np.minimum(sand, PERCENT - clay).round(1)


def _between(limits: tuple[float, float], share: Floats) -> Floats:
    return limits[0] + (limits[1] - limits[0]) * share


def _by_cell(pixels: Floats) -> Floats:
    """Mean of the pixels of every cell."""
    cells = pixels.shape[0] // PIXELS
    return np.asarray(pixels.reshape(cells, PIXELS, cells, PIXELS).mean(axis=(1, 3)))


def make_land() -> Land:
    """Draw the country."""
    country, patches = facts().country, facts().patches
    inside = _inside(PIXELS)
    elevation = np.round(_relief(inside))
    codes = _land_cover(inside, elevation)
    clay, sand = _soils(country.cells)
    table = {row.code: row for row in facts().land_cover}
    lookup = np.zeros((YEAR + 1, int(codes.max()) + 1))
    for code, row in table.items():
        lookup[:YEAR, code] = row.cover_pct
        lookup[YEAR, code] = row.input_pct / PERCENT
    dry = (codes != WATER).astype(np.float64)
    land_part = np.maximum(_by_cell(dry), 1.0 / PIXELS**2)  # at least a pixel, against 0 / 0 at sea
    of_land = np.stack([_by_cell(row[codes] * dry) for row in lookup]) / land_part
    cover = of_land[:YEAR] + GREENER_PCT * smooth_noise(SEASON, country.cells, 12)
    return Land(
        land_cover=codes,
        elevation_m=elevation,
        inside=_inside(1),
        surveyed=~_in_discs(patches.no_survey, country.cells),
        carbon_free=_in_discs(patches.bare_of_carbon, country.cells),
        clay_pct=clay,
        sand_pct=sand,
        cover_pct=np.clip(np.round(cover), 0.0, PERCENT),
        input_share=of_land[YEAR],
    )
