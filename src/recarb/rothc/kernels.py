"""Spin-up, warm-up and forward for many cells: in blocks, and cell by cell where blocks do not do.

Arrays are C-contiguous float64 with the cell as last axis and, where members differ, the member as
first (see `weather`). A kernel raises nothing: it returns a status byte per cell. Every cell has
the same bits in any block and on any number of threads; blocks agree with the scalar equations to
1e-10 relative (tests).
"""

import numpy as np
from numpy.typing import NDArray

from recarb.rothc.block_steps import supports
from recarb.rothc.blocks import (
    LEFT_OVER,
    forward_block,
    soils_of_block,
    spin_up_block,
    warm_up_block,
)
from recarb.rothc.compile import njit
from recarb.rothc.equilibrium import INPUTS, POOLS
from recarb.rothc.parameters import Parameters
from recarb.rothc.single import forward_cell, run_months, spin_up_cell, warm_up_cell
from recarb.rothc.weather import Land, Soils, Weather

__all__ = ["BLOCK", "YEAR", "forward", "run_months", "spin_up", "warm_up"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

YEAR = 12  # months
BLOCK = 256  # cells that stay in the first cache together


def spin_up(
    weather: Weather,
    soils: Soils,
    land: Land,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats, Bytes]:
    """Equilibrium pools per unit of annual input, for every member and cell.

    Parameters
    ----------
    weather : the periodic year, 12 months
    land : one year
    depth_cm : [cm]
    block : cells worked on together; changes no bit of the result

    Returns
    -------
    pools : (member, 4, cell) [t C ha-1 per t C ha-1 yr-1], NaN where the status is not OK
    deficit_mm : (member, cell) [mm] at the end of December
    mean_rate : (member, cell) [-]
    status : (member, cell) `OK`, `NO_TURNOVER` or `DEFICIT_NOT_PERIODIC`
    """
    return _spin_up(weather, soils, land, depth_cm, p, block, supports(p))


@njit
def _spin_up(
    weather: Weather,
    soils: Soils,
    land: Land,
    depth_cm: float,
    p: Parameters,
    block: int,
    in_blocks: bool,
) -> tuple[Floats, Floats, Floats, Bytes]:
    members, cells = soils.clay_pct.shape
    pools = np.empty((members, POOLS, cells))
    deficit, mean_rate = np.empty((members, cells)), np.empty((members, cells))
    status = np.full((members, cells), np.uint8(LEFT_OVER))
    for lo in range(0, cells, block):
        hi = min(lo + block, cells)
        for k in range(members):
            if in_blocks:
                spin_up_block(
                    weather,
                    land,
                    soils_of_block(soils, land, k, lo, hi, depth_cm, p),
                    lo,
                    hi,
                    p,
                    pools[k, :, lo:hi],
                    deficit[k, lo:hi],
                    mean_rate[k, lo:hi],
                    status[k, lo:hi],
                )
            for i in range(lo, hi):
                if status[k, i] == LEFT_OVER:
                    deficit[k, i], mean_rate[k, i], status[k, i] = spin_up_cell(
                        weather, soils, land, k, i, depth_cm, p, pools[k, :, i]
                    )
    return pools, deficit, mean_rate, status


def warm_up(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Step every member and cell month by month through a series of years.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
        State at the start.
    c_input : (member, years, cell) [t C ha-1 yr-1]

    Returns
    -------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
    mean_rate : (member, cell) [-]
    respired : (member, cell) [t C ha-1] over the whole series
    """
    return _warm_up(
        pools, deficit_mm, weather, soils, land, c_input, depth_cm, p, block, supports(p)
    )


@njit
def _warm_up(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    c_input: Floats,
    depth_cm: float,
    p: Parameters,
    block: int,
    in_blocks: bool,
) -> tuple[Floats, Floats, Floats, Floats]:
    members, cells = deficit_mm.shape
    after, deficit = pools.copy(), deficit_mm.copy()
    mean_rate, respired = np.zeros((members, cells)), np.zeros((members, cells))
    for lo in range(0, cells, block):
        hi = min(lo + block, cells)
        for k in range(members):
            if in_blocks:
                warm_up_block(
                    weather,
                    land,
                    c_input[k],
                    soils_of_block(soils, land, k, lo, hi, depth_cm, p),
                    lo,
                    hi,
                    p,
                    after[k, :, lo:hi],
                    deficit[k, lo:hi],
                    mean_rate[k, lo:hi],
                    respired[k, lo:hi],
                )
                continue
            for i in range(lo, hi):
                deficit[k, i], mean_rate[k, i], respired[k, i] = warm_up_cell(
                    weather, soils, land, c_input, k, i, depth_cm, p, after[k, :, i], deficit[k, i]
                )
    return after, deficit, mean_rate, respired


def forward(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    years: int,
    depth_cm: float,
    p: Parameters,
    block: int = BLOCK,
) -> tuple[Floats, Floats, Floats]:
    """All scenarios at once: what is left of the pools, and what a unit of input becomes.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm]
        State at the start.
    weather : the year that repeats, 12 months
    land : one year

    Returns
    -------
    left : (member, 4, cell) [t C ha-1]
        A^n y0, the same for every scenario.
    response : (member, 3, 4, cell) [t C ha-1 per t C ha-1 yr-1]
        Pools after `years` from a unit of annual input entering DPM, RPM or HUM.
    mean_rate : (member, cell) [-] of the last year's climate state
    """
    return _forward(pools, deficit_mm, weather, soils, land, years, depth_cm, p, block, supports(p))


@njit
def _forward(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    years: int,
    depth_cm: float,
    p: Parameters,
    block: int,
    in_blocks: bool,
) -> tuple[Floats, Floats, Floats]:
    members, cells = deficit_mm.shape
    left = np.empty((members, POOLS, cells))
    response = np.empty((members, INPUTS, POOLS, cells))
    mean_rate = np.empty((members, cells))
    undone = np.ones(cells, dtype=np.bool_)
    for lo in range(0, cells, block):
        hi = min(lo + block, cells)
        for k in range(members):
            if in_blocks:
                undone[lo:hi] = False
                forward_block(
                    weather,
                    land,
                    soils_of_block(soils, land, k, lo, hi, depth_cm, p),
                    pools[k, :, lo:hi],
                    years,
                    lo,
                    hi,
                    p,
                    deficit_mm[k, lo:hi].copy(),
                    left[k, :, lo:hi],
                    response[k, :, :, lo:hi],
                    mean_rate[k, lo:hi],
                    undone[lo:hi],
                )
            for i in range(lo, hi):
                if undone[i]:
                    start = pools[k, :, i].copy()
                    mean_rate[k, i] = forward_cell(
                        weather, soils, land, k, i, start, deficit_mm[k, i],
                        years, depth_cm, p, left[k, :, i], response[k, :, :, i],
                    )  # fmt: skip
    return left, response, mean_rate
