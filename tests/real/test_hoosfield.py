"""Hoosfield, 1852-1998: modelled against measured carbon under three treatments."""

import pytest
from tests.real import hoosfield
from tests.realdata import requires

pytestmark = [
    pytest.mark.realdata,
    requires("lte/hoosfield_nsrothc"),
    requires("lte/rothamsted_era/rhb2"),
]

# an independent run of the same inputs gave 4.2, 4.1 and 5.6
LARGEST_RMSE = {"Unfertilized": 4.2, "FYM": 4.1, "FYM 1852-1871": 5.6}


def test_measured_table_is_read_whole():
    table = hoosfield.measured()
    assert list(table.columns) == list(hoosfield.TREATMENTS)
    assert table.shape == (8, 3)
    assert (table.loc[1852] == 30.7).all()
    assert table.loc[1998].tolist() == [27.4, 93.0, 39.3]


@pytest.mark.parametrize("treatment", hoosfield.TREATMENTS)
def test_modelled_stocks_follow_the_measured_ones(treatment):
    assert hoosfield.rmse(hoosfield.compare(treatment)) <= LARGEST_RMSE[treatment]


def test_unmanured_bias_comes_partly_from_the_start():
    """The file's pools of 1852 hold 33.9 t C ha-1, the soil held 30.7."""
    as_given = hoosfield.compare("Unfertilized")
    assert as_given["modelled"].iloc[0] == pytest.approx(33.86, abs=0.01)
    assert hoosfield.bias(as_given) == pytest.approx(3.9, abs=0.1)
    from_measured = hoosfield.compare("Unfertilized", from_measured=True)
    assert from_measured["modelled"].iloc[0] == pytest.approx(30.7, abs=1e-9)
    assert hoosfield.rmse(from_measured) <= 3.1


def test_treatments_keep_their_order():
    stocks = {name: hoosfield.compare(name)["modelled"].loc[1998] for name in hoosfield.TREATMENTS}
    assert stocks["Unfertilized"] < stocks["FYM 1852-1871"] < stocks["FYM"]


def test_pan_factor_is_not_applied_twice():
    """The column is 0.75 x pan already: May 1852 has 52 mm of rain, less 62.25 mm."""
    months = hoosfield.run("Unfertilized").months
    may = months.query("year == 1852 and month == 5").iloc[0]
    assert may["deficit_mm"] == pytest.approx(52.0 - 62.25, rel=1e-12)
