"""Rasters behind URLs: the same numbers as from the disk, in parts, and clear words when not."""

from concurrent.futures import ThreadPoolExecutor

import fsspec
import netCDF4
import numpy as np
import pytest
import rasterio
from tests.factories import geobox, months, write_raster
from tests.remote_store import environment, s3, web  # noqa: F401 - fixtures

from recarb.core.config import Layer
from recarb.core.errors import InputError, MissingData
from recarb.core.paths import parse_path
from recarb.io import opened, remote
from recarb.io.raster import describe, read, read_raw_codes, whole
from recarb.io.vectors import read_units

pytestmark = pytest.mark.s3
SIZE = 1024
BOX = geobox(20.0, 42.0, 0.01, (SIZE, SIZE))
WINDOW = (slice(500, 700), slice(300, 400))


@pytest.fixture
def local(tmp_path):
    """A tiled, compressed GeoTIFF of two bands and 5 MB."""
    values = np.random.default_rng(1).normal(50.0, 20.0, (2, SIZE, SIZE)).astype("float32")
    values[:, ::7, ::5] = -9999.0
    path = write_raster(tmp_path / "soc.tif", values, BOX, unit="t/ha", nodata=-9999.0)
    tiled = tmp_path / "tiled.tif"
    with rasterio.open(path) as source:
        profile = {**source.profile, "tiled": True, "blockxsize": 128, "blockysize": 128}
        with rasterio.open(tiled, "w", **profile) as target:
            target.write(source.read())
            target.units = source.units
    return tiled


def values(url, window=WINDOW, bands=(1, 2)):
    layer = describe("soc", Layer(path=url))
    return read(layer, bands, window)


def memory(name, content):
    opened.close_all()
    fsspec.filesystem("memory").pipe(f"/store/{name}", content)
    return f"memory://store/{name}"


@pytest.mark.usefixtures("environment")
def test_the_same_numbers_from_every_store(local, s3, web):  # noqa: F811
    expected = values(local)
    assert np.isnan(expected).any() and np.isfinite(expected).any()
    content = local.read_bytes()
    for url in (
        s3.put("maps/soc.tif", content),
        web.put("soc.tif", content),
        memory("soc.tif", content),
        local.as_uri(),
    ):
        np.testing.assert_array_equal(values(url), expected)


def test_a_window_does_not_fetch_the_file(local, web):  # noqa: F811
    content = local.read_bytes()
    url = web.put("soc.tif", content)
    values(url, (slice(500, 564), slice(300, 364)))
    assert web.bytes_of("soc.tif") < len(content) / 4
    before = web.bytes_of("soc.tif")
    values(url, (slice(500, 564), slice(300, 364)))
    assert web.bytes_of("soc.tif") == before


def test_many_threads_read_one_file(local, s3):  # noqa: F811
    url = s3.put("soc.tif", local.read_bytes())
    far, here = (describe("soc", Layer(path=path)) for path in (url, local))
    rng = np.random.default_rng(2)
    corners = rng.integers(0, SIZE - 64, (60, 2)).tolist()

    def one(corner):
        window = tuple(slice(start, start + 64) for start in corner)
        return np.array_equal(read(far, [2, 1], window), read(here, [2, 1], window), equal_nan=True)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, corners))


def test_a_file_that_changed_is_read_again(local, monkeypatch):
    monkeypatch.setattr(opened, "TRUSTED_S", 0.0)
    url = memory("soc.tif", local.read_bytes())
    before = values(url)
    with rasterio.open(local, "r+") as file:
        file.write(np.full((2, SIZE, SIZE), 7.0, "float32"))
    memory("soc.tif", local.read_bytes())
    assert np.nanmax(before) > 7.0
    np.testing.assert_array_equal(values(url), np.full((2, 200, 100), 7.0))


def test_side_files_count_as_on_the_disk(tmp_path):
    box, data = geobox(20.0, 42.0, 0.1, (2, 3)), np.arange(6, dtype="uint8").reshape(2, 3)
    path = write_raster(tmp_path / "soc.tif", data, box)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(np.array([[True, True, False], [True, True, True]]))
    side = (
        '<PAMDataset><PAMRasterBand band="1"><UnitType>t/ha</UnitType><Scale>0.5</Scale>'
        "</PAMRasterBand></PAMDataset>"
    )
    (tmp_path / "soc.tif.aux.xml").write_text(side)
    expected = values(path, (slice(0, 2), slice(0, 3)), [1])
    np.testing.assert_array_equal(expected[0], [[0.0, 0.5, np.nan], [1.5, 2.0, 2.5]])
    for file in tmp_path.glob("soc.tif*"):
        url = memory(file.name, file.read_bytes())
    url = "memory://store/soc.tif"
    np.testing.assert_array_equal(values(url, (slice(0, 2), slice(0, 3)), [1]), expected)
    layer = describe("land_use", Layer(path=url))
    assert read_raw_codes(layer, 1, whole(layer))[1].sum() == 5


def test_a_series_in_parts_behind_a_url(tmp_path, s3):  # noqa: F811
    for year in (2000, 1999):
        cube = np.full((12, 2, 3), year, "float32")
        path = write_raster(tmp_path / f"t_{year}.tif", cube, geobox(20.0, 42.0, 0.1, (2, 3)),
                            unit="degC", names=months(year, year))  # fmt: skip
        s3.put(f"climate/t_{year}.tif", path.read_bytes())
    s3.put("climate/readme.txt", b"no raster")
    layer = describe("temperature", Layer(path="s3://country/climate/t_*.tif"))
    assert [path.name for path in layer.files] == ["t_1999.tif", "t_2000.tif"]
    assert str(layer.files[0]) == "s3://country/climate/t_1999.tif"
    assert layer.times == months(1999, 2000)
    found = read(layer, [24, 1, 13, 2], whole(layer))[:, 0, 0]
    np.testing.assert_array_equal(found, [2000.0, 1999.0, 2000.0, 1999.0])
    with pytest.raises(MissingData, match=r"no file matches s3://country/climate/x_\*\.tif"):
        describe("temperature", Layer(path="s3://country/climate/x_*.tif"))


