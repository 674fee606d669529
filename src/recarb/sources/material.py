"""What a country's layers are made from: the files that `recarb fetch` left, or its own.

`Material` is one layer's worth of it, with everything its provenance needs.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recarb.core.errors import ConfigError, InputError, MissingData
from recarb.core.provenance import sha256_of
from recarb.sources.base import Box, Fetched
from recarb.sources.cache import Cache
from recarb.sources.country import FILE
from recarb.sources.registry import Entry, entry_of

OWN = "own"  # id of a layer that the country brings itself
OWN_LAYERS = ("soc", "clay", "sand", "elevation", "land_cover", "cover", "boundary")
PLACE = re.compile(r"\\\{(\w+)\\\}")  # a placeholder in an escaped pattern


@dataclass(frozen=True)
class Country:
    """A country as `recarb fetch` wrote it down.

    Attributes
    ----------
    own : files of the user's own that were named there, by layer
    """

    iso3: str
    name: str
    boxes: tuple[Box, ...]
    own: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Material:
    """The files of one layer and where they come from.

    Attributes
    ----------
    files : what was fetched, with its path in the cache; own files have no record
    values : of each file, the placeholders of the registry's pattern, as {"depth": "0-5cm"}
    entry : what the registry knows of the data set; None for the country's own
    fetched : the record of each file; own files have none
    unit : of an own file whose tags name none
    """

    role: str
    source: str
    title: str
    version: str
    licence: str
    citation: str
    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    urls: tuple[str, ...]
    values: tuple[Mapping[str, str], ...]
    entry: Entry | None = None
    unit: str | None = None
    fetched: tuple[Fetched, ...] = ()

    def tags(self) -> dict[str, str]:
        """Provenance for the tags of a file."""
        files = [
            {"file": path.name, "url": url, "sha256": digest}
            for path, url, digest in zip(self.paths, self.urls, self.hashes, strict=True)
        ]
        return {
            "SOURCE": f"{self.title} {self.version}".strip(),
            "SOURCE_ID": self.source,
            "LICENCE": self.licence,
            "CITATION": self.citation,
            "SOURCE_FILES": json.dumps(files),
        }

    def where(self, **values: str) -> list[Path]:
        """Paths of the files with these values of the placeholders, one for each box."""
        return [
            path
            for path, known in zip(self.paths, self.values, strict=True)
            if all(known.get(key) == value for key, value in values.items())
        ]

    def choices(self, key: str) -> list[str]:
        """The values a placeholder has, sorted."""
        return sorted({known[key] for known in self.values if key in known})


def read_country(
    folder: Path, cache: Cache, registry: Mapping[str, Entry]
) -> tuple[Country, dict[str, Material]]:
    """Read `folder/sources.json` and find its files in the cache.

    Raises
    ------
    MissingData
        There is no sources.json, or a file is not in the cache any more.
    InputError, ConfigError
        It is none of recarb's, or names a data set or version the registry does not have.
    """
    path = folder / FILE
    if not path.is_file():
        raise MissingData(
            f"{path}: no such file; `recarb fetch ISO3` writes it: fetch first, or name the folder"
        )
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        boxes = tuple(Box(**box) for box in told["boxes_deg"])
        own = {layer: folder / file for layer, file in told.get("own", {}).items()}
        country = Country(told["iso3"], told["name"], boxes, own)
        layers = [(row, [Fetched.model_validate(one) for one in row["files"]])
                  for row in told["layers"]]  # fmt: skip
        named = [(row["layer"], row["source"], row) for row, _ in layers]
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(
            f"{path}: expected what `recarb fetch` writes, came something else ({error}); "
            "fetch again"
        ) from error
    found = {}
    for (role, key, row), (_, files) in zip(named, layers, strict=True):
        found[role] = _material(role, entry_of(dict(registry), key), row, files, cache)
    return country, found


def _material(
    role: str, entry: Entry, row: Mapping[str, Any], files: Sequence[Fetched], cache: Cache
) -> Material:
    if entry.version != row["version"]:
        raise ConfigError(
            f"{role}: fetched was {entry.id} {row['version']}, the registry describes "
            f"{entry.version}; fetch again, or name the registry of then with --registry"
        )
    for one in files:
        path = cache.path(one.key)
        if not path.is_file() or path.stat().st_size != one.size_bytes:
            raise MissingData(
                f"{role}: {path} is not in the cache as it was fetched; call `recarb fetch` again, "
                "or name the cache with --cache"
            )
    licences = dict.fromkeys(one.licence for one in files)
    versions = dict.fromkeys(one.version for one in files)  # a boundary tells its own
    return Material(
        role=role,
        source=entry.id,
        title=entry.title,
        version="; ".join(versions) or entry.version,
        licence="; ".join(licences) or entry.licence,
        citation=entry.citation,
        paths=tuple(cache.path(one.key) for one in files),
        hashes=tuple(one.sha256 for one in files),
        urls=tuple(one.url for one in files),
        values=tuple(values_of(entry, role, Path(one.key).name) for one in files),
        entry=entry,
        fetched=tuple(files),
    )


def values_of(entry: Entry, role: str, name: str) -> dict[str, str]:
    """The placeholders that a file name was made from; {} where the name is the server's own."""
    choices = entry.roles[role]

    def group(match: re.Match[str]) -> str:
        key = match[1]
        known = "|".join(re.escape(value) for value in choices.get(key, ())) or r"[\w.]+"
        return f"(?P<{key}>{known})"

    found = re.fullmatch(PLACE.sub(group, re.escape(entry.file)), name) if entry.file else None
    return found.groupdict() if found else {}


def own_material(role: str, path: Path, unit: str | None) -> Material:
    """A file of the country's own.

    Raises
    ------
    ConfigError
        No such layer.
    MissingData
        No such file.
    """
    if role not in OWN_LAYERS:
        raise ConfigError(f"--own: no layer {role!r}; there are {', '.join(OWN_LAYERS)}")
    if not path.is_file():
        raise MissingData(
            f"--own {role}: no such file: {path}; correct the path: --own {role}=FILE"
        )
    return Material(
        role=role,
        source=OWN,
        title=path.name,
        version="",
        licence="the country's own",
        citation="",
        paths=(path,),
        hashes=(sha256_of(path),),
        urls=("",),
        values=({},),
        unit=unit,
    )
