"""Where the soil ends if every year ahead is the same, and after how many years it is near.

The steady stock is a closed form, y* = (I - A)^-1 u. The way there is stepped year by year with the
annual map, as d' = A d with d = y - y*. A year ends the way for good once the sum of |d| is within
the limit: no pool of A is negative and carbon only leaves, so that sum never grows again.
"""

import numpy as np
from numpy.typing import NDArray

from recarb.core.compile import njit
from recarb.rothc.equilibrium import (
    BIO,
    COLUMNS,
    DEFICIT_NOT_PERIODIC,
    DPM,
    DRIFT_TOLERANCE_MM,
    HUM,
    INPUTS,
    MAX_PASSES,
    OK,
    POOLS,
    RPM,
    Deficits,
    Year,
    apply_map,
    extend_columns,
    reset_columns,
    solve_steady,
    year_deficits,
    year_rates,
)
from recarb.rothc.kernels import YEAR, by_ground, prepared, with_calendar
from recarb.rothc.parameters import Parameters
from recarb.rothc.pools import co2_ratio
from recarb.rothc.rates import Limits
from recarb.rothc.single import deficits_of, limits_of, year_of
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

NEAR = 0.05  # part of the way that may be left
NEAR_TC_HA = 0.01  # ... or this [t C ha-1]; own judgement: a stock this near is there
MOST_YEARS = 10_000  # that are looked at


def steady_state(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    entering: Floats,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Bytes]:
    """Steady stocks of several courses of input, and the years until they are near.

    Parameters
    ----------
    pools : (member, 4, cell) [t C ha-1]
    deficit_mm : (member, cell) [mm], with mixed cover (member, 2, cell)
        State at the start.
    weather : the year that repeats, 12 months
    land : one year; `land.entry` is the quality of the unit below
    entering : (member, course, 3, cell) [t C ha-1 yr-1] into DPM, RPM and HUM, every year

    Returns
    -------
    steady : (member, course + 1, cell) [t C ha-1] active carbon; the last is that of one t C ha-1
        yr-1. NaN where the status is not OK.
    years : (member, course + 1, cell)
        Whole years after which the stock stays within `NEAR` of its way, or within `NEAR_TC_HA`, of
        the steady one. The last is that of the unit, from empty pools: the years until any change
        of input has had `1 - NEAR` of its effect. NaN beyond `MOST_YEARS`.
    status : (member, cell) `OK`, `NO_TURNOVER` or `DEFICIT_NOT_PERIODIC`
    """
    return _steady_state(
        pools,
        by_ground(deficit_mm, p),
        weather,
        prepared(soils, depth_cm, p),
        with_calendar(land, p),
        entering,
        depth_cm,
        p,
    )


@njit
def _steady_state(
    pools: Floats,
    deficit_mm: Floats,
    weather: Weather,
    soils: Soils,
    land: Land,
    entering: Floats,
    depth_cm: float,
    p: Parameters,
) -> tuple[Floats, Floats, Bytes]:
    members, courses, _, cells = entering.shape
    steady = np.full((members, courses + 1, cells), np.nan)
    years = np.full((members, courses + 1, cells), np.nan)
    status = np.empty((members, cells), dtype=np.uint8)
    start, given = np.zeros((courses + 1, POOLS)), np.empty((courses + 1, INPUTS))
    for k in range(members):
        for i in range(cells):
            start[:courses] = pools[k, :, i]
            start[courses] = 0.0
            given[:courses] = entering[k, :, :, i]
            given[courses] = land.entry[:, 0, i]
            status[k, i] = _steady_cell(
                weather, soils, land, k, i, deficit_mm[k, :, i], start, given, depth_cm, p,
                steady[k, :, i], years[k, :, i],
            )  # fmt: skip
    return steady, years, status


