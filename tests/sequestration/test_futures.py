"""Further horizons, the steady state, and years ahead that differ."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.factories import YEAR, cells, config

from recarb.core.config import Forward, RunConfig
from recarb.rothc import kernels
from recarb.sequestration.ahead import classes_ahead, course_of_input
from recarb.sequestration.forward import forward
from recarb.sequestration.members import by_member, land_of, soils_of, weather_of
from recarb.sequestration.npp import npp_carbon
from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

CHAINLESS = {"chains": False}
WINTER = {"2": [0.5, 0.5, *[0.0] * 10], "3": [0.0] * 6 + [1 / 6] * 6}
SERIES = ("temperature", "rain", "pet")


def run(forward: dict[str, Any], **more: Any) -> RunConfig:
    return config(forward=forward, uncertainty=CHAINLESS, **more)


def year_by_year(inputs: xr.Dataset, years: int, seed: int | None = None) -> xr.Dataset:
    """The mean year ahead, repeated; with a seed every month has weather of its own."""
    found = inputs
    for name in SERIES:
        months = np.tile(inputs[f"{name}_forward"].values, (years, 1))
        if seed is not None:
            months *= np.random.default_rng(seed).uniform(0.7, 1.3, months.shape)
        found = found.assign({f"{name}_ahead": (("time_ahead", "cell"), months)})
    return found.assign_attrs(year_by_year=True, inputs_follow_npp=False)


def land_use_to(inputs: xr.Dataset, code: int, after: int, years: int) -> xr.Dataset:
    classes = np.where(np.arange(years)[:, None] < after, inputs["land_use"].values, code)
    return inputs.assign(land_use_ahead=(("year_ahead", "cell"), classes.astype(np.uint8)))


def by_months(inputs: xr.Dataset, tables: ModelTables, years: int, level: float) -> np.ndarray:
    """Stock ahead by the kernel of the warm-up, which steps month by month, with BAU's input."""
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    land_use = np.atleast_2d(inputs["land_use"].values)
    if "land_use_ahead" in inputs:
        land_use = inputs["land_use_ahead"].values[:years]
    land_use = np.resize(land_use, (years, inputs.sizes["cell"]))
    kept = tables.npp_fraction[land_use] / tables.npp_fraction[inputs["land_use"].values]
    names = (*SERIES, "cover")
    ahead = {n: inputs.get(f"{n}_ahead", inputs[f"{n}_forward"]).values for n in names}
    tiled = {n: np.resize(v, (years * YEAR, v.shape[1])) for n, v in ahead.items()}
    weather = weather_of(inputs, "forward")._replace(
        temperature_c=tiled["temperature"], rain_mm=tiled["rain"], pet_mm=tiled["pet"],
        cover=tiled["cover"],
    )  # fmt: skip
    c_input = level * by_member(state["c_bau"])[:, None] * kept
    pools = kernels.warm_up(
        by_member(state["pools"], "pool"), by_member(state["deficit"]), weather, soils_of(inputs),
        land_of(land_use, tables), c_input, tables.depth_cm, tables.parameters,
    )[0]  # fmt: skip
    return (pools.sum(axis=1) + by_member(state["iom"]))[0]


def test_the_deliverables_do_not_know_of_further_futures():
    inputs = cells()
    plain = config()
    wider = config(forward={"horizons": [20, 50, 100], "steady_state": True})
    before, after = simulate(inputs, plain), simulate(inputs, wider)
    for product in products(plain) + diagnostics(plain):
        np.testing.assert_array_equal(before[product.key], after[product.key])
    assert {p.key for p in products(plain)} == {p.key for p in products(wider)}
    more = {p.key for p in diagnostics(wider)} - {p.key for p in diagnostics(plain)}
    assert {"SOC_SSM2_50y", "RSR_SSM1_100y", "SOC_BAU_steady", "Years_effect"} <= more
    assert len(more) == 2 * 11 + 9 and not any("20y" in key for key in more)


@pytest.mark.parametrize("years", [5, 50, 100])
def test_a_further_horizon_has_the_bits_of_a_run_of_that_length(years):
    inputs = cells()
    among = simulate(inputs, run({"horizons": [years, 75]}))
    alone = simulate(inputs, run({"years": years}))
    for name in ("BAU", "SSM1", "SSM3"):
        np.testing.assert_array_equal(among[f"SOC_{name}_{years}y"], alone[f"finalSOC_{name}"])
        np.testing.assert_array_equal(among[f"ASR_{name}_{years}y"], alone[f"ASR_{name}"])
    np.testing.assert_array_equal(among[f"RSR_SSM3_{years}y"], alone["RSR_SSM3"])


