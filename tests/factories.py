"""What many tests need: rasters on disk, a configuration without files, cells with a climate."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from recarb.core.config import Layer, RunConfig
from recarb.core.quantities import catalogue
from recarb.io.raster import LayerFile, describe

LONLAT = "EPSG:4326"
YEAR = 12

MINIMAL: dict[str, Any] = {
    "iso3": "XXX",
    "inputs": {
        "soc": {"path": "soc.tif"},
        "clay": {"path": "clay.tif"},
        "land_use": {"path": "land_use.tif"},
    },
    "climate": {
        "one": {
            "product": "one product",
            "temperature": {"path": "t.tif"},
            "rain": {"path": "p.tif"},
            "pet": {"path": "pet.tif"},
        }
    },
    "spin_up": {"climate": "one", "years": [1981, 2000]},
    "warm_up": {"climate": "one", "years": [2001, 2020]},
}


def tables(**changes: Any) -> dict[str, Any]:
    """The tables of a minimal run.toml; `changes` are merged in, None takes a table away."""
    merged = copy.deepcopy(MINIMAL)
    _merge(merged, changes)
    return merged


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def config(folder: Path | str = "country", **changes: Any) -> RunConfig:
    """A valid configuration whose files need not exist."""
    return RunConfig.model_validate(tables(**changes), context={"folder": Path(folder)})


def geobox(
    west: float, north: float, cell: float, shape: tuple[int, int], crs: str = LONLAT
) -> GeoBox:
    """A north-up grid by its upper left corner."""
    return GeoBox(shape, Affine(cell, 0.0, west, 0.0, -cell, north), crs)


def write_raster(
    path: Path,
    values: Any,
    box: GeoBox,
    *,
    unit: str | None = None,
    nodata: float | None = None,
    names: tuple[str, ...] = (),
    scale: float = 1.0,
    offset: float = 0.0,
) -> Path:
    """Write (y, x) or (band, y, x) as GeoTIFF in the dtype of `values`."""
    data = np.asarray(values)
    data = data[None] if data.ndim == 2 else data
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=data.dtype,
        count=data.shape[0],
        height=data.shape[1],
        width=data.shape[2],
        transform=box.transform,
        crs=str(box.crs) if box.crs is not None else None,
        nodata=nodata,
    ) as file:
        file.write(data)
        if names:
            file.descriptions = names
        if unit is not None:
            file.units = [unit] * data.shape[0]
        if (scale, offset) != (1.0, 0.0):
            file.scales = [scale] * data.shape[0]
            file.offsets = [offset] * data.shape[0]
    return path


def layer_file(path: Path, values: Any, box: GeoBox, key: str = "soc", **tags: Any) -> LayerFile:
    """Write a raster in the canonical unit of `key` and describe it."""
    quantity = catalogue()[key]
    write_raster(path, values, box, unit=tags.pop("unit", quantity.unit), **tags)
    return describe(key, Layer(path=path), quantity)


def months(first: int, last: int) -> tuple[str, ...]:
    """Band names of a monthly series of whole years."""
    return tuple(f"{year}-{month:02d}" for year in range(first, last + 1) for month in range(1, 13))


def season(mean: float, amplitude: float, peak: int = 6) -> np.ndarray:
    """Twelve values that swing about `mean`, highest in month `peak` (0 is January)."""
    return mean + amplitude * np.cos(2.0 * np.pi * (np.arange(YEAR) - peak) / YEAR)


# temperature [degC], rain and PET [mm month-1]: mean, amplitude, month of the maximum
CLIMATES = (
    ((9.5, 7.0, 6), (60.0, 8.0, 10), (50.0, 45.0, 6)),  # temperate
    ((16.0, 9.0, 6), (40.0, 35.0, 11), (95.0, 75.0, 6)),  # dry summer
    ((24.0, 3.0, 4), (85.0, 84.0, 6), (110.0, 25.0, 4)),  # wet and dry tropics, dry December
    ((-2.0, 16.0, 6), (35.0, 20.0, 6), (35.0, 34.0, 6)),  # cold
)


def cells(
    land_use: tuple[int, ...] = (2, 3, 12, 5),
    *,
    years: int = 20,
    warm_up: bool = True,
    reference: bool = True,
    warming: float = 0.6,
    seed: int = 1,
) -> xr.Dataset:
    """Cells as `CountryInputs.load` gives them, one climate after the other.

    The warm-up's years scatter about a climate that is warmer by `warming` K; the forward climate
    is their mean.
    """
    rng = np.random.default_rng(seed)
    codes = np.array(land_use, dtype=np.uint8)
    at = [CLIMATES[i % len(CLIMATES)] for i in range(codes.size)]
    temperature, rain, pet = (np.stack([season(*row[k]) for row in at], axis=1) for k in range(3))
    size, month = codes.size, ("month", "cell")
    found = xr.Dataset(
        {
            "soc": ("cell", np.linspace(40.0, 90.0, size)),
            "clay": ("cell", np.linspace(15.0, 40.0, size)),
            "land_use": ("cell", codes),
            "land_use_spin_up": ("cell", codes.copy()),
            "irrigation": (month, np.zeros((YEAR, size))),
            "temperature_spin_up": (month, temperature),
            "rain_spin_up": (month, rain),
            "pet_spin_up": (month, pet),
            "climate_filled": ("cell", np.zeros(size, dtype=bool)),
            "no_lapse_correction": ("cell", np.zeros(size, dtype=bool)),
        },
        coords={"row": ("cell", np.arange(size)), "column": ("cell", np.zeros(size, dtype=int))},
        attrs={"irrigation_counts_as_rain": False, "cover_threshold": 0.5},
    )
    later = {"temperature": temperature, "rain": rain, "pet": pet}
    if warm_up:
        series_of = (size, years * YEAR)  # drawn cell by cell
        series = {
            "temperature": np.tile(temperature, (years, 1))
            + warming
            + rng.normal(0.0, 0.8, series_of).T,
            "rain": np.tile(rain, (years, 1)) * rng.gamma(16.0, 1.0 / 16.0, series_of).T,
            "pet": np.tile(pet, (years, 1)) * rng.uniform(0.9, 1.1, series_of).T,
        }
        for name, values in series.items():
            found[f"{name}_warm_up"] = (("time", "cell"), values)
            later[name] = values.reshape(years, YEAR, size).mean(axis=0)
    if reference:
        found["temperature_reference"] = (
            ("reference", "cell"),
            temperature.mean(0) + rng.normal(0.0, 0.5, (size, 20)).T,
        )
        found["rain_reference"] = (
            ("reference", "cell"),
            rain.sum(0) * rng.gamma(40.0, 1.0 / 40.0, (size, 20)).T,
        )
    for name, values in later.items():
        found[f"{name}_forward"] = (month, values)
    cover = np.where(codes == 2, season(0.55, 0.45)[:, None], 1.0)
    for phase in ("spin_up", "forward", *(["warm_up"] if warm_up else [])):
        found[f"cover_{phase}"] = (month, cover)
    return found
