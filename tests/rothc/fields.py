"""Many cells and members as the kernels take them."""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tests.rothc.soils import YEAR, Site

from recarb.rothc import kernels
from recarb.rothc.parameters import DEFAULT, Parameters
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]
Arrays = TypeVar("Arrays", Weather, Soils, Land)
Index = Any  # of cells or of members
EVERY = slice(None)

START = (0.3, 6.0, 0.8, 25.0)  # t C ha-1
COVERS = (0.0, 0.3, 0.5, 0.6, 1.0)
DRIFT_MM = -0.4  # balance of a month that never ends, under full cover
FOREVER_MM = -1e-7


def _pick(arrays: Arrays, cells: Index) -> Arrays:
    return type(arrays)(*(_part(one, cells) for one in arrays))


def _part(one: NDArray[Any], cells: Index, members: Index = EVERY) -> NDArray[Any]:
    return np.ascontiguousarray(one[members][..., cells]) if one.size else one


@dataclass(frozen=True)
class Field:
    """The arguments of all three kernels; spin-up and forward see the first year alone."""

    weather: Weather
    soils: Soils
    land: Land
    pools: Floats
    deficit_mm: Floats
    c_input: Floats
    depth_cm: float = 30.0

    @property
    def cells(self) -> int:
        return self.soils.clay_pct.shape[1]

    @property
    def members(self) -> int:
        return self.soils.clay_pct.shape[0]

    def at(self, cells: Index = EVERY, members: Index = EVERY) -> "Field":
        """These cells and members alone, as arrays of their own; indices are slices or lists."""

        def both(values: Floats) -> Floats:
            return _part(values, cells, members)

        return replace(
            self,
            weather=_pick(self.weather, cells),
            soils=Soils(*(both(one) for one in self.soils)),
            land=_pick(self.land, cells),
            pools=both(self.pools),
            deficit_mm=both(self.deficit_mm),
            c_input=both(self.c_input),
        )

    def of_years(self, first: int, last: int) -> "Field":
        """The years `first` to `last` (not included); axes of one year stay."""
        years, months = slice(first, last), slice(first * YEAR, last * YEAR)
        w, land = self.weather, self.land
        cover = w.cover if w.cover.shape[0] == YEAR else w.cover[months]
        return replace(
            self,
            weather=Weather(
                w.temperature_c[months], w.rain_mm[months], w.pet_mm[months], w.irrigation_mm, cover
            ),
            land=Land(
                land.paddy if len(land.paddy) == 1 else land.paddy[years],
                land.share,
                land.entry
                if land.entry.shape[1] == 1
                else np.ascontiguousarray(land.entry[:, years]),
                land.flooded,
            ),
            c_input=np.ascontiguousarray(self.c_input[:, years]),
        )

    def run(
        self, phase: str, years: int = 20, p: Parameters = DEFAULT, block: int = kernels.BLOCK
    ) -> tuple[NDArray[Any], ...]:
        """Results of the kernel `phase`; the cell is the last axis of each, the member the first.

        `years` is for the forward phase; the warm-up runs as long as its climate.
        """
        one = self if phase == "warm_up" else self.of_years(0, 1)
        what = (one.weather, one.soils, one.land)
        state = (one.pools, one.deficit_mm)
        if phase == "spin_up":
            return kernels.spin_up(*what, self.depth_cm, p, block)
        if phase == "warm_up":
            return kernels.warm_up(*state, *what, self.c_input, self.depth_cm, p, block)
        return kernels.forward(*state, *what, years, self.depth_cm, p, block)


