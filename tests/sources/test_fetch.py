"""Every way a download goes wrong: it ends well by a retry or a mirror, or in an error that tells.

After each of them the cache holds the right file or nothing.
"""

import hashlib
import multiprocessing
import re
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.sources import samples
from tests.sources.server import ETAG, PAGE, Fault

from recarb.core.errors import (
    ChecksumMismatch,
    LicenceRefused,
    OutputError,
    Unreachable,
    WrongContent,
)
from recarb.sources.base import Kind, Plausible, Wanted
from recarb.sources.cache import Cache
from recarb.sources.fetch import Fetcher, pause_s
from recarb.sources.line import Line, Policy, Stopped

QUICK = Policy(first_wait_s=0.001, longest_wait_s=0.01, timeout_s=5.0, progress_bytes=1 << 30)
BODY = samples.geotiff()
BLACK, TOO_HIGH = (samples.geotiff(samples.np.full((20, 30), value, samples.np.int16))
                   for value in (-32768, 9000))  # fmt: skip
ALL_OF_PAGE = f"{len(PAGE)} of {len(PAGE)} bytes came"
PATH = "/data/map.tif"


def wanted(*urls, **changes):
    one = Wanted("soil", "1.0", "soil/1.0/map.tif", urls, Kind.GEOTIFF, "CC BY 4.0",
                 plausible=Plausible(0, 800, "t ha-1"))  # fmt: skip
    return replace(one, **changes)


def fetch(tmp_path, *ones, policy=QUICK, **options):
    with Line(policy) as line:
        return Fetcher(Cache(tmp_path / "cache"), line, **options).fetch_all(ones)


def finished(tmp_path):
    """Names in the cache that look like data: no part, no lock."""
    return sorted(
        path.name
        for path in (tmp_path / "cache").rglob("*")
        if path.is_file() and ".part" not in path.name and path.parent.name != ".locks"
    )


def assert_right(tmp_path, body=BODY):
    assert finished(tmp_path) == ["map.tif", "map.tif.json"]
    assert (tmp_path / "cache/soil/1.0/map.tif").read_bytes() == body
    assert not list((tmp_path / "cache").rglob("*.part*"))


def assert_refused(tmp_path, kind, *told, ones=(), **options):
    with pytest.raises(kind) as caught:
        fetch(tmp_path, *ones, **options)
    assert type(caught.value) is kind
    for words in told:
        assert words in str(caught.value)
    assert finished(tmp_path) == []
    return str(caught.value)


# ------------------------------------------------------------------------------- what goes well


def test_a_file_arrives_with_its_record(server, tmp_path):
    url = server.put(PATH, BODY)
    (got,) = fetch(tmp_path, wanted(url))
    assert_right(tmp_path)
    assert (got.url, got.etag, got.size_bytes) == (url, ETAG, len(BODY))
    assert got.sha256 == hashlib.sha256(BODY).hexdigest()
    assert got.licence == "CC BY 4.0"
    assert "decoded: 600 values from 0 to 599" in got.checks
    assert server.gets()[0].headers["User-Agent"].startswith("recarb/")


def test_a_cached_file_is_not_asked_for_again(server, tmp_path):
    one = wanted(server.put(PATH, BODY))
    first = fetch(tmp_path, one)
    assert fetch(tmp_path, one) == first
    assert fetch(tmp_path, one, offline=True) == first
    assert len(server.gets()) == 1


