"""Values that cannot be: missing values nobody declared, impossible numbers, unknown codes."""

import numpy as np
import pytest
from tests.bad_country import CLIMATE, Country, assert_refused, codes, maps_of, reasons

from recarb.core.findings import Severity
from recarb.sequestration.checks import check_run
from recarb.sequestration.pipeline import run

NUMBERS = (-999.0, -9999.0, -3.4028234663852886e38)
KINDS = ("float32", "float64")
CELLS = ((2, 3), (2, 4), (7, 8))


def spoil(country: Country, key: str, number: float, kind: str = "float32") -> None:
    """Put a number into three cells inside the country, and give the layer a type."""
    raster = country.layers[key]
    raster.values = raster.values.astype(kind)
    for row, column in CELLS:
        raster.values[:, row, column] = number


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(("key", "outcome"), [("soc", "no_soc"), ("clay", "no_clay")])
def test_a_declared_missing_value_excludes_its_cells(tmp_path, key, outcome, number, kind):
    country = Country(tmp_path)
    spoil(country, key, number, kind)
    country.option(key, nodata=[number])
    assert reasons(country) == {"run": 117, outcome: 3}


def test_excluded_cells_are_nodata_in_the_maps(tmp_path):
    country = Country(tmp_path)
    spoil(country, "soc", -999.0)
    country.option("soc", nodata=[-999])
    report = run(country.config())
    assert report.ledger.reasons() == {"run": 117, "no_soc": 3}
    t0 = maps_of(country.output)["BAD_GSOCseq_T0_Map030.tif"]
    assert [tuple(at) for at in np.argwhere(np.isnan(t0)).tolist()] == list(CELLS)


@pytest.mark.parametrize("tagged", [True, False])
def test_nan_and_the_nodata_tag_are_missing_without_further_words(tmp_path, tagged):
    country = Country(tmp_path)
    spoil(country, "soc", -9999.0 if tagged else np.nan)
    country.layers["soc"].nodata = -9999.0 if tagged else None
    assert reasons(country) == {"run": 117, "no_soc": 3}


@pytest.mark.parametrize(
    ("number", "hint"),
    [(-999.0, "[-999]"), (-9999.0, "[-9999]"), (-3.4028234663852886e38, "[-3.4028235e+38]")],
)
@pytest.mark.parametrize("key", ["soc", "clay", "rain", "temperature"])
def test_an_undeclared_missing_value_is_an_error_whose_hint_works(tmp_path, key, number, hint):
    country = Country(tmp_path)
    spoil(country, key, number)
    said = (f"{key}.tif", "cannot be", " times)", f"write beside its path: nodata = {hint}")
    assert_refused(country, "undeclared_nodata", said=said)
    country.option(key, nodata=[float(hint[1:-1])])
    assert codes(check_run(country.config()).findings) == []


def test_the_short_form_of_the_largest_float_is_understood(tmp_path):
    country = Country(tmp_path)
    spoil(country, "soc", -3.4028234663852886e38)
    country.option("soc", nodata=[-3.4e38])
    assert reasons(country) == {"run": 117, "no_soc": 3}


def test_several_missing_values_are_named_at_once(tmp_path):
    """One is in the tag, one in run.toml, two are told by nobody."""
    country = Country(tmp_path)
    soc = country.layers["soc"]
    soc.values[0, 0, :4] = (-9999.0, -1.0, -999.0, -32768.0)
    soc.nodata = -9999.0
    country.option("soc", nodata=[-1])
    said = ("-999 (once), -32768 (once)", "nodata = [-1, -999, -32768]")
    assert_refused(country, "undeclared_nodata", said=said)
    country.option("soc", nodata=[-1, -999, -32768])
    assert reasons(country) == {"run": 116, "no_soc": 4}


def test_any_impossible_number_that_repeats_alone_is_taken_for_a_missing_value(tmp_path):
    country = Country(tmp_path)
    spoil(country, "soc", -12345.0)
    said = ("-12345 (3 times)", "nodata = [-12345]")
    assert_refused(country, "undeclared_nodata", said=said)


@pytest.mark.parametrize(("kind", "number"), [("uint8", 255), ("int16", -32768), ("uint16", 65535)])
def test_whole_numbers_at_the_end_of_their_type(tmp_path, kind, number):
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.values = np.rint(clay.values).astype(kind)
    clay.values[0, 1, 1:3] = number
    said = ("clay.tif", f"{number} (2 times)", f"nodata = [{number}]")
    assert_refused(country, "undeclared_nodata", said=said)


def test_a_number_declared_for_bytes_never_wraps_round(tmp_path):
    """-9999 is 241 in a byte if cast; clay of 24.1 % must not vanish for that."""
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.values = np.full(clay.values.shape, 241, dtype=np.uint8)
    country.option("clay", unit="g/kg", nodata=[-9999])
    assert reasons(country) == {"run": 120}


