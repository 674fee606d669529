"""Land use: the shipped tables, reclassification and the predominant class."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import rasterio

from recarb.core.errors import ConfigError, GridMismatch, InputError, MissingData
from recarb.harmonise import landuse as lu

TABLES = files("recarb.harmonise")

# Written from the specification (gsocseq.md), not from the files.
SCRIPTS = {
    1: [190],
    2: [10, 11, 30, 40, 20],
    3: [130],
    4: [50, 60, 61, 62, 70, 71, 72, 80, 81, 82, 90, 100, 110],
    5: [120, 121, 122],
    6: [160, 180],
    7: [170],
    8: [150, 151, 152, 153, 140],
    9: [200, 201, 202],
    10: [220],
    11: [210],
    12: [12],
}
GLCNMO = {
    4: [1, 2, 3, 4, 5, 6],
    5: [7],
    3: [8, 9],
    8: [10],
    2: [11, 13],
    13: [12],
    7: [14],
    6: [15],
    9: [16, 17],
    1: [18],
    10: [19],
    11: [20],
}
CCI_CODES = [
    *(10, 11, 12, 20, 30, 40, 50, 60, 61, 62, 70, 71, 72, 80, 81, 82, 90, 100, 110, 120, 121, 122),
    *(130, 140, 150, 151, 152, 153, 160, 170, 180, 190, 200, 201, 202, 210, 220),
]


def by_code(by_class):
    return {code: land_use for land_use, codes in by_class.items() for code in codes}


def everywhere(codes):
    return np.ones(np.shape(codes), dtype=bool)


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("esa_cci_fao_scripts", by_code(SCRIPTS)),
        ("glcnmo2008", by_code(GLCNMO)),
        ("glc_share", {code: code for code in range(1, 12)}),
        ("gsocseq13", {code: code for code in range(1, 14)}),
    ],
)
def test_crosswalk_rows(name, expected):
    assert dict(lu.load_crosswalk(name).classes) == expected


def test_the_scripts_table_is_the_default_and_covers_the_legend():
    assert lu.load_crosswalk().name == "esa_cci_fao_scripts"
    assert sorted(lu.load_crosswalk().classes) == CCI_CODES
    assert lu.load_crosswalk().nodata == (0,)


def test_manual_table_differs_where_its_table_6_4_does():
    manual = lu.load_crosswalk("esa_cci_fao_manual").classes
    scripts = lu.load_crosswalk("esa_cci_fao_scripts").classes
    differing = {code: manual[code] for code in CCI_CODES if manual[code] != scripts[code]}
    assert differing == {12: 4, 20: 13, 40: 3, 50: 5, 62: 5, 82: 5, 110: 2, 130: 0, 180: 4}


@pytest.mark.parametrize("name", lu.crosswalk_names())
def test_every_crosswalk_row_is_sourced_and_labelled(name):
    table = tomllib.loads(TABLES.joinpath("crosswalks", f"{name}.toml").read_text("utf-8"))
    assert table["name"] == name
    assert table["source"].strip()
    for row in table["rows"]:
        assert row.get("source", "").strip(), row
        assert row.get("label", "").strip(), row


def test_five_crosswalks_ship():
    assert lu.crosswalk_names() == (
        "esa_cci_fao_manual",
        "esa_cci_fao_scripts",
        "glc_share",
        "glcnmo2008",
        "gsocseq13",
    )


def test_every_land_use_class_is_sourced():
    classes = lu.land_use_classes()
    assert sorted(classes) == list(range(1, 14))
    for row in classes.values():
        assert row.source.strip()
        assert row.status.strip()


def test_class_values():
    nan = np.nan
    #        0    1    2     3     4     5     6     7    8     9   10   11    12    13
    dpm = [nan, nan, 1.44, 0.67, 0.25, 0.67, 0.67, nan, 0.67, nan, nan, nan, 1.44, 1.44]
    npp = [nan, nan, 0.53, 0.72, 0.88, 0.72, 0.72, nan, 0.72, nan, nan, nan, 0.53, 0.53]
    np.testing.assert_array_equal(lu.dpm_rpm_lookup(), dpm)
    np.testing.assert_array_equal(lu.npp_fraction_lookup(), npp)
    assert np.flatnonzero(lu.modelled_lookup()).tolist() == [2, 3, 5, 12, 13]
    assert np.flatnonzero(lu.calendar_lookup()).tolist() == [2, 13]
    assert np.flatnonzero(lu.paddy_lookup()).tolist() == [13]
    green = [code for code, row in lu.land_use_classes().items() if row.cover == "green"]
    assert green == [3, 4, 5, 6, 8, 12]


def test_lookups_take_the_configuration():
    assert lu.dpm_rpm_lookup({2: 1.2, 9: 0.5})[[2, 9]].tolist() == [1.2, 0.5]
    assert lu.dpm_rpm_lookup()[2] == 1.44
    assert np.flatnonzero(lu.modelled_lookup([4, 2])).tolist() == [2, 4]
    assert lu.modelled_lookup([9], dpm_rpm=lu.dpm_rpm_lookup({9: 0.5}))[9]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: lu.dpm_rpm_lookup({14: 1.0}), "14"),
        (lambda: lu.dpm_rpm_lookup({2: 0.0}), "dpm_rpm of land use class 2"),
        (lambda: lu.npp_fraction_lookup({2: 1.1}), "npp_fraction of land use class 2"),
        (lambda: lu.npp_fraction_lookup({2: float("nan")}), "nan"),
        (lambda: lu.modelled_lookup([0]), "class 0"),
        (lambda: lu.modelled_lookup([11]), "Water bodies"),
    ],
)
def test_lookups_refuse_impossible_configuration(call, named):
    with pytest.raises(ConfigError, match=named):
        call()


# --- options and own tables ---------------------------------------------------------------------


def test_option_makes_irrigated_land_paddy_and_leaves_the_table_alone():
    paddy = lu.load_crosswalk(options={20: 13})
    assert paddy.classes[20] == 13
    assert dict(paddy.overrides) == {20: 13}
    assert lu.reclassify(np.array([20, 10]), everywhere([0, 0]), paddy).tolist() == [13, 2]
    assert lu.load_crosswalk().classes[20] == 2


def test_option_may_add_a_row():
    added = lu.load_crosswalk(options={99: 3})
    assert lu.reclassify(np.array([99]), everywhere([0]), added).tolist() == [3]


@pytest.mark.parametrize(
    ("options", "named"),
    [({20: 14}, "20 = 14"), ({0: 2}, "no-data code"), ({14: 2}, "GlobCover")],
)
def test_impossible_options(options, named):
    with pytest.raises(ConfigError, match=named):
        lu.load_crosswalk(options=options)


@pytest.mark.parametrize("separator", [",", ";"])
def test_own_csv(tmp_path, separator):
    path = tmp_path / "national.csv"
    lines = [
        "Code,Class,Label,Remark",
        "101,2,Maize,x",
        "102,13,Rice,",
        "103,0,Park,",
        "-1,nodata,,",
    ]
    path.write_text("\ufeff" + "\n".join(lines).replace(",", separator) + "\n", encoding="utf-8")
    table = lu.load_crosswalk(path)
    assert dict(table.classes) == {101: 2, 102: 13, 103: 0}
    assert table.labels[102] == "Rice"
    assert table.nodata == (-1,)
    codes = np.array([[101, 102], [103, -1]], dtype=np.int32)
    expected = [[2, 13], [lu.EXCLUDED, 0]]
    assert lu.reclassify(codes, everywhere(codes), table).tolist() == expected
    assert lu.load_crosswalk(str(path), options={101: 12}).classes[101] == 12


def test_own_toml(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "own"\ntitle = "Own"\nsource = "ministry"\nrows = [{ code = 7, class = 5 }]\n',
        encoding="utf-8",
    )
    assert dict(lu.load_crosswalk(path).classes) == {7: 5}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("code,class\n1,2\n1,3\n", "1.* more than once"),
        ("code,class\n1,2\n2,14\n", "row 2 class"),
        ("code,class\n1,crop\n", "row 1 class"),
        ("code,class\n1\n", "row 1 class"),
        ("code,class\n1.5,2\n", "row 1 code"),
        ("value,class\n1,2\n", "code,class"),
        ("code,class\n", "rows"),
        ("", "code,class"),
    ],
)
def test_bad_csv_says_where(tmp_path, text, named):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=named) as raised:
        lu.load_crosswalk(path)
    assert "bad.csv" in str(raised.value)


def test_bad_files(tmp_path):
    (tmp_path / "bad.toml").write_text("name =", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes("code,class,label\n1,2,for\xeat\n".encode("latin-1"))
    for name in ("bad.toml", "latin.csv"):
        with pytest.raises(InputError, match=name):
            lu.load_crosswalk(tmp_path / name)
    with pytest.raises(MissingData, match=r"absent\.csv"):
        lu.load_crosswalk(tmp_path / "absent.csv")
    with pytest.raises(ConfigError, match="esa_cci_fao_scripts"):
        lu.load_crosswalk("corine")


# --- reclassify ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float32, np.float64])
def test_reclassify_every_dtype(dtype):
    codes = np.array([[10, 62, 0], [130, 220, 12]], dtype=dtype)
    valid = np.array([[True, True, True], [True, True, False]])
    classes = lu.reclassify(codes, valid, lu.load_crosswalk())
    assert classes.dtype == np.uint8
    assert classes.tolist() == [[2, 4, 0], [3, 10, 0]]


def test_nothing_valid():
    codes = np.full((2, 2), np.nan)
    assert not lu.reclassify(codes, np.zeros((2, 2), bool), lu.load_crosswalk()).any()
    assert lu.count_codes(codes, np.zeros((2, 2), bool)) == {}


def test_missing_code_names_file_code_and_count():
    codes = np.array([10, 10, 33, 33, 33, 15, 77])
    valid = np.array([True, True, True, True, True, True, False])
    with pytest.raises(MissingData) as raised:
        lu.reclassify(codes, valid, lu.load_crosswalk("glcnmo2008", options={10: 8}), where="a.tif")
    message = str(raised.value)
    assert "a.tif" in message
    assert "33 (3 cells)" in message
    assert "glcnmo2008" in message
    assert "77" not in message
    assert "add a row" in message


def test_unknown_codes_counts():
    codes = np.array([0, 10, 14, 14, 999], dtype=np.int16)
    legend = lu.load_crosswalk()
    assert lu.unknown_codes(codes, everywhere(codes), legend) == {14: 2, 999: 1}
    assert lu.count_codes(codes, everywhere(codes)) == {0: 1, 10: 1, 14: 2, 999: 1}


@pytest.mark.parametrize("name", ["esa_cci_fao_scripts", "esa_cci_fao_manual"])
@pytest.mark.parametrize(
    ("code", "legend"), [(14, "GlobCover"), (230, "GlobCover"), (95, "WorldCover"), (114, "LC100")]
)
def test_foreign_legend_is_named(name, code, legend):
    codes = np.array([11, 50, 130, code], dtype=np.uint8)
    with pytest.raises(MissingData, match=f"{code} .1 cells.*{legend}"):
        lu.reclassify(codes, everywhere(codes), lu.load_crosswalk(name))


def test_no_hint_without_a_foreign_code():
    with pytest.raises(MissingData) as raised:
        lu.reclassify(np.array([99]), everywhere([0]), lu.load_crosswalk())
    assert "GlobCover" not in str(raised.value)


@pytest.mark.parametrize("bad", [np.nan, 10.5, np.inf, -3.4e38])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_that_are_not_whole_numbers(bad, dtype):
    codes = np.array([10, bad, 130], dtype=dtype)
    with pytest.raises(InputError, match=r"b\.tif.* 1 cells of 3"):
        lu.reclassify(codes, everywhere(codes), lu.load_crosswalk(), where="b.tif")
    masked = np.array([True, False, True])
    assert lu.reclassify(codes, masked, lu.load_crosswalk()).tolist() == [2, 0, 3]


def test_mask_of_another_shape():
    with pytest.raises(GridMismatch, match="shape"):
        lu.reclassify(np.zeros((2, 2), int), np.ones((2, 3), bool), lu.load_crosswalk())


# --- real layers --------------------------------------------------------------------------------


def real_layer(name):
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("RECARB_DATA", beside)) / "north_macedonia" / name
    if not path.is_file():
        pytest.skip("the real data sets are not here (RECARB_DATA or ../shared/data)")
    with rasterio.open(path) as layer:
        return layer.read(1), layer.read_masks(1) > 0


@pytest.mark.realdata
def test_real_globcover_is_not_read_as_cci():
    codes, valid = real_layer("landcover_globcover_300m.tif")
    with pytest.raises(MissingData, match=r"14 \(51,894 cells\).*GlobCover"):
        lu.reclassify(codes, valid, lu.load_crosswalk())


@pytest.mark.realdata
def test_real_cci_layer_is_known():
    codes, valid = real_layer("landcover_esacci2010_1km.tif")
    classes = lu.reclassify(codes, valid, lu.load_crosswalk())
    assert int((classes == 2).sum()) == 19327 + 78 + 1946 + 1984 + 2597
    assert int((classes == 12).sum()) == 640
