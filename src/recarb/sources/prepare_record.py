"""`prepared.json`: what was made from what; a second call makes only what changed."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recarb.core.errors import OutputError
from recarb.core.provenance import sha256_of, versions, write_json
from recarb.sources.material import Material
from recarb.sources.origin import PREPARED as FILE
from recarb.sources.origin import file_record

FORMAT = 1  # goes up when layers are made in another way


@dataclass(frozen=True)
class Step:
    """One layer to make.

    Attributes
    ----------
    files : what it writes, relative to the country's folder
    options : everything but its materials that the result depends on
    """

    name: str
    materials: tuple[Material, ...]
    files: tuple[str, ...]
    options: Mapping[str, Any]
    make: Callable[[], object]

    @property
    def key(self) -> str:
        """Hash of all that the result depends on."""
        hashes = [digest for material in self.materials for digest in material.hashes]
        facts = [FORMAT, versions()["recarb"], self.name, hashes, dict(self.options)]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass
class Record:
    """What stands in a country's folder, as far as `recarb prepare` made it."""

    folder: Path
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)
    run_sha256: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """The record of a folder; empty where there is none that can be read."""
        try:
            told = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return cls(folder, dict(told["layers"]), str(told["run_sha256"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(folder)

    def has(self, step: Step) -> bool:
        """Whether a layer stands there, made from the same, not touched since."""
        known = self.layers.get(step.name, {})
        return known.get("key") == step.key and all(
            (self.folder / name).is_file()
            and sha256_of(self.folder / name) == known["files"].get(name)
            for name in step.files
        )

    def add(self, step: Step) -> None:
        """Write down a layer that was just made."""
        self.layers[step.name] = {
            "key": step.key,
            "options": dict(step.options),
            "files": {name: sha256_of(self.folder / name) for name in step.files},
            "made_from": [_origin(material) for material in step.materials],
        }
        self.write()

    def keep(self, names: Iterable[str]) -> None:
        """Forget layers that are not wanted any more."""
        wanted = set(names)
        self.layers = {name: row for name, row in self.layers.items() if name in wanted}

    def write(self) -> None:
        """Write the record.

        Raises
        ------
        OutputError
        """
        content = {
            "recarb": versions()["recarb"],
            "run_sha256": self.run_sha256,
            "layers": self.layers,
        }
        try:
            write_json(self.folder / FILE, content)
        except OSError as error:
            raise OutputError(
                f"{self.folder / FILE}: cannot be written ({error.strerror})"
            ) from error


def _origin(material: Material) -> dict[str, Any]:
    return {
        "layer": material.role,
        "source": material.source,
        "title": material.title,
        "version": material.version,
        "licence": material.licence,
        "citation": material.citation,
        "files": [file_record(one) for one in material.fetched] or _own_files(material),
    }


def _own_files(material: Material) -> list[dict[str, Any]]:
    return [
        {"file": path.name, "url": "", "bytes": path.stat().st_size, "sha256": digest}
        for path, digest in zip(material.paths, material.hashes, strict=True)
    ]
