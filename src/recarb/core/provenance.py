"""Where numbers come from: hashes of files, versions of what computed them."""

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CHUNK = 1 << 20  # bytes read at a time
PACKAGES = ("recarb", "numpy", "numba", "xarray", "rasterio", "odc-geo", "pyproj", "pyet", "pint")


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes [hex]."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
