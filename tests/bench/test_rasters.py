import numpy as np
import pytest
import rasterio
from bench.rasters import BLOCK, SYNTHETIC, Spec, global_grid, write_map

ROWS, COLUMNS = slice(100, 700), slice(2000, 2900)


def ramp(tile, bands):
    rows = np.arange(tile.rows.start, tile.rows.stop, dtype=np.float64)
    columns = np.arange(tile.columns.start, tile.columns.stop)
    field = 0.1 * (rows[:, None] + columns)
    field[:, columns < BLOCK] = np.nan
    return np.stack([field + band for band in range(bands.start, bands.stop)])


def test_a_map_is_packed_named_and_said_to_be_synthetic(tmp_path):
    names = (*(f"2001-{month:02d}" for month in range(1, 13)), "2002-01")
    spec = Spec("rain", "mm/month", "int16", -32768.0, 0.1, names)
    path = write_map(tmp_path / "rain.tif", global_grid(ROWS, COLUMNS), spec, ramp, BLOCK)
    with rasterio.open(path) as file:
        assert file.tags()["note"] == SYNTHETIC
        assert file.descriptions == names
        assert (file.units[0], file.scales[12]) == ("mm/month", 0.1)
        assert file.profile["compress"] == "deflate"
        assert file.block_shapes[0] == (BLOCK, BLOCK)
        values = file.read(13, masked=True) * 0.1
    assert values.mask[:, :BLOCK].all()
    assert values[300, 600] == pytest.approx(0.1 * 900 + 12)


@pytest.mark.parametrize("window", [BLOCK, 3 * BLOCK])
def test_the_file_is_the_same_whatever_is_drawn_at_once(tmp_path, window):
    spec = Spec("stock", "t/ha", "float32", -9999.0)
    grid = global_grid(ROWS, COLUMNS)
    whole = write_map(tmp_path / "whole.tif", grid, spec, ramp, 4 * BLOCK)
    parts = write_map(tmp_path / "parts.tif", grid, spec, ramp, window)
    with rasterio.open(whole) as one, rasterio.open(parts) as other:
        assert one.read().tobytes() == other.read().tobytes()


def test_where_nothing_is_nothing_is_stored(tmp_path):
    spec = Spec("stock", "t/ha", "float32", -9999.0)
    grid = global_grid(slice(0, 20 * BLOCK), slice(0, 20 * BLOCK))
    path = write_map(
        tmp_path / "sea.tif", grid, spec, lambda tile, _: np.full((1, *tile.shape), np.nan)
    )
    assert path.stat().st_size < 10_000


def test_tiles_of_a_small_map_are_not_larger_than_the_map(tmp_path):
    spec = Spec("stock", "t/ha", "float32", -9999.0)
    grid = global_grid(slice(0, 37), slice(0, 300))
    path = write_map(tmp_path / "small.tif", grid, spec, lambda t, _: np.ones((1, *t.shape)))
    with rasterio.open(path) as file:
        assert file.block_shapes == [(48, BLOCK)]
