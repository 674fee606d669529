"""The protocol on a set of cells: spin-up, warm-up, forward for every chain, then the maps."""

import numpy as np
import xarray as xr

from recarb.core.config import FAO_R, RunConfig
from recarb.sequestration.by_practice import with_practices
from recarb.sequestration.chains import perturb
from recarb.sequestration.ensemble import ensemble_maps
from recarb.sequestration.ensemble_maps import ensemble_products
from recarb.sequestration.fao_r import protocol as fao_r
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
    run_chains = fao_r.run if config.protocol == FAO_R else _rothc
    results = run_chains(inputs, config, tables)
    maps = derive(results, config)
    if config.ensemble.models:
        others = ensemble_maps(inputs, results["mean"], config, tables)
        maps = maps.assign({key: ("cell", values) for key, values in others.items()})
    maps = with_units(maps, products(config) + diagnostics(config) + ensemble_products(config))
    return maps.assign_coords(
        {name: ("cell", inputs[name].values) for name in ("row", "column") if name in inputs.coords}
    )


def _rothc(inputs: xr.Dataset, config: RunConfig, tables: ModelTables) -> dict[str, xr.Dataset]:
    """The phases of the default protocol by chain, and the futures of the plain one."""
    members = perturb(inputs, config.uncertainty)
    state = spin_up(members, tables)
    state = warm_up(state, members, tables)
    state = forward(state, members, tables, config.scenarios, config.forward.years)
    state = with_practices(state, members, tables, config.scenarios, config.forward.years)
    ended = _where_run(state)
    results = {str(name): ended.isel(chain=i) for i, name in enumerate(members["chain"].values)}
    plain = futures(state.isel(chain=0), members.isel(chain=0), config, tables)
    running = results["mean"]["outcome"] == np.uint8(Outcome.RUN)
    results["mean"] = results["mean"].assign(plain.where(running))
    return results


def _where_run(ended: xr.Dataset) -> xr.Dataset:
    """NaN in every quantity of a cell that this chain did not bring to its end."""
    running = ended["outcome"] == np.uint8(Outcome.RUN)
    return ended.drop_vars("outcome").where(running).assign(outcome=ended["outcome"])
