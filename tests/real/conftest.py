"""Each real run once per session: they take seconds, and most tests only look at what is left."""

from collections.abc import Callable
from functools import cache

import pytest
from tests.real import runs


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., runs.Finished]:
    """The run of a region, done when first asked for: `finished(name)`, `finished(name, more)`."""

    @cache
    def run_once(name: str, more: str = "") -> runs.Finished:
        return runs.finish(name, tmp_path_factory.mktemp(name), more)

    return run_once
