"""An interrupted run goes on from its finished tiles and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.bad_country import Country, traces
from tests.sequestration.test_output import contents

from recarb.core.errors import InputError, OutputError
from recarb.sequestration import pipeline, tile_run, tile_store
from recarb.sequestration.pipeline import run
from recarb.sequestration.tile_store import FolderStore

TILE = 8
TILES = 4  # of 8 x 8 cells in the 12 x 10 of the country
NO_SPACE = OSError(28, "No space left on device")

# a run that kills itself at the call number `at` of a function, or that gets a signal there
DIES = """
import os, pathlib, shutil, signal, sys
from recarb.io.cog import MapWriter
from recarb.sequestration import run_folder
from recarb.sequestration.tile_store import FolderStore
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
toml, moment, at, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
owner, name = {"tile": (FolderStore, "put"), "map": (MapWriter, "publish"),
               "rename": (os, "replace"), "clean": (shutil, "rmtree")}[moment]
known, calls = getattr(owner, name), []
def dying(*args, **named):
    watched = moment != "rename" or str(args[0]).endswith(("out", "out.part"))
    calls.append(watched)
    if watched and sum(calls) == at:
        os.kill(os.getpid(), number)
    return known(*args, **named)
setattr(owner, name, dying)
from recarb.cli import main
sys.argv = ["recarb", "run", toml, "--overwrite", "--threads", "2"]
main()
"""


@pytest.fixture
def country(tmp_path):
    found = Country(tmp_path)
    found.table["tile_cells"] = TILE
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the run leaves that nobody interrupts."""
    country = Country(tmp_path_factory.mktemp("whole"))
    country.table["tile_cells"] = TILE
    return results(run(country.config()).folder)


def results(folder: Path) -> dict[str, bytes]:
    """Every file of a run but its log, which holds the time, and the pictures."""
    return {
        name: data
        for name, data in contents(folder).items()
        if name != "run.log" and not name.startswith("pictures")
    }


def tile_files(country: Country) -> list[Path]:
    return sorted((country.folder / "out.part" / "tiles").glob("*.npz"))


