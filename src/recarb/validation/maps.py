"""Measured stocks against the maps of a run, each in its cell and its year.

The modelled stock of a year is linear between three dates: the SOC map (`model.soc_year`), t0 and
the end of the forward phase. The true course bends; `recarb run --point` gives it for one cell.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pydantic import ValidationError

from recarb.core.config import RunConfig, load_config
from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.core.grid import LONLAT, cell_centres, transform
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.io.raster import describe, read
from recarb.sequestration.forward import BAU
from recarb.sequestration.ledger import MEANING, Outcome
from recarb.sequestration.output import DIAGNOSTICS
from recarb.sequestration.pipeline import last_year
from recarb.sequestration.products import products
from recarb.validation.depth import stock_of_depth
from recarb.validation.observed import Observed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RECORD = "provenance.json"
COVARIATES = {  # diagnostics that residuals are held against: file stem -> column
    "C_eq": "c_eq_tc_ha_per_yr",
    "NPP": "npp_tc_ha_per_yr",
    "rate_spin_up": "rate_spin_up",
}
NOT_ON_MAP = "outside the map"
NO_YEAR = "no year"
BEFORE = "before the year of the SOC map"
AFTER = "after the end of the run"
NO_DEPTH = "no depth"
OTHER_DEPTH = "another depth than the run's"
NO_STOCK = "the run has no stock here for this year"


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder and the configuration its record holds."""

    folder: Path
    config: RunConfig

    @property
    def soc_year(self) -> int:
        """Year of the SOC map."""
        return self.config.model.soc_year

    @property
    def t0(self) -> int:
        """Year at whose end the forward phase starts."""
        return last_year(self.config)

    @property
    def end(self) -> int:
        """Year at whose end it ends."""
        return self.t0 + self.config.forward.years

    def map_path(self, key: str) -> Path:
        """File of a deliverable."""
        files = {p.key: p.file_name(self.config.iso3) for p in products(self.config)}
        return self.folder / f"{files[key]}.tif"

    def diagnostic_path(self, stem: str) -> Path:
        """File of a diagnostic."""
        return self.folder / DIAGNOSTICS / f"{self.config.iso3}_{stem}.tif"


@dataclass(frozen=True)
class Rules:
    """How measurements and maps are brought together.

    Attributes
    ----------
    scenario : whose stocks stand after t0
    any_year : compare measurements outside the run's years, or without a year, with its nearer end
    depth_beta : turn stocks of other depths into the run's (`stock_of_depth`); None refuses them
    """

    scenario: str = BAU
    any_year: bool = False
    depth_beta: float | None = None


def open_run(path: Path) -> FinishedRun:
    """A finished run, by its output folder or its run.toml.

    Raises
    ------
    MissingData
        There is no finished run.
    InputError
        Its record cannot be read.
    """
    folder = load_config(path).local_output() if path.suffix == ".toml" else path
    record = folder / RECORD
    if not record.is_file():
        raise MissingData(
            f"{path}: expected the folder of a finished run, or its run.toml; found no {record}; "
            "run it first: recarb run"
        )
    try:
        content = json.loads(record.read_text(encoding="utf-8"))["config"]
        config = RunConfig.model_validate(content, context={"folder": folder.parent})
    except (ValueError, KeyError, ValidationError) as error:
        raise InputError(
            f"{record}: expected the record of a run of this recarb, found something else "
            f"({error}); run it again"
        ) from error
    return FinishedRun(folder, config)


