"""Validation on real data: the SOC map of North Macedonia, and Highfield."""

import numpy as np
import pandas as pd
import pytest
from tests.real import highfield, masis
from tests.realdata import requires

from recarb.core.config import RunConfig
from recarb.validation.calibration import calibrate, gather, model_stocks
from recarb.validation.choices import Choice
from recarb.validation.maps import FinishedRun, Rules, compare_maps
from recarb.validation.observed import read_observed
from recarb.validation.scores import score
from recarb.validation.verdict import findings

pytestmark = [
    pytest.mark.realdata,
    requires("points"),
    requires("north_macedonia"),
    requires("lte/rothamsted_era/rrn1"),
]
INPUT, RATE = Choice("c_input_factor", 0.02, 3.0), Choice("rate_factor", 0.2, 5.0)


def test_profiles_lie_where_the_training_data_have_them():
    """The coordinate system is not stated; in EPSG:6204 nine tenths agree to 20 m."""
    both = masis.sites().join(masis.training()[["X", "Y"]], how="inner")
    metres = np.hypot(
        (both["longitude"] - both["X"]) * 82_800.0, (both["latitude"] - both["Y"]) * 111_000.0
    )
    assert len(both) > 1900
    assert (metres < 20.0).mean() > 0.85


def test_stock_of_a_profile_by_hand():
    """20 cm of 3 % humus, density 1.42, no stones, and 10 cm of 2.5 %, 1.36, a fifth of stones."""
    horizons = pd.DataFrame(
        {
            "top": [20, 0],
            "bottom": [57, 20],
            "humus": [2.5, 3.0],
            "bd": [1.36, 1.42],
            "coarse_frag": [20.0, 0.0],
        }
    )
    expected = (3.0 * 1.42 * 20 + 2.5 * 1.36 * 10 * 0.8) / 1.724
    assert masis.stock_tc_ha(horizons) == pytest.approx(expected, rel=1e-14)
    assert np.isnan(masis.stock_tc_ha(horizons.assign(top=[25, 0])))
    assert np.isnan(masis.stock_tc_ha(horizons.assign(bd=[np.nan, 1.42])))
    assert np.isnan(masis.stock_tc_ha(horizons.assign(humus=[306.0, 3.0])))


def test_seen_and_unseen_profiles_do_not_overlap():
    seen, unseen = (masis.observed(in_training=known) for known in (True, False))
    assert not set(seen["site"]) & set(unseen["site"])
    assert len(unseen) > 100


def test_a_map_does_better_on_profiles_it_was_made_from(finished, tmp_path):
    done = finished("north_macedonia")
    assert isinstance(done.config, RunConfig)
    run = FinishedRun(done.report.folder, done.config)
    found = {}
    for known in (True, False):
        path = tmp_path / f"{known}.csv"
        masis.observed(in_training=known).to_csv(path, index=False)
        table = compare_maps(read_observed(path, with_place=True), run, Rules(any_year=True))
        rows = table[table["reason"] == ""]
        assert len(rows) > 50
        scores = score(rows, 0).query("group == 'all'")
        found[known] = scores.set_index("metric")["value"]
    assert found[True]["concordance"] > found[False]["concordance"]
    assert found[False]["rmse"] < 60.0


def test_highfield_is_read_whole():
    arable, grass = (highfield.measured(treatment) for treatment in ("arable", "grass"))
    assert (len(arable), len(grass)) == (14, 15)
    assert arable["soc_tc_ha"].iloc[0] == pytest.approx(2.80 * 0.944 * 23, rel=1e-12)
    assert arable["soc_tc_ha"].iloc[-1] == pytest.approx(1.52 * 0.944 * 23, rel=1e-12)
    fixed = highfield.measured("arable", fixed_depth=True)
    assert fixed["soc_tc_ha"].iloc[-1] > arable["soc_tc_ha"].iloc[-1] + 4.0


def test_highfield_grass_starts_in_equilibrium():
    site = highfield.site("grass")
    stocks = gather([site])
    modelled = model_stocks([site], stocks, {})
    assert modelled[0] == pytest.approx(highfield.GRASSED_1948, abs=0.01)
    assert np.ptp(modelled) < 5.0


def test_highfield_cannot_tell_inputs_from_rates():
    """Either number alone takes the misfit of the crops away; together they are not known."""
    site = highfield.site("arable", highfield.measured("arable").assign(sd_tc_ha=np.nan))
    alone = [calibrate([site], [choice]) for choice in (INPUT, RATE)]
    assert all(done.fitted_rmse < 0.3 * done.published_rmse for done in alone)
    together = calibrate([site], [INPUT, RATE])
    assert "not_identifiable" in {finding.code for finding in findings(together)}
