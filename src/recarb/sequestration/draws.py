"""Draws of a run's inputs: members like the chains, but any number, each input by its own score.

All draws of a cell are complete runs: the same perturbed stock, clay and climate in all phases and
in every scenario, so that what two scenarios share cancels in their difference. Inputs are drawn
independently of each other.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import MonteCarlo, Uncertainty
from recarb.uncertainty.distributions import (
    PERCENT,
    Z_95,
    below,
    log_normal,
    log_sd_of_limits,
    log_sd_of_ratio,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DRAWN = ("soc", "clay", "temperature", "rain", "cover", "c_input", "gain")
MOST_CLAY_PCT = 100.0


def drawn(
    inputs: xr.Dataset, scores: Floats, uncertainty: Uncertainty, choices: MonteCarlo
) -> xr.Dataset:
    """The inputs with a dimension `chain` of draws, for the phases.

    Stock, clay, rain and the warm-up's carbon input get log-normal factors: nothing turns negative.
    Clay is cut at 100 %, plant cover stays within 0..1 in the kernels, and a scenario's input does
    not fall below zero. Temperature and the points of gain are normal.

    Parameters
    ----------
    inputs : Dataset over `cell`
    scores : (draw, input, cell) standard normal, inputs in the order of `DRAWN`

    Returns
    -------
    Dataset with soc, clay, temperature_shift [K], rain_factor, cover_shift, input_factor [-] and
    gain_points (chain, cell).
    """
    z = dict(zip(DRAWN, np.moveaxis(scores, 1, 0), strict=True))
    u = uncertainty

    def sd(key: str, half_width: float) -> Floats:
        """The layer's, else that of a 95 % interval for all cells."""
        own = inputs.get(f"{key}_sd")
        found = np.full(scores.shape[-1], half_width / Z_95) if own is None else own.values
        return np.asarray(found)

    rain = log_sd_of_ratio(sd("rain", u.rain_pct) / PERCENT)
    c_input = log_sd_of_ratio(sd("c_input", choices.c_input_pct) / PERCENT)
    new: Mapping[str, Floats] = {
        "soc": _stock(inputs, z["soc"], u.soc_pct, choices),
        "clay": _clay(inputs, z["clay"], u.clay_pct, choices),
        "temperature_shift": z["temperature"] * sd("temperature", u.temperature_c),
        "rain_factor": log_normal(z["rain"], rain),
        "cover_shift": z["cover"] * sd("cover", choices.cover_share),
        "input_factor": log_normal(z["c_input"], c_input),
        "gain_points": z["gain"] * sd("gain", u.gain_points),
    }
    return inputs.assign({name: (("chain", "cell"), values) for name, values in new.items()})


def _stock(inputs: xr.Dataset, score: Floats, half_pct: float, choices: MonteCarlo) -> Floats:
    log_sd, mean_one = _log_spread(inputs, "soc", half_pct, choices)
    return np.asarray(inputs["soc"].values * log_normal(score, log_sd, mean_one))


def _clay(inputs: xr.Dataset, score: Floats, half_pct: float, choices: MonteCarlo) -> Floats:
    clay = inputs["clay"].values
    log_sd, mean_one = _log_spread(inputs, "clay", half_pct, choices)
    room = np.log(MOST_CLAY_PCT) - np.log(clay, out=np.full_like(clay, -np.inf), where=clay > 0.0)
    room += log_sd**2 / 2.0 if mean_one else 0.0
    highest = np.divide(room, log_sd, out=np.full_like(clay, np.inf), where=log_sd > 0.0)
    found = clay * log_normal(below(score, highest), log_sd, mean_one)
    return np.minimum(found, MOST_CLAY_PCT)  # of the last bit


def _log_spread(
    inputs: xr.Dataset, key: str, half_pct: float, choices: MonteCarlo
) -> tuple[Floats, bool]:
    """Spread of ln X (cell,), and whether the map is the mean of X; between limits, its median."""
    if f"{key}_low" in inputs:
        low, high = inputs[f"{key}_low"].values, inputs[f"{key}_high"].values
        return log_sd_of_limits(low, high, choices.limits_pct), False
    value = inputs[key].values
    if f"{key}_sd" in inputs:
        sd = inputs[f"{key}_sd"].values
        ratio = np.divide(sd, value, out=np.zeros_like(value), where=value > 0.0)
        return log_sd_of_ratio(ratio), True
    own = inputs.get(f"{key}_uncertainty")
    pct = np.full(value.shape, half_pct) if own is None else own.values
    return log_sd_of_ratio(pct / PERCENT / Z_95), True
