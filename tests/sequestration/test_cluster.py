"""Tiles on dask workers: the maps of threads byte by byte, and nothing is lost with a worker."""

import os
import signal
import sys
import time
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster
from filelock import FileLock, Timeout
from tests.bad_country import Country, traces
from tests.sequestration.test_resume import TILE, TILES, results, tile_files

from recarb.core.compile import cache_folder
from recarb.core.errors import ClusterError, ConfigError, InputError, OutputError
from recarb.core.findings import no_progress
from recarb.sequestration import cluster, compiling, tile_job, tile_run
from recarb.sequestration.checks import check_run
from recarb.sequestration.cluster import Cluster
from recarb.sequestration.pipeline import run

ANY_PORT = "127.0.0.1:0"  # else two tests at once ask for the same


@pytest.fixture
def country(tmp_path):
    found = Country(tmp_path)
    found.table["tile_cells"] = TILE
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What threads leave."""
    country = Country(tmp_path_factory.mktemp("threads"))
    country.table["tile_cells"] = TILE
    return results(run(country.config()).folder)


@pytest.fixture
def here():
    """A scheduler and one worker in this process, so that a test can patch what they do."""
    quiet = {"protocol": "tcp://", "dashboard_address": ANY_PORT}
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),  # where one is gone
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as found,
    ):
        yield found


def on(place: LocalCluster) -> Cluster:
    return Cluster(scheduler=place.scheduler_address)


def faulty(after: int, fault, known=tile_job.run_tile):
    """A `run_tile` that calls `fault` from one tile on."""
    calls = []

    def run_tile(inputs, tile):
        calls.append(tile)
        if len(calls) > after:
            fault()
        return known(inputs, tile)

    return run_tile


def dies_once(flag: str) -> None:
    """On a worker: let the first tile that anybody computes kill its process."""
    known = tile_job.run_tile

    def run_tile(inputs, tile):
        try:
            Path(flag).touch(exist_ok=False)
        except FileExistsError:
            return known(inputs, tile)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    tile_job.run_tile = run_tile


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this platform")
def test_two_processes_of_which_one_is_killed(country, expected, tmp_path):
    flag, seen = tmp_path / "killed", []
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=ANY_PORT) as place:
        with Client(place) as client:
            client.run(dies_once, str(flag))
        report = run(
            country.config(),
            cluster=on(place),
            progress=lambda done, total, what: seen.append((what, done, total)),
        )
    assert flag.exists()
    assert results(report.folder) == expected
    running = [step[1:] for step in seen if step[0] == "running"]
    assert running[0] == (0, 120) and running[-1] == (120, 120) and len(running) == TILES + 1
    assert "dask: 2 worker thread(s)" in (report.folder / "run.log").read_text()


def test_workers_go_on_where_threads_stopped(country, expected, here, monkeypatch):
    def full_disk():
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("recarb.sequestration.pipeline.run_tile", faulty(2, full_disk))
        with pytest.raises(OSError, match="No space left"):
            run(country.config(), threads=1)
    assert len(tile_files(country)) == 2
    ran = []
    monkeypatch.setattr(tile_job, "run_tile", faulty(0, lambda: ran.append(1)))
    assert results(run(country.config(), cluster=on(here)).folder) == expected
    assert len(ran) == TILES - 2


def test_a_fault_of_a_tile_is_that_of_the_run(country, here, monkeypatch, expected):
    def fault():
        raise InputError("the map is gone")

    with monkeypatch.context() as patch:
        patch.setattr(tile_job, "run_tile", faulty(1, fault))
        with pytest.raises(InputError, match="the map is gone") as caught:
            run(country.config(), cluster=on(here))
    assert type(caught.value) is InputError and caught.value.exit_code == 3
    assert "1 finished tile(s) are kept" in caught.value.__notes__[0]
    assert results(run(country.config()).folder) == expected


def test_a_tile_that_fails_once_is_tried_again(country, here, monkeypatch, expected):
    told = []

    def once():
        if not told:
            told.append(1)
            raise InputError("the server is busy")

    monkeypatch.setattr(tile_job, "run_tile", faulty(1, once))
    assert results(run(country.config(), cluster=on(here)).folder) == expected
    assert told


@pytest.mark.parametrize("gone", ["workers", "scheduler"])
def test_all_gone_is_told_and_the_tiles_are_kept(country, expected, here, monkeypatch, gone):
    monkeypatch.setattr(cluster, "NO_WORKER_S", 0.5)
    monkeypatch.setattr(cluster, "LOOK_S", 0.1)

    def stop():
        if gone == "workers":
            here.loop.add_callback(here.scale_down, list(here.workers))
        else:
            here.loop.add_callback(here.scheduler.close)
        time.sleep(0.5)
        raise OSError("the end")

    address = on(here)
    monkeypatch.setattr(tile_job, "run_tile", faulty(2, stop))
    said = {"workers": "has had no worker for", "scheduler": "the scheduler is gone"}[gone]
    with pytest.raises(ClusterError, match=said) as caught:
        run(country.config(), cluster=address)
    assert caught.value.exit_code == 7
    assert "2 finished tile(s) are kept" in caught.value.__notes__[0]
    assert results(run(country.config()).folder) == expected


def test_a_worker_with_other_versions_is_refused(country, here, monkeypatch):
    other = tile_job.computing_versions() | {"numba": "0.1"}
    monkeypatch.setattr(tile_job, "computing_versions", lambda: other)
    with pytest.raises(ClusterError, match=r"has numba 0\.1 instead of .*; install the same"):
        run(country.config(), cluster=on(here))
    assert traces(country.output) == []


def test_a_worker_that_joins_later_is_checked_too(country, here, monkeypatch):
    monkeypatch.setattr(cluster, "_check_all", lambda client: None)
    test_a_worker_with_other_versions_is_refused(country, here, monkeypatch)


def test_a_worker_that_does_not_see_the_folder_is_told(country, here, monkeypatch):
    monkeypatch.setattr(tile_job, "read_key", lambda store: None)
    with pytest.raises(OutputError, match=r"does not see there.*disk that all workers") as caught:
        run(country.config(), cluster=on(here))
    assert str(country.output) in str(caught.value)


def test_a_worker_that_cannot_write_is_told(country, here, monkeypatch):
    def denied(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tile_job, "put_tile", denied)
    with pytest.raises(OutputError, match=r"tiles: could not be written \(Permission denied\)"):
        run(country.config(), cluster=on(here))


def test_a_worker_started_in_another_folder_finds_the_files(country, expected, monkeypatch, here):
    """Paths that are relative to the folder of the one who asks."""
    from recarb.core.config import load_config

    country.write()
    monkeypatch.chdir(country.folder)
    config = load_config("run.toml")
    assert not config.inputs.soc.path.is_absolute()
    sent = config.absolute()
    assert sent.inputs.soc.path == country.path("soc")
    assert sent.climate["series"].rain.path.is_absolute()
    assert sent.fingerprint() == config.fingerprint() and sent.portable() == config.portable()
    assert results(run(config, cluster=on(here)).folder) == expected


def test_nobody_answers(country, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    with pytest.raises(ClusterError, match=r"no cluster at tcp://127\.0\.0\.1:9 .*expected"):
        run(country.config(), cluster=Cluster(scheduler="tcp://127.0.0.1:9"))


def test_a_scheduler_without_workers(country, monkeypatch):
    monkeypatch.setattr(cluster, "NO_WORKER_S", 0.2)
    with (
        LocalCluster(n_workers=0, protocol="tcp://", dashboard_address=ANY_PORT) as place,
        pytest.raises(ClusterError, match="with at least one worker"),
    ):
        run(country.config(), cluster=on(place))


def test_too_little_memory_names_the_share_of_a_worker(country, here, monkeypatch):
    monkeypatch.setattr(cluster, "OWN_SHARE", 1e-4)
    with pytest.raises(ConfigError, match="too little") as caught:
        run(country.config(), cluster=on(here))
    assert "share of one worker thread" in caught.value.__notes__[0]


def test_memory_is_divided_among_workers_and_the_one_who_asks():
    assert Cluster(workers=3).share(1000) == 250
    assert Cluster(scheduler="tcp://host:8786").share(1000) == 1000


@pytest.mark.parametrize("choice", [{}, {"scheduler": "tcp://host:1", "workers": 2}])
def test_one_way_to_find_workers_is_needed(choice):
    with pytest.raises(ConfigError, match=r"either --scheduler .* or --workers"):
        Cluster(**choice)


def test_without_dask_it_is_said_what_to_install(country, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'pip install "recarb\[dask\]"'):
        run(country.config(), cluster=Cluster(workers=2))


def test_the_command_line_wants_one_way_too(country):
    from recarb.cli.run import run as command

    with pytest.raises(ConfigError, match=r"came both"):
        command(str(country.write()), workers=2, scheduler="tcp://host:1")
    with pytest.raises(ConfigError, match=r"came none"):
        command(str(country.write()), dask_report=Path("report.html"))


def test_one_process_compiles_at_a_time(country, monkeypatch):
    held = []

    def simulate(*_: object) -> None:
        with pytest.raises(Timeout), FileLock(cache_folder() / compiling.LOCK, timeout=0):
            pass
        held.append(1)

    checked = check_run(country.config())
    monkeypatch.setattr(tile_run, "simulate", simulate)
    tables = checked.inputs.tables
    tile_run.compile_model(checked.example, country.config(), tables, no_progress)
    assert held == [1]


def test_the_report_of_dask(country, here, tmp_path):
    pytest.importorskip("bokeh")
    page = tmp_path / "report.html"
    asked = Cluster(scheduler=here.scheduler_address, report=page)
    run(country.config(), cluster=asked)
    assert "recarb-tile" in page.read_text(encoding="utf-8")
