"""Set recarb up in .venv and run something: one command on a fresh machine, any system.

    python3 bootstrap.py example    set up, write the embedded example country, run the main job
    python3 bootstrap.py test       set up with the tools for development, run all checks and tests
    python3 bootstrap.py setup      set up only

Needs Python 3.11 or later and nothing else. On Windows write `py` instead of `python3`.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = (3, 11)


def scripts(environment: Path) -> Path:
    """Folder of the environment's commands."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


def call(*command: str | Path) -> None:
    """Run a command in the repository; end with its code if it fails."""
    print("$", " ".join(str(part) for part in command), flush=True)
    done = subprocess.run([str(part) for part in command], cwd=HERE, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def create(environment: Path) -> Path:
    """Create the environment unless it is there; return its Python."""
    python = scripts(environment) / ("python.exe" if os.name == "nt" else "python")
    if not python.exists():
        try:
            venv.create(environment, with_pip=True)
        except (subprocess.CalledProcessError, ImportError):
            sys.exit(
                "Python's venv module is not complete on this machine. On Debian or Ubuntu:\n"
                "    sudo apt-get install -y python3-venv\nand then run this command again."
            )
    return python


def install(python: Path, lock: str) -> None:
    """Install exactly the locked packages, then recarb itself."""
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    call(*pip, "--require-hashes", "--only-binary", ":all:", "-r", HERE / lock)
    call(*pip, "--no-deps", "--no-build-isolation", "--editable", HERE)


def run_example(environment: Path, folder: str) -> None:
    """Write the embedded example country and run the main job on it."""
    recarb = scripts(environment) / "recarb"
    if not (HERE / folder / "run.toml").exists():
        call(recarb, "example", folder)
    call(recarb, "run", Path(folder) / "run.toml", "--overwrite")


def run_checks(environment: Path) -> None:
    """Style, types, layers, documentation, tests: what continuous integration runs."""
    tools = scripts(environment)
    call(tools / "ruff", "check", ".")
    call(tools / "ruff", "format", "--check", ".")
    call(tools / "mypy")
    call(tools / "lint-imports")
    call(tools / "codespell", "src", "tests", "docs", "README.md")
    call(tools / "mkdocs", "build", "--strict", "--quiet")
    call(tools / "python", "-m", "pytest", "-n", "2")


def main() -> None:
    """Read the command line and do it."""
    if sys.version_info < OLDEST:
        sys.exit(f"recarb needs Python 3.11 or later; this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["example", "test", "setup"])
    parser.add_argument("--environment", type=Path, default=HERE / ".venv", help="default: .venv")
    parser.add_argument("--folder", default="tinyland", help="of the example; default: tinyland")
    arguments = parser.parse_args()
    environment = arguments.environment.resolve()
    python = create(environment)
    install(python, "requirements.lock" if arguments.what == "example" else "requirements-dev.lock")
    if arguments.what == "example":
        run_example(environment, arguments.folder)
    elif arguments.what == "test":
        run_checks(environment)


if __name__ == "__main__":
    main()
