"""RothC for one soil: checks of its table, equilibrium of its first year, the monthly run.

The equilibrium is the closed form with the year's own inputs: u is what the twelve months' inputs
become when the year starts from empty pools, so each month keeps its own DPM/RPM ratio and manure.

Sources: Coleman & Jenkinson 1996 (RothC-26.3); Coleman, Prout & Milne 2024; Falloon et al. 1998.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recarb.core.config import Suspicion
from recarb.core.errors import MassBalanceError, ModelError, NotConverged
from recarb.core.findings import Finding, Severity, raise_if_stopping
from recarb.core.quantities import catalogue
from recarb.io.tables import EXAMPLES, SITE_COLUMNS, at_lines
from recarb.rothc import equilibrium, kernels
from recarb.rothc.parameters import DEFAULT, Parameters
from recarb.rothc.pools import co2_ratio, inert_carbon, split_input
from recarb.rothc.rates import maximum_deficit

Floats = NDArray[np.float64]

PERCENT = 100.0
YEAR = kernels.YEAR
LOWEST_EVAPORATION_MM = -50.0  # below: a code for missing; the official example goes to -20.7
BALANCE_TOLERANCE = 1e-10  # carbon that may go astray, relative to all carbon there was [-]
EVAPORATION = ("pan", "pet")
OPTION = "config"  # code of a finding in the options; only those make a ConfigError


@dataclass(frozen=True)
class SiteRun:
    """What one run needs.

    Attributes
    ----------
    months : DataFrame
        Monthly rows with `recarb.io.tables.SITE_COLUMNS`; the index names the rows in messages.
    clay_pct, depth_cm : float
        Clay content [%] and depth of the soil [cm].
    iom_tc_ha, soc_tc_ha : float, exactly one of them
        Inert organic matter, or the stock that gives it (Falloon et al. 1998) [t C ha-1]. With a
        spin-up the stock also scales the inputs of the spin-up year.
    initial : (4,) DPM, RPM, BIO, HUM [t C ha-1], where there is no spin-up
    initial_deficit_mm : moisture deficit before the first month [mm, <= 0], 0 if not given
    spin_up_months : 12 if the first twelve rows are the equilibrium year, else 0
    evaporation : 'pan' if the evaporation is of an open pan, 'pet' if potential
    scale_all : whether the rows after the spin-up are scaled like the spin-up's
    """

    months: pd.DataFrame
    clay_pct: float | None
    depth_cm: float | None
    iom_tc_ha: float | None = None
    soc_tc_ha: float | None = None
    initial: tuple[float, ...] | None = None
    initial_deficit_mm: float | None = None
    spin_up_months: int = 0
    evaporation: str = "pan"
    scale_all: bool = False
    parameters: Parameters = DEFAULT


@dataclass(frozen=True)
class SiteResult:
    """What one run gave.

    Attributes
    ----------
    months : DataFrame
        Pools at the end of each month and IOM and their sum [t C ha-1], carbon respired in the
        month [t C ha-1], moisture deficit [mm], rate modifier [-].
    start : (4,) DPM, RPM, BIO, HUM before the first month [t C ha-1]
    start_deficit_mm : [mm]
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
    p: Parameters

    @property
    def max_deficit_mm(self) -> float:
        """Largest moisture deficit [mm]."""
        return maximum_deficit(self.clay_pct, self.depth_cm, self.p)

    @property
    def ratio(self) -> float:
        """CO2 / (BIO + HUM) [-]."""
        return co2_ratio(self.clay_pct, self.p)