def dies(country: Country, moment: str, at: int, number: int) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own that gets a signal."""
    command = [sys.executable, "-c", DIES, str(country.write()), moment, str(at), str(number)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stops_after(monkeypatch, tiles: int, error: BaseException) -> None:
    """Let the store fail when some tiles are in it (the first `put` is that of the key)."""
    put, calls = FolderStore.put, []

    def failing(self: FolderStore, name: str, data: bytes) -> None:
        calls.append(name)
        if len(calls) > tiles + 1:
            raise error
        put(self, name, data)

    monkeypatch.setattr(FolderStore, "put", failing)


def interrupted(country: Country, tiles: int = 2) -> None:
    """Run until the disk is full, and leave some tiles."""
    with pytest.MonkeyPatch.context() as patch:
        stops_after(patch, tiles, NO_SPACE)
        with pytest.raises(OutputError, match="No space left") as caught:
            run(country.config(), threads=1)
    assert f"{tiles} finished tile(s) are kept" in caught.value.__notes__[0]
    assert len(tile_files(country)) == tiles


def computed(monkeypatch) -> list[object]:
    """The tiles that are run from here on."""
    found: list[object] = []
    known = pipeline.run_tile

    def watched(inputs, tile):
        found.append(tile)
        return known(inputs, tile)

    monkeypatch.setattr(pipeline, "run_tile", watched)
    return found


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this platform")
@pytest.mark.parametrize(
    ("moment", "at"),
    [("tile", 2), ("tile", 4), ("map", 1), ("map", 15), ("rename", 1), ("clean", 2)],
)
def test_a_killed_run_goes_on(country, expected, moment, at):
    ended = dies(country, moment, at, signal.SIGKILL)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    if moment != "clean":
        assert traces(country.output) == ["out.part"]
    assert results(run(country.config(), overwrite=True).folder) == expected
    assert traces(country.output) == ["out"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this platform")
def test_a_run_that_is_killed_between_the_two_renames_at_the_end(country, expected):
    run(country.config())
    ended = dies(country, "rename", 2, signal.SIGKILL)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert traces(country.output) == ["out.old", "out.part"]
    assert results(country.folder / "out.old") == expected
    assert len(tile_files(country)) == TILES
    assert results(run(country.config(), overwrite=True).folder) == expected
    assert traces(country.output) == ["out"]


def test_a_stop_by_the_user_says_what_is_kept(country, expected):
    ended = dies(country, "map", 1, signal.SIGINT)
    assert ended.returncode == 130
    assert "stopped by the user" in ended.stderr
    assert f"{TILES} finished tile(s) are kept in" in ended.stderr
    assert "the same command goes on from there" in ended.stderr
    assert results(run(country.config()).folder) == expected


def test_a_stop_while_tiles_run_waits_for_those_under_way(country, expected):
    ended = dies(country, "tile", 2, signal.SIGINT)  # while the first tile is kept
    assert ended.returncode == 130, ended.stderr
    kept = len(tile_files(country))
    assert kept >= 1
    assert f"{kept} finished tile(s) are kept in" in ended.stderr
    assert results(run(country.config()).folder) == expected


def test_a_full_disk_and_then_room_again(country, expected, monkeypatch):
    interrupted(country)
    ran, said = computed(monkeypatch), []
    report = run(country.config(), progress=lambda done, total, what: said.append(what))
    assert len(ran) == TILES - 2
    assert "running, reusing 2 of 4 tiles of an interrupted run" in said
    assert results(report.folder) == expected
    assert "reusing 2 tiles" in (report.folder / "run.log").read_text()


def test_fresh_computes_every_tile(country, expected, monkeypatch):
    interrupted(country)
    ran = computed(monkeypatch)
    assert results(run(country.config(), fresh=True).folder) == expected
    assert len(ran) == TILES


DAMAGES = {
    "flipped": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_tile_is_named_and_computed_again(country, expected, monkeypatch, damage):
    interrupted(country)
    tile = tile_files(country)[-1]
    tile.write_bytes(DAMAGES[damage](tile.read_bytes()))
    ran = computed(monkeypatch)
    report = run(country.config())
    assert len(ran) == TILES - 1
    (found,) = [finding for finding in report.findings if finding.code == "damaged_tile"]
    assert found.where == tile.name
    assert results(report.folder) == expected


def test_half_a_tile_under_a_temporary_name_is_none(country, expected):
    interrupted(country)
    (tile_files(country)[0].parent / "r000008c000000.0.npz.part").write_bytes(b"half")
    assert results(run(country.config()).folder) == expected


def changed_input(country: Country) -> None:
    country.layers["clay"].values += 1.0


def changed_model(country: Country) -> None:
    country.set("forward", years=6)


@pytest.mark.parametrize(
    ("change", "why"),
    [(changed_input, "an input file has changed"), (changed_model, "run.toml has changed")],
)
def test_tiles_of_other_inputs_are_not_used(country, monkeypatch, change, why):
    interrupted(country)
    change(country)
    ran = computed(monkeypatch)
    report = run(country.config())
    assert len(ran) == TILES
    (found,) = [finding for finding in report.findings if finding.code == "tiles_not_used"]
    assert "2 tiles" in found.message and why in found.message


def test_other_code_makes_other_tiles(country, monkeypatch):
    interrupted(country)
    monkeypatch.setattr("recarb.sequestration.run_record._code_hash", lambda: "other")
    ran = computed(monkeypatch)
    run(country.config())
    assert len(ran) == TILES


def test_a_finding_that_is_accepted_costs_no_tile(country, monkeypatch):
    """A suspicion after the last tile stops the run; `accept` and the same command end it."""
    monkeypatch.setattr("recarb.sequestration.run_record.MOST", -1.0)
    monkeypatch.setattr(tile_run.Tally, "record", above_npp(tile_run.Tally.record))
    with pytest.raises(InputError, match="c_eq_above_npp") as caught:
        run(country.config())
    assert f"{TILES} finished tile(s) are kept" in caught.value.__notes__[0]
    country.table |= {"accept": ["c_eq_above_npp"], "note": "as it is", "name": "Badland"}
    ran = computed(monkeypatch)
    run(country.config())
    assert ran == []


def above_npp(record):
    """One cell more than there is that needs more input than can grow."""
    return lambda self: record(self) | {"c_eq_above_npp_cells": 1}


def test_an_interrupted_run_keeps_its_tiles_if_no_size_is_asked_for(country, expected, monkeypatch):
    interrupted(country)
    del country.table["tile_cells"]
    ran = computed(monkeypatch)
    folder = run(country.config()).folder
    assert len(ran) == TILES - 2
    maps = {name: data for name, data in results(folder).items() if name.endswith(".tif")}
    assert maps == {name: expected[name] for name in maps}


def test_an_earlier_run_stays_while_one_is_interrupted(country, expected):
    folder = run(country.config()).folder
    with pytest.MonkeyPatch.context() as patch:
        stops_after(patch, 1, NO_SPACE)
        with pytest.raises(OutputError):
            run(country.config(), overwrite=True)
    assert results(folder) == expected
    assert results(run(country.config(), overwrite=True).folder) == expected


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("tile_cells", [8, 9, 16, None])
def test_neither_threads_nor_tiles_change_a_byte(country, expected, threads, tile_cells):
    country.table["tile_cells"] = tile_cells or TILE
    config = country.config().model_copy(update={"tile_cells": tile_cells})
    found = results(run(config, threads=threads).folder)
    del found["provenance.json"]  # holds the tile_cells of run.toml
    assert found == {name: expected[name] for name in expected if name != "provenance.json"}


def test_tiles_that_finish_in_another_order_change_no_byte(country, expected, monkeypatch):
    known = pipeline.run_tile

    def slow_first(inputs, tile):
        time.sleep(0.3 if tile.rows.start == tile.columns.start == 0 else 0.0)
        return known(inputs, tile)

    monkeypatch.setattr(pipeline, "run_tile", slow_first)
    assert results(run(country.config(), threads=3).folder) == expected


def test_a_fault_in_a_thread_is_that_of_the_run(country, monkeypatch):
    def faulty(inputs, tile):
        raise InputError("the map is gone")

    monkeypatch.setattr(pipeline, "run_tile", faulty)
    with pytest.raises(InputError, match="the map is gone"):
        run(country.config(), threads=2)
    assert traces(country.output) == []


def test_the_store_flushes_before_it_renames(tmp_path, monkeypatch):
    """Else a crash of the machine leaves a name without its bytes."""
    calls = []
    for name in ("fsync", "replace"):
        known = getattr(os, name)
        monkeypatch.setattr(
            tile_store.os, name, lambda *a, n=name, k=known: (calls.append(n), k(*a))[1]
        )
    FolderStore(tmp_path).put("a", b"1")
    assert calls[:2] == ["fsync", "replace"]
