"""RothC for one soil: checks of its table, equilibrium of its first year, the monthly run.

The equilibrium is the closed form with the year's own inputs: u is what the twelve months' inputs
become when the year starts from empty pools, so each month keeps its own DPM/RPM ratio and manure.

Sources: Coleman & Jenkinson 1996 (RothC-26.3); Coleman, Prout & Milne 2024; Falloon et al. 1998.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recarb.core.errors import MassBalanceError, ModelError, NotConverged
from recarb.core.findings import Finding, raise_if_stopping
from recarb.io.tables import SITE_COLUMNS
from recarb.rothc import equilibrium, kernels
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import co2_ratio, inert_carbon, split_input
from recarb.rothc.rates import Limits
from recarb.sequestration.site_checks import SiteRun, check_site, limits_of_site

__all__ = ["SiteResult", "SiteRun", "check_site", "run_site"]

Floats = NDArray[np.float64]

YEAR = kernels.YEAR
BALANCE_TOLERANCE = 1e-10  # carbon that may go astray, relative to all carbon there was [-]


@dataclass(frozen=True)
class SiteResult:
    """What one run gave.

    Attributes
    ----------
    months : DataFrame
        Pools at the end of each month and IOM and their sum [t C ha-1], carbon respired in the
        month [t C ha-1], moisture deficit [mm], rate modifier [-]. With mixed cover the deficit is
        that of the covered ground, and the bare ground's stands beside it.
    start : (4,) DPM, RPM, BIO, HUM before the first month [t C ha-1]
    start_deficit_mm : [mm], of the covered ground
    iom_tc_ha : [t C ha-1]
    factor : what the spin-up inputs were multiplied by [-]
    spun_up : whether `start` is the equilibrium of the spin-up year
    findings : what the checks found and accepted, for the user to read
    """

    months: pd.DataFrame
    start: Floats
    start_deficit_mm: float
    iom_tc_ha: float
    factor: float = 1.0
    spun_up: bool = False
    findings: tuple[Finding, ...] = ()


class _Soil(NamedTuple):
    """Numbers of the soil that every month needs."""

    clay_pct: float
    depth_cm: float
    limits: Limits
    p: Parameters

    @property
    def ratio(self) -> float:
        """CO2 / (BIO + HUM) [-]."""
        return co2_ratio(self.clay_pct, self.p)


@dataclass(frozen=True)
class _Drivers:
    """Monthly arrays of the kernels: (months,) and inputs (months, 3); flooded is [0-1]."""

    temperature_c: Floats
    balance_mm: Floats
    cover: Floats
    inputs: Floats
    flooded: Floats
    paddy: bool

    def part(self, months: slice) -> "_Drivers":
        """Keep some of the months."""
        return _Drivers(
            self.temperature_c[months],
            self.balance_mm[months],
            self.cover[months],
            self.inputs[months],
            self.flooded[months],
            self.paddy,
        )


def run_site(run: SiteRun, found: Iterable[Finding] = ()) -> SiteResult:
    """Run one soil month by month, from the equilibrium of its first year or from given pools.

    Parameters
    ----------
    run : SiteRun
    found : findings of the reading, reported together with those of the check

    Raises
    ------
    InputError, ConfigError
        All faults of the table and the options at once.
    ModelError
        There is no equilibrium: no inputs, no turnover, or a moisture deficit that never repeats.
    MassBalanceError
        Inputs, respired carbon and the change of the pools do not agree.
    """
    found = list(found)
    findings = [*found, *check_site(run, gaps_are_known=bool(found))]
    raise_if_stopping(findings)
    p = run.parameters
    soil = _Soil(float(run.clay_pct or 0.0), float(run.depth_cm or 0.0), limits_of_site(run), p)
    drivers = _drivers(run)
    iom = run.iom_tc_ha
    if iom is None:
        iom = inert_carbon(float(run.soc_tc_ha or 0.0), p)
    factor = 1.0
    if run.spin_up_months:
        start, deficits_mm = _equilibrium(drivers.part(slice(0, YEAR)), soil)
        if run.soc_tc_ha is not None:
            factor = (run.soc_tc_ha - iom) / float(start.sum())
            start = start * factor
    else:
        start = np.array(run.initial, dtype=np.float64)
        deficits_mm = (run.initial_deficit_mm or 0.0,) * 2
    later = drivers.part(slice(run.spin_up_months, None))
    if run.scale_all:
        later = replace(later, inputs=later.inputs * factor)
    table = _step(later, start, deficits_mm, iom, soil)
    calendar = run.months[["year", "month"]].iloc[run.spin_up_months :].astype(int)
    months = pd.concat([calendar.reset_index(drop=True), table], axis=1)
    return SiteResult(
        months, start, deficits_mm[0], iom, factor, bool(run.spin_up_months), tuple(findings)
    )


def _drivers(run: SiteRun) -> _Drivers:
    """Arrays of the table; the only place where pan evaporation becomes potential evaporation."""
    p = run.parameters
    columns = {name: run.months[name].to_numpy(dtype=np.float64) for name in SITE_COLUMNS}
    to_pet = p.pan_to_evaporation if run.evaporation == "pan" else 1.0
    inputs = [
        split_input(plant, fym, ratio, p)
        for plant, fym, ratio in zip(
            columns["carbon_input_tc_ha"], columns["fym_tc_ha"], columns["dpm_rpm"], strict=True
        )
    ]
    return _Drivers(
        np.ascontiguousarray(columns["temperature_c"]),
        columns["rain_mm"] - to_pet * columns["evaporation_mm"],
        np.ascontiguousarray(columns["plant_cover"]),
        np.array(inputs, dtype=np.float64),
        np.asarray(run.months["month"].isin(run.flooded_months), dtype=np.float64),
        run.paddy,
    )


def _run_months(
    drivers: _Drivers, start: Floats, deficits_mm: equilibrium.Deficits, soil: _Soil
) -> tuple[Floats, Floats, Floats, Floats]:
    return kernels.run_months(
        start,
        np.array(deficits_mm) if soil.p.variant.mixed_cover else deficits_mm[0],
        drivers.temperature_c,
        drivers.balance_mm,
        drivers.cover,
        drivers.paddy,
        drivers.inputs,
        soil.clay_pct,
        soil.depth_cm,
        soil.p,
        soil.limits,
        drivers.flooded,
    )


def _equilibrium(drivers: _Drivers, soil: _Soil) -> tuple[Floats, equilibrium.Deficits]:
    """Pools (4,) [t C ha-1] and deficits [mm] of a year that repeats for ever."""
    if not drivers.inputs.any():
        raise ModelError(
            "the spin-up year has no carbon input, so its equilibrium is an empty soil: write the "
            "inputs of the equilibrium into rows 1-12 (any level will do with --soc-tc-ha), or "
            "give --initial and --spin-up-months 0"
        )
    p = soil.p
    paddy = kernels.paddy_rates(YEAR, drivers.paddy, drivers.flooded, p)
    year = equilibrium.Year(drivers.temperature_c, drivers.balance_mm, drivers.cover, paddy)
    deficits_mm, settled = equilibrium.periodic_deficits(year, soil.limits, p)
    if not settled:
        raise NotConverged(
            f"the moisture deficit of the spin-up year still drifts after "
            f"{equilibrium.MAX_PASSES} years (yearly balance {year.balance_mm.sum():.3g} mm): "
            "check rain and evaporation of rows 1-12"
        )
    rates, pools = np.empty(YEAR), np.empty(equilibrium.POOLS)
    equilibrium.year_rates(year, soil.limits, deficits_mm, p, rates)
    if p.variant.analytical_spin_up:
        entering = drivers.inputs.sum(axis=0)
        status = equilibrium.solve_continuous(rates.mean(), entering, soil.ratio, p, pools)
    else:
        columns = np.empty((equilibrium.COLUMNS, equilibrium.POOLS))
        equilibrium.reset_columns(columns)
        equilibrium.extend_columns(columns, rates, np.zeros(YEAR), soil.ratio, p)
        history, *_ = _run_months(drivers, np.zeros(equilibrium.POOLS), deficits_mm, soil)
        status = equilibrium.solve_steady(columns, history[-1], pools)
    if status != equilibrium.OK:
        raise ModelError(
            f"no month of the spin-up year is warm enough for turnover (warmest "
            f"{year.temperature_c.max():.1f} degC, needed {p.temp_min_c:g}): there is no "
            "equilibrium; give --initial and --spin-up-months 0"
        )
    return pools, deficits_mm


def _step(
    drivers: _Drivers,
    start: Floats,
    deficits_mm: equilibrium.Deficits,
    iom: float,
    soil: _Soil,
) -> pd.DataFrame:
    """Run the months, close the carbon balance and name the columns."""
    pools, respired, deficits, rates = _run_months(drivers, start, deficits_mm, soil)
    entered = math.fsum(drivers.inputs.ravel())
    gap = entered - math.fsum(respired) - (math.fsum(pools[-1]) - math.fsum(start))
    if not abs(gap) <= BALANCE_TOLERANCE * (entered + math.fsum(start)):
        raise MassBalanceError(
            f"expected inputs ({entered:.6g} t C ha-1) = change + respired, found a gap of "
            f"{gap:.3g} t C ha-1 over {len(rates)} months: please report this with the table"
        )
    table = pd.DataFrame(pools, columns=["dpm_tc_ha", "rpm_tc_ha", "bio_tc_ha", "hum_tc_ha"])
    table["iom_tc_ha"] = iom
    table["soc_tc_ha"] = pools.sum(axis=1) + iom
    table["respired_tc_ha"] = respired
    table["deficit_mm"] = deficits if deficits.ndim == 1 else deficits[:, 0]
    if soil.p.variant.mixed_cover:
        table["deficit_bare_mm"] = deficits[:, 1]
    table["rate"] = rates
    return table
