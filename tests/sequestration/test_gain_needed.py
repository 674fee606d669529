"""Practices and targets through a whole run: maps, flags, counts, findings, places, tiles."""

import json

import numpy as np
import pytest
import rasterio
from tests.bad_country import Country, assert_refused, maps_of

from recarb.core.config import Target
from recarb.core.errors import InputError
from recarb.sequestration.gain_needed import gain_needed
from recarb.sequestration.pipeline import run
from recarb.sequestration.point import trajectory

TARGETS = [
    {"name": "Low", "rsr_tc_ha_per_yr": 0.05},
    {"name": "Huge", "rsr_tc_ha_per_yr": 3.0},
    {"name": "Today", "asr_tc_ha_per_yr": 0.1},
]
PLAN = [
    {"practice": "farmyard-manure", "land_use": [2], "unit": ["West"],
     "adoption": {"2005": 0.5, "2007": 1.0}},
    {"gain_pct": 10.0, "zone": [2], "land_use": [3]},
]  # fmt: skip


def country_with(folder, **table) -> Country:
    """A country of two units, west and east, and two zones, north (1) and south (2)."""
    found = Country(folder)
    zones = np.ones((10, 12))
    zones[5:] = 2.0
    found.add("zones", zones)
    boxes = {"West": (20.0, 20.6), "East": (20.6, 21.2)}
    shapes = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[a, 41.0], [b, 41.0], [b, 42.0], [a, 42.0], [a, 41.0]]],
            },
        }
        for name, (a, b) in boxes.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    collection = {"type": "FeatureCollection", "features": shapes}
    (folder / "units.geojson").write_text(json.dumps(collection))
    found.table["boundary"] = {"path": "units.geojson", "unit_field": "name"}
    found.table["forward"] = {"years": 8}
    found.table |= table
    return found


def planned(folder, **table) -> Country:
    scenarios = [
        {"name": "SSM2", "gain_pct": 10.0},
        {"name": "PLAN", "practices": PLAN, "cap_at_npp": False},
        {"name": "BIG", "practices": [{"amount_tc_ha_per_yr": 50.0, "zone": [1]}]},
    ]
    return country_with(folder, scenarios=scenarios, targets=TARGETS, **table)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(planned(tmp_path_factory.mktemp("plan")).config())


def test_practices_lie_where_they_were_put(finished):
    maps = maps_of(finished.folder)
    more = maps["BAD_C_PLAN.tif"] - maps["BAD_C_BAU.tif"]
    land_use = maps["BAD_land_use.tif"]
    columns, rows = np.meshgrid(np.arange(12), np.arange(10))
    manure = (land_use == 2) & (columns < 6)
    gain = (land_use == 3) & (rows >= 5)
    of_eight_years = (0.5 * 2 + 1.0 * 5) / 8  # 2004 nothing, 2005-06 half, 2007-11 all
    expected = np.where(manure, 0.9 * of_eight_years, 0.0)
    expected += np.where(gain, 0.1 * maps["BAD_C_BAU.tif"], 0.0)
    np.testing.assert_allclose(more, expected, atol=1e-5)
    assert ((maps["BAD_GSOCseq_RSR_PLAN_Map030.tif"] > 0.0) == (manure | gain)).all()


def test_practices_cut_back_are_flagged_and_counted(finished):
    maps = maps_of(finished.folder)
    flag = maps["BAD_flag_npp_capped_BIG.tif"]
    assert (flag == (np.arange(10) < 5)[:, None]).all()
    assert finished.counts["npp_capped_cells"] == {"BIG": 60, "PLAN": 0}
    told = [f for f in finished.findings if f.code == "input_capped_at_npp"]
    assert [f.where for f in told] == ["scenario BIG"] and "60 cells" in told[0].message
    assert "BAD_flag_npp_capped_PLAN.tif" not in maps


def test_targets_out_of_reach_are_flagged_and_counted(finished):
    maps = maps_of(finished.folder)
    assert (maps["BAD_flag_target_Huge.tif"] == 1.0).all()
    assert (maps["BAD_flag_target_Low.tif"] == 0.0).all()
    counts = finished.counts["targets"]
    assert counts["Huge:above_npp"] + counts["Huge:bau_above_npp"] == 120
    told = {f.where: f.message for f in finished.findings if f.code == "target_infeasible"}
    assert "target Huge" in told and "target Low" not in told


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t["name"])
def test_finished_maps_say_what_the_run_says(finished, target):
    found = gain_needed(finished.folder, Target.model_validate(target))
    maps = maps_of(finished.folder)
    assert found.scenario == "SSM2" and found.total == 120
    for path in found.maps:
        with rasterio.open(path) as source:
            values = source.read(1)
            assert source.tags()["country"] == "BAD"
            assert source.tags()["units"] == source.units[0]
        np.testing.assert_allclose(values, maps[path.name], rtol=2e-5, atol=1e-4)
    assert not list((finished.folder / "targets").glob("*.part"))


