"""Benchmark "country": `recarb run` on a synthetic country, beside the floor of its files."""

import shutil
import sys
from pathlib import Path
from statistics import median

import numpy as np
import rasterio

from bench.asked import Asked
from bench.country import write_country
from bench.measure import RUN, Run, measure
from bench.results import Record
from recarb.core.config import RunConfig, load_config
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.output import DIAGNOSTICS

SMALL, TARGET = 10_000, 300_000  # cells
TARGETS = "at most 2 times the floor; 15 s on two cores"


def measured(asked: Asked) -> list[Record]:
    """Floor and run in turns, so that both meet the same machine."""
    found = []
    for cells in asked.sizes((SMALL,), (TARGET,)):
        config, ran = prepared(asked, cells)
        floors: list[Run] = []
        runs: list[Run] = []
        for _ in range(asked.repeats):
            floors.append(measured_floor(asked, config))
            runs.append(measure((*RUN, str(_toml(config))), config.local_output().parent))
        case = f"country, {cells:,}"
        floor = Record("io_floor", case, ran, tuple(floors))
        ratio = median(run.wall_s for run in runs) / floor.wall_s
        target = TARGETS if cells == TARGET else ""
        found += [
            floor,
            Record("country", case, ran, tuple(runs), ratio, "io_floor", target),
        ]
    return found


def prepared(asked: Asked, cells: int) -> tuple[RunConfig, int]:
    """Write the case and run it once: kernels are compiled, and its outcome map is there.

    Returns
    -------
    config, and the number of cells that ran
    """
    path = write_country(asked.work / f"country_{cells}", cells)
    measure((*RUN, str(path)), path.parent)
    config = load_config(path)
    return config, cells_run(config)


def cells_run(config: RunConfig) -> int:
    """Cells that ran, from the outcome map; read block by block."""
    count = 0
    with rasterio.open(config.output / DIAGNOSTICS / f"{config.iso3}_outcome.tif") as file:
        for _, window in file.block_windows(1):
            count += int(np.count_nonzero(file.read(1, window=window) == Outcome.RUN))
    return count


def measured_floor(asked: Asked, config: RunConfig) -> Run:
    """Read and write what a run does, once, into a fresh folder."""
    out = asked.work / "floor"
    command = (sys.executable, "-m", "bench.io_floor", str(_toml(config)), str(out))
    run = measure(command, out)
    shutil.rmtree(out)
    return run


def _toml(config: RunConfig) -> Path:
    return config.local_output().parent / "run.toml"
