"""ICBM: two pools, young and old, solved exactly (Andren & Katterer 1997).

    dY/dt = i - k1 r Y          dO/dt = h k1 r Y - k2 r O

Mineral arable topsoil, 0-25 cm. The equations take scalars and arrays alike.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recarb.models.interface import Drivers, Projection, Reason, Stocks, arable, spread

Floats = NDArray[np.float64]


class Parameters(NamedTuple):
    """The numbers of ICBM, those of Ultuna.

    Sources: [AK97] Andren & Katterer 1997, Ecological Applications 7:1226-1236, as in the R package
    SoilR 1.2.107.

    Examples
    --------
    >>> Parameters().k_old_per_yr
    0.00605
    """

    k_young_per_yr: float = 0.8  # decomposition rate k1 of the young pool [yr-1], AK97
    k_old_per_yr: float = 0.00605  # k2 of the old pool [yr-1], AK97
    humification: float = 0.125  # h, part of the young outflow that becomes old [-], crops, AK97


class ReferenceSite(NamedTuple):
    """A year and a soil at which r is 1: Ultuna, near Uppsala.

    Whole degrees and steps of 5 mm after the climate of 1961-1990; own judgement, in no source.
    """

    temperature_c: tuple[float, ...] = (-4, -4, -1, 4, 10, 15, 16, 15, 11, 6, 1, -3)
    rain_mm: tuple[float, ...] = (35, 25, 30, 30, 30, 45, 70, 65, 55, 50, 50, 45)
    pet_mm: tuple[float, ...] = (5, 10, 25, 50, 95, 110, 100, 80, 45, 20, 10, 5)
    clay_pct: float = 37.0


class Pools(NamedTuple):
    """Young and old carbon [t C ha-1]."""

    young: Floats
    old: Floats


def steady_state(i: Floats, h: float, r: Floats, p: Parameters) -> Pools:
    """Pools [t C ha-1] under an input i [t C ha-1 yr-1] for ever. AK97: i/(k1 r), h i/(k2 r).

    >>> pools = steady_state(np.array(2.85), 0.125, np.array(1.0), Parameters())
    >>> round(float(pools.young), 4), round(float(pools.old), 2)
    (3.5625, 58.88)
    """
    return Pools(i / (p.k_young_per_yr * r), h * i / (p.k_old_per_yr * r))


def advance(pools: Pools, i: Floats, h: float, r: Floats, years: float, p: Parameters) -> Pools:
    """Pools [t C ha-1] after `years` of constant i, h and r: the exact solution. AK97.

    Y(t) = Y* + (Y0 - Y*) e1,  O(t) = O* + (O0 - O* - B) e2 + B e1,  e = exp(-k r t),
    B = h k1 (Y0 - Y*) / (k2 - k1).
    """
    k1, k2 = p.k_young_per_yr, p.k_old_per_yr
    ends = steady_state(i, h, r, p)
    left_young, left_old = np.exp(-k1 * r * years), np.exp(-k2 * r * years)
    away = pools.young - ends.young
    passing = h * k1 * away / (k2 - k1)
    return Pools(
        ends.young + away * left_young,
        ends.old + (pools.old - ends.old - passing) * left_old + passing * left_young,
    )


class Icbm(NamedTuple):
    """ICBM as one of an ensemble; r is RothC's rate modifier relative to the reference site's.

    Attributes
    ----------
    reference_rate : rate modifier of RothC at `ReferenceSite` [-]
    """

    reference_rate: float
    p: Parameters = Parameters()

    @property
    def name(self) -> str:
        """As in run.toml."""
        return "icbm"

    @property
    def variants(self) -> tuple[str, ...]:
        """One."""
        return ("",)

    def project(self, drivers: Drivers) -> Projection:
        """Stocks of cropland on mineral soils."""
        reason = arable(drivers)
        return spread(reason, self._stocks(drivers.at(np.flatnonzero(reason == Reason.MODELLED))))

    def _stocks(self, drivers: Drivers) -> Stocks:
        p, h = self.p, self.p.humification
        unit = steady_state(np.ones(()), h, drivers.spin_up.rate / self.reference_rate, p)
        c_eq = drivers.stock_tc_ha / (unit.young + unit.old)
        pools = Pools(c_eq * unit.young, c_eq * unit.old)
        if drivers.warm_up is not None:
            r = drivers.warm_up.rate / self.reference_rate
            for ratio in drivers.input_warm_up:
                pools = advance(pools, c_eq * ratio, h, r, 1.0, p)
        r = drivers.forward.rate / self.reference_rate
        ahead = advance(pools, c_eq * drivers.input_forward, h, r, float(drivers.years), p)
        return Stocks(c_eq[None], (pools.young + pools.old)[None], (ahead.young + ahead.old)[None])
