"""What a run counts over its tiles: whole numbers only, so that no order and no tiling shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.sequestration.ensemble_maps import count_reasons
from recarb.sequestration.ensemble_summary import EnsembleSummary
from recarb.sequestration.flags import out_of_order, outside_limits
from recarb.sequestration.forward import BAU
from recarb.sequestration.inputs import CountryInputs, LoadedTile
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.products import npp_capped, products
from recarb.sequestration.summary import Summary
from recarb.sequestration.targets import target_counts

Floats = NDArray[np.float64]

NEAR_THRESHOLD = 0.05  # of the cover fraction that turns a month from bare to vegetated
WITHOUT_DRAWS = "cells_without_monte_carlo"
COUNTS = ("above_npp", "filled", "cover_months", "near_threshold")


@dataclass
class Tally:
    """Counts and sums over the cells of one tile, or of many."""

    ledger: Ledger
    summary: Summary
    models: EnsembleSummary
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    implausible: dict[str, int] = field(default_factory=dict)
    no_percentage: dict[str, int] = field(default_factory=dict)
    filtered: dict[str, int] = field(default_factory=dict)
    ensemble: dict[str, int] = field(default_factory=dict)
    npp_capped: dict[str, int] = field(default_factory=dict)  # by scenario with practices
    targets: dict[str, int] = field(default_factory=dict)  # see `targets.target_counts`

    @classmethod
    def of(cls, inputs: CountryInputs) -> Self:
        """Nothing counted yet."""
        config = inputs.config
        names = inputs.units.names if inputs.units else ("country",)
        scenarios = (BAU, *(scenario.name for scenario in config.scenarios))
        emissions = config.agricultural_emissions_mt_co2e_per_yr
        models = EnsembleSummary.of(config, names)
        return cls(Ledger(), Summary(names, scenarios, emissions), models)

    def count(self, loaded: LoadedTile, maps: xr.Dataset, config: RunConfig) -> None:
        """Count the cells of one tile that reached the model."""
        deliverables = products(config)
        cells, tile = loaded.cells, loaded.tile
        at = (cells["row"].values - tile.rows.start, cells["column"].values - tile.columns.start)
        of_cells = (loaded.units[at], cells["land_use"].values, loaded.area_ha[at])
        self.summary.add(maps, *of_cells)
        self.models.add(maps, *of_cells, config)
        wrong = outside_limits(maps, deliverables) | out_of_order(maps, config)
        _add(self.implausible, {key: int(where.sum()) for key, where in wrong.items()})
        running = np.isfinite(maps["T0"].values)
        shares = [product.key for product in deliverables if product.key.startswith("U_")]
        stocks = [product.key for product in deliverables if product.key.startswith("finalSOC_")]

        def gone(keys: list[str]) -> dict[str, int]:
            return {key: int((running & np.isnan(maps[key].values)).sum()) for key in keys}

        _add(self.no_percentage, gone(shares))
        _add(self.filtered, gone(stocks))
        capped = {s.name: npp_capped(s.name) for s in config.scenarios if s.practices}
        _add(self.npp_capped, {s: int((maps[key].values > 0).sum()) for s, key in capped.items()})
        _add(self.targets, target_counts(config, maps))
        counts = {
            "above_npp": int((maps["C_eq_over_NPP"].values > 1.0).sum()),
            "filled": int(cells["climate_filled"].values.sum()),
        }
        if "cover_layer" in cells:
            distance = np.abs(cells["cover_layer"].values - cells.attrs["cover_threshold"])
            counts["cover_months"] = distance.size
            counts["near_threshold"] = int((distance < NEAR_THRESHOLD).sum())
        _add(self.counts, counts)
        _add(self.ensemble, count_reasons(maps, config))

    def count_draws(self, maps: xr.Dataset, drawn: Mapping[str, Floats]) -> None:
        """Count the running cells of one tile of whose draws some did not reach the end."""
        if "mean_T0" in drawn:
            without = np.isfinite(maps["T0"].values) & np.isnan(drawn["mean_T0"])
            _add(self.counts, {WITHOUT_DRAWS: int(without.sum())})

    def plain(self) -> dict[str, Any]:
        """The same for JSON; `merge` reads it."""
        return {
            "outcomes": self.ledger.counts.tolist(),
            "sums": self.summary.plain(),
            "counts": self.counts,
            "implausible": self.implausible,
            "no_percentage": self.no_percentage,
            "filtered": self.filtered,
            "ensemble": self.ensemble,
            "ensemble_sums": self.models.plain(),
            "npp_capped": self.npp_capped,
            "targets": self.targets,
        }

    def merge(self, plain: Mapping[str, Any]) -> None:
        """Add what `plain` gave for other tiles."""
        self.ledger.counts += np.array(plain["outcomes"], dtype=np.int64)
        self.summary.merge(plain["sums"])
        _add(self.counts, plain["counts"])
        _add(self.implausible, plain["implausible"])
        _add(self.no_percentage, plain["no_percentage"])
        _add(self.filtered, plain["filtered"])
        _add(self.ensemble, plain["ensemble"])
        self.models.merge(plain["ensemble_sums"])
        _add(self.npp_capped, plain["npp_capped"])
        _add(self.targets, plain["targets"])

    def record(self) -> dict[str, Any]:
        """The counts as provenance names them."""
        found: dict[str, Any] = {
            "c_eq_above_npp_cells": self.counts["above_npp"],
            "climate_filled_cells": self.counts["filled"],
            "cover_cell_months": self.counts["cover_months"],
            "cover_cell_months_near_threshold": self.counts["near_threshold"],
            "implausible_cells": {k: n for k, n in self.implausible.items() if n},
            "uncertainty_without_percentage": {k: n for k, n in self.no_percentage.items() if n},
            "stocks_outside_0_to_300": {k: n for k, n in self.filtered.items() if n},
            **{key: n for key, n in self.counts.items() if key == WITHOUT_DRAWS},
        }
        of_options = {
            "npp_capped_cells": self.npp_capped,
            "targets": self.targets,
            "ensemble_cells": dict(sorted(self.ensemble.items())),
        }
        return found | {key: counts for key, counts in of_options.items() if counts}


def _add(into: dict[str, int], more: Mapping[str, int]) -> None:
    for key, number in more.items():
        into[key] = into.get(key, 0) + number
