"""The IPCC's Tier 2 steady-state method for cropland on mineral soils, 0-30 cm: three pools.

IPCC 2019 Refinement, volume 4, chapter 5, equations 5.0A to 5.0G [IPCC19]. Every year each pool
goes a part min(1, k) of the way to the steady state of that year's input and climate. The equations
take scalars and arrays alike.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recarb.core.sums import running_mean
from recarb.models.interface import (
    Bools,
    Bytes,
    Climate,
    Drivers,
    Projection,
    Reason,
    Stocks,
    arable,
    spread,
)

Floats = NDArray[np.float64]
Tillage = Literal["full", "reduced", "none", "unknown"]

PERCENT = 100.0


class Parameters(NamedTuple):
    """The numbers of the method, IPCC19 tables 5.5A to 5.5C, as in the codes that carry them.

    Sources: [IPCC19] 2019 Refinement to the 2006 IPCC Guidelines, volume 4, chapter 5, by way of
    hestia-earth-models 0.74.17 and aj-sykes92/IPCC-C-model, which agree; the PDF was not read.

    Examples
    --------
    >>> Parameters().k_slow_per_yr
    0.209
    """

    temp_max_c: float = 45.0  # no decomposition above [degC], IPCC19
    temp_opt_c: float = 33.69  # fastest at [degC], IPCC19
    temp_rise: float = 0.2  # exponents of the temperature curve [-], IPCC19
    temp_fall: float = 2.63
    temp_scale: float = 0.076  # hestia writes 0.2 / 2.63: up to 9e-4 in a steady state

    water_base: float = 0.2129  # factor of a month = base + linear q + square q^2 [-], IPCC19
    water_linear: float = 1.331
    water_square: float = -0.2413
    water_most: float = 1.25  # q = rain / PET counts up to this [-]
    water_irrigated: float = 0.775  # factor of an irrigated month [-]
    water_scale: float = 1.5  # times the mean of the months [-]

    till_full: float = 3.036  # what tillage does to the active and slow rates [-], IPCC19
    till_reduced: float = 2.075
    till_none: float = 1.0

    k_active_per_yr: float = 7.4  # decomposition rates [yr-1], IPCC19
    k_slow_per_yr: float = 0.209
    k_passive_per_yr: float = 0.00689
    active_base: float = 0.25  # the active rate grows with sand: 0.25 + 0.75 sand [-]
    active_sand: float = 0.75

    f1: float = 0.378  # metabolic to active [-], IPCC19
    f2_full: float = 0.455  # structural to active
    f2_reduced: float = 0.477
    f2_none: float = 0.500
    f2_unknown: float = 0.368
    f3: float = 0.455  # lignin to slow
    f4_base: float = 0.17  # active to slow: f4 = 1 - f5 - (0.17 + 0.68 sand)
    f4_sand: float = 0.68
    f5: float = 0.0855  # active to passive
    f6: float = 0.0504  # slow to passive
    f7: float = 0.42  # slow to active
    f8: float = 0.45  # passive to active
    metabolic_base: float = 0.85  # metabolic part of the input = 0.85 - 0.018 lignin / N, IPCC19
    metabolic_slope: float = 0.018


class Quality(NamedTuple):
    """Fractions of lignin and nitrogen in the dry matter of the input [-]. IPCC19 table 5.5B."""

    lignin: float
    nitrogen: float


class Pools(NamedTuple):
    """Active, slow and passive carbon [t C ha-1], or their rates [yr-1]."""

    active: Floats
    slow: Floats
    passive: Floats


class Factors(NamedTuple):
    """Effects of a year's temperature and water on all rates [-]."""

    temperature: Floats
    water: Floats


def temperature_factor(temperature_c: Floats, p: Parameters) -> Floats:
    """Effect of a month's mean temperature [-]; 0 above 45 degC. IPCC19 eq. 5.0E.

    >>> float(temperature_factor(np.array(33.69), Parameters()))
    1.0
    """
    x = np.maximum((p.temp_max_c - temperature_c) / (p.temp_max_c - p.temp_opt_c), 0.0)
    curve: Floats = x**p.temp_rise * np.exp(p.temp_scale * (1.0 - x**p.temp_fall))
    return curve


