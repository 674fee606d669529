"""Totals and means of the country, of every land use and of every administrative unit.

Means are weighted by the area of each cell on the ellipsoid; totals are sums of rate times area.
Sums are whole numbers of a tiny part, so that they are the same for any order and size of tiles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
DECIMALS = 9  # significant digits of the table
PART_BITS = 40  # sums count parts of 2**-40 ha or t C: 1e-12, far below what a cell is known to
HALF_BITS = 32  # a sum of 64-bit whole numbers is made of halves that cannot overflow
ALL = "all"


@dataclass
class Summary:
    """Sums over the cells of all tiles, by unit and land use."""

    unit_names: tuple[str, ...]
    scenarios: tuple[str, ...]
    agricultural_emissions: float | None = None  # [Mt CO2e yr-1]
    sums: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)  # see `whole_sum`

    def add(
        self, maps: xr.Dataset, units: NDArray[np.uint16], land_use: NDArray[np.uint8], area: Floats
    ) -> None:
        """Add the cells of one tile: maps over `cell` and, per cell, unit, land use, area [ha]."""
        columns = _columns(self.scenarios)
        running = np.all([np.isfinite(maps[column].values) for column in columns], axis=0)
        groups = np.unique(np.stack([units, land_use])[:, running], axis=1).T
        for unit, code in groups.tolist():
            where = running & (units == unit) & (land_use == code)
            row = self.sums.setdefault((unit, code), dict.fromkeys(["cells", "area", *columns], 0))
            row["cells"] += int(where.sum())
            row["area"] += whole_sum(area[where])
            for column in columns:
                row[column] += whole_sum(maps[column].values[where] * area[where])

    def plain(self) -> list[list[Any]]:
        """The sums for JSON; `merge` reads them."""
        return [[*group, sums] for group, sums in self.sums.items()]

    def merge(self, plain: Iterable[tuple[int, int, Mapping[str, int]]]) -> None:
        """Add what `plain` gave for other tiles."""
        for unit, code, sums in plain:
            into = self.sums.setdefault((unit, code), {})
            for key, number in sums.items():
                into[key] = into.get(key, 0) + number

    def table(self) -> pd.DataFrame:
        """One row per scenario and group: country, land uses, units, and units by land use."""
        rows = []
        for level, key in (
            ("country", lambda u, c: (0, 0)),
            ("land_use", lambda u, c: (0, c)),
            ("unit", lambda u, c: (u, 0)),
            ("unit_land_use", lambda u, c: (u, c)),
        ):
            groups: dict[tuple[int, int], dict[str, int]] = {}
            for (unit, code), sums in sorted(self.sums.items()):
                group = groups.setdefault(key(unit, code), dict.fromkeys(sums, 0))
                for name, value in sums.items():
                    group[name] += value
            for (unit, code), group in sorted(groups.items()):
                rows += [self._row(level, unit, code, s, group) for s in self.scenarios]
        return pd.DataFrame(rows)

    def _row(
        self, level: str, unit: int, code: int, scenario: str, whole: Mapping[str, int]
    ) -> dict[str, object]:
        sums = {name: value / 2**PART_BITS for name, value in whole.items()}
        area = sums["area"]
        asr, rsr = sums[f"ASR_{scenario}"], sums.get(f"RSR_{scenario}", 0.0)
        row: dict[str, object] = {
            "level": level,
            "unit": self.unit_names[unit - 1] if unit else ALL,
            "land_use": code or ALL,
            "land_use_name": land_use_classes()[code].name if code else ALL,
            "scenario": scenario,
            "cells": whole["cells"],
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


def whole_sum(values: Floats) -> int:
    """Sum of `values` in parts of 2**-40, exact: adding such sums in any order gives one number.

    >>> whole_sum(np.array([0.5, 0.25])) == 3 * 2**38
    True
    """
    parts = np.rint(np.ldexp(values, PART_BITS))
    high = np.floor(np.ldexp(parts, -HALF_BITS))
    low = parts - np.ldexp(high, HALF_BITS)
    return (int(high.astype(np.int64).sum()) << HALF_BITS) + int(low.astype(np.int64).sum())


def _columns(scenarios: tuple[str, ...]) -> list[str]:
    found = ["T0"]
    for s in scenarios:
        found += [f"finalSOC_{s}", f"ASR_{s}"] + ([f"RSR_{s}"] if s != BAU else [])
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DECIMALS}g}")
