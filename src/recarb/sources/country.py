"""`sources.json` of a country: every file with its origin, licence and citation."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from recarb.core.errors import OutputError, WrongContent
from recarb.core.provenance import versions, write_json
from recarb.sources.base import EMPTY, Area, Fetched
from recarb.sources.plan import Choice

FILE = "sources.json"
NEXT = (
    "Your national maps go first: recarb prepare {folder} --own soc=FILE (clay, land_cover, ...).",
    "Without them: recarb prepare {folder} && recarb run {folder}/run.toml",
)


def write_sources(
    folder: Path,
    area: Area,
    choices: Sequence[Choice],
    fetched: dict[str, Fetched],
    own: Mapping[str, Path] | None = None,
) -> Path:
    """Write `folder/sources.json`; the files stay in the cache, under their keys.

    Parameters
    ----------
    fetched : by key, every file of `choices`
    own : files of the user's own by layer, which stay where they are

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
        "own": {layer: _relative(file, folder) for layer, file in (own or {}).items()},
        "next": [line.format(folder=folder.as_posix()) for line in NEXT],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def empty_boxes(choices: Sequence[Choice], fetched: Mapping[str, Fetched]) -> Iterator[str]:
    """What to say of files without a single value: a note for each layer and box.

    Raises
    ------
    WrongContent
        No box of a layer has a value.
    """
    for choice in choices:
        for label, ones in _pieces(choice, fetched).items():
            if all(EMPTY in one.checks for one in ones):
                raise WrongContent(
                    f"{choice.role}: {choice.entry.title} [{choice.entry.id}]: expected values in "
                    f"one box at least, all {len(ones)} files of {label} are 'no data'; does the "
                    f"map cover this place? Give its --boundary or --box, or another --source"
                )
        found: dict[str, list[bool]] = defaultdict(list)
        for wanted in choice.wanted:
            folder = str(PurePosixPath(wanted.key).parent)
            found[folder].append(EMPTY in fetched[wanted.key].checks)
        for folder, empty in found.items():
            if any(empty):
                yield f"{choice.role}: {sum(empty)} of {len(empty)} files have no value: {folder}"


def _pieces(choice: Choice, fetched: Mapping[str, Fetched]) -> dict[str, list[Fetched]]:
    """The files that only together must hold values: boxes of one map, images of all dates."""
    found: dict[str, list[Fetched]] = defaultdict(list)
    assets = choice.entry.stac.assets if choice.entry.stac else ()
    for wanted in choice.wanted:
        asset = next((one for one in assets if wanted.name.endswith(f"_{one}.tif")), wanted.name)
        found[asset].append(fetched[wanted.key])
    return found


def _relative(file: Path, folder: Path) -> str:
    """A path as seen from a folder, so that both can move together."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.resolve().as_posix()


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
