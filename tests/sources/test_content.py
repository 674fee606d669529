"""Real formats are known, decoded and judged; what only looks like them is refused."""

from pathlib import Path

import pytest
from tests.sources import samples
from tests.sources.server import PAGE

from recarb.core.errors import OutputError, WrongContent
from recarb.sources.base import Kind, Plausible, Wanted
from recarb.sources.content import check_file, check_head

RAIN = Plausible(0, 10000, "mm month-1", "ppt")


def check(path, body, kind, plausible=None):
    path.write_bytes(body)
    return check_file(path, Wanted("s", "1", "s/1/x", ("u",), kind, "CC0", plausible=plausible))


@pytest.mark.parametrize("fmt", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"])
def test_netcdf_is_decoded_with_its_scale_and_fill(tmp_path, fmt):
    body = samples.netcdf(tmp_path / "made.nc", fmt=fmt)
    told = check(tmp_path / "x.nc.part", body, Kind.NETCDF, RAIN)
    assert told[1] == "decoded: 948 values from 0.3 to 300"


def test_netcdf_without_the_variable(tmp_path):
    body = samples.netcdf(tmp_path / "made.nc", "tmax")
    with pytest.raises(WrongContent, match="variable ppt"):
        check(tmp_path / "x.nc.part", body, Kind.NETCDF, RAIN)


@pytest.mark.parametrize("fmt", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_a_netcdf(tmp_path, fmt, share):
    body = samples.netcdf(tmp_path / "made.nc", fmt=fmt)
    with pytest.raises(WrongContent):
        check(tmp_path / "x.nc.part", body[: int(len(body) * share)], Kind.NETCDF, RAIN)


def test_gzip_is_unpacked_to_its_end(tmp_path):
    body = samples.gzipped(samples.netcdf(tmp_path / "made.nc"))
    assert "unpacked" in check(tmp_path / "x", body, Kind.NETCDF_GZIP)[1]
    with pytest.raises(WrongContent, match="gzip"):
        check(tmp_path / "x", body[:-5], Kind.NETCDF_GZIP)
    wrong = bytearray(body)
    wrong[-6] ^= 1  # a bit of the checksum
    with pytest.raises(WrongContent, match="gzip"):
        check(tmp_path / "x", bytes(wrong), Kind.NETCDF_GZIP)


def test_what_is_in_a_gzip_is_decoded(tmp_path):
    body = samples.gzipped(samples.netcdf(tmp_path / "made.nc"))
    told = check(tmp_path / "x.nc.gz.part", body, Kind.NETCDF_GZIP, RAIN)[1]
    assert "checksum of gzip; decoded: 948 values from 0.3 to 300" in told
    assert [path.name for path in tmp_path.glob("x*")] == ["x.nc.gz.part"]  # nothing is left behind


def test_values_in_a_gzip_that_cannot_be(tmp_path):
    body = samples.gzipped(samples.netcdf(tmp_path / "made.nc", high=90_000.0))
    with pytest.raises(WrongContent, match="0 to 10000 mm month-1"):
        check(tmp_path / "x", body, Kind.NETCDF_GZIP, RAIN)
    assert [path.name for path in tmp_path.glob("x*")] == ["x"]


def test_half_a_netcdf_in_a_whole_gzip(tmp_path):
    whole = samples.netcdf(tmp_path / "made.nc", fmt="NETCDF3_CLASSIC")
    with pytest.raises(WrongContent):
        check(tmp_path / "x", samples.gzipped(whole[:-900]), Kind.NETCDF_GZIP, RAIN)


def test_a_disk_too_small_to_unpack(tmp_path, monkeypatch):
    body = samples.gzipped(samples.netcdf(tmp_path / "made.nc"))
    (tmp_path / "x.unpacked.nc").mkdir()  # where it would be unpacked
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_named: None)
    with pytest.raises(OutputError, match="make room"):
        check(tmp_path / "x", body, Kind.NETCDF_GZIP, RAIN)


def test_gzip_of_something_else(tmp_path):
    with pytest.raises(WrongContent, match="web page"):
        check(tmp_path / "x", samples.gzipped(PAGE), Kind.NETCDF_GZIP)


def test_zip_is_unpacked_to_its_end(tmp_path):
    body = samples.zipped(a=b"one" * 100, b=b"two")
    assert "2 members" in check(tmp_path / "x", body, Kind.ZIP)[1]
    with pytest.raises(WrongContent, match="zip"):
        check(tmp_path / "x", body[:-30], Kind.ZIP)
    with pytest.raises(WrongContent, match="damaged a"):
        check(tmp_path / "x", body.replace(b"oneone", b"oneone"[::-1], 1), Kind.ZIP)


def test_json(tmp_path):
    assert check(tmp_path / "x.json.part", b' {"a": 1}', Kind.JSON)[1] == "parsed"
    with pytest.raises(WrongContent, match="JSON"):
        check(tmp_path / "x.json.part", b'{"a": ', Kind.JSON)
    with pytest.raises(WrongContent, match="none"):
        check(tmp_path / "x.geojson.part", b'{"features": []}', Kind.JSON)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("body", [b"", PAGE, b"\xef\xbb\xbf<html>", b"error 17"])
def test_no_format_takes_nonsense(kind, body):
    with pytest.raises(WrongContent):
        check_head(body, kind)
