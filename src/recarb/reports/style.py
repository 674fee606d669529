"""How maps look: colour-blind-safe ramps, diverging ones centred on zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recarb.reports.ground import Blank

Floats = NDArray[np.float64]

DIVERGING = "BrBG"  # brown = loss, green = gain; safe for the common colour blindnesses
SEQUENTIAL = "viridis_r"  # no greys, which are for cells without a value
SHARES = "YlOrBr"
LOW_PCT, HIGH_PCT = 2.0, 98.0  # percentiles between which a ramp runs
SMALLEST_SPAN = 1e-6
SMALLEST_DIFFERENCE = 0.01  # reach of the ramp of a flat map: rounding errors must not get colours
BLANKS = {  # none of them is a colour of a ramp
    Blank.OUTSIDE: ("#d9e6f2", "outside, or no SOC in the map"),
    Blank.EXCLUDED: ("#c8c8c8", "excluded"),
    Blank.FAILED: ("#e31a1c", "failed"),
}
CLASS_COLOURS = {  # of the 13 land-use classes; own choice, near those of common land-cover maps
    1: "#8a4f7d", 2: "#e8e36a", 3: "#b7d86b", 4: "#1b6e2b", 5: "#a07a2c", 6: "#3fa796",
    7: "#0b8f6a", 8: "#ead9b0", 9: "#d2b48c", 10: "#ffffff", 11: "#2f6fd0", 12: "#6f9a3a",
    13: "#c9a6e8",
}  # fmt: skip
UNITS = {
    "t ha-1": "t C ha⁻¹",
    "t ha-1 year-1": "t C ha⁻¹ yr⁻¹",
    "percent": "%",
    "degC": "°C",
    "mm month-1": "mm month⁻¹",
    "1": "",
}


@dataclass(frozen=True)
class Ramp:
    """Colours of a family of maps, the values at their ends, and which ends have values beyond.

    `shown_from` is where the colour bar starts: a family without losses shows no brown.
    """

    colours: str
    low: float
    high: float
    extend: Literal["neither", "both", "min", "max"] = "neither"
    shown_from: float | None = None


def ramp_for(unit: str, maps: Sequence[Floats], difference: bool) -> Ramp:
    """One ramp for maps that are compared by eye.

    It runs about zero for differences and rates, else between percentiles of all their values.
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in maps])
    if finite.size == 0:
        return Ramp(SEQUENTIAL, 0.0, 1.0)
    smallest, largest = float(finite.min()), float(finite.max())
    if difference:
        reach = max(float(np.percentile(np.abs(finite), HIGH_PCT)), SMALLEST_DIFFERENCE)
        only_gains = 0.0 if smallest > -SMALLEST_SPAN else None
        return Ramp(DIVERGING, -reach, reach, _ends(smallest < -reach, largest > reach), only_gains)
    low, high = (float(value) for value in np.percentile(finite, [LOW_PCT, HIGH_PCT]))
    if high - low < SMALLEST_SPAN:
        low, high = low - SMALLEST_SPAN, high + SMALLEST_SPAN
    colours = SHARES if unit == "percent" else SEQUENTIAL
    return Ramp(colours, low, high, _ends(smallest < low, largest > high))


def _ends(below: bool, above: bool) -> Literal["neither", "both", "min", "max"]:
    """Which ends of a colour bar have values beyond them."""
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"