@pytest.mark.parametrize("damage", ["flip", "cut", "no record"])
def test_a_file_damaged_in_the_cache_is_fetched_again(server, tmp_path, damage):
    one = wanted(server.put(PATH, BODY))
    fetch(tmp_path, one)
    path = tmp_path / "cache/soil/1.0/map.tif"
    if damage == "flip":
        path.write_bytes(BODY[:-1] + bytes([BODY[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(BODY[:100])
    else:
        path.with_name("map.tif.json").unlink()
    with pytest.raises(Unreachable, match="not in the cache"):
        fetch(tmp_path, one, offline=True)
    fetch(tmp_path, one)
    assert_right(tmp_path)


# ------------------------------------------------------------------- what can pass is tried again


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=429, headers={"Retry-After": "0"}),
        Fault(status=500, body=PAGE),
        Fault(cut=0),
        Fault(cut=len(BODY) // 2),
        Fault(cut=len(BODY) - 1),
    ],
    ids=["503", "429", "500", "reset before the body", "reset at 50 %", "one byte short"],
)
def test_what_can_pass_is_tried_again(server, tmp_path, fault):
    url = server.put(PATH, BODY)
    server.faults[PATH] = [fault]
    fetch(tmp_path, wanted(url))
    assert_right(tmp_path)
    assert len(server.gets()) == 2


def test_a_reset_is_gone_on_with_where_it_broke(server, tmp_path):
    url = server.put(PATH, BODY)
    server.faults[PATH] = [Fault(cut=1000)]
    fetch(tmp_path, wanted(url))
    assert_right(tmp_path)
    again = server.gets()[1].headers
    assert (again["Range"], again["If-Range"]) == ("bytes=1000-", ETAG)


def test_a_file_that_changed_meanwhile_starts_again(server, tmp_path):
    url = server.put(PATH, BODY)
    other = samples.geotiff(samples.np.full((20, 30), 7, samples.np.int16))
    server.faults[PATH] = [Fault(cut=1000)]
    with pytest.raises(Unreachable):
        fetch(tmp_path, wanted(url), policy=replace(QUICK, attempts=1))
    assert (tmp_path / "cache/soil/1.0/map.tif.part").stat().st_size == 1000
    server.put(PATH, other)
    server.etags[PATH] = '"v2"'
    fetch(tmp_path, wanted(url))
    assert_right(tmp_path, other)


def test_without_a_validator_nothing_is_gone_on_with(server, tmp_path):
    url = server.put(PATH, BODY)
    server.etags[PATH] = 'W/"weak"'
    server.faults[PATH] = [Fault(cut=1000)]
    fetch(tmp_path, wanted(url))
    assert "Range" not in server.gets()[1].headers
    assert_right(tmp_path)


def test_a_part_mixed_of_two_files_is_thrown_away(server, tmp_path):
    """A server that says the same ETag for other bytes: decoding finds it, and it starts again."""
    url = server.put(PATH, BODY)
    server.faults[PATH] = [Fault(cut=len(BODY) - 200)]
    with pytest.raises(Unreachable):
        fetch(tmp_path, wanted(url), policy=replace(QUICK, attempts=1))
    part = tmp_path / "cache/soil/1.0/map.tif.part"
    part.write_bytes(bytes(len(BODY) - 200))
    fetch(tmp_path, wanted(url))
    assert_right(tmp_path)
    assert "Range" not in server.gets()[-1].headers


def leave_part(server, tmp_path, body):
    """What a process leaves that was killed before it gave the file its name."""
    one = wanted(server.put(PATH, BODY))
    server.faults[PATH] = [Fault(cut=500)]
    with pytest.raises(Unreachable):
        fetch(tmp_path, one, policy=replace(QUICK, attempts=1))
    (tmp_path / "cache/soil/1.0/map.tif.part").write_bytes(body)
    return one


@pytest.mark.parametrize(
    "body",
    [BODY, BODY + b"more", bytes(len(BODY)), b""],
    ids=["whole", "too long", "zeros", "empty"],
)
def test_a_whole_part_of_a_killed_process(server, tmp_path, body):
    one = leave_part(server, tmp_path, body)
    fetch(tmp_path, one)
    assert_right(tmp_path)
    assert len(server.gets()) == (1 if body == BODY else 2)


def test_a_file_that_is_shorter_now(server, tmp_path):
    one = leave_part(server, tmp_path, BODY[:-10])
    other = samples.geotiff(samples.np.ones((4, 4), samples.np.int16))
    server.put(PATH, other)  # under the same ETag
    fetch(tmp_path, one)
    assert_right(tmp_path, other)


def test_progress_is_no_failed_attempt(server, tmp_path):
    url = server.put(PATH, BODY)
    step = len(BODY) // 8
    server.faults[PATH] = [Fault(cut=step) for _ in range(7)]
    fetch(tmp_path, wanted(url), policy=replace(QUICK, attempts=2, progress_bytes=step))
    assert_right(tmp_path)


def test_a_mirror_takes_over(server, tmp_path):
    server.always["/gone.tif"] = Fault(status=503)
    mirror = server.put(PATH, BODY)
    (got,) = fetch(tmp_path, wanted(server.url + "/gone.tif", mirror))
    assert got.url == mirror
    assert_right(tmp_path)
    assert len(server.gets("/gone.tif")) == QUICK.attempts


def test_retry_after_is_obeyed_up_to_a_limit():
    policy = Policy(longest_retry_after_s=10)
    assert pause_s(policy, 1, 10.0) == 10.0
    assert pause_s(policy, 1, 11.0) is None
    waits = [pause_s(policy, n, None) for n in range(1, 20)]
    assert 0.5 <= waits[0] <= 1.5
    assert max(waits) <= 1.5 * policy.longest_wait_s


def test_a_server_that_asks_for_an_hour_is_left_for_the_mirror(server, tmp_path):
    server.always["/busy.tif"] = Fault(status=503, headers={"Retry-After": "3600"})
    fetch(tmp_path, wanted(server.url + "/busy.tif", server.put(PATH, BODY)))
    assert len(server.gets("/busy.tif")) == 1
    assert_right(tmp_path)


# ---------------------------------------------------------------------- what cannot pass is told


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (Fault(status=200), WrongContent, ["came 0 bytes", "0 of 0 bytes"]),
        (Fault(status=200, body=PAGE), WrongContent, ["web page (Please sign in)", ALL_OF_PAGE]),
        (Fault(status=200, body=b'{"error": "quota"}'), WrongContent, ["expected geotiff"]),
        (Fault(status=200, body=BODY[:900]), WrongContent, ["decodes", "900 of 900 bytes"]),
        (Fault(status=200, body=BLACK), WrongContent, ["no data", "bytes came"]),
        (Fault(status=200, body=TOO_HIGH), WrongContent, ["0 to 800", "bytes came"]),
        (Fault(status=404, body=PAGE), Unreachable, ["renamed", f"{len(PAGE)} bytes came with"]),
        (Fault(status=403), LicenceRefused, ["accept the licence"]),
        (Fault(status=401), LicenceRefused, ["0 bytes came with"]),
        (Fault(status=418), Unreachable, ["0 bytes came with"]),
        (Fault(status=503, body=PAGE), Unreachable, ["5 attempts", f"{len(PAGE)} bytes came with"]),
        (Fault(cut=0), Unreachable, ["5 attempts", f"0 of {len(BODY)} bytes came"]),
        (Fault(status=200, body=BODY, cut=900), Unreachable, [f"900 of {len(BODY)} bytes came"]),
        (Fault(status=200, body=BODY, headers={"Content-Encoding": "br"}), WrongContent, ["br"]),
    ],
    ids=["0 bytes", "web page", "JSON", "half a file", "black", "too high", "renamed", "403", "401",
         "odd", "503", "always reset", "always cut", "encoded"],
)  # fmt: skip
def test_what_cannot_pass_is_told(server, tmp_path, fault, kind, told):
    url = server.put(PATH, BODY)
    server.always[PATH] = fault
    one = wanted(url, about_bytes=4321)
    text = assert_refused(tmp_path, kind, url, "soil 1.0: map.tif", "--drop-in", *told, ones=[one])
    assert "->" in text
    assert "(expected about 4321 bytes at most)" in text
    assert f"{url}: status {fault.status or 200}" in text
    assert re.search(r"\d+ (of \d+ )?bytes", text.split("at most")[1])
    if fault.cut is None and fault.status != 503:
        assert len(server.gets()) == 1


