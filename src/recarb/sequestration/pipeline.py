"""One run from run.toml to the maps: inputs -> spin-up -> warm-up -> forward -> products.

Tiles are computed on several threads (`tile_run`), kept as they are finished (`tile_store`), and
written into the maps in their order (`output`). Only these modules touch the disk.
"""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError
from recarb.core.findings import Finding, Progress, Severity, no_progress, raise_if_stopping
from recarb.core.grid import Tile, tiles
from recarb.core.paths import AnyPath
from recarb.core.provenance import combined_hash, versions, write_json
from recarb.sequestration.checks import CheckReport, check_run
from recarb.sequestration.cluster import Cluster, Team, connected
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.output import ENSEMBLE, RunMaps, map_tags, two_letters
from recarb.sequestration.plan import (
    AHEAD,
    Plan,
    gdal_cache_bytes,
    machine_memory_bytes,
    machine_threads,
    plan_run,
    sources_of,
)
from recarb.sequestration.remote_folder import check_output, run_folder
from recarb.sequestration.run_folder import writing
from recarb.sequestration.run_record import after_findings, input_records, provenance, tile_key
from recarb.sequestration.schedule import in_order
from recarb.sequestration.tally import Tally
from recarb.sequestration.tile_run import TileResult, compile_model, run_tile
from recarb.sequestration.tile_store import FinishedTiles, Store, read_key
from recarb.sequestration.uncertain_totals import totals_findings, totals_table

log = logging.getLogger("recarb")

SUMMARY = "summary.csv"


@dataclass
class RunReport:
    """What a run leaves beside its maps."""

    folder: AnyPath
    ledger: Ledger
    summary: pd.DataFrame
    findings: list[Finding]
    counts: dict[str, Any] = field(default_factory=dict)
    uncertain_totals: pd.DataFrame | None = None  # of a Monte Carlo


