"""Which cell lies in which unit, whatever part of the grid is asked for."""

from pathlib import Path

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from recarb.io.vectors import Units

GRID = GeoBox((60, 80), Affine(0.1, 0.0, 10.0, 0.0, -0.1, 50.0), "EPSG:4326")
LAKE = shapely.Point(13.0, 47.0)
COUNTRY = shapely.Point(13.0, 47.0).buffer(2.0).difference(LAKE.buffer(0.5))
NEIGHBOUR = shapely.box(14.5, 44.0, 15.9, 48.0)  # over the country's edge: the later one counts
UNITS = Units(("country", "neighbour"), (COUNTRY, NEIGHBOUR), Path("units.gpkg"))


def test_a_unit_has_the_cells_whose_centre_it_holds():
    found = UNITS.on_grid(GRID)
    expected = rasterio.features.rasterize(
        [(COUNTRY, 1), (NEIGHBOUR, 2)], out_shape=GRID.shape, transform=GRID.transform
    )
    np.testing.assert_array_equal(found, expected)
    assert np.unique(found).tolist() == [0, 1, 2]
    assert found[30, 30] == 0, "the lake"


def test_a_part_of_the_grid_has_the_numbers_of_the_whole():
    whole = UNITS.on_grid(GRID)
    for row in range(0, 60, 20):
        for column in range(0, 80, 20):
            part = UNITS.on_grid(GRID[row : row + 20, column : column + 20])
            np.testing.assert_array_equal(part, whole[row : row + 20, column : column + 20])
    assert (whole[:, 60:] == 0).all(), "parts without any polygon"
