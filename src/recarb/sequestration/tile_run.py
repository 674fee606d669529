"""One tile through the whole protocol. What comes out can be kept, sent and merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.findings import Progress
from recarb.core.grid import Tile
from recarb.harmonise.gather import compile_gather
from recarb.sequestration.compiling import compiling
from recarb.sequestration.ensemble_maps import ensemble_products
from recarb.sequestration.flags import flag_cells
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.monte_carlo import draw_maps
from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.tally import Tally

Bytes = NDArray[np.uint8]

COMPILE_S = 8  # measured on two shared cores; the check has compiled those of the spin-up


@dataclass(frozen=True)
class TileResult:
    """Everything the maps and the summary need of one tile.

    `outcome` and `land_use` are blocks (y, x); `rows` and `columns`, counted from the corner of the
    tile, say where the running cells of `maps` (float32, NaN where there is no value) and of
    `flags` (0 or 1) lie. `tally` is plain JSON, from the unrounded values.
    """

    tile: Tile
    outcome: Bytes
    land_use: Bytes
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    maps: Mapping[str, NDArray[np.float32]]
    flags: Mapping[str, Bytes]
    tally: Mapping[str, Any]


def run_tile(inputs: CountryInputs, tile: Tile) -> TileResult:
    """All phases, scenarios and chains of the cells of one tile.

    The result depends on `inputs` and `tile` alone: not on other tiles, nor on what runs beside it.
    """
    config = inputs.config
    loaded = inputs.load(tile)
    tally = Tally.of(inputs)
    rows = loaded.cells["row"].values - tile.rows.start
    columns = loaded.cells["column"].values - tile.columns.start
    maps: dict[str, NDArray[np.float32]] = {}
    flags: dict[str, Bytes] = {}
    outcome = loaded.outcome.copy()
    if rows.size:
        found = simulate(loaded.cells, config, inputs.tables)
        outcome[rows, columns] = found["outcome"].values  # no turnover, no NPP, ...
        flagged = flag_cells(loaded, found, config, products(config))
        flags = {key: where.astype(np.uint8) for key, where in flagged.items()}
        drawn = draw_maps(loaded.cells, config, inputs.tables)
        maps = _columns(found, config) | {k: v.astype(np.float32) for k, v in drawn.items()}
        tally.count(loaded, found, config)
        tally.count_draws(found, drawn)
    tally.ledger.add(outcome)
    return TileResult(
        tile=tile,
        outcome=outcome,
        land_use=loaded.land_use,
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        maps=maps,
        flags=flags,
        tally=tally.plain(),
    )


def _columns(found: xr.Dataset, config: RunConfig) -> dict[str, NDArray[np.float32]]:
    """Every map of the running cells as it will stand in its file."""
    with np.errstate(over="ignore"):  # becomes infinite, which the writer of the map refuses
        return {
            product.key: found[product.key].values.astype(np.float32)
            for product in products(config) + diagnostics(config) + ensemble_products(config)
        }


def compile_model(
    example: xr.Dataset, config: RunConfig, tables: ModelTables, progress: Progress
) -> None:
    """Run one cell, so that every kernel is compiled before threads ask for it all at once."""
    with compiling(COMPILE_S, progress):
        compile_gather()
        simulate(example.isel(cell=slice(0, 1)), config, tables)
