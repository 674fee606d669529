"""The kernels in blocks: the scalar equations and the plain reference, bit by bit in any blocks."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.factories import cells, config
from tests.rothc.fields import Field, random_field
from tests.rothc.soils import YEAR, floats

from recarb.rothc import block_steps, kernels, reference
from recarb.rothc.equilibrium import DEFICIT_NOT_PERIODIC, NO_TURNOVER, OK
from recarb.rothc.parameters import DEFAULT, Parameters
from recarb.rothc.pools import decay_factors
from recarb.rothc.rates import temperature_rate
from recarb.sequestration.simulate import simulate

PHASES = ("spin_up", "warm_up", "forward")
DEFICITS = {"spin_up": 1, "warm_up": 1}  # which result is the deficit
AGREES = 1e-10  # relative, see kernels
NOTHING = 1e-13  # of the largest value: what rounding leaves in a flow of next to nothing
EPS = np.finfo(float).eps
COLDEST_RATE = 2e-4  # mean rate below which I - A loses digits: turnover takes 50 years / rate
DIGITS = 40

every_phase = pytest.mark.parametrize("phase", PHASES)
seeds = st.integers(0, 2**32 - 1)


def scalar(field: Field, phase: str, **options) -> tuple[np.ndarray, ...]:
    """The same by the scalar equations, cell by cell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "supports", lambda p: False)
        return field.run(phase, **options)


def assert_agrees(found: tuple, expected: tuple, phase: str, nothing: float = NOTHING) -> None:
    for k, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.dtype == np.uint8:
            np.testing.assert_array_equal(one, other)
        elif DEFICITS.get(phase) == k:
            np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-9)
        else:
            atol = nothing * np.nanmax(other, initial=0.0)
            np.testing.assert_allclose(one, other, rtol=AGREES, atol=atol, err_msg=str(k))


def assert_same_bits(found: tuple, expected: tuple) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def turning(field: Field, p: Parameters = DEFAULT) -> Field:
    """Without the cells whose turnover takes so long that any solution has few digits."""
    rate = np.nan_to_num(field.run("spin_up", p=p)[2], nan=1.0)
    return field.at(cells=np.flatnonzero((rate > COLDEST_RATE).all(axis=0)))


@every_phase
@settings(max_examples=40)
@given(seeds, st.booleans(), st.booleans(), st.integers(1, 60))
def test_blocks_agree_with_the_scalar_equations(phase, seed, by_month, by_year, years):
    field = random_field(64, seed=seed, cover_by_month=by_month, land_by_year=by_year)
    field = turning(field) if phase == "spin_up" else field
    options = {"years": years} if phase == "forward" else {}
    assert_agrees(field.run(phase, **options), scalar(field, phase, **options), phase)


def test_the_deficits_of_a_series_are_those_of_the_scalar_equations_bit_by_bit():
    field = random_field(300, cover_by_month=True)
    np.testing.assert_array_equal(field.run("warm_up")[1], scalar(field, "warm_up")[1])


def months_of(field: Field, member: int, i: int, months: int) -> list[reference.Month]:
    w, s = field.weather, field.soils
    return [
        reference.Month(
            w.temperature_c[m, i] + s.shift_c[member, i],
            w.rain_mm[m, i] * s.rain_factor[member, i]
            + w.irrigation_mm[m % YEAR, i]
            - w.pet_mm[m, i],
            float(np.clip(w.cover[m % len(w.cover), i] + s.cover_shift[member, i], 0.0, 1.0)),
        )
        for m in range(months)
    ]


def step_reference(
    field: Field, member: int, i: int, c_input: np.ndarray, soil: reference.Soil
) -> tuple[float, float]:
    """Step `soil` with a yearly input (years,) as plain Python; mean rate and carbon respired."""
    rates, respired, land = 0.0, 0.0, field.land
    months = months_of(field, member, i, min(len(c_input) * YEAR, len(field.weather.rain_mm)))
    for at in range(len(c_input) * YEAR):
        year = at // YEAR
        paddy = bool(land.paddy[year % len(land.paddy), i])
        clay = field.soils.clay_pct[member, i]
        reference.step(soil, months[at % len(months)], clay, field.depth_cm, paddy)
        entering = c_input[year] * land.share[at % YEAR, i]
        entering = entering * land.entry[:, year % land.entry.shape[1], i]
        soil.dpm, soil.rpm, soil.hum = (
            pool + part for pool, part in zip((soil.dpm, soil.rpm, soil.hum), entering, strict=True)
        )
        rates, respired = rates + soil.rate, respired + soil.respired
    return rates / (len(c_input) * YEAR), respired


def pools_of(soil: reference.Soil) -> list[float]:
    return [soil.dpm, soil.rpm, soil.bio, soil.hum]


