"""From files to cells: one grid, the first reason of every cell, climate and cover by phase."""

import itertools
import json

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from tests.bad_country import (
    COLUMNS,
    FIRST_YEAR,
    ROWS,
    Country,
    Raster,
    assert_refused,
    months,
    pattern,
)

from recarb.core.errors import GridMismatch, MissingData
from recarb.core.grid import LONLAT, Tile, cell_areas_ha, tiles, transform
from recarb.harmonise.regrid import to_grid
from recarb.sequestration.inputs import CountryInputs, LoadedTile, open_inputs
from recarb.sequestration.ledger import Ledger, Outcome
from recarb.sequestration.warm_up import npp_ratio, reference_npp

SHAPE = (ROWS, COLUMNS)
CROP_CODE, GRASS_CODE, URBAN_CODE, TREE_CROP_CODE = 10, 130, 190, 12  # ESA CCI
CROP, GRASS = 2, 3


@pytest.fixture
def country(tmp_path) -> Country:
    return Country(tmp_path / "country")


def loaded(country: Country) -> LoadedTile:
    return CountryInputs(country.config()).load()


def cover_on_grid(country: Country, codes: np.ndarray) -> Raster:
    """A land-cover layer on the SOC grid itself."""
    raster = Raster(codes[None].astype(np.uint8), country.layers["soc"].transform, nodata=0)
    country.layers["land_use"] = raster
    return raster


def at_cells(cells: xr.Dataset, field: np.ndarray) -> np.ndarray:
    return field[cells["row"].values, cells["column"].values]


def test_a_plain_country_runs_everywhere(country):
    found = loaded(country)
    assert (found.outcome == Outcome.RUN).all() and (found.units == 1).all()
    assert found.cells.sizes["cell"] == ROWS * COLUMNS
    soc = country.layers["soc"].values[0]
    np.testing.assert_allclose(found.cells["soc"], at_cells(found.cells, soc), rtol=1e-12)
    assert found.cells["soc"].attrs["units"] == "t ha-1"
    assert found.cells["rain_warm_up"].attrs["units"] == "mm month-1"
    assert set(np.unique(found.land_use)) == {CROP, GRASS}


def test_for_a_notebook(country):
    config = country.config()
    xr.testing.assert_identical(
        open_inputs(config).load().cells, CountryInputs(config).load().cells
    )


def hole(country: Country, key: str, where: np.ndarray, value: float = np.nan) -> None:
    """Holes in a layer on the SOC grid."""
    values = country.layers[key].values.astype(float)
    values[..., where] = value
    country.layers[key].values = values


def random_country(country: Country, seed: int) -> dict[str, np.ndarray]:
    """Reasons at random, many cells with several at once; in the order of precedence."""
    rng = np.random.default_rng(seed)
    names = ("no_soc", "zero_soc", "no_land_use", "not_modelled", "no_clay", "no_cover")
    masks = {name: rng.random(SHAPE) < 0.2 for name in (*names, "no_irrigation")}
    months = np.linspace(0.5, 1.0, 12)[:, None, None]
    country.add("cover", months * pattern(SHAPE, 0.1, 0.9))
    country.add("irrigation", np.full((12, *SHAPE), 5.0)).unit = "mm/month"
    hole(country, "soc", masks["zero_soc"], 0.0)
    hole(country, "soc", masks["no_soc"])
    hole(country, "clay", masks["no_clay"])
    for key, mask in (("cover", masks["no_cover"]), ("irrigation", masks["no_irrigation"])):
        country.layers[key].values[rng.integers(12)][mask] = np.nan
    codes = rng.choice([CROP_CODE, GRASS_CODE, TREE_CROP_CODE], SHAPE)
    codes[masks["not_modelled"]] = URBAN_CODE
    codes[masks["no_land_use"]] = 0
    cover_on_grid(country, codes)
    return masks


