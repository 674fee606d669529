"""Tables of one site: monthly rows in, results out; nothing half-written under a final name.

Two forms are read: a CSV file with `SITE_COLUMNS`, and the `.dat` file of the official RothC
program (Coleman, Prout & Milne 2024), which also holds clay, depth and IOM.
"""

import csv
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recarb.core.errors import InputError, MissingData, OutputError
from recarb.core.findings import Finding, Severity

SITE_COLUMNS = (
    "year",
    "month",
    "temperature_c",
    "rain_mm",
    "evaporation_mm",
    "carbon_input_tc_ha",
    "fym_tc_ha",
    "plant_cover",
    "dpm_rpm",
)
"""Columns of a site table; `plant_cover` is a fraction 0-1, `dpm_rpm` a ratio."""

DAT_NAMES = {
    "tmp": "temperature_c",
    "rain": "rain_mm",
    "evap": "evaporation_mm",
    "c_inp": "carbon_input_tc_ha",
    "fym": "fym_tc_ha",
    "pc": "plant_cover",
}
DAT_SITE_LINE = 4  # the site table follows three header lines: names, then one row of values
DAT_MONTHS_LINE = 7  # names of the monthly table; line 6 holds its units
EXAMPLES = 3  # cells or rows named in one finding; the rest is counted

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class SiteTable:
    """What a site file holds.

    Attributes
    ----------
    months : DataFrame
        `SITE_COLUMNS` as float64, NaN where a cell is no number or a column is missing; the index
        is the line in the file.
    findings : tuple of Finding
        Missing columns, rows of the wrong length, cells that are no number.
    notes : tuple of str
        What was left out on purpose, for the user to read.
    clay_pct, depth_cm, iom_tc_ha : float or None
        [%], [cm], [t C ha-1]; only a `.dat` file holds them.
    """

    months: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    clay_pct: float | None = None
    depth_cm: float | None = None
    iom_tc_ha: float | None = None


def read_site(path: Path) -> SiteTable:
    """Read a site table; the official form where the name ends in `.dat`, else CSV.

    Raises
    ------
    MissingData
        The file is not there or holds no table.
    InputError
        The file is not text.
    """
    lines = _lines(path)
    return _read_dat(path, lines) if path.suffix.lower() == ".dat" else _read_csv(path, lines)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise MissingData(f"{path}: expected a site table (.csv or .dat), found no file; check it")
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected text in UTF-8, found byte {error.start} that is not; "
            "save the table as 'CSV UTF-8', not as a spreadsheet"
        ) from error


def _read_csv(path: Path, lines: list[str]) -> SiteTable:
    if not lines:
        raise MissingData(f"{path}: expected a header and monthly rows, found an empty file")
    reader = csv.reader(lines)
    rows = [(reader.line_num, row) for row in reader]
    header = [name.strip() for name in rows[0][1]]
    months, findings = _to_numbers(path, header, rows[1:])
    return SiteTable(months, tuple(findings))


def _read_dat(path: Path, lines: list[str]) -> SiteTable:
    if len(lines) <= DAT_MONTHS_LINE:
        raise MissingData(
            f"{path}: expected the official form (soil in line {DAT_SITE_LINE + 1}, months from "
            f"line {DAT_MONTHS_LINE + 1}), found {len(lines)} lines; compare with the program's"
        )
    names = [name.lower() for name in lines[DAT_SITE_LINE - 1].split()]
    site = dict(zip(names, map(_number, lines[DAT_SITE_LINE].split()), strict=False))
    header = [name.lower() for name in lines[DAT_MONTHS_LINE - 1].split()]
    rows = [(n, line.split()) for n, line in enumerate(lines, start=1) if n > DAT_MONTHS_LINE]
    months, findings = _to_numbers(path, [DAT_NAMES.get(name, name) for name in header], rows)
    findings += _check_dat_site(path, site, len(months))
    notes = ("column 'modern' (radiocarbon) is ignored",) if "modern" in header else ()
    return SiteTable(
        months, tuple(findings), notes, site.get("clay"), site.get("depth"), site.get("iom")
    )


