"""The four real runs end to end: what they leave has to fit the spec, the inputs and itself."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from docs.figures import real_tables
from tests.real import runs
from tests.realdata import data_folder, requires

from recarb.core.config import RunConfig
from recarb.core.findings import Severity
from recarb.core.grid import cell_centres
from recarb.harmonise.climate import ClimateReader, Points
from recarb.harmonise.regrid import to_grid
from recarb.sequestration.checks import check_run
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import Outcome

Finish = Callable[..., runs.Finished]

pytestmark = [pytest.mark.realdata, *(requires(folder) for folder in ("iberia", "zambia_eastern")),
              *(requires(folder) for folder in ("north_macedonia", "global_0p5deg"))]  # fmt: skip

every_region = pytest.mark.parametrize("name", runs.NAMES)
without_warm_up = pytest.mark.parametrize("name", ["north_macedonia", "global_0p5deg"])

PAGES = ("iberia.md", "zambia_eastern.md", "north_macedonia.md", "world.md")
SSM = ("SSM1", "SSM2", "SSM3")
SCENARIOS = ("BAU", *SSM)
YEARS = 20
FLOAT32 = 2e-7  # relative rounding of a value in a file
NO_UNIT = 255  # cells outside the boundary in the outcome map

# gsocseq.md, section Products, spelled out: the 29 maps of a delivery
MEANS = ("T0_Map030",
         *(f"{kind}_{s}_Map030" for kind in ("finalSOC", "AbsDiff", "ASR") for s in SCENARIOS),
         *(f"{kind}_{s}_Map030" for kind in ("RelDiff", "RSR") for s in SSM))  # fmt: skip
UNCERTAINTIES = ("T0_UncertaintyMap030", "BAU_UncertaintyMap030", "SSM_UncertaintyMap030",
                 *(f"ASR_{s}_UncertaintyMap030" for s in SCENARIOS),
                 *(f"RSR_{s}_UncertaintyMap030" for s in SSM))  # fmt: skip


def area_ha(run: runs.Finished) -> runs.Floats:
    """Cells of a longitude/latitude grid on the WGS84 ellipsoid, from the closed formula."""
    with rasterio.open(run.report.folder / f"{run.config.iso3}_GSOCseq_T0_Map030.tif") as source:
        a, shape = source.transform, source.shape
    major_m, flattening, m2_per_ha = 6378137.0, 1.0 / 298.257223563, 1.0e4
    e2 = flattening * (2.0 - flattening)
    e = np.sqrt(e2)
    s = np.sin(np.radians(a.f + np.arange(shape[0] + 1) * a.e))
    zone = major_m**2 * (1.0 - e2) / 2.0 * (s / (1.0 - e2 * s**2) + np.arctanh(e * s) / e)
    return np.repeat(-np.diff(zone)[:, None] * np.radians(a.a) / m2_per_ha, shape[1], axis=1)


@every_region
def test_every_cell_has_one_fate(finished: Finish, name: str):
    run = finished(name)
    record = run.report.ledger.record()
    assert record["run"] + record["excluded"] + record["failed"] == record["total"]
    outcome = run.diagnostic("outcome")
    assert record["total"] == np.isfinite(outcome).sum()
    counted = {o.name.lower(): int((outcome == o).sum()) for o in Outcome if o is not NO_UNIT}
    assert record["by_outcome"] == {key: cells for key, cells in counted.items() if cells}
    np.testing.assert_array_equal(np.isfinite(run.map("T0_Map030")), outcome == Outcome.RUN)
    assert record["run"] > 100


@every_region
def test_the_29_maps_lie_on_the_grid_of_the_soc_map(finished: Finish, name: str):
    run = finished(name)
    code = run.config.iso3
    found = {path.name for path in run.report.folder.glob("*.tif")}
    assert found == {f"{code}_GSOCseq_{stem}.tif" for stem in (*MEANS, *UNCERTAINTIES)}
    assert len(found) == 29
    with rasterio.open(run.config.inputs.soc.path) as soc:
        grid = (soc.shape, soc.crs)
        corner, step = (soc.transform.c, soc.transform.f), (soc.transform.a, soc.transform.e)
    modelled = run.diagnostic("outcome") == Outcome.RUN
    for stem in MEANS:
        with rasterio.open(run.report.folder / f"{code}_GSOCseq_{stem}.tif") as source:
            assert (source.shape, source.crs) == grid
            assert (source.transform.c, source.transform.f) == pytest.approx(corner, abs=1e-9)
            assert (source.transform.a, source.transform.e) == pytest.approx(step, abs=1e-12)
            assert source.dtypes == ("float32",)
            assert source.nodata is not None
        np.testing.assert_array_equal(np.isfinite(run.map(stem)), modelled)


@every_region
def test_summary_is_the_area_weighted_sum_of_the_maps(finished: Finish, name: str):
    run = finished(name)
    table = run.report.summary
    country = table[table["level"] == "country"].set_index("scenario")
    area, t0 = area_ha(run), run.map("T0_Map030")
    modelled = np.isfinite(t0)
    total = area[modelled].sum()
    assert country["area_ha"].to_numpy() == pytest.approx(total, rel=1e-8)
    mean_t0 = (t0 * area)[modelled].sum() / total
    assert country["mean_t0_tc_ha"].to_numpy() == pytest.approx(mean_t0, rel=1e-6)
    for scenario in SSM:
        mt_c = (run.map(f"RSR_{scenario}_Map030") * area)[modelled].sum() / 1.0e6
        assert country.loc[scenario, "total_rsr_mt_c_per_yr"] == pytest.approx(mt_c, rel=1e-6)
        co2 = country.loc[scenario, "total_rsr_mt_co2e_per_yr"]
        assert co2 == pytest.approx(mt_c * 44.0 / 12.0, rel=1e-6)
    for level in ("land_use", "unit", "unit_land_use"):
        parts = table[table["level"] == level].groupby("scenario")["total_rsr_mt_c_per_yr"].sum()
        whole = country["total_rsr_mt_c_per_yr"]
        assert parts[list(SSM)].to_numpy() == pytest.approx(whole[list(SSM)].to_numpy(), rel=1e-6)


@every_region
def test_maps_are_plausible_and_consistent(finished: Finish, name: str):
    run = finished(name)
    t0 = run.map("T0_Map030")
    cells = np.isfinite(t0)
    stock, rate, bau = {}, {}, run.map("finalSOC_BAU_Map030")
    for s in SCENARIOS:
        stock[s], rate[s] = run.map(f"finalSOC_{s}_Map030"), run.map(f"ASR_{s}_Map030")
        difference = run.map(f"AbsDiff_{s}_Map030")
        assert stock[s][cells].min() > 0.0
        assert stock[s][cells].max() < 800.0
        assert np.abs(difference[cells]).max() < 80.0
        assert np.abs(rate[s][cells]).max() < 4.0
        room = FLOAT32 * 2.0 * stock[s][cells]
        assert (np.abs(stock[s] - t0 - difference)[cells] <= room).all()
        assert difference[cells] == pytest.approx(rate[s][cells] * YEARS, rel=2 * FLOAT32, abs=1e-9)
    assert 0.0 < t0[cells].min()
    assert t0[cells].max() < 800.0
    gains = {s: run.map(f"RSR_{s}_Map030")[cells] for s in SSM}
    assert gains["SSM1"].min() > 0.0
    assert (gains["SSM1"] < gains["SSM2"]).all()
    assert (gains["SSM2"] < gains["SSM3"]).all()
    for s, gain_pct in zip(SSM, (5.0, 10.0, 20.0), strict=True):
        # inputs gain 5, 10 and 20 %, and the model is linear in its inputs
        assert gains[s] / gain_pct == pytest.approx(gains["SSM1"] / 5.0, rel=4 * FLOAT32)
        relative = run.map(f"RelDiff_{s}_Map030")[cells]
        assert relative == pytest.approx(gains[s] * YEARS, rel=2 * FLOAT32)
        assert (np.abs(stock[s] - bau)[cells] - relative <= FLOAT32 * 2.0 * stock[s][cells]).all()


@every_region
def test_uncertainties_are_shares_and_stocks_lie_within_200_percent(finished: Finish, name: str):
    run = finished(name)
    cells = np.isfinite(run.map("T0_Map030"))
    for stem in UNCERTAINTIES:
        percent = run.map(stem)
        assert np.nanmin(percent, initial=0.0) >= 0.0, stem
        assert np.isnan(percent[~cells]).all()
    for stem in UNCERTAINTIES[:3]:
        percent = run.map(stem)[cells]
        assert np.isfinite(percent).all()
        assert percent.max() <= 200.0


@every_region
def test_the_flag_implausible_marks_implausible_stocks_and_rates_only(finished: Finish, name: str):
    """The percentage of SSM1's rate is above 200 by construction: its lower chain loses carbon."""
    flag = finished(name).flag("implausible")
    assert np.nansum(flag) == 0.0


