"""A mean climate, changed by kelvins and factors: at once, or growing over some years."""

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import ClimateChange
from recarb.harmonise.calendar import YEAR
from recarb.harmonise.climate import Sample

Floats = NDArray[np.float64]

HARGREAVES_C = 17.8  # PET = 0.0023 (T + 17.8) TD^0.5 Ra, A98 eq. 52


def changed(mean_year: Sample, change: ClimateChange, years: int) -> Sample:
    """The climate ahead: twelve months, or with a ramp every month of `years`.

    With `ramp_years` = n the change grows by 1/n a year and is whole from the n-th year on.
    PET is multiplied by `pet_factor`, or follows temperature as in Hargreaves' equation while
    radiation and the daily range of temperature stay (see `hargreaves_factor`).

    Parameters
    ----------
    mean_year : twelve means at points, with PET
    """
    assert mean_year.pet is not None  # noqa: S101 - a mean climate is sampled with PET
    count = years if change.ramp_years else 1
    whole = np.minimum(np.arange(1, count + 1) / max(change.ramp_years, 1), 1.0)
    part = np.repeat(whole, YEAR)[:, None]

    def by_month(values: tuple[float, ...]) -> Floats:
        return np.tile(np.array(values), count)[:, None]

    def every_year(values: Floats) -> Floats:
        return np.tile(values, (count, 1))

    def factor(values: tuple[float, ...]) -> Floats:
        return np.asarray(1.0 + part * (by_month(values) - 1.0))

    before = every_year(mean_year.temperature)
    warming = part * by_month(change.temperature_k)
    pet_factor = (
        hargreaves_factor(before, warming)
        if change.pet_factor is None
        else factor(change.pet_factor)
    )
    return Sample(
        before + warming,
        every_year(mean_year.rain) * factor(change.rain_factor),
        every_year(mean_year.pet) * pet_factor,
        mean_year.filled,
        mean_year.missing,
        mean_year.uncorrected,
    )


def hargreaves_factor(temperature_c: Floats, warming_k: Floats) -> Floats:
    """PET after a warming relative to PET before [-]: (T + dT + 17.8) / (T + 17.8).

    Months at -17.8 degC and below, in which the equation has no PET, keep theirs.

    >>> float(hargreaves_factor(np.array(12.2), np.array(3.0)))
    1.1
    """
    warmth = temperature_c + HARGREAVES_C
    ratio = np.divide(warmth + warming_k, warmth, out=np.ones_like(warmth), where=warmth > 0.0)
    return np.asarray(np.maximum(ratio, 0.0))
