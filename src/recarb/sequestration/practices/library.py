"""The library of practices: what each brings to the soil, where, and who says so.

The numbers lie in ``library.toml``, each with its source. What rests on general knowledge alone is
`unverified`; a run that uses such a number stops unless the country accepts it (`findings`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

from recarb.core.errors import ConfigError

Effect = Literal["amount", "gain", "own", "none"]
Status = Literal["sourced", "unverified"]

UNIT: Mapping[Effect, str] = {"amount": "t C ha-1 yr-1", "gain": "% of the input of BAU"}


@dataclass(frozen=True, kw_only=True)
class Practice:
    """One row of the library.

    Attributes
    ----------
    effect : what `value`, `low` and `high` are: an amount of carbon [t C ha-1 yr-1], a gain
        relative to BAU [%], the user's own number, or none that this model has
    land_use : classes on which the practice makes sense
    dpm_rpm, split : quality of the added carbon: DPM/RPM [-], or shares entering DPM, RPM, HUM [-];
        without either that of the land use
    ramp_years : years from adoption to the full effect
    cover : when the soil is covered, in words
    fresh_t_ha, dry_matter_pct, carbon_pct : of an amendment [t ha-1 yr-1, % , % of dry matter]
    status, quality_status : whether the amount and the quality were read in their source
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    title: str
    effect: Effect
    land_use: tuple[int, ...]
    status: Status
    source: str
    advice: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    dpm_rpm: float | None = None
    split: tuple[float, float, float] | None = None
    quality_status: Status | None = None
    ramp_years: int = 1
    cover: str = ""
    fresh_t_ha: float | None = None
    dry_matter_pct: float | None = None
    carbon_pct: float | None = None

    @property
    def unit(self) -> str:
        """Unit of `value`; "" where there is none."""
        return UNIT.get(self.effect, "")

    def quality(self) -> str:
        """Quality of the added carbon, in words."""
        if self.split is not None:
            return "DPM {:g}, RPM {:g}, HUM {:g}".format(*self.split)
        return "as the land use" if self.dpm_rpm is None else f"DPM/RPM {self.dpm_rpm:g}"


@cache
def library() -> Mapping[str, Practice]:
    """Return the practices by name, read once from ``library.toml``.

    >>> library()["farmyard-manure"].split
    (0.49, 0.49, 0.02)
    """
    text = files(__package__).joinpath("library.toml").read_text(encoding="utf-8")
    rows = TypeAdapter(list[Practice]).validate_python(tomllib.loads(text)["practices"])
    return MappingProxyType({row.name: row for row in rows})


def practice(name: str) -> Practice:
    """Return one practice.

    Raises
    ------
    ConfigError
        The library has none of this name.
    """
    if name not in library():
        raise ConfigError(
            f"there is no practice {name!r}; there are {', '.join(library())} "
            "(recarb practices shows them)"
        )
    return library()[name]
