"""Tiles on the workers of a dask.distributed cluster, which keep them in a store.

Only the names of finished tiles come back; whoever asked reads them from the store. Queues, lost
workers and repeated attempts are dask's.
"""

import logging
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from recarb.core.config import RunConfig
from recarb.core.errors import ClusterError, ConfigError, RecarbError
from recarb.core.grid import Tile
from recarb.sequestration import tile_job
from recarb.sequestration.plan import Plan
from recarb.sequestration.run_record import computing_versions
from recarb.sequestration.tile_job import TileJob, check_versions, finish_tile
from recarb.sequestration.tile_store import FinishedTiles

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

log = logging.getLogger("recarb")

INSTALL = 'pip install "recarb[dask]"'
CONNECT_S = 30
NO_WORKER_S = 60.0  # without any worker, after which a run ends
WAIT_S = 0.05  # between two looks whether a tile has come to an end
LOOK_S = 5.0  # between two looks whether there are workers
RETRIES = 2  # of a tile that fails: a store may be busy
AHEAD = 4  # tiles sent for each worker thread
LEAST_AHEAD = 64  # and at least, so that a cluster that grows on demand sees a demand
OWN_SHARE = 0.75  # of a worker's memory that tiles may take: dask pauses it above 0.8


@dataclass(frozen=True)
class Cluster:
    """What computes the tiles: `workers` processes on this machine, or those of a scheduler.

    Parameters
    ----------
    scheduler : address of a running scheduler, like tcp://host:8786
    workers : processes to start on this machine instead
    report : where dask's performance report is written (HTML)

    Raises
    ------
    ConfigError
        Not exactly one of `scheduler` and `workers` is given.
    """

    scheduler: str | None = None
    workers: int | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        if (self.scheduler is None) == (self.workers is None):
            raise ConfigError(
                "expected either --scheduler (a cluster that runs) or --workers (processes on this "
                f"machine), came {'none' if self.scheduler is None else 'both'} of them"
            )

    def share(self, memory_bytes: int) -> int:
        """What one process of this machine may take: `workers` and the one that asks."""
        return memory_bytes // ((self.workers or 0) + 1)


@dataclass(frozen=True)
class Team:
    """The workers of a cluster.

    `threads` of them all; `memory_bytes` is what one thread may take.
    """

    client: "Client"
    threads: int
    memory_bytes: int

    def line(self) -> str:
        """For run.log."""
        return (
            f"dask: {self.threads} worker thread(s) of {self.client.scheduler.address}, dashboard "
            f"{self.client.dashboard_link}"
        )

    def memory_note(self) -> str:
        """What stands behind a message of the plan."""
        return (
            f"this is the share of one worker thread: {OWN_SHARE:.0%} of its memory limit. With "
            "--workers, --memory is divided among them and this process; on a cluster give its "
            "workers more (dask worker --memory-limit)"
        )

    def job(
        self, config: RunConfig, example: xr.Dataset, finished: FinishedTiles, plan: Plan
    ) -> TileJob:
        """What is sent with every tile."""
        return TileJob(
            run=uuid.uuid4().hex,
            config=config.absolute(),
            example=example.isel(cell=slice(0, 1)),
            store=finished.store,
            key=finished.key,
            plan=plan,
        )

    def kept(self, todo: Sequence[Tile], finished: FinishedTiles, job: TileJob) -> Generator[Tile]:
        """Give every tile in its order when it is in the store.

        Raises
        ------
        RecarbError
            What a tile raised on a worker.
        ClusterError
            Workers or scheduler are gone.
        """
        from distributed import as_completed

        missing = iter([tile for tile in todo if tile not in finished])
        running = as_completed(loop=self.client.loop)
        sent: dict[Any, Tile] = {}

        def send(count: int) -> None:
            for tile in islice(missing, count):
                key = (f"recarb-tile-{job.run}", tile.rows.start, tile.columns.start)
                sent[key] = tile
                running.add(self.client.submit(finish_tile, job, tile, key=key, retries=RETRIES))

        send(max(AHEAD * self.threads, LEAST_AHEAD))
        for tile in todo:
            while tile not in finished:
                for future in self._ended(running):
                    finished.add(sent.pop(future.key), self._receipt(future))
                    send(1)
            yield tile

    def _ended(self, running: "as_completed") -> "list[Future]":
        """Tiles that have come to an end, at least one."""
        watch = _Watch(self.client)
        while not (ended := running.next_batch(block=False)):
            time.sleep(WAIT_S)
            watch.look()
        return list(ended)

    def _receipt(self, future: "Future") -> str:
        """The name under which a tile was kept; it may be asked for again if its worker died."""
        from distributed import KilledWorker

        watch = _Watch(self.client)
        while True:
            try:
                with _lost():
                    return str(future.result(timeout=LOOK_S))
            except TimeoutError:
                if future.status == "error":  # one of the tile itself
                    raise
                watch.look()
            except KilledWorker as error:
                raise ClusterError(
                    f"workers died again and again with the same tile ({error}); if they were "
                    "short of memory, use fewer of them or raise their limit (--memory, dask "
                    "worker --memory-limit)"
                ) from error


