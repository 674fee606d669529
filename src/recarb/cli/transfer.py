"""Bytes, speed and time left of a fetch: a bar on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 10.0
BYTES_PER_MB = 1e6


class TransferReporter:
    """Called with (file, bytes there, bytes in all) from any thread."""

    def __init__(self, files: int) -> None:
        self.files = files
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._there: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._lock = threading.Lock()
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("fetching", total=None)
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
        """Take note of `there` bytes of a file; `total` where the server told it."""
        with self._lock:
            self._there[file] = there
            if total is not None:
                self._totals[file] = total
            self._show(file)

    def _show(self, file: str) -> None:
        done = sum(self._there.values())
        what = f"{len(self._there)} of {self.files} files, {file.rpartition('/')[2]}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what, completed=done, total=self.expected())
            return
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        speed = done / (now - self._start)
        all_of_it = self.expected()
        of = f" of about {all_of_it / BYTES_PER_MB:.0f}" if all_of_it else ""
        left = f", about {(all_of_it - done) / speed:.0f} s left" if all_of_it and speed else ""
        typer.echo(
            f"fetching {what}: {done / BYTES_PER_MB:.1f}{of} MB, "
            f"{speed / BYTES_PER_MB:.2f} MB/s{left}",
            err=True,
        )

    def expected(self) -> int | None:
        """Bytes in all, by the mean size of the files whose size is known; None: none is."""
        if not self._totals:
            return None
        mean = sum(self._totals.values()) / len(self._totals)
        return max(int(mean * self.files), sum(self._there.values()))
