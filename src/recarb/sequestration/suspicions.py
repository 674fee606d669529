"""The suspicions a check can raise. `accept` in run.toml names them; provenance keeps the names."""

from collections.abc import Iterable
from enum import StrEnum

from recarb.core.findings import Finding, Severity


class SuspicionCode(StrEnum):
    """What looks wrong but may be how a country is; stops the run until `accept` names it."""

    DRY_COUNTRY = "dry_country"
    WET_COUNTRY = "wet_country"
    LOW_PET = "low_pet"
    TEMPERATURE_AMPLITUDE = "temperature_amplitude"
    FOREIGN_UNIT_TAG = "foreign_unit_tag"
    LOW_CLAY = "low_clay"
    CLAY_ABOVE_SOC = "clay_above_soc"
    C_EQ_ABOVE_NPP = "c_eq_above_npp"
    LIMITS_BESIDE_MAP = "limits_beside_map"
    ZERO_FILLED = "zero_filled"
    MIXED_CLIMATE = "mixed_climate"
    CLIMATE_JUMP = "climate_jump"
    UNVERIFIED_PRACTICE = "unverified_practice"
    WRONG_SEASON = "wrong_season"
    CONSTANT_COVER = "constant_cover"
    SMALL_GAIN = "small_gain"


def suspicion(code: SuspicionCode, where: str, message: str, hint: str) -> Finding:
    """A finding that stops the run unless the country accepts it."""
    return Finding(code.value, Severity.SUSPICIOUS, where, message, hint)


def unknown_accepts(accept: Iterable[str]) -> list[Finding]:
    """Names in `accept` that no check raises: a misspelt one would accept nothing."""
    known = ", ".join(code.value for code in SuspicionCode)
    return [
        Finding(
            "config",
            Severity.ERROR,
            "accept",
            f"no check raises {name!r}; what can be accepted is {known}",
            "correct or remove the name; errors cannot be accepted",
        )
        for name in accept
        if name not in {code.value for code in SuspicionCode}
    ]
