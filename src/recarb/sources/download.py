"""One attempt to bring one file over the line into its `.part`, going on where one broke off."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx

from recarb.core.errors import LicenceRefused, OutputError, WrongContent
from recarb.sources.base import Wanted
from recarb.sources.content import PAGE_BYTES, check_head, is_web_page
from recarb.sources.line import PARTIAL, Failure, Line, Policy, announced, led_to_login, plain

SPARE_BYTES = 1 << 20  # left free on the disk
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")

OnBytes = Callable[[int, int | None], None]  # bytes there, bytes in all where known


@dataclass(frozen=True)
class Answer:
    """What a server said of a file."""

    url: str
    final_url: str
    etag: str | None
    last_modified: str | None
    total: int | None
    resumed: bool = False
    status: int | None = None  # none of a user's own file

    @property
    def validator(self) -> str | None:
        """What `If-Range` needs: a strong ETag, else the time of the last change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


def download(line: Line, wanted: Wanted, url: str, part: Path, on_bytes: OnBytes) -> Answer:
    """Bring `url` into `part`.

    A `part` of an earlier attempt is gone on with if the server confirms that the file is the same
    one (`If-Range`); otherwise it starts again.

    Raises
    ------
    Failure
        The attempt failed; what can be gone on with stays in `part`.
    OutputError
        The disk is full or cannot be written.
    """
    before = _note_of(part, url)
    start = part.stat().st_size if before else 0
    if before and before.total == start:  # whole, but killed before it was checked
        return replace(before, resumed=True)
    if before and before.total is not None and start > before.total:
        start = 0
    headers = {}
    if before and before.validator and start:
        headers = {"Range": f"bytes={start}-", "If-Range": before.validator}
    signed = line.signed(url, wanted.token_url)
    with line.get(signed, headers) as response:
        start = _start(response, start, before)
        answer = _answer(response, wanted, url, start)
        _check_room(answer, part, start)
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            _check_size(answer, wanted)  # of a web page the page itself is told
        try:
            _note(part).write_text(json.dumps(asdict(answer)), encoding="utf-8")
            with part.open("ab" if start else "wb") as handle:
                got = _receive(
                    response, wanted, handle.write, (start, answer.total), line, on_bytes
                )
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise OutputError(disk_message(part, error)) from error
    if answer.total is not None and got != answer.total:
        raise Failure(f"status {answer.status}: {got} of {answer.total} bytes came", can_pass=True)
    return answer


def forget(part: Path) -> None:
    """Remove a `.part` and what is known of it."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def disk_message(part: Path, error: OSError) -> str:
    """What to do when the disk does not take a file."""
    return (
        f"{part}: cannot be written ({error.strerror or error}); make room, or name another folder "
        "with --cache; what came so far is gone on with"
    )


def _receive(
    response: httpx.Response,
    wanted: Wanted,
    write: Callable[[bytes], int],
    span: tuple[int, int | None],
    line: Line,
    on_bytes: OnBytes,
) -> int:
    """Write the body as it comes; bytes there at the end. The first bytes are looked at first."""
    got, total = span
    speed = Speed(line.policy, response.status_code)
    head, checked = b"", got > 0
    for chunk in response.iter_raw():
        line.check_stop()
        if not checked:
            head += chunk
            checked = len(head) >= PAGE_BYTES
            if checked:
                _check_start(head, wanted, response)
        got += write(chunk)
        on_bytes(got, total)
        speed.check(len(chunk), got, total)
    if not checked:
        _check_start(head, wanted, response)
    return got


def _check_start(head: bytes, wanted: Wanted, response: httpx.Response) -> None:
    try:
        check_head(head, wanted.kind)
    except WrongContent as error:
        where = plain(str(response.url), wanted.token_url)
        came = f"{response.num_bytes_downloaded} of {announced(response)} bytes came"
        if is_web_page(head) and (response.history or led_to_login(response)):
            raise Failure(
                f"status {response.status_code}, led to {where}: {error}; {came}: the server wants "
                "an account, or its licence accepted",
                LicenceRefused,
            ) from error
        short = not head and int(response.headers.get("Content-Length", 0)) > 0
        raise Failure(
            f"status {response.status_code}: {error}; {came}", WrongContent, can_pass=short
        ) from error


def _start(response: httpx.Response, start: int, before: Answer | None) -> int:
    """From which byte on the answer goes; 0 where the server sends all of it."""
    if response.status_code != PARTIAL:
        return 0
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    total = before.total if before else None
    if not found or int(found[1]) != start or (total is not None and int(found[2]) != total):
        told = response.headers.get("Content-Range")
        raise Failure(
            f"status {PARTIAL}: asked for bytes from {start} of {total}, came {told!r}",
            WrongContent,
            can_pass=True,
        )
    return start


def _answer(response: httpx.Response, wanted: Wanted, url: str, start: int) -> Answer:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise Failure(
            f"status {response.status_code}: the body of {announced(response)} bytes is encoded "
            f"({encoding}) although asked not to be",
            WrongContent,
        )
    length = response.headers.get("Content-Length")
    return Answer(
        url=url,
        final_url=plain(str(response.url), wanted.token_url),
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        total=start + int(length) if length and length.isdigit() else None,
        resumed=start > 0,
        status=response.status_code,
    )


def _check_size(answer: Answer, wanted: Wanted) -> None:
    """Compare the announced size with what can be right."""
    if wanted.size_bytes and answer.total:
        low, high = wanted.size_bytes
        if not low <= answer.total <= high:
            raise Failure(
                f"status {answer.status}: expected {low} to {high} bytes, {answer.total} announced",
                WrongContent,
            )


def _check_room(answer: Answer, part: Path, start: int) -> None:
    """Compare the announced size with the room there is."""
    if answer.total is None:
        return
    free = shutil.disk_usage(part.parent).free
    if answer.total - start + SPARE_BYTES > free:
        raise OutputError(
            f"{part}: needs {answer.total - start} bytes, {free} are free; make room, or name "
            "another folder with --cache"
        )


class Speed:
    """Notices a line that drips."""

    def __init__(self, policy: Policy, status: int) -> None:
        self.policy, self.status = policy, status
        self.since, self.bytes = time.monotonic(), 0

    def check(self, came: int, got: int, total: int | None) -> None:
        """Count bytes; fail when a whole window was too slow.

        Raises
        ------
        Failure
        """
        self.bytes += came
        seconds = time.monotonic() - self.since
        if seconds < self.policy.slow_window_s:
            return
        if self.bytes < self.policy.slow_bytes_per_s * seconds:
            raise Failure(
                f"status {self.status}, too slow: {self.bytes} bytes in {seconds:.0f} s; {got} of "
                f"{total if total is not None else 'unknown'} bytes came",
                can_pass=True,
            )
        self.since, self.bytes = time.monotonic(), 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note_of(part: Path, url: str) -> Answer | None:
    """What is known of a `.part`, if it came from `url`."""
    try:
        answer = Answer(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return answer if answer.url == url and part.is_file() else None
