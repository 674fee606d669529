"""Hashes and versions that a run leaves behind."""

import hashlib
import json

import numpy as np

from recarb.core.provenance import CHUNK, combined_hash, sha256_of, versions, write_json


def test_a_file_larger_than_one_chunk_is_hashed_whole(tmp_path):
    content = np.random.default_rng(1).bytes(CHUNK + 17)
    path = tmp_path / "map.tif"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_the_combined_hash_sees_every_file_and_their_order():
    assert len({combined_hash(h) for h in (["a", "b"], ["b", "a"], ["ab"], ["a"], [])}) == 5


def test_versions_name_what_computes():
    found = versions()
    assert found["numpy"] == np.__version__ and found["python"].startswith("3.")
    assert {"numba", "rasterio", "pyproj", "recarb"} <= set(found)


def test_json_is_whole_or_not_there(tmp_path):
    path = tmp_path / "provenance.json"
    write_json(path, {"name": "Côte d'Ivoire", "cells": 3})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Côte d'Ivoire", "cells": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["provenance.json"]
