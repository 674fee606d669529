"""A country inside another, as Lesotho in South Africa: its cells are nobody else's."""

import geopandas
import numpy as np
import pytest
from shapely.geometry import box
from tests.bad_country import CELL, NORTH, WEST, Country, reasons
from tests.sources.test_prepare_climate import material

from recarb.sequestration.checks import check_run
from recarb.sources.layer_out import Out
from recarb.sources.prepare_boundary import write_boundary

AROUND = box(WEST, NORTH - 10 * CELL, WEST + 12 * CELL, NORTH)
ENCLAVE = box(WEST + 4 * CELL, NORTH - 7 * CELL, WEST + 9 * CELL, NORTH - 3 * CELL)
SURROUNDING = AROUND.difference(ENCLAVE)  # a polygon with a hole
CELLS, ENCLOSED = 120, 5 * 4


def bounded(tmp_path, **shapes):
    country = Country(tmp_path / "country")
    country.folder.mkdir()
    frame = geopandas.GeoDataFrame({"name": list(shapes)}, geometry=list(shapes.values()),
                                   crs="EPSG:4326")  # fmt: skip
    frame.to_file(country.folder / "boundary.geojson", driver="GeoJSON")
    country.table["boundary"] = {"path": "boundary.geojson", "unit_field": "name"}
    return country


def test_the_hole_in_a_country_is_outside(tmp_path):
    assert reasons(bounded(tmp_path, ZAF=SURROUNDING)) == {"run": CELLS - ENCLOSED}


def test_the_enclave_alone(tmp_path):
    assert reasons(bounded(tmp_path, LSO=ENCLAVE)) == {"run": ENCLOSED}


def test_both_share_the_ground_without_gap_or_overlap(tmp_path):
    report = check_run(bounded(tmp_path, LSO=ENCLAVE, ZAF=SURROUNDING).config())
    units = report.inputs.load().units
    assert report.inputs.units.names == ("LSO", "ZAF")
    assert np.array_equal(np.bincount(units.ravel()), [0, ENCLOSED, CELLS - ENCLOSED])
    assert (units[3:7, 4:9] == 1).all()


@pytest.mark.parametrize("shape", [SURROUNDING, ENCLAVE])
def test_a_prepared_boundary_keeps_its_hole(tmp_path, shape):
    source = tmp_path / "given.geojson"
    geopandas.GeoDataFrame({"shapeName": ["x"]}, geometry=[shape], crs="EPSG:4326").to_file(
        source, driver="GeoJSON"
    )
    (tmp_path / "out").mkdir()
    path = write_boundary(material("geoboundaries", "boundary", [source]), "ZAF",
                          Out(tmp_path / "out", tmp_path))  # fmt: skip
    assert geopandas.read_file(path).geometry[0].equals(shape)
