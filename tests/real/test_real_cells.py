"""One cell of each real run once more, month by month, with the plain reference of RothC."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from tests.real import runs
from tests.realdata import requires

from recarb.core.config import RunConfig
from recarb.rothc.reference import Month, Soil, iterate, step
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.point import cell_at, trajectory
from recarb.sequestration.simulate import simulate

pytestmark = [pytest.mark.realdata, *(requires(folder) for folder in ("iberia", "zambia_eastern")),
              *(requires(folder) for folder in ("north_macedonia", "global_0p5deg"))]  # fmt: skip

YEAR, FORWARD_YEARS, DEPTH_CM, PADDY = 12, 20, 30.0, 13
GAINS = {"BAU": 0.0, "SSM1": 0.05, "SSM2": 0.10, "SSM3": 0.20}
DPM_RPM = {2: 1.44, 3: 0.67, 5: 0.67, 12: 1.44, 13: 1.44}
FLOAT32 = 2e-7
TURNOVERS = 40  # of the slowest pool: exp(-40) of the start is left

# region, longitude, latitude: plain cropland, dry-season cropland, mountain grassland, then the
# world's cropland with months below -5 degC, a paddy field and rangeland
CELLS = [
    ("iberia", -4.2, 40.2, 2),
    ("zambia_eastern", 31.6, -14.2, 2),
    ("north_macedonia", 21.339, 41.735, 3),
    ("global_0p5deg", 40.25, 53.25, 2),
    ("global_0p5deg", 89.25, 25.25, 13),
    ("global_0p5deg", 149.75, -24.75, 3),
]
every_cell = pytest.mark.parametrize(("name", "lon", "lat", "land_use"), CELLS)


@dataclass(frozen=True)
class Result:
    """What the plain model says of a cell [t C ha-1, t C ha-1 yr-1]."""

    equilibrium: float
    c_eq: float
    c_bau: float
    t0: float
    final: dict[str, float]


def load_cell(config: RunConfig, lon: float, lat: float) -> xr.Dataset:
    """Inputs of the one cell at a point, as a set of one."""
    inputs = CountryInputs(config)
    return inputs.load(cell_at(inputs, lon, lat)).cells


def months(cell: xr.Dataset, phase: str) -> list[Month]:
    """Months of a phase without plant input."""
    balance = cell[f"rain_{phase}"].values - cell[f"pet_{phase}"].values
    temperature = cell[f"temperature_{phase}"].values
    cover = np.resize(cell[f"cover_{phase}"].values, temperature.size)
    return [
        Month(float(t), float(w), float(f))
        for t, w, f in zip(temperature, balance, cover, strict=True)
    ]


def fed(month: Month, yearly: float, land_use: int) -> Month:
    """The same month with a twelfth of the year's plant input."""
    return Month(
        month.temperature_c, month.balance_mm, month.cover, yearly / YEAR, dpm_rpm=DPM_RPM[land_use]
    )


def miami(temperature_c: float, rain_mm: float) -> float:
    """NPP [g m-2 yr-1] by the equations of gsocseq.md."""
    by_temperature = 3000.0 / (1.0 + np.exp(1.315 - 0.119 * temperature_c))
    by_rain = 3000.0 * (1.0 - np.exp(-0.000664 * rain_mm))
    return float(min(by_temperature, by_rain))


def raw_years(config: RunConfig, cell: xr.Dataset, years: tuple[int, int]) -> list[list[float]]:
    """Monthly temperature and rain of the cell straight from the files, on the SOC map's grid."""
    climate = config.climate[config.spin_up.climate]
    at = (int(cell["row"]), int(cell["column"]))
    series = []
    for layer in (climate.temperature, climate.rain):
        with rasterio.open(layer.path) as source:
            first_year = int(source.descriptions[0][:4])
            bands = np.arange(years[0] - first_year, years[1] - first_year + 1)[:, None] * YEAR
            window = rasterio.windows.Window(at[1], at[0], 1, 1)
            values = source.read((bands + np.arange(YEAR) + 1).ravel().tolist(), window=window)
        tenths = 0.1 if layer.unit == "0.1 degC" else 1.0
        series.append([float(value) * tenths for value in values.ravel()])
    return series


def yearly_npp(series: list[list[float]]) -> list[float]:
    """NPP of every year of a series."""
    temperature, rain = (np.array(values).reshape(-1, YEAR) for values in series)
    return [miami(t.mean(), p.sum()) for t, p in zip(temperature, rain, strict=True)]


