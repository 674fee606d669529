"""`recarb cite`: every data set once, nothing claimed that is not recorded."""

import importlib.util
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from recarb.core.errors import InputError, MissingData
from recarb.reports.citation import ENTRY, acknowledgements, bibtex, read_provenance

ROOT = Path(__file__).parents[2]
KEYS = {"coleman1996": "CJ96", "fao2020": "TM20", "lieth1975": "L75", "thornthwaite1948": "T48",
        "allen1998": "A98"}  # fmt: skip
SOC = "@misc{gsocmap161,\n  title = {GSOCmap}\n}"


def origin(source="gsocmap", **more):
    file = {"file": "a.tif", "url": "https://there/a.tif", "time": "2026-11-20T10:00:00+00:00",
            "bytes": 1, "sha256": "ab"}  # fmt: skip
    return {"layer": "soc", "source": source, "title": "GSOCmap", "version": "1.6.1",
            "licence": "CC BY 4.0", "citation": SOC, "files": [file]} | more  # fmt: skip


def record(inputs=(), pet_method=None, warm_up=None):
    climate = {"main": {"product": "ours 1.0", "pet_method": pet_method}}
    config = {"iso3": "XXX", "name": "Xland", "climate": climate, "warm_up": warm_up}
    return {"config": config, "versions": {"recarb": "0.1.0"}, "inputs": list(inputs)}


def keys(text):
    return [found[1] for found in ENTRY.finditer(text)]


def test_program_model_and_protocol_always():
    text = bibtex(record())
    assert keys(text) == ["recarb", "coleman1996", "fao2020"]
    assert "version = {0.1.0}" in text
    told = acknowledgements(record())
    assert "Xland" in told
    assert all(f"[{key}]" in told for key in keys(text))


def test_methods_only_where_they_were_used():
    given = record(pet_method="thornthwaite", warm_up={"years": [2001, 2020]})
    assert keys(bibtex(given))[3:] == ["lieth1975", "thornthwaite1948"]
    assert "Thornthwaite (1948)" in acknowledgements(given)


def test_a_data_set_of_several_layers_is_cited_once():
    file = {"file": "b.tif", "url": "https://there/b.tif", "time": "2026-11-21T10:00:00+00:00"}
    later = origin(files=[file])
    rows = [{"layer": "soc", "file": "soc.tif", "origins": [origin()]},
            {"layer": "climate.main.rain", "file": "rain.tif", "origins": [later]}]  # fmt: skip
    assert keys(bibtex(record(rows))).count("gsocmap161") == 1
    (line,) = [one for one in acknowledgements(record(rows)).splitlines() if "GSOCmap" in one]
    assert line == (
        "- GSOCmap 1.6.1 (soc, climate.main.rain); cite as gsocmap161; licence: CC BY 4.0; from "
        "https://there/a.tif and 1 more; fetched 2026-11-20 to 2026-11-21"
    )


def test_the_same_data_set_in_two_versions_is_two():
    other = origin(version="1.5.0", citation=SOC.replace("161", "150"))
    rows = [{"layer": "soc", "file": "soc.tif", "origins": [origin(), other]}]
    assert keys(bibtex(record(rows)))[-2:] == ["gsocmap161", "gsocmap150"]


def test_what_nobody_recorded_is_named():
    rows = [{"layer": "clay", "file": "clay.tif"},
            {"layer": "climate.main.rain", "file": "rain.tif"},
            {"layer": "soc", "file": "soc.tif",
             "origins": [origin("own", files=[{"file": "mine.tif", "url": ""}])]}]  # fmt: skip
    told = acknowledgements(record(rows)).split("No origin is recorded")
    assert "own:\n- soc: mine.tif" in told[0]
    assert "- clay: clay.tif" in told[1]
    assert "- climate.main.rain: rain.tif (run.toml calls it ours 1.0)" in told[1]
    assert "GSOCmap" not in told[0]


def test_a_run_is_named_by_its_folder_or_its_record(tmp_path):
    (tmp_path / "provenance.json").write_text(json.dumps(record()))
    assert read_provenance(tmp_path) == read_provenance(tmp_path / "provenance.json") == record()


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(MissingData, match="recarb run writes it"):
        read_provenance(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"config": 1}'])
def test_a_damaged_record(tmp_path, text):
    (tmp_path / "provenance.json").write_text(text)
    with pytest.raises(InputError, match="run again"):
        read_provenance(tmp_path)


def entries_that_ship():
    text = files("recarb.reports").joinpath("citations.bib").read_text(encoding="utf-8")
    return {found[1]: found[0] for found in ENTRY.finditer(text)}


def test_entries_are_whole():
    for key, text in entries_that_ship().items():
        assert text.count("{") == text.count("}"), key
        assert re.search(r"^  author = \{.+\},$", text, re.MULTILINE), key
        assert re.search(r"^  title = \{.+\},$", text, re.MULTILINE), key


@pytest.mark.parametrize(("key", "page_key"), KEYS.items())
def test_entries_agree_with_the_references_of_the_pages(key, page_key):
    spec = importlib.util.spec_from_file_location("gen", ROOT / "docs/reference/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.bibliography()[page_key]
    text = entries_that_ship()[key]
    for name in ("year", "title", "doi", "volume"):
        if name in page:
            assert f"{name} = {{{page[name]}}}" in text
