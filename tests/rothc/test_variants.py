"""Variants of RothC: golden tables, a plain reference, and the closed forms by brute force."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.realdata import requires
from tests.rothc.fields import Field, random_field
from tests.rothc.test_hydraulics import CLOSE, every_option, farina, golden, limits_of_case

from recarb.core.errors import MissingData
from recarb.rothc import equilibrium as eq
from recarb.rothc import kernels
from recarb.rothc.block_steps import supports
from recarb.rothc.equilibrium import DEFICIT_NOT_PERIODIC, NO_WATER_LIMITS, OK
from recarb.rothc.hydraulics import van_genuchten_limits
from recarb.rothc.parameters import (
    DEFAULT,
    VAN_GENUCHTEN,
    VAN_GENUCHTEN_15_BAR,
    Parameters,
    Variant,
)
from recarb.rothc.pools import co2_ratio, decay_factors
from recarb.rothc.rates import standard_limits, temperature_rate
from recarb.rothc.weather import Land, Soils

YEAR = 12
PHASES = ("spin_up", "warm_up", "forward")
VARIANTS = {
    "van Genuchten": Variant(moisture=VAN_GENUCHTEN),
    "to -15 bar": Variant(moisture=VAN_GENUCHTEN_15_BAR),
    "mixed cover": Variant(mixed_cover=True),
    "seasonal paddy": Variant(seasonal_paddy=True),
    "all of them": Variant(VAN_GENUCHTEN, mixed_cover=True, seasonal_paddy=True),
}

seeds = st.integers(0, 2**32 - 1)
every_phase = pytest.mark.parametrize("phase", PHASES)
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


def soil_field(count: int, p: Parameters, **options) -> Field:
    """Random cells with a texture, a flooding calendar and the deficits that `p` asks for."""
    field = random_field(count, **options)
    rng = np.random.default_rng(options.get("seed", 7))
    clay = rng.uniform(5.0, 50.0, field.soils.clay_pct.shape)
    density, carbon = rng.uniform(1.0, 1.6, clay.shape), rng.uniform(0.4, 3.0, clay.shape)
    texture = (0.6 * (98.0 - clay), density, carbon)
    deficit = -rng.uniform(0.0, 10.0, (field.members, 2, field.cells))
    return replace(
        field,
        soils=Soils(clay, *field.soils[1:4], *texture),
        land=field.land._replace(flooded=rng.uniform(0.0, 1.0, (YEAR, count))),
        deficit_mm=deficit if p.variant.mixed_cover else deficit[:, 0].copy(),
    )


def plain_rate(field: Field, member: int, i: int, at: int, deficits: list, p: Parameters) -> float:
    """Let a month pass over `deficits`; its rate modifier, in plain Python."""
    w, s, land, v = field.weather, field.soils, field.land, p.variant
    clay = s.clay_pct[member, i]
    if v.moisture:
        curve = (s.silt_pct, s.organic_carbon_pct, s.bulk_density_g_cm3)
        limits = van_genuchten_limits(clay, *(x[member, i] for x in curve), field.depth_cm, p)
    else:
        limits = standard_limits(clay, field.depth_cm, p)
    one_bar, driest, deepest, bare = limits
    rain = w.rain_mm[at, i] * s.rain_factor[member, i]
    water = rain + w.irrigation_mm[at % YEAR, i] - w.pet_mm[at, i]
    f = min(1.0, max(0.0, w.cover[at % len(w.cover), i] + s.cover_shift[member, i]))
    grounds = [(0, True), (1, False)] if v.mixed_cover else [(0, f >= 0.5)]
    moist = []
    for ground, covered in grounds:
        floor = deepest if covered else min(bare, deficits[ground])
        deficits[ground] = max(floor, min(0.0, deficits[ground] + water))
        part = (driest - max(deficits[ground], driest)) / (driest - one_bar)
        wet = deficits[ground] > one_bar
        moist.append(1.0 if wet else p.moist_min + (1.0 - p.moist_min) * part)
    slow = moist[0] * (1.0 - 0.4 * f)
    if v.mixed_cover:
        slow = f * moist[0] * 0.6 + (1.0 - f) * moist[1]
    if land.paddy[(at // YEAR) % len(land.paddy), i]:
        flooded = land.flooded[at % YEAR, i]
        slow *= 0.2 * flooded + 0.6 * (1.0 - flooded) if v.seasonal_paddy else 0.4
    return slow * temperature_rate(w.temperature_c[at, i] + s.shift_c[member, i], p)


def plain_run(field: Field, member: int, i: int, years: int, c_input, p: Parameters):
    """Pools, deficits and respired carbon after `years` of `c_input` (years,), step by step."""
    pools = field.pools[member, :, i].copy()
    deficits = list(np.atleast_1d(field.deficit_mm[member, ..., i]))
    x, months = co2_ratio(field.soils.clay_pct[member, i], p), len(field.weather.rain_mm)
    respired, land = 0.0, field.land
    for at in range(years * YEAR):
        rate = plain_rate(field, member, i, at % months, deficits, p)
        left = pools * np.array(decay_factors(rate, p))
        lost = (pools - left).sum()
        pools = left + np.array([0.0, 0.0, 0.46, 0.54]) * lost / (1.0 + x)
        respired += lost * x / (1.0 + x)
        enters = land.entry[:, (at // YEAR) % land.entry.shape[1], i] * land.share[at % YEAR, i]
        pools += c_input[at // YEAR] * np.array([enters[0], enters[1], 0.0, enters[2]])
    return pools, deficits, respired


@every_variant
@settings(max_examples=6)
@given(seeds, st.booleans())
def test_a_series_equals_plain_python_and_closes_its_balance(variant, seed, by_month):
    p = Parameters(variant=variant)
    field = soil_field(8, p, members=2, years=2, seed=seed, cover_by_month=by_month)
    pools, deficit, _, respired = field.run("warm_up", p=p)
    for k, i in np.ndindex(2, field.cells):
        c_input = field.c_input[k, :, i]
        expected, deficits, lost = plain_run(field, k, i, 2, c_input, p)
        assert pools[k, :, i] == pytest.approx(expected, rel=1e-10, abs=1e-12)
        assert np.atleast_1d(deficit[k, ..., i]) == pytest.approx(deficits, abs=1e-9)
        assert respired[k, i] == pytest.approx(lost, rel=1e-10)
        through = field.pools[k, :, i].sum() + c_input.sum()
        assert through == pytest.approx(pools[k, :, i].sum() + respired[k, i], rel=1e-12)


@every_variant
@settings(max_examples=6)
@given(seeds, st.integers(1, 40))
def test_forward_closed_form_equals_the_stepped_run(variant, seed, years):
    p = Parameters(variant=variant)
    field = soil_field(6, p, members=1, years=1, seed=seed, land_by_year=False)
    left, response, _ = field.run("forward", years=years, p=p)
    for i in range(field.cells):
        expected, *_ = plain_run(field, 0, i, years, np.full(years, 2.5), p)
        found = left[0, :, i] + 2.5 * field.land.entry[:, 0, i] @ response[0, :, :, i]
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-12)


@every_variant
@settings(max_examples=6)
@given(seeds)
def test_the_equilibrium_stays_where_it_is(variant, seed):
    """A year month by month from the pools and the deficits of the spin-up leaves both."""
    p = Parameters(variant=variant)
    field = soil_field(12, p, members=1, years=1, seed=seed, land_by_year=False)
    pools, deficit, rate, status = field.run("spin_up", p=p)
    settled = [i for i in np.flatnonzero(status[0] == OK) if rate[0, i] > 2e-4]
    assert settled
    start = replace(field, pools=pools, deficit_mm=deficit)
    for i in settled:
        after, deficits, _ = plain_run(start, 0, i, 1, np.ones(1), p)
        assert after == pytest.approx(pools[0, :, i], rel=1e-9)
        assert deficits == pytest.approx(np.atleast_1d(deficit[0, ..., i]), abs=1e-8)


@every_phase
@every_variant
def test_any_block_and_any_order_give_the_same_bits(phase, variant):
    p = Parameters(variant=variant)
    field = soil_field(60, p, members=2)
    whole = field.run(phase, p=p)
    some = np.random.default_rng(3).permutation(60)[:25]
    for found, expected in zip(field.at(cells=some).run(phase, p=p, block=7), whole, strict=True):
        np.testing.assert_array_equal(found, expected[..., some])


@every_variant
def test_a_variant_is_computed_cell_by_cell(variant):
    assert not supports(Parameters(variant=variant))
    assert supports(Parameters(variant=Variant(analytical_spin_up=True)))


@requires("models_golden")
@every_option
def test_a_century_of_rothc_2(option):
    """Pools of 24 soils over 100 years from empty, as Rothamsted's Fortran (double build)."""
    table = golden("rothc_v2_farina_timeseries.csv")
    keys = ["opt_RMmoist", "opt_SMDbare", "minRM_Moist"]
    table = table[(table[keys] == list(option)).all(axis=1)]
    sites, climate = golden("cases_site.csv").set_index("case"), golden("cases_monthly.csv")
    p = farina(*option)
    for case, rows in table.groupby("case"):
        site = sites.loc[case.removesuffix("_bare")]
        w = climate[climate["case"] == case.removesuffix("_bare")]
        share, plant = site.DPM_RPM / (1.0 + site.DPM_RPM), site.Cin_tC_ha_yr / YEAR
        cover = np.zeros(YEAR) if case.endswith("_bare") else w["cover"].to_numpy(float)
        pools, respired, _, _ = kernels.run_months(
            np.zeros(4), 0.0, *(np.tile(x, 100) for x in (
                w["T_degC"].to_numpy(), (w["P_mm"] - w["PET_mm"]).to_numpy(), cover)),
            False, np.tile([plant * share, plant * (1.0 - share), 0.0], (100 * YEAR, 1)),
            site.clay_pct, site.depth_cm, p, limits_of_case(site, p),
        )  # fmt: skip
        ends = rows["year"].to_numpy() * YEAR - 1
        wanted = rows[["DPM_tC_ha", "RPM_tC_ha", "BIO_tC_ha", "HUM_tC_ha"]].to_numpy()
        assert pools[ends] == pytest.approx(wanted, rel=CLOSE)
        assert np.cumsum(respired)[ends] == pytest.approx(rows["cumCO2_tC_ha"], rel=CLOSE)