@dataclass(frozen=True)
class _Drivers:
    """Monthly arrays of the kernels: (months,) and inputs (months, 3)."""

    temperature_c: Floats
    balance_mm: Floats
    cover: Floats
    inputs: Floats

    def part(self, months: slice) -> "_Drivers":
        """Keep some of the months."""
        return _Drivers(
            self.temperature_c[months],
            self.balance_mm[months],
            self.cover[months],
            self.inputs[months],
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
    soil = _Soil(float(run.clay_pct or 0.0), float(run.depth_cm or 0.0), p)
    drivers = _drivers(run)
    iom = run.iom_tc_ha
    if iom is None:
        iom = inert_carbon(float(run.soc_tc_ha or 0.0), p)
    factor = 1.0
    if run.spin_up_months:
        start, deficit_mm = _equilibrium(drivers.part(slice(0, YEAR)), soil)
        if run.soc_tc_ha is not None:
            factor = (run.soc_tc_ha - iom) / float(start.sum())
            start = start * factor
    else:
        start = np.array(run.initial, dtype=np.float64)
        deficit_mm = run.initial_deficit_mm or 0.0
    later = drivers.part(slice(run.spin_up_months, None))
    if run.scale_all:
        later = replace(later, inputs=later.inputs * factor)
    table = _step(later, start, deficit_mm, iom, soil)
    calendar = run.months[["year", "month"]].iloc[run.spin_up_months :].astype(int)
    months = pd.concat([calendar.reset_index(drop=True), table], axis=1)
    return SiteResult(
        months, start, deficit_mm, iom, factor, bool(run.spin_up_months), tuple(findings)
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
    )


def _run_months(
    drivers: _Drivers, start: Floats, deficit_mm: float, soil: _Soil
) -> tuple[Floats, Floats, Floats, Floats]:
    return kernels.run_months(
        start,
        deficit_mm,
        drivers.temperature_c,
        drivers.balance_mm,
        drivers.cover,
        False,
        drivers.inputs,
        soil.clay_pct,
        soil.depth_cm,
        soil.p,
    )


def _equilibrium(year: _Drivers, soil: _Soil) -> tuple[Floats, float]:
    """Periodic pools (4,) [t C ha-1] and deficit [mm] of a year that repeats for ever."""
    if not year.inputs.any():
        raise ModelError(
            "the spin-up year has no carbon input, so its equilibrium is an empty soil: write the "
            "inputs of the equilibrium into rows 1-12 (any level will do with --soc-tc-ha), or "
            "give --initial and --spin-up-months 0"
        )
    deficit_mm, settled = equilibrium.periodic_deficit(
        year.balance_mm, year.cover, soil.max_deficit_mm, soil.p
    )
    if not settled:
        raise NotConverged(
            f"the moisture deficit of the spin-up year still drifts after "
            f"{equilibrium.MAX_PASSES} years (yearly balance {year.balance_mm.sum():.3g} mm): "
            "check rain and evaporation of rows 1-12"
        )
    rates = np.empty(YEAR)
    equilibrium.year_rates(
        year.temperature_c,
        year.balance_mm,
        year.cover,
        False,
        soil.max_deficit_mm,
        deficit_mm,
        soil.p,
        rates,
    )
    columns = np.empty((equilibrium.COLUMNS, equilibrium.POOLS))
    equilibrium.reset_columns(columns)
    equilibrium.extend_columns(columns, rates, np.zeros(YEAR), soil.ratio, soil.p)
    history, *_ = _run_months(year, np.zeros(equilibrium.POOLS), deficit_mm, soil)
    pools = np.empty(equilibrium.POOLS)
    if equilibrium.solve_steady(columns, history[-1], pools) != equilibrium.OK:
        raise ModelError(
            f"no month of the spin-up year is warm enough for turnover (warmest "
            f"{year.temperature_c.max():.1f} degC, needed {soil.p.temp_min_c:g}): there is no "
            "equilibrium; give --initial and --spin-up-months 0"
        )
    return pools, deficit_mm


def _step(
    drivers: _Drivers, start: Floats, deficit_mm: float, iom: float, soil: _Soil
) -> pd.DataFrame:
    """Run the months, close the carbon balance and name the columns."""
    pools, respired, deficits, rates = _run_months(drivers, start, deficit_mm, soil)
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
    table["deficit_mm"] = deficits
    table["rate"] = rates
    return table


def check_site(run: SiteRun, gaps_are_known: bool = False) -> list[Finding]:
    """List all that is wrong with the options and the table.

    `gaps_are_known` says that the reading has already told of the cells that are NaN.
    """
    return [
        *_check_soil(run),
        *_check_carbon(run),
        *_check_phases(run),
        *_check_values(run, gaps_are_known),
        *_check_calendar(run),
        *_check_condensation(run),
        *_check_low_clay(run),
    ]


def _option(where: str, message: str, hint: str) -> Finding:
    return Finding(OPTION, Severity.ERROR, where, message, hint)


def _within(value: float | None, low: float, high: float) -> bool:
    return value is not None and low <= value <= high


def _check_soil(run: SiteRun) -> list[Finding]:
    findings = []
    if not _within(run.clay_pct, catalogue()["clay"].low, catalogue()["clay"].high):
        message = f"expected clay within 0-100 %, found {run.clay_pct}"
        findings.append(_option("--clay-pct", message, "give the clay content"))
    if run.depth_cm is None or not 0.0 < run.depth_cm < math.inf:
        message = f"expected a depth above 0 cm, found {run.depth_cm}"
        findings.append(_option("--depth-cm", message, "give the depth"))
    if run.evaporation not in EVAPORATION:
        message = f"expected one of {', '.join(EVAPORATION)}, found '{run.evaporation}'"
        findings.append(_option("--evaporation", message, "pan is multiplied by 0.75"))
    return findings


def _check_carbon(run: SiteRun) -> list[Finding]:
    where = "--iom-tc-ha, --soc-tc-ha"
    if (run.iom_tc_ha is None) == (run.soc_tc_ha is None):
        came = "neither" if run.iom_tc_ha is None else "both"
        return [_option(where, f"expected exactly one, found {came}", "give one of them")]
    if run.iom_tc_ha is not None and not 0.0 <= run.iom_tc_ha < math.inf:
        return [_option(where, f"expected IOM of 0 or more, found {run.iom_tc_ha}", "correct it")]
    high = catalogue()["soc"].high
    if run.soc_tc_ha is not None and not 0.0 < run.soc_tc_ha <= high:
        message = f"expected a stock above 0 and up to {high:g} t C ha-1, found {run.soc_tc_ha}"
        return [_option(where, message, "give it in t C ha-1")]
    return []


def _check_phases(run: SiteRun) -> list[Finding]:
    """Options that only make sense with, or without, a spin-up."""
    if run.spin_up_months not in (0, YEAR):
        message = f"expected 0 or {YEAR}, found {run.spin_up_months}"
        hint = f"write one mean year into the first {YEAR} rows: years are not averaged here"
        return [_option("--spin-up-months", message, hint)]
    findings = _check_with_spin_up(run) if run.spin_up_months else _check_initial(run)
    if run.scale_all and (run.soc_tc_ha is None or not run.spin_up_months):
        message = "there is no factor without --soc-tc-ha and a spin-up"
        findings.append(_option("--scale-all", message, "leave it out"))
    return findings


def _check_with_spin_up(run: SiteRun) -> list[Finding]:
    given = {"--initial": run.initial, "--initial-deficit-mm": run.initial_deficit_mm}
    findings = [
        _option(name, "the spin-up gives the start", f"leave out {name} or --spin-up-months")
        for name, value in given.items()
        if value is not None
    ]
    if len(run.months) <= run.spin_up_months:
        message = f"expected months after the {YEAR} of the spin-up, found {len(run.months)} rows"
        findings.append(Finding("length", Severity.ERROR, "table", message, "add the months"))
    return findings


def _check_initial(run: SiteRun) -> list[Finding]:
    findings = []
    if run.initial is None:
        hint = f"give --initial dpm,rpm,bio,hum [t C ha-1], or --spin-up-months {YEAR}"
        findings.append(_option("--initial", "expected the pools at the start, found none", hint))
    elif len(run.initial) != equilibrium.POOLS or not all(
        0.0 <= pool < math.inf for pool in run.initial
    ):
        message = f"expected four pools of 0 or more, found {run.initial}"
        findings.append(_option("--initial", message, "give dpm,rpm,bio,hum in t C ha-1"))
    deepest = _deepest_deficit(run)
    if run.initial_deficit_mm is not None and not deepest <= run.initial_deficit_mm <= 0.0:
        message = f"expected within {deepest:.2f} to 0 mm, found {run.initial_deficit_mm}"
        hint = "a deficit is negative; its limit follows from clay and depth"
        findings.append(_option("--initial-deficit-mm", message, hint))
    if not len(run.months):
        message = "expected at least one month, found none"
        findings.append(Finding("length", Severity.ERROR, "table", message, "add the months"))
    return findings


def _deepest_deficit(run: SiteRun) -> float:
    """Limit of the moisture deficit [mm]; beyond it the model's moisture rate has no meaning."""
    if _check_soil(run) or run.clay_pct is None or run.depth_cm is None:
        return -math.inf
    return maximum_deficit(run.clay_pct, run.depth_cm, run.parameters)


def _limits() -> dict[str, tuple[float, float, str]]:
    """Lowest and highest possible value of each column, and what to do outside."""
    rain, cover = catalogue()["rain"], catalogue()["cover"]
    coldest, hottest = catalogue()["temperature"].low, catalogue()["temperature_max"].high
    above_zero = math.nextafter(0.0, 1.0)
    return {
        "year": (-math.inf, math.inf, "write the year"),
        "month": (1, YEAR, "write months as 1-12"),
        "temperature_c": (coldest, hottest, "give degC; leave no code for missing values"),
        "rain_mm": (rain.low, rain.high, "give mm per month; fill gaps, -999 is no rain"),
        "evaporation_mm": (LOWEST_EVAPORATION_MM, math.inf, "evaporation is positive, in mm"),
        "carbon_input_tc_ha": (0.0, math.inf, "inputs are 0 or more, in t C ha-1"),
        "fym_tc_ha": (0.0, math.inf, "manure is 0 or more, in t C ha-1"),
        "plant_cover": (cover.low, cover.high, "give the fraction of the month, not percent"),
        "dpm_rpm": (above_zero, math.inf, "1.44 crops, 0.67 grass and savanna, 0.25 forest"),
    }


def _check_values(run: SiteRun, gaps_are_known: bool) -> list[Finding]:
    """Values outside the possible, years and months that are not whole."""
    findings = []
    for name, (low, high, hint) in _limits().items():
        if name not in run.months:
            message = f"expected column '{name}', found none"
            findings.append(Finding("column", Severity.ERROR, "table", message, "add it"))
            continue
        values = run.months[name].astype(float)
        wrong = ~(values.between(low, high) & np.isfinite(values))
        if name in ("year", "month"):
            wrong |= values % 1 != 0
        if gaps_are_known:
            wrong &= values.notna()
        if wrong.any():
            bounds = f"{low:g} or more" if math.isinf(high) else f"within {low:g} to {high:g}"
            bounds = {"dpm_rpm": "above 0", "year": "a whole number"}.get(name, bounds)
            where = f"column {name}, {_rows(values.index[wrong])}"
            came = ", ".join(f"{value:g}" for value in values[wrong][:EXAMPLES])
            message = f"expected {bounds}, found {came}"
            findings.append(Finding("range", Severity.ERROR, where, message, hint))
    return findings


def _check_low_clay(run: SiteRun) -> list[Finding]:
    """A clay content so low that it may be a share; told, because some sands are that poor."""
    clay = run.clay_pct
    if clay is None or not 0.0 <= clay < Suspicion().clay_below_pct:
        return []
    message = f"{clay:g} %: hardly any soil holds so little clay"
    hint = f"if it is a share, give --clay-pct {PERCENT * clay:g}"
    return [Finding("low_clay", Severity.WARNING, "--clay-pct", message, hint)]


def _check_condensation(run: SiteRun) -> list[Finding]:
    if "evaporation_mm" not in run.months:
        return []
    values = run.months["evaporation_mm"].astype(float)
    negative = values[(values < 0.0) & (values >= LOWEST_EVAPORATION_MM)]
    if negative.empty:
        return []
    where = f"column evaporation_mm, {_rows(negative.index)}"
    message = f"negative, lowest {negative.min():g} mm: taken as condensation"
    return [Finding("condensation", Severity.WARNING, where, message, "check these months")]


def _rows(index: "pd.Index[int]") -> str:
    return at_lines(list(index), str(index.name or "row"))


def _check_calendar(run: SiteRun) -> list[Finding]:
    """Months must follow each other, within the spin-up year and after it."""
    months = run.months
    if not {"year", "month"} <= set(months.columns):
        return []
    count = (months["year"] * YEAR + months["month"] - 1).to_numpy(dtype=np.float64)
    step = np.diff(count)
    joint = run.spin_up_months - 1
    if 0 <= joint < step.size:
        # the spin-up year may bear any year number, but December is followed by January
        step[joint] = (step[joint] - 1) % YEAR + 1
    tests: dict[str, Callable[[Floats], NDArray[np.bool_]]] = {
        "appears twice": lambda s: s == 0,
        "is out of order": lambda s: s < 0,
        "is not the month after the row before": lambda s: (s > 0) & (s != 1),
    }
    findings = []
    for message, test in tests.items():
        wrong = months.index[1:][test(step)]
        if len(wrong):
            where = f"{_rows(wrong)}"
            hint = "one row per month, in order, none left out"
            if run.spin_up_months == 0 and wrong[0] == months.index[YEAR : YEAR + 1].min():
                hint += f"; give --spin-up-months {YEAR} if the first year is the equilibrium"
            findings.append(Finding("calendar", Severity.ERROR, where, message, hint))
    return findings
