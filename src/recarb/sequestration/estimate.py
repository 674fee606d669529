"""What a run will take, told by the check before it: cells, time, memory, room on the disk.

    time = check + START + cells * (CELL + runs * RUN) / threads
    room = maps * 4 bytes * cells * OVERVIEWS + PICTURES

A run is one chain or one draw of one cell through all phases.

The check is part of a run and was just timed on this machine; the other numbers were measured on
one machine and are no promise. The kind of uncertainty asked for and finer maps change them.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ByteSize

from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Severity
from recarb.core.paths import AnyPath
from recarb.rothc.block_steps import supports
from recarb.sequestration.chains import chains
from recarb.sequestration.check_report import CheckReport
from recarb.sequestration.flags import flags
from recarb.sequestration.plan import (
    FLOAT32,
    Plan,
    machine_memory_bytes,
    machine_threads,
    number_of_maps,
    plan_run,
    sources_of,
)
from recarb.sequestration.tables import ModelTables

# Measured on two cores of a server, November 2026, default choices; see docs/science/benchmarks.md
START_S = 12.0  # loading, compiling or loading the kernels, hashes of the inputs, pictures
CELL_S = 28e-6  # of one core, for a cell that runs: reading, writing, what no run adds to
RUN_S = 2.0e-6  # of one core, for a run of the block kernels
DRAW_S = 1.3e-6  # of one core, for a draw beside its run: drawing, statistics
DELTA_RUNS = 15
SINGLE = 8.0  # times as long where a variant goes cell by cell
OVERVIEWS = 1.4  # smaller copies inside each map, and blocks that are partly empty
PICTURES_BYTES = 10_000_000  # and tables and log
SECONDS_PER_MINUTE, SECONDS_PER_HOUR = 60.0, 3600.0
COARSE, MINUTES_UNTIL = 5.0, 90.0  # seconds are told in fives; minutes up to one and a half hours


@dataclass(frozen=True)
class Estimate:
    """About what a run takes.

    Attributes
    ----------
    cells : that will run, from a sample
    free_bytes : on the disk of the output folder; None where it is no disk
    """

    cells: float
    seconds: float
    disk_bytes: int
    free_bytes: int | None
    plan: Plan

    @property
    def line(self) -> str:
        """For people."""
        free = "" if self.free_bytes is None else f" ({_size(self.free_bytes)} are free)"
        return (
            f"estimate of the run: about {_rounded(self.cells):,} cells, {_time(self.seconds)} on "
            f"{self.plan.threads} thread(s), {_size(self.disk_bytes)} on the disk{free}, at most "
            f"{_size(self.plan.peak_bytes)} of memory"
        )

    def record(self) -> dict[str, float | int | None]:
        """For JSON."""
        return {
            "cells": _rounded(self.cells),
            "seconds": round(self.seconds),
            "threads": self.plan.threads,
            "disk_bytes": self.disk_bytes,
            "free_bytes": self.free_bytes,
            "memory_bytes": self.plan.peak_bytes,
        }

    def findings(self) -> list[Finding]:
        """Whether the disk is too small."""
        if self.free_bytes is None or self.free_bytes >= self.disk_bytes:
            return []
        return [
            Finding(
                "little_disk",
                Severity.WARNING,
                "output",
                f"the maps take about {_size(self.disk_bytes)}, {_size(self.free_bytes)} are free",
                "make room, or name an output folder on another disk",
            )
        ]


def estimate(report: CheckReport, config: RunConfig) -> Estimate | None:
    """What the run will take; None where the check found no cell that runs.

    A memory that is too small becomes a finding of the report.
    """
    inputs = report.inputs
    if inputs is None or not report.cells:
        return None
    shape = (inputs.grid.shape[0], inputs.grid.shape[1])
    given = (config, shape, sources_of(inputs), machine_threads(), machine_memory_bytes())
    plan = report.attempt("run", plan_run, *given)
    if plan is None:
        return None
    maps = number_of_maps(config) * FLOAT32 + len(flags(config)) + 2
    found = Estimate(
        cells=report.cells,
        seconds=report.seconds + START_S + report.cells * cell_seconds(config) / plan.threads,
        disk_bytes=int(maps * report.cells * OVERVIEWS) + PICTURES_BYTES,
        free_bytes=_free(config.output),
        plan=plan,
    )
    report.tell(found.findings())
    return found


def cell_seconds(config: RunConfig) -> float:
    """Time of one core for a cell that runs [s]."""
    slower = 1.0 if supports(ModelTables.of(config).parameters) else SINGLE
    runs, drawn = len(chains(config.uncertainty)), 0
    if config.monte_carlo is not None:
        drawn = config.monte_carlo.draws
        drawn = DELTA_RUNS if config.monte_carlo.method == "delta" else drawn
    return CELL_S + (runs + drawn) * RUN_S * slower + drawn * DRAW_S


def _free(output: AnyPath) -> int | None:
    """Free bytes where the output folder will stand."""
    if not isinstance(output, Path):
        return None
    there = next((path for path in output.absolute().parents if path.exists()), None)
    return None if there is None else shutil.disk_usage(there).free


def _rounded(cells: float) -> int:
    """Two digits: more would promise too much.

    >>> _rounded(123_456)
    120000
    """
    return int(float(f"{cells:.2g}"))


def _time(seconds: float) -> str:
    """Time for people.

    >>> _time(18.0), _time(1000.0), _time(9000.0)
    ('20 s', '17 min', '2.5 h')
    """
    if seconds < SECONDS_PER_MINUTE:
        return f"{max(round(seconds / COARSE), 1) * COARSE:.0f} s"
    if seconds < MINUTES_UNTIL * SECONDS_PER_MINUTE:
        return f"{seconds / SECONDS_PER_MINUTE:.0f} min"
    return f"{seconds / SECONDS_PER_HOUR:.2g} h"


def _size(size: int) -> str:
    return ByteSize(size).human_readable(decimal=True)