def test_year_by_year_with_a_constant_climate_is_the_mean_year():
    inputs, wider = cells(), config(forward={"horizons": [50]})
    plain, by_year = simulate(inputs, wider), simulate(year_by_year(inputs, 7), wider)
    for product in products(wider):
        off = np.abs(by_year[product.key] - plain[product.key])
        if product.unit.startswith("t ha-1"):
            assert (off <= 1e-12 * plain["T0"]).all(), product.key
        else:  # an uncertainty is a percentage, of rates next to nothing too
            assert (off <= 1e-9 * plain[product.key]).all(), product.key
    np.testing.assert_allclose(by_year["SOC_SSM2_50y"], plain["SOC_SSM2_50y"], rtol=1e-12)


@pytest.mark.parametrize("case", ["weather", "land use", "both"])
def test_years_that_differ_equal_the_run_by_months(case):
    inputs, years = cells((2, 3, 12, 2)), 30
    tables = ModelTables.of(config(model={"input_share": WINTER}))
    if case != "land use":
        inputs = year_by_year(inputs, years, seed=5)
    if case != "weather":
        inputs = land_use_to(inputs, 3, 12, years)
        cover = np.repeat(np.where(inputs["land_use_ahead"].values == 3, 1.0, 0.3), YEAR, axis=0)
        inputs = inputs.assign(cover_ahead=(("month_ahead", "cell"), cover))
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    for horizon in (20, years):
        found = forward(state, inputs, tables, config().scenarios, horizon)["final_soc"]
        for name, level in (("BAU", 1.0), ("SSM3", 1.2)):
            expected = by_months(inputs, tables, horizon, level)
            np.testing.assert_allclose(found.sel(scenario=name), expected, rtol=1e-10)


def test_more_input_is_linear_in_years_that_differ_too():
    inputs = land_use_to(year_by_year(cells(), 20, seed=2), 3, 5, 20)
    maps = simulate(inputs, run({}))
    np.testing.assert_allclose(maps["RSR_SSM3"], 4.0 * maps["RSR_SSM1"], rtol=1e-9)


def test_a_shorter_series_repeats():
    inputs = year_by_year(cells(), 5, seed=9)
    twice = inputs.drop_dims("time_ahead")
    for name in SERIES:
        months = np.tile(inputs[f"{name}_ahead"].values, (4, 1))
        twice = twice.assign({f"{name}_ahead": (("time_ahead", "cell"), months)})
    once, again = simulate(inputs, run({})), simulate(twice, run({}))
    for key in once:
        np.testing.assert_array_equal(once[key], again[key])


def npp_of(inputs: xr.Dataset, phase: str) -> np.ndarray:
    size = inputs.sizes["cell"]
    t, p = (inputs[f"{v}_{phase}"].values.reshape(-1, YEAR, size) for v in ("temperature", "rain"))
    return npp_carbon(t.mean(axis=1), p.sum(axis=1))


def test_input_stays_unless_the_run_lets_it_follow_npp():
    inputs, tables = year_by_year(cells(), 6, seed=3), ModelTables.of(config())
    np.testing.assert_array_equal(course_of_input(inputs, tables, 6), 1.0)
    following = inputs.assign_attrs(inputs_follow_npp=True)
    expected = npp_of(inputs, "ahead") / npp_of(inputs, "warm_up").mean(axis=0)
    np.testing.assert_allclose(course_of_input(following, tables, 6)[0], expected, rtol=1e-12)


def test_a_changed_mean_climate_is_compared_with_the_mean_climate():
    """Like with like; and the closed form, for which all years are the same, follows too."""
    inputs, tables = cells(), ModelTables.of(config())
    warmer = inputs.assign({f"{n}_ahead": inputs[f"{n}_forward"] * 1.1 for n in SERIES})
    warmer = warmer.assign_attrs(inputs_follow_npp=True, year_by_year=False)
    expected = npp_of(warmer, "ahead") / npp_of(warmer, "forward")
    np.testing.assert_allclose(course_of_input(warmer, tables, 1)[0], expected, rtol=1e-12)
    stays, follows = (
        simulate(warmer.assign_attrs(inputs_follow_npp=choice), run({}))["finalSOC_BAU"]
        for choice in (False, True)
    )
    assert (np.sign(follows - stays) == np.sign(expected[0] - 1.0)).all()


def test_an_absolute_amount_does_not_follow():
    absolute = [{"name": "A", "c_input_tc_ha_per_yr": 2.0}]
    inputs, tables = land_use_to(cells((3, 3)), 2, 0, 20), ModelTables.of(config())
    assert course_of_input(inputs, tables, 20) == pytest.approx(0.53 / 0.72)
    maps = simulate(inputs, run({}, scenarios=absolute))
    level = 2.0 / (maps["C_BAU"].values * 0.53 / 0.72)
    for i in range(2):
        expected = by_months(inputs, tables, 20, level[i])[i]
        assert float(maps["finalSOC_A"][i]) == pytest.approx(expected, rel=1e-10)