def test_a_redirect_to_a_login_page_is_a_licence(server, tmp_path):
    url = server.put(PATH, BODY)
    login = server.url + "/login"
    server.always[PATH] = Fault(status=302, headers={"Location": login})
    server.always["/login"] = Fault(status=200, body=PAGE, headers={"Content-Type": "text/html"})
    assert_refused(tmp_path, LicenceRefused, login, "web page", ones=[wanted(url)])


def test_a_redirect_to_the_file_is_followed(server, tmp_path):
    server.put(PATH, BODY)
    server.always["/old.tif"] = Fault(status=301, headers={"Location": server.url + PATH})
    (got,) = fetch(tmp_path, wanted(server.url + "/old.tif"))
    assert (got.url, got.final_url) == (server.url + "/old.tif", server.url + PATH)


def test_redirects_in_a_circle_end(server, tmp_path):
    server.always[PATH] = Fault(status=302, headers={"Location": server.url + PATH})
    assert_refused(tmp_path, Unreachable, "redirects", ones=[wanted(server.url + PATH)])


def test_a_wrong_checksum(server, tmp_path):
    one = wanted(server.put(PATH, BODY), sha256="0" * 64)
    assert_refused(
        tmp_path,
        ChecksumMismatch,
        "0" * 64,
        hashlib.sha256(BODY).hexdigest(),
        "status 200",
        f"{len(BODY)} of {len(BODY)} bytes",
        ones=[one],
    )