@requires("models_golden")
def test_steady_state_of_continuous_time():
    """The steady states that were solved from sorcering's matrix and mean rate, 12 soils."""
    table = golden("rothc_sorcering_cases_and_steady_state.csv")
    for row in table.itertuples():
        entry = YEAR * np.array([row.Cin_DPM_month, row.Cin_RPM_month, 0.0])
        pools = np.empty(4)
        assert (
            eq.solve_continuous(
                row.xi_mean_year, entry, co2_ratio(row.clay_pct, DEFAULT), DEFAULT, pools
            )
            == OK
        )
        wanted = [row.DPM_ss_meanxi, row.RPM_ss_meanxi, row.BIO_ss_meanxi, row.HUM_ss_meanxi]
        assert pools == pytest.approx(wanted, rel=CLOSE)
    assert len(table) == 12


@settings(max_examples=40)
@given(st.floats(0.01, 5.0), st.floats(0.0, 90.0),
       st.lists(st.floats(0.0, 3.0), min_size=3, max_size=3))  # fmt: skip
def test_continuous_steady_state_solves_its_equations(rate, clay, entry):
    """0 = A K rate y + I, manure into HUM included."""
    ratio, pools = co2_ratio(clay, DEFAULT), np.empty(4)
    eq.solve_continuous(rate, np.array(entry), ratio, DEFAULT, pools)
    lost = np.array([10.0, 0.3, 0.66, 0.02]) * rate * pools
    to_humus = lost.sum() / (1.0 + ratio)
    gained = [entry[0], entry[1], 0.46 * to_humus, 0.54 * to_humus + entry[2]]
    assert lost == pytest.approx(gained, rel=1e-12, abs=1e-14)


