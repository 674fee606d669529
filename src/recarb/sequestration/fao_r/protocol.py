"""The published chain on the cells of a run: three chains through all phases, some cells at a time.

A cell whose numbers are lost on the way (a month below -18.3 degC in the spin-up, a stock at t0
below zero) has no result in any chain and an outcome that says so.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.sums import running_mean, running_sum
from recarb.rothc.parameters import DEFAULT as ROTHC
from recarb.rothc.pools import inert_carbon
from recarb.sequestration.carbon_input import reference_npp, yearly_npp
from recarb.sequestration.chains import PERCENT, chains, perturb
from recarb.sequestration.fao_r import phases
from recarb.sequestration.fao_r.numbers import NUMBERS
from recarb.sequestration.fao_r.rates import Weather, monthly_rates
from recarb.sequestration.fao_r.uncertainty import filtered
from recarb.sequestration.forward import BAU, scenario_input
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.members import Shape, by_cell
from recarb.sequestration.npp import CARBON_FRACTION, G_M2_TO_T_HA, miami
from recarb.sequestration.spin_up import POOLS
from recarb.sequestration.tables import YEAR, ModelTables

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

CELLS_AT_ONCE = 2048  # whose pools stay in the cache
LARGEST_TC_HA = 1e12  # no sum over a country holds more; the scripts go on to 1e60 and beyond
AXES = {"pools": ("pool",), "final_soc": ("scenario",), "c_input": ("scenario",)}


def run(inputs: xr.Dataset, config: RunConfig, tables: ModelTables) -> xr.Dataset:
    """All phases of all chains.

    Parameters
    ----------
    inputs : Dataset over `cell`, as `CountryInputs.load` gives it

    Returns
    -------
    Dataset over `cell` and `chain`: soc_t0, final_soc (scenario), pools at t0 (pool), iom
    [t ha-1]; c_eq, c_bau, c_input (scenario), npp_reference [t ha-1 year-1]; rate_spin_up,
    rate_forward, rate_warm_up [-]; outcome, the same in all chains.
    """
    members = perturb(inputs, config.uncertainty)
    parts = []
    for start in range(0, inputs.sizes["cell"], CELLS_AT_ONCE):
        cells = members.isel(cell=slice(start, start + CELLS_AT_ONCE))
        parts.append(_all_chains(cells, config, tables))
    whole = {key: np.concatenate([part[key] for part in parts], axis=-1) for key in parts[0]}
    shaped = Shape(members)
    return xr.Dataset(
        {key: shaped(values, *AXES.get(key, ())) for key, values in whole.items()},
        coords={
            "chain": members["chain"].values,
            "pool": list(POOLS),
            "scenario": [BAU, *(s.name for s in config.scenarios)],
        },
    )


def _all_chains(members: xr.Dataset, config: RunConfig, tables: ModelTables) -> dict[str, Floats]:
    """Every result as (chain, ..., cell)."""
    found = []
    for number, chain in enumerate(chains(config.uncertainty)):
        one = _Chain(members.isel(chain=number), chain.side, tables)
        found.append(one.results(config))
    outcome = _outcome(found[0])  # the plain chain decides for all
    lost = outcome != np.uint8(Outcome.RUN)
    for number, results in enumerate(found):
        results["final_soc"] = _with_filter(results["final_soc"], plain=number == 0)
        for values in results.values():
            values[..., lost] = np.nan
        results["outcome"] = outcome
    return {key: np.stack([results[key] for results in found]) for key in found[0]}


def _with_filter(final_soc: Floats, plain: bool) -> Floats:
    """The scripts filter all final stocks but BAU's of the lower and upper chain."""
    kept = filtered(final_soc)
    if not plain:
        kept[0] = final_soc[0]
    return kept


def _outcome(plain: dict[str, Floats]) -> Bytes:
    """Why a cell goes no further; the first reason counts."""
    outcome = np.full(plain["c_eq"].shape, Outcome.RUN, dtype=np.uint8)
    stock = plain["soc_t0"]
    outcome[~((stock >= 0.0) & (stock <= LARGEST_TC_HA))] = Outcome.DIVERGED
    outcome[~(plain["c_bau"] > 0.0)] = Outcome.NO_NPP
    outcome[~np.isfinite(plain["c_eq"])] = Outcome.NO_TURNOVER
    outcome[np.isnan(plain["rate_spin_up"])] = Outcome.TOO_COLD
    return outcome


class _Chain:
    """One chain on some cells; its arrays have the cell last.

    Parameters
    ----------
    side : +1 for the upper chain, -1 for the lower, 0 for the plain
    """

    def __init__(self, inputs: xr.Dataset, side: int, tables: ModelTables) -> None:
        self.inputs, self.tables = inputs, tables
        self.clay_pct: Floats = inputs["clay"].values
        self.rain_factor: Floats = inputs["rain_factor"].values
        # "max" is the cooler one above 0 degC and the warmer one below, as published
        self.temperature_factor = 1.0 - side * NUMBERS.temperature_pct / PERCENT

    def results(self, config: RunConfig) -> dict[str, Floats]:
        inputs, tables = self.inputs, self.tables
        before, latest = inputs["land_use_spin_up"].values, inputs["land_use"].values
        soc = self.inputs["soc"].values
        iom = inert_carbon(inputs["soc_plain"].values[None], ROTHC)[0]
        of_spin_up = self._rate("spin_up", before, shifted=False)
        c_eq, pools = phases.spin_up(
            soc, iom, self.clay_pct, of_spin_up, tables.dpm_rpm[before]
        )
        reference = _reference(inputs) * tables.npp_fraction[before]
        found = {"c_eq": c_eq, "iom": iom, "npp_reference": _reference(inputs)}
        found["rate_spin_up"] = running_mean(of_spin_up)
        if "temperature_warm_up" in inputs:
            land_use = _yearly_land_use(inputs)
            npp = self._npp("warm_up") * tables.npp_fraction[land_use[0]]
            c_input = phases.yearly_input(c_eq, npp, reference)
            rate = self._rate("warm_up", land_use[0])
            pools = phases.warm_up(pools, c_input, rate, self.clay_pct, tables.dpm_rpm[land_use])
            found["rate_warm_up"] = running_mean(rate)
        else:
            npp = self._npp("forward") * tables.npp_fraction[latest]
            then = yearly_npp(_plain(inputs), "spin_up")[0, 0] * _SCRIPTS_CARBON
            c_input = phases.yearly_input(c_eq, npp, then * tables.npp_fraction[before])
        c_bau = running_mean(c_input)
        amounts = np.stack([c_bau, *self._inputs_of_scenarios(c_bau, config)])
        rate = self._rate("forward", latest)
        ended = phases.forward(
            pools, amounts, rate, self.clay_pct, tables.dpm_rpm[latest], config.forward.years
        )
        return found | {
            "pools": pools,
            "soc_t0": running_sum(pools) + iom,
            "c_bau": c_bau,
            "c_input": amounts,
            "final_soc": running_sum(ended) + iom,
            "rate_forward": running_mean(rate),
        }
