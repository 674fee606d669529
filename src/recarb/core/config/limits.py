"""Uncertainty of the inputs, and limits beyond which a cell is flagged or an input suspicious."""

from typing import Literal

from pydantic import Field

from recarb.core.config.fields import Model


class Uncertainty(Model):
    """The two extra chains of manual ch. 12, and the formula of a rate's uncertainty."""

    chains: bool = True
    soc_pct: float = Field(default=20.0, ge=0, lt=100)
    clay_pct: float = Field(default=10.0, ge=0, lt=100)
    rain_pct: float = Field(default=5.0, ge=0, lt=100)
    temperature_c: float = Field(default=0.3, ge=0)
    gain_points: float = Field(default=15.0, ge=0)
    rate_formula: Literal["chains", "sum", "independent"] = "chains"
    ssm_map: str | None = None  # scenario of SSM_UncertaintyMap; default SSM2, else the last
    rate_floor_tc_ha_per_yr: float = Field(default=0.001, ge=0)


class Flags(Model):
    """Limits of the exclusion flags of manual ch. 5. Deliveries are not masked (ch. 13)."""

    soc_above_tc_ha: float = 200.0
    sand_above_pct: float = 90.0
    electrical_conductivity_above_ds_m: float = 4.0


class Suspicion(Model):
    """Limits beyond which an input is suspicious (own judgement; each has a code in `accept`)."""

    rain_below_mm_per_yr: float = 60.0
    rain_above_mm_per_yr: float = 6000.0
    pet_below_mm_per_yr: float = 120.0
    clay_below_pct: float = 4.0
    gain_below_pct: float = 1.0
    amplitude_above_c: float = 60.0
    temperature_jump_c: float = 1.5
    rain_jump_pct: float = 25.0
