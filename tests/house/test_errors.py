"""Every error has its place in the tree, its exit code, and a line in the documentation."""

import inspect
import re
from pathlib import Path

import pytest

from recarb import cli
from recarb.core import errors

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "check_findings.md"
CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, errors.RecarbError)
]
LINE = re.compile(r"^([│├└─ ]*)(\w+)( {2,}\S.*)?$", re.MULTILINE)
INDENT = 4  # characters of the drawing per level


def drawn_tree():
    """Class -> parent, as the module docstring draws it."""
    above, parents = {}, {}
    drawing = errors.__doc__.split("\n\n")[1]
    for lead, name, _ in LINE.findall(drawing):
        level = len(lead) // INDENT
        above[level] = name
        parents[name] = above.get(level - 1)
    return parents


def exit_code_rows():
    """Exit code -> text of its row in the page's table."""
    table = PAGE.read_text(encoding="utf-8").split("## Exit codes")[1]
    return {int(code): rest for code, rest in re.findall(r"^\| (\d+) \|(.*)$", table, re.MULTILINE)}


def test_the_tree_is_the_one_drawn():
    actual = {kind.__name__: kind.__mro__[1].__name__ for kind in CLASSES}
    actual["RecarbError"] = None
    assert drawn_tree() == actual


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_class_and_exit_code_are_documented(kind):
    assert kind.__doc__
    assert f"`{kind.__name__}`" in exit_code_rows()[kind.exit_code]


def test_no_code_is_documented_that_nothing_gives():
    assert set(exit_code_rows()) == {kind.exit_code for kind in CLASSES} | {0, 130}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_command_line_ends_with_the_code(kind, monkeypatch, capsys):
    def fail():
        raise kind("what came")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr("recarb.cli.register.commands", lambda app: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == kind.exit_code
    assert capsys.readouterr().err == "error: what came\n"
