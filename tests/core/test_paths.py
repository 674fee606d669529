"""Paths and URLs: where they lead, what is refused, and what a broken store is told."""

import hashlib
import json
from pathlib import Path

import fsspec
import pytest
from tests.factories import config
from tests.remote_store import environment, s3, web  # noqa: F401 - fixtures
from upath import UPath

from recarb.core import paths
from recarb.core.config import RunConfig, load_config
from recarb.core.errors import ConfigError, InputError, MissingData, RecarbError
from recarb.core.paths import is_file, is_remote, matching, parse_path, reaching, read_text
from recarb.core.provenance import CHUNK, file_facts, sha256_of
from recarb.harmonise.crosswalk import load_crosswalk

pytestmark = pytest.mark.s3

TOML = """
iso3 = "NOR"
output = "/tmp/out"
[inputs]
soc = { path = "maps/soc.tif" }
clay = { path = "s3://soils/clay.tif" }
land_use = { path = "../cover.tif", crosswalk = "tables/own.csv" }
[boundary]
path = "$STORE/land.gpkg"
[climate.one]
product = "one"
temperature = { path = "/data/t.tif" }
rain = { path = "https://example.org/p.tif" }
pet_method = "hargreaves"
[spin_up]
climate = "one"
"""


@pytest.fixture
def memory():
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


@pytest.mark.parametrize(
    ("text", "folder", "lies"),
    [
        ("soc.tif", Path("kenya"), "kenya/soc.tif"),
        ("/data/soc.tif", "s3://b/runs", "/data/soc.tif"),
        ("maps/soc.tif", "s3://b/runs", "s3://b/runs/maps/soc.tif"),
        ("./maps/../soc.tif", "s3://b/runs", "s3://b/runs/soc.tif"),
        ("../soc.tif", "https://example.org/a/b", "https://example.org/a/soc.tif"),
        ("s3://b/soc.tif", Path("kenya"), "s3://b/soc.tif"),
        ("S3://b/t_*.tif", Path("kenya"), "s3://b/t_*.tif"),
        ("memory://b/t_[ab]?.tif", Path("kenya"), "memory://b/t_[ab]?.tif"),
        ("file:///data/a%20b.tif", Path("kenya"), "/data/a b.tif"),
    ],
)
def test_where_a_path_leads(text, folder, lies):
    found = parse_path(text, parse_path(folder))
    assert str(found) == lies
    assert is_remote(found) == ("://" in lies)
    assert isinstance(found, UPath if "://" in lies else Path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://key:geheim@bucket/soc.tif", "holds a user or password"),
        ("https://me:geheim@example.org/soc.tif", "holds a user or password"),
        ("https://example.org/soc.tif?X-Amz-Signature=geheim", "signed link"),
        ("nothing://bucket/soc.tif", "nobody knows the scheme nothing://"),
        ("s3://$NOT_SET_ANYWHERE/soc.tif", "environment variable"),
        ("$NOT_SET_ANYWHERE/soc.tif", "environment variable NOT_SET_ANYWHERE"),
    ],
)
def test_what_is_refused_and_never_repeated(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        parse_path(text)
    assert "geheim" not in str(caught.value)
    with pytest.raises(ConfigError, match=said):
        load_config(text)


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("az", "azure")])
def test_a_package_that_is_not_installed(monkeypatch, scheme, extra):
    def none(_scheme):
        raise ImportError("Install it")

    monkeypatch.setattr(paths.fsspec, "get_filesystem_class", none)
    with pytest.raises(ValueError, match=rf'pip install "recarb\[{extra}\]"'):
        parse_path(f"{scheme}://bucket/soc.tif")


def test_a_run_toml_behind_a_url(memory, monkeypatch):
    monkeypatch.setenv("STORE", "memory://elsewhere")
    memory.pipe("/nor/runs/run.toml", b"\xef\xbb\xbf" + TOML.encode())
    found = load_config("memory://nor/runs/run.toml")
    assert str(found.inputs.soc.path) == "memory://nor/runs/maps/soc.tif"
    assert str(found.inputs.land_use.path) == "memory://nor/cover.tif"
    assert str(found.inputs.land_use.crosswalk) == "memory://nor/runs/tables/own.csv"
    assert found.boundary is not None
    assert str(found.boundary.path) == "memory://elsewhere/land.gpkg"
    assert found.climate["one"].temperature.path == Path("/data/t.tif")
    assert found.output == Path("/tmp/out")
    memory.pipe("/nor/runs/run.toml", TOML.replace("/tmp/out", "out").encode())
    assert str(load_config("memory://nor/runs/run.toml").output) == "memory://nor/runs/out"
    with pytest.raises(ConfigError, match=r"memory://nor/run\.toml: no such file"):
        load_config("memory://nor/run.toml")


