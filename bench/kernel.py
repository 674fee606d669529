"""Benchmark "kernel": standard cells per second, on one thread and on two.

Beside the kernels in blocks: the same phases with the scalar equations, and the whole of `simulate`
with all its maps. Reading and interpolation are not part of it (see "country").
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import patch

import numpy as np

from bench.asked import Asked
from bench.measure import Run
from bench.results import Record
from bench.standard import Case, chosen, country_cells
from recarb.rothc import kernels
from recarb.sequestration.chains import perturb
from recarb.sequestration.simulate import simulate

SMALL, FULL = (10_000,), (100_000,)
THREADS = 2
TILE = 12_500  # cells that a tile of a national run holds, about
TARGET = "150,000 cells/s on one core at least, 250,000 aimed for"
BOTH = "1.8 times one thread aimed for"


def measured(asked: Asked) -> list[Record]:
    """Each kind in turns; ratios are speeds over that of the scalar equations on one thread."""
    found: list[Record] = []
    for count in asked.sizes(SMALL, FULL):
        cells, config = country_cells(asked.work / f"kernel_{count}", count)
        members = perturb(cells, config.uncertainty)
        parts = np.array_split(np.arange(count), max(THREADS, round(count / TILE)))
        tiles = [Case.of(chosen(members, part), config) for part in parts]
        kinds: dict[str, Callable[[], object]] = {
            "scalar equations, one thread": partial(_scalar, tiles),
            "blocks, one thread": partial(_threads, tiles, 1),
            "blocks, two threads": partial(_threads, tiles, THREADS),
            "simulate and its maps": partial(simulate, cells, config),
        }
        found += _records(asked, kinds, count)
    return found


def _records(asked: Asked, kinds: dict[str, Callable[[], object]], count: int) -> list[Record]:
    times: dict[str, list[Run]] = {name: [] for name in kinds}
    for work in kinds.values():
        work()  # compiles
    for _ in range(asked.repeats):
        for name, work in kinds.items():
            times[name].append(timed(work))
    records = {name: Record("kernel", name, count, tuple(runs)) for name, runs in times.items()}
    first = next(iter(records.values()))
    targets = {"blocks, one thread": TARGET, "blocks, two threads": BOTH}
    return [
        Record(
            "kernel",
            f"{name}, {count:,} cells",
            count,
            record.runs,
            record.cells_per_s / first.cells_per_s,
            first.case,
            targets.get(name, ""),
        )
        for name, record in records.items()
    ]


def timed(work: Callable[[], object]) -> Run:
    """Wall and CPU time of a call."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    cpu_s = time.process_time() - start_cpu
    return Run(time.perf_counter() - start, cpu_s)


def _scalar(tiles: list[Case]) -> None:
    with patch.object(kernels, "supports", lambda _: False):
        _threads(tiles, 1)


def _threads(tiles: list[Case], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(Case.run, tiles))
