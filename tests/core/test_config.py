"""run.toml: what is refused, what it says, and what the fingerprint of a run depends on."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.factories import config, tables

from recarb.core.config import RunConfig, load_config
from recarb.core.errors import ConfigError

TOML = """
iso3 = "NOR"
iso2 = "NO"
[inputs]
soc = { path = "maps/soc.tif" }
clay = { path = "~/clay.tif" }
land_use = { path = "$COUNTRY/cover.tif", crosswalk = "tables/own.csv", options = { 20 = 13 } }
[climate.one]
product = "one"
temperature = { path = "t.tif" }
rain = { path = "p.tif" }
pet_method = "hargreaves"
[spin_up]
climate = "one"
"""


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(**changes: Any) -> str:
    with pytest.raises(ValueError) as caught:
        config(**changes)
    return str(caught.value)


def test_relative_paths_start_at_the_folder_of_run_toml(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTRY", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = load_config(written(tmp_path / "norway", TOML))
    assert found.inputs.soc.path == tmp_path / "norway" / "maps" / "soc.tif"
    assert found.inputs.clay.path == tmp_path / "home" / "clay.tif"
    assert found.inputs.land_use.path == tmp_path / "elsewhere" / "cover.tif"
    assert Path(found.inputs.land_use.crosswalk) == tmp_path / "norway" / "tables" / "own.csv"
    assert found.inputs.land_use.options == {20: 13}
    assert found.output == tmp_path / "norway" / "out"


def test_a_crosswalk_that_ships_keeps_its_name():
    assert config().inputs.land_use.crosswalk == "esa_cci_fao_scripts"


def test_an_unset_environment_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("COUNTRY", raising=False)
    with pytest.raises(ConfigError, match=r"environment variable COUNTRY .* not set"):
        load_config(written(tmp_path, TOML))


def test_codes_that_read_like_booleans_are_text(tmp_path, monkeypatch):
    """The country code NO is false to YAML; TOML keeps it."""
    monkeypatch.setenv("COUNTRY", str(tmp_path))
    found = load_config(written(tmp_path, TOML))
    assert (found.iso3, found.iso2) == ("NOR", "NO")


@pytest.mark.parametrize("iso3", ["no", "Nor", "NO", "NORW", "", "N0R"])
def test_other_country_codes_are_refused(iso3):
    assert "iso3" in refused(iso3=iso3)


def test_every_fault_is_listed_at_once(tmp_path):
    text = TOML.replace('iso3 = "NOR"', 'iso3 = "Norway"').replace("$COUNTRY/", "")
    text = text.replace('pet_method = "hargreaves"', "") + "year = 1990\n"
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert "3 fault(s)" in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "iso3",
        "climate.one",
        "spin_up.year",
    ]


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "run.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(written(tmp_path, "iso3 = NOR"))
    path = tmp_path / "run.toml"
    path.write_bytes('iso3 = "\xe9"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(path)


def test_pet_is_given_once():
    one = {"pet": {"path": "pet.tif"}, "pet_method": "fao56"}
    assert "either `pet` (a layer) or `pet_method`" in refused(climate={"one": one})
    assert "either `pet` (a layer) or `pet_method`" in refused(climate={"one": {"pet": None}})
    both = config(climate={"one": {"pet": None, "pet_method": "thornthwaite"}})
    assert set(both.climate["one"].layers()) == {"temperature", "rain"}


def test_the_warm_up_starts_the_year_after_the_soc_map():
    text = refused(model={"soc_year": 2010})
    assert "starts in 2001" in text and "of 2010" in text and "start in 2011" in text
    later = config(model={"soc_year": 2010}, warm_up={"years": [2011, 2020]})
    assert later.warm_up is not None and later.warm_up.years == (2011, 2020)
    assert config(warm_up=None, model={"soc_year": 2022}).warm_up is None


@pytest.mark.parametrize("phase", ["spin_up", "warm_up", "forward"])
def test_a_phase_needs_a_climate_that_exists(phase):
    text = refused(**{phase: {"climate": "two"}})
    assert "no [climate.two] is given" in text and "['one']" in text


def test_scenario_names():
    assert "SSM1" in refused(scenarios=[{"name": "SSM1"}, {"name": "SSM1", "gain_pct": 5.0}])
    assert "BAU" in refused(scenarios=[{"name": "BAU"}])
    assert "name" in refused(scenarios=[{"name": "no till"}])
    assert config(scenarios=[]).scenarios == ()


def test_the_map_of_ssm_uncertainty():
    assert config().ssm_scenario == "SSM2"
    two = [{"name": "A", "gain_pct": 5.0}, {"name": "B", "gain_pct": 10.0}]
    assert config(scenarios=two).ssm_scenario == "B"
    assert config(scenarios=two, uncertainty={"ssm_map": "A"}).ssm_scenario == "A"
    assert config(scenarios=[]).ssm_scenario is None
    assert "ssm_map" in refused(uncertainty={"ssm_map": "SSM9"})


def test_the_standard_scenarios_are_those_of_the_manual():
    found = [(s.name, s.gain_pct) for s in config().scenarios]
    assert found == [("SSM1", 5.0), ("SSM2", 10.0), ("SSM3", 20.0)]


FULL = tables(
    inputs={
        "soc": {"band": 1, "nodata": [-999.0]},
        "zones": {"path": "zones.tif"},
        "land_use": {
            "options": {20: 13},
            "override": [{"path": "rice.tif", "at_least": 0.5, "land_use": 13}],
        },
        "land_use_forward": {"path": "later.tif"},
    },
    climate={"one": {"wind_height_m": 10.0}},
    npp_reference={"years": [1981, 2000]},
    forward={
        "horizons": [50, 100],
        "land_use_after_years": 5,
        "climate_change": {"temperature_k": 2.0, "pet_factor": 1.1},
    },
    model={
        "dpm_rpm": {2: 1.4},
        "crop_calendar": {"2": [4, 5, 6]},
        "input_share": {"2": [1.0] + [0.0] * 11},
        "rothc": {"k_hum_per_yr": 0.02},
        "modelled_land_use": [2, 3],
    },
    scenarios=[
        {
            "name": "SSM1",
            "gain_pct": 5.0,
            "gain_pct_by_land_use": {2: 8.0},
            "gain_pct_by_zone": {1: 9.0},
            "c_input_tc_ha_per_yr": 2.0,
        }
    ],
)


def numbers(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a number stands in a tree of tables and lists."""
    if isinstance(tree, dict | tuple):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return [found for key, value in pairs for found in numbers(value, (*at, key))]
    return [at] if isinstance(tree, int | float) and not isinstance(tree, bool) else []


