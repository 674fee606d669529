"""How maps look: colour-blind-safe ramps, diverging ones centred on zero."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIVERGING = "BrBG"  # brown = loss, green = gain; safe for the common colour blindnesses
SEQUENTIAL = "cividis_r"
SHARES = "YlOrBr"
LOW_PCT, HIGH_PCT = 2.0, 98.0  # percentiles between which a ramp runs
SMALLEST_SPAN = 1e-6
SMALLEST_DIFFERENCE = 0.01  # reach of the ramp of a flat map: rounding errors must not get colours


@dataclass(frozen=True)
class Ramp:
    """Colours of one map and the values at their ends."""

    colours: str
    low: float
    high: float


def ramp_for(unit: str, values: NDArray[np.float64], difference: bool) -> Ramp:
    """Ramp of a map: about zero for differences and rates, else between percentiles."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Ramp(SEQUENTIAL, 0.0, 1.0)
    if difference:
        reach = max(float(np.percentile(np.abs(finite), HIGH_PCT)), SMALLEST_DIFFERENCE)
        return Ramp(DIVERGING, -reach, reach)
    low, high = (float(value) for value in np.percentile(finite, [LOW_PCT, HIGH_PCT]))
    if high - low < SMALLEST_SPAN:
        low, high = low - SMALLEST_SPAN, high + SMALLEST_SPAN
    return Ramp(SHARES if unit == "percent" else SEQUENTIAL, low, high)
