"""What pyproject.toml asks for stands in the lock files, so that a fresh machine has it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def of_extras(*names: str) -> list[Requirement]:
    found = []
    for requirement in (Requirement(line) for name in names for line in EXTRAS[name]):
        own = requirement.name == PROJECT["name"]
        found += of_extras(*requirement.extras) if own else [requirement]
    return found


@pytest.mark.parametrize(
    ("lock", "extra"), [("requirements.lock", "build"), ("requirements-dev.lock", "dev")]
)
def test_every_dependency_is_locked(lock, extra):
    text = (ROOT / lock).read_text(encoding="utf-8")
    locked = {canonicalize_name(name): version for name, version in LOCKED.findall(text)}
    asked = [Requirement(line) for line in PROJECT["dependencies"]] + of_extras(extra)
    assert len(asked) > 20
    missing = [
        str(one)
        for one in asked
        if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))
    ]
    assert not missing, f"{lock} lacks {', '.join(missing)}: make it anew"
