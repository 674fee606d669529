"""The standard cell: what the model does for one cell of a national run, climate in memory.

Three chains (or other members), each with 12 months of spin-up, 240 of warm-up and 12 of forward
with the response to any scenario; MIAMI for every year.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bench.country import write_country
from recarb.core.config import RunConfig, load_config
from recarb.core.grid import tiles
from recarb.rothc import kernels
from recarb.rothc.pools import inert_carbon
from recarb.rothc.weather import Land, Soils, Weather
from recarb.sequestration.carbon_input import npp_ratio
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.members import by_member, land_of, soils_of, weather_of
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

LARGE_TILE = 256  # cells along a tile of the country that is loaded


def country_cells(folder: Path, count: int) -> tuple[xr.Dataset, RunConfig]:
    """`count` cells of the synthetic country with their climate, repeated if there are fewer."""
    config = load_config(write_country(folder, count))
    inputs = CountryInputs(config)
    height, width = inputs.grid.shape
    loaded = [inputs.load(tile).cells for tile in tiles((height, width), LARGE_TILE)]
    cells = xr.concat([part for part in loaded if "clay" in part], dim="cell")
    return chosen(cells, np.arange(count) % cells.sizes["cell"]), config


def chosen(cells: xr.Dataset, which: NDArray[np.int64]) -> xr.Dataset:
    """Some of the cells, C-contiguous as the inputs of a tile are."""
    found = cells.isel(cell=which)
    return found.map(lambda values: values.copy(data=np.ascontiguousarray(values.values)))


@dataclass(frozen=True)
class Case:
    """Inputs of the kernels, ready in memory."""

    inputs: xr.Dataset
    tables: ModelTables
    years: int
    weather: dict[str, Weather]
    soils: Soils
    land: Land

    @classmethod
    def of(cls, inputs: xr.Dataset, config: RunConfig) -> "Case":
        """Arrange the inputs of all phases; not part of what is timed."""
        tables = ModelTables.of(config)
        phases = ("spin_up", "warm_up", "forward")
        return cls(
            inputs,
            tables,
            config.forward.years,
            {phase: weather_of(inputs, phase) for phase in phases},
            soils_of(inputs),
            land_of(inputs["land_use"].values, tables),
        )

    def __len__(self) -> int:
        return self.inputs.sizes["cell"]

    def run(self) -> Floats:
        """The standard cells: stocks after the forward phase under BAU, (member, cell)."""
        p, depth_cm = self.tables.parameters, self.tables.depth_cm
        soc = by_member(self.inputs["soc"])
        per_unit, deficit, _, _ = kernels.spin_up(
            self.weather["spin_up"], self.soils, self.land, depth_cm, p
        )
        iom = inert_carbon(soc, p)
        c_eq = (soc - iom) / per_unit.sum(axis=1)
        c_input = c_eq[:, None] * npp_ratio(self.inputs)
        pools, deficit, _, _ = kernels.warm_up(
            c_eq[:, None] * per_unit,
            deficit,
            self.weather["warm_up"],
            self.soils,
            self.land,
            c_input,
            depth_cm,
            p,
        )
        left, response, _ = kernels.forward(
            pools, deficit, self.weather["forward"], self.soils, self.land, self.years, depth_cm, p
        )
        gained = (self.land.entry[:, 0] * response.sum(axis=2)).sum(axis=1)
        stock: Floats = left.sum(axis=1) + c_input.mean(axis=1) * gained + iom
        return stock
