"""What the last published scripts make of the stocks: the filter, and U of stocks and rates."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.fao_r.numbers import NUMBERS
from recarb.sequestration.forward import BAU
from recarb.sequestration.uncertainty import Bounds

Floats = NDArray[np.float64]

LARGEST = float(np.finfo(np.float32).max)  # what a map can hold


def filtered(final_soc: Floats) -> Floats:
    """Final stocks [t C ha-1], NaN where they lie outside 0 to 300. SCR script 15."""
    n = NUMBERS
    inside = (final_soc >= n.stock_low_tc_ha) & (final_soc <= n.stock_high_tc_ha)
    return np.where(inside, final_soc, np.nan)


def stock_uncertainty(stock: Bounds) -> Floats:
    """U = 100 (max - min) / (2 mean) [%], with its sign. SCR script 15.

    >>> one = np.ones(1)
    >>> stock_uncertainty(Bounds(50.0 * one, 40.0 * one, 60.0 * one)).tolist()
    [-20.0]
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.asarray(PERCENT * (stock.upper - stock.lower) / (2.0 * stock.mean))


def rate_uncertainty(u_later: Floats, later: Floats, u_earlier: Floats, earlier: Floats) -> Floats:
    """sqrt((U1 X1)^2 + (U2 X2)^2) / |X1 + X2| [%], the sum also for a difference. SCR script 16.

    >>> one = np.ones(1)
    >>> rate_uncertainty(20.0 * one, 60.0 * one, 20.0 * one, 58.0 * one).round(1).tolist()
    [14.1]
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.asarray(np.hypot(u_later * later, u_earlier * earlier) / np.abs(later + earlier))


def uncertainty_maps(results: Mapping[str, xr.Dataset], config: RunConfig) -> dict[str, Floats]:
    """U of stocks and rates and the half widths of rates; NaN where a map could not hold it.

    U of the scenario of SSM_UncertaintyMap stands for all scenarios. The half width is that of
    the same formula, over the years.

    Parameters
    ----------
    results : mapping
        What `protocol.run` gives, by chain: "mean", "max" and "min".
    """
    years, ssm = config.forward.years, config.ssm_scenario
    mean = results["mean"]
    final = {str(s): mean["final_soc"].sel(scenario=s).values for s in mean["scenario"].values}
    t0 = mean["soc_t0"].values
    u_t0 = stock_uncertainty(_bounds({c: r["soc_t0"].values for c, r in results.items()}))
    u = {
        name: stock_uncertainty(
            _bounds({c: r["final_soc"].sel(scenario=name).values for c, r in results.items()})
        )
        for name in (BAU, ssm)
        if name is not None
    }
    maps = {"U_T0": u_t0, f"U_{BAU}": u[BAU]}
    if ssm is not None:
        maps["U_SSM"] = u[ssm]
    for name, stock in final.items():
        u_stock = u[BAU] if name == BAU or ssm is None else u[ssm]
        earlier = {"ASR": (u_t0, t0)} | ({} if name == BAU else {"RSR": (u[BAU], final[BAU])})
        for kind, (u_before, before) in earlier.items():
            percent = rate_uncertainty(u_stock, stock, u_before, before)
            maps[f"U_{kind}_{name}"] = percent
            maps[f"HW_{kind}_{name}"] = percent * np.abs(stock + before) / PERCENT / years
    return {
        key: np.where(np.abs(values) <= LARGEST, values, np.nan) for key, values in maps.items()
    }


def _bounds(of: Mapping[str, Floats]) -> Bounds:
    return Bounds(of["mean"], of["max"], of["min"])
