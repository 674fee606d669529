"""Fits: known numbers come back; numbers nobody can know, and fits without skill, are told."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.factories import tables
from tests.sequestration.test_site import make_months
from typer.testing import CliRunner

from recarb.cli import app, register
from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.rothc.parameters import DEFAULT
from recarb.sequestration.site import SiteRun, run_site
from recarb.sequestration.tables import ModelTables
from recarb.validation import verdict
from recarb.validation.calibration import calibrate, fit, gather, identifiability
from recarb.validation.choices import Choice, parse_choice, run_with
from recarb.validation.site_file import Site, load_site

YEARS = 24
HUM = Choice("k_hum_per_yr", 0.005, 0.06)
PLANT = Choice("c_input_factor", 0.5, 2.0)


def soil(clay_pct=23.4, stock=60.0, plant=1.0, manure=1.0) -> SiteRun:
    months = make_months(YEARS)
    months["carbon_input_tc_ha"] *= plant
    months["fym_tc_ha"] *= manure
    share = np.array([0.01, 0.12, 0.02, 0.85]) * stock
    return SiteRun(
        months=months, clay_pct=clay_pct, depth_cm=23.0, iom_tc_ha=4.0, initial=tuple(share)
    )


def measured(run, truth, noise=0.0, seed=0, every=2) -> pd.DataFrame:
    """December stocks of every second year under true numbers."""
    result = run_site(run_with(run, truth)).months.query("month == 12").iloc[::every]
    stocks = result["soc_tc_ha"] + np.random.default_rng(seed).normal(0.0, noise, len(result))
    return pd.DataFrame(
        {"year": result["year"], "month": 12, "soc_tc_ha": stocks, "sd_tc_ha": np.nan}
    )


def site(name, truth, noise=0.0, seed=0, **changes) -> Site:
    run = soil(**changes)
    return Site(name, run, measured(run, truth, noise, seed))


def codes(calibration):
    return {finding.code for finding in verdict.findings(calibration)}


def test_known_numbers_come_back():
    truth = {"k_hum_per_yr": 0.031, "c_input_factor": 1.3}
    sites = [site("poor", truth, plant=0.5), site("rich", truth, plant=3.0, clay_pct=12.0)]
    done = calibrate(sites, [HUM, PLANT])
    assert done.fit.by_name() == pytest.approx(truth, rel=1e-5)
    assert done.fitted_rmse < 1e-4
    assert done.published_rmse > 1.0
    assert done.left_out_rmse < 1e-3
    for fold in done.folds:
        assert fold.values == pytest.approx(truth, rel=1e-3)
    assert codes(done) == set()


def test_published_numbers_stay_where_they_fit():
    done = calibrate([site("one", {})], [HUM])
    assert done.fit.values == pytest.approx([0.02], rel=1e-6)
    assert [fold.left_out for fold in done.folds] == ["the last third"]
    assert done.folds[0].rows == len(done.fit.stocks.month) // 3


def test_rate_factor_scales_all_four():
    done = calibrate([site("one", {"rate_factor": 1.4})], [Choice("rate_factor", 0.3, 3.0)])
    assert done.fit.values == pytest.approx([1.4], rel=1e-5)
    keys = tomllib.loads(verdict.snippet(done, [], []))["model"]["rothc"]
    assert keys["k_dpm_per_yr"] == pytest.approx(14.0, rel=1e-5)
    assert keys["k_hum_per_yr"] == pytest.approx(0.028, rel=1e-5)
    assert len(keys) == 4


def test_numbers_that_only_act_together_are_told():
    """At one clay content x = x_scale (x_base + a constant): many pairs fit as well."""
    one = site("one", {"x_scale": 2.0}, noise=0.5)
    choices = [Choice("x_scale", 0.5, 4.0), Choice("x_base", 0.5, 4.0)]
    done = calibrate([one], choices)
    assert {"not_identifiable", "wide_interval"} <= codes(done)
    assert done.fit.collinearity > 100.0
    alone = calibrate([one], choices[:1])
    assert codes(alone) <= {"no_skill"}
    assert alone.fit.low[0] < 2.0 < alone.fit.high[0]


def test_a_number_without_effect_is_told():
    """No manure, so nothing depends on its factor."""
    done = calibrate([site("one", {}, noise=0.5, manure=0.0)], [Choice("fym_factor", 0.5, 2.0)])
    assert {"not_identifiable", "wide_interval"} <= codes(done)
    assert np.isinf(done.fit.high).all()


def test_a_fit_that_does_not_carry_over_is_told():
    """Two soils that differ in opposite ways: what fits one misleads on the other."""
    sites = [site("fast", {"k_hum_per_yr": 0.04}), site("slow", {"k_hum_per_yr": 0.01})]
    done = calibrate(sites, [HUM])
    assert done.fitted_rmse < done.published_rmse
    assert done.left_out_rmse > done.published_left_out_rmse
    assert "no_skill" in codes(done)


def test_a_bound_is_told():
    done = calibrate([site("one", {"k_hum_per_yr": 0.05})], [Choice("k_hum_per_yr", 0.01, 0.03)])
    assert done.fit.values == pytest.approx([0.03], rel=1e-3)
    assert "at_bound" in codes(done)


def test_an_unchecked_fit_is_told():
    two = site("one", {"k_hum_per_yr": 0.03})
    few = Site("one", two.run, two.observed.iloc[[3, 8]])
    done = calibrate([few], [HUM])
    assert done.folds == ()
    assert codes(done) == {"not_checked"}


def test_exact_stocks_count_more():
    """Two stocks that contradict each other: the fit goes to the one with the small sd."""
    fast, slow = (measured(soil(), {"k_hum_per_yr": k}) for k in (0.04, 0.01))
    both = pd.concat([fast.assign(sd_tc_ha=0.1), slow.assign(sd_tc_ha=5.0)])
    plain = pd.concat([fast, slow])
    weighted = calibrate([Site("one", soil(), both)], [HUM]).fit.values[0]
    assert weighted == pytest.approx(0.04, rel=0.01)
    assert 0.015 < calibrate([Site("one", soil(), plain)], [HUM]).fit.values[0] < 0.035


def test_identifiability_is_that_of_a_straight_line():
    """Intercept and slope, as scipy has them."""
    x = np.array([1.0, 2, 3, 5, 8])
    y = np.array([2.1, 3.9, 6.2, 9.7, 16.4])
    line = stats.linregress(x, y)
    jacobian = np.stack([np.ones(5), x], axis=1)
    half, correlation, collinearity = identifiability(jacobian, line.intercept + line.slope * x - y)
    quantile = stats.t.ppf(0.975, 3)
    expected = [line.intercept_stderr * quantile, line.stderr * quantile]
    assert half == pytest.approx(expected, rel=1e-10)
    cosine = x.sum() / np.sqrt(5 * (x**2).sum())
    assert correlation[0, 1] == pytest.approx(-cosine, rel=1e-10)
    assert collinearity == pytest.approx(1.0 / np.sqrt(1.0 - cosine), rel=1e-10)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Twenty fits to noisy stocks: 95 % intervals miss the true number in one of them or so."""
    runs = [site("one", {"k_hum_per_yr": 0.03}, noise=0.5, seed=seed) for seed in range(20)]
    fits = [fit([one], [HUM], stocks := gather([one]), stocks.month > 0.0) for one in runs]
    missed = sum(not one.low[0] < 0.03 < one.high[0] for one in fits)
    assert missed <= 4


