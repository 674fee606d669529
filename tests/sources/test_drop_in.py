"""Without a line: what is missing is listed; a user's own downloads are checked as any other."""

import hashlib
import os
from dataclasses import replace

import pytest
from tests.sources.server import PAGE
from tests.sources.test_fetch import BODY, assert_refused, assert_right, fetch, wanted

from recarb.core.errors import SourceError, Unreachable, WrongContent
from recarb.sources import fetch as fetching
from recarb.sources.base import Box


def test_offline_lists_everything_that_is_missing(tmp_path):
    ones = [wanted(f"http://x.invalid/{n}", key=f"soil/1.0/{n}.tif") for n in range(3)]
    assert_refused(tmp_path, Unreachable, "3 files", "soil/1.0/0.tif", "soil/1.0/2.tif", "--unpack",
            ones=ones, offline=True)  # fmt: skip


@pytest.mark.parametrize("name", ["map.tif", "MAP.TIF", "Map_1.0.tif"])
def test_a_users_own_download_is_taken(tmp_path, name):
    folder = tmp_path / "mine" / "deeper"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(BODY)
    one = wanted("http://x.invalid/map.tif", also_named=("map_1.0.tif",))
    (got,) = fetch(tmp_path, one, offline=True, drop_in=tmp_path / "mine")
    assert got.url == f"dropped in: {name}"
    assert_right(tmp_path)


def test_a_users_download_under_any_name_is_known_by_its_checksum(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "download(1)").write_bytes(BODY)
    one = wanted("http://x.invalid/map.tif", sha256=hashlib.sha256(BODY).hexdigest(),
                 size_bytes=(len(BODY), len(BODY)))  # fmt: skip
    fetch(tmp_path, one, offline=True, drop_in=tmp_path / "mine")
    assert_right(tmp_path)


@pytest.mark.parametrize("body", [PAGE, BODY[:900], b""], ids=["web page", "half", "empty"])
def test_a_users_wrong_download_is_refused(tmp_path, body):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "map.tif").write_bytes(body)
    assert_refused(tmp_path, WrongContent, "map.tif was taken for soil 1.0", "take it out",
            ones=[wanted("http://x.invalid/map.tif")], drop_in=tmp_path / "mine")  # fmt: skip
    assert not list((tmp_path / "cache").rglob("*.part"))


@pytest.mark.parametrize("links", [True, False])
def test_a_world_map_is_checked_once_and_lies_there_once(tmp_path, monkeypatch, links):
    """However many boxes the country has. Without links each box has its copy."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/map.tif").write_bytes(BODY)
    checked, real = [], fetching.check_file
    monkeypatch.setattr(fetching, "check_file", lambda *a: checked.append(a) or real(*a))
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    one = wanted("http://x.invalid/map.tif", also_named=("map_1.0.tif",))
    boxes = [replace(one, key=f"soil/1.0/{west}/map.tif", window=Box(west, 13, west + 1, 14))
             for west in range(100, 106)]  # fmt: skip
    got = fetch(tmp_path, *boxes, offline=True, drop_in=tmp_path / "mine")
    assert len(checked) == 1
    paths = [found.path(tmp_path / "cache") for found in got]
    assert [path.read_bytes() for path in paths] == [BODY] * 6
    assert len({path.stat().st_ino for path in paths}) == (1 if links else 6)
    assert not paths[0].samefile(tmp_path / "mine/map.tif")
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert fetch(tmp_path, *boxes, offline=True) == got


def refuse(*_):
    raise OSError("no links here")


def test_a_drop_in_folder_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no such folder"):
        fetch(tmp_path, wanted("http://x.invalid/map.tif"), drop_in=tmp_path / "none")
