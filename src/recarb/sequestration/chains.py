"""The chains of a run: the plain one and the two of manual ch. 12 with shifted inputs.

Each chain is a complete run of its own: perturbed stock, clay and climate in all phases, own inert
carbon, own NPP reference. Temperature is shifted by kelvins, because a percentage of degrees
Celsius does nothing at 0 and the reverse below.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Uncertainty

Floats = NDArray[np.float64]

PERCENT = 100.0


@dataclass(frozen=True)
class Chain:
    """One set of inputs: `side` is +1 for the upper chain, -1 for the lower, 0 for the plain."""

    name: str
    side: int
    uncertainty: Uncertainty

    @property
    def gain_points(self) -> float:
        """Percentage points added to the gain of every scenario."""
        return self.side * self.uncertainty.gain_points

    def perturb(self, inputs: xr.Dataset) -> xr.Dataset:
        """The inputs of this chain. PET, cover, irrigation and land use stay as they are."""
        if self.side == 0:
            return inputs
        u = self.uncertainty
        changed: dict[str, xr.DataArray] = {
            "soc": inputs["soc"] * self._factor(inputs, "soc_uncertainty", u.soc_pct),
            "clay": inputs["clay"] * self._factor(inputs, "clay_uncertainty", u.clay_pct),
        }
        for name in inputs.data_vars:
            if str(name).startswith("rain_"):
                changed[str(name)] = inputs[name] * (1.0 + self.side * u.rain_pct / PERCENT)
            elif str(name).startswith("temperature_"):
                # a cooler soil keeps more carbon: the upper chain is the cooler one
                changed[str(name)] = inputs[name] - self.side * u.temperature_c
        return inputs.assign(changed)

    def _factor(self, inputs: xr.Dataset, layer: str, default_pct: float) -> Floats | float:
        if layer in inputs:
            return np.asarray(1.0 + self.side * inputs[layer].values / PERCENT)
        return 1.0 + self.side * default_pct / PERCENT


def chains(uncertainty: Uncertainty) -> tuple[Chain, ...]:
    """The plain chain first, then the upper and the lower where they are wanted."""
    plain = Chain("mean", 0, uncertainty)
    if not uncertainty.chains:
        return (plain,)
    return plain, Chain("max", 1, uncertainty), Chain("min", -1, uncertainty)
