"""Servers are asked for a little, decoded and held to the registry; ours plays the real ones."""

import math
from datetime import date

import netCDF4
import numpy as np
import pytest
from tests.sources import samples
from tests.sources.catalogue_answers import PAGE_NOT_JSON, serve_boundary, serve_stac
from tests.sources.test_catalogues import SQUARE
from tests.sources.test_registry import GOOD

from recarb.sources.base import Area, Box
from recarb.sources.line import Line, Policy
from recarb.sources.packing import compare
from recarb.sources.registry import LayerFacts, load_registry, parse_entry
from recarb.sources.verify import verified_line, verify

ENTRIES = load_registry()
QUICK = Policy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, timeout_s=5.0)
AREA = Area("THA", "Thailand", (Box(102.0, 13.0, 106.0, 17.0),))
TODAY = date(2026, 11, 21)
SCALES = {"tmax": (0.01, -99.0), "tmin": (0.01, -99.0), "ppt": (0.1, 0.0), "pet": (0.1, 0.0)}


@pytest.fixture(autouse=True)
def quick_gdal(monkeypatch):
    monkeypatch.setattr("recarb.sources.window.RETRIES", "0")


def asked(entry, area=AREA):
    with Line(QUICK) as line:
        return list(verify(entry, area, line))


def climate(path, name, *, scale=None, offset=None, unit="mm", level=30.0, fill=-2147483648):
    """A few cells as TerraClimate packs them."""
    right = SCALES[name]
    with netCDF4.Dataset(path, "w") as data:
        for key, values in (("lat", 15.1 - np.arange(5) / 24), ("lon", 103.9 + np.arange(5) / 24)):
            data.createDimension(key, values.size)
            data.createVariable(key, "f8", (key,))[:] = values
        data["lat"].units, data["lon"].units = "degrees_north", "degrees_east"
        data.createDimension("time", 12)
        layer = data.createVariable(name, "i4", ("time", "lat", "lon"), fill_value=fill)
        layer.scale_factor = right[0] if scale is None else scale
        layer.add_offset = right[1] if offset is None else offset
        layer.units = unit
        layer[:] = np.full((12, 5, 5), level)
    return path.read_bytes()


def terraclimate(server, folder, **wrong):
    """The entry that ships, its four layers served by our own; `wrong` is said of the rain."""
    entry = ENTRIES["terraclimate"].model_copy(update={
        "urls": (f"{server.url}/whole/{{variable}}_{{year}}.nc",), "size_mb": None,
        "subset": ENTRIES["terraclimate"].subset.model_copy(
            update={"urls": (f"{server.url}/part/{{variable}}.nc?north={{north}}&year={{year}}",)}),
    })  # fmt: skip
    for name in SCALES:
        unit = "degC" if name.startswith("t") else "mm"
        changes = {"unit": unit} | (wrong if name == "ppt" else {})
        body = climate(folder / "made.nc", name, **changes)
        server.put(f"/part/{name}.nc", body)
        server.put(f"/whole/{name}_2020.nc", body)
    return entry


def test_a_right_server_gives_the_line_for_the_toml(server, tmp_path):
    entry = terraclimate(server, tmp_path)
    answers = asked(entry)
    assert all(answer.good for answer in answers)
    assert {answer.layer for answer in answers} == {None, *SCALES}
    line = verified_line(entry, answers, TODAY)
    assert line == 'verified = "2026-11-21"'
    text = GOOD.replace('verified = "unverified"', line)
    assert parse_entry("t", "t.toml", text).verified == TODAY
    whole = [seen for seen in server.gets() if seen.path.startswith("/whole/")]
    assert {seen.headers["Range"] for seen in whole} == {"bytes=0-15"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scale": 0.01}, "expected scale 0.1, came 0.01"),
        ({"offset": -99.0}, "expected offset 0, came -99"),
        ({"unit": "degC"}, "expected the unit mm month-1, came degC"),
        ({"unit": "mm day-1"}, "expected the unit mm month-1, came mm day-1"),
        ({"level": 20_000.0}, "expected values from 0 to 10000 mm month-1, came 20000 to 20000"),
    ],
    ids=["scale", "offset", "unit", "per day", "range"],
)
def test_another_packing_is_not_as_written(server, tmp_path, wrong, told):
    entry = terraclimate(server, tmp_path, **wrong)
    answers = asked(entry)
    (bad,) = [answer for answer in answers if not answer.good]
    assert bad.url.startswith(server.url + "/part/ppt.nc")
    assert bad.told.startswith("ppt: " + told)
    assert verified_line(entry, answers, TODAY) is None


def test_every_mirror_is_asked(server, tmp_path):
    entry = terraclimate(server, tmp_path)
    urls = (*entry.subset.urls, server.url + "/gone/{variable}.nc")
    entry = entry.model_copy(update={"subset": entry.subset.model_copy(update={"urls": urls})})
    answers = asked(entry)
    bad = [answer for answer in answers if not answer.good]
    assert len(bad) == 4
    assert all("/gone/" in answer.url and "status 404" in answer.told for answer in bad)


