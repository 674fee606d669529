"""The published chain on the cells of a run: three chains through all phases, some cells at a time.

A cell whose numbers are lost on the way (a month below -18.3 degC in the spin-up, a stock at t0
below zero) has no result in any chain and an outcome that says so.
"""

from dataclasses import dataclass, replace

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
from recarb.sequestration.forward import BAU
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.members import by_cell
from recarb.sequestration.npp import CARBON_FRACTION, G_M2_TO_T_HA, miami
from recarb.sequestration.scenario_inputs import scenario_input
from recarb.sequestration.spin_up import POOLS
from recarb.sequestration.tables import YEAR, ModelTables

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

CELLS_AT_ONCE = 2048  # whose pools stay in the cache
LARGEST_TC_HA = 1e12  # sums over a country hold no more; the scripts go on to 1e60 and beyond
FRACTIONS = NUMBERS.carbon_fraction / CARBON_FRACTION  # the scripts' NPP over the manual's
AXES = {"pools": ("pool",), "final_soc": ("scenario",), "c_input": ("scenario",)}


@dataclass(frozen=True)
class Chain:
    """What one chain changes: soc [t ha-1], clay_pct, rain_factor (cell,), the rest for all cells.

    The temperature factor of "max" cools above 0 degC and warms below, as published.
    """

    soc: Floats
    clay_pct: Floats
    rain_factor: Floats
    temperature_factor: float
    gain_points: float

    def without_weather(self) -> "Chain":
        """The same soil under the unshifted climate, as in the scripts' spin-up."""
        return replace(self, rain_factor=np.ones_like(self.rain_factor), temperature_factor=1.0)


def run(inputs: xr.Dataset, config: RunConfig, tables: ModelTables) -> dict[str, xr.Dataset]:
    """All phases of all chains.

    Parameters
    ----------
    inputs : Dataset over `cell`, as `CountryInputs.load` gives it

    Returns
    -------
    By chain ("mean", "max", "min"), a Dataset over `cell`: soc_t0, final_soc (scenario), pools at
    t0 (pool), iom [t ha-1]; c_eq, c_bau, c_input (scenario), npp_reference [t ha-1 year-1];
    rate_spin_up, rate_forward, rate_warm_up [-]; outcome, the same in all chains.
    """
    parts = [
        _all_chains(inputs.isel(cell=slice(at, at + CELLS_AT_ONCE)), config, tables)
        for at in range(0, inputs.sizes["cell"], CELLS_AT_ONCE)
    ]
    coords = {"pool": list(POOLS), "scenario": [BAU, *(s.name for s in config.scenarios)]}
    return {
        chain.name: xr.Dataset(
            {
                key: (
                    (*AXES.get(key, ()), "cell"),
                    np.concatenate([part[key][number] for part in parts], axis=-1),
                )
                for key in parts[0]
            },
            coords=coords,
        )
        for number, chain in enumerate(chains(config.uncertainty))
    }


def _all_chains(
    cells: xr.Dataset, config: RunConfig, tables: ModelTables
) -> dict[str, NDArray[np.generic]]:
    """Every result as (chain, ..., cell). The outcome of the plain chain is that of all."""
    found = [_through_phases(cells, chain, config, tables) for chain in chains_of(cells, config)]
    outcome = _outcome(found[0])
    stacked = {key: np.stack([results[key] for results in found]) for key in found[0]}
    final = stacked["final_soc"]
    # the scripts filter every final stock but that of BAU in the upper and lower chain
    stacked["final_soc"] = filtered(final)
    stacked["final_soc"][1:, 0] = final[1:, 0]
    for values in stacked.values():
        values[..., outcome != Outcome.RUN] = np.nan
    return {**stacked, "outcome": np.tile(outcome, (len(found), 1))}


def chains_of(cells: xr.Dataset, config: RunConfig) -> list[Chain]:
    """The plain chain first."""
    members = perturb(cells, config.uncertainty)
    return [
        Chain(
            soc=members["soc"].isel(chain=number).values,
            clay_pct=members["clay"].isel(chain=number).values,
            rain_factor=members["rain_factor"].isel(chain=number).values,
            temperature_factor=1.0 - chain.side * NUMBERS.temperature_pct / PERCENT,
            gain_points=float(members["gain_points"].values[number]),
        )
        for number, chain in enumerate(chains(config.uncertainty))
    ]


def _outcome(plain: dict[str, Floats]) -> Bytes:
    """Whether a cell ends with a stock, and why not: the last reason below that holds."""
    outcome = np.full(plain["c_eq"].shape, Outcome.RUN, dtype=np.uint8)
    stock = plain["soc_t0"]
    outcome[~((stock >= 0.0) & (stock <= LARGEST_TC_HA))] = Outcome.DIVERGED
    outcome[~(plain["c_bau"] > 0.0)] = Outcome.NO_NPP
    outcome[~np.isfinite(plain["c_eq"])] = Outcome.NO_TURNOVER
    outcome[np.isnan(plain["rate_spin_up"])] = Outcome.NO_RATE
    return outcome


