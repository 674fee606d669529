"""Other models on the cells of a run: one start, excluded cells, the spread, the maps."""

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import ValidationError
from tests.bad_country import Country, pattern
from tests.factories import YEAR, cells, config

from recarb.core.grid import Tile, cell_areas_ha
from recarb.models.icbm import ReferenceSite
from recarb.models.interface import Reason
from recarb.sequestration import pipeline
from recarb.sequestration.ensemble import RothCRun, drivers_of, reference_rate
from recarb.sequestration.ensemble_maps import ensemble_products, versions
from recarb.sequestration.forward import forward
from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

BOTH = {"models": ["icbm", "ipcc-tier2"]}
SAND = {"sand": {"path": "sand.tif"}}
CURVE = {"moisture": "van_genuchten", "bulk_density_g_cm3": 1.3}
LABELS = ("icbm", "ipcc-tier2-full", "ipcc-tier2-none")


def run_with(**changes):
    return config(**{"inputs": SAND, "ensemble": BOTH, "uncertainty": {"chains": False}, **changes})


def arable(size: int = 4, **choices) -> xr.Dataset:
    found = cells((2,) * size, **choices)
    found["sand"] = ("cell", np.linspace(10.0, 80.0, size))
    return found


def test_every_model_starts_from_the_stock_of_the_map():
    inputs = arable(warm_up=False)
    maps = simulate(inputs, run_with(warm_up=None))
    for name in LABELS:
        np.testing.assert_allclose(maps[f"{name}_T0"], inputs["soc"], rtol=1e-13)
        np.testing.assert_allclose(maps[f"{name}_ASR_BAU"], 0.0, atol=1e-12)
    np.testing.assert_allclose(maps["ensemble_ASR_BAU_max"], 0.0, atol=1e-9)


def test_every_model_gets_the_inputs_of_the_run_in_proportion():
    """In all of them the response to +20 % is four times that to +5 %."""
    maps = simulate(arable(), run_with())
    for name in LABELS:
        assert (maps[f"{name}_RSR_SSM1"] > 0.0).all()
        np.testing.assert_allclose(
            maps[f"{name}_RSR_SSM3"], 4.0 * maps[f"{name}_RSR_SSM1"], rtol=1e-9
        )


def test_an_amount_counts_relative_to_the_input_that_rothc_needs():
    inputs = arable(warm_up=False)
    plain = simulate(inputs, run_with(warm_up=None))
    amount = float(plain["C_eq"][1]) * 1.2
    scenario = {"name": "SSM1", "c_input_tc_ha_per_yr": amount}
    maps = simulate(inputs, run_with(warm_up=None, scenarios=[scenario])).isel(cell=1)
    for name in LABELS:
        expected = float(plain[f"{name}_RSR_SSM3"][1])
        assert float(maps[f"{name}_RSR_SSM1"]) == pytest.approx(expected, rel=1e-9)


def test_the_maps_of_rothc_do_not_change():
    inputs = arable()
    alone = simulate(inputs, config())
    beside = simulate(inputs, run_with(uncertainty={"chains": True}))
    for product in products(config()) + diagnostics(config()):
        np.testing.assert_array_equal(alone[product.key], beside[product.key])


def test_chains_change_nothing_in_the_ensemble():
    inputs = arable()
    plain, chains = (simulate(inputs, run_with(uncertainty={"chains": c})) for c in (False, True))
    for product in ensemble_products(run_with()):
        np.testing.assert_array_equal(plain[product.key], chains[product.key])


def test_rothc_answers_through_the_same_interface():
    inputs, run = cells((2, 3, 13, 5)), config(uncertainty={"chains": False})
    tables = ModelTables.of(run)
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    found = forward(state, inputs, tables, run.scenarios, run.forward.years)
    projection = RothCRun(found).project(drivers_of(inputs, found, tables, run.forward.years))
    maps = simulate(inputs, run)
    assert (projection.reason == Reason.MODELLED).all()
    np.testing.assert_array_equal(projection.stocks.t0[0], maps["T0"])
    for number, name in enumerate(("BAU", "SSM1", "SSM2", "SSM3")):
        np.testing.assert_array_equal(projection.stocks.final[0, number], maps[f"finalSOC_{name}"])


