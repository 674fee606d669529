"""`recarb example`: the synthetic country Tinyland, written as a country's own files would be.

Everything follows from the few sourced facts of example_facts.toml and fixed random numbers.
"""

import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from textwrap import indent, wrap

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import RunConfig, load_config
from recarb.core.errors import ConfigError, OutputError
from recarb.core.grid import cell_centres
from recarb.core.quantities import catalogue
from recarb.core.sums import running_mean
from recarb.harmonise.climate import ClimateReader, Points
from recarb.harmonise.crosswalk import load_crosswalk
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.harmonise.regrid import to_grid
from recarb.io.geotiff import write_geotiff
from recarb.io.raster import describe
from recarb.rothc.pools import inert_carbon
from recarb.sequestration.example_climate import Weather, make_weather
from recarb.sequestration.example_facts import MARGIN, PIXELS, climate_grid, facts, grid
from recarb.sequestration.example_land import (
    CARBON,
    GRASS,
    PERCENT,
    WATER,
    Land,
    make_land,
    province_polygons,
    smooth_noise,
)
from recarb.sequestration.layers import classes_on_grid
from recarb.sequestration.npp import npp_carbon
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables

Floats = NDArray[np.float64]

SYNTHETIC = "SYNTHETIC data of a country that does not exist; made by recarb"
NODATA = -9999.0
BYTE_NODATA = 255
TENTHS = 0.1
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
INERT_PASSES = 60  # the share of inert carbon changes by a tenth of the error: 60 are plenty
LINE = 98  # width of README.txt