# --- what is asked for


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k_hums=0.01:0.04", "no number 'k_hums'"),
        ("months_per_year=10:13", "no number"),
        ("k_hum_per_yr", "expected NAME=LOW:HIGH"),
        ("k_hum_per_yr=0.01", "expected NAME=LOW:HIGH"),
        ("k_hum_per_yr=0.03:0.05", "on both sides of 0.02"),
        ("k_hum_per_yr=nan:0.05", "on both sides"),
    ],
)
def test_a_bad_choice_is_told(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_choice(text)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([], "at least one"),
        ([HUM, HUM], "found twice: k_hum_per_yr"),
        ([HUM, Choice("rate_factor", 0.5, 2.0)], "holds k_hum_per_yr already"),
    ],
)
def test_choices_that_do_not_go_together_are_told(choices, words):
    with pytest.raises(ConfigError, match=words):
        calibrate([site("one", {})], choices)


def test_too_few_stocks_and_stocks_outside_the_months_are_told():
    good = site("one", {})
    few = Site("one", good.run, good.observed.iloc[:1])
    with pytest.raises(InputError, match="more measured stocks than fitted numbers"):
        calibrate([few], [HUM])
    early = Site("one", good.run, good.observed.assign(year=1980.0))
    with pytest.raises(InputError, match="site one: expected stocks within"):
        calibrate([early], [HUM])


# --- files and command

KEYS = """months = "months.csv"
observed = "observed.csv"
clay_pct = 23.4
depth_cm = 23.0
iom_tc_ha = 4.0
initial = [0.6, 7.2, 1.2, 51.0]
"""


