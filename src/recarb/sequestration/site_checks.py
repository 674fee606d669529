"""What the run of one soil needs, and all that can be wrong with it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recarb.core.config import Suspicion
from recarb.core.findings import Finding, Severity
from recarb.core.quantities import catalogue
from recarb.io.tables import EXAMPLES, at_lines
from recarb.rothc import equilibrium, kernels
from recarb.rothc.parameters import DEFAULT, STANDARD, Parameters
from recarb.rothc.rates import Limits
from recarb.rothc.weather import Soils

Floats = NDArray[np.float64]

PERCENT = 100.0
YEAR = kernels.YEAR
LOWEST_EVAPORATION_MM = -50.0  # below: a code for missing; the official example goes to -20.7
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
    parameters : RothC's numbers and variant, see `variants.model_parameters`
    silt_pct, bulk_density_g_cm3, organic_carbon_pct : [%], [g cm-3], [%] for the water limits by
        van Genuchten; without organic carbon, that of `soc_tc_ha`
    paddy : whether it is a rice field
    flooded_months : (1-12), under water, for the seasonal paddy scheme
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
    silt_pct: float | None = None
    bulk_density_g_cm3: float | None = None
    organic_carbon_pct: float | None = None
    paddy: bool = False
    flooded_months: tuple[int, ...] = ()


def check_site(run: SiteRun, gaps_are_known: bool = False) -> list[Finding]:
    """List all that is wrong with the options and the table.

    `gaps_are_known` says that the reading has already told of the cells that are NaN.
    """
    return [
        *_check_soil(run),
        *_check_texture(run),
        *_check_paddy(run),
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
    if _check_soil(run) or _check_texture(run):
        return -math.inf
    return limits_of_site(run).deepest_mm


def limits_of_site(run: SiteRun) -> Limits:
    """Limits of the moisture deficit of a soil whose clay, depth and texture have been checked."""

    def one(value: float | None) -> Floats:
        return np.full((1, 1), math.nan if value is None else value)

    soils = Soils(
        *(one(run.clay_pct), one(0.0), one(1.0), one(0.0)),
        silt_pct=one(run.silt_pct),
        bulk_density_g_cm3=one(run.bulk_density_g_cm3),
        organic_carbon_pct=one(_organic_carbon_pct(run)),
    )
    return kernels.limits_of_soil(soils, float(run.depth_cm or 0.0), run.parameters)


def _organic_carbon_pct(run: SiteRun) -> float | None:
    """As given, or that of the stock: t ha-1 / (g cm-3 cm) is percent."""
    stock, density, depth = run.soc_tc_ha, run.bulk_density_g_cm3, run.depth_cm
    if run.organic_carbon_pct is None and stock and density and depth:
        return stock / (density * depth)
    return run.organic_carbon_pct


def _check_texture(run: SiteRun) -> list[Finding]:
    """What the water limits by van Genuchten need."""
    if run.parameters.variant.moisture == STANDARD:
        return []
    values = {
        "silt": ("--silt-pct", run.silt_pct),
        "bulk_density": ("--bulk-density-g-cm3", run.bulk_density_g_cm3),
        "organic_carbon": ("--organic-carbon-pct", _organic_carbon_pct(run)),
    }
    findings = []
    for key, (option, value) in values.items():
        quantity = catalogue()[key]
        if not _within(value, quantity.low, quantity.high):
            message = (
                f"expected the {quantity.long_name.split(',')[0]} within {quantity.low:g} to "
                f"{quantity.high:g} {quantity.unit}, found {value}"
            )
            hint = "the water limits by van Genuchten need it"
            findings.append(_option(option, message, hint))
    if not (findings or _check_soil(run) or math.isfinite(limits_of_site(run).deepest_mm)):
        message = "the retention curve of this soil has no water limits"
        hint = "clay, silt and organic carbon must be above 0 and within what soils hold"
        findings.append(_option("--silt-pct, --bulk-density-g-cm3", message, hint))
    return findings


def _check_paddy(run: SiteRun) -> list[Finding]:
    seasonal = run.paddy and run.parameters.variant.seasonal_paddy
    if not set(run.flooded_months) <= set(range(1, YEAR + 1)):
        message = f"expected months 1 to 12, found {run.flooded_months}"
        return [_option("--flooded-months", message, "for example 6,7,8,9")]
    if seasonal != bool(run.flooded_months):
        message = "--paddy seasonal and the months under water belong together, found one of them"
        return [_option("--flooded-months", message, "for example 6,7,8,9")]
    return []


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
