"""Totals of every model of an ensemble, over the cells that all of them have numbers for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.sequestration.ensemble_maps import rate_names, scenario_names, versions
from recarb.sequestration.summary import Summary

Floats = NDArray[np.float64]

ROTHC = "rothc"


@dataclass
class EnsembleSummary:
    """One `Summary` for each version of each model; none where run.toml names no models."""

    by_version: dict[str, Summary]

    @classmethod
    def of(cls, config: RunConfig, unit_names: tuple[str, ...]) -> Self:
        """Nothing counted yet."""
        names = [ROTHC, *versions(config)] if config.ensemble.models else []
        emissions = config.agricultural_emissions_mt_co2e_per_yr
        return cls({n: Summary(unit_names, scenario_names(config), emissions) for n in names})

    def add(
        self,
        maps: xr.Dataset,
        units: NDArray[np.uint16],
        land_use: NDArray[np.uint8],
        area_ha: Floats,
        config: RunConfig,
    ) -> None:
        """Add the cells of one tile, as `Summary.add`."""
        rates = rate_names(config)
        keys = ["T0", *(f"finalSOC_{s}" for s in scenario_names(config)), *rates]
        for name, summary in self.by_version.items():
            everywhere = np.isfinite(maps[f"ensemble_{rates[0]}_mean"])
            prefix = "" if name == ROTHC else f"{name}_"
            own = xr.Dataset({key: maps[prefix + key].where(everywhere) for key in keys})
            summary.add(own, units, land_use, area_ha)

    def plain(self) -> dict[str, Any]:
        """The same for JSON; `merge` reads it."""
        return {name: summary.plain() for name, summary in self.by_version.items()}

    def merge(self, plain: Mapping[str, Any]) -> None:
        """Add what `plain` gave for other tiles."""
        for name, sums in plain.items():
            self.by_version[name].merge(sums)

    def table(self) -> pd.DataFrame:
        """The columns of summary.csv under the name of the model."""
        tables = [summary.table() for summary in self.by_version.values()]
        for name, table in zip(self.by_version, tables, strict=True):
            table.insert(0, "model", name)
        return pd.concat(tables, ignore_index=True)
