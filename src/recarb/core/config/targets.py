"""Targets: how much more carbon input a stated gain of the soil would need."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from recarb.core.config.fields import Model

KINDS = ("rsr_tc_ha_per_yr", "asr_tc_ha_per_yr", "rel_diff_tc_ha", "abs_diff_tc_ha")


class Target(Model):
    """A gain of the stock: against BAU (rsr, rel_diff) or today (asr, abs_diff); one of them."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    rsr_tc_ha_per_yr: float | None = None
    asr_tc_ha_per_yr: float | None = None
    rel_diff_tc_ha: float | None = None
    abs_diff_tc_ha: float | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}; came {given or 'none'}")
        return self

    @property
    def against_today(self) -> bool:
        """Whether the stock at t0 is the measure, instead of BAU's at the end."""
        return self.asr_tc_ha_per_yr is not None or self.abs_diff_tc_ha is not None

    def stock_tc_ha(self, years: int) -> float:
        """The gain in stock after `years` [t C ha-1]."""
        rate = self.rsr_tc_ha_per_yr if self.asr_tc_ha_per_yr is None else self.asr_tc_ha_per_yr
        if rate is not None:
            return rate * years
        stock = self.rel_diff_tc_ha if self.abs_diff_tc_ha is None else self.abs_diff_tc_ha
        assert stock is not None  # noqa: S101 - one is given
        return stock