def test_analytical_spin_up_is_not_the_periodic_one():
    p = Parameters(variant=Variant(analytical_spin_up=True))
    field = random_field(40, members=2, odd=False)
    pools, deficit, rate, status = field.run("spin_up", p=p)
    periodic = field.run("spin_up")
    np.testing.assert_array_equal(status, periodic[3])
    np.testing.assert_allclose(deficit, periodic[1], atol=1e-9)
    np.testing.assert_allclose(rate, periodic[2], rtol=1e-9)
    change = (pools.sum(axis=1) / periodic[0].sum(axis=1) - 1.0)[status == OK]
    assert 0.001 < np.abs(change).max() < 1.0


def test_frozen_soil_has_no_analytical_equilibrium_either():
    pools = np.empty(4)
    assert eq.solve_continuous(0.0, np.ones(3), 3.0, DEFAULT, pools) == eq.NO_TURNOVER


@every_phase
@pytest.mark.parametrize("cover", [0.0, 1.0])
def test_mixed_cover_of_one_ground_is_the_threshold(phase, cover):
    field = random_field(30, members=1, odd=False)
    field.weather.cover[:] = cover
    deficit = np.stack([field.deficit_mm, field.deficit_mm], axis=1)
    mixed = Parameters(variant=Variant(mixed_cover=True))
    found = replace(field, deficit_mm=deficit).run(phase, p=mixed)
    ground = 0 if cover else 1
    for one, other in zip(found, field.run(phase), strict=True):
        of_ground = one[:, ground] if one.shape == deficit.shape else one
        np.testing.assert_allclose(of_ground, other, rtol=1e-9, atol=1e-9)


