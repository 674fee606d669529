"""Phase 3, and the futures beside the protocol's: further horizons, another climate, land use."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from recarb.core.config.fields import Model, Years

if TYPE_CHECKING:
    from recarb.core.config.run import RunConfig

MONTHS = 12
LONGEST = 500  # years ahead


def _by_month(given: Any) -> Any:
    """One number holds for all months."""
    return (given,) * MONTHS if isinstance(given, int | float) else given


Monthly = Annotated[
    tuple[float, ...], BeforeValidator(_by_month), Field(min_length=MONTHS, max_length=MONTHS)
]
MonthlyFactor = Annotated[
    tuple[Annotated[float, Field(ge=0)], ...],
    BeforeValidator(_by_month),
    Field(min_length=MONTHS, max_length=MONTHS),
]


class ClimateChange(Model):
    """Changes of the mean climate ahead: one number, or twelve from January to December."""

    temperature_k: Monthly = (0.0,) * MONTHS
    rain_factor: MonthlyFactor = (1.0,) * MONTHS
    pet_factor: MonthlyFactor | None = None
    pet_method: Literal["hargreaves"] | None = None
    ramp_years: int = Field(default=0, ge=0, le=LONGEST)  # 0: from the first year on

    @model_validator(mode="after")
    def _one_pet(self) -> Self:
        if (self.pet_factor is None) == (self.pet_method is None):
            raise ValueError(
                "a change of climate changes PET: give either pet_factor (1.0 leaves it as it is) "
                'or pet_method = "hargreaves", and not both'
            )
        return self


class Forward(Model):
    """Phase 3: the projection, on the mean climate of the warm-up (without one, the spin-up's)."""

    years: int = Field(default=20, ge=1, le=LONGEST)
    climate: str | None = None
    horizons: tuple[Annotated[int, Field(ge=1, le=LONGEST)], ...] = ()
    steady_state: bool = False
    year_by_year: bool = False
    climate_years: Years | None = None
    climate_change: ClimateChange | None = None
    inputs_follow_npp: bool = False
    land_use_after_years: int | None = Field(default=None, ge=0, le=LONGEST)

    @property
    def further(self) -> tuple[int, ...]:
        """Horizons beside `years`, ascending."""
        return tuple(sorted({*self.horizons} - {self.years}))

    @property
    def last(self) -> int:
        """The longest horizon."""
        return max(self.years, *self.horizons, 0)

    def series_years(self, t0: int) -> Years | None:
        """Years of the climate series that is followed year by year; None without one."""
        if not self.year_by_year:
            return None
        return self.climate_years or (t0 + 1, t0 + self.last)


def check_forward(config: "RunConfig") -> None:
    """Raise ValueError where keys of [forward] do not go together."""
    ahead = config.forward
    land_use_changes = config.inputs.land_use_forward is not None
    if ahead.year_by_year:
        _check_series(config)
    elif ahead.climate_years is not None:
        raise ValueError("forward.climate_years is for a series: set forward.year_by_year = true")
    if ahead.inputs_follow_npp and not (ahead.year_by_year or ahead.climate_change):
        raise ValueError(
            "forward.inputs_follow_npp needs a climate that changes: year_by_year = true, or "
            "climate_change"
        )
    if ahead.land_use_after_years is not None and not land_use_changes:
        raise ValueError("forward.land_use_after_years needs a map: give inputs.land_use_forward")
    ramp = ahead.climate_change is not None and ahead.climate_change.ramp_years > 0
    if ahead.steady_state and (ahead.year_by_year or ramp or land_use_changes):
        raise ValueError(
            "forward.steady_state asks where the soil ends if all years ahead are the same; it "
            "does not go with year_by_year, ramp_years or inputs.land_use_forward"
        )


def _check_series(config: "RunConfig") -> None:
    ahead = config.forward
    if ahead.climate is None or config.climate[ahead.climate].climatology:
        raise ValueError(
            "forward.year_by_year needs a series: name in forward.climate a climate that is not "
            "a climatology"
        )
    if ahead.climate_change is not None:
        raise ValueError(
            "forward.climate_change changes a mean climate, year_by_year follows a series: remove "
            "one of them"
        )
    if ahead.inputs_follow_npp and config.warm_up is None:
        raise ValueError(
            "forward.inputs_follow_npp compares NPP year by year with that of the warm-up: give "
            "[warm_up], or leave inputs_follow_npp"
        )
