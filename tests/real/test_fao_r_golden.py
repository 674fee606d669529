"""Protocol fao-r against the published chain itself, cell by cell, its divergent rows too."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.factories import config
from tests.realdata import data_folder, requires

from recarb.rothc.parameters import DEFAULT
from recarb.rothc.pools import inert_carbon
from recarb.sequestration.carbon_input import yearly_npp
from recarb.sequestration.fao_r import phases, protocol
from recarb.sequestration.fao_r.rates import Weather, monthly_rates
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.npp import miami
from recarb.sequestration.tables import ModelTables

pytestmark = [pytest.mark.realdata, requires("fao_r_golden")]

YEARS = range(2001, 2021)
DEPTH_CM = 30.0
CLOSE = 1e-6  # relative
LARGE = 1e4  # beyond it a value has diverged: its class counts, not its digits
POOLS = ("dpm", "rpm", "bio", "hum")
CHAINS = {  # temperature, rain, stock, clay; gains over BAU of the forward runs
    "": (1.0, 1.0, 1.0, 1.0, {"bau": 1.0, "ssm1": 1.05, "ssm2": 1.10, "ssm3": 1.20}),
    "_min": (1.02, 0.95, 0.8, 0.9, {"bau": 1.0, "ssm2": 0.95}),
    "_max": (0.98, 1.05, 1.2, 1.1, {"bau": 1.0, "ssm2": 1.25}),
}


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(data_folder() / "fao_r_golden" / f"{name}.csv", index_col="id")


def months(name: str, variable: str) -> np.ndarray:
    """A variable of every month, (month, cell)."""
    columns = [c for c in table(name).columns if c.startswith(variable)]
    return table(name)[columns].to_numpy().T.copy()


def rates(name: str, chain: tuple, clay: np.ndarray) -> np.ndarray:
    weather = Weather(
        temperature_c=months(name, "temp_c") * chain[0],
        balance_mm=months(name, "rain_mm") * chain[1] - months(name, "pet_mm"),
        cover_factor=months(name, "cover_factor"),
    )
    return monthly_rates(weather, clay, table("spin_inputs").land_use.to_numpy() == 13, DEPTH_CM)


def appropriation(land_use: np.ndarray) -> np.ndarray:
    return np.where(np.isin(land_use, (2, 12, 13)), 0.53, 0.72)


@cache
def chain_of(name: str) -> dict[str, np.ndarray]:
    """Every number that the tables of one chain hold, by its phase and column."""
    chain = CHAINS[name]
    cells = table("spin_inputs")
    soc, clay = cells.soc_t_ha.to_numpy(), cells.clay_pct.to_numpy() * chain[3]
    iom, ratio = inert_carbon(soc[None], DEFAULT)[0], cells.dpm_rpm.to_numpy()
    unshifted = (1.0, 1.0)
    c_eq, pools = phases.spin_up(
        soc * chain[2], iom, clay, rates("spin_inputs", unshifted, clay), ratio
    )
    found = {f"spin c_input_eq{name}": c_eq}
    found |= {f"spin {p}{name}": values for p, values in zip(POOLS, pools, strict=True)}
    warmth = (months("warm_inputs", "temp_c") * chain[0]).reshape(len(YEARS), 12, -1).mean(axis=1)
    rain = (months("warm_inputs", "rain_mm") * chain[1]).reshape(len(YEARS), 12, -1).sum(axis=1)
    npp = miami(warmth, rain) * 0.01 * 0.5 * appropriation(cells.land_use.to_numpy())
    c_input = phases.yearly_input(c_eq, npp, table("warm_inputs").npp_ref.to_numpy())
    pools = phases.warm_up(pools, c_input, rates("warm_inputs", chain, clay), clay, ratio[None])
    c_bau, soc_t0 = c_input.mean(axis=0), pools.sum(axis=0) + iom
    found |= {f"warm {p}{name}": values for p, values in zip(POOLS, pools, strict=True)}
    found |= {f"warm soc_t0{name}": soc_t0, f"warm c_input_mean{name}": c_bau}
    if not name:
        found["warm c_input_18th_year"] = c_input[17]
    amounts = np.stack([c_bau * gain for gain in chain[4].values()])
    ended = phases.forward(pools, amounts, rates("forward_inputs", chain, clay), clay, ratio, 20)
    for number, scenario in enumerate(chain[4]):
        found[f"forward soc_{scenario}{name}"] = ended[:, number].sum(axis=0) + iom
    return found


def skipped() -> np.ndarray:
    """Cells that script 15 leaves out: no stock at t0, or one below zero."""
    stock = chain_of("")["warm soc_t0"]
    return ~(stock >= 0.0)


@pytest.mark.parametrize("key", [key for name in CHAINS for key in ["", *CHAINS[name][4]] if key])
def test_there_is_a_golden_column_for_every_scenario(key):
    assert f"soc_{key}" in table("forward_expected")


@pytest.mark.parametrize("name", CHAINS)
def test_every_cell_of_every_phase(name):
    for key, found in chain_of(name).items():
        phase, column = key.split(" ")
        theirs = table(f"{phase}_expected")[column].to_numpy()
        ours = np.where(skipped(), np.nan, found) if phase == "forward" else found
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=key)
        large = np.abs(theirs) > LARGE
        np.testing.assert_array_equal(np.abs(ours) > LARGE, large, err_msg=key)
        np.testing.assert_array_equal(ours < 0.0, theirs < 0.0, err_msg=key)
        np.testing.assert_allclose(ours[~large], theirs[~large], rtol=CLOSE, err_msg=key)


def test_the_tables_hold_diverged_lost_and_bridged_cells():
    forward, warm = table("forward_expected"), table("warm_expected")
    assert (forward.soc_bau.abs() > LARGE).sum() == 5
    assert forward.soc_bau.isna().sum() == 10
    assert (warm.soc_t0 < 0.0).sum() == 8
    coldest = months("warm_inputs", "temp_c").min(axis=0)
    bridged = (coldest < -18.3) & warm.soc_t0.notna().to_numpy()
    assert bridged.sum() == 2


def test_all_humid_tropical_cells_fail():
    zones = table("zones").zone
    bad = table("forward_expected").soc_bau.isna() | (
        table("forward_expected").soc_bau.abs() > LARGE
    )
    assert set(zones[bad]) == {"humid_tropical", "continental_cold"}
    assert bad[zones == "humid_tropical"].all()


def cells_of_tables() -> xr.Dataset:
    """The tables as a run would load them; the reference of NPP with all carbon left."""
    cells, phases_of = table("spin_inputs"), {"spin_up": "spin", "warm_up": "warm"}
    land_use = cells.land_use.to_numpy().astype(np.uint8)
    reference = table("warm_inputs").npp_ref.to_numpy() / appropriation(land_use)
    found = xr.Dataset(
        {
            "soc": ("cell", cells.soc_t_ha.to_numpy()),
            "clay": ("cell", cells.clay_pct.to_numpy()),
            "land_use": ("cell", land_use),
            "land_use_spin_up": ("cell", land_use),
            "npp_reference": ("cell", reference),
            "irrigation": (("month", "cell"), np.zeros((12, len(cells)))),
        }
    )
    for phase in ("spin_up", "warm_up", "forward"):
        name = f"{phases_of.get(phase, phase)}_inputs"
        axis = "time" if phase == "warm_up" else "month"
        for ours, theirs in (("temperature", "temp_c"), ("rain", "rain_mm"), ("pet", "pet_mm")):
            found[f"{ours}_{phase}"] = ((axis, "cell"), months(name, theirs))
        cover = (1.0 - months(name, "cover_factor")) / 0.4
        found[f"cover_{phase}"] = (("month", "cell"), cover)
    found["npp_reference_climate"] = ("cell", yearly_npp(found, "spin_up")[0, 0])
    return found


def test_the_whole_protocol_ends_where_the_tables_end():
    """Chains, gains and filter put together as a country's run puts them."""
    run = config(protocol="fao-r")
    results = protocol.run(cells_of_tables(), run, ModelTables.of(run))
    warm, forward = table("warm_expected"), table("forward_expected")
    compared = 0
    for chain, end in (("mean", ""), ("min", "_min"), ("max", "_max")):
        found = results[chain]
        lost = found["outcome"].values != np.uint8(Outcome.RUN)
        pairs = {f"soc_t0{end}": (warm, found["soc_t0"])}
        for scenario in CHAINS[end][4]:
            final = found["final_soc"].sel(scenario=scenario.upper())
            pairs[f"soc_{scenario}{end}"] = (forward, final)
        for column, (of, ours) in pairs.items():
            theirs = of[column].to_numpy()
            filtered = ~((theirs >= 0.0) & (theirs <= 300.0))
            blank = np.isnan(ours.values)
            assert (filtered | lost)[blank].all(), column
            known = ~blank & (np.abs(theirs) < LARGE)
            np.testing.assert_allclose(
                ours.values[known], theirs[known], rtol=CLOSE, err_msg=column
            )
            compared += known.sum()
    assert compared > 0.7 * len(warm) * 11
