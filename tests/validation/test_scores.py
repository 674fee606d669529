"""The table of a comparison: intervals that are right, repeatable, and of whole sites."""

import numpy as np
import pandas as pd
import pytest

from recarb.validation.metrics import METRICS
from recarb.validation.scores import ALL, intervals, score


def rows(errors, site=None, group=""):
    observed = np.linspace(40.0, 90.0, len(errors))
    return pd.DataFrame(
        {
            "observed_tc_ha": observed,
            "modelled_tc_ha": observed + errors,
            "weight": 1.0,
            "site": np.arange(len(errors)) if site is None else site,
            "group": group,
        }
    )


def width(table, metric):
    one = table[(table["group"] == ALL) & (table["metric"] == metric)].iloc[0]
    return float(one["high"] - one["low"])


def test_interval_of_the_bias_is_that_of_a_mean():
    errors = np.random.default_rng(3).normal(2.0, 5.0, 400)
    table = score(rows(errors))
    expected = 2 * 1.96 * errors.std() / np.sqrt(400)
    assert width(table, "bias") == pytest.approx(expected, rel=0.05)
    bias = table[table["metric"] == "bias"].iloc[0]
    assert bias["low"] < errors.mean() < bias["high"]


def test_rows_of_one_site_are_drawn_together():
    """A hundred sites of ten equal rows know as much as a hundred rows, not a thousand."""
    errors = np.random.default_rng(4).normal(0.0, 5.0, 100)
    once = width(score(rows(errors), 2000), "bias")
    tenfold = rows(np.repeat(errors, 10), site=np.repeat(np.arange(100), 10))
    assert width(score(tenfold, 2000), "bias") == pytest.approx(once, rel=0.03)
    alone = width(score(tenfold.assign(site=np.arange(1000)), 2000), "bias")
    assert alone == pytest.approx(once / np.sqrt(10), rel=0.08)


def test_draws_as_weights_are_draws_of_rows():
    """The same draws, taken as whole rows one draw after the other."""
    site = np.array([0, 0, 1, 2, 2, 2, 3, 4])
    observed = np.array([30.0, 50, 44, 60, 71, 66, 25, 90])
    modelled = observed + np.array([3.0, -4, 6, 1, 2, -7, 5, -2])
    low, high = intervals(observed, modelled, np.ones(8), site, 500, seed=7)
    found = []
    for drawn in np.random.default_rng(7).integers(0, 5, (500, 5)):
        taken = np.concatenate([np.flatnonzero(site == number) for number in drawn])
        ones = np.ones(len(taken))
        found.append([m.function(observed[taken], modelled[taken], ones) for m in METRICS])
    for k, values in enumerate(np.array(found).T):
        if np.isfinite(values).all():
            assert [low[k], high[k]] == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_same_seed_same_interval_another_seed_another():
    table = rows(np.random.default_rng(5).normal(0.0, 5.0, 30))
    one, again, other = (score(table, 500, seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one["low"].equals(other["low"])


@pytest.mark.parametrize(("sites", "has_interval"), [(4, False), (5, True)])
def test_few_sites_give_no_interval(sites, has_interval):
    errors = np.random.default_rng(6).normal(0.0, 5.0, 20)
    table = score(rows(errors, site=np.arange(20) % sites), 200)
    assert table["low"].notna().all() == has_interval
    assert table["value"].notna().all()


def test_no_draws_no_interval():
    assert score(rows(np.arange(9.0)), 0)["low"].isna().all()


def test_groups_of_three_and_more_get_their_own_lines():
    table = score(rows(np.arange(9.0), group=["a"] * 4 + ["b"] * 2 + [""] * 3), 0)
    assert list(table["group"].unique()) == [ALL, "a"]
    assert table[table["group"] == "a"]["rows"].eq(4).all()
    bias = table.set_index(["group", "metric"])["value"]
    assert bias["a", "bias"] == pytest.approx(1.5)
    assert bias[ALL, "bias"] == pytest.approx(4.0)
