"""Finished tiles, kept until the maps are complete, so that an interrupted run can go on.

A tile is one .npz under a name that ends in the hash of its key and its bytes: a byte that flips, a
file cut short, an empty file and a tile that a worker of another run brings late are noticed, and
nothing ever changes under a name. A tile goes on being used only while `TileKey` is the same.
"""

import hashlib
import io
import json
import os
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recarb.core.grid import Tile
from recarb.sequestration.tile_run import TileResult

KEY = "key.json"
SUFFIX = ".npz"
PART = ".part"
HASH_DIGITS = 16
BLOCKS = ("outcome", "land_use")  # mostly one number: worth deflating
MAPS, FLAGS = "maps/", "flags/"


class Store(Protocol):
    """Named bytes: a folder, or a bucket. `put` leaves all of the bytes or nothing."""

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` for good under `name`."""

    def get(self, name: str) -> bytes:
        """The bytes kept under `name`."""

    def names(self) -> list[str]:
        """Every name that `put` has finished."""

    def remove(self, names: Iterable[str]) -> None:
        """Forget some names."""

    def __str__(self) -> str:
        """Where it lies."""


@dataclass(frozen=True)
class FolderStore:
    """A folder of a local disk as store: what stands there survives a crash of the machine."""

    folder: Path

    def put(self, name: str, data: bytes) -> None:
        """Write, flush to the disk, and rename; a file has its name only when it is whole."""
        self.folder.mkdir(exist_ok=True)
        part = self.folder / f"{name}.{uuid.uuid4().hex}{PART}"  # two workers may write one tile
        try:
            with part.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(part, self.folder / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _flush_folder(self.folder)

    def get(self, name: str) -> bytes:
        """Read a whole file."""
        return (self.folder / name).read_bytes()

    def names(self) -> list[str]:
        """Files in alphabetical order, those half-written left out."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.suffix != PART)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self.folder)


def _flush_folder(folder: Path) -> None:
    """Bring a rename to the disk, where the system can (Windows cannot)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class TileKey:
    """What a tile depends on. Tiles of another key are of no use."""

    configuration: str
    inputs: str
    versions: Mapping[str, str]
    tile_cells: int

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "configuration": self.configuration,
            "inputs": self.inputs,
            "versions": dict(self.versions),
            "tile_cells": self.tile_cells,
        }

    def digest(self) -> bytes:
        """Hash of all parts."""
        return hashlib.sha256(json.dumps(self.plain(), sort_keys=True).encode()).digest()


@dataclass
class FinishedTiles:
    """The tiles of one key in a store. Tiles of another key are removed; `refused` says why."""

    store: Store
    key: TileKey
    refused: str = ""
    damaged: list[str] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.store.names()
        changed = _changes(read_key(self.store), self.key)
        if changed:
            self.store.remove(names)
            if tiles := [name for name in names if name.endswith(SUFFIX)]:
                self.refused = f"{len(tiles)} tiles of an interrupted run are not used: {changed}"
            self.store.put(KEY, json.dumps(self.key.plain(), indent=2).encode())
            return
        self._names = {name.split(".")[0]: name for name in names if name.endswith(SUFFIX)}

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, tile: Tile) -> bool:
        return _stem(tile) in self._names

    def get(self, tile: Tile) -> TileResult | None:
        """A finished tile; None where there is none, or where its bytes are damaged."""
        name = self._names.get(_stem(tile))
        if name is None:
            return None
        try:
            data = self.store.get(name)
        except OSError:
            data = b""
        if name == _name(tile, data, self.key):
            return decode(data, tile)
        self.damaged.append(name)
        self.store.remove([name])
        return None

    def put(self, result: TileResult) -> None:
        """Keep a tile."""
        self.add(result.tile, put_tile(self.store, self.key, result))

    def add(self, tile: Tile, name: str) -> None:
        """Take note of a tile that a worker has kept under `name`."""
        self._names[_stem(tile)] = name


def put_tile(store: Store, key: TileKey, result: TileResult) -> str:
    """Keep a tile and return its name."""
    data = encode(result)
    name = _name(result.tile, data, key)
    store.put(name, data)
    return name


def count_tiles(store: Store) -> int:
    """Tiles in a store, whatever their key."""
    return sum(name.endswith(SUFFIX) for name in store.names())


def read_key(store: Store) -> dict[str, Any] | None:
    """The key of the tiles in a store; None where there is none that can be read."""
    try:
        found = json.loads(store.get(KEY))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _changes(found: Mapping[str, Any] | None, key: TileKey) -> str:
    """In words, why tiles with the key `found` cannot be used; "" where they can."""
    if found is None:
        return "their key cannot be read"
    reasons = {
        "configuration": "run.toml has changed",
        "inputs": "an input file has changed",
        "versions": "another version of recarb or of a library computes now",
        "tile_cells": "the tiles have another size",
    }
    wanted = key.plain()
    return ", ".join(text for part, text in reasons.items() if found.get(part) != wanted[part])


def _stem(tile: Tile) -> str:
    return f"r{tile.rows.start:06d}c{tile.columns.start:06d}"


def _name(tile: Tile, data: bytes, key: TileKey) -> str:
    digest = hashlib.sha256(key.digest())
    digest.update(data)
    return f"{_stem(tile)}.{digest.hexdigest()[:HASH_DIGITS]}{SUFFIX}"


def encode(result: TileResult) -> bytes:
    """A tile as the bytes of an .npz that `numpy.load` reads; equal tiles give equal bytes."""
    tally = np.frombuffer(json.dumps(result.tally).encode(), dtype=np.uint8)
    arrays: dict[str, NDArray[Any]] = {
        "outcome": result.outcome,
        "land_use": result.land_use,
        "rows": result.rows,
        "columns": result.columns,
        "tally": tally,
    }
    arrays |= {MAPS + key: values for key, values in result.maps.items()}
    arrays |= {FLAGS + key: values for key, values in result.flags.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as container:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # its date is fixed
            deflate = name in BLOCKS
            member.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            with container.open(member, "w") as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def decode(data: bytes, tile: Tile) -> TileResult:
    """The tile of `encode`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return TileResult(
        tile=tile,
        outcome=found["outcome"],
        land_use=found["land_use"],
        rows=found["rows"],
        columns=found["columns"],
        maps={k.removeprefix(MAPS): v for k, v in found.items() if k.startswith(MAPS)},
        flags={k.removeprefix(FLAGS): v for k, v in found.items() if k.startswith(FLAGS)},
        tally=json.loads(found["tally"].tobytes()),
    )
