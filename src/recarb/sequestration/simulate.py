"""The protocol on a set of cells: spin-up, warm-up, forward for every chain, then the maps."""

import numpy as np
import xarray as xr

from recarb.core.config import RunConfig
from recarb.sequestration.chains import perturb
from recarb.sequestration.forward import forward
from recarb.sequestration.futures import futures
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.maps import with_units
from recarb.sequestration.products import derive, diagnostics, products
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up


def simulate(
    inputs: xr.Dataset, config: RunConfig, tables: ModelTables | None = None
) -> xr.Dataset:
    """Run all phases, scenarios and chains at once on the cells of `inputs`.

    Parameters
    ----------
    inputs : Dataset over `cell`, as `CountryInputs.load` gives it.
    config : RunConfig

    Returns
    -------
    Dataset over `cell`: every product and diagnostic by its key (see `products`), coordinate
    `outcome`; NaN where the outcome is not RUN. Where only the upper or lower chain of a cell has
    no result, its uncertainties are NaN and the stocks stand.
    """
    tables = tables or ModelTables.of(config)
    members = perturb(inputs, config.uncertainty)
    state = spin_up(members, tables)
    state = warm_up(state, members, tables)
    ended = _where_run(forward(state, members, tables, config.scenarios, config.forward.years))
    results = {str(name): ended.isel(chain=i) for i, name in enumerate(members["chain"].values)}
    plain = futures(state.isel(chain=0), members.isel(chain=0), config, tables)
    running = results["mean"]["outcome"] == np.uint8(Outcome.RUN)
    results["mean"] = results["mean"].assign(plain.where(running))
    maps = with_units(derive(results, config), products(config) + diagnostics(config))
    return maps.assign_coords(
        {name: ("cell", inputs[name].values) for name in ("row", "column") if name in inputs.coords}
    )


def _where_run(ended: xr.Dataset) -> xr.Dataset:
    """NaN in every quantity of a cell that this chain did not bring to its end."""
    running = ended["outcome"] == np.uint8(Outcome.RUN)
    return ended.drop_vars("outcome").where(running).assign(outcome=ended["outcome"])