@pytest.mark.parametrize("seed", range(6))
def test_the_first_reason_wins_and_nothing_is_lost(country, seed):
    masks = random_country(country, seed)
    found = loaded(country)
    expected = np.full(SHAPE, "run", dtype=object)
    for name, mask in reversed(masks.items()):
        expected[mask] = name
    names = np.vectorize(lambda code: Outcome(code).name.lower())(found.outcome)
    np.testing.assert_array_equal(names, expected)
    ledger = Ledger()
    ledger.add(found.outcome)
    record = ledger.record()
    assert record["run"] == found.cells.sizes["cell"]
    assert (
        record["run"] + record["excluded"] + record["failed"] == record["total"] == ROWS * COLUMNS
    )


def full_country(country: Country, seed: int = 2) -> None:
    """Every kind of layer, on grids of their own, with gaps."""
    rng = np.random.default_rng(seed)
    random_country(country, seed)
    soc = country.layers["soc"].transform
    fine = soc * Affine.scale(0.31)
    high = np.where(rng.random((40, 48)) < 0.1, np.nan, rng.uniform(0, 2000, (40, 48)))
    country.layers["elevation"] = Raster(high[None], fine, "m")
    country.layers["sand"] = Raster(pattern((5, 6), 10.0, 60.0)[None], soc * Affine.scale(2.3), "%")
    country.layers["zones"] = Raster(rng.integers(1, 5, (1, 40, 48)).astype(np.uint8), fine)
    country.layers["npp_reference"] = Raster(
        pattern((4, 5), 3.0, 6.0)[None], soc * Affine.scale(3.0), "t/ha/year"
    )
    for key in ("temperature", "rain", "pet"):
        values = country.layers[key].values
        values[:, rng.random(values.shape[1:]) < 0.25] = np.nan


def with_provinces(country: Country) -> None:
    """Two provinces and the sea; their borders run through the very centres of cells."""
    corner = [(20.05, 41.95), (20.65, 41.35), (20.65, 41.05), (20.05, 41.05), (20.05, 41.95)]
    east = [(20.65, 41.35), (21.15, 41.85), (21.15, 41.05), (20.65, 41.05), (20.65, 41.35)]
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for name, ring in (("West", corner), ("East", east))
    ]
    country.folder.mkdir(parents=True, exist_ok=True)
    path = country.folder / "provinces.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    country.set("boundary", path="provinces.geojson", unit_field="name")


def in_metres(country: Country) -> None:
    """The SOC map and all that lies on its grid, in UTM; the other layers stay as they are."""
    x, y = transform(np.array([20.05]), np.array([41.95]), LONLAT, "EPSG:32634")
    old = country.layers["soc"].transform
    at = Affine(8000.0, 0.0, float(x[0]), 0.0, -8000.0, float(y[0]))
    for raster in country.layers.values():
        if raster.transform == old:
            raster.transform, raster.crs = at, "EPSG:32634"


@pytest.mark.parametrize(("cell", "block"), [(0.1, 5), (1.0 / 120.0, 512), (1.0 / 120.0, 50)])
def test_a_cell_on_a_border_has_one_unit_whatever_the_tile(country, monkeypatch, cell, block):
    monkeypatch.setattr("recarb.sequestration.inputs.UNIT_BLOCK", block)
    monkeypatch.setattr("recarb.sequestration.inputs.UNIT_BLOCKS_KEPT", 3)
    with_provinces(country)
    scale = round(1.2 / cell) // COLUMNS
    soc = country.layers["soc"]
    soc.transform *= Affine.scale(1.0 / scale)
    soc.values = soc.values.repeat(scale, axis=1).repeat(scale, axis=2)
    inputs = CountryInputs(country.config())
    height, width = inputs.grid.shape
    whole = inputs.unit_numbers(Tile(slice(0, height), slice(0, width)))
    assert set(np.unique(whole)) == {0, 1, 2}
    for tile in (*tiles((height, width), 7), *tiles((height, width), 64)):
        np.testing.assert_array_equal(inputs.unit_numbers(tile), whole[tile.roi])


