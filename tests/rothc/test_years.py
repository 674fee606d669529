"""Years ahead one by one: equal to the closed form, and to stepping with inputs of any course."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rothc.fields import Field, random_field

from recarb.rothc import years
from recarb.rothc.equilibrium import INPUTS
from recarb.rothc.parameters import DEFAULT

AGREES = 1e-10
YEARS = 5

seeds = st.integers(0, 2**32 - 1)


def ahead(field: Field, horizons: tuple[int, ...], block: int = 256) -> tuple[np.ndarray, ...]:
    return years.yearly_response(
        field.pools, field.deficit_mm, field.weather, field.soils, field.land, horizons,
        field.depth_cm, DEFAULT, block,
    )  # fmt: skip


def entering(field: Field) -> np.ndarray:
    """What enters DPM, RPM and HUM, (member, year, 3, cell)."""
    return field.c_input[:, :, None] * field.land.entry.swapaxes(0, 1)


@settings(max_examples=20)
@given(seeds, st.booleans(), st.booleans())
def test_any_course_of_weather_land_and_input_equals_the_run_by_months(seed, by_month, by_year):
    """The warm-up kernel steps month by month; so must the sum of the single years."""
    field = random_field(24, years=YEARS, seed=seed, cover_by_month=by_month, land_by_year=by_year)
    left, response, rate = ahead(field, (2, YEARS))
    for h, end in enumerate((2, YEARS)):
        pools, _, mean_rate, _ = field.of_years(0, end).run("warm_up")
        stock = left[:, h] + (entering(field) * response[:, h]).sum(axis=(1, 2))
        np.testing.assert_allclose(stock, pools.sum(axis=1), rtol=AGREES)
    np.testing.assert_allclose(rate, mean_rate, rtol=AGREES)


@settings(max_examples=20)
@given(seeds, st.integers(1, 60))
def test_a_year_that_repeats_equals_the_closed_form(seed, count):
    """Also for cells whose deficit moves for years, and with the same input every year."""
    field = random_field(24, years=1, seed=seed)
    left, response, _ = ahead(field, (count,))
    closed_left, closed_response, _ = field.run("forward", count)
    np.testing.assert_allclose(left[:, 0], closed_left.sum(axis=1), rtol=AGREES)
    every_year = response[:, 0].sum(axis=1)
    np.testing.assert_allclose(every_year, closed_response.sum(axis=2), rtol=AGREES)


def test_input_after_the_horizon_has_no_effect():
    response = ahead(random_field(9, years=1), (3, 10))[1]
    assert response.shape == (3, 2, 10, INPUTS, 9)
    assert (response[:, 0, 3:] == 0.0).all() and (response[:, 0, :3] > 0.0).all()


def test_every_horizon_has_the_bits_of_a_run_of_its_own():
    field = random_field(20, years=30)
    together = ahead(field, (7, 20, 30))
    for h, years_ahead in enumerate((7, 20, 30)):
        left, response, _ = ahead(field, (years_ahead,))
        np.testing.assert_array_equal(together[0][:, h], left[:, 0])
        np.testing.assert_array_equal(together[1][:, h, :years_ahead], response[:, 0])


@pytest.mark.parametrize("one_year", [True, False])
def test_same_bits_in_any_block(one_year):
    field = random_field(33, years=1 if one_year else 4)
    expected = ahead(field, (4,))
    for block in (1, 5, 16):
        for found, wanted in zip(ahead(field, (4,), block), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    some = [3, 0, 17]
    for found, wanted in zip(ahead(field.at(cells=some), (4,)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted[..., some])


def test_parameters_that_blocks_do_not_support_go_cell_by_cell(monkeypatch):
    field = random_field(20, years=4)
    in_blocks = ahead(field, (4,))
    monkeypatch.setattr(years, "supports", lambda p: False)
    for found, wanted in zip(ahead(field, (4,)), in_blocks, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=AGREES)


def test_shares_of_the_input_follow_the_year():
    """All of the input in January of the first year, in December of the second."""
    field = random_field(6, years=2, odd=False)
    share = np.zeros((24, 6))
    share[0], share[23] = 1.0, 1.0
    field = replace(field, land=field.land._replace(share=share))
    left, response, _ = ahead(field, (2,))
    pools = field.run("warm_up")[0].sum(axis=1)
    stock = left[:, 0] + (entering(field) * response[:, 0]).sum(axis=(1, 2))
    np.testing.assert_allclose(stock, pools, rtol=AGREES)
    np.testing.assert_allclose(response[:, 0, 1], 1.0)  # not decomposed yet
