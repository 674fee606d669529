"""Means weighted by area, totals in Mt C and Mt CO2e."""

import numpy as np
import pytest
import xarray as xr
from tests.factories import geobox

from recarb.core.grid import Tile, cell_areas_ha
from recarb.sequestration.summary import Summary

SCENARIOS = ("BAU", "SSM1")


def maps(t0, bau, ssm1, years: int = 20) -> xr.Dataset:
    t0, bau, ssm1 = (np.asarray(v, dtype=float) for v in (t0, bau, ssm1))
    found = {
        "T0": t0,
        "finalSOC_BAU": bau,
        "finalSOC_SSM1": ssm1,
        "ASR_BAU": (bau - t0) / years,
        "ASR_SSM1": (ssm1 - t0) / years,
        "RSR_SSM1": (ssm1 - bau) / years,
    }
    return xr.Dataset({k: ("cell", v) for k, v in found.items()})


def row(summary: Summary, level: str, scenario: str, **where):
    table = summary.table()
    table = table[(table["level"] == level) & (table["scenario"] == scenario)]
    for key, value in where.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_tall_country_is_weighted_by_the_area_of_its_cells():
    """A column of cells from the equator to 70 N: those in the north are a third as large."""
    box = geobox(0.0, 70.0, 1.0, (70, 1))
    area = cell_areas_ha(box, Tile(slice(0, 70), slice(0, 1)))[:, 0]
    t0 = np.linspace(150.0, 30.0, 70)  # the north is rich
    summary = Summary(("country",), SCENARIOS)
    summary.add(maps(t0, t0, t0 + 2.0), np.ones(70, np.uint16), np.full(70, 2, np.uint8), area)
    found = row(summary, "country", "BAU")
    latitude = np.radians(69.5 - np.arange(70))
    by_cosine = (t0 * np.cos(latitude)).sum() / np.cos(latitude).sum()
    assert found["mean_t0_tc_ha"] == pytest.approx(by_cosine, rel=5e-3)
    assert found["mean_t0_tc_ha"] < t0.mean() - 5.0
    assert found["area_ha"] == pytest.approx(area.sum(), rel=1e-8)


def test_totals_by_hand():
    """2000 ha gaining 0.1 and 1000 ha losing 0.05 t C ha-1 yr-1: 150 t a year."""
    summary = Summary(("country",), SCENARIOS)
    summary.add(
        maps([50.0, 60.0], [52.0, 59.0], [53.0, 60.0]),
        np.ones(2, np.uint16), np.array([2, 3], np.uint8), np.array([2000.0, 1000.0]),
    )  # fmt: skip
    bau, ssm = row(summary, "country", "BAU"), row(summary, "country", "SSM1")
    assert bau["total_asr_mt_c_per_yr"] == pytest.approx(150e-6)
    assert bau["total_asr_mt_co2e_per_yr"] == pytest.approx(150e-6 * 44 / 12)
    assert bau["mean_asr_tc_ha_per_yr"] == pytest.approx(0.05)
    assert bau["mean_rsr_tc_ha_per_yr"] == bau["total_rsr_mt_c_per_yr"] == 0.0
    assert ssm["total_rsr_mt_c_per_yr"] == pytest.approx(150e-6)
    assert ssm["total_rsr_mt_co2e_per_yr"] == pytest.approx(550e-6)
    assert ssm["mean_final_soc_tc_ha"] == pytest.approx((2 * 53 + 60) / 3)
    assert bau["cells"] == 2


def tiles_of_a_country(seed: int = 3):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        n = 30
        t0 = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(20, 120, n))
        yield (
            maps(t0, t0 + rng.normal(0, 2, n), t0 + rng.normal(1, 2, n)),
            rng.integers(1, 4, n).astype(np.uint16),
            rng.choice([2, 3, 12], n).astype(np.uint8),
            rng.uniform(80, 90, n),
        )


def test_groups_add_up_to_the_country_and_cells_that_did_not_run_are_left_out():
    summary = Summary(("North", "West", "South"), SCENARIOS)
    every = list(tiles_of_a_country())
    for tile in every:
        summary.add(*tile)
    table = summary.table()
    ran = sum(int(np.isfinite(m["T0"]).sum()) for m, *_ in every)
    for level in ("country", "land_use", "unit", "unit_land_use"):
        part = table[(table["level"] == level) & (table["scenario"] == "SSM1")]
        assert part["cells"].sum() == ran
        assert part["total_rsr_mt_c_per_yr"].sum() == pytest.approx(
            row(summary, "country", "SSM1")["total_rsr_mt_c_per_yr"], rel=1e-7
        )
    west = row(summary, "unit_land_use", "BAU", unit="West", land_use=3)
    expected = [
        (m["ASR_BAU"].values[w], a[w])
        for m, u, c, a in every
        if (w := (u == 2) & (c == 3) & np.isfinite(m["T0"].values)).any()
    ]
    rates, areas = (np.concatenate(v) for v in zip(*expected, strict=True))
    assert west["mean_asr_tc_ha_per_yr"] == pytest.approx(
        np.average(rates, weights=areas), rel=1e-7
    )
    assert west["land_use_name"] == "Grassland"


def test_the_order_of_tiles_does_not_show():
    one, other = Summary(("A", "B", "C"), SCENARIOS), Summary(("A", "B", "C"), SCENARIOS)
    every = list(tiles_of_a_country(seed=11))
    for tile in every:
        one.add(*tile)
    for tile in reversed(every):
        other.add(*tile)
    assert one.table().to_csv() == other.table().to_csv()


def test_without_a_cell_the_table_is_empty_and_nothing_fails():
    summary = Summary(("country",), SCENARIOS)
    nothing = np.array([np.nan])
    summary.add(maps(nothing, nothing, nothing), np.ones(1, np.uint16), np.full(1, 2, np.uint8),
                np.ones(1))  # fmt: skip
    assert len(summary.table()) == 0
