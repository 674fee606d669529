"""Uncertainty of a run by draws: every draw through all phases and scenarios, cell by cell.

Cells and draws go through the kernels in blocks, so memory has a bound, and every number of a cell
follows from its position in the grid alone.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import MonteCarlo, RunConfig
from recarb.sequestration.by_practice import with_practices
from recarb.sequestration.draws import DRAWN, drawn
from recarb.sequestration.forward import BAU, forward
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.products import PLAIN, RATE, STOCK, Product
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up
from recarb.uncertainty.sampling import normal_scores
from recarb.uncertainty.statistics import Spread, delta_design, of_delta, of_draws

Floats = NDArray[np.float64]

CELLS_AT_ONCE = 128
DRAWS_AT_ONCE = 256  # of these cells: what stays in the caches
VALUES_AT_ONCE = 2**17  # cells times draws whose results are held together
FLOAT64 = 8  # bytes
STATE_ROWS, ROWS_OF_YEAR, RESULT_COPIES = 80, 6, 5  # arrays of a block in work, measured
STATISTICS = {  # key -> end of the file's name, title
    "mean": ("mean", "mean"),
    "sd": ("sd", "standard deviation"),
    "low": ("q025", "2.5 % quantile"),
    "high": ("q975", "97.5 % quantile"),
}


def quantities(config: RunConfig) -> list[tuple[str, str]]:
    """Key and unit of what is drawn: the stocks, and the rates that a country reports."""
    names = [scenario.name for scenario in config.scenarios]
    every = (BAU, *names)
    found = [("T0", STOCK), *((f"finalSOC_{s}", STOCK) for s in every)]
    found += [(f"ASR_{s}", RATE) for s in every]
    return found + [(f"RSR_{s}", RATE) for s in names]


def uncertainty_maps(config: RunConfig) -> list[Product]:
    """The maps of the Monte Carlo, none where [monte_carlo] is not in run.toml."""
    if config.monte_carlo is None:
        return []
    unbound = (-np.inf, np.inf)
    found = [
        Product(f"{key}_{quantity}", f"{quantity}_{end}", f"{title} of {quantity}", unit, *unbound)
        for quantity, unit in quantities(config)
        for key, (end, title) in STATISTICS.items()
    ]
    for scenario in config.scenarios:
        name = f"P_{scenario.name}_above_BAU"
        title = f"probability that {scenario.name} keeps more carbon than BAU"
        found.append(Product(name, name, title, PLAIN, 0.0, 1.0))
    return found


def share_maps(config: RunConfig) -> dict[str, list[Product]]:
    """Maps with one band per input: the share of a rate's variance that it explains alone."""
    if config.monte_carlo is None:
        return {}
    rates = [quantity for quantity, unit in quantities(config) if unit == RATE]
    return {
        f"{rate}_shares": [
            Product(f"share_{rate}_{name}", f"{rate}_shares", name, PLAIN, 0.0, 1.0)
            for name in DRAWN
        ]
        for rate in rates
    }


def draw_maps(cells: xr.Dataset, config: RunConfig, tables: ModelTables) -> dict[str, Floats]:
    """Every map of the Monte Carlo over the cells of a tile, (cell,) each.

    A cell whose draws do not all reach the end has NaN: a mean of the rest would be of other
    inputs than were asked for.

    Parameters
    ----------
    cells : Dataset over `cell` with coordinates row and column, as `CountryInputs.load` gives it
    """
    wanted = [product.key for product in uncertainty_maps(config)]
    wanted += [band.key for bands in share_maps(config).values() for band in bands]
    found = {key: np.empty(cells.sizes["cell"]) for key in wanted}
    choices = config.monte_carlo
    if choices is None:
        return found
    for part in _parts(cells.sizes["cell"], choices):
        spread = spread_of(cells.isel(cell=part), config, tables)
        for key, values in _by_key(spread, config).items():
            found[key][part] = values
    return found