def test_a_wrong_checksum_and_a_mirror_with_the_right_one(server, tmp_path):
    bad = server.put("/bad.tif", samples.geotiff(samples.np.ones((20, 30), samples.np.int16)))
    good = server.put(PATH, BODY)
    (got,) = fetch(tmp_path, wanted(bad, good, sha256=hashlib.sha256(BODY).hexdigest()))
    assert "sha256" in got.checks
    assert_right(tmp_path)


def test_a_size_that_cannot_be_right(server, tmp_path):
    one = wanted(server.put(PATH, BODY), size_bytes=(10 * len(BODY), 20 * len(BODY)))
    told = f"expected {10 * len(BODY)} to {20 * len(BODY)} bytes, {len(BODY)} announced"
    assert_refused(tmp_path, WrongContent, told, ones=[one])


def test_values_that_cannot_be_right(server, tmp_path):
    one = wanted(server.put(PATH, BODY), plausible=Plausible(0, 100, "percent"))
    assert_refused(tmp_path, WrongContent, "expected values from 0 to 100 percent, came 0 to 599",
            ones=[one])  # fmt: skip


def test_a_black_map(server, tmp_path):
    assert_refused(tmp_path, WrongContent, "no data", ones=[wanted(server.put(PATH, BLACK))])


def test_half_a_file_without_a_length(server, tmp_path):
    server.always[PATH] = Fault(status=200, body=BODY[:-300], no_length=True)
    assert_refused(tmp_path, WrongContent, "decodes", ones=[wanted(server.url + PATH)])


def test_a_slow_drip(server, tmp_path):
    url = server.put(PATH, BODY)
    server.always[PATH] = Fault(drip_s=0.01)
    policy = replace(QUICK, attempts=2, slow_window_s=0.1, slow_bytes_per_s=1e6)
    assert_refused(
        tmp_path,
        Unreachable,
        "too slow",
        f"of {len(BODY)} bytes",
        ones=[wanted(url)],
        policy=policy,
    )


def test_a_drip_then_a_river(server, tmp_path):
    url = server.put(PATH, BODY)
    server.faults[PATH] = [Fault(drip_s=0.01)]
    policy = replace(QUICK, slow_window_s=0.1, slow_bytes_per_s=1e6)
    fetch(tmp_path, wanted(url), policy=policy)
    assert_right(tmp_path)
    assert "Range" in server.gets()[1].headers


def test_silence(server, tmp_path):
    url = server.put(PATH, BODY)
    server.hold_s = 0.5
    policy = replace(QUICK, attempts=1, timeout_s=0.05)
    assert_refused(tmp_path, Unreachable, "ReadTimeout", ones=[wanted(url)], policy=policy)


