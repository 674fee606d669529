"""What keys of run.toml are made of: paths, months, tables by class."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    ValidationInfo,
)

from recarb.core.paths import WEB, AnyPath, is_remote, parse_path

LAST_SLASH = re.compile(r"(?<=[^:/])/+$")  # not that of "/" or "s3://"
FIRST_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


def _resolve(path: Any, info: ValidationInfo) -> Any:
    if not isinstance(path, str | AnyPath):
        raise ValueError(f"expected a path or a URL, came {path!r}")
    return parse_path(path, (info.context or {}).get("folder", Path(".")))


def _resolve_output(path: Any, info: ValidationInfo) -> Any:
    found = _resolve(LAST_SLASH.sub("", path) if isinstance(path, str) else path, info)
    if is_remote(found) and (found.protocol in WEB or not found.name):
        raise ValueError(
            f"expected a folder on a disk or in an object store, came {found}; write a path like "
            '"out", or a URL like "s3://bucket/kenya/out"'
        )
    return found


def _table_path(name: Any, info: ValidationInfo) -> Any:
    """A crosswalk that ships keeps its name; a country's own table is a path."""
    if not isinstance(name, str | AnyPath):
        raise ValueError(f"expected the name of a table or a path, came {name!r}")
    return _resolve(name, info) if Path(str(name)).suffix in {".csv", ".toml"} else name


def _as_is(path: Any, info: SerializationInfo) -> Any:
    """Paths stay paths; pydantic would take a UPath apart, storage options and all."""
    return str(path) if info.mode_is_json() else path


def _first_month(text: str) -> str:
    if not FIRST_MONTH.match(text):
        raise ValueError(f'expected year and month like "1981-01", got {text!r}')
    return text


def _class_keys(table: Any) -> Any:
    return {int(k): v for k, v in table.items()} if isinstance(table, dict) else table


AsIs = PlainSerializer(_as_is)
File = Annotated[AnyPath, PlainValidator(_resolve), AsIs]
Folder = Annotated[AnyPath, PlainValidator(_resolve_output), AsIs]
Month = Annotated[str, AfterValidator(_first_month)]
ByClass = Annotated[dict[int, float], BeforeValidator(_class_keys)]
AnyFloat = Annotated[float, Field(allow_inf_nan=True)]
Years = tuple[int, int]
TablePath = Annotated[str | AnyPath, PlainValidator(_table_path), AsIs]
ByCode = Annotated[dict[int, int], BeforeValidator(_class_keys)]


class Model(BaseModel):
    """Base of all tables of run.toml."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
        ser_json_inf_nan="strings",  # JSON has no word for NaN
    )
