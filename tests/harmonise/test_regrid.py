"""Maps on another grid: exact coordinates, area weights, and the same bits in every window."""

from pathlib import Path

import numpy as np
import pytest
import rasterio.warp
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from tests.factories import geobox, layer_file

from recarb.core.grid import LONLAT, cell_centres, transform
from recarb.harmonise.regrid import aligned_shift, cell_ratio, is_finer, source_window, to_grid
from recarb.io.raster import LayerFile

UTM = "EPSG:32634"  # central meridian 21 E
LAEA = "EPSG:3035"
SOC = geobox(20.0, 42.0, 0.1, (10, 12))


def centres(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    return cell_centres(grid, *np.mgrid[0 : grid.shape[0], 0 : grid.shape[1]])


def lonlat_of(grid: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    return transform(*centres(grid), grid.crs, LONLAT)


def layer(folder: Path, values, grid: GeoBox, key: str = "elevation", **tags) -> LayerFile:
    return layer_file(folder / f"{key}.tif", np.asarray(values), grid, key, **tags)


def by_gdal(values: np.ndarray, source: GeoBox, target: GeoBox, how: Resampling) -> np.ndarray:
    result = np.full(target.shape, np.nan)
    rasterio.warp.reproject(
        values,
        result,
        src_transform=source.transform,
        src_crs=str(source.crs),
        dst_transform=target.transform,
        dst_crs=str(target.crs),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=how,
    )
    return result


def with_gaps(shape: tuple[int, int], share: float = 0.2, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < share, np.nan, rng.normal(300.0, 80.0, shape))


def test_an_equal_grid_is_copied_without_a_change(tmp_path):
    values = with_gaps((30, 40))
    source = geobox(19.5, 42.7, 0.1, (30, 40))
    found = to_grid(layer(tmp_path, values, source), SOC)
    np.testing.assert_array_equal(found, values[7:17, 5:17])
    assert aligned_shift(source, SOC) == (7, 5)


def test_digits_lost_in_a_header_do_not_make_another_grid(tmp_path):
    values = with_gaps((10, 12))
    rounded = geobox(20.000001, 41.999999, 0.1000001, (10, 12))
    np.testing.assert_array_equal(to_grid(layer(tmp_path, values, rounded), SOC), values)
    assert aligned_shift(geobox(20.03, 42.0, 0.1, (10, 12)), SOC) is None


def test_where_the_source_ends_there_is_nothing(tmp_path):
    found = to_grid(layer(tmp_path, np.ones((4, 4)), geobox(19.8, 42.2, 0.1, (4, 4))), SOC)
    expected = np.full(SOC.shape, np.nan)
    expected[:2, :2] = 1.0
    np.testing.assert_array_equal(found, expected)
    for far in (geobox(60.0, 42.0, 0.1, (4, 4)), geobox(60.0, 42.0, 0.01, (4, 4)),
                geobox(60.0, 42.0, 1.0, (4, 4))):  # fmt: skip
        assert np.isnan(to_grid(layer(tmp_path, np.ones((4, 4)), far), SOC)).all()


@pytest.mark.parametrize("cell", [1.0, 0.5, 0.25, 0.1])
def test_a_layer_from_0_to_360_covers_the_west(tmp_path, cell):
    """Copied, averaged and interpolated alike: -30 is 330, and nothing breaks at Greenwich."""
    world = geobox(0.0, 60.0, cell, (round(3 / cell), round(360 / cell)))
    values = np.cos(np.radians(centres(world)[0]))
    target = geobox(-30.0, 59.5, 0.5, (3, 120))
    found = to_grid(layer(tmp_path, values, world), target)
    np.testing.assert_allclose(found, np.cos(np.radians(centres(target)[0])), atol=1e-4)
    columns = source_window(world, target)[1]
    assert columns.start == 0 and columns.stop >= round(359.7 / cell)


def test_a_linear_field_is_interpolated_exactly(tmp_path):
    coarse = geobox(19.3, 43.1, 0.5, (6, 7))
    x, y = centres(coarse)
    found = to_grid(layer(tmp_path, 3 * x - 2 * y, coarse), SOC)
    x, y = centres(SOC)
    np.testing.assert_allclose(found, 3 * x - 2 * y, rtol=1e-12)


@pytest.mark.parametrize("crs", [UTM, LAEA, "EPSG:3857"])
def test_between_projections_every_cell_has_its_own_exact_coordinates(tmp_path, crs):
    """A map of longitude, read at the centres of a projected grid, is their longitude."""
    source = geobox(19.0, 43.0, 0.05, (60, 60))
    lon, lat = centres(source)
    x, y = transform(np.array([20.0]), np.array([42.0]), LONLAT, crs)
    target = geobox(float(x[0]), float(y[0]), 1000.0, (40, 50), crs)
    assert not is_finer(source, target)
    there = lonlat_of(target)
    for values, exact in ((lon, there[0]), (lat, there[1])):
        np.testing.assert_allclose(
            to_grid(layer(tmp_path, values, source), target), exact, atol=1e-10
        )


def test_bilinear_agrees_with_gdal_away_from_gaps(tmp_path):
    coarse = geobox(19.3, 43.1, 0.5, (6, 7))
    values = with_gaps(coarse.shape, share=0.0)
    found = to_grid(layer(tmp_path, values, coarse), SOC)
    np.testing.assert_allclose(found, by_gdal(values, coarse, SOC, Resampling.bilinear), rtol=1e-9)


def test_bilinear_beside_a_gap_takes_the_valid_neighbours(tmp_path):
    """Halfway between a value and a gap there is the value, not half of it."""
    coarse = geobox(20.0, 42.0, 0.4, (1, 2))
    found = to_grid(layer(tmp_path, [[10.0, np.nan]], coarse), SOC)[0]
    np.testing.assert_allclose(found[:6], 10.0, rtol=1e-12)
    assert np.isnan(found[6:]).all()


def test_a_whole_number_of_finer_cells_is_their_mean(tmp_path):
    fine = geobox(20.0, 42.0, 0.025, (40, 48))
    values = with_gaps(fine.shape)
    found = to_grid(layer(tmp_path, values, fine), SOC)
    blocks = values.reshape(10, 4, 12, 4)
    np.testing.assert_allclose(found, np.nanmean(blocks, axis=(1, 3)), rtol=1e-12)


def test_a_cut_cell_counts_with_the_part_that_lies_inside(tmp_path):
    """Cells of 0.04 in one of 0.1: two and a half; by hand (1 + 2 + 0.5 * 4) / 2.5."""
    fine = geobox(20.0, 42.0, 0.04, (3, 5))
    values = np.array([[1.0, 2.0, 4.0, 8.0, 16.0]]).repeat(3, axis=0)
    found = to_grid(layer(tmp_path, values, fine), SOC[:1, :2])
    np.testing.assert_allclose(found, [[5.0 / 2.5, (0.5 * 4 + 8 + 16) / 2.5]], rtol=1e-12)
    values[:, 1] = np.nan
    found = to_grid(layer(tmp_path, values, fine), SOC[:1, :1])
    np.testing.assert_allclose(found, [[3.0 / 1.5]], rtol=1e-12)


def test_a_valid_sliver_by_rounding_makes_no_value(tmp_path):
    """The target cell ends at 20.1; the source cell beyond it only touches it in the digits."""
    fine = geobox(20.0 - 1e-10, 42.0, 0.02, (5, 10))
    values = np.full(fine.shape, np.nan)
    values[:, 5:] = 7.0
    found = to_grid(layer(tmp_path, values, fine), SOC[:1, :2])
    np.testing.assert_array_equal(found, [[np.nan, 7.0]])


@pytest.mark.parametrize("cell", [0.06, 0.0337, 0.01])
def test_the_average_agrees_with_gdals_area_weights(tmp_path, cell):
    fine = geobox(19.871, 42.113, cell, tuple(round(1.5 / cell) for _ in range(2)))
    values = with_gaps(fine.shape, share=0.1)
    found = to_grid(layer(tmp_path, values, fine), SOC)
    np.testing.assert_allclose(found, by_gdal(values, fine, SOC, Resampling.average), rtol=1e-6)


def test_an_average_between_projections_is_that_of_the_ground_it_covers(tmp_path):
    """SoilGrids-like cells of 250 m under cells of 0.01 degree, against 60 x 60 exact points."""
    x, y = transform(np.array([20.0]), np.array([42.0]), LONLAT, LAEA)
    fine = geobox(float(x[0]) - 2000.0, float(y[0]) + 6000.0, 250.0, (70, 70), LAEA)
    values = with_gaps(fine.shape, share=0.1, seed=8)
    target = geobox(20.0, 42.0, 0.01, (8, 9))
    assert is_finer(fine, target)
    found = to_grid(layer(tmp_path, values, fine), target)
    dense = geobox(20.0, 42.0, 0.01 / 60, (8 * 60, 9 * 60))
    px, py = transform(*centres(dense), LONLAT, LAEA)
    a = fine.transform
    seen = values[((py - a.f) / a.e).astype(int), ((px - a.c) / a.a).astype(int)]
    expected = np.nanmean(seen.reshape(8, 60, 9, 60), axis=(1, 3))
    # noise without any pattern is the hardest case for points
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.2 * expected.std()
    assert abs((found - expected).mean()) < 0.5
    smooth = to_grid(layer(tmp_path, centres(fine)[0], fine), target)
    np.testing.assert_allclose(smooth, transform(*centres(target), LONLAT, LAEA)[0], atol=15.0)


PAIRS = {
    "copied": (geobox(19.5, 42.7, 0.1, (30, 40)), SOC),
    "bilinear": (geobox(19.31, 43.1, 0.3, (9, 9)), SOC),
    "average": (geobox(19.871, 42.113, 0.0337, (40, 42)), SOC),
    "average of a third": (geobox(19.0, 43.0, 0.1 / 3, (90, 90)), SOC),
    "bilinear from metres": (geobox(380_000.0, 4_700_000.0, 30_000.0, (9, 9), UTM), SOC),
    "average of metres": (geobox(400_000.0, 4_660_000.0, 2_100.0, (60, 60), UTM), SOC),
    "bilinear to metres": (
        geobox(19.0, 43.0, 0.05, (60, 60)),
        geobox(420_000.0, 4_640_000.0, 1_000.0, (23, 31), UTM),
    ),
    "average to metres": (
        geobox(19.0, 43.0, 0.02, (150, 150)),
        geobox(420_000.0, 4_640_000.0, 5_000.0, (13, 11), UTM),
    ),
    "seam": (geobox(0.0, 60.0, 0.25, (20, 1440)), geobox(-3.0, 59.0, 0.7, (5, 11))),
}


@pytest.fixture(scope="module", params=PAIRS, ids=lambda name: name.replace(" ", "-"))
def pair(request, tmp_path_factory):
    source, target = PAIRS[request.param]
    folder = tmp_path_factory.mktemp("pair")
    found = layer(folder, with_gaps(source.shape), source)
    classes = np.random.default_rng(2).integers(0, 4, source.shape).astype("uint8")
    return (found, layer(folder, classes, source, "zones", nodata=0)), target


@settings(max_examples=25)
@given(st.data())
def test_a_cell_has_the_same_bits_in_every_window(pair, data):
    layers, target = pair
    roi = tuple(
        slice(*sorted(data.draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))))
        for n in target.shape
    )
    for one in layers:
        np.testing.assert_array_equal(to_grid(one, target, roi=roi), to_grid(one, target)[roi])


