"""Potential evapotranspiration: published examples, calendar, gaps, blocks and refusals.

Worked examples: FAO-56 (Allen et al. 1998) examples 9, 14, 17, 18 and 20; Thornthwaite from the
documentation of PyETo (Aberdeen 2014, an independent program, which leaves out the hot months) and
from the equations of 1948 written out again below in plain Python.
"""

import logging
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from recarb.core.errors import ConfigError, GridMismatch, MissingData, OutOfRange
from recarb.harmonise import pet
from recarb.harmonise.pet import PET_METHODS, potential_evapotranspiration

DIMS = ("time", "y", "x")
DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
ABERDEEN_C = [3.1, 3.5, 5.0, 6.7, 9.3, 12.1, 14.3, 14.1, 11.8, 8.9, 5.5, 3.8]
ABERDEEN_H = [
    *(7.18284, 9.13513, 11.52300, 14.03535, 16.27700, 17.50521),
    *(16.89145, 14.86177, 12.39415, 9.88498, 7.65825, 6.48952),
]
ABERDEEN_MM = [
    *(11.05, 14.23, 27.80, 43.18, 70.48, 93.99, 109.70, 95.24, 64.99, 41.06, 19.56, 12.09),
]


def months(count, start="2001-01-01"):
    return pd.date_range(start, periods=count, freq="MS")


def plane(value, shape=(1, 1)):
    return xr.DataArray(np.full(shape, float(value)), dims=DIMS[1:])


def same_months(count=12, start="2001-01-01", **values):
    """Every month of one cell has the same weather."""
    layers = {name: (DIMS, np.full((count, 1, 1), value)) for name, value in values.items()}
    return xr.Dataset(layers, coords={"time": months(count, start)})


def bangkok():
    """FAO-56 example 17, April in Bangkok, in our units (ea 2.85 kPa, Rs 22.65 MJ m-2 d-1)."""
    return same_months(
        temperature=30.2,
        temperature_max=34.8,
        temperature_min=25.6,
        vapour_pressure=28.5,
        wind=2.0,
        radiation=22.65 / 0.0864,
    )


def block(shape=(24, 6, 5), seed=1):
    """Random but possible weather with gaps, over both hemispheres; returns climate and maps."""
    rng = np.random.default_rng(seed)
    latitude = np.linspace(89.0, -89.0, shape[1])[:, None] + np.linspace(0.0, 0.9, shape[2])
    low = rng.uniform(-40.0, 25.0, shape)
    high = low + rng.uniform(0.0, 20.0, shape)
    layers = {
        "temperature": (low + high) / 2.0,
        "temperature_min": low,
        "temperature_max": high,
        "radiation": rng.uniform(0.0, 350.0, shape),
        "vapour_pressure": rng.uniform(0.1, 30.0, shape),
        "wind": rng.uniform(0.0, 12.0, shape),
    }
    for values in layers.values():
        values[rng.random(shape) < 0.05] = np.nan
    layers["temperature"][:, 0, 0] = np.nan
    coords = {"time": months(shape[0])}
    climate = xr.Dataset({name: (DIMS, v) for name, v in layers.items()}, coords=coords)
    elevation = xr.DataArray(rng.uniform(-10.0, 4000.0, shape[1:]), dims=DIMS[1:])
    elevation[1, 1] = np.nan
    return climate, xr.DataArray(latitude, dims=DIMS[1:]), elevation


def pet_of(method, climate, latitude=0.0, elevation=0.0, climatology=True, **more):
    """PET of one cell [mm month-1] as a plain vector."""
    result = potential_evapotranspiration(
        method,
        climate,
        latitude=plane(latitude),
        elevation=plane(elevation),
        climatology=climatology,
        **more,
    )
    return result.values[:, 0, 0]


