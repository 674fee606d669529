"""Files and functions stay small: a long one holds two ideas."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES = 500, 60, 200
ROOMS = ("src", "tests", "docs", "bench")
FILES = [*(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
FILES += [ROOT / "bootstrap.py"]


def functions(text):
    """Name, first line and length without the docstring of every function, nested ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                doc = node.body[0]
                length -= doc.end_lineno - doc.lineno + 1
            yield node.name, node.lineno, length


def test_the_budget_is_counted():
    text = 'def f():\n    """One\n    two."""\n    return 1\n'
    assert list(functions(text)) == [("f", 1, 2)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_its_functions_are_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    long = [f"{name}, line {line}: {n}" for name, line, n in functions(text) if n > FUNCTION_LINES]
    assert not long, f"more than {FUNCTION_LINES} lines without the docstring: {long}"


def test_the_median_file_is_short():
    lengths = sorted(
        len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "src").rglob("*.py")
    )
    assert lengths[len(lengths) // 2] < MEDIAN_LINES
