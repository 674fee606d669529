"""Climate at the cells: lapse rate, gaps, months and years, computed evapotranspiration."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from tests.factories import YEAR, geobox, layer_file, months, season, write_raster

from recarb.core.config import Choices, Climate, Layer
from recarb.core.errors import GridMismatch, MissingData
from recarb.core.grid import cell_centres
from recarb.harmonise.climate import ClimateReader, Points
from recarb.harmonise.pet import potential_evapotranspiration
from recarb.io.raster import LayerFile

JANUARY = 0
TWO_BY_TWO = geobox(20.0, 42.0, 1.0, (2, 2))  # centres 20.5, 21.5 E and 41.5, 40.5 N


def points(lon: Any, lat: Any, elevation: Any = None) -> Points:
    return Points(
        np.atleast_1d(np.asarray(lon, dtype=float)),
        np.atleast_1d(np.asarray(lat, dtype=float)),
        None if elevation is None else np.atleast_1d(np.asarray(elevation, dtype=float)),
    )


def reader(
    folder: Path,
    box: GeoBox = TWO_BY_TWO,
    *,
    years: tuple[int, int] | None = None,
    elevation: LayerFile | None = None,
    choices: Choices | None = None,
    unit: str = "mm/month",
    pet_method: str | None = None,
    **fields: np.ndarray,
) -> ClimateReader:
    """A product of constant fields unless given: T 10, P 50, PET 40."""
    bands = YEAR if years is None else YEAR * (years[1] - years[0] + 1)
    names = () if years is None else months(*years)
    given_fields = {"temperature": 10.0, "rain": 50.0} | ({} if pet_method else {"pet": 40.0})
    tables: dict[str, Any] = {
        "product": "p",
        "climatology": years is None,
        "pet_method": pet_method,
    }
    for key, field in (given_fields | fields).items():
        values = np.broadcast_to(np.asarray(field, dtype=float), (bands, *box.shape))
        own = "degC" if key.startswith("temperature") else unit
        path = write_raster(folder / f"{key}.tif", values, box, unit=own, names=names)
        tables[key] = Layer(path=path)
    return ClimateReader("one", Climate.model_validate(tables), elevation, choices or Choices())


def by_month(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)[:, None, None]


COARSE_HEIGHT = np.array([[100.0, 300.0], [500.0, 1100.0]])
COARSE_T = np.array([[14.0, 12.0], [11.0, 6.0]])


def orography(folder: Path) -> LayerFile:
    """A fine elevation whose means over the climate cells are COARSE_HEIGHT."""
    rough = np.array([[-80.0, 80.0], [20.0, -20.0]])
    fine = np.kron(COARSE_HEIGHT, np.ones((2, 2))) + np.kron(np.ones((2, 2)), rough)
    return layer_file(folder / "dem.tif", fine, geobox(20.0, 42.0, 0.5, (4, 4)), "elevation")


def test_the_lapse_rate_by_hand(tmp_path):
    """At 20.75 E, 41.25 N the weights are 9, 3, 3 and 1 sixteenths.

    Temperature of the climate (9*14 + 3*12 + 3*11 + 6)/16 = 12.5625 degC stands for
    (9*100 + 3*300 + 3*500 + 1100)/16 = 275 m; at 1275 m it is 6.5 K colder.
    """
    one = reader(tmp_path, temperature=COARSE_T, elevation=orography(tmp_path))
    found = one.sample(points([20.75] * 3, [41.25] * 3, [1275.0, 275.0, 75.0]), None, "climatology")
    np.testing.assert_allclose(found.temperature[JANUARY], [6.0625, 12.5625, 13.8625], rtol=1e-12)
    assert not found.uncorrected.any() and not found.filled.any()
    np.testing.assert_array_equal(found.rain, 50.0)


def test_the_lapse_rate_is_a_choice(tmp_path):
    at = points(20.75, 41.25, 1275.0)
    dem = orography(tmp_path)
    for rate, expected in ((-5.0, 7.5625), (0.0, 12.5625)):
        choices = Choices(lapse_rate_c_per_km=rate)
        one = reader(tmp_path, temperature=COARSE_T, elevation=dem, choices=choices)
        found = one.sample(at, None, "climatology")
        np.testing.assert_allclose(found.temperature[:, 0], expected, rtol=1e-12)
        assert not found.uncorrected.any()


def test_a_cell_without_elevation_keeps_the_climates_temperature_and_is_flagged(tmp_path):
    one = reader(tmp_path, temperature=COARSE_T, elevation=orography(tmp_path))
    found = one.sample(points([20.75, 20.75], [41.25, 41.25], [np.nan, 275.0]), None, "climatology")
    np.testing.assert_allclose(found.temperature[JANUARY], 12.5625, rtol=1e-12)
    assert found.uncorrected.tolist() == [True, False]


def test_elevation_is_averaged_over_the_same_valid_neighbours_as_temperature(tmp_path):
    """Without the cell of 14 degC at 100 m the rest stands for its own 500 m."""
    temperature = COARSE_T.copy()
    temperature[0, 0] = np.nan
    one = reader(tmp_path, temperature=temperature, elevation=orography(tmp_path))
    height = (3 * 300 + 3 * 500 + 1100) / 7
    found = one.sample(points(20.75, 41.25, height), None, "climatology")
    np.testing.assert_allclose(found.temperature[:, 0], (3 * 12 + 3 * 11 + 6) / 7, rtol=1e-12)


def test_the_products_own_orography_goes_before_the_countrys(tmp_path):
    own = layer_file(tmp_path / "own.tif", np.full((2, 2), 1000.0), TWO_BY_TWO, "elevation")
    one = reader(tmp_path, temperature=COARSE_T, elevation=orography(tmp_path))
    config = one.config.model_copy(update={"elevation": own.layer})
    other = ClimateReader("one", config, orography(tmp_path), Choices())
    found = other.sample(points(20.75, 41.25, 1000.0), None, "climatology")
    np.testing.assert_allclose(found.temperature[:, 0], 12.5625, rtol=1e-12)


YEARS = (2001, 2004)


def random_series(seed: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (48, 2, 2)
    return {
        "temperature": by_month(np.tile(season(12.0, 9.0), 4)) + rng.normal(0, 2, shape),
        "rain": rng.gamma(2.0, 30.0, shape),
        "pet": rng.gamma(6.0, 10.0, shape),
    }


def test_a_climatology_of_a_series_is_the_mean_of_its_months(tmp_path):
    fields = random_series()
    one = reader(tmp_path, years=YEARS, **fields)
    at = points(20.5, 41.5)  # a cell centre
    found = one.sample(at, (2002, 2003), "climatology")
    for name in ("temperature", "rain", "pet"):
        two_years = fields[name][12:36, 0, 0].reshape(2, YEAR)
        np.testing.assert_allclose(getattr(found, name)[:, 0], two_years.mean(0), rtol=1e-12)


def test_years_are_mean_temperature_and_sum_of_rain(tmp_path):
    fields = random_series()
    found = reader(tmp_path, years=YEARS, **fields).sample(
        points(21.5, 40.5), (2001, 2003), "years", pet=False
    )
    temperature, rain = (fields[k][:36, 1, 1].reshape(3, YEAR) for k in ("temperature", "rain"))
    np.testing.assert_allclose(found.temperature[:, 0], temperature.mean(1), rtol=1e-12)
    np.testing.assert_allclose(found.rain[:, 0], rain.sum(1), rtol=1e-12)
    assert found.pet is None


def test_months_of_a_series_and_their_mean_agree_with_the_climatology(tmp_path):
    one = reader(tmp_path, years=YEARS, **random_series())
    at = points([20.6, 21.1, 21.4], [41.4, 41.0, 40.7])
    monthly, mean = one.sample(at, YEARS, "months"), one.sample(at, YEARS, "climatology")
    assert monthly.temperature.shape == (48, 3)
    for name in ("temperature", "rain", "pet"):
        of_months = getattr(monthly, name).reshape(4, YEAR, 3).mean(axis=0)
        np.testing.assert_allclose(getattr(mean, name), of_months, rtol=1e-12)


def test_years_outside_the_series_are_refused(tmp_path):
    one = reader(tmp_path, years=YEARS)
    with pytest.raises(MissingData, match=r"1999.*2004.*2001-01 to 2004-12"):
        one.sample(points(20.5, 41.5), (1999, 2004), "months")


@pytest.mark.parametrize("years", [None, (2003, 2004)])
def test_a_daily_unit_takes_the_days_of_its_own_month(tmp_path, years):
    """A climatology's February has 28.25 days, 2004's has 29."""
    one = reader(tmp_path, years=years, unit="mm/day", rain=2.0, pet=3.0)
    found = one.sample(points(20.5, 41.5), years, "months")
    february = [28.25] if years is None else [28.0, 29.0]
    np.testing.assert_allclose(found.rain[1::12, 0], 2.0 * np.array(february), rtol=1e-12)
    np.testing.assert_allclose(found.pet[1::12, 0], 3.0 * np.array(february), rtol=1e-12)
    np.testing.assert_allclose(found.rain[6::12, 0], 62.0, rtol=1e-12)


def hargreaves(
    fields: dict[str, np.ndarray], lat: np.ndarray, years: tuple[int, int]
) -> np.ndarray:
    time = np.arange(f"{years[0]}-01", f"{years[1] + 1}-01", dtype="datetime64[M]")
    climate = xr.Dataset(
        {k: (("time", "y", "x"), v) for k, v in fields.items()},
        coords={"time": time.astype("datetime64[ns]")},
    )
    return potential_evapotranspiration(
        "hargreaves", climate, latitude=xr.DataArray(lat, dims=("y", "x")), climatology=False
    ).values


def test_pet_is_computed_month_by_month_and_then_averaged(tmp_path):
    """Hargreaves is not linear in T and its range: PET of the mean climate is another number."""
    rng = np.random.default_rng(6)
    mean = random_series()["temperature"]
    spread = rng.uniform(2.0, 14.0, mean.shape)
    fields = {
        "temperature": mean,
        "temperature_min": mean - spread,
        "temperature_max": mean + spread,
    }
    one = reader(tmp_path, years=YEARS, pet_method="hargreaves", **fields)
    lat = np.array([[41.5, 41.5], [40.5, 40.5]])
    monthly = hargreaves(fields, lat, YEARS)
    found = one.sample(points(20.5, 41.5), YEARS, "climatology")
    np.testing.assert_allclose(
        found.pet[:, 0], monthly[:, 0, 0].reshape(4, YEAR).mean(0), rtol=1e-12
    )
    of_mean = hargreaves(
        {k: v.reshape(4, YEAR, 2, 2).mean(0) for k, v in fields.items()}, lat, (2001, 2001)
    )
    assert abs(found.pet[:, 0] - of_mean[:, 0, 0]).max() > 0.5


def test_thornthwaite_has_one_heat_index_for_all_phases(tmp_path):
    """A month's PET is the same whether the spin-up or the warm-up asks for it."""
    fields = {"temperature": random_series()["temperature"] + by_month(np.linspace(0, 6, 48))}
    one = reader(tmp_path, years=YEARS, pet_method="thornthwaite", **fields)
    at = points([20.5, 21.2], [41.5, 40.9])
    early, late = one.sample(at, (2001, 2002), "months"), one.sample(at, (2002, 2004), "months")
    np.testing.assert_array_equal(early.pet[12:24], late.pet[:12])