def replay(config: RunConfig, cell: xr.Dataset) -> Result:
    """The whole protocol on one cell with nothing of recarb but the plain month."""
    land_use, clay = int(cell["land_use"]), float(cell["clay"])
    paddy = land_use == PADDY
    soil = Soil()
    unit_year = [fed(month, 1.0, land_use) for month in months(cell, "spin_up")]
    iterate(soil, unit_year, clay, DEPTH_CM, 1, paddy)
    rates = []
    for month in unit_year:
        step(soil, month, clay, DEPTH_CM, paddy)
        rates.append(soil.rate)
    years = int(np.ceil(TURNOVERS / (0.02 * np.mean(rates))))
    iterate(soil, unit_year, clay, DEPTH_CM, years, paddy)
    soc = float(cell["soc"])
    iom = 0.049 * soc**1.139
    c_eq = (soc - iom) / soil.active
    for pool in ("dpm", "rpm", "bio", "hum"):
        setattr(soil, pool, getattr(soil, pool) * c_eq)
    equilibrium, c_bau = soil.active + iom, c_eq
    if config.warm_up is not None:
        reference = yearly_npp(raw_years(config, cell, config.spin_up.years))
        npp = yearly_npp(raw_years(config, cell, config.warm_up.years))
        c_input = [c_eq * value / np.mean(reference) for value in npp]
        for i, month in enumerate(months(cell, "warm_up")):
            step(soil, fed(month, c_input[i // YEAR], land_use), clay, DEPTH_CM, paddy)
        c_bau = float(np.mean(c_input))
    final = {}
    for scenario, gain in GAINS.items():
        ahead = Soil(soil.dpm, soil.rpm, soil.bio, soil.hum, soil.deficit_mm)
        year = [fed(month, c_bau * (1.0 + gain), land_use) for month in months(cell, "forward")]
        iterate(ahead, year, clay, DEPTH_CM, FORWARD_YEARS, paddy)
        final[scenario] = ahead.active + iom
    return Result(equilibrium, c_eq, c_bau, soil.active + iom, final)


@every_cell
def test_plain_months_arrive_at_the_values_of_the_maps(
    finished: Callable[..., runs.Finished], name: str, lon: float, lat: float, land_use: int
):
    run = finished(name)
    one = load_cell(run.config, lon, lat)
    cell = one.isel(cell=0)
    assert int(cell["land_use"]) == land_use
    plain = replay(run.config, cell)
    expected = {"T0": plain.t0, "C_eq": plain.c_eq, "C_BAU": plain.c_bau}
    for scenario in GAINS:
        expected[f"finalSOC_{scenario}"] = plain.final[scenario]
        expected[f"ASR_{scenario}"] = (plain.final[scenario] - plain.t0) / FORWARD_YEARS
        if scenario != "BAU":
            gain = plain.final[scenario] - plain.final["BAU"]
            expected[f"RSR_{scenario}"] = gain / FORWARD_YEARS
    maps = simulate(one, run.config).isel(cell=0)
    at = (int(cell["row"]), int(cell["column"]))
    for key, value in expected.items():
        # a rate is a difference of stocks: it is held to their precision
        size = plain.t0 if key.startswith(("T0", "final", "ASR", "RSR")) else abs(value)
        assert float(maps[key]) == pytest.approx(value, abs=1e-9 * size), key
        in_file = (run.diagnostic(key) if key.startswith("C_") else run.map(f"{key}_Map030"))[at]
        assert in_file == pytest.approx(value, rel=FLOAT32, abs=1e-9 * size), key
    # the equilibrium is found by years and years of plain months, not by the closed form
    assert plain.equilibrium == pytest.approx(float(cell["soc"]), rel=1e-12)


@every_cell
def test_trajectory_ends_at_the_values_of_the_maps(
    finished: Callable[..., runs.Finished], name: str, lon: float, lat: float, land_use: int
):
    run = finished(name)
    found = trajectory(run.config, lon, lat)
    at = (found.row, found.column)
    assert found.facts["land_use"] == land_use
    assert found.facts["c_bau_tc_ha_per_yr"] == pytest.approx(
        run.diagnostic("C_BAU")[at], rel=FLOAT32
    )
    ends = found.months.groupby(["phase", "scenario"])["soc_tc_ha"].last()
    # spin-up: a year that ends where it began, on the SOC map
    assert ends["spin_up", "BAU"] == pytest.approx(found.facts["soc_tc_ha"], rel=1e-9)
    before = "warm_up" if run.config.warm_up is not None else "spin_up"
    assert ends[before, "BAU"] == pytest.approx(run.map("T0_Map030")[at], rel=FLOAT32)
    for scenario in GAINS:
        final = run.map(f"finalSOC_{scenario}_Map030")[at]
        assert ends["forward", scenario] == pytest.approx(final, rel=FLOAT32)


@pytest.mark.parametrize(("name", "lon", "lat"), [cell[:3] for cell in CELLS[:2]])
def test_climate_of_a_cell_is_that_of_the_files(tmp_path: Path, name: str, lon: float, lat: float):
    config = runs.load(name, tmp_path)
    cell = load_cell(config, lon, lat).isel(cell=0)
    assert config.warm_up is not None
    temperature, rain = raw_years(config, cell, config.warm_up.years)
    assert cell["temperature_warm_up"].values == pytest.approx(np.array(temperature), rel=1e-6)
    assert cell["rain_warm_up"].values == pytest.approx(np.array(rain), rel=1e-6)
    for key, series in (("temperature", temperature), ("rain", rain)):
        mean_year = np.array(series).reshape(-1, YEAR).mean(axis=0)
        assert cell[f"{key}_forward"].values == pytest.approx(mean_year, rel=1e-6)


def test_iberia_spins_up_to_the_soc_map(tmp_path: Path):
    """Every cell: a year from the equilibrium pools ends on the mapped stock again."""
    config = runs.load("iberia", tmp_path)
    loaded = CountryInputs(config).load()
    a = CountryInputs(config).grid.transform
    mapped = runs.read_map(config.inputs.soc.path)
    rows, columns = loaded.cells["row"].values, loaded.cells["column"].values
    some = range(0, rows.size, 20)
    for i in some:
        lon, lat = a.c + (columns[i] + 0.5) * a.a, a.f + (rows[i] + 0.5) * a.e
        year = trajectory(config, lon, lat).months.query("phase == 'spin_up'")
        assert year["soc_tc_ha"].iloc[-1] == pytest.approx(mapped[rows[i], columns[i]], rel=1e-9)
