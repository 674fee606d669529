"""Random soils and climates for the tests of the model room."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from recarb.rothc import equilibrium as eq
from recarb.rothc.parameters import DEFAULT
from recarb.rothc.pools import co2_ratio
from recarb.rothc.rates import Limits, maximum_deficit, paddy_rate, standard_limits

Floats = NDArray[np.float64]
YEAR = 12


@dataclass(frozen=True)
class Site:
    """One soil under a climate that repeats every year; arrays are (12,)."""

    temperature_c: Floats
    balance_mm: Floats
    cover: Floats
    share: Floats
    entry: Floats
    clay_pct: float
    depth_cm: float
    paddy: bool = False

    @property
    def max_deficit_mm(self) -> float:
        return maximum_deficit(self.clay_pct, self.depth_cm, DEFAULT)

    @property
    def limits(self) -> Limits:
        return standard_limits(self.clay_pct, self.depth_cm, DEFAULT)

    @property
    def year(self) -> eq.Year:
        paddy = np.full(YEAR, paddy_rate(self.paddy, DEFAULT))
        return eq.Year(self.temperature_c, self.balance_mm, self.cover, paddy)

    @property
    def ratio(self) -> float:
        return co2_ratio(self.clay_pct, DEFAULT)


@dataclass(frozen=True)
class Steady:
    """What `equilibrium.equilibrium` gives."""

    pools: Floats
    deficit_mm: float
    status: int
    columns: Floats
    rates: Floats

    @property
    def matrix(self) -> Floats:
        """A of y' = A y + u."""
        return self.columns[: eq.POOLS].T

    def turnover_years(self) -> float:
        return 1.0 / (1.0 - max(abs(np.linalg.eigvals(self.matrix))))


def solve(site: Site) -> Steady:
    pools, rates = np.full(eq.POOLS, np.nan), np.empty(YEAR)
    columns = np.empty((eq.COLUMNS, eq.POOLS))
    (deficit_mm, _), status = eq.equilibrium(
        site.year,
        site.share,
        site.entry,
        site.limits,
        site.ratio,
        DEFAULT,
        pools,
        columns,
        rates,
    )
    return Steady(pools, deficit_mm, status, columns, rates)


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False)


def months(low: float, high: float, count: int = YEAR) -> st.SearchStrategy[Floats]:
    return arrays(np.float64, count, elements=floats(low, high), fill=st.nothing())


def covers(count: int = YEAR) -> st.SearchStrategy[Floats]:
    """Bare, vegetated and anything between, the threshold included."""
    cover = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), floats(0.0, 1.0))
    return arrays(np.float64, count, elements=cover, fill=st.nothing())


def normalised(parts: Floats) -> Floats:
    return np.asarray(parts / parts.sum())


@st.composite
def sites(draw: st.DrawFn, coldest_c: float = -30.0, hottest_c: float = 40.0) -> Site:
    return Site(
        temperature_c=draw(months(coldest_c, hottest_c)),
        # in hundredths: a year that drifts by less has no periodic deficit, and a test of its own
        balance_mm=np.round(draw(months(-200.0, 200.0)), 2),
        cover=draw(covers()),
        share=normalised(draw(months(0.01, 1.0))),
        entry=normalised(draw(arrays(np.float64, 3, elements=floats(0.01, 1.0)))),
        clay_pct=draw(floats(0.0, 100.0)),
        depth_cm=draw(floats(5.0, 100.0)),
        paddy=draw(st.booleans()),
    )
