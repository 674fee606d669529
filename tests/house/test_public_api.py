"""`import recarb` gives what `__all__` says, and a reader finds each name explained."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import recarb

ROOT = Path(__file__).parents[2]
INIT = ROOT / "src" / "recarb" / "__init__.py"


def names_for_type_checkers():
    """What __init__ imports under TYPE_CHECKING: the names an editor completes."""
    names = set()
    for node in ast.walk(ast.parse(INIT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
            for inner in node.body:
                names |= {alias.name for alias in inner.names}
    return names


def test_all_is_what_there_is():
    assert set(recarb.__all__) == set(recarb._HOME) == names_for_type_checkers()
    assert list(recarb.__all__) == sorted(recarb.__all__)


def test_a_fresh_import_has_no_other_public_name():
    code = "import recarb; print(*[n for n in vars(recarb) if not n.startswith('_')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # the two imports of the lazy loader itself
    assert set(done.stdout.split()) <= {"import_module", "TYPE_CHECKING", "Any"}


@pytest.mark.parametrize("name", recarb.__all__)
def test_name_is_documented(name):
    thing = getattr(recarb, name)
    assert thing is getattr(import_module(recarb._HOME[name]), name)
    assert len(inspect.getdoc(thing) or "") > 20
    page = (ROOT / "docs" / "reference" / "python_api.md").read_text(encoding="utf-8")
    assert f"::: {recarb._HOME[name]}.{name}\n" in page
    assert f"heading: recarb.{name}\n" in page


@pytest.mark.parametrize("name", recarb.__all__)
def test_public_functions_are_annotated(name):
    thing = getattr(recarb, name)
    if inspect.isfunction(thing):
        hints = inspect.signature(thing)
        assert hints.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not p.empty for p in hints.parameters.values())


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="no 'nonsense'"):
        _ = recarb.nonsense
