"""Many pieces of work on a few threads: bounded, and given back in their order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, in_flight: int
) -> Generator[Result]:
    """Give `work(item)` of every item, in the order of the items.

    At most `in_flight` results are begun and not yet taken, so memory has a bound. `items` may make
    us wait for the next one; what is done by then has been given. What `work` raises is raised
    here. Close the generator (`contextlib.closing`) if it may be left early: it
    waits for the items that run and drops those that wait.

    >>> list(in_order(abs, [-3, 1, -2], threads=2, in_flight=2))
    [3, 1, 2]
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="recarb")
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            while begun and (len(begun) >= in_flight or begun[0].done()):
                yield begun.popleft().result()
            begun.append(pool.submit(work, item))
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
