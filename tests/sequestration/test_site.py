"""One soil: its table, its equilibrium, its run, and the command around them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from recarb.cli import rothc as command
from recarb.core.errors import (
    ConfigError,
    InputError,
    MassBalanceError,
    MissingData,
    ModelError,
    NotConverged,
    OutputError,
)
from recarb.io.tables import SITE_COLUMNS, read_site, write_csv
from recarb.rothc import reference
from recarb.rothc.parameters import DEFAULT as P
from recarb.rothc.pools import inert_carbon
from recarb.sequestration import site
from recarb.sequestration.site import SiteRun, check_site, run_site

POOLS = ["dpm_tc_ha", "rpm_tc_ha", "bio_tc_ha", "hum_tc_ha"]
RESULT = [
    "year",
    "month",
    *POOLS,
    "iom_tc_ha",
    "soc_tc_ha",
    "respired_tc_ha",
    "deficit_mm",
    "rate",
]


def make_months(years: int = 2, first_year: int = 1990) -> pd.DataFrame:
    """A year like Hoosfield's, with manure and a ratio of its own in each month."""
    year = {
        "temperature_c": [3.4, 3.6, 5.1, 7.3, 11, 13.9, 16, 16, 13.5, 10.2, 6.1, 4.6],
        "rain_mm": [74, 59, 62, 51, 52, 57, 34, 55, 58, 56, 75, 71],
        "evaporation_mm": [8, 10, 27, 49, 83, 99, 103, 91, 69, 34, 18, 8],
        "carbon_input_tc_ha": [0, 0, 0, 0.16, 0.32, 0.48, 0.64, 0, 0, 0, 0, 0],
        "fym_tc_ha": [0, 1.0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0],
        "plant_cover": [0, 0, 0.2, 1, 1, 1, 1, 0.5, 0, 0, 0, 0],
        "dpm_rpm": [1.44, 1.44, 1.0, 1.44, 0.67, 0.67, 2.0, 1.44, 1.44, 1.44, 0.25, 1.44],
    }
    table = pd.DataFrame({key: np.tile(value, years).astype(float) for key, value in year.items()})
    table.insert(0, "month", np.tile(np.arange(1.0, 13.0), years))
    table.insert(0, "year", np.repeat(np.arange(first_year, first_year + years, dtype=float), 12))
    return table


def make_run(**changes) -> SiteRun:
    options = {
        "months": make_months(),
        "clay_pct": 23.4,
        "depth_cm": 23.0,
        "iom_tc_ha": 2.7,
        "spin_up_months": 12,
    }
    return SiteRun(**(options | changes))


def given_start(**changes) -> SiteRun:
    return make_run(**({"spin_up_months": 0, "initial": (0.15, 4.5, 0.67, 25.9)} | changes))


def reference_months(table: pd.DataFrame) -> list[reference.Month]:
    return [
        reference.Month(
            row.temperature_c,
            row.rain_mm - 0.75 * row.evaporation_mm,
            row.plant_cover,
            row.carbon_input_tc_ha,
            row.fym_tc_ha,
            row.dpm_rpm,
        )
        for row in table.itertuples()
    ]


def test_equilibrium_repeats_itself():
    """Manure (into HUM too) and each month's own ratio: the year ends where it began."""
    result = run_site(make_run())
    assert result.months[POOLS].iloc[-1].to_numpy() == pytest.approx(result.start, rel=1e-13)
    assert result.months["deficit_mm"].iloc[-1] == result.start_deficit_mm
    respired = result.months["respired_tc_ha"].sum()
    assert respired == pytest.approx(1.6 + 1.5, rel=1e-11)


def test_equilibrium_equals_the_iterated_reference():
    soil = reference.Soil()
    reference.iterate(soil, reference_months(make_months(1)), 23.4, 23.0, years=2500)
    start = run_site(make_run()).start
    assert [soil.dpm, soil.rpm, soil.bio] == pytest.approx(start[:3], rel=1e-5)
    assert soil.hum == pytest.approx(start[3], rel=1e-4)


