"""Areas against the ellipsoid, grids that are refused, tiles that cover once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from tests.factories import geobox

from recarb.core.errors import GridMismatch
from recarb.core.grid import Tile, cell_areas_ha, cell_centres, check_grid, tiles, transform

WGS84 = Geod(ellps="WGS84")
M2_PER_HA = 1e4


def zone_between_parallels(south: float, north: float, width: float) -> float:
    """Area of a lon/lat rectangle on the ellipsoid in closed form [ha] (Snyder 1987, eq. 3-12)."""
    a, f = WGS84.a, WGS84.f
    e2 = f * (2 - f)
    e = np.sqrt(e2)

    def q(latitude: float) -> float:
        s = np.sin(np.radians(latitude))
        return (1 - e2) * (s / (1 - e2 * s**2) - np.log((1 - e * s) / (1 + e * s)) / (2 * e))

    return float(np.radians(width) * a**2 / 2 * (q(north) - q(south)) / M2_PER_HA)


def geodesic_polygon(south: float, north: float, width: float) -> float:
    """Area of the same rectangle as a polygon of short geodesics [ha]."""
    along = np.linspace(0.0, width, 2001)
    lon = np.concatenate([along, along[::-1]])
    lat = np.concatenate([np.full(along.size, south), np.full(along.size, north)])
    area, _ = WGS84.polygon_area_perimeter(lon, lat)
    return abs(area) / M2_PER_HA


def whole(box) -> Tile:
    return Tile(slice(0, box.shape[0]), slice(0, box.shape[1]))


@pytest.mark.parametrize("north", [0.5, -10.0, 45.25, 60.0, 80.0, 90.0, -89.5])
@pytest.mark.parametrize("cell", [0.5, 1.0 / 120.0])
def test_areas_of_degree_cells(north, cell):
    box = geobox(10.0, north, cell, (1, 3))
    areas = cell_areas_ha(box, whole(box))
    exact = zone_between_parallels(north - cell, north, cell)
    np.testing.assert_allclose(areas, exact, rtol=1e-6)
    if abs(north) < 89:
        np.testing.assert_allclose(exact, geodesic_polygon(north - cell, north, cell), rtol=1e-6)


def test_the_whole_globe():
    """510.07 million km2 (WGS84: 5.10065622e14 m2)."""
    box = geobox(-180.0, 90.0, 0.5, (360, 720))
    areas = cell_areas_ha(box, whole(box))
    assert areas.min() > 0
    assert areas.sum() == pytest.approx(5.10065622e10, rel=1e-8)


def test_a_cell_does_not_depend_on_its_tile():
    box = geobox(20.0, 65.0, 1.0 / 120.0, (40, 30))
    areas = cell_areas_ha(box, whole(box))
    for tile in tiles(box.shape, 7):
        np.testing.assert_array_equal(cell_areas_ha(box, tile), areas[tile.roi])


def test_areas_of_an_equal_area_projection_are_those_of_its_metres():
    box = geobox(4_000_000.0, 3_000_000.0, 1000.0, (4, 4), "EPSG:3035")
    np.testing.assert_allclose(cell_areas_ha(box, whole(box)), 100.0, rtol=1e-5)


def test_areas_of_a_conformal_projection_take_its_scale_out():
    """UTM has 0.9996 at its central meridian, so a cell of 1 km has more than 100 ha there."""
    box = geobox(499_000.0, 5_000_000.0, 1000.0, (2, 2), "EPSG:32633")
    np.testing.assert_allclose(cell_areas_ha(box, whole(box)), 100.0 / 0.9996**2, rtol=1e-5)


def test_a_projected_grid_across_the_antimeridian():
    """Fiji in PDC Mercator (centred on 150 E), columns on both sides of 180."""
    box = geobox(3_200_000.0, -1_800_000.0, 20_000.0, (5, 20), "EPSG:3832")
    areas = cell_areas_ha(box, whole(box))
    lon, _ = transform(*cell_centres(box, np.zeros(20), np.arange(20)), box.crs, "EPSG:4326")
    assert lon.max() > 170 and lon.min() < -170
    np.testing.assert_allclose(areas, areas[:, :1].repeat(20, axis=1), rtol=1e-9)
    assert (areas > 0).all() and (areas < 40_000.0).all()


@pytest.mark.parametrize(
    ("west", "north", "shape"),
    [(177.0, -12.0, (10, 12)), (-180.6, 10.0, (4, 4)), (0.0, 92.0, (8, 4)), (0.0, -88.0, (8, 4)),
     (350.0, 10.0, (4, 4))],
)  # fmt: skip
def test_grids_that_leave_the_globe_are_refused(west, north, shape):
    with pytest.raises(GridMismatch, match=r"soc \(a.tif\)"):
        check_grid(geobox(west, north, 0.5, shape), "soc (a.tif)")


def test_the_refusal_says_what_to_do_across_the_antimeridian():
    with pytest.raises(GridMismatch, match="grid from -180 to 180, two halves, or a projected CRS"):
        check_grid(geobox(177.0, -12.0, 0.5, (20, 12)), "soc (a.tif)")


@pytest.mark.parametrize(
    "box",
    [
        geobox(-180.0, 90.0, 0.5, (360, 720)),
        geobox(-180.0000001, 90.0000001, 0.5, (360, 720)),  # rounded headers
        geobox(177.0, -12.0, 0.5, (20, 6)),
        geobox(3_200_000.0, -1_800_000.0, 20_000.0, (5, 20), "EPSG:3832"),
    ],
)
def test_grids_that_are_fine(box):
    check_grid(box, "soc (a.tif)")
    assert (cell_areas_ha(box, whole(box)) > 0).all()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 70))
def test_tiles_cover_every_cell_once(height, width, size):
    seen = np.zeros((height, width), dtype=int)
    for tile in tiles((height, width), size):
        assert max(tile.shape) <= size and min(tile.shape) >= 1
        seen[tile.roi] += 1
    assert (seen == 1).all()


def test_cell_centres():
    x, y = cell_centres(geobox(20.0, 42.0, 0.1, (10, 10)), np.array([0, 9]), np.array([0, 9]))
    np.testing.assert_allclose(x, [20.05, 20.95])
    np.testing.assert_allclose(y, [41.95, 41.05])


def test_transform_has_longitude_first_whatever_the_authority_says():
    """EPSG:4326 is latitude first by its definition."""
    x, y = transform(np.array([15.0]), np.array([0.0]), "EPSG:4326", "EPSG:32633")
    np.testing.assert_allclose([x[0], y[0]], [500_000.0, 0.0], atol=1e-6)
