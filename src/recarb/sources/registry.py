"""The registry: one TOML file per data set and version, facts with their basis.

The files stand in `sources/registry/`; their names are the ids. A user's own folder
(`RECARB_REGISTRY` or --registry) adds entries and replaces those of the same id: when a server
renames a file, one corrected copy of the entry is enough.
"""

import os
import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recarb.core.errors import ConfigError
from recarb.sources.base import Box, Kind, Plausible

UNVERIFIED: Literal["unverified"] = "unverified"
FOLDER_VARIABLE = "RECARB_REGISTRY"
BYTES_PER_MB = 1_000_000


class Facts(BaseModel):
    """Base of the tables of an entry: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerFacts(Facts):
    """One variable of a data set: unit, packing and limits as they stand in the file.

    `scale`, `offset` and `fill` are for comparing: readers take those of the file itself.
    """

    quantity: str | None = None  # key of core/quantities.toml
    unit: str
    low: float
    high: float
    scale: float | None = None
    offset: float | None = None
    fill: float | None = None
    in_file: str | None = None  # name inside a NetCDF


class Subset(Facts):
    """A service that cuts out a box and a year."""

    urls: tuple[str, ...] = Field(min_length=1)
    kind: Kind


class Stac(Facts):
    """A STAC collection, searched by box and years."""

    api: str
    collection: str
    assets: tuple[str, ...] = Field(min_length=1)
    token_url: str | None = None
    first_year: int
    last_year: int | None = None
    window: bool = False  # of each tile only what lies in the country


class Entry(Facts):
    """What is known of one data set in one version.

    Attributes
    ----------
    access : file (whole files), window (part of a GeoTIFF by range requests), stac, boundaries
        (an API that names the file), manual (by hand, then --drop-in)
    urls, file : patterns; {iso3}, {variable}, {year}, {decade} and keys of `roles` are filled in
    roles : for what it can serve, and with which values of the placeholders
    years : first and last year there are files for; null: to the present
    size_mb : smallest and largest size of a file that can be right
    about_mb : how big a file is at most, for people; nothing is checked against it
    cell_deg, cell_bytes : how big a part of a file is at most
    baseline : of a scenario, the data set it was made from: both may serve one run
    no_reader : why recarb makes no layer of it; it is not fetched
    unverified : facts that rest on general knowledge
    """

    id: str
    title: str
    dataset: str
    version: str
    access: Literal["file", "window", "stac", "boundaries", "manual"]
    kind: Kind
    urls: tuple[str, ...] = ()
    file: str = ""
    also_named: tuple[str, ...] = ()
    roles: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)
    years: tuple[int, int | None] | None = None
    size_mb: tuple[float, float] | None = None
    about_mb: float | None = Field(default=None, gt=0)
    sha256: str | None = None
    grid: str = ""
    cell_deg: float | None = Field(default=None, gt=0)
    cell_bytes: int | None = Field(default=None, gt=0)  # all bands of a file, not compressed
    depths_cm: dict[str, tuple[float, float]] = {}
    layers: dict[str, LayerFacts] = {}
    subset: Subset | None = None
    stac: Stac | None = None
    no_reader: str | None = None
    fallback: str | None = None
    baseline: str | None = None
    homepage: str = ""
    licence: str = Field(min_length=3)
    citation: str = Field(pattern=r"^@\w+\{")
    source: str = Field(min_length=10)
    verified: date | Literal["unverified"]
    unverified: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()

    @property
    def about_bytes(self) -> int | None:
        """How big a whole file is at most [bytes]."""
        return None if self.about_mb is None else int(self.about_mb * BYTES_PER_MB)

    def part_bytes(self, box: Box) -> int | None:
        """How big the part of a file inside a box is at most [bytes]."""
        if self.cell_deg is None or self.cell_bytes is None:
            return None
        return int(box.area_deg2 / self.cell_deg**2 * self.cell_bytes)

    def plausible(self, variable: str | None) -> Plausible | None:
        """What the values of a variable must be; of the only layer where there is one."""
        name = variable or (next(iter(self.layers)) if len(self.layers) == 1 else "")
        facts = self.layers.get(name)
        if facts is None:
            return None
        return Plausible(facts.low, facts.high, facts.unit, facts.in_file)


def load_registry(folder: Path | None = None) -> dict[str, Entry]:
    """All entries by id; those of `folder` (or of RECARB_REGISTRY) replace the ones that ship.

    Raises
    ------
    ConfigError
        An entry is not valid, or the folder does not exist.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    own = folder or (Path(named) if named else None)
    texts = {
        item.name.removesuffix(".toml"): (item.name, item.read_text(encoding="utf-8"))
        for item in (files("recarb.sources") / "registry").iterdir()
        if item.name.endswith(".toml")
    }
    if own is not None:
        if not own.is_dir():
            raise ConfigError(f"registry: no such folder: {own}; correct --registry")
        texts |= {path.stem: (str(path), path.read_text("utf-8")) for path in own.glob("*.toml")}
    return {key: parse_entry(key, *texts[key]) for key in sorted(texts)}


def parse_entry(key: str, where: str, text: str) -> Entry:
    """One entry from its TOML.

    Raises
    ------
    ConfigError
        It is no TOML, or a fact is missing, wrong or unknown.
    """
    try:
        return Entry.model_validate({"id": key, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: no valid TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{where}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from error


def entry_of(registry: dict[str, Entry], key: str) -> Entry:
    """The entry of an id.

    Raises
    ------
    ConfigError
        There is none.
    """
    if key not in registry:
        raise ConfigError(f"no data source {key!r}; there are {', '.join(registry)}")
    return registry[key]