def test_the_least_level_that_is_enough_is_counted(finished):
    target = Target(name="Ten", rsr_tc_ha_per_yr=0.05)
    found = gain_needed(finished.folder, target)
    gain = maps_of(finished.folder)["BAD_GainNeeded_Ten.tif"]
    assert found.cells["5"] == int((gain <= 5.0).sum())
    assert found.cells["10"] == int(((gain > 5.0) & (gain <= 10.0)).sum())
    assert sum(found.cells.values()) == 120


def test_a_run_of_another_depth_can_tell(tmp_path):
    scenarios = [{"name": "SSM2", "gain_pct": 10.0}]
    deep = country_with(tmp_path, scenarios=scenarios, model={"depth_cm": 20.5}, targets=TARGETS)
    report = run(deep.config())
    found = gain_needed(report.folder, Target.model_validate(TARGETS[0]))
    with rasterio.open(found.maps[0]) as source:
        values = source.read(1)
    np.testing.assert_allclose(values, maps_of(report.folder)[found.maps[0].name], rtol=2e-5)


def test_no_run_is_told(tmp_path):
    with pytest.raises(InputError, match=r"expected the folder of a finished run.*recarb run"):
        gain_needed(tmp_path, Target(name="T", rsr_tc_ha_per_yr=0.1))


def test_a_run_without_a_plain_gain_cannot_tell(tmp_path):
    only = [{"name": "P", "practices": [{"gain_pct": 10.0}]}]
    folder = run(country_with(tmp_path, scenarios=only).config()).folder
    with pytest.raises(InputError, match="no scenario of this run is one gain"):
        gain_needed(folder, Target(name="T", rsr_tc_ha_per_yr=0.1))


def test_a_map_that_is_gone_is_told(finished, tmp_path):
    record = (finished.folder / "provenance.json").read_text()
    (tmp_path / "provenance.json").write_text(record)
    with pytest.raises(InputError, match="a map of the run is not there"):
        gain_needed(tmp_path, Target(name="T", rsr_tc_ha_per_yr=0.1))


def test_the_months_of_a_point_end_at_the_values_of_the_maps(finished, tmp_path):
    covered = {"name": "COVER", "practices": [{"practice": "cover-crop", "land_use": [2],
               "adoption": {"2005": 0.3, "2008": 0.6}, "cover_months": [1, 2, 3]}]}  # fmt: skip
    country = planned(tmp_path)
    country.table["scenarios"] = [*country.table["scenarios"], covered]
    config = country.config()
    folder = run(config).folder
    maps = maps_of(folder, "BAD_GSOCseq_finalSOC_*.tif")
    row, column = np.argwhere(maps_of(folder)["BAD_land_use.tif"] == 2)[0].tolist()
    found = trajectory(config, 20.0 + 0.1 * (column + 0.5), 42.0 - 0.1 * (row + 0.5))
    ends = found.months[found.months["phase"] == "forward"].groupby("scenario")["soc_tc_ha"].last()
    for name in ("BAU", "SSM2", "PLAN", "BIG", "COVER"):
        value = maps[f"BAD_GSOCseq_finalSOC_{name}_Map030.tif"][row, column]
        assert ends[name] == pytest.approx(value, rel=1e-6), name
    assert ends["COVER"] > ends["BAU"] and ends["PLAN"] > ends["BAU"]


def test_tiles_change_no_bit(finished, tmp_path):
    tiled = run(planned(tmp_path, tile_cells=8).config()).folder
    for folder, pattern in (
        (".", "*RSR*_Map030.tif"),
        ("diagnostics", "*.tif"),
        ("flags", "*.tif"),
    ):
        whole = maps_of(finished.folder / folder, pattern)
        assert whole
        for name, values in maps_of(tiled / folder, pattern).items():
            np.testing.assert_array_equal(values, whole[name], err_msg=name)


def test_a_unit_that_is_not_there_stops_the_run(tmp_path):
    scenarios = [{"name": "P", "practices": [{"gain_pct": 5.0, "unit": ["North"]}]}]
    country = country_with(tmp_path, scenarios=scenarios)
    assert_refused(country, "config", said=["'North'", "East, West"])


def test_a_practice_that_is_not_there_stops_the_run(tmp_path):
    scenarios = [{"name": "P", "practices": [{"practice": "mulch"}]}]
    assert_refused(
        country_with(tmp_path, scenarios=scenarios), "config", said=["'mulch'", "cover-crop"]
    )


def test_a_number_nobody_confirmed_needs_to_be_accepted(tmp_path):
    scenarios = [{"name": "P", "practices": [{"practice": "compost", "adoption": 0.1}]}]
    country = country_with(tmp_path, scenarios=scenarios)
    assert_refused(
        country, "unverified_practice", said=["quality of compost", "unverified_practice"]
    )
    country.table["accept"] = ["unverified_practice"]
    report = run(country.config())
    assert "unverified_practice" in [f.code for f in report.findings]
