"""The loops over cells: equal to the reference, to plain Python, to each other, in any chunks."""

import importlib.util
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.realdata import ROOT
from tests.rothc.soils import YEAR, Site, cells, covers, floats, months, normalised, sites

from recarb.rothc import compile as compile_module
from recarb.rothc import equilibrium as eq
from recarb.rothc import kernels, reference
from recarb.rothc.parameters import DEFAULT as P
from recarb.rothc.pools import split_input

GOLDEN = ROOT / "tests" / "golden" / "rothc_months.csv"
POOLS = ["dpm_tc_ha", "rpm_tc_ha", "bio_tc_ha", "hum_tc_ha"]
START = np.array([0.3, 6.0, 0.8, 25.0])
MONTHS = 30
TEMPERATURE, BALANCE, COVER, PADDY, ENTRY, C_INPUT = 2, 3, 4, 5, 7, 8  # arguments of warm_up


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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=30, deadline=None)
@given(runs())
def test_kernel_equals_its_python_function(run):
    for compiled, plain in zip(
        kernels.run_months(*run), kernels.run_months.py_func(*run), strict=True
    ):
        assert compiled == pytest.approx(plain, rel=1e-12, abs=1e-14)


def test_every_kernel_equals_its_python_function():
    for name, arguments in all_kernels(4).items():
        kernel = getattr(kernels, name)
        for compiled, plain in zip(kernel(*arguments), kernel.py_func(*arguments), strict=True):
            assert compiled == pytest.approx(plain, rel=1e-12, nan_ok=True), name


def all_kernels(count: int, chunk: slice = slice(None)) -> dict[str, tuple]:
    """Arguments of the kernels over cells, for a slice of the cells."""
    c = {key: np.ascontiguousarray(value[chunk]) for key, value in cells(count).items()}
    size = c["clay_pct"].size
    years = 3
    pools, deficit = np.tile(START, (size, 1)), np.full(size, -5.0)
    entry = np.tile([0.5, 0.45, 0.05], (size, 1))
    climate = (c["temperature_c"], c["balance_mm"], c["cover"])
    long = (np.tile(c["temperature_c"], years), np.tile(c["balance_mm"], years), c["cover"])
    soil = (c["clay_pct"], 30.0)
    return {
        "spin_up": (*climate, c["paddy"], c["share"], entry, *soil, P),
        "warm_up": (
            pools,
            deficit,
            *long,
            c["paddy"][:, None],
            c["share"],
            entry[:, None],
            np.full((size, years), 2.0),
            *soil,
            P,
        ),
        "forward": (pools, deficit, *climate, c["paddy"], c["share"], *soil, 20, P),
    }


@pytest.mark.parametrize("name", ["spin_up", "warm_up", "forward"])
def test_result_does_not_depend_on_chunks(name):
    kernel, count = getattr(kernels, name), 23
    whole = kernel(*all_kernels(count)[name])
    for edges in ([0, 23], [0, 1, 7, 22, 23], list(range(24))):
        parts = [kernel(*all_kernels(count, slice(a, b))[name]) for a, b in pairwise(edges)]
        for k, field in enumerate(whole):
            joined = np.concatenate([part[k] for part in parts])
            assert np.array_equal(joined, field, equal_nan=field.dtype.kind == "f")


def step_years(site: Site, pools, deficit_mm: float, level: float, years: int):
    return kernels.warm_up(
        pools[None],
        np.array([deficit_mm]),
        np.tile(site.temperature_c, years)[None],
        np.tile(site.balance_mm, years)[None],
        site.cover[None],
        np.array([[site.paddy]]),
        site.share[None],
        site.entry[None, None],
        np.full((1, years), level),
        np.array([site.clay_pct]),
        site.depth_cm,
        P,
    )


def respond(site: Site, pools, deficit_mm: float, years: int):
    return kernels.forward(
        pools[None],
        np.array([deficit_mm]),
        site.temperature_c[None],
        site.balance_mm[None],
        site.cover[None],
        np.array([site.paddy]),
        site.share[None],
        np.array([site.clay_pct]),
        site.depth_cm,
        years,
        P,
    )


@settings(max_examples=150, deadline=None)
@given(sites(), floats(0.0, 1.0), st.integers(1, 120), floats(0.0, 10.0))
def test_forward_closed_form_equals_the_stepped_run(site, dryness, years, level):
    """From any deficit, for any number of years, any input level, DPM/RPM mix and manure."""
    deficit = dryness * site.max_deficit_mm
    stepped, *_ = step_years(site, START, deficit, level, years)
    left, response, _ = respond(site, START, deficit, years)
    closed = left[0] + level * (site.entry @ response[0])
    assert closed == pytest.approx(stepped[0], rel=1e-10, abs=1e-300)


