"""The 13 land use classes and what the model needs to know of each.

The numbers lie in ``landuse.toml``, each with its source; a run configuration may override them.
A lookup is an array of length 14 that is indexed by class code; entry 0 is "no land use".
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from recarb.core.errors import ConfigError

CLASS_COUNT = 13
LOOKUP_LENGTH = CLASS_COUNT + 1

Cover = Literal["green", "calendar", "none"]


@dataclass(frozen=True)
class LandUseClass:
    """One of the 13 land use classes.

    Attributes
    ----------
    code : int
        Class code, 1 to 13.
    name : str
        English name.
    modelled : bool
        Whether its cells are modelled unless the configuration says otherwise.
    cover : {"green", "calendar", "none"}
        Plant cover where no layer exists: all year, in cropped months, or not modelled.
    paddy : bool
        Whether the paddy rate factor applies.
    source, status : str
        Where the values come from; what of them is own judgement.
    dpm_rpm : float or None
        Decomposable to resistant plant material of the carbon input [-]; None: never modelled.
    npp_fraction : float or None
        Share of net primary production that human appropriation leaves [-].
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    code: int
    name: str
    modelled: bool
    cover: Cover
    paddy: bool
    source: str
    status: str
    dpm_rpm: float | None = None
    npp_fraction: float | None = None


@cache
def land_use_classes() -> Mapping[int, LandUseClass]:
    """Return the land use classes by code, read once from ``landuse.toml``.

    >>> land_use_classes()[13].name
    'Paddy fields'
    """
    text = files("recarb.harmonise").joinpath("landuse.toml").read_text(encoding="utf-8")
    rows = TypeAdapter(list[LandUseClass]).validate_python(tomllib.loads(text)["classes"])
    return MappingProxyType({row.code: row for row in rows})


def _numbers(
    field: Literal["dpm_rpm", "npp_fraction"],
    overrides: Mapping[int, float] | None,
    high: float,
) -> NDArray[np.float64]:
    table = np.full(LOOKUP_LENGTH, np.nan)
    for code, row in land_use_classes().items():
        value = getattr(row, field)
        table[code] = np.nan if value is None else value
    for code, value in (overrides or {}).items():
        _check_code(code, field)
        if not (math.isfinite(value) and 0 < value <= high):
            raise ConfigError(
                f"{field} of land use class {code} must be a number above 0 and at most {high}, "
                f"not {value}. Correct it in the configuration."
            )
        table[code] = value
    return table


def _check_code(code: int, what: str) -> None:
    if code not in land_use_classes():
        raise ConfigError(
            f"{what} names land use class {code}; the classes are 1 to {CLASS_COUNT}. "
            "Correct the code in the configuration."
        )


def dpm_rpm_lookup(overrides: Mapping[int, float] | None = None) -> NDArray[np.float64]:
    """Return the DPM/RPM ratio of the carbon input by class code, (14,) [-].

    NaN where the class has none. `overrides` (code: ratio) replaces or adds values.

    >>> float(dpm_rpm_lookup({2: 1.2})[2])
    1.2
    """
    return _numbers("dpm_rpm", overrides, math.inf)


def npp_fraction_lookup(overrides: Mapping[int, float] | None = None) -> NDArray[np.float64]:
    """Return the share of NPP left by human appropriation by class code, (14,) [-].

    NaN where the class has none. `overrides` (code: share) replaces or adds values.

    >>> float(npp_fraction_lookup()[4])
    0.88
    """
    return _numbers("npp_fraction", overrides, 1.0)


def modelled_lookup(
    codes: Iterable[int] | None = None, *, dpm_rpm: NDArray[np.float64] | None = None
) -> NDArray[np.bool_]:
    """Return which classes are modelled, by class code, (14,).

    Parameters
    ----------
    codes : iterable of int, optional
        The classes to model; the defaults of ``landuse.toml`` without it.
    dpm_rpm : (14,) float64, optional
        The run's DPM/RPM lookup [-]: a class without a ratio cannot be modelled.

    >>> [int(code) for code in modelled_lookup().nonzero()[0]]
    [2, 3, 5, 12, 13]
    """
    classes = land_use_classes()
    ratios = dpm_rpm_lookup() if dpm_rpm is None else dpm_rpm
    chosen = [c.code for c in classes.values() if c.modelled] if codes is None else list(codes)
    table = np.zeros(LOOKUP_LENGTH, dtype=np.bool_)
    for code in chosen:
        _check_code(code, "the list of modelled classes")
        if np.isnan(ratios[code]):
            raise ConfigError(
                f"Land use class {code} ({classes[code].name}) is to be modelled but has no "
                "DPM/RPM ratio. Give one in the configuration or leave the class out."
            )
        table[code] = True
    return table


def calendar_lookup() -> NDArray[np.bool_]:
    """Return which classes are covered in cropped months only, by class code, (14,)."""
    return _flags(c.code for c in land_use_classes().values() if c.cover == "calendar")


def paddy_lookup() -> NDArray[np.bool_]:
    """Return which classes take the paddy rate factor, by class code, (14,)."""
    return _flags(c.code for c in land_use_classes().values() if c.paddy)


def _flags(codes: Iterable[int]) -> NDArray[np.bool_]:
    table = np.zeros(LOOKUP_LENGTH, dtype=np.bool_)
    table[list(codes)] = True
    return table