@settings(max_examples=15)
@given(seeds, st.booleans(), st.booleans())
def test_warm_up_equals_the_plain_reference(seed, by_month, by_year):
    field = random_field(16, members=2, seed=seed, cover_by_month=by_month, land_by_year=by_year)
    pools, deficit, rate, respired = field.run("warm_up")
    for k, i in np.ndindex(2, field.cells):
        soil = reference.Soil(*field.pools[k, :, i], deficit_mm=field.deficit_mm[k, i])
        of_rate, lost = step_reference(field, k, i, field.c_input[k, :, i], soil)
        expected = pytest.approx(pools_of(soil), rel=AGREES, abs=30.0 * NOTHING)
        assert pools[k, :, i] == expected
        assert deficit[k, i] == pytest.approx(soil.deficit_mm, rel=1e-12, abs=1e-12)
        assert (rate[k, i], respired[k, i]) == pytest.approx((of_rate, lost), rel=AGREES)


@settings(max_examples=15)
@given(seeds, st.integers(1, 25))
def test_forward_equals_the_plain_reference(seed, years):
    field = random_field(10, members=2, seed=seed, land_by_year=False).of_years(0, 1)
    left, response, _ = field.run("forward", years=years)
    for k, i in np.ndindex(2, field.cells):
        soil = reference.Soil(*field.pools[k, :, i], deficit_mm=field.deficit_mm[k, i])
        step_reference(field, k, i, np.full(years, 2.5), soil)
        found = left[k, :, i] + 2.5 * (field.land.entry[:, 0, i] @ response[k, :, :, i])
        assert found == pytest.approx(pools_of(soil), rel=AGREES, abs=30.0 * NOTHING)


@settings(max_examples=15)
@given(seeds)
def test_the_equilibrium_stays_under_the_plain_reference(seed):
    """A year month by month from the pools and the deficit leaves both where they are."""
    field = random_field(30, members=2, seed=seed, land_by_year=False).of_years(0, 1)
    pools, deficit, _, status = field.run("spin_up")
    for k, i in zip(*np.nonzero(status == OK), strict=True):
        soil = reference.Soil(*pools[k, :, i], deficit_mm=deficit[k, i])
        step_reference(field, k, i, np.ones(1), soil)
        assert pools_of(soil) == pytest.approx(pools[k, :, i], rel=AGREES)
        assert soil.deficit_mm == pytest.approx(deficit[k, i], abs=1e-8)


@every_phase
@pytest.mark.parametrize("block", [1, 7, 128, 256, 1000])
def test_any_size_of_block_gives_the_same_bits(phase, block):
    field = random_field(700, members=2, cover_by_month=True)
    assert_same_bits(field.run(phase, block=block), field.run(phase))


@every_phase
@settings(max_examples=10)
@given(seeds, st.integers(1, 60))
def test_any_order_and_any_part_of_the_cells_gives_the_same_bits(phase, seed, count):
    field = random_field(60, seed=seed)
    some = np.random.default_rng(seed).permutation(60)[:count]
    whole = tuple(one[..., some] for one in field.run(phase))
    assert_same_bits(field.at(cells=some).run(phase), whole)


@every_phase
@pytest.mark.parametrize("threads", [2, 3, 4])
def test_any_number_of_threads_gives_the_same_bits(phase, threads):
    field = random_field(2000, members=2)
    edges = np.linspace(0, field.cells, 4 * threads + 1).astype(int)
    parts = [field.at(cells=slice(a, b)) for a, b in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda part: part.run(phase), parts))
    joined = tuple(np.concatenate(of_parts, axis=-1) for of_parts in zip(*found, strict=True))
    assert_same_bits(joined, field.run(phase))


@every_phase
def test_a_member_has_the_same_bits_alone_and_among_others(phase):
    field = random_field(300, members=5)
    together = field.run(phase)
    for k in range(field.members):
        alone = field.at(members=slice(k, k + 1)).run(phase)
        assert_same_bits(alone, tuple(one[k : k + 1] for one in together))


@every_phase
def test_a_shift_and_a_factor_are_another_climate(phase):
    """As if each member had its own copy of the climate."""
    field = random_field(200, members=5)
    together = field.run(phase)
    for k in range(field.members):
        one, w = field.at(members=slice(k, k + 1)), field.weather
        own = w._replace(
            temperature_c=w.temperature_c + one.soils.shift_c[0],
            rain_mm=w.rain_mm * one.soils.rain_factor[0],
            cover=np.clip(w.cover + one.soils.cover_shift[0], 0.0, 1.0),
        )
        same = one.soils._replace(
            shift_c=np.zeros((1, one.cells)),
            rain_factor=np.ones((1, one.cells)),
            cover_shift=np.zeros((1, one.cells)),
        )
        found = replace(one, weather=own, soils=same).run(phase)
        assert_same_bits(found, tuple(values[k : k + 1] for values in together))


