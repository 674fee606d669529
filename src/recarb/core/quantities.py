"""The catalogue of quantities: canonical unit, limits and name of every input."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

CODE = "code"  # unit of a layer whose values are classes


@dataclass(frozen=True)
class Quantity:
    """What a layer measures: its canonical unit and the limits of the possible in that unit."""

    key: str
    long_name: str
    unit: str
    source: str
    substance: str | None = None
    low: float = float("-inf")
    high: float = float("inf")

    @property
    def is_code(self) -> bool:
        """Whether the values are classes, which have no unit and are never interpolated."""
        return self.unit == CODE


@cache
def catalogue() -> dict[str, Quantity]:
    """All quantities by key.

    >>> catalogue()["rain"].unit
    'mm month-1'
    """
    text = (files("recarb.core") / "quantities.toml").read_text(encoding="utf-8")
    return {key: Quantity(key=key, **row) for key, row in tomllib.loads(text).items()}