@without_warm_up
def test_one_climatology_keeps_bau_flat(finished: Finish, name: str):
    run = finished(name)
    assert np.nanmax(np.abs(run.map("ASR_BAU_Map030"))) < 1e-9
    with rasterio.open(run.config.inputs.soc.path) as source:
        soc = source.read(1).astype(np.float64)
    t0 = run.map("T0_Map030")
    cells = np.isfinite(t0)
    assert t0[cells] == pytest.approx(soc[cells], rel=FLOAT32)
    for s in SSM:
        gain = run.map(f"RSR_{s}_Map030")[cells]
        assert run.map(f"ASR_{s}_Map030")[cells] == pytest.approx(gain, abs=1e-9)
    # two chains with 20 % more and less carbon, and nothing happens between: 20 % either way
    assert run.map("T0_UncertaintyMap030")[cells] == pytest.approx(20.0, rel=1e-6)
    assert run.map("BAU_UncertaintyMap030")[cells] == pytest.approx(20.0, rel=1e-6)


def test_world_under_full_cover_meets_the_orientation_figures(finished: Finish):
    """gsocseq.md: an independent check on the same data with full cover and FAO-56 PET."""
    run = finished("global_0p5deg", runs.FULL_COVER)
    gain = run.map("RSR_SSM2_Map030")
    cells = np.isfinite(gain)
    assert np.median(gain[cells]) == pytest.approx(0.05, rel=0.1)
    assert np.percentile(gain[cells], 95) == pytest.approx(0.14, rel=0.1)
    country = run.report.summary.query("level == 'country' and scenario == 'SSM3'").iloc[0]
    assert country["mean_rsr_tc_ha_per_yr"] == pytest.approx(0.65 / 5.0, rel=0.1)
    assert country["total_rsr_mt_c_per_yr"] == pytest.approx(650.0, rel=0.1)
    assert country["area_ha"] == pytest.approx(5.0e9, rel=0.05)
    assert np.median(run.diagnostic("C_eq")[cells]) == pytest.approx(1.25, rel=0.05)
    share = (run.diagnostic("C_eq_over_NPP")[cells] > 1.0).mean()
    assert 0.05 < share < 0.09
    assert share == pytest.approx(run.report.counts["c_eq_above_npp_cells"] / cells.sum())