def by_hand(temperature_c, daylight_h, days):
    """Thornthwaite 1948, eq. 8 to 10, for months below 26.5 degC [mm month-1]."""
    heat = sum((max(t, 0.0) / 5.0) ** 1.514 for t in temperature_c)
    a = 0.000000675 * heat**3 - 0.0000771 * heat**2 + 0.01792 * heat + 0.49239
    rows = zip(temperature_c, daylight_h, days, strict=True)
    return [
        16.0 * (10.0 * max(t, 0.0) / heat) ** a * (day / 12.0) * (n / 30.0) for t, day, n in rows
    ]


def day_length_h(latitude_deg, day_of_year):
    """FAO-56 eq. 24, 25 and 34 [h]."""
    declination = 0.409 * math.sin(2.0 * math.pi / 365.0 * day_of_year - 1.39)
    cosine = -math.tan(math.radians(latitude_deg)) * math.tan(declination)
    return 24.0 / math.pi * math.acos(min(max(cosine, -1.0), 1.0))


def fao56_by_hand(cell, latitude_deg, elevation_m, day_of_year):
    """FAO-56 eq. 6 with eq. 7 to 13, 21 to 25 and 37 to 40 [mm day-1]; G = 0, wind at 2 m."""

    def saturation_kpa(temperature_c):
        return 0.6108 * math.exp(17.27 * temperature_c / (temperature_c + 237.3))

    mean, high, low = (cell[f"temperature{end}"] for end in ("", "_max", "_min"))
    ea, rs, u2 = cell["vapour_pressure"] / 10.0, cell["radiation"] * 0.0864, cell["wind"]
    gamma = 0.000665 * 101.3 * ((293.0 - 0.0065 * elevation_m) / 293.0) ** 5.26
    slope = 4098.0 * saturation_kpa(mean) / (mean + 237.3) ** 2
    phi = math.radians(latitude_deg)
    tilt = 0.409 * math.sin(2.0 * math.pi / 365.0 * day_of_year - 1.39)
    omega = math.acos(-math.tan(phi) * math.tan(tilt))
    distance = 1.0 + 0.033 * math.cos(2.0 * math.pi / 365.0 * day_of_year)
    height = omega * math.sin(phi) * math.sin(tilt)
    height += math.cos(phi) * math.cos(tilt) * math.sin(omega)
    clear = (0.75 + 2e-5 * elevation_m) * 24 * 60 / math.pi * 0.0820 * distance * height
    black = 4.903e-9 * ((high + 273.16) ** 4 + (low + 273.16) ** 4) / 2.0
    long_wave = black * (0.34 - 0.14 * math.sqrt(ea)) * (1.35 * min(rs / clear, 1.0) - 0.35)
    deficit = (saturation_kpa(high) + saturation_kpa(low)) / 2.0 - ea
    energy = 0.408 * slope * (0.77 * rs - long_wave)
    air = gamma * 900.0 / (mean + 273.0) * u2 * deficit
    return (energy + air) / (slope + gamma * (1.0 + 0.34 * u2))


MID_MONTH = [15, 46, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349]


# worked examples ---------------------------------------------------------------------------------


def test_fao56_example_17_bangkok():
    april = pet_of("fao56", bangkok(), latitude=13 + 44 / 60, elevation=2, wind_height_m=2.0)[3]
    # the book subtracts G = 0.14 MJ m-2 d-1, worth 0.408 * 0.685 * 0.14 = 0.04 mm; we have G = 0
    assert april / 30.0 == pytest.approx(5.72 + 0.04, abs=0.015)


@pytest.mark.parametrize("elevation_m", [0.0, 3000.0])
@pytest.mark.parametrize("vapour_hpa", [3.0, 12.0, 16.0])  # saturated air holds 14.9 hPa
def test_fao56_is_equation_6(elevation_m, vapour_hpa):
    cell = {"temperature": 12.0, "temperature_max": 18.0, "temperature_min": 6.0}
    cell |= {"radiation": 180.0, "vapour_pressure": vapour_hpa, "wind": 4.5}
    result = pet_of("fao56", same_months(**cell), latitude=-20.0, elevation=elevation_m)
    cell["wind"] *= 4.87 / math.log(67.8 * 10.0 - 5.42)
    expected = [fao56_by_hand(cell, -20.0, elevation_m, day) for day in MID_MONTH]
    np.testing.assert_allclose(result, expected * DAYS, rtol=1e-4)


