"""`recarb fetch` and `recarb sources`: the registry that ships, its servers played by our own."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files

import numpy as np
import pytest
from tests.sources import samples
from tests.sources.catalogue_answers import serve_boundary, stac_item
from tests.sources.conftest import only_this_machine, server  # noqa: F401 - fixtures
from tests.sources.server import PAGE, Fault
from tests.sources.test_catalogues import QUICK, SQUARE, grow_old
from typer.testing import CliRunner

from recarb.cli import app, register
from recarb.core.errors import ConfigError, RecarbError, Unreachable, WrongContent
from recarb.sources.line import Line

register.commands(app)
SOC = "/fao-maps-catalog-data/geonetwork/gsoc/GSOCmap/GSOCmap1.6.1.tif"
CLAY = "/soilgrids/latest/data_aggregated/1000m/clay/clay_{}_mean_1000.tif"
CLIMATE = "/thredds/ncss/grid/agg_terraclimate_{}_1950_CurrentYear_GLOBE.nc"
STAC = "/api/stac/v1"
COUNTRY = ("--box=102,13,106,17", "--years=climate=2001-2002", "--years=land_cover=2020")


def recarb(*arguments, fails=None):
    """What a command prints; `fails`: the error it ends with."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if fails is None:
        assert done.exception is None, done.output
        return done.output
    assert type(done.exception) is fails, done.output
    return str(done.exception)


@pytest.fixture
def world(server, tmp_path, monkeypatch):  # noqa: F811
    """Every server of the default sources, in one; the entries that ship lead to it."""
    folder = tmp_path / "registry"
    folder.mkdir()
    for item in (files("recarb.sources") / "registry").iterdir():
        text = re.sub(r'https?://[^/"]+', server.url, item.read_text(encoding="utf-8"))
        (folder / item.name).write_text(text, encoding="utf-8")
    server.put(SOC, samples.geotiff())
    for depth in ("0-5cm", "5-15cm", "15-30cm"):
        server.put(CLAY.format(depth), samples.geotiff())
    for name in ("tmax", "tmin", "ppt", "pet"):
        top = 300.0 if name in ("ppt", "pet") else 40.0
        server.put(CLIMATE.format(name), samples.netcdf(tmp_path / "made.nc", name, high=top))
    tile = server.put("/tile.tif", samples.geotiff(np.full((20, 30), 10, np.uint8), nodata=None))
    landing = {
        "type": "Catalog", "id": "pc", "stac_version": "1.0.0", "description": "test",
        "conformsTo": ["https://api.stacspec.org/v1.0.0/core",
                       "https://api.stacspec.org/v1.0.0/item-search"],
        "links": [{"rel": "search", "type": "application/geo+json",
                   "href": server.url + STAC + "/search", "method": "GET"}],
    }  # fmt: skip
    server.put(STAC, json.dumps(landing).encode())
    found = [stac_item(server.url, 1, "lccs_class", tile)]
    server.put(STAC + "/search", json.dumps(
        {"type": "FeatureCollection", "features": found, "links": []}).encode())  # fmt: skip
    server.put("/api/sas/v1/token/esa-cci-lc", b'{"token": "sig=1"}')
    serve_boundary(server, "THA", SQUARE)
    serve_boundary(server, "BTN", SQUARE)
    for iso3 in ("THA", "BTN"):
        server.put(f"/api/current/gbOpen/{iso3}/ADM0/", server.files[f"/api/{iso3}/ADM0/"])
    monkeypatch.setenv("RECARB_REGISTRY", str(folder))
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return server


def test_a_country_is_fetched_with_its_provenance(world, tmp_path):
    text = recarb("fetch", "THA", *COUNTRY)
    assert "14 files, all checked" in text
    assert text.splitlines()[-1] == (
        "next: recarb prepare data/THA && recarb run data/THA/run.toml"
    )
    told = json.loads((tmp_path / "data/THA/sources.json").read_text())
    assert [layer["layer"] for layer in told["layers"]] == [
        "soc", "clay", "climate", "land_cover", "boundary",
    ]  # fmt: skip
    for layer in told["layers"]:
        assert layer["licence"]
        assert layer["citation"].startswith("@")
        assert layer["registry_verified"] == "unverified"
        for one in layer["files"]:
            path = tmp_path / "cache/data" / one["key"]
            assert path.stat().st_size == one["size_bytes"]
            assert one["url"].startswith(world.url)
            assert one["time"]
    assert str(tmp_path) not in (tmp_path / "data/THA/sources.json").read_text()


def test_again_without_a_line(world, tmp_path):
    recarb("fetch", "THA", *COUNTRY)
    before = len(world.seen)
    assert "2 in the cache" not in recarb("fetch", "THA", *COUNTRY, "--offline")
    assert len(world.seen) == before