def water_factor(rain_mm: Floats, pet_mm: Floats, irrigated: Bools, p: Parameters) -> Floats:
    """Effect of a month's water [-], from rain / PET; a month without PET is wet. IPCC19 eq. 5.0F.

    >>> one = np.array(1.0)
    >>> round(float(water_factor(50.0 * one, 100.0 * one, np.array(False), Parameters())), 4)
    0.8181
    """
    demand = pet_mm > 0.0
    ratio = np.divide(rain_mm, pet_mm, out=np.full_like(pet_mm, np.inf), where=demand)
    q = np.minimum(ratio, p.water_most)
    rainfed = p.water_base + p.water_linear * q + p.water_square * q * q
    return np.where(irrigated, p.water_irrigated, rainfed)


def tillage_numbers(tillage: Tillage, p: Parameters) -> tuple[float, float]:
    """What tillage does to the rates, and f2 [-]; unknown: as full, with an f2 of its own. IPCC19.

    >>> tillage_numbers("none", Parameters())
    (1.0, 0.5)
    """
    return {
        "full": (p.till_full, p.f2_full),
        "reduced": (p.till_reduced, p.f2_reduced),
        "none": (p.till_none, p.f2_none),
        "unknown": (p.till_full, p.f2_unknown),
    }[tillage]


def metabolic_input(c_input: Floats, quality: Quality, p: Parameters) -> Floats:
    """Metabolic carbon beta [t C ha-1 yr-1] of an input. IPCC19 eq. 5.0G.

    At least 0 and at most what is no lignin, as mrsoil has it; without the bounds an input with
    much lignin and little nitrogen would have less than none.
    """
    part = p.metabolic_base - p.metabolic_slope * quality.lignin / quality.nitrogen
    return c_input * min(max(part, 0.0), 1.0 - quality.lignin)


def active_to_slow(sand: Floats, p: Parameters) -> Floats:
    """Transfer f4 [-] of a sand fraction [0-1]. IPCC19 eq. 5.0B."""
    return 1.0 - p.f5 - (p.f4_base + p.f4_sand * sand)


def active_input(c_input: Floats, quality: Quality, f2: float, f4: Floats, p: Parameters) -> Floats:
    """Carbon alpha that reaches the active pool [t C ha-1 yr-1]. IPCC19 eq. 5.0G."""
    beta = metabolic_input(c_input, quality, p)
    lignin = c_input * quality.lignin
    structural = c_input * (1.0 - quality.lignin) - beta
    direct = beta * p.f1 + structural * f2 + lignin * p.f3 * (p.f7 + p.f6 * p.f8)
    return direct / (1.0 - f4 * p.f7 - p.f5 * p.f8 - f4 * p.f6 * p.f8)


def year_factors(climate: Climate, irrigated: Bools, p: Parameters) -> Factors:
    """Means over the months of a year; that of water times 1.5. IPCC19 eq. 5.0E, 5.0F."""
    warmth = temperature_factor(climate.temperature_c, p)
    water = water_factor(climate.rain_mm, climate.pet_mm, irrigated, p)
    return Factors(running_mean(warmth), p.water_scale * running_mean(water))


def rates_of(factors: Factors, tillfac: float, sand: Floats, p: Parameters) -> Pools:
    """Decomposition rates [yr-1] of a year; tillage spares the passive pool. IPCC19 eq. 5.0B-D."""
    climate = factors.temperature * factors.water
    return Pools(
        p.k_active_per_yr * climate * tillfac * (p.active_base + p.active_sand * sand),
        p.k_slow_per_yr * climate * tillfac,
        p.k_passive_per_yr * climate,
    )


