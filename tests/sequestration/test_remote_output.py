"""Maps in an object store: the same as on a disk, and never half-done under the final name."""

import json
from pathlib import Path

import fsspec
import pytest
from tests.bad_country import Country
from tests.remote_store import BUCKET, environment, forget, s3  # noqa: F401 - fixtures
from tests.sequestration.test_resume import TILE, TILES, results

from recarb.core.config import load_config
from recarb.core.errors import ConfigError, InputError, OutputError
from recarb.sequestration import pipeline, remote_folder
from recarb.sequestration.cluster import Cluster
from recarb.sequestration.example import write_example
from recarb.sequestration.object_store import ObjectStore
from recarb.sequestration.pipeline import run
from recarb.sequestration.run_folder import MARKER

URL = "memory://bucket/out"
OUT = "/bucket/out"


@pytest.fixture
def memory():
    forget()
    yield fsspec.filesystem("memory")
    forget()


@pytest.fixture
def country(tmp_path, memory):
    found = Country(tmp_path)
    found.table |= {"tile_cells": TILE, "output": URL}
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a run leaves on a disk."""
    country = Country(tmp_path_factory.mktemp("disk"))
    country.table["tile_cells"] = TILE
    return told_apart(results(run(country.config()).folder))


def told_apart(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without what says where the run lies: paths in provenance, the token of its marker."""
    record = json.loads(files["provenance.json"])
    del record["config"]
    return files | {"provenance.json": json.dumps(record).encode(), MARKER: b""}


def objects(memory, folder: str = OUT) -> dict[str, bytes]:
    found = {path.removeprefix(f"{folder}/"): memory.cat_file(path) for path in memory.find(folder)}
    return {name: data for name, data in found.items() if name != "run.log"}


def tiles_of(memory) -> list[str]:
    return [name for name in objects(memory, f"{OUT}.part") if name.endswith(".npz")]


def fails_at(monkeypatch, method: str, name: str, error: Exception) -> None:
    known = getattr(ObjectStore, method)

    def failing(self: ObjectStore, at: str, *args: object) -> object:
        if at.endswith(name):
            raise error
        return known(self, at, *args)

    monkeypatch.setattr(ObjectStore, method, failing)


def test_a_run_into_a_store_is_that_on_a_disk(country, expected, memory, tmp_path):
    report = run(country.config(), pictures=lambda folder: (folder / "drawn.png").write_bytes(b"p"))
    assert str(report.folder) == URL
    found = objects(memory)
    assert found.pop("drawn.png") == b"p"
    assert told_apart(found) == expected
    assert memory.find(f"{OUT}.part") == []
    assert b"recarb" in memory.cat_file(f"{OUT}/run.log")
    assert json.loads(found["provenance.json"])["config"]["output"] == URL
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_goes_on_from_the_tiles_in_the_store(
    country, expected, memory, monkeypatch
):
    known, ran, gone = pipeline.run_tile, [], True

    def two(inputs, tile):
        ran.append(tile)
        if gone and len(ran) >= 3:
            raise InputError("the map is gone")
        return known(inputs, tile)

    monkeypatch.setattr(pipeline, "run_tile", two)
    with pytest.raises(InputError, match="the map is gone") as caught:
        run(country.config(), threads=1)
    assert f"2 finished tile(s) are kept in {URL}.part/tiles" in caught.value.__notes__[0]
    assert memory.find(OUT) == [] and len(tiles_of(memory)) == 2
    gone = False
    ran.clear()
    run(country.config(), threads=1)
    assert len(ran) == TILES - 2
    assert told_apart(objects(memory)) == expected
    log = memory.cat_file(f"{OUT}/run.log").decode()
    assert log.count("configuration") == 2 and "reusing 2 tiles" in log


@pytest.mark.parametrize("name", ["summary.csv", "provenance.json", MARKER])
@pytest.mark.parametrize("overwrite", [False, True])
def test_half_an_upload_is_no_finished_run(country, expected, memory, monkeypatch, name, overwrite):
    if overwrite:
        run(country.config())
        memory.pipe_file(f"{OUT}/of_before.tif", b"a map that this run does not write")
    with monkeypatch.context() as patch:
        fails_at(patch, "put_file", name, OutputError("the net is gone"))
        with pytest.raises(OutputError, match="the net is gone") as caught:
            run(country.config(), overwrite=overwrite)
    assert f"{TILES} finished tile(s) are kept" in caught.value.__notes__[0]
    assert MARKER not in objects(memory)
    run(country.config())
    assert told_apart(objects(memory)) == expected
    assert memory.find(f"{OUT}.part") == []


