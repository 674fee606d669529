"""Where an input comes from is read beside it, and believed only for the very same bytes."""

import json
from datetime import UTC, datetime

import pytest

from recarb.core.provenance import sha256_of
from recarb.sources.base import Fetched, Kind
from recarb.sources.cache import record_of
from recarb.sources.origin import PREPARED, origins_of

MADE_FROM = [{"layer": "soc", "source": "gsocmap", "title": "GSOCmap", "files": []}]


def prepared(folder, name, digest):
    layers = {"soc": {"files": {name: digest}, "made_from": MADE_FROM}}
    (folder / PREPARED).write_text(json.dumps({"layers": layers}))


@pytest.mark.parametrize("name", ["soc.tif", "climate/soc.tif"])
def test_a_prepared_layer(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"map")
    prepared(tmp_path, name, sha256_of(path))
    assert origins_of(path, sha256_of(path)) == MADE_FROM


def test_a_layer_that_was_changed_since(tmp_path):
    path = tmp_path / "soc.tif"
    path.write_bytes(b"map")
    prepared(tmp_path, "soc.tif", sha256_of(path))
    path.write_bytes(b"better map")
    assert origins_of(path, sha256_of(path)) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"layers": 3}'])
def test_a_damaged_record_tells_nothing(tmp_path, text):
    (tmp_path / "soc.tif").write_bytes(b"map")
    (tmp_path / PREPARED).write_text(text)
    assert origins_of(tmp_path / "soc.tif", "ab") == []


@pytest.mark.parametrize(("source", "version", "cited"), [("gsocmap", "1.6.1", True),
                                                          ("gsocmap", "9", False),
                                                          ("geoboundaries", "A-ADM0-1", True),
                                                          ("unheard", "1", False)])  # fmt: skip
def test_a_file_of_the_cache(tmp_path, source, version, cited):
    path = tmp_path / "a.tif"
    path.write_bytes(b"map")
    fetched = Fetched(
        source=source, version=version, key=f"{source}/a.tif", kind=Kind.GEOTIFF, licence="CC",
        url="https://there/a.tif", final_url="https://there/a.tif",
        time=datetime(2026, 11, 21, 9, 30, tzinfo=UTC), size_bytes=3, sha256=sha256_of(path),
    )  # fmt: skip
    record_of(path).write_text(fetched.model_dump_json())
    (told,) = origins_of(path, sha256_of(path))
    assert told["files"] == [{
        "file": "a.tif", "url": "https://there/a.tif", "time": "2026-11-21T09:30:00+00:00",
        "bytes": 3, "sha256": sha256_of(path),
    }]  # fmt: skip
    assert told["citation"].startswith("@") == cited
    path.write_bytes(b"others")
    assert origins_of(path, sha256_of(path)) == []
