"""One tile on a worker of a cluster: what is sent there, and what comes back."""

import contextvars
import platform
import signal
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import rasterio
import xarray as xr
from cachetools import LRUCache, cached
from rasterio.errors import NotGeoreferencedWarning

from recarb.core.config import RunConfig
from recarb.core.errors import ClusterError, OutputError
from recarb.core.findings import no_progress
from recarb.core.grid import Tile
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.plan import Plan
from recarb.sequestration.run_folder import writing
from recarb.sequestration.run_record import computing_versions
from recarb.sequestration.tile_run import compile_model, run_tile
from recarb.sequestration.tile_store import Store, TileKey, put_tile, read_key


@dataclass(frozen=True)
class TileJob:
    """What a worker needs to compute the tiles of a run, wherever it was started.

    `config` has whole paths, `example` one cell to compile the model with, `run` tells one run from
    another.
    """

    run: str
    config: RunConfig
    example: xr.Dataset
    store: Store
    key: TileKey
    plan: Plan


def dask_setup(_worker: object) -> None:
    """Called by dask in the processes that a run starts: Ctrl-C is for the one who asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def finish_tile(job: TileJob, tile: Tile) -> str:
    """Compute a tile, keep it in the store, and return its name there; never its numbers.

    Raises
    ------
    RecarbError
        As in a run without workers; ClusterError or OutputError if this worker is not fit.
    """
    if not hasattr(_own, "context"):
        _own.context = contextvars.copy_context()
    return str(_own.context.run(_finish, job, tile))


# rasterio finds the openers of remote files in the context, and files stay open in their thread;
# dask gives each tile a context of its own
_own = threading.local()


def _finish(job: TileJob, tile: Tile) -> str:
    with rasterio.Env(GDAL_CACHEMAX=job.plan.gdal_cache_bytes):
        found = run_tile(_opened(job), tile)
        with writing(job.store):
            return put_tile(job.store, job.key, found)


@cached(LRUCache[str, CountryInputs](1), key=lambda job: job.run, condition=threading.Condition())
def _opened(job: TileJob) -> CountryInputs:
    """The inputs of a run, opened once in each process, and the model compiled."""
    check_versions(job.key.versions)
    if read_key(job.store) != job.key.plain():
        raise OutputError(
            f"{job.store}: the worker on {platform.node()} does not see there what this run has "
            "written. Expected a folder on a disk that all workers and this machine share: choose "
            "such an `output` in run.toml, or a URL like s3://bucket/out"
        )
    # for good: `warnings.catch_warnings` is not made for threads
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    inputs = CountryInputs(job.config)
    inputs.climate_cache.limit(job.plan.climate_cache_bytes)
    compile_model(job.example, job.config, inputs.tables, no_progress)
    return inputs


def check_versions(wanted: Mapping[str, str]) -> None:
    """Refuse to compute beside others with another recarb or other libraries.

    Raises
    ------
    ClusterError
        The numbers could differ from tile to tile.
    """
    here = computing_versions()
    other = [f"{name} {here[name]} instead of {wanted[name]}" for name in wanted]
    other = [line for name, line in zip(wanted, other, strict=True) if here[name] != wanted[name]]
    if other:
        raise ClusterError(
            f"the worker on {platform.node()} has {', '.join(other)}; install the same versions "
            "there as here (for recarb the hash of its files is compared), and start it anew"
        )
