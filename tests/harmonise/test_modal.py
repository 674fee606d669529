"""The predominant class of a target cell."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform

from recarb.core.errors import GridMismatch
from recarb.harmonise import landuse as lu

# odc-geo multiplies affine transforms with `*`, which affine 3 wants written `@`.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

NATIVE_DEG = 1 / 360
TARGET_DEG = 1 / 120


def everywhere(codes):
    return np.ones(np.shape(codes), dtype=bool)


def degrees(left, top, step, shape):
    return GeoBox(shape, Affine(step, 0, left, 0, -step, top), "EPSG:4326")


def to_grid(classes, native, target):
    return lu.modal_to_grid(np.asarray(classes, np.uint8), native.affine, native.crs, target)


NATIVE = degrees(20, 45, NATIVE_DEG, (3, 3))
ONE_CELL = degrees(20, 45, TARGET_DEG, (1, 1))


def test_modal_is_not_nearest():
    assert to_grid([[2, 2, 2], [2, 4, 3], [3, 4, 3]], NATIVE, ONE_CELL).tolist() == [[2]]


def test_reclassify_goes_before_the_mode():
    codes = np.array([[60, 60, 61], [61, 62, 130], [130, 130, 10]], dtype=np.uint8)
    legend = lu.load_crosswalk()
    forest = to_grid(lu.reclassify(codes, everywhere(codes), legend), NATIVE, ONE_CELL)
    values, counts = np.unique(codes, return_counts=True)
    mode_first = legend.classes[int(values[counts.argmax()])]
    assert mode_first == 3
    assert forest.tolist() == [[4]]


def test_no_data_does_not_vote_but_an_excluded_class_does():
    codes = np.array([[0, 0, 0], [0, 0, 0], [0, 130, 10]], dtype=np.uint8)
    manual = lu.load_crosswalk("esa_cci_fao_manual")
    one_crop = lu.reclassify(codes, codes != 130, manual)
    assert to_grid(one_crop, NATIVE, ONE_CELL).tolist() == [[2]]
    codes[:2] = 130
    mostly_grass = lu.reclassify(codes, everywhere(codes), manual)
    assert mostly_grass[0, 0] == lu.EXCLUDED
    assert to_grid(mostly_grass, NATIVE, ONE_CELL).tolist() == [[0]]


def test_equal_areas_go_to_the_lower_code():
    halves = np.array([[5, 5], [3, 3]], dtype=np.uint8)
    native = degrees(20, 45, TARGET_DEG / 2, (2, 2))
    assert to_grid(halves, native, ONE_CELL).tolist() == [[3]]
    assert to_grid(halves[::-1].T, native, ONE_CELL).tolist() == [[3]]


def test_a_pixel_votes_with_the_area_inside_the_cell():
    row = np.array([[5, 2, 5]], dtype=np.uint8)
    native = degrees(0, 1, 1.0, (1, 3))
    for sliver, winner in [(1e-6, 2), (0.3, 2), (0.6, 5)]:
        target = GeoBox((1, 1), Affine(1 + 2 * sliver, 0, 1 - sliver, 0, -1, 1), "EPSG:4326")
        assert to_grid(row, native, target).tolist() == [[winner]], sliver


def test_rounded_transforms_do_not_shift_the_map():
    rng = np.random.default_rng(3)
    classes = rng.integers(1, 14, (400, 400)).astype(np.uint8)
    native = degrees(20, 45, TARGET_DEG, (400, 400))
    rounded = degrees(20, 45, 0.0083333333, (400, 400))
    assert native != rounded
    np.testing.assert_array_equal(to_grid(classes, native, rounded), classes)


def test_equal_grids_are_copied():
    classes = np.array([[2, 0], [lu.EXCLUDED, 13]], dtype=np.uint8)
    grid = degrees(20, 45, TARGET_DEG, (2, 2))
    copy = to_grid(classes, grid, grid)
    assert copy.tolist() == [[2, 0], [0, 13]]
    copy[0, 0] = 9
    assert classes.tolist() == [[2, 0], [lu.EXCLUDED, 13]]


def test_target_finer_than_the_source():
    native = degrees(0, 2, 1.0, (2, 2))
    fine = degrees(0, 2, 1 / 300, (600, 600))
    classes = np.array([[2, 3], [4, 5]], dtype=np.uint8)
    np.testing.assert_array_equal(
        to_grid(classes, native, fine), classes.repeat(300, 0).repeat(300, 1)
    )


def test_outside_the_source_is_no_land_use():
    classes = np.full((3, 3), 2, dtype=np.uint8)
    around = degrees(20 - TARGET_DEG, 45 + TARGET_DEG, TARGET_DEG, (3, 3))
    assert to_grid(classes, NATIVE, around).tolist() == [[0, 0, 0], [0, 2, 0], [0, 0, 0]]


def test_rows_from_south_to_north():
    classes = np.array([[2, 3, 4], [5, 6, 7], [8, 9, 10]], dtype=np.uint8)
    upward = GeoBox((3, 3), Affine(1, 0, 0, 0, 1, 0), "EPSG:4326")
    np.testing.assert_array_equal(
        to_grid(classes, upward, degrees(0, 3, 1.0, (3, 3))), classes[::-1]
    )


def test_across_the_antimeridian():
    world = np.tile(np.arange(36, dtype=np.uint8) % 13 + 1, (18, 1))
    native = degrees(-180, 90, 10.0, (18, 36))
    fiji = to_grid(world, native, degrees(160, 10, 10.0, (1, 4)))
    assert fiji.tolist() == [[world[0, 34], world[0, 35], world[0, 0], world[0, 1]]]
    east_only = to_grid(world[:, 34:], native[:, 34:], degrees(160, 10, 10.0, (1, 4)))
    assert east_only.tolist() == [[world[0, 34], world[0, 35], 0, 0]]


def random_country(crs, step, origin, shape, seed=1):
    rng = np.random.default_rng(seed)
    classes = rng.choice([0, 2, 2, 3, 4, 5, 12, lu.EXCLUDED], shape).astype(np.uint8)
    return classes, GeoBox(shape, Affine(step, 0, origin[0], 0, -step, origin[1]), crs)


@pytest.mark.parametrize("offset_deg", [0.0, 0.00123, NATIVE_DEG / 2, NATIVE_DEG / 3])
def test_result_does_not_depend_on_the_tile(offset_deg):
    classes, native = random_country("EPSG:4326", NATIVE_DEG, (20, 45), (600, 630))
    target = degrees(20 + offset_deg, 45 - offset_deg, TARGET_DEG * 1.0137, (190, 200))
    whole = to_grid(classes, native, target)
    assert len(np.unique(whole)) > 3
    for rows in (slice(0, 97), slice(97, 190)):
        for cols in (slice(0, 101), slice(101, 200)):
            tile = target[rows, cols]
            np.testing.assert_array_equal(to_grid(classes, native, tile), whole[rows, cols])
            left, bottom, right, top = tile.boundingbox.bbox
            x0, y0 = ~native.affine @ (left, top)
            x1, y1 = ~native.affine @ (right, bottom)
            near = np.s_[max(int(y0) - 1, 0) : int(y1) + 2, max(int(x0) - 1, 0) : int(x1) + 2]
            window = to_grid(classes[near], native[near], tile)
            np.testing.assert_array_equal(window, whole[rows, cols])


def test_another_projection():
    classes, native = random_country("EPSG:32634", 300.0, (500_000, 4_660_000), (200, 200))
    classes[:100] = 3
    target = degrees(21.1, 42.0, TARGET_DEG, (50, 55))
    whole = to_grid(classes, native, target)
    for rows in (slice(0, 26), slice(26, 50)):
        for cols in (slice(0, 31), slice(31, 55)):
            tile = to_grid(classes, native, target[rows, cols])
            np.testing.assert_array_equal(tile, whole[rows, cols])


def test_another_projection_agrees_with_counting_pixel_centres():
    classes, native = random_country("EPSG:32634", 100.0, (500_000, 4_660_000), (600, 600))
    target = degrees(21.02, 42.05, TARGET_DEG * 2, (20, 20))
    row, col = np.mgrid[0:600, 0:600] + 0.5
    easting, northing = 500_000 + 100 * col.ravel(), 4_660_000 - 100 * row.ravel()
    lon, lat = transform("EPSG:32634", "EPSG:4326", easting, northing)
    x = np.floor((np.array(lon) - 21.02) / (TARGET_DEG * 2)).astype(int)
    y = np.floor((42.05 - np.array(lat)) / (TARGET_DEG * 2)).astype(int)
    counts = np.zeros((256, 20, 20))
    inside = (x >= 0) & (x < 20) & (y >= 0) & (y < 20)
    np.add.at(counts, (classes.ravel()[inside], y[inside], x[inside]), 1)
    counts[0] = 0
    order = np.sort(counts, axis=0)
    clear = order[-1] - order[-2] > 30
    expected = counts.argmax(axis=0) % lu.EXCLUDED
    assert clear.sum() > 100
    np.testing.assert_array_equal(to_grid(classes, native, target)[clear], expected[clear])


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4258"])
def test_result_does_not_depend_on_the_block(monkeypatch, crs):
    classes, native = random_country(crs, NATIVE_DEG, (20, 45), (60, 63))
    target = degrees(20, 45, TARGET_DEG * 1.0137, (19, 20))
    whole = to_grid(classes, native, target)
    monkeypatch.setattr("recarb.harmonise.modal._BLOCK_CELLS", 65)
    np.testing.assert_array_equal(to_grid(classes, native, target), whole)


def test_a_grid_without_projection_is_refused():
    with pytest.raises(GridMismatch, match=r"c\.tif"):
        lu.modal_to_grid(np.zeros((2, 2), np.uint8), NATIVE.affine, None, ONE_CELL, where="c.tif")
    with pytest.raises(GridMismatch, match="two dimensions"):
        lu.modal_to_grid(np.zeros((1, 2, 2), np.uint8), NATIVE.affine, NATIVE.crs, ONE_CELL)


def test_a_layer_that_ends_before_the_tile_gives_no_land_use():
    nothing = GeoBox((0, 0), Affine(NATIVE_DEG, 0, 20, 0, -NATIVE_DEG, 45), "EPSG:4326")
    target = degrees(100, 45, TARGET_DEG, (2, 3))
    classes = lu.modal_to_grid(np.zeros((0, 0), np.uint8), nothing.affine, nothing.crs, target)
    assert classes.shape == (2, 3)
    assert not classes.any()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_shares_and_the_predominant_class_are_one_vote(crs):
    rng = np.random.default_rng(5)
    classes = rng.choice([0, 2, 3, 13, lu.EXCLUDED], (60, 60)).astype(np.uint8)
    source = Affine(0.01, 0, 10.0, 0, -0.01, 1.0)
    target = GeoBox((18, 18), Affine(0.033, 0, 10.0, 0, -0.033, 1.0), "EPSG:4326")
    if crs != "EPSG:4326":
        target = GeoBox((18, 18), Affine(3673.0, 0, 1113195.0, 0, -3673.0, 111325.0), crs)
    modal = lu.modal_to_grid(classes, source, "EPSG:4326", target)
    shares = lu.shares_to_grid(classes, source, "EPSG:4326", target)
    total = shares.sum(axis=0)
    known = np.isfinite(total)
    assert known.any()
    assert (total[known] <= 1 + 1e-6).all()
    excluded = 1 - total
    best = np.where(shares.max(axis=0) >= excluded - 1e-7, shares.argmax(axis=0) + 1, 0)
    assert np.array_equal(best[known], modal[known])
    assert (modal[~known] == 0).all()


def test_shares_by_area():
    classes = np.array([[2, 2, 3, 0]], np.uint8)
    target = GeoBox((1, 1), Affine(4.0, 0, 0.0, 0, -1.0, 1.0), "EPSG:4326")
    shares = lu.shares_to_grid(classes, Affine(1, 0, 0, 0, -1, 1), "EPSG:4326", target)
    assert shares[1, 0, 0] == pytest.approx(2 / 3)  # what is not known has no vote
    assert shares[2, 0, 0] == pytest.approx(1 / 3)
