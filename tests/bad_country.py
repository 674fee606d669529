"""A synthetic country of 12 x 10 cells, valid as it is, in which a test breaks exactly one thing.

    country = Country(tmp_path)
    country.layers["clay"].values *= 10.0
    country.write()

Everything is plain numpy and deterministic. The SOC grid has cells of 0.1 degree; land cover is
finer (0.05), the climate coarser (0.25) and wider than the country.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from recarb.core.config import RunConfig, load_config
from recarb.core.errors import ConfigError, InputError, RecarbError
from recarb.core.findings import Finding, stopping
from recarb.sequestration.checks import check_run
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.maps import to_maps
from recarb.sequestration.pipeline import run
from recarb.sequestration.simulate import simulate

WEST, NORTH = 20.0, 42.0
COLUMNS, ROWS = 12, 10
CELL = 0.1
FIRST_YEAR, LAST_YEAR = 1999, 2003  # reference 1999-2000, SOC map 2000, warm-up 2001-2003
LONLAT = "EPSG:4326"
CLIMATE = ("temperature", "rain", "pet")
UNITS = {
    "soc": "t/ha",
    "clay": "%",
    "temperature": "degC",
    "rain": "mm/month",
    "pet": "mm/month",
    "elevation": "m",
    "sand": "%",
    "cover": "1",
}


@dataclass
class Raster:
    """One GeoTIFF before it is written; every field may be changed or taken away."""

    values: NDArray[Any]  # (band, y, x)
    transform: Affine
    unit: str | None = None  # tag
    nodata: float | None = None  # tag
    crs: str | None = LONLAT
    names: tuple[str, ...] = ()
    scale: float = 1.0  # tag
    offset: float = 0.0  # tag
    keep_bytes: float = 1.0  # share of the file that survives

    def write(self, path: Path) -> None:
        profile = {"driver": "GTiff", "dtype": self.values.dtype, "transform": self.transform}
        bands, height, width = self.values.shape
        shape = {"count": bands, "height": height, "width": width}
        with rasterio.open(path, "w", **profile, **shape, crs=self.crs, nodata=self.nodata) as file:
            file.write(self.values)
            if self.names:
                file.descriptions = self.names
            if self.unit is not None:
                file.units = [self.unit] * bands
            if (self.scale, self.offset) != (1.0, 0.0):
                file.scales, file.offsets = [self.scale] * bands, [self.offset] * bands
        if self.keep_bytes < 1.0:
            content = path.read_bytes()
            path.write_bytes(content[: int(len(content) * self.keep_bytes)])


def grid(
    cell: float, west: float = WEST, north: float = NORTH, width: float = 1.2, height: float = 1.0
) -> tuple[Affine, tuple[int, int]]:
    """Transform and shape of a grid of `cell` degrees over a box."""
    shape = (math.ceil(round(height / cell, 6)), math.ceil(round(width / cell, 6)))
    return Affine(cell, 0.0, west, 0.0, -cell, north), shape


def pattern(shape: tuple[int, ...], low: float, high: float) -> NDArray[np.float64]:
    """Smooth values between `low` and `high`, different in every cell of a small grid."""
    height, width = shape[-2:]
    y, x = np.mgrid[0:height, 0:width]
    wave = 0.5 + 0.25 * (np.sin(0.7 * x + 0.2) + np.cos(0.9 * y + 0.1 * x))
    return low + (high - low) * wave


def months(first: int = FIRST_YEAR, last: int = LAST_YEAR) -> tuple[str, ...]:
    """`YYYY-MM` of every month of some years."""
    return tuple(f"{year}-{m:02d}" for year in range(first, last + 1) for m in range(1, 13))


def series(shape: tuple[int, int], names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Temperature, rain and PET of a temperate country, (band, y, x)."""
    month = np.array([int(name[5:]) for name in names])
    year = np.array([int(name[:4]) for name in names]) - FIRST_YEAR
    season = -np.cos(2.0 * np.pi * (month - 0.5) / 12.0)[:, None, None]
    drift = (year * 0.05 + 0.3 * np.sin(1.7 * year))[:, None, None]
    return {
        "temperature": pattern(shape, 10.0, 14.0) + 10.0 * season + drift,
        "rain": pattern(shape, 60.0, 90.0) * (1.0 - 0.3 * season) * (1.0 + 0.05 * drift),
        "pet": pattern(shape, 60.0, 80.0) * (1.0 + 0.8 * season) * (1.0 + 0.01 * drift),
    }


