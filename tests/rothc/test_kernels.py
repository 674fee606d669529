"""The kernels: equal to the golden table, to the reference, to plain Python, to each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.realdata import ROOT
from tests.rothc.fields import Field, of_site, random_field
from tests.rothc.soils import YEAR, Site, covers, floats, months, normalised, sites

from recarb.rothc import equilibrium as eq
from recarb.rothc import kernels, reference, single
from recarb.rothc.parameters import DEFAULT as P
from recarb.rothc.pools import co2_ratio, split_input
from recarb.rothc.rates import paddy_rate, standard_limits

GOLDEN = ROOT / "tests" / "golden" / "rothc_months.csv"
POOLS = ["dpm_tc_ha", "rpm_tc_ha", "bio_tc_ha", "hum_tc_ha"]
MONTHS = 30


def golden() -> pd.DataFrame:
    return pd.read_csv(GOLDEN, comment="#")


@pytest.mark.parametrize("soil", sorted(golden()["soil"].unique()))
def test_kernel_equals_golden_table(soil):
    table = golden().query("soil == @soil")
    first = table.iloc[0]
    inputs = np.array(
        [
            split_input(plant, fym, ratio, P)
            for plant, fym, ratio in zip(table.plant, table.fym, table.dpm_rpm, strict=True)
        ]
    )
    pools, respired, deficit, rate = kernels.run_months(
        np.array([first.start_dpm, first.start_rpm, first.start_bio, first.start_hum]),
        first.start_deficit_mm,
        table.temperature_c.to_numpy(float).copy(),
        table.balance_mm.to_numpy(float).copy(),
        table.cover.to_numpy(float).copy(),
        bool(first.paddy),
        inputs,
        first.clay_pct,
        first.depth_cm,
        P,
    )
    assert pools == pytest.approx(table[POOLS].to_numpy(), rel=1e-12, abs=1e-15)
    assert respired == pytest.approx(table.respired_tc_ha.to_numpy(), rel=1e-12, abs=1e-15)
    assert deficit == pytest.approx(table.deficit_mm.to_numpy(), rel=1e-12, abs=1e-12)
    assert rate == pytest.approx(table.rate.to_numpy(), rel=1e-12)


@st.composite
def runs(draw):
    """Arguments of `run_months` for a random series."""
    inputs = draw(months(0.0, 3.0, 3 * MONTHS)).reshape(MONTHS, 3)
    return (
        draw(months(0.0, 50.0, eq.POOLS)),
        draw(floats(-20.0, 0.0)),
        draw(months(-30.0, 40.0, MONTHS)),
        draw(months(-200.0, 200.0, MONTHS)),
        draw(covers(MONTHS)),
        draw(st.booleans()),
        inputs,
        draw(floats(0.0, 100.0)),
        draw(floats(23.0, 100.0)),
        P,
    )


@settings(max_examples=60)
@given(runs())
def test_kernel_equals_reference(run):
    start, deficit, temperature, balance, cover, paddy, inputs, clay, depth, _ = run
    pools, respired, deficits, rates = kernels.run_months(*run)
    soil = reference.Soil(*start, deficit_mm=deficit)
    for m in range(MONTHS):
        month = reference.Month(temperature[m], balance[m], cover[m])
        reference.step(soil, month, clay, depth, paddy)
        soil.dpm += inputs[m, 0]
        soil.rpm += inputs[m, 1]
        soil.hum += inputs[m, 2]
        expected = [soil.dpm, soil.rpm, soil.bio, soil.hum]
        assert pools[m] == pytest.approx(expected, rel=1e-12, abs=1e-14)
        assert (respired[m], rates[m]) == pytest.approx((soil.respired, soil.rate), abs=1e-12)
        assert deficits[m] == pytest.approx(soil.deficit_mm, rel=1e-12, abs=1e-12)


@settings(max_examples=30)
@given(runs())
def test_kernel_equals_its_python_function(run):
    start, deficit, temperature, balance, cover, paddy, inputs, clay, depth, _ = run
    paddies = np.full(MONTHS, paddy_rate(paddy, P))
    months = (start, np.array([deficit]), temperature, balance, cover, paddies, inputs)
    soil = (standard_limits(clay, depth, P), co2_ratio(clay, P), P)
    step = single.step_months
    for compiled, plain in zip(step(*months, *soil), step.py_func(*months, *soil), strict=True):
        assert compiled == pytest.approx(plain, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", ["spin_up_cell", "warm_up_cell", "forward_cell"])
def test_a_single_cell_equals_its_python_function(name):
    field = random_field(3, members=2)
    one = field if name == "warm_up_cell" else field.of_years(0, 1)
    phase = getattr(single, name)
    for i in range(3):
        found, again = (run_cell(run, name, one, 1, i) for run in (phase, phase.py_func))
        expected = pytest.approx(np.concatenate(again), rel=1e-12, abs=1e-14, nan_ok=True)
        assert np.concatenate(found) == expected


def run_cell(run, name: str, field: Field, member: int, i: int) -> list[np.ndarray]:
    """All that a function of `single` returns and fills."""
    what = (field.weather, field.soils, field.land)
    pools, deficit = field.pools[member, :, i].copy(), field.deficit_mm[member, i : i + 1].copy()
    left, response = np.empty(eq.POOLS), np.empty((eq.INPUTS, eq.POOLS))
    if name == "spin_up_cell":
        given = run(*what, member, i, field.depth_cm, P, pools, deficit)
    elif name == "warm_up_cell":
        given = run(*what, field.c_input, member, i, field.depth_cm, P, pools, deficit)
    else:
        start = (pools.copy(), deficit, 20)
        given = run(*what, member, i, *start, field.depth_cm, P, left, response)
        return [np.atleast_1d(given), left, response.ravel()]
    return [np.array(given, dtype=float), pools, deficit]


def ahead(field: Field, years: int, entering: np.ndarray) -> np.ndarray:
    """Pools (4,) of the one cell after the forward phase with a yearly input into DPM, RPM, HUM."""
    left, response, _ = field.run("forward", years)
    return left[0, :, 0] + entering @ response[0, :, :, 0]


@settings(max_examples=150)
@given(sites(), floats(0.0, 1.0), st.integers(1, 120), floats(0.0, 10.0))
def test_forward_closed_form_equals_the_stepped_run(site, dryness, years, level):
    """From any deficit, for any number of years, any input level, DPM/RPM mix and manure."""
    deficit = dryness * site.max_deficit_mm
    field = of_site(site, years, level, deficit)
    closed, stepped = ahead(field, years, level * site.entry), field.run("warm_up")[0][0, :, 0]
    assert closed == pytest.approx(stepped, rel=1e-10, abs=1e-300)


@settings(max_examples=40)
@given(sites(), floats(0.0, 5.0), floats(0.0, 5.0), floats(0.05, 5.0), floats(0.05, 5.0))
def test_every_scenario_from_one_set_of_unit_responses(site, plant, fym, ratio_a, ratio_b):
    for dpm_rpm in (ratio_a, ratio_b):
        entering = np.array(split_input(plant, fym, dpm_rpm, P))
        level = entering.sum()
        if level == 0.0:
            continue
        scenario = Site(**{**vars(site), "entry": normalised(entering)})
        stepped = of_site(scenario, 20, level).run("warm_up")[0][0, :, 0]
        assert ahead(of_site(site), 20, entering) == pytest.approx(stepped, rel=1e-10)


@settings(max_examples=30)
@given(sites(), st.integers(1, 4), st.integers(1, 4))
def test_deficit_carries_over_from_phase_to_phase(site, first, second):
    """Warm-up, then forward, is one run; restarting the deficit between them is another."""
    middle, deficit, *_ = of_site(site, first).run("warm_up")
    through = of_site(site, first + second).run("warm_up")[0][0, :, 0]
    then = replace(of_site(site), pools=middle, deficit_mm=deficit)
    assert ahead(then, second, site.entry) == pytest.approx(through, rel=1e-11)


def test_restarting_the_deficit_between_phases_gives_another_result():
    site = Site(
        temperature_c=np.full(YEAR, 20.0),
        balance_mm=np.full(YEAR, -2.0),
        cover=np.ones(YEAR),
        share=np.full(YEAR, 1.0 / YEAR),
        entry=np.array([0.5, 0.5, 0.0]),
        clay_pct=20.0,
        depth_cm=30.0,
    )
    carried = ahead(of_site(site, deficit_mm=site.max_deficit_mm), 1, site.entry)
    restarted = ahead(of_site(site), 1, site.entry)
    assert carried.sum() > restarted.sum() + 1.0


def test_axes_of_length_one_hold_for_all_years():
    field = random_field(5, land_by_year=False)
    longer = replace(
        field,
        weather=field.weather._replace(cover=np.tile(field.weather.cover, (3, 1))),
        land=field.land._replace(
            paddy=np.repeat(field.land.paddy, 3, axis=0),
            entry=np.repeat(field.land.entry, 3, axis=1),
        ),
    )
    for a, b in zip(field.run("warm_up"), longer.run("warm_up"), strict=True):
        assert np.array_equal(a, b)


def test_longer_axes_are_read_year_by_year():
    """Three years with land use, cover and inputs of their own are three runs of one year."""
    field = random_field(6, cover_by_month=True)
    at_once = field.run("warm_up")
    chained = field
    for year in range(3):
        pools, deficit, *_ = chained.of_years(year, year + 1).run("warm_up")
        chained = replace(chained, pools=pools, deficit_mm=deficit)
    assert np.array_equal(pools, at_once[0])
    assert np.array_equal(deficit, at_once[1])
