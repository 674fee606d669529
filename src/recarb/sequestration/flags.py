"""Flags beside the maps: where the manual advises to exclude, and where something was not plain.

Deliveries are never masked: the flags are layers of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.sequestration.inputs import LoadedTile
from recarb.sequestration.products import Product, npp_capped
from recarb.sequestration.targets import ABOVE_NPP, BAU_ABOVE_NPP, infeasible

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PADDY = 13
CODE_TO_FLAG = 1.0


@dataclass(frozen=True)
class Flag:
    """One flag layer."""

    key: str
    title: str


def flags(config: RunConfig) -> list[Flag]:
    """The flags a run can set: those whose layers exist."""
    limits, layers = config.flags, config.inputs
    found = [
        Flag("soc_high", f"SOC above {limits.soc_above_tc_ha:g} t C ha-1"),
        Flag("paddy", "paddy rice"),
        Flag("climate_filled", "climate taken from the nearest valid cell"),
        Flag("implausible", "a product outside its plausible limits"),
    ]
    if layers.elevation is not None:
        found.append(Flag("no_lapse_correction", "no elevation: temperature not corrected"))
    if layers.sand is not None:
        found.append(Flag("sandy", f"sand above {limits.sand_above_pct:g} %"))
    if layers.electrical_conductivity is not None:
        limit = limits.electrical_conductivity_above_ds_m
        found.append(Flag("saline", f"electrical conductivity above {limit:g} dS/m"))
    found += [Flag(key, key) for key in ("peat", "wetland") if getattr(layers, key) is not None]
    found += [
        Flag(npp_capped(s.name), f"{s.name}: practices cut back to what NPP leaves above BAU")
        for s in config.scenarios
        if s.practices and s.cap_at_npp
    ]
    found += [
        Flag(f"target_{t.name}", f"{t.name}: needs more carbon input than NPP")
        for t in config.targets
    ]
    return found


def flag_cells(
    loaded: LoadedTile, maps: xr.Dataset, config: RunConfig, products: list[Product]
) -> dict[str, Bools]:
    """Which of the running cells carry each flag, (cell,)."""
    cells, limits = loaded.cells, config.flags
    at = (
        cells["row"].values - loaded.tile.rows.start,
        cells["column"].values - loaded.tile.columns.start,
    )
    layer: Mapping[str, Floats] = {key: values[at] for key, values in loaded.flags.items()}
    # the percentage of a rate near zero is large and says nothing of the rate
    values = [product for product in products if not product.key.startswith("U_")]
    implausible = np.logical_or.reduce(list(outside_limits(maps, values).values()))
    known: dict[str, Bools] = {
        "soc_high": cells["soc"].values > limits.soc_above_tc_ha,
        "paddy": cells["land_use"].values == PADDY,
        "climate_filled": cells["climate_filled"].values,
        "no_lapse_correction": cells["no_lapse_correction"].values,
        "implausible": implausible,
    }
    if "sand" in layer:
        known["sandy"] = layer["sand"] > limits.sand_above_pct
    if "electrical_conductivity" in layer:
        limit = limits.electrical_conductivity_above_ds_m
        known["saline"] = layer["electrical_conductivity"] > limit
    for key in ("peat", "wetland"):
        if key in layer:
            known[key] = layer[key] == CODE_TO_FLAG
    known |= _of_management(maps, config)
    return {flag.key: known[flag.key] for flag in flags(config)}


def _of_management(maps: xr.Dataset, config: RunConfig) -> dict[str, Bools]:
    """Flags of scenarios by practice and of targets."""
    found = {
        npp_capped(s.name): maps[npp_capped(s.name)].values > 0.0
        for s in config.scenarios
        if s.practices
    }
    c_bau, npp = maps["C_BAU"].values, maps["NPP"].values
    for target in config.targets:
        where = infeasible(maps[f"InputNeeded_{target.name}"].values, c_bau, npp)
        found[f"target_{target.name}"] = where[ABOVE_NPP] | where[BAU_ABOVE_NPP]
    return found


def outside_limits(maps: xr.Dataset, products: list[Product]) -> dict[str, Bools]:
    """Per product, the cells whose value is implausible, (cell,). Nothing is removed."""
    found = {}
    for product in products:
        values = maps[product.key].values
        found[product.key] = (values < product.low) | (values > product.high)
    return found


def out_of_order(maps: xr.Dataset, config: RunConfig) -> dict[str, Bools]:
    """Cells where a higher level of management gains less than the one before, (cell,).

    Asked only of neighbours in the list whose gains differ in nothing but their size.
    """
    found = {}
    for lower, higher in pairwise(config.scenarios):
        if lower.is_plain and higher.is_plain and lower.gain_pct <= higher.gain_pct:
            less = maps[f"RSR_{higher.name}"].values < maps[f"RSR_{lower.name}"].values
            found[f"RSR_{lower.name} > RSR_{higher.name}"] = less
    return found
