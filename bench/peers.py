"""Benchmark "peers": eleven runs of twenty years per cell, in recarb and in other packages.

The published chain needs them for every cell: three warm-ups and eight forward runs. All peers get
the same cells in turns, in one process on one core; each gets as many as it does in some seconds.
Speeds are by CPU time, which other work on the machine changes little.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.asked import Asked
from bench.measure import Run
from bench.noise import uniform
from bench.results import Record
from recarb.rothc import kernels
from recarb.rothc.parameters import DEFAULT
from recarb.rothc.reference import Month, Soil, iterate
from recarb.rothc.weather import Land, Soils, Weather

Floats = NDArray[np.float64]

CHAINS, WARM_UPS, FORWARDS, YEARS, YEAR, INPUTS = 3, 3, 8, 20, 12, 3
RUNS = WARM_UPS + FORWARDS
CLAY_PCT, DEPTH_CM, DPM_RPM = 23.4, 30.0, 1.44
ENTRY = np.array([DPM_RPM, 1.0, 0.0]) / (1.0 + DPM_RPM)
POOLS_TC_HA = np.array([0.2, 6.0, 0.9, 32.0])
INERT_TC_HA = 3.5
INPUTS_TC_HA: Floats = 2.0 + 0.1 * np.arange(RUNS, dtype=np.float64)  # per year, one for every run
PEER, PEER_INSTALL = "pyRothC", 'pip install ".[bench]"'


@dataclass(frozen=True)
class Cells:
    """The same twelve months in every year: (cell, 12) temperature [degC], rain and PET [mm]."""

    temperature_c: Floats
    rain_mm: Floats
    pet_mm: Floats

    @classmethod
    def of(cls, count: int) -> "Cells":
        """Cells of the mid-latitudes, each a little different."""
        season = np.cos(2.0 * np.pi * (np.arange(YEAR) - 6.5) / YEAR)
        place = uniform(1, np.arange(count), np.arange(1)) - 0.5
        temperature = 11.0 + 4.0 * place + 8.0 * season
        rain = 62.0 * (1.0 + place) - 15.0 * season
        return cls(temperature, rain, 10.0 + 5.0 * np.maximum(temperature, 0.0))

    def __len__(self) -> int:
        return int(self.temperature_c.shape[0])


Peer = Callable[[Cells], Floats]  # -> stocks after 20 years [t C ha-1], (cell, run)


def measured(asked: Asked) -> list[Record]:
    """Every peer in turns; ratios are speeds over that of the slowest, pyRothC."""
    factor = 10 if asked.full else 1
    peers: dict[str, tuple[Peer, int]] = {
        "recarb, plain Python reference": (by_reference, 10 * factor),
        "recarb, kernels month by month": (by_months, 500 * factor),
        "recarb, kernels as in a run": (as_in_a_run, 2_000 * factor),
    }
    if find_spec(PEER) is None:
        print(f"peers: {PEER} is not installed, left out; install it with: {PEER_INSTALL}")
    else:
        peers = {PEER: (by_pyrothc, 2 * factor), **peers}
    times: dict[str, list[Run]] = {name: [] for name in peers}
    for peer, _ in peers.values():
        peer(Cells.of(1))  # imports and compiles
    for _ in range(asked.repeats):
        for name, (peer, count) in peers.items():
            cells = Cells.of(count)
            start, start_cpu = time.perf_counter(), time.process_time()
            peer(cells)
            cpu_s = time.process_time() - start_cpu
            times[name].append(Run(time.perf_counter() - start, cpu_s))
    per_cell_s = {
        name: median(run.cpu_s or 0.0 for run in times[name]) / count
        for name, (_, count) in peers.items()
    }
    first = next(iter(peers))
    return [
        Record(
            "peers",
            name,
            count,
            tuple(times[name]),
            per_cell_s[first] / per_cell_s[name],
            first,
        )
        for name, (_, count) in peers.items()
    ]


def by_pyrothc(cells: Cells) -> Floats:
    """The peer, whose soil is always covered; it integrates with a tolerance of 0.01."""
    from pyRothC.RothC import RothC

    stocks = np.empty((len(cells), RUNS))
    for i in range(len(cells)):
        for number, amount in enumerate(INPUTS_TC_HA):
            model = RothC(
                temperature=cells.temperature_c[i],
                precip=cells.rain_mm[i],
                evaporation=cells.pet_mm[i],
                years=YEARS,
                clay=CLAY_PCT,
                soil_thickness=DEPTH_CM,
                input_carbon=float(amount),
                DR=DPM_RPM,
                pE=1.0,
                C0=np.append(POOLS_TC_HA, INERT_TC_HA),
            )
            stocks[i, number] = model.compute().iloc[-1].sum()
    return stocks


def by_reference(cells: Cells) -> Floats:
    """Plain Python, month by month."""
    stocks = np.empty((len(cells), RUNS))
    balance = cells.rain_mm - cells.pet_mm
    for i in range(len(cells)):
        for number, amount in enumerate(INPUTS_TC_HA):
            soil = Soil(*POOLS_TC_HA.tolist())
            year = [
                Month(cells.temperature_c[i, m], balance[i, m], 1.0, amount / YEAR, 0.0, DPM_RPM)
                for m in range(YEAR)
            ]
            iterate(soil, year, CLAY_PCT, DEPTH_CM, YEARS)
            stocks[i, number] = soil.active + INERT_TC_HA
    return stocks


def by_months(cells: Cells) -> Floats:
    """The compiled kernel, every run month by month."""
    return _stepped(cells, INPUTS_TC_HA)


def as_in_a_run(cells: Cells) -> Floats:
    """As recarb does it: warm-ups in blocks, forward runs from one propagation per chain."""
    stocks = _stepped(cells, INPUTS_TC_HA[:WARM_UPS])
    count = len(cells)
    left, response, _ = kernels.forward(
        np.tile(POOLS_TC_HA[:, None], (CHAINS, 1, count)),
        np.zeros((CHAINS, count)),
        _weather(cells, 1),
        _soils(CHAINS, count),
        _land(count),
        YEARS,
        DEPTH_CM,
        DEFAULT,
    )
    per_unit = (ENTRY[:, None] * response[0].sum(axis=1)).sum(axis=0)
    kept = left[0].sum(axis=0) + INERT_TC_HA
    ahead = kept[:, None] + np.outer(per_unit, INPUTS_TC_HA[WARM_UPS:])
    return np.concatenate([stocks, ahead], axis=1)


def _stepped(cells: Cells, amounts_tc_ha: Floats) -> Floats:
    """Stocks after runs in blocks of cells, one member per input [t C ha-1], (cell, run)."""
    count, members = len(cells), len(amounts_tc_ha)
    pools, *_ = kernels.warm_up(
        np.tile(POOLS_TC_HA[:, None], (members, 1, count)),
        np.zeros((members, count)),
        _weather(cells, YEARS),
        _soils(members, count),
        _land(count),
        np.broadcast_to(amounts_tc_ha[:, None, None], (members, YEARS, count)).copy(),
        DEPTH_CM,
        DEFAULT,
    )
    return np.asarray((pools.sum(axis=1) + INERT_TC_HA).T)


def _weather(cells: Cells, years: int) -> Weather:
    count = len(cells)
    series = (cells.temperature_c, cells.rain_mm, cells.pet_mm)
    temperature, rain, pet = (np.ascontiguousarray(np.tile(s, years).T) for s in series)
    return Weather(temperature, rain, pet, np.zeros((YEAR, count)), np.ones((YEAR, count)))


def _soils(members: int, count: int) -> Soils:
    shape = (members, count)
    return Soils(np.full(shape, CLAY_PCT), np.zeros(shape), np.ones(shape), np.zeros(shape))


def _land(count: int) -> Land:
    return Land(
        np.zeros((1, count), dtype=bool),
        np.full((YEAR, count), 1.0 / YEAR),
        np.ascontiguousarray(np.broadcast_to(ENTRY[:, None, None], (INPUTS, 1, count))),
    )
