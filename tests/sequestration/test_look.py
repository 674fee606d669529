"""The small maps of a check: the cells that are there, and the share of the country they cover."""

import json

import numpy as np
import pytest
from affine import Affine
from tests.bad_country import CELL, NORTH, WEST, Country

from recarb.sequestration.checks import check_run
from recarb.sequestration.look import LARGEST


def looked(country):
    report = check_run(country.config(), look=True)
    rows = {row.key: row for row in report.layers}
    return report, rows, {one.key: one for one in report.look.maps()}


def boundary(country, west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    shapes = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {},
              "geometry": {"type": "Polygon", "coordinates": [ring]}}]}  # fmt: skip
    country.folder.mkdir(parents=True, exist_ok=True)
    (country.folder / "boundary.geojson").write_text(json.dumps(shapes))
    country.table["boundary"] = {"path": "boundary.geojson"}


def test_a_small_country_is_shown_cell_by_cell(tmp_path):
    country = Country(tmp_path)
    _, rows, maps = looked(country)
    assert np.array_equal(maps["soc"].values, country.layers["soc"].values[0])
    assert np.array_equal(maps["clay"].values, country.layers["clay"].values[0])
    assert maps["soc"].unit == "t ha-1"
    assert {row.covers_pct for row in rows.values()} == {100.0}


def test_of_a_series_the_mean_is_shown(tmp_path):
    country = Country(tmp_path)
    _, _, maps = looked(country)
    mean = country.layers["rain"].values.mean(axis=0)
    shown = maps["series.rain"].values
    assert shown.shape == (10, 12)
    assert shown[0, 0] == pytest.approx(mean[2, 2])  # 20.05 E, 41.95 N on cells of 0.25 degrees
    assert shown[-1, -1] == pytest.approx(mean[5, 6])


def test_land_use_is_shown_in_classes(tmp_path):
    country = Country(tmp_path)
    country.option("land_use", options={"130": 5})
    _, _, maps = looked(country)
    assert np.unique(maps["land_use"].values).tolist() == [2.0, 5.0]
    assert maps["land_use"].is_code


def test_a_layer_of_half_the_country(tmp_path):
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.nodata = -1.0
    clay.values[:, :, 6:] = -1.0
    _, rows, maps = looked(country)
    assert rows["clay"].covers_pct == 50.0
    assert rows["soc"].covers_pct == 100.0
    assert np.isnan(maps["clay"].values[:, 6:]).all()


def test_the_country_is_what_lies_inside_and_has_a_stock(tmp_path):
    country = Country(tmp_path)
    boundary(country, WEST, NORTH - 1.0, WEST + 0.6, NORTH)  # the western half
    soc, clay = country.layers["soc"], country.layers["clay"]
    soc.nodata = clay.nodata = -1.0
    soc.values[:, :5] = -1.0  # the northern half has no stock,
    clay.values[:, :5] = -1.0  # and no clay either, which is no loss there
    report, rows, _ = looked(country)
    assert report.look.view.grid.shape == (10, 6)
    assert rows["soc"].covers_pct == 50.0
    assert rows["clay"].covers_pct == 100.0


def test_a_large_country_is_thinned_out(tmp_path):
    country = Country(tmp_path)
    fine = CELL / 40
    soc = country.layers["soc"]
    soc.transform = Affine(fine, 0.0, WEST, 0.0, -fine, NORTH)
    soc.values = np.kron(soc.values[0], np.ones((40, 40)))[None]
    report, rows, maps = looked(country)
    shape = report.look.view.grid.shape
    assert shape[0] <= LARGEST[0]
    assert shape[1] <= LARGEST[1]
    assert np.isin(maps["soc"].values, soc.values).all()  # cells, not means
    assert rows["clay"].covers_pct == 100.0
    assert rows["soc"].resolution == "9 arc-seconds"


@pytest.mark.parametrize("left", [WEST, WEST - 360.0, WEST + 360.0])
def test_longitudes_may_be_counted_otherwise(tmp_path, left):
    country = Country(tmp_path)
    clay = country.layers["clay"]
    clay.transform = Affine(CELL, 0.0, left, 0.0, -CELL, NORTH)
    _, rows, maps = looked(country)
    assert rows["clay"].covers_pct == 100.0
    assert np.array_equal(maps["clay"].values, clay.values[0])


def test_what_the_tags_say_of_the_version(tmp_path):
    import rasterio

    country = Country(tmp_path)
    config = country.config()
    with rasterio.open(country.path("clay"), "r+") as file:
        file.update_tags(SOURCE="SoilGrids 2.0")
    rows = {row.key: row for row in check_run(config).layers}
    assert rows["clay"].version == "SoilGrids 2.0"
    assert rows["soc"].version == ""


def test_a_plain_check_makes_no_maps(tmp_path):
    report = check_run(Country(tmp_path).config())
    assert report.look is None
    assert all(np.isnan(row.covers_pct) for row in report.layers)


def test_a_boundary_that_cannot_be_read_is_told_once(tmp_path):
    country = Country(tmp_path)
    boundary(country, WEST, NORTH - 1.0, WEST + 0.6, NORTH)
    (tmp_path / "boundary.geojson").write_text("half a fi")
    report = check_run(country.config(), look=True)
    assert len([one for one in report.findings if "boundary" in one.line()]) == 1
    assert report.look.view.inside.all()
