"""The phases of the published chain: what each fault does, in a worked case of its own."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recarb.sequestration.fao_r import phases
from recarb.sequestration.fao_r.rates import temperature_rate

CLAY, RATIO = np.array([20.0]), np.array([1.44])


def truth(pools: np.ndarray, c_input: float, rate: float, years: float) -> np.ndarray:
    """The continuous equations, solved accurately."""
    x = 1.67 * (1.85 + 1.60 * np.exp(-0.0786 * CLAY[0]))
    k = np.array([10.0, 0.3, 0.66, 0.02])

    def change(_: float, y: np.ndarray) -> np.ndarray:
        lost = k * y * rate
        kept = lost.sum() / (1.0 + x)
        entry = c_input * np.array([1.44 / 2.44, 1.0 / 2.44, 0.0, 0.0])
        return entry - lost + kept * np.array([0.0, 0.0, 0.46, 0.54])

    return solve_ivp(change, (0.0, years), pools, "LSODA", rtol=1e-10, atol=1e-12).y[:, -1]


def equilibrium(rate: float, soc: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    iom = 0.049 * np.array([soc]) ** 1.139
    return phases.spin_up(np.array([soc]), iom, CLAY, np.full((12, 1), rate), RATIO)


def test_spin_up_is_the_steady_state_of_the_continuous_equations():
    c_eq, pools = equilibrium(0.7)
    np.testing.assert_allclose(truth(pools[:, 0], c_eq[0], 0.7, 500.0), pools[:, 0], rtol=1e-7)
    assert pools.sum() == pytest.approx(50.0 - 0.049 * 50.0**1.139)


def test_the_spin_up_of_a_cell_with_a_lost_month_is_lost():
    rate = np.full((12, 1), 0.5)
    rate[0] = np.nan
    c_eq, pools = phases.spin_up(np.array([50.0]), np.array([4.0]), CLAY, rate, RATIO)
    assert np.isnan(c_eq).all()
    assert np.isnan(pools).all()


def test_euler_diverges_in_a_warm_wet_soil_whose_truth_is_steady():
    rate = float(temperature_rate(np.array([27.0]))[0]) * 0.6
    assert rate * 10.0 / 12.0 > 2.0
    c_eq, pools = equilibrium(0.97 * rate)
    c_input = np.full((20, 1), c_eq[0])
    after = phases.warm_up(pools, c_input, np.full((240, 1), rate), CLAY, RATIO[None])
    assert abs(after.sum()) > 1e4
    assert truth(pools[:, 0], c_eq[0], rate, 20.0).sum() == pytest.approx(pools.sum(), rel=0.05)


@pytest.mark.parametrize(
    ("temperature_c", "cover", "grows"),
    [(25.9, 0.6, False), (26.0, 0.6, True), (17.65, 1.0, False), (17.75, 1.0, True)],
)
def test_the_limit_of_divergence(temperature_c, cover, grows):
    rate = np.full((240, 1), float(temperature_rate(np.array([temperature_c]))[0]) * cover)
    start = np.array([[1.0], [0.0], [0.0], [0.0]])
    dpm = phases.euler(start, np.zeros(1), rate, CLAY, RATIO)[0, 0]
    assert bool(abs(dpm) > 1.0) is grows


def test_a_year_of_input_adds_eleven_twelfths():
    nothing = np.zeros((4, 1))
    still = np.zeros((12, 1))
    after = phases.warm_up(nothing, np.full((1, 1), 12.0), still, CLAY, RATIO[None])
    assert after.sum() == pytest.approx(11.0)


def test_twenty_years_ahead_make_239_steps():
    nothing, still = np.zeros((4, 1)), np.zeros((12, 1))
    after = phases.forward(nothing, np.full((2, 1), 12.0), still, CLAY, RATIO, 20)
    assert after.shape == (4, 2, 1)
    np.testing.assert_allclose(after.sum(axis=0), 239.0)


def test_december_is_never_used_in_the_warm_up():
    c_eq, pools = equilibrium(0.7)
    rate = np.full((24, 1), 0.7)
    other = rate.copy()
    other[[11, 23]] = 99.0
    amounts = np.full((2, 1), c_eq[0])
    one, two = (phases.warm_up(pools, amounts, r, CLAY, RATIO[None]) for r in (rate, other))
    np.testing.assert_array_equal(one, two)


def test_a_year_without_growth_makes_all_later_inputs_no_number():
    npp = np.array([[5.0], [0.0], [5.0], [6.0]])
    amounts = phases.yearly_input(np.array([2.0]), npp, np.array([4.0]))[:, 0]
    assert amounts[0] == pytest.approx(2.5)
    assert amounts[1] == 0.0
    assert np.isnan(amounts[2:]).all()


def test_later_inputs_follow_growth():
    npp = np.array([[5.0], [4.0], [6.0]])
    amounts = phases.yearly_input(np.array([2.0]), npp, np.array([4.0]))[:, 0]
    np.testing.assert_allclose(amounts, 2.0 * npp[:, 0] / 4.0, rtol=1e-14)
