"""Potential evapotranspiration (PET) from monthly climate, by three published methods.

FAO-56 Penman-Monteith and Hargreaves come from pyet. Thornthwaite is written here: pyet 1.4 has
none; xclim 0.62 and climate-indices 3.1 bring 19 and 12 more packages, take 4 to 9 s to import,
leave out the table for months above 26.5 degC and divide 0 by 0 where no month is above 0 degC.

[A98] Allen et al. 1998, FAO Irrig. Drain. Paper 56; [T48] Thornthwaite 1948, Geogr. Rev. 38:55-94.
"""

import logging

import numpy as np
import pandas as pd
import pyet
import xarray as xr
from numpy.typing import NDArray

from recarb.core.errors import ConfigError, GridMismatch, MissingData, OutOfRange

_LOG = logging.getLogger(__name__)
CUBE, MAP = ("time", "y", "x"), ("y", "x")
TEMPERATURES = ("temperature", "temperature_min", "temperature_max")
PET_METHODS: dict[str, tuple[str, ...]] = {
    "fao56": (*TEMPERATURES, "radiation", "vapour_pressure", "wind"),
    "hargreaves": TEMPERATURES,
    "thornthwaite": ("temperature",),
}
POSSIBLE = {  # beyond these a unit is wrong or a code for "missing" was read as a number
    **dict.fromkeys(TEMPERATURES, (-100.0, 70.0)),
    "radiation": (0.0, 600.0),  # above the air, the midsummer pole gets 560 W m-2
    **dict.fromkeys(("vapour_pressure", "wind"), (0.0, 100.0)),
    "elevation": (-500.0, 9000.0),
    "latitude": (-90.0, 90.0),
}

MJ_PER_DAY_PER_WATT, KPA_PER_HPA = 0.0864, 0.1  # 86 400 s day-1 / 1e6 J MJ-1
HOURS_PER_RADIAN = 24.0 / np.pi  # day length / sunset hour angle, A98 eq. 34
WIND_SCALE, WIND_SLOPE, WIND_SHIFT = 4.87, 67.8, 5.42  # A98 eq. 47
MID_MONTH = 15  # the day whose sun stands for the month, A98 p. 46
NOMINAL_YEAR = 2001  # not a leap year; the year of a climatology has no meaning
FEBRUARY, FEBRUARY_DAYS = 2, 28.25  # mean February, as in the CRU climatologies
MONTHS = list(range(1, 13))
HEAT_SCALE_C, HEAT_POWER = 5.0, 1.514  # i = (T / 5)^1.514, T48 p. 89
EXPONENT = (6.75e-7, -7.71e-5, 1.792e-2, 0.49239)  # a(I), highest power first, T48 eq. 9
STANDARD_MM, STANDARD_DAYS, STANDARD_HOURS, RATIO = 16.0, 30.0, 12.0, 10.0  # T48 eq. 10
HOT_MIN_C, HOT_MAX_C = 26.5, 38.0  # months off the curve, every 0.5 degC, T48 fig. 13
HOT_MM = (
    *(135.0, 139.5, 143.7, 147.8, 151.7, 155.4, 158.9, 162.1, 165.2, 168.0, 170.7, 173.1),
    *(175.3, 177.2, 179.0, 180.5, 181.8, 182.9, 183.7, 184.3, 184.7, 184.9, 185.0, 185.0),
)


