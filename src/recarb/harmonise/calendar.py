"""Months: the length of each, and which bands of a series are which months."""

import numpy as np
from numpy.typing import NDArray

from recarb.core.errors import MissingData
from recarb.io.raster import LayerFile

Floats = NDArray[np.float64]
Months = NDArray[np.datetime64]

YEAR = 12
FEBRUARY = 1
MEAN_FEBRUARY_DAYS = 28.25  # of a long-term mean year
NOMINAL_YEAR = 2001  # any year without a leap day; only names the months of a climatology


def climatology_months() -> Months:
    """The twelve months that stand for a long-term mean year."""
    return np.arange(f"{NOMINAL_YEAR}-01", f"{NOMINAL_YEAR + 1}-01", dtype="datetime64[M]")


def days_of(months: Months, climatology: bool) -> Floats:
    """Days of each month; the February of a climatology has 28.25.

    >>> days_of(np.array(["2004-02"], dtype="datetime64[M]"), climatology=False)
    array([29.])
    """
    start = months.astype("datetime64[D]")
    days: Floats = ((months + 1).astype("datetime64[D]") - start).astype(np.float64)
    if climatology:
        days[FEBRUARY] = MEAN_FEBRUARY_DAYS
    return days


def months_of(layer: LayerFile, climatology: bool) -> Months:
    """The month of every band of a layer.

    Raises
    ------
    MissingData
        A climatology without 12 bands; a series whose months are unknown, have gaps, or do not
        make whole years.
    """
    if climatology:
        if layer.count != YEAR:
            raise MissingData(
                f"{layer.where}: expected 12 bands, January to December, found {layer.count}; give "
                "twelve means, or remove climatology = true"
            )
        _check_order(layer)
        return climatology_months()
    months = _series(layer)
    gaps = np.flatnonzero(np.diff(months).astype(int) != 1)
    if gaps.size:
        raise MissingData(
            f"{layer.where}: expected one month after the other, found {months[gaps[0]]} followed "
            f"by {months[gaps[0] + 1]} (band {gaps[0] + 2}); add the missing months to the file"
        )
    if layer.count % YEAR or not str(months[0]).endswith("-01"):
        raise MissingData(
            f"{layer.where}: expected whole years from January to December, found {layer.count} "
            f"bands from {months[0]} to {months[-1]}; complete the first and the last year, or cut "
            "them off"
        )
    return months


def _check_order(layer: LayerFile) -> None:
    """Refuse twelve means whose own time stamps do not run from January to December."""
    if layer.times is None:
        return
    order = [time[-2:] for time in layer.times]
    if order != [f"{month:02d}" for month in range(1, YEAR + 1)]:
        raise MissingData(
            f"{layer.where}: expected the twelve bands from January to December, found the months "
            f"{', '.join(order)}; bring them into the order of the calendar year"
        )


def _series(layer: LayerFile) -> Months:
    if layer.layer.first is not None:
        first = np.datetime64(layer.layer.first, "M")
        return first + np.arange(layer.count)
    if layer.times is None:
        hint = (
            " If these are 12 long-term means, write climatology = true"
            if layer.count == YEAR
            else ""
        )
        raise MissingData(
            f"{layer.where}: {layer.count} bands, but "
            "neither a time axis nor band names tell their "
            f'months; write first = "1981-01" beside its path in run.toml.{hint}'
        )
    return np.array(layer.times, dtype="datetime64[M]")


def bands_of_years(layer: LayerFile, months: Months, years: tuple[int, int]) -> NDArray[np.int64]:
    """1-based bands of the months from January of years[0] to December of years[1].

    Raises
    ------
    MissingData
        The series does not cover the years.
    """
    first, last = (np.datetime64(f"{years[0]}-01", "M"), np.datetime64(f"{years[1]}-12", "M"))
    if years[0] > years[1] or first < months[0] or last > months[-1]:
        raise MissingData(
            f"{layer.where}: expected the years {years[0]} to {years[1]}, found {months[0]} to "
            f"{months[-1]}; change `years` in run.toml, or give a longer series"
        )
    start = int((first - months[0]).astype(int))
    count = YEAR * (years[1] - years[0] + 1)
    return np.arange(start, start + count) + 1
