"""From a country to the list of files that are wanted for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from recarb.core.errors import ConfigError, SourceError
from recarb.sources.base import Area, Box, Wanted
from recarb.sources.catalogues import boundary_file, stac_files
from recarb.sources.fetch import Fetcher
from recarb.sources.registry import BYTES_PER_MB, Entry, entry_of

# Defaults for a country without an account [data survey, section on defaults]. A national map of
# SOC, clay, land cover or the boundary goes before all of them.
DEFAULT_SOURCES = {
    "soc": "gsocmap",
    "clay": "soilgrids",
    "climate": "terraclimate",
    "land_cover": "esa_cci_lc",
    "boundary": "geoboundaries",
}
OPTIONAL_SOURCES = {
    "ndvi": "modis_ndvi",
    "sand": "soilgrids",
    "soc_quantiles": "soilgrids",
    "clay_quantiles": "soilgrids",
    "provinces": "geoboundaries",
    "districts": "geoboundaries",
    "scenario": "terraclimate_plus2c",
    "normals": "worldclim",
}
DEFAULT_YEARS = {
    "climate": tuple(range(1981, 2021)),  # spin-up 1981-2000 and warm-up 2001-2020 of the manual
    "scenario": tuple(range(2001, 2021)),
    "land_cover": (2000, 2020),  # about the spin-up, and t0
    "ndvi": tuple(range(2015, 2021)),  # of the published scripts
}
CLIMATE_MARGIN_DEG = 1.0  # beyond the reach of model.climate_fill_km for cells at the coast
MAP_MARGIN_DEG = 0.1
SUBSET_SHARE = 0.05  # of the world; a larger country takes whole files (own judgement)
WORLD_DEG2 = 360.0 * 180.0
YEARS_PER_DECADE = 10
SAMPLE_YEAR = DEFAULT_YEARS["climate"][-1]


@dataclass(frozen=True)
class Choice:
    """A role, the data set that serves it, and the files wanted."""

    role: str
    entry: Entry
    wanted: tuple[Wanted, ...]


def choose(
    registry: dict[str, Entry], sources: Mapping[str, str], extra: Iterable[str] = ()
) -> dict[str, Entry]:
    """The data set of each role: the defaults, `extra` roles, and the user's `sources`.

    Raises
    ------
    ConfigError
        No such role or data set, or one that does not serve the role.
    """
    named = DEFAULT_SOURCES | {role: OPTIONAL_SOURCES.get(role, "") for role in extra}
    named |= sources
    chosen = {}
    for role, key in named.items():
        if not key or (role not in DEFAULT_SOURCES and role not in OPTIONAL_SOURCES):
            known = ", ".join([*DEFAULT_SOURCES, *OPTIONAL_SOURCES])
            raise ConfigError(f"no layer {role!r} to fetch; there are {known}")
        if key == "none":
            continue
        entry = entry_of(registry, key)
        able = [name for name, one in registry.items() if role in one.roles and not one.no_reader]
        if role not in entry.roles:
            raise ConfigError(f"{key} does not serve {role}; {', '.join(able)} do")
        if entry.no_reader:
            raise ConfigError(
                f"{key}: recarb makes no {role} of it: {entry.no_reader}; choose --source "
                f"{role}={able[0]}, or leave it out (--source {role}=none) and bring your own: "
                f"recarb prepare --own {role}=FILE"
            )
        chosen[role] = entry
    return chosen


def plan(
    chosen: Mapping[str, Entry],
    area: Area,
    fetcher: Fetcher,
    years: Mapping[str, Sequence[int]] | None = None,
) -> list[Choice]:
    """The files of every role. Catalogues (STAC, boundaries) are asked; the rest needs no line.

    Raises
    ------
    ConfigError
        A year the data set does not have.
    SourceError
        A catalogue gives no answer.
    """
    when: dict[str, Sequence[int]] = {**DEFAULT_YEARS, **(years or {})}
    return [
        Choice(role, entry, tuple(_files(entry, role, area, when.get(role, ()), fetcher)))
        for role, entry in chosen.items()
    ]


def plan_what_answers(
    chosen: Mapping[str, Entry],
    area: Area,
    fetcher: Fetcher,
    years: Mapping[str, Sequence[int]] | None = None,
) -> tuple[list[Choice], dict[str, SourceError]]:
    """The files of every role whose catalogue answers, and by role the errors of the others.

    Raises
    ------
    ConfigError
        A year the data set does not have.
    """
    choices, failed = [], {}
    for role, entry in chosen.items():
        try:
            choices += plan({role: entry}, area, fetcher, years)
        except SourceError as error:
            failed[role] = error
    return choices, failed


def _files(
    entry: Entry, role: str, area: Area, years: Sequence[int], fetcher: Fetcher
) -> list[Wanted]:
    several = len(area.boxes) > 1
    match entry.access:
        case "stac":
            return stac_files(entry, area, _in_range(entry, years), fetcher, MAP_MARGIN_DEG)
        case "boundaries":
            return [boundary_file(entry, area, level, fetcher)
                    for level in entry.roles[role]["level"]]  # fmt: skip
        case "manual":
            raise ConfigError(
                f"{entry.id} can only be had by hand, from {entry.homepage}; choose another with "
                f"--source {role}=ID"
            )
        case "window":
            boxes = [box.grown(MAP_MARGIN_DEG) for box in area.boxes]
            return [_window(entry, values, box, several) for values in _values(entry, role, years)
                    for box in boxes]  # fmt: skip
        case "file":
            boxes = [box.grown(CLIMATE_MARGIN_DEG) for box in area.boxes]
            share = sum(box.area_deg2 for box in boxes) / WORLD_DEG2
            if entry.subset is not None and share < SUBSET_SHARE:
                found = _values(entry, role, years)
                return [_subset(entry, values, box, several) for values in found for box in boxes]
            return [_whole(entry, values) for values in _values(entry, role, years)]


def _values(entry: Entry, role: str, years: Sequence[int]) -> list[dict[str, str]]:
    """Every combination of the placeholders."""
    choices = dict(entry.roles[role])
    pattern = " ".join((*entry.urls, entry.file))
    if "{year}" in pattern:
        choices["year"] = tuple(str(year) for year in _in_range(entry, years))
    if "{decade}" in pattern:
        last = entry.years[1] if entry.years else None
        decades = dict.fromkeys(decade_of(year, last) for year in _in_range(entry, years))
        choices["decade"] = tuple(decades)
    return [dict(zip(choices, combination, strict=True)) for combination in product(
        *choices.values())]  # fmt: skip


def decade_of(year: int, last: int | None) -> str:
    """First and last year of a decade as files name it.

    >>> decade_of(1990, 2025), decade_of(2023, 2025)
    ('1981.1990', '2021.2025')
    """
    first = (year - 1) // YEARS_PER_DECADE * YEARS_PER_DECADE + 1
    end = first + YEARS_PER_DECADE - 1
    return f"{first}.{min(end, last) if last else end}"


def _in_range(entry: Entry, years: Sequence[int]) -> Sequence[int]:
    first, last = entry.years or (None, None)
    if entry.stac is not None:
        first, last = entry.stac.first_year, entry.stac.last_year
    missing = [y for y in years if (first and y < first) or (last and y > last)]
    if missing:
        raise ConfigError(
            f"{entry.id} {entry.version} has the years {first} to {last or 'now'}, asked were "
            f"{', '.join(map(str, missing))}; choose --years, or another --source"
        )
    return years


def _whole(entry: Entry, values: Mapping[str, str]) -> Wanted:
    name = entry.file.format(**values)
    low_high = entry.size_mb
    return Wanted(
        source=entry.id,
        version=entry.version,
        key=f"{entry.dataset}/{entry.version}/{name}",
        urls=tuple(url.format(**values) for url in entry.urls),
        kind=entry.kind,
        licence=entry.licence,
        size_bytes=(
            (int(low_high[0] * BYTES_PER_MB), int(low_high[1] * BYTES_PER_MB)) if low_high else None
        ),
        sha256=entry.sha256,
        plausible=entry.plausible(values.get("variable")),
        also_named=entry.also_named,
        about_bytes=entry.about_bytes,
    )


def _window(entry: Entry, values: Mapping[str, str], box: Box, may_be_empty: bool) -> Wanted:
    name = entry.file.format(**values)
    return Wanted(
        source=entry.id,
        version=entry.version,
        key=f"{entry.dataset}/{entry.version}/{box.name}/{name}",
        urls=tuple(url.format(**values) for url in entry.urls),
        kind=entry.kind,
        licence=entry.licence,
        plausible=entry.plausible(values.get("variable")),
        window=box,
        may_be_empty=may_be_empty,
        also_named=entry.also_named,
        about_bytes=entry.part_bytes(box),
    )


def _subset(
    entry: Entry, values: Mapping[str, str], box: Box, may_be_empty: bool = False
) -> Wanted:
    if entry.subset is None:
        raise ConfigError(f"{entry.id} has no subset service")
    name = entry.file.format(**values)
    return Wanted(
        source=entry.id,
        version=entry.version,
        key=f"{entry.dataset}/{entry.version}/{box.name}/{name}",
        urls=tuple(url.format(**values, **box._asdict()) for url in entry.subset.urls),
        kind=entry.subset.kind,
        licence=entry.licence,
        plausible=entry.plausible(values.get("variable")),
        may_be_empty=may_be_empty,
        about_bytes=entry.part_bytes(box),
        otherwise=f"take the whole files of {entry.id}: --whole",
    )


def sample_year(entry: Entry) -> int:
    """A year to ask for: one of the default set, as far as the data set reaches."""
    first, last = entry.years or (1, None)
    if entry.stac is not None:
        first, last = entry.stac.first_year, entry.stac.last_year
    return max(first, min(last or SAMPLE_YEAR, SAMPLE_YEAR))


def sample_files(entry: Entry) -> list[Wanted]:
    """One whole file of every variable of an entry, to ask its servers for."""
    found: dict[str, Wanted] = {}
    for role in entry.roles:
        for values in _values(entry, role, (sample_year(entry),)):
            found.setdefault(str(values.get("variable")), _whole(entry, values))
    return list(found.values())


def small_parts(entry: Entry, box: Box) -> dict[str, Wanted]:
    """By layer, the part of a file inside a box; {} where only whole files are given."""
    found: dict[str, Wanted] = {}
    for role in entry.roles:
        for values in _values(entry, role, (sample_year(entry),)):
            layer = values.get("variable") or next(iter(entry.layers), "")
            if entry.subset is not None:
                found.setdefault(layer, _subset(entry, values, box))
            elif entry.access == "window":
                found.setdefault(layer, _window(entry, values, box, False))
    return found
