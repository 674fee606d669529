"""What speeds decomposition up or slows it down."""

import math

import pytest
from hypothesis import given
from tests.rothc.soils import floats

from recarb.rothc import rates
from recarb.rothc.parameters import DEFAULT as P

M = -44.9444  # clay 23.4 %, 23 cm
SOIL = rates.Limits(P.one_bar_fraction * M, M, M, P.bare_fraction * M)


@given(floats(-70.0, 60.0))
def test_temperature_rate_compiled_equals_python(temperature_c):
    compiled = rates.temperature_rate(temperature_c, P)
    assert compiled == pytest.approx(rates.temperature_rate.py_func(temperature_c, P), rel=1e-14)


@given(floats(-70.0, 60.0), floats(0.0, 30.0))
def test_temperature_rate_never_falls_with_warming(temperature_c, warming):
    cold = rates.temperature_rate(temperature_c, P)
    assert 0.0 <= cold <= rates.temperature_rate(temperature_c + warming, P)


def test_temperature_rate_is_zero_strictly_below_minus_five():
    assert rates.temperature_rate(-5.0, P) == pytest.approx(0.0162, abs=5e-5)
    assert rates.temperature_rate(math.nextafter(-5.0, -6.0), P) == 0.0
    assert rates.temperature_rate(-18.27, P) == 0.0


def test_maximum_deficit_of_the_description():
    assert rates.maximum_deficit(23.4, 23.0, P) == pytest.approx(M, rel=1e-6)
    assert rates.maximum_deficit(23.4, 30.0, P) == pytest.approx(M * 30.0 / 23.0, rel=1e-6)


@pytest.mark.parametrize("clay_pct", [0.0, 13.0, 40.0, 100.0])
@pytest.mark.parametrize("depth_cm", [10.0, 23.0, 30.0, 100.0])
def test_bare_dry_soil_has_b_0_839(clay_pct, depth_cm):
    """Dividing by 1.8 twice, in the limit and in b, would give 0.20."""
    limits = rates.standard_limits(clay_pct, depth_cm, P)
    deficit = 0.0
    for _ in range(24):
        deficit = rates.next_deficit(deficit, -100.0, False, limits)
    assert deficit == P.bare_fraction * rates.maximum_deficit(clay_pct, depth_cm, P)
    assert rates.moisture_rate(deficit, limits, P) == pytest.approx(0.839, abs=5e-4)


def test_vegetated_dry_soil_reaches_the_maximum_deficit():
    assert rates.next_deficit(-40.0, -100.0, True, SOIL) == M
    assert rates.moisture_rate(M, SOIL, P) == pytest.approx(0.2, rel=1e-14)


def test_bare_month_keeps_an_inherited_deeper_deficit():
    deep = 0.9 * M
    assert rates.next_deficit(deep, -100.0, False, SOIL) == deep
    assert rates.next_deficit(deep, 10.0, False, SOIL) == deep + 10.0
    assert rates.next_deficit(deep, 100.0, False, SOIL) == 0.0


def test_moisture_rate_is_one_above_one_bar_and_continuous_there():
    one_bar = P.one_bar_fraction * M
    assert rates.moisture_rate(0.0, SOIL, P) == 1.0
    assert rates.moisture_rate(math.nextafter(one_bar, 0.0), SOIL, P) == 1.0
    assert rates.moisture_rate(one_bar, SOIL, P) == pytest.approx(1.0, rel=1e-14)


@given(floats(-100.0, 0.0), floats(-300.0, 300.0), floats(0.0, 100.0), floats(1.0, 200.0))
def test_deficit_stays_within_its_bounds_and_b_within_0_2_and_1(start, balance, clay, depth):
    limits = rates.standard_limits(clay, depth, P)
    start = max(start, limits.deepest_mm)
    for vegetated in (True, False):
        deficit = rates.next_deficit(start, balance, vegetated, limits)
        assert limits.deepest_mm <= deficit <= 0.0
        assert deficit == rates.next_deficit.py_func(start, balance, vegetated, limits)
        assert 0.2 - 1e-14 <= rates.moisture_rate(deficit, limits, P) <= 1.0 + 1e-14


@pytest.mark.parametrize(("cover", "vegetated"), [(0.0, False), (0.49, False), (0.5, True)])
def test_vegetated_from_half_cover_on(cover, vegetated):
    assert rates.is_vegetated(cover, P) is vegetated
    assert rates.is_vegetated(cover, P._replace(cover_threshold=0.6)) is False


def test_cover_rate_is_linear_in_the_fraction():
    assert rates.cover_rate(0.0, P) == 1.0
    assert rates.cover_rate(0.5, P) == 0.8
    assert rates.cover_rate(1.0, P) == 0.6


def test_paddy_factor():
    assert rates.paddy_rate(True, P) == 0.4
    assert rates.paddy_rate(False, P) == 1.0