def of_site(site: Site, years: int = 1, level: float = 1.0, deficit_mm: float = 0.0) -> Field:
    """One cell, one member, its year `years` times over."""
    rain, pet = np.maximum(site.balance_mm, 0.0), np.maximum(-site.balance_mm, 0.0)
    one = np.ones((1, 1))
    return Field(
        Weather(
            *(np.tile(of, years)[:, None] for of in (site.temperature_c, rain, pet)),
            irrigation_mm=np.zeros((YEAR, 1)),
            cover=site.cover[:, None].copy(),
        ),
        Soils(site.clay_pct * one, 0.0 * one, one, 0.0 * one),
        Land(
            np.array([[site.paddy]]), site.share[:, None].copy(), site.entry[:, None, None].copy()
        ),
        np.array(START)[None, :, None],
        deficit_mm * one,
        np.full((1, years, 1), level),
        site.depth_cm,
    )


def random_field(
    count: int,
    *,
    members: int = 3,
    years: int = 3,
    seed: int = 7,
    cover_by_month: bool = False,
    land_by_year: bool = True,
    odd: bool = True,
) -> Field:
    """Cells from permafrost to the tropics, dry and wet, bare and green, irrigated and flooded.

    `odd` makes one cell in eight one of those that are not plain, see `_make_odd`.
    """
    rng = np.random.default_rng(seed)
    months, of_land = years * YEAR, years if land_by_year else 1
    mean, swing = rng.uniform(-12.0, 32.0, count), rng.uniform(0.0, 18.0, count)
    season = -np.cos(np.arange(months) * 2.0 * np.pi / YEAR)[:, None]
    weather = Weather(
        temperature_c=mean + swing * season + rng.normal(0.0, 1.0, (months, count)),
        rain_mm=rng.gamma(1.0, rng.uniform(0.0, 120.0, count), (months, count)),
        pet_mm=rng.uniform(0.0, 1.0, (months, count)) * rng.uniform(10.0, 200.0, count),
        irrigation_mm=rng.uniform(0.0, 60.0, (YEAR, count)) * (rng.random(count) < 0.3),
        cover=rng.choice(COVERS, (months if cover_by_month else YEAR, count)),
    )
    spread = (members, count)
    shift, factor = np.array([0.0, -0.3, 0.3, 1.7, -2.5]), np.array([1.0, 1.05, 0.95, 0.5, 1.4])
    greener = np.array([0.0, 0.1, -0.2])
    soils = Soils(
        rng.uniform(0.0, 80.0, count) * rng.uniform(0.8, 1.2, spread),
        np.resize(shift, members)[:, None] + np.zeros(spread),
        np.resize(factor, members)[:, None] + np.zeros(spread),
        np.resize(greener, members)[:, None] + np.zeros(spread),
    )
    land = Land(
        rng.random((of_land, count)) < 0.2,
        np.ascontiguousarray(rng.dirichlet(np.ones(YEAR), count).T),
        np.ascontiguousarray(np.moveaxis(rng.dirichlet(np.ones(3), (of_land, count)), -1, 0)),
    )
    if odd:
        _make_odd(weather, rng.permutation(count)[: max(count // 8, 1)])
    return Field(
        weather,
        soils,
        land,
        rng.uniform(0.5, 2.0, (members, 1, count)) * np.array(START)[:, None],
        -rng.uniform(0.0, 20.0, spread),
        rng.uniform(0.1, 6.0, (members, years, count)),
    )


def _make_odd(weather: Weather, cells: Index) -> None:
    """In turn: always frozen, a drought, a furnace, a drift of years, a drift for ever."""
    frozen, drought, furnace, drift, forever = (cells[i::5] for i in range(5))
    weather.temperature_c[:, frozen] = -30.0
    weather.rain_mm[:, drought] = 0.0
    weather.pet_mm[:, drought] = 250.0
    weather.temperature_c[:, furnace] = 60.0
    for slow, balance_mm in ((drift, DRIFT_MM), (forever, FOREVER_MM)):
        weather.cover[:, slow] = 1.0
        weather.irrigation_mm[:, slow] = 0.0
        weather.rain_mm[:, slow] = 0.0
        weather.pet_mm[:, slow] = -balance_mm