def test_cover_of_the_crop_calendar_needs_more_carbon_than_full_cover(finished: Finish):
    bare, covered = finished("global_0p5deg"), finished("global_0p5deg", runs.FULL_COVER)
    land_use = bare.diagnostic("land_use")
    more = bare.diagnostic("C_eq") - covered.diagnostic("C_eq")
    annual = np.isin(land_use, (2, 13)) & np.isfinite(more)
    other = ~np.isin(land_use, (2, 13)) & np.isfinite(more)
    assert np.abs(more[other]).max() == 0.0
    assert (more[annual] > 0.0).mean() > 0.7


def test_north_macedonia_temperature_is_corrected_by_elevation(tmp_path: Path):
    """gsocseq.md: the correction spans -7.0 to +4.3 K, 1st to 99th percentile."""
    config = runs.load("north_macedonia", tmp_path)
    inputs = CountryInputs(config)
    elevation = to_grid(inputs.layers["elevation"], inputs.grid)
    rows, columns = np.nonzero(np.isfinite(elevation))
    points = Points(*cell_centres(inputs.grid, rows, columns), elevation[rows, columns])
    assert inputs.grid.crs.epsg == 4326
    means = {}
    for lapse in (config.model.lapse_rate_c_per_km, 0.0):
        choices = config.model.model_copy(update={"lapse_rate_c_per_km": lapse})
        reader = ClimateReader(
            "normals", config.climate["normals"], inputs.layers["elevation"], choices
        )
        means[lapse] = reader.sample(points, None, "climatology", pet=False).temperature
    correction = means[-6.5] - means[0.0]
    low, high = np.percentile(correction, [1, 99])
    assert low == pytest.approx(-7.0, abs=0.2)
    assert high == pytest.approx(4.3, abs=0.2)
    # one figure for all months, but where a climate cell beyond the elevation map drops out
    same = np.ptp(correction, axis=0) < 1e-9
    assert same.mean() > 0.9
    highest = elevation[rows, columns] > np.nanpercentile(elevation, 90)
    assert np.median(correction[:, highest]) < -3.0


