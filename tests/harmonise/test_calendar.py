"""The length of months, and which bands of a series are which."""

from pathlib import Path

import numpy as np
import pytest
from tests.factories import geobox, months, write_raster

from recarb.core.config import Layer
from recarb.core.errors import MissingData
from recarb.harmonise.calendar import bands_of_years, climatology_months, days_of, months_of
from recarb.io.raster import LayerFile, describe

BOX = geobox(20.0, 42.0, 0.5, (2, 2))


def series(folder: Path, bands: int, names=(), first: str | None = None) -> LayerFile:
    path = write_raster(
        folder / "t.tif", np.zeros((bands, 2, 2), "float32"), BOX, unit="degC", names=tuple(names)
    )
    return describe("temperature", Layer(path=path, first=first))


def test_the_days_of_a_climatology_are_those_of_a_mean_february():
    days = days_of(climatology_months(), climatology=True)
    assert days.tolist() == [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


@pytest.mark.parametrize(
    ("year", "february"), [(1900, 28), (2000, 29), (2001, 28), (2004, 29), (2100, 28)]
)
def test_the_days_of_a_series_are_those_of_its_year(year, february):
    every = np.arange(f"{year}-01", f"{year + 1}-01", dtype="datetime64[M]")
    days = days_of(every, climatology=False)
    assert days[1] == february and days.sum() == 337 + february


def test_a_climatology_has_twelve_bands(tmp_path):
    assert months_of(series(tmp_path, 12), climatology=True).size == 12
    with pytest.raises(MissingData, match="expected 12 bands, January to December, found 24"):
        months_of(series(tmp_path, 24), climatology=True)


def test_months_from_names_or_from_run_toml(tmp_path):
    named = months_of(series(tmp_path, 24, months(1999, 2000)), climatology=False)
    assert (str(named[0]), str(named[-1])) == ("1999-01", "2000-12")
    told = months_of(series(tmp_path, 36, first="1981-01"), climatology=False)
    assert (str(told[0]), str(told[-1])) == ("1981-01", "1983-12")
    both = months_of(series(tmp_path, 12, months(1999, 1999), first="2005-01"), climatology=False)
    assert str(both[0]) == "2005-01"


def test_a_series_nobody_dated_is_refused_and_twelve_bands_get_a_hint(tmp_path):
    with pytest.raises(MissingData, match=r'write first = "1981-01"') as caught:
        months_of(series(tmp_path, 24), climatology=False)
    assert "climatology = true" not in str(caught.value)
    with pytest.raises(MissingData, match="climatology = true"):
        months_of(series(tmp_path, 12), climatology=False)


def test_a_gap_and_a_repeated_month_are_named(tmp_path):
    names = list(months(1999, 2000))
    names[14] = "2000-04"  # March is missing, April stands twice
    with pytest.raises(MissingData, match=r"2000-02 (is )?followed by 2000-04 \(band 15\)"):
        months_of(series(tmp_path, 24, names), climatology=False)
    with pytest.raises(MissingData, match=r"1999-12 (is )?followed by 1999-11"):
        months_of(series(tmp_path, 24, months(1999, 1999) + ("1999-11",) * 12), climatology=False)


def test_years_are_whole(tmp_path):
    with pytest.raises(MissingData, match=r"whole years.*1999-02 to 2000-01"):
        months_of(series(tmp_path, 12, months(1999, 2000)[1:13]), climatology=False)
    with pytest.raises(MissingData, match=r"whole years.*found 18"):
        months_of(series(tmp_path, 18, months(1999, 2000)[:18]), climatology=False)


def test_bands_of_years(tmp_path):
    layer = series(tmp_path, 60, months(1999, 2003))
    every = months_of(layer, climatology=False)
    assert bands_of_years(layer, every, (2001, 2002)).tolist() == list(range(25, 49))
    assert bands_of_years(layer, every, (1999, 2003)).size == 60


@pytest.mark.parametrize("years", [(1998, 2000), (2002, 2004), (2010, 2020), (2002, 2001)])
def test_years_a_series_does_not_have_are_refused(tmp_path, years):
    layer = series(tmp_path, 60, months(1999, 2003))
    with pytest.raises(MissingData, match=rf"{years[0]}.*{years[1]}.*1999-01 to 2003-12"):
        bands_of_years(layer, months_of(layer, climatology=False), years)
