"""Tables of measured stocks: units in the header, every fault told at once."""

import pytest

from recarb.core.errors import InputError, MissingData
from recarb.validation.observed import read_observed

GOOD = "site,longitude,latitude,year,soc_tc_ha,sd_tc_ha\na,21.5,41.5,2010,52.5,3\nb,22,41,,40,\n"


def write(folder, text, name="observed.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_read_whole(tmp_path):
    observed = read_observed(write(tmp_path, GOOD), with_place=True)
    table = observed.table
    assert observed.has_sites and not observed.has_depths
    assert table["line"].tolist() == [2, 3]
    assert table["site"].tolist() == ["a", "b"]
    assert table["soc_tc_ha"].tolist() == [52.5, 40.0]
    assert table["sd_tc_ha"].isna().tolist() == [False, True]
    assert table["year"].isna().tolist() == [False, True]
    assert table["month"].tolist() == [12, 12]
    assert table["weight"].tolist() == [1, 1]


def test_spaces_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path):
    text = "\ufefflongitude, latitude ,year,soc_tc_ha\n\n 21.5,41.5, 2010 ,52.5\n,,,\n"
    table = read_observed(write(tmp_path, text), with_place=True).table
    assert table["soc_tc_ha"].tolist() == [52.5]
    assert table["line"].tolist() == [3]


@pytest.mark.parametrize(
    ("unit", "number", "stock"), [("kg_m2", "5.25", 52.5), ("g_m2", "5250", 52.5)]
)
def test_the_unit_stands_in_the_header(tmp_path, unit, number, stock):
    text = f"year,soc_{unit},sd_{unit}\n2010,{number},{number}\n"
    table = read_observed(write(tmp_path, text), with_place=False).table
    assert table["soc_tc_ha"].iloc[0] == pytest.approx(stock, rel=1e-14)
    assert table["sd_tc_ha"].iloc[0] == pytest.approx(stock, rel=1e-14)


BAD = [
    ("longitude,latitude,year\n1,2,2000\n", "expected one of soc_tc_ha"),
    ("longitude,latitude,year,soc_pct\n1,2,2000,1.4\n", "needs bulk density"),
    ("longitude,latitude,year,soc\n1,2,2000,50\n", "expected one of soc_tc_ha"),
    ("longitude,latitude,year,soc_tc_ha,soc_kg_m2\n1,2,2000,50,5\n", "expected one of"),
    ("longitude,year,soc_tc_ha\n1,2000,50\n", "expected latitude"),
    ("longitude,latitude,soc_tc_ha\n1,2,50\n", "expected year"),
    ("longitude,latitude,year,year,soc_tc_ha\n1,2,2000,2001,50\n", "found twice: year"),
    ("longitude,latitude,year,soc_tc_ha,sd_kg_m2\n1,2,2000,50,1\n", "expected sd_tc_ha"),
    ("longitude,latitude,year,soc_tc_ha,sd\n1,2,2000,50,1\n", "expected sd_tc_ha"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,fifty\n", "line 2: 'fifty'"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,\n", "expected a number, found none"),
    ("longitude,latitude,year,soc_tc_ha\n,2,2000,50\n", "column longitude, line 2"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,inf\n", "found line 2: 'inf'"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,-9999\n", "expected above 0"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,0\n", "expected above 0"),
    ("longitude,latitude,year,soc_kg_m2\n1,2,2000,5200\n", "is the unit in the header"),
    ("longitude,latitude,year,soc_tc_ha\n549628,4658251,2000,50\n", "expected -180 to 180"),
    ("longitude,latitude,year,soc_tc_ha\n1,91,2000,50\n", "expected -90 to 90"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000.5,50\n", "expected a whole number"),
    ("longitude,latitude,year,soc_tc_ha,depth_cm\n1,2,2000,50,0.3\n", "expected 1 to 300"),
    ("longitude,latitude,year,soc_tc_ha,weight\n1,2,2000,50,-1\n", "expected 0 to inf"),
    ("longitude,latitude,year,month,soc_tc_ha\n1,2,2000,13,50\n", "expected 1 to 12"),
    ("longitude,latitude,year,soc_tc_ha\n1,2,2000,50,9,9\n", "as many cells in every row"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_table_is_refused_and_named(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        read_observed(write(tmp_path, text, "bad.csv"), with_place=True)
    assert words in str(caught.value)
    assert "bad.csv" in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    text = "longitude,latitude,year,soc_tc_ha\n200,2,2000,50\n1,95,2000,x\n"
    with pytest.raises(InputError, match="3 finding") as caught:
        read_observed(write(tmp_path, text), with_place=True)
    assert all(f"column {name}" in str(caught.value) for name in ("longitude", "latitude"))


def test_no_file_no_row_no_text(tmp_path):
    with pytest.raises(MissingData, match="found no file"):
        read_observed(tmp_path / "none.csv", with_place=True)
    with pytest.raises(MissingData, match="empty file"):
        read_observed(write(tmp_path, ""), with_place=True)
    with pytest.raises(MissingData, match="found none"):
        read_observed(write(tmp_path, "year,soc_tc_ha\n"), with_place=False)
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"year,soc_tc_ha\n2000,5\xff0\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_observed(path, with_place=False)
