"""Ask the live server of an entry whether it still gives what the registry says.

Never from the cache: an answer of yesterday says nothing of a server of today.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from recarb.core.errors import SourceError
from recarb.sources.base import Area, Box, Plausible, Wanted
from recarb.sources.cache import Cache
from recarb.sources.catalogues import boundary_file, stac_files
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Failure, Line
from recarb.sources.packing import compare
from recarb.sources.plan import sample_files, sample_year, small_parts
from recarb.sources.registry import BYTES_PER_MB, Entry
from recarb.sources.window import probe

HALF_SIDE_DEG = 0.1  # of the part that is asked for: a few cells of every map
TRIED_TILES = 6  # of a collection whose items reach less far than their boxes say


@dataclass(frozen=True)
class Answered:
    """What a server said to one question.

    Attributes
    ----------
    good : None where nothing could be asked
    layer : whose unit, packing and range were compared
    """

    url: str
    good: bool | None
    told: str
    layer: str | None = None


def verify(entry: Entry, area: Area, line: Line) -> Iterator[Answered]:
    """Small questions to every server and mirror of an entry: nothing large is fetched.

    Parameters
    ----------
    area : a small country with land in the middle of its first box
    """
    with TemporaryDirectory() as folder:
        fetcher = Fetcher(Cache(Path(folder)), line)
        if entry.access == "manual":
            yield Answered(entry.homepage, None, "can only be had by hand")
        elif entry.stac is not None:
            yield from _collection(entry, area, fetcher)
        elif entry.access == "boundaries":
            yield _boundary(entry, area, fetcher)
        else:
            yield from _files(entry, area, fetcher)


def verified_line(entry: Entry, answers: Sequence[Answered], today: date) -> str | None:
    """The line for the entry's TOML where everything it says of its layers held, else None.

    >>> from recarb.sources.registry import load_registry
    >>> entry = load_registry()["gsocmap"]
    >>> verified_line(entry, [Answered("u", True, "", "soc")], date(2026, 11, 21))
    'verified = "2026-11-21"'
    >>> verified_line(entry, [Answered("u", True, "")], date(2026, 11, 21)) is None
    True
    """
    compared = {answer.layer for answer in answers}
    held = all(answer.good for answer in answers) and compared >= set(entry.layers)
    return f'verified = "{today.isoformat()}"' if held else None


def _files(entry: Entry, area: Area, fetcher: Fetcher) -> Iterator[Answered]:
    """First bytes of whole files, then small parts, decoded."""
    for wanted in sample_files(entry):
        for url in wanted.urls:
            yield _first_bytes(wanted, url, fetcher)
    parts = small_parts(entry, _middle(area))
    for layer, wanted in parts.items():
        for url in wanted.urls:
            yield _part(entry, layer, replace(wanted, urls=(url,)), fetcher)
    left = [name for name in entry.layers if name not in parts]
    if left:
        size = f" of up to {entry.about_mb:g} MB" if entry.about_mb else ""
        yield Answered(
            entry.urls[0], None,
            f"unit, packing and range of {', '.join(left)}: the server gives whole files{size} "
            "only; they are compared when such a file is fetched and prepared",
        )  # fmt: skip


def _middle(area: Area) -> Box:
    west, south, east, north = area.boxes[0]
    lon, lat = (west + east) / 2, (south + north) / 2
    return Box(lon, lat, lon, lat).grown(HALF_SIDE_DEG)


def _part(entry: Entry, layer: str, wanted: Wanted, fetcher: Fetcher) -> Answered:
    """Fetch a small part from its only URL and compare what it holds with the entry."""
    (url,) = wanted.urls
    facts = entry.layers[layer]
    anything = Plausible(-math.inf, math.inf, facts.unit, facts.in_file)
    host = url.split("/")[2].replace(":", "_")  # a mirror's answer is not that of the first
    one = replace(wanted, key=f"{host}/{layer}/{wanted.name}", plausible=anything)
    try:
        (got,) = fetcher.fetch_all([one])
        wrong, told = compare(got.path(fetcher.cache.folder), facts)
    except SourceError as error:
        return Answered(url, False, f"{layer}: {_reason(error)}")
    return Answered(url, not wrong, f"{layer}: {'; '.join([*wrong, told])}", layer)


def _reason(error: SourceError) -> str:
    """Why, without the advice for someone who fetches."""
    lines = str(error).splitlines()
    return "; ".join(line.strip() for line in lines[1:-1]) or lines[0]


def _first_bytes(wanted: Wanted, url: str, fetcher: Fetcher) -> Answered:
    try:
        answer = probe(fetcher.line, wanted, url)
    except Failure as failure:
        return Answered(url, False, str(failure))
    size = f"{answer.total} bytes" if answer.total is not None else "size not told"
    good = True
    if wanted.size_bytes and answer.total:
        low, high = wanted.size_bytes
        good = low <= answer.total <= high
        size += "" if good else f", expected {low / BYTES_PER_MB:g} to {high / BYTES_PER_MB:g} MB"
    moved = f", now at {answer.final_url}" if answer.final_url != url else ""
    return Answered(url, good, f"{wanted.kind.value}, {size}{moved}")


def _collection(entry: Entry, area: Area, fetcher: Fetcher) -> Iterator[Answered]:
    """Search, then a small window of one tile for each asset."""
    if entry.stac is None:
        return
    box, year = _middle(area), sample_year(entry)
    try:
        found = stac_files(entry, replace(area, boxes=(box,)), [year], fetcher)
    except SourceError as error:
        yield Answered(entry.stac.api, False, str(error))
        return
    yield Answered(entry.stac.api, True, f"items of {year}, with their assets")
    for asset in entry.stac.assets:
        tiles = [one for one in found if one.name.endswith(f"_{asset}.tif")][:TRIED_TILES]
        tried = (_part(entry, asset, replace(one, window=box, size_bytes=None), fetcher)
                 for one in tiles)  # fmt: skip
        answers = []
        for answer in tried:
            answers.append(answer)
            if answer.layer is not None:
                break
        yield answers[-1]


def _boundary(entry: Entry, area: Area, fetcher: Fetcher) -> Answered:
    url = entry.urls[0].format(iso3=area.iso3, level="ADM0")
    try:
        wanted = boundary_file(entry, area, "ADM0", fetcher)
        answer = _first_bytes(wanted, wanted.urls[0], fetcher)
    except SourceError as error:
        return Answered(url, False, str(error))
    return Answered(url, answer.good, f"names {wanted.urls[0]}: {answer.told}")
