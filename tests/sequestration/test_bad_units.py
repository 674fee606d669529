"""Units: declared they change nothing, undeclared they stop the run; scale factors of the tags."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from tests.bad_country import Country, assert_refused, computed, maps_of, reasons

from recarb.sequestration.checks import check_run
from recarb.sequestration.pipeline import run

FLOAT32, TINY = 1e-6, 1e-9  # relative, absolute; the maps on disk hold 32 bits
CLOSE = 1e-9  # before they are written
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)
LEAP = 2000


class Unit(NamedTuple):
    """A layer in another unit: how its numbers come about, and the unit's name."""

    key: str
    unit: str
    turn: Callable[[Country], np.ndarray]
    undeclared: tuple[str, ...]  # codes of the findings when run.toml says the usual unit
    hint: str


def days(country: Country) -> np.ndarray:
    """Days of every month of the series, as a column."""
    names = country.layers["rain"].names
    length = [MONTH_DAYS[int(n[5:]) - 1] + (n == f"{LEAP}-02") for n in names]
    return np.array(length)[:, None, None]


def values(country: Country, key: str) -> np.ndarray:
    """The numbers of a layer in the usual unit."""
    return country.layers[key].values


UNITS = (
    Unit(
        "temperature",
        "K",
        lambda c: values(c, "temperature") + 273.15,
        ("impossible_value",),
        'this looks like kelvin: unit = "K"',
    ),
    Unit(
        "temperature",
        "0.1 degC",
        lambda c: 10.0 * values(c, "temperature"),
        ("impossible_value",),
        'unit = "0.1 degC"',
    ),
    Unit(
        "rain",
        "mm/day",
        lambda c: values(c, "rain") / days(c),
        ("dry_country", "c_eq_above_npp"),
        'unit = "mm/day"',
    ),
    Unit(
        "rain",
        "kg m-2 s-1",
        lambda c: values(c, "rain") / days(c) / 86400.0,
        ("dry_country", "c_eq_above_npp"),
        "is the file in mm/day?",
    ),
    Unit(
        "pet",
        "mm/day",
        lambda c: values(c, "pet") / days(c),
        ("low_pet",),
        'unit = "mm/day"',
    ),
    Unit(
        "clay",
        "g/kg",
        lambda c: 10.0 * values(c, "clay"),
        ("impossible_value",),
        'unit = "g/kg"',
    ),
    Unit(
        "clay",
        "1",
        lambda c: 0.01 * values(c, "clay"),
        ("low_clay",),
        'unit = "1"',
    ),
    Unit(
        "soc",
        "kg/m2",
        lambda c: 0.1 * values(c, "soc"),
        ("clay_above_soc",),
        'unit = "kg/m2"',
    ),
    Unit("soc", "g/m2", lambda c: 100.0 * values(c, "soc"), ("impossible_value",), '"g/m2"'),
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The maps of the country in the usual units."""
    return computed(Country(tmp_path_factory.mktemp("plain")))[1]


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """The same maps, far within the precision they are written in."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=CLOSE, atol=CLOSE, err_msg=name)


@pytest.mark.parametrize("tagged", [False, True], ids=["in run.toml", "in the tag"])
@pytest.mark.parametrize("case", UNITS, ids=lambda case: f"{case.key} in {case.unit}")
def test_a_declared_unit_gives_the_same_maps(tmp_path, plain, case, tagged):
    country = Country(tmp_path)
    raster = country.layers[case.key]
    raster.values, raster.unit = case.turn(country), case.unit if tagged else None
    if not tagged:
        country.option(case.key, unit=case.unit)
    assert_same(computed(country)[1], plain)


def test_the_files_of_a_run_in_other_units_are_the_same(tmp_path):
    """Five other units at once, through to the maps on disk."""
    folders = []
    for name, cases in (
        ("usual", ()),
        ("other", (UNITS[0], UNITS[2], UNITS[4], UNITS[5], UNITS[7])),
    ):
        country = Country(tmp_path / name)
        for case in cases:
            country.layers[case.key].values = case.turn(country)
            country.layers[case.key].unit = case.unit
        folders.append(maps_of(run(country.config()).folder))
    usual, other = folders
    assert usual.keys() == other.keys()
    for name, values in usual.items():
        np.testing.assert_allclose(other[name], values, rtol=FLOAT32, atol=TINY, err_msg=name)


@pytest.mark.parametrize("case", UNITS, ids=lambda case: f"{case.key} in {case.unit}")
def test_a_wrong_unit_stops_the_run_with_a_hint(tmp_path, case):
    country = Country(tmp_path)
    country.layers[case.key].values = case.turn(country)
    message = assert_refused(country, *case.undeclared, said=(f"{case.key}.tif", case.hint))
    assert "expected" in message or "read as" in message


@pytest.mark.parametrize("key", ["soc", "clay", "temperature", "rain", "pet"])
def test_an_unknown_unit_is_an_error(tmp_path, key):
    country = Country(tmp_path)
    country.layers[key].unit = None
    said = (f"{key}.tif is unknown", "its tags name none", "write `unit = ...` beside its path")
    assert_refused(country, "unit_error", said=said)


@pytest.mark.parametrize(
    ("key", "unit", "example"),
    [("soc", "furlong", '"t/ha"'), ("rain", "mm", '"mm/month"'), ("temperature", "m", '"K"')],
)
def test_a_unit_that_cannot_be_converted_is_an_error(tmp_path, key, unit, example):
    country = Country(tmp_path)
    country.option(key, unit=unit)
    said = (f"{key}.tif", f"the unit {unit!r} cannot become", "Set `unit` in run.toml", example)
    assert_refused(country, "unit_error", said=said)


def test_a_unit_in_run_toml_that_contradicts_the_tag_is_told(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].unit = "kg/m2"
    country.option("soc", unit="t/ha")
    report = check_run(country.config())
    assert [f.code for f in report.findings] == ["unit_overrides_tag"]
    line = report.findings[0].line()
    assert all(words in line for words in ("soc.tif", "'t/ha'", "'kg/m2'", "run.toml counts"))


@pytest.mark.parametrize("tag", ["t ha-1", "t C ha-1", "Mg/ha"])
def test_another_spelling_of_the_same_unit_is_no_contradiction(tmp_path, tag):
    country = Country(tmp_path)
    country.layers["soc"].unit = tag
    country.option("soc", unit="t/ha")
    assert check_run(country.config()).findings == []


def packed(country: Country, key: str, scale: float, offset: float) -> None:
    """Store a layer as whole numbers with a scale factor in its tags."""
    raster = country.layers[key]
    raster.values = np.rint((raster.values - offset) / scale).astype(np.int16)
    raster.scale, raster.offset = scale, offset


PACKED = [("temperature", 0.01, 5.0), ("soc", 0.01, 0.0), ("clay", 0.01, 0.0)]


@pytest.mark.parametrize(("key", "scale", "offset"), PACKED)
def test_a_scale_factor_of_the_tags_is_applied_once(tmp_path, plain, key, scale, offset):
    country = Country(tmp_path)
    packed(country, key, scale, offset)
    found = computed(country)[1]
    for name in ("T0", "finalSOC_SSM3"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-3)


def test_apply_scale_false_leaves_a_wrong_scale_factor_out(tmp_path, plain):
    country = Country(tmp_path)
    country.layers["clay"].scale = 10.0
    country.option("clay", apply_scale=False)
    assert_same(computed(country)[1], plain)


def test_a_scale_factor_over_numbers_that_are_scaled_already(tmp_path):
    country = Country(tmp_path)
    country.layers["clay"].scale = 10.0
    said = ("clay.tif", "scale factor in the file's tags was applied", "apply_scale = false")
    assert_refused(country, "impossible_value", said=said)


def test_a_scale_factor_that_is_ignored_by_mistake(tmp_path):
    country = Country(tmp_path)
    packed(country, "temperature", 0.1, 0.0)
    country.option("temperature", apply_scale=False)
    said = ("temperature.tif", 'unit = "0.1 degC"', "scale factor missing")
    assert_refused(country, "impossible_value", said=said)


def test_kelvin_is_told_though_a_scale_factor_was_applied(tmp_path):
    country = Country(tmp_path)
    country.layers["temperature"].values += 273.15
    packed(country, "temperature", 0.01, 0.0)
    assert_refused(country, "impossible_value", said=("temperature.tif", 'unit = "K"'))
    country.option("temperature", unit="K")
    assert [f.code for f in check_run(country.config()).findings] == ["unit_overrides_tag"]


def test_a_scale_factor_of_the_tags_that_was_applied_before(tmp_path):
    """2 % instead of 20 % of clay is possible in one field, hardly in a whole country."""
    country = Country(tmp_path)
    country.layers["clay"].scale = 0.1
    assert_refused(country, "low_clay", said=("clay.tif", "apply_scale = false"))


def test_nodata_is_compared_before_the_scale_factor(tmp_path):
    """-32768 with a factor of 0.01 is -327.68; the number to declare is the one in the file."""
    country = Country(tmp_path)
    packed(country, "soc", 0.01, 0.0)
    country.layers["soc"].values[0, 2, 3] = -32768
    said = ("soc.tif", "-32768 (once)", "nodata = [-32768]")
    assert_refused(country, "undeclared_nodata", said=said)
    country.option("soc", nodata=[-32768])
    assert reasons(country) == {"run": 119, "no_soc": 1}


def test_months_read_as_days_are_too_wet(tmp_path):
    """Declared mm/day, in truth mm/month: thirty times the rain, each month still possible."""
    country = Country(tmp_path)
    months = values(country, "rain")
    yearly = months.reshape(-1, 12, *months.shape[1:]).sum(axis=1).mean()
    country.layers["rain"].values = months * (7000.0 / 30.4 / yearly)
    country.layers["rain"].unit = None
    country.option("rain", unit="mm/day")
    report = check_run(country.config())
    assert "wet_country" in [finding.code for finding in report.findings]


def test_a_tag_of_another_quantity_is_suspicious(tmp_path):
    """Sand taken for SOC: a unit in run.toml must not silence what the file says of itself."""
    country = Country(tmp_path)
    country.layers["soc"].unit = "%"
    country.option("soc", unit="t/ha")
    report = check_run(country.config())
    assert [finding.code for finding in report.findings] == ["foreign_unit_tag"]
    assert "soc.tif" in report.findings[0].line()
