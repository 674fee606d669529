"""What is kept comes back to the bit, or not at all."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from recarb.core.grid import Tile
from recarb.sequestration.tile_run import TileResult
from recarb.sequestration.tile_store import FinishedTiles, FolderStore, TileKey, encode, put_tile

TILE = Tile(slice(8, 12), slice(0, 3))
KEY = TileKey("c", "i", {"recarb": "1"}, 8)


def result() -> TileResult:
    return TileResult(
        tile=TILE,
        outcome=np.arange(12, dtype=np.uint8).reshape(4, 3),
        land_use=np.full((4, 3), 2, dtype=np.uint8),
        rows=np.array([0, 3], dtype=np.int32),
        columns=np.array([1, 2], dtype=np.int32),
        maps={"T0": np.array([1.5, np.nan], dtype=np.float32)},
        flags={"paddy": np.array([0, 1], dtype=np.uint8)},
        tally={"counts": {"filled": 2**70}},
    )


def same(one: TileResult, other: TileResult) -> bool:
    return encode(one) == encode(other) and one.tile == other.tile


def test_a_tile_comes_back(tmp_path):
    FinishedTiles(FolderStore(tmp_path), KEY).put(result())
    again = FinishedTiles(FolderStore(tmp_path), KEY)
    assert len(again) == 1 and TILE in again
    found = again.get(TILE)
    assert same(found, result())
    assert found.tally["counts"]["filled"] == 2**70
    assert again.get(Tile(slice(0, 8), slice(0, 3))) is None


def test_the_container_is_one_that_numpy_reads():
    with np.load(io.BytesIO(encode(result()))) as arrays:
        assert arrays["maps/T0"][0] == np.float32(1.5)


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path):
    store = FolderStore(tmp_path)
    FinishedTiles(store, KEY).put(result())
    (name,) = [name for name in store.names() if name.endswith(".npz")]
    data = store.get(name)
    for at in range(len(data)):
        for spoiled in (data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :], data[:at]):
            (tmp_path / name).write_bytes(spoiled)
            finished = FinishedTiles(store, KEY)
            assert finished.get(TILE) is None
            assert finished.damaged == [name]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (TileKey("x", "i", {"recarb": "1"}, 8), "run.toml has changed"),
        (TileKey("c", "x", {"recarb": "1"}, 8), "an input file has changed"),
        (TileKey("c", "i", {"recarb": "2"}, 8), "another version of recarb or of a library"),
        (TileKey("c", "i", {"recarb": "1"}, 16), "the tiles have another size"),
    ],
)
def test_tiles_of_another_key_are_removed_and_it_is_said_why(tmp_path, key, why):
    FinishedTiles(FolderStore(tmp_path), KEY).put(result())
    other = FinishedTiles(FolderStore(tmp_path), key)
    assert len(other) == 0 and other.get(TILE) is None
    assert (
        other.refused.startswith("1 tiles of an interrupted run are not used")
        and why in other.refused
    )
    assert FolderStore(tmp_path).names() == ["key.json"]
    assert FinishedTiles(FolderStore(tmp_path), key).refused == ""


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_key_that_cannot_be_read_is_another_key(tmp_path, content):
    FinishedTiles(FolderStore(tmp_path), KEY).put(result())
    (tmp_path / "key.json").write_bytes(content)
    assert len(FinishedTiles(FolderStore(tmp_path), KEY)) == 0


def test_a_tile_of_another_key_that_comes_late_is_not_used(tmp_path):
    """A worker of a run that was given up may end its tile when the next run has begun."""
    store = FolderStore(tmp_path)
    other = TileKey("x", "i", {"recarb": "1"}, 8)
    FinishedTiles(store, KEY)
    late = put_tile(store, other, result())
    finished = FinishedTiles(store, KEY)
    assert finished.get(TILE) is None
    assert finished.damaged == [late]


def test_two_workers_may_write_one_tile_at_the_same_time(tmp_path):
    store = FolderStore(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(lambda _: put_tile(store, KEY, result()), range(64)))
    assert store.names() == [name]
    assert not list(tmp_path.glob("*.part"))
