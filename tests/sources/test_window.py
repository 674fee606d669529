"""A part of a GeoTIFF by range requests, with a server that fails in the middle of it."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from tests.sources import samples
from tests.sources.server import PAGE, Fault
from tests.sources.test_fetch import PATH, QUICK, fetch, finished, wanted

from recarb.core.errors import LicenceRefused, Unreachable, WrongContent
from recarb.sources.base import Box
from recarb.sources.line import Policy

BOX = Box(102.1, 13.1, 105.9, 16.4)  # inside the map of 100-115 E, 10-20 N
WORLD = np.arange(600, dtype=np.int16).reshape(20, 30)
FIRM = replace(QUICK, attempts=2)


@pytest.fixture(autouse=True)
def quick_gdal(monkeypatch):
    """GDAL's own retries wait whole seconds."""
    monkeypatch.setattr("recarb.sources.window.RETRIES", "0")


def test_the_cells_of_the_box_arrive_as_they_are(server, tmp_path):
    url = server.put(PATH, samples.geotiff(WORLD))
    (got,) = fetch(tmp_path, wanted(url, window=BOX))
    with rasterio.open(got.path(tmp_path / "cache")) as source:
        assert tuple(source.bounds) == (102.0, 13.0, 106.0, 16.5)
        np.testing.assert_array_equal(source.read(1), WORLD[7:14, 4:12])
        assert (source.nodata, source.crs.to_epsg()) == (-32768, 4326)
    assert (got.url, got.window) == (url, BOX)


def test_a_box_in_another_projection(server, tmp_path):
    """The cells whose centres lie in the box are all there."""
    body = samples.geotiff(WORLD, crs="ESRI:54052", west=11_000_000, north=2_400_000, cell=50_000)
    (got,) = fetch(tmp_path, wanted(server.put(PATH, body), window=BOX))
    inside = Transformer.from_crs("ESRI:54052", "EPSG:4326", always_xy=True)
    with rasterio.open(got.path(tmp_path / "cache")) as source:
        there = set(source.read(1).ravel().tolist())
    for row, column in np.ndindex(WORLD.shape):
        x, y = 11_000_000 + 50_000 * (column + 0.5), 2_400_000 - 50_000 * (row + 0.5)
        lon, lat = inside.transform(x, y)
        if BOX.west <= lon <= BOX.east and BOX.south <= lat <= BOX.north:
            assert WORLD[row, column] in there


def test_a_box_at_the_edge_takes_what_there_is(server, tmp_path):
    url = server.put(PATH, samples.geotiff(WORLD))
    (got,) = fetch(tmp_path, wanted(url, window=Box(99, 19, 101, 21)))
    np.testing.assert_array_equal(samples.values_of(got.path(tmp_path / "cache")), WORLD[:2, :2])


def assert_refused(tmp_path, kind, *told, one, policy=FIRM):
    with pytest.raises(kind) as caught:
        fetch(tmp_path, one, policy=policy)
    assert type(caught.value) is kind
    for words in told:
        assert words in str(caught.value)
    assert finished(tmp_path) == []
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_box_beside_the_map(server, tmp_path):
    url = server.put(PATH, samples.geotiff(WORLD))
    assert_refused(tmp_path, WrongContent, "covers", one=wanted(url, window=Box(0, 0, 5, 5)))


@pytest.mark.parametrize(
    ("box", "values"),
    [
        (Box(115, 13, 116, 14), WORLD[12:14, 29:]),
        (Box(99, 13, 100, 14), WORLD[12:14, :1]),
        (Box(102, 20, 103, 21), WORLD[:1, 4:6]),
        (Box(102, 9, 103, 10), WORLD[19:, 4:6]),
    ],
    ids=["east", "west", "north", "south"],
)
def test_a_box_that_only_touches_the_map(server, tmp_path, box, values):
    """One of several boxes may; it gets the cells along the line, where they are."""
    touching = wanted(server.put(PATH, samples.geotiff(WORLD)), window=box)
    assert_refused(tmp_path, WrongContent, "covers", one=touching)
    (got,) = fetch(tmp_path, replace(touching, may_be_empty=True))
    np.testing.assert_array_equal(samples.values_of(got.path(tmp_path / "cache")), values)


def test_one_of_several_boxes_beside_the_map_is_no_part_of_it(server, tmp_path):
    url = server.put(PATH, samples.geotiff(WORLD))
    one = wanted(url, window=Box(0, 0, 5, 5), may_be_empty=True)
    assert_refused(tmp_path, WrongContent, "covers", one=one)


def test_a_box_without_land(server, tmp_path):
    empty = wanted(
        server.put(PATH, samples.geotiff(np.full((20, 30), -32768, np.int16))), window=BOX
    )
    assert_refused(tmp_path, WrongContent, "no data", one=empty)
    (got,) = fetch(tmp_path, replace(empty, may_be_empty=True))
    assert "decoded: no value in this box" in got.checks


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (Fault(status=200, body=PAGE), WrongContent, f"of {len(PAGE)} bytes"),
        (Fault(status=200), WrongContent, "0 bytes"),
        (Fault(status=404), Unreachable, "renamed"),
        (Fault(status=403), LicenceRefused, "403"),
        (Fault(status=503), Unreachable, "2 attempts"),
    ],
    ids=["web page", "0 bytes", "renamed", "403", "503"],
)
def test_what_is_no_map_is_told(server, tmp_path, fault, kind, told):
    server.always[PATH] = fault
    assert_refused(tmp_path, kind, told, PATH, one=wanted(server.url + PATH, window=BOX))


def test_half_a_map(server, tmp_path):
    noise = np.random.default_rng(1).integers(0, 800, (400, 600), np.int16)
    body = samples.geotiff(noise, cell=0.01)  # down to 16 N
    one = wanted(server.put(PATH, body[: len(body) // 3]), window=Box(101, 16.1, 105, 17))
    assert_refused(tmp_path, Unreachable, "range requests", "2 attempts", "status 206",
            f"{len(body) // 3} bytes", one=one)  # fmt: skip


@pytest.mark.parametrize("number", range(1, 4))
def test_a_fault_at_any_request_is_outlived(server, tmp_path, number):
    url = server.put(PATH, samples.geotiff(WORLD))
    server.faults[PATH] = [Fault()] * number + [Fault(status=503)]
    (got,) = fetch(tmp_path, wanted(url, window=BOX), policy=Policy(first_wait_s=0.001))
    np.testing.assert_array_equal(
        samples.values_of(got.path(tmp_path / "cache")), WORLD[7:14, 4:12]
    )


def test_a_map_that_changes_while_it_is_read(server, tmp_path, monkeypatch):
    url = server.put(PATH, samples.geotiff(WORLD))
    other = samples.geotiff(WORLD + 100)
    from recarb.sources import window

    real, calls = window._copy, []

    def change_after_the_first(*args):
        real(*args)
        if not calls:
            server.put(PATH, other)
            server.etags[PATH] = '"v2"'
        calls.append(1)

    monkeypatch.setattr(window, "_copy", change_after_the_first)
    (got,) = fetch(tmp_path, wanted(url, window=BOX, plausible=None))
    assert len(calls) == 2
    assert got.etag == '"v2"'
    np.testing.assert_array_equal(
        samples.values_of(got.path(tmp_path / "cache")), WORLD[7:14, 4:12] + 100
    )
