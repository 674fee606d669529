"""Work on threads: in order, bounded, and ended with whoever asked for it."""

import threading
import time
from contextlib import closing

import pytest

from recarb.sequestration.schedule import in_order


def test_the_order_is_that_of_the_items():
    slow_first = [0.2, 0.0, 0.1, 0.0]
    assert list(in_order(lambda s: (time.sleep(s), s)[1], slow_first, 3, 4)) == slow_first


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_no_more_are_begun_than_allowed(in_flight):
    begun = []
    taken = 0
    for _ in in_order(begun.append, range(20), threads=4, in_flight=in_flight):
        taken += 1
        assert len(begun) - taken < in_flight
    assert taken == 20


def test_what_a_thread_raises_is_raised_to_the_caller():
    def divide(number):
        return 1 / number

    results = in_order(divide, [1, 0, 2], threads=2, in_flight=3)
    assert next(results) == 1.0
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_outlives_the_generator():
    done = []
    with closing(in_order(lambda i: (time.sleep(0.05), done.append(i)), range(9), 2, 6)) as found:
        next(found)
    after = list(done)
    time.sleep(0.2)
    assert done == after
    assert not [t for t in threading.enumerate() if t.name.startswith("recarb")]