def test_hargreaves_fao56_example_20_lyon():
    lyon = same_months(temperature=20.7, temperature_min=14.8, temperature_max=26.6)
    july = pet_of("hargreaves", lyon, latitude=45 + 43 / 60)[6]
    assert july / 31.0 == pytest.approx(5.0, abs=0.05)


def test_thornthwaite_aberdeen_2014_of_pyeto():
    aberdeen = same_months(temperature=0.0, start="2014-01-01")
    aberdeen["temperature"][:, 0, 0] = ABERDEEN_C
    result = pet_of("thornthwaite", aberdeen, latitude=57.1526, climatology=False)
    # PyETo averages the day length over the month, we take the 15th: up to 1.6 % apart at 57 N
    np.testing.assert_allclose(result, ABERDEEN_MM, rtol=0.016)
    hours = aberdeen["temperature"].copy(data=np.reshape(ABERDEEN_H, (12, 1, 1)))
    daily = pet.thornthwaite(aberdeen["temperature"], hours).values[:, 0, 0]
    days = aberdeen["time"].dt.days_in_month
    np.testing.assert_allclose(daily * days, ABERDEEN_MM, atol=0.0051)


def test_thornthwaite_is_the_equation_of_1948():
    climate = same_months(temperature=0.0)
    climate["temperature"][:, 0, 0] = [-8.0, -3.0, 2.5, *ABERDEEN_C[3:]]
    hours = [day_length_h(-33.9, day) for day in MID_MONTH]
    expected = by_hand(climate["temperature"].values[:, 0, 0], hours, DAYS)
    np.testing.assert_allclose(
        pet_of("thornthwaite", climate, latitude=-33.9), expected, rtol=1e-12
    )


@pytest.mark.parametrize(("hot_c", "standard_mm"), [(26.75, 137.25), (30.0, 162.1), (39.0, 185.0)])
def test_thornthwaite_hot_months_follow_the_table_of_1948(hot_c, standard_mm):
    result = pet_of("thornthwaite", same_months(temperature=hot_c), latitude=0.0)
    np.testing.assert_allclose(result, standard_mm * DAYS / 30.0, rtol=1e-12)


def test_thornthwaite_table_is_the_parabola_fitted_to_it():
    table_c = np.arange(26.5, 38.1, 0.5)
    parabola_mm = -415.855 + 32.244 * table_c - 0.43253 * table_c**2  # J. Oksanen, package biogeo
    np.testing.assert_allclose(pet.HOT_MM, parabola_mm, rtol=0.002)


@pytest.mark.parametrize("mean_c", [20.0, 23.0, 26.5])
def test_thornthwaite_curve_meets_the_table(mean_c):
    climate = same_months(temperature=mean_c)
    climate["temperature"][6] = 26.5
    july_at_30_days = pet_of("thornthwaite", climate)[6] * 30.0 / 31.0
    assert july_at_30_days == pytest.approx(135.0, rel=0.02)


def test_wind_of_fao56_example_14():
    assert float(pet.wind_at_2m(xr.DataArray(3.2), 10.0)) == pytest.approx(2.4, abs=0.05)


@pytest.mark.parametrize(
    ("day", "latitude", "hours"),
    [("2001-09-03", -20.0, 11.7), ("2001-07-06", 50.8, 16.1), ("2001-04-15", 13.733, 12.31)],
)
def test_day_length_of_fao56_examples_9_18_and_17(day, latitude, hours):
    place = {"latitude": (DIMS[1:], np.deg2rad([[latitude]]))}
    inputs = xr.Dataset(place, coords={"time": pd.DatetimeIndex([day])})
    assert float(pet.daylight_hours(inputs).squeeze()) == pytest.approx(hours, abs=0.05)


