"""STAC and the boundary API behind the same contract, with the same refusals."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.sources import samples
from tests.sources.catalogue_answers import PAGE_NOT_JSON, query_of, serve_boundary, serve_stac
from tests.sources.server import Fault

from recarb.core.errors import LicenceRefused, Unreachable, WrongContent
from recarb.sources.base import EMPTY, Area, Box
from recarb.sources.cache import Cache
from recarb.sources.catalogues import boundary_file, stac_files
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Line, Policy
from recarb.sources.registry import load_registry

QUICK = Policy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, timeout_s=5.0)
AREA = Area("THA", "Thailand", (Box(102.0, 13.0, 106.0, 17.0),))
SQUARE = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {}, "geometry": {
        "type": "Polygon", "coordinates": [[[102, 13], [106, 13], [106, 17], [102, 13]]]}}],
}  # fmt: skip


@pytest.fixture
def make(server, tmp_path):
    """Makes fetchers over one cache."""
    lines = []

    def fetcher(**options):
        lines.append(Line(QUICK))
        return Fetcher(Cache(tmp_path / "cache"), lines[-1], **options)

    yield fetcher
    for line in lines:
        line.client.close()


def land_cover(server):
    entry = load_registry()["esa_cci_lc"]
    stac = entry.stac.model_copy(
        update={"api": f"{server.url}/stac", "token_url": f"{server.url}/token"}
    )
    return entry.model_copy(update={"stac": stac})


def boundaries(server):
    entry = load_registry()["geoboundaries"]
    return entry.model_copy(update={"urls": (f"{server.url}/api/{{iso3}}/{{level}}/",)})


def tile():
    return samples.geotiff(np.full((20, 30), 10, np.uint8), nodata=None)


def test_every_page_of_a_search_counts(server, make):
    serve_stac(server, 5, pages=3)
    wanted = stac_files(land_cover(server), AREA, [2020], make())
    assert len({one.key for one in wanted}) == 5
    asked = query_of(server.gets("/stac/search")[0])
    assert asked["collections"] == ["esa-cci-lc"]
    assert asked["bbox"] == ["102.0,13.0,106.0,17.0"]
    assert asked["datetime"] == ["2020-01-01T00:00:00Z/2020-12-31T23:59:59Z"]


def test_tiles_are_fetched_with_a_token_that_nothing_keeps(server, make, tmp_path):
    serve_stac(server, 2, body=tile())
    fetcher = make()
    wanted = stac_files(land_cover(server), AREA, [2020], fetcher)
    got = fetcher.fetch_all(wanted)
    assert len(got) == 2
    tiles = [seen for seen in server.gets() if seen.path.startswith("/tiles/")]
    assert all("sig=SECRET" in seen.path for seen in tiles)
    assert len(server.gets("/token")) == 1
    for path in (tmp_path / "cache").rglob("*.json"):
        assert "SECRET" not in path.read_text()


def test_a_token_is_not_shown_when_a_tile_fails(server, make):
    serve_stac(server, 1)
    fetcher = make()
    with pytest.raises(Unreachable) as caught:
        fetcher.fetch_all(stac_files(land_cover(server), AREA, [2020], fetcher))
    assert "/tiles/0.tif" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_no_token(server, make):
    serve_stac(server, 1, body=tile())
    server.put("/token", b'{"message": "sign in"}')
    fetcher = make()
    with pytest.raises(LicenceRefused, match="token"):
        fetcher.fetch_all(stac_files(land_cover(server), AREA, [2020], fetcher))


def test_offline_finds_what_the_line_found(server, make):
    serve_stac(server, 2, body=tile())
    entry = land_cover(server)
    online = make()
    got = online.fetch_all(stac_files(entry, AREA, [2020], online))
    before = len(server.seen)
    offline = make(offline=True)
    assert offline.fetch_all(stac_files(entry, AREA, [2020], offline)) == got
    assert len(server.seen) == before
    with pytest.raises(Unreachable, match="--offline asks no server"):
        stac_files(entry, AREA, [2019], offline)


def test_the_size_of_whole_tiles_is_about_known(server, make):
    serve_stac(server, 1)
    entry = land_cover(server)
    stac = entry.stac.model_copy(update={"window": False})
    whole = entry.model_copy(
        update={"stac": stac, "about_mb": load_registry()["modis_ndvi"].about_mb}
    )
    (wanted,) = stac_files(whole, AREA, [2020], make())
    assert wanted.about_bytes == 15_400_000


def test_a_margin_reaches_beyond_the_country(server, make):
    serve_stac(server, 1)  # a tile from 90 to 135 E, 0 to 45 N
    (wanted,) = stac_files(land_cover(server), AREA, [2020], make(), margin_deg=0.1)
    assert wanted.window == AREA.boxes[0].grown(0.1)
    assert not wanted.may_be_empty


def test_a_tile_in_the_margin_alone_may_be_empty(server, make):
    serve_stac(server, 1)
    beside = replace(AREA, boxes=(Box(135.05, 10.0, 136.0, 11.0),))
    (wanted,) = stac_files(land_cover(server), beside, [2020], make(), margin_deg=0.1)
    assert wanted.window.west == pytest.approx(134.95)
    assert wanted.may_be_empty


@pytest.mark.parametrize("box", [Box(135.0, 10, 136, 11), Box(135.1, 10, 136, 11)],
                         ids=["country", "margin"])  # fmt: skip
def test_a_tile_that_only_touches_is_left_out(server, make, box):
    serve_stac(server, 1)  # up to 135 E
    margin_deg = 135.1 - 135.0 if box.west > 135.0 else 0.0
    with pytest.raises(WrongContent, match="no item in 2020 for E135"):
        stac_files(land_cover(server), replace(AREA, boxes=(box,)), [2020], make(), margin_deg)
    told = []
    both = replace(AREA, boxes=(*AREA.boxes, box))
    fetcher = make(tell=told.append)
    (wanted,) = stac_files(land_cover(server), both, [2020], fetcher, margin_deg)
    assert wanted.window == AREA.boxes[0].grown(margin_deg)
    (note,) = told
    assert "no item in 2020 for E135" in note


def test_an_item_across_180_degrees_is_on_both_sides(server, make):
    serve_stac(server, 1)
    answer = json.loads(server.files["/stac/search"])
    answer["features"][0]["bbox"] = [170.0, -30.0, 0.0, -170.0, -10.0, 0.0]  # with heights
    server.put("/stac/search", json.dumps(answer).encode())
    sides = replace(AREA, boxes=(Box(175, -20, 180, -15), Box(-180, -20, -175, -15)))
    assert len(stac_files(land_cover(server), sides, [2020], make())) == 2


def test_a_tile_in_one_of_several_boxes_may_be_empty(server, make):
    serve_stac(server, 1)
    both = replace(AREA, boxes=(*AREA.boxes, Box(107.0, 13.0, 108.0, 14.0)))
    found = stac_files(land_cover(server), both, [2020], make())
    assert [wanted.may_be_empty for wanted in found] == [True, True]


def ndvi(server):
    entry = load_registry()["modis_ndvi"]
    here = {"api": f"{server.url}/stac", "token_url": f"{server.url}/token"}
    assets = {"assets": ("500m_16_days_NDVI",)}
    return entry.model_copy(update={"stac": entry.stac.model_copy(update=here | assets)})


def test_an_image_of_the_polar_night_may_be_empty(server, make):
    dark = samples.geotiff(np.full((20, 30), -3000, np.int16), nodata=-3000)
    serve_stac(server, 1, asset="500m_16_days_NDVI", body=dark)
    fetcher = make()
    (got,) = fetcher.fetch_all(stac_files(ndvi(server), AREA, [2020], fetcher))
    assert EMPTY in got.checks


@pytest.mark.parametrize("path", ["/stac", "/stac/search"])
def test_a_catalogue_that_asks_for_hours_is_not_waited_for(server, make, path, monkeypatch):
    serve_stac(server, 1)
    server.always[path] = Fault(status=503, headers={"Retry-After": "20000"})
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    with pytest.raises(Unreachable, match="503"):
        stac_files(land_cover(server), AREA, [2020], make())
    assert max(slept, default=0.0) < 1.0
    assert len(server.gets(path)) == 1


def grow_old(cache, days=3):
    """Make every answer of a catalogue older than it may be."""
    for record in (*cache.rglob("search_*.json.json"), *cache.rglob("*.answer.json.json")):
        told = json.loads(record.read_text())
        then = datetime.fromisoformat(told["time"]) - timedelta(days=days)
        record.write_text(json.dumps(told | {"time": then.isoformat()}))


def test_an_old_answer_serves_while_the_catalogue_is_down(server, make, tmp_path):
    serve_stac(server, 2)
    entry, years, told = land_cover(server), range(2010, 2020), []
    before = stac_files(entry, AREA, years, make())
    grow_old(tmp_path / "cache")
    server.always["/stac"] = Fault(status=404)
    asked = len(server.gets("/stac"))
    assert stac_files(entry, AREA, years, make(tell=told.append)) == before
    (note,) = told  # once, not for each year
    assert "used: what it said on 20" in note
    assert "status 404" in note
    assert len(server.gets("/stac")) - asked == QUICK.give_up_host_after


def test_an_old_answer_serves_while_the_boundary_api_is_down(server, make, tmp_path):
    serve_boundary(server, "THA", SQUARE)
    told = []
    before = boundary_file(boundaries(server), AREA, "ADM0", make())
    grow_old(tmp_path / "cache")
    server.always["/api/THA/ADM0/"] = PAGE_NOT_JSON
    assert boundary_file(boundaries(server), AREA, "ADM0", make(tell=told.append)) == before
    assert "geoboundaries: its catalogue gives no answer" in told[0]


def test_an_old_answer_gives_way_to_a_new_one(server, make, tmp_path):
    serve_stac(server, 1)
    stac_files(land_cover(server), AREA, [2020], make())
    grow_old(tmp_path / "cache")
    serve_stac(server, 2)
    assert len(stac_files(land_cover(server), AREA, [2020], make())) == 2


def test_a_dead_catalogue_says_how_to_do_without(server, make):
    with pytest.raises(Unreachable, match="--unpack FILE --offline") as caught:
        stac_files(land_cover(server), AREA, [2020], make())
    assert "--source LAYER=none" in str(caught.value)
    with pytest.raises(Unreachable, match="--drop-in") as caught:
        boundary_file(boundaries(server), AREA, "ADM0", make())
    for words in ("THA_ADM0.geojson", "--boundary", "--source LAYER=natural_earth"):
        assert words in str(caught.value)


def test_a_boundary_that_is_dropped_in_needs_no_api(server, make, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/THA_ADM0.geojson").write_text(json.dumps(SQUARE))
    fetcher = make(drop_in=tmp_path / "mine")
    (got,) = fetcher.fetch_all([boundary_file(boundaries(server), AREA, "ADM0", fetcher)])
    assert got.url == "dropped in: THA_ADM0.geojson"
    assert not server.seen


def test_a_busy_catalogue_is_asked_again(server, make):
    serve_stac(server, 1)
    server.faults["/stac"] = [Fault(status=503)]
    server.faults["/stac/search"] = [Fault(status=429, headers={"Retry-After": "0"})]
    assert stac_files(land_cover(server), AREA, [2020], make())


@pytest.mark.parametrize("path", ["/stac", "/stac/search"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=503), Unreachable),
        (Fault(status=404, body=b"x" * 5000), Unreachable),
        (PAGE_NOT_JSON, WrongContent),
        (Fault(status=200), WrongContent),
    ],
    ids=["503", "404", "web page", "0 bytes"],
)
def test_a_catalogue_that_does_not_answer(server, make, tmp_path, path, fault, kind):
    serve_stac(server, 1)
    server.always[path] = fault
    with pytest.raises(kind, match="esa-cci-lc") as caught:
        stac_files(land_cover(server), AREA, [2020], make())
    text = str(caught.value)
    assert f"status {fault.status}" in text
    assert fault.status == 200 or f"{len(fault.body)} bytes came" in text
    assert len(text) < 600
    assert not list((tmp_path / "cache").rglob("search_*.json"))


def test_no_item_and_no_asset(server, make):
    serve_stac(server, 0)
    with pytest.raises(WrongContent, match="no item in 2020"):
        stac_files(land_cover(server), AREA, [2020], make())
    serve_stac(server, 1, asset="data")
    with pytest.raises(WrongContent, match="has no asset lccs_class, it has data"):
        stac_files(land_cover(server), AREA, [2019], make())


# --------------------------------------------------------------------------------- boundaries


def test_the_file_the_api_names_with_its_licence(server, make):
    serve_boundary(server, "THA", SQUARE)
    fetcher = make()
    wanted = boundary_file(boundaries(server), AREA, "ADM0", fetcher)
    (got,) = fetcher.fetch_all([wanted])
    assert (got.version, got.licence) == ("THA-ADM0-1", "CC BY 3.0 IGO")
    assert wanted.about_bytes == 20_000_000
    assert "parsed: 1 shapes" in got.checks


def test_a_country_the_api_does_not_know(server, make):
    with pytest.raises(Unreachable, match="status 404"):
        boundary_file(boundaries(server), AREA, "ADM0", make())


def test_an_answer_without_a_file(server, make):
    server.put("/api/THA/ADM0/", b'{"message": "moved"}')
    with pytest.raises(WrongContent, match="gjDownloadURL"):
        boundary_file(boundaries(server), AREA, "ADM0", make())


def test_a_boundary_without_shapes(server, make):
    serve_boundary(server, "THA", {"type": "FeatureCollection", "features": []})
    fetcher = make()
    with pytest.raises(WrongContent, match="shapes"):
        fetcher.fetch_all([boundary_file(boundaries(server), AREA, "ADM0", fetcher)])


def test_a_redirect_of_the_api_to_a_login(server, make):
    server.always["/api/THA/ADM0/"] = Fault(status=302, headers={"Location": "/login"})
    server.always["/login"] = replace(PAGE_NOT_JSON)
    with pytest.raises(LicenceRefused, match="/login"):
        boundary_file(boundaries(server), AREA, "ADM0", make())
