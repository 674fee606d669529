"""What a run knows of RothC: its numbers, its variant, and what the variant needs of a soil."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import Variant
from recarb.core.errors import ConfigError
from recarb.rothc import parameters
from recarb.rothc.parameters import Parameters
from recarb.rothc.rates import maximum_deficit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

YEAR = 12
PERCENT = 100.0
BELOW_ZERO = {"temp_min_c"}  # parameters of RothC that may be negative
PARTS = {  # ... and those between 0 and 1
    *("bio_fraction", "hum_fraction", "fym_dpm", "fym_rpm", "fym_hum", "cover_reduction"),
    *("cover_threshold", "one_bar_fraction", "bare_fraction", "moist_min", "paddy_factor"),
    *("paddy_flooded", "paddy_drained", "van_genuchten_bare"),
}
MOISTURE = {
    "standard": parameters.STANDARD,
    "van_genuchten": parameters.VAN_GENUCHTEN,
    "van_genuchten_15_bar": parameters.VAN_GENUCHTEN_15_BAR,
}
BARE_TO_15_BAR: dict[str, Any] = {"bare_fraction": 1.0, "van_genuchten_bare": 0.0}
TEXTURE = ("silt", "bulk_density", "organic_carbon")


def model_parameters(
    changes: Mapping[str, float], variant: Variant, where: str = "model.rothc"
) -> Parameters:
    """RothC's parameters with `changes` by name, in the form that `variant` asks for.

    Raises
    ------
    ConfigError
        No such parameter, or a value that cannot be; `where` names the place in the message.
    """
    names = [name for name in Parameters._fields if name != "variant"]
    unknown = sorted(set(changes) - set(names))
    if unknown:
        raise ConfigError(
            f"{where}: no parameter {', '.join(unknown)}; there are {', '.join(names)}"
        )
    for name, value in changes.items():
        if name not in BELOW_ZERO and value < 0.0:
            raise ConfigError(f"{where}.{name}: expected 0 or more, came {value:g}")
        if name in PARTS and value > 1.0:
            raise ConfigError(f"{where}.{name}: expected a part from 0 to 1, came {value:g}")
    numbers: dict[str, Any] = dict(changes)
    found = Parameters(**numbers)
    if found.months_per_year != YEAR:
        raise ConfigError(
            f"{where}.months_per_year: the climate is monthly, so it is {YEAR}; "
            f"came {found.months_per_year:g}"
        )
    driest = [maximum_deficit(clay, found.tsmd_depth_cm, found) for clay in (0.0, PERCENT)]
    if max(driest) >= 0.0:
        raise ConfigError(
            f"{where}: with these tsmd_ numbers the largest moisture deficit is not below zero "
            f"for every clay content from 0 to 100 % ({driest[0]:g} and {driest[1]:g} mm)"
        )
    return _in_the_form_of(found, variant, changes, where)


def _in_the_form_of(
    found: Parameters, variant: Variant, changes: Mapping[str, float], where: str
) -> Parameters:
    if variant.bare_limit != "standard":
        if twice := sorted(set(BARE_TO_15_BAR) & set(changes)):
            raise ConfigError(
                f"{where}.{twice[0]}: bare_limit = {variant.bare_limit!r} sets it too; keep one"
            )
        found = found._replace(**BARE_TO_15_BAR)
    return found._replace(
        variant=parameters.Variant(
            moisture=MOISTURE[variant.moisture],
            mixed_cover=variant.cover == "mixed",
            seasonal_paddy=variant.paddy == "seasonal",
            analytical_spin_up=variant.spin_up == "analytical",
        )
    )


def flooding(variant: Variant) -> Floats | None:
    """Part of each month that paddies are under water (12,) [-]; None without a calendar."""
    if variant.paddy == "uniform":
        return None
    flooded = np.zeros(YEAR)
    flooded[[month - 1 for month in variant.flooded_months]] = 1.0
    return flooded


def with_texture(
    maps: Mapping[str, Floats], variant: Variant, depth_cm: float
) -> dict[str, Floats]:
    """The maps with silt [%], bulk density [g cm-3] and organic carbon [%] if the variant asks.

    What is not given follows from what is: silt is what clay and sand leave, organic carbon is the
    stock / (bulk density x depth) [t ha-1 / (g cm-3 cm) is percent]. A variant that does not ask
    gets none of them, so that no gap in them excludes a cell.
    """
    others = {key: values for key, values in maps.items() if key not in TEXTURE}
    if not variant.by_retention:
        return others
    silt = maps["silt"] if "silt" in maps else PERCENT - maps["clay"] - maps["sand"]
    density = maps.get("bulk_density")
    if density is None:
        density = np.full_like(maps["clay"], variant.bulk_density_g_cm3)
    carbon = maps.get("organic_carbon")
    if carbon is None:
        carbon = maps["soc"] / (density * depth_cm)
    return others | dict(zip(TEXTURE, (silt, density, carbon), strict=True))