def test_zambia_excludes_the_two_cells_without_rain(finished: Finish):
    """Missing rain is 0 in the source; the temperature of the same two cells is missing."""
    run = finished("zambia_eastern")
    data = data_folder() / "zambia_eastern"
    with rasterio.open(data / "pr_terraclimate_200101-202312_mm.tif") as source:
        dry = source.read().sum(axis=0) == 0.0
    with rasterio.open(data / "tas_terraclimate_200101-202312_x10.tif") as source:
        no_temperature = np.ma.getmaskarray(source.read(masked=True)).all(axis=0)
    np.testing.assert_array_equal(dry, no_temperature)
    np.testing.assert_array_equal(dry, run.diagnostic("outcome") == Outcome.NO_NPP)
    assert dry.sum() == 2
    for stem in (*MEANS, *UNCERTAINTIES):
        assert np.isnan(run.map(stem)[dry]).all()


def test_zambia_cropland_is_the_fraction_map_and_glcnmo_elsewhere(finished: Finish):
    run = finished("zambia_eastern")
    land_use = run.diagnostic("land_use")
    fraction = runs.read_map(data_folder() / "zambia_eastern/cropland_fraction_from100m.tif")
    with rasterio.open(
        data_folder() / "zambia_eastern/landcover_glcnmo2008_20arcmin.tif"
    ) as source:
        codes, coarse = source.read(1), source.transform
    with rasterio.open(run.config.inputs.soc.path) as source:
        a, shape = source.transform, source.shape
    # GLCNMO codes of the classes 2 to 8 (gsocseq.md): 40 x 40 points vote in every cell
    legend = {2: (11, 13), 3: (8, 9), 4: (1, 2, 3, 4, 5, 6), 5: (7,), 6: (15,), 8: (10,)}
    points, votes = 40, np.zeros((9, *shape))
    within = (np.arange(points) + 0.5) / points
    for down, right in itertools.product(within, within):
        y = a.f + (np.arange(shape[0]) + down) * a.e
        x = a.c + (np.arange(shape[1]) + right) * a.a
        row = np.floor((y - coarse.f) / coarse.e).astype(int)
        column = np.floor((x - coarse.c) / coarse.a).astype(int)
        for land_use_class, of_class in legend.items():
            votes[land_use_class] += np.isin(codes[np.ix_(row, column)], of_class)
    assert (votes.sum(axis=0) == points**2).all()
    by_fraction, by_glcnmo = fraction >= 0.5, votes.argmax(axis=0) == 2
    inside = np.isfinite(run.diagnostic("outcome"))
    cropland = (by_fraction | by_glcnmo)[inside]
    assert (land_use[inside] == 2).sum() == cropland.sum()
    np.testing.assert_array_equal(land_use[inside] == 2, cropland)
    assert (by_fraction & ~by_glcnmo)[inside].any()


def test_zambia_reads_zero_soc_as_missing(tmp_path: Path):
    """The bilinear copy has lost its zeros; where they stand again, they are no stock."""
    config = runs.load("zambia_eastern", tmp_path)
    path = tmp_path / "soc.tif"
    shutil.copyfile(config.inputs.soc.path, path)
    with rasterio.open(path, "r+") as source:
        soc = source.read(1)
        assert (soc > 0.0).all()
        low = soc < 20.0
        source.write(np.where(low, 0.0, soc), 1)
    assert low.sum() == 26
    layer = config.inputs.soc.model_copy(update={"path": path})
    changed = config.model_copy(update={"inputs": config.inputs.model_copy(update={"soc": layer})})
    loaded = CountryInputs(changed).load()
    inside = loaded.outcome != NO_UNIT
    np.testing.assert_array_equal(loaded.outcome[inside] == Outcome.NO_SOC, low[inside])