def test_a_window_of_nothing_is_empty(tmp_path):
    found = to_grid(
        layer(tmp_path, np.ones((4, 4)), SOC[:4, :4]), SOC, roi=(slice(2, 2), slice(0, 5))
    )
    assert found.shape == (0, 5)


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "copied"])
def test_classes_are_never_mixed(tmp_path, name):
    source, target = PAIRS[name]
    classes = np.random.default_rng(2).choice([3.0, 40.0, 500.0], source.shape)
    found = to_grid(layer(tmp_path, classes, source, "zones"), target)
    assert set(np.unique(found[np.isfinite(found)])) == {3.0, 40.0, 500.0}


def test_a_mask_and_a_zone_are_those_that_cover_most(tmp_path):
    fine = geobox(20.0, 42.0, 0.02, (5, 10))
    mask = np.zeros(fine.shape)
    mask[:, 2:5] = 1.0  # 60 % of the first cell
    mask[:, 5:7] = 1.0  # 40 % of the second
    mask[0, 0] = np.nan
    found = to_grid(layer(tmp_path, mask, fine, "peat"), SOC[:1, :2])
    np.testing.assert_array_equal(found, [[1.0, 0.0]])
    coarse = geobox(20.0, 42.0, 0.5, (2, 3))
    zones = np.array([[1.0, 7.0, 3.0], [4.0, 5.0, 6.0]])
    found = to_grid(layer(tmp_path, zones, coarse, "zones"), SOC)
    np.testing.assert_array_equal(found, zones.repeat(5, 0).repeat(5, 1)[:10, :12])


