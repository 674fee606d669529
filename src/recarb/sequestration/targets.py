"""How much more carbon input a stated gain of the soil needs, in closed form.

The stock after n years is linear in the input: SOC_n = K + C R, with K what is left of today's
carbon and R the response to a unit of annual input. So the input that reaches a stock is
C = (SOC_n - K) / R, without any search.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig, Target
from recarb.core.findings import Finding, Severity
from recarb.sequestration.chains import PERCENT

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ABOVE_NPP, BAU_ABOVE_NPP, MET = "above_npp", "bau_above_npp", "met_by_bau"
REASONS: Mapping[str, str] = {
    ABOVE_NPP: "need more carbon input than NPP",
    BAU_ABOVE_NPP: "have more carbon input than NPP under BAU already",
    MET: "get there under BAU",
}


def input_needed(
    target: Target, years: int, t0: Floats, final_bau: Floats, c_bau: Floats, response: Floats
) -> Floats:
    """Annual carbon input that reaches the target after `years` [t C ha-1 yr-1], (cell,).

    Parameters
    ----------
    t0, final_bau : stock at t0, and of BAU after `years` [t C ha-1]
    c_bau : [t C ha-1 yr-1]
    response : stock after `years` of a unit of annual input [t C ha-1 per t C ha-1 yr-1]
    """
    start = t0 if target.against_today else final_bau
    missing = start + target.stock_tc_ha(years) - final_bau
    return np.asarray(c_bau + missing / response)


def gain_needed_pct(needed: Floats, c_bau: Floats) -> Floats:
    """The same as a gain relative to BAU [%], (cell,)."""
    return (needed - c_bau) / c_bau * PERCENT


def target_maps(
    config: RunConfig, mean: xr.Dataset, t0: Floats, final_bau: Floats
) -> dict[str, Floats]:
    """Two maps of every target, (cell,): gain needed [%] and input needed [t C ha-1 yr-1]."""
    found: dict[str, Floats] = {}
    for target in config.targets:
        c_bau, response = mean["c_bau"].values, mean["input_response"].values
        needed = input_needed(target, config.forward.years, t0, final_bau, c_bau, response)
        found[f"InputNeeded_{target.name}"] = needed
        found[f"GainNeeded_{target.name}"] = gain_needed_pct(needed, c_bau)
    return found


def infeasible(needed: Floats, c_bau: Floats, npp: Floats) -> dict[str, Bools]:
    """Where the number of the map is no practice: by reason, (cell,), each cell at most once."""
    already = c_bau > npp
    return {
        ABOVE_NPP: (needed > npp) & ~already & (needed > c_bau),
        BAU_ABOVE_NPP: already & (needed > c_bau),
        MET: needed <= c_bau,
    }


def target_counts(config: RunConfig, maps: xr.Dataset) -> dict[str, int]:
    """Cells by target and reason, as `name:reason`, those without any among them."""
    c_bau, npp = maps["C_BAU"].values, maps["NPP"].values
    found: dict[str, int] = {}
    for target in config.targets:
        where = infeasible(maps[f"InputNeeded_{target.name}"].values, c_bau, npp)
        found |= {f"{target.name}:{reason}": int(cells.sum()) for reason, cells in where.items()}
    return found


def target_findings(counts: Mapping[str, int]) -> list[Finding]:
    """Cells in which a target is out of reach, or reached without doing anything."""
    names = list(dict.fromkeys(key.split(":")[0] for key in counts))
    found = []
    for name in names:
        said = [
            f"{counts[f'{name}:{reason}']:,} cells {text}"
            for reason, text in REASONS.items()
            if counts.get(f"{name}:{reason}")
        ]
        if said:
            found.append(
                Finding(
                    "target_infeasible",
                    Severity.WARNING,
                    f"target {name}",
                    "; ".join(said),
                    "the map keeps the number; the flags say where",
                )
            )
    return found
