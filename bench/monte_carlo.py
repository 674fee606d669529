"""Benchmark "monte_carlo": many perturbed draws of few cells, as members of one call.

Every draw has its own soil carbon, clay, temperature shift and rain factor; the climate itself is
shared. Counted are draws of cells per second: through the kernels alone, and by `--monte-carlo`
through all phases and scenarios, with what is drawn, statistics and shares of variance.
"""

from functools import partial

import numpy as np
import xarray as xr

from bench.asked import Asked
from bench.kernel import timed
from bench.noise import uniform
from bench.results import Record
from bench.standard import Case, country_cells
from recarb.sequestration.monte_carlo import draw_maps
from recarb.sequestration.tables import ModelTables

DRAWS = 1_000
SMALL, FULL = (50,), (500,)  # cells
CELLS_OF_COUNTRY = 10_000


def measured(asked: Asked) -> list[Record]:
    """Draws of cells per second; the ratio is to one member of as many cells."""
    cells, config = country_cells(asked.work / "monte_carlo", CELLS_OF_COUNTRY)
    found: list[Record] = []
    for count in SMALL if not asked.full else FULL:
        drawn = Case.of(draws(cells.isel(cell=slice(0, count)), DRAWS), config)
        alone = Case.of(cells.isel(cell=np.arange(count * DRAWS) % CELLS_OF_COUNTRY), config)
        for case in (alone, drawn):
            case.run()  # compiles
        one = Record(
            "monte_carlo",
            f"one member of {count * DRAWS:,} cells",
            count * DRAWS,
            tuple(timed(alone.run) for _ in range(asked.repeats)),
        )
        many = tuple(timed(drawn.run) for _ in range(asked.repeats))
        record = Record("monte_carlo", f"{DRAWS:,} draws of {count:,} cells", one.cells, many)
        ratio = record.cells_per_s / one.cells_per_s
        found += [one, Record("monte_carlo", record.case, one.cells, many, ratio, one.case)]
        few, asked_for = cells.isel(cell=slice(0, count)), config.with_draws(DRAWS)
        maps = partial(draw_maps, few, asked_for, ModelTables.of(asked_for))
        maps()
        whole = tuple(timed(maps) for _ in range(asked.repeats))
        record = Record(
            "monte_carlo", f"with statistics, {DRAWS:,} draws of {count:,}", one.cells, whole
        )
        ratio = record.cells_per_s / one.cells_per_s
        found.append(Record("monte_carlo", record.case, one.cells, whole, ratio, one.case))
    return found


def draws(cells: xr.Dataset, count: int) -> xr.Dataset:
    """The cells with a dimension `chain` of random draws in what may be uncertain."""
    noise = [
        xr.DataArray(
            uniform(seed, np.arange(count), np.arange(cells.sizes["cell"])) - 0.5,
            dims=("chain", "cell"),
        )
        for seed in range(4)
    ]
    return cells.assign(
        soc=(1.0 + 0.4 * noise[0]) * cells["soc"],
        clay=(1.0 + 0.2 * noise[1]) * cells["clay"],
        temperature_shift=0.6 * noise[2],
        rain_factor=1.0 + 0.1 * noise[3],
    )