def test_run_equals_the_reference():
    run = given_start(initial_deficit_mm=-10.0)
    months = run_site(run).months
    soil = reference.Soil(0.15, 4.5, 0.67, 25.9, deficit_mm=-10.0)
    for m, month in enumerate(reference_months(run.months)):
        reference.step(soil, month, 23.4, 23.0)
        expected = [soil.dpm, soil.rpm, soil.bio, soil.hum]
        assert months[POOLS].iloc[m].to_numpy() == pytest.approx(expected, rel=1e-12)
        assert months["deficit_mm"].iloc[m] == pytest.approx(soil.deficit_mm, abs=1e-12)
        assert months["rate"].iloc[m] == pytest.approx(soil.rate, rel=1e-12)


def test_result_has_its_columns_and_no_spin_up_rows():
    months = run_site(make_run()).months
    assert list(months.columns) == RESULT
    assert months[["year", "month"]].to_numpy().tolist() == [[1991, m] for m in range(1, 13)]
    total = months[POOLS].sum(axis=1) + months["iom_tc_ha"]
    assert months["soc_tc_ha"].to_numpy() == pytest.approx(total.to_numpy(), rel=1e-14)


def test_spin_up_year_may_bear_any_year_number():
    table = make_months()
    table.loc[:11, "year"] = 1
    assert run_site(make_run(months=table)).months["year"].iloc[0] == 1991


def test_stock_gives_iom_and_scales_the_spin_up_inputs():
    result = run_site(make_run(iom_tc_ha=None, soc_tc_ha=60.0))
    assert result.iom_tc_ha == inert_carbon(60.0, P)
    assert result.start.sum() + result.iom_tc_ha == pytest.approx(60.0, rel=1e-13)
    by_hand = make_months()
    by_hand.loc[:11, ["carbon_input_tc_ha", "fym_tc_ha"]] *= result.factor
    again = run_site(make_run(months=by_hand, iom_tc_ha=result.iom_tc_ha))
    assert again.start == pytest.approx(result.start, rel=1e-12)
    assert again.months.to_numpy() == pytest.approx(result.months.to_numpy(), rel=1e-12)


def test_scale_all_keeps_the_equilibrium():
    result = run_site(make_run(iom_tc_ha=None, soc_tc_ha=60.0, scale_all=True))
    assert result.months["soc_tc_ha"].iloc[-1] == pytest.approx(60.0, rel=1e-12)


def test_pan_and_potential_evaporation_differ_by_the_factor():
    scaled = make_months()
    scaled["evaporation_mm"] *= 0.75
    pan = run_site(make_run()).months
    pet = run_site(make_run(months=scaled, evaporation="pet")).months
    assert pet.to_numpy() == pytest.approx(pan.to_numpy(), rel=1e-14)


def test_decay_without_input_is_a_run():
    table = make_months()
    table[["carbon_input_tc_ha", "fym_tc_ha"]] = 0.0
    months = run_site(given_start(months=table)).months
    assert (np.diff(months["soc_tc_ha"]) < 0.0).all()


def test_spin_up_without_input_has_no_equilibrium():
    table = make_months()
    table.loc[:11, ["carbon_input_tc_ha", "fym_tc_ha"]] = 0.0
    for stock in ({}, {"iom_tc_ha": None, "soc_tc_ha": 50.0}):
        with pytest.raises(ModelError, match="no carbon input"):
            run_site(make_run(months=table, **stock))


def test_spin_up_without_turnover_has_no_equilibrium():
    table = make_months()
    table["temperature_c"] = -5.1
    with pytest.raises(ModelError, match="warm enough"):
        run_site(make_run(months=table))


def test_spin_up_with_a_drifting_deficit_has_no_equilibrium():
    table = make_months()
    table["plant_cover"] = 1.0
    table["evaporation_mm"] = 0.0
    table["rain_mm"] = 0.0
    table.loc[table["month"] == 6, "evaporation_mm"] = 1e-6
    with pytest.raises(NotConverged, match="still drifts"):
        run_site(make_run(months=table))


def test_carbon_that_does_not_close_is_an_error(monkeypatch):
    honest = site.kernels.run_months

    def leaky(*arguments):
        pools, respired, deficits, rates = honest(*arguments)
        return pools, respired * (1.0 - 1e-8), deficits, rates

    monkeypatch.setattr(site.kernels, "run_months", leaky)
    with pytest.raises(MassBalanceError, match="gap"):
        run_site(given_start())


