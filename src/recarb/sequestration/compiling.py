"""The first use of the kernels on a machine: told to the user, and by one process at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from filelock import FileLock

from recarb.core.compile import CACHE, cache_folder, is_compiled
from recarb.core.findings import Progress

LOCK = "compiling.lock"


@contextmanager
def compiling(kernel: Callable[..., Any], seconds: int, progress: Progress) -> Iterator[None]:
    """Around the first call of kernels, of which `kernel` is the last one.

    Of several processes one compiles and the others wait: numba replaces whole files, but two that
    write the index of one kernel at the same time may lose an entry or exchange two.

    Parameters
    ----------
    seconds : how long it takes where `kernel` is not compiled yet, about
    """
    if not is_compiled(kernel):
        progress(0, 1, f"compiling the model, first time on this machine (about {seconds} s)")
    if not CACHE:
        yield
        return
    with FileLock(cache_folder() / LOCK):
        yield
