"""What people see of a transfer where no terminal draws a bar."""

import pytest
from tests.sources import samples
from tests.sources.conftest import only_this_machine, server  # noqa: F401 - fixtures
from tests.sources.server import Fault
from tests.sources.test_fetch import QUICK, wanted

from recarb.cli import transfer
from recarb.core.errors import Unreachable
from recarb.sources.base import Box
from recarb.sources.cache import Cache
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Line


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(transfer.time, "monotonic", lambda: now[0])
    return now


def test_bytes_speed_and_time_left(clock, capsys):
    sizes = {f"soil/1.0/{name}.tif": 20_000_000 for name in "abcd"}
    with transfer.TransferReporter(sizes) as reporter:
        reporter("soil/1.0/a.tif", 0, None)
        clock[0] = 20.0
        reporter("soil/1.0/a.tif", 10_000_000, 20_000_000)
    told = capsys.readouterr().err
    assert "0 of 4 files, a.tif: 10.0 of about 80.0 MB, 0.50 MB/s, about 140 s left" in told


def test_lines_are_rare_and_unknown_sizes_are_not_made_up(clock, capsys):
    with transfer.TransferReporter({"a": None, "b": None}) as reporter:
        for second in range(25):
            clock[0] = float(second)
            reporter("a", second * 1000, None)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert not any("left" in line or "about" in line for line in lines)
    assert "2 files of unknown size" in lines[0]


def test_one_small_boundary_says_nothing_of_the_climate():
    """Its 0.4 MB, times 172 files, made 68.8 MB."""
    sizes = {f"terraclimate/1.1/{number}.nc": 5_000_000 for number in range(171)}
    reporter = transfer.TransferReporter(sizes | {"geoboundaries/current/a.geojson": None})
    reporter("geoboundaries/current/a.geojson", 400_000, 400_000)
    assert reporter.expected() == 171 * 5_000_000 + 400_000


def test_a_server_s_total_goes_before_the_estimate_and_corrects_its_sisters():
    reporter = transfer.TransferReporter({"a/1/x": 100, "a/1/y": 100, "b/1/z": 100})
    reporter("a/1/x", 0, 40)
    assert reporter.expected() == 40 + 40 + 100


def test_bytes_of_an_earlier_attempt_are_there_but_no_speed(clock, capsys):
    reporter = transfer.TransferReporter({"a": 30_000_000})
    reporter("a", 10_000_000, None)  # what lay there
    clock[0] = 10.0
    reporter("a", 20_000_000, 30_000_000)
    told = capsys.readouterr().err
    assert "20.0 of about 30.0 MB, 1.00 MB/s, about 10 s left" in told
    reporter("a", 5_000_000, 30_000_000)  # it began again
    assert reporter.moved == 15_000_000


def test_one_cached_one_window_one_resumed(server, tmp_path):  # noqa: F811
    """The reporter knows what is still to come, its size, and what moved over the line now."""
    body = samples.geotiff()
    ones = {}
    for name in ("cached", "window", "resumed"):
        url = server.put(f"/{name}.tif", body)
        ones[name] = wanted(url, key=f"soil/1.0/{name}.tif", about_bytes=5000)
    ones["window"] = wanted(*ones["window"].urls, key=ones["window"].key, about_bytes=7000,
                            window=Box(102.1, 13.1, 105.9, 16.4))  # fmt: skip
    store = Cache(tmp_path / "cache")
    server.faults["/resumed.tif"] = [Fault(cut=1000)] * QUICK.attempts
    with Line(QUICK) as line:
        fetcher = Fetcher(store, line)
        fetcher.fetch(ones["cached"])
        server.faults["/resumed.tif"] = [Fault(cut=1000), *[Fault(status=404)]]
        with pytest.raises(Unreachable):
            fetcher.fetch(ones["resumed"])
        sizes = transfer.missing_sizes(list(ones.values()), store)
        assert sizes == {"soil/1.0/window.tif": 7000, "soil/1.0/resumed.tif": 5000}
        reporter = transfer.TransferReporter(sizes)
        assert reporter.expected() == 12_000
        fetcher.transfer = reporter
        got = {one.key: one.size_bytes for one in fetcher.fetch_all(list(ones.values()))}
    window = got["soil/1.0/window.tif"]
    assert reporter.expected() == window + len(body)  # told and seen, not estimated
    assert reporter.moved == window + len(body) - 1000
