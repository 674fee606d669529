"""From the servers to a run.toml that passes the check: what lies beside the usual way."""

import json
import re
import tomllib

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from tests.cli.test_prepare import recarb, values
from tests.sources import samples
from tests.sources.conftest import only_this_machine, server  # noqa: F401 - fixtures
from tests.sources.small_country import (
    BOX,
    COUNTRY,
    YEARS,
    climate_file,
    climate_files,
    registry_of,
    serve_boundary,
    serve_climate,
    serve_country,
    serve_ndvi,
)

from recarb.core.config import load_config
from recarb.core.errors import InputError, MissingData, WrongContent
from recarb.sequestration.inputs import open_inputs
from recarb.sources.base import Area, Box

WEST, EAST = Box(102.0, 13.0, 102.3, 13.5), Box(102.45, 13.0, 102.6, 13.5)
PLUS_2K = "/thredds/fileServer/TERRACLIMATE_ALL/data_plus2C/TerraClimate_2c_{}_{}.nc"


@pytest.fixture
def world(server, tmp_path, monkeypatch):  # noqa: F811
    """Every server of the default sources; nothing was fetched."""
    monkeypatch.setenv("RECARB_REGISTRY", str(registry_of(server, tmp_path / "registry")))
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    serve_country(server, "THA", tmp_path)
    return server


def run_toml(folder):
    """The run.toml that was written, which must pass the check."""
    assert "ready to run" in recarb("check", folder / "data/THA/run.toml")
    return tomllib.loads((folder / "data/THA/run.toml").read_text())


def cells_of_units(folder):
    """Names of the units of a country, and the cells of each."""
    inputs = open_inputs(load_config(folder / "data/THA/run.toml"))
    found = inputs.load().units
    return {name: int((found == at).sum()) for at, name in enumerate(inputs.units.names, 1)}


# --------------------------------------------------------------------------- the user's boundary


def triangle(folder):
    """A boundary of half the box, as a user draws it."""
    corners = [(BOX.west, BOX.south), (BOX.east, BOX.south), (BOX.east, BOX.north)]
    frame = geopandas.GeoDataFrame(geometry=[shapely.Polygon(corners)], crs="EPSG:4326")
    frame.to_file(folder / "mine.geojson", driver="GeoJSON")
    return "--boundary=mine.geojson"


def assert_half_the_box(folder):
    assert run_toml(folder)["boundary"] == {"path": "boundary.geojson"}
    half = (BOX.east - BOX.west) * (BOX.north - BOX.south) * 120 * 120 / 2
    assert cells_of_units(folder) == {"country": pytest.approx(half, rel=0.02)}


def test_the_users_boundary_bounds_the_run(world, tmp_path):
    text = recarb("fetch", "THA", triangle(tmp_path), COUNTRY[1], "--prepare")
    assert "boundary: your own mine.geojson" in text
    assert_half_the_box(tmp_path)
    record = json.loads((tmp_path / "data/THA/prepared.json").read_text())
    assert record["layers"]["boundary"]["made_from"][0]["title"] == "mine.geojson"


def test_the_users_boundary_is_known_to_prepare_later(world, tmp_path):
    recarb("fetch", "THA", triangle(tmp_path), COUNTRY[1])
    assert str(tmp_path) not in (tmp_path / "data/THA/sources.json").read_text()
    recarb("prepare", "THA")
    assert_half_the_box(tmp_path)


def test_a_users_boundary_that_was_moved_is_missed(world, tmp_path):
    recarb("fetch", "THA", triangle(tmp_path), COUNTRY[1])
    (tmp_path / "mine.geojson").rename(tmp_path / "moved.geojson")
    text = recarb("prepare", "THA", fails=MissingData)
    assert "mine.geojson" in text
    assert "--own boundary=FILE" in text
    recarb("prepare", "THA", "--own=boundary=moved.geojson")
    assert_half_the_box(tmp_path)


@pytest.mark.parametrize("source", ["none", "geoboundaries"])
def test_a_boundary_named_otherwise_leaves_the_users_to_the_box(world, tmp_path, source):
    recarb(
        "fetch", "THA", triangle(tmp_path), COUNTRY[1], f"--source=boundary={source}", "--prepare"
    )
    written = run_toml(tmp_path).get("boundary")
    expected = {"path": "boundary.geojson", "unit_field": "shapeName"}
    assert written == (None if source == "none" else expected)


# ------------------------------------------------------------------------------ a box of sea


def with_sea(server, folder, wests):  # noqa: F811
    """The climate service has no value in boxes that start at these longitudes."""
    sea = climate_files(folder, YEARS, BOX, sea=True)
    serve_climate(
        server,
        lambda west, *asked: sea[asked] if np.isclose(west, wests, atol=1e-6).any() else None,
    )


@pytest.fixture
def two_boxes(world, monkeypatch):
    """A country in two boxes, as far as recarb's table knows."""
    table = {"THA": Area("THA", "Thailand", (WEST, EAST))}
    monkeypatch.setattr("recarb.sources.countries.countries", lambda: table)
    return world


def test_a_box_of_sea_stops_no_country(two_boxes, tmp_path):
    with_sea(two_boxes, tmp_path, [EAST.west - 1.0])
    text = recarb("fetch", "THA", COUNTRY[1])
    (note,) = re.findall(r"note: climate: (\d+ of \d+) files have no value: (\S+)", text)
    assert note == ("16 of 16", f"terraclimate/1.1/{EAST.grown(1.0).name}")
    recarb("prepare", "THA")
    run_toml(tmp_path)
    assert np.isfinite(values(tmp_path / "data/THA/climate/rain.tif")).any()