def steady_state(
    c_input: Floats, quality: Quality, f2: float, f4: Floats, k: Pools, p: Parameters
) -> Pools:
    """Pools [t C ha-1] under an input [t C ha-1 yr-1] for ever. IPCC19 eq. 5.0B-D."""
    active = active_input(c_input, quality, f2, f4, p) / k.active
    slow = (c_input * quality.lignin * p.f3 + active * k.active * f4) / k.slow
    passive = (active * k.active * p.f5 + slow * k.slow * p.f6) / k.passive
    return Pools(active, slow, passive)


def advance(pools: Pools, ends: Pools, k: Pools, years: int = 1) -> Pools:
    """Pools after `years` towards one steady state `ends`: X + (X* - X) min(1, k). IPCC19 eq. 5.0A.

    >>> one, half = Pools(*np.ones((3, 1))), Pools(*np.full((3, 1), 0.5))
    >>> advance(one, Pools(*np.zeros((3, 1))), half, years=2).slow.tolist()
    [0.25]
    """
    found = [
        end + (pool - end) * (1.0 - np.minimum(rate, 1.0)) ** years
        for pool, end, rate in zip(pools, ends, k, strict=True)
    ]
    return Pools(*found)


class Tier2(NamedTuple):
    """The method as one of an ensemble.

    Attributes
    ----------
    quality : lignin and nitrogen of the input
    tillage : one result for each; more than one is a range
    """

    quality: Quality
    tillage: tuple[Tillage, ...]
    p: Parameters = Parameters()

    @property
    def name(self) -> str:
        """As in run.toml."""
        return "ipcc-tier2"

    @property
    def variants(self) -> tuple[str, ...]:
        """One for each tillage."""
        return tuple(self.tillage) if len(self.tillage) > 1 else ("",)

    def project(self, drivers: Drivers) -> Projection:
        """Stocks of cropland on mineral soils whose sand content is known."""
        reason = self._reason(drivers)
        chosen = drivers.at(np.flatnonzero(reason == Reason.MODELLED))
        years = self._years(chosen)
        found = [self._stocks(chosen, years, tillage) for tillage in self.tillage]
        return spread(reason, Stocks(*(np.stack(values) for values in zip(*found, strict=True))))

    def _reason(self, drivers: Drivers) -> Bytes:
        reason = arable(drivers)
        reason[(reason == Reason.MODELLED) & np.isnan(drivers.sand_pct)] = Reason.NO_SAND
        return reason

    def _years(self, drivers: Drivers) -> list[Factors]:
        """Factors of the spin-up, of every year of the warm-up, and of the forward phase."""
        series = drivers.warm_up
        between = [] if series is None else [series.year(n) for n in range(drivers.warm_up_years)]
        climates = [drivers.spin_up, *between, drivers.forward]
        return [year_factors(climate, drivers.irrigated, self.p) for climate in climates]

    def _stocks(self, drivers: Drivers, years: list[Factors], tillage: Tillage) -> Stocks:
        p, sand = self.p, drivers.sand_pct / PERCENT
        tillfac, f2 = tillage_numbers(tillage, p)
        f4 = active_to_slow(sand, p)

        def of_year(factors: Factors) -> tuple[Pools, Pools]:
            """Rates, and the steady state of a unit of input."""
            k = rates_of(factors, tillfac, sand, p)
            return k, steady_state(np.ones(()), self.quality, f2, f4, k, p)

        _, unit = of_year(years[0])
        c_eq = drivers.stock_tc_ha / total(unit)
        pools = times(unit, c_eq)
        for factors, ratio in zip(years[1:-1], drivers.input_warm_up, strict=True):
            k, unit = of_year(factors)
            pools = advance(pools, times(unit, c_eq * ratio), k)
        k, unit = of_year(years[-1])
        ahead = advance(pools, times(unit, c_eq * drivers.input_forward), k, drivers.years)
        return Stocks(c_eq, total(pools), total(ahead))


def total(pools: Pools) -> Floats:
    """All carbon [t C ha-1]."""
    return pools.active + pools.slow + pools.passive


def times(pools: Pools, factor: Floats) -> Pools:
    """Every pool times a factor."""
    return Pools(*(pool * factor for pool in pools))
