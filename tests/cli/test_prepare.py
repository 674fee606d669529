"""`recarb fetch && recarb prepare && recarb check && recarb run`, on a server of our own."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scipy.stats import norm
from tests.sources import samples
from tests.sources.conftest import only_this_machine, server  # noqa: F401 - fixtures
from tests.sources.small_country import (
    CLAY_PCT,
    COUNTRY,
    registry_of,
    serve_country,
    serve_quantiles,
)
from typer.testing import CliRunner

from recarb.cli import app, register
from recarb.core.config import load_config
from recarb.core.errors import ConfigError, MissingData, OutOfRange
from recarb.core.provenance import versions
from recarb.sequestration.inputs import open_inputs
from recarb.sequestration.run_record import input_records

register.commands(app)


def recarb(*arguments, fails=None):
    """What a command prints; `fails`: the error it ends with."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if fails is None:
        assert done.exception is None, (done.output, done.exception)
        return done.output
    assert type(done.exception) is fails, (done.output, done.exception)
    return str(done.exception)


@pytest.fixture
def country(server, tmp_path, monkeypatch):  # noqa: F811
    """A country that was fetched; the folder with its sources.json."""
    monkeypatch.setenv("RECARB_REGISTRY", str(registry_of(server, tmp_path / "registry")))
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    serve_country(server, "THA", tmp_path)
    recarb("fetch", "THA", *COUNTRY)
    return tmp_path / "data/THA"


def values(path, band=1):
    with rasterio.open(path) as source:
        return source.read(band, masked=True).astype(float).filled(np.nan)


