"""Phase 1: the equilibrium under which the modelled stock is the mapped one."""

import numpy as np
import xarray as xr

from recarb.rothc import kernels
from recarb.rothc.equilibrium import DEFICIT_NOT_PERIODIC, NO_TURNOVER
from recarb.rothc.pools import inert_carbon
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.tables import ModelTables

POOLS = ("dpm", "rpm", "bio", "hum")


def spin_up(inputs: xr.Dataset, tables: ModelTables) -> xr.Dataset:
    """Equilibrium pools and carbon input such that modelled SOC = mapped SOC.

    C_eq = (SOC - IOM) / sum(y*), pools = C_eq y*, with y* the periodic equilibrium per unit input
    (closed form, no iteration).

    Parameters
    ----------
    inputs : Dataset over `cell`
        soc [t ha-1], clay [percent], land_use_spin_up, cover_spin_up (cell, month) [0-1],
        temperature_spin_up [degC], rain_spin_up, pet_spin_up, irrigation [mm month-1].

    Returns
    -------
    Dataset over `cell`: c_eq [t ha-1 year-1], pools (cell, pool) and iom [t ha-1], deficit [mm],
    rate_spin_up [-], outcome.
    """
    p = tables.parameters
    land_use = inputs["land_use_spin_up"].values
    balance = inputs["rain_spin_up"] + inputs["irrigation"] - inputs["pet_spin_up"]
    per_unit, deficit, rate, status = kernels.spin_up(
        np.ascontiguousarray(inputs["temperature_spin_up"].values),
        np.ascontiguousarray(balance.values),
        np.ascontiguousarray(inputs["cover_spin_up"].values),
        tables.paddy[land_use],
        np.ascontiguousarray(tables.share[land_use]),
        tables.entry(land_use),
        np.ascontiguousarray(inputs["clay"].values),
        tables.depth_cm,
        p,
    )
    soc = inputs["soc"].values
    iom = inert_carbon(soc, p)
    c_eq = (soc - iom) / per_unit.sum(axis=1)
    outcome = np.full(soc.size, Outcome.RUN, dtype=np.uint8)
    outcome[status == NO_TURNOVER] = Outcome.NO_TURNOVER
    outcome[status == DEFICIT_NOT_PERIODIC] = Outcome.DEFICIT_NOT_PERIODIC
    return xr.Dataset(
        {
            "c_eq": ("cell", c_eq),
            "pools": (("cell", "pool"), c_eq[:, None] * per_unit),
            "iom": ("cell", iom),
            "deficit": ("cell", deficit),
            "rate_spin_up": ("cell", rate),
            "outcome": ("cell", outcome),
        },
        coords={"pool": list(POOLS)},
    )
