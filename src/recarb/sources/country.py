"""`sources.json` of a country: every file with its origin, licence and citation."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recarb.core.errors import OutputError
from recarb.core.provenance import versions, write_json
from recarb.sources.base import EMPTY, Area, Fetched
from recarb.sources.plan import Choice

FILE = "sources.json"
NEXT = (
    "Your national maps go first: recarb prepare {folder} --own soc=FILE (clay, land_cover, ...).",
    "Without them: recarb prepare {folder} && recarb run {folder}/run.toml",
)


def write_sources(
    folder: Path, area: Area, choices: Sequence[Choice], fetched: dict[str, Fetched]
) -> Path:
    """Write `folder/sources.json`; the files stay in the cache, under their keys.

    Parameters
    ----------
    fetched : by key, every file of `choices`

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = folder / FILE
    content = {
        "iso3": area.iso3,
        "name": area.name,
        "boxes_deg": [box._asdict() for box in area.boxes],
        "written": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "recarb": versions()["recarb"],
        "layers": [_layer(choice, fetched) for choice in choices],
        "next": [line.format(folder=folder.as_posix()) for line in NEXT],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def empty_boxes(fetched: Sequence[Fetched]) -> list[str]:
    """Keys of files without a single value."""
    return [one.key for one in fetched if EMPTY in one.checks]


def _layer(choice: Choice, fetched: dict[str, Fetched]) -> dict[str, Any]:
    entry = choice.entry
    return {
        "layer": choice.role,
        "source": entry.id,
        "title": entry.title,
        "version": entry.version,
        "licence": entry.licence,
        "citation": entry.citation,
        "registry_verified": str(entry.verified),
        "traps": list(entry.traps),
        "files": [fetched[one.key].model_dump(mode="json") for one in choice.wanted],
    }
