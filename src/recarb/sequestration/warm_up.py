"""Phase 2: from the year of the SOC map to t0, year by year, with inputs that follow NPP."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.errors import MassBalanceError
from recarb.rothc import kernels
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.npp import npp_carbon
from recarb.sequestration.tables import YEAR, ModelTables

Floats = NDArray[np.float64]

BALANCE_TOLERANCE = 1e-10  # of the carbon that passed through a cell


def yearly_npp(inputs: xr.Dataset, phase: str) -> Floats:
    """NPP of every year of a phase [t C ha-1 yr-1], (cell, year)."""
    temperature, rain = inputs[f"temperature_{phase}"].values, inputs[f"rain_{phase}"].values
    by_year = (temperature.shape[0], temperature.shape[1] // YEAR, YEAR)
    return npp_carbon(
        temperature.reshape(by_year).mean(axis=2),
        rain.reshape(by_year).sum(axis=2) + _counted_irrigation(inputs)[:, None],
    )


def _mean_year_npp(inputs: xr.Dataset, phase: str) -> Floats:
    """NPP of the mean climate of a phase [t C ha-1 yr-1], (cell,)."""
    temperature, rain = inputs[f"temperature_{phase}"].values, inputs[f"rain_{phase}"].values
    years = temperature.shape[1] // YEAR
    wet = rain.sum(axis=1) / years + _counted_irrigation(inputs)
    return npp_carbon(temperature.mean(axis=1), wet)


def _counted_irrigation(inputs: xr.Dataset) -> Floats:
    """Irrigation of the year that the run counts as rain for NPP [mm]; 0 by default."""
    if not inputs.attrs.get("irrigation_counts_as_rain", False):
        return np.zeros(inputs.sizes["cell"])
    return np.asarray(inputs["irrigation"].values.sum(axis=1))


def reference_npp(inputs: xr.Dataset) -> Floats:
    """NPP of the reference [t C ha-1 yr-1], (cell,).

    The mean of the yearly values over the reference years where they are known; else NPP of the
    spin-up's mean climate. An own layer is scaled like the climate's NPP, so that the chains keep
    their own reference.
    """
    if "npp_reference" in inputs:
        plain = inputs["npp_reference_climate"].values
        return np.asarray(
            inputs["npp_reference"].values * yearly_npp(inputs, "spin_up")[:, 0] / plain
        )
    if "temperature_reference" in inputs:
        yearly = npp_carbon(
            inputs["temperature_reference"].values,
            inputs["rain_reference"].values + _counted_irrigation(inputs)[:, None],
        )
        yearly[yearly.min(axis=1) <= 0.0] = 0.0
        return np.asarray(yearly.mean(axis=1))
    return np.asarray(yearly_npp(inputs, "spin_up")[:, 0])


def npp_ratio(inputs: xr.Dataset) -> Floats:
    """NPP of every warm-up year relative to the reference [-], (cell, year); 0 where it has none.

    Where the reference comes from twelve long-term means, like is compared with like: the level is
    NPP of the warm-up's mean climate over NPP of the reference's mean climate, and the years vary
    about it. (MIAMI is not linear: the mean of yearly NPP is not NPP of the mean climate.)
    """
    npp = yearly_npp(inputs, "warm_up")
    reference = reference_npp(inputs)[:, None]
    ratio = np.divide(npp, reference, out=np.zeros_like(npp), where=reference > 0.0)
    if "temperature_reference" not in inputs and "npp_reference" not in inputs:
        of_mean = _mean_year_npp(inputs, "warm_up")
        of_years = npp.mean(axis=1)
        level = np.divide(of_mean, of_years, out=np.zeros_like(of_mean), where=of_years > 0.0)
        ratio *= level[:, None]
    return ratio


def warm_up(state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables) -> xr.Dataset:
    """State at t0 and the mean carbon input of the warm-up, C_y = C_eq NPP_y / NPP_ref.

    Without warm-up climate in `inputs` the phase is skipped: t0 is the SOC map, and
    C_BAU = C_eq NPP(forward climate) / NPP(spin-up climate).

    Returns
    -------
    Dataset over `cell`: pools, iom [t ha-1] and deficit [mm] at t0, c_bau, npp_reference
    [t ha-1 year-1], rate_warm_up [-], outcome.

    Raises
    ------
    MassBalanceError
        Inputs, respiration and change of a cell do not agree to 1e-10.
    """
    reference = reference_npp(inputs)
    if "temperature_warm_up" not in inputs:
        return _skipped(state, inputs, tables, reference)
    appropriation = _appropriation(inputs, tables)
    c_input = state["c_eq"].values[:, None] * npp_ratio(inputs) * appropriation
    land_use = _yearly_land_use(inputs)
    balance = (
        inputs["rain_warm_up"].values
        + np.tile(inputs["irrigation"].values, (1, c_input.shape[1]))
        - inputs["pet_warm_up"].values
    )
    outcome = state["outcome"].values.copy()
    running = outcome == Outcome.RUN
    outcome[running & (c_input.min(axis=1) <= 0.0)] = Outcome.NO_NPP
    pools, deficit, rate, respired = kernels.warm_up(
        np.ascontiguousarray(state["pools"].values),
        state["deficit"].values,
        np.ascontiguousarray(inputs["temperature_warm_up"].values),
        np.ascontiguousarray(balance),
        np.ascontiguousarray(inputs["cover_warm_up"].values),
        np.ascontiguousarray(tables.paddy[land_use]),
        np.ascontiguousarray(tables.share[inputs["land_use"].values]),
        np.ascontiguousarray(tables.entry(land_use)),
        np.ascontiguousarray(c_input),
        np.ascontiguousarray(inputs["clay"].values),
        tables.depth_cm,
        tables.parameters,
    )
    _check_balance(state["pools"].values, pools, c_input, respired, outcome == Outcome.RUN)
    return state.assign(
        pools=(("cell", "pool"), pools),
        deficit=("cell", deficit),
        c_bau=("cell", c_input.mean(axis=1)),
        npp_reference=("cell", reference),
        rate_warm_up=("cell", rate),
        outcome=("cell", outcome),
    )


def _skipped(
    state: xr.Dataset, inputs: xr.Dataset, tables: ModelTables, reference: Floats
) -> xr.Dataset:
    now, then = yearly_npp(inputs, "forward")[:, 0], yearly_npp(inputs, "spin_up")[:, 0]
    fraction = tables.npp_fraction
    kept = fraction[inputs["land_use"].values] / fraction[inputs["land_use_spin_up"].values]
    outcome = state["outcome"].values.copy()
    outcome[(outcome == Outcome.RUN) & ((now <= 0.0) | (then <= 0.0))] = Outcome.NO_NPP
    ratio = np.divide(now, then, out=np.zeros_like(now), where=then > 0.0)
    return state.assign(
        c_bau=("cell", state["c_eq"].values * ratio * kept),
        npp_reference=("cell", reference),
        outcome=("cell", outcome),
    )


def _yearly_land_use(inputs: xr.Dataset) -> NDArray[np.uint8]:
    """Land use of the warm-up, (cell, years | 1)."""
    if "land_use_yearly" in inputs:
        return np.asarray(inputs["land_use_yearly"].values)
    return np.asarray(inputs["land_use"].values[:, None])


def _appropriation(inputs: xr.Dataset, tables: ModelTables) -> Floats:
    """Share of NPP left by people, relative to the spin-up's land use [-], (cell, years | 1)."""
    fraction = tables.npp_fraction
    before = fraction[inputs["land_use_spin_up"].values][:, None]
    return np.asarray(fraction[_yearly_land_use(inputs)] / before)


def _check_balance(
    before: Floats, after: Floats, c_input: Floats, respired: Floats, running: NDArray[np.bool_]
) -> None:
    through = before.sum(axis=1) + c_input.sum(axis=1)
    off = np.abs(through - after.sum(axis=1) - respired)[running]
    if off.size and (worst := float((off / through[running]).max())) > BALANCE_TOLERANCE:
        raise MassBalanceError(
            f"the warm-up of one cell lost or made {worst:.1e} of its carbon; expected at most "
            f"{BALANCE_TOLERANCE:g}. This is a fault of recarb: please report it with run.toml"
        )