def run(
    config: RunConfig,
    *,
    overwrite: bool = False,
    fresh: bool = False,
    sis_names: bool = False,
    threads: int | None = None,
    memory_bytes: int | None = None,
    cluster: Cluster | None = None,
    pictures: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Run the whole protocol and write every map, the summary and the provenance.

    A run that was interrupted goes on from its finished tiles. The maps depend neither on that nor
    on `threads`, `memory_bytes` and `cluster`.

    Parameters
    ----------
    overwrite : bool
        Replace an earlier run in the same folder, once this one is complete.
    fresh : bool
        Compute every tile, also those that an interrupted run has finished.
    sis_names : bool
        Write the deliverables a second time under the information system's names.
    threads : int
        Tiles computed at the same time; default: the number of cores.
    memory_bytes : int
        What the run may take; default: half of the machine's memory.
    cluster : Cluster
        Workers that compute the tiles; default: threads of this process.
    pictures : callable(folder)
        Draws into the folder of the maps before it gets its final name.
    progress : callable(done, total, what)

    Raises
    ------
    InputError
        Findings stop the run (see `recarb check`); all of them are in the message.
    OutputError
        A file could not be written; nothing stands under the output folder's name.
    ConfigError
        The output folder is in the way, or the memory is too little.
    ClusterError
        The workers are gone or not fit; finished tiles are kept.
    """
    show = progress or no_progress
    memory = memory_bytes or machine_memory_bytes()
    memory = cluster.share(memory) if cluster else memory
    if sis_names:
        two_letters(config)
    check_output(config, overwrite)
    with _gdal(memory):
        checked = check_run(config, show)
        raise_if_stopping(checked.findings, config.accept)
        inputs = checked.inputs
        assert inputs is not None and checked.example is not None  # noqa: S101 - no finding
        files = input_records(inputs, config, show)
        tags = map_tags(config, combined_hash(r["sha256"] for r in files), last_year(config))
        with (
            run_folder(config, overwrite, fresh) as folder,
            connected(cluster, memory) as team,
        ):
            store = folder.store
            plan = _plan(inputs, threads or machine_threads(), memory, store, team)
            inputs.climate_cache.limit(plan.climate_cache_bytes)
            with writing(store):
                finished = FinishedTiles(store, tile_key(config, files, plan.tile_cells))
            _log_start(config, files, checked.findings, plan, finished, team)
            compile_model(checked.example, config, inputs.tables, show)
            with RunMaps(config, inputs.grid, tags, folder.part, plan.tile_cells) as maps:
                tally = _run_tiles(checked, plan, finished, maps, team, show)
                findings = checked.findings + after_findings(tally.record(), tally.ledger)
                raise_if_stopping(findings, config.accept)
                maps.publish(plan.threads, show)
                if sis_names:
                    maps.copy_under_sis_names(last_year(config))
            table, uncertain = tally.summary.table(), None
            if config.monte_carlo is not None:
                uncertain = totals_table(folder.part, inputs, show)
                findings += totals_findings(uncertain, config)
            tables = {SUMMARY: table, "totals_uncertainty.csv": uncertain}
            if config.ensemble.models:
                tables[f"{ENSEMBLE}/{SUMMARY}"] = tally.models.table()
            record = provenance(config, files, findings, tally, checked)
            _write_tables(folder.part, tables, record)
            for line in tally.ledger.lines():
                log.info("%s", line)
            if pictures:
                pictures(folder.part)
            final = folder.finish(show)
    findings = findings + _kept(finished)
    return RunReport(final, tally.ledger, table, findings, tally.record(), uncertain)


def _write_tables(
    folder: Path, tables: Mapping[str, pd.DataFrame | None], record: Mapping[str, Any]
) -> None:
    """The tables there are, and the provenance."""
    with writing(folder):
        for name, table in tables.items():
            if table is not None:
                table.to_csv(folder / name, index=False)
        write_json(folder / "provenance.json", record)


def _plan(
    inputs: CountryInputs, threads: int, memory_bytes: int, store: Store, team: Team | None
) -> Plan:
    """The plan of the run; an interrupted one goes on with the tiles it had, where they fit.

    With workers, their memory chooses the tiles; the threads here only read and write them.
    """
    height, width = inputs.grid.shape
    kept = (read_key(store) or {}).get("tile_cells")
    given = (inputs.config, (height, width), sources_of(inputs))
    if team is None:
        return plan_run(*given, threads, memory_bytes, kept)
    try:
        plan = plan_run(*given, 1, team.memory_bytes, kept, team.threads)
    except ConfigError as error:
        error.add_note(team.memory_note())
        raise
    return replace(plan, threads=threads, in_flight=AHEAD * threads)


def _run_tiles(
    checked: CheckReport,
    plan: Plan,
    finished: FinishedTiles,
    maps: RunMaps,
    team: Team | None,
    show: Progress,
) -> Tally:
    """Every tile: from the store or through the model, into the maps, in a fixed order."""
    inputs = checked.inputs
    assert inputs is not None and checked.example is not None  # noqa: S101 - no finding
    height, width = inputs.grid.shape
    todo = tiles((height, width), plan.tile_cells)
    total = sum(_cells(tile) for tile in todo if tile not in finished)
    what = "running"
    if len(finished):
        what = f"running, reusing {len(finished)} of {len(todo)} tiles of an interrupted run"
    tally, done = Tally.of(inputs), 0
    show(done, total, what)
    fresh = [tile not in finished for tile in todo]
    work = partial(_finished_tile, inputs, finished)
    ready: Iterable[Tile] = todo
    if team is not None:
        job = team.job(inputs.config, checked.example, finished, plan)
        ready = team.kept(todo, finished, job)
    with closing(in_order(work, ready, plan.threads, plan.in_flight)) as results:
        for result, is_new in zip(results, fresh, strict=True):
            maps.write(result)
            tally.merge(result.tally)
            done += _cells(result.tile) * is_new
            show(done, total, what)
    return tally


def _finished_tile(inputs: CountryInputs, finished: FinishedTiles, tile: Tile) -> TileResult:
    """One tile, computed and kept unless it was kept before; sea is sooner made again than kept."""
    found = finished.get(tile)
    if found is None:
        found = run_tile(inputs, tile)
        if found.rows.size:
            with writing(finished.store):
                finished.put(found)
    return found


def _cells(tile: Tile) -> int:
    return tile.shape[0] * tile.shape[1]


@contextmanager
def _gdal(memory_bytes: int) -> Iterator[None]:
    """GDAL with a bounded cache, and warnings set once.

    `warnings.catch_warnings`, with which single files are opened, is not made for threads: the
    filter that all of them set has to stand before they start.
    """
    with rasterio.Env(GDAL_CACHEMAX=gdal_cache_bytes(memory_bytes)), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _log_start(
    config: RunConfig,
    files: list[dict[str, Any]],
    findings: list[Finding],
    plan: Plan,
    finished: FinishedTiles,
    team: Team | None,
) -> None:
    """The head of run.log: what ran, on what, and what the checks said."""
    log.info("recarb %s, %s", versions()["recarb"], config.name or config.iso3)
    log.info("configuration %s", config.fingerprint())
    log.info("%s", plan.line())
    if team is not None:
        log.info("%s", team.line())
    for record in files:
        log.info("input %s: %s, sha256 %s", record["layer"], record["file"], record["sha256"])
    for finding in findings:
        log.warning("%s", finding.line())
    if len(finished):
        log.info("reusing %d tiles of an interrupted run", len(finished))


def _kept(finished: FinishedTiles) -> list[Finding]:
    """What became of the tiles of an interrupted run. Not in provenance: the maps are the same."""
    found = [
        Finding("damaged_tile", Severity.WARNING, name, "was damaged and has been computed again")
        for name in finished.damaged
    ]
    if finished.refused:
        found.append(Finding("tiles_not_used", Severity.NOTE, "tiles", finished.refused))
    return found


def last_year(config: RunConfig) -> int:
    """The year of t0: the end of the warm-up, or the year of the SOC map."""
    return config.t0_year