@njit
def _steady_cell(
    weather: Weather,
    soils: Soils,
    land: Land,
    member: int,
    i: int,
    deficit_mm: Floats,
    start: Floats,
    entering: Floats,
    depth_cm: float,
    p: Parameters,
    steady: Floats,
    years: Floats,
) -> int:
    """Fill `steady` and `years` (course,) of one cell from `start` (course, 4); return a status."""
    year_ahead = year_of(weather, soils, land, member, i, 0, p)
    limits, share = limits_of(soils, member, i, depth_cm, p), land.share[:, i].copy()
    ratio, deficits = co2_ratio(soils.clay_pct[member, i], p), deficits_of(deficit_mm)
    courses, rates, annual = len(start), np.empty(YEAR), np.empty((COLUMNS, POOLS))
    last = settled_deficits(year_ahead, limits, deficits, p)
    if np.isnan(last[0]):
        return DEFICIT_NOT_PERIODIC
    year_rates(year_ahead, limits, last, p, rates)
    reset_columns(annual)
    extend_columns(annual, rates, share, ratio, p)
    target, limit = np.empty((courses, POOLS)), np.empty(courses)
    for c in range(courses):
        status = solve_steady(annual, of_inputs(annual, entering[c]), target[c])
        if status != OK:
            return status
        steady[c] = target[c].sum()
        limit[c] = max(NEAR * abs(start[c].sum() - steady[c]), NEAR_TC_HA)
    gap, moved = start - target, np.empty(POOLS)
    far = np.full(courses, -1)
    own = annual.copy()
    for year in range(MOST_YEARS + 1):
        settled = drift(deficits, last) <= DRIFT_TOLERANCE_MM
        if all_near(gap, limit, year, far) and settled:
            years[:] = far + 1
            break
        if not settled:
            deficits = year_rates(year_ahead, limits, deficits, p, rates)
            reset_columns(own)
            extend_columns(own, rates, share, ratio, p)
        for c in range(courses):
            if settled:
                shrink(annual, gap[c])
            else:
                apply_map(own, target[c] + gap[c], moved)
                gap[c] = moved + of_inputs(own, entering[c]) - target[c]
    return OK


@njit
def shrink(annual: Floats, gap: Floats) -> None:
    """Let a year pass over `gap` (4,): `apply_map` in place, without what is always zero."""
    dpm, rpm, bio, hum = gap[DPM], gap[RPM], gap[BIO], gap[HUM]
    fresh_to_bio = annual[DPM, BIO] * dpm + annual[RPM, BIO] * rpm
    fresh_to_hum = annual[DPM, HUM] * dpm + annual[RPM, HUM] * rpm
    gap[DPM] = annual[DPM, DPM] * dpm
    gap[RPM] = annual[RPM, RPM] * rpm
    gap[BIO] = fresh_to_bio + annual[BIO, BIO] * bio + annual[HUM, BIO] * hum
    gap[HUM] = fresh_to_hum + annual[BIO, HUM] * bio + annual[HUM, HUM] * hum


@njit
def drift(deficits_mm: Deficits, others_mm: Deficits) -> float:
    """By how much two pairs of deficits differ at most [mm]."""
    return max(abs(deficits_mm[0] - others_mm[0]), abs(deficits_mm[1] - others_mm[1]))


@njit
def settled_deficits(year: Year, limits: Limits, deficits_mm: Deficits, p: Parameters) -> Deficits:
    """Deficits that January inherits in the end [mm]; they may depend on those it starts from.

    NaN if they do not settle within `MAX_PASSES` years.
    """
    for _ in range(MAX_PASSES):
        end_mm = year_deficits(year, limits, deficits_mm, p)
        if drift(end_mm, deficits_mm) <= DRIFT_TOLERANCE_MM:
            return end_mm
        deficits_mm = end_mm
    return np.nan, np.nan


@njit
def of_inputs(annual: Floats, entering: Floats) -> Floats:
    """What the inputs of a year (3,) have become at its end, (4,)."""
    return np.asarray(
        entering[0] * annual[POOLS] + entering[1] * annual[POOLS + 1] + entering[2] * annual[6]
    )


@njit
def all_near(gap: Floats, limit: Floats, year: int, far: NDArray[np.int64]) -> bool:
    """Note in `far` (course,) where the stock is not near after `year` years.

    Whether all stay near for good.
    """
    for_good = True
    for c in range(len(limit)):
        dpm, rpm, bio, hum = gap[c, DPM], gap[c, RPM], gap[c, BIO], gap[c, HUM]
        if abs(dpm + rpm + bio + hum) > limit[c]:
            far[c] = year
        if abs(dpm) + abs(rpm) + abs(bio) + abs(hum) > limit[c]:
            for_good = False
    return for_good
