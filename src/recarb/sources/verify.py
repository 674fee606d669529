"""Ask the live server of an entry whether it still gives what the registry says."""

from collections.abc import Iterator
from dataclasses import dataclass

from recarb.core.errors import SourceError
from recarb.sources.base import Area, Wanted
from recarb.sources.catalogues import boundary_file, search_stac
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Failure
from recarb.sources.plan import BYTES_PER_MB, sample_files
from recarb.sources.registry import Entry
from recarb.sources.window import probe


@dataclass(frozen=True)
class Answered:
    """What a server said to one question."""

    url: str
    good: bool
    told: str


def verify(entry: Entry, area: Area, fetcher: Fetcher) -> Iterator[Answered]:
    """One small question to every server and mirror of an entry: nothing large is fetched.

    Parameters
    ----------
    area : a small country to ask for
    """
    if entry.access == "manual":
        yield Answered(entry.homepage, False, "can only be had by hand; not asked")
    elif entry.stac is not None:
        yield _search(entry, area, fetcher)
    elif entry.access == "boundaries":
        yield _boundary(entry, area, fetcher)
    else:
        for wanted in sample_files(entry, area):
            for url in wanted.urls:
                yield _first_bytes(wanted, url, fetcher)


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


def _search(entry: Entry, area: Area, fetcher: Fetcher) -> Answered:
    stac = entry.stac
    if stac is None:
        return Answered("", False, "no STAC collection in the registry")
    year = stac.last_year or stac.first_year
    try:
        body = search_stac(stac, area.boxes[0], year, fetcher.line.policy)
        fetcher.line.signed(stac.api, stac.token_url)
    except (SourceError, Failure) as error:
        return Answered(stac.api, False, str(error))
    missing = [asset for asset in stac.assets if f'"{asset}"'.encode() not in body]
    told = f"no asset {', '.join(missing)}" if missing else f"items of {year}, with their assets"
    return Answered(stac.api, not missing, told)


def _boundary(entry: Entry, area: Area, fetcher: Fetcher) -> Answered:
    url = entry.urls[0].format(iso3=area.iso3, level="ADM0")
    try:
        wanted = boundary_file(entry, area, "ADM0", fetcher)
        answer = _first_bytes(wanted, wanted.urls[0], fetcher)
    except SourceError as error:
        return Answered(url, False, str(error))
    return Answered(url, answer.good, f"names {wanted.urls[0]}: {answer.told}")
