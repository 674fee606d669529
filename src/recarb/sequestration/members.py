"""Between the named dimensions of a Dataset and the plain arrays of the kernels.

A Dataset of inputs may have a dimension `chain` (see `chains.perturb`) or not; the kernels always
have an axis of members, here called (member, ..., cell).
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.rothc.weather import Land, Soils, Weather
from recarb.sequestration.tables import YEAR, ModelTables

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

TEXTURE_UNITS = {"silt": "pct", "bulk_density": "g_cm3", "organic_carbon": "pct"}
GROUND = "ground"  # with mixed cover: covered, bare


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


def over_months(values: xr.DataArray) -> Floats:
    """Values of a phase as (month, cell), whatever its months are called."""
    return by_cell(values, str(next(name for name in values.dims if name != "cell")))


def weather_of(inputs: xr.Dataset, phase: str) -> Weather:
    """The climate of a phase as the kernels take it."""
    return Weather(
        temperature_c=over_months(inputs[f"temperature_{phase}"]),
        rain_mm=over_months(inputs[f"rain_{phase}"]),
        pet_mm=over_months(inputs[f"pet_{phase}"]),
        irrigation_mm=by_cell(inputs["irrigation"], "month"),
        cover=over_months(inputs[f"cover_{phase}"]),
    )


def soils_of(inputs: xr.Dataset) -> Soils:
    """Clay, the shifts and, where a variant needs it, texture of every member."""
    clay = by_member(inputs["clay"])
    texture = {
        f"{key}_{unit}": np.ascontiguousarray(np.broadcast_to(by_member(inputs[key]), clay.shape))
        for key, unit in TEXTURE_UNITS.items()
        if key in inputs
    }
    return Soils(
        clay_pct=clay,
        shift_c=members(inputs, "temperature_shift", 0.0),
        rain_factor=members(inputs, "rain_factor", 1.0),
        cover_shift=members(inputs, "cover_shift", 0.0),
        **texture,
    )


def deficit_of(state: xr.Dataset) -> Floats:
    """The moisture deficit as the kernels take it [mm], see `kernels`."""
    deficit = state["deficit"]
    return by_member(deficit, *(d for d in deficit.dims if d == GROUND))


class Shape:
    """Puts results (member, axes..., cell) back into the dimensions of the inputs."""

    def __init__(self, inputs: xr.Dataset) -> None:
        self.has_chains = "chain" in inputs["soc"].dims

    def __call__(self, values: NDArray[np.generic], *axes: str) -> tuple[tuple[str, ...], object]:
        """A variable over (chain, axes..., cell), without `chain` where the inputs have none."""
        if self.has_chains:
            return ("chain", *axes, "cell"), values
        return (*axes, "cell"), values[0]

    def deficit(self, values: Floats) -> tuple[tuple[str, ...], object]:
        """The moisture deficit of the kernels, (member, cell) or of two grounds."""
        return self(values, GROUND) if values.ndim > len(("member", "cell")) else self(values)


def land_of(land_use: Bytes, tables: ModelTables) -> Land:
    """What the kernels need to know of land-use classes, (cell,) or (year, cell).

    All follow the class of the year.
    """
    by_year = np.atleast_2d(land_use)
    share = tables.share[by_year].swapaxes(1, 2)  # (year, month, cell)
    flooded: dict[str, Floats] = {}
    if tables.flooded is not None:
        flooded["flooded"] = np.repeat(tables.flooded[:, None], by_year.shape[1], axis=1)
    return Land(
        paddy=np.ascontiguousarray(tables.paddy[by_year]),
        share=np.ascontiguousarray(share.reshape(YEAR * len(by_year), by_year.shape[1])),
        entry=np.ascontiguousarray(np.moveaxis(tables.entry(by_year), -1, 0)),
        **flooded,
    )
