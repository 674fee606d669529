"""What is wrong with a file of keys, in words: the key, what came, and the key that was meant."""

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

LONGEST_VALUE = 40  # characters of what came that are shown
NEAR = 0.6  # similarity of a key that may have been meant


def fault_lines(error: ValidationError, model: type[BaseModel], top: str) -> list[str]:
    """One line for every fault; `top` names what lies outside all keys."""
    return [
        f"  {'.'.join(map(str, fault['loc'])) or top}: {_words(fault, model)}"
        for fault in error.errors()
    ]


def _words(fault: Any, model: type[BaseModel]) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "extra_forbidden":
        *parents, key = fault["loc"]
        return f"no such key{_advice(str(key), _keys(model, parents))}"
    return str(fault["msg"].removeprefix("Value error, ")) + _came(fault)


def _advice(key: str, known: list[str]) -> str:
    near = get_close_matches(key, known, n=1, cutoff=NEAR)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there is {', '.join(known)}" if known else ""


def _keys(model: type[BaseModel], parents: list[Any]) -> list[str]:
    """The keys at a place; numbers of a list and names of a table are passed over."""
    here: type[BaseModel] | None = model
    for parent in parents:
        if here is not None and parent in here.model_fields:
            here = _model_in(here.model_fields[parent].annotation)
    return [] if here is None else list(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((one for one in found if one is not None), None)


def _came(fault: Any) -> str:
    """What came, if it is short and the message does not say it; never an address with a secret."""
    value = fault["input"]
    told = repr(value)
    shown = isinstance(value, str | int | float) and len(told) <= LONGEST_VALUE
    if not shown or fault["type"] == "value_error" or "://" in told:
        return ""
    return f", came {told}"
