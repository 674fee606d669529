"""Links and pictures of the documentation lead somewhere, and every page is in the navigation."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
MACHINE = re.compile(r"""(?<=[\s"'`(=])(/\w+/\w|[A-Z]:[\\/]Users)""")  # absolute paths
LONGEST_PAGE = 150  # lines
SHORT = {"howto", "science", "reference", "adr"}  # shelves of short pages
GROWING = {"cli.md"}  # the help of every command
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def name(path):
    return str(path.relative_to(ROOT))


def targets(text):
    """Relative targets of links and pictures; code is no link."""
    for target in LINK.findall(CODE.sub("", text)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(path):
    """Anchors of the headings of a page, as mkdocs makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", heading.encode("ascii", "ignore").decode()).strip().lower()
        found.add(re.sub(r"[-\s]+", "-", plain))
    return found


def in_navigation(entry):
    if isinstance(entry, str):
        return [entry]
    inner = entry.values() if isinstance(entry, dict) else entry
    return [page for part in inner for page in in_navigation(part)]


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_relative_links_exist(path):
    for target in targets(path.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{name(path)} links to {target}, which is not there"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name(path)}: no heading for {target}"


def test_every_page_is_in_the_navigation_once():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = in_navigation(config["nav"])
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in PAGES)


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.parent.name in SHORT and p.name not in GROWING], ids=name
)
def test_page_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_page_names_no_machine(path):
    found = MACHINE.search(path.read_text(encoding="utf-8"))
    assert not found, f"{name(path)}: an absolute path, {found.group()}"


def test_the_site_loads_nothing_from_elsewhere():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert config["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & set(config)
    assert [next(iter(p), p) if isinstance(p, dict) else p for p in config["plugins"]] == [
        "search",
        "mkdocstrings",
    ]


def test_links_are_seen():
    text = "[a](b.md) ![c](d.png) `[no](code.md)` [e](https://f.org) [g](h.md#i)"
    assert list(targets(text)) == ["b.md", "d.png", "h.md#i"]