def soc_map(nodata=-3.4e38, level=50.0):
    values = np.full((400, 400), level, np.float32)
    return samples.geotiff(values, west=102.5, north=16.5, cell=1 / 120, nodata=nodata)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (soc_map(), None),
        (soc_map(nodata=-9999), "expected fill -3.4e+38, came -9999"),
        (soc_map(level=5000.0), "expected values from 0 to 800 t ha-1, came 5000"),
    ],
    ids=["right", "fill", "range"],
)
def test_a_few_cells_of_a_map(server, body, told):
    entry = ENTRIES["gsocmap"].model_copy(update={"urls": (server.put("/soc.tif", body),)})
    answers = asked(entry)
    part = answers[-1]
    assert part.layer == "soc"
    assert part.good is (told is None)
    assert told is None or told in part.told
    assert (verified_line(entry, answers, TODAY) is None) == (told is not None)
    most = max(int(seen.headers["Range"].partition("-")[2]) for seen in server.gets("/soc.tif"))
    assert most < len(body)


def land_cover(server, **options):
    serve_stac(server, 1, **options)
    stac = ENTRIES["esa_cci_lc"].stac.model_copy(
        update={"api": f"{server.url}/stac", "token_url": f"{server.url}/token"}
    )
    return ENTRIES["esa_cci_lc"].model_copy(update={"stac": stac})


def tile(code):
    values = np.full((720, 720), code, np.uint8)
    return samples.geotiff(values, west=103.0, north=16.0, cell=1 / 360, nodata=None)


def test_a_window_of_a_tile_of_a_collection(server):
    entry = land_cover(server, body=tile(10))
    answers = asked(entry)
    assert [answer.good for answer in answers] == [True, True]
    assert verified_line(entry, answers, TODAY)
    assert not any("SECRET" in answer.url + answer.told for answer in answers)
    server.put("/tiles/0.tif", tile(240))
    (_, bad) = asked(entry)
    assert not bad.good
    assert "expected values from 0 to 220 code, came 240" in bad.told


def test_a_missing_asset(server):
    (answer,) = asked(land_cover(server, asset="data"))
    assert not answer.good
    assert "no asset lccs_class" in answer.told


def test_a_catalogue_is_asked_again_every_time(server):
    entry = land_cover(server, body=tile(10))
    asked(entry)
    server.always["/stac/search"] = PAGE_NOT_JSON
    (answer,) = asked(entry)
    assert not answer.good


def test_a_boundary_is_asked_again_every_time(server):
    serve_boundary(server, "THA", SQUARE)
    url = f"{server.url}/api/{{iso3}}/{{level}}/"
    entry = ENTRIES["geoboundaries"].model_copy(update={"urls": (url,)})
    (answer,) = asked(entry)
    assert answer.good
    server.put("/api/THA/ADM0/", b'{"message": "moved"}')
    (answer,) = asked(entry)
    assert not answer.good


@pytest.mark.parametrize(("key", "body"), [("cru_ts", b"\x1f\x8b"), ("worldclim", b"PK\x03\x04")])
def test_what_comes_whole_only_is_said_and_not_verified(server, key, body):
    entry = ENTRIES[key].model_copy(
        update={"urls": (server.put("/whole", body + bytes(100)),), "size_mb": None}
    )
    answers = asked(entry)
    assert answers[-1].good is None
    assert "whole files" in answers[-1].told
    assert all(name in answers[-1].told for name in entry.layers)
    assert all(answer.good for answer in answers[:-1])
    assert verified_line(entry, answers, TODAY) is None


def test_nothing_is_asked_of_what_comes_by_hand():
    (answer,) = asked(ENTRIES["gsocmap"].model_copy(update={"access": "manual"}))
    assert answer.good is None


@pytest.mark.parametrize(
    ("scale", "wrong"), [(1.0, []), (0.0001, []), (1e4, ["expected scale 0.0001, came 10000"])]
)
def test_the_scale_of_ndvi_may_be_left_out_but_not_turned_round(tmp_path, scale, wrong):
    import rasterio

    facts = replace_fill(ENTRIES["modis_ndvi"].layers["500m_16_days_NDVI"])
    path = tmp_path / "ndvi.tif"
    path.write_bytes(samples.geotiff(np.ones((20, 30), np.int16)))
    with rasterio.open(path, "r+") as target:
        target.scales = (scale,)
    found, told = compare(path, facts)
    assert found == wrong
    assert "unit not told" in told


def replace_fill(facts: LayerFacts) -> LayerFacts:
    return facts.model_copy(update={"fill": -32768})


def test_a_map_without_a_fill(tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(samples.geotiff(nodata=None))
    found, _ = compare(path, LayerFacts(unit="1", low=0, high=math.inf, fill=-1))
    assert found == ["expected fill -1, came none"]
