"""Where a country lies: boxes of the user's own boundary, however it is written at 180 degrees."""

import geopandas
import pytest
import shapely
from tests.sequestration.test_bad_places import BEYOND, FIJI, SPLIT

from recarb.core.errors import InputError
from recarb.sources.base import Box
from recarb.sources.cache import Cache
from recarb.sources.countries import area_of
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Line
from recarb.sources.plan import plan
from recarb.sources.registry import load_registry

METRES = "EPSG:3832"  # continuous at 180 degrees


def boxes(folder, shapes, crs="EPSG:4326"):
    """What `area_of` makes of a boundary file, in thousandths of a degree."""
    path = folder / "mine.gpkg"
    geopandas.GeoDataFrame(geometry=shapes, crs="EPSG:4326").to_crs(crs).to_file(path)
    found = area_of("FJI", boundary=path).boxes
    for box in found:
        assert -180.0 <= box.west < box.east <= 180.0
    return sorted(tuple(round(side, 3) for side in box) for box in found)


@pytest.mark.parametrize("shape", [FIJI, BEYOND, SPLIT], ids=["jumping", "to 182", "split"])
def test_a_boundary_across_180_degrees_has_a_box_on_each_side(tmp_path, shape):
    assert boxes(tmp_path, [shape]) == [(-180, -19, -178, -17), (178, -19, 180, -17)]


def test_a_boundary_in_metres_across_180_degrees(tmp_path):
    found = boxes(tmp_path, [SPLIT.buffer(-0.001)], METRES)
    assert [box[::2] for box in found] == [(-179.999, -178.001), (178.001, 179.999)]


def test_a_boundary_beyond_180_alone_is_turned_back(tmp_path):
    assert boxes(tmp_path, [shapely.box(200, -19, 203, -17)]) == [(-160, -19, -157, -17)]
    assert boxes(tmp_path, [shapely.box(177, -19, 183, -17)]) == [
        (-180, -19, -177, -17), (177, -19, 180, -17),
    ]  # fmt: skip


def test_islands_on_both_sides_leave_the_rest_of_the_world_out(tmp_path):
    """None of them touches 180 degrees: Chatham Islands and New Zealand."""
    shapes = [shapely.box(167, -47, 178, -35), shapely.box(-177, -44, -176, -43)]
    assert boxes(tmp_path, shapes) == [(-177, -44, -176, -43), (167, -47, 178, -35)]


def test_a_country_on_both_sides_of_greenwich_is_one_box(tmp_path):
    shapes = [shapely.box(-8, 4, 0, 10), shapely.box(2, 5, 3, 9)]
    assert boxes(tmp_path, shapes) == [(-8, 4, 3, 10)]


def test_a_boundary_without_polygons_is_told(tmp_path):
    line = shapely.LineString([(0, 0), (1, 1)])
    with pytest.raises(InputError, match=r"mine\.gpkg: expected polygons, found lines"):
        boxes(tmp_path, [line])


def test_the_table_serves_where_no_boundary_is_given():
    assert area_of("THA").boxes[0] == Box(97.3, 5.6, 105.7, 20.5)


def test_an_edge_a_hair_beyond_180_is_no_crossing(tmp_path):
    assert boxes(tmp_path, [shapely.box(170, -19, 180.0000001, -17)]) == [(170, -19, 180, -17)]


@pytest.mark.parametrize(("iso3", "islands"), [("KIR", True), ("THA", False)])
def test_a_box_may_be_empty_where_there_are_several(tmp_path, iso3, islands):
    registry = load_registry()
    chosen = {"soc": registry["gsocmap"], "climate": registry["terraclimate"]}
    with Line() as line:
        choices = plan(chosen, area_of(iso3), Fetcher(Cache(tmp_path), line))
    assert {one.may_be_empty for choice in choices for one in choice.wanted} == {islands}