def test_a_pack_for_an_office_without_a_line(world, tmp_path, monkeypatch):
    recarb("fetch", "THA", *COUNTRY, "--pack", "tha.zip")
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "office"))
    before = len(world.seen)
    text = recarb("fetch", "THA", *COUNTRY, "--unpack", "tha.zip", "--offline", "--out", "there")
    assert "14 files, all checked" in text
    assert len(world.seen) == before
    first, second = (json.loads((tmp_path / place / "THA/sources.json").read_text())
                     for place in ("data", "there"))  # fmt: skip
    assert first["layers"] == second["layers"]


def test_a_list_fetches_no_file(world, tmp_path):
    text = recarb("fetch", "THA", *COUNTRY, "--list")
    assert "climate: TerraClimate 1.1 [terraclimate], CC0; registry entry unverified" in text
    assert "8 files, at most about" in text
    assert "unknown" not in text
    assert not world.gets(SOC)
    assert not (tmp_path / "data").exists()


def test_a_list_tells_of_a_dead_catalogue_and_of_all_others(world):
    world.always[STAC] = Fault(status=404)
    done = CliRunner().invoke(app, ["fetch", "THA", *COUNTRY, "--list"])
    assert isinstance(done.exception, Unreachable)
    assert "land_cover" in done.output
    assert "boundary: geoBoundaries" in done.output


def test_one_renamed_file_writes_no_provenance_and_keeps_the_rest(world, tmp_path):
    del world.files[SOC]
    text = recarb("fetch", "THA", *COUNTRY, fails=Unreachable)
    for words in (SOC, "status 404", "renamed", "--drop-in"):
        assert words in text
    assert not (tmp_path / "data").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/GSOCmap_1.6.1.tif").write_bytes(samples.geotiff())
    before = len(world.seen)
    recarb("fetch", "THA", *COUNTRY, "--drop-in", "mine")
    assert len(world.seen) == before
    told = (tmp_path / "data/THA/sources.json").read_text()
    assert "dropped in: GSOCmap_1.6.1.tif" in told


@pytest.mark.parametrize("status", [404, 503])
def test_a_dead_catalogue_stops_no_other_layer(world, tmp_path, status, monkeypatch):
    monkeypatch.setattr("recarb.sources.line.Line", lambda: Line(QUICK))
    world.always[STAC] = Fault(status=status)
    done = CliRunner().invoke(app, ["fetch", "THA", *COUNTRY])
    assert type(done.exception) is Unreachable
    assert done.exception.exit_code == 4
    assert "land_cover: ESA CCI" in done.output
    assert "its catalogue gave no answer" in done.output
    for words in ("esa-cci-lc", f"status {status}", "--unpack FILE --offline", "--own"):
        assert words in str(done.exception)
    names = {path.name for path in (tmp_path / "cache/data").rglob("*")}
    assert {"GSOCmap1.6.1.tif", "TerraClimate_pet_2002.nc", "THA_ADM0.geojson"} < names
    assert not (tmp_path / "data").exists()
    del world.always[STAC]
    before = len(world.gets(SOC))
    assert "14 files, all checked" in recarb("fetch", "THA", *COUNTRY)
    assert len(world.gets(SOC)) == before


def test_a_dead_catalogue_and_a_dead_file_are_told_together(world):
    world.always[STAC] = Fault(status=404)
    world.always[SOC] = Fault(status=200, body=PAGE)
    text = recarb("fetch", "THA", *COUNTRY, fails=WrongContent)
    assert "esa-cci-lc" in text
    assert "Please sign in" in text


def test_a_catalogue_that_died_after_it_answered(world, tmp_path):
    recarb("fetch", "THA", *COUNTRY)
    grow_old(tmp_path / "cache")
    world.always[STAC] = Fault(status=404)
    text = recarb("fetch", "THA", *COUNTRY)
    assert "note: esa_cci_lc: its catalogue gives no answer; used: what it said on 20" in text
    assert "14 files, all checked" in text


def test_a_web_page_instead_of_climate(world):
    world.always[CLIMATE.format("ppt")] = Fault(status=200, body=PAGE)
    text = recarb("fetch", "THA", *COUNTRY, fails=WrongContent)
    assert "Please sign in" in text
    assert "take the whole files of terraclimate: --whole" in text


def test_a_users_boundary_says_the_box_and_stands_for_itself(world, tmp_path):
    (tmp_path / "mine.geojson").write_text(json.dumps(SQUARE))
    text = recarb("fetch", "THA", *COUNTRY[1:], "--boundary", "mine.geojson", "--list")
    assert "boundary:" not in text
    assert "clay: SoilGrids" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["TH"], "three letters"),
        (["THA", "--source=soc"], "expected LAYER=VALUE"),
        (["THA", "--years=climate=x"], "LAYER=FIRST-LAST"),
        (["THA", "--with=weather"], "no layer 'weather'"),
        (["THA", "--source=land_cover=none", "--years=climate=1900-1901"], "years 1950 to 2025"),
    ],
)
def test_what_cannot_be_asked_for(world, arguments, told):
    assert told in recarb("fetch", *arguments, "--list", fails=ConfigError)


