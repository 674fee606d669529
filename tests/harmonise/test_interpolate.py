"""Bilinear over the valid neighbours: exact for linear fields, closed at the seam, no tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from tests.factories import geobox

from recarb.core.grid import cell_centres
from recarb.harmonise.interpolate import (
    EARTH_RADIUS_KM,
    margin_of,
    sampler,
    stencil,
    window_of,
)

GRID = geobox(10.0, 50.0, 0.5, (8, 10))  # 10-15 E, 46-50 N
HALF_GLOBES = [geobox(-180.0, 90.0, 2.0, (90, 180)), geobox(0.0, 90.0, 2.0, (90, 180))]


def whole(grid: GeoBox) -> tuple[slice, slice]:
    return slice(0, grid.shape[0]), slice(0, grid.shape[1])


def at(
    field: np.ndarray,
    grid: GeoBox,
    lon: np.ndarray,
    lat: np.ndarray,
    fill_km: float = 0.0,
    window: tuple[slice, slice] | None = None,
):
    """Values of a field (NaN = missing) at points, from one window, and the sampler."""
    window = window or whole(grid)
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    part = field[window]
    cut = sampler(stencil(lon, lat, grid), np.isfinite(part), window, (lon, lat), grid, fill_km)
    return cut.apply(part[None])[0], cut


def centres(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    return cell_centres(grid, *np.mgrid[whole(grid)])


def great_circle_km(lon, lat, to_lon, to_lat):
    """Haversine."""
    lon, lat, to_lon, to_lat = (np.radians(v) for v in (lon, lat, to_lon, to_lat))
    h = np.sin((to_lat - lat) / 2) ** 2
    h = h + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h))


@given(
    st.floats(10.25, 14.75), st.floats(46.25, 49.75),
    st.floats(-5, 5), st.floats(-5, 5), st.floats(-100, 100),
)  # fmt: skip
def test_a_linear_field_is_reproduced(lon, lat, east, north, level):
    x, y = centres(GRID)
    values, _ = at(level + east * x + north * y, GRID, [lon], [lat])
    assert values[0] == pytest.approx(level + east * lon + north * lat, abs=1e-9)


def test_a_point_on_a_cell_centre_has_the_cells_own_value_even_beside_gaps():
    field = np.full(GRID.shape, np.nan)
    field[3, 4] = 7.5
    x, y = (axis[3, 4] for axis in centres(GRID))
    values, cut = at(field, GRID, [x], [y])
    assert values[0] == 7.5 and not cut.filled[0]
    neighbour, _ = at(np.where(np.isnan(field), 1.0, np.nan), GRID, [x], [y])
    assert np.isnan(neighbour[0])


def test_weights_are_those_of_the_valid_neighbours():
    """By hand: weights 0.56, 0.14, 0.24, 0.06; without the first, 0.44 is left."""
    field = np.array([[np.nan, 2.0], [3.0, 5.0]])
    grid = geobox(0.0, 2.0, 1.0, (2, 2))
    values, cut = at(field, grid, [0.7], [1.2])
    assert values[0] == pytest.approx((0.14 * 2 + 0.24 * 3 + 0.06 * 5) / 0.44, rel=1e-12)
    assert not cut.filled[0] and not cut.missing[0]


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.floats(0.5, 1.5), st.floats(0.5, 1.5))
def test_a_value_lies_between_those_of_the_valid_neighbours(valid, lon, lat):
    field = np.where(np.array(valid).reshape(2, 2), [[1.0, 2.0], [3.0, 4.0]], np.nan)
    values, cut = at(field, geobox(0.0, 2.0, 1.0, (2, 2)), [lon], [lat])
    if not any(valid):
        assert cut.missing[0] and np.isnan(values[0])
    elif not cut.missing[0]:
        assert np.nanmin(field) - 1e-12 <= values[0] <= np.nanmax(field) + 1e-12


@pytest.mark.parametrize("beyond", [0.1, 0.25, 0.45])
def test_the_edge_reaches_half_a_cell_out_on_every_side_alike(beyond):
    """As if a row of missing cells lay around the grid."""
    field = np.arange(80.0).reshape(GRID.shape)
    lon = np.array([10.0 - beyond, 15.0 + beyond, 12.25, 12.25])
    lat = np.array([48.25, 48.25, 50.0 + beyond, 46.0 - beyond])
    near = beyond < 0.25
    values, cut = at(field, GRID, lon, lat)
    assert (~cut.missing).tolist() == [near] * 4
    if near:
        np.testing.assert_array_equal(values, [30.0, 39.0, 4.0, 74.0])


def test_nearest_within_the_distance_with_a_flag_and_beyond_it_missing():
    field = np.full(GRID.shape, np.nan)
    field[2, 2] = 9.0
    x, y = (axis[2, 2] for axis in centres(GRID))
    lon = x + np.array([0.0, 0.3, 1.2, 2.0])
    distance = great_circle_km(lon, y, x, y)
    assert (np.diff(distance) > 0).all()
    limit = float(distance[2]) + 0.001
    values, cut = at(field, GRID, lon, np.full(4, y), fill_km=limit)
    np.testing.assert_array_equal(values, [9.0, 9.0, 9.0, np.nan])
    assert cut.filled.tolist() == [False, False, True, False]
    assert cut.missing.tolist() == [False, False, False, True]
    _, closer = at(field, GRID, lon, np.full(4, y), fill_km=limit - 0.002)
    assert closer.missing.tolist() == [False, False, True, True]


@given(st.integers(0, 2**32 - 1))
def test_the_nearest_is_the_nearest_by_great_circle(seed):
    rng = np.random.default_rng(seed)
    field = np.where(rng.random(GRID.shape) < 0.05, rng.normal(size=GRID.shape), np.nan)
    lon, lat = rng.uniform(10.0, 15.0, 5), rng.uniform(46.0, 50.0, 5)
    values, cut = at(field, GRID, lon, lat, fill_km=1000.0)
    rows, columns = np.nonzero(np.isfinite(field))
    if rows.size == 0:
        assert cut.missing.all()
        return
    x, y = cell_centres(GRID, rows, columns)
    for i in np.flatnonzero(cut.filled):
        d = great_circle_km(lon[i], lat[i], x, y)
        here = great_circle_km(lon[i], lat[i], *(a[0] for a in _place_of(field, values[i])))
        assert here == pytest.approx(d.min(), rel=1e-9)


def _place_of(field, value):
    rows, columns = np.nonzero(field == value)
    return cell_centres(GRID, rows, columns)


def test_of_equally_near_cells_the_first_of_the_grid_is_taken_in_any_window():
    field = np.full(GRID.shape, np.nan)
    field[3, 1], field[3, 7] = 1.0, 2.0  # same latitude, same distance from the middle
    x, y = centres(GRID)
    lon, lat = [(x[3, 1] + x[3, 7]) / 2], [y[3, 1]]
    for window in (whole(GRID), (slice(2, 5), slice(1, 8)), (slice(3, 4), slice(0, 10))):
        values, cut = at(field, GRID, lon, lat, fill_km=300.0, window=window)
        assert values[0] == 1.0 and cut.filled[0]


@pytest.mark.parametrize("grid", HALF_GLOBES, ids=["-180..180", "0..360"])
def test_a_global_grid_closes_at_its_seam(grid):
    x, y = centres(grid)
    field = np.cos(np.radians(x)) + 0.1 * y
    lon = np.array([-180.0, 180.0, 179.5, -179.5, 0.0, -0.5, 0.5, 359.5, 360.0, -360.0, 90.0])
    lat = np.full(lon.size, 10.5)
    values, cut = at(field, grid, lon, lat)
    assert not cut.missing.any() and not cut.filled.any()
    np.testing.assert_allclose(values, np.cos(np.radians(lon)) + 1.05, atol=7e-4)
    np.testing.assert_allclose(values[0], values[1], rtol=1e-12)
    np.testing.assert_allclose(values[5], values[7], rtol=1e-12)


def test_both_halves_of_the_globe_give_the_same():
    found = []
    for grid in HALF_GLOBES:
        x, y = centres(grid)
        field = np.sin(np.radians(3 * x)) * np.cos(np.radians(y))
        lon, lat = np.meshgrid(np.linspace(-180, 180, 73), np.linspace(-90, 90, 37))
        found.append(at(field, grid, lon.ravel(), lat.ravel())[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    assert np.isfinite(found[0]).all()


def test_a_regional_grid_counted_from_0_to_360_finds_western_longitudes():
    """A CORDEX-like file of 350-370 E, asked for 5 W to 5 E."""
    grid = geobox(350.0, 50.0, 0.5, (8, 40))
    x, y = centres(grid)
    lon, lat = np.array([-5.1, -0.1, 0.1, 4.9]), np.full(4, 48.3)
    values, _ = at(x + y, grid, lon, lat)
    np.testing.assert_allclose(values, np.mod(lon + 10.0, 360.0) + 350.0 + lat, atol=1e-9)


def test_a_projected_grid_has_no_seam():
    grid = geobox(500_000.0, 5_000_000.0, 10_000.0, (4, 4), "EPSG:32633")
    found = stencil(np.array([499_000.0 - 10_000.0]), np.array([4_980_000.0]), grid)
    assert (found.columns == -1).all()


@pytest.mark.parametrize("grid", [GRID, *HALF_GLOBES], ids=["region", "-180..180", "0..360"])
def test_no_window_changes_a_bit(grid):
    """Every group of points reads its own window, as the tiles of a run do."""
    rng = np.random.default_rng(3)
    box = grid.boundingbox
    lon = rng.uniform(box.left - 1, box.right + 1, 400)
    lat = np.clip(rng.uniform(box.bottom - 1, box.top + 1, 400), -90, 90)
    field = np.where(rng.random(grid.shape) < 0.35, rng.normal(size=grid.shape), np.nan)
    fill_km = 120.0
    together, _ = at(field, grid, lon, lat, fill_km)
    for part in np.array_split(np.arange(400), 57):
        found = stencil(lon[part], lat[part], grid)
        margin = margin_of(grid, fill_km, float(np.abs(lat[part]).max()))
        window = window_of(found, grid, margin)
        alone, _ = at(field, grid, lon[part], lat[part], fill_km, window)
        np.testing.assert_array_equal(alone, together[part])
    assert 0.2 < np.isfinite(together).mean() < 1.0


def test_points_outside_the_grid_find_its_nearest_cell_alone_and_together():
    """A tile of which no point lies on the grid must look as far as one that has some."""
    field = np.ones(GRID.shape)
    lon, lat = np.array([9.4, 9.4, 12.0]), np.array([48.0, 45.4, 48.0])
    for part in ([0, 1, 2], [0, 1], [0], [1]):
        found = stencil(lon[part], lat[part], GRID)
        window = window_of(found, GRID, margin_of(GRID, 120.0, 50.0))
        values, cut = at(field, GRID, lon[part], lat[part], 120.0, window)
        assert (values == 1.0).all() and cut.filled.tolist() == [i < 2 for i in part]


@given(st.floats(0.0, 89.9999), st.floats(-180.0, 180.0), st.floats(5.0, 400.0), st.booleans())
def test_the_margin_holds_every_cell_within_the_distance(lat, lon, distance, south):
    """Also near the pole, where a circle of 60 km spans all longitudes."""
    lat = -lat if south else lat
    grid = HALF_GLOBES[0]
    found = stencil(np.array([lon]), np.array([lat]), grid)
    rows, columns = window_of(found, grid, margin_of(grid, distance, abs(lat)))
    x, y = centres(grid)
    near = great_circle_km(lon, lat, x, y) <= distance
    seen = np.zeros(grid.shape, dtype=bool)
    seen[rows, columns] = True
    assert not (near & ~seen).any()
