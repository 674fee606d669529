"""The chains of a run: the plain one and the two of manual ch. 12 with shifted inputs.

Each chain is a complete run of its own: perturbed stock, clay and climate in all phases, own inert
carbon, own NPP reference. Temperature is shifted by kelvins, because a percentage of degrees
Celsius does nothing at 0 and the reverse below. All chains run at once, along the dimension
`chain` of the inputs; the climate itself is not copied.
"""

from dataclasses import dataclass

import xarray as xr

from recarb.core.config import Uncertainty

PERCENT = 100.0


@dataclass(frozen=True)
class Chain:
    """One set of inputs: `side` is +1 for the upper chain, -1 for the lower, 0 for the plain."""

    name: str
    side: int


def chains(uncertainty: Uncertainty) -> tuple[Chain, ...]:
    """The plain chain first, then the upper and the lower where they are wanted."""
    plain = Chain("mean", 0)
    if not uncertainty.chains:
        return (plain,)
    return plain, Chain("max", 1), Chain("min", -1)


def perturb(inputs: xr.Dataset, uncertainty: Uncertainty) -> xr.Dataset:
    """The inputs with a dimension `chain` in what the chains change.

    soc and clay become (chain, cell); new are temperature_shift [K] and rain_factor [-], (chain,
    cell), which the phases apply to every month, and gain_points (chain,), percentage points added
    to the gain of every scenario. PET, cover, irrigation and land use stay as they are.
    """
    members = chains(uncertainty)
    side = xr.DataArray([float(c.side) for c in members], dims="chain")
    u, ones = uncertainty, xr.ones_like(inputs["soc"])
    return inputs.assign(
        soc=_factor(inputs, "soc_uncertainty", u.soc_pct, side) * inputs["soc"],
        clay=_factor(inputs, "clay_uncertainty", u.clay_pct, side) * inputs["clay"],
        # a cooler soil keeps more carbon: the upper chain is the cooler one
        temperature_shift=-side * u.temperature_c * ones,
        rain_factor=(1.0 + side * u.rain_pct / PERCENT) * ones,
        gain_points=side * u.gain_points,
    ).assign_coords(chain=[c.name for c in members])


def _factor(inputs: xr.Dataset, layer: str, default_pct: float, side: xr.DataArray) -> xr.DataArray:
    pct = inputs[layer] if layer in inputs else xr.DataArray(default_pct)
    return 1.0 + side * pct / PERCENT