def potential_evapotranspiration(
    method: str,
    climate: xr.Dataset,
    *,
    latitude: xr.DataArray,
    elevation: xr.DataArray | None = None,
    climatology: bool,
    wind_height_m: float = 10.0,
) -> xr.DataArray:
    """Potential evapotranspiration [mm month-1] of every month and cell.

    Parameters
    ----------
    method : a key of `PET_METHODS`, which lists the variables it needs
    climate : (time, y, x) in memory, time are month starts: temperature, temperature_min and
        temperature_max [degC], radiation [W m-2], vapour_pressure [hPa], wind [m s-1]
    latitude : (y, x) [degrees north]
    elevation : (y, x) [m]; only "fao56" needs it
    climatology : True for twelve mean months, January to December; February has 28.25 days
    wind_height_m : height of the wind above ground [m]

    Returns
    -------
    (time, y, x) [mm month-1]; NaN where an input is NaN. A cell depends on no other cell.

    Notes
    -----
    FAO-56 neglects the soil heat flux, some 0.1 mm day-1 in a month (A98 eq. 43). Vapour above
    saturation is used as it is: the aerodynamic term turns negative, PET falls, and a log warning
    counts the months. Where FAO-56 or Hargreaves is negative (polar winter) the demand is 0.
    """
    if method not in PET_METHODS:
        raise ConfigError(f"PET method {method!r} is unknown; use one of {', '.join(PET_METHODS)}.")
    maps = {"latitude": latitude} | ({"elevation": elevation} if method == "fao56" else {})
    months = pd.DatetimeIndex(climate["time"].values)
    if climatology and list(months.month) != MONTHS:
        raise MissingData(f"A climatology is January to December; got {list(months.month)}.")
    year = NOMINAL_YEAR if climatology else months.year
    sun = pd.to_datetime({"year": year, "month": months.month, "day": MID_MONTH})
    inputs = _gather(method, climate, maps).assign_coords(time=sun.to_numpy())
    if method == "thornthwaite":
        daily = thornthwaite(inputs["temperature"], daylight_hours(inputs))
    elif method == "hargreaves":
        mean, low, high = (inputs[name] for name in TEMPERATURES)
        daily = pyet.hargreaves(mean, high, low, inputs["latitude"])
    else:
        daily = _fao56(inputs, wind_height_m)
    days = np.where(climatology & (months.month == FEBRUARY), FEBRUARY_DAYS, months.days_in_month)
    pet = daily.transpose(*CUBE).values * days[:, np.newaxis, np.newaxis]
    attrs = {"units": "mm month-1", "long_name": "potential evapotranspiration", "method": method}
    coords, name = climate["temperature"].coords, "potential_evapotranspiration"
    return xr.DataArray(pet, coords, CUBE, name, attrs)


def wind_at_2m(wind: xr.DataArray, height_m: float) -> xr.DataArray:
    """Wind 2 m above short grass [m s-1] from `wind` at `height_m`. A98 eq. 47."""
    if not (argument := WIND_SLOPE * height_m - WIND_SHIFT) > 1.0:
        raise OutOfRange(f"Expected the height of the wind in m, 2 or 10 say; got {height_m}.")
    return wind * float(WIND_SCALE / np.log(argument))


def daylight_hours(inputs: xr.Dataset) -> xr.DataArray:
    """Sunrise to sunset, (time, y, x) [h]; 0 in polar night, 24 in polar day. A98 eq. 34.

    Not by `pyet.daylight_hours`, which asks for the longest day among all cells.
    """
    declination = pyet.solar_declination(pyet.day_of_year(inputs.indexes["time"]))
    angle: xr.DataArray = pyet.sunset_angle(declination, inputs["latitude"])
    return angle * HOURS_PER_RADIAN


def heat_index(temperature: xr.DataArray) -> xr.DataArray:
    """Annual heat index I, (y, x) [-], of the mean year in `temperature` [degC]. T48 p. 89.

    A year with a gap counts with its other months; a cell without, say, any May has no index (NaN).
    """
    index = xr.zeros_like(temperature[0].drop_vars("time"))
    for month in MONTHS:
        years = temperature.values[temperature["time"].dt.month == month]
        if not len(years):
            raise MissingData(f"Thornthwaite needs every calendar month; month {month} is absent.")
        # a running sum, because `sum` rounds differently in blocks of different shape
        total, count = np.nancumsum(years, axis=0)[-1], np.isfinite(years).sum(axis=0)
        normal = total / np.where(count > 0, count, np.nan)
        index += (np.maximum(normal, 0.0) / HEAT_SCALE_C) ** HEAT_POWER
    return index


