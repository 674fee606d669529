"""What a practice of run.toml means in numbers: how much of what quality, where, and when."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import AdoptedPractice, RunConfig
from recarb.core.config.scenarios import OWN
from recarb.core.errors import ConfigError
from recarb.core.findings import Finding, Severity
from recarb.sequestration.practices.crops import PERCENT, amendment_carbon
from recarb.sequestration.practices.library import Practice, practice
from recarb.sequestration.suspicions import SuspicionCode, suspicion

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One practice of a scenario, resolved.

    Attributes
    ----------
    value : t C ha-1 yr-1, or part of the input of BAU [-] where `relative`
    entry : shares entering DPM, RPM, HUM [-]; None: those of the land use
    land_use : classes; () all that are modelled
    zone, unit : numbers of zones and names of units; () everywhere
    adopting : share of the area [-] that adopts in each forward year, (years,)
    grown : part of the full effect [-] in the first, second, ... year of a hectare, (years,)
    cover_months : months (1 to 12) in which it keeps the soil covered
    unverified : which of its numbers rest on general knowledge alone
    """

    name: str
    relative: bool
    value: float
    entry: tuple[float, float, float] | None
    land_use: tuple[int, ...]
    zone: tuple[int, ...]
    unit: tuple[str, ...]
    adopting: Floats
    grown: Floats
    cover_months: tuple[int, ...] = ()
    unverified: tuple[str, ...] = ()

    @property
    def adopted(self) -> Floats:
        """Share of the area, times the effect it has reached [-], by forward year, (years,)."""
        return np.convolve(self.adopting, self.grown)[: self.adopting.size]


def measures_of(config: RunConfig) -> dict[str, tuple[Measure, ...]]:
    """The practices of every scenario that has some, by its name.

    Raises
    ------
    ConfigError
        A practice is not in the library, has no number, or does not fit the land use.
    """
    found = {}
    for scenario in config.scenarios:
        where = f"scenario {scenario.name}"
        if scenario.practices:
            found[scenario.name] = tuple(resolve(p, config, where) for p in scenario.practices)
            covering = [one.name for one in found[scenario.name] if one.cover_months]
            if len(covering) > 1:
                raise ConfigError(
                    f"{where}: {' and '.join(covering)} both change the cover; how much of the "
                    "land has both is not known: give cover_months to one of them, or write two "
                    "scenarios"
                )
    return found


def resolve(one: AdoptedPractice, config: RunConfig, where: str) -> Measure:
    """The numbers of one practice: those of run.toml, else those of the library."""
    row = None if one.practice == OWN else practice(one.practice)
    relative, value, checked = _amount(one, row, where)
    entry = _entry(one, row)
    own_quality = one.dpm_rpm is not None or one.split is not None
    doubts = [] if checked else ["amount"]
    if row is not None and not own_quality and row.quality_status == "unverified":
        doubts.append("quality")
    ramp = one.ramp_years or (row.ramp_years if row else 1)
    return Measure(
        name=one.practice,
        relative=relative,
        value=value,
        entry=entry,
        land_use=_land_use(one, row, where),
        zone=one.zone,
        unit=one.unit,
        adopting=adopting_share(one, config.t0_year + 1, config.forward.last),
        grown=np.minimum(np.arange(1, config.forward.last + 1) / ramp, 1.0),
        cover_months=one.cover_months,
        unverified=tuple(doubts),
    )


def _amount(one: AdoptedPractice, row: Practice | None, where: str) -> tuple[bool, float, bool]:
    """Whether it is relative, the number, and whether its source was read (or it is the user's)."""
    if row is not None and row.effect == "none":
        raise ConfigError(f"{where}: {row.name} brings no carbon input: {row.advice}")
    if one.amount_tc_ha_per_yr is not None:
        return False, one.amount_tc_ha_per_yr, True
    if one.gain_pct is not None:
        return True, one.gain_pct / PERCENT, True
    assert row is not None  # noqa: S101 - an own practice has a number of its own
    if one.fresh_t_ha_per_yr is not None:
        if row.dry_matter_pct is None or row.carbon_pct is None:
            raise ConfigError(f"{where}: fresh_t_ha_per_yr is of amendments; {row.name} is none")
        amount = amendment_carbon(one.fresh_t_ha_per_yr, row.dry_matter_pct, row.carbon_pct)
        return False, amount, row.status == "sourced"
    value = {"low": row.low, "typical": row.value, "high": row.high}[one.level]
    if value is None:
        raise ConfigError(
            f"{where}: the library has no {one.level} number of {row.name}: give "
            f"amount_tc_ha_per_yr or gain_pct. {row.advice}"
        )
    relative = row.effect == "gain"
    return relative, value / PERCENT if relative else value, row.status == "sourced"


