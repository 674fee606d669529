"""Levels of sustainable soil management."""

from typing import Annotated

from pydantic import Field

from recarb.core.config.fields import ByClass, Model


class Scenario(Model):
    """A level of sustainable soil management: a gain in carbon input, or an absolute input."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    gain_pct: float = Field(default=0.0, ge=-100.0)
    gain_pct_by_land_use: ByClass = {}
    gain_pct_by_zone: ByClass = {}
    c_input_tc_ha_per_yr: float | None = Field(default=None, ge=0)

    @property
    def is_plain(self) -> bool:
        """Whether it is one gain for the whole country."""
        special = self.gain_pct_by_land_use or self.gain_pct_by_zone
        return not special and self.c_input_tc_ha_per_yr is None


STANDARD_SCENARIOS = (
    Scenario(name="SSM1", gain_pct=5.0),
    Scenario(name="SSM2", gain_pct=10.0),
    Scenario(name="SSM3", gain_pct=20.0),
)


def check_names(scenarios: tuple[Scenario, ...]) -> None:
    """Raise ValueError unless every scenario has a name of its own, and none is called BAU."""
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "BAU" in names:
        raise ValueError(f"scenario names must be unique and none is BAU: {twice or ['BAU']}")