BAD_VALUES = [
    ("rain_mm", -999.0),
    ("rain_mm", -0.1),
    ("temperature_c", -70.1),
    ("temperature_c", 60.1),
    ("evaporation_mm", -99.0),
    ("plant_cover", 1.01),
    ("plant_cover", -0.01),
    ("dpm_rpm", 0.0),
    ("dpm_rpm", -1.0),
    ("carbon_input_tc_ha", -0.1),
    ("fym_tc_ha", -0.1),
    ("month", 13.0),
    ("year", 1990.5),
    ("rain_mm", np.nan),
    ("temperature_c", np.inf),
]


@pytest.mark.parametrize(("column", "value"), BAD_VALUES)
def test_impossible_value_is_named(column, value):
    table = make_months()
    table.loc[17, column] = value
    with pytest.raises(InputError) as caught:
        run_site(make_run(months=table))
    assert f"column {column}, row 17" in str(caught.value)
    assert caught.value.exit_code == 3


def test_small_negative_evaporation_is_condensation_and_told():
    """The official example has some; -20.7 mm is its lowest."""
    table = make_months()
    table.loc[17, "evaporation_mm"] = -20.7
    result = run_site(make_run(months=table))
    assert [finding.code for finding in result.findings] == ["condensation"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([0, 1, 2, 4, 5], "row 4: is not the month after"),
        ([0, 1, 1, 2, 3], "row 1: appears twice"),
        ([0, 2, 1, 3, 4], "row 1: is out of order"),
    ],
)
def test_calendar_with_a_gap_a_double_or_another_order(rows, words):
    table = make_months().iloc[rows]
    with pytest.raises(InputError, match=words):
        run_site(given_start(months=table))


def test_run_must_go_on_with_the_month_after_the_spin_up():
    table = make_months(3).drop(index=12)
    with pytest.raises(InputError, match="row 13: is not the month after"):
        run_site(make_run(months=table))


