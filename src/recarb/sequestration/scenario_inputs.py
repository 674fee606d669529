"""The carbon input of every scenario, from business as usual and what run.toml asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_mean, running_sum
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.practices.measures import Measure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-12  # an input that is above its limit by less is at its limit [-]


def scenario_input(
    scenario: Scenario, c_bau: Floats, inputs: xr.Dataset, gain_points: float
) -> Floats:
    """Annual carbon input of a scenario without practices [t C ha-1 yr-1], (cell,).

    A gain by zone goes before a gain by land use, and that before the general gain. The points of
    a chain are added to the gain; an absolute input moves by the same percentage of itself.
    """
    if scenario.c_input_tc_ha_per_yr is not None:
        amount = scenario.c_input_tc_ha_per_yr * (1.0 + gain_points / PERCENT)
        return np.full(c_bau.size, max(amount, 0.0))
    gain = np.full(c_bau.size, scenario.gain_pct)
    for code, value in scenario.gain_pct_by_land_use.items():
        gain[inputs["land_use"].values == code] = value
    if scenario.gain_pct_by_zone:
        for zone, value in scenario.gain_pct_by_zone.items():
            gain[inputs["zones"].values == zone] = value
    return c_bau * np.maximum(1.0 + (gain + gain_points) / PERCENT, 0.0)


@dataclass(frozen=True)
class Course:
    """What a part of the land goes through in the forward phase.

    Attributes
    ----------
    share : of the land [-]
    entering : (years, 3, cell) carbon entering DPM, RPM and HUM [t C ha-1 yr-1]
    covered_from : first forward year (from 0) in which the practice keeps its `cover_months`
        covered; None: the cover of BAU
    """

    share: float
    entering: Floats
    covered_from: int | None = None


@dataclass(frozen=True)
class Courses:
    """All parts of the land under one scenario; their shares sum to 1.

    Attributes
    ----------
    bau : (1, 3, cell) what enters under BAU [t C ha-1 yr-1]
    mean : (cell,) mean annual input of the whole land [t C ha-1 yr-1]
    capped : (cell,) whether the practices were cut back to NPP in some year
    """

    bau: Floats
    parts: tuple[Course, ...]
    mean: Floats
    capped: Bools


def practice_courses(
    measures: Sequence[Measure],
    c_bau: Floats,
    entry: Floats,
    limit: Floats | None,
    inputs: xr.Dataset,
    gain_points: float,
) -> Courses:
    """Annual carbon input of a scenario by practice, with its quality.

    BAU's input and what every practice adds, per hectare and year: changes add, percentages never
    multiply. The points of a chain are added to a relative practice; an amount moves by the same
    percentage of itself; both in the share of the land that adopts. Stocks are linear in the input,
    so the mean input serves all land, unless a practice changes the cover: then the land that
    adopts in each year is a part of its own.

    Parameters
    ----------
    c_bau : (cell,) [t C ha-1 yr-1]; entry : (3, cell) of the land use [-]
    limit : (cell,) NPP, above which the practices are cut back, all alike and never below BAU
        [t C ha-1 yr-1]; None: no limit
    """
    base = c_bau * entry
    full = [_added(one, c_bau, entry, inputs, gain_points) for one in measures]
    added = _together(full, [one.adopted for one in measures])
    factor, capped = _cut_back(added, c_bau, limit)
    whole = _entering(base, added, factor)
    mean = running_mean(running_sum(whole.swapaxes(0, 1)))
    covering = next((i for i, one in enumerate(measures) if one.cover_months), None)
    if covering is None:
        return Courses(base[None], (Course(1.0, whole),), mean, capped)
    parts = []
    adopting, grown = measures[covering].adopting, measures[covering].grown
    for share, start in _parts(adopting):
        shares = [one.adopted for one in measures]
        shares[covering] = np.zeros(adopting.size)
        if start is not None:
            shares[covering][start:] = grown[: adopting.size - start]
        parts.append(Course(share, _entering(base, _together(full, shares), factor), start))
    return Courses(base[None], tuple(parts), mean, capped)


def _parts(adopting: Floats) -> list[tuple[float, int | None]]:
    """Shares of the land [-] and the year in which each adopts; None: never."""
    parts: list[tuple[float, int | None]] = [(1.0 - float(adopting.sum()), None)]
    parts += [(float(adopting[year]), int(year)) for year in np.flatnonzero(adopting)]
    return [part for part in parts if part[0] > 0.0]


def _added(
    one: Measure, c_bau: Floats, entry: Floats, inputs: xr.Dataset, gain_points: float
) -> Floats:
    """What a hectare that has adopted the practice adds [t C ha-1 yr-1], (3, cell)."""
    points = gain_points / PERCENT
    if one.relative:
        amount = c_bau * (one.value + points)
    else:
        amount = np.full(c_bau.size, max(one.value * (1.0 + points), 0.0))
    shares = entry if one.entry is None else np.array(one.entry)[:, None]
    return np.asarray(np.where(place_of(one, inputs), amount * shares, 0.0))


def _together(full: Sequence[Floats], shares: Sequence[Floats]) -> Floats:
    """What the practices add in every year, (years, 3, cell), by their shares (years,)."""
    by_practice = zip(shares, full, strict=True)
    return running_sum([share[:, None, None] * amount for share, amount in by_practice])


def place_of(one: Measure, inputs: xr.Dataset) -> Bools:
    """Where a practice applies, (cell,)."""
    here = np.ones(inputs.sizes["cell"], dtype=np.bool_)
    if one.land_use:
        here &= np.isin(inputs["land_use"].values, one.land_use)
    if one.zone:
        here &= np.isin(inputs["zones"].values, one.zone)
    if one.unit:
        names = inputs.attrs["unit_names"]
        numbers = [number for number, name in enumerate(names, start=1) if name in one.unit]
        here &= np.isin(inputs["unit"].values, numbers)
    return here


def _cut_back(added: Floats, c_bau: Floats, limit: Floats | None) -> tuple[Floats, Bools]:
    """Part of what is added (years, 3, cell) that has room below `limit`, (years, cell); where."""
    more = running_sum(added.swapaxes(0, 1))
    factor = np.ones_like(more)
    if limit is None:
        return factor, np.zeros(c_bau.size, dtype=np.bool_)
    room = np.broadcast_to(np.maximum(limit - c_bau, 0.0), more.shape)
    over = more > room + ROUNDING * c_bau
    np.divide(room, more, out=factor, where=over)
    return factor, np.asarray(over.any(axis=0))


def _entering(base: Floats, added: Floats, factor: Floats) -> Floats:
    """Carbon entering each pool in every year, never negative, (years, 3, cell)."""
    return np.maximum(base + added * factor[:, None], 0.0)