def among_plain_cells(balance_mm: float, temperature_c: float = 12.0) -> tuple[Field, int]:
    """A block of plain cells with one in the middle that is not: constant months, full cover."""
    field, i = random_field(255, seed=11, odd=False), 100
    w = field.weather
    w.temperature_c[:] = np.maximum(w.temperature_c, 0.0)
    w.temperature_c[:, i], w.cover[:, i], w.irrigation_mm[:, i] = temperature_c, 1.0, 0.0
    w.rain_mm[:, i], w.pet_mm[:, i] = max(balance_mm, 0.0), max(-balance_mm, 0.0)
    field.deficit_mm[:, i] = 0.0
    return field, i


@every_phase
@pytest.mark.parametrize(
    ("balance_mm", "temperature_c", "status"),
    [(-0.05, 12.0, OK), (-1e-7, 12.0, DEFICIT_NOT_PERIODIC), (5.0, -40.0, NO_TURNOVER),
     (-0.05, -40.0, NO_TURNOVER)],
)  # fmt: skip
def test_a_cell_that_is_not_plain_inside_a_block_of_plain_ones(
    phase, balance_mm, temperature_c, status
):
    """It has what the scalar path says of it, and its neighbours do not notice."""
    field, i = among_plain_cells(balance_mm, temperature_c)
    found = field.run(phase)
    assert_agrees(found, scalar(field, phase), phase)
    others = np.delete(np.arange(field.cells), i)
    alone = field.at(cells=others).run(phase)
    assert_same_bits(tuple(one[..., others] for one in found), alone)
    if phase == "spin_up":
        pools, _, rate, statuses = found
        assert (statuses[:, i] == status).all() and (statuses[:, others] == OK).all()
        assert (np.isfinite(pools[..., i]) == (status == OK)).all()
        assert (np.isfinite(rate[:, i]) == (status == OK)).all()


@every_phase
def test_the_blocks_leave_nothing_to_the_scalar_equations(phase, monkeypatch):
    """Those are not even compiled in a run of RothC-26.3, whatever its cells are like."""
    field = random_field(100, cover_by_month=True)
    expected = scalar(field, phase)
    monkeypatch.setattr(kernels, f"{phase}_cells", None)
    assert_agrees(field.run(phase), expected, phase)


def test_the_drift_of_many_years_is_followed_to_its_end():
    """0.6 mm a year: some ninety years from a wet soil to the driest one."""
    field, i = among_plain_cells(-0.05)
    _, deficit, _, _ = field.run("spin_up")
    deepest = -(20.0 + 1.3 * field.soils.clay_pct - 0.01 * field.soils.clay_pct**2) * 30.0 / 23.0
    assert deficit[:, i] == pytest.approx(deepest[:, i], rel=1e-12)
    after = {years: field.run("forward", years=years)[2][0, i] for years in (1, 20, 200)}
    assert after[1] == pytest.approx(after[20], rel=1e-12), "above one bar nothing slows down"
    assert after[200] == pytest.approx(0.2 * after[1], rel=1e-9)


def exact_exponential(x: float) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return Decimal(x).exp()


def worst_error(found: np.ndarray, exact: list[Decimal]) -> float:
    with localcontext() as context:
        context.prec = DIGITS
        return max(float(abs(Decimal(float(f)) / e - 1)) for f, e in zip(found, exact, strict=True))


def exact_warmth(above_c: float, p: Parameters) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return Decimal(p.temp_a) / (1 + (Decimal(p.temp_b_c) / Decimal(above_c)).exp())


@pytest.mark.parametrize("p", [DEFAULT, DEFAULT._replace(temp_b_c=8.0 * 13.27)])
def test_the_error_of_the_temperature_factor_is_below_what_it_says(p):
    grid = np.linspace(13.27, 120.0, 4001)
    found = np.array([block_steps.warmth(above, p) for above in grid])
    assert worst_error(found, [exact_warmth(above, p) for above in grid]) < 1e-12


@pytest.mark.parametrize(("high", "bound"), [(0.05, 2e-13), (0.02, 4e-16)])
def test_the_error_of_small_decay_is_below_what_it_says(high, bound):
    grid = np.linspace(0.0, high, 4001)
    found = np.array([block_steps.small_decay(h) for h in grid])
    assert worst_error(found, [exact_exponential(-h) for h in grid]) < bound
    assert block_steps.small_decay(0.0) == 1.0, "no turnover is exact"


def test_powers_of_one_exponential_are_the_four_decay_factors():
    per_rate = DEFAULT.k_hum_per_yr / DEFAULT.months_per_year
    for rate in np.linspace(0.0, 12.0, 5001):
        found = block_steps.decay_powers(rate, per_rate)
        assert found == pytest.approx(decay_factors(rate, DEFAULT), rel=1e-12)


