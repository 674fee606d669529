"""The carbon input of every warm-up year: it follows NPP, relative to a reference.

Arrays over years are (member, year, cell) inside; a member is a chain (see `members`).
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.sums import running_mean, running_sum
from recarb.sequestration.members import by_cell, members, over_months
from recarb.sequestration.npp import yearly_carbon, yearly_sums
from recarb.sequestration.tables import YEAR

Floats = NDArray[np.float64]


def yearly_npp(inputs: xr.Dataset, phase: str) -> Floats:
    """NPP of every year of a phase [t C ha-1 yr-1], (member, year, cell)."""
    return _npp(inputs, *_yearly_climate(inputs, phase))


def _yearly_climate(inputs: xr.Dataset, phase: str) -> tuple[Floats, Floats]:
    """Mean temperature [degC] and rain [mm] of every year, (year, cell), without any shift."""
    temperature, rain = (over_months(inputs[f"{v}_{phase}"]) for v in ("temperature", "rain"))
    return yearly_sums(temperature, YEAR) / YEAR, yearly_sums(rain, YEAR)


def _npp(inputs: xr.Dataset, temperature_c: Floats, rain_mm: Floats) -> Floats:
    """NPP of annual means of climate (year, cell) under the shifts of every member."""
    return yearly_carbon(
        temperature_c,
        rain_mm,
        members(inputs, "temperature_shift", 0.0),
        members(inputs, "rain_factor", 1.0),
        _counted_irrigation(inputs),
    )


def _counted_irrigation(inputs: xr.Dataset) -> Floats:
    """Irrigation of the year that the run counts as rain for NPP [mm], (cell,); 0 by default."""
    if not inputs.attrs.get("irrigation_counts_as_rain", False):
        return np.zeros(inputs.sizes["cell"])
    return running_sum(by_cell(inputs["irrigation"], "month"))


def _mean_year_npp(inputs: xr.Dataset, phase: str) -> Floats:
    """NPP of the mean climate of a phase [t C ha-1 yr-1], (member, cell)."""
    temperature, rain = _yearly_climate(inputs, phase)
    return _npp(inputs, running_mean(temperature)[None], running_mean(rain)[None])[:, 0]


def reference_npp(inputs: xr.Dataset) -> Floats:
    """NPP of the reference [t C ha-1 yr-1], (member, cell).

    The mean of the yearly values over the reference years where they are known; else NPP of the
    spin-up's mean climate. An own layer is scaled like the climate's NPP, so that the chains keep
    their own reference.
    """
    if "npp_reference" in inputs:
        plain = inputs["npp_reference_climate"].values
        return np.asarray(
            inputs["npp_reference"].values * yearly_npp(inputs, "spin_up")[:, 0] / plain
        )
    if "temperature_reference" in inputs:
        yearly = _npp(
            inputs,
            by_cell(inputs["temperature_reference"], "reference"),
            by_cell(inputs["rain_reference"], "reference"),
        )
        grows = yearly.min(axis=1) > 0.0
        return np.where(grows, running_mean(yearly.swapaxes(0, 1)), 0.0)
    return yearly_npp(inputs, "spin_up")[:, 0]


def npp_ratio(inputs: xr.Dataset, reference: Floats | None = None) -> Floats:
    """NPP of every warm-up year relative to the reference [-], (member, year, cell); 0 without one.

    Where the reference comes from twelve long-term means, like is compared with like: the level is
    NPP of the warm-up's mean climate over NPP of the reference's mean climate, and the years vary
    about it. (MIAMI is not linear: the mean of yearly NPP is not NPP of the mean climate.)
    """
    npp = yearly_npp(inputs, "warm_up")
    reference = (reference_npp(inputs) if reference is None else reference)[:, None]
    ratio = npp / np.where(reference > 0.0, reference, np.inf)
    if "temperature_reference" not in inputs and "npp_reference" not in inputs:
        of_mean = _mean_year_npp(inputs, "warm_up")
        of_years = running_mean(npp.swapaxes(0, 1))
        level = np.divide(of_mean, of_years, out=np.zeros_like(of_mean), where=of_years > 0.0)
        ratio *= level[:, None]
    return ratio
