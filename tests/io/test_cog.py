"""Maps get their final name complete and verified, or not at all."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from recarb.core.errors import OutputError
from recarb.io import cog
from recarb.io.cog import MapSpec, MapWriter

SHAPE = (300, 520)
GRID = GeoBox(SHAPE, Affine(0.1, 0.0, 10.0, 0.0, -0.1, 50.0), "EPSG:4326")
SPEC = MapSpec("XXX_soc", "a stock", "t ha-1", tags={"country": "XXX", "t0": "2020"})


def values(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Numbers with a hole."""
    found = np.arange(np.prod(shape), dtype=float).reshape(shape) / 7.0
    found[3, 4] = np.nan
    return found


def written(folder, spec: MapSpec = SPEC, block: np.ndarray | None = None):
    """Write one map in two blocks and publish it."""
    block = values() if block is None else block
    half = block.shape[0] // 2
    grid = GeoBox(block.shape, GRID.transform, GRID.crs)
    with MapWriter(spec, grid, folder) as writer:
        writer.write(block[:half], 0, 0)
        writer.write(block[half:], half, 0)
        return writer.publish(folder)


def test_a_map_holds_what_was_given_with_its_unit_and_tags(tmp_path):
    path = written(tmp_path)
    with rasterio.open(path) as source:
        assert source.profile["dtype"] == "float32"
        assert source.transform == GRID.transform
        assert source.crs.to_epsg() == 4326
        assert source.nodata == -9999.0
        assert source.units == ("t ha-1",)
        assert source.descriptions == ("a stock",)
        assert source.tags()["country"] == "XXX"
        found = source.read(1, masked=True)
    expected = np.ma.masked_invalid(values().astype(np.float32))
    assert np.array_equal(found.mask, expected.mask)
    assert np.array_equal(found.filled(0), expected.filled(0))


def test_a_map_is_a_cloud_optimised_geotiff(tmp_path):
    path = written(tmp_path)
    with rasterio.open(path) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.overviews(1) == [2, 4]
        assert source.block_shapes == [(256, 256)]


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = (written(tmp_path / name).read_bytes() for name in ("one", "two"))
    assert first == second


def test_only_the_final_file_stays(tmp_path):
    path = written(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name] == ["XXX_soc.tif"]


def test_what_was_never_written_is_nodata(tmp_path):
    with MapWriter(SPEC, GRID, tmp_path) as writer:
        writer.write(np.ones((10, 10)), 20, 30)
        path = writer.publish(tmp_path)
    with rasterio.open(path) as source:
        assert source.read(1, masked=True).count() == 100


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (257, 1)])
def test_maps_of_odd_shapes(tmp_path, shape):
    path = written(tmp_path, block=np.full(shape, 3.5))
    with rasterio.open(path) as source:
        assert (source.read(1) == 3.5).all()
        assert source.shape == shape


def test_classes_have_255_for_nothing(tmp_path):
    spec = MapSpec("XXX_class", "a class", "code", "uint8")
    path = written(tmp_path, spec, np.array([[0.0, 13.0], [np.nan, 254.0]]))
    with rasterio.open(path) as source:
        assert source.read(1).tolist() == [[0, 13], [255, 254]]
        assert source.nodata == 255


@pytest.mark.parametrize("number", [-1.0, 256.0, 2.5])
def test_a_class_that_does_not_fit_is_never_cast(tmp_path, number):
    spec = MapSpec("XXX_class", "a class", "code", "uint8")
    with pytest.raises(OutputError, match=f"{number:g} near row 0, column 0 does not fit"):
        written(tmp_path, spec, np.array([[1.0], [number]])[::-1])
    assert not (tmp_path / "XXX_class.tif").exists()


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e39])
def test_a_number_beyond_32_bits_is_never_written(tmp_path, number):
    with pytest.raises(OutputError, match="does not fit a map of float32"):
        written(tmp_path, block=np.array([[number], [1.0]]))
    assert not (tmp_path / "XXX_soc.tif").exists()