def test_units_per_day_take_the_days_of_their_month(tmp_path):
    for cell in (0.1, 0.5, 0.02):
        shape = (round(1 / cell), round(1.2 / cell))
        daily = np.full((12, *shape), 2.0)
        file = layer(tmp_path, daily, geobox(20.0, 42.0, cell, shape), "irrigation", unit="mm/day")
        np.testing.assert_allclose(to_grid(file, SOC[:4, :4], band=2, days=28.25), 56.5, rtol=1e-12)


def test_the_size_of_cells_is_compared_where_the_grids_meet():
    """A globe run for Fiji has its middle off Africa; the source is of Fiji alone."""
    world = geobox(-180.0, 90.0, 0.5, (360, 720))
    fiji = geobox(500_000.0, 8_100_000.0, 1_000.0, (300, 300), "EPSG:32760")
    ratio = cell_ratio(fiji, world)
    assert ratio == pytest.approx(np.sqrt(55.3 * 53.0), rel=0.02)  # km of half a degree at 17 S
    assert cell_ratio(world, fiji) == pytest.approx(1 / ratio, rel=0.02)
    assert is_finer(fiji, world) and not is_finer(world, fiji)
    apart = geobox(500_000.0, 5_000_000.0, 1_000.0, (10, 10), "EPSG:32633")
    assert cell_ratio(apart, geobox(-70.0, -20.0, 0.5, (4, 4))) is None