@pytest.mark.parametrize(
    ("latitude", "night", "day"),
    [(80.0, "2001-12-15", "2001-06-15"), (-80.0, "2001-06-15", "2001-12-15")],
)
def test_day_length_beyond_the_polar_circles(latitude, night, day):
    place = {"latitude": (DIMS[1:], np.deg2rad([[latitude, np.nan]]))}
    inputs = xr.Dataset(place, coords={"time": pd.DatetimeIndex([night, day])})
    expected = [[0.0, np.nan], [24.0, np.nan]]
    np.testing.assert_array_equal(pet.daylight_hours(inputs).values[:, 0], expected)


# calendar, hemispheres, gaps ---------------------------------------------------------------------


def test_result_is_a_labelled_monthly_amount():
    climate, latitude, elevation = block((12, 3, 2))
    climate = climate.assign_coords(y=[2.0, 1.0, 0.0], lon=(("y", "x"), np.zeros((3, 2))))
    climate = climate.transpose("x", "time", "y")
    for method in PET_METHODS:
        result = potential_evapotranspiration(
            method, climate, latitude=latitude, elevation=elevation, climatology=True
        )
        assert result.attrs["units"] == "mm month-1"
        assert result.dims == DIMS and result.dtype == np.float64
        assert result["time"].equals(climate["time"]) and result["y"].equals(climate["y"])
        assert "lon" in result.coords


@pytest.mark.parametrize("method", PET_METHODS)
def test_climatology_has_a_february_of_28_and_a_quarter_days(method):
    same = bangkok()
    mean_year = pet_of(method, same)
    common = pet_of(method, same, climatology=False)
    assert mean_year[1] == pytest.approx(common[1] * 28.25 / 28.0, rel=1e-12)
    np.testing.assert_array_equal(np.delete(mean_year, 1), np.delete(common, 1))
    leap = same.assign_coords(time=months(12, "2004-01-01"))
    assert pet_of(method, leap, climatology=False)[1] == pytest.approx(common[1] * 29 / 28)
    np.testing.assert_array_equal(pet_of(method, leap), mean_year)


@pytest.mark.parametrize("method", PET_METHODS)
def test_july_is_low_in_the_south(method):
    north, south = (pet_of(method, bangkok(), latitude=sign * 40.0) for sign in (1, -1))
    if method == "fao56":  # same radiation in both: only the clear-sky share differs
        assert north[6] != south[6]
    else:
        assert north[6] > 1.3 * south[6] and south[0] > 1.3 * north[0]


def test_polar_night_and_polar_day():
    arctic = same_months(temperature=10.0, temperature_min=5.0, temperature_max=15.0)
    for method in ("thornthwaite", "hargreaves"):
        result = pet_of(method, arctic, latitude=85.0)
        assert result[0] == 0.0 and result[11] == 0.0 and result[6] > 50.0
    climate = bangkok().assign(radiation=arctic["temperature"] * 0.0)
    climate = climate.assign(arctic).assign(vapour_pressure=arctic["temperature"] * 0.0 + 12.0)
    night = pet_of("fao56", climate, latitude=85.0)[0]
    assert np.isfinite(night) and night >= 0.0


def test_thornthwaite_without_a_warm_month_is_zero_not_missing():
    climate = same_months(24, temperature=-5.0)
    assert (pet_of("thornthwaite", climate, climatology=False) == 0.0).all()
    climate["temperature"][2] = 1.0  # the mean March stays below 0 degC: the index is 0, not small
    climate["temperature"][3] = np.nan
    result = pet_of("thornthwaite", climate, climatology=False)
    assert np.isnan(result[3]) and (np.delete(result, 3) == 0.0).all()


