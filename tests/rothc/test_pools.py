"""One month of the pools."""

import math

import pytest
from hypothesis import given
from tests.rothc.soils import floats

from recarb.rothc import pools, rates
from recarb.rothc.parameters import DEFAULT as P

CARBON = floats(0.0, 200.0)


@given(floats(0.0, 100.0))
def test_co2_ratio_of_the_description(clay_pct):
    assert pools.co2_ratio(clay_pct, P) == pytest.approx(
        1.67 * (1.85 + 1.60 * math.exp(-0.0786 * clay_pct)), rel=1e-14
    )


def test_inert_carbon_of_falloon():
    assert pools.inert_carbon(30.7, P) == pytest.approx(0.049 * 30.7**1.139, rel=1e-14)
    assert pools.inert_carbon(0.0, P) == 0.0


@given(CARBON, CARBON, floats(0.01, 10.0))
def test_inputs_are_shared_out_completely(plant, fym, dpm_rpm):
    parts = pools.split_input(plant, fym, dpm_rpm, P)
    assert math.fsum(parts) == pytest.approx(plant + fym, rel=1e-13, abs=1e-300)
    assert parts == pytest.approx(pools.split_input.py_func(plant, fym, dpm_rpm, P), rel=1e-14)


def test_manure_enters_hum_too():
    assert pools.split_input(0.0, 1.0, 1.44, P) == pytest.approx((0.49, 0.49, 0.02))


@given(floats(0.0, 5.0))
def test_decay_factors_are_powers_of_one_exponential(rate):
    """HUM q, RPM q^15, BIO q^33, DPM q^500, as long as the rates have these ratios."""
    q = math.exp(-0.02 * rate / 12.0)
    assert pools.decay_factors(rate, P) == pytest.approx((q**500, q**15, q**33, q), rel=1e-12)


def test_decay_factors_follow_other_rate_constants():
    p = P._replace(k_bio_per_yr=0.5)
    assert pools.decay_factors(1.0, p)[2] == pytest.approx(math.exp(-0.5 / 12.0), rel=1e-15)


@given(CARBON, CARBON, CARBON, CARBON, floats(0.0, 5.0), floats(0.0, 100.0))
def test_a_month_of_decay_neither_makes_nor_loses_carbon(dpm, rpm, bio, hum, rate, clay_pct):
    left, ratio = pools.decay_factors(rate, P), pools.co2_ratio(clay_pct, P)
    after = pools.decompose(dpm, rpm, bio, hum, left, ratio, P)
    assert math.fsum(after) == pytest.approx(dpm + rpm + bio + hum, rel=1e-13, abs=1e-300)
    assert min(after) >= 0.0
    again = pools.decompose.py_func(dpm, rpm, bio, hum, left, ratio, P)
    assert after == pytest.approx(again, rel=1e-13, abs=1e-13)


def test_all_pools_decompose_from_the_start_of_the_month():
    """What became BIO this month does not decompose this month."""
    left, ratio = pools.decay_factors(1.0, P), pools.co2_ratio(20.0, P)
    dpm, _, bio, hum, co2 = pools.decompose(1.0, 0.0, 0.0, 0.0, left, ratio, P)
    lost = 1.0 - dpm
    assert bio == pytest.approx(lost * 0.46 / (1.0 + ratio), rel=1e-14)
    assert hum == pytest.approx(lost * 0.54 / (1.0 + ratio), rel=1e-14)
    assert co2 == pytest.approx(lost * ratio / (1.0 + ratio), rel=1e-14)


def test_dpm_is_stable_where_explicit_euler_is_not():
    """A moist vegetated soil at 27 degC: Euler would multiply DPM by -1.1 a month."""
    rate = rates.temperature_rate(27.0, P) * rates.cover_rate(1.0, P)
    assert rate == pytest.approx(2.52, abs=5e-3)
    assert 1.0 - P.k_dpm_per_yr * rate / 12.0 < -1.0
    left, dpm = pools.decay_factors(rate, P), 1.0
    for month in range(1, 121):
        dpm, *_ = pools.decompose(dpm, 0.0, 0.0, 0.0, left, 3.5, P)
        assert dpm == pytest.approx(math.exp(-10.0 * rate * month / 12.0), rel=1e-12)