def test_whole_files_instead_of_the_service_that_cuts_them(world, tmp_path):
    options = ("THA", "--source=soc=none", "--source=clay=none", "--source=land_cover=none",
               "--source=boundary=none", "--years=climate=2001", "--registry=registry")  # fmt: skip
    text = recarb("fetch", *options, "--whole", "--list")
    assert "4 files, at most about 480.0 MB" in text
    correct_sizes(tmp_path / "registry/terraclimate.toml")
    for name in ("tmax", "tmin", "ppt", "pet"):
        world.put(f"/TERRACLIMATE-DATA/TerraClimate_{name}_2001.nc",
                  samples.netcdf(tmp_path / "made.nc", name, high=40.0))  # fmt: skip
    text = recarb("fetch", *options, "--whole")
    told = json.loads((tmp_path / "data/THA/sources.json").read_text())
    (climate,) = told["layers"]
    assert {one["key"] for one in climate["files"]} == {
        f"terraclimate/1.1/TerraClimate_{name}_2001.nc" for name in ("tmax", "tmin", "ppt", "pet")
    }
    assert not world.gets(CLIMATE.format("ppt"))
    assert text.splitlines()[-1] == (
        "next: recarb prepare data/THA --own soc=FILE --own clay=FILE --own land_cover=FILE "
        "--registry registry && recarb run data/THA/run.toml"
    )


def correct_sizes(path):
    """The files of a test are small."""
    text = path.read_text(encoding="utf-8").replace("size_mb = [5, 300]", "size_mb = [0, 300]")
    path.write_text(text, encoding="utf-8")


def test_the_older_host_takes_over(world, tmp_path):
    """The registry names two hosts for TerraClimate; the first is dead."""
    entry = tmp_path / "registry/terraclimate.toml"
    first, second = "/thredds/ncss/grid", "/older/ncss/grid"
    text = entry.read_text(encoding="utf-8")
    assert text.count(first) == 2
    head, _, tail = text.partition(first)
    entry.write_text(head + first + tail.replace(first, second), encoding="utf-8")
    for name in ("tmax", "tmin", "ppt", "pet"):
        path = CLIMATE.format(name)
        world.files[path.replace(first, second)] = world.files.pop(path)
    recarb("fetch", "THA", *COUNTRY)
    told = json.loads((tmp_path / "data/THA/sources.json").read_text())
    climate = next(layer for layer in told["layers"] if layer["layer"] == "climate")
    assert len(climate["files"]) == 8
    assert all(second in one["url"] for one in climate["files"])


def test_what_recarb_cannot_read_is_refused_before_it_is_fetched(world):
    text = recarb("fetch", "THA", *COUNTRY, "--source=clay=hwsd", fails=ConfigError)
    for words in ("map units", "--source clay=soilgrids", "--own clay=FILE"):
        assert words in text
    assert not world.seen


# ------------------------------------------------------------------------------------- sources


def test_the_list_of_sources(world):
    text = recarb("sources")
    assert "terraclimate" in text
    assert "unverified" in text
    found = {entry["id"]: entry for entry in json.loads(recarb("sources", "--json"))}
    assert found["soilgrids"]["licence"] == "CC BY 4.0"


def test_one_source_is_shown_with_what_is_unverified(world):
    text = recarb("sources", "show", "terraclimate")
    for words in ("rests on general knowledge: packing", "CC0", "10.1038/sdata.2017.191",
                  "scale 0.01, offset -99", "instead of it: cru_ts"):  # fmt: skip
        assert words in text
    assert "no data source" in recarb("sources", "show", "nowhere", fails=ConfigError)


def test_a_server_that_gives_what_the_registry_says(world):
    text = recarb("sources", "verify", "geoboundaries")
    assert "geoboundaries: AS WRITTEN:" in text
    today = datetime.now(UTC).date()
    assert text.splitlines()[-1] == f'    verified = "{today}"'


def test_a_server_that_gives_something_else(world):
    world.always[SOC] = Fault(status=200, body=PAGE)
    done = CliRunner().invoke(app, ["sources", "verify", "gsocmap"])
    assert done.exit_code == 4
    assert "NOT AS WRITTEN" in done.output
    assert "Please sign in" in done.output
    assert "verified =" not in done.output
    assert not isinstance(done.exception, RecarbError)


def test_verification_leaves_the_cache_alone(world, tmp_path):
    recarb("fetch", "BTN", *COUNTRY[1:], "--box=102,13,106,17", "--source=climate=none")
    before = sorted(path.name for path in (tmp_path / "cache").rglob("*"))
    world.files.pop("/api/current/gbOpen/BTN/ADM0/")
    done = CliRunner().invoke(app, ["sources", "verify", "geoboundaries"])
    assert "status 404" in done.output  # and not the answer of a moment ago
    assert sorted(path.name for path in (tmp_path / "cache").rglob("*")) == before
