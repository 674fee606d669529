"""What is told of a run.toml that cannot be read: the key, what came, the key that was meant."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.factories import tables

from recarb.core.config import RunConfig
from recarb.core.faults import fault_lines


def told(**changes: Any) -> str:
    """The lines of a configuration with faults."""
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(tables(**changes))
    return "\n".join(fault_lines(caught.value, RunConfig, top="run.toml"))


UNKNOWN = [
    ({"colour": 1}, "there is iso3, "),
    ({"forward": {"year": 20}}, "did you mean years?"),
    ({"inputs": {"soc": {"path": "a.tif", "units": "t/ha"}}}, "did you mean unit?"),
    ({"inputs": {"sco": {"path": "a.tif"}}}, "did you mean soc?"),
    ({"model": {"rothc_k": 1.0}}, "did you mean rothc?"),
    ({"climate": {"one": {"rein": {"path": "h.tif"}}}}, "did you mean rain?"),
    ({"scenarios": [{"name": "A", "gian_pct": 5.0}]}, "did you mean gain_pct?"),
]


@pytest.mark.parametrize(("changes", "meant"), UNKNOWN)
def test_a_key_nobody_knows_is_refused_and_the_nearest_named(changes, meant):
    said = told(**changes)
    assert "no such key; " in said and meant in said


def test_what_came_is_told():
    said = told(forward={"years": "twenty"})
    assert "forward.years" in said and "came 'twenty'" in said


def test_a_key_that_is_missing():
    assert "scenarios.0.name: is missing" in told(scenarios=[{"gain_pct": 5.0}])


def test_an_address_with_a_secret_is_not_repeated():
    said = told(iso3="https://user:geheim@host/x")
    assert "iso3" in said and "geheim" not in said