BAD_OPTIONS = [
    ({"clay_pct": 100.1}, "--clay-pct"),
    ({"clay_pct": -1.0}, "--clay-pct"),
    ({"clay_pct": None}, "--clay-pct"),
    ({"clay_pct": float("nan")}, "--clay-pct"),
    ({"depth_cm": 0.0}, "--depth-cm"),
    ({"depth_cm": None}, "--depth-cm"),
    ({"iom_tc_ha": None}, "neither"),
    ({"soc_tc_ha": 40.0}, "both"),
    ({"iom_tc_ha": -1.0}, "IOM of 0 or more"),
    ({"iom_tc_ha": None, "soc_tc_ha": 0.0}, "a stock above 0"),
    ({"spin_up_months": 24}, "expected 0 or 12, found 24"),
    ({"spin_up_months": 0}, "--initial dpm,rpm,bio,hum"),
    ({"initial": (1.0, 1.0, 1.0, 1.0)}, "the spin-up gives the start"),
    ({"initial_deficit_mm": -1.0}, "the spin-up gives the start"),
    ({"scale_all": True}, "--scale-all"),
    ({"evaporation": "penman"}, "expected one of pan, pet"),
    ({"spin_up_months": 0, "initial": (1.0, 1.0, 1.0)}, "four pools"),
    ({"spin_up_months": 0, "initial": (1.0, 1.0, 1.0, -1.0)}, "four pools"),
    (
        {"spin_up_months": 0, "initial": (1.0, 1.0, 1.0, 1.0), "initial_deficit_mm": 5.0},
        "--initial-deficit-mm",
    ),
    (
        {"spin_up_months": 0, "initial": (1.0, 1.0, 1.0, 1.0), "initial_deficit_mm": -45.0},
        "within -44.94 to 0",
    ),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_impossible_option_is_a_config_error(options, words):
    with pytest.raises(ConfigError) as caught:
        run_site(make_run(**options))
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_nothing_to_run_after_the_spin_up():
    with pytest.raises(InputError, match="expected months after the 12"):
        run_site(make_run(months=make_months(1)))


def test_nothing_to_run_at_all():
    with pytest.raises(InputError, match="at least one month"):
        run_site(given_start(months=make_months().iloc[:0]))


def test_missing_column_of_a_table_in_memory():
    findings = check_site(make_run(months=make_months().drop(columns="rain_mm")))
    assert [finding.message for finding in findings] == ["expected column 'rain_mm', found none"]


def test_all_faults_come_at_once_in_few_lines():
    table = make_months()
    table["rain_mm"] = -999.0
    table["plant_cover"] = 100.0
    table.loc[5, "month"] = 5
    with pytest.raises(InputError) as caught:
        run_site(make_run(months=table, clay_pct=200.0, soc_tc_ha=50.0))
    lines = str(caught.value).splitlines()
    assert 6 <= len(lines) <= 20
    assert "rows 0, 1, 2 and 21 more" in str(caught.value)


def write_site(folder: Path, table: pd.DataFrame | None = None) -> Path:
    path = folder / "site.csv"
    (make_months() if table is None else table).to_csv(path, index=False)
    return path


def test_table_comes_back_as_it_was_written(tmp_path):
    table = read_site(write_site(tmp_path))
    assert not table.findings
    assert list(table.months.columns) == list(SITE_COLUMNS)
    assert table.months.index[0] == 2
    assert table.months.to_numpy().tolist() == make_months()[list(SITE_COLUMNS)].values.tolist()


def test_columns_may_come_in_any_order_with_others_between(tmp_path):
    table = make_months().assign(notes="x")
    path = write_site(tmp_path, table[["notes", *reversed(SITE_COLUMNS)]])
    assert read_site(path).months.equals(read_site(write_site(tmp_path)).months)


def test_cells_that_are_no_number_are_named_by_line_and_column(tmp_path):
    table = make_months().astype(object)
    table.loc[3, "rain_mm"], table.loc[7, "rain_mm"] = "n/a", ""
    table.loc[4, "dpm_rpm"] = "inf"
    read = read_site(write_site(tmp_path, table))
    lines = [finding.line() for finding in read.findings]
    assert len(lines) == 2
    assert "column rain_mm: expected a number, found line 5: 'n/a', line 9: ''" in lines[0]
    assert "column dpm_rpm" in lines[1]
    with pytest.raises(InputError) as caught:
        run_site(make_run(months=read.months), read.findings)
    assert str(caught.value).count("rain_mm") == 1


def test_missing_double_and_ragged_rows(tmp_path):
    path = tmp_path / "site.csv"
    path.write_text("year,month,year\n1990,1,1990\n1990,2\n\n", encoding="utf-8")
    text = "\n".join(finding.line() for finding in read_site(path).findings)
    assert "expected the columns temperature_c, rain_mm, " in text
    assert "expected 'year' once" in text
    assert "site.csv, line 3: expected 3 cells" in text


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(MissingData, match="no file"):
        read_site(tmp_path / "none.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(MissingData, match="empty file"):
        read_site(empty)
    short = tmp_path / "short.dat"
    short.write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(MissingData, match="official form"):
        read_site(short)
    binary = tmp_path / "book.csv"
    binary.write_bytes(b"PK\x03\x04\xff\xfe\x80")
    with pytest.raises(InputError, match="UTF-8"):
        read_site(binary)


def write_dat(folder: Path, site_row: str = "23.4 23.0 2.7 24") -> Path:
    """The form of the official program."""
    head = ["title", "more", "(%)", "clay depth iom nsteps", site_row, "units"]
    head.append("year month modern Tmp Rain Evap C_inp FYM PC DPM_RPM")
    rows = make_months().assign(modern=100.0)[
        ["year", "month", "modern", *[name for name in SITE_COLUMNS if name not in head][2:]]
    ]
    path = folder / "site.dat"
    body = ["\t".join(f"{value:g}" for value in row) for row in rows.to_numpy()]
    path.write_text("\n".join(head + body) + "\n", encoding="utf-8")
    return path


def test_official_form_equals_the_csv(tmp_path):
    table = read_site(write_dat(tmp_path))
    assert not table.findings
    assert (table.clay_pct, table.depth_cm, table.iom_tc_ha) == (23.4, 23.0, 2.7)
    assert (table.months.to_numpy() == make_months()[list(SITE_COLUMNS)].to_numpy()).all()


def test_official_form_that_was_cut_short(tmp_path):
    findings = read_site(write_dat(tmp_path, "23.4 x 2.7 840")).findings
    text = "\n".join(finding.line() for finding in findings)
    assert "nsteps says 840 months, the file has 24" in text
    assert "expected a number for depth" in text


def test_result_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.csv"
    write_csv(pd.DataFrame({"a": [0.1 + 0.2]}), path)
    assert path.read_text(encoding="utf-8") == "a\n0.30000000000000004\n"
    with pytest.raises(OutputError, match="--overwrite"):
        write_csv(pd.DataFrame({"a": [1]}), path)

    class Broken(pd.DataFrame):
        def to_csv(self, file, **_):
            Path(file).write_text("half", encoding="utf-8")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_csv(Broken(), path, overwrite=True)
    assert path.read_text(encoding="utf-8") == "a\n0.30000000000000004\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="create it"):
        write_csv(pd.DataFrame(), tmp_path / "none" / "result.csv")


SOIL = ["--clay-pct", "23.4", "--depth-cm", "23"]


def invoke(*arguments: object):
    app = typer.Typer(rich_markup_mode="markdown")
    app.command()(command.rothc)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_writes_table_and_figure(tmp_path):
    out, plot = tmp_path / "result.csv", tmp_path / "pools.png"
    path = write_site(tmp_path)
    options = [*SOIL, "--soc-tc-ha", "60", "--spin-up-months", "12", "--out", out, "--plot", plot]
    told = invoke(path, *options)
    assert told.exception is None, told.output
    assert "factor: " in told.output
    assert list(pd.read_csv(out).columns) == RESULT
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pools.png", "result.csv", "site.csv"]
    again = invoke(path, *options)
    assert isinstance(again.exception, OutputError)
    assert invoke(path, *options, "--overwrite").exception is None


def test_command_takes_the_soil_from_the_official_form(tmp_path):
    out = tmp_path / "result.csv"
    told = invoke(write_dat(tmp_path), "--spin-up-months", "12", "--out", out)
    assert told.exception is None, told.output
    assert "'modern' (radiocarbon) is ignored" in told.output
    assert pd.read_csv(out)["iom_tc_ha"].iloc[0] == 2.7
    given = invoke(
        tmp_path / "site.dat", "--spin-up-months", "12", "--out", out, "--overwrite",
        "--soc-tc-ha", "60", "--clay-pct", "30",
    )  # fmt: skip
    assert given.exception is None, given.output
    assert pd.read_csv(out)["iom_tc_ha"].iloc[0] == inert_carbon(60.0, P)


def test_command_takes_the_pools_at_the_start(tmp_path):
    out = tmp_path / "result.csv"
    told = invoke(
        write_site(tmp_path), *SOIL, "--iom-tc-ha", "2.7", "--initial", "0.15,4.5,0.67,25.9",
        "--initial-deficit-mm", "-5", "--evaporation", "pet", "--out", out,
    )  # fmt: skip
    assert told.exception is None, told.output
    assert len(pd.read_csv(out)) == 24


def test_command_refuses_before_it_writes(tmp_path):
    path, out = write_site(tmp_path), tmp_path / "result.csv"
    soil = [*SOIL, "--iom-tc-ha", "2.7"]
    assert isinstance(invoke(path, *soil, "--out", out).exception, ConfigError)
    words = invoke(path, *soil, "--out", out, "--initial", "1,2,three,4").exception
    assert isinstance(words, ConfigError)
    assert "1,2,three,4" in str(words)
    same = invoke(path, *soil, "--out", path, "--overwrite", "--spin-up-months", "12")
    assert isinstance(same.exception, ConfigError)
    drawn = invoke(path, *soil, "--out", out, "--plot", tmp_path / "pools.doc")
    assert isinstance(drawn.exception, ConfigError)
    assert not out.exists()


def test_help_shows_an_example():
    told = invoke("--help")
    assert told.exit_code == 0
    assert "Example: recarb rothc site.csv" in told.output


def test_a_share_of_clay_read_as_percent_is_told():
    result = run_site(make_run(clay_pct=0.234))
    assert [finding.code for finding in result.findings] == ["low_clay"]
    assert "23.4" in result.findings[0].line()
