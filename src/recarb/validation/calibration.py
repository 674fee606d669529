"""Fit numbers of RothC to measured stocks, and say how well the measurements determine them.

The optimiser is `scipy.optimize.least_squares` (trust region, bounds). A fit is one thing, a better
model another: `check_fit` holds it against stocks that it has not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import t as student

from recarb.core.errors import InputError, ModelError
from recarb.core.findings import Progress, no_progress
from recarb.sequestration.site import run_site
from recarb.validation.choices import Choice, check_choices, run_with
from recarb.validation.site_file import Site
from recarb.validation.sites import stocks_at

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
DIFFERENCE_STEP = 1e-6  # of the derivatives: far above rounding, far below curvature
SINGULAR = 1e-6  # of the largest singular value: below, differences of that step know nothing


class Stocks(NamedTuple):
    """Measured stocks of several sites in one row, (n,)."""

    site: NDArray[np.intp]  # number of the site
    month: Floats  # months since the year 0
    soc_tc_ha: Floats
    scale_tc_ha: Floats  # what an error is divided by: the sd, or 1 where one row has none


@dataclass(frozen=True)
class Fit:
    """Fitted numbers and what the measurements say of them.

    Attributes
    ----------
    values, low, high : (k,) in the order of `choices`, with the 95 % interval
        Linear about the optimum (Student's t, n - k degrees of freedom), scaled by the misfit
        that is left; infinite where the measurements do not determine a number.
    correlation : (k, k) of the estimates, NaN where one is not determined
    collinearity : index of Brun et al. 2001; 1: independent, above 10: hardly told apart
    modelled_tc_ha : (n,) at the optimum
    """

    choices: tuple[Choice, ...]
    values: Floats
    low: Floats
    high: Floats
    correlation: Floats
    collinearity: float
    modelled_tc_ha: Floats
    stocks: Stocks

    def by_name(self) -> dict[str, float]:
        """Number -> fitted value."""
        return {c.name: float(v) for c, v in zip(self.choices, self.values, strict=True)}


@dataclass(frozen=True)
class Fold:
    """A fit without some stocks, and how it does on them."""

    left_out: str
    rows: int
    values: dict[str, float]
    published_rmse: float
    left_out_rmse: float


@dataclass(frozen=True)
class Calibration:
    """A fit and its check: the same fit with some stocks left out, once for each fold."""

    fit: Fit
    published_rmse: float
    fitted_rmse: float
    folds: tuple[Fold, ...] = field(default=())

    @property
    def left_out_rmse(self) -> float:
        """Over all stocks, each predicted by the fit that had not seen it [t C ha-1]."""
        return _pooled([(fold.rows, fold.left_out_rmse) for fold in self.folds])

    @property
    def published_left_out_rmse(self) -> float:
        """Of the published numbers on the same stocks [t C ha-1]."""
        return _pooled([(fold.rows, fold.published_rmse) for fold in self.folds])


def _pooled(parts: list[tuple[int, float]]) -> float:
    rows = sum(n for n, _ in parts)
    return float(np.sqrt(sum(n * rmse**2 for n, rmse in parts) / rows)) if rows else float("nan")


def calibrate(
    sites: Sequence[Site], choices: Sequence[Choice], progress: Progress = no_progress
) -> Calibration:
    """Fit `choices` to all stocks, then again without each site.

    With one site the last third of its stocks is left out instead.

    Raises
    ------
    ConfigError
        A number twice, or two names for one thing.
    InputError
        A stock outside the modelled months, or too few of them.
    """
    check_choices(choices)
    stocks = gather(sites)
    every = np.ones(len(stocks.month), dtype=np.bool_)
    folds = _folds(sites, stocks)
    progress(0, len(folds) + 1, "fitting")
    best = fit(sites, choices, stocks, every)
    published = model_stocks(sites, stocks, {})
    found = []
    for done, (name, left_out) in enumerate(folds, start=1):
        progress(done, len(folds) + 1, "fitting")
        if (~left_out).sum() <= len(choices):
            continue  # nothing left to fit to
        partial = fit(sites, choices, stocks, ~left_out)
        measured = stocks.soc_tc_ha[left_out]
        found.append(
            Fold(
                name,
                int(left_out.sum()),
                partial.by_name(),
                _rmse(published[left_out], measured),
                _rmse(partial.modelled_tc_ha[left_out], measured),
            )
        )
    return Calibration(
        best,
        _rmse(published, stocks.soc_tc_ha),
        _rmse(best.modelled_tc_ha, stocks.soc_tc_ha),
        tuple(found),
    )


def gather(sites: Sequence[Site]) -> Stocks:
    """All measured stocks; InputError where one lies outside the modelled months."""
    tables = [site.observed.assign(number=i) for i, site in enumerate(sites)]
    rows = pd.concat(tables, ignore_index=True)
    sd = rows["sd_tc_ha"].to_numpy(dtype=np.float64)
    usable = bool(np.isfinite(sd).all() and (sd > 0.0).all())
    stocks = Stocks(
        rows["number"].to_numpy(dtype=np.intp),
        rows["year"].to_numpy(dtype=np.float64) * 12 + rows["month"].to_numpy(np.float64) - 1.0,
        rows["soc_tc_ha"].to_numpy(dtype=np.float64),
        sd if usable else np.ones(len(rows)),
    )
    absent = np.isnan(model_stocks(sites, stocks, {}))
    if absent.any():
        one = rows[absent].iloc[0]
        raise InputError(
            f"site {sites[int(one['number'])].name}: expected stocks within the modelled months, "
            f"found {one['year']:.0f}-{one['month']:02.0f} ({absent.sum()} such rows); give the "
            "months, or leave these rows out"
        )
    return stocks


def model_stocks(sites: Sequence[Site], stocks: Stocks, values: dict[str, float]) -> Floats:
    """Modelled stocks under given numbers, (n,) [t C ha-1]."""
    found = np.full(len(stocks.month), np.nan)
    for number, site in enumerate(sites):
        at = stocks.site == number
        result = run_site(run_with(site.run, values))
        start = float(result.start.sum()) + result.iom_tc_ha
        month = stocks.month[at]
        found[at] = stocks_at(result.months, month // 12, month % 12 + 1.0, start)
    return found


def fit(
    sites: Sequence[Site],
    choices: Sequence[Choice],
    stocks: Stocks,
    used: NDArray[np.bool_],
) -> Fit:
    """Least squares over the stocks that are `used`, from the published numbers."""
    k = len(choices)
    if used.sum() <= k:
        raise InputError(
            f"expected more measured stocks than fitted numbers ({k}), found {used.sum()}; fit "
            "fewer numbers, or bring more stocks"
        )
    low, high = (np.array([getattr(c, side) for c in choices]) for side in ("low", "high"))

    def unscaled(scaled: Floats) -> Floats:
        # from 1 to 2: steps are relative, and 0 would have none
        return np.asarray(low + (scaled - 1.0) * (high - low))

    def modelled(scaled: Floats) -> Floats:
        values = unscaled(scaled)
        named = {c.name: float(v) for c, v in zip(choices, values, strict=True)}
        return model_stocks(sites, stocks, named)

    def errors(scaled: Floats) -> Floats:
        found = (modelled(scaled) - stocks.soc_tc_ha) / stocks.scale_tc_ha
        return found[used]

    start = 1.0 + (np.array([c.published for c in choices]) - low) / (high - low)
    result = least_squares(errors, start, bounds=(1.0, 2.0), diff_step=DIFFERENCE_STEP)
    if not result.success:
        raise ModelError(f"the fit did not end: {result.message}; narrow the bounds")
    half, correlation, collinearity = identifiability(result.jac, result.fun)
    values, half = unscaled(result.x), half * (high - low)
    return Fit(
        tuple(choices), values, values - half, values + half, correlation, collinearity,
        modelled(result.x), stocks,
    )  # fmt: skip


def identifiability(jacobian: Floats, errors: Floats) -> tuple[Floats, Floats, float]:
    """How well errors determine the numbers they depend on.

    Parameters
    ----------
    jacobian : (n, k) derivatives of the errors at the optimum
    errors : (n,)

    Returns
    -------
    half_width : (k,) of the 95 % interval, s sqrt(diag((J'J)^-1)) t(n - k); infinite where
        the errors do not determine the number
    correlation : (k, k)
    collinearity : 1 / sqrt(smallest eigenvalue of S'S), S the columns of unit length
        (Brun, Reichert & Kuensch 2001, BRK01)
    """
    rows, k = jacobian.shape
    freedom = rows - k
    lengths = np.linalg.norm(jacobian, axis=0)
    unit = np.divide(jacobian, lengths, out=np.zeros_like(jacobian), where=lengths > 0.0)
    _, strength, directions = np.linalg.svd(unit, full_matrices=False)
    if strength[-1] <= SINGULAR * strength[0]:
        return np.full(k, np.inf), np.full((k, k), np.nan), float("inf")
    inverse = (directions.T / strength**2) @ directions
    spread = np.sqrt(np.diag(inverse))
    scatter = float(np.sqrt(errors @ errors / freedom))
    half = scatter * spread / lengths * float(student.ppf((1.0 + CONFIDENCE) / 2.0, freedom))
    return half, inverse / np.outer(spread, spread), float(1.0 / strength[-1])


def _folds(sites: Sequence[Site], stocks: Stocks) -> list[tuple[str, NDArray[np.bool_]]]:
    if len(sites) > 1:
        return [(site.name, stocks.site == number) for number, site in enumerate(sites)]
    order = np.argsort(stocks.month, kind="stable")
    late = np.zeros(len(order), dtype=np.bool_)
    late[order[len(order) - len(order) // 3 :]] = True
    return [("the last third", late)] if late.any() else []


def _rmse(modelled: Floats, measured: Floats) -> float:
    return float(np.sqrt(np.mean((modelled - measured) ** 2)))