def _through_phases(
    cells: xr.Dataset, chain: Chain, config: RunConfig, tables: ModelTables
) -> dict[str, Floats]:
    """Spin-up, warm-up and forward of one chain; arrays have the cell last."""
    before, latest = cells["land_use_spin_up"].values, cells["land_use"].values
    iom = inert_carbon(cells["soc"].values[None], ROTHC)[0]
    rate = rate_of(cells, chain.without_weather(), "spin_up", before, tables)
    c_eq, pools = phases.spin_up(chain.soc, iom, chain.clay_pct, rate, tables.dpm_rpm[before])
    found = {"c_eq": c_eq, "iom": iom, "rate_spin_up": running_mean(rate)}
    found["npp_reference"] = reference = reference_of(cells)
    if "temperature_warm_up" in cells:
        land_use = _yearly_land_use(cells)
        npp = yearly_npp_of(cells, chain, "warm_up") * tables.npp_fraction[land_use[0]]
        c_input = phases.yearly_input(c_eq, npp, reference * tables.npp_fraction[before])
        rate = rate_of(cells, chain, "warm_up", land_use[0], tables)
        pools = phases.warm_up(pools, c_input, rate, chain.clay_pct, tables.dpm_rpm[land_use])
        found["rate_warm_up"] = running_mean(rate)
    else:
        npp = yearly_npp_of(cells, chain, "forward") * tables.npp_fraction[latest]
        then = yearly_npp(cells, "spin_up")[0, 0] * FRACTIONS
        c_input = phases.yearly_input(c_eq, npp, then * tables.npp_fraction[before])
    c_bau = running_mean(c_input)
    scenarios = [scenario_input(s, c_bau, cells, chain.gain_points) for s in config.scenarios]
    amounts = np.stack([c_bau, *scenarios])
    rate = rate_of(cells, chain, "forward", latest, tables)
    ended = phases.forward(
        pools, amounts, rate, chain.clay_pct, tables.dpm_rpm[latest], config.forward.years
    )
    return found | {
        "pools": pools,
        "soc_t0": running_sum(pools) + iom,
        "c_bau": c_bau,
        "c_input": amounts,
        "final_soc": running_sum(ended) + iom,
        "rate_forward": running_mean(rate),
    }


def rate_of(
    cells: xr.Dataset, chain: Chain, phase: str, land_use: Bytes, tables: ModelTables
) -> Floats:
    """Rate of every month of a phase [-], (months, cell)."""
    temperature, rain = _climate(cells, phase)
    axis = "time" if phase == "warm_up" else "month"
    years = len(rain) // YEAR
    irrigation = np.tile(by_cell(cells["irrigation"], "month"), (years, 1))
    cover = cells[f"cover_{phase}"]
    weather = Weather(
        temperature_c=temperature * chain.temperature_factor,
        balance_mm=rain * chain.rain_factor + irrigation - by_cell(cells[f"pet_{phase}"], axis),
        cover_factor=1.0
        - ROTHC.cover_reduction * by_cell(cover, str(next(d for d in cover.dims if d != "cell"))),
    )
    return monthly_rates(weather, chain.clay_pct, tables.paddy[land_use], tables.depth_cm)


def _climate(cells: xr.Dataset, phase: str) -> tuple[Floats, Floats]:
    """Temperature [degC] and rain [mm] of every month, (months, cell)."""
    axis = "time" if phase == "warm_up" else "month"
    temperature, rain = (by_cell(cells[f"{v}_{phase}"], axis) for v in ("temperature", "rain"))
    return temperature, rain


def yearly_npp_of(cells: xr.Dataset, chain: Chain, phase: str) -> Floats:
    """NPP of every year with all carbon left [t C ha-1 yr-1], (year, cell). SCR script 14."""
    temperature, rain = _climate(cells, phase)
    by_month = (-1, YEAR, temperature.shape[1])
    warmth = temperature.reshape(by_month).swapaxes(0, 1) * chain.temperature_factor
    wetness = rain.reshape(by_month).swapaxes(0, 1) * chain.rain_factor
    grown = miami(running_mean(warmth), running_sum(wetness))
    return np.asarray(grown * G_M2_TO_T_HA * NUMBERS.carbon_fraction)


def reference_of(cells: xr.Dataset) -> Floats:
    """NPP of the reference, unshifted in all chains [t C ha-1 yr-1], (cell,)."""
    found = reference_npp(cells)[0]
    return np.asarray(found if "npp_reference" in cells else found * FRACTIONS)


def _yearly_land_use(cells: xr.Dataset) -> Bytes:
    """Land use of the warm-up, (year | 1, cell); the scripts take paddy and NPP of the first."""
    if "land_use_yearly" in cells:
        return np.asarray(cells["land_use_yearly"].transpose("year", "cell").values)
    return np.asarray(cells["land_use"].values[None])