def compare_maps(observed: Observed, run: FinishedRun, rules: Rules) -> pd.DataFrame:
    """One row per measurement, in the order of the file, used or not.

    Returns
    -------
    DataFrame
        The columns of `Observed.table` and: `row`, `column`, `x`, `y` of the cell (in the CRS of
        the map), `compared_year`, `observed_tc_ha` (of the run's depth), `modelled_tc_ha`,
        `residual_tc_ha` (modelled - observed), `group` (land use), covariates, `reason` ("" where
        compared, else why not). `site` is the cell where the file names none.
    """
    if rules.scenario != BAU and rules.scenario not in {s.name for s in run.config.scenarios}:
        names = ", ".join([BAU, *(s.name for s in run.config.scenarios)])
        raise ConfigError(f"--scenario: expected one of {names}, found '{rules.scenario}'")
    with rasterio.open(run.map_path("T0")) as source:
        grid = GeoBox(source.shape, source.transform, source.crs)
    table = observed.table.copy()
    rows, columns = _cells(grid, table)
    table["row"], table["column"] = rows, columns
    inside = rows >= 0
    x, y = cell_centres(grid, rows, columns)
    table["x"], table["y"] = np.where(inside, x, np.nan), np.where(inside, y, np.nan)
    reasons = [_depth_reasons(observed, run, rules), _year_reasons(table, run, rules)]
    reasons.append(_cell_reasons(run, grid, rows, columns))
    table["compared_year"] = _compared_years(table, run, rules)
    table["observed_tc_ha"] = _of_run_depth(table, run, rules)
    table["modelled_tc_ha"] = _modelled(run, grid, table, rules.scenario)
    table["residual_tc_ha"] = table["modelled_tc_ha"] - table["observed_tc_ha"]
    # first, because every other reason is plainer
    reasons.insert(0, np.where(table["modelled_tc_ha"].isna(), NO_STOCK, ""))
    table["group"] = _land_use_names(run, grid, rows, columns)
    for stem, name in COVARIATES.items():
        table[name] = _sample(run.diagnostic_path(stem), grid, rows, columns)
    if not observed.has_sites:
        table["site"] = [f"cell {r} {c}" for r, c in zip(rows, columns, strict=True)]
    table["reason"] = ""
    for found in reasons:  # the last one that applies is the plainest
        table["reason"] = np.where(found != "", found, table["reason"])
    used = table["reason"] == ""
    unused = ["observed_tc_ha", "modelled_tc_ha", "residual_tc_ha", "compared_year"]
    table.loc[~used, unused] = np.nan
    return table


def _cells(grid: GeoBox, table: pd.DataFrame) -> tuple[Ints, Ints]:
    """Row and column of each point's cell, -1 outside the map."""
    x, y = transform(table["longitude"].to_numpy(), table["latitude"].to_numpy(), LONLAT, grid.crs)
    a = grid.transform
    with np.errstate(invalid="ignore"):
        column, row = np.floor((x - a.c) / a.a), np.floor((y - a.f) / a.e)
        inside = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
    return (
        np.where(inside, row, -1).astype(np.int64),
        np.where(inside, column, -1).astype(np.int64),
    )


def _sample(path: Path, grid: GeoBox, rows: Ints, columns: Ints) -> Floats:
    """Values of a map of the run in cells, NaN where it has none or the cell is -1."""
    found = np.full(len(rows), np.nan)
    inside = np.flatnonzero(rows >= 0)
    if not path.is_file() or not inside.size:
        return found
    x, y = cell_centres(grid, rows[inside], columns[inside])
    with rasterio.open(path) as source:
        values = source.sample(zip(x, y, strict=True), masked=True)
        found[inside] = [float(v[0]) if v[0] is not np.ma.masked else np.nan for v in values]
    return found


def _depth_reasons(observed: Observed, run: FinishedRun, rules: Rules) -> NDArray[np.str_]:
    depth = observed.table["depth_cm"].to_numpy()
    if not observed.has_depths:
        return np.full(len(depth), "", dtype=np.str_)
    other = (depth != run.config.model.depth_cm) & (rules.depth_beta is None)
    return np.where(np.isnan(depth), NO_DEPTH, np.where(other, OTHER_DEPTH, ""))