@pytest.mark.parametrize("projected", [False, True])
def test_no_tile_changes_a_bit(country, projected):
    full_country(country)
    if projected:
        in_metres(country)
    inputs = CountryInputs(country.config())
    whole = inputs.load()
    assert 10 < whole.cells.sizes["cell"] < 70
    row, column = whole.cells["row"].values, whole.cells["column"].values
    for tile in (*tiles(SHAPE, 7), *tiles(SHAPE, 4)[1::4], *tiles(SHAPE, 1)[5::23]):
        part = inputs.load(tile)
        for name in ("outcome", "units", "land_use"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[tile.roi])
        if part.cells.sizes["cell"]:  # asked for where something runs
            np.testing.assert_array_equal(part.area_ha, whole.area_ha[tile.roi])
            for key in whole.flags:
                np.testing.assert_array_equal(part.flags[key], whole.flags[key][tile.roi])
        inside = (row >= tile.rows.start) & (row < tile.rows.stop)
        inside &= (column >= tile.columns.start) & (column < tile.columns.stop)
        assert part.cells.sizes["cell"] == inside.sum()
        if inside.any():
            expected = whole.cells.isel(cell=inside)
            for name in expected.variables:
                np.testing.assert_array_equal(part.cells[name].values, expected[name].values, name)


def test_a_tile_without_a_stock_reads_nothing_else(country, monkeypatch):
    country.layers["soc"].values[0, :4, :4] = np.nan
    country.layers["soc"].values[0, 1, 1] = 0.0
    inputs = CountryInputs(country.config())
    read = []
    monkeypatch.setattr(
        "recarb.sequestration.inputs.to_grid",
        lambda layer, *rest: read.append(layer.key) or to_grid(layer, *rest),
    )
    part = inputs.load(tiles(SHAPE, 4)[0])
    assert read == ["soc"]
    inside = part.outcome[part.outcome != Outcome.OUTSIDE]
    assert set(inside.tolist()) <= {Outcome.NO_SOC, Outcome.ZERO_SOC}
    assert part.outcome[1, 1] in {Outcome.ZERO_SOC, Outcome.OUTSIDE}
    assert part.cells.sizes["cell"] == part.cells["row"].size == 0
    assert not part.land_use.any()


def test_the_area_of_every_cell(country):
    inputs = CountryInputs(country.config())
    tile = tiles(SHAPE, 5)[1]
    np.testing.assert_array_equal(inputs.load(tile).area_ha, cell_areas_ha(inputs.grid, tile))


