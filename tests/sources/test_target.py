"""The grids of inputs: pieces of one map, FAO's grid, both sides of the antimeridian."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources import samples

from recarb.core.config import Layer
from recarb.core.errors import GridMismatch
from recarb.core.quantities import catalogue
from recarb.io.raster import describe
from recarb.sources.base import Box
from recarb.sources.countries import countries
from recarb.sources.target import arc, climate_grid, fao_grid, soc_grid, union

CELL = 1 / 120


def piece(folder, name, west, north, shape=(12, 24), cell=CELL):
    path = folder / f"{name}.tif"
    values = np.full(shape, 50, np.float32)
    path.write_bytes(samples.geotiff(values, west=west, north=north, cell=cell, nodata=-1))
    return describe("soc", Layer(path=path, unit="t/ha"), catalogue()["soc"])


def test_pieces_of_one_map_are_one_grid(tmp_path):
    found = union([piece(tmp_path, "a", 10.0, 50.0), piece(tmp_path, "b", 9.5, 50.2)])
    assert found.shape == (36, 84)
    assert found.transform.c == pytest.approx(9.5)


def test_pieces_of_two_maps_are_told(tmp_path):
    pieces = [piece(tmp_path, "a", 10.0, 50.0), piece(tmp_path, "b", 9.5013, 50.2)]
    with pytest.raises(GridMismatch, match=r"soc \(b.tif\) does not lie on the grid"):
        union(pieces)


def test_a_country_on_both_sides_of_180_gets_a_grid_that_the_run_takes(tmp_path):
    boxes = (Box(-180.0, -18.0, -179.9, -17.9), Box(179.8, -18.0, 180.0, -17.9))
    pieces = [piece(tmp_path, "w", -180.0, -17.9), piece(tmp_path, "e", 179.8, -17.9)]
    found = soc_grid(pieces, boxes, 0.0, snap=False)
    assert found.shape == (12, 43200)
    assert found.boundingbox.left == pytest.approx(-180.0)
    assert found.boundingbox.right == pytest.approx(180.0)


def test_a_world_map_in_the_place_of_a_part_is_cropped(tmp_path):
    world = piece(tmp_path, "world", -180.0, 90.0, (180, 360), 1.0)
    found = soc_grid([world], (Box(10.2, 45.3, 11.9, 46.0),), 0.0, snap=False)
    assert tuple(found.boundingbox) == (10.0, 45.0, 12.0, 46.0)


def test_a_box_beside_the_map_is_told(tmp_path):
    with pytest.raises(GridMismatch, match="expected a map that covers"):
        soc_grid([piece(tmp_path, "a", 10.0, 50.0)], (Box(30, 0, 31, 1),), 0.0, snap=False)


@given(
    west=st.floats(-179.9, 179), south=st.floats(-89, 89), size=st.floats(0.0001, 0.9)
)  # fmt: skip
def test_fao_s_grid_covers_the_box_on_lines_of_30_seconds(west, south, size):
    box = Box(west, south, min(west + size, 180.0), min(south + size, 90.0))
    found = fao_grid(box)
    bounds = found.boundingbox
    assert bounds.left <= box.west + 1e-7 and bounds.right >= box.east - 1e-7
    assert bounds.bottom <= box.south + 1e-7 and bounds.top >= box.north - 1e-7
    assert bounds.left > box.west - CELL - 1e-7
    for edge in (bounds.left, bounds.top):
        assert edge * 120 == pytest.approx(round(edge * 120), abs=1e-6)


@pytest.mark.parametrize(
    ("iso3", "west", "east"),
    [("FJI", 174.5, 181.8), ("KIR", 169.5, 208.3), ("RUS", 19.6, 190.3), ("THA", 97.3, 105.7)],
)
def test_the_shortest_box_around_a_country(iso3, west, east):
    found = arc(countries()[iso3].boxes)
    assert found.west == pytest.approx(west, abs=0.2)
    assert found.east == pytest.approx(east, abs=0.2)


@pytest.mark.parametrize("iso3", sorted(countries()))
def test_the_climate_grid_of_every_country_is_no_wider_than_the_world(iso3):
    world = fao_grid(Box(-180, -90, 180, 90)).zoom_out(60)
    boxes = countries()[iso3].boxes
    found = climate_grid(world, boxes, 1.0)
    a = found.transform
    assert found.shape[1] * a.a <= 360.0 + 1e-9
    assert a.f <= 90.0 + 1e-9
    for box in boxes:  # each box lies inside, here or a circle further
        assert any(a.c - 1e-9 <= box.west + turn and box.east + turn <= a.c + found.shape[1] * a.a
                   for turn in (0.0, 360.0))  # fmt: skip
