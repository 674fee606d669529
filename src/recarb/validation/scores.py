"""The table of a comparison: every measure with its interval, for all rows and by group.

Rows of one site are not independent, so the bootstrap draws whole sites (Efron & Tibshirani 1993,
chapter 8, ET93). A site that is drawn twice counts twice: that is a weight, so all draws are one
call of the measures.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import bootstrap

from recarb.validation.metrics import METRICS, Floats

ALL = "all"
RESAMPLES = 9999
CONFIDENCE = 0.95
FEWEST_SITES = 5  # below, the draws are too few different ones for an interval: own judgement
FEWEST_ROWS = 3  # of a group that gets its own lines in the table: own judgement
BATCH_VALUES = 2_000_000  # draws times rows in memory at once


def score(rows: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """Every measure of all rows, and of each `group` of at least three.

    Parameters
    ----------
    rows : DataFrame
        `observed_tc_ha`, `modelled_tc_ha`, `weight`, `site`, `group` ("" where there is none).
    resamples : draws of the bootstrap; 0 leaves the intervals out
    seed : of the draws; the same seed gives the same interval

    Returns
    -------
    DataFrame
        One row for each group and measure: `group`, `rows`, `sites`, `metric`, `unit`, `value`,
        `low`, `high`. The interval is NaN below five sites.
    """
    groups = {ALL: rows}
    for name, part in rows.groupby("group", sort=True):
        if name != "" and len(part) >= FEWEST_ROWS and len(part) < len(rows):
            groups[str(name)] = part
    return pd.concat(
        [_score_group(name, part, resamples, seed) for name, part in groups.items()],
        ignore_index=True,
    )


def _score_group(name: str, rows: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    observed, modelled, weight = (
        rows[key].to_numpy(dtype=np.float64)
        for key in ("observed_tc_ha", "modelled_tc_ha", "weight")
    )
    site = pd.factorize(rows["site"])[0]
    sites = int(site.max()) + 1 if len(site) else 0
    low, high = np.full((2, len(METRICS)), np.nan)
    if resamples and sites >= FEWEST_SITES:
        low, high = intervals(observed, modelled, weight, site, resamples, seed)
    return pd.DataFrame(
        {
            "group": name,
            "rows": len(rows),
            "sites": sites,
            "metric": [metric.key for metric in METRICS],
            "unit": [metric.unit for metric in METRICS],
            "value": _all_metrics(observed, modelled, weight),
            "low": low,
            "high": high,
        }
    )


def intervals(
    observed: Floats,
    modelled: Floats,
    weight: Floats,
    site: NDArray[np.intp],
    resamples: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """Ends of the 95 % percentile interval of every measure, (metric,).

    Parameters
    ----------
    site : (n,) number of each row's site, 0 to sites - 1
    """
    sites = int(site.max()) + 1

    def of_draws(drawn: NDArray[np.intp], axis: int = -1) -> Floats:
        """Measures (metric, draw) of sites (draw, sites)."""
        draws = np.atleast_2d(np.moveaxis(drawn, axis, -1))
        offset = np.arange(len(draws))[:, None] * sites
        counts = np.bincount((draws + offset).ravel(), minlength=len(draws) * sites)
        return _all_metrics(observed, modelled, weight * counts.reshape(-1, sites)[:, site])

    found = bootstrap(
        (np.arange(sites),),
        of_draws,
        n_resamples=resamples,
        batch=max(1, BATCH_VALUES // len(observed)),
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return np.asarray(found.low), np.asarray(found.high)


def _all_metrics(observed: Floats, modelled: Floats, weight: Floats) -> Floats:
    return np.stack([metric.function(observed, modelled, weight) for metric in METRICS])
