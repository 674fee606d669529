"""The contract of all sources: what is wanted, and what was fetched.

A source turns its registry entry, an area and years into a list of `Wanted` (`plan.py`). The fetch
layer turns every `Wanted` into a `Fetched`: a checked file in the cache (`fetch.py`). Whoever reads
data afterwards needs `Fetched` and the registry entry only.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

HALF_CIRCLE_DEG, POLE_DEG = 180.0, 90.0


class Kind(StrEnum):
    """Format of a file, known by its first bytes."""

    GEOTIFF = "geotiff"
    NETCDF = "netcdf"
    NETCDF_GZIP = "netcdf_gzip"
    ZIP = "zip"
    JSON = "json"


class Box(NamedTuple):
    """A box in longitude and latitude [deg, WGS 84], west <= east."""

    west: float
    south: float
    east: float
    north: float

    @property
    def area_deg2(self) -> float:
        """Size in squares of a degree [deg2]."""
        return (self.east - self.west) * (self.north - self.south)

    @property
    def name(self) -> str:
        """For names of files.

        >>> Box(97.3, -5.6, 105.7, 20.5).name
        'E97.3_S5.6_E105.7_N20.5'
        """
        west, east = (f"{'W' if x < 0 else 'E'}{abs(x):g}" for x in (self.west, self.east))
        south, north = (f"{'S' if y < 0 else 'N'}{abs(y):g}" for y in (self.south, self.north))
        return f"{west}_{south}_{east}_{north}"

    def grown(self, margin_deg: float) -> "Box":
        """With a margin [deg] on every side, inside the world.

        >>> Box(170, -20, 180, -16).grown(1)
        Box(west=169, south=-21, east=180.0, north=-15)
        """
        return Box(
            max(self.west - margin_deg, -HALF_CIRCLE_DEG),
            max(self.south - margin_deg, -POLE_DEG),
            min(self.east + margin_deg, HALF_CIRCLE_DEG),
            min(self.north + margin_deg, POLE_DEG),
        )


@dataclass(frozen=True)
class Area:
    """A country as far as fetching needs it. Across the antimeridian it has two boxes or more."""

    iso3: str
    name: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Plausible:
    """What decoded values must be: inside `low`..`high` in the file's own unit."""

    low: float
    high: float
    unit: str
    variable: str | None = None  # of a NetCDF with several


@dataclass(frozen=True)
class Wanted:
    """One file that must be in the cache.

    Attributes
    ----------
    key : place in the cache: `dataset/version/...`, with "/"
    urls : the server first, then its mirrors
    size_bytes : smallest and largest size that can be right [bytes]
    sha256 : where the publisher's file never changes
    window : read this part of the file only, by range requests (GeoTIFF)
    token_url : where a short-lived token for `urls` is given
    also_named : other names under which people have the file
    may_be_empty : one box of several may lie where the map has no land; told in `Fetched.checks`
    about_bytes : how big it will be at most, for people; nothing is checked against it
    instead : what to do without it, where nobody can take it by hand: a catalogue's answer
    otherwise : what else can be done where all servers fail
    """

    source: str
    version: str
    key: str
    urls: tuple[str, ...]
    kind: Kind
    licence: str
    size_bytes: tuple[int, int] | None = None
    sha256: str | None = None
    plausible: Plausible | None = None
    window: Box | None = None
    token_url: str | None = None
    also_named: tuple[str, ...] = ()
    may_be_empty: bool = False
    about_bytes: int | None = None
    instead: str = ""
    otherwise: str = ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return PurePosixPath(self.key).name


EMPTY = "decoded: no value in this box"


class Fetched(BaseModel):
    """Where a file in the cache comes from; stands beside it as `NAME.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    version: str
    key: str
    kind: Kind
    licence: str
    url: str  # without tokens; "dropped in: NAME" for a user's own file
    final_url: str  # after redirects
    time: datetime  # UTC
    size_bytes: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    window: Box | None = None
    plausible: Plausible | None = None  # what the values were held to
    checks: tuple[str, ...] = ()

    def path(self, cache: Path) -> Path:
        """The file in the folder of the cache."""
        return cache.joinpath(*PurePosixPath(self.key).parts)
