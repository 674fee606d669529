"""The reference pages say what the code says."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def load_generator():
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()
PAGES = GENERATOR.pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name):
    there = (FOLDER / name).read_text(encoding="utf-8") if (FOLDER / name).exists() else ""
    assert there == PAGES[name], (
        f"docs/reference/{name} is out of date; write it again: python docs/reference/generate.py"
    )


def test_no_page_is_written_by_hand():
    assert {path.name for path in FOLDER.glob("*.md")} == set(PAGES)


def test_every_command_has_its_help():
    for command in ("check", "run", "rothc", "example", "init", "fetch", "sources show"):
        assert f"Usage: recarb {command}" in PAGES["cli.md"]


def test_a_key_without_a_meaning_is_told():
    meanings = {"Layer": {"path": {"meaning": "where"}}, "Nothing": {"x": {"meaning": "?"}}}
    with pytest.raises(RuntimeError, match=r"Layer\.unit.*take away \['Nothing\.x'\]"):
        GENERATOR.check_meanings(meanings)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (float | None, "number"),
        (tuple[int, int], "[whole number, whole number]"),
        (tuple[str, ...], "list of text"),
        (dict[int, float], "table: whole number = number"),
    ],
)
def test_types_in_words(annotation, words):
    assert GENERATOR.type_words(annotation) == words
