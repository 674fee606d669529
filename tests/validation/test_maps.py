"""Measured stocks against the maps of the example country."""

import shutil

import numpy as np
import pandas as pd
import pytest
import rasterio
from tests.sequestration.test_site import make_months
from typer.testing import CliRunner

from recarb.cli import app, register
from recarb.core.config import load_config
from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.sequestration import pipeline
from recarb.sequestration.example import write_example
from recarb.sequestration.ledger import MEANING, Outcome
from recarb.validation import maps
from recarb.validation.maps import FinishedRun, Rules, compare_maps, open_run
from recarb.validation.observed import read_observed


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Tinyland: SOC map of 2000, t0 2020, end 2040."""
    run_toml = write_example(tmp_path_factory.mktemp("validation") / "tinyland")
    pipeline.run(load_config(run_toml))
    return open_run(run_toml)


def raster(path):
    with rasterio.open(path) as source:
        return source.read(1, masked=True).astype(float).filled(np.nan), source.transform


def cells(finished, outcome=Outcome.RUN):
    found, transform = raster(finished.diagnostic_path("outcome"))
    rows, columns = np.nonzero(found == outcome)
    return rows, columns, transform


def middle(finished, k=5, outcome=Outcome.RUN):
    """Longitude and latitude of the middle of a cell, its row and column."""
    rows, columns, transform = cells(finished, outcome)
    lon, lat = transform * (columns[k] + 0.5, rows[k] + 0.5)
    return lon, lat, int(rows[k]), int(columns[k])


def compare(finished, folder, lines, header="longitude,latitude,year,soc_tc_ha", **rules):
    path = folder / "observed.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return compare_maps(read_observed(path, with_place=True), finished, Rules(**rules))


def test_the_record_of_a_run_opens_it_again(finished):
    assert (finished.soc_year, finished.t0, finished.end) == (2000, 2020, 2040)
    assert open_run(finished.folder).config == finished.config
    assert finished.map_path("T0").is_file()


def test_a_stock_is_interpolated_between_the_three_maps(finished, tmp_path):
    lon, lat, row, column = middle(finished)
    years = (2000, 2005, 2020, 2025, 2040)
    table = compare(finished, tmp_path, [f"{lon},{lat},{year},50" for year in years])
    t0 = raster(finished.map_path("T0"))[0][row, column]
    final = raster(finished.map_path("finalSOC_BAU"))[0][row, column]
    soc = raster(finished.config.inputs.soc.path)[0][row, column]
    expected = [soc, soc + (t0 - soc) / 4, t0, t0 + (final - t0) / 4, final]
    assert table["modelled_tc_ha"].to_numpy() == pytest.approx(expected, rel=1e-6)
    assert table["residual_tc_ha"].to_numpy() == pytest.approx(np.array(expected) - 50, rel=1e-6)
    assert table["site"].nunique() == 1


def test_a_scenario_is_compared_after_t0(finished, tmp_path):
    lon, lat, row, column = middle(finished)
    line = [f"{lon},{lat},2020,50", f"{lon},{lat},2040,50"]
    plain = compare(finished, tmp_path, line)["modelled_tc_ha"]
    better = compare(finished, tmp_path, line, scenario="SSM3")["modelled_tc_ha"]
    assert better[0] == plain[0]
    assert better[1] == pytest.approx(raster(finished.map_path("finalSOC_SSM3"))[0][row, column])
    assert better[1] > plain[1]
    with pytest.raises(ConfigError, match="expected one of BAU, SSM1"):
        compare(finished, tmp_path, line, scenario="SSM9")


def test_a_point_belongs_to_the_cell_it_lies_in(finished, tmp_path):
    lon, lat, row, column = middle(finished)
    step = raster(finished.map_path("T0"))[1].a
    shifts = [(-0.49, -0.49), (0.49, 0.49), (-0.49, 0.49), (0.49, -0.49), (0.0, 0.0)]
    lines = [f"{lon + a * step},{lat + b * step},2020,50" for a, b in shifts]
    table = compare(finished, tmp_path, [*lines, f"{lon + 0.51 * step},{lat},2020,50"])
    assert table["row"].tolist()[:5] == [row] * 5
    assert table["column"].tolist()[:5] == [column] * 5
    assert table["column"].iloc[5] == column + 1


def test_no_row_is_lost_and_every_reason_is_told(finished, tmp_path):
    lon, lat, *_ = middle(finished)
    bare = middle(finished, 0, Outcome.NOT_MODELLED)
    lines = [
        f"{lon},{lat},2010,50,30",
        f"{bare[0]},{bare[1]},2010,50,30",
        f"{lon - 90},{lat},2010,50,30",
        f"{lon},{lat},1999,50,30",
        f"{lon},{lat},2041,50,30",
        f"{lon},{lat},,50,30",
        f"{lon},{lat},2010,50,20",
        f"{lon},{lat},2010,50,",
    ]
    header = "longitude,latitude,year,soc_tc_ha,depth_cm"
    table = compare(finished, tmp_path, lines, header)
    assert table["reason"].tolist() == [
        "",
        MEANING[Outcome.NOT_MODELLED],
        maps.NOT_ON_MAP,
        maps.BEFORE,
        maps.AFTER,
        maps.NO_YEAR,
        maps.OTHER_DEPTH,
        maps.NO_DEPTH,
    ]
    unused = table["reason"] != ""
    assert table.loc[unused, "residual_tc_ha"].isna().all()
    assert np.isfinite(table.loc[~unused, "residual_tc_ha"]).all()


def test_a_cell_without_a_final_stock_has_its_reason_and_spoils_no_other(finished, tmp_path):
    """As fao-r leaves them: run, with a T0, and no final stock."""
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    gone = FinishedRun(folder, finished.config)
    lon, lat, row, column = middle(finished)
    with rasterio.open(gone.map_path("finalSOC_BAU"), "r+", IGNORE_COG_LAYOUT_BREAK="YES") as final:
        values = final.read(1)
        values[row, column] = final.nodata
        final.write(values, 1)
    other = middle(finished, 9)
    lines = [f"{lon},{lat},2030,50", f"{lon},{lat},2020,50", f"{other[0]},{other[1]},2030,50"]
    table = compare(gone, tmp_path, lines)
    assert table["reason"].tolist() == [maps.NO_STOCK, "", ""]
    assert np.isfinite(table["residual_tc_ha"]).tolist() == [False, True, True]


def test_any_year_takes_the_nearer_end(finished, tmp_path):
    lon, lat, *_ = middle(finished)
    lines = [f"{lon},{lat},{year},50" for year in (1950, 2000, 2040, 2090, "")]
    table = compare(finished, tmp_path, lines, any_year=True)
    assert table["reason"].eq("").all()
    assert table["compared_year"].tolist() == [2000, 2000, 2040, 2040, 2000]


def test_another_depth_is_converted_only_by_the_stated_rule(finished, tmp_path):
    lon, lat, *_ = middle(finished)
    header = "longitude,latitude,year,soc_tc_ha,depth_cm"
    lines = [f"{lon},{lat},2010,50,20", f"{lon},{lat},2010,50,30"]
    table = compare(finished, tmp_path, lines, header, depth_beta=0.9786)
    assert table["reason"].eq("").all()
    assert table["observed_tc_ha"].to_numpy() == pytest.approx([67.9673, 50.0], abs=1e-4)
    assert table["soc_tc_ha"].tolist() == [50.0, 50.0]


def test_early_stocks_need_the_map_the_run_started_from(finished, tmp_path):
    lon, lat, *_ = middle(finished)
    inputs = finished.config.inputs
    gone = inputs.soc.model_copy(update={"path": tmp_path / "gone.tif"})
    config = finished.config.model_copy(update={"inputs": inputs.model_copy(update={"soc": gone})})
    run = maps.FinishedRun(finished.folder, config)
    assert compare(run, tmp_path, [f"{lon},{lat},2020,50"])["reason"].eq("").all()
    with pytest.raises(MissingData, match=r"before t0 \(2020\) need the SOC map"):
        compare(run, tmp_path, [f"{lon},{lat},2010,50"])


def test_no_run_and_a_broken_record_are_told(finished, tmp_path):
    with pytest.raises(MissingData, match="the folder of a finished run"):
        open_run(tmp_path)
    (tmp_path / maps.RECORD).write_text('{"config": {"iso3": "XTL"}}', encoding="utf-8")
    with pytest.raises(InputError, match="the record of a run"):
        open_run(tmp_path)


# --- the command


def invoke(*arguments):
    if not app.registered_commands:
        register.commands(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_writes_tables_and_figures(finished, tmp_path):
    """Stocks made from the maps themselves, with a known error of +3 and -3 t C ha-1."""
    rows, columns, transform = cells(finished)
    t0 = raster(finished.map_path("T0"))[0]
    lines = ["longitude,latitude,year,soc_tc_ha,site,sd_tc_ha"]
    for i, (row, column) in enumerate(list(zip(rows, columns, strict=True))[:40]):
        lon, lat = transform * (column + 0.5, row + 0.5)
        lines.append(f"{lon},{lat},2020,{t0[row, column] + 3 - 6 * (i % 2)},s{i // 2},2")
    lines.append("0,0,2020,50,far,1")
    observed = tmp_path / "observed.csv"
    observed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    told = invoke("validate", observed, finished.folder, "--out", out, "--resamples", "200")
    assert told.exception is None, told.output
    assert "stocks: 40 compared + 1 not compared = 41" in told.output
    assert "not compared: 1 outside the map" in told.output
    scores = pd.read_csv(out / "scores.csv").query("group == 'all'").set_index("metric")
    assert scores.loc["rmse", "value"] == pytest.approx(3.0, rel=1e-5)
    assert scores.loc["bias", "value"] == pytest.approx(0.0, abs=1e-4)
    assert len(pd.read_csv(out / "points.csv")) == 41
    drawn = {path.name for path in out.glob("*.png")}
    assert drawn == {"scatter.png", "residual_map.png", "residuals.png"}
    again = invoke("validate", observed, finished.folder, "--out", out)
    assert "give --overwrite" in str(again.exception)


def test_command_compares_results_of_single_soils(tmp_path):
    months = make_months(4)
    months.to_csv(tmp_path / "months.csv", index=False)
    result, observed = tmp_path / "plot.csv", tmp_path / "observed.csv"
    soil = ["--clay-pct", 23.4, "--depth-cm", 23, "--soc-tc-ha", 60, "--spin-up-months", 12]
    assert invoke("rothc", tmp_path / "months.csv", *soil, "--out", result).exception is None
    lines = ["year,soc_tc_ha", *(f"{year},{55 + year - 1990}" for year in (1991, 1992, 1993))]
    observed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    told = invoke("validate", observed, result, "--out", out)
    assert told.exception is None, told.output
    assert "stocks: 3 compared + 0 not compared = 3" in told.output
    assert {path.name for path in out.glob("*.png")} == {"scatter.png", "time_courses.png"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.csv", "one", "two", "--out", "x"], "expected one run"),
        (["a.csv", "p/a.csv", "q/a.csv", "--out", "x"], "found"),
        (["a.csv", "one", "--out", "x", "--depth-beta", "2"], "between 0 and 1"),
    ],
)
def test_impossible_options_are_told(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in str(invoke("validate", *arguments).exception)


def test_nothing_to_compare_is_an_error(finished, tmp_path):
    observed = tmp_path / "observed.csv"
    observed.write_text("longitude,latitude,year,soc_tc_ha\n0,0,2010,50\n", encoding="utf-8")
    told = invoke("validate", observed, finished.folder, "--out", tmp_path / "out")
    assert isinstance(told.exception, InputError)
    assert "none of 1 measured stocks" in str(told.exception)
    assert pd.read_csv(tmp_path / "out" / "points.csv")["reason"].tolist() == [maps.NOT_ON_MAP]
