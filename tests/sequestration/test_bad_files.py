"""Files that are not there, not rasters, nowhere, elsewhere, or have the wrong bands and months."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from affine import Affine
from tests.bad_country import (
    CELL,
    LONLAT,
    NORTH,
    WEST,
    Country,
    assert_refused,
    codes,
    grid,
    months,
    pattern,
    traces,
)

from recarb.core.config import load_config
from recarb.core.findings import Severity
from recarb.sequestration.checks import check_run
from recarb.sequestration.pipeline import run

LAYERS = ("soc", "clay", "land_use", "temperature", "rain", "pet")


class Case(NamedTuple):
    """One fault, and what has to be said about it."""

    name: str
    change: Callable[[Country], object]
    code: str
    said: tuple[str, ...]


def change(key: str, **fields: object) -> Callable[[Country], None]:
    """Set fields of one raster."""

    def apply(country: Country) -> None:
        for name, value in fields.items():
            setattr(country.layers[key], name, value)

    return apply


def bands(key: str, count: int) -> Callable[[Country], None]:
    """Cut a series to some bands, without names."""

    def apply(country: Country) -> None:
        raster = country.layers[key]
        raster.values, raster.names = raster.values[:count], raster.names[:count]

    return apply


def climatology(key: str, count: int) -> Callable[[Country], None]:
    """Twelve means, of which one layer has another number of bands."""

    def apply(country: Country) -> None:
        values = country.layers[key].values
        country.without_years()
        country.layers[key].values = values[:count]

    return apply


def cover(count: int) -> Callable[[Country], None]:
    """A vegetation cover layer with some bands."""
    return lambda country: country.add("cover", np.full((count, 10, 12), 0.5))


def without_month(country: Country) -> None:
    """A series in which July 2000 is missing."""
    raster = country.layers["rain"]
    gap = raster.names.index("2000-07")
    raster.values = np.delete(raster.values, gap, axis=0)
    raster.names = raster.names[:gap] + raster.names[gap + 1 :]


def without_names(country: Country) -> None:
    """A series whose bands do not say their months."""
    country.layers["pet"].names = ()


def shuffled_means(country: Country) -> None:
    """Twelve means from July to June, named so."""
    country.without_years()
    country.layers["rain"].names = tuple(f"2001-{m:02d}" for m in (*range(7, 13), *range(1, 7)))


SERIES_IS_SHORT = ("expected the years 1999 to 2000", "2000-01 to 2003-12", "change `years`")
CASES = (
    Case(
        "no CRS",
        change("clay", crs=None),
        "grid_mismatch",
        ("clay.tif", "no coordinate system (CRS)", "Assign one", "gdal_edit.py"),
    ),
    Case(
        "elsewhere",
        change("clay", transform=grid(CELL, -60.0, 10.0)[0]),
        "no_overlap",
        (
            "clay.tif",
            "covers x -60 to -58.8",
            "lies at x 20 to 21.2",
            "use a layer of this country",
        ),
    ),
    Case(
        "degrees under a projected CRS",
        change("clay", crs="EPSG:32634"),
        "no_overlap",
        ("clay.tif", "EPSG:32634", "these numbers look like degrees", "EPSG:4326"),
    ),
    Case(
        "other side of the Earth, projected",
        change("clay", crs="EPSG:32756", transform=Affine(1e4, 0.0, 5e5, 0.0, -1e4, 6e6)),
        "no_overlap",
        ("clay.tif", "covers x 500000", "EPSG:32756", "use a layer of this country"),
    ),
    Case(
        "a CRS without a place on Earth",
        change("clay", crs='LOCAL_CS["field",UNIT["metre",1]]'),
        "unreadable",
        ("inputs.clay", "cannot be used", "coordinate system"),
    ),
    Case(
        "upside down",
        change("clay", transform=Affine(CELL, 0.0, WEST, 0.0, CELL, 41.0)),
        "grid_mismatch",
        ("clay.tif", "rotated or upside down", "gdalwarp"),
    ),
    Case(
        "11 means",
        climatology("rain", 11),
        "missing_data",
        ("rain.tif", "expected 12 bands, January to December", "found 11", "give twelve means"),
    ),
    Case(
        "13 means",
        climatology("pet", 13),
        "missing_data",
        ("pet.tif", "expected 12 bands, January to December", "found 13", "give twelve means"),
    ),
    Case("11 covers", cover(11), "missing_data", ("cover.tif", "expected 12 bands", "found 11")),
    Case("13 covers", cover(13), "missing_data", ("cover.tif", "expected 12 bands", "found 13")),
    Case(
        "means from July",
        shuffled_means,
        "missing_data",
        ("rain.tif", "January to December", "07, 08", "bring them into the order"),
    ),
    Case(
        "not whole years",
        bands("rain", 55),
        "missing_data",
        ("rain.tif", "whole years", "found 55 bands", "2003-07", "complete the first and the last"),
    ),
    Case(
        "a month missing",
        without_month,
        "missing_data",
        ("rain.tif", "2000-06 followed by 2000-08", "band 19", "add the missing months"),
    ),
    Case(
        "months unknown",
        without_names,
        "missing_data",
        ("pet.tif", "60 bands", "band names tell their months", 'first = "1981-01"'),
    ),
    Case(
        "a year missing at the end",
        bands("temperature", 48),
        "missing_data",
        ("temperature.tif", "expected the years 2001 to 2003", "to 2002-12", "change `years`"),
    ),
    Case(
        "three bands where one is needed",
        change("clay", values=np.stack([pattern((10, 12), 15.0, 30.0)] * 3), names=("a", "b", "c")),
        "missing_data",
        ("clay.tif", "3 bands", "say which: band = 1", "a, b, c"),
    ),
    Case(
        "a band that is not there",
        lambda country: country.option("clay", band=2),
        "missing_data",
        ("clay.tif", "band 2 is wanted", "has 1"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_faulty_file_stops_the_run_and_is_explained(tmp_path, case):
    country = Country(tmp_path)
    case.change(country)
    assert_refused(country, case.code, said=case.said)


def test_the_plain_country_runs_without_a_finding(tmp_path):
    country = Country(tmp_path)
    report = run(country.config())
    assert report.findings == []
    assert report.ledger.run == report.ledger.total == 120


@pytest.mark.parametrize("key", LAYERS)
def test_a_missing_file_is_named_with_its_folder(tmp_path, key):
    country = Country(tmp_path)
    country.spoiled[key] = None
    assert_refused(
        country, "missing_data", said=(str(country.path(key)), "no such file", "correct `path`")
    )


@pytest.mark.parametrize("content", [b"", b"<html>404 not found</html>", b"II*\0rubbish"])
@pytest.mark.parametrize("key", ["soc", "land_use", "rain"])
def test_a_file_that_is_no_raster(tmp_path, key, content):
    country = Country(tmp_path)
    country.spoiled[key] = content
    said = (f"{key}.tif", "raster GDAL can read", "Expected GeoTIFF or NetCDF", "error page")
    assert_refused(country, "input_error", said=said)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("key", LAYERS)
def test_half_a_file_is_an_error_and_no_crash(tmp_path, key, share):
    country = Country(tmp_path)
    country.layers[key].keep_bytes = share
    config = country.config()
    found = [f for f in check_run(config).findings if f.severity is Severity.ERROR]
    assert len(found) == 1
    assert f"{key}.tif" in found[0].line()
    assert traces(country.output) == []


def test_a_warm_up_year_outside_the_series(tmp_path):
    country = Country(tmp_path)
    country.set("warm_up", years=[2001, 2005])
    message = assert_refused(
        country,
        *["missing_data"] * 3,
        said=("expected the years 2001 to 2005", "1999-01 to 2003-12", "give a longer series"),
    )
    for key in ("temperature.tif", "rain.tif", "pet.tif"):
        assert key in message


def test_the_soc_map_on_the_other_side_of_the_earth_leaves_the_others_without_ground(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].transform = grid(CELL, -60.0, 10.0)[0]
    message = assert_refused(country, *["no_overlap"] * 5, said=("lies at x -60 to -58.8",))
    assert all(f"{key}.tif" in message for key in LAYERS[1:])


def test_a_soc_map_without_a_place_on_earth(tmp_path):
    country = Country(tmp_path)
    country.layers["soc"].crs = 'LOCAL_CS["field",UNIT["metre",1]]'
    assert_refused(country, "unreadable", said=("inputs.soc", "coordinate system"))


def test_a_series_with_a_start_of_its_own_and_another_in_run_toml(tmp_path):
    country = Country(tmp_path)
    country.layers["rain"].names = months(1989, 1993)
    country.option("rain", first="1999-01")
    report = check_run(country.config())
    assert [f.code for f in report.findings] == ["first_overrides_time"]
    line = report.findings[0].line()
    assert all(words in line for words in ("rain.tif", "1999-01", "1989-01", "remove `first`"))


def test_a_series_split_over_files_must_lie_on_one_grid(tmp_path):
    country = Country(tmp_path)
    rain = country.layers["rain"]
    country.option("rain", path="rain_*.tif")
    config_path = country.write()
    halves = [(rain.values[:24], rain.names[:24]), (rain.values[24:], rain.names[24:])]
    for number, (values, names) in enumerate(halves):
        rain.values, rain.names = values, names
        rain.transform = grid(0.25, WEST - 0.5 + 0.1 * number, NORTH + 0.5)[0]
        rain.write(country.folder / f"rain_{number}.tif")
    report = check_run(load_config(config_path))
    assert codes(report.findings) == ["grid_mismatch"]
    assert "rain_1.tif lies on another grid" in report.findings[0].line()


def test_the_crs_of_a_layer_may_differ_from_that_of_the_soc_map(tmp_path):
    """The same clay in Lambert azimuthal equal-area metres gives nearly the same maps."""
    from pyproj import Transformer

    country = Country(tmp_path)
    plain = run(country.config()).summary
    metres = "EPSG:3035"
    x, y = Transformer.from_crs(LONLAT, metres, always_xy=True).transform(
        [WEST - 0.2, WEST + 1.4], [NORTH + 0.2, NORTH - 1.2]
    )
    cell = 500.0
    shape = int((y[0] - y[1]) / cell) + 40, int((x[1] - x[0]) / cell) + 40
    transform = Affine(cell, 0.0, min(x) - 20 * cell, 0.0, -cell, max(y) + 20 * cell)
    clay = country.layers["clay"]
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    lon, lat = Transformer.from_crs(metres, LONLAT, always_xy=True).transform(
        transform.c + cell * (columns + 0.5), transform.f - cell * (rows + 0.5)
    )
    row = np.clip(((NORTH - lat) / CELL).astype(int), 0, 9)
    column = np.clip(((lon - WEST) / CELL).astype(int), 0, 11)
    clay.values, clay.transform, clay.crs = clay.values[0][row, column][None], transform, metres
    country.table["output"] = "other"
    other = run(country.config()).summary
    column_of = "mean_final_soc_tc_ha"
    assert np.allclose(plain[column_of], other[column_of], rtol=2e-4)
    assert not np.array_equal(plain[column_of], other[column_of])
