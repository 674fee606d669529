"""The rates of the published scripts, worked by hand."""

import numpy as np
import pytest

from recarb.rothc.parameters import Parameters
from recarb.rothc.rates import temperature_rate as of_rothc
from recarb.sequestration.fao_r.rates import Weather, moisture_rate, monthly_rates, temperature_rate

CLAY = np.array([20.0])
COVERED_MM = -(20.0 + 1.3 * 20.0 - 0.01 * 400.0) * 30.0 / 23.0  # -54.78
COVERED = np.zeros((1, 12, 1), dtype=bool)


def balance(*months: float) -> np.ndarray:
    """A year of water balances [mm], zero in the months that are not given."""
    return np.array([*months, *[0.0] * (12 - len(months))])[None, :, None]


def test_temperature_is_that_of_rothc_but_for_its_digits():
    warm = np.array([-4.0, 0.0, 9.25, 27.0])
    theirs = [of_rothc.py_func(t, Parameters()) for t in warm]
    np.testing.assert_allclose(temperature_rate(warm), theirs, rtol=0.02)
    assert not (temperature_rate(warm) == theirs).any()


def test_cold_months_decompose_until_they_are_no_number():
    rates = temperature_rate(np.array([-6.0, -18.29, -18.3, -18.31]))
    assert rates[0] > 0.0  # RothC-26.3 stops at -5 degC
    assert rates[1] == pytest.approx(0.0, abs=1e-30)
    assert rates[2] == 0.0
    assert np.isnan(rates[3])


def test_january_starts_from_its_own_balance_and_is_not_clipped():
    rate = moisture_rate(balance(-500.0, 500.0), COVERED, CLAY, 30.0)
    assert rate[0, 0, 0] == 0.2  # far beyond the limit, held by the lower bound of b
    assert rate[0, 1:, 0] == pytest.approx(1.0)
    # a dry December says nothing to the January that follows
    two = np.concatenate([balance(*[0.0] * 11, -500.0), balance(5.0)])
    bare = np.zeros((2, 12, 1), dtype=bool)
    assert moisture_rate(two, bare, CLAY, 30.0)[1, 0, 0] == 1.0


def test_deficit_is_clipped_at_the_limit_of_its_month():
    bare = COVERED.copy()
    bare[0, 5] = True  # June
    rate = moisture_rate(balance(0, 0, 0, 0, -500.0, -500.0), bare, CLAY, 30.0)[0, :, 0]
    assert rate[4] == pytest.approx(0.2)  # May, at the limit of a covered soil
    june_mm = COVERED_MM / 1.8  # a bare month wets the soil up to its own limit
    expected = 0.2 + 0.8 * (COVERED_MM - june_mm) / (COVERED_MM - 0.444 * COVERED_MM)
    assert rate[5] == pytest.approx(expected)
    assert rate[6:] == pytest.approx(expected)  # and stays there


def test_all_months_are_judged_by_the_limit_of_december():
    bare = COVERED.copy()
    bare[0, 11] = True
    rate = moisture_rate(balance(0.0, -30.0, 30.0), bare, CLAY, 30.0)[0, :, 0]
    december = COVERED_MM / 1.8
    assert rate[1] == pytest.approx(0.2 + 0.8 * (december + 30.0) / (december - 0.444 * december))
    covered = moisture_rate(balance(0.0, -30.0, 30.0), COVERED, CLAY, 30.0)[0, 1, 0]
    assert covered > rate[1]


def test_the_rate_is_the_product_of_its_factors():
    weather = Weather(
        temperature_c=np.full((24, 2), 9.25),
        balance_mm=np.full((24, 2), 10.0),
        cover_factor=np.full((12, 2), 0.6),
    )
    rate = monthly_rates(weather, np.array([20.0, 20.0]), np.array([False, True]), 30.0)
    assert rate.shape == (24, 2)
    expected = 47.9 / (1.0 + np.exp(106.0 / 27.55)) * 0.6
    np.testing.assert_allclose(rate[:, 0], expected, rtol=1e-14)
    np.testing.assert_allclose(rate[:, 1], 0.4 * expected, rtol=1e-14)
