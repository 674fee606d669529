"""Phase 1: the equilibrium under which the modelled stock is the mapped one."""

import numpy as np
import xarray as xr

from recarb.rothc import kernels
from recarb.rothc.equilibrium import DEFICIT_NOT_PERIODIC, NO_TURNOVER, NO_WATER_LIMITS
from recarb.rothc.pools import inert_carbon
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.members import Shape, by_member, land_of, soils_of, weather_of
from recarb.sequestration.tables import ModelTables

POOLS = ("dpm", "rpm", "bio", "hum")


def spin_up(inputs: xr.Dataset, tables: ModelTables) -> xr.Dataset:
    """Equilibrium pools and carbon input such that modelled SOC = mapped SOC.

    C_eq = (SOC - IOM) / sum(y*), pools = C_eq y*, with y* the periodic equilibrium per unit input
    (closed form, no iteration); y* of continuous time where `model.variant.spin_up` says so.

    Parameters
    ----------
    inputs : Dataset over `cell`
        soc [t ha-1], clay [percent] (each may have `chain`, see `chains.perturb`),
        land_use_spin_up, cover_spin_up (month, cell) [0-1],
        temperature_spin_up [degC], rain_spin_up, pet_spin_up, irrigation [mm month-1].

    Returns
    -------
    Dataset over `cell` (and `chain`): c_eq [t ha-1 year-1], pools (pool, cell) and iom [t ha-1],
    deficit [mm], rate_spin_up [-], outcome.
    """
    per_unit, deficit, rate, status = kernels.spin_up(
        weather_of(inputs, "spin_up"),
        soils_of(inputs),
        land_of(inputs["land_use_spin_up"].values, tables),
        tables.depth_cm,
        tables.parameters,
    )
    soc = by_member(inputs["soc"])
    iom = inert_carbon(soc, tables.parameters)
    c_eq = (soc - iom) / per_unit.sum(axis=1)
    outcome = np.full(soc.shape, Outcome.RUN, dtype=np.uint8)
    outcome[status == NO_TURNOVER] = Outcome.NO_TURNOVER
    outcome[status == DEFICIT_NOT_PERIODIC] = Outcome.DEFICIT_NOT_PERIODIC
    outcome[status == NO_WATER_LIMITS] = Outcome.NO_WATER_LIMITS
    shaped = Shape(inputs)
    return xr.Dataset(
        {
            "c_eq": shaped(c_eq),
            "pools": shaped(c_eq[:, None] * per_unit, "pool"),
            "iom": shaped(iom),
            "deficit": shaped.deficit(deficit),
            "rate_spin_up": shaped(rate),
            "outcome": shaped(outcome),
        },
        coords={"pool": list(POOLS)},
    )
