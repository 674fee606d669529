"""Measured stocks: a CSV with one row per measurement, its units in the header."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recarb.core.errors import InputError, MissingData
from recarb.core.findings import Finding, Severity, raise_if_stopping
from recarb.core.quantities import catalogue
from recarb.core.units import conversion
from recarb.io.tables import EXAMPLES, at_lines

STOCK_UNITS = {"tc_ha": "t/ha", "kg_m2": "kg/m2", "g_m2": "g/m2"}  # by the end of the column name
PLACE = ("longitude", "latitude")
OPTIONAL = ("site", "month", "depth_cm", "weight")
LAST_MONTH = 12  # a stock without a month is compared with the end of its year
LIMITS = {
    "longitude": (-180.0, 180.0),
    "latitude": (-90.0, 90.0),
    "month": (1.0, 12.0),
    "depth_cm": (
        1.0,
        300.0,
    ),  # nobody measures a stock of less than 1 cm, or below 3 m: own judgement
    "sd": (0.0, np.inf),
    "weight": (0.0, np.inf),
}


@dataclass(frozen=True)
class Observed:
    """Measured stocks of one file.

    Attributes
    ----------
    table : DataFrame
        `line`, `site` (text, "" if none), `longitude`, `latitude`, `year`, `month`, `soc_tc_ha`,
        `sd_tc_ha`, `depth_cm`, `weight`; NaN where the file says nothing.
    has_sites, has_depths : whether the file has these columns
    """

    path: Path
    table: pd.DataFrame
    has_sites: bool
    has_depths: bool


def read_observed(path: Path, *, with_place: bool) -> Observed:
    """Read a table of measured stocks, and find all its faults at once.

    Parameters
    ----------
    with_place : whether longitude and latitude are needed

    Raises
    ------
    MissingData
        The file is not there, or holds no row.
    InputError
        It is no CSV in UTF-8; a column is missing, double or without a known unit; a cell is no
        number or impossible.
    """
    text = _read_text_table(path)
    findings = _check_header(path, list(text.columns), with_place)
    raise_if_stopping(findings)
    stock = _stock_column(list(text.columns))
    suffix = stock.removeprefix("soc_")
    columns = {"year": "year", stock: "soc", f"sd_{suffix}": "sd"}
    columns |= {name: name for name in (*PLACE, "month", "depth_cm", "weight")}
    numbers = pd.DataFrame(index=text.index)
    for name, key in columns.items():
        cells = text[name] if name in text else pd.Series("", index=text.index)
        numbers[key] = pd.to_numeric(cells.where(cells != "", "nan"), errors="coerce")
        findings += _check_numbers(path, name, cells, numbers[key])
        needed = name == stock or (with_place and name in PLACE)
        findings += _check_values(path, name, key, cells, numbers[key], needed)
    raise_if_stopping(findings)
    to_tc_ha = conversion(STOCK_UNITS[suffix], catalogue()["soc"], path.name).scale
    table = pd.DataFrame(
        {
            "line": text.index,
            "site": text["site"] if "site" in text else "",
            **{name: numbers[name] for name in (*PLACE, "year")},
            "month": numbers["month"].fillna(LAST_MONTH),
            "soc_tc_ha": numbers["soc"] * to_tc_ha,
            "sd_tc_ha": numbers["sd"] * to_tc_ha,
            "depth_cm": numbers["depth_cm"],
            "weight": numbers["weight"].fillna(1.0),
        }
    )
    raise_if_stopping(_check_stocks(path, table))
    table = table.reset_index(drop=True)
    return Observed(path, table, "site" in text, "depth_cm" in text)


def _read_text_table(path: Path) -> pd.DataFrame:
    """Every cell as text without spaces around; the index is the line in the file."""
    if not path.is_file():
        raise MissingData(f"{path}: expected a table of measured stocks, found no file; check it")
    try:
        cells = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig",
            skip_blank_lines=False,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected text in UTF-8, found byte {error.start} that is not; save the table "
            "as 'CSV UTF-8'"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise MissingData(f"{path}: expected a header and rows, found an empty file") from error
    except pd.errors.ParserError as error:
        raise InputError(
            f"{path}: expected as many cells in every row as in the header ({error}); correct it"
        ) from error
    cells = cells.fillna("").apply(lambda column: column.str.strip())
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    header = list(cells.iloc[0])
    rows: pd.DataFrame = cells.iloc[1:]
    rows = rows[(rows != "").any(axis=1)]
    if rows.empty:
        raise MissingData(f"{path}: expected rows below the header, found none")
    rows.columns = pd.Index(header)
    return rows


def _stock_column(header: list[str]) -> str:
    return next((name for name in header if name in {f"soc_{unit}" for unit in STOCK_UNITS}), "")


def _check_header(path: Path, header: list[str], with_place: bool) -> list[Finding]:
    where = f"{path.name}, header"
    stocks = [f"soc_{unit}" for unit in STOCK_UNITS]
    findings = []
    missing = [name for name in ("year", *(PLACE if with_place else ())) if name not in header]
    if missing:
        message = f"expected {', '.join(missing)}, found only {', '.join(header)}"
        findings.append(_error("column", where, message, "name the columns so"))
    if sum(name in stocks for name in header) != 1:
        message = f"expected one of {', '.join(stocks)}, found {', '.join(header)}"
        hint = "the unit stands in the name; a content in % needs bulk density and stones first"
        findings.append(_error("column", where, message, hint))
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        message = f"expected every column once, found twice: {', '.join(double)}"
        findings.append(_error("column", where, message, "rename one"))
    suffix = _stock_column(header).removeprefix("soc_")
    wrong = [name for name in header if name.split("_")[0] == "sd" and name != f"sd_{suffix}"]
    if wrong:
        message = f"expected sd_{suffix or 'tc_ha'}, found {wrong[0]}"
        findings.append(_error("column", where, message, "give it in the unit of the stock"))
    return findings


def _check_numbers(
    path: Path, name: str, cells: "pd.Series[str]", numbers: "pd.Series[float]"
) -> list[Finding]:
    missing_words = {"", "na", "nan"}
    wrong = cells[~np.isfinite(numbers) & ~cells.str.lower().isin(missing_words)]
    if wrong.empty:
        return []
    shown = ", ".join(f"line {line}: '{cell}'" for line, cell in wrong.iloc[:EXAMPLES].items())
    message = f"expected a number, found {shown} ({len(wrong)} in all)"
    hint = "write the number, or leave the cell empty"
    return [_error("number", f"{path.name}, column {name}", message, hint)]


def _check_values(
    path: Path,
    name: str,
    key: str,
    cells: "pd.Series[str]",
    numbers: "pd.Series[float]",
    needed: bool,
) -> list[Finding]:
    findings = []
    if (
        needed
        and (absent := numbers[numbers.isna() & cells.str.lower().isin(["", "na", "nan"])]).size
    ):
        where = f"{path.name}, column {name}, {at_lines(list(absent.index))}"
        findings.append(_error("number", where, "expected a number, found none", "remove the row"))
    low, high = LIMITS.get(key, (-np.inf, np.inf))
    wrong = numbers[(numbers < low) | (numbers > high)]
    if key == "year":
        wrong = numbers[numbers.notna() & (numbers % 1 != 0)]
    if not wrong.empty:
        where = f"{path.name}, column {name}, {at_lines(list(wrong.index))}"
        wanted = "a whole number" if key == "year" else f"{low:g} to {high:g}"
        message = f"expected {wanted}, found {', '.join(f'{v:g}' for v in wrong.iloc[:EXAMPLES])}"
        findings.append(_error("range", where, message, "correct it"))
    return findings


def _check_stocks(path: Path, table: pd.DataFrame) -> list[Finding]:
    high = catalogue()["soc"].high
    wrong = table[(table["soc_tc_ha"] <= 0.0) | (table["soc_tc_ha"] > high)]
    if wrong.empty:
        return []
    came = ", ".join(f"{value:g}" for value in wrong["soc_tc_ha"].iloc[:EXAMPLES])
    where = f"{path.name}, stocks, {at_lines(list(wrong['line']))}"
    message = f"expected above 0 and up to {high:g} t C ha-1, found {came}"
    return [_error("range", where, message, "is the unit in the header the right one?")]


def _error(code: str, where: str, message: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, where, message, hint)
