"""What a check collects: findings instead of exceptions, and one row per layer."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from recarb.core.errors import ConfigError, RecarbError
from recarb.core.findings import Finding, Progress, Severity, no_progress
from recarb.core.grid import is_geographic
from recarb.io.opened import GDAL_ERRORS
from recarb.io.raster import LayerFile, version_of
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.look import Look, Sampler

Given = ParamSpec("Given")
Result = TypeVar("Result")

WHAT = "checking the inputs"  # what a progress bar says
SECONDS_PER_DEG, LARGE_DEG = 3600.0, 0.1  # cells from there on are told in degrees
CONFIG = "config"  # code of a fault of run.toml itself
# what the libraries under us raise when a file is damaged or a coordinate system is strange
BAD_DATA = (*GDAL_ERRORS, OSError, ValueError, ArithmeticError, RuntimeError)


@dataclass
class LayerSummary:
    """One row of the table `recarb check` prints.

    `mean` is that of the possible values; `missing_pct` counts cells of the layer, `covers_pct`
    places of the country (inside the boundary, with a stock), which only a check with a look knows.
    """

    key: str
    file: str
    unit: str
    unit_from: str
    values_in: str
    grid: str
    bands: int
    low: float = np.nan
    high: float = np.nan
    mean: float = np.nan
    missing_pct: float = np.nan
    version: str = ""
    resolution: str = ""
    covers_pct: float = np.nan


@dataclass
class CheckReport:
    """What `recarb check` found."""

    findings: list[Finding] = field(default_factory=list)
    layers: list[LayerSummary] = field(default_factory=list)
    codes: dict[str, dict[int, int]] = field(default_factory=dict)
    inputs: CountryInputs | None = None
    example: xr.Dataset | None = None  # a cell that runs
    progress: Progress = no_progress
    expected: int = 1  # layers of the run
    look: Look | None = None  # small maps, where they are wanted
    cells: float = 0.0  # that will run, about
    seconds: float = 0.0  # that the check took

    def attempt(
        self, where: str, action: Callable[Given, Result], *args: Given.args, **named: Given.kwargs
    ) -> Result | None:
        """Do something; an error becomes a finding and the check goes on."""
        try:
            return action(*args, **named)
        except RecarbError as error:
            code = CONFIG if isinstance(error, ConfigError) else _snake_case(type(error).__name__)
            self.findings.append(_finding(code, where, str(error)))
        except BAD_DATA as error:
            name = type(error).__name__
            self.findings.append(
                Finding(
                    "unreadable",
                    Severity.ERROR,
                    where,
                    f"cannot be used ({name}: {error})",
                    "is the file complete, and is its coordinate system a common one (EPSG code)?",
                )
            )
        return None

    def tell(self, findings: Iterable[Finding]) -> bool:
        """Add findings; whether there were errors among them."""
        added = list(findings)
        self.findings += added
        return any(finding.severity is Severity.ERROR for finding in added)

    @property
    def errors(self) -> int:
        """Number of errors found so far."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def broken(self) -> bool:
        """Whether any error was found."""
        return self.errors > 0

    def opened(self, file: LayerFile, key: str) -> LayerSummary:
        """Add the row of a layer before its values are read."""
        self.progress(len(self.layers), self.expected, WHAT)
        row = summary_of(file, key)
        self.layers.append(row)
        return row

    def sampler(
        self, file: LayerFile, key: str, classes: Mapping[int, int] | None = None
    ) -> Sampler | None:
        """What makes the small map of a layer while it is read; None where nobody wants one."""
        return None if self.look is None else self.look.sampler(file, key, classes)


def summary_of(layer: LayerFile, key: str | None = None) -> LayerSummary:
    """The row of a layer before its values are read."""
    a, shape = layer.geobox.transform, layer.geobox.shape
    return LayerSummary(
        key=key or layer.key,
        file=layer.layer.path.name,
        unit=layer.unit,
        values_in=layer.quantity.unit,
        unit_from=layer.unit_from,
        grid=f"{shape[1]} x {shape[0]}, {a.a:.6g}",
        bands=layer.count,
        version=version_of(layer),
        resolution=resolution_of(layer.geobox),
    )


def resolution_of(grid: GeoBox) -> str:
    """Size of a cell for people: seconds or degrees of arc, else metres.

    >>> from affine import Affine
    >>> resolution_of(GeoBox((1, 1), Affine.scale(1 / 120, -1 / 120), "EPSG:4326"))
    '30 arc-seconds'
    """
    side = max(abs(grid.transform.a), abs(grid.transform.e))
    if not is_geographic(grid):
        unit = next(iter(getattr(grid.crs, "units", ())), "")
        return f"{side:.6g} {'m' if unit.startswith('met') else unit}".strip()
    if side < LARGE_DEG:
        return f"{side * SECONDS_PER_DEG:.4g} arc-seconds"
    return f"{side:.4g} degrees"


def _finding(code: str, where: str, text: str) -> Finding:
    """The finding of an error; a message that begins with its place is not told it twice."""
    if text.startswith(where) and ": " in text:
        where, text = text.split(": ", 1)
    return Finding(code, Severity.ERROR, where, text)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
