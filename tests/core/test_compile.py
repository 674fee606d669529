"""The cache of compiled kernels: it cannot go stale, and one knows what is in it."""

import shutil
from pathlib import Path

import pytest

from recarb.core import compile as compiled
from recarb.sequestration import compiling


@pytest.fixture
def package(tmp_path):
    """A copy of all the sources."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(compiled.PACKAGE, tmp_path / "recarb", ignore=ignored))


def test_the_fingerprint_follows_every_source_that_is_compiled(package):
    before = compiled.source_fingerprint(package)
    assert before == compiled.source_fingerprint()
    users = [
        path
        for path in package.rglob("*.py")
        if "recarb.core.compile import" in path.read_text(encoding="utf-8")
        and "njit" in path.read_text(encoding="utf-8")
    ]
    assert {"rates.py", "blocks.py", "npp.py", "gather.py"} <= {path.name for path in users}
    for source in (*users, package / "rothc/parameters.py"):
        text = source.read_text(encoding="utf-8")
        source.write_text(text + "\n# edited\n", encoding="utf-8")
        assert compiled.source_fingerprint(package) != before, source
        source.write_text(text, encoding="utf-8")
    assert compiled.source_fingerprint(package) == before


def test_the_folder_is_named_by_the_fingerprint_and_the_place(tmp_path, monkeypatch):
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path))
    here = compiled.cache_folder()
    assert here.parent == tmp_path / "kernels"
    assert here.name.startswith(compiled.source_fingerprint())
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path)
    assert compiled.cache_folder().name.split("-")[1] != here.name.split("-")[1]


def plus_one(x: float) -> float:
    return x + 1.0


def test_compiling_is_announced_where_it_happens_and_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("numba.config.CACHE_DIR", str(compiled.cache_folder()))
    told = []
    kernel, of_another_process = compiled.njit(plus_one), compiled.njit(plus_one)
    with compiling.compiling(7, lambda *step: told.append(step)):
        assert kernel(1.0) == kernel(1) == 2.0  # compiled for both types
    assert told == [(0, 1, "compiling the model, first time on this machine (up to 7 s)")]
    with compiling.compiling(7, lambda *step: told.append(step)):
        assert of_another_process(1.0) == 2.0
    assert len(told) == 1, "it was in the cache"