def test_nobody_there(tmp_path):
    url = "http://127.0.0.1:9/map.tif"
    assert_refused(tmp_path, Unreachable, url, "0 bytes came", "ConnectError", ones=[wanted(url)])


def test_a_dead_host_is_not_asked_for_every_file(server, tmp_path):
    ones = [wanted(f"{server.url}/{n}.tif", key=f"soil/1.0/{n}.tif") for n in range(20)]
    for n in range(20):
        server.always[f"/{n}.tif"] = Fault(status=503)
    policy = replace(QUICK, workers=1, attempts=2)
    assert_refused(
        tmp_path,
        Unreachable,
        "20 of 20 files",
        "not asked again",
        "10 files more",
        ones=ones,
        policy=policy,
    )
    assert len(server.gets()) == policy.give_up_host_after * 2


def test_what_can_be_fetched_is(server, tmp_path):
    good = wanted(server.put(PATH, BODY))
    bad = wanted(server.url + "/gone.tif", key="soil/1.0/gone.tif")
    with pytest.raises(Unreachable, match=r"gone\.tif was not fetched"):
        fetch(tmp_path, bad, good)
    assert_right(tmp_path)


# --------------------------------------------------------------------- others on the same machine


def test_two_at_once_to_one_host(server, tmp_path):
    server.hold_s = 0.02
    ones = []
    for n in range(8):
        ones.append(wanted(server.put(f"/{n}.tif", BODY), key=f"soil/1.0/{n}.tif"))
    fetch(tmp_path, *ones, policy=replace(QUICK, workers=8))
    assert server.most_at_once == 2


def one_process(url, folder, queue):
    with Line(QUICK) as line:
        (got,) = Fetcher(Cache(folder), line).fetch_all([wanted(url)])
    queue.put(got.sha256)


def test_two_processes_and_one_download(server, tmp_path):
    url = server.put(PATH, BODY)
    server.hold_s = 0.2
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    jobs = [
        context.Process(target=one_process, args=(url, tmp_path / "cache", queue)) for _ in range(2)
    ]
    for job in jobs:
        job.start()
    found = {queue.get(timeout=60) for _ in jobs}
    for job in jobs:
        job.join()
    assert found == {hashlib.sha256(BODY).hexdigest()}
    assert len(server.gets()) == 1
    assert_right(tmp_path)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from recarb.core.errors import OutputError
from recarb.sources.base import Box
from tests.sources.test_fetch import fetch, wanted
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
try:
    box = Box(101, 11, 110, 19) if "window" in sys.argv else None
    fetch(Path(sys.argv[1]), wanted(sys.argv[2], window=box))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("how", ["whole", "window"])
def test_a_full_disk_while_it_is_written(server, tmp_path, how):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), server.put(PATH, BODY), how],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "cannot be written" in done.stdout
    assert "make room" in done.stdout
    assert finished(tmp_path) == []


def test_a_full_disk_is_seen_before(server, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    ones = [wanted(server.put(PATH, BODY)), wanted(server.url + PATH, key="soil/1.0/b.tif")]
    assert_refused(tmp_path, OutputError, f"needs {len(BODY)} bytes, 100 are free", ones=ones)


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    with pytest.raises(OutputError, match="--cache"):
        fetch(tmp_path, wanted(server.put(PATH, BODY)))


def test_a_stop_leaves_what_can_be_gone_on_with(server, tmp_path):
    url = server.put(PATH, BODY)
    server.faults[PATH] = [Fault(drip_s=0.005)]
    seen = threading.Event()
    with Line(QUICK) as line:

        def stop_after_a_while(_key, there, _total):
            if there > 20:
                line.stop.set()
                seen.set()

        fetcher = Fetcher(Cache(tmp_path / "cache"), line, transfer=stop_after_a_while)
        with pytest.raises(Stopped):
            fetcher.fetch_all([wanted(url)])
    assert seen.is_set()
    assert finished(tmp_path) == []
    assert (tmp_path / "cache/soil/1.0/map.tif.part").stat().st_size > 0
    fetch(tmp_path, wanted(url))
    assert "Range" in server.gets()[1].headers
    assert_right(tmp_path)