def test_every_bad_url_is_listed_at_once(tmp_path):
    text = TOML.replace("maps/soc.tif", "ss3://b/soc.tif").replace("$STORE", "s3://me:geheim@b")
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "run.toml")
    lines = str(caught.value).splitlines()
    assert "2 fault(s)" in lines[0] and "geheim" not in str(caught.value)
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "inputs.soc.path",
        "boundary.path",
    ]


def test_the_fingerprint_does_not_see_where_files_lie():
    here = config()
    there = config(inputs={"soc": {"path": "s3://bucket/deep/soc.tif"}})
    assert here.inputs.soc.path.name == "soc.tif"
    assert there.fingerprint() == here.fingerprint()


def test_the_portable_record_keeps_urls():
    table = config(inputs={"soc": {"path": "s3://bucket/soc.tif"}})
    assert isinstance(table, RunConfig)
    record = table.portable()
    assert record["inputs"]["soc"]["path"] == "s3://bucket/soc.tif"
    json.dumps(record)
    assert "s3://bucket/soc.tif" in table.model_dump_json()


def test_matching_sorts_by_name(memory):
    for name in ("t_2.tif", "t_10.tif", "t_1.tif", "p_1.tif"):
        memory.pipe(f"/store/{name}", b"")
    found = matching(parse_path("memory://store/t_*.tif"))
    assert [str(path) for path in found] == [
        f"memory://store/{name}" for name in ("t_1.tif", "t_10.tif", "t_2.tif")
    ]


def test_text_with_the_marks_of_editors(memory, tmp_path):
    content = b"\xef\xbb\xbfcode,class\r\n10,2\r\n"
    memory.pipe("/store/own.csv", content)
    (tmp_path / "own.csv").write_bytes(content)
    for path in ("memory://store/own.csv", tmp_path / "own.csv"):
        assert read_text(parse_path(path)) == "code,class\n10,2\n"
        assert load_crosswalk(path).classes == {10: 2}
    with pytest.raises(MissingData, match=r"memory://store/none\.csv does not exist"):
        load_crosswalk("memory://store/none.csv")


def test_a_file_is_hashed_once_in_each_version(memory, monkeypatch):
    content = bytes(range(256)) * (CHUNK // 128)
    memory.pipe("/store/soc.tif", content)
    path, seen = parse_path("memory://store/soc.tif"), []
    expected = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert file_facts(path, lambda done, total, what: seen.append((done, total, what))) == expected
    assert seen == [(1, 2, "hashing soc.tif [MiB]"), (2, 2, "hashing soc.tif [MiB]")]
    seen.clear()
    assert file_facts(path, lambda *step: seen.append(step)) == expected
    assert seen == []
    memory.pipe("/store/soc.tif", content + b"more")
    assert sha256_of(path) == hashlib.sha256(content + b"more").hexdigest()


def test_hashes_in_a_bucket(s3):  # noqa: F811
    url = s3.put("maps/soc.tif", b"soil")
    assert file_facts(parse_path(url)) == {
        "bytes": 4,
        "sha256": hashlib.sha256(b"soil").hexdigest(),
    }
    assert is_file(parse_path(url)) and not is_file(parse_path("s3://country/maps"))
    with pytest.raises(MissingData, match=r"no such file: s3://country/none\.tif"):
        file_facts(parse_path("s3://country/none.tif"))


def test_a_store_that_does_not_answer_is_no_missing_file(environment):  # noqa: F811
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"s3://country/soc\.tif cannot be read.*AWS_ENDPOINT_URL"):
        is_file(parse_path("s3://country/soc.tif"))


def test_a_web_server_that_fails(web):  # noqa: F811
    url = web.put("run.toml", TOML.encode())
    web.fail_after = 0
    with pytest.raises(InputError, match=r"run\.toml cannot be read.*500"):
        load_config(url)
    assert not is_file(parse_path(f"{web.url}/none.toml"))


def test_own_errors_pass_as_they_are():
    with pytest.raises(RecarbError, match="mine"), reaching("s3://b/a"):
        raise RecarbError("mine")
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID"), reaching("s3://b/a"):
        raise PermissionError("Forbidden")
