"""Draws of a run: each is the run of its inputs, and their statistics are those of the model."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bad_country import Country, assert_refused
from tests.factories import cells, config
from tests.sequestration.test_output import contents
from typer.testing import CliRunner

from recarb.cli import app, register
from recarb.core.errors import ConfigError
from recarb.sequestration import monte_carlo, pipeline
from recarb.sequestration.draws import DRAWN, drawn
from recarb.sequestration.forward import forward
from recarb.sequestration.monte_carlo import draw_maps, quantities, spread_of
from recarb.sequestration.simulate import simulate
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up
from recarb.uncertainty.sampling import normal_scores

USES = (2, 3, 12, 5, 13, 2, 3)
RATE = "RSR_SSM2"
SMOOTH = [0, 1, 4, 5]  # of these: no threshold of the model is near
MILD = [0, 1, 2, 4, 5, 6]  # of these; in the cold one a month crosses -5 degC, where decay stops


def run_config(**choices):
    return config(monte_carlo={"draws": 256, **choices})


def maps(inputs: xr.Dataset, of=None) -> dict[str, np.ndarray]:
    of = of or run_config()
    return draw_maps(inputs, of, ModelTables.of(of))


def phases(inputs: xr.Dataset, of) -> xr.Dataset:
    tables = ModelTables.of(of)
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    return forward(state, inputs, tables, of.scenarios, of.forward.years)


def by_hand(inputs: xr.Dataset, members: xr.Dataset, k: int) -> xr.Dataset:
    """The inputs of one draw, every series changed by itself."""
    one = members.isel(chain=k)
    moved = inputs.assign(soc=one["soc"], clay=one["clay"]).copy(deep=True)
    for name in map(str, inputs.data_vars):
        if name.startswith("rain_"):
            moved[name] = inputs[name] * one["rain_factor"]
        elif name.startswith("temperature_"):
            moved[name] = inputs[name] + one["temperature_shift"]
        elif name.startswith("cover_"):
            moved[name] = (inputs[name] + one["cover_shift"]).clip(0.0, 1.0)
    return moved


@pytest.mark.parametrize("warm", [True, False])
def test_a_draw_is_the_run_of_its_inputs(warm):
    """Stock, clay, climate and cover in all phases; the input factor and the gain by their sums."""
    inputs = cells(USES, warm_up=warm, seed=4)
    of = run_config()
    scores = normal_scores(np.arange(7), np.arange(7), 256, len(DRAWN), 1, "random")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    plain = members.assign(
        input_factor=xr.ones_like(members["soc"]), gain_points=0.0 * members["gain_points"]
    )
    together = phases(plain, of)
    for k in (0, 100, 255):
        alone = phases(by_hand(inputs, members, k), of)
        for key in ("final_soc", "c_bau", "pools", "deficit"):
            found = together[key].isel(chain=k)
            np.testing.assert_allclose(found, alone[key], rtol=1e-11, atol=1e-11, err_msg=key)
    moved, still = (phases(one, of)["c_input"].isel(scenario=0) for one in (members, plain))
    np.testing.assert_allclose(moved, still * members["input_factor"], rtol=1e-12)
    found = phases(members, of)["c_input"]
    gain = found.sel(scenario="SSM2") / found.sel(scenario="BAU")
    np.testing.assert_allclose(gain, 1.1 + members["gain_points"] / 100.0, rtol=1e-12)


@pytest.mark.parametrize("method", ["monte_carlo", "delta"])
@pytest.mark.parametrize("sampling", ["sobol", "random"])
def test_no_bit_depends_on_the_company_of_a_cell(monkeypatch, method, sampling):
    inputs = cells(USES, seed=2)
    of = run_config(method=method, sampling=sampling)
    whole = maps(inputs, of)
    monkeypatch.setattr(monte_carlo, "CELLS_AT_ONCE", 3)
    monkeypatch.setattr(monte_carlo, "DRAWS_AT_ONCE", 50)
    order = [5, 0, 3, 6]
    for chosen in (order, [4]):
        part = maps(inputs.isel(cell=chosen), of)
        for key, values in part.items():
            np.testing.assert_array_equal(values, whole[key][chosen], err_msg=key)


def test_another_seed_gives_other_draws_of_the_same_distribution():
    inputs = cells()
    one, other = maps(inputs), maps(inputs, run_config(seed=2))
    assert (one[f"sd_{RATE}"] != other[f"sd_{RATE}"]).all()
    np.testing.assert_allclose(one[f"sd_{RATE}"], other[f"sd_{RATE}"], rtol=0.1)


@given(
    soc=st.floats(0.1, 700.0),
    clay=st.floats(0.0, 100.0, allow_subnormal=False),
    sd=st.floats(0.0, 5.0),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=40)
def test_nothing_impossible_is_drawn(soc, clay, sd, seed):
    inputs = cells((2,)).assign(
        soc=("cell", np.array([soc])),
        clay=("cell", np.array([clay])),
        soc_sd=("cell", np.array([sd * soc])),
        clay_sd=("cell", np.array([sd * clay])),
    )
    of = config(
        uncertainty={"rain_pct": 99.0, "gain_points": 200.0},
        monte_carlo={"cover_share": 1.0, "c_input_pct": 99.0},
    )
    scores = normal_scores(np.zeros(1, int), np.zeros(1, int), 200, len(DRAWN), seed, "random")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    assert (members["soc"] > 0.0).all() and np.isfinite(members["soc"]).all()
    assert ((members["clay"] >= 0.0) & (members["clay"] <= 100.0)).all()
    assert (members["rain_factor"] > 0.0).all() and (members["input_factor"] > 0.0).all()


def test_impossible_points_of_gain_end_at_no_input():
    of = config(uncertainty={"gain_points": 400.0}, monte_carlo={"draws": 256})
    inputs = cells()
    scores = normal_scores(np.arange(4), np.arange(4), 256, len(DRAWN), 1, "sobol")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    assert float(members["gain_points"].min()) < -110.0
    assert float(phases(members, of)["c_input"].min()) == 0.0


def test_layers_go_before_the_standard_percentages():
    """Sd of 10 t about 40; limits of 90 % about 20; a half width of 30 % about 30."""
    inputs = cells((2, 3)).assign(
        soc=("cell", np.full(2, 40.0)),
        soc_sd=("cell", np.full(2, 10.0)),
        clay=("cell", np.full(2, 20.0)),
        clay_low=("cell", np.full(2, 10.0)),
        clay_high=("cell", np.full(2, 40.0)),
    )
    of = run_config(limits_pct=90.0)
    scores = normal_scores(np.arange(2), np.arange(2), 4096, len(DRAWN), 1, "sobol")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    np.testing.assert_allclose(members["soc"].mean("chain"), 40.0, rtol=0.002)
    np.testing.assert_allclose(members["soc"].std("chain"), 10.0, rtol=0.01)
    found = np.quantile(members["clay"], [0.05, 0.5, 0.95], axis=0)
    np.testing.assert_allclose(found, [[10.0] * 2, [20.0] * 2, [40.0] * 2], rtol=0.01)
    half = inputs.drop_vars(["soc_sd", "clay_low", "clay_high"])
    half["soc_uncertainty"] = ("cell", np.full(2, 30.0))
    members = drawn(half, scores, of.uncertainty, of.monte_carlo)
    np.testing.assert_allclose(members["soc"].std("chain"), 40.0 * 0.3 / 1.96, rtol=0.01)
    np.testing.assert_allclose(members["clay"].std("chain"), 20.0 * 0.1 / 1.96, rtol=0.01)


def test_layers_of_the_other_inputs_go_before_the_one_number_for_all():
    """Each is that of its cell; a spread of 0 draws nothing."""
    inputs = cells((2, 3, 12, 2))
    own = np.array([0.0, 0.5, 1.0, 2.0])
    layers = {"temperature": own, "rain": 10.0 * own, "cover": 0.05 * own,
              "c_input": 5.0 * own, "gain": 4.0 * own}  # fmt: skip
    inputs = inputs.assign({f"{key}_sd": ("cell", values) for key, values in layers.items()})
    of = run_config()
    scores = normal_scores(np.arange(4), np.arange(4), 8192, len(DRAWN), 1, "sobol")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    drawn_as = {"temperature": "temperature_shift", "rain": "rain_factor", "cover": "cover_shift",
                "c_input": "input_factor", "gain": "gain_points"}  # fmt: skip
    for key, name in drawn_as.items():
        percent = 100.0 if name.endswith("factor") else 1.0
        found = percent * members[name].std("chain")
        np.testing.assert_allclose(found, layers[key], rtol=0.02, err_msg=key)
    assert (members["rain_factor"].values > 0.0).all()


def test_layers_of_spread_are_read_and_a_gap_excludes_the_cell(tmp_path):
    country = Country(tmp_path)
    sd = np.full(country.layers["soc"].values.shape[1:], 0.4)
    sd[0, :3] = np.nan
    country.add("temperature_sd", sd).unit = "K"
    country.table["monte_carlo"] = {"draws": 200}
    report = pipeline.run(country.config())
    assert report.ledger.reasons()["no_uncertainty_layer"] == 3


def test_a_spread_in_degrees_celsius_is_refused(tmp_path):
    """A difference of 0.4 degC would become 273.55 K."""
    country = Country(tmp_path)
    country.add(
        "temperature_sd", np.linspace(0.3, 0.6, 120).reshape(country.layers["soc"].values.shape[1:])
    ).unit = "degC"
    country.table["monte_carlo"] = {"draws": 200}
    assert_refused(country, "impossible_value", said=("temperature_sd",))


def test_draws_and_delta_agree_where_inputs_are_well_known():
    """A third of the standard spreads: nearly linear."""
    third = {"soc_pct": 7.0, "clay_pct": 3.0, "rain_pct": 1.7, "temperature_c": 0.1,
             "gain_points": 5.0}  # fmt: skip
    inputs = cells(USES, seed=3).isel(cell=SMOOTH)
    inputs = inputs.assign(
        {k: inputs[k].clip(0.1, 0.9) for k in inputs if str(k).startswith("cover")}
    )
    few = {"cover_share": 0.01, "c_input_pct": 3.0, "draws": 1024}
    by_draws = maps(inputs, config(uncertainty=third, monte_carlo=few))
    by_delta = maps(inputs, config(uncertainty=third, monte_carlo={**few, "method": "delta"}))
    for quantity, _ in quantities(config()):
        sd = by_delta[f"sd_{quantity}"]
        np.testing.assert_allclose(by_draws[f"sd_{quantity}"], sd, rtol=0.03, err_msg=quantity)
        for key in ("mean", "low", "high"):
            off = np.abs(by_draws[f"{key}_{quantity}"] - by_delta[f"{key}_{quantity}"])
            assert (off < 0.15 * sd).all(), (key, quantity)
    for key in by_delta:
        if key.startswith("share_"):
            np.testing.assert_allclose(by_draws[key], by_delta[key], atol=0.07, err_msg=key)
        if key.startswith("P_"):
            np.testing.assert_allclose(by_draws[key], by_delta[key], atol=0.02, err_msg=key)


def test_draws_and_delta_agree_under_the_standard_spreads():
    """The bounds that the page on the Monte Carlo states."""
    inputs = cells(USES, seed=3).isel(cell=MILD)
    by_draws = maps(inputs, run_config(draws=1024))
    by_delta = maps(inputs, run_config(method="delta"))
    np.testing.assert_allclose(by_draws[f"sd_{RATE}"], by_delta[f"sd_{RATE}"], rtol=0.05)
    np.testing.assert_allclose(by_draws[f"mean_{RATE}"], by_delta[f"mean_{RATE}"], rtol=0.05)


def test_shares_are_those_of_pick_and_freeze():
    """First-order indices by [JK14]: two samples that share one input."""
    inputs = cells((2, 3), seed=5)
    of = run_config(draws=2048)
    tables = ModelTables.of(of)
    found = spread_of(inputs, of, tables)
    at, other = np.arange(2), np.arange(2) + 50
    first, second = (normal_scores(c, c, 4096, len(DRAWN), 9, "random") for c in (at, other))
    rows = [name for name, _ in quantities(of)]
    one = monte_carlo._run(inputs, first, of, tables)
    for k in range(len(DRAWN)):
        mixed = second.copy()
        mixed[:, k] = first[:, k]
        two = monte_carlo._run(inputs, mixed, of, tables)
        mean = (one + two).mean(axis=-1, keepdims=True) / 2.0
        share = ((one - mean) * (two - mean)).mean(-1) / (
            ((one - mean) ** 2 + (two - mean) ** 2) / 2.0
        ).mean(-1)
        for row in (rows.index(RATE), rows.index("ASR_SSM2")):
            np.testing.assert_allclose(found.shares[k, row], share[row], atol=0.06)


def test_both_scenarios_run_on_the_same_draw():
    """Without doubt about the gain, SSM keeps more than BAU in every draw, certain as they are."""
    inputs = cells(USES)
    found = maps(inputs, config(uncertainty={"gain_points": 0.0}, monte_carlo={"draws": 256}))
    assert (found["P_SSM2_above_BAU"] == 1.0).all() and (found[f"low_{RATE}"] > 0.0).all()
    apart = np.hypot(found["sd_finalSOC_SSM2"], found["sd_finalSOC_BAU"]) / 20.0
    assert (found[f"sd_{RATE}"] < 0.1 * apart).all()


def test_the_mean_of_the_draws_is_near_the_plain_run_and_the_map_inside_its_interval():
    inputs = cells(USES)
    found, plain = maps(inputs), simulate(inputs, config())
    np.testing.assert_allclose(found["mean_T0"], plain["T0"], rtol=0.03)
    np.testing.assert_allclose(found[f"mean_{RATE}"], plain[RATE], rtol=0.1)
    inside = (found["low_T0"] < plain["T0"]) & (plain["T0"] < found["high_T0"])
    assert inside.all()
    half = (found["high_T0"] - found["low_T0"]) / 2.0 / found["mean_T0"]
    np.testing.assert_allclose(half, 0.2, atol=0.02)


@pytest.mark.parametrize("method", ["monte_carlo", "delta"])
def test_a_practice_adopted_by_all_is_drawn_like_the_gain_it_is(method):
    adopted = {"practices": [{"practice": "gsocseq-medium"}], "cap_at_npp": False}
    of = config(
        scenarios=[{"name": "SSM2", "gain_pct": 10.0}, {"name": "P", **adopted}],
        monte_carlo={"draws": 256, "method": method},
    )
    found = maps(cells(USES), of)
    for key in ("mean", "sd", "low", "high"):
        one, other = found[f"{key}_RSR_P"], found[f"{key}_{RATE}"]
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=key)
    assert (found["sd_RSR_P"] > 0.0).all()


def test_a_variant_is_drawn_as_its_runs():
    """Every draw with a deficit of two grounds and limits by the retention curve of its clay."""
    texture = {"silt": 40.0, "bulk_density": 1.3, "organic_carbon": 1.1}
    inputs = cells(USES).assign({k: ("cell", np.full(len(USES), v)) for k, v in texture.items()})
    variant = {"moisture": "van_genuchten", "bulk_density_g_cm3": 1.3, "cover": "mixed"}
    of = config(
        inputs={"silt": {"path": "silt.tif"}},
        model={"variant": variant},
        monte_carlo={"draws": 256, "sampling": "random"},
    )
    at = inputs["row"].values, inputs["column"].values
    scores = normal_scores(*at, 256, len(DRAWN), 1, "random")
    members = drawn(inputs, scores, of.uncertainty, of.monte_carlo)
    each = [phases(members.isel(chain=[k]), of)["final_soc"].isel(chain=0) for k in range(256)]
    final = xr.concat(each, "draw").sel(scenario="SSM2")
    found = maps(inputs, of)
    np.testing.assert_allclose(found["mean_finalSOC_SSM2"], final.mean("draw"), rtol=1e-12)
    np.testing.assert_allclose(found["sd_finalSOC_SSM2"], final.std("draw", ddof=1), rtol=1e-9)


def test_a_cell_of_whose_draws_one_does_not_end_has_no_numbers():
    """The warmest month is 0.1 K above the cold at which nothing decomposes."""
    inputs = cells((3, 3))
    for key in ("temperature_spin_up", "temperature_warm_up", "temperature_forward"):
        inputs[key][:, 0] = np.minimum(inputs[key][:, 0], -4.9)
    found = maps(inputs)
    assert all(np.isnan(values[0]) for values in found.values())
    assert np.isfinite(found[f"mean_{RATE}"][1])


def test_without_the_table_there_are_no_maps():
    assert maps(cells(), config()) == {}


@pytest.mark.parametrize("draws", [0, 199, 10**6])
def test_too_few_or_too_many_draws_are_refused(draws):
    with pytest.raises(ConfigError, match=f"--monte-carlo {draws}"):
        config().with_draws(draws)


def test_with_draws_keeps_the_other_choices():
    found = config(monte_carlo={"sampling": "random", "seed": 4}).with_draws(300).monte_carlo
    assert (found.draws, found.sampling, found.seed) == (300, "random", 4)


@pytest.mark.parametrize(
    ("layers", "said"),
    [({"soc_low": 1}, "together"), ({"clay_sd": 1, "clay_low": 1, "clay_high": 1}, "not both")],
)
def test_layers_that_contradict_each_other_are_refused(layers, said):
    with pytest.raises(ValueError, match=said):
        config(inputs={key: {"path": "x.tif"} for key in layers})


def country_run(folder, **changes):
    country = Country(folder)
    country.table["monte_carlo"] = {"draws": 200, "correlation_km": [30.0]}
    country.table |= changes
    return country.config()


def test_a_whole_run_leaves_the_same_bytes_for_any_tiles_and_threads(tmp_path):
    left = []
    for name, tile, threads in (("a", 8, 1), ("b", 16, 2)):
        of = country_run(tmp_path / name, tile_cells=tile)
        report = pipeline.run(of, threads=threads)
        left.append({
            key: data
            for key, data in contents(report.folder).items()
            if key.startswith("uncertainty") or key.endswith(".csv")
        })  # fmt: skip
    assert left[0] == left[1]
    # 12 quantities of 4 statistics, 3 probabilities, 7 of shares; two tables
    assert len(left[0]) == 12 * 4 + 3 + 7 + 2
    table = report.uncertain_totals
    national = table[(table["level"] == "country") & (table["quantity"] == RATE)]
    assert national["sd"].between(national["sd"].iloc[0], national["sd"].iloc[-1]).all()
    assert national["assumption"].iloc[0] == "errors of cells are independent"
    assert national["assumption"].iloc[-1] == "errors of all cells are one"
    assert "30 km" in national["assumption"].iloc[1]


def test_cells_whose_limits_cross_or_are_missing_are_excluded_with_a_reason(tmp_path):
    country = Country(tmp_path)
    soc = country.layers["soc"].values[0]
    low, high = 0.7 * soc, 1.4 * soc
    low[0, 0], low[0, 1], high[0, 2] = 500.0, 0.0, np.nan
    country.add("soc_low", low).unit = country.add("soc_high", high).unit = "t/ha"
    country.table["monte_carlo"] = {"draws": 200}
    report = pipeline.run(country.config())
    assert report.ledger.reasons()["no_uncertainty_layer"] == 3


def test_limits_exclude_nothing_where_nothing_is_drawn(tmp_path):
    country = Country(tmp_path)
    soc = country.layers["soc"].values[0]
    low, high = 0.7 * soc, 1.4 * soc
    low[0, :6] = np.nan
    country.add("soc_low", low).unit = country.add("soc_high", high).unit = "t/ha"
    assert pipeline.run(country.config()).ledger.run == soc.size


def test_land_that_is_not_managed_has_no_doubt_about_its_gain():
    """A gain that is written as 0; the points of the chains do not touch it either."""
    inputs = cells((2, 3))
    of = config(
        scenarios=[{"name": "SSM2", "gain_pct": 10.0, "gain_pct_by_land_use": {"3": 0.0}}],
        monte_carlo={"draws": 256},
    )
    found = maps(inputs, of)
    assert (found[f"sd_{RATE}"] > 0.0).tolist() == [True, False]
    assert found[f"mean_{RATE}"][1] == 0.0 and found["P_SSM2_above_BAU"][1] == 0.0
    assert (simulate(inputs, of)["HW_RSR_SSM2"].values > 0.0).tolist() == [True, False]


def test_draws_that_are_asked_for_are_drawn():
    """Whatever method run.toml names."""
    found = config(monte_carlo={"method": "delta", "seed": 4}).with_draws(300).monte_carlo
    assert (found.method, found.draws, found.seed) == ("monte_carlo", 300, 4)


def test_cells_whose_draws_do_not_end_are_counted_and_told(tmp_path):
    country = Country(tmp_path)
    values = country.layers["temperature"].values
    values[:, :, :5] = np.minimum(values[:, :, :5], -4.9)
    country.table["monte_carlo"] = {"draws": 200}
    report = pipeline.run(country.config())
    found = [f for f in report.findings if f.code == "cells_without_monte_carlo"]
    cells_told = report.counts["cells_without_monte_carlo"]
    assert cells_told > 0 and str(cells_told) in found[0].message


def test_one_cell_is_not_drawn(tmp_path):
    path = Country(tmp_path).write()
    if not app.registered_commands:
        register.commands(app)
    found = CliRunner().invoke(app, ["run", str(path), "--point=20.3,41.6", "--monte-carlo", "300"])
    assert isinstance(found.exception, ConfigError)
    assert "leave one of them out" in str(found.exception)
