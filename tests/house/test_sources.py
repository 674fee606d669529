"""Every number that is not computed has a source."""

import importlib.util
import re
from pathlib import Path

import pytest

from recarb.core.quantities import catalogue
from recarb.harmonise.crosswalk import crosswalk_names, load_crosswalk
from recarb.harmonise.landuse_classes import CLASS_COUNT, land_use_classes
from recarb.models import icbm, ipcc_tier2
from recarb.rothc import parameters

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"(?<![\w`$])\[([A-Z]{1,4}\d{2}|SCR)(?:[ ,;:\]])|(?<=[;,] )([A-Z]{1,4}\d{2})\b")


def bibliography():
    spec = importlib.util.spec_from_file_location("gen", ROOT / "docs/reference/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.bibliography()


@pytest.mark.parametrize("key", catalogue())
def test_quantity_has_a_source(key):
    assert len(catalogue()[key].source) > 3


def test_there_are_thirteen_classes():
    assert sorted(land_use_classes()) == list(range(1, CLASS_COUNT + 1))


@pytest.mark.parametrize("code", land_use_classes())
def test_land_use_row_has_a_source_and_a_status(code):
    row = land_use_classes()[code]
    assert len(row.source) > 3
    assert row.status


@pytest.mark.parametrize("name", crosswalk_names())
def test_crosswalk_has_a_source(name):
    table = load_crosswalk(name)
    assert len(table.source) > 3
    assert table.title
    assert all(label for label in table.labels.values())


def test_every_parameter_of_rothc_stands_with_a_comment_that_names_a_source():
    text = Path(parameters.__file__).read_text(encoding="utf-8")
    body = text.split("k_dpm_per_yr", 1)[1].split("DEFAULT =")[0]
    source = None
    for line in ("k_dpm_per_yr" + body).splitlines():
        if not line.strip():
            source = None  # a group shares the source named in it
        if found := re.findall(r"CJ96|C24|F98|SY05|F13|GSOCseq scripts", line):
            source = found
        if ": float" in line and "#" not in line:
            assert source, f"no source in the group of: {line.strip()}"


@pytest.mark.parametrize("module", [icbm, ipcc_tier2], ids=lambda m: m.__name__)
def test_every_group_of_parameters_of_another_model_names_its_source(module):
    text = Path(module.__file__).read_text(encoding="utf-8")
    body = text.split("class Parameters(NamedTuple):")[1].split("\nclass ")[0].split('"""')[2]
    groups = [group for group in body.split("\n\n") if ": float" in group]
    assert sum(group.count(": float") for group in groups) == len(module.Parameters._fields)
    for group in groups:
        assert re.search(r"AK97|IPCC19|hestia", group), f"no source in: {group}"


def pages_and_sources():
    files = sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "src").rglob("*.py"))
    return [path for path in files if path.name != "references.md"]


def test_every_cited_key_is_in_the_bibliography():
    known = bibliography()
    for path in pages_and_sources():
        text = path.read_text(encoding="utf-8")
        keys = {one or two for one, two in KEY.findall(text)}
        assert keys <= set(known), f"{path.relative_to(ROOT)}: {sorted(keys - set(known))}"


def test_every_entry_of_the_bibliography_is_cited():
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages_and_sources())
    unused = {key for key in bibliography() if not re.search(rf"\b{key}\b", text)}
    assert not unused, f"never cited: {sorted(unused)}"
