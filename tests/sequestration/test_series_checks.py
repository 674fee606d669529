"""Seasons upside down, months without values, copied years, cover and grids that cannot be."""

import numpy as np
import pytest
from affine import Affine
from tests.bad_country import CELL, NORTH, WEST, Country, assert_refused

from recarb.core.findings import Severity
from recarb.sequestration.checks import check_run
from recarb.sequestration.series_checks import YearWatch

MONTHS = np.arange("2001-01", "2003-01", dtype="datetime64[M]")


def found(country, code):
    """Findings of one code, of a check that goes on to its end."""
    return [one for one in check_run(country.config()).findings if one.code == code]


def move(country, north):
    """Bring a country to another latitude."""
    for raster in country.layers.values():
        a = raster.transform
        raster.transform = Affine(a.a, a.b, a.c, a.d, a.e, a.f - NORTH + north)


def half_a_year_later(country):
    temperature = country.layers["temperature"]
    temperature.values = np.roll(temperature.values, 6, axis=0)


# ------------------------------------------------------------------------------------------ season


def test_winter_in_july_of_the_north(tmp_path):
    country = Country(tmp_path)
    half_a_year_later(country)
    assert_refused(
        country,
        "wrong_season",
        said=["June to August are -", "100% of the cells beyond 20 degrees", "42 degrees north",
              "does the series begin in January", 'accept = ["wrong_season"]'],
    )  # fmt: skip


def test_summer_in_july_of_the_south(tmp_path):
    country = Country(tmp_path)
    move(country, -30.0)
    assert_refused(country, "wrong_season", said=["degrees south", "June to August are +"])


@pytest.mark.parametrize(("north", "later"), [(42.0, False), (-30.0, True), (5.0, False),
                                              (5.0, True)])  # fmt: skip
def test_seasons_that_can_be(tmp_path, north, later):
    country = Country(tmp_path)
    move(country, north)
    if later:
        half_a_year_later(country)
    assert not found(country, "wrong_season")


def test_the_cells_of_a_mean_year_keep_their_places():
    watch = YearWatch(MONTHS, every=5)
    values = np.broadcast_to(np.arange(24.0)[:, None, None], (24, 3, 4)).copy()
    values[:, 1, 1] = np.nan  # the second cell that is watched
    for bands in (range(12), range(12, 24)):
        window = (slice(10, 13), slice(2, 6))
        watch([band + 1 for band in bands], window, values[list(bands)])
    year = watch.year()
    assert year.months.tolist() == [[month + 6.0] * 2 for month in range(12)]
    assert list(zip(year.rows.tolist(), year.columns.tolist(), strict=True)) == [(10, 2), (12, 4)]


# -------------------------------------------------------------------------------------------- gaps


def test_a_month_without_values(tmp_path):
    country = Country(tmp_path)
    rain = country.layers["rain"]
    rain.values[30] = rain.nodata = -9.0
    assert_refused(
        country, "series_gap", said=["rain.tif", "1 month(s), 2001-07", "get these months"]
    )


def test_a_gap_in_years_that_nobody_uses(tmp_path):
    country = Country(tmp_path)
    rain = country.layers["rain"]
    rain.values[30] = rain.nodata = -9.0
    country.table.pop("warm_up")
    assert not found(country, "series_gap")


def test_months_with_fewer_values(tmp_path):
    country = Country(tmp_path)
    rain = country.layers["rain"]
    rain.values[5:7, 0] = rain.nodata = -9.0
    (told,) = found(country, "uneven_series")
    assert told.severity is Severity.WARNING
    assert "2 month(s), 1999-06, 1999-07" in told.message


def test_a_year_that_was_copied(tmp_path):
    country = Country(tmp_path)
    rain = country.layers["rain"].values
    rain[36:48] = rain[24:36]
    (told,) = found(country, "repeated_year")
    assert "rain" in told.where
    assert told.message.endswith("the year before: 2002")


# ------------------------------------------------------------------------------- cover and soil


def test_one_map_in_all_twelve_bands(tmp_path):
    country = Country(tmp_path)
    soc = country.layers["soc"].values[0]
    country.add("cover", np.repeat((soc / 100.0)[None], 12, axis=0))
    assert_refused(
        country, "constant_cover", said=["cover.tif", "100% of the cells", "every month"]
    )


def test_cover_that_changes(tmp_path):
    country = Country(tmp_path)
    cover = np.ones((12, *country.layers["soc"].values.shape[1:]))
    cover[0, ::2] = 0.2
    country.add("cover", cover)
    assert not found(country, "constant_cover")


@pytest.mark.parametrize("key", ["soc", "clay"])
def test_a_placeholder_instead_of_a_map(tmp_path, key):
    country = Country(tmp_path)
    country.layers[key].values[:] = 40.0 if key == "soc" else 20.0
    (told,) = found(country, "constant_layer")
    assert told.severity is Severity.WARNING
    assert f"{key}.tif" in told.where


# ------------------------------------------------------------------------------------------ shifts


@pytest.mark.parametrize(
    ("key", "right", "down", "where"),
    [
        ("clay", CELL / 2, CELL / 2, "half a cell east or west and half a cell north or south"),
        ("clay", -CELL / 2, 0.0, "half a cell east or west"),
        ("land_use", 0.0, CELL / 4, "half a cell north or south"),
    ],
)
def test_centres_taken_for_corners(tmp_path, key, right, down, where):
    country = Country(tmp_path)
    a = country.layers[key].transform
    country.layers[key].transform = Affine(a.a, a.b, a.c + right, a.d, a.e, a.f + down)
    (told,) = found(country, "shifted_grid")
    assert told.severity is Severity.WARNING
    assert key in told.where
    assert where in told.message


@pytest.mark.parametrize("right", [0.0, CELL, 3 * CELL, CELL / 5])
def test_grids_that_fit_or_are_simply_others(tmp_path, right):
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.transform = Affine(CELL, 0.0, WEST + right, 0.0, -CELL, NORTH)
    assert not found(country, "shifted_grid")