def write_site(folder, truth, keys=KEYS, site_column=None):
    run = soil()
    run.months.to_csv(folder / "months.csv", index=False)
    rows = measured(run, truth, noise=0.2)[["year", "soc_tc_ha"]]
    if site_column is not None:
        rows["site"] = site_column
    rows.to_csv(folder / "observed.csv", index=False)
    path = folder / "plot7.toml"
    path.write_text(keys, encoding="utf-8")
    return path


def test_a_site_file_is_read(tmp_path):
    loaded = load_site(write_site(tmp_path, {}))
    assert loaded.name == "plot7"
    assert loaded.run.clay_pct == 23.4
    assert loaded.run.initial == (0.6, 7.2, 1.2, 51.0)
    assert len(loaded.observed) == YEARS // 2
    assert {path.name for path in loaded.files} == {"plot7.toml", "months.csv", "observed.csv"}


def test_a_site_of_a_variant_is_run_as_one(tmp_path):
    """As `recarb rothc` with the same options."""
    variant = """silt_pct = 40.0
organic_carbon_pct = 1.2
paddy = true
rothc = { moist_min = 0.15 }

[variant]
moisture = "van_genuchten"
bulk_density_g_cm3 = 1.35
cover = "mixed"
paddy = "seasonal"
flooded_months = [6, 7]
"""
    found = load_site(write_site(tmp_path, {}, KEYS + variant)).run
    assert found.parameters.moist_min == 0.15 and found.parameters.variant.mixed_cover
    assert (found.silt_pct, found.bulk_density_g_cm3, found.organic_carbon_pct) == (40.0, 1.35, 1.2)
    assert found.paddy and found.flooded_months == (6, 7)
    plain = load_site(write_site(tmp_path, {})).run
    one, other = (run_site(run).months["soc_tc_ha"].iloc[-1] for run in (found, plain))
    assert abs(one / other - 1.0) > 0.01


@pytest.mark.parametrize(
    ("keys", "error", "words"),
    [
        (KEYS + "[variant]\nmoisture = 'van_genuchten'\n", ConfigError, "silt"),
        (KEYS + "[rothc]\nmoist = 0.1\n", ConfigError, "rothc: no parameter moist"),
        (KEYS + "clay = 3\n", ConfigError, "clay: no such key; did you mean clay_pct"),
        ("months = ", ConfigError, "not valid TOML"),
        (KEYS.replace("clay_pct = 23.4\n", ""), ConfigError, "--clay-pct"),
        (KEYS.replace("months.csv", "none.csv"), MissingData, "none.csv"),
    ],
)
def test_a_bad_site_file_is_told(tmp_path, keys, error, words):
    with pytest.raises(error, match=words):
        load_site(write_site(tmp_path, {}, keys))


def test_stocks_of_another_site_are_not_taken(tmp_path):
    with pytest.raises(MissingData, match="measured stocks of site 'plot7'"):
        load_site(write_site(tmp_path, {}, site_column="plot8"))


def invoke(*arguments):
    if not app.registered_commands:
        register.commands(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_writes_lines_for_run_toml(tmp_path):
    path = write_site(tmp_path, {"k_hum_per_yr": 0.03}, site_column="plot7")
    out = tmp_path / "fit.toml"
    told = invoke("calibrate", path, "--fit", "k_hum_per_yr=0.005:0.06", "--out", out)
    assert told.exception is None, told.output
    assert "left out the last third (4 stocks)" in told.output
    text = out.read_text(encoding="utf-8")
    assert "# k_hum_per_yr: 0.03" in text and "published 0.02" in text
    assert text.count("sha256") == 3
    model = tomllib.loads(text)["model"]
    config = RunConfig.model_validate(tables(model=model), context={"folder": tmp_path})
    used = ModelTables.of(config).parameters
    assert used.k_hum_per_yr == pytest.approx(0.03, rel=0.05)
    assert used._replace(k_hum_per_yr=0.02) == DEFAULT
    assert "give --overwrite" in str(invoke("calibrate", path, "--fit", "temp_a=40:50",
                                            "--out", out).exception)  # fmt: skip


def test_an_input_factor_is_no_key_of_run_toml(tmp_path):
    path = write_site(tmp_path, {"c_input_factor": 1.2})
    out = tmp_path / "fit.toml"
    assert invoke("calibrate", path, "--fit", "c_input_factor=0.5:2", "--out", out).exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert tomllib.loads(text)["model"]["rothc"] == {}
    assert "no key of run.toml" in text
