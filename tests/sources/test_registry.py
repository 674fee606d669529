"""Every entry of the registry says where its facts come from; the plan keeps to the entry."""

import pytest
from tests.realdata import data_folder, requires

from recarb.core.errors import ConfigError
from recarb.core.quantities import catalogue
from recarb.sources.base import Area, Box
from recarb.sources.countries import area_of, countries
from recarb.sources.plan import (
    DEFAULT_SOURCES,
    OPTIONAL_SOURCES,
    choose,
    plan,
    sample_files,
    small_parts,
)
from recarb.sources.registry import load_registry, parse_entry

ENTRIES = load_registry()
THA = area_of("THA")
OLDER_HOST = "http://thredds.northwestknowledge.net:8080/thredds/"
GOOD = (
    'title = "T"\ndataset = "t"\nversion = "1"\naccess = "file"\nkind = "zip"\n'
    'licence = "CC0"\nsource = "the publisher, in a test"\nverified = "unverified"\n'
    'citation = "@misc{t}"\n[roles.soc]\n'
)


@pytest.mark.parametrize("key", ENTRIES)
def test_entry_has_source_licence_citation_and_version(key):
    entry = ENTRIES[key]
    assert len(entry.source) > 10
    assert len(entry.licence) > 2
    assert entry.citation.startswith("@")
    assert entry.version
    assert entry.citation.count("{") == entry.citation.count("}")


@pytest.mark.parametrize("key", ENTRIES)
def test_what_rests_on_general_knowledge_is_named(key):
    entry = ENTRIES[key]
    if entry.verified == "unverified":
        assert entry.unverified, "nothing was checked, so something must be named"


@pytest.mark.parametrize("key", ENTRIES)
def test_units_and_limits_fit_the_catalogue(key):
    for name, layer in ENTRIES[key].layers.items():
        assert layer.low < layer.high, name
        assert layer.quantity is None or layer.quantity in catalogue(), name


@pytest.mark.parametrize("key", ENTRIES)
def test_places_in_urls_are_filled(key):
    entry = ENTRIES[key]
    if entry.access in {"file", "window"}:
        for wanted in (*sample_files(entry), *small_parts(entry, THA.boxes[0]).values()):
            assert not any("{" in text for text in (*wanted.urls, wanted.key))
            assert all(url.startswith(("https://", OLDER_HOST)) for url in wanted.urls)


def test_terraclimate_has_a_mirror_for_whole_files_and_for_parts():
    """The host it had before; http only, so it comes second."""
    for key in ("terraclimate", "terraclimate_plus2c", "terraclimate_plus4c"):
        first, second = ENTRIES[key].urls
        assert first.startswith("https://")
        assert second.startswith(OLDER_HOST)
    first, second = ENTRIES["terraclimate"].subset.urls
    assert first.partition("/ncss/")[2] == second.partition("/ncss/")[2]
    assert second.startswith(OLDER_HOST + "ncss/grid/")


@pytest.mark.parametrize("key", ENTRIES)
def test_the_size_of_every_data_set_that_is_fetched_is_about_known(key):
    entry = ENTRIES[key]
    told = entry.size_mb or entry.about_mb or entry.cell_bytes
    assert told or entry.no_reader or key in {"glc_share"}, "say about how big a file is"


def test_the_sizes_of_tiles_and_boundaries_are_listed():
    for role, key in (("normals", "worldclim"), ("boundary", "natural_earth")):
        (choice,) = plan({role: ENTRIES[key]}, THA, None, None)
        assert all(one.about_bytes for one in choice.wanted)


def test_units_and_limits_of_what_comes_in_a_zip():
    assert {name: one.unit for name, one in ENTRIES["worldclim"].layers.items()} == {
        "tavg": "degC", "prec": "mm month-1",
    }  # fmt: skip
    codes = ENTRIES["glc_share"].layers["land_cover"]
    assert (codes.unit, codes.low, codes.high) == ("code", 1, 11)
    assert not ENTRIES["hwsd"].layers, "its numbers are of map units, of which nothing is known"


def test_no_place_on_earth_has_more_rain_than_the_limit():
    """Cherrapunji had 9300 mm in July 1861; a whole file of the world holds it."""
    limits = [layer.high for entry in ENTRIES.values() for layer in entry.layers.values()
              if layer.quantity == "rain"]  # fmt: skip
    assert len(limits) >= 6
    assert all(high > 9300 for high in (*limits, catalogue()["rain"].high))


def test_depths_of_soil_maps_are_told():
    for key in ("gsocmap", "soilgrids"):
        assert "0-30cm" in ENTRIES[key].depths_cm


def test_defaults_are_there_and_serve():
    for role, key in (DEFAULT_SOURCES | OPTIONAL_SOURCES).items():
        assert role in ENTRIES[key].roles
    for entry in ENTRIES.values():
        assert entry.fallback is None or entry.fallback in ENTRIES


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('licence = "CC0"\n', ""), "licence: Field required"),
        (('source = "the publisher, in a test"\n', ""), "source: Field required"),
        (('kind = "zip"', 'kind = "rar"'), "kind"),
        (('title = "T"', 'heading = "T"'), "heading"),
        (('title = "T"', "title = "), "no valid TOML"),
        (('verified = "unverified"', 'verified = "yes"'), "verified"),
        (('citation = "@misc{t}"', 'citation = "me"'), "citation"),
    ],
)
def test_a_bad_entry_is_told(change, told):
    assert parse_entry("t", "t.toml", GOOD).version == "1"
    with pytest.raises(ConfigError, match=told) as caught:
        parse_entry("t", "t.toml", GOOD.replace(*change))
    assert "t.toml" in str(caught.value)