def spread_of(cells: xr.Dataset, config: RunConfig, tables: ModelTables) -> Spread:
    """Statistics of every quantity over (quantity, cell), as `quantities` orders them."""
    choices = config.monte_carlo
    assert choices is not None  # noqa: S101 - asked for by `draw_maps` alone
    delta = choices.method == "delta"
    if delta:
        design = delta_design(len(DRAWN))
        scores = np.repeat(design[:, :, None], cells.sizes["cell"], axis=2)
    else:
        at = (cells["row"].values, cells["column"].values)
        scores = normal_scores(*at, choices.draws, len(DRAWN), choices.seed, choices.sampling)
    values = _run(cells, scores, config, tables)
    # rows of draws, each contiguous: they are reduced in one order in any block
    by_input = np.ascontiguousarray(scores.transpose(1, 2, 0))
    if delta:
        return of_delta(values)
    return of_draws(values, by_input, even=choices.sampling == "sobol")


def _run(cells: xr.Dataset, scores: Floats, config: RunConfig, tables: ModelTables) -> Floats:
    """Every quantity of every draw, (quantity, cell, draw); NaN where a draw did not end."""
    choices = config.monte_carlo
    assert choices is not None  # noqa: S101 - as above
    draws = len(scores)
    found = np.empty((len(quantities(config)), cells.sizes["cell"], draws))
    for lo in range(0, draws, DRAWS_AT_ONCE):
        members = drawn(cells, scores[lo : lo + DRAWS_AT_ONCE], config.uncertainty, choices)
        state = warm_up(spin_up(members, tables), members, tables)
        ahead = (members, tables, config.scenarios, config.forward.years)
        ended = with_practices(forward(state, *ahead), *ahead)
        found[:, :, lo : lo + DRAWS_AT_ONCE] = _quantities_of(ended, config.forward.years)
    return found


def _quantities_of(ended: xr.Dataset, years: int) -> Floats:
    """(quantity, cell, draw) in the order of `quantities`."""
    running = ended["outcome"].values == np.uint8(Outcome.RUN)
    t0 = ended["pools"].transpose("pool", "chain", "cell").values.sum(axis=0) + ended["iom"].values
    final = ended["final_soc"].transpose("scenario", "chain", "cell").values
    stocks = [t0, *final]
    rates = [(stock - t0) / years for stock in final]
    rates += [(stock - final[0]) / years for stock in final[1:]]
    return np.where(running, np.stack(stocks + rates), np.nan).swapaxes(1, 2)


def _by_key(spread: Spread, config: RunConfig) -> dict[str, Floats]:
    """The rows of a spread under the keys of their maps."""
    names = [quantity for quantity, _ in quantities(config)]
    found = {
        f"{key}_{name}": getattr(spread, key)[i]
        for i, name in enumerate(names)
        for key in STATISTICS
    }
    for scenario in config.scenarios:
        i = names.index(f"RSR_{scenario.name}")
        probability = np.where(np.isnan(spread.mean[i]), np.nan, spread.positive[i])
        found[f"P_{scenario.name}_above_BAU"] = probability
    for stem, bands in share_maps(config).items():
        i = names.index(stem.removesuffix("_shares"))
        found |= {band.key: spread.shares[k, i] for k, band in enumerate(bands)}
    return found


def _parts(cells: int, choices: MonteCarlo) -> Iterator[slice]:
    size = cells_at_once(choices)
    return (slice(lo, min(lo + size, cells)) for lo in range(0, cells, size))


def cells_at_once(choices: MonteCarlo) -> int:
    """Cells whose draws are held in memory together."""
    return max(1, min(CELLS_AT_ONCE, VALUES_AT_ONCE // choices.draws))


def working_bytes(config: RunConfig) -> int:
    """Memory of the draws that one thread works on."""
    choices = config.monte_carlo
    if choices is None:
        return 0
    cells = cells_at_once(choices)
    years = config.warm_up.years[1] - config.warm_up.years[0] + 1 if config.warm_up else 0
    rows = STATE_ROWS + ROWS_OF_YEAR * (years + config.forward.years)
    block = cells * min(DRAWS_AT_ONCE, choices.draws) * rows
    results = cells * choices.draws * (len(quantities(config)) + len(DRAWN)) * RESULT_COPIES
    return FLOAT64 * (block + results)
