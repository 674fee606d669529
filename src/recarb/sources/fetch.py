"""Fetch wanted files into the cache: drop-in, mirrors in order, retries, checks, then the name."""

import json
import random
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from recarb.core.errors import (
    ChecksumMismatch,
    LicenceRefused,
    OutputError,
    SourceError,
    Unreachable,
    WrongContent,
)
from recarb.core.provenance import sha256_of
from recarb.sources.base import Fetched, Kind, Wanted
from recarb.sources.cache import Cache
from recarb.sources.content import check_file
from recarb.sources.download import Answer, OnBytes, disk_message, download, forget
from recarb.sources.line import Failure, Line, Policy, Stopped
from recarb.sources.window import read_window

# key, bytes there, bytes in all where known; called once before an attempt moves any
Transfer = Callable[[str, int, int | None], None]
DOCUMENT_AGE = timedelta(days=1)  # after it a catalogue is asked again
SHOWN_ERRORS = 10
DROPPED = "dropped in: "  # starts the "URL" of a user's own file
MOST_TELLING = (ChecksumMismatch, LicenceRefused, WrongContent, Unreachable)


def no_transfer(_key: str, _there: int, _total: int | None) -> None:
    """Show nothing."""


class Fetcher:
    """Brings wanted files into one cache.

    Parameters
    ----------
    offline : never ask a server
    drop_in : folder of the user's own downloads, looked at first
    transfer : told of every piece that arrives
    tell : told what the user should know
    """

    def __init__(
        self,
        cache: Cache,
        line: Line,
        *,
        offline: bool = False,
        drop_in: Path | None = None,
        transfer: Transfer = no_transfer,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.cache = cache
        self.line = line
        self.offline = offline
        self.drop_in = drop_in
        self.transfer = transfer
        self.tell = tell
        self._stale: set[str] = set()
        self._lock = threading.Lock()
        self._taken: dict[tuple[Path, Wanted], Fetched] = {}
        self._taking: dict[Path, threading.Lock] = defaultdict(threading.Lock)

    def fetch_all(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """Every file, in the order asked for. What can be fetched is, whatever else fails.

        Raises
        ------
        SourceError
            One error that lists every file that is not there; its class is the most telling one.
        OutputError
            The disk does not take them; all transfers stop.
        """
        missing = self._missing_offline(wanted)
        if missing:
            raise missing
        with _quiet(), ThreadPoolExecutor(self.line.policy.workers) as pool:
            jobs = [pool.submit(self._fetch_or_error, one) for one in wanted]
            try:
                wait(jobs, return_when=FIRST_EXCEPTION)
                broken = [job for job in jobs if job.done() and job.exception()]
                if broken:
                    self.line.stop.set()
                    raise _first(broken)
            except BaseException:
                self.line.stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        results = [job.result() for job in jobs]
        errors = [result for result in results if isinstance(result, SourceError)]
        if errors:
            raise _summary(errors, len(wanted))
        return [result for result in results if isinstance(result, Fetched)]

    def fetch(self, wanted: Wanted) -> Fetched:
        """One file: from the cache, the drop-in folder, or its servers.

        Raises
        ------
        SourceError, OutputError
        """
        with self.cache.lock(wanted.key, self.line.check_stop):
            there = self.cache.find(wanted) or self._dropped(wanted)
            if there is not None:
                self.transfer(wanted.key, there.size_bytes, there.size_bytes)
                return there
            if self.offline:
                raise Unreachable(_offline([wanted], self.cache))
            return self._from_servers(wanted)

    def document(self, question: Wanted, bring: Callable[[], bytes] | None = None) -> Any:
        """A catalogue's answer, parsed: from the cache if it is fresh or nobody answers.

        Parameters
        ----------
        bring : asks the catalogue, where one request is not enough

        Raises
        ------
        SourceError, OutputError
        """
        with self.cache.lock(question.key, self.line.check_stop):
            there = self.cache.find(question)
            fresh = there is not None and datetime.now(UTC) - there.time < DOCUMENT_AGE
            if self.offline and there is None:
                raise Unreachable(_offline([question], self.cache))
            if not self.offline and not fresh:
                try:
                    self._ask(question, bring)
                except SourceError as error:
                    if there is None:
                        raise
                    self._tell_stale(there, error)
            return json.loads(self.cache.path(question.key).read_bytes())

    def _ask(self, question: Wanted, bring: Callable[[], bytes] | None) -> None:
        """Bring a catalogue's answer into the cache; a dead host is not asked for ever."""
        if bring is None:
            self._from_servers(question)
            return
        url = question.urls[0]
        try:
            self.line.check_host(url)
            body = bring()
        except Failure as failure:
            raise failure.kind(f"{url}: {failure}") from failure
        except Unreachable:
            self.line.note(url, failed=True)
            raise
        self.line.note(url, failed=False)
        self._keep(question, body)

    def _keep(self, question: Wanted, body: bytes) -> None:
        part = self.cache.part(question.key)
        try:
            part.write_bytes(body)
        except OSError as error:
            raise OutputError(disk_message(part, error)) from error
        url = question.urls[0]
        self._accept(question, part, Answer(url, url, None, None, len(body)))

    def _tell_stale(self, there: Fetched, error: SourceError) -> None:
        """Say once for each data set that old answers serve."""
        if there.source not in self._stale:
            self._stale.add(there.source)
            self.tell(
                f"note: {there.source}: its catalogue gives no answer; used: what it said on "
                f"{there.time:%Y-%m-%d}, from the cache\n{error}"
            )

    def _fetch_or_error(self, wanted: Wanted) -> Fetched | SourceError:
        try:
            return self.fetch(wanted)
        except SourceError as error:
            return error

    def _missing_offline(self, wanted: Sequence[Wanted]) -> Unreachable | None:
        if not self.offline:
            return None
        missing = [
            one
            for one in wanted
            if self.cache.find(one) is None and find_dropped(self.drop_in, one) is None
        ]
        return Unreachable(_offline(missing, self.cache)) if missing else None

    def _dropped(self, wanted: Wanted) -> Fetched | None:
        """A user's own download, checked as if it came over the line.

        A world map serves every box of a country: it is checked once and lies on the disk once.
        """
        file = find_dropped(self.drop_in, wanted)
        if file is None:
            return None
        same = file, replace(wanted, key="", urls=(), window=None, about_bytes=None)
        with self._lock:
            taking = self._taking[file]
        with taking:
            first = self._taken.get(same)
            if first is None:
                first = self._taken[same] = self._take(wanted, file)
                return first
        part = self.cache.link_in(first.key, wanted.key)
        return self.cache.adopt(part, first.model_copy(update={"key": wanted.key}))

    def _take(self, wanted: Wanted, file: Path) -> Fetched:
        part = self.cache.copy_in(file, wanted.key)
        answer = Answer(DROPPED + file.name, DROPPED + file.name, None, None, None)
        try:
            return self._accept(wanted, part, answer)
        except (WrongContent, ChecksumMismatch) as error:
            forget(part)
            raise type(error)(
                f"{file} was taken for {wanted.source} {wanted.version}: {error}; take it out of "
                "the folder, or replace it by a whole copy"
            ) from error

    def _from_servers(self, wanted: Wanted) -> Fetched:
        told: list[str] = []
        kinds: list[type[SourceError]] = []
        for url in wanted.urls:
            try:
                fetched = self._from_server(wanted, url)
            except Failure as failure:
                told.append(f"  {url}: {failure}")
                kinds.append(failure.kind)
            else:
                self.line.note(url, failed=False)
                return fetched
        kind = next(kind for kind in MOST_TELLING if kind in kinds)
        head = f"{wanted.source} {wanted.version}: {wanted.name} was not fetched"
        lines = [f"{head} ({_expected(wanted)}):", *told, f"  -> {_advice(kind, wanted)}"]
        raise kind("\n".join(lines))

    def _from_server(self, wanted: Wanted, url: str) -> Fetched:
        """Attempts at one server; a transfer that went on counts as no failed attempt."""
        policy = self.line.policy
        part = self.cache.part(wanted.key)
        failed, most = 0, 0
        while True:
            try:
                self.line.check_host(url)
                return self._attempt(wanted, url, part)
            except Failure as failure:
                there = part.stat().st_size if part.exists() else 0
                if failure.kind is not Unreachable or wanted.window is not None:
                    forget(part)
                failed = 1 if there >= most + policy.progress_bytes else failed + 1
                most = max(most, there)
                pause = pause_s(policy, failed, failure.retry_after_s)
                if not failure.can_pass or failed >= policy.attempts or pause is None:
                    if failure.can_pass:
                        self.line.note(url, failed=True)
                    tries = f" ({failed} attempts)" if failed > 1 else ""
                    raise Failure(f"{failure}{tries}", failure.kind) from failure
                self.line.wait(pause)

    def _attempt(self, wanted: Wanted, url: str, part: Path) -> Fetched:
        on_bytes: OnBytes = lambda there, total: self.transfer(wanted.key, there, total)  # noqa: E731
        bring = download if wanted.window is None else read_window
        on_bytes(part.stat().st_size if part.exists() else 0, None)  # what an earlier attempt left
        answer = bring(self.line, wanted, url, part, on_bytes)
        on_bytes(part.stat().st_size, part.stat().st_size)  # a part of a file has no total before
        try:
            return self._accept(wanted, part, answer)
        except (WrongContent, ChecksumMismatch) as error:
            size, total = part.stat().st_size, answer.total or "unknown"
            came = f"{size} of {total} bytes came"
            if wanted.window is not None:
                came = f"{size} bytes were cut out of a file of {total} bytes"
            told = f"status {answer.status}: {error}; {came}"
            raise Failure(told, type(error), can_pass=answer.resumed) from error

    def _accept(self, wanted: Wanted, part: Path, answer: Answer) -> Fetched:
        """Check a complete `.part` and give it its name."""
        size, sha256 = part.stat().st_size, sha256_of(part)
        if wanted.sha256 is not None and sha256 != wanted.sha256:
            raise ChecksumMismatch(f"expected sha256 {wanted.sha256}, came {sha256}")
        if wanted.size_bytes and not wanted.size_bytes[0] <= size <= wanted.size_bytes[1]:
            low, high = wanted.size_bytes
            raise WrongContent(f"expected {low} to {high} bytes, came {size}")
        checks = (*check_file(part, wanted), *(("sha256",) if wanted.sha256 else ()))
        fetched = Fetched(
            source=wanted.source,
            version=wanted.version,
            key=wanted.key,
            kind=wanted.kind,
            licence=wanted.licence,
            url=answer.url,
            final_url=answer.final_url,
            time=datetime.now(UTC).replace(microsecond=0),
            size_bytes=size,
            sha256=sha256,
            etag=answer.etag,
            last_modified=answer.last_modified,
            window=None if answer.url.startswith(DROPPED) else wanted.window,
            plausible=wanted.plausible if wanted.kind is not Kind.ZIP else None,
            checks=checks,
        )
        self.cache.adopt(part, fetched)
        forget(part)
        return fetched


@contextmanager
def _quiet() -> Iterator[None]:
    """One row of cells has no georeference for GDAL; set once, as filters belong to all threads."""
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def pause_s(policy: Policy, failed: int, asked_s: float | None) -> float | None:
    """How long to wait after the n-th failed attempt [s]; None: the server asks for too long.

    >>> pause_s(Policy(), 1, 7.0)
    7.0
    """
    if asked_s is not None:
        return asked_s if asked_s <= policy.longest_retry_after_s else None
    base = min(policy.first_wait_s * 2.0 ** (failed - 1), policy.longest_wait_s)
    return float(base * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret


def find_dropped(folder: Path | None, wanted: Wanted) -> Path | None:
    """The user's own copy of a file, known by its name in any case; else by size and checksum."""
    if folder is None:
        return None
    if not folder.is_dir():
        raise SourceError(f"--drop-in: no such folder: {folder}; correct the path")
    names = {name.lower() for name in (wanted.name, *wanted.also_named)}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        if path.name.lower() in names:
            return path
    if wanted.sha256 and wanted.size_bytes:
        low, high = wanted.size_bytes
        for path in files:
            if low <= path.stat().st_size <= high and sha256_of(path) == wanted.sha256:
                return path
    return None


def _first(broken: list[Future[Fetched | SourceError]]) -> BaseException:
    """The cause, not those that only stopped because of it."""
    errors = [error for job in broken if (error := job.exception()) is not None]
    return next((error for error in errors if not isinstance(error, Stopped)), errors[0])


def joined(errors: Sequence[SourceError]) -> SourceError:
    """One error of several; its class is the most telling one."""
    if len(errors) == 1:
        return errors[0]
    return _kind(errors)("\n".join(str(error) for error in errors))


def _kind(errors: Sequence[SourceError]) -> type[SourceError]:
    return next(k for k in (*MOST_TELLING, SourceError) if any(type(e) is k for e in errors))


def _summary(errors: list[SourceError], total: int) -> SourceError:
    if len(errors) == 1:
        return errors[0]
    shown = [str(error) for error in errors[:SHOWN_ERRORS]]
    if len(errors) > SHOWN_ERRORS:
        shown.append(f"... and {len(errors) - SHOWN_ERRORS} files more")
    return _kind(errors)(
        f"{len(errors)} of {total} files were not fetched; the others are in the cache:\n"
        + "\n".join(shown)
    )


def _offline(missing: Sequence[Wanted], cache: Cache) -> str:
    shown = [f"  {one.key}  {one.urls[0]}" for one in missing]
    else_do = dict.fromkeys(
        one.instead or "put your own copies into a folder and name it with --drop-in"
        for one in missing
    )
    return (
        f"{len(missing)} files are not in the cache {cache.folder}, and --offline asks no server:\n"
        + "\n".join(shown)
        + "\n  -> fetch them where there is a line (recarb fetch ISO3 --pack FILE) and --unpack "
        f"here, or {'; or '.join(else_do)}"
    )


def _expected(wanted: Wanted) -> str:
    """What is known of a size before a server tells it."""
    if wanted.size_bytes is not None:
        low, high = wanted.size_bytes
        return f"expected {low} bytes" if low == high else f"expected {low} to {high} bytes"
    if wanted.about_bytes is not None:
        return f"expected about {wanted.about_bytes} bytes at most"
    return "size not known before"


def _advice(kind: type[SourceError], wanted: Wanted) -> str:
    by_hand = wanted.instead or (
        f"take {wanted.name} by hand, put it into a folder and name that with --drop-in"
    )
    if wanted.otherwise:
        by_hand = f"{wanted.otherwise}, or {by_hand}"
    if kind is LicenceRefused:
        return f"sign in and accept the licence on the server's page, {by_hand}"
    if kind is Unreachable:
        return f"check the line and try again later (what came is gone on with), or {by_hand}"
    return (
        f"run `recarb sources verify {wanted.source}`; if the server changed, correct a copy of "
        f"the entry (--registry), or {by_hand}"
    )
