"""Totals and means of the country, of every land use and of every administrative unit.

Means are weighted by the area of each cell on the ellipsoid; totals are sums of rate times area.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from recarb.core.units import C_TO_CO2
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.sequestration.forward import BAU

Floats = NDArray[np.float64]

PERCENT = 100.0
T_PER_MT = 1.0e6
DECIMALS = 9  # significant digits of the table, so that the order of tiles never shows
ALL = "all"


@dataclass
class Summary:
    """Sums over the cells of all tiles, by unit and land use."""

    unit_names: tuple[str, ...]
    scenarios: tuple[str, ...]
    agricultural_emissions: float | None = None  # [Mt CO2e yr-1]
    sums: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)

    def add(
        self, maps: xr.Dataset, units: NDArray[np.uint16], land_use: NDArray[np.uint8], area: Floats
    ) -> None:
        """Add the cells of one tile: maps over `cell` and, per cell, unit, land use, area [ha]."""
        running = np.isfinite(maps["T0"].values)
        columns = _columns(self.scenarios)
        groups = np.unique(np.stack([units, land_use])[:, running], axis=1).T
        for unit, code in groups.tolist():
            where = running & (units == unit) & (land_use == code)
            row = self.sums.setdefault(
                (unit, code), dict.fromkeys(["cells", "area", *columns], 0.0)
            )
            row["cells"] += float(where.sum())
            row["area"] += float(area[where].sum())
            for column in columns:
                row[column] += float((maps[column].values[where] * area[where]).sum())

    def table(self) -> pd.DataFrame:
        """One row per scenario and group: country, land uses, units, and units by land use."""
        rows = []
        for level, key in (
            ("country", lambda u, c: (0, 0)),
            ("land_use", lambda u, c: (0, c)),
            ("unit", lambda u, c: (u, 0)),
            ("unit_land_use", lambda u, c: (u, c)),
        ):
            groups: dict[tuple[int, int], dict[str, float]] = {}
            for (unit, code), sums in sorted(self.sums.items()):
                group = groups.setdefault(key(unit, code), dict.fromkeys(sums, 0.0))
                for name, value in sums.items():
                    group[name] += value
            for (unit, code), group in sorted(groups.items()):
                rows += [self._row(level, unit, code, s, group) for s in self.scenarios]
        return pd.DataFrame(rows)

    def _row(
        self, level: str, unit: int, code: int, scenario: str, sums: Mapping[str, float]
    ) -> dict[str, object]:
        area = sums["area"]
        asr, rsr = sums[f"ASR_{scenario}"], sums.get(f"RSR_{scenario}", 0.0)
        row: dict[str, object] = {
            "level": level,
            "unit": self.unit_names[unit - 1] if unit else ALL,
            "land_use": code or ALL,
            "land_use_name": land_use_classes()[code].name if code else ALL,
            "scenario": scenario,
            "cells": int(sums["cells"]),
        }
        numbers = {
            "area_ha": area,
            "mean_t0_tc_ha": sums["T0"] / area,
            "mean_final_soc_tc_ha": sums[f"finalSOC_{scenario}"] / area,
            "mean_asr_tc_ha_per_yr": asr / area,
            "mean_rsr_tc_ha_per_yr": rsr / area,
            "total_asr_mt_c_per_yr": asr / T_PER_MT,
            "total_asr_mt_co2e_per_yr": asr / T_PER_MT * C_TO_CO2,
            "total_rsr_mt_c_per_yr": rsr / T_PER_MT,
            "total_rsr_mt_co2e_per_yr": rsr / T_PER_MT * C_TO_CO2,
        }
        if self.agricultural_emissions is not None:
            share = numbers["total_rsr_mt_co2e_per_yr"] / self.agricultural_emissions
            numbers["rsr_pct_of_agricultural_emissions"] = PERCENT * share
        return row | {name: _rounded(value) for name, value in numbers.items()}


def _columns(scenarios: tuple[str, ...]) -> list[str]:
    found = ["T0"]
    for s in scenarios:
        found += [f"finalSOC_{s}", f"ASR_{s}"] + ([f"RSR_{s}"] if s != BAU else [])
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DECIMALS}g}")
