"""Where numbers come from: hashes of files, versions of what computed them."""

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recarb.core.findings import Progress, no_progress
from recarb.core.paths import AnyPath, reaching

CHUNK = 1 << 20  # bytes read at a time
PACKAGES = (
    *("recarb", "numpy", "scipy", "numba", "xarray"),
    *("rasterio", "odc-geo", "pyproj", "pyet", "pint"),
)


def sha256_of(path: AnyPath, progress: Progress | None = None) -> str:
    """Hash of a file's bytes [hex].

    Raises
    ------
    MissingData, InputError
        A remote file is not there or cannot be read.
    """
    return str(file_facts(path, progress)["sha256"])


def file_facts(path: AnyPath, progress: Progress | None = None) -> dict[str, int | str]:
    """Size [bytes] and hash [hex] of a file, under the names they have in provenance.json.

    A remote file is fetched whole for it, once in a process for each of its versions.

    Raises
    ------
    MissingData, InputError
        A remote file is not there or cannot be read.
    """
    if isinstance(path, Path):
        return _facts(path, path.stat().st_size, progress)
    with reaching(path):
        found = path.fs.info(path.path)
        version = (str(path), str(sorted(found.items(), key=str)))
        if version not in _remote_facts:
            _remote_facts[version] = _facts(path, int(found.get("size") or 0), progress)
    return dict(_remote_facts[version])


_remote_facts: dict[tuple[str, str], dict[str, int | str]] = {}


def _facts(path: AnyPath, size: int, progress: Progress | None) -> dict[str, int | str]:
    show = progress or no_progress
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if size > CHUNK:
                show(done // CHUNK, max(size, done) // CHUNK, f"hashing {path.name} [MiB]")
    return {"bytes": done, "sha256": digest.hexdigest()}


def combined_hash(hashes: Iterable[str]) -> str:
    """One hash of several, in their order [hex]."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON through a temporary file, so that no half file stands under the name."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)