@every_region
def test_check_says_nothing_of_good_data(tmp_path: Path, name: str):
    config = runs.load(name, tmp_path)
    findings = check_run(config).findings
    # the one suspicion of Zambia is true, and its run.toml accepts it
    assert [finding.code for finding in findings] == list(config.accept)


def with_other_spin_up(config: RunConfig, product: str) -> RunConfig:
    """Zambia with CRU CL 1.0 of 1961-1990, called `product`, before the series of TerraClimate."""
    folder = data_folder() / "zambia_eastern/climate_cru_cl1_0p5deg"
    files = {"temperature": "tas", "rain": "pr", "temperature_min": "tasmin",
             "temperature_max": "tasmax"}  # fmt: skip
    layers = {
        key: {"path": str(folder / f"{short}_clim_1961-1990_crucl1_0p5deg.tif")}
        for key, short in files.items()
    }
    normals = {"product": product, "climatology": True, "pet_method": "hargreaves", **layers}
    table = config.model_dump(mode="json", exclude_none=True)
    table["climate"]["normals"] = normals
    table["spin_up"] = {"climate": "normals"}
    return RunConfig.model_validate(table)


def test_a_second_product_is_noticed_and_one_product_is_not(tmp_path: Path):
    """gsocseq.md: normals of 1961-90 before a series of this century fake a warming here."""
    config = runs.load("zambia_eastern", tmp_path)
    other = {f.code: f for f in check_run(with_other_spin_up(config, "CRU CL 1.0")).findings}
    assert other["mixed_climate"].severity is Severity.SUSPICIOUS
    # a wrong label hides that, but not the jump of 1.5 K
    mislabelled = with_other_spin_up(config, "TerraClimate")
    limits = mislabelled.suspicion.model_copy(update={"temperature_jump_c": 1.4})
    found = {
        f.code: f for f in check_run(mislabelled.model_copy(update={"suspicion": limits})).findings
    }
    assert "mixed_climate" not in found
    assert "+1.49 K" in found["climate_jump"].message


def test_the_world_knows_its_countries_across_the_antimeridian(tmp_path: Path):
    """The file draws Russia and Fiji round the whole world; taken literally, Siberia is lost."""
    inputs = CountryInputs(runs.load("global_0p5deg", tmp_path))
    assert inputs.units is not None
    numbers = inputs.units.on_grid(inputs.grid)
    for lon, lat, country in (
        (100.25, 67.25, "Russia"),
        (-175.25, 67.25, "Russia"),
        (-100.25, 66.25, "Canada"),
        (27.25, 67.25, "Finland"),
        (178.25, -17.75, "Fiji"),
        (130.25, -16.25, "Australia"),
        (-140.25, -16.25, ""),
    ):
        a = inputs.grid.transform
        number = numbers[int((lat - a.f) / a.e), int((lon - a.c) / a.a)]
        assert ("", *inputs.units.names)[number] == country


def test_evi_cover_follows_its_threshold(tmp_path: Path):
    path = runs.write_evi_cover(tmp_path / runs.EVI_COVER)
    with rasterio.open(data_folder() / runs.EVI_SENSOR) as source:
        evi = source.read(masked=True)
    with rasterio.open(path) as source:
        cover = source.read(masked=True)
    assert cover.shape[0] == 12
    for month in range(12):
        of_band = evi[month // 2]
        np.testing.assert_array_equal(cover[month].mask, of_band.mask)
        known = ~of_band.mask
        np.testing.assert_array_equal(cover[month][known] == 1.0, of_band[known] >= 0.2)
    loaded = CountryInputs(runs.load(runs.EVI, tmp_path)).load()
    at = (loaded.cells["row"].values, loaded.cells["column"].values)
    used = loaded.cells["cover_forward"].values
    for month in range(12):
        np.testing.assert_array_equal(used[month], cover[month].data[at])


@pytest.mark.parametrize(("name", "page"), list(zip(runs.NAMES, PAGES, strict=True)))
def test_pages_show_the_numbers_of_the_runs(finished: Finish, name: str, page: str):
    """Else run `python -m docs.figures.real_runs` and read the pages again."""
    run = finished(name)
    text = (Path(real_tables.__file__).parents[1] / "real" / page).read_text(encoding="utf-8")
    for content in (real_tables.toml(name), real_tables.facts(run), real_tables.summary(run),
                    real_tables.fates(run), real_tables.ranges(run)):  # fmt: skip
        assert content in text
