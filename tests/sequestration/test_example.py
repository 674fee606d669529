"""Tinyland: the country that ships with recarb, from its facts to its maps."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from recarb.core.config import load_config
from recarb.core.errors import ConfigError, OutputError
from recarb.core.findings import Severity
from recarb.harmonise.crosswalk import load_crosswalk
from recarb.sequestration import pipeline
from recarb.sequestration.checks import check_run
from recarb.sequestration.example import write_example
from recarb.sequestration.example_climate import autoregressive, make_weather
from recarb.sequestration.example_facts import Fact, Facts, climate_grid, facts, grid
from recarb.sequestration.example_land import make_land, smooth_noise
from recarb.sequestration.inputs import CountryInputs

GOLDEN = Path(__file__).parents[1] / "golden" / "tinyland" / "totals.csv"
TOTALS = ["area_ha", "mean_t0_tc_ha", "mean_final_soc_tc_ha", "total_asr_mt_c_per_yr"]
GOLDEN_TOLERANCE = 1e-6
LARGEST_BYTES = 6_000_000


def hashes(folder, pattern="*"):
    files = [path for path in sorted(folder.rglob(pattern)) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def run_toml(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("example") / "tinyland")


@pytest.fixture(scope="module")
def config(run_toml):
    return load_config(run_toml)


@pytest.fixture(scope="module")
def report(config):
    return pipeline.run(config)


def again(config, folder, **changes):
    changed = config.model_copy(update={"output": folder / "again", **changes})
    return pipeline.run(changed).folder


# --- what it is made of


def test_every_fact_has_its_source():
    def walk(model):
        values = [getattr(model, name) for name in type(model).model_fields]
        for value in values:
            yield from value if isinstance(value, tuple) else [value]

    tables = list(walk(facts()))
    assert len(tables) > len(Facts.model_fields)
    assert all(isinstance(table, Fact) and len(table.source.split()) > 0 for table in tables)
    assert facts().sources()["station"].startswith("AEMET")


def test_the_station_agrees_with_itself():
    """The mean of the mean highest and lowest is the published mean, to the last digit given."""
    station = facts().station
    middle = np.add(station.temperature_max_c, station.temperature_min_c) / 2
    assert np.abs(middle - station.temperature_c).max() <= 0.1 + 1e-9


def test_every_land_cover_code_is_in_the_crosswalk():
    known = load_crosswalk().classes
    assert {row.code for row in facts().land_cover} <= set(known)
    codes = {int(code) for code in np.unique(make_land().land_cover)}
    assert codes == {row.code for row in facts().land_cover}


def test_a_place_at_the_stations_height_has_its_normals():
    station = facts().station
    size = grid(3).shape[0]
    weather = make_weather(np.full((size, size), station.altitude_m))
    years = weather.temperature_c.reshape(-1, 12, *climate_grid().shape)[:30]
    middle = years[:, :, 12, 12].mean(axis=0)
    assert np.abs(middle - station.temperature_c).max() < 0.02  # tenths, over 30 years
    rain = weather.rain_mm.reshape(-1, 12, *climate_grid().shape)[:30, :, 12, :].mean(axis=0)
    west_east = facts().orography
    expected = 1 + (west_east.west_coast_pct + west_east.east_coast_pct) / 200
    middle_rain = rain[:, 11:13].mean(axis=1)
    assert np.allclose(middle_rain, np.array(station.rain_mm) * expected, atol=0.3)


def test_autoregressive_noise_has_its_memory_and_size():
    series = autoregressive(7, 100_000, 0.3)
    assert abs(series.std() - 1) < 0.02
    assert abs(np.corrcoef(series[1:], series[:-1])[0, 1] - 0.3) < 0.02


def test_smooth_noise_is_smooth():
    field = smooth_noise(99, 100, 5)
    assert abs(field.mean()) < 1e-12
    assert abs(field.std() - 1) < 1e-12
    assert np.abs(np.diff(field, axis=0)).max() < 1.0


def test_soils_lie_in_texture_classes():
    land = make_land()
    clay, sand = land.clay_pct[land.inside], land.sand_pct[land.inside]
    assert (clay + sand <= 100 + 1e-9).all()
    fits = np.zeros((len(facts().texture), clay.size), dtype=bool)
    for i, t in enumerate(facts().texture):
        low, high = np.array([t.clay_pct, t.sand_pct]).T
        fits[i] = (clay >= low[0]) & (clay <= high[0]) & (sand >= low[1]) & (sand <= high[1])
    assert fits.any(axis=0).all()
    assert fits.any(axis=1).all()


# --- the files


def test_the_same_bytes_every_time(run_toml, tmp_path):
    again = write_example(tmp_path / "again").parent
    first = {k: v for k, v in hashes(run_toml.parent).items() if not k.startswith("out")}
    assert hashes(again) == first
    assert len(first) == 12


def test_files_are_small(run_toml):
    sizes = [path.stat().st_size for path in run_toml.parent.glob("*.*") if path.is_file()]
    assert 100_000 < sum(sizes) < LARGEST_BYTES


def test_every_file_says_synthetic(run_toml):
    folder = run_toml.parent
    for path in folder.glob("*.tif"):
        with rasterio.open(path) as file:
            assert "SYNTHETIC" in file.tags()["note"], path.name
    for name in ("README.txt", "run.toml", "boundary.geojson"):
        assert "SYNTHETIC" in (folder / name).read_text(encoding="utf-8"), name


def test_no_machine_and_no_time_in_the_files(run_toml):
    for path in run_toml.parent.glob("*.*"):
        content = path.read_bytes()
        assert str(run_toml.parent).encode() not in content, path.name
    with rasterio.open(run_toml.parent / "soc.tif") as file:
        assert set(file.tags()) == {"AREA_OR_POINT", "title", "note", "substance"}


def test_scales_and_units_are_as_the_readme_says(run_toml):
    folder = run_toml.parent
    with rasterio.open(folder / "temperature.tif") as file:
        assert (file.dtypes[0], file.scales[0], file.units[0]) == ("int16", 0.1, "degC")
        assert (file.descriptions[0], file.descriptions[-1]) == ("1981-01", "2020-12")
    with rasterio.open(folder / "rain.tif") as file:
        assert file.units[0] is None
    with rasterio.open(folder / "cover.tif") as file:
        assert file.count == 12
        assert file.read(masked=True).max() <= 100


def test_the_country_is_no_rectangle_and_no_real_place(run_toml):
    with rasterio.open(run_toml.parent / "soc.tif") as file:
        known = file.read_masks(1) > 0
        west, south, east, north = file.bounds
    assert 0.3 < known.mean() < 0.8
    assert not known[[0, -1]].any()
    assert not known[:, [0, -1]].any()
    assert (-35 < west < east < -25) and (38 < south < north < 45)
    boundary = json.loads((run_toml.parent / "boundary.geojson").read_text())
    assert {f["properties"]["province"] for f in boundary["features"]} == set(
        facts().country.provinces
    )


def test_keeps_a_folder_that_holds_something(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"not empty.*--overwrite"):
        write_example(tmp_path)
    write_example(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "run.toml").exists()
    assert not list(tmp_path.glob(".part*"))


def test_refuses_a_file_as_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        write_example(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot write"):
        write_example(tmp_path / "file" / "below")


# --- the run


def test_no_suspicion(config):
    findings = check_run(config).findings
    assert [f.line() for f in findings if f.severity in {Severity.ERROR, Severity.SUSPICIOUS}] == []


def test_climate_warms_a_little(config):
    cells = CountryInputs(config).load().cells
    warmer = (cells["temperature_forward"] - cells["temperature_spin_up"]).mean()
    wetter = cells["rain_forward"].sum() / cells["rain_spin_up"].sum()
    assert 0.3 < float(warmer) < 1.0
    assert 0.85 < float(wetter) < 1.15


def test_every_cell_is_accounted_for(report, config):
    cells = report.ledger.record()
    with rasterio.open(report.folder / "diagnostics" / "XTL_outcome.tif") as file:
        outcome = file.read(1)
    inside = CountryInputs(config).load().units > 0
    assert cells["run"] + cells["excluded"] + cells["failed"] == cells["total"] == inside.sum()
    assert cells["failed"] == 0
    assert (outcome[inside] == 0).sum() == cells["run"]
    reasons = {"no_soc", "zero_soc", "no_clay", "not_modelled"}
    assert reasons <= set(cells["by_outcome"])
    assert cells["run"] > 0.6 * cells["total"]


def test_input_stays_below_npp(report):
    assert report.counts["c_eq_above_npp_cells"] == 0
    with rasterio.open(report.folder / "diagnostics" / "XTL_C_eq_over_NPP.tif") as file:
        share = file.read(1, masked=True).compressed()
    assert 0.3 < np.median(share) < 0.6


def test_totals_are_those_of_an_independent_program(report):
    golden = pd.read_csv(GOLDEN).set_index("scenario")
    table = report.summary[report.summary["level"] == "country"].set_index("scenario")
    assert (table["cells"] == golden["cells"]).all()
    for column in TOTALS:
        apart = np.abs(table[column] / golden[column] - 1)
        assert apart.max() < GOLDEN_TOLERANCE, column


def test_the_29_maps(report):
    maps = sorted(report.folder.glob("XTL_GSOCseq_*Map030.tif"))
    assert len(maps) == 29
    for path in maps:
        valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
        assert valid, (path.name, errors, warnings)
        with rasterio.open(path) as file:
            tags = file.tags()
            assert (file.dtypes, file.nodata, file.shape) == (("float32",), -9999.0, (100, 100))
            assert "SYNTHETIC" in tags["note"]
            assert (tags["country"], tags["t0"], tags["depth_cm"]) == ("XTL", "2020", "30")
            assert tags["units"] == file.units[0] == unit_of(path.name)
            assert file.descriptions[0]


def unit_of(name):
    if "Uncertainty" in name:
        return "percent"
    return "t ha-1 year-1" if "ASR" in name or "RSR" in name else "t ha-1"


def test_maps_hang_together(report):
    def read(stem):
        with rasterio.open(report.folder / f"XTL_GSOCseq_{stem}030.tif") as file:
            return file.read(1, masked=True).astype(float)

    t0, bau, ssm = read("T0_Map"), read("finalSOC_BAU_Map"), read("finalSOC_SSM3_Map")
    assert np.ma.allclose(read("RSR_SSM3_Map"), (ssm - bau) / 20, atol=1e-6)
    assert np.ma.allclose(read("ASR_SSM3_Map"), (ssm - t0) / 20, atol=1e-6)
    ratio = read("RSR_SSM3_Map") / read("RSR_SSM1_Map")
    assert np.ma.allclose(ratio, 4, rtol=1e-4)


def test_a_rerun_gives_the_same_bytes(report, config, tmp_path):
    assert hashes(again(config, tmp_path), "*.tif") == hashes(report.folder, "*.tif")


def test_tiles_change_no_bit(report, config, tmp_path):
    small = again(config, tmp_path, tile_cells=32)
    assert hashes(small, "*.tif") == hashes(report.folder, "*.tif")
    assert (small / "summary.csv").read_bytes() == (report.folder / "summary.csv").read_bytes()


def test_pet_of_the_file_fits_the_other_methods(config):
    """Thornthwaite from the same temperatures: the same course of the year, at most 40 % lower."""
    cells = CountryInputs(config).load().cells
    product = config.climate["tinyland"]
    changed = product.model_copy(update={"pet": None, "pet_method": "thornthwaite"})
    other = CountryInputs(config.model_copy(update={"climate": {"tinyland": changed}}))
    theirs = other.load().cells["pet_spin_up"]
    ours = cells["pet_spin_up"]
    assert np.corrcoef(ours.mean("cell"), theirs.mean("cell"))[0, 1] > 0.95
    assert 0.6 < float(theirs.sum() / ours.sum()) < 1.0