def thornthwaite(temperature: xr.DataArray, daylight_h: xr.DataArray) -> xr.DataArray:
    """Thornthwaite PET, (time, y, x) [mm day-1], from [degC] and [h]. T48 eq. 10 and fig. 13.

    Months below 0 degC have none, nor where I is 0; above 38 degC the table's last value holds. The
    curve was drawn for I of some 10 to 160: in tundra (I near 0) it gives far too much, left so.
    """
    index, warm = heat_index(temperature), temperature.clip(min=0.0)
    ratio = RATIO * warm / index.where(index != 0.0, 1.0)
    curve = STANDARD_MM * ratio ** index.copy(data=np.polyval(EXPONENT, index))
    curve = curve.where(index != 0.0, 0.0 * warm)  # 0 * warm keeps a gap a gap
    hot = np.interp(temperature, np.linspace(HOT_MIN_C, HOT_MAX_C, len(HOT_MM)), HOT_MM)
    standard = curve.where(~(temperature > HOT_MIN_C), hot)
    return standard * (daylight_h / STANDARD_HOURS) / STANDARD_DAYS


def _fao56(inputs: xr.Dataset, wind_height_m: float) -> xr.DataArray:
    """FAO-56 Penman-Monteith PET of short grass, (time, y, x) [mm day-1]. A98 eq. 6."""
    mean, low, high = (inputs[name] for name in TEMPERATURES)
    height, latitude, radiation = inputs["elevation"], inputs["latitude"], inputs["radiation"]
    vapour = inputs["vapour_pressure"] * KPA_PER_HPA
    lit = (radiation + height + latitude).notnull()
    excess: xr.DataArray = (vapour - pyet.calc_es(tmax=high, tmin=low)).where(lit)
    if excess.isnull().all():
        return excess  # pyet stops where no cell has a net radiation
    if count := int((excess > 0.0).sum()):
        _LOG.warning("vapour above saturation: %d months, at most %.3f kPa", count, excess.max())
    wind, solar = wind_at_2m(inputs["wind"], wind_height_m), radiation * MJ_PER_DAY_PER_WATT
    place = {"elevation": height, "lat": latitude}
    pet: xr.DataArray = pyet.pm_fao56(mean, wind, solar, tmax=high, tmin=low, ea=vapour, **place)
    return pet


def _gather(method: str, climate: xr.Dataset, maps: dict[str, xr.DataArray | None]) -> xr.Dataset:
    """Layers without coordinates, latitude in radians; refuses what cannot be used."""
    found = {name: climate.get(name) for name in PET_METHODS[method]} | maps
    layers = {name: layer for name, layer in found.items() if layer is not None}
    if absent := sorted(found.keys() - layers.keys()):
        raise MissingData(f"PET method {method!r} needs {', '.join(absent)}; none was given.")
    try:
        xr.align(*layers.values(), join="exact")
    except ValueError as error:
        raise GridMismatch(f"The layers {list(layers)} need one grid: {error}") from error
    bare = {}
    for name, layer in layers.items():
        dims, (low, high) = MAP if name in maps else CUBE, POSSIBLE[name]
        values = np.ascontiguousarray(layer.transpose(*dims).values, dtype=np.float64)
        bare[name] = xr.DataArray(values, dims=dims)
        _refuse((values < low) | (values > high), f"{name} outside {low} to {high}")
    if "temperature_min" in bare:
        swapped = bare["temperature_max"] < bare["temperature_min"]
        _refuse(swapped.values, "temperature_max below temperature_min")
    return xr.Dataset(bare | {"latitude": np.deg2rad(bare["latitude"])})


def _refuse(wrong: NDArray[np.bool_], what: str) -> None:
    """Raise OutOfRange with the number of wrong values and the place of the first."""
    if wrong.any():
        first = np.argwhere(wrong)[0].tolist()
        raise OutOfRange(f"{what}: {wrong.sum()} values, first at index {first} of ([time,] y, x).")