def test_irrigation_per_day_becomes_per_month(country):
    country.add("irrigation", np.full((12, *SHAPE), 2.0)).unit = "mm/day"
    found = loaded(country).cells["irrigation"].values
    days = [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    np.testing.assert_allclose(found, 2.0 * np.array([days] * ROWS * COLUMNS).T, rtol=1e-12)


def test_zones_are_not_mixed(country):
    zones = np.arange(1.0, 7.0).reshape(2, 3)
    at = country.layers["soc"].transform * Affine.scale(5.0)
    country.layers["zones"] = Raster(zones[None], at)
    found = loaded(country).cells
    assert set(np.unique(found["zones"])) == set(range(1, 7))


def test_a_mask_layer_flags_what_it_covers_most(country):
    peat = np.zeros((ROWS * 5, COLUMNS * 5))
    peat[:, : 5 * 3 + 3] = 1.0  # three columns and 60 % of the fourth
    at = country.layers["soc"].transform * Affine.scale(0.2)
    country.layers["peat"] = Raster(peat[None], at)
    found = loaded(country).flags["peat"]
    np.testing.assert_array_equal(found, np.tile(np.arange(COLUMNS) < 4, (ROWS, 1)))


@pytest.mark.parametrize("counted", [False, True])
def test_an_own_npp_reference_is_used_as_it_stands(country, counted):
    """Irrigation that counts as rain belongs to the ratio, not to the layer itself."""
    country.add("npp_reference", pattern(SHAPE, 3.0, 6.0)).unit = "t/ha/year"
    country.add("irrigation", np.full((12, *SHAPE), 20.0)).unit = "mm/month"
    country.set("npp_reference", irrigation_counts_as_rain=counted)
    cells = loaded(country).cells
    np.testing.assert_allclose(reference_npp(cells)[0], cells["npp_reference"], rtol=1e-12)
    assert "temperature_reference" not in cells


def test_the_reference_years_are_those_of_the_spin_up_unless_named(country):
    cells = loaded(country).cells
    assert cells.sizes["reference"] == 2
    country.set("npp_reference", years=[1999, 2003])
    assert loaded(country).cells.sizes["reference"] == 5


def test_a_climatology_has_no_yearly_reference(country):
    country.without_years()
    cells = loaded(country).cells
    assert "temperature_reference" not in cells and "temperature_warm_up" not in cells
    np.testing.assert_array_equal(cells["rain_forward"], cells["rain_spin_up"])


def test_the_forward_climate_is_the_mean_of_the_warm_up(country):
    cells = loaded(country).cells
    assert cells.sizes["time"] == 36
    by_year = cells["rain_warm_up"].values.reshape(3, 12, -1)
    np.testing.assert_allclose(cells["rain_forward"], by_year.mean(axis=0), rtol=1e-12)
    assert (npp_ratio(cells) > 0.5).all()


def test_a_later_soc_map_has_a_shorter_warm_up(country):
    country.set("model", soc_year=2002)
    country.set("warm_up", years=[2003, 2003])
    assert loaded(country).cells.sizes["time"] == 12


def test_cover_by_land_use_and_the_climate(country):
    """Annual crops: covered where P > 0.5 PET and T > 5 degC; grass all year."""
    cells = loaded(country).cells
    rain, pet = cells["rain_spin_up"].values, cells["pet_spin_up"].values
    cropped = (rain > 0.5 * pet) & (cells["temperature_spin_up"].values > 5.0)
    crops = cells["land_use"].values == CROP
    for phase in ("spin_up", "warm_up", "forward"):
        cover = cells[f"cover_{phase}"].values
        np.testing.assert_array_equal(cover[:, crops], cropped[:, crops].astype(float))
        assert (cover[:, ~crops] == 1.0).all()
    assert 0.1 < cropped[:, crops].mean() < 0.9


def test_the_limits_of_the_calendar_are_choices(country):
    plain = loaded(country).cells["cover_spin_up"].values.mean()
    country.set("model", crop_min_temperature_c=12.0)
    warmer = loaded(country).cells["cover_spin_up"].values.mean()
    country.set("model", crop_min_temperature_c=5.0, crop_rain_to_pet=1.5)
    wetter = loaded(country).cells["cover_spin_up"].values.mean()
    assert warmer < plain and wetter < plain


def test_an_own_calendar_and_a_layer_go_before(country):
    country.set("model", crop_calendar={"2": [3, 4]})
    cells = loaded(country).cells
    crops = cells["land_use"].values == CROP
    covered = np.isin(np.arange(1, 13), [3, 4]).astype(float)
    np.testing.assert_array_equal(
        cells["cover_forward"].values[:, crops], covered[:, None].repeat(crops.sum(), 1)
    )
    layer = np.linspace(0.05, 0.95, 12)[:, None, None] + np.zeros(SHAPE)
    country.add("cover", layer)
    cells = loaded(country).cells
    for phase in ("spin_up", "warm_up", "forward"):
        found = cells[f"cover_{phase}"].values
        np.testing.assert_allclose(found, layer[:, :1, 0].repeat(ROWS * COLUMNS, 1), rtol=1e-12)


def yearly_land_use(country: Country, years: int = 3) -> None:
    """Crops become grass in the second year, in the west."""
    codes = np.full((years, *SHAPE), CROP_CODE, dtype=np.uint8)
    codes[1:, :, :4] = GRASS_CODE
    country.layers["land_use_yearly"] = Raster(codes, country.layers["soc"].transform, nodata=0)
    cover_on_grid(country, codes[-1])
    before = Raster(codes[:1], country.layers["soc"].transform, nodata=0)
    country.layers["land_use_spin_up"] = before


def test_land_use_of_every_phase_and_year(country):
    yearly_land_use(country)
    cells = loaded(country).cells
    west = cells["column"].values < 4
    assert (cells["land_use_spin_up"] == CROP).all()
    np.testing.assert_array_equal(cells["land_use"].values, np.where(west, GRASS, CROP))
    np.testing.assert_array_equal(
        cells["land_use_yearly"].values[:, west].T, [[2, 3, 3]] * west.sum()
    )
    cover = cells["cover_warm_up"].values.reshape(3, 12, -1)
    assert (cover[1:, :, west] == 1.0).all()
    np.testing.assert_array_equal(cover[0], cells["cover_spin_up"].values)


def test_an_earlier_land_use_that_cannot_be_modelled_excludes(country):
    yearly_land_use(country)
    country.layers["land_use_yearly"].values[0, 0, 0] = URBAN_CODE
    country.layers["land_use_spin_up"].values[0, 0, 1] = 0
    found = loaded(country).outcome
    assert (found[0, :2] == Outcome.LAND_USE_HISTORY).all()
    assert (found == Outcome.RUN).sum() == ROWS * COLUMNS - 2


def test_one_land_use_ahead_holds_from_its_year(country):
    country.layers["land_use_forward"] = Raster(
        np.full((1, *SHAPE), GRASS_CODE, np.uint8), country.layers["soc"].transform, nodata=0
    )
    country.set("forward", years=5, horizons=[8], land_use_after_years=3)
    cells = loaded(country).cells
    assert cells["land_use_ahead"].shape == (8, ROWS * COLUMNS)
    np.testing.assert_array_equal(cells["land_use_ahead"][2], cells["land_use"])
    assert (cells["land_use_ahead"][3:] == GRASS).all()
    cover = cells["cover_ahead"].values.reshape(8, 12, -1)
    np.testing.assert_array_equal(cover[2], cells["cover_forward"])
    assert (cover[3:] == 1.0).all()


def test_land_use_of_every_year_ahead(country):
    codes = np.full((5, *SHAPE), CROP_CODE, np.uint8)
    codes[4], codes[2, 0, 0] = GRASS_CODE, URBAN_CODE
    country.layers["land_use_forward"] = Raster(codes, country.layers["soc"].transform, nodata=0)
    found = loaded(country)
    assert found.outcome[0, 0] == Outcome.LAND_USE_HISTORY
    assert (found.cells["land_use_ahead"].values.T == [CROP] * 4 + [GRASS]).all()
    country.set("forward", years=6)
    with pytest.raises(MissingData, match="one for each of the 6 years ahead, found 5"):
        loaded(country)
    country.set("forward", years=5, land_use_after_years=2)
    with pytest.raises(MissingData, match=r"remove forward\.land_use_after_years"):
        loaded(country)


def test_a_series_ahead_year_by_year(country):
    country.set("forward", climate="series", year_by_year=True, climate_years=[2000, 2001])
    cells = loaded(country).cells
    assert cells.sizes["time_ahead"] == 24 and cells.attrs["year_by_year"]
    np.testing.assert_array_equal(cells["rain_ahead"][12:], cells["rain_warm_up"][:12])
    by_year = cells["rain_warm_up"].values.reshape(3, 12, -1)
    np.testing.assert_allclose(cells["rain_forward"], by_year.mean(axis=0), rtol=1e-12)


def test_a_series_ahead_that_ends_too_early(country):
    country.set("forward", climate="series", year_by_year=True)
    assert_refused(country, "missing_data", "missing_data", "missing_data", said=["2004 to 2008"])


def test_a_changed_climate_ahead(country):
    plain = loaded(country).cells
    change = {"temperature_k": 2.0, "rain_factor": 0.9, "pet_method": "hargreaves"}
    country.set("forward", climate_change=change)
    warmer = loaded(country).cells
    np.testing.assert_array_equal(warmer["temperature_forward"], plain["temperature_forward"])
    ahead = warmer["temperature_ahead"]
    assert ahead.dims == ("month", "cell")
    np.testing.assert_allclose(ahead.values, plain["temperature_forward"].values + 2.0)
    assert (warmer["pet_ahead"] > warmer["pet_forward"]).all()
    country.set("forward", climate_change=change | {"ramp_years": 3})
    assert loaded(country).cells["rain_ahead"].dims == ("time_ahead", "cell")


def test_an_override_puts_its_class_where_its_share_is_large(country):
    """Irrigated rice from a map of shares, as the published scripts take it."""
    share = np.tile(np.linspace(0.0, 100.0, COLUMNS), (ROWS, 1))
    country.folder.mkdir(parents=True)
    Raster(share[None], country.layers["soc"].transform, "%").write(country.folder / "rice.tif")
    rice = {"path": "rice.tif", "at_least": 0.5, "land_use": 13}
    country.option("land_use", override=[rice])
    found = loaded(country)
    np.testing.assert_array_equal(found.land_use == 13, share >= 50.0)


@pytest.mark.parametrize("key", ["cover", "irrigation"])
def test_monthly_layers_have_twelve_bands(country, key):
    country.add(key, np.ones((11, *SHAPE))).unit = "1" if key == "cover" else "mm/month"
    with pytest.raises(MissingData, match=rf"{key} .*12 bands.*found 11"):
        loaded(country)


def test_yearly_land_use_has_a_band_for_every_year(country):
    yearly_land_use(country, years=2)
    with pytest.raises(MissingData, match=r"land_use_yearly .*3.*2"):
        loaded(country)


def test_a_file_of_many_bands_must_say_which(country):
    clay = country.layers["clay"]
    clay.values, clay.names = np.concatenate([clay.values + i for i in range(3)]), ("a", "b", "c")
    with pytest.raises(MissingData, match=r"clay .*3 bands.*a, b, c"):
        loaded(country)
    country.option("clay", band=4)
    with pytest.raises(MissingData, match=r"clay .*4.*3"):
        loaded(country)
    country.option("clay", band=2)
    found = loaded(country).cells
    np.testing.assert_allclose(found["clay"], at_cells(found, clay.values[1]), rtol=1e-12)


def test_climate_far_away_fails_the_cell_and_near_by_is_flagged(country):
    """The climate ends in the middle of the country."""
    for key in ("temperature", "rain", "pet"):
        country.layers[key].values[:, :, 5:] = np.nan  # valid to 20.625 E, by half a cell to 20.8
    country.set("model", climate_fill_km=33.0)
    found = loaded(country)
    columns = np.arange(COLUMNS) * 0.1 + 20.05
    filled = np.zeros(SHAPE, dtype=bool)
    filled[found.cells["row"].values, found.cells["column"].values] = found.cells["climate_filled"]
    reach = 20.625 + 33.0 / (111.195 * np.cos(np.radians(41.5)))
    assert (found.outcome == np.where(columns < reach, Outcome.RUN, Outcome.NO_CLIMATE)).all()
    np.testing.assert_array_equal(
        filled, np.tile((columns > 20.875) & (columns < reach), (ROWS, 1))
    )


def test_a_grid_across_the_antimeridian_is_refused(country):
    for raster in country.layers.values():
        raster.transform = Affine.translation(159.5, 0.0) * raster.transform
    with pytest.raises(GridMismatch, match="antimeridian"):
        loaded(country)


def test_a_series_that_starts_elsewhere_is_refused(country):
    rain = country.layers["rain"]
    rain.names = months(FIRST_YEAR + 3, FIRST_YEAR + 7)
    with pytest.raises(MissingData, match=r"rain .*1999"):
        loaded(country)


def test_every_layer_of_a_phase_is_finite(country):
    full_country(country)
    cells = loaded(country).cells
    for name, values in itertools.chain(cells.data_vars.items(), cells.coords.items()):
        assert np.isfinite(values.values).all(), name
