"""What every soil-carbon model of an ensemble is asked, and what it answers.

All arrays are C-contiguous with the cell as last axis. All models start from one rule: the carbon
input of the equilibrium under the spin-up's climate is such that the modelled stock is the mapped
one. From there inputs follow those of the run, as ratios to the input of the equilibrium.
"""

from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

CROPLAND = 2  # of the 13 land uses
YEAR = 12  # months


class Reason(IntEnum):
    """Why a model has a number for a cell, or has none."""

    MODELLED = 0
    NOT_RUN = 1
    NOT_CROPLAND = 2
    LAND_USE_CHANGED = 3
    ORGANIC_SOIL = 4
    NO_SAND = 5


MEANING = {
    Reason.MODELLED: "modelled",
    Reason.NOT_RUN: "RothC has no result",
    Reason.NOT_CROPLAND: "land use is not cropland",
    Reason.LAND_USE_CHANGED: "was not cropland in all years",
    Reason.ORGANIC_SOIL: "peat: an organic soil",
    Reason.NO_SAND: "no sand content",
}


class Climate(NamedTuple):
    """The climate of one phase.

    temperature_c : (months, cell) [degC], whole years
    rain_mm, pet_mm : (months, cell) [mm month-1]
    rate : (cell,) mean rate modifier of RothC over the phase [-]
    """

    temperature_c: Floats
    rain_mm: Floats
    pet_mm: Floats
    rate: Floats

    def year(self, number: int) -> "Climate":
        """One year of a series, from 0; the rate stays the mean of the phase."""
        months = slice(YEAR * number, YEAR * (number + 1))
        return Climate(
            self.temperature_c[months], self.rain_mm[months], self.pet_mm[months], self.rate
        )

    def at(self, cells: NDArray[np.intp]) -> "Climate":
        """The same of some cells."""
        return Climate(*(np.take(values, cells, axis=-1) for values in self))


class Drivers(NamedTuple):
    """The cells as models see them.

    runs : (cell,) bool, RothC has a result
    stock_tc_ha : (cell,) mapped stock [t C ha-1]
    sand_pct : (cell,) [%], NaN where unknown
    peat : (cell,) bool
    land_use : (times, cell) every class of the cell, the latest last
    irrigated : (12, cell) bool
    spin_up, warm_up, forward : the climate of the phases; no warm-up: t0 is the mapped stock
    input_warm_up : (years, cell) carbon input / that of the equilibrium [-]
    input_forward : (scenario, cell) the same, in every year ahead [-]
    years : years ahead
    """

    runs: Bools
    stock_tc_ha: Floats
    sand_pct: Floats
    peat: Bools
    land_use: Bytes
    irrigated: Bools
    spin_up: Climate
    warm_up: Climate | None
    forward: Climate
    input_warm_up: Floats
    input_forward: Floats
    years: int

    @property
    def warm_up_years(self) -> int:
        """Years between the map and t0."""
        return len(self.input_warm_up)

    def at(self, cells: NDArray[np.intp]) -> "Drivers":
        """The same of some cells."""

        def chosen(value: Any) -> Any:
            if isinstance(value, Climate):
                return value.at(cells)
            return np.take(value, cells, axis=-1) if isinstance(value, np.ndarray) else value

        return Drivers(*(chosen(value) for value in self))


class Stocks(NamedTuple):
    """What a model says of the cells it has numbers for.

    c_eq : (variant, cell) carbon input of the equilibrium [t C ha-1 yr-1]
    t0 : (variant, cell) [t C ha-1]
    final : (variant, scenario, cell) after `years` [t C ha-1]
    """

    c_eq: Floats
    t0: Floats
    final: Floats


class Projection(NamedTuple):
    """The same for all cells, NaN where `reason` is not MODELLED.

    reason : (cell,) values of `Reason`
    """

    reason: Bytes
    stocks: Stocks


class SoilModel(Protocol):
    """A model of soil carbon; RothC's run is one of them (`sequestration.ensemble`)."""

    @property
    def name(self) -> str:
        """Its name in run.toml and in the names of maps."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the versions it gives side by side; ("",) where it is one."""

    def project(self, drivers: Drivers) -> Projection:
        """Stocks at t0 and after `drivers.years` under every scenario."""


def arable(drivers: Drivers) -> Bytes:
    """`Reason` of every cell for models of mineral soils that have been cropland all along."""
    cropland = drivers.land_use == CROPLAND
    found = np.full(drivers.runs.size, Reason.MODELLED, dtype=np.uint8)
    for reason, where in (
        (Reason.ORGANIC_SOIL, drivers.peat),
        (Reason.LAND_USE_CHANGED, ~cropland.all(axis=0)),
        (Reason.NOT_CROPLAND, ~cropland[-1]),
        (Reason.NOT_RUN, ~drivers.runs),
    ):
        found[where] = reason
    return found


def spread(reason: Bytes, stocks: Stocks) -> Projection:
    """Stocks of the modelled cells, laid out over all cells."""
    at = np.flatnonzero(reason == Reason.MODELLED)

    def over_all(values: Floats) -> Floats:
        found = np.full((*values.shape[:-1], reason.size), np.nan)
        found[..., at] = values
        return found

    return Projection(reason, Stocks(*(over_all(values) for values in stocks)))