def test_pet_needs_its_variables_on_one_grid_and_in_the_same_months(tmp_path):
    def written(key: str, box: GeoBox, names: tuple[str, ...], unit: str = "degC") -> Layer:
        values = np.full((len(names), *box.shape), 10.0)
        return Layer(
            path=write_raster(tmp_path / f"{key}.tif", values, box, unit=unit, names=names)
        )

    two = months(2001, 2002)
    tables = {
        "product": "p",
        "pet_method": "hargreaves",
        "temperature": written("t", TWO_BY_TWO, two),
        "rain": written("p", TWO_BY_TWO, two, "mm/month"),
        "temperature_min": written("tn", TWO_BY_TWO, two),
    }
    for extra, error, message in (
        ({}, MissingData, "temperature_max is not given"),
        ({"temperature_max": written("a", geobox(20.5, 42.0, 1.0, (2, 2)), two)},
         GridMismatch, "temperature_max lies on another grid"),
        ({"temperature_max": written("b", TWO_BY_TWO, months(2002, 2003))},
         MissingData, "temperature_max has other months"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            ClimateReader("one", Climate.model_validate(tables | extra), None, Choices())


def test_rain_may_lie_on_another_grid_than_temperature(tmp_path):
    one = reader(tmp_path)
    fine = geobox(20.0, 42.0, 0.25, (8, 8))
    x, y = cell_centres(fine, *np.mgrid[0:8, 0:8])
    path = write_raster(tmp_path / "fine.tif", np.tile(x + y, (YEAR, 1, 1)), fine, unit="mm/month")
    config = one.config.model_copy(update={"rain": Layer(path=path)})
    found = ClimateReader("one", config, None, Choices()).sample(
        points([20.6, 21.3], [41.2, 40.9]), None, "months"
    )
    np.testing.assert_allclose(found.rain[5], [61.8, 62.2], rtol=1e-12)
    np.testing.assert_array_equal(found.temperature, 10.0)


def test_the_nearest_climate_is_taken_within_the_distance_and_flagged(tmp_path):
    """0.51 degree of latitude is 57 km, 0.55 degree 61 km; the default distance is 60 km."""
    box = geobox(20.0, 42.0, 0.5, (2, 2))
    temperature = np.array([[np.nan, 8.0], [np.nan, np.nan]])
    at = points([20.75] * 3, [41.75, 41.24, 41.2])
    found = reader(tmp_path, box, temperature=temperature).sample(at, None, "months")
    assert found.filled.tolist() == [False, True, False]
    assert found.missing.tolist() == [False, False, True]
    np.testing.assert_array_equal(found.temperature[:, :2], 8.0)
    assert np.isnan(found.temperature[:, 2]).all()
    near = reader(tmp_path, box, temperature=temperature, choices=Choices(climate_fill_km=0.0))
    assert near.sample(at, None, "months").missing.tolist() == [False, True, True]


def test_a_climate_cell_that_lacks_one_month_is_no_neighbour(tmp_path):
    rain = np.full((YEAR, 2, 2), 50.0)
    rain[7, 0, 0] = np.nan
    rain[:, 0, 1] = 70.0
    found = reader(tmp_path, rain=rain).sample(points(20.75, 41.5), None, "months")
    np.testing.assert_allclose(found.rain[:, 0], 70.0, rtol=1e-12)


def test_no_point_lies_on_the_climate(tmp_path):
    found = reader(tmp_path).sample(points([60.0, 61.0], [10.0, 10.0]), None, "months")
    assert found.missing.all() and np.isnan(found.temperature).all()


def test_climate_at_89_north(tmp_path):
    """The cells around a point that near the pole span tens of degrees of longitude."""
    box = geobox(-180.0, 90.0, 0.5, (6, 720))
    x, y = cell_centres(box, *np.mgrid[0:6, 0:720])
    temperature = np.where((x == 60.25) & (y == 89.25), -20.0, np.nan)
    one = reader(tmp_path, box, temperature=temperature)
    at = points([20.0, 60.0, -120.0], [89.3, 89.0, 89.75])
    for choice in ([0, 1, 2], [0], [2]):
        some = points(at.lon[choice], at.lat[choice])
        found = one.sample(some, None, "months")
        expected = [{0: 56.9, 1: 27.8, 2: 111.2}[i] <= 60.0 for i in choice]
        assert (~found.missing).tolist() == expected
        assert (found.temperature[:, expected] == -20.0).all()


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    """A product with gaps in a country with mountains, PET computed."""
    folder = tmp_path_factory.mktemp("rough")
    rng = np.random.default_rng(9)
    box = geobox(18.0, 44.0, 0.5, (8, 10))
    gaps = np.where(rng.random(box.shape) < 0.3, np.nan, 0.0)
    mean = by_month(np.tile(season(11.0, 8.0), 2)) + rng.normal(0, 1, (24, *box.shape)) + gaps
    fine = geobox(18.0, 44.0, 1 / 30, (120, 150))
    dem = layer_file(folder / "dem.tif", rng.uniform(0, 2000, fine.shape), fine, "elevation")
    return reader(
        folder, box, years=(2001, 2002), elevation=dem, pet_method="hargreaves",
        temperature=mean, temperature_min=mean - 5.0, temperature_max=mean + 6.0,
        rain=rng.gamma(2.0, 30.0, (24, *box.shape)) + gaps,
    )  # fmt: skip


@settings(max_examples=8)
@given(st.integers(0, 2**31), st.sampled_from(["months", "climatology", "years"]))
def test_a_point_has_the_same_bits_alone_and_among_others(rough, seed, reduce):
    rng = np.random.default_rng(seed)
    every = points(
        rng.uniform(17.5, 23.5, 30), rng.uniform(39.5, 44.5, 30), rng.uniform(0, 2500, 30)
    )
    together = rough.sample(every, (2001, 2002), reduce)
    some = rng.permutation(30)[: rng.integers(1, 6)]
    part = points(every.lon[some], every.lat[some], every.elevation[some])
    alone = rough.sample(part, (2001, 2002), reduce)
    for name in ("temperature", "rain", "pet", "filled", "missing", "uncorrected"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name)[..., some])
