"""What a check collects: findings instead of exceptions, and one row per layer."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import numpy as np
import xarray as xr

from recarb.core.errors import ConfigError, RecarbError
from recarb.core.findings import Finding, Progress, Severity, no_progress
from recarb.io.opened import GDAL_ERRORS
from recarb.io.raster import LayerFile
from recarb.sequestration.inputs import CountryInputs

Given = ParamSpec("Given")
Result = TypeVar("Result")

WHAT = "checking the inputs"  # what a progress bar says
CONFIG = "config"  # code of a fault of run.toml itself
# what the libraries under us raise when a file is damaged or a coordinate system is strange
BAD_DATA = (*GDAL_ERRORS, OSError, ValueError, ArithmeticError, RuntimeError)


@dataclass
class LayerSummary:
    """One row of the table `recarb check` prints; the mean is that of the possible values."""

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
    )


def _finding(code: str, where: str, text: str) -> Finding:
    """The finding of an error; a message that begins with its place is not told it twice."""
    if text.startswith(where) and ": " in text:
        where, text = text.split(": ", 1)
    return Finding(code, Severity.ERROR, where, text)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