def test_a_boundary_behind_a_url(tmp_path):
    import geopandas
    import shapely

    frame = geopandas.GeoDataFrame(
        {"name": ["North"]}, geometry=[shapely.box(20.0, 30.0, 31.0, 43.0)], crs="EPSG:4326"
    )
    frame.to_file(tmp_path / "land.gpkg")
    frame.to_file(tmp_path / "land.shp.zip", driver="ESRI Shapefile")
    for name in ("land.gpkg", "land.shp.zip"):
        url = memory(name, (tmp_path / name).read_bytes())
        units = read_units(parse_path(url), BOX, "name")
        assert units.names == ("North",)
    for name, said in (
        ("land.shp", r"memory://store/land\.shp: a shapefile is several files.*\.zip"),
        ("page.gpkg", r"memory://store/page\.gpkg is not a vector file"),
    ):
        with pytest.raises(InputError, match=said):
            read_units(parse_path(memory(name, b"<html>")), BOX, None)
    with pytest.raises(MissingData, match=r"no such file: memory://store/none\.gpkg"):
        read_units(parse_path("memory://store/none.gpkg"), BOX, None)


def refusal(url, kind=InputError, **choice):
    with pytest.raises(kind) as caught:
        values(url, **choice)
    text = str(caught.value)
    assert url in text
    return text


def test_netcdf_is_read_from_the_disk_only(tmp_path):
    path = tmp_path / "t.nc"
    netCDF4.Dataset(path, "w").close()
    url = memory("t.nc", path.read_bytes())
    assert "only GeoTIFF" in refusal(url) and "local path" in refusal(url)
    named = memory("t.tif", path.read_bytes())
    assert "only GeoTIFF" in refusal(named)
    with pytest.raises(InputError, match="only GeoTIFF"):
        describe("soc", Layer(path=url, variable="soc"))


def test_what_is_not_there(s3):  # noqa: F811
    for url in ("s3://country/none.tif", "s3://nobucket/soc.tif", "memory://store/none.tif"):
        assert "no such file" in refusal(url, MissingData)


def test_what_is_no_raster():
    assert "error page or half a file" in refusal(memory("page.tif", b"<html>404</html>"))
    refusal(memory("empty.tif", b""))


def test_half_a_file(local):
    content = local.read_bytes()
    url = memory("soc.tif", content[: len(content) // 2])
    with pytest.raises(InputError, match=r"memory://store/soc\.tif"):
        values(url, (slice(0, SIZE), slice(0, SIZE)))


def test_no_credentials(s3, environment, local):  # noqa: F811
    url = s3.put("soc.tif", local.read_bytes())
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in refusal(url)


def test_an_endpoint_that_does_not_answer(environment):  # noqa: F811
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    text = refusal("s3://country/soc.tif")
    assert "AWS_ENDPOINT_URL" in text and "geheim" not in text


@pytest.mark.parametrize("succeed", [1, 2, 4])
def test_a_server_that_fails_in_the_middle(web, local, succeed):  # noqa: F811
    """Nothing of a failed read is taken for missing values, and the next try may succeed."""
    url = web.put("soc.tif", local.read_bytes())
    expected = values(local, (slice(0, SIZE), slice(0, SIZE)))
    layer = describe("soc", Layer(path=url))
    web.fail_after = len(web.sent) + succeed
    with pytest.raises(InputError, match=r"soc\.tif.*500.*try again later"):
        read(layer, [1, 2], whole(layer))
    web.fail_after = None
    np.testing.assert_array_equal(read(layer, [1, 2], whole(layer)), expected)


def test_an_interrupt_inside_gdal_is_not_lost(local, monkeypatch):
    layer = describe("soc", Layer(path=memory("soc.tif", local.read_bytes())))
    remote._block.cache_clear()

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(fsspec.filesystem("memory")), "cat_file", stop)
        with pytest.raises(KeyboardInterrupt):
            read(layer, [1], whole(layer))
    assert np.isfinite(read(layer, [1], whole(layer))).any()


def test_a_server_that_gives_no_parts(web, local):  # noqa: F811
    web.ranges = False
    url = web.put("soc.tif", local.read_bytes())
    text = refusal(url)
    assert "parts of a file" in text and "local path" in text


def test_no_more_than_some_files_are_kept_open(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "KEPT", 3)
    opened.close_all()
    for number in range(5):
        path = write_raster(tmp_path / f"{number}.tif", np.full((2, 3), number, "float32"),
                            geobox(20.0, 42.0, 0.1, (2, 3)), unit="t/ha")  # fmt: skip
        assert values(path, (slice(0, 2), slice(0, 3)), [1])[0, 0, 0] == number
    kept = [one.source for one in opened._kept.sources.values()]
    assert len(kept) == 3
    opened.close_all()
    assert all(source.closed for source in kept)


def test_a_local_file_that_changed_is_read_again(tmp_path):
    for number in (1.0, 2.0, 3.0):
        part = write_raster(tmp_path / "part.tif", np.full((2, 3), number, "float32"),
                            geobox(20.0, 42.0, 0.1, (2, 3)), unit="t/ha")  # fmt: skip
        path = part.replace(tmp_path / "soc.tif")
        assert values(path, (slice(0, 2), slice(0, 3)), [1])[0, 0, 0] == number
