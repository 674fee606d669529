"""What people see of a transfer where no terminal draws a bar."""

import pytest

from recarb.cli import transfer


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(transfer.time, "monotonic", lambda: now[0])
    return now


def test_bytes_speed_and_time_left(clock, capsys):
    with transfer.TransferReporter(4) as reporter:
        clock[0] = 20.0
        reporter("soil/1.0/a.tif", 10_000_000, 20_000_000)
    told = capsys.readouterr().err
    assert "1 of 4 files, a.tif: 10.0 of about 80 MB, 0.50 MB/s, about 140 s left" in told


def test_lines_are_rare_and_unknown_sizes_are_not_made_up(clock, capsys):
    with transfer.TransferReporter(2) as reporter:
        for second in range(25):
            clock[0] = float(second)
            reporter("a", second * 1000, None)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert not any("left" in line or "about" in line for line in lines)