def test_one_file_of_sea_stops_no_country_either(two_boxes, tmp_path):
    sea = climate_file(tmp_path / "sea.nc", "ppt", [2001], BOX, sea=True)
    west_2001 = round(WEST.west - 1.0, 6), "ppt", 2001
    serve_climate(
        two_boxes, lambda west, *asked: sea if (round(west, 6), *asked) == west_2001 else None
    )
    assert "note: climate: 1 of 16 files have no value" in recarb("fetch", "THA", COUNTRY[1])
    recarb("prepare", "THA")
    run_toml(tmp_path)


def test_nothing_but_sea_is_refused(two_boxes, tmp_path):
    with_sea(two_boxes, tmp_path, [WEST.west - 1.0, EAST.west - 1.0])
    text = recarb("fetch", "THA", COUNTRY[1], fails=WrongContent)
    for words in ("climate: TerraClimate [terraclimate]", "all 2 files of TerraClimate_",
                  "'no data'", "--boundary"):  # fmt: skip
        assert words in text
    assert not (tmp_path / "data").exists()


# -------------------------------------------------------------------------------- more layers


def test_ndvi_becomes_plant_cover_though_the_winter_is_dark(world, tmp_path):
    serve_ndvi(world, {2015001: 7000, 2015185: 3000, 2015353: -3000})
    text = recarb("fetch", "THA", *COUNTRY, "--with=ndvi", "--years=ndvi=2015")
    assert "note: ndvi: 2 of 6 files have no value: modis_13a1/061" in text
    recarb("prepare", "THA")
    assert run_toml(tmp_path)["inputs"]["cover"] == {"path": "cover.tif"}
    for month, share in ((1, 1.0), (7, 0.0), (12, 1.0)):  # of December the rules speak
        cover = values(tmp_path / "data/THA/cover.tif", month)
        assert np.isfinite(cover).mean() > 0.9
        assert np.allclose(cover[np.isfinite(cover)], share)


def test_ndvi_of_darkness_alone_is_refused(world):
    serve_ndvi(world, {2015001: -3000, 2015353: -3000})
    text = recarb("fetch", "THA", *COUNTRY, "--with=ndvi", "--years=ndvi=2015", fails=WrongContent)
    assert "all 2 files of 500m_16_days_NDVI are 'no data'" in text


def test_provinces_become_the_units(world, tmp_path):
    serve_boundary(world, "THA", BOX, "ADM1", ("East", "West"))
    recarb("fetch", "THA", *COUNTRY, "--with=provinces", "--prepare")
    assert run_toml(tmp_path)["boundary"]["unit_field"] == "shapeName"
    units = cells_of_units(tmp_path)
    assert units.keys() == {"East", "West"}
    assert units["East"] == pytest.approx(units["West"], rel=0.05)


def test_a_country_out_of_natural_earth(world, tmp_path):
    shapes = [shapely.box(*BOX), shapely.box(0, 0, 5, 5)]
    frame = geopandas.GeoDataFrame(
        {"ISO_A3_EH": ["THA", "AAA"], "NAME": ["Smallland", "Elsewhere"]},
        geometry=shapes, crs="EPSG:4326",
    )  # fmt: skip
    (tmp_path / "shape").mkdir()
    frame.to_file(tmp_path / "shape/ne_10m_admin_0_countries.shp")
    members = {path.name: path.read_bytes() for path in (tmp_path / "shape").iterdir()}
    place = "/naturalearth/10m/cultural/ne_10m_admin_0_countries.zip"
    world.put(place, samples.zipped(**members))
    recarb("fetch", "THA", *COUNTRY, "--source=boundary=natural_earth", "--prepare")
    assert run_toml(tmp_path)["boundary"] == {"path": "boundary.geojson", "unit_field": "NAME"}
    assert cells_of_units(tmp_path).keys() == {"Smallland"}


@pytest.fixture
def warmer(world, tmp_path):
    """The scenario of the country; the smallest size that its entry takes for right is lowered."""
    entry = tmp_path / "registry/terraclimate_plus2c.toml"
    entry.write_text(entry.read_text().replace("size_mb = [5, 300]", "size_mb = [0.01, 300]"))
    for name in ("tmax", "tmin", "ppt", "pet"):
        for year in (2001, 2002):
            body = climate_file(tmp_path / "made2.nc", name, [year], BOX, warmer=2.0)
            world.put(PLUS_2K.format(name, year), body)
    recarb("fetch", "THA", *COUNTRY, "--with=scenario", "--years=scenario=2001-2002", "--prepare")
    return tmp_path / "data/THA/run.toml"


def test_a_scenario_needs_its_comment_marks_taken_away_and_no_more(warmer, tmp_path):
    assert run_toml(tmp_path)["forward"] == {}
    text = warmer.read_text()
    warmer.write_text(text.replace('#climate = "scenario"', 'climate = "scenario"'))
    assert "mixed_climate" in recarb("check", warmer, fails=InputError)
    warmer.write_text(re.sub(r'^#(climate = "scenario"|accept = )', r"\1", text, flags=re.M))
    found = run_toml(tmp_path)
    assert found["forward"] == {"climate": "scenario"}
    assert set(found["accept"]) == {"mixed_climate", "climate_jump"}
    with rasterio.open(warmer.parent / "scenario/temperature.tif") as there:
        assert there.count == 24
