"""Units at the door: every layer is converted once, when it is read, to its canonical unit.

The arithmetic is pint's. Here stand only the spellings that soil and climate files use, and the two
conversions that need to know more than a factor: per day to per month, and carbon to CO2.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recarb.core.errors import UnitError
from recarb.core.quantities import Quantity

Floats = NDArray[np.float64]

C_TO_CO2 = 44.0 / 12.0  # t CO2e per t C, molar masses

# Spellings found in public files; the right side is what the unit parser reads.
SPELLINGS = {
    "%": "percent",
    "% (mass)": "percent",
    "pct": "percent",
    "mass %": "percent",
    "degrees celsius": "degC",
    "degree celsius": "degC",
    "degrees_celsius": "degC",
    "celsius": "degC",
    "c": "degC",
    "deg c": "degC",
    "deg_c": "degC",
    "°c": "degC",
    "k": "kelvin",
    "kelvin": "kelvin",
    "fraction": "1",
    "-": "1",
    "meters": "m",
    "metres": "m",
    "metre": "m",
}
TONNE = re.compile(r"\b(tons?|tonnes?)(?=C?\b)", re.IGNORECASE)  # never the short ton: 0.907 t
CARBON = re.compile(r"(?:(?<=\bt)|(?<=\bg)|(?<=\bkg)|(?<=\bMg)) ?C\b")
PER_MONTH = re.compile(r"(/|\bper )\s*(month|mon|mo)\b|\b(month|mon)\^?-1\b")
PER_DAY = re.compile(r"(/|\bper )\s*(day|d)\b|\b(day|d)\^?-1\b")


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    return registry


@dataclass(frozen=True)
class Conversion:
    """canonical = value * scale + offset, the scale times the days of the month if `per_day`."""

    scale: float
    offset: float
    per_day: bool = False

    def apply(self, values: Floats, days: Floats | None = None) -> Floats:
        """Convert `values`; `days` broadcasts against them and is needed where `per_day`."""
        converted = values * self.scale + self.offset
        if not self.per_day:
            return converted
        if days is None:
            raise UnitError("a quantity per day needs the days of each month to become per month")
        return converted * days


def normalise(unit: str) -> str:
    """Bring the spellings of public files to one form the unit parser reads.

    >>> normalise("t C ha-1"), normalise("tC/ha"), normalise("mm/month")
    ('t ha-1', 't/ha', 'mm/month')
    """
    text = unit.strip()
    text = SPELLINGS.get(text.lower(), text)
    text = CARBON.sub(" ", TONNE.sub("t", text))
    return re.sub(r"\s*/\s*", "/", re.sub(r"\s+", " ", text)).strip()


def _pint_text(unit: str) -> str:
    """`m s-1` and `t ha^-1` as pint reads them."""
    text = re.sub(r"([A-Za-zµ%])\^?(-\d+)\b", r"\1**\2", unit)
    text = re.sub(r"(?<=[A-Za-z])([23])\b", r"**\1", text)
    text = re.sub(r"\bt\b", "metric_ton", text)
    return re.sub(r"\s+", " * ", text.replace(" * ", " "))


def is_unit(text: str) -> bool:
    """Whether a tag is a unit at all.

    >>> is_unit("t C ha-1"), is_unit("see the readme")
    (True, False)
    """
    try:
        _registry().parse_units(_pint_text(normalise(text)))
    except Exception:  # whatever the parser stumbles over
        return False
    return True


def conversion(unit: str, quantity: Quantity, where: str) -> Conversion:
    """How values in `unit` become the canonical unit of `quantity`.

    `where` names the layer in the error. A leading number is a factor: `0.1 degC` is tenths.

    >>> from recarb.core.quantities import catalogue
    >>> conversion("0.1 degC", catalogue()["temperature"], "T.tif")
    Conversion(scale=0.1, offset=0.0, per_day=False)
    """
    if quantity.is_code:
        return Conversion(1.0, 0.0)
    text = normalise(unit)
    target = quantity.unit
    per_day = False
    try:
        if target.endswith("month-1"):
            text, per_day = _per_month(text)
            target = "mm"
        scale, offset = _linear(text, target)
    except Exception as error:
        raise UnitError(
            f"{where}: the unit {unit!r} cannot become {quantity.unit!r} "
            f"({quantity.long_name}): {error}. Set `unit` in run.toml to what the file holds, "
            f"for example {_examples(quantity)}."
        ) from error
    return Conversion(scale, offset, per_day)


def _per_month(text: str) -> tuple[str, bool]:
    """A depth of water per month from depth or mass, per month, per day or per second."""
    registry = _registry()
    if PER_MONTH.search(text):
        depth = PER_MONTH.sub("", text).strip()
        return _water(depth), False
    if PER_DAY.search(text):
        depth = PER_DAY.sub("", text).strip()
        return _water(depth), True
    if re.search(r"s\^?-1\b|/\s*s\b", text):
        depth = re.sub(r"\s*(s\^?-1\b|/\s*s\b)", "", text).strip()
        per_day = float(registry("1 day").to("s").magnitude)
        return f"{per_day} * ({_pint_text(_water(depth))})", True
    raise ValueError("it does not say per month, per day or per second")


def _water(depth: str) -> str:
    """1 kg of water on 1 m2 stands 1 mm deep."""
    return re.sub(r"kg\s*(m\^?-2|/\s*m\^?2)", "mm", depth)


def _linear(text: str, target: str) -> tuple[float, float]:
    """Scale and offset from pint, read off at two points so that offsets (kelvin) are right."""
    registry = _registry()
    factor, text = _leading_factor(text)
    source = registry.Unit(_pint_text(text) if "*" not in text else text)
    wanted = registry.Unit(_pint_text(target))
    zero = float(registry.Quantity(0.0, source).to(wanted).magnitude)
    unit_step = _unit_step(registry, source, wanted)
    return factor * unit_step, zero


def _unit_step(registry: Any, source: Any, wanted: Any) -> float:
    """Size of one source unit in the wanted unit; exactly 1 for kelvin and degC."""
    if source in (registry.Unit("kelvin"), registry.Unit("degC")):
        return 1.0
    high = float(registry.Quantity(1.0, source).to(wanted).magnitude)
    return high - float(registry.Quantity(0.0, source).to(wanted).magnitude)


def _leading_factor(text: str) -> tuple[float, str]:
    match = re.match(r"^([0-9.eE+-]+)\s*\*?\s*(?=[A-Za-z(%])", text)
    if match is None:
        return 1.0, text
    return float(match.group(1)), text[match.end() :]


def _examples(quantity: Quantity) -> str:
    known = {
        "degC": '"degC", "K" or "0.1 degC"',
        "mm month-1": '"mm/month", "mm/day" or "kg m-2 s-1"',
        "t ha-1": '"t/ha", "kg/m2" or "g/m2"',
        "percent": '"%", "g/kg" or "1" (a share)',
        "t ha-1 year-1": '"t/ha/year" or "g/m2/year"',
    }
    return known.get(quantity.unit, f'"{quantity.unit}"')