def _check_dat_site(path: Path, site: dict[str, float], months: int) -> list[Finding]:
    where = f"{path.name}, line {DAT_SITE_LINE + 1}"
    findings = [
        _finding("site", where, f"expected a number for {name}, found none", "write it")
        for name in ("clay", "depth", "iom", "nsteps")
        if not math.isfinite(site.get(name, math.nan))
    ]
    steps = site.get("nsteps", math.nan)
    if math.isfinite(steps) and steps != months:
        message = f"nsteps says {steps:g} months, the file has {months}"
        findings.append(_finding("length", where, message, "complete the file or correct nsteps"))
    return findings


def _to_numbers(
    path: Path, header: list[str], rows: list[Row]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Turn text into the columns of a site table, with a finding for all that does not fit."""
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    findings = _check_header(path, header)
    odd = [line for line, row in rows if len(row) != len(header)]
    if odd:
        message = f"expected {len(header)} cells as in the header, found another number"
        findings.append(_finding("row", f"{path.name}, {at_lines(odd)}", message, "complete it"))
    whole = [(line, row) for line, row in rows if len(row) == len(header)]
    columns = {}
    for name in SITE_COLUMNS:
        columns[name] = np.full(len(whole), np.nan)
        if name in header:
            cells = [row[header.index(name)] for _, row in whole]
            columns[name] = np.array([_number(cell) for cell in cells], dtype=np.float64)
            findings += _check_cells(path, name, cells, [line for line, _ in whole])
    index = pd.Index([line for line, _ in whole], name="line", dtype="int64")
    return pd.DataFrame(columns, index=index), findings


def _check_header(path: Path, header: list[str]) -> list[Finding]:
    where = f"{path.name}, header"
    missing = [name for name in SITE_COLUMNS if name not in header]
    findings = []
    if missing:
        message = f"expected the columns {', '.join(missing)}, found only {', '.join(header)}"
        findings.append(_finding("column", where, message, "name them so; commas between cells"))
    double = sorted({name for name in header if name in SITE_COLUMNS and header.count(name) > 1})
    findings += [
        _finding("column", where, f"expected '{name}' once, found it more often", "rename one")
        for name in double
    ]
    return findings


def _check_cells(path: Path, name: str, cells: list[str], lines: list[int]) -> list[Finding]:
    bad = [(line, cell) for line, cell in zip(lines, cells, strict=True) if _not_finite(cell)]
    if not bad:
        return []
    shown = ", ".join(f"line {line}: '{cell.strip()}'" for line, cell in bad[:EXAMPLES])
    more = f" and {len(bad) - EXAMPLES} more" if len(bad) > EXAMPLES else ""
    message = f"expected a number, found {shown}{more}"
    return [_finding("number", f"{path.name}, column {name}", message, "write the number")]


def at_lines(lines: list[int], name: str = "line") -> str:
    """Name the first few lines and count the rest.

    >>> at_lines([4, 5, 6, 9, 11])
    'lines 4, 5, 6 and 2 more'
    """
    shown = ", ".join(str(line) for line in lines[:EXAMPLES])
    more = f" and {len(lines) - EXAMPLES} more" if len(lines) > EXAMPLES else ""
    return f"{name}{'s' if len(lines) > 1 else ''} {shown}{more}"


def _number(cell: str) -> float:
    """NaN where the cell is no finite number."""
    try:
        number = float(cell)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _not_finite(cell: str) -> bool:
    return math.isnan(_number(cell))


def _finding(code: str, where: str, message: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, where, message, hint)


def check_writable(path: Path, overwrite: bool) -> None:
    """Refuse, before any work, a result that could not be written.

    Raises
    ------
    OutputError
        The folder is not there, or the file is and `overwrite` is not set.
    """
    if not path.parent.is_dir():
        raise OutputError(f"{path}: expected the folder {path.parent}, found none; create it first")
    if path.is_dir():
        raise OutputError(f"{path}: expected the name of a file, found a folder; name a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path}: exists already; give --overwrite to replace it")


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and give it the final name when all went well."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: could not be written ({error.strerror}); check it") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_csv(table: pd.DataFrame, path: Path, *, overwrite: bool = False) -> None:
    """Write `table` without its index; numbers keep all their digits."""
    check_writable(path, overwrite)
    with written_atomically(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
