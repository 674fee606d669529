"""The maps of a run: which there are, their names, and how each follows from the phases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import FAO_R, RunConfig
from recarb.sequestration.fao_r.uncertainty import uncertainty_maps as published_uncertainty
from recarb.sequestration.forward import BAU
from recarb.sequestration.spin_up import POOLS
from recarb.sequestration.targets import target_maps
from recarb.sequestration.uncertainty import (
    Bounds,
    rate_half_width,
    rate_uncertainty,
    stock_uncertainty,
)

Floats = NDArray[np.float64]

STOCK, RATE, SHARE, PLAIN, YEARS = "t ha-1", "t ha-1 year-1", "percent", "1", "year"
DEPTH_DIGITS = 3
STATISTIC_MEAN, STATISTIC_UNCERTAINTY = "MEAN", "UNCT"


@dataclass(frozen=True)
class Product:
    """One map: `key` in the result, file stem without the country, unit, limits of the plausible.

    `sis` is the property of the information system's file name, "" where it has none; `depth` [cm]
    stands in the names of the deliverables: `Map030` is 0-30 cm.
    """

    key: str
    stem: str
    title: str
    unit: str
    low: float
    high: float
    sis: str = ""
    depth: str = ""

    def file_name(self, code: str) -> str:
        """`{CODE}_GSOCseq_{stem}`, the name countries submit under."""
        return f"{code}_GSOCseq_{self.stem}"

    def sis_name(self, iso2: str, year: int) -> str:
        """`{CC}-GSOCSEQ-{PROPERTY}-{YEAR}-{TOP}-{BOTTOM}-{STAT}` of the information system."""
        statistic = STATISTIC_UNCERTAINTY if self.key.startswith("U_") else STATISTIC_MEAN
        return f"{iso2}-GSOCSEQ-{self.sis}-{year}-0-{self.depth}-{statistic}"


STOCK_LIMITS = (0.0, 800.0)  # as the published map-correction script
DIFFERENCE_LIMITS = (-80.0, 80.0)
RATE_LIMITS = (-4.0, 4.0)
RELATIVE_LIMITS = (0.0, 80.0)
RELATIVE_RATE_LIMITS = (0.0, 4.0)
UNCERTAINTY_LIMITS = (0.0, 200.0)


def products(config: RunConfig) -> list[Product]:
    """The deliverables, 29 with the three standard scenarios: 19 means and 10 uncertainties."""
    names = [scenario.name for scenario in config.scenarios]
    found = [_product("T0", "T0_Map", "SOC stock at t0", STOCK, STOCK_LIMITS, "CORGT0")]
    for s in (BAU, *names):
        found += [
            _product(f"finalSOC_{s}", f"finalSOC_{s}_Map", f"final SOC stock, {s}", STOCK,
                     STOCK_LIMITS, f"CORGSOC{s}"),
            _product(f"AbsDiff_{s}", f"AbsDiff_{s}_Map", f"final SOC, {s}, minus SOC at t0", STOCK,
                     DIFFERENCE_LIMITS, f"CORGAD{s}"),
            _product(f"ASR_{s}", f"ASR_{s}_Map", f"absolute sequestration rate, {s}", RATE,
                     RATE_LIMITS, f"CORGASR{s}"),
        ]  # fmt: skip
    for s in names:
        found += [
            _product(f"RelDiff_{s}", f"RelDiff_{s}_Map", f"final SOC, {s} minus BAU", STOCK,
                     RELATIVE_LIMITS, f"CORGRD{s}"),
            _product(f"RSR_{s}", f"RSR_{s}_Map", f"relative sequestration rate, {s}", RATE,
                     RELATIVE_RATE_LIMITS, f"CORGRSR{s}"),
        ]  # fmt: skip
    if config.uncertainty.chains:
        found += _uncertainty_products(names, config.ssm_scenario)
    depth = f"{config.model.depth_cm:g}".replace(".", "p")
    digits = depth_digits(config.model.depth_cm)
    return [replace(p, stem=p.stem + digits, depth=depth) for p in found]


def depth_digits(depth_cm: float) -> str:
    """The depth in the names of the deliverables: `030` is 0-30 cm."""
    return f"{depth_cm:g}".replace(".", "p").zfill(DEPTH_DIGITS)


def _product(
    key: str, stem: str, title: str, unit: str, limits: tuple[float, float], sis: str
) -> Product:
    return Product(key, stem, title, unit, limits[0], limits[1], sis)


def _uncertainty_products(names: list[str], ssm: str | None) -> list[Product]:
    rows = [("T0", "SOC stock at t0"), (BAU, "final SOC stock, BAU")]
    if ssm is not None:
        rows.append(("SSM", f"final SOC stock, {ssm}"))
    rows += [(f"ASR_{s}", f"absolute sequestration rate, {s}") for s in (BAU, *names)]
    rows += [(f"RSR_{s}", f"relative sequestration rate, {s}") for s in names]
    sis = {"T0": "CORGT0U", BAU: "CORGSOCBAUU", "SSM": "CORGSOCSSMU"}
    return [
        _product(f"U_{key}", f"{key}_UncertaintyMap", f"uncertainty, {title}", SHARE,
                 UNCERTAINTY_LIMITS, sis.get(key, f"CORG{key.replace('_', '')}U"))
        for key, title in rows
    ]  # fmt: skip


def diagnostics(config: RunConfig) -> list[Product]:
    """The maps an expert checks the run with; not part of the delivery."""
    unbound = (-np.inf, np.inf)
    found = [
        Product("C_eq", "C_eq", "carbon input of the equilibrium", RATE, *unbound),
        Product("C_BAU", "C_BAU", "mean carbon input of the warm-up", RATE, *unbound),
        Product("C_eq_over_NPP", "C_eq_over_NPP", "equilibrium input / NPP", PLAIN, 0.0, 1.0),
        Product("NPP", "NPP", "NPP of the reference (MIAMI)", RATE, *unbound),
        Product("rate_spin_up", "rate_spin_up", "mean rate modifier, spin-up", PLAIN, *unbound),
        Product("rate_forward", "rate_forward", "mean rate modifier, forward", PLAIN, *unbound),
    ]
    if config.warm_up is not None:
        found.append(
            Product("rate_warm_up", "rate_warm_up", "mean rate modifier, warm-up", PLAIN, *unbound)
        )
    found += [
        Product(pool, f"{pool}_t0", f"{pool.upper()} at t0", STOCK, *unbound)
        for pool in (*POOLS, "iom")
    ]
    found += _futures(config) + _practice_products(config) + _target_products(config)
    if config.uncertainty.chains:
        names = [scenario.name for scenario in config.scenarios]
        rates = [f"ASR_{s}" for s in (BAU, *names)] + [f"RSR_{s}" for s in names]
        found += [
            Product(f"HW_{rate}", f"{rate}_HalfWidth", f"half width of {rate}", RATE, *unbound)
            for rate in rates
        ]
    return found


def _practice_products(config: RunConfig) -> list[Product]:
    return [
        Product(f"C_{s.name}", f"C_{s.name}", f"mean carbon input, {s.name}", RATE, 0.0, np.inf)
        for s in config.scenarios
        if s.practices
    ]


def _target_products(config: RunConfig) -> list[Product]:
    unbound = (-np.inf, np.inf)
    return [
        Product(f"{kind}_{t.name}", f"{kind}_{t.name}", f"{title}, {t.name}", unit, *unbound)
        for t in config.targets
        for kind, title, unit in (
            ("GainNeeded", "gain in carbon input needed", SHARE),
            ("InputNeeded", "carbon input needed", RATE),
        )
    ]


def _futures(config: RunConfig) -> list[Product]:
    """The maps beyond `forward.years`: at further horizons, and in the steady state."""
    unbound = (-np.inf, np.inf)
    names = [BAU, *(scenario.name for scenario in config.scenarios)]
    found = []
    for n in config.forward.further:
        kinds = [("SOC", f"SOC after {n} years", STOCK, names),
                 ("ASR", f"absolute rate over {n} years", RATE, names),
                 ("RSR", f"relative rate over {n} years", RATE, names[1:])]  # fmt: skip
        found += [
            Product(f"{kind}_{s}_{n}y", f"{kind}_{s}_{n}y", f"{title}, {s}", unit, *unbound)
            for kind, title, unit, of in kinds
            for s in of
        ]
    if config.forward.steady_state:
        for s in names:
            found += [
                Product(f"SOC_{s}_steady", f"SOC_{s}_steady", f"steady SOC stock, {s}", STOCK,
                        *unbound),
                Product(f"Years_{s}_steady", f"Years_{s}_steady",
                        f"years to 95 % of the way to the steady stock, {s}", YEARS, *unbound),
            ]  # fmt: skip
        title = "years to 95 % of the effect of a change of input"
        found.append(Product("Years_effect", "Years_effect", title, YEARS, *unbound))
    return found


def derive(results: Mapping[str, xr.Dataset], config: RunConfig) -> xr.Dataset:
    """All maps over `cell` from the forward results of the chains.

    Parameters
    ----------
    results : mapping
        `forward` of the chains "mean" and, where they were run, "max" and "min".
    """
    mean = results["mean"]
    years = config.forward.years
    final = {str(s): mean["final_soc"].sel(scenario=s).values for s in mean["scenario"].values}
    t0 = stock_at_t0(mean)
    maps: dict[str, Floats] = {"T0": t0}
    for name, stock in final.items():
        maps[f"finalSOC_{name}"] = stock
        maps[f"AbsDiff_{name}"] = stock - t0
        maps[f"ASR_{name}"] = (stock - t0) / years
        if name != BAU:
            maps[f"RelDiff_{name}"] = stock - final[BAU]
            maps[f"RSR_{name}"] = (stock - final[BAU]) / years
    maps |= _diagnostic_maps(mean) | _future_maps(mean, t0) | _practice_maps(mean, config)
    maps |= target_maps(config, mean, t0, final[BAU])
    if "max" in results:
        formulas = published_uncertainty if config.protocol == FAO_R else _uncertainty_maps
        maps |= formulas(results, config)
    return xr.Dataset(
        {key: ("cell", values) for key, values in maps.items()},
        coords={"outcome": ("cell", mean["outcome"].values)},
    )


def stock_at_t0(state: xr.Dataset) -> Floats:
    """All carbon at t0 [t C ha-1], (cell,)."""
    active = state["pools"].transpose("pool", "cell").values.sum(axis=0)
    return np.asarray(active + state["iom"].values)


def _diagnostic_maps(mean: xr.Dataset) -> dict[str, Floats]:
    npp = mean["npp_reference"].values
    found = {
        "C_eq": mean["c_eq"].values,
        "C_BAU": mean["c_bau"].values,
        "NPP": npp,
        "C_eq_over_NPP": np.divide(
            mean["c_eq"].values, npp, out=np.full_like(npp, np.nan), where=npp > 0.0
        ),
        "iom": mean["iom"].values,
    }
    found |= {str(n): mean[n].values for n in mean.data_vars if str(n).startswith("rate_")}
    found |= {pool: mean["pools"].sel(pool=pool).values for pool in POOLS}
    return found


def _practice_maps(mean: xr.Dataset, config: RunConfig) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for scenario in config.scenarios:
        if scenario.practices:
            one = mean.sel(scenario=scenario.name)
            found[f"C_{scenario.name}"] = one["c_input"].values
            found[npp_capped(scenario.name)] = one["npp_capped"].values
    return found


def npp_capped(scenario: str) -> str:
    """Key of the cells in which the practices of a scenario were cut back to NPP (1, else 0)."""
    return f"npp_capped_{scenario}"


def _future_maps(mean: xr.Dataset, t0: Floats) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for n in mean["horizon"].values if "soc_ahead" in mean else ():
        ahead = mean["soc_ahead"].sel(horizon=n)
        stocks = {str(s): ahead.sel(scenario=s).values for s in ahead["scenario"].values}
        for s, stock in stocks.items():
            found[f"SOC_{s}_{n}y"] = stock
            found[f"ASR_{s}_{n}y"] = (stock - t0) / n
            if s != BAU:
                found[f"RSR_{s}_{n}y"] = (stock - stocks[BAU]) / n
    if "steady_soc" in mean:
        for s in mean["scenario"].values:
            found[f"SOC_{s}_steady"] = mean["steady_soc"].sel(scenario=s).values
            found[f"Years_{s}_steady"] = mean["years_to_steady"].sel(scenario=s).values
        found["Years_effect"] = mean["years_to_effect"].values
    return found


def _uncertainty_maps(results: Mapping[str, xr.Dataset], config: RunConfig) -> dict[str, Floats]:
    choice, years = config.uncertainty, config.forward.years

    def bounds(pick: str) -> Bounds:
        of = {
            chain: stock_at_t0(r) if pick == "T0" else r["final_soc"].sel(scenario=pick).values
            for chain, r in results.items()
        }
        return Bounds(of["mean"], of["max"], of["min"])

    t0, bau = bounds("T0"), bounds(BAU)
    maps = {"U_T0": stock_uncertainty(t0), f"U_{BAU}": stock_uncertainty(bau)}
    if config.ssm_scenario is not None:
        maps["U_SSM"] = stock_uncertainty(bounds(config.ssm_scenario))
    for name in (BAU, *(s.name for s in config.scenarios)):
        later = bounds(name)
        pairs = [("ASR", t0)] + ([("RSR", bau)] if name != BAU else [])
        for kind, earlier in pairs:
            key = f"{kind}_{name}"
            maps[f"HW_{key}"] = rate_half_width(later, earlier, years, choice.rate_formula)
            maps[f"U_{key}"] = rate_uncertainty(
                later, earlier, years, choice.rate_formula, choice.rate_floor_tc_ha_per_yr
            )
    return maps
