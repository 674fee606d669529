"""Scenarios by practice, held to a run month by month in plain Python."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.factories import YEAR, cells, config

from recarb.rothc.reference import Month, Soil, step
from recarb.sequestration import by_practice
from recarb.sequestration.chains import perturb
from recarb.sequestration.scenario_inputs import practice_courses
from recarb.sequestration.simulate import simulate
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

YEARS = 12
FIRST = 2021  # the warm-up ends in 2020
DPM_RPM = {2: 1.44, 3: 0.67, 12: 1.44, 13: 1.44}


def run_of(*practices, chains=False, **more):
    """A run whose one scenario, P, has these practices; no cap unless it is asked for."""
    scenario = {"name": "P", "practices": list(practices), "cap_at_npp": False} | more
    return config(
        scenarios=[{"name": "SSM2", "gain_pct": 10.0}, scenario],
        forward={"years": YEARS},
        uncertainty={"chains": chains},
    )


def at_t0(inputs: xr.Dataset, run) -> xr.Dataset:
    tables = ModelTables.of(run)
    return warm_up(spin_up(inputs, tables), inputs, tables)


@dataclass
class Hectare:
    """One hectare in the forward phase, with nothing but the reference model."""

    inputs: xr.Dataset
    state: xr.Dataset
    i: int

    def stock(self, plant, manure=None, quality=None, covered=()):
        """Stock after all years.

        `plant`, `manure` : t C ha-1 of each year; `quality` : DPM/RPM of the plants of each year;
        `covered` : years and months, from 0, in which the soil is covered anyhow.
        """
        one, state = self.inputs.isel(cell=self.i), self.state.isel(cell=self.i)
        pools = dict(zip(("dpm", "rpm", "bio", "hum"), state["pools"].values, strict=True))
        soil = Soil(**pools, deficit_mm=float(state["deficit"]))
        for year in range(YEARS):
            for month in range(YEAR):
                driver = Month(
                    float(one["temperature_forward"][month]),
                    float(one["rain_forward"][month] - one["pet_forward"][month]),
                    1.0 if (year, month) in covered else float(one["cover_forward"][month]),
                    plant=plant[year] / YEAR,
                    fym=(manure[year] if manure is not None else 0.0) / YEAR,
                    dpm_rpm=quality[year] if quality else DPM_RPM[int(one["land_use"])],
                )
                step(soil, driver, float(one["clay"]), 30.0, paddy=int(one["land_use"]) == 13)
        return soil.active + float(state["iom"])


def hectares(run, land_use=(2, 3, 13)):
    inputs = cells(land_use)
    state = at_t0(inputs, run)
    return inputs, state, [Hectare(inputs, state, i) for i in range(len(land_use))]


@pytest.mark.parametrize("i", range(3))
def test_manure_adopted_in_steps_equals_a_run_month_by_month(i):
    """A tenth of the land from 2023, half of it from 2028; DPM, RPM and HUM as RothC splits FYM."""
    everywhere = {"amount_tc_ha_per_yr": 0.9, "split": [0.49, 0.49, 0.02]}
    run = run_of(everywhere | {"adoption": {"2023": 0.1, "2028": 0.5}})
    inputs, state, hectare = hectares(run)
    c_bau = float(state["c_bau"][i])
    manure = [0.9 * (0.0 if y < 2 else 0.1 if y < 7 else 0.5) for y in range(YEARS)]
    expected = hectare[i].stock([c_bau] * YEARS, manure)
    maps = simulate(inputs, run).isel(cell=i)
    assert float(maps["finalSOC_P"]) == pytest.approx(expected, rel=1e-10)
    assert float(maps["C_P"]) == pytest.approx(c_bau + np.mean(manure), rel=1e-12)
    bau = hectare[i].stock([c_bau] * YEARS)
    assert float(maps["RelDiff_P"]) == pytest.approx(expected - bau, rel=1e-7)


def test_a_share_of_the_land_adopts_and_the_mean_of_the_land_is_right():
    """Half of the land with manure is the mean of a field with and a field without."""
    run = run_of({"practice": "farmyard-manure", "adoption": 0.5})
    inputs, state, hectare = hectares(run)
    c_bau = [float(state["c_bau"][0])] * YEARS
    fields = [hectare[0].stock(c_bau, [amount] * YEARS) for amount in (0.0, 0.9)]
    found = float(simulate(inputs, run)["finalSOC_P"][0])
    assert found == pytest.approx(np.mean(fields), rel=1e-10)


def test_cover_crop_with_its_months_equals_the_fields_one_by_one():
    """Fields that adopt in 2022, in 2026 and never: each with its own cover and water."""
    months = [9, 10, 11, 12, 1, 2, 3]
    run = run_of(
        {"practice": "cover-crop", "adoption": {"2022": 0.2, "2026": 0.5}, "cover_months": months}
    )
    inputs, state, hectare = hectares(run, (2, 2, 13))
    maps = simulate(inputs, run)
    for i in (0, 1, 2):
        c_bau, expected = float(state["c_bau"][i]), 0.0
        for share, start in ((0.5, YEARS), (0.2, 1), (0.3, 5)):
            plant = [c_bau + (2.0 if y >= start else 0.0) for y in range(YEARS)]
            covered = {(y, m - 1) for y in range(start, YEARS) for m in months}
            expected += share * hectare[i].stock(plant, covered=covered)
        assert float(maps["finalSOC_P"][i]) == pytest.approx(expected, rel=1e-10)
    unchanged = simulate(
        inputs, run_of({"practice": "cover-crop", "adoption": {"2022": 0.2, "2026": 0.5}})
    )
    assert (maps["finalSOC_P"] > unchanged["finalSOC_P"])[0], "cover slows decomposition"


def test_trees_grow_into_their_effect():
    run = run_of({"practice": "agroforestry", "ramp_years": 5, "adoption": 0.4})
    inputs, state, hectare = hectares(run)
    c_bau = float(state["c_bau"][0])
    litter = [0.4 * 1.25 * min((y + 1) / 5, 1.0) for y in range(YEARS)]
    of_trees = hectare[0].stock(litter, quality=[0.25] * YEARS)
    nothing = hectare[0].stock([0.0] * YEARS)
    expected = hectare[0].stock([c_bau] * YEARS) + of_trees - nothing  # linear in the input
    assert float(simulate(inputs, run)["finalSOC_P"][0]) == pytest.approx(expected, rel=1e-10)


def test_practices_add_and_do_not_multiply():
    both = simulate(cells(), run_of({"gain_pct": 20.0}, {"gain_pct": 30.0, "land_use": [2]}))
    assert both["C_P"].values / both["C_BAU"].values == pytest.approx([1.5, 1.2, 1.2, 1.2])
    one, two = (
        simulate(cells(), run_of(p))["RelDiff_P"]
        for p in ({"gain_pct": 20.0}, {"gain_pct": 30.0, "land_use": [2]})
    )
    np.testing.assert_allclose(both["RelDiff_P"], one + two, atol=1e-11)


def test_nobody_adopts_and_nothing_changes():
    maps = simulate(cells(), run_of({"practice": "farmyard-manure", "adoption": 0.0}, chains=True))
    np.testing.assert_array_equal(maps["finalSOC_P"], maps["finalSOC_BAU"])
    np.testing.assert_array_equal(maps["HW_ASR_P"], maps["HW_ASR_BAU"])


def test_where_a_practice_does_not_apply_the_stock_is_that_of_bau_to_the_bit():
    steps = {"adoption": {"2024": 0.2, "2030": 0.4}, "cover_months": [1, 2]}
    maps = simulate(cells(), run_of({"practice": "cover-crop"} | steps))
    assert (maps["RSR_P"].values == 0.0).tolist() == [False, True, True, True]
    assert not (maps["RSR_P"].values < 0.0).any()


def test_a_plain_gain_adopted_by_all_is_the_standard_scenario():
    maps = simulate(cells(), run_of({"practice": "gsocseq-medium"}, chains=True))
    for key in ("finalSOC", "RSR", "HW_RSR", "U_RSR", "HW_ASR"):
        np.testing.assert_allclose(maps[f"{key}_P"], maps[f"{key}_SSM2"], rtol=1e-10, err_msg=key)
    np.testing.assert_allclose(maps["finalSOC_P"], maps["finalSOC_SSM2"], rtol=1e-13)


def test_chains_move_the_practice_in_the_share_that_adopts():
    inputs = perturb(cells(), config().uncertainty)
    run = run_of({"amount_tc_ha_per_yr": 1.0, "adoption": 0.5}, {"gain_pct": 10.0}, chains=True)
    measures = ModelTables.of(run).measures["P"]
    entry = np.full((1, 3, 4), [[0.5], [0.5], [0.0]])
    c_bau = np.ones((1, 4))
    for points, expected in ((0.0, 1.6), (15.0, 1.825), (-15.0, 1.375)):
        found = practice_courses(measures, c_bau, entry, None, inputs, points)
        np.testing.assert_allclose(found.mean(YEARS), np.full(4, expected), rtol=1e-12)


def test_practices_stop_at_npp_and_never_take_from_bau():
    capped = run_of({"amount_tc_ha_per_yr": 30.0}, {"gain_pct": 100.0}, cap_at_npp=True)
    maps = simulate(cells(), capped)
    limit = np.maximum(maps["NPP"], maps["C_BAU"])
    np.testing.assert_allclose(maps["C_P"], limit, rtol=1e-12)
    assert maps["npp_capped_P"].values.tolist() == [1.0] * 4
    assert (maps["RSR_P"] >= 0.0).all()
    free = simulate(cells(), run_of({"amount_tc_ha_per_yr": 0.1}, cap_at_npp=True))
    assert (
        free["npp_capped_P"].values.tolist() == (free["C_BAU"] > free["NPP"] - 0.1).values.tolist()
    )


def test_places():
    inputs = cells((2, 2, 2, 3)).assign(
        zones=("cell", np.array([1.0, 2.0, 2.0, 1.0])), unit=("cell", np.array([1, 1, 2, 2]))
    )
    inputs.attrs["unit_names"] = ("North", "South")
    by = {
        "land_use": {"land_use": [3]},
        "zone": {"zone": [2, 9]},
        "unit": {"unit": ["South"]},
        "both": {"zone": [2], "unit": ["North"], "land_use": [2]},
    }
    where = {
        key: (practice_courses(
            measures_for(place), np.ones((1, 4)), np.ones((1, 3, 4)) / 3.0, None, inputs, 0.0
        ).mean(20) > 1.0).tolist()
        for key, place in by.items()
    }  # fmt: skip
    assert where == {
        "land_use": [False, False, False, True],
        "zone": [False, True, True, False],
        "unit": [False, False, True, True],
        "both": [False, True, False, False],
    }


def measures_for(place):
    layers = {
        "inputs": {"zones": {"path": "z.tif"}},
        "boundary": {"path": "b.geojson", "unit_field": "name"},
    }
    scenario = {"name": "P", "practices": [{"gain_pct": 10.0} | place]}
    return ModelTables.of(config(scenarios=[scenario], **layers)).measures["P"]


@settings(max_examples=10)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_a_cell_has_the_same_bits_in_any_order_and_any_block(order, cut):
    inputs = cells((2, 3, 12, 5, 13, 2))
    steps = {"adoption": {"2024": 0.2, "2030": 0.4}}
    run = run_of(
        {"practice": "cover-crop", "cover_months": [1, 2]} | steps,
        {"practice": "farmyard-manure"} | steps,
        chains=True,
        cap_at_npp=True,
    )
    whole = simulate(inputs, run)
    for part in (order[:cut], order[cut:]):
        some = simulate(inputs.isel(cell=list(part)), run)
        for key in ("finalSOC_P", "RSR_P", "C_P", "HW_RSR_P"):
            np.testing.assert_array_equal(some[key].values, whole[key].values[list(part)])


def test_no_cells_give_no_maps_but_no_error():
    maps = simulate(cells().isel(cell=slice(0, 0)), run_of({"practice": "farmyard-manure"}))
    assert maps.sizes["cell"] == 0 and "C_P" in maps


def test_cells_at_once_change_no_bit(monkeypatch):
    run = run_of({"practice": "cover-crop", "adoption": {"2024": 0.2}, "cover_months": [1]})
    inputs = cells((2, 2, 13, 3, 2))
    whole = simulate(inputs, run)
    monkeypatch.setattr(by_practice, "CELLS_AT_ONCE", 2)
    parts = simulate(inputs, run)
    for key in ("finalSOC_P", "C_P", "npp_capped_P"):
        np.testing.assert_array_equal(parts[key], whole[key])


def test_further_horizons_are_runs_of_so_many_years():
    steps = {"adoption": {"2022": 0.2, "2026": 0.5}}
    practices = [
        {"practice": "cover-crop", "cover_months": [1, 2, 12]} | steps,
        {"practice": "farmyard-manure", "ramp_years": 4} | steps,
    ]
    scenario = {"name": "P", "practices": practices}
    ahead = {"years": YEARS, "horizons": [8, 30]}
    plain = {"uncertainty": {"chains": False}, "scenarios": [scenario]}
    inputs = cells((2, 13, 3))
    maps = simulate(inputs, config(forward=ahead, **plain))
    for years in (8, 30):
        alone = simulate(inputs, config(forward={"years": years}, **plain))
        for key, further in (("finalSOC_P", f"SOC_P_{years}y"), ("RSR_P", f"RSR_P_{years}y")):
            np.testing.assert_allclose(maps[further], alone[key], rtol=1e-9, atol=1e-12)
    assert (maps["C_P"] > maps["C_BAU"])[0]
    np.testing.assert_allclose(
        maps["C_P"], simulate(inputs, config(forward={"years": YEARS}, **plain))["C_P"], rtol=1e-12
    )


def test_land_that_is_no_cropland_any_more_leaves_the_practice():
    """Grass from the fifth year on: BAU follows its share of NPP, no manure, other DPM/RPM."""
    run = run_of({"practice": "farmyard-manure", "land_use": [2]})
    inputs, state, hectare = hectares(run, (2, 2))
    classes = np.repeat(np.array([[2], [3]], dtype=np.uint8), (4, YEARS - 4), axis=0)
    changed = inputs.assign(land_use_ahead=(("year_ahead", "cell"), np.repeat(classes, 2, axis=1)))
    c_bau = float(state["c_bau"][0])
    expected = hectare[0].stock(
        [c_bau] * 4 + [c_bau * 0.72 / 0.53] * (YEARS - 4),
        [0.9] * 4 + [0.0] * (YEARS - 4),
        [1.44] * 4 + [0.67] * (YEARS - 4),
    )
    found = simulate(changed, run)
    assert float(found["finalSOC_P"][0]) == pytest.approx(expected, rel=1e-10)


def test_a_steady_state_of_years_that_differ_is_refused():
    scenario = {"name": "P", "practices": [{"gain_pct": 5.0}]}
    with pytest.raises(ValidationError, match="scenario P has practices"):
        config(scenarios=[scenario], forward={"steady_state": True})
