"""The line to the servers: one polite client, its policy, tokens, and what an answer means."""

import email.utils
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

import httpx

from recarb.core.errors import LicenceRefused, SourceError, Unreachable, WrongContent

OK, PARTIAL = 200, 206
REFUSED = {401, 402, 403, 407, 451}
GONE = {404, 410}
UNSATISFIABLE = 416
CAN_PASS = {408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524}
ERRORS_FROM = 400
LOGIN = re.compile(r"log-?in|sign-?in|/auth|/oauth|/sso|urs\.earthdata", re.I)
TOKEN_MARGIN_S = 300.0  # a token is renewed so long before its end [s]
SHORTEST_TOKEN_S = 60.0  # use of a token that tells no end [s]


@dataclass(frozen=True)
class Policy:
    """How patient and how polite fetching is. Own judgement, except where said."""

    attempts: int = 5  # on one server without progress, before the next mirror
    progress_bytes: int = 1 << 20  # an attempt that brought so much more starts the count again
    first_wait_s: float = 1.0  # doubled after every attempt, times 0.5 to 1.5
    longest_wait_s: float = 60.0
    longest_retry_after_s: float = 300.0  # a server that asks for more is left for its mirror
    timeout_s: float = 60.0  # without any byte
    slow_window_s: float = 60.0
    slow_bytes_per_s: float = 200.0  # slower than this over the window: tried again
    per_host: int = 2  # requests at once to one server
    workers: int = 6  # files at once
    give_up_host_after: int = 3  # files in a row that a server failed to give


class Failure(Exception):
    """One attempt failed: why, as which error, and whether trying again can help."""

    def __init__(
        self,
        reason: str,
        kind: type[SourceError] = Unreachable,
        *,
        can_pass: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.can_pass = can_pass
        self.retry_after_s = retry_after_s


class Stopped(Exception):
    """The user stopped, or another file met a full disk."""


@dataclass
class Line:
    """Client, slots per host and tokens of one fetch; a context manager."""

    policy: Policy = field(default_factory=Policy)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            timeout=self.policy.timeout_s,
            follow_redirects=True,
            headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
        )
        self._slots: dict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(self.policy.per_host)
        )
        self._failed: dict[str, int] = defaultdict(int)
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._token_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @contextmanager
    def slot(self, url: str) -> Iterator[None]:
        """One of the places at a host."""
        with self._lock:
            slot = self._slots[httpx.URL(url).host]
        with slot:
            self.check_stop()
            yield

    def check_stop(self) -> None:
        """Leave, if the user stopped.

        Raises
        ------
        Stopped
        """
        if self.stop.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep, unless stopped."""
        if self.stop.wait(seconds):
            raise Stopped

    def note(self, url: str, *, failed: bool) -> None:
        """Remember whether a host gave a file."""
        host = httpx.URL(url).host
        with self._lock:
            self._failed[host] = self._failed[host] + 1 if failed else 0

    def check_host(self, url: str) -> None:
        """Refuse a host that gave nothing several times in a row.

        Raises
        ------
        Failure
        """
        host = httpx.URL(url).host
        if self._failed[host] >= self.policy.give_up_host_after:
            raise Failure(f"not asked again: {host} failed {self._failed[host]} files in a row")

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """Open an answer; a `Failure` where the line breaks or the status is an error.

        Raises
        ------
        Failure
        """
        answer: httpx.Response | None = None
        try:
            with self.slot(url), self.client.stream("GET", url, headers=headers) as response:
                answer = response
                check_status(response)
                yield response
        except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise Failure(_words(error, answer), can_pass=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failure(_words(error, answer)) from error

    def json(self, url: str) -> Any:
        """A small document, parsed.

        Raises
        ------
        Failure
        """
        with self.get(url, {"Accept": "application/json"}) as response:
            body = response.read()
            try:
                return response.json()
            except ValueError as error:
                raise Failure(
                    f"status {response.status_code}: expected JSON, came {len(body)} bytes: "
                    f"{body[:40]!r}",
                    WrongContent,
                ) from error

    def signed(self, url: str, token_url: str | None) -> str:
        """The URL with a token of `token_url`; a token is kept until shortly before its end.

        Raises
        ------
        Failure
        """
        if token_url is None:
            return url
        with self._token_lock:
            token, until = self._tokens.get(token_url, ("", 0.0))
            if time.time() >= until:
                answer = self.json(token_url)
                if not isinstance(answer, dict) or not isinstance(answer.get("token"), str):
                    raise Failure(f"expected a token from {token_url}, came none", LicenceRefused)
                token, until = answer["token"], _token_end(answer.get("msft:expiry"))
                self._tokens[token_url] = (token, until)
        return f"{url}{'&' if '?' in url else '?'}{token}"


def user_agent() -> str:
    """How recarb presents itself to a server."""
    try:
        number = version("recarb")
    except PackageNotFoundError:
        number = "source"
    return f"recarb/{number} (soil carbon maps of a country; httpx/{httpx.__version__})"


def check_status(response: httpx.Response) -> None:
    """Turn an error status into a `Failure`.

    Raises
    ------
    Failure
    """
    status = response.status_code
    told = f"status {status} {response.reason_phrase}".strip()
    told += f", {announced(response)} bytes came with it"
    if status in REFUSED:
        raise Failure(
            f"{told}: the server wants an account, or its licence accepted", LicenceRefused
        )
    if status in GONE:
        raise Failure(f"{told}: no such file; it may have been renamed")
    if status in CAN_PASS:
        raise Failure(told, can_pass=True, retry_after_s=retry_after(response))
    if status == UNSATISFIABLE:
        raise Failure(f"{told}: the file is another one now", WrongContent, can_pass=True)
    if status not in (OK, PARTIAL):
        raise Failure(told)


def announced(response: httpx.Response) -> str:
    """The length an answer tells, in words [bytes]."""
    length: str = response.headers.get("Content-Length", "")
    return length if length.isdigit() else "unknown"


def led_to_login(response: httpx.Response) -> bool:
    """Whether redirects ended at a page that asks who you are."""
    return bool(response.history) and bool(LOGIN.search(str(response.url)))


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait (RFC 9110: a number or a date) [s]."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def plain(url: str, token_url: str | None = None) -> str:
    """A URL as it may be shown and kept: without its token."""
    return str(httpx.URL(url).copy_with(query=None)) if token_url else url


def _token_end(text: object) -> float:
    """When to renew a token [s since 1970]."""
    try:
        end = datetime.fromisoformat(str(text)).timestamp() - TOKEN_MARGIN_S
    except ValueError:
        end = 0.0
    return max(end, time.time() + SHORTEST_TOKEN_S)


def _words(error: Exception, answer: httpx.Response | None) -> str:
    """What broke, and how far the answer had come."""
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if answer is None:
        return f"0 bytes came: {told}"
    came = f"{answer.num_bytes_downloaded} of {announced(answer)} bytes came"
    return f"status {answer.status_code}, {came}: {told}"