def test_a_users_entry_replaces_ours(tmp_path, monkeypatch):
    (tmp_path / "gsocmap.toml").write_text(GOOD, encoding="utf-8")
    assert load_registry(tmp_path)["gsocmap"].title == "T"
    monkeypatch.setenv("RECARB_REGISTRY", str(tmp_path))
    assert load_registry()["gsocmap"].title == "T"
    with pytest.raises(ConfigError, match="no such folder"):
        load_registry(tmp_path / "none")


# ------------------------------------------------------------------------------------ the plan


def files_of(sources, area=THA, years=None):
    chosen = {r: e for r, e in choose(ENTRIES, sources).items() if e.access in {"file", "window"}}
    return {choice.role: choice.wanted for choice in plan(chosen, area, None, years)}


def test_a_country_takes_parts_of_global_files():
    files = files_of({})
    assert [len(files[role]) for role in ("soc", "clay", "climate")] == [1, 3, 160]
    assert files["soc"][0].window == THA.boxes[0].grown(0.1)
    assert files["climate"][0].window is None
    assert "north=21.5&west=96.3&east=106.7&south=4.6" in files["climate"][0].urls[0]


def test_a_large_country_takes_whole_files_of_climate():
    files = files_of({}, Area("XXX", "Large", (Box(-120, 0, 0, 60),)))
    assert files["climate"][0].key == "terraclimate/1.1/TerraClimate_tmax_1981.nc"
    assert "subset" not in files["climate"][0].urls[0]


def test_boxes_across_the_antimeridian_are_asked_for_one_by_one():
    windows = [one.window for one in files_of({}, area_of("FJI"))["soc"]]
    assert len(windows) == 3
    assert all(-180 <= box.west < box.east <= 180 for box in windows)
    assert len({one.key for one in files_of({}, area_of("FJI"))["soc"]}) == 3


def test_decade_files_of_cru():
    files = files_of({"climate": "cru_ts"}, years={"climate": range(1985, 2024)})["climate"]
    decades = sorted({one.name.split(".", 2)[2].rsplit(".", 4)[0] for one in files})
    assert decades == ["1981.1990", "1991.2000", "2001.2010", "2011.2020", "2021.2025"]
    assert len(files) == 3 * 5


def test_years_that_do_not_exist():
    with pytest.raises(ConfigError, match="has the years 1901 to 2025, asked were 1900, 2026"):
        files_of({"climate": "cru_ts"}, years={"climate": [1900, 1990, 2026]})


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"soc": "nowhere"}, "no data source 'nowhere'"),
        ({"soc": "cru_ts"}, "does not serve soc; gsocmap"),
        ({"weather": "cru_ts"}, "no layer 'weather'"),
        ({"clay": "hwsd"}, "map units.*--source clay=soilgrids"),
        ({"clay": "cru_ts"}, "does not serve clay; soilgrids do"),
    ],
)
def test_a_choice_that_does_not_exist(sources, told):
    with pytest.raises(ConfigError, match=told):
        choose(ENTRIES, sources)


def test_a_layer_is_left_out():
    assert "boundary" not in choose(ENTRIES, {"boundary": "none"})
    assert "ndvi" in choose(ENTRIES, {}, ["ndvi"])


# ----------------------------------------------------------------------------------- countries


def test_boxes_are_boxes():
    assert len(countries()) > 230
    for area in countries().values():
        for box in area.boxes:
            assert -180 <= box.west < box.east <= 180
            assert -90 <= box.south < box.north <= 90


@pytest.mark.parametrize("bad", ["TH", "THAI", "T1A", "", "ÄÖÜ"])
def test_no_code_of_a_country(bad):
    with pytest.raises(ConfigError, match="three letters"):
        area_of(bad)


def test_an_unknown_country_needs_a_box():
    with pytest.raises(ConfigError, match="--box"):
        area_of("XTL")
    assert area_of("XTL", box="-30,38,-28,40").boxes == (Box(-30, 38, -28, 40),)


@pytest.mark.parametrize(
    "bad", ["1,2,3", "a,b,c,d", "10,0,5,5", "0,0,1,95", "nan,0,1,1", "0,5,1,5"]
)
def test_no_box(bad):
    with pytest.raises(ConfigError, match="WEST,SOUTH,EAST,NORTH"):
        area_of("THA", box=bad)


def test_the_box_of_a_users_boundary(tmp_path):
    import geopandas
    from shapely.geometry import box

    shapes = geopandas.GeoDataFrame(geometry=[box(177, -19, 180, -16), box(-180, -19, -179, -16)],
                                    crs="EPSG:4326")  # fmt: skip
    shapes.to_file(tmp_path / "fiji.geojson")
    assert area_of("FJI", tmp_path / "fiji.geojson").boxes == (
        Box(-180, -19, -179, -16), Box(177, -19, 180, -16),
    )  # fmt: skip


@pytest.mark.realdata
@requires("global_0p5deg/natural_earth_countries_50m.geojson")
def test_boxes_hold_the_polygons():
    import geopandas

    path = data_folder() / "global_0p5deg/natural_earth_countries_50m.geojson"
    shapes = geopandas.read_file(path).set_index("name").geometry
    for name, iso3 in (("Thailand", "THA"), ("France", "FRA"), ("Kenya", "KEN")):
        for part in shapes[name].geoms if shapes[name].geom_type != "Polygon" else [shapes[name]]:
            west, south, east, north = part.bounds
            assert any(
                b.west <= west and b.south <= south and east <= b.east and north <= b.north
                for b in area_of(iso3).boxes
            )
