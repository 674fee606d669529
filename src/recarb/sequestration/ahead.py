"""What differs between the years ahead: climate, land use, and the input of business as usual.

Without any of it every year ahead is the same mean year, and the closed form applies.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import Forward
from recarb.core.sums import running_mean
from recarb.rothc.weather import Land, Weather
from recarb.sequestration.carbon_input import yearly_npp
from recarb.sequestration.members import land_of, weather_of
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

CLIMATE = ("temperature", "rain", "pet", "cover")
BY_YEAR = ("time_ahead", "month_ahead", "year_ahead")  # dimensions of what changes year by year


def differs_by_year(inputs: xr.Dataset) -> bool:
    """Whether the years ahead differ from each other."""
    return any(name in inputs.dims for name in BY_YEAR)


def weather_ahead(inputs: xr.Dataset) -> Weather:
    """The climate of the years ahead: the mean year, changed or replaced where the run says so."""
    missing = [name for name in CLIMATE if f"{name}_ahead" not in inputs]
    same = {f"{name}_ahead": inputs[f"{name}_forward"] for name in missing}
    return weather_of(inputs.assign(same), "ahead")


def land_ahead(inputs: xr.Dataset, tables: ModelTables) -> Land:
    """Land use of the years ahead; the latest one where none is given."""
    return land_of(land_use_ahead(inputs), tables)


def land_use_ahead(inputs: xr.Dataset) -> Bytes:
    """Classes of the years ahead, (years | 1, cell)."""
    if "land_use_ahead" in inputs:
        return np.asarray(inputs["land_use_ahead"].transpose("year_ahead", "cell").values)
    return np.asarray(inputs["land_use"].values[None])


def classes_ahead(latest: Bytes, given: Bytes, forward: Forward) -> Bytes:
    """Classes of every year ahead, (year, cell), from one map or one map per year, (band, cell).

    One map holds after `land_use_after_years`; until then the latest land use (cell,) stays.
    """
    if len(given) > 1:
        return given
    changed = np.arange(forward.last)[:, None] >= (forward.land_use_after_years or 0)
    return np.where(changed, given[0], latest)


def course_of_input(inputs: xr.Dataset, tables: ModelTables, years: int) -> Floats:
    """Input of business as usual ahead, relative to its mean over the warm-up [-].

    (member | 1, year, cell). It follows what people leave of NPP where land use changes, and
    NPP itself where the run wants that: NPP of each year over the mean of the warm-up's years, or,
    where a mean climate is changed, over NPP of that mean climate.
    """
    at, fraction = np.arange(years), tables.npp_fraction
    classes = land_use_ahead(inputs)
    kept = fraction[classes] / fraction[inputs["land_use"].values]
    course = kept[None, at % len(kept)]
    if not inputs.attrs.get("inputs_follow_npp", False):
        return np.asarray(course)
    npp = yearly_npp(inputs, "ahead")
    base = "warm_up" if inputs.attrs["year_by_year"] else "forward"
    before = running_mean(yearly_npp(inputs, base).swapaxes(0, 1))[:, None]
    ratio = np.divide(npp, before, out=np.zeros_like(npp), where=before > 0.0)
    return np.asarray(course * ratio[:, at % ratio.shape[1]])