def test_the_size_of_cells_does_not_break_at_the_antimeridian():
    grid = geobox(3_200_000.0, -1_800_000.0, 20_000.0, (5, 20), "EPSG:3832")
    lon, _ = lonlat_of(grid)
    assert lon.min() < -170 < 170 < lon.max()
    ratio = cell_ratio(geobox(-180.0, 90.0, 1.0 / 120, (21_600, 43_200)), grid)
    assert ratio == pytest.approx(20_000.0 / 928.0, rel=0.05)


@pytest.mark.parametrize("cell", [0.5, 0.05])
def test_a_projected_country_across_the_antimeridian(tmp_path, cell):
    """Longitude unrolled over 180 is the same on both sides of the seam of the source."""
    grid = geobox(3_200_000.0, -1_800_000.0, 20_000.0, (5, 20), "EPSG:3832")
    world = geobox(-180.0, -10.0, cell, (round(12 / cell), round(360 / cell)))
    lon, _ = centres(world)
    found = to_grid(layer(tmp_path, np.sin(np.radians(lon)), world), grid)
    np.testing.assert_allclose(found, np.sin(np.radians(lonlat_of(grid)[0])), atol=3e-3)


@settings(max_examples=60)
@given(
    st.sampled_from([n for n in PAIRS if n != "seam"]), st.integers(0, 9), st.integers(0, 9)
)  # fmt: skip
def test_a_source_window_holds_all_of_the_target(name, row, column):
    source, target = PAIRS[name]
    box = target[row : row + 2, column : column + 2]
    rows, columns = source_window(source, box)
    fine = np.linspace(-0.5, 1.5, 9)
    x, y = cell_centres(box, *np.meshgrid(fine, fine))
    x, y = transform(x, y, target.crs, source.crs)
    a = source.transform
    at = ((y - a.f) / a.e, (x - a.c) / a.a)
    on = (at[0] >= 0) & (at[0] < source.shape[0]) & (at[1] >= 0) & (at[1] < source.shape[1])
    assert (np.floor(at[0][on]) >= rows.start).all() and (np.floor(at[0][on]) < rows.stop).all()
    assert (np.floor(at[1][on]) >= columns.start).all()
    assert (np.floor(at[1][on]) < columns.stop).all()


def test_a_source_window_of_what_lies_apart_is_empty():
    utm = geobox(400_000.0, 4_660_000.0, 2_100.0, (60, 60), UTM)
    for far in (geobox(-70.0, -20.0, 0.5, (4, 4)), geobox(-160.0, 80.0, 0.5, (20, 720))):
        rows, columns = source_window(utm, far)
        assert rows.stop <= rows.start or columns.stop <= columns.start
