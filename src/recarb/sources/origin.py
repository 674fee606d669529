"""Where a file comes from, as `recarb fetch` and `recarb prepare` wrote it down beside it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recarb.core.paths import AnyPath
from recarb.sources.base import Fetched
from recarb.sources.cache import record_of
from recarb.sources.registry import Entry, load_registry

PREPARED = "prepared.json"
FOLDERS_UP = 2  # climate/rain.tif lies one folder below prepared.json


def file_record(fetched: Fetched) -> dict[str, Any]:
    """What provenance tells of a fetched file: whence, when, how big, which bytes."""
    return {
        "file": Path(fetched.key).name,
        "url": fetched.url,
        "time": fetched.time.isoformat(timespec="seconds"),
        "bytes": fetched.size_bytes,
        "sha256": fetched.sha256,
    }


def origins_of(path: AnyPath, sha256: str) -> list[dict[str, Any]]:
    """The data sets that a file was made from; none where nothing is written down.

    Only a record of these very bytes counts: a layer that was changed by hand since has no
    recorded origin.

    Parameters
    ----------
    sha256 : hash of the file as it is now [hex]
    """
    if not isinstance(path, Path):
        return []
    return _prepared(path.absolute(), sha256) or _fetched(path, sha256)


def _prepared(path: Path, sha256: str) -> list[dict[str, Any]]:
    """From the record of the folder in which `recarb prepare` made it."""
    for folder in list(path.parents)[:FOLDERS_UP]:
        name = path.relative_to(folder).as_posix()
        for layer in _layers(folder / PREPARED).values():
            if layer.get("files", {}).get(name) == sha256:
                return list(layer.get("made_from", []))
    return []


def _layers(record: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))["layers"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _fetched(path: Path, sha256: str) -> list[dict[str, Any]]:
    """From the record beside a file of the cache."""
    try:
        fetched = Fetched.model_validate_json(record_of(path).read_bytes())
    except (OSError, ValidationError):
        return []
    if fetched.sha256 != sha256:
        return []
    entry = _registry().get(fetched.source)
    return [
        {
            "layer": "",
            "source": fetched.source,
            "title": fetched.source if entry is None else entry.title,
            "version": fetched.version,
            "licence": fetched.licence,
            "citation": entry.citation if entry is not None and _describes(entry, fetched) else "",
            "files": [file_record(fetched)],
        }
    ]


def _describes(entry: Entry, fetched: Fetched) -> bool:
    """Whether an entry is of the version fetched; a boundary API gives each file its own."""
    return entry.access == "boundaries" or entry.version == fetched.version


@cache
def _registry() -> dict[str, Entry]:
    return load_registry()
