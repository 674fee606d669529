"""The climate of the synthetic country: monthly series on a grid of 1/24 degree, and PET.

Normals of a real station, moved by height and place, with a slow warming and random months. The
anomalies average to nothing over the period of the normals, so that a place at the station's height
has the station's normals.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.grid import cell_centres
from recarb.harmonise.pet import potential_evapotranspiration
from recarb.sequestration.example_facts import (
    CLIMATE_CELLS,
    MARGIN,
    PIXELS,
    climate_grid,
    facts,
    random,
)

Floats = NDArray[np.float64]

YEAR = 12
PERCENT = 100.0
M_PER_KM, M_PER_STEP = 1000.0, 100.0
YEARS_PER_DECADE = 10.0
WARM, WET = 101, 102  # numbers of the random streams


@dataclass(frozen=True)
class Weather:
    """Monthly series (month, y, x): temperature [degC, tenths], rain and PET [mm per month]."""

    months: tuple[str, ...]
    temperature_c: Floats
    rain_mm: Floats
    pet_mm: Floats


def climate_elevation(elevation_m: Floats) -> Floats:
    """Mean elevation of every climate cell [m], the sea around the country included."""
    wide = np.pad(elevation_m, MARGIN * PIXELS)
    step = CLIMATE_CELLS * PIXELS
    cells = wide.shape[0] // step
    return np.asarray(wide.reshape(cells, step, cells, step).mean(axis=(1, 3)))


def months() -> tuple[str, ...]:
    """`YYYY-MM` of the series."""
    v = facts().variability
    return tuple(
        f"{year}-{month:02d}"
        for year in range(v.first_year, v.last_year + 1)
        for month in range(1, YEAR + 1)
    )


def autoregressive(stream: int, count: int, memory: float) -> Floats:
    """AR(1) series of variance 1 and lag-one correlation `memory`, (count,)."""
    shocks = random(stream).standard_normal(count)
    series = np.empty(count)
    last = 0.0
    for i, shock in enumerate(shocks):
        last = memory * last + np.sqrt(1.0 - memory**2) * shock
        series[i] = last
    return series


def _in_normals() -> NDArray[np.bool_]:
    """Years of the series that lie in the period of the normals, (year,)."""
    v, period = facts().variability, facts().station.period
    years = np.arange(v.first_year, v.last_year + 1)
    return np.asarray((years >= period[0]) & (years <= period[1]))


def temperature_anomaly() -> Floats:
    """Difference of every month from its normal [K], (year, 12): trend and noise."""
    v, w = facts().variability, facts().warming
    years = np.arange(v.first_year, v.last_year + 1)
    trend = w.trend_c_per_decade / YEARS_PER_DECADE * (years - w.centre_year)
    noise = autoregressive(WARM, years.size * YEAR, v.temperature_memory).reshape(-1, YEAR)
    noise -= noise[_in_normals()].mean(axis=0)
    return trend[:, None] + v.temperature_sd_c * noise


def rain_factor() -> Floats:
    """Rain of every month over its normal [-], (year, 12)."""
    v = facts().variability
    count = (v.last_year - v.first_year + 1) * YEAR
    factor = np.exp(v.rain_log_sd * autoregressive(WET, count, v.rain_memory)).reshape(-1, YEAR)
    return np.asarray(factor / factor[_in_normals()].mean(axis=0))


def make_weather(elevation_m: Floats) -> Weather:
    """The series for a country of this relief, (pixel, pixel) [m]."""
    station, lapse, rain = facts().station, facts().lapse, facts().orography
    above = climate_elevation(elevation_m) - station.altitude_m
    across = (np.arange(above.shape[1]) + 0.5) / above.shape[1]
    coast_pct = rain.west_coast_pct + (rain.east_coast_pct - rain.west_coast_pct) * across
    height_factor = 1.0 + rain.rain_pct_per_100m / PERCENT * above / M_PER_STEP
    place = height_factor * (1.0 + coast_pct / PERCENT)

    warm = temperature_anomaly() + np.array(station.temperature_c)
    wet = rain_factor() * np.array(station.rain_mm)
    temperature = warm.reshape(-1, 1, 1) + lapse.rate_c_per_km * above / M_PER_KM
    temperature = np.round(temperature, 1)  # as the file keeps it, so that PET fits the file
    return Weather(
        months=months(),
        temperature_c=temperature,
        rain_mm=np.round(wet.reshape(-1, 1, 1) * place),
        pet_mm=np.round(_hargreaves(temperature), 1),
    )


def _hargreaves(temperature: Floats) -> Floats:
    """PET [mm per month] with the station's daily range of temperature."""
    station = facts().station
    daily_range = np.subtract(station.temperature_max_c, station.temperature_min_c)
    half = np.resize(daily_range / 2.0, temperature.shape[0])[:, None, None]
    dims = ("time", "y", "x")
    climate = xr.Dataset(
        {
            "temperature": (dims, temperature),
            "temperature_min": (dims, temperature - half),
            "temperature_max": (dims, temperature + half),
        },
        coords={"time": np.array(months(), dtype="datetime64[M]").astype("datetime64[ns]")},
    )
    box = climate_grid()
    rows, columns = np.mgrid[0 : box.shape[0], 0 : box.shape[1]]
    _, latitude = cell_centres(box, rows, columns)
    pet = potential_evapotranspiration(
        "hargreaves", climate, latitude=xr.DataArray(latitude, dims=dims[1:]), climatology=False
    )
    return np.asarray(pet.values)