def test_the_ensemble_is_the_mean_and_the_spread_of_its_models():
    """Two kinds of tillage are one model in the mean, and two in the least and the most."""
    maps = simulate(arable(), run_with())
    rothc, icbm, full, none = (maps[f"{p}RSR_SSM2"].values for p in
                               ("", *(f"{name}_" for name in LABELS)))  # fmt: skip
    assert (full != none).any()
    models = np.stack([rothc, icbm, (full + none) / 2.0])
    key = "ensemble_RSR_SSM2"
    np.testing.assert_allclose(maps[f"{key}_mean"], models.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(maps[f"{key}_sd"], models.std(axis=0, ddof=1), rtol=1e-12)
    every = np.stack([rothc, icbm, full, none])
    np.testing.assert_array_equal(maps[f"{key}_min"], every.min(axis=0))
    np.testing.assert_array_equal(maps[f"{key}_max"], every.max(axis=0))


def test_a_cell_that_a_model_is_not_made_for_has_a_reason_and_no_number():
    inputs = cells((2, 3, 13, 12, 2, 2, 2))
    inputs["sand"] = ("cell", [30.0, 30.0, 30.0, 30.0, np.nan, 30.0, 30.0])
    inputs["peat"] = ("cell", [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    inputs["land_use_spin_up"][6] = 3
    maps = simulate(inputs, run_with())
    assert np.isfinite(maps["T0"]).all()
    other, peat, changed = Reason.NOT_CROPLAND, Reason.ORGANIC_SOIL, Reason.LAND_USE_CHANGED
    both = [0, other, other, other, 0, peat, changed]
    np.testing.assert_array_equal(maps["icbm_reason"], both)
    both[4] = Reason.NO_SAND
    np.testing.assert_array_equal(maps["ipcc-tier2_reason"], both)
    for name in ensemble_products(run_with()):
        if name.unit != "code":
            has = np.isfinite(maps[name.key].values)
            assert has.tolist() == [True, *[False] * 3, name.key.startswith("icbm"), False, False]


def test_a_land_use_of_one_year_is_enough_to_leave_a_cell_out():
    inputs = arable(2, years=20)
    yearly = np.full((20, 2), 2, dtype=np.uint8)
    yearly[7, 0] = 3
    inputs["land_use_yearly"] = (("year", "cell"), yearly)
    maps = simulate(inputs, run_with())
    assert maps["icbm_reason"].values.tolist() == [Reason.LAND_USE_CHANGED, Reason.MODELLED]


def test_irrigated_months_are_those_with_irrigation():
    inputs = arable(warm_up=False)
    dry = simulate(inputs, run_with(warm_up=None))
    inputs["irrigation"][5:8] = 20.0
    wet = simulate(inputs, run_with(warm_up=None))
    assert (dry["ipcc-tier2-full_C_eq"] != wet["ipcc-tier2-full_C_eq"]).all()


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_cell_has_the_same_bits_in_any_tile(size):
    inputs = cells((2, 2, 3, 2, 13, 2, 2, 2))
    inputs["sand"] = ("cell", np.linspace(5.0, 90.0, 8))
    whole = simulate(inputs, run_with())
    for start in range(0, 8, size):
        part = simulate(inputs.isel(cell=slice(start, start + size)), run_with())
        for product in ensemble_products(run_with()):
            expected = whole[product.key].values[start : start + size]
            np.testing.assert_array_equal(part[product.key].values, expected)


def test_the_reference_site_is_cropland_under_the_choices_of_the_run():
    plain = config()
    rate = reference_rate(plain, ModelTables.of(plain))
    assert 0.3 < rate < 0.45
    covered = config(model={"crop_calendar": {"2": list(range(1, 13))}})
    assert reference_rate(covered, ModelTables.of(covered)) < rate
    assert len(ReferenceSite().rain_mm) == YEAR and sum(ReferenceSite().rain_mm) == 530


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": {}}, "needs the sand content of the soil: give inputs.sand"),
        ({"model": {"depth_cm": 20.0}}, "are for 0-30 cm, but model.depth_cm is 20"),
        ({"ensemble": {"models": ["icbm", "icbm"]}}, "expected every model once, came icbm, icbm"),
        ({"forward": {"climate_change": {"temperature_k": 2.0, "pet_factor": 1.1}}}, "on one mean"),
        ({"inputs": {**SAND, "land_use_forward": {"path": "later.tif"}}}, "on one mean climate"),
        ({"ensemble": {"models": ["century"]}}, "'icbm' or 'ipcc-tier2'"),
        ({"model": {"variant": CURVE}}, "remove model.variant.moisture, or icbm"),
    ],
)
def test_what_a_model_lacks_is_said_at_once(changes, said):
    with pytest.raises(ValidationError, match=said):
        run_with(**changes)


def test_rothc_may_be_a_variant_beside_the_others():
    """The rates that icbm takes from RothC, and RothC's own, are those of the variant."""
    plain = simulate(arable(), run_with())
    found = simulate(arable(), run_with(model={"variant": {"cover": "mixed"}}))
    for key in ("RSR_SSM1", "icbm_RSR_SSM1", "ensemble_RSR_SSM1_mean"):
        assert np.isfinite(found[key]).all() and (found[key] != plain[key]).all()
    key = "ipcc-tier2-full_C_eq"  # which has rates of its own
    np.testing.assert_array_equal(found[key], plain[key])


def test_icbm_needs_no_sand():
    run = config(ensemble={"models": ["icbm"]})
    maps = simulate(cells((2, 2)), run)
    assert np.isfinite(maps["ensemble_RSR_SSM1_sd"]).all()
    assert versions(run) == ["icbm"]
    assert ensemble_products(config()) == []


@pytest.mark.parametrize("tillage", ["full", "reduced", "none", "unknown"])
def test_a_known_tillage_gives_one_version(tillage):
    run = run_with(ensemble={**BOTH, "tillage": tillage})
    maps = simulate(arable(2), run)
    assert versions(run) == ["icbm", "ipcc-tier2"]
    assert np.isfinite(maps["ipcc-tier2_RSR_SSM1"]).all()


@pytest.fixture
def country(tmp_path):
    found = Country(tmp_path)
    found.add("sand", pattern((10, 12), 10.0, 60.0))
    found.table["ensemble"] = BOTH
    return found


def test_a_run_writes_the_maps_and_counts_the_cells(country):
    sand = country.layers["sand"].values
    sand[:, 4, 5] = np.nan
    country.write()
    run = country.config()
    report = pipeline.run(run, threads=1)
    folder = report.folder / "ensemble"
    wanted = {f"BAD_{product.stem}.tif" for product in ensemble_products(run)} | {"summary.csv"}
    assert {path.name for path in folder.iterdir()} == wanted
    record = json.loads((report.folder / "provenance.json").read_text())
    by_reason = record["counts"]["ensemble_cells"]
    with rasterio.open(folder / "BAD_ipcc-tier2_reason.tif") as source:
        codes = source.read(1, masked=True).compressed()
        assert source.dtypes == ("uint8",)
    for reason in Reason:
        counted = by_reason.get(f"ipcc-tier2/{reason.name.lower()}", 0)
        assert counted == int((codes == reason).sum())
    assert by_reason["ipcc-tier2/modelled"] > 0
    with rasterio.open(folder / "BAD_ensemble_RSR_SSM1_mean.tif") as source:
        assert source.tags()["units"] == "t ha-1 year-1"
        assert source.read(1, masked=True).count() == by_reason["ipcc-tier2/modelled"]
    said = [finding for finding in report.findings if finding.code == "ensemble_cells"]
    assert [finding.where for finding in said] == ["ensemble, icbm", "ensemble, ipcc-tier2"]
    assert f"{by_reason['icbm/modelled']} modelled" in said[0].message


def test_totals_of_every_model_are_over_the_same_cells(country):
    country.write()
    report = pipeline.run(country.config(), threads=1)
    table = pd.read_csv(report.folder / "ensemble" / "summary.csv")
    whole = table.query("level == 'country' and scenario == 'SSM2'").set_index("model")
    assert list(whole.index) == ["rothc", *LABELS]
    assert whole["cells"].nunique() == whole["area_ha"].nunique() == 1
    assert whole["cells"].iloc[0] == report.counts["ensemble_cells"]["ipcc-tier2/modelled"]
    cropland = report.summary.query("level == 'land_use' and land_use == 2 and scenario == 'SSM2'")
    column = "total_rsr_mt_c_per_yr"
    assert whole.loc["rothc", column] == pytest.approx(cropland[column].iloc[0], rel=1e-8)
    folder = report.folder
    with rasterio.open(folder / "ensemble" / "BAD_icbm_RSR_SSM2.tif") as source:
        rate = source.read(1, masked=True).filled(np.nan)
        grid = GeoBox(source.shape, source.transform, source.crs)
    area = cell_areas_ha(grid, Tile(slice(0, grid.shape[0]), slice(0, grid.shape[1])))
    expected = np.nansum(rate * area) / 1e6
    assert whole.loc["icbm", column] == pytest.approx(expected, rel=1e-6)


def test_the_maps_do_not_depend_on_the_tiles(country):
    country.write()
    run = country.config()
    found = {}
    for tile_cells in (8, 16):
        changed = run.model_copy(update={"tile_cells": tile_cells})
        folder = pipeline.run(changed, overwrite=True, threads=2).folder / "ensemble"
        found[tile_cells] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found[8] == found[16]


def test_a_run_without_an_ensemble_has_no_such_folder(country):
    country.table["ensemble"] = {}
    country.write()
    report = pipeline.run(country.config(), threads=1)
    assert not (report.folder / "ensemble").exists()
    assert "ensemble_cells" not in report.counts
