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
class Entering:
    """Carbon that enters DPM, RPM and HUM in the years of the forward phase.

    Attributes
    ----------
    amounts : (year | 1, 3, cell) [t C ha-1 yr-1]; one year holds for all
    capped : (cell,) whether the practices were cut back to NPP in some year
    """

    amounts: Floats
    capped: Bools

    @property
    def mean(self) -> Floats:
        """Mean annual input [t C ha-1 yr-1], (cell,)."""
        return running_mean(running_sum(self.amounts.swapaxes(0, 1)))


def practice_input(
    measures: Sequence[Measure],
    c_bau: Floats,
    entry: Floats,
    limit: Floats | None,
    inputs: xr.Dataset,
    gain_points: float,
) -> Entering:
    """Annual carbon input of a scenario by practice, with its quality.

    BAU's input and what every practice adds, per hectare and year: changes add, percentages never
    multiply. The points of a chain are added to a relative practice; an amount moves by the same
    percentage of itself; both in the share of the area that adopts.

    Parameters
    ----------
    c_bau : (cell,) [t C ha-1 yr-1]; entry : (3, cell) of the land use [-]
    limit : (cell,) NPP, above which the practices are cut back, all alike and never below BAU
        [t C ha-1 yr-1]; None: no limit
    """
    base = c_bau * entry
    years = max((one.adopted.size for one in measures), default=1)
    added = np.zeros((years, *base.shape))
    for one in measures:
        amount = _amount(one, c_bau, gain_points) * place_of(one, inputs)
        shares = entry if one.entry is None else np.array(one.entry)[:, None]
        for year in range(years):
            added[year] += one.adopted[year % one.adopted.size] * amount * shares
    capped = np.zeros(c_bau.size, dtype=np.bool_)
    if limit is not None:
        for year in range(years):
            capped |= _cut_back(added[year], c_bau, limit)
    return Entering(np.maximum(base + added, 0.0), capped)


def _amount(one: Measure, c_bau: Floats, gain_points: float) -> Floats:
    """What a hectare that has adopted the practice adds [t C ha-1 yr-1], (cell,)."""
    points = gain_points / PERCENT
    if one.relative:
        return c_bau * (one.value + points)
    return np.full(c_bau.size, max(one.value * (1.0 + points), 0.0))


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


def _cut_back(added: Floats, c_bau: Floats, limit: Floats) -> Bools:
    """Shrink what one year adds (3, cell) to what `limit` leaves above BAU; say where."""
    more = running_sum(added)
    room = np.maximum(limit - c_bau, 0.0)
    over = more > room + ROUNDING * c_bau
    added *= np.divide(room, more, out=np.ones_like(more), where=over)
    return over