def test_a_truncated_upload_is_noticed(country, memory, monkeypatch):
    known = ObjectStore.put_file

    def cut(self: ObjectStore, name: str, path: Path) -> None:
        if name == "summary.csv":
            self.put(name, b"half")
        else:
            known(self, name, path)

    monkeypatch.setattr(ObjectStore, "put_file", cut)
    with pytest.raises(OutputError, match=r"summary\.csv: expected \d+ bytes.*found 4"):
        run(country.config())
    assert MARKER not in objects(memory)


def test_an_earlier_run_is_replaced_only_if_asked_for(country, memory):
    run(country.config())
    before = objects(memory)
    with pytest.raises(ConfigError, match=r"memory://bucket/out exists; .*--overwrite"):
        run(country.config())
    assert objects(memory) == before
    run(country.config(), overwrite=True)
    assert {n: d for n, d in objects(memory).items() if n != MARKER} == {
        n: d for n, d in before.items() if n != MARKER
    }


@pytest.mark.parametrize("folder", [OUT, f"{OUT}.part"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_not_ours_is_left_alone(country, memory, folder, overwrite):
    memory.pipe_file(f"{folder}/thesis.txt", b"years of work")
    with pytest.raises(ConfigError, match="in the way"):
        run(country.config(), overwrite=overwrite)
    assert memory.cat_file(f"{folder}/thesis.txt") == b"years of work"


def test_the_run_that_began_first_ends_without_its_maps(country, memory):
    config = country.config()

    def second(_folder: Path) -> None:
        with (
            pytest.raises(InputError, match="stop"),
            remote_folder.run_folder(config, False, False),
        ):
            raise InputError("stop")

    with pytest.raises(OutputError, match="another run has begun there"):
        run(config, pictures=second)
    assert MARKER not in objects(memory)
    assert len(tiles_of(memory)) == TILES  # of use to the other


def test_a_store_that_lets_nobody_write_stops_before_any_work(country, memory, monkeypatch):
    def denied(*_: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(memory), "pipe_file", denied)
    monkeypatch.setattr(pipeline, "check_run", denied)
    with pytest.raises(OutputError, match=r"could not be written \(PermissionError.*credentials"):
        run(country.config())


@pytest.mark.parametrize("output", ["https://example.org/out", "s3://bucket/", "memory://"])
def test_an_output_that_cannot_be_is_a_fault_of_run_toml(country, output):
    country.table["output"] = output
    with pytest.raises(ConfigError, match=r"output: expected a folder on a disk or in an object"):
        country.config()


def test_a_slash_at_the_end_changes_nothing(country):
    country.table["output"] = URL + "/"
    assert str(country.config().output) == URL


@pytest.mark.s3
@pytest.mark.slow
def test_tinyland_on_two_workers_from_bucket_to_bucket(s3, tmp_path):  # noqa: F811
    path = write_example(tmp_path / "tinyland")
    s3.put_folder(path.parent, "tinyland")
    here = results(run(load_config(path)).folder)
    config = load_config(f"s3://{BUCKET}/tinyland/run.toml")
    report = run(config, cluster=Cluster(workers=2))
    assert str(report.folder) == f"s3://{BUCKET}/tinyland/out"
    listed = s3.client().list_objects_v2(Bucket=BUCKET, Prefix="tinyland/out")["Contents"]
    found = {
        item["Key"].removeprefix("tinyland/out/"): s3.client()
        .get_object(Bucket=BUCKET, Key=item["Key"])["Body"]
        .read()
        for item in listed
    }
    del found["run.log"]
    assert not [name for name in found if name.startswith("tinyland/out.part")]
    assert told_apart(found) == told_apart(here)


@pytest.mark.s3
def test_a_bucket_that_is_not_there(s3, country):  # noqa: F811
    country.table["output"] = "s3://nobody/out"
    with pytest.raises(OutputError, match=r"s3://nobody/out.*no such bucket|NoSuchBucket"):
        run(country.config())