def test_thornthwaite_index_is_that_of_the_mean_year():
    climate = same_months(24, temperature=0.0)
    climate["temperature"][:, 0, 0] = [*ABERDEEN_C, *(t + 2.0 for t in ABERDEEN_C)]
    expected = sum(((t + 1.0) / 5.0) ** 1.514 for t in ABERDEEN_C)
    assert float(pet.heat_index(climate["temperature"])[0, 0]) == pytest.approx(expected)
    climate["temperature"][4] = np.nan  # May of the first year: the mean May is that of the second
    expected += ((ABERDEEN_C[4] + 2.0) / 5.0) ** 1.514 - ((ABERDEEN_C[4] + 1.0) / 5.0) ** 1.514
    assert float(pet.heat_index(climate["temperature"])[0, 0]) == pytest.approx(expected)
    climate["temperature"][16] = np.nan
    assert np.isnan(pet_of("thornthwaite", climate, climatology=False)).all()


@pytest.mark.parametrize("method", PET_METHODS)
def test_missing_stays_missing_and_nothing_else_becomes_missing(method):
    climate, latitude, elevation = block()
    result = potential_evapotranspiration(
        method, climate, latitude=latitude, elevation=elevation, climatology=False
    )
    missing = np.zeros(result.shape, bool)
    for name in PET_METHODS[method]:
        missing |= climate[name].isnull().values
    if method == "fao56":
        missing |= elevation.isnull().values
    if method == "thornthwaite":  # no heat index without, say, any January; hot months need none
        no_index = (missing[:12] & missing[12:]).any(axis=0)
        missing |= no_index & ~(climate["temperature"].values > 26.5)
    assert missing.any() and not missing.all()
    np.testing.assert_array_equal(result.isnull().values, missing)
    assert float(result.min()) >= 0.0


@pytest.mark.parametrize("method", PET_METHODS)
def test_a_block_without_values_is_missing(method):
    for name in PET_METHODS[method]:
        climate = bangkok()
        climate[name][:] = np.nan
        assert np.isnan(pet_of(method, climate)).all()


def test_vapour_above_saturation_is_reported(caplog):
    saturated = same_months(
        temperature=10.0,
        temperature_min=10.0,
        temperature_max=10.0,
        radiation=150.0,
        wind=2.0,
        vapour_pressure=12.279,  # saturation at 10 degC, FAO-56 table 2.3: 1.228 kPa
    )
    with caplog.at_level(logging.WARNING):
        pet_of("fao56", saturated)
        assert not caplog.records
        pet_of("fao56", saturated.assign(vapour_pressure=saturated["vapour_pressure"] + 2.0))
    assert "12 months" in caplog.text and "0.200 kPa" in caplog.text


# a cell depends on no other cell -----------------------------------------------------------------


@pytest.mark.parametrize("method", PET_METHODS)
@pytest.mark.parametrize("part", [np.s_[2:3, 3:4], np.s_[1:5, 2:3], np.s_[::2, 1:], np.s_[-1:, :]])
def test_bit_identical_in_any_block(method, part):
    climate, latitude, elevation = block((480, 6, 5))
    rows, columns = part
    pick = {"y": rows, "x": columns}
    whole = potential_evapotranspiration(
        method, climate, latitude=latitude, elevation=elevation, climatology=False
    )
    alone = potential_evapotranspiration(
        method,
        climate.isel(pick),
        latitude=latitude.isel(pick),
        elevation=elevation.isel(pick),
        climatology=False,
    )
    assert alone.notnull().any()
    np.testing.assert_array_equal(alone.values, whole.isel(pick).values)


# refusals ----------------------------------------------------------------------------------------


def test_unknown_method_lists_the_known():
    with pytest.raises(ConfigError, match=r"turc.*fao56, hargreaves, thornthwaite"):
        pet_of("turc", bangkok())


@pytest.mark.parametrize("method", ["fao56", "hargreaves"])
def test_maximum_below_minimum_is_refused_with_its_place(method):
    climate, latitude, elevation = block()
    climate["temperature_max"][7, 2, 3] = -50.0
    climate["temperature_min"][7, 2, 3] = -49.9
    with pytest.raises(OutOfRange, match=r"below temperature_min: 1 values.*\[7, 2, 3\]"):
        potential_evapotranspiration(
            method, climate, latitude=latitude, elevation=elevation, climatology=False
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 293.15),
        ("radiation", 14_000.0),
        ("radiation", -0.1),
        ("vapour_pressure", 1_500.0),
        ("vapour_pressure", -9_999.0),
        ("wind", -1.0),
        ("wind", np.inf),
    ],
)
def test_impossible_values_are_refused(name, value):
    climate = bangkok()
    climate[name][5] = value
    with pytest.raises(OutOfRange, match=f"{name} outside"):
        pet_of("fao56", climate)


