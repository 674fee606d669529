"""Cells as the models of an ensemble see them."""

import numpy as np
from tests.factories import CLIMATES, YEAR, season

from recarb.models.interface import CROPLAND, Climate, Drivers


def some_drivers(cells: int, *, warm_up_years: int = 10, seed: int = 3) -> Drivers:
    """Arable cells, one climate after the other; inputs and weather scatter in the warm-up."""
    rng = np.random.default_rng(seed)
    at = [CLIMATES[n % len(CLIMATES)] for n in range(cells)]
    year = [np.stack([season(*one[k]) for one in at], axis=1) for k in range(3)]

    def climate(years: int, warmer: float) -> Climate:
        shape = (years * YEAR, cells)
        temperature, rain, pet = (np.tile(values, (years, 1)) for values in year)
        return Climate(
            temperature + warmer + rng.normal(0.0, 0.5, shape),
            rain * rng.uniform(0.6, 1.4, shape),
            np.maximum(pet, 0.0) * rng.uniform(0.9, 1.1, shape),
            rng.uniform(0.3, 1.5, cells),
        )

    return Drivers(
        runs=np.ones(cells, dtype=bool),
        stock_tc_ha=rng.uniform(20.0, 120.0, cells),
        sand_pct=rng.uniform(0.0, 100.0, cells),
        peat=np.zeros(cells, dtype=bool),
        land_use=np.full((2, cells), CROPLAND, dtype=np.uint8),
        irrigated=np.zeros((YEAR, cells), dtype=bool),
        spin_up=climate(1, 0.0),
        warm_up=climate(warm_up_years, 0.5) if warm_up_years else None,
        forward=climate(1, 0.8),
        input_warm_up=rng.uniform(0.8, 1.3, (warm_up_years, cells)),
        input_forward=np.array([1.0, 1.05, 1.1, 1.2])[:, None] * rng.uniform(0.9, 1.1, cells),
        years=20,
    )
