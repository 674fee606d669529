"""Phase 2: from the year of the SOC map to t0, year by year, with inputs that follow NPP."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.errors import MassBalanceError
from recarb.core.sums import running_mean, running_sum
from recarb.rothc import kernels
from recarb.sequestration.carbon_input import npp_ratio, reference_npp, yearly_npp
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.members import (
    Shape,
    by_member,
    deficit_of,
    land_of,
    members,
    soils_of,
    weather_of,
)
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

BALANCE_TOLERANCE = 1e-10  # of the carbon that passed through a cell


def warm_up(state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables) -> xr.Dataset:
    """State at t0 and the mean carbon input of the warm-up, C_y = C_eq NPP_y / NPP_ref.

    Without warm-up climate in `inputs` the phase is skipped: t0 is the SOC map, and
    C_BAU = C_eq NPP(forward climate) / NPP(spin-up climate).

    Returns
    -------
    Dataset over `cell` (and `chain`): pools, iom [t ha-1] and deficit [mm] at t0, c_bau,
    npp_reference [t ha-1 year-1], rate_warm_up [-], outcome.

    Raises
    ------
    MassBalanceError
        Inputs, respiration and change of a cell do not agree to 1e-10.
    """
    reference = reference_npp(inputs)
    if "temperature_warm_up" not in inputs:
        return _skipped(state, inputs, tables, reference)
    land_use = _yearly_land_use(inputs)
    follows_npp = input_ratio(inputs, tables, reference)
    follows_npp = follows_npp * members(inputs, "input_factor", 1.0)[:, None]
    c_input = by_member(state["c_eq"])[:, None] * follows_npp
    outcome = by_member(state["outcome"]).copy()
    outcome[(outcome == Outcome.RUN) & (c_input.min(axis=1) <= 0.0)] = Outcome.NO_NPP
    before = by_member(state["pools"], "pool")
    pools, deficit, rate, respired = kernels.warm_up(
        before,
        deficit_of(state),
        weather_of(inputs, "warm_up"),
        soils_of(inputs),
        land_of(land_use, tables),
        c_input,
        tables.depth_cm,
        tables.parameters,
    )
    by_year = c_input.swapaxes(0, 1)
    _check_balance(before, pools, running_sum(by_year), respired, outcome == Outcome.RUN)
    shaped = Shape(inputs)
    return state.assign(
        pools=shaped(pools, "pool"),
        deficit=shaped.deficit(deficit),
        c_bau=shaped(running_mean(by_year)),
        npp_reference=shaped(reference),
        rate_warm_up=shaped(rate),
        outcome=shaped(outcome),
    )


def _skipped(
    state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables, reference: Floats
) -> xr.Dataset:
    now, then = yearly_npp(inputs, "forward")[:, 0], yearly_npp(inputs, "spin_up")[:, 0]
    fraction = tables.npp_fraction
    kept = fraction[inputs["land_use"].values] / fraction[inputs["land_use_spin_up"].values]
    outcome = by_member(state["outcome"]).copy()
    outcome[(outcome == Outcome.RUN) & ((now <= 0.0) | (then <= 0.0))] = Outcome.NO_NPP
    ratio = np.divide(now, then, out=np.zeros_like(now), where=then > 0.0)
    shaped = Shape(inputs)
    return state.assign(
        c_bau=shaped(
            by_member(state["c_eq"]) * ratio * kept * members(inputs, "input_factor", 1.0)
        ),
        npp_reference=shaped(reference),
        outcome=shaped(outcome),
    )


def input_ratio(inputs: xr.Dataset, tables: ModelTables, reference: Floats | None = None) -> Floats:
    """Carbon input of every warm-up year / that of the equilibrium [-], (member, year, cell)."""
    appropriation = _appropriation(inputs, tables, _yearly_land_use(inputs))
    return npp_ratio(inputs, reference) * appropriation


def _yearly_land_use(inputs: xr.Dataset) -> NDArray[np.uint8]:
    """Land use of the warm-up, (years | 1, cell)."""
    if "land_use_yearly" in inputs:
        return np.asarray(inputs["land_use_yearly"].transpose("year", "cell").values)
    return np.asarray(inputs["land_use"].values[None])


def _appropriation(inputs: xr.Dataset, tables: ModelTables, land_use: NDArray[np.uint8]) -> Floats:
    """Share of NPP left by people, relative to the spin-up's land use [-], (years | 1, cell)."""
    fraction = tables.npp_fraction
    return np.asarray(fraction[land_use] / fraction[inputs["land_use_spin_up"].values])


def _check_balance(
    before: Floats, after: Floats, entered: Floats, respired: Floats, running: NDArray[np.bool_]
) -> None:
    through = before.sum(axis=1) + entered
    off = np.abs(through - after.sum(axis=1) - respired)[running]
    if off.size and (worst := float((off / through[running]).max())) > BALANCE_TOLERANCE:
        raise MassBalanceError(
            f"the warm-up of one cell lost or made {worst:.1e} of its carbon; expected at most "
            f"{BALANCE_TOLERANCE:g}. This is a fault of recarb: please report it with run.toml"
        )
