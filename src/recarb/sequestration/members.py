"""Between the named dimensions of a Dataset and the plain arrays of the kernels.

A Dataset of inputs may have a dimension `chain` (see `chains.perturb`) or not; the kernels always
have an axis of members, here called (member, ..., cell).
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.rothc.weather import Land, Soils, Weather
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


def by_member(values: xr.DataArray, *axes: str) -> Floats:
    """Values as (member, axes..., cell), C-contiguous; one member where there is no chain."""
    if "chain" not in values.dims:
        values = values.expand_dims("chain")
    return np.ascontiguousarray(values.transpose("chain", *axes, "cell").values)


def by_cell(values: xr.DataArray, axis: str) -> Floats:
    """Values as (axis, cell), C-contiguous."""
    return np.ascontiguousarray(values.transpose(axis, "cell").values)


def members(inputs: xr.Dataset, name: str, default: float) -> Floats:
    """(member, cell) of a variable that only chains have, else `default` everywhere."""
    if name in inputs:
        return by_member(inputs[name])
    return np.full(by_member(inputs["soc"]).shape, default)


def weather_of(inputs: xr.Dataset, phase: str) -> Weather:
    """The climate of a phase as the kernels take it."""
    axis = "time" if phase == "warm_up" else "month"
    cover = inputs[f"cover_{phase}"]
    return Weather(
        temperature_c=by_cell(inputs[f"temperature_{phase}"], axis),
        rain_mm=by_cell(inputs[f"rain_{phase}"], axis),
        pet_mm=by_cell(inputs[f"pet_{phase}"], axis),
        irrigation_mm=by_cell(inputs["irrigation"], "month"),
        cover=by_cell(cover, str(next(d for d in cover.dims if d != "cell"))),
    )


def soils_of(inputs: xr.Dataset) -> Soils:
    """Clay and the shifts of every member as the kernels take them."""
    return Soils(
        clay_pct=by_member(inputs["clay"]),
        shift_c=members(inputs, "temperature_shift", 0.0),
        rain_factor=members(inputs, "rain_factor", 1.0),
        cover_shift=members(inputs, "cover_shift", 0.0),
    )


class Shape:
    """Puts results (member, axes..., cell) back into the dimensions of the inputs."""

    def __init__(self, inputs: xr.Dataset) -> None:
        self.has_chains = "chain" in inputs["soc"].dims

    def __call__(self, values: NDArray[np.generic], *axes: str) -> tuple[tuple[str, ...], object]:
        """A variable over (chain, axes..., cell), without `chain` where the inputs have none."""
        if self.has_chains:
            return ("chain", *axes, "cell"), values
        return (*axes, "cell"), values[0]


def land_of(land_use: Bytes, tables: ModelTables, share_of: Bytes | None = None) -> Land:
    """Paddy, shares and entry of land-use classes (cell,) or (year, cell) as the kernels take them.

    The monthly shares are those of `share_of` (cell,), by default of `land_use`.
    """
    by_year = np.atleast_2d(land_use)
    share_of = by_year[-1] if share_of is None else share_of
    return Land(
        paddy=np.ascontiguousarray(tables.paddy[by_year]),
        share=np.ascontiguousarray(tables.share[share_of].T),
        entry=np.ascontiguousarray(np.moveaxis(tables.entry(by_year), -1, 0)),
    )