def test_a_country_code_becomes_maps(country):
    told = recarb("prepare", "THA")
    assert "MB before compression" in told
    assert "recarb check data/THA/run.toml" in told
    told = recarb("check", country / "run.toml")
    assert "ready to run" in told
    assert "SoilGrids 2.0" in told  # the version of the clay
    page = (country / "run_check.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 7  # with the land use of the spin-up
    text = recarb("run", country / "run.toml")
    assert "SSM3" in text
    inputs = json.loads((country / "out/provenance.json").read_text())["inputs"]
    for row in inputs:
        (origin,) = row["origins"]
        assert origin["version"]
        assert origin["licence"]
        assert origin["citation"].startswith("@")
        for file in origin["files"]:
            assert file["url"].startswith("http")
            assert file["time"].startswith("20")
            assert file["bytes"] > 0
            assert len(file["sha256"]) == 64
    versions = {row["layer"]: row["origins"][0]["version"] for row in inputs}
    assert versions["boundary"] == "THA-ADM0-1"  # the boundaryID of the API, not "current"
    assert versions["soc"] == "1.6.1"
    text = recarb("cite", country / "out")
    assert "THA-ADM0-1" in text
    assert "Global Soil Organic Carbon Map (GSOCmap) 1.6.1 (soc); cite as gsocmap161" in text
    assert "(climate.main.temperature, climate.main.rain, climate.main.pet)" in text
    assert "No origin" not in text
    entries = recarb("cite", country / "run.toml", "--bibtex")
    keys = re.findall(r"^@\w+\{(.+),$", entries, re.MULTILINE)
    assert keys[:4] == ["recarb", "coleman1996", "fao2020", "lieth1975"]
    assert {"gsocmap161", "poggio2021"} < set(keys)
    assert len(keys) == len(set(keys)) == 4 + 5  # and climate, land cover, boundary


def test_an_own_map_and_a_changed_one_are_told_apart(country, tmp_path):
    mine = np.full((40, 40), 50.0, np.float32)
    (tmp_path / "mine.tif").write_bytes(samples.geotiff(mine, west=102.1, north=13.4, cell=0.0125))
    recarb("prepare", "THA", "--own=soc=mine.tif", "--unit=soc=t/ha")
    with rasterio.open(country / "clay.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as clay:
        clay.update_tags(EDITED="by hand")
    config = load_config(country / "run.toml")
    record = {"config": config.portable(), "versions": versions(),
              "inputs": input_records(open_inputs(config), config)}  # fmt: skip
    (country / "provenance.json").write_text(json.dumps(record))  # without the run
    own, unknown = recarb("cite", country).split("No origin is recorded")
    assert "own:\n- soc: mine.tif" in own
    assert "- clay: clay.tif" in unknown
    assert "soc" not in unknown
    assert "SoilGrids" not in own


def test_quantiles_become_uncertainty(country, server):  # noqa: F811
    serve_quantiles(server)
    recarb("fetch", "THA", *COUNTRY, "--with", "soc_quantiles", "--with", "clay_quantiles")
    recarb("prepare", "THA")
    soc, clay = (values(country / f"{name}_uncertainty.tif") for name in ("soc", "clay"))
    wider = norm.ppf(0.975) / norm.ppf(0.95)
    assert np.allclose(soc[np.isfinite(soc)], 20.0 * wider, rtol=1e-5)
    assert np.allclose(clay[np.isfinite(clay)], 40.0 * wider, rtol=1e-5)
    assert np.isfinite(clay).mean() > 0.9
    inputs = tomllib.loads((country / "run.toml").read_text())["inputs"]
    assert inputs["soc_uncertainty"] == {"path": "soc_uncertainty.tif"}
    told = recarb("check", country / "run.toml")
    assert "clay_uncertainty" in told
    assert "ready to run" in told


def test_an_uncertainty_above_the_value_is_cut_and_counted(country, server):  # noqa: F811
    serve_quantiles(server, low=0.0)
    recarb("fetch", "THA", *COUNTRY, "--with", "clay_quantiles")
    text = recarb("prepare", "THA")
    found = values(country / "clay_uncertainty.tif")
    assert np.allclose(found[np.isfinite(found)], 99.0)
    assert f"clay_uncertainty: {np.isfinite(found).sum():,} cells cut to 99 %" in text


def test_every_layer_holds_what_the_server_gave(country):
    recarb("prepare", "THA")
    clay, soc, land_use = (values(country / f"{n}.tif") for n in ("clay", "soc", "land_use"))
    assert clay.shape == soc.shape == land_use.shape
    assert np.allclose(clay[np.isfinite(clay)], CLAY_PCT)
    assert 0.9 < np.isfinite(soc).mean() < 1.0
    assert np.isfinite(land_use).mean() > 0.95  # it reaches as far beyond the box as the others
    inside = (slice(13, -13), slice(13, -13))
    land_use = land_use[inside]
    assert set(np.unique(land_use)) == {2.0, 3.0}
    earlier = values(country / "land_use_2000.tif")[inside]
    assert (earlier == 2).sum() < (land_use == 2).sum()
    shares = np.stack([values(country / "land_use_shares.tif", band) for band in range(1, 14)])
    shares = shares[:, *inside]
    assert np.allclose(shares.sum(axis=0), 1.0, atol=1e-6)
    assert np.array_equal(shares.argmax(axis=0) + 1, land_use)
    assert ((shares[1] > 0) & (shares[1] < 1)).any()  # cells that are shared
    with rasterio.open(country / "climate/temperature.tif") as source:
        assert source.count == 48
        assert (source.descriptions[0], source.descriptions[-1]) == ("1999-01", "2002-12")
        assert set(source.units) == {"degC"}
        january = 26.0 + 3 * np.cos(-np.pi) + 0.5 * (1999 % 3)
        assert np.nanmax(np.abs(source.read(1, masked=True) - january)) < 0.01
        assert source.read_masks(1)[0, 0] == 0  # sea stays sea


def test_provenance_travels_in_the_tags(country):
    recarb("prepare", "THA")
    told = json.loads((country / "sources.json").read_text())
    hashes = {one["sha256"] for layer in told["layers"] for one in layer["files"]}
    seen = set()
    for path in sorted(country.rglob("*.tif")):
        with rasterio.open(path) as source:
            tags = source.tags()
        assert tags["SOURCE"]
        assert tags["LICENCE"]
        assert tags["CITATION"].startswith("@")
        files = json.loads(tags["SOURCE_FILES"])
        assert all(one["url"].startswith("http") for one in files)
        seen |= {one["sha256"] for one in files}
    boundary = next(layer for layer in told["layers"] if layer["layer"] == "boundary")
    assert seen == hashes - {one["sha256"] for one in boundary["files"]}
    record = json.loads((country / "prepared.json").read_text())
    assert record["layers"]["soc"]["made_from"][0]["version"] == "1.6.1"


def test_a_second_call_makes_nothing_and_a_touched_layer_is_made_again(country):
    recarb("prepare", "THA")
    before = {path: path.stat().st_mtime_ns for path in country.rglob("*.tif")}
    again = recarb("prepare", "THA")
    assert "written" not in again
    assert before == {path: path.stat().st_mtime_ns for path in country.rglob("*.tif")}
    (country / "clay.tif").write_bytes(b"half")
    text = recarb("prepare", "THA")
    assert [line for line in text.splitlines() if line.startswith("written")] == [
        "written: clay.tif"
    ]
    assert np.nanmax(values(country / "clay.tif")) == pytest.approx(CLAY_PCT)


def test_another_crosswalk_makes_land_use_again_and_nothing_else(country):
    recarb("prepare", "THA")
    text = recarb("prepare", "THA", "--crosswalk", "esa_cci_fao_manual")
    written = [line for line in text.splitlines() if line.startswith("written")]
    assert len(written) == 2
    assert all("land_use" in line for line in written)


def test_a_run_toml_that_was_changed_is_kept(country):
    recarb("prepare", "THA")
    path = country / "run.toml"
    mine = path.read_text() + "\n[uncertainty]\nchains = false\n"
    path.write_text(mine)
    assert "changed by hand" in recarb("prepare", "THA")
    assert path.read_text() == mine
    assert tomllib.loads((country / "run.toml.new").read_text())["iso3"] == "THA"
    recarb("prepare", "THA", "--overwrite")
    assert "chains" not in path.read_text()


def test_fetching_may_go_on_to_prepare(country):
    text = recarb("fetch", "THA", *COUNTRY, "--offline", "--prepare")
    assert "now: recarb check data/THA/run.toml" in text
    last = text.splitlines()[-1]
    assert last == "next: recarb run data/THA/run.toml"
    assert "SSM3" in recarb(*last.removeprefix("next: recarb ").split())
    assert (country / "land_use.tif").is_file()


def test_whole_files_are_prepared_like_parts(country, server, tmp_path):  # noqa: F811
    recarb("prepare", "THA")
    parts = values(country / "climate/rain.tif", 13)
    assert '"terraclimate/1.1/E101_N' in (country / "sources.json").read_text(encoding="utf-8")
    entry = tmp_path / "registry/terraclimate.toml"
    entry.write_text(entry.read_text("utf-8").replace("[5, 300]", "[0, 300]"), encoding="utf-8")
    for (name, year), body in server.climate.items():
        server.put(f"/TERRACLIMATE-DATA/TerraClimate_{name}_{year}.nc", body)
    recarb("fetch", "THA", *COUNTRY, "--whole", "--prepare")
    assert "TerraClimate_ppt_2000.nc" in (country / "prepared.json").read_text(encoding="utf-8")
    assert "1.1/E101_N" not in (country / "sources.json").read_text(encoding="utf-8")
    assert np.array_equal(values(country / "climate/rain.tif", 13), parts, equal_nan=True)


@pytest.mark.parametrize("page", ["README.md", "docs/howto/fetch.md"])
def test_the_line_that_is_promised_is_the_one_that_works(page):
    """The test above runs it, with a smaller box."""
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    assert "```bash\nrecarb fetch THA --prepare && recarb run data/THA/run.toml\n```" in text
    assert not re.search(r"recarb fetch \w+ && recarb run", text)


def test_a_map_of_the_country_goes_first(country, tmp_path):
    mine = np.full((40, 40), 5.0, np.float32)  # kg m-2, so 50 t/ha
    body = samples.geotiff(mine, west=102.1, north=13.4, cell=0.0125, nodata=-1)
    (tmp_path / "mine.tif").write_bytes(body)
    recarb("prepare", "THA", "--own=soc=mine.tif", "--unit=soc=kg/m2")
    soc = values(country / "soc.tif")
    assert soc.shape == (40, 40)
    assert np.allclose(soc, 50.0)
    assert values(country / "clay.tif").shape == (40, 40)
    assert "ready to run" in recarb("check", country / "run.toml")


def test_fao_s_grid(country, tmp_path):
    mine = np.full((40, 40), 75, np.float32)
    body = samples.geotiff(mine, west=102.103, north=13.404, cell=0.01, nodata=-1)
    (tmp_path / "mine.tif").write_bytes(body)
    recarb("prepare", "THA", "--own=soc=mine.tif", "--unit=soc=t/ha", "--snap-to-fao-grid")
    with rasterio.open(country / "soc.tif") as source:
        a = source.transform
    assert a.a == pytest.approx(1 / 120)
    for edge in (a.c, a.f):
        assert edge * 120 == pytest.approx(round(edge * 120), abs=1e-6)
    assert np.allclose(values(country / "soc.tif")[2:-2, 2:-2], 75.0)


# --------------------------------------------------------------------------- what cannot be done


def test_nothing_was_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "recarb fetch" in recarb("prepare", "THA", fails=MissingData)


def test_all_missing_layers_are_named_at_once(country):
    recarb("fetch", "THA", *COUNTRY, "--source=clay=none", "--source=climate=none")
    text = recarb("prepare", "THA", fails=MissingData)
    assert "--source clay=soilgrids" in text
    assert "--source climate=terraclimate" in text
    assert not (country / "soc.tif").exists()


def test_a_file_that_left_the_cache(country, tmp_path):
    next((tmp_path / "cache").rglob("clay_0-5cm*.tif")).unlink()
    assert "call `recarb fetch` again" in recarb("prepare", "THA", fails=MissingData)


def test_values_that_no_place_has_leave_no_layer(country, tmp_path):
    mine = np.full((40, 40), 5000, np.float32)
    (tmp_path / "mine.tif").write_bytes(samples.geotiff(mine, west=102.1, north=13.4, cell=0.01))
    text = recarb("prepare", "THA", "--own=soc=mine.tif", "--unit=soc=t/ha", fails=OutOfRange)
    assert "0 to 800 t ha-1, came 5000" in text
    assert not (country / "soc.tif").exists()
    assert not (country / ".prepare").exists()


def test_layers_that_do_not_exist(country):
    assert "no layer 'weather'" in recarb("prepare", "THA", "--own=weather=x", fails=ConfigError)
    assert "LAYER=VALUE" in recarb("prepare", "THA", "--own=soc", fails=ConfigError)
