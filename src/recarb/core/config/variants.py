"""Variants of RothC: other published forms of single equations, chosen by name."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from recarb.core.config.fields import Model

if TYPE_CHECKING:
    from recarb.core.config.run import RunConfig

LAST_MONTH = 12


class Variant(Model):
    """Which form of an equation is used; each default is RothC-26.3 as GSOCseq runs it."""

    moisture: Literal["standard", "van_genuchten", "van_genuchten_15_bar"] = "standard"
    bare_limit: Literal["standard", "15_bar"] = "standard"
    bulk_density_g_cm3: float | None = Field(default=None, gt=0.1, le=2.65)  # 2.65: quartz
    cover: Literal["threshold", "mixed"] = "threshold"
    paddy: Literal["uniform", "seasonal"] = "uniform"
    flooded_months: tuple[int, ...] = ()
    spin_up: Literal["periodic", "analytical"] = "periodic"

    @model_validator(mode="after")
    def _calendar_fits(self) -> Self:
        if not set(self.flooded_months) <= set(range(1, LAST_MONTH + 1)):
            raise ValueError(f"flooded_months: months are 1 to 12, came {self.flooded_months}")
        if (self.paddy == "seasonal") != bool(self.flooded_months):
            raise ValueError(
                'paddy = "seasonal" and flooded_months (the months under water, like '
                "[6, 7, 8, 9]) belong together; one of them is missing"
            )
        if self.bulk_density_g_cm3 is not None and not self.by_retention:
            raise ValueError(
                "bulk_density_g_cm3 is only read with a van Genuchten moisture; leave it out, or "
                'write moisture = "van_genuchten"'
            )
        return self

    def told(self) -> str:
        """What differs from RothC-26.3, for people; "" if nothing does."""
        chosen = self.model_dump(exclude_defaults=True, exclude={"flooded_months"})
        return ", ".join(f"{key} {value}" for key, value in chosen.items())

    @property
    def by_retention(self) -> bool:
        """Whether the limits of the moisture deficit come from the soil's retention curve."""
        return self.moisture != "standard"


def check_variant(config: "RunConfig") -> None:
    """Raise ValueError where the retention curve lacks what it needs of the soil beside clay."""
    variant, inputs = config.model.variant, config.inputs
    if not variant.by_retention:
        return
    missing = []
    if inputs.silt is None and inputs.sand is None:
        missing.append("inputs.silt (or inputs.sand: silt is what clay and sand leave)")
    if inputs.bulk_density is None and variant.bulk_density_g_cm3 is None:
        missing.append("inputs.bulk_density (or model.variant.bulk_density_g_cm3)")
    if missing:
        raise ValueError(
            f"model.variant.moisture = {variant.moisture!r} needs {' and '.join(missing)}"
        )