def _year_reasons(table: pd.DataFrame, run: FinishedRun, rules: Rules) -> NDArray[np.str_]:
    year = table["year"].to_numpy()
    if rules.any_year:
        return np.full(len(year), "", dtype=np.str_)
    outside = np.where(year < run.soc_year, BEFORE, np.where(year > run.end, AFTER, ""))
    return np.where(np.isnan(year), NO_YEAR, outside)


def _cell_reasons(run: FinishedRun, grid: GeoBox, rows: Ints, columns: Ints) -> NDArray[np.str_]:
    """Why a cell has no stock, in the words of the run's outcome."""
    outcome = _sample(run.diagnostic_path("outcome"), grid, rows, columns)
    codes = np.where(np.isnan(outcome), Outcome.OUTSIDE, outcome).astype(int)
    words = {int(outcome): text for outcome, text in MEANING.items()}
    words[int(Outcome.RUN)] = ""
    texts = np.array([words[code] for code in codes], dtype=object).astype(np.str_)
    return np.where(rows < 0, NOT_ON_MAP, texts)


def _compared_years(table: pd.DataFrame, run: FinishedRun, rules: Rules) -> Floats:
    year = table["year"].to_numpy(dtype=np.float64)
    if not rules.any_year:
        return year
    return np.clip(np.where(np.isnan(year), run.soc_year, year), run.soc_year, run.end)


def _of_run_depth(table: pd.DataFrame, run: FinishedRun, rules: Rules) -> Floats:
    measured = table["soc_tc_ha"].to_numpy(dtype=np.float64)
    if rules.depth_beta is None:
        return measured
    wanted = run.config.model.depth_cm
    depth = table["depth_cm"].fillna(wanted).to_numpy(dtype=np.float64)
    return np.array(
        [
            stock_of_depth(soc, d, wanted, rules.depth_beta)
            for soc, d in zip(measured, depth, strict=True)
        ]
    )


def _modelled(run: FinishedRun, grid: GeoBox, table: pd.DataFrame, scenario: str) -> Floats:
    """Stock of each row's year: linear between the SOC map, t0 and the end."""
    rows, columns = table["row"].to_numpy(), table["column"].to_numpy()
    year = table["compared_year"].to_numpy(dtype=np.float64)
    t0 = _sample(run.map_path("T0"), grid, rows, columns)
    final = _sample(run.map_path(f"finalSOC_{scenario}"), grid, rows, columns)
    ahead = (year - run.t0) / (run.end - run.t0)
    stock = np.where(ahead == 0.0, t0, t0 + ahead * (final - t0))
    early = year < run.t0
    if early.any():
        first = np.full(len(rows), np.nan)
        first[early] = _soc_map(run, rows[early], columns[early])
        before = (run.t0 - year) / max(run.t0 - run.soc_year, 1)
        stock = np.where(early, t0 + before * (first - t0), stock)
    return stock


def _soc_map(run: FinishedRun, rows: Ints, columns: Ints) -> Floats:
    """The SOC map the run started from; it lies on the grid of the maps."""
    try:
        layer = describe("soc", run.config.inputs.soc)
    except InputError as error:
        raise MissingData(
            f"measurements before t0 ({run.t0}) need the SOC map the run started from: {error}. "
            "Put it back, or leave these measurements out"
        ) from error
    found = np.full(len(rows), np.nan)
    for i, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        if row >= 0:
            roi = (slice(row, row + 1), slice(column, column + 1))
            found[i] = read(layer, [layer.layer.band or 1], roi)[0, 0, 0]
    return found


def _land_use_names(run: FinishedRun, grid: GeoBox, rows: Ints, columns: Ints) -> NDArray[np.str_]:
    codes = _sample(run.diagnostic_path("land_use"), grid, rows, columns)
    names = {code: known.name for code, known in land_use_classes().items()}
    return np.array(["" if np.isnan(c) else names[int(c)] for c in codes], dtype=object).astype(
        np.str_
    )