class _Watch:
    """Looks now and then whether scheduler and workers are there while nothing comes."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._looked = self._worker_seen = time.monotonic()

    def look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        with _lost():
            if self._client.status != "running":
                raise CancelledError("no connection")
            if self._client.scheduler_info(n_workers=1)["workers"]:
                self._worker_seen = now
        if now - self._worker_seen > NO_WORKER_S:
            raise ClusterError(
                f"{self._client.scheduler.address} has had no worker for {NO_WORKER_S:.0f} s; "
                "start workers (dask worker ADDRESS) and give the same command again"
            )


@contextmanager
def _lost() -> Iterator[None]:
    """Turn what dask raises without its scheduler into a ClusterError."""
    import asyncio

    from distributed.comm import CommClosedError

    try:
        yield
    except (CancelledError, asyncio.CancelledError, CommClosedError) as error:
        raise ClusterError(
            f"the scheduler is gone ({str(error) or type(error).__name__}); start it again and "
            "give the same command"
        ) from error


@contextmanager
def connected(cluster: Cluster | None, memory_bytes: int) -> Iterator[Team | None]:
    """The workers of `cluster` while they are needed; None without one.

    Parameters
    ----------
    memory_bytes : what a process on this machine may take

    Raises
    ------
    ConfigError
        dask is not installed.
    ClusterError
        There is no scheduler, no worker, or a worker with other versions.
    """
    if cluster is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(f"--workers and --scheduler need dask: {INSTALL}") from error
    with ExitStack() as stack:
        try:
            if cluster.workers:
                place: Any = stack.enter_context(_local(cluster.workers, memory_bytes))
            else:
                place = cluster.scheduler
            client = stack.enter_context(Client(place, timeout=CONNECT_S))
            client.wait_for_workers(1, timeout=NO_WORKER_S)
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise ClusterError(
                f"no cluster at {cluster.scheduler or 'this machine'} ({error}); expected the "
                "address of a dask scheduler with at least one worker, like tcp://host:8786"
            ) from error
        _check_all(client)
        if cluster.report is not None:
            stack.enter_context(_reported(cluster.report))
        yield _team(client, memory_bytes)


def _local(workers: int, memory_bytes: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=memory_bytes,
        dashboard_address="127.0.0.1:0",
        preload=[tile_job.__name__],
    )


def _team(client: "Client", memory_bytes: int) -> Team:
    """How many tiles at once, and the memory of the worker that has least."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    shares = [(worker["memory_limit"] or memory_bytes) / worker["nthreads"] for worker in workers]
    threads = sum(worker["nthreads"] for worker in workers)
    return Team(client, threads, int(min(shares) * OWN_SHARE))


def _check_all(client: "Client") -> None:
    try:
        client.run(check_versions, computing_versions())
    except RecarbError:
        raise
    except Exception as error:  # anything may be wrong with what is installed there
        raise ClusterError(
            f"a worker cannot say which versions it has ({type(error).__name__}: {error}); install "
            "the same recarb and Python on all workers as here"
        ) from error


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Write dask's report of a run that succeeds."""
    from distributed import performance_report

    try:
        import bokeh  # noqa: F401 - draws the report
    except ImportError as error:
        raise ConfigError(f"--dask-report needs bokeh: {INSTALL}") from error
    report = performance_report(filename=str(path))
    report.__enter__()
    yield
    report.__exit__(None, None, None)