def test_no_folder_to_write_into(tmp_path):
    with pytest.raises(OutputError, match="cannot write into") as caught:
        MapWriter(SPEC, GRID, tmp_path / "nowhere")
    assert caught.value.exit_code == 6


class Failing:
    """A raster file whose disk is full from some call on."""

    def __init__(self, file: object) -> None:
        self.file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")


def test_a_disk_that_fills_while_a_block_is_written(tmp_path):
    with MapWriter(SPEC, GRID, tmp_path) as writer:
        writer._file = Failing(writer._file)
        with pytest.raises(OutputError, match="No space left on device") as caught:
            writer.write(values(), 0, 0)
    assert "Is the disk full?" in str(caught.value)
    assert not (tmp_path / "XXX_soc.tif").exists()


@pytest.mark.parametrize("step", ["copy", "fsync", "replace"])
def test_a_disk_that_fills_while_a_map_is_finished(tmp_path, monkeypatch, step):
    staging = tmp_path / "staging"
    staging.mkdir()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with MapWriter(SPEC, GRID, staging) as writer:
        writer.write(values(), 0, 0)
        target = rasterio.shutil if step == "copy" else cog.os
        monkeypatch.setattr(target, step, full)
        with pytest.raises(OutputError, match="Nothing stands under the final name"):
            writer.publish(tmp_path)
    assert not (tmp_path / "XXX_soc.tif").exists()
    assert not list(staging.glob("*.cog"))


def test_what_is_read_back_must_be_what_was_given(tmp_path, monkeypatch):
    """A disk that loses a block without a word is found out before the map gets its name."""
    copy = rasterio.shutil.copy

    def lossy(source: object, target: object, **options: object) -> None:
        with rasterio.open(source, "r+") as file:
            file.write(np.zeros((5, 5), dtype="float32"), 1, window=Window(7, 7, 5, 5))
        copy(source, target, **options)

    monkeypatch.setattr(rasterio.shutil, "copy", lossy)
    with pytest.raises(OutputError, match=r"XXX_soc.cog: what was read back at row 0"):
        written(tmp_path)
    assert not (tmp_path / "XXX_soc.tif").exists()


def test_an_earlier_map_stays_whole_when_the_new_one_fails(tmp_path, monkeypatch):
    path = written(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(cog.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(OutputError, match="I/O error"):
        written(tmp_path, block=values() + 1.0)
    assert path.read_bytes() == before


@pytest.mark.parametrize("cog", [True, False])
def test_bands_have_names_and_their_own_values(tmp_path, cog):
    spec = MapSpec("series", "rain", "mm", bands=("1981-01", "1981-02"), cog=cog)
    with MapWriter(spec, GRID, tmp_path, block=64) as writer:
        writer.write(values(), 0, 0, 1)
        writer.write(values() + 1, 0, 0, 2)
        path = writer.publish(tmp_path)
    with rasterio.open(path) as source:
        assert source.descriptions == ("1981-01", "1981-02")
        assert source.units == ("mm", "mm")
        assert (
            np.nanmax(np.abs(source.read(2, masked=True) - source.read(1, masked=True) - 1)) < 1e-2
        )
    assert [one.name for one in tmp_path.iterdir()] == ["series.tif"]


def test_a_damaged_band_is_seen(tmp_path, monkeypatch):
    spec = MapSpec("series", "rain", "mm", bands=("a", "b"), cog=False)
    with MapWriter(spec, GRID, tmp_path) as writer:
        writer.write(values(), 0, 0, 1)
        writer.write(values() + 1, 0, 0, 2)
        writer._file.write(np.zeros((5, 5), np.float32), 2, window=Window(0, 0, 5, 5))
        with pytest.raises(OutputError, match="not what was written"):
            writer.publish(tmp_path)
    assert not (tmp_path / "series.tif").exists()
