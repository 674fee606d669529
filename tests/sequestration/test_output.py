"""The output folder: complete under its final name, or not there; what is a user's is kept."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio.shutil
from tests.bad_country import Country, traces

from recarb.core.errors import ConfigError, OutputError
from recarb.io import cog
from recarb.sequestration import output, pipeline, run_folder, tile_run
from recarb.sequestration.pipeline import run
from recarb.sequestration.run_folder import MARKER, RunFolder

NO_SPACE = OSError(28, "No space left on device")

FULL_DISK = """
import json, pathlib, resource, signal, sys
from recarb.core.config import load_config
from recarb.core.errors import RecarbError
from recarb.sequestration.pipeline import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
config = load_config(pathlib.Path(sys.argv[1]))
said = []
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        run(config, overwrite=True)
        said.append([0, "", []])
    except RecarbError as error:
        beside = sorted(path.name for path in config.output.parent.iterdir())
        said.append([error.exit_code, str(error), beside])
print(json.dumps(said))
"""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fails(*_: object, **__: object) -> None:
    raise NO_SPACE


@pytest.fixture
def country(tmp_path):
    return Country(tmp_path)


@pytest.fixture(scope="module")
def earlier_run(tmp_path_factory):
    """The folder of one run, to be copied."""
    return run(Country(tmp_path_factory.mktemp("earlier")).config()).folder


@pytest.fixture
def finished(country, earlier_run):
    """A country with an earlier run, and what that run wrote."""
    shutil.copytree(earlier_run, country.output)
    country.write()
    return country, contents(country.output)


def test_a_run_leaves_maps_summary_provenance_and_log(finished):
    country, files = finished
    assert traces(country.output) == ["out"]
    tops = {name for name in files if "/" not in name}
    assert {"summary.csv", "provenance.json", "run.log", MARKER} <= tops
    assert {Path(name).parent.name for name in files} == {"", "diagnostics", "flags"}
    maps = [name for name in tops if name.endswith(".tif")]
    assert len(maps) == 19
    assert not any(name.endswith((".part", ".cog")) for name in files)


def test_a_rerun_is_the_same_to_the_byte(country):
    once, again = (contents(run(country.config(), overwrite=True).folder) for _ in range(2))
    for files in (once, again):
        del files["run.log"]  # holds the time
    assert again == once


def test_an_existing_folder_stops_the_run_before_any_work(finished, monkeypatch):
    country, files = finished
    monkeypatch.setattr(pipeline, "check_run", fails)
    with pytest.raises(ConfigError, match=r"out exists; choose another `output`.*--overwrite") as e:
        run(country.config())
    assert e.value.exit_code == 2
    assert contents(country.output) == files


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("suffix", ["", ".part", ".old"])
def test_a_folder_of_the_user_is_never_touched(country, suffix, overwrite):
    mine = country.folder / f"out{suffix}"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=str(mine)):
        run(country.config(), overwrite=overwrite)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert traces(country.output) == [f"out{suffix}"]


def test_a_file_in_the_place_of_the_folder_is_left_alone(country):
    country.output.write_text("a file")
    with pytest.raises(ConfigError, match="in the way"):
        run(country.config(), overwrite=True)
    assert country.output.read_text() == "a file"


@pytest.mark.parametrize("suffix", [".part", ".old"])
def test_what_a_killed_run_left_is_replaced(finished, suffix):
    country, _ = finished
    stale = country.folder / f"out{suffix}"
    (stale / ".staging").mkdir(parents=True)
    (stale / MARKER).touch()
    (stale / ".staging" / "half.tif").write_bytes(b"half")
    run(country.config(), overwrite=True)
    assert traces(country.output) == ["out"]
    assert "half.tif" not in str(list(contents(country.output)))


def test_two_runs_into_one_folder(country):
    """The second is refused and does not disturb the first."""
    config = country.config()
    with RunFolder(config) as first:
        (first.part / "tile.txt").write_text("half")
        with pytest.raises(OutputError, match="another run is writing there; wait") as caught:
            run(config)
        assert caught.value.exit_code == 6
        assert (first.part / "tile.txt").read_text() == "half"
        first.finish()
    assert traces(country.output) == ["out"]


def broken_writes() -> dict[str, tuple[object, str]]:
    """The places where a run writes, one after the other."""
    return {
        "a block": (cog.MapWriter, "write"),
        "a map": (rasterio.shutil, "copy"),
        "the provenance": (pipeline, "write_json"),
        "the summary": (pipeline.pd.DataFrame, "to_csv"),
        "the last rename": (os, "replace"),
    }


def break_write(monkeypatch, place: str) -> None:
    """Let one place where a run writes fail as on a full disk."""
    if place == "the last rename":
        break_rename(monkeypatch, "out.part")
        return
    owner, name = broken_writes()[place]
    full = OutputError("full") if place == "a block" else NO_SPACE
    monkeypatch.setattr(owner, name, lambda *_, **__: (_ for _ in ()).throw(full))


def break_rename(monkeypatch, ending: str) -> None:
    """Let the renames of paths with an ending fail."""
    replace = os.replace

    def fails_there(source: Path, target: Path) -> None:
        if str(source).endswith(ending):
            raise NO_SPACE
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_there)


@pytest.mark.parametrize("place", broken_writes())
def test_a_write_that_fails_leaves_tiles_and_the_log(country, monkeypatch, place):
    break_write(monkeypatch, place)
    with pytest.raises(OutputError) as caught:
        run(country.config())
    assert caught.value.exit_code == 6
    assert traces(country.output) == ["out.part"]
    part = country.folder / "out.part"
    assert {path.name for path in part.iterdir()} <= {MARKER, ".lock", "run.log", "tiles"}
    (said,) = caught.value.__notes__
    assert f"1 finished tile(s) are kept in {part / 'tiles'}: the same command goes on" in said


@pytest.mark.parametrize("place", broken_writes())
def test_a_write_that_fails_keeps_the_earlier_run(finished, monkeypatch, place):
    country, files = finished
    break_write(monkeypatch, place)
    with pytest.raises(OutputError):
        run(country.config(), overwrite=True)
    assert traces(country.output) == ["out", "out.part"]
    assert contents(country.output) == files


def test_an_earlier_run_comes_back_when_the_exchange_fails_half_way(finished, monkeypatch):
    country, files = finished
    break_rename(monkeypatch, "out.part")
    with pytest.raises(OutputError, match="No space left"):
        run(country.config(), overwrite=True)
    assert traces(country.output) == ["out", "out.part"]
    assert contents(country.output) == files


def test_a_stop_before_the_first_tile_leaves_nothing(country, monkeypatch):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tile_run, "simulate", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(country.config())
    assert traces(country.output) == []


def test_no_log_goes_on_after_a_run_that_could_not_begin(country, monkeypatch):
    monkeypatch.setattr(output.RunMaps, "_open_maps", lambda *_: fails())
    before = list(logging.getLogger("recarb").handlers)
    with pytest.raises(OSError, match="No space left"):
        run(country.config())
    assert logging.getLogger("recarb").handlers == before
    assert traces(country.output) == []


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no file-size limit on this platform")
def test_a_disk_that_fills_keeps_the_earlier_run(finished):
    """The operating system refuses to let any file grow beyond some bytes."""
    country, files = finished
    limits = ["100", "1500", "2500"]
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(country.folder / "run.toml"), *limits],
        capture_output=True,
        text=True,
        check=True,
    )
    for code, said, beside in json.loads(ended.stdout.splitlines()[-1]):
        assert code == 6
        assert "could not be written" in said
        assert "run again" in said
        assert [name for name in beside if name.startswith("out")] == ["out"]
    assert contents(country.output) == files


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission(country):
    locked = country.folder / "locked"
    locked.mkdir(mode=0o500)
    country.table["output"] = "locked/out"
    with pytest.raises(OutputError, match="no permission to create it"):
        run(country.config())
    assert list(locked.iterdir()) == []


def test_a_folder_that_the_system_says_is_not_ours(country, monkeypatch):
    """The same for root, to whom nothing is forbidden."""
    monkeypatch.setattr(run_folder.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="no permission to create it in") as caught:
        run(country.config())
    assert "choose another `output`" in str(caught.value)
    assert caught.value.exit_code == 6


def test_folders_above_the_output_are_created(country):
    country.table["output"] = "a/b/out"
    assert run(country.config()).folder == country.folder / "a" / "b" / "out"


def test_names_of_the_information_system_need_two_letters_before_any_work(country, monkeypatch):
    monkeypatch.setattr(pipeline, "check_run", fails)
    with pytest.raises(ConfigError, match='iso2 = "XX"'):
        run(country.config(), sis_names=True)


def test_names_of_the_information_system_are_the_same_maps_once_more(country):
    country.table["iso2"] = "BD"
    files = contents(run(country.config(), sis_names=True).folder)
    twice = [name for name in files if name.startswith("sis/")]
    assert len(twice) == 19
    assert files["sis/BD-GSOCSEQ-CORGT0-2003-0-30-MEAN.tif"] == files["BAD_GSOCseq_T0_Map030.tif"]


def test_maps_name_no_folder(finished):
    country, files = finished
    for name, data in files.items():
        if name.endswith(".tif"):
            assert str(country.folder.parent).encode() not in data, name
