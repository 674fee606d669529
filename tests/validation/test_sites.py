"""Measured stocks against monthly results."""

import numpy as np
import pandas as pd
import pytest

from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.validation.observed import read_observed
from recarb.validation.sites import NO_YEAR, NOT_MODELLED, compare_sites, read_result, stocks_at


def months(first=50.0):
    """Two years; each month holds 1 t more than the one before."""
    count = np.arange(24.0)
    return pd.DataFrame(
        {"year": 1990 + count // 12, "month": count % 12 + 1, "soc_tc_ha": first + count}
    )


def observed(folder, text):
    path = folder / "observed.csv"
    path.write_text(text, encoding="utf-8")
    return read_observed(path, with_place=False)


def test_a_stock_is_that_of_the_end_of_its_month():
    found = stocks_at(months(), np.array([1990.0, 1991, 1991]), np.array([1.0, 1, 12]))
    assert found.tolist() == [50.0, 62.0, 73.0]


def test_the_start_is_the_end_of_the_month_before():
    year, month = np.array([1989.0, 1989]), np.array([12.0, 11])
    assert stocks_at(months(), year, month, 49.5).tolist()[0] == 49.5
    assert np.isnan(stocks_at(months(), year, month, 49.5)[1])
    assert np.isnan(stocks_at(months(), year, month)).all()


def test_every_row_is_compared_or_has_its_reason(tmp_path):
    text = "year,month,soc_tc_ha\n1990,,60\n1991,3,66\n1989,12,48\n1992,1,75\n,,50\n"
    table = compare_sites(observed(tmp_path, text), {"plot": months()})
    assert table["reason"].tolist() == ["", "", NOT_MODELLED, NOT_MODELLED, NO_YEAR]
    assert table["modelled_tc_ha"].tolist()[:2] == [61.0, 64.0]
    assert table["residual_tc_ha"].tolist()[:2] == [1.0, -2.0]
    assert table["residual_tc_ha"].isna().tolist()[2:] == [True] * 3


def test_sites_find_their_own_result(tmp_path):
    text = "site,year,soc_tc_ha\nb,1990,100\na,1990,60\nc,1990,1\n"
    table = compare_sites(observed(tmp_path, text), {"a": months(), "b": months(100.0)})
    assert table["modelled_tc_ha"].tolist()[:2] == [111.0, 61.0]
    assert table["reason"].tolist()[:2] == ["", ""]
    assert "no result of this name" in table["reason"].iloc[2]


def test_several_results_need_a_column_site(tmp_path):
    with pytest.raises(ConfigError, match="expected a column 'site'"):
        compare_sites(
            observed(tmp_path, "year,soc_tc_ha\n1990,60\n"), {"a": months(), "b": months()}
        )


def test_a_table_that_is_no_result_is_refused(tmp_path):
    path = tmp_path / "result.csv"
    with pytest.raises(MissingData, match="found no file"):
        read_result(path)
    path.write_text("year,soc_tc_ha\n1990,5\n", encoding="utf-8")
    with pytest.raises(InputError, match="year, month, soc_tc_ha"):
        read_result(path)
    path.write_text("year,month,soc_tc_ha\n1990,1,\n", encoding="utf-8")
    with pytest.raises(InputError, match="a number in every month"):
        read_result(path)
    months().to_csv(path, index=False)
    assert read_result(path)["soc_tc_ha"].tolist() == months()["soc_tc_ha"].tolist()
