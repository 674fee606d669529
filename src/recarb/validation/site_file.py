"""SITE.toml: one soil that parameters are fitted to, with its months and its measured stocks."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, ValidationError

from recarb.core.config import Variant
from recarb.core.config.fields import Model
from recarb.core.errors import ConfigError, MissingData
from recarb.core.faults import fault_lines
from recarb.io.tables import SiteTable, read_site
from recarb.sequestration.site import SiteRun, run_site
from recarb.sequestration.variants import model_parameters
from recarb.validation.observed import read_observed


class SiteFile(Model):
    """The keys of SITE.toml: the options of `recarb rothc` by the same names, and two tables.

    `[variant]` and `[rothc]` are `model.variant` and `model.rothc` of run.toml.
    """

    months: str
    observed: str
    clay_pct: float | None = None
    depth_cm: float | None = None
    iom_tc_ha: float | None = None
    soc_tc_ha: float | None = None
    initial: tuple[float, float, float, float] | None = None
    initial_deficit_mm: float | None = None
    spin_up_months: int = 0
    evaporation: str = "pan"
    scale_all: bool = False
    silt_pct: float | None = None
    organic_carbon_pct: float | None = None
    paddy: bool = False
    variant: Variant = Variant()
    rothc: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """One soil: how it is run, and what was measured.

    Attributes
    ----------
    observed : DataFrame
        `year`, `month`, `soc_tc_ha`, `sd_tc_ha` of each measurement.
    """

    name: str
    run: SiteRun
    observed: pd.DataFrame
    files: tuple[Path, ...] = ()


def load_site(path: Path) -> Site:
    """Read SITE.toml and the two tables it names; the site bears the name of the file.

    Rows of the measured table count where its column `site` bears that name, or all if it has none.

    Raises
    ------
    ConfigError
        A key is missing, unknown or of the wrong kind.
    InputError
        A table cannot be used; all its faults at once.
    """
    file = _read_keys(path)
    months_path, observed_path = path.parent / file.months, path.parent / file.observed
    months = read_site(months_path)
    observed = read_observed(observed_path, with_place=False)
    rows = observed.table
    if observed.has_sites:
        rows = rows[rows["site"] == path.stem]
    rows = rows[rows["year"].notna()]
    if rows.empty:
        raise MissingData(
            f"{observed_path}: expected measured stocks of site '{path.stem}' with their year, "
            "found none; the column 'site' has to bear the name of the .toml file"
        )
    run = _site_run(file, months)
    run_site(run, months.findings)  # once with every check; the fit trusts the table
    return Site(path.stem, run, rows, (path, months_path, observed_path))


def _read_keys(path: Path) -> SiteFile:
    if not path.is_file():
        raise MissingData(f"{path}: expected a SITE.toml, found no file; check it")
    try:
        return SiteFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        lines = fault_lines(error, SiteFile, top=path.name)
        raise ConfigError(f"{path}: {len(lines)} fault(s):\n" + "\n".join(lines)) from error


def _site_run(file: SiteFile, months: SiteTable) -> SiteRun:
    own_iom = months.iom_tc_ha if file.soc_tc_ha is None else None
    options: dict[str, Any] = file.model_dump(exclude={"months", "observed", "variant", "rothc"})
    options["parameters"] = model_parameters(file.rothc, file.variant, where="rothc")
    options["bulk_density_g_cm3"] = file.variant.bulk_density_g_cm3
    options["flooded_months"] = file.variant.flooded_months
    options["clay_pct"] = months.clay_pct if file.clay_pct is None else file.clay_pct
    options["depth_cm"] = months.depth_cm if file.depth_cm is None else file.depth_cm
    options["iom_tc_ha"] = own_iom if file.iom_tc_ha is None else file.iom_tc_ha
    return SiteRun(months=months.months, **options)