def with_more(tree: Any, at: tuple[Any, ...]) -> Any:
    """The same tree with one more at one place."""
    if not at:
        return tree + 1
    if isinstance(tree, tuple):
        return tuple(with_more(v, at[1:]) if i == at[0] else v for i, v in enumerate(tree))
    return tree | {at[0]: with_more(tree[at[0]], at[1:])}


def resolved(table: dict[str, Any]) -> RunConfig:
    return RunConfig.model_validate(table, context={"folder": Path("country")})


COMPLETE = resolved(FULL).model_dump(exclude_none=True)  # FULL and every default
TIED = {("model", "soc_year"), ("warm_up", "years", 0)}  # one cannot move without the other


@pytest.mark.parametrize(
    "at",
    [at for at in numbers(COMPLETE) if at not in TIED],
    ids=lambda at: ".".join(map(str, at)),
)
def test_the_fingerprint_sees_every_number(at):
    assert resolved(with_more(COMPLETE, at)).fingerprint() != resolved(COMPLETE).fingerprint()


def test_the_fingerprint_does_not_see_the_tiling():
    tiled = resolved(COMPLETE | {"tile_cells": 32})
    assert tiled.fingerprint() == resolved(COMPLETE).fingerprint()


def test_the_fingerprint_sees_the_year_of_the_soc_map():
    both = with_more(with_more(COMPLETE, ("model", "soc_year")), ("warm_up", "years", 0))
    assert resolved(both).fingerprint() != resolved(COMPLETE).fingerprint()
    skipped = [
        config(warm_up=None, model={"soc_year": year}).fingerprint() for year in (2000, 2001)
    ]
    assert skipped[0] != skipped[1]


def test_the_fingerprint_does_not_see_where_the_run_lies(tmp_path, monkeypatch):
    text = TOML.replace("~/", "")
    prints = set()
    for place in ("here", "there/deeper"):
        monkeypatch.setenv("COUNTRY", str(tmp_path / place))
        path = written(tmp_path / place, f'output = "{place.replace("/", "_")}"\n' + text)
        prints.add(load_config(path).fingerprint())
    shutil.rmtree(tmp_path / "here")
    assert len(prints) == 1


def test_the_fingerprint_sees_names_of_files_and_scenarios():
    plain = config().fingerprint()
    assert config(inputs={"soc": {"path": "other.tif"}}).fingerprint() != plain
    assert config(inputs={"land_use": {"crosswalk": "own.csv"}}).fingerprint() != plain
    assert config(note="a draft").fingerprint() != plain
    assert config(folder="another", output="elsewhere").fingerprint() == plain


def test_a_configuration_cannot_be_changed_after_reading():
    with pytest.raises(ValueError, match="frozen"):
        config().iso3 = "YYY"


def test_gains_by_zone_need_a_map_of_zones(tmp_path):
    scenario = {"name": "SSM1", "gain_pct_by_zone": {"3": 15.0}}
    with pytest.raises(ValueError, match=r"SSM1 has gains by zone.*inputs\.zones"):
        config(tmp_path, scenarios=[scenario])
    with_zones = config(tmp_path, scenarios=[scenario], inputs={"zones": {"path": "zones.tif"}})
    assert with_zones.scenarios[0].gain_pct_by_zone == {3: 15.0}


def test_the_portable_record_does_not_depend_on_the_folder(tmp_path):
    here, there = (config(tmp_path / name).portable() for name in ("here", "there"))
    assert here == there
    assert here["output"] == "out"
    assert not Path(here["inputs"]["soc"]["path"]).is_absolute()