@dataclass
class Country:
    """Rasters and run.toml of one country, in memory until `write`."""

    folder: Path
    layers: dict[str, Raster] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)  # keys beside a layer's path
    table: dict[str, Any] = field(default_factory=dict)  # the rest of run.toml
    product: str = "made up 1.0"
    spoiled: dict[str, bytes | None] = field(default_factory=dict)  # other bytes; None: no file

    def __post_init__(self) -> None:
        self.layers = self.layers or plain_layers()
        self.table = {
            "iso3": "BAD",
            "output": "out",
            "spin_up": {"climate": "series", "years": [1999, 2000]},
            "warm_up": {"climate": "series", "years": [2001, 2003]},
            "forward": {"years": 5},
            "uncertainty": {"chains": False},
        } | self.table

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.tif"

    def option(self, key: str, **values: Any) -> None:
        """Write `values` beside a layer's path in run.toml."""
        self.options.setdefault(key, {}).update(values)

    def set(self, section: str, **values: Any) -> None:
        """Change keys of one table of run.toml."""
        self.table[section] = self.table.get(section, {}) | values

    def add(self, key: str, values: NDArray[Any], **tags: Any) -> Raster:
        """Add a layer on the SOC grid, (y, x) or (band, y, x)."""
        bands = values if values.ndim == 3 else values[None]
        soc = self.layers["soc"]
        raster = Raster(bands, soc.transform, UNITS.get(key), crs=soc.crs, **tags)
        self.layers[key] = raster
        return raster

    def without_years(self) -> None:
        """Turn the series into twelve long-term means, run without warm-up."""
        for key in CLIMATE:
            raster = self.layers[key]
            raster.values = raster.values[:12]
            raster.names = ()
        self.table["climate"] = {"climatology": True}
        self.table["spin_up"] = {"climate": "series"}
        self.table.pop("warm_up")

    def toml(self) -> str:
        """The text of run.toml."""
        table = dict(self.table)
        climate: dict[str, Any] = {"product": self.product} | table.pop("climate", {})
        inputs = {}
        for key in self.layers:
            entry = {"path": f"{key}.tif"} | self.options.get(key, {})
            if key in CLIMATE:
                climate[key] = entry
            else:
                inputs[key] = entry
        table["inputs"] = inputs
        table["climate"] = {"series": climate}
        return toml_text(table)

    def write(self) -> Path:
        """Write everything and return the path of run.toml."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for key, raster in self.layers.items():
            raster.write(self.path(key))
        for key, content in self.spoiled.items():
            self.path(key).unlink()
            if content is not None:
                self.path(key).write_bytes(content)
        path = self.folder / "run.toml"
        path.write_text(self.toml(), encoding="utf-8")
        return path

    def config(self) -> RunConfig:
        """Write everything and read run.toml."""
        return load_config(self.write())


def plain_layers() -> dict[str, Raster]:
    """The layers of a country in which nothing is wrong."""
    at, shape = grid(CELL)
    fine_at, fine = grid(CELL / 2)
    wide_at, wide = grid(0.25, WEST - 0.5, NORTH + 0.5, 2.25, 2.0)
    y, x = np.mgrid[0 : fine[0], 0 : fine[1]]
    cover = np.where((x // 4 + y // 4) % 2, 10, 130).astype(np.uint8)  # cropland, grassland
    names = months()
    return {
        "soc": Raster(pattern(shape, 35.0, 75.0)[None], at, UNITS["soc"]),
        "clay": Raster(pattern(shape[::-1], 15.0, 30.0).T[None], at, UNITS["clay"]),
        "land_use": Raster(cover[None], fine_at, nodata=0),
    } | {
        key: Raster(values, wide_at, UNITS[key], names=names)
        for key, values in series(wide, names).items()
    }


def toml_text(table: dict[str, Any], path: str = "") -> str:
    """TOML of nested tables; scalars and lists first, as TOML wants them."""
    lines = [f"[{path}]"] if path else []
    lines += [f"{k} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict)]
    text = "\n".join(lines) + "\n"
    for key, inner in table.items():
        if isinstance(inner, dict):
            text += toml_text(inner, f"{path}.{key}" if path else str(key))
    return text


def _value(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return {True: "nan", False: "inf" if value > 0 else "-inf"}[math.isnan(value)]
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def traces(folder: Path) -> list[str]:
    """What stands under the name of an output folder, or was left behind beside it."""
    return sorted(path.name for path in folder.parent.glob(f"{folder.name}*"))


def codes(findings: Iterable[Finding]) -> list[str]:
    """Codes of the findings that stop a run."""
    return [finding.code for finding in stopping(findings)]


def assert_refused(country: Country, *codes_expected: str, said: Iterable[str]) -> str:
    """Check that a run stops with exactly these findings, says so, and leaves nothing behind.

    `said` are pieces of the message: the file, what was expected, what came, what to do.
    Returns the message.
    """
    config = country.config()
    found = check_run(config).findings
    assert sorted(codes(found)) == sorted(codes_expected), [finding.line() for finding in found]
    kind = ConfigError if set(codes_expected) == {"config"} else InputError
    with pytest.raises(RecarbError) as caught:
        run(config)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert caught.value.exit_code == {ConfigError: 2, InputError: 3}[kind]
    for words in said:
        assert words in message, f"{words!r} is missing in: {message}"
    assert traces(country.output) == []
    return message


def reasons(country: Country) -> dict[str, int]:
    """Cells by outcome, of a country whose inputs pass the check."""
    report = check_run(country.config())
    assert codes(report.findings) == [], [finding.line() for finding in report.findings]
    assert report.inputs is not None
    ledger = Ledger()
    ledger.add(report.inputs.load().outcome)
    return ledger.reasons()


def computed(country: Country) -> tuple[CountryInputs, dict[str, NDArray[np.float64]]]:
    """Inputs and products of a country as maps, without writing any."""
    report = check_run(country.config())
    assert codes(report.findings) == [], [finding.line() for finding in report.findings]
    inputs = report.inputs
    assert inputs is not None
    cells = inputs.load().cells
    both = {**to_maps(cells, inputs.grid), **to_maps(simulate(cells, inputs.config), inputs.grid)}
    return inputs, {str(name): values.values for name, values in both.items()}


def maps_of(folder: Path, pattern: str = "*.tif") -> dict[str, NDArray[np.float64]]:
    """Every map of a finished run as float64, NaN = nodata."""
    found = {}
    for path in sorted(folder.rglob(pattern)):
        with rasterio.open(path) as source:
            found[path.name] = source.read(1, masked=True).astype(np.float64).filled(np.nan)
    return found
