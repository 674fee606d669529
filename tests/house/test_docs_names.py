"""Names in the documentation exist: functions, tests, keys of run.toml, codes of findings."""

import ast
import re
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel

from recarb.core import config, errors
from recarb.sequestration.check_report import CheckReport

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FINDINGS = ROOT / "docs" / "howto" / "check_findings.md"
FUNCTION = re.compile(r"`(recarb(?:\.\w+)+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITHOUT_EQUATIONS = {"rothc", "hoosfield", "benchmarks"}
MAKERS = {"Finding", "_finding", "suspicion", "_option"}


def name(path):
    return str(path.relative_to(ROOT))


@cache
def functions_in(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def find(dotted):
    """The module, class, function or method of a dotted name."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part)
        return thing
    raise ModuleNotFoundError(dotted)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_functions_and_tests_exist(page):
    text = page.read_text(encoding="utf-8")
    for dotted in FUNCTION.findall(text):
        find(dotted)
    for file, test in TEST.findall(text):
        assert (ROOT / file).is_file(), f"{name(page)}: {file} is not there"
        assert test in functions_in(file), f"{name(page)}: {file} has no {test}"


@pytest.mark.parametrize(
    "page",
    [p for p in (ROOT / "docs" / "science").glob("*.md") if p.stem not in WITHOUT_EQUATIONS],
    ids=name,
)
def test_every_equation_has_its_function_and_test(page):
    table = (
        page.read_text(encoding="utf-8").split("## Equation, function, test")[1].split("\n## ")[0]
    )
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows
    for row in rows:
        assert FUNCTION.search(row), f"{name(page)}: no function in {row}"
        assert TEST.search(row), f"{name(page)}: no test in {row}"


def fields_of(model, path, table):
    """Complain about keys that `model` does not have, and walk on into its tables."""
    for key, value in table.items():
        assert key in model.model_fields, f"{path}: there is no key {key} in {model.__name__}"
        inner = models_in(model.model_fields[key].annotation)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and inner:
                named = key == "climate" and model is config.RunConfig
                for one in item.values() if named else [item]:
                    fields_of(inner[0], f"{path}.{key}", one)


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in models_in(part)]


def toml_blocks():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in TOML.finditer(text):
            line = text.count("\n", 0, block.start()) + 2
            yield pytest.param(block.group(1), id=f"{name(page)}:{line}")


@pytest.mark.parametrize("text", list(toml_blocks()))
def test_keys_of_run_toml_exist(text):
    table = tomllib.loads(text)
    tables = {key: value for key, value in table.items() if key in config.RunConfig.model_fields}
    fields_of(config.RunConfig, "run.toml", tables)
    layers = set(config.Inputs.model_fields) | set(config.Climate.model_fields)
    for key in set(table) - set(tables):
        # a line on its own, as it stands in [inputs] or in a climate table
        assert key in layers, f"there is no key {key}"
        fields_of(config.LandUseLayer, key, table[key] if isinstance(table[key], dict) else {})


def literals(node):
    """Text constants anywhere in an expression."""
    return {
        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def codes_in(tree):
    """Codes of findings that a module makes: constants, or names that it gives a constant."""
    given = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            given.setdefault(node.targets[0].id, set()).update(literals(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS and node.args:
            code = node.args[0]
            if isinstance(code, ast.Name):
                yield from given.get(code.id, ())
            else:
                yield from literals(code) if not isinstance(code, ast.Attribute) else ()


def finding_codes():
    """Every code that `src` can give."""
    codes = set()
    for path in (ROOT / "src").rglob("*.py"):
        codes |= set(codes_in(ast.parse(path.read_text(encoding="utf-8"))))
    from recarb.sequestration.suspicions import SuspicionCode

    codes |= {code.value for code in SuspicionCode}
    report = CheckReport()
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.InputError | errors.ConfigError):
            report.attempt("there", fail_with, kind)
    return {code for code in codes if re.fullmatch(r"[a-z_]+", code)} | {
        finding.code for finding in report.findings
    }


def fail_with(kind):
    raise kind("there: what came")


def test_codes_are_found():
    codes = finding_codes()
    assert {"c_eq_above_npp", "c_eq_above_npp_cells", "no_overlap", "unit_error", "config"} <= codes
    assert len(codes) > 25


def documented_codes():
    rows = re.findall(r"^\| (`[^|]*`) \|", FINDINGS.read_text(encoding="utf-8"), re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    return codes - {"error", "suspicious", "warning", "note"}


def test_every_code_of_a_finding_is_documented():
    assert documented_codes() == finding_codes()
