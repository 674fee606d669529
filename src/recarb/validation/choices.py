"""What may be fitted: the numbers of RothC by name, and three factors; and how they enter a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from recarb.core.errors import ConfigError
from recarb.rothc.parameters import DEFAULT, Parameters
from recarb.sequestration.site import SiteRun

RATE, PLANT, MANURE = "rate_factor", "c_input_factor", "fym_factor"
FACTORS = {
    RATE: "all decomposition rates times this",
    PLANT: "plant carbon of every month times this",
    MANURE: "manure of every month times this",
}
DECOMPOSITION = ("k_dpm_per_yr", "k_rpm_per_yr", "k_bio_per_yr", "k_hum_per_yr")
FIXED = ("months_per_year",)  # not a number of nature


class Choice(NamedTuple):
    """One number to be fitted, and between which bounds."""

    name: str
    low: float
    high: float

    @property
    def published(self) -> float:
        """Its value without a fit: the published number, or 1 for a factor."""
        return 1.0 if self.name in FACTORS else float(getattr(DEFAULT, self.name))


def parse_choice(text: str) -> Choice:
    """`NAME=LOW:HIGH` of the command line.

    >>> parse_choice("k_hum_per_yr=0.01:0.04")
    Choice(name='k_hum_per_yr', low=0.01, high=0.04)

    Raises
    ------
    ConfigError
        No such name, no such form, or bounds that do not hold the published number.
    """
    name, _, bounds = text.partition("=")
    known = [*FACTORS, *(key for key in Parameters._fields if key not in FIXED)]
    if name not in known:
        raise ConfigError(f"--fit: no number '{name}'; there is {', '.join(known)}")
    try:
        low, high = (float(part) for part in bounds.split(":"))
    except ValueError as error:
        raise ConfigError(
            f"--fit: expected NAME=LOW:HIGH, like k_hum_per_yr=0.01:0.04, found '{text}'"
        ) from error
    choice = Choice(name, low, high)
    if not low < choice.published < high:
        raise ConfigError(
            f"--fit {name}: expected bounds on both sides of {choice.published:g}, where the fit "
            f"starts, found {low:g} to {high:g}; widen them"
        )
    return choice


def check_choices(choices: Sequence[Choice]) -> None:
    """Refuse the same number twice, and no number at all."""
    names = [choice.name for choice in choices]
    if not names:
        raise ConfigError("--fit: expected at least one NAME=LOW:HIGH, found none")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"--fit: expected each number once, found twice: {', '.join(twice)}")
    rates = sorted(set(names) & set(DECOMPOSITION))
    if RATE in names and rates:
        raise ConfigError(
            f"--fit: {RATE} holds {', '.join(rates)} already; fit the one or the other"
        )


def parameters_with(values: Mapping[str, float], base: Parameters = DEFAULT) -> Parameters:
    """RothC's numbers with the fitted ones in place."""
    changed = {name: value for name, value in values.items() if name not in FACTORS}
    if RATE in values:
        changed |= {name: getattr(base, name) * values[RATE] for name in DECOMPOSITION}
    return base._replace(**changed)


def run_with(run: SiteRun, values: Mapping[str, float]) -> SiteRun:
    """The same soil with fitted numbers: parameters replaced, inputs multiplied."""
    months = run.months.copy()
    months["carbon_input_tc_ha"] *= values.get(PLANT, 1.0)
    months["fym_tc_ha"] *= values.get(MANURE, 1.0)
    return replace(run, months=months, parameters=parameters_with(values, run.parameters))
