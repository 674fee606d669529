import numpy as np
import pytest
from bench.noise import smooth, uniform
from hypothesis import given, settings
from hypothesis import strategies as st

starts = st.integers(0, 40_000)
sizes = st.integers(1, 40)


@settings(max_examples=50)
@given(starts, starts, sizes, sizes, st.sampled_from([1, 2, 16, 64, 100]))
def test_a_window_has_the_bits_of_the_whole(row, column, height, width, wavelength):
    whole = smooth(7, slice(row, row + 60), slice(column, column + 60), wavelength)
    part = smooth(
        7, slice(row + 11, row + 11 + height), slice(column + 5, column + 5 + width), wavelength
    )
    assert part.tobytes() == np.ascontiguousarray(whole[11 : 11 + height, 5 : 5 + width]).tobytes()


def test_numbers_are_even_and_streams_differ():
    at = np.arange(400)
    one, other = uniform(1, at, at), uniform(2, at, at)
    assert 0.0 <= one.min() and one.max() < 1.0
    counts = np.histogram(one, bins=10, range=(0.0, 1.0))[0]
    assert counts == pytest.approx(np.full(10, one.size / 10), rel=0.03)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(one[:, 1:].ravel(), one[:, :-1].ravel())[0, 1]) < 0.01


def test_a_smooth_field_has_mean_0_and_deviation_1():
    field = smooth(3, slice(0, 2000), slice(500, 2500), 32)
    assert field.mean() == pytest.approx(0.0, abs=0.05)
    assert field.std() == pytest.approx(1.0, abs=0.05)
