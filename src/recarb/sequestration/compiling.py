"""The first use of the kernels on a machine: told to the user, and by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock
from numba.core import event

from recarb.core.compile import CACHE, cache_folder
from recarb.core.findings import Progress

LOCK = "compiling.lock"
COMPILATION = "numba:compile"  # not told of a kernel that the cache holds


class _Teller(event.Listener):
    """Tells of the first compilation."""

    def __init__(self, seconds: int, progress: Progress) -> None:
        self._seconds, self._progress, self._told = seconds, progress, False

    def on_start(self, event: event.Event) -> None:
        """A kernel is about to be compiled."""
        if not self._told:
            self._told = True
            expected = f"first time on this machine (up to {self._seconds} s)"
            self._progress(0, 1, f"compiling the model, {expected}")

    def on_end(self, event: event.Event) -> None:
        """A kernel has been compiled."""


@contextmanager
def compiling(seconds: int, progress: Progress) -> Iterator[None]:
    """Around the first call of kernels.

    Of several processes one compiles and the others wait: numba replaces whole files, but two that
    write the index of one kernel at the same time may lose an entry or exchange two.

    Parameters
    ----------
    seconds : how long all that may have to be compiled takes at most, about
    """
    with event.install_listener(COMPILATION, _Teller(seconds, progress)):
        if not CACHE:
            yield
            return
        with FileLock(cache_folder() / LOCK):
            yield
