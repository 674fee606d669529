"""Other models beside RothC, on the same cells."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from recarb.core.config.fields import Model

if TYPE_CHECKING:
    from recarb.core.config.run import RunConfig

ModelName = Literal["icbm", "ipcc-tier2"]
TIER2: ModelName = "ipcc-tier2"
DEPTH_CM = 30.0  # of the maps of an ensemble


class Ensemble(Model):
    """Models that run beside RothC; none by default. Percents are of the input's dry matter."""

    models: tuple[ModelName, ...] = ()
    tillage: Literal["range", "full", "reduced", "none", "unknown"] = "range"
    lignin_pct: float = Field(default=7.3, ge=0, lt=100)  # all crops, IPCC 2019 table 5.5B
    nitrogen_pct: float = Field(default=0.83, gt=0, lt=100)  # all crops, IPCC 2019 table 5.5B

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[ModelName, ...]) -> tuple[ModelName, ...]:
        if len(set(models)) < len(models):
            raise ValueError(f"expected every model once, came {', '.join(models)}")
        return models


def check_ensemble(config: "RunConfig") -> None:
    """Raise ValueError where the run lacks what a model of the ensemble needs."""
    models, inputs, depth_cm = config.ensemble.models, config.inputs, config.model.depth_cm
    if not models:
        return
    if TIER2 in models and inputs.sand is None:
        raise ValueError(
            f"ensemble.models has {TIER2}, which needs the sand content of the soil: give "
            f"inputs.sand, or take {TIER2} out"
        )
    if depth_cm != DEPTH_CM:
        raise ValueError(
            f"the models of [ensemble] are for 0-{DEPTH_CM:g} cm, but model.depth_cm is "
            f"{depth_cm:g}: set it to {DEPTH_CM:g}, or remove [ensemble]"
        )
    if "icbm" in models and config.model.variant.by_retention:
        raise ValueError(
            "the site that icbm was fitted to has no retention curve to compare with: remove "
            "model.variant.moisture, or icbm from ensemble.models"
        )
    if by_practice := [scenario.name for scenario in config.scenarios if scenario.practices]:
        raise ValueError(
            "the models of [ensemble] know inputs that are the same every year, not practices: "
            f"remove [ensemble], or the practices of scenario {by_practice[0]}"
        )
    ahead = config.forward
    if ahead.year_by_year or ahead.climate_change or inputs.land_use_forward is not None:
        raise ValueError(
            "the models of [ensemble] go ahead on one mean climate and land use: remove "
            "[ensemble], or forward.year_by_year, forward.climate_change and "
            "inputs.land_use_forward"
        )
