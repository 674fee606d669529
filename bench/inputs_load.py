"""Benchmark "inputs": a country's inputs from its files to its cells, one thread.

What the kernel's figures leave out: reading, bringing to the grid, interpolating the climate. The
part of the interpolation is measured inside the same runs.
"""

import time
from statistics import median
from unittest.mock import patch

from bench.asked import Asked
from bench.country import write_country
from bench.kernel import timed
from bench.measure import Run
from bench.results import Record
from recarb.core.config import RunConfig, load_config
from recarb.core.grid import tiles
from recarb.harmonise.interpolate import Floats, Sampler
from recarb.sequestration.inputs import CountryInputs

SMALL, FULL = (10_000,), (100_000,)
TILE_CELLS = 256  # cells along a tile


def measured(asked: Asked) -> list[Record]:
    """Loading and, of that, interpolating; the ratio is the part of the time."""
    found: list[Record] = []
    for count in asked.sizes(SMALL, FULL):
        config = load_config(write_country(asked.work / f"inputs_{count}", count))
        cells = load_all(config)  # files are in the system's cache, kernels compiled
        wholes, parts = zip(*(_one(config) for _ in range(asked.repeats)), strict=True)
        whole = Record("inputs", f"files to cells, one thread, {count:,} cells", cells, wholes)
        ratio = median(part.wall_s for part in parts) / whole.wall_s
        case = f"of that, interpolation, {count:,} cells"
        found += [whole, Record("inputs", case, cells, parts, ratio, whole.case)]
    return found


def load_all(config: RunConfig) -> int:
    """Load every tile with nothing kept from before; returns the cells with inputs."""
    inputs = CountryInputs(config)
    height, width = inputs.grid.shape
    return sum(inputs.load(tile).cells.sizes["cell"] for tile in tiles((height, width), TILE_CELLS))


def _one(config: RunConfig) -> tuple[Run, Run]:
    plain, wall_s, cpu_s = Sampler.apply, 0.0, 0.0

    def clocked(sampler: Sampler, fields: Floats) -> Floats:
        nonlocal wall_s, cpu_s
        start, start_cpu = time.perf_counter(), time.process_time()
        values = plain(sampler, fields)
        wall_s += time.perf_counter() - start
        cpu_s += time.process_time() - start_cpu
        return values

    with patch.object(Sampler, "apply", clocked):
        whole = timed(lambda: load_all(config))
    return whole, Run(wall_s, cpu_s)