def test_mixed_cover_lies_between_its_grounds():
    """At half cover neither the green nor the bare ground alone."""
    p = Parameters(variant=Variant(mixed_cover=True))
    field = random_field(50, members=1, odd=False)
    rates = {}
    for cover in (0.0, 0.5, 1.0):
        field.weather.cover[:] = cover
        rates[cover] = field.run("spin_up", p=p)[2]
    np.testing.assert_allclose(rates[0.5], (rates[0.0] + rates[1.0]) / 2.0, rtol=1e-12)


def test_a_year_under_water_is_a_uniform_factor():
    wet = Parameters(variant=Variant(seasonal_paddy=True))
    field = soil_field(40, wet, members=1)
    for flooded, factor in ((1.0, 0.2), (0.0, 0.6)):
        field.land.flooded[:] = flooded
        found = field.run("warm_up", p=wet)
        expected = field.run("warm_up", p=Parameters(paddy_factor=factor))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10)


@every_phase
def test_rates_stay_when_depth_and_all_water_double(phase):
    """Deficit limits are proportional to depth, so twice the soil with twice the water is alike."""
    field = random_field(60, members=2)
    w = field.weather
    twice = replace(
        field,
        depth_cm=2.0 * field.depth_cm,
        weather=w._replace(
            rain_mm=2.0 * w.rain_mm, pet_mm=2.0 * w.pet_mm, irrigation_mm=2.0 * w.irrigation_mm
        ),
        deficit_mm=2.0 * field.deficit_mm,
    )
    deficits = {"spin_up": 1, "warm_up": 1}
    for k, (one, other) in enumerate(zip(twice.run(phase), field.run(phase), strict=True)):
        if one.dtype == np.uint8:
            plain = ~np.isin(other, [DEFICIT_NOT_PERIODIC])
            np.testing.assert_array_equal(one[plain], other[plain])
            continue
        factor = 2.0 if deficits.get(phase) == k else 1.0
        np.testing.assert_allclose(one, factor * other, rtol=1e-7, atol=1e-8)


def test_a_deep_soil_dries_out_later_and_is_wetted_later():
    """After a wet winter it decomposes faster; where no winter fills it, it stays dry."""
    field = random_field(60, members=1, odd=False)
    shallow, deep = (replace(field, depth_cm=d).run("spin_up")[2] for d in (20.0, 60.0))
    assert (deep > 1.05 * shallow).any()
    assert (deep < 0.95 * shallow).any()


def test_a_soil_without_water_limits_is_a_status_and_no_number():
    p = Parameters(variant=Variant(moisture=VAN_GENUCHTEN))
    field = soil_field(10, p, members=1, odd=False)
    field.soils.silt_pct[0, 3] = -1.0
    pools, _, rate, status = field.run("spin_up", p=p)
    assert status[0, 3] == NO_WATER_LIMITS
    assert np.isnan(pools[0, :, 3]).all() and math.isnan(rate[0, 3])
    assert (np.delete(status[0], 3) == OK).all()


@every_phase
@pytest.mark.parametrize("variant", [Variant(moisture=VAN_GENUCHTEN), Variant(mixed_cover=True),
                                     Variant(seasonal_paddy=True)])  # fmt: skip
def test_what_a_variant_needs_is_asked_for(phase, variant):
    if phase == "spin_up" and variant.mixed_cover:
        return  # starts from empty deficits
    with pytest.raises(MissingData, match="need"):
        random_field(3).run(phase, p=Parameters(variant=variant))


def test_land_without_calendar_has_none():
    assert Land(*random_field(2).land[:3]).flooded.size == 0
