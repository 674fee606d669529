"""A pack carries files and proof; what is damaged, foreign or malicious is not unpacked."""

import hashlib
import json
import shutil
import zipfile

import pytest
from tests.sources import samples
from tests.sources.test_fetch import BODY, PATH, assert_right, fetch, finished, wanted

from recarb.core.errors import ChecksumMismatch, ConfigError, InputError, MissingData, WrongContent
from recarb.sources.cache import Cache, safe_key
from recarb.sources.pack import MANIFEST, pack, unpack


@pytest.fixture
def packed(server, tmp_path):
    one = wanted(server.put(PATH, BODY))
    files = fetch(tmp_path, one)
    target = pack(Cache(tmp_path / "cache"), files * 2, tmp_path / "country.zip")
    shutil.rmtree(tmp_path / "cache")
    return target


def rewritten(packed, change):
    """The pack with its members changed."""
    with zipfile.ZipFile(packed) as source:
        members = {name: source.read(name) for name in source.namelist()}
    change(members)
    with zipfile.ZipFile(packed, "w") as target:
        for name, body in members.items():
            target.writestr(name, body)
    return packed


def test_there_and_back(packed, tmp_path):
    cache = Cache(tmp_path / "cache")
    (got,) = unpack(cache, packed)
    assert got.url.startswith("http://")
    assert_right(tmp_path)
    fetch(tmp_path, wanted(got.url), offline=True)
    assert unpack(cache, packed) == [got]


def test_a_flipped_bit(packed, tmp_path):
    body = bytearray(packed.read_bytes())
    body[body.index(BODY[:200]) + 150] ^= 1
    packed.write_bytes(body)
    with pytest.raises(ChecksumMismatch, match="copy"):
        unpack(Cache(tmp_path / "cache"), packed)
    assert finished(tmp_path) == []


@pytest.mark.parametrize("body", [BODY[:-1], BODY + b"x" * 5_000_000, b"", BODY[:-1] + b"!"])
def test_another_body_under_the_name(packed, tmp_path, body):
    rewritten(packed, lambda members: members.update({"soil/1.0/map.tif": body}))
    with pytest.raises(ChecksumMismatch, match="expected"):
        unpack(Cache(tmp_path / "cache"), packed)
    assert finished(tmp_path) == []
    assert not list((tmp_path / "cache").rglob("*.part"))


@pytest.mark.parametrize(
    "evil",
    ["../evil.tif", "/evil.tif", "a/../../evil.tif", "..\\evil.tif", "C:/evil.tif", "nul.tif"],
)
def test_a_name_that_leaves_the_cache(packed, tmp_path, evil):
    def change(members):
        listed = json.loads(members[MANIFEST])
        listed["files"][0]["key"] = evil
        members[MANIFEST] = json.dumps(listed).encode()
        members[evil] = members.pop("soil/1.0/map.tif")

    with pytest.raises(InputError, match="expected a path inside the cache"):
        unpack(Cache(tmp_path / "cache"), rewritten(packed, change))
    assert not list(tmp_path.rglob("evil*"))
    with pytest.raises(ConfigError):
        safe_key(evil)


def test_a_file_that_is_not_listed(packed, tmp_path):
    rewritten(packed, lambda members: members.update({"extra.tif": BODY}))
    with pytest.raises(InputError, match=r"extra\.tif"):
        unpack(Cache(tmp_path / "cache"), packed)
    assert finished(tmp_path) == []


def test_a_listed_file_that_is_missing(packed, tmp_path):
    rewritten(packed, lambda members: members.pop("soil/1.0/map.tif"))
    with pytest.raises(InputError, match="differ"):
        unpack(Cache(tmp_path / "cache"), packed)


def test_an_honest_pack_of_wrong_values(packed, tmp_path):
    """A list made to fit another map: what the record says of its values does not."""
    body = samples.geotiff(samples.np.full((20, 30), 9999, samples.np.int16))

    def change(members):
        members["soil/1.0/map.tif"] = body
        listed = json.loads(members[MANIFEST])
        listed["files"][0] |= {
            "sha256": hashlib.sha256(body).hexdigest(), "size_bytes": len(body)
        }  # fmt: skip
        members[MANIFEST] = json.dumps(listed).encode()

    with pytest.raises(WrongContent, match="9999"):
        unpack(Cache(tmp_path / "cache"), rewritten(packed, change))
    assert finished(tmp_path) == []


def test_half_a_pack_another_zip_and_none(packed, tmp_path):
    cache = Cache(tmp_path / "cache")
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(ChecksumMismatch, match="damaged"):
        unpack(cache, packed)
    with zipfile.ZipFile(packed, "w") as other:
        other.writestr("a.txt", "b")
    with pytest.raises(InputError, match="another zip"):
        unpack(cache, packed)
    with pytest.raises(MissingData, match="no such file"):
        unpack(cache, tmp_path / "none.zip")


def test_a_changed_file_is_not_packed(server, tmp_path):
    files = fetch(tmp_path, wanted(server.put(PATH, BODY)))
    (tmp_path / "cache/soil/1.0/map.tif").write_bytes(BODY[:-1] + b"!")
    with pytest.raises(ChecksumMismatch, match="changed since"):
        pack(Cache(tmp_path / "cache"), files, tmp_path / "country.zip")
    assert not list(tmp_path.glob("country.zip*"))