@settings(max_examples=40, deadline=None)
@given(sites(), floats(0.0, 5.0), floats(0.0, 5.0), floats(0.05, 5.0), floats(0.05, 5.0))
def test_every_scenario_from_one_set_of_unit_responses(site, plant, fym, ratio_a, ratio_b):
    left, response, _ = respond(site, START, 0.0, 20)
    for dpm_rpm in (ratio_a, ratio_b):
        entering = np.array(split_input(plant, fym, dpm_rpm, P))
        level = entering.sum()
        if level == 0.0:
            continue
        scenario = Site(**{**vars(site), "entry": normalised(entering)})
        stepped, *_ = step_years(scenario, START, 0.0, level, 20)
        assert left[0] + entering @ response[0] == pytest.approx(stepped[0], rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(sites(), st.integers(1, 4), st.integers(1, 4))
def test_deficit_carries_over_from_phase_to_phase(site, first, second):
    """Warm-up, then forward, is one run; restarting the deficit between them is another."""
    middle, deficit, *_ = step_years(site, START, 0.0, 1.0, first)
    through, *_ = step_years(site, START, 0.0, 1.0, first + second)
    left, response, _ = respond(site, middle[0], deficit[0], second)
    assert left[0] + site.entry @ response[0] == pytest.approx(through[0], rel=1e-11)


def test_restarting_the_deficit_between_phases_gives_another_result():
    dry = dict(cells(1))
    site = Site(
        temperature_c=np.full(YEAR, 20.0),
        balance_mm=np.full(YEAR, -2.0),
        cover=np.ones(YEAR),
        share=dry["share"][0],
        entry=np.array([0.5, 0.5, 0.0]),
        clay_pct=20.0,
        depth_cm=30.0,
    )
    carried = respond(site, START, site.max_deficit_mm, 1)[0]
    restarted = respond(site, START, 0.0, 1)[0]
    assert carried.sum() > restarted.sum() + 1.0


def test_axes_of_length_one_hold_for_all_years():
    arguments = list(all_kernels(5)["warm_up"])
    once = kernels.warm_up(*arguments)
    for axis in (PADDY, ENTRY):
        arguments[axis] = np.repeat(arguments[axis], 3, axis=1)
    arguments[COVER] = np.tile(arguments[COVER], 3)
    for a, b in zip(once, kernels.warm_up(*arguments), strict=True):
        assert np.array_equal(a, b)


def test_longer_axes_are_read_year_by_year():
    """Three years with land use, cover and inputs of their own are three runs of one year."""
    rng = np.random.default_rng(3)
    arguments = list(all_kernels(6)["warm_up"])
    arguments[COVER] = rng.choice([0.0, 0.4, 1.0], (6, 3 * YEAR))
    arguments[PADDY] = rng.random((6, 3)) < 0.5
    arguments[ENTRY] = rng.dirichlet(np.ones(3), (6, 3))
    arguments[C_INPUT] = rng.uniform(0.0, 5.0, (6, 3))
    at_once = kernels.warm_up(*arguments)
    chained = arguments.copy()
    for year in range(3):
        months = slice(year * YEAR, (year + 1) * YEAR)
        for axis in (TEMPERATURE, BALANCE, COVER):
            chained[axis] = np.ascontiguousarray(arguments[axis][:, months])
        for axis in (PADDY, ENTRY, C_INPUT):
            chained[axis] = np.ascontiguousarray(arguments[axis][:, year : year + 1])
        chained[0], chained[1], *_ = kernels.warm_up(*chained)
    assert np.array_equal(chained[0], at_once[0])
    assert np.array_equal(chained[1], at_once[1])


def load_compile(folder: Path):
    spec = importlib.util.spec_from_file_location("copied_compile", folder / "compile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compile_cache_is_named_by_every_source(tmp_path, monkeypatch):
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("numba.config.CACHE_DIR", "", raising=False)
    room = tmp_path / "rothc"
    shutil.copytree(
        Path(compile_module.__file__).parent, room, ignore=shutil.ignore_patterns("__pycache__")
    )
    before = load_compile(room).cache_folder()
    assert before.name == compile_module.source_fingerprint()
    for name in ("rates.py", "parameters.py", "kernels.py"):
        source = room / name
        text = source.read_text(encoding="utf-8")
        source.write_text(text + "\n# edited\n", encoding="utf-8")
        assert load_compile(room).cache_folder() != before, name
        source.write_text(text, encoding="utf-8")
    assert load_compile(room).cache_folder() == before
