"""Tables that translate a native land-cover legend into the 13 land use classes.

They ship as ``crosswalks/*.toml``. A country's own table is a .csv (``code,class[,label]``) or a
.toml of the same form.
"""

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.core.paths import AnyPath, is_file, parse_path, read_text
from recarb.harmonise.landuse_classes import CLASS_COUNT

DEFAULT_CROSSWALK = "esa_cci_fao_scripts"


@dataclass(frozen=True)
class Crosswalk:
    """A translation of native land-cover codes into land use classes.

    Attributes
    ----------
    name, title, source, status : str
        Identity, provenance, and what is uncertain about the table.
    nodata : tuple of int
        Native codes that say nothing: they do not count when the modal class is sought.
    classes : mapping of int to int
        Native code to class 1-13, or 0: excluded on purpose (counts, but is not modelled).
    labels : mapping of int to str
        Native code to its name.
    foreign : mapping of int to str
        Codes that betray another legend, and the hint to give then.
    overrides : mapping of int to int
        Rows that the configuration changed.
    """

    name: str
    title: str
    source: str
    nodata: tuple[int, ...]
    classes: Mapping[int, int]
    labels: Mapping[int, str]
    status: str = ""
    foreign: Mapping[int, str] = field(default_factory=dict)
    overrides: Mapping[int, int] = field(default_factory=dict)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    code: int
    land_use: int = Field(alias="class", ge=0, le=CLASS_COUNT)
    label: str = ""
    source: str = ""
    status: str = "published"


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    codes: tuple[int, ...]
    hint: str


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    source: str
    status: str = ""
    nodata: tuple[int, ...] = ()
    rows: tuple[_Row, ...] = Field(min_length=1)
    foreign: tuple[_Foreign, ...] = ()

    @model_validator(mode="after")
    def _one_row_a_code(self) -> "_Table":
        seen = [*self.nodata, *(row.code for row in self.rows)]
        twice = sorted({code for code in seen if seen.count(code) > 1})
        if twice:
            raise ValueError(f"code(s) {twice} stand more than once; keep one row for each code")
        return self

    def crosswalk(self) -> Crosswalk:
        hints = {code: kind.hint for kind in self.foreign for code in kind.codes}
        return Crosswalk(
            name=self.name,
            title=self.title,
            source=self.source,
            nodata=self.nodata,
            classes=MappingProxyType({row.code: row.land_use for row in self.rows}),
            labels=MappingProxyType({row.code: row.label for row in self.rows}),
            status=self.status,
            foreign=MappingProxyType(hints),
        )


def crosswalk_names() -> tuple[str, ...]:
    """Return the names of the tables that ship with recarb."""
    found = files("recarb.harmonise").joinpath("crosswalks").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in found if f.name.endswith(".toml")))


def load_crosswalk(
    name_or_path: str | AnyPath = DEFAULT_CROSSWALK, *, options: Mapping[int, int] | None = None
) -> Crosswalk:
    """Read a crosswalk.

    Parameters
    ----------
    name_or_path : str or path
        One of `crosswalk_names`, or a country's own .csv or .toml, local or remote.
    options : mapping of int to int, optional
        Rows to change or add, native code to class, as {20: 13} for irrigated cropland as paddy.

    >>> load_crosswalk(options={20: 13}).classes[20]
    13
    """
    shipped = str(name_or_path) in crosswalk_names()
    table = _shipped(str(name_or_path)) if shipped else _own(parse_path(name_or_path))
    return _with_options(table, options) if options else table


@cache
def _shipped(name: str) -> Crosswalk:
    text = files("recarb.harmonise").joinpath("crosswalks", f"{name}.toml").read_text("utf-8")
    return _validated(tomllib.loads(text), name)


def _own(path: AnyPath) -> Crosswalk:
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".toml"):
        raise ConfigError(
            f"There is no land-cover crosswalk '{path}'. Choose one of "
            f"{', '.join(crosswalk_names())}, or give a .csv (columns code,class,label) or .toml."
        )
    if not is_file(path):
        raise MissingData(f"The crosswalk file {path} does not exist. Correct its path.")
    try:
        text = read_text(path)
        raw = _csv_table(text, path) if suffix == ".csv" else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not valid UTF-8 text or TOML: {error}.") from error
    return _validated(raw, str(path))


def _csv_table(text: str, path: AnyPath) -> dict[str, Any]:
    header = text.partition("\n")[0].strip()
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header else ",")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if not {"code", "class"} <= set(names):
        raise InputError(
            f"{path}: expected a header with the columns code,class[,label], came '{header}'."
        )
    reader.fieldnames = names
    rows = [
        {k: (row.get(k) or "").strip() for k in ("code", "class", "label") if k in names}
        for row in reader
    ]
    empty = [row["code"] for row in rows if row["class"].lower() == "nodata"]
    kept = [row for row in rows if row["class"].lower() != "nodata"]
    base = {"name": path.stem, "title": path.name, "source": f"own table {path.name}"}
    return {**base, "nodata": empty, "rows": kept}


def _validated(raw: Mapping[str, Any], where: str) -> Crosswalk:
    try:
        return _Table.model_validate(raw).crosswalk()
    except ValidationError as error:
        faults = "; ".join(f"{_place(e['loc'])}: {e['msg']}" for e in error.errors())
        raise InputError(
            f"The crosswalk {where} cannot be used: {faults}. Expected whole codes and classes "
            f"1-{CLASS_COUNT}; class 0 excludes a code, 'nodata' in a .csv marks a no-data code."
        ) from error


def _place(loc: tuple[int | str, ...]) -> str:
    in_row = len(loc) > 1 and loc[0] == "rows"
    return f"row {int(loc[1]) + 1} {loc[-1]}" if in_row else ".".join(map(str, loc)) or "table"


def _with_options(table: Crosswalk, options: Mapping[int, int]) -> Crosswalk:
    for code, land_use in options.items():
        if code in table.foreign or code in table.nodata:
            why = table.foreign.get(code, f"{code} is its no-data code.")
            raise ConfigError(f"Crosswalk '{table.name}' takes no row for code {code}. {why}")
        if land_use not in range(CLASS_COUNT + 1):
            raise ConfigError(
                f"Crosswalk '{table.name}': option {code} = {land_use} is not a land use class. "
                f"Give 1 to {CLASS_COUNT}, or 0 to exclude the code."
            )
    classes = MappingProxyType({**table.classes, **options})
    return replace(table, classes=classes, overrides=MappingProxyType(dict(options)))
