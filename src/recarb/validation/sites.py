"""Measured stocks against the months that `recarb rothc` wrote for one soil."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.validation.observed import Observed

Floats = NDArray[np.float64]

YEAR = 12  # months
RESULT_COLUMNS = ("year", "month", "soc_tc_ha")
NO_YEAR = "no year"
NOT_MODELLED = "a month that was not modelled"


def month_number(year: "Floats | pd.Series[float]", month: "Floats | pd.Series[float]") -> Floats:
    """Months since the year 0, so that they can be compared and counted."""
    return np.asarray(year, dtype=np.float64) * YEAR + np.asarray(month, dtype=np.float64) - 1.0


def stocks_at(
    months: pd.DataFrame, year: Floats, month: Floats, start_tc_ha: float | None = None
) -> Floats:
    """Modelled stock at the end of given months [t C ha-1], NaN where there is none.

    Parameters
    ----------
    months : result of a site run, `year`, `month`, `soc_tc_ha`
    start_tc_ha : stock before the first month, which is the end of the month before it
    """
    numbers = month_number(months["year"], months["month"])
    stocks = months["soc_tc_ha"].to_numpy(dtype=np.float64)
    if start_tc_ha is not None:
        numbers = np.concatenate([[numbers[0] - 1.0], numbers])
        stocks = np.concatenate([[start_tc_ha], stocks])
    found = pd.Series(stocks, index=numbers).reindex(month_number(year, month))
    return found.to_numpy(dtype=np.float64)


def read_result(path: Path) -> pd.DataFrame:
    """The months that `recarb rothc --out` wrote.

    Raises
    ------
    MissingData
        No such file.
    InputError
        Its columns are others, or not numbers.
    """
    if not path.is_file():
        raise MissingData(f"{path}: expected a result of `recarb rothc`, found no file; check it")
    try:
        table = pd.read_csv(path, usecols=list(RESULT_COLUMNS), dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"{path}: expected the columns {', '.join(RESULT_COLUMNS)} of `recarb rothc --out` "
            f"with numbers, found something else ({error})"
        ) from error
    if table.empty or table.isna().to_numpy().any():
        raise InputError(f"{path}: expected a number in every month, found none; run it again")
    return table


def compare_sites(observed: Observed, results: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per measurement, in the order of the file, used or not.

    Parameters
    ----------
    results : months by the name of their site; with one, the file needs no column `site`

    Returns
    -------
    DataFrame
        The columns of `Observed.table` and `observed_tc_ha`, `modelled_tc_ha`, `residual_tc_ha`
        (modelled - observed), `group` (the site), `reason` ("" where compared, else why not).
    """
    table = observed.table.copy()
    if not observed.has_sites:
        if len(results) > 1:
            raise ConfigError(
                f"{observed.path}: expected a column 'site' that says which of {len(results)} "
                f"results a row belongs to ({', '.join(results)}), found none; add it"
            )
        table["site"] = next(iter(results))
    table["observed_tc_ha"] = table["soc_tc_ha"]
    table["modelled_tc_ha"] = np.nan
    table["group"] = table["site"]
    table["reason"] = ""
    for site, months in results.items():
        at = table["site"] == site
        table.loc[at, "modelled_tc_ha"] = stocks_at(
            months, table.loc[at, "year"].to_numpy(), table.loc[at, "month"].to_numpy()
        )
    known = table["site"].isin(list(results))
    table.loc[table["modelled_tc_ha"].isna(), "reason"] = NOT_MODELLED
    table.loc[table["year"].isna(), "reason"] = NO_YEAR
    table.loc[~known, "reason"] = f"no result of this name (there is {', '.join(results)})"
    table.loc[table["reason"] != "", "observed_tc_ha"] = np.nan
    table["residual_tc_ha"] = table["modelled_tc_ha"] - table["observed_tc_ha"]
    return table
