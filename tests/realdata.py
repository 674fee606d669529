"""Where the real data sets lie; they are too large, or not ours, to be in the repository."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Folder of the data sets: `RECARB_DATA`, or `../shared/data` beside the repository."""
    given = os.environ.get("RECARB_DATA")
    return Path(given) if given else ROOT.parent / "shared" / "data"


def requires(name: str) -> pytest.MarkDecorator:
    """Skip, and say why, where the data set `name` (a path in the data folder) is not there."""
    return pytest.mark.skipif(
        not (data_folder() / name).exists(),
        reason=f"no '{name}' in the data folder; name the folder in RECARB_DATA",
    )
