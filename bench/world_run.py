"""Benchmark "world": windows of the synthetic world, from 10 thousand to 50 million cells.

Time should grow with the cells, memory should not.
"""

import shutil

from bench.asked import Asked
from bench.country_run import cells_run
from bench.measure import RUN as PLAIN_RUN
from bench.measure import measure
from bench.results import Record
from bench.world import write_world
from recarb.core.config import load_config

RUN = (*PLAIN_RUN, "--memory", "4GiB")  # the target
SMALL = (10_000,)
FULL = (10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
REPEATED_BELOW = 1_000_000  # cells; larger cases are run once
TARGETS = {50_000_000: "30 min, 4 GiB memory, 40 GB disk on two cores"}
LINEAR = "time per cell not above that of the size before"


def measured(asked: Asked) -> list[Record]:
    """One case after the other; its maps are removed when it is measured."""
    found: list[Record] = []
    for cells in asked.sizes(SMALL, FULL):
        folder = asked.work / f"world_{cells}"
        path = folder / "run.toml"
        if not path.exists():  # written last; a large case may have been kept
            write_world(folder, cells)
        if not found:
            measure((*RUN, str(path)), folder)  # compiles the kernels
        times = asked.repeats if cells < REPEATED_BELOW else 1
        runs = tuple(measure((*RUN, str(path)), folder) for _ in range(times))
        ran = cells_run(load_config(path))
        record = Record("world", f"world, {cells:,}", ran, runs)
        found.append(_compared(record, found[-1] if found else None, TARGETS.get(cells, "")))
        shutil.rmtree(path.parent / "out")
    return found


def _compared(record: Record, before: Record | None, target: str) -> Record:
    """The record with its time per cell over that of the size before."""
    if before is None:
        return Record("world", record.case, record.cells, record.runs, target=target)
    ratio = before.cells_per_s / record.cells_per_s
    goal = target or LINEAR
    return Record("world", record.case, record.cells, record.runs, ratio, before.case, goal)
