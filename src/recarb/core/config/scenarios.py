"""Levels of sustainable soil management, and the practices that reach them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from recarb.core.config.fields import ByClass, Model

SPLIT_TOLERANCE = 1e-9
OWN = "own"  # a practice that is not of the library
RESERVED = {"bau", "eq"}  # in the names of other maps: finalSOC_BAU, C_eq

Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _years(steps: Any) -> Any:
    """TOML knows keys as text only."""
    if not isinstance(steps, dict):
        return steps
    if wrong := [key for key in steps if not str(key).isdigit()]:
        raise ValueError(f"expected years, like 2030 = 0.5, came {wrong[0]!r}")
    return {int(year): share for year, share in steps.items()}


class AdoptedPractice(Model):
    """A practice of the library or one's own: where, how much, from when."""

    practice: str = OWN
    land_use: tuple[int, ...] = ()
    zone: tuple[int, ...] = ()
    unit: tuple[str, ...] = ()  # names of administrative units (boundary.unit_field)
    adoption: Annotated[Share | dict[int, Share], BeforeValidator(_years)] = 1.0
    adoption_linear: bool = False  # between the years of `adoption` instead of steps
    level: Literal["low", "typical", "high"] = "typical"
    amount_tc_ha_per_yr: float | None = Field(default=None, ge=0)
    gain_pct: float | None = Field(default=None, ge=0)
    fresh_t_ha_per_yr: float | None = Field(default=None, ge=0)
    dpm_rpm: float | None = Field(default=None, gt=0)
    split: tuple[Share, Share, Share] | None = None
    ramp_years: int | None = Field(default=None, ge=1)
    cover_months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        given = ("amount_tc_ha_per_yr", "gain_pct", "fresh_t_ha_per_yr")
        amounts = [key for key in given if getattr(self, key) is not None]
        if len(amounts) > 1:
            raise ValueError(f"give one of {' and '.join(amounts)}, not both")
        if amounts and self.level != "typical":
            raise ValueError(f"level chooses a number of the library; {amounts[0]} gives another")
        if self.practice == OWN and not {*amounts} & {"amount_tc_ha_per_yr", "gain_pct"}:
            raise ValueError(
                "name a `practice` of the library (recarb practices), or give your own "
                "amount_tc_ha_per_yr or gain_pct"
            )
        if self.split is not None and self.dpm_rpm is not None:
            raise ValueError("give `dpm_rpm` or `split`, not both")
        if self.split is not None and abs(sum(self.split) - 1.0) > SPLIT_TOLERANCE:
            raise ValueError(
                f"split: expected shares of DPM, RPM and HUM that sum to 1, came {self.split}"
            )
        return self

    @model_validator(mode="after")
    def _adoption_is_sound(self) -> Self:
        if not isinstance(self.adoption, dict):
            if self.adoption_linear:
                raise ValueError("adoption_linear needs years: adoption = { 2025 = 0.1, ... }")
            return self
        if not self.adoption:
            raise ValueError("adoption: expected years, like { 2025 = 0.1, 2030 = 0.5 }")
        steps = sorted(self.adoption.items())
        falls = [later for (_, share), (later, less) in pairwise(steps) if less < share]
        if falls:
            raise ValueError(
                f"adoption falls in {falls[0]}; which hectares leave, old or new, is not known: "
                "expected a share that never falls"
            )
        return self


class Scenario(Model):
    """A level of sustainable soil management: a gain, an amount, or a list of practices."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    gain_pct: float = Field(default=0.0, ge=-100.0)
    gain_pct_by_land_use: ByClass = {}
    gain_pct_by_zone: ByClass = {}
    c_input_tc_ha_per_yr: float | None = Field(default=None, ge=0)
    practices: tuple[AdoptedPractice, ...] = ()
    cap_at_npp: bool = True  # of scenarios by practice

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = ("gain_pct", "gain_pct_by_land_use", "gain_pct_by_zone", "c_input_tc_ha_per_yr")
        given = [key for key in ways if getattr(self, key) not in (None, 0.0, {})]
        if self.practices and given:
            raise ValueError(
                f"a scenario has practices or {given[0]}, not both: write the gain as one of the "
                "practices, { gain_pct = ... }"
            )
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it is one gain for the whole country."""
        special = self.gain_pct_by_land_use or self.gain_pct_by_zone or self.practices
        return not special and self.c_input_tc_ha_per_yr is None

    @property
    def gains_pct(self) -> tuple[float, ...]:
        """Every gain it names, wherever it holds [%]."""
        by_place = (*self.gain_pct_by_land_use.values(), *self.gain_pct_by_zone.values())
        of_practices = (one.gain_pct for one in self.practices if one.gain_pct is not None)
        return (self.gain_pct, *by_place, *of_practices)

    @property
    def zones(self) -> set[int]:
        """The zones it names."""
        return {*self.gain_pct_by_zone, *(zone for one in self.practices for zone in one.zone)}


STANDARD_SCENARIOS = (
    Scenario(name="SSM1", gain_pct=5.0),
    Scenario(name="SSM2", gain_pct=10.0),
    Scenario(name="SSM3", gain_pct=20.0),
)


def check_names(what: str, names: Sequence[str]) -> None:
    """Raise ValueError unless every scenario or target has a name of its own.

    Names of files differ by more than their case: some systems do not tell `ssm1` from `SSM1`.
    """
    low = [name.lower() for name in names]
    if wrong := [n for n in names if low.count(n.lower()) > 1 or n.lower() in RESERVED]:
        raise ValueError(
            f"{what} names must be unique, whatever their case, and none is BAU or eq: "
            f"{', '.join(wrong)}"
        )


def check_places(scenarios: Sequence[Scenario], has_zones: bool, has_units: bool) -> None:
    """Raise ValueError where a scenario differs by zone or unit and there is no map of them."""
    for scenario in scenarios:
        if scenario.zones and not has_zones:
            raise ValueError(
                f"scenario {scenario.name} has gains by zone or practices in zones, but there is "
                "no map of zones: give inputs.zones, or remove gain_pct_by_zone or `zone`"
            )
        if any(one.unit for one in scenario.practices) and not has_units:
            raise ValueError(
                f"scenario {scenario.name} has practices by administrative unit, but no unit has "
                "a name: give boundary.unit_field, or remove `unit`"
            )


def check_years(scenarios: Sequence[Scenario], first: int, years: int) -> None:
    """Raise ValueError where adoption names a year outside the forward phase."""
    for scenario in scenarios:
        for one in scenario.practices:
            named = one.adoption if isinstance(one.adoption, dict) else {}
            for year in named:
                if not first <= year < first + years:
                    raise ValueError(
                        f"scenario {scenario.name}: adoption of {one.practice} names {year}; the "
                        f"forward phase goes from {first} to {first + years - 1}"
                    )


def check_steady(scenarios: Sequence[Scenario], steady_state: bool) -> None:
    """Raise ValueError where the steady state of a scenario by practice is asked for."""
    found = [scenario.name for scenario in scenarios if scenario.practices]
    if steady_state and found:
        raise ValueError(
            f"forward.steady_state asks where the soil ends if all years ahead are the same; "
            f"scenario {found[0]} has practices, whose years differ: remove one of them"
        )
