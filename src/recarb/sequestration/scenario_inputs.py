"""The carbon input of every scenario, from business as usual and what run.toml asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Scenario
from recarb.core.sums import running_mean, running_sum
from recarb.sequestration.ahead import land_use_ahead
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.practices.measures import Measure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-12  # an input that is above its limit by less is at its limit [-]


def scenario_input(
    scenario: Scenario, c_bau: Floats, inputs: xr.Dataset, gain_points: Floats | float
) -> Floats:
    """Annual carbon input of a scenario without practices [t C ha-1 yr-1], (..., cell).

    A gain by zone goes before a gain by land use, and that before the general gain. The points of
    a chain are added to the gain, but not where the gain is 0: land that is not managed has no
    doubt about it. An absolute input moves by the same percentage of itself.
    """
    if scenario.c_input_tc_ha_per_yr is not None:
        amount = scenario.c_input_tc_ha_per_yr * (1.0 + np.asarray(gain_points) / PERCENT)
        return np.broadcast_to(np.maximum(amount, 0.0), c_bau.shape).copy()
    gain = np.full(c_bau.shape[-1], scenario.gain_pct)
    for code, value in scenario.gain_pct_by_land_use.items():
        gain[inputs["land_use"].values == code] = value
    if scenario.gain_pct_by_zone:
        for zone, value in scenario.gain_pct_by_zone.items():
            gain[inputs["zones"].values == zone] = value
    return c_bau * np.maximum(1.0 + (gain + np.where(gain == 0.0, 0.0, gain_points)) / PERCENT, 0.0)


@dataclass(frozen=True)
class Part:
    """A part of the land under one scenario.

    Attributes
    ----------
    share : of the land [-]
    covered_from : first forward year (from 0) in which the practice keeps its `cover_months`
        covered; None: the cover of BAU
    """

    share: float
    covered_from: int | None = None


@dataclass(frozen=True)
class Courses:
    """What enters the soil in every forward year under a scenario by practice.

    Stocks are linear in the input, so the mean input serves all land, unless a practice changes the
    cover: then the land that adopts it in each year is a part of its own.

    Attributes
    ----------
    bau : (year | 1, 3, cell) what enters DPM, RPM, HUM under BAU [t C ha-1 yr-1]
    full : (year | 1, 3, cell) for each measure, what a hectare that has adopted it adds
        [t C ha-1 yr-1]
    factor : (years, cell) part of it that NPP leaves room for [-]
    capped : (cell,) whether that is less than all in some year
    """

    measures: tuple[Measure, ...]
    bau: Floats
    full: tuple[Floats, ...]
    factor: Floats
    capped: Bools

    @property
    def covering(self) -> int | None:
        """Which of the measures changes the cover."""
        return next((i for i, one in enumerate(self.measures) if one.cover_months), None)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the land; their shares sum to 1."""
        if self.covering is None:
            return (Part(1.0),)
        adopting = self.measures[self.covering].adopting
        never = Part(1.0 - float(adopting.sum()))
        parts = [Part(float(adopting[year]), int(year)) for year in np.flatnonzero(adopting)]
        return tuple(part for part in (never, *parts) if part.share > 0.0)

    def mean(self, years: int) -> Floats:
        """Mean annual input of the whole land in the first years [t C ha-1 yr-1], (cell,)."""
        whole = self._entering([one.adopted for one in self.measures])
        return running_mean(running_sum(whole[:years].swapaxes(0, 1)))

    def entering(self, part: Part) -> Floats:
        """What enters on a part of the land [t C ha-1 yr-1], (years, 3, cell)."""
        shares = [one.adopted for one in self.measures]
        if self.covering is not None:
            grown = self.measures[self.covering].grown
            own = np.zeros(grown.size)
            if part.covered_from is not None:
                own[part.covered_from :] = grown[: grown.size - part.covered_from]
            shares[self.covering] = own
        return self._entering(shares)

    def _entering(self, shares: Sequence[Floats]) -> Floats:
        added = _together(self.full, shares)
        return np.maximum(self.bau + added * self.factor[:, None], 0.0)


def practice_courses(
    measures: tuple[Measure, ...],
    c_bau: Floats,
    entry: Floats,
    limit: Floats | None,
    inputs: xr.Dataset,
    gain_points: Floats | float,
) -> Courses:
    """Annual carbon input of a scenario by practice, with its quality.

    BAU's input and what every practice adds, per hectare and year: changes add, percentages never
    multiply. The points of a chain are added to a relative practice; an amount moves by the same
    percentage of itself; both in the share of the land that adopts.

    Parameters
    ----------
    c_bau : (year | 1, cell) [t C ha-1 yr-1]; entry : (year | 1, 3, cell) of the land use [-]
    gain_points : of the chain, or (cell,) of a draw
    limit : (cell,) NPP, above which the practices are cut back, all alike and never below BAU
        [t C ha-1 yr-1]; None: no limit
    """
    full = tuple(_added(one, c_bau, entry, inputs, gain_points) for one in measures)
    added = _together(full, [one.adopted for one in measures])
    factor, capped = _cut_back(added, c_bau, limit)
    return Courses(measures, c_bau[:, None] * entry, full, factor, capped)


def _added(
    one: Measure, c_bau: Floats, entry: Floats, inputs: xr.Dataset, gain_points: Floats | float
) -> Floats:
    """What a hectare that has adopted the practice adds [t C ha-1 yr-1], (year | 1, 3, cell)."""
    points = gain_points / PERCENT
    if one.relative:
        amount = c_bau * (one.value + points)
    else:
        amount = np.maximum(one.value * (1.0 + points), 0.0) * np.ones_like(c_bau)
    shares = entry if one.entry is None else np.array(one.entry)[None, :, None]
    return np.asarray(np.where(place_of(one, inputs)[:, None], amount[:, None] * shares, 0.0))


def _together(full: Sequence[Floats], shares: Sequence[Floats]) -> Floats:
    """What the practices add in every year, (years, 3, cell), by their shares (years,)."""
    by_practice = zip(shares, full, strict=True)
    return running_sum([share[:, None, None] * amount for share, amount in by_practice])


def place_of(one: Measure, inputs: xr.Dataset) -> Bools:
    """Where a practice applies, (year | 1, cell)."""
    land_use = land_use_ahead(inputs)
    here = np.ones(land_use.shape, dtype=np.bool_)
    if one.land_use:
        here &= np.isin(land_use, one.land_use)
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
        return factor, np.zeros(c_bau.shape[-1], dtype=np.bool_)
    room = np.broadcast_to(np.maximum(limit - c_bau, 0.0), more.shape)
    over = more > room + ROUNDING * c_bau
    np.divide(room, more, out=factor, where=over)
    return factor, np.asarray(over.any(axis=0))
