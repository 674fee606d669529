"""Benchmark "monte_carlo": many perturbed draws of few cells, as members of one call.

Every draw has its own soil carbon, clay, temperature shift and rain factor; the climate itself is
shared. Counted are draws of cells per second.
"""

import numpy as np
import xarray as xr

from bench.asked import Asked
from bench.kernel import timed
from bench.noise import uniform
from bench.results import Record
from bench.standard import Case, country_cells

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