@pytest.mark.parametrize("place", [{"latitude": 91.0}, {"elevation": -9_999.0}])
def test_impossible_places_are_refused(place):
    with pytest.raises(OutOfRange, match=next(iter(place))):
        pet_of("fao56", bangkok(), **place)


@pytest.mark.parametrize("height_m", [0.0, -2.0, math.nan])
def test_impossible_wind_heights_are_refused(height_m):
    with pytest.raises(OutOfRange, match="height of the wind"):
        pet_of("fao56", bangkok(), wind_height_m=height_m)


def test_missing_inputs_are_named():
    with pytest.raises(MissingData, match="wind"):
        pet_of("fao56", bangkok().drop_vars("wind"))
    with pytest.raises(MissingData, match="elevation"):
        potential_evapotranspiration("fao56", bangkok(), latitude=plane(0.0), climatology=True)
    potential_evapotranspiration("hargreaves", bangkok(), latitude=plane(0.0), climatology=True)


def test_months_must_be_complete():
    late = bangkok().assign_coords(time=months(12, "2001-02-01"))
    with pytest.raises(MissingData, match="January to December"):
        pet_of("hargreaves", late)
    assert np.isfinite(pet_of("hargreaves", late.isel(time=slice(3)), climatology=False)).all()
    with pytest.raises(MissingData, match="calendar month"):
        pet_of("thornthwaite", late.isel(time=slice(11)), climatology=False)


def test_another_grid_is_refused():
    climate = bangkok().assign_coords(y=[10.0])
    for latitude in (plane(10.0, (1, 2)), plane(10.0).assign_coords(y=[10.001])):
        with pytest.raises(GridMismatch, match="one grid"):
            potential_evapotranspiration(
                "thornthwaite", climate, latitude=latitude, climatology=True
            )


# real data ---------------------------------------------------------------------------------------

LAYERS = {
    "temperature": "tas",
    "temperature_min": "tasmin",
    "temperature_max": "tasmax",
    "radiation": "rsds",
    "vapour_pressure": "vap",
    "wind": "wind",
}
SITES = {  # latitude, longitude, annual FAO-56 PET of an independent computation [mm]
    "Pergamino": (-33.9, -60.57, 1203),
    "Iowa": (42.0, -93.5, 1052),
    "Rothamsted": (51.8, -0.36, 608),
    "Madrid": (40.4, -3.7, 1207),
    "Khon Kaen": (16.4, 102.8, 1361),
    "eastern Zambia": (-13.5, 32.5, 1331),
}


def read_cell(path, latitude, longitude):
    with rasterio.open(path) as source:
        values = next(source.sample([(longitude, latitude)], masked=True))
        return np.ma.filled(values.astype(np.float64), np.nan)


@pytest.mark.realdata
@pytest.mark.parametrize("site", SITES)
def test_annual_fao56_of_the_cru_climatology(site):
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("RECARB_DATA", beside)) / "global_0p5deg"
    if not folder.is_dir():
        pytest.skip("real data absent: set RECARB_DATA to the folder that holds global_0p5deg")
    latitude, longitude, expected_mm = SITES[site]
    climate = same_months(**dict.fromkeys(LAYERS, 0.0))
    for name, short in LAYERS.items():
        path = folder / f"{short}_clim_1961-1990_crucl1.tif"
        climate[name][:, 0, 0] = read_cell(path, latitude, longitude)
    elevation = read_cell(folder / "elevation_m_20arcmin.tif", latitude, longitude)[0]
    result = pet_of("fao56", climate, latitude=latitude, elevation=elevation)
    assert result.sum() == pytest.approx(expected_mm, rel=0.08)
