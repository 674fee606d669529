"""Blocks of decoded climate: any window, loaded once, within a limit, by several threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recarb.harmonise.field_cache import SIDE, FieldCache

SHAPE = (2 * SIDE + 5, 3 * SIDE - 1)
FIELDS = np.random.default_rng(1).normal(size=(3, *SHAPE))
MIB = 2**20


class Source:
    """Counts what is loaded of `FIELDS`."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.asked: list[tuple[slice, slice]] = []
        self.delay_s = delay_s

    def load(self, roi):
        self.asked.append(roi)
        time.sleep(self.delay_s)
        return FIELDS[:, roi[0], roi[1]].copy()


@st.composite
def windows(draw):
    top, left = draw(st.integers(0, SHAPE[0] - 1)), draw(st.integers(0, SHAPE[1] - 1))
    bottom, right = draw(st.integers(top + 1, SHAPE[0])), draw(st.integers(left + 1, SHAPE[1]))
    return slice(top, bottom), slice(left, right)


@settings(max_examples=60)
@given(st.lists(windows(), min_size=1, max_size=6))
def test_any_window_is_that_of_the_whole_and_no_block_is_loaded_twice(rois):
    cache, source = FieldCache(MIB), Source()
    for roi in rois:
        found = cache.window("rain", SHAPE, roi, source.load)
        np.testing.assert_array_equal(found, FIELDS[:, roi[0], roi[1]])
    corners = [(rows.start, columns.start) for rows, columns in source.asked]
    assert len(corners) == len(set(corners))


def test_names_are_kept_apart():
    cache, roi = FieldCache(MIB), (slice(0, 4), slice(0, 4))
    plain = cache.window("rain", SHAPE, roi, Source().load)
    doubled = cache.window("pet", SHAPE, roi, lambda block: 2.0 * Source().load(block))
    np.testing.assert_array_equal(doubled, 2.0 * plain)


def test_what_was_used_last_is_kept_within_the_limit():
    block_bytes = FIELDS[:, :SIDE, :SIDE].nbytes
    cache, source = FieldCache(2 * block_bytes), Source()
    first, second, third = ((slice(0, 4), slice(k * SIDE, k * SIDE + 4)) for k in range(3))
    for roi in (first, second, third, third, second, first):
        cache.window("rain", SHAPE, roi, source.load)
    assert len(source.asked) == 4  # three, and the first once more


def test_a_block_larger_than_the_limit_is_loaded_and_not_kept():
    cache, source, roi = FieldCache(8), Source(), (slice(0, 2), slice(0, 2))
    for _ in range(2):
        np.testing.assert_array_equal(
            cache.window("rain", SHAPE, roi, source.load), FIELDS[:, :2, :2]
        )
    assert len(source.asked) == 2


def test_another_limit_starts_anew_and_the_same_does_not():
    cache, source, roi = FieldCache(MIB), Source(), (slice(0, 2), slice(0, 2))
    for limit, loads in ((MIB, 1), (MIB, 1), (2 * MIB, 2)):
        cache.limit(limit)
        cache.window("rain", SHAPE, roi, source.load)
        assert len(source.asked) == loads


def test_threads_that_want_one_block_wait_for_it():
    cache, source, roi = FieldCache(MIB), Source(delay_s=0.05), (slice(0, 2), slice(0, 2))
    together = threading.Barrier(4)

    def ask(_):
        together.wait()
        return cache.window("rain", SHAPE, roi, source.load)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(ask, range(4)):
            np.testing.assert_array_equal(found, FIELDS[:, :2, :2])
    assert len(source.asked) == 1


def test_what_a_load_raises_reaches_the_caller_and_is_not_kept():
    cache, roi = FieldCache(MIB), (slice(0, 2), slice(0, 2))

    def broken(_):
        raise OSError("damaged")

    with pytest.raises(OSError, match="damaged"):
        cache.window("rain", SHAPE, roi, broken)
    np.testing.assert_array_equal(
        cache.window("rain", SHAPE, roi, Source().load), FIELDS[:, :2, :2]
    )