def _entry(one: AdoptedPractice, row: Practice | None) -> tuple[float, float, float] | None:
    """Shares entering DPM, RPM, HUM: of run.toml, else of the library, else of the land use."""
    for ratio, split in (
        (one.dpm_rpm, one.split),
        (row.dpm_rpm, row.split) if row else (None, None),
    ):
        if split is not None:
            return split
        if ratio is not None:
            return ratio / (1.0 + ratio), 1.0 / (1.0 + ratio), 0.0
    return None


def _land_use(one: AdoptedPractice, row: Practice | None, where: str) -> tuple[int, ...]:
    if row is None:
        return one.land_use
    if wrong := sorted(set(one.land_use) - set(row.land_use)):
        raise ConfigError(
            f"{where}: {row.name} is a practice of land use {', '.join(map(str, row.land_use))}; "
            f"came {wrong[0]}. Correct land_use, or write a practice of your own with "
            "amount_tc_ha_per_yr or gain_pct"
        )
    return one.land_use or row.land_use


def adopting_share(one: AdoptedPractice, first: int, years: int) -> Floats:
    """Share of the area that adopts in each forward year [-], (years,).

    A share of `adoption` holds from its year until the next, or grows linearly between them.

    >>> adopting_share(AdoptedPractice(gain_pct=5.0, adoption={2022: 0.25, 2024: 0.5}), 2021, 4)
    array([0.  , 0.25, 0.  , 0.25])
    """
    if not isinstance(one.adoption, dict):
        return np.concatenate([[one.adoption], np.zeros(years - 1)])
    named = sorted(one.adoption)
    shares = [one.adoption[year] for year in named]
    year = np.arange(first, first + years)
    if one.adoption_linear:
        adopted = np.interp(year, named, shares, left=0.0)
    else:
        adopted = np.array([0.0, *shares])[np.searchsorted(named, year, side="right")]
    return np.diff(adopted, prepend=0.0)


def check_units(config: RunConfig, names: tuple[str, ...]) -> None:
    """Refuse names of administrative units that the boundary does not have."""
    for scenario in config.scenarios:
        for one in scenario.practices:
            if wrong := [name for name in one.unit if name not in names]:
                raise ConfigError(
                    f"scenario {scenario.name}: {one.practice} names the unit {wrong[0]!r}; the "
                    f"boundary has {', '.join(names)}"
                )


def practice_findings(config: RunConfig) -> Iterator[Finding]:
    """Numbers of the library that nobody has confirmed, and what a practice does not say.

    Raises
    ------
    ConfigError
        As `measures_of`.
    """
    for scenario, measures in measures_of(config).items():
        for one in measures:
            if one.unverified:
                yield suspicion(
                    SuspicionCode.UNVERIFIED_PRACTICE,
                    f"scenario {scenario}",
                    f"the {' and the '.join(one.unverified)} of {one.name} in the library rests on "
                    "general knowledge; its source was not read",
                    "give your own number (amount_tc_ha_per_yr, gain_pct, dpm_rpm, split), use "
                    "the GSOCseq levels, or accept it",
                )
            row = None if one.name == OWN else practice(one.name)
            if row is not None and row.cover and not one.cover_months:
                yield Finding(
                    "practice_cover",
                    Severity.NOTE,
                    f"scenario {scenario}",
                    f"{one.name} keeps the soil covered ({row.cover}); the scenario changes the "
                    "carbon input and its quality, and leaves the cover of BAU",
                    "give cover_months: a covered soil decomposes more slowly",
                )
