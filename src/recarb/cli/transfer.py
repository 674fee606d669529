"""Bytes, speed and time left of a fetch: a bar on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from recarb.sources.base import Wanted
    from recarb.sources.cache import Cache

SECONDS_BETWEEN_LINES = 10.0
BYTES_PER_MB = 1e6


def missing_sizes(wanted: "Sequence[Wanted]", store: "Cache") -> dict[str, int | None]:
    """About how big each file is that is not in the cache [bytes], by key; None: nobody knows."""
    return {one.key: about_bytes(one) for one in wanted if store.find(one) is None}


def about_bytes(wanted: "Wanted") -> int | None:
    """About how big a file is at most [bytes]; None: nobody knows."""
    if wanted.about_bytes is not None:
        return wanted.about_bytes
    return wanted.size_bytes[1] if wanted.size_bytes else None


class TransferReporter:
    """Called with (file, bytes there, bytes in all) from any thread.

    Parameters
    ----------
    sizes : of every file still to come, about how big it is [bytes]; other files are not counted
    """

    def __init__(self, sizes: Mapping[str, int | None]) -> None:
        self.sizes = sizes
        self.moved = 0  # over the line since this began: speed is made of it
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._there: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._lock = threading.Lock()
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TextColumn("{task.fields[pace]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("fetching", total=None, pace="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, file: str, there: int, total: int | None) -> None:
        """Take note of `there` bytes of a file; `total` where it is known.

        The first call for a file says what lay there before: those bytes were not moved now.
        """
        if file not in self.sizes:
            return
        with self._lock:
            before = self._there.get(file, there)
            self.moved += there - before if there >= before else there  # less: it began again
            self._there[file] = there
            if total is not None:
                self._totals[file] = total
            self._show(file)

    def _show(self, file: str) -> None:
        done = sum(self._there.values())
        complete = sum(self._there[key] >= total for key, total in self._totals.items())
        what = f"{complete} of {len(self.sizes)} files, {file.rpartition('/')[2]}"
        now = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, description=what, completed=done, total=self.expected(),
                pace=self._pace(now, done),
            )  # fmt: skip
            return
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        in_all = self.expected()
        of = f" of about {in_all / BYTES_PER_MB:.1f}" if in_all is not None else ""
        told = f"fetching {what}: {done / BYTES_PER_MB:.1f}{of} MB, {self._pace(now, done)}"
        typer.echo(told, err=True)

    def _pace(self, now: float, done: int) -> str:
        """Speed, time left, and of how many files nobody knows the size."""
        speed = self.moved / max(now - self._start, 1e-9)
        told = f"{speed / BYTES_PER_MB:.2f} MB/s"
        in_all = self.expected()
        if in_all is not None and speed:
            told += f", about {(in_all - done) / speed:.0f} s left"
        unknown = len(self._unknown())
        return told + (f" and {unknown} files of unknown size" if unknown else "")

    def _unknown(self) -> list[str]:
        """Files whose size neither the registry nor the server told."""
        return [
            key for key, about in self.sizes.items()
            if about is None and key not in self._totals
        ]  # fmt: skip

    def expected(self) -> int | None:
        """Bytes in all, without files of unknown size; None: no size is known.

        What servers told goes before what the registry estimates; an estimate is corrected by how
        far those of the same data set, whose size is known by now, were off.
        """
        if len(self._unknown()) == len(self.sizes):
            return None
        told, estimated = defaultdict[str, int](int), defaultdict[str, int](int)
        for key, total in self._totals.items():
            about = self.sizes[key]
            if about:
                told[_data_set(key)] += total
                estimated[_data_set(key)] += about
        in_all = 0.0
        for key, about in self.sizes.items():
            there, group = self._there.get(key, 0), _data_set(key)
            off = told[group] / estimated[group] if estimated[group] else 1.0
            in_all += self._totals.get(key) or max((about or 0) * off, there)
        return int(in_all)


def _data_set(key: str) -> str:
    return key.partition("/")[0]
