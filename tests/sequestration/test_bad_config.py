"""run.toml itself, several faults at once, what may be accepted, and the exit codes."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.bad_country import Country, assert_refused, codes, traces

from recarb.cli import main
from recarb.core.config import load_config
from recarb.core.errors import (
    ConfigError,
    InputError,
    MassBalanceError,
    ModelError,
    OutputError,
)
from recarb.core.findings import Severity, raise_if_stopping
from recarb.sequestration import pipeline, tile_run
from recarb.sequestration.checks import check_run
from recarb.sequestration.pipeline import run
from recarb.sequestration.suspicions import SuspicionCode

ROOT = Path(__file__).parents[2]


def exit_code(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed by the command line."""
    monkeypatch.setattr(sys, "argv", ["recarb", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return ended.value.code, printed.out + printed.err


def faulty(country: Country, text: str) -> str:
    """The message about a run.toml with another text."""
    path = country.write()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    assert traces(country.output) == []
    return str(caught.value)


def test_a_syntax_error_names_its_line(tmp_path):
    country = Country(tmp_path)
    message = faulty(country, 'iso3 = "BAD"\n\n[inputs.soc\n')
    assert "not valid TOML" in message
    assert "line 3" in message


def test_backslashes_in_a_path_are_explained(tmp_path):
    message = faulty(Country(tmp_path), 'output = "C:\\data\\out"\n')
    assert "line 1" in message
    assert "write paths with / or in single quotes" in message


def test_a_byte_order_mark_is_read_over(tmp_path):
    path = Country(tmp_path).write()
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert load_config(path).iso3 == "BAD"


def test_no_such_run_toml(tmp_path, monkeypatch, capsys):
    code, said = exit_code(monkeypatch, capsys, "check", str(tmp_path / "run.toml"))
    assert code == 2
    assert "no such file" in said
    assert "recarb init" in said


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("section", "key"),
    [("model", "depth_cm"), ("uncertainty", "soc_pct"), ("suspicion", "amplitude_above_c")],
)
def test_numbers_of_run_toml_are_finite(tmp_path, section, key, number):
    country = Country(tmp_path)
    country.set(section, **{key: number})
    message = faulty(country, country.toml())
    assert f"{section}.{key}" in message
    assert "finite" in message or "greater" in message


def test_nan_may_be_named_as_missing_and_provenance_stays_json(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].values[0, 0, 0] = np.nan
    country.option("soc", nodata=[float("nan")])
    text = (run(country.config()).folder / "provenance.json").read_text()
    record = json.loads(text, parse_constant=pytest.fail)  # NaN is no JSON
    assert record["config"]["inputs"]["soc"]["nodata"] == ["NaN"]
    assert record["cells"]["by_outcome"] == {"run": 119, "no_soc": 1}


FAULTS = {
    "an unknown key": ("model", {"dept_cm": 30}, ("model.dept_cm", "did you mean depth_cm")),
    "an unknown scenario": ("uncertainty", {"ssm_map": "SSM9"}, ("'SSM9' is no scenario",)),
    "an unknown climate": ("spin_up", {"climate": "cru"}, ("no [climate.cru]", "series")),
    "a late warm-up": ("warm_up", {"years": [2002, 2003]}, ("has to start in 2001",)),
}


GAINS = {
    "one for all": {"gain_pct": 0.2},
    "by land use": {"gain_pct_by_land_use": {"2": 0.2, "3": 0.1}},
    "of a practice": {"practices": [{"gain_pct": 0.2}]},
}


@pytest.mark.parametrize("gain", GAINS.values(), ids=GAINS)
def test_gains_that_look_like_shares_stop_the_run(tmp_path, gain):
    country = Country(tmp_path)
    country.table["scenarios"] = [{"name": "SSM2", **gain}]
    (found,) = check_run(country.config()).findings
    assert found.code == "small_gain"
    assert "0.2 %" in found.message and "5.0, not 0.05" in found.hint
    country.table["scenarios"] = [{"name": "SSM2", "gain_pct": 5.0}, {"name": "less", **gain}]
    (found,) = check_run(country.config()).findings
    assert "0.2 % in less" in found.message and "SSM2" not in found.message
    country.table["accept"] = ["small_gain"]
    raise_if_stopping(check_run(country.config()).findings, country.config().accept)


@pytest.mark.parametrize(("section", "values", "said"), FAULTS.values(), ids=FAULTS)
def test_what_does_not_exist_is_named(tmp_path, section, values, said):
    country = Country(tmp_path)
    country.set(section, **values)
    message = faulty(country, country.toml())
    assert all(words in message for words in said), message


def test_a_warm_up_needs_a_series(tmp_path):
    country = Country(tmp_path)
    warm_up = country.table["warm_up"]
    country.without_years()
    country.table["warm_up"] = warm_up
    message = faulty(country, country.toml())
    assert "year by year" in message
    assert "climate.series has twelve means" in message
    assert "remove [warm_up]" in message


def test_all_faults_of_run_toml_are_told_at_once(tmp_path):
    country = Country(tmp_path)
    country.set("forward", years=0)
    country.set("model", depth_cm=-1.0, colour="red")
    country.table["iso3"] = "Bad"
    message = faulty(country, country.toml())
    assert "4 fault(s)" in message
    places = ("forward.years", "model.depth_cm", "model.colour", "iso3")
    assert all(words in message for words in places)


def test_five_broken_layers_give_five_findings(tmp_path):
    country = Country(tmp_path)
    country.spoiled["soc"] = None
    country.layers["clay"].crs = None
    country.layers["land_use"].keep_bytes = 0.5
    country.layers["rain"].unit = None
    country.layers["pet"].names = ()
    message = assert_refused(
        country,
        *("missing_data", "grid_mismatch", "input_error", "unit_error", "missing_data"),
        said=("5 finding(s)",),
    )
    assert all(f"{key}.tif" in message for key in ("soc", "clay", "land_use", "rain", "pet"))


def test_values_codes_months_and_boundary_are_told_together(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].values[0, 0, 0] = -999.0
    country.layers["clay"].values *= 10.0
    country.layers["land_use"].values[0, 0, 0] = 77
    country.layers["temperature"].values += 273.15
    country.layers["rain"].values /= 30.0
    country.table["boundary"] = {"path": "nowhere.geojson"}
    country.table["accept"] = ["dry_contry"]
    message = assert_refused(
        country,
        *("undeclared_nodata", "impossible_value", "unknown_land_cover", "impossible_value"),
        *("dry_country", "missing_data", "config"),
        said=("7 finding(s)", "nowhere.geojson", "'dry_contry'", 'accept = ["dry_country"]'),
    )
    assert message.count("\n") == 8  # a heading, one line per finding, the advice


def test_wrong_months_and_wrong_values_of_one_layer_are_told_together(tmp_path):
    country = Country(tmp_path)
    temperature = country.layers["temperature"]
    temperature.names = ()
    temperature.values = temperature.values + 273.15
    said = ('first = "1981-01"', 'unit = "K"')
    assert_refused(country, "missing_data", "impossible_value", said=said)


def test_a_misspelt_acceptance_is_a_fault_of_run_toml(tmp_path):
    country = Country(tmp_path)
    country.table["accept"] = ["dry_contry"]
    said = ("no check raises 'dry_contry'", "what can be accepted is", "dry_country")
    assert_refused(country, "config", said=said)


def test_errors_cannot_be_accepted(tmp_path):
    country = Country(tmp_path)
    country.layers["clay"].values *= 10.0
    country.table["accept"] = ["impossible_value"]
    assert_refused(country, "impossible_value", "config", said=("errors cannot be accepted",))


def dry(country: Country) -> None:
    country.layers["rain"].values *= 0.05
    country.layers["soc"].values *= 0.5
    country.layers["clay"].values *= 0.5


def steep(country: Country) -> None:
    names = country.layers["temperature"].names
    season = np.array([-np.cos(2.0 * np.pi * (int(n[5:]) - 0.5) / 12.0) for n in names])
    country.layers["temperature"].values += 22.0 * season[:, None, None]
    country.layers["soc"].values *= 0.5
    country.layers["clay"].values *= 0.5


def jumping(country: Country) -> None:
    country.layers["temperature"].values[24:] += 3.0


def rich(country: Country) -> None:
    country.layers["soc"].values *= 7.0


def foreign_limits(country: Country) -> None:
    """Limits of the stock in kg m-2 that are said to be t ha-1."""
    soc = country.layers["soc"].values[0]
    country.add("soc_low", 0.07 * soc).unit = country.add("soc_high", 0.13 * soc).unit = "t/ha"
    country.table["monte_carlo"] = {"draws": 200}


SUSPICIOUS = {
    "dry_country": (dry, ("rain.tif", "less than 60 mm of rain a year", 'unit = "mm/day"')),
    "temperature_amplitude": (steep, ("temperature.tif", "expected at most 60 K", '"0.1 degC"')),
    "climate_jump": (jumping, ("moves by +2.9", "use one product for all phases")),
    "limits_beside_map": (foreign_limits, ("120 of 120", "soc outside its own limits", "unit")),
    "c_eq_above_npp": (rich, ("need more carbon input", "can grow there (MIAMI)", "unit?")),
}


@pytest.mark.parametrize(("code", "case"), SUSPICIOUS.items(), ids=SUSPICIOUS)
def test_a_suspicion_stops_the_run_until_it_is_accepted(tmp_path, code, case):
    change, said = case
    country = Country(tmp_path)
    change(country)
    found = codes(check_run(country.config()).findings)
    assert code in found
    message = assert_refused(country, *found, said=said)
    assert f'"{code}"' in message.splitlines()[-1]  # accept = [...] to copy
    country.table["accept"] = found
    report = run(country.config())
    assert code in [finding.code for finding in report.findings]
    record = json.loads((report.folder / "provenance.json").read_text())
    assert record["accepted"] == found
    kept = {finding["code"]: finding["severity"] for finding in record["findings"]}
    assert kept[code] == Severity.SUSPICIOUS


def test_two_climate_products_are_suspicious(tmp_path):
    country = Country(tmp_path)
    path = country.write()
    text = country.toml()
    section = text[text.index("[climate.series]") :]
    end = section.find("\n[spin_up]")
    section = section[: end if end > 0 else None]
    other = section.replace("climate.series", "climate.other").replace("made up 1.0", "other 2.0")
    path.write_text(
        text.replace('[warm_up]\nclimate = "series"', '[warm_up]\nclimate = "other"') + other
    )
    found = check_run(load_config(path)).findings
    assert codes(found) == ["mixed_climate"]
    assert "found made up 1.0, other 2.0" in found[0].message
    path.write_text('accept = ["mixed_climate"]\n' + path.read_text())
    assert run(load_config(path)).ledger.run == 120


def test_every_suspicion_has_a_name_to_accept():
    assert len({code.value for code in SuspicionCode}) == len(SuspicionCode)
    assert set(SUSPICIOUS) <= {code.value for code in SuspicionCode}


def test_exit_codes_by_class():
    kinds = (ConfigError, InputError, ModelError, OutputError)
    assert [kind.exit_code for kind in kinds] == [2, 3, 5, 6]


def test_the_command_line_exits_by_class_of_the_fault(tmp_path, monkeypatch, capsys):
    country = Country(tmp_path)
    path = str(country.write())
    code, said = exit_code(monkeypatch, capsys, "check", path)
    assert (code, "ready to run" in said) == (0, True)
    country.layers["clay"].values *= 10.0
    country.write()
    for command in ("check", "run"):
        code, said = exit_code(monkeypatch, capsys, command, path)
        assert code == 3
        assert "clay.tif" in said
        assert 'unit = "g/kg"' in said
        assert "Traceback" not in said
    country.table["accept"] = ["nothing"]
    country.layers["clay"].values /= 10.0
    country.write()
    assert exit_code(monkeypatch, capsys, "run", path)[0] == 2
    assert traces(country.output) == []


def test_a_fault_of_the_model_has_its_own_exit_code(tmp_path, monkeypatch, capsys):
    """A balance that does not close is never written as a map."""

    def broken(*_: object) -> None:
        raise MassBalanceError("carbon was lost")

    country = Country(tmp_path)
    path = str(country.write())
    monkeypatch.setattr(tile_run, "simulate", broken)
    assert exit_code(monkeypatch, capsys, "run", path)[0] == 5
    assert traces(country.output) == []


def test_check_prints_layers_and_findings_as_json(tmp_path, monkeypatch, capsys):
    country = Country(tmp_path)
    country.layers["clay"].values *= 10.0
    path = str(country.write())
    monkeypatch.setattr(sys, "argv", ["recarb", "check", path, "--json"])
    with pytest.raises(SystemExit):
        main()
    content = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in content["layers"]][:3] == ["soc", "clay", "land_use"]
    (finding,) = content["findings"]
    assert finding["code"] == "impossible_value"
    assert {"where", "message", "hint", "severity"} <= finding.keys()


def test_every_code_that_stops_a_run_is_documented():
    source = "".join(path.read_text() for path in Path(pipeline.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'Finding\(\s*"(\w+)"', source))
    raised |= {code.value for code in SuspicionCode}
    page = (ROOT / "docs" / "howto" / "check_findings.md").read_text(encoding="utf-8")
    assert raised - set(re.findall(r"`(\w+)`", page)) == set()
