"""`recarb init`: a run.toml that shows every key there is."""

import re
from importlib.resources import files
from pathlib import Path

from recarb.core.errors import ConfigError, OutputError

ISO3 = re.compile(r"^[A-Z]{3}$")
PLACE = "{iso3}"


def run_template(iso3: str) -> str:
    """Text of a commented run.toml for a country.

    Parameters
    ----------
    iso3 : ISO 3166 alpha-3 code, small letters allowed

    Raises
    ------
    ConfigError
        It is no three letters.

    >>> 'iso3 = "URY"' in run_template("ury")
    True
    """
    code = iso3.upper()
    if not ISO3.match(code):
        raise ConfigError(
            f"expected the three letters of the country (ISO 3166 alpha-3, like URY), came {iso3!r}"
        )
    text = (files("recarb.core") / "run_template.toml").read_text(encoding="utf-8")
    return text.replace(PLACE, code)


def write_template(iso3: str, folder: Path, *, overwrite: bool = False) -> Path:
    """Write run.toml into `folder`, which may hold the country's data already.

    Raises
    ------
    ConfigError
        No code of a country, or there is a run.toml.
    OutputError
        It cannot be written.
    """
    text = run_template(iso3)
    path = folder / "run.toml"
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists; name another folder, or replace it with --overwrite")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    return path