def write_example(folder: Path, *, overwrite: bool = False) -> Path:
    """Write Tinyland into `folder` and return the path of its run.toml.

    Parameters
    ----------
    folder : is made if it does not exist
    overwrite : replace the example's files in a folder that holds something; others stay

    Raises
    ------
    ConfigError
        The folder holds something, or is no folder.
    OutputError
        The files cannot be written.
    """
    _check_folder(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as name:
            part = Path(name)
            _write_files(part)
            for path in sorted(part.iterdir()):
                os.replace(path, folder / path.name)
    except OSError as error:
        raise OutputError(f"cannot write the example into {folder}: {error}") from error
    return folder / "run.toml"


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; the example needs a folder of its own")
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise ConfigError(
            f"the folder {folder} is not empty; name a new one, or replace the example's files in "
            "it with --overwrite"
        )


def _write_files(folder: Path) -> None:
    land = make_land()
    _write_land(folder, land)
    _write_weather(folder, make_weather(land.elevation_m))
    _write_boundary(folder)
    room = files("recarb.sequestration")
    run_toml = (room / "example_run.toml").read_text(encoding="utf-8")
    (folder / "run.toml").write_text(run_toml, encoding="utf-8", newline="\n")
    readme = (room / "example_readme.txt").read_text(encoding="utf-8") + _sources()
    (folder / "README.txt").write_text(readme, encoding="utf-8", newline="\n")
    _write_soc(folder, land)


def _tags(title: str) -> dict[str, str]:
    return {"title": f"Tinyland, {title}", "note": SYNTHETIC}


def _write_land(folder: Path, land: Land) -> None:
    cells, pixels = grid(), grid(PIXELS)
    known = land.inside & land.surveyed
    for name, values, where in (
        ("clay", land.clay_pct, known),
        ("sand", land.sand_pct, land.inside),
    ):
        bands = np.where(where, values, NODATA)[None].astype(np.float32)
        tags = _tags(catalogue()[name].long_name)
        write_geotiff(folder / f"{name}.tif", bands, cells, unit="%", nodata=NODATA, tags=tags)
    cover = np.where(land.inside, land.cover_pct, BYTE_NODATA).astype(np.uint8)
    write_geotiff(
        folder / "cover.tif",
        cover,
        cells,
        unit="percent",
        names=MONTHS,
        nodata=BYTE_NODATA,
        tags=_tags("share of satellite images with green plants"),
    )
    write_geotiff(
        folder / "land_cover.tif",
        land.land_cover[None],
        pixels,
        nodata=0,
        tags=_tags("ESA CCI codes"),
    )
    height = land.elevation_m[None].astype(np.int16)
    sea = MARGIN * PIXELS
    write_geotiff(
        folder / "elevation.tif",
        np.pad(height, ((0, 0), (sea, sea), (sea, sea))),
        _wide(),
        unit="m",
        tags=_tags("elevation"),
    )


def _write_weather(folder: Path, weather: Weather) -> None:
    def series(name: str, values: Floats, unit: str | None, scale: float) -> None:
        write_geotiff(
            folder / f"{name}.tif",
            np.round(values / scale).astype(np.int16),
            climate_grid(),
            unit=unit,
            names=weather.months,
            scale=scale,
            tags=_tags(catalogue()[name].long_name),
        )

    series("temperature", weather.temperature_c, "degC", TENTHS)
    series("rain", weather.rain_mm, None, 1.0)
    series("pet", weather.pet_mm, "mm/month", TENTHS)


def _write_boundary(folder: Path) -> None:
    features = [
        {"type": "Feature", "properties": {"province": name, "note": SYNTHETIC}, "geometry": shape}
        for name, shape in zip(facts().country.provinces, province_polygons(), strict=True)
    ]
    content = {"type": "FeatureCollection", "features": features}
    text = json.dumps(content, indent=1) + "\n"
    (folder / "boundary.geojson").write_text(text, encoding="utf-8", newline="\n")


def _write_soc(folder: Path, land: Land) -> None:
    """The stock that RothC gives under the files just written, times a smooth field."""
    config = load_config(folder / "run.toml")
    scatter = facts().soc.scatter_log_sd * smooth_noise(CARBON, facts().country.cells, 16)
    soc = np.round(equilibrium_stock(config, land) * np.exp(scatter), 1)
    soc[land.carbon_free] = 0.0
    bands = np.where(np.isfinite(soc), soc, NODATA)[None].astype(np.float32)
    tags = _tags(catalogue()["soc"].long_name) | {"substance": "C"}
    write_geotiff(folder / "soc.tif", bands, grid(), unit="t/ha", nodata=NODATA, tags=tags)


def equilibrium_stock(config: RunConfig, land: Land) -> Floats:
    """SOC in equilibrium with the climate of the spin-up [t C ha-1], (y, x); NaN in water.

    SOC = C y* + IOM(SOC), with y* the equilibrium per unit of input and C a share of NPP.
    """
    box, tables = grid(), ModelTables.of(config)
    choice = config.inputs.land_use
    cover_map = describe("land_use", choice)
    legend = load_crosswalk(choice.crosswalk)
    land_use = classes_on_grid(cover_map, 1, legend, choice, box)
    rows, columns = np.nonzero(land.inside & (land_use != legend.classes[WATER]))
    at = (rows, columns)
    cells, npp = _soils_under_climate(config, land, at, _turning_over(land_use)[at])
    state = spin_up(cells, tables)
    iom = state["iom"].values
    per_input = (cells["soc"].values - iom) / state["c_eq"].values
    active = land.input_share[at] * npp * per_input
    stock = active.copy()
    for _ in range(INERT_PASSES):
        stock = active + inert_carbon(stock, tables.parameters)
    result = np.full(box.shape, np.nan)
    result[at] = stock
    return result


def _turning_over(land_use: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Land use with a DPM/RPM ratio: a town has the soil of the grassland it was built on."""
    known = [code for code, row in land_use_classes().items() if row.dpm_rpm is not None]
    grass = load_crosswalk().classes[GRASS]
    return np.where(np.isin(land_use, known), land_use, np.uint8(grass or 0)).astype(np.uint8)


def _soils_under_climate(
    config: RunConfig,
    land: Land,
    at: tuple[NDArray[np.intp], NDArray[np.intp]],
    land_use: NDArray[np.uint8],
) -> tuple[xr.Dataset, Floats]:
    """What the spin-up needs, for a stock of 1 t C ha-1, and NPP [t C ha-1 yr-1]."""
    box = grid()
    assert config.inputs.elevation is not None  # noqa: S101 - run.toml of the example names it
    elevation = describe("elevation", config.inputs.elevation)
    lon, lat = cell_centres(box, at[0], at[1])
    points = Points(lon, lat, to_grid(elevation, box)[at])
    name, years = config.spin_up.climate, config.spin_up.years
    reader = ClimateReader(name, config.climate[name], elevation, config.model)
    normal = reader.sample(points, years, "climatology")
    yearly = reader.sample(points, years, "years", pet=False)
    month = ("month", "cell")
    cells = xr.Dataset(
        {
            "soc": ("cell", np.ones(lon.size)),
            "clay": ("cell", land.clay_pct[at]),
            "land_use_spin_up": ("cell", land_use),
            "cover_spin_up": (month, land.cover_pct[:, at[0], at[1]] / PERCENT),
            "temperature_spin_up": (month, normal.temperature),
            "rain_spin_up": (month, normal.rain),
            "pet_spin_up": (month, normal.pet),
            "irrigation": (month, np.zeros_like(normal.rain)),
        }
    )
    return cells, running_mean(npp_carbon(yearly.temperature, yearly.rain))


def _sources() -> str:
    lines = []
    for name, source in facts().sources().items():
        lines += [f"{name}", indent("\n".join(wrap(source, LINE - 4)), "    ")]
    return "\n".join(lines) + "\n"


def _wide() -> GeoBox:
    """The country's grid of 10 arc-seconds with the sea around it."""
    return grid(PIXELS, margin=MARGIN)