@pytest.mark.parametrize("key", ["soc", "clay", "land_use", *CLIMATE])
def test_a_layer_without_any_value(tmp_path, key):
    country = Country(tmp_path)
    raster = country.layers[key]
    raster.values, raster.nodata = np.zeros_like(raster.values), 0
    said = (f"{key}.tif", "expected values where the country lies", "is it the right file")
    assert_refused(country, "all_nodata", said=said)


IMPOSSIBLE = {
    "negative SOC": ("soc", -1.0, "0 to 800 t ha-1", "negative numbers"),
    "SOC of 5000": ("soc", 100.0, "0 to 800 t ha-1", '"g/m2"'),
    "clay above 100": ("clay", 8.0, "0 to 100 percent", 'unit = "g/kg"'),
    "negative rain": ("rain", -1.0, "0 to 10000 mm month-1", "negative numbers"),
    "too much rain": ("rain", 1000.0, "0 to 10000 mm month-1", "applied twice"),
    "negative PET": ("pet", -1.0, "0 to 500 mm month-1", "negative numbers"),
    "boiling": ("temperature", 10.0, "-70 to 50 degC", 'unit = "0.1 degC"'),
}


@pytest.mark.parametrize(("key", "factor", "limits", "hint"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_impossible_values_are_errors(tmp_path, key, factor, limits, hint):
    country = Country(tmp_path)
    country.layers[key].values = factor * country.layers[key].values
    said = (f"{key}.tif", f"of {limits}, found", "The first: band", "row 0, column", hint)
    assert_refused(country, "impossible_value", said=said)


def test_a_few_impossible_values_are_counted_and_placed(tmp_path):
    country = Country(tmp_path)
    country.layers["clay"].values[0, 4, 5] = 130.0
    said = (
        "found 130 to 130, once (0.8%)",
        "band 1, row 4, column 5 is 130 percent",
        "correct them in the file, or declare them missing with nodata = [...]",
    )
    assert_refused(country, "impossible_value", said=said)


def test_rounding_at_a_limit_is_no_fault(tmp_path):
    country = Country(tmp_path)
    country.layers["clay"].values[0, 0, 0] = np.float32(100.00001)
    country.layers["rain"].values[3, 0, 0] = -1e-6  # reanalyses hold such months
    cover = np.full((12, 10, 12), 1.0 + 1e-7)
    cover[0] = 0.5
    country.add("cover", cover)
    assert check_run(country.config()).findings == []


@pytest.mark.parametrize("key", ["temperature", "pet"])
def test_missing_climate_filled_with_zero_is_seen(tmp_path, key):
    country = Country(tmp_path)
    country.layers[key].values[:, 2, 3] = 0.0
    said = (f"{key}.tif", "1 of", "exactly 0 in every month", "as nodata")
    assert_refused(country, "zero_filled", said=said)


def test_clay_of_zero_is_told_and_stops_the_run_where_it_is_most(tmp_path):
    country = Country(tmp_path)
    country.layers["clay"].values[0, :2] = 0.0
    (found,) = check_run(country.config()).findings
    assert (found.code, found.severity) == ("zeros", Severity.WARNING)
    assert "20% of the values are exactly 0" in found.message
    country.layers["clay"].values[0, :7] = 0.0
    assert_refused(country, "zero_filled", said=("clay.tif", "70% of the values", "nodata = [0]"))


def test_soc_of_zero_everywhere_leaves_nothing_to_run(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].values[:] = 0.0
    said = ("no cell can be modelled", "120 cells: the SOC stock is zero")
    assert_refused(country, "clay_above_soc", "nothing_to_run", said=said)


def test_soc_of_zero_in_some_cells_is_excluded_and_counted(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].values[0, :2] = 0.0
    assert reasons(country) == {"run": 96, "zero_soc": 24}


def swap(country: Country, one: str, other: str) -> None:
    """Put one file where the other belongs; the tags say what run.toml expects."""
    layers = country.layers
    for field in ("values", "transform"):
        first, second = getattr(layers[one], field), getattr(layers[other], field)
        setattr(layers[one], field, second)
        setattr(layers[other], field, first)


def test_swapped_clay_and_soc(tmp_path):
    country = Country(tmp_path)
    swap(country, "soc", "clay")
    said = ("clay.tif", "soc.tif", "56.9 %", "22.2 t C ha-1", "are the two files swapped")
    assert_refused(country, "clay_above_soc", said=said)


def test_swapped_clay_and_soc_whose_tags_betray_them(tmp_path):
    country = Country(tmp_path)
    country.option("soc", path="clay.tif")
    country.option("clay", path="soc.tif")
    message = assert_refused(country, "unit_error", "unit_error", said=("cannot become",))
    assert "inputs.soc (clay.tif)" in message
    assert "inputs.clay (soc.tif)" in message


def test_swapped_rain_and_temperature(tmp_path):
    country = Country(tmp_path)
    swap(country, "rain", "temperature")
    message = assert_refused(country, "impossible_value", said=("temperature and rain swapped",))
    assert "temperature.tif" in message


def test_swapped_minimum_and_maximum_temperature(tmp_path):
    country = Country(tmp_path)
    country.table["climate"] = {"pet_method": "hargreaves"}
    mean = country.layers["temperature"]
    del country.layers["pet"]
    extremes = {}
    for key, by in (("temperature_min", 5.0), ("temperature_max", -5.0)):
        copy = type(mean)(mean.values + by, mean.transform, mean.unit, names=mean.names)
        copy.write(tmp_path / f"{key}.tif")
        extremes[key] = {"path": f"{key}.tif"}
    country.table["climate"] |= extremes
    said = ("temperature_min.tif) is 17.2 degC, above that of temperature", "swapped")
    assert_refused(country, "temperatures_crossed", "temperatures_crossed", said=said)


def test_a_cover_code_missing_from_the_crosswalk(tmp_path):
    country = Country(tmp_path)
    country.layers["land_use"].values[0, 0, :3] = (77, 77, 78)
    said = ("land_use.tif", "'esa_cci_fao_scripts'", "77 (2 cells), 78 (1 cells)", "options = { 77")
    assert_refused(country, "unknown_land_cover", said=said)
    country.option("land_use", options={77: 2, 78: 3})
    assert reasons(country) == {"run": 120}


@pytest.mark.parametrize(("kind", "number"), [("uint8", 255), ("int16", -9999)])
def test_a_cover_code_that_means_missing(tmp_path, kind, number):
    country = Country(tmp_path)
    cover = country.layers["land_use"]
    cover.values = cover.values.astype(kind)
    cover.values[0, :2, :2] = number
    assert_refused(country, "unknown_land_cover", said=("land_use.tif", f"nodata = [{number}]"))
    country.option("land_use", nodata=[number])
    assert reasons(country) == {"run": 119, "no_land_use": 1}


def test_cover_codes_of_another_legend(tmp_path):
    country = Country(tmp_path)
    country.layers["land_use"].values[:] = 14
    assert_refused(country, "unknown_land_cover", said=("land_use.tif", "14 (480 cells)"))


def test_cover_codes_that_were_interpolated(tmp_path):
    country = Country(tmp_path)
    country.layers["land_use"].values = country.layers["land_use"].values + 0.5
    said = ("land_use.tif", "expected whole land-cover codes", "without bilinear")
    assert_refused(country, "input_error", said=said)


def test_all_land_use_excluded(tmp_path):
    country = Country(tmp_path)
    country.layers["land_use"].values[:] = 210
    said = ("no cell can be modelled", "120 cells: land use is not modelled", "crosswalk")
    assert_refused(country, "nothing_to_run", said=said)


@pytest.mark.parametrize("key", ["peat", "wetland"])
def test_a_mask_holds_zero_and_one(tmp_path, key):
    country = Country(tmp_path)
    mask = np.zeros((10, 12), dtype=np.uint8)
    mask[0, 0], mask[5, 5] = 1, 255
    country.add(key, mask)
    said = (f"{key}.tif", "expected a mask of 0 and 1, found 255", "nodata = [255]")
    assert_refused(country, "impossible_value", said=said)
    country.option(key, nodata=[255])
    assert check_run(country.config()).findings == []


def test_zones_that_are_nowhere_and_zones_below_zero(tmp_path):
    country = Country(tmp_path)
    country.add("zones", np.where(np.arange(120).reshape(10, 12) < 60, 1, 2).astype(np.int16))
    country.table["scenarios"] = [{"name": "SSM1", "gain_pct_by_zone": {"7": 5.0}}]
    (found,) = check_run(country.config()).findings
    assert (found.code, found.severity) == ("zone_without_cells", Severity.WARNING)
    assert "names 7, which no cell has; the map holds 1, 2" in found.message
    country.layers["zones"].values[0, 0, 0] = -999
    said = ("zones.tif", "expected zone numbers from 0, found -999", "nodata = [-999]")
    assert_refused(country, "undeclared_nodata", said=said)


def test_an_override_layer_is_checked_too(tmp_path):
    country = Country(tmp_path)
    country.add("cover", np.linspace(0.1, 0.9, 12)[:, None, None] + np.zeros((10, 12)))
    country.option(
        "land_use", override=[{"path": "soc.tif", "unit": "%", "at_least": 0.5, "land_use": 12}]
    )
    report = check_run(country.config())
    assert codes(report.findings) == ["foreign_unit_tag"]  # a stock read as a share, told
    country.option(
        "land_use", override=[{"path": "rain.tif", "unit": "%", "at_least": 0.5, "land_use": 12}]
    )
    said = ("inputs.land_use.override.0 (rain.tif)", "of 0 to 1 1")
    assert_refused(country, "foreign_unit_tag", "impossible_value", said=said)
