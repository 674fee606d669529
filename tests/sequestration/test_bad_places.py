"""Where a country lies: boundaries, antimeridian, far north, islands, layers of half of it."""

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer
from tests.bad_country import (
    CLIMATE,
    LONLAT,
    NORTH,
    UNITS,
    WEST,
    Country,
    Raster,
    assert_refused,
    computed,
    grid,
    months,
    pattern,
    reasons,
)

from recarb.core.findings import Severity
from recarb.sequestration.checks import check_run
from recarb.sequestration.pipeline import run

BOX = shapely.box(WEST, NORTH - 1.0, WEST + 1.2, NORTH)
LINE = shapely.LineString([(WEST, NORTH), (WEST + 1.0, NORTH - 1.0)])


def boundary(country: Country, shapes: dict[str | None, object], crs: str | None = LONLAT) -> None:
    """Write a boundary file with a field `name` and name it in run.toml."""
    country.folder.mkdir(exist_ok=True)
    frame = geopandas.GeoDataFrame({"name": list(shapes)}, geometry=list(shapes.values()), crs=crs)
    frame.to_file(country.folder / "land.gpkg")
    country.table["boundary"] = {"path": "land.gpkg", "unit_field": "name"}


BOUNDARIES = {
    "elsewhere": (
        {"A": shapely.box(-60, 0, -50, 5)},
        LONLAT,
        ("does not overlap", "-60, 0, -50, 5"),
    ),
    "no CRS": ({"A": BOX}, None, ("has no coordinate system", "EPSG:4326")),
    "lines only": ({"A": LINE}, LONLAT, ("expected polygons, found none", "border lines")),
}


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize(("shapes", "crs", "said"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_a_boundary_that_bounds_nothing(tmp_path, shapes, crs, said):
    country = Country(tmp_path)
    boundary(country, shapes, crs)
    code = "missing_data" if "lines" in said[-1] else "grid_mismatch"
    assert_refused(country, code, said=("land.gpkg", *said))


@pytest.mark.parametrize("content", [None, b"not a map"])
def test_a_boundary_that_is_not_there_or_no_map(tmp_path, content):
    country = Country(tmp_path)
    country.table["boundary"] = {"path": "land.gpkg"}
    if content is not None:
        (tmp_path / "land.gpkg").write_bytes(content)
    code = "missing_data" if content is None else "input_error"
    assert_refused(
        country, code, said=("land.gpkg", "correct boundary.path" if content is None else "GDAL")
    )


def test_a_wrong_unit_field_lists_the_fields(tmp_path):
    country = Country(tmp_path)
    boundary(country, {"A": BOX})
    country.set("boundary", unit_field="NAME_1")
    said = ("land.gpkg", "no field 'NAME_1'", "it has name", "correct boundary.unit_field")
    assert_refused(country, "config", said=said)


def test_units_without_a_name_keep_their_land(tmp_path):
    country = Country(tmp_path)
    west, east = shapely.box(WEST, 41, WEST + 0.5, 42), shapely.box(WEST + 0.5, 41, WEST + 1.2, 42)
    boundary(country, {"west": west, None: east})
    report = run(country.config())
    assert report.ledger.run == 120
    cells = report.summary.query("level == 'unit' and scenario == 'BAU'").set_index("unit")["cells"]
    assert cells.to_dict() == {"(no name)": 70, "west": 50}


def test_a_boundary_with_no_cell_of_the_map_inside(tmp_path):
    country = Country(tmp_path)
    boundary(country, {"A": shapely.box(WEST + 0.06, NORTH - 0.04, WEST + 0.09, NORTH - 0.01)})
    said = ("no cell can be modelled", "120 cells: outside the boundary")
    assert_refused(country, "nothing_to_run", said=said)


def field(lon: np.ndarray, lat: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth values that know no seam at 180 degrees."""
    east = np.mod(lon, 360.0) - 180.0
    return low + (high - low) * (0.5 + 0.25 * np.sin(0.8 * east) + 0.25 * np.cos(0.9 * lat))


def around(cell: float, low: float, high: float, west: float = -180.0) -> tuple[Affine, np.ndarray]:
    """A layer round the whole Earth at 14 to 24 degrees south."""
    at, shape = grid(cell, west, -14.0, 360.0, 10.0)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return at, field(west + cell * (x + 0.5), -14.0 - cell * (y + 0.5), low, high)


def dateline(
    country: Country, soc: Raster, clay_cell: float = 0.5, west: float = -180.0
) -> Country:
    """A country at 180 degrees: layers round the Earth, from `west` on, under any SOC grid."""
    country.layers["soc"] = soc
    at, clay = around(clay_cell, 15.0, 30.0, west)
    country.layers["clay"] = Raster(clay[None], at, UNITS["clay"])
    at, cover = around(0.25, 0.0, 1.0, west)
    codes_of = np.where(cover > 0.5, 10, 130).astype(np.uint8)
    country.layers["land_use"] = Raster(codes_of[None], at, nodata=0)
    at, base = around(2.0, 0.0, 1.0, west)
    limits = {"temperature": (16.0, 22.0), "rain": (150.0, 190.0), "pet": (70.0, 80.0)}
    for key in CLIMATE:
        low, high = limits[key]
        values = np.repeat((low + (high - low) * base)[None], 60, axis=0)
        country.layers[key] = Raster(values, at, UNITS[key], names=months())
    return country


def lonlat_soc(west: float, width: float) -> Raster:
    """SOC in cells of half a degree, only within 4 degrees of the antimeridian."""
    at, shape = grid(0.5, west, -16.0, width, 3.0)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    lon = west + 0.5 * (x + 0.5)
    soc = field(lon, -16.0 - 0.5 * (y + 0.5), 35.0, 75.0)
    return Raster(np.where(np.abs(lon) < 176.0, np.nan, soc)[None], at, UNITS["soc"])


def projected_soc(crs: str, columns: int) -> Raster:
    """SOC in cells of 20 km of a CRS that is continuous at 180 degrees."""
    cell, rows = 20_000.0, 12
    x0, y0 = Transformer.from_crs(LONLAT, crs, always_xy=True).transform(180.0, -18.0)
    at = Affine(cell, 0.0, x0 - cell * columns / 2, 0.0, -cell, y0 + cell * rows / 2)
    y, x = np.mgrid[0:rows, 0:columns]
    lon, lat = Transformer.from_crs(crs, LONLAT, always_xy=True).transform(
        at.c + cell * (x + 0.5), at.f - cell * (y + 0.5)
    )
    return Raster(field(lon, lat, 35.0, 75.0)[None], at, UNITS["soc"], crs=crs)


@pytest.mark.parametrize("clay_cell", [0.5, 0.25, 1.0])
def test_a_grid_from_minus_180_to_180_equals_its_two_halves_bit_for_bit(tmp_path, clay_cell):
    whole = dateline(Country(tmp_path / "w"), lonlat_soc(-180.0, 360.0), clay_cell)
    east = dateline(Country(tmp_path / "e"), lonlat_soc(170.0, 10.0), clay_cell)
    west = dateline(Country(tmp_path / "o"), lonlat_soc(-180.0, 10.0), clay_cell)
    found, first, second = (computed(country)[1] for country in (whole, east, west))
    assert np.isfinite(found["T0"]).sum() == 6 * 16
    for name, values in found.items():
        np.testing.assert_array_equal(values[:, -20:], first[name], err_msg=name)
        np.testing.assert_array_equal(values[:, :20], second[name], err_msg=name)


def test_the_tiles_of_a_run_may_end_at_the_antimeridian(tmp_path):
    """The same grid through the whole pipeline, in tiles of 8 cells: most of them empty."""
    country = dateline(Country(tmp_path), lonlat_soc(-180.0, 360.0))
    country.table["tile_cells"] = 8
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 96, "no_soc": 720 * 6 - 96}


def test_a_grid_beyond_180_is_refused_with_advice(tmp_path):
    country = dateline(Country(tmp_path), lonlat_soc(177.0, 6.0))
    said = ("soc.tif", "longitudes from 177 to 183", "expected -180 to 180", "two halves")
    assert_refused(country, "grid_mismatch", said=said)


@pytest.mark.parametrize("columns", [24, 25])  # a cell edge, or a cell, on the antimeridian
@pytest.mark.parametrize("crs", ["EPSG:3832", "EPSG:3460"])
def test_a_projected_country_across_the_antimeridian_has_no_seam(tmp_path, crs, columns):
    """Every cell gets what lies under it: as far from the truth at 180 degrees as elsewhere."""
    soc = projected_soc(crs, columns)
    for clay_cell, off in ((0.1, 0.05), (0.5, 0.3)):
        country = dateline(Country(tmp_path / str(clay_cell)), soc, clay_cell)
        _, maps = computed(country)
        truth = (soc.values[0] - 35.0) / 40.0  # the same wave under all layers
        assert np.abs(maps["clay"] - (15.0 + 15.0 * truth)).max() < off
        sure = np.abs(truth - 0.5) > 0.05
        assert np.array_equal(maps["land_use"][sure], np.where(truth > 0.5, 2, 3)[sure])


def test_a_projected_country_equals_the_same_country_in_longitudes(tmp_path):
    """Cell values on both sides of 180 degrees agree with those of a grid from -180 to 180."""
    inputs, found = computed(
        dateline(Country(tmp_path / "p"), projected_soc("EPSG:3832", 24), 0.25)
    )
    _, plain = computed(dateline(Country(tmp_path / "g"), lonlat_soc(-180.0, 360.0), 0.25))
    a = inputs.grid.transform
    row, column = np.nonzero(np.isfinite(found["T0"]))
    lon, lat = Transformer.from_crs("EPSG:3832", LONLAT, always_xy=True).transform(
        a.c + a.a * (column + 0.5), a.f + a.e * (row + 0.5)
    )
    near = (np.abs(lon) > 176.5) & (lat < -16.5) & (lat > -18.5)
    assert (lon[near] < 0).sum() > 20
    assert (lon[near] > 0).sum() > 20
    at = ((-16.0 - lat[near]) / 0.5).astype(int), ((lon[near] + 180.0) / 0.5).astype(int)
    ours = row[near], column[near]
    for name, off in (("T0", 6.0), ("clay", 2.5), ("NPP", 0.3)):
        difference = np.abs(found[name][ours] - plain[name][at])
        assert np.nanmax(difference) < off, name  # half a cell of the wave under all layers


@pytest.mark.parametrize("west", [-1.5, -60.0, 30.0])
def test_layers_from_0_to_360_give_the_same_maps(tmp_path, west):
    """On both sides of Greenwich, and on each."""
    at, shape = grid(0.5, west, -16.0, 3.0, 2.0)
    soc = Raster(pattern(shape, 35.0, 75.0)[None], at, UNITS["soc"])
    _, usual = computed(dateline(Country(tmp_path / "usual"), soc, 0.25))
    _, turned = computed(dateline(Country(tmp_path / "turned"), soc, 0.25, west=0.0))
    for name, values in usual.items():
        np.testing.assert_allclose(turned[name], values, rtol=1e-9, err_msg=name)


FIJI = shapely.Polygon([(178, -17), (-178, -17), (-178, -19), (178, -19)])
BEYOND = shapely.box(178, -19, 182, -17)
SPLIT = shapely.MultiPolygon([shapely.box(178, -19, 180, -17), shapely.box(-180, -19, -178, -17)])


@pytest.mark.parametrize("shape", [FIJI, BEYOND, SPLIT], ids=["jumping", "to 182", "split"])
def test_a_boundary_across_the_antimeridian(tmp_path, shape):
    """However it is written, it bounds the four degrees of the country and not the other 356."""
    country = dateline(Country(tmp_path), lonlat_soc(-180.0, 360.0))
    boundary(country, {"Fiji": shape})
    inputs = check_run(country.config()).inputs
    loaded = inputs.load()
    inside = loaded.units == 1
    assert inside.sum() == 8 * 4
    assert set(np.nonzero(inside)[1]) == {0, 1, 2, 3, 716, 717, 718, 719}
    assert reasons(country) == {"run": 32}


def test_a_boundary_across_the_antimeridian_on_a_projected_grid(tmp_path):
    country = dateline(Country(tmp_path), projected_soc("EPSG:3832", 24))
    boundary(country, {"Fiji": FIJI})
    loaded = check_run(country.config()).inputs.load()
    columns = np.nonzero((loaded.units == 1).any(axis=0))[0]
    assert columns.tolist() == list(range(columns[0], columns[-1] + 1))
    assert len(columns) == pytest.approx(4 * 111.3 / 20.0, abs=1.0)


def test_a_boundary_in_metres_across_the_antimeridian_on_a_grid_in_degrees(tmp_path):
    country = dateline(Country(tmp_path), lonlat_soc(-180.0, 360.0))
    metres = geopandas.GeoSeries([SPLIT], crs=LONLAT).to_crs("EPSG:3832").union_all()
    boundary(country, {"Fiji": metres.buffer(1.0).buffer(-1.0)}, "EPSG:3832")
    assert reasons(country) == {"run": 32}


def moved(country: Country, west: float, north: float) -> None:
    """Take the whole country somewhere else."""
    for raster in country.layers.values():
        a = raster.transform
        raster.transform = Affine(a.a, 0.0, a.c + west - WEST, 0.0, a.e, a.f + north - NORTH)


def test_a_country_north_of_80_degrees(tmp_path):
    country = Country(tmp_path)
    moved(country, WEST, 83.0)
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 120}
    expected = 0.1 * 0.1 * 111.69**2 * np.cos(np.radians(82.5)) * 100.0  # ha, a degree is 111.69 km
    area = report.summary.query("level == 'country'")["area_ha"].iloc[0]
    assert area == pytest.approx(120 * expected, rel=0.005)


def test_a_frozen_country_has_nothing_to_run(tmp_path):
    country = Country(tmp_path)
    country.layers["temperature"].values -= 40.0
    said = ("no cell can be modelled", "120 cells: no month warm enough")
    assert_refused(country, "nothing_to_run", said=said)


def test_a_country_of_one_cell(tmp_path):
    country = Country(tmp_path)
    for key in ("soc", "clay"):
        country.layers[key].values = country.layers[key].values[:, 4:5, 5:6]
        a = country.layers[key].transform
        country.layers[key].transform = Affine(a.a, 0.0, a.c + 5 * a.a, 0.0, a.e, a.f + 4 * a.e)
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 1}
    assert np.isfinite(report.summary["mean_final_soc_tc_ha"]).all()


def islands(country: Country, size: int = 64) -> None:
    """Two islands in opposite corners of a sea of 64 x 64 cells."""
    at, shape = grid(0.02, WEST, NORTH, 0.02 * size, 0.02 * size)
    soc = np.full(shape, np.nan)
    soc[:3, :3], soc[-2:, -2:] = 50.0, 60.0
    country.layers["soc"] = Raster(soc[None], at, UNITS["soc"])
    country.layers["clay"] = Raster(pattern(shape, 15.0, 30.0)[None], at, UNITS["clay"])
    cover = np.full(shape, 10, dtype=np.uint8)
    country.layers["land_use"] = Raster(cover[None], at, nodata=0)


def test_a_country_of_islands_whose_tiles_are_mostly_empty(tmp_path):
    country = Country(tmp_path)
    islands(country)
    country.table["tile_cells"] = 16
    assert run(country.config()).ledger.reasons() == {"run": 13, "no_soc": 64 * 64 - 13}


def test_the_check_looks_at_the_islands_and_not_at_the_sea(tmp_path):
    """What is wrong with the last two cells of 4096 is found before the run."""
    country = Country(tmp_path)
    islands(country)
    country.layers["land_use"].values[:, 4:] = 210
    country.layers["land_use"].values[:, :4] = 210
    said = ("no cell can be modelled", "13 cells: land use is not modelled")
    assert_refused(country, "nothing_to_run", said=said)


@pytest.mark.parametrize(("key", "outcome"), [("clay", "no_clay"), ("land_use", "no_land_use")])
def test_a_layer_of_half_the_country_excludes_and_counts_the_rest(tmp_path, key, outcome):
    country = Country(tmp_path)
    raster = country.layers[key]
    raster.values = raster.values[:, :, : raster.values.shape[2] // 2]
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 60, outcome: 60}
    (found,) = [f for f in report.findings if f.code == "partly_covered"]
    assert found.severity is Severity.WARNING
    assert "50% of the sampled cells with SOC are left out" in found.message
    assert outcome in found.message


def coast(country: Country, columns: int, fill_km: float) -> None:
    """PET without values in the eastern columns of its grid of 0.25 degrees."""
    country.layers["pet"].values[:, :, -columns:] = np.nan
    country.set("model", climate_fill_km=fill_km)


def test_pet_missing_at_the_coast_is_filled_from_near_by_and_flagged(tmp_path):
    country = Country(tmp_path)
    coast(country, columns=4, fill_km=60.0)
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 120}
    assert report.counts["climate_filled_cells"] > 0
    with rasterio.open(report.folder / "flags" / "BAD_flag_climate_filled.tif") as source:
        flagged = source.read(1) == 1
    assert flagged.sum() == report.counts["climate_filled_cells"]
    assert not flagged[:, :6].any()  # the west has values of its own


def test_pet_missing_farther_off_fails_and_is_counted(tmp_path):
    country = Country(tmp_path)
    coast(country, columns=5, fill_km=1.0)
    report = run(country.config())
    counts = report.ledger.reasons()
    assert set(counts) == {"run", "no_climate"}
    assert report.ledger.failed == counts["no_climate"] == 120 - counts["run"] > 0
    told = {f.code: f.message for f in report.findings}
    assert f"{counts['no_climate']} cells failed" in told["failed_cells"]
    assert "no_climate" in told["partly_covered"]
