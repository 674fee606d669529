"""Months in band names."""

import pytest

from recarb.io.times import from_names


@pytest.mark.parametrize(
    ("name", "month"),
    [("1981-01", "1981-01"), ("198101", "1981-01"), ("pr_1981-12", "1981-12"),
     ("tas 2020_07 (degC)", "2020-07"), ("1981 03", "1981-03")],
)  # fmt: skip
def test_spellings_of_a_month(name, month):
    assert from_names((name,)) == [month]


@pytest.mark.parametrize(
    "name", [None, "", "Jan", "1981", "198113", "1981-00", "b1", "band 12", "11981-01", "19810115"]
)
def test_names_that_are_no_month(name):
    assert from_names((name,)) == []


def test_one_unknown_band_makes_the_series_unknown():
    assert from_names(("1981-01", "extra")) == []
    assert from_names(()) == []
