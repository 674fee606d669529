"""Carbon that crops, their residues and amendments bring to the soil.

Two published methods, whose numbers lie in ``crops.toml``: shares of the annual plant carbon
(Bolinder et al. 2007), and the regression of residues on the yield (IPCC 2019). All yields are dry
matter.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

from recarb.core.errors import ConfigError

Row = TypeVar("Row")

PERCENT = 100.0

# of a cover crop, SoilManageR 1.0 after Seitz et al. 2022
SHORT_DAYS, LONG_DAYS = 180.0, 240.0  # between them the carbon above ground grows [days]
SHORT_C_TC_HA, LONG_C_TC_HA = 1.253, 1.916  # above ground [t C ha-1]
SHOOT_TO_ROOT = 3.67  # [-]
EXUDATES_TO_ROOT = 0.31  # [-]


@dataclass(frozen=True)
class Allocation:
    """Shares of the annual plant carbon of a crop [-], and the share of straw left by default."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    crop: str
    product: float
    straw: float
    root: float
    exudates: float
    straw_kept: float


@dataclass(frozen=True)
class Residues:
    """Regression of residues on the yield [t dry matter ha-1]; root : shoot ratio [-]."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    crop: str
    slope: float
    intercept: float
    root_shoot: float | None = None


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("crops.toml").read_text(encoding="utf-8"))


@cache
def allocations() -> Mapping[str, Allocation]:
    """Return the allocation by crop.

    >>> allocations()["wheat"].product
    0.322
    """
    rows = TypeAdapter(list[Allocation]).validate_python(_tables()["allocation"]["crops"])
    return MappingProxyType({row.crop: row for row in rows})


@cache
def residues() -> Mapping[str, Residues]:
    """Return the residue regression by crop.

    >>> residues()["wheat"].slope
    1.51
    """
    rows = TypeAdapter(list[Residues]).validate_python(_tables()["residues"]["crops"])
    return MappingProxyType({row.crop: row for row in rows})


def sources() -> dict[str, str]:
    """Where the two tables come from."""
    return {name: str(_tables()[name]["source"]) for name in ("allocation", "residues")}


def crop_input(crop: str, yield_tdm_ha: float, straw_kept: float | None = None) -> float:
    """Carbon that a crop leaves in the soil in a year [t C ha-1].

    C = Y_C / RP (RS SS + RR + RE): straw kept, roots and exudates from the carbon of the product.

    Parameters
    ----------
    yield_tdm_ha : yield of the product [t dry matter ha-1]
    straw_kept : share SS of the straw that stays [0-1]; default: the crop's row

    Source: Bolinder et al. 2007 [BO07], numbers of SoilManageR [H24].

    >>> round(crop_input("wheat", 5.0), 2)
    1.87
    """
    row = _row(allocations(), crop)
    kept = row.straw_kept if straw_kept is None else straw_kept
    _check_yield(yield_tdm_ha)
    _check_share("straw_kept", kept)
    plant = yield_tdm_ha * float(_tables()["allocation"]["carbon_of_dry_matter"]) / row.product
    return plant * (row.straw * kept + row.root + row.exudates)


def residue_carbon(crop: str, yield_tdm_ha: float) -> float:
    """Carbon of the residues above ground [t C ha-1]: 0.42 (slope x yield + intercept).

    Source: IPCC 2019 [IPCC19], table 11.2.

    >>> round(residue_carbon("wheat", 5.0 * 0.89), 2)
    3.04
    """
    _check_yield(yield_tdm_ha)
    return float(_tables()["residues"]["carbon_of_dry_matter"]) * _residue_dry(crop, yield_tdm_ha)


def root_carbon(crop: str, yield_tdm_ha: float) -> float:
    """Carbon of the roots [t C ha-1]: 0.42 (residues + yield) x root : shoot.

    Source: IPCC 2019 [IPCC19], table 11.2.

    >>> round(root_carbon("wheat", 5.0 * 0.89), 2)
    1.25
    """
    _check_yield(yield_tdm_ha)
    ratio = _row(residues(), crop).root_shoot
    if ratio is None:
        raise ConfigError(f"the table of residues has no root : shoot ratio of {crop}")
    shoot = _residue_dry(crop, yield_tdm_ha) + yield_tdm_ha
    return float(_tables()["residues"]["carbon_of_dry_matter"]) * shoot * ratio


def cover_crop_input(days: float) -> float:
    """Carbon of a cover crop that stood for so many days, roots and exudates counted [t C ha-1].

    Source: SoilManageR 1.0 [H24] after Seitz et al. 2022 [SE22]; too much for a few weeks.

    >>> round(cover_crop_input(200.0), 2)
    2.0
    """
    grown = min(max((days - SHORT_DAYS) / (LONG_DAYS - SHORT_DAYS), 0.0), 1.0)
    above = SHORT_C_TC_HA + grown * (LONG_C_TC_HA - SHORT_C_TC_HA)
    return above + above / SHOOT_TO_ROOT * (1.0 + EXUDATES_TO_ROOT)


def amendment_carbon(fresh_t_ha: float, dry_matter_pct: float, carbon_pct: float) -> float:
    """Carbon of an amendment [t C ha-1] from its fresh weight [t ha-1], dry matter and carbon [%].

    >>> round(amendment_carbon(10.0, 21.0, 42.8), 2)
    0.9
    """
    return fresh_t_ha * dry_matter_pct / PERCENT * carbon_pct / PERCENT


def _residue_dry(crop: str, yield_tdm_ha: float) -> float:
    row = _row(residues(), crop)
    return row.slope * yield_tdm_ha + row.intercept


def _row(rows: Mapping[str, Row], crop: str) -> Row:
    if crop not in rows:
        raise ConfigError(f"no numbers of the crop {crop!r}; there are {', '.join(rows)}")
    return rows[crop]


def _check_yield(yield_tdm_ha: float) -> None:
    if not yield_tdm_ha >= 0.0:
        raise ConfigError(f"expected a yield of 0 or more t dry matter ha-1, came {yield_tdm_ha:g}")


def _check_share(what: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ConfigError(f"{what}: expected a share from 0 to 1, came {value:g}")