def test_the_temperature_rate_of_a_block_over_the_whole_range():
    grid = np.concatenate([np.linspace(-80.0, 60.0, 20_001), [-5.0, np.nextafter(-5.0, -9.0)]])
    wet = 1e3  # so far above the deepest deficit that nothing slows
    rates = np.array([block_steps.rate_of_month(t, wet, -0.1, 0.0, DEFAULT) for t in grid])
    expected = np.array([temperature_rate(t, DEFAULT) for t in grid])
    np.testing.assert_array_equal(rates == 0.0, grid < DEFAULT.temp_min_c)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


OTHER_PARAMETERS = [
    {"k_hum_per_yr": 0.015},
    {"k_rpm_per_yr": 0.35},
    {"k_bio_per_yr": 0.6},
    {"k_dpm_per_yr": 10.001},
    {"k_hum_per_yr": 0.0, "k_rpm_per_yr": 0.0, "k_bio_per_yr": 0.0, "k_dpm_per_yr": 0.0},
    {"temp_b_c": 120.0},  # u = 9.04 at -5 degC
    {"temp_b_c": -1.0},
    {"temp_b_c": 10.0},  # u below 1 at -5 degC
    {"temp_min_c": -10.0},
    {"temp_c_c": 5.0},  # a pole at -5 degC
    {"temp_c_c": 4.0},
    {"temp_a": -1.0},
    {"moist_min": 1.2},
    {"one_bar_fraction": 1.0},
    {"cover_reduction": -0.5},
    {"cover_reduction": 1.5},
    {"paddy_factor": 3.0},
    {"temp_a": 70.0},  # more than 0.05 of HUM in the hottest month
]


@pytest.mark.parametrize("changes", OTHER_PARAMETERS)
def test_the_short_cuts_are_not_taken_where_they_do_not_hold(changes):
    assert not block_steps.supports(Parameters(**changes))


def test_the_short_cuts_hold_for_rothc_and_for_the_same_ratios():
    assert block_steps.supports(DEFAULT)
    half = {name: 0.5 * value for name, value in DEFAULT._asdict().items() if name[:2] == "k_"}
    assert block_steps.supports(DEFAULT._replace(**half))
    assert block_steps.supports(DEFAULT._replace(temp_min_c=0.0, x_scale=1.5))


WIDE = ("moist_min", "one_bar_fraction", "cover_reduction", "paddy_factor")
OF_VARIANTS = ("variant", "paddy_flooded", "paddy_drained", "van_genuchten")
FREE = [
    name
    for name in Parameters._fields
    if not name.startswith(("k_", "months", "fym", "iom", "pan", "tsmd_depth", *WIDE, *OF_VARIANTS))
]


@st.composite
def parameters(draw) -> Parameters:
    """Any parameter of RothC but its ratios, a tenth off; the shares anywhere up to 1."""
    some = draw(st.lists(st.sampled_from(FREE), min_size=1, max_size=5, unique=True))
    rates = draw(floats(0.5, 1.2))
    changes = {name: getattr(DEFAULT, name) * draw(floats(0.9, 1.1)) for name in some}
    changes |= {name: draw(floats(0.02, 1.2)) for name in WIDE if draw(st.booleans())}
    changes |= {name: rates * v for name, v in DEFAULT._asdict().items() if name[:2] == "k_"}
    return Parameters(**changes)


@every_phase
@settings(max_examples=40)
@given(parameters(), seeds)
@example(DEFAULT._replace(cover_reduction=0.998046875), 50334)  # hardly any turnover under cover
def test_blocks_agree_with_the_scalar_equations_for_all_parameters_they_support(phase, p, seed):
    assume(block_steps.supports(p))
    field = random_field(24, members=2, seed=seed)
    field = turning(field, p) if phase == "spin_up" else field
    assert_agrees(field.run(phase, p=p), scalar(field, phase, p=p), phase, 10.0 * NOTHING)


@pytest.mark.parametrize("changes", [OTHER_PARAMETERS[0], OTHER_PARAMETERS[1]])
def test_a_run_with_other_parameters_takes_the_scalar_path(changes, monkeypatch):
    """Its maps are the scalar ones to the bit; the short cuts would give others."""
    inputs, run = cells(), config(model={"rothc": changes})
    found = simulate(inputs, run)
    assert (found["T0"] != simulate(inputs, config())["T0"]).any()
    monkeypatch.setattr(kernels, "supports", lambda p: False)
    assert simulate(inputs, run).identical(found)
    monkeypatch.setattr(kernels, "supports", lambda p: True)
    wrong = simulate(inputs, run)
    assert (abs(wrong["T0"] / found["T0"] - 1.0) > 1e-12).any()
