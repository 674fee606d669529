"""`recarb --help` answers at once: nothing heavy is imported before a command runs."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "xarray", "pandas", "numba", "matplotlib", "rasterio", "scipy", "geopandas")
LOADED = "import sys; print(*[name for name in {heavy} if name in sys.modules])"


def loaded_by(code):
    """Heavy packages that a fresh Python has loaded after `code`."""
    command = [sys.executable, "-c", f"{code}\n{LOADED.format(heavy=HEAVY)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import recarb",
        "import recarb.cli",
        "from recarb.cli import app, register; register.commands(app)",
    ],
)
def test_nothing_heavy_is_imported(code):
    assert loaded_by(code) == []


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["example", "--help"]])
def test_help_imports_nothing_heavy(words):
    code = "from recarb.cli import app, register\nregister.commands(app)\n"
    code += f"app({words}, standalone_mode=False)"
    assert loaded_by(code) == []


def test_what_is_heavy_would_be_seen():
    assert "numpy" in loaded_by("import recarb; recarb.simulate")