def test_a_change_of_the_climate_that_changes_nothing_has_the_same_bits():
    inputs = cells()
    same = inputs.assign({f"{n}_ahead": inputs[f"{n}_forward"] for n in SERIES})
    plain, again = simulate(inputs, config()), simulate(same, config())
    for key in plain:
        np.testing.assert_array_equal(plain[key], again[key])


def test_the_steady_stock_is_where_the_years_lead():
    """RothC forgets: 5 000 years ahead are the steady state, and 95 % of the way are on time."""
    inputs, wider = cells((2, 3)), {"steady_state": True}
    maps = simulate(inputs, run(wider))
    tables = ModelTables.of(config())
    state = warm_up(spin_up(inputs, tables), inputs, tables)
    late = forward(state, inputs, tables, config().scenarios, 20_000)["final_soc"]
    for name in ("BAU", "SSM2"):
        steady, t0 = maps[f"SOC_{name}_steady"].values, maps["T0"].values
        np.testing.assert_allclose(late.sel(scenario=name), steady, rtol=1e-10)
        for i, years in enumerate(maps[f"Years_{name}_steady"].values.astype(int)):
            near = 0.05 * abs(t0[i] - steady[i])
            ahead = [
                float(forward(state, inputs, tables, config().scenarios, int(n))["final_soc"]
                      .sel(scenario=name)[i])
                for n in (years - 1, years)
            ]  # fmt: skip
            assert abs(ahead[0] - steady[i]) > near >= abs(ahead[1] - steady[i])
    whole = maps["SOC_SSM3_steady"].values - maps["SOC_BAU_steady"].values
    for i, years in enumerate(maps["Years_effect"].values.astype(int)):
        reached = []
        for n in (years - 1, years):
            stocks = forward(state, inputs, tables, config().scenarios, int(n))["final_soc"]
            effect = stocks.sel(scenario="SSM3") - stocks.sel(scenario="BAU")
            reached.append(float(effect[i]) / whole[i])
        assert reached[0] < 0.95 <= reached[1]


def test_without_a_change_the_steady_stock_is_that_of_today():
    inputs = cells(warm_up=False)
    maps = simulate(inputs, run({"steady_state": True}, warm_up=None))
    np.testing.assert_allclose(maps["SOC_BAU_steady"], inputs["soc"], rtol=1e-10)
    np.testing.assert_array_equal(maps["Years_BAU_steady"], 0.0)
    np.testing.assert_array_equal(maps["Years_SSM1_steady"], maps["Years_effect"])


def test_one_map_of_land_use_holds_from_its_year():
    latest, given = np.array([2, 2], np.uint8), np.array([[3, 2]], np.uint8)
    ahead = Forward(years=4, horizons=(6,), land_use_after_years=2)
    found = classes_ahead(latest, given, ahead)
    assert found[:, 0].tolist() == [2, 2, 3, 3, 3, 3] and (found[:, 1] == 2).all()
    by_year = np.arange(12, dtype=np.uint8).reshape(6, 2)
    np.testing.assert_array_equal(classes_ahead(latest, by_year, Forward()), by_year)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        ({"year_by_year": True}, "needs a series"),
        ({"climate_years": [2021, 2040]}, "year_by_year = true"),
        ({"inputs_follow_npp": True}, "needs a climate that changes"),
        ({"land_use_after_years": 5}, "inputs.land_use_forward"),
        ({"horizons": [0]}, "greater than or equal to 1"),
        ({"horizons": [501]}, "less than or equal to 500"),
        ({"climate": "one", "year_by_year": True, "steady_state": True}, "all years ahead"),
        (
            {"steady_state": True, "climate_change": {"pet_factor": 1.0, "ramp_years": 9}},
            "all years ahead",
        ),
        (
            {"climate": "one", "year_by_year": True, "climate_change": {"pet_factor": 1.0}},
            "remove one of them",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(forward, message):
    with pytest.raises(ValueError, match=message):
        run(forward)


def test_npp_year_by_year_is_compared_with_the_warm_up():
    with pytest.raises(ValueError, match="give \\[warm_up\\]"):
        run({"climate": "one", "year_by_year": True, "inputs_follow_npp": True}, warm_up=None)


def test_horizons_in_any_order_and_once():
    assert run({"horizons": [100, 20, 50, 50]}).forward.further == (50, 100)
    assert run({"horizons": [5]}).forward.last == 20


def test_the_years_of_the_series():
    series = {"climate": "one", "year_by_year": True, "horizons": [50]}
    assert run(series).forward.series_years(2020) == (2021, 2070)
    assert run(series | {"climate_years": [1, 9]}).forward.series_years(2020) == (1, 9)
    assert run({}).forward.series_years(2020) is None
