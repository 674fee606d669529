"""`recarb check` on the command line: what it prints and writes, and its exit codes."""

import json
import sys
from pathlib import Path

import pytest
from tests.bad_country import Country

from recarb.cli import main


@pytest.fixture
def call(capsys, monkeypatch):
    """Run the command line as a shell would: exit code, and what stands on both streams."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["recarb", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return (stopped.value.code or 0, *capsys.readouterr())

    return run


def dry(folder):
    country = Country(folder)
    country.layers["rain"].values /= 30.0
    return country


# --------------------------------------------------------------------------------------- exit codes


def test_ready_to_run_is_0(tmp_path, call):
    path = Country(tmp_path).write()
    code, out, _ = call("check", path)
    assert code == 0
    assert out.rstrip().endswith("ready to run")
    assert "estimate of the run: about 120 cells" in out
    assert f"page: {tmp_path / 'run_check.html'}" in out.replace("\n", "")


def test_a_fault_of_run_toml_is_2(tmp_path, call):
    path = Country(tmp_path).write()
    path.write_text(path.read_text() + "\n[modle]\n")
    assert call("check", path)[0] == 2
    assert call("check", tmp_path / "nowhere.toml")[0] == 2
    assert call("check", path, "--no-such-option")[0] == 2


def test_a_name_that_nothing_accepts_is_2(tmp_path, call):
    country = Country(tmp_path)
    country.table["accept"] = ["dry_contry"]
    assert call("check", country.write())[0] == 2


def test_a_fault_of_the_inputs_is_3(tmp_path, call):
    country = Country(tmp_path)
    country.layers["clay"].values *= 10.0
    code, _, errors = call("check", country.write())
    assert code == 3
    assert "impossible_value" in errors


def test_a_suspicion_is_3_until_it_is_accepted(tmp_path, call):
    country = dry(tmp_path / "dry")
    code, _, errors = call("check", country.write())
    assert code == 3
    assert "dry_country" in errors
    country.table["accept"] = ["dry_country", "c_eq_above_npp"]
    assert call("check", country.write())[0] == 0


def test_a_page_that_cannot_be_written_is_6(tmp_path, call):
    path = Country(tmp_path).write()
    (tmp_path / "taken").write_text("")
    code, _, errors = call("check", path, "--page", tmp_path / "taken" / "page.html")
    assert code == 6
    assert "--no-page" in errors


# -------------------------------------------------------------------------------- printed, written


def test_json_is_for_programs(tmp_path, call):
    country = dry(tmp_path)
    code, out, _ = call("check", country.write(), "--json")
    told = json.loads(out, parse_constant=pytest.fail)  # no NaN
    assert code == 3
    assert {row["key"]: row["covers_pct"] for row in told["layers"]}["clay"] == 100.0
    assert next(row for row in told["layers"] if row["key"] == "land_use")["mean"] is None
    assert "dry_country" in {one["code"] for one in told["findings"]}
    assert told["estimate"]["cells"] == 120
    assert told["page"] is None
    assert not list(tmp_path.glob("*.html"))


def test_the_page_goes_where_it_is_wanted(tmp_path, call):
    path = Country(tmp_path).write()
    page = tmp_path / "new" / "mine.html"
    _, out, _ = call("check", path, "--json", "--page", page)
    assert Path(json.loads(out)["page"]) == page
    assert page.is_file()
    assert page.with_suffix(".png").is_file()
    assert not (tmp_path / "run_check.html").exists()


def test_no_page(tmp_path, call):
    _, out, _ = call("check", Country(tmp_path).write(), "--no-page")
    assert "page:" not in out
    assert not list(tmp_path.glob("*.html"))


def test_the_table_tells_version_cell_and_coverage(tmp_path, call):
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.nodata, clay.values[:, :, 6:] = -1.0, -1.0
    _, out, _ = call("check", country.write(), "--no-page")
    assert "covers %" in out
    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["clay"]]
    assert "0.1 degrees" in row
    assert row.split()[-2:] == ["50", "50"]


def test_without_any_file_it_says_what_comes_next(tmp_path, call, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("init", "KEN", "kenya")[0] == 0
    code, out, errors = call("check", "kenya/run.toml")
    assert code == 3
    assert "layers" not in out  # no empty table
    assert "recarb fetch KEN" in out
    assert "recarb prepare KEN" in out
    assert "recarb check kenya/run.toml" in out
    assert "no such file" in errors
    assert not list(tmp_path.rglob("*.html"))
