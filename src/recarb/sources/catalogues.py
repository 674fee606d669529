"""Sources whose files are named by a catalogue: STAC collections and boundaries.

A catalogue's answer goes into the cache like a file: --offline finds the same files again.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from recarb.core.errors import Unreachable, WrongContent
from recarb.sources.base import Area, Box, Kind, Wanted
from recarb.sources.fetch import Fetcher, find_dropped
from recarb.sources.line import Policy, user_agent
from recarb.sources.registry import Entry, Stac

PAGE_ITEMS = 250  # asked for at a time
SHOWN = 200  # of an answer, in an error [characters]
RETRIED = (429, 500, 502, 503, 504)
RETRY_TOO_LATE = "the server asks for too long a pause"
WITHOUT_STAC = (
    "take the pack of an office that has the files (--unpack FILE --offline), choose another "
    "--source, or leave the layer out (--source LAYER=none) and give your own map to "
    "`recarb prepare --own`"
)
UNSAFE = str.maketrans({mark: "_" for mark in '\\/:*?"<>|'})


def boundary_file(entry: Entry, area: Area, level: str, fetcher: Fetcher) -> Wanted:
    """The GeoJSON that the boundary API names for a country; one that is dropped in needs no API.

    Raises
    ------
    SourceError
        The API gives no answer, or names no file.
    """
    values = {"iso3": area.iso3, "level": level}
    urls = tuple(url.format(**values) for url in entry.urls)
    key = f"{entry.dataset}/{entry.version}/{entry.file.format(**values)}"
    question = Wanted(
        entry.id, entry.version, f"{key}.answer.json", urls, Kind.JSON, entry.licence,
        instead=_instead_of(entry, key),
    )  # fmt: skip
    plain = Wanted(entry.id, entry.version, key, urls, Kind.JSON, entry.licence)
    if find_dropped(fetcher.drop_in, plain) is not None:
        return plain
    answer = fetcher.document(question)
    url = answer.get("gjDownloadURL") if isinstance(answer, dict) else None
    if not isinstance(url, str):
        raise WrongContent(
            f"{urls[0]}: expected the key gjDownloadURL, came {str(answer)[:SHOWN]}; give the "
            "country's own --boundary"
        )
    return Wanted(
        source=entry.id,
        version=str(answer.get("boundaryID") or entry.version),
        key=key,
        urls=(url,),
        kind=Kind.JSON,
        licence=str(answer.get("boundaryLicense") or entry.licence),
        about_bytes=entry.about_bytes,
    )


def _instead_of(entry: Entry, key: str) -> str:
    """What helps where the boundary API does not answer."""
    other = f", --source LAYER={entry.fallback}" if entry.fallback else ""
    return (
        f"take the country's file from {entry.homepage} by hand, name it "
        f"{key.rpartition('/')[2]} and its folder with --drop-in, or give your own --boundary"
        f"{other}"
    )


def stac_files(
    entry: Entry, area: Area, years: Sequence[int], fetcher: Fetcher, margin_deg: float = 0.0
) -> list[Wanted]:
    """The assets of every item of a collection that touches the country in one of the years.

    Of tiles that are read in part, `margin_deg` more is read on every side [deg], as of other maps;
    a tile that lies in the margin alone may be empty. So may one of several boxes, and a whole
    image: polar night and cloud.

    Raises
    ------
    SourceError
        The catalogue gives no answer, no item, or an item without the asset.
    """
    if entry.stac is None:
        raise WrongContent(f"{entry.id}: the registry names no STAC collection")
    found: dict[str, Wanted] = {}
    margin_deg = margin_deg if entry.stac.window else 0.0
    lenient = len(area.boxes) > 1 or not entry.stac.window
    for year in years:
        missing = []
        for country in area.boxes:
            box = country.grown(margin_deg)
            items = _search(entry, entry.stac, box, year, fetcher)
            items = [item for item in items if _overlaps(item, box)]
            missing += [] if items else [box.name]
            for item in items:
                for asset in entry.stac.assets:
                    wanted = _asset(entry, entry.stac, item, asset, box)
                    if lenient or not _overlaps(item, country):
                        wanted = replace(wanted, may_be_empty=True)
                    found[wanted.key] = wanted
        _tell_missing(entry.stac, year, missing, area, fetcher)
    return list(found.values())


def _tell_missing(stac: Stac, year: int, missing: list[str], area: Area, fetcher: Fetcher) -> None:
    """Boxes without an item: a box of sea may have none, but not the whole country."""
    if not missing:
        return
    told = f"{stac.collection} has no item in {year} for {', '.join(missing)}"
    if len(missing) == len(area.boxes):
        raise WrongContent(f"{stac.api}: {told}; choose other years or another --source")
    fetcher.tell(f"note: {told}: nothing but sea?")


def _overlaps(item: dict[str, Any], box: Box) -> bool:
    """Whether an item and a box share more than a line, as far as the item tells."""
    corners = item.get("bbox")
    if not corners:
        return True
    west, south, *_ = corners
    east, north, *_ = corners[len(corners) // 2 :]  # of six numbers, two are heights
    if north <= box.south or south >= box.north:
        return False
    if west > east:  # across 180 degrees [RFC 7946, section 5.2]
        return bool(east > box.west or west < box.east)
    return bool(east > box.west and west < box.east)


def _asset(entry: Entry, stac: Stac, item: dict[str, Any], asset: str, box: Box) -> Wanted:
    assets = item.get("assets", {})
    href = assets.get(asset, {}).get("href")
    if not href:
        raise WrongContent(
            f"{stac.api}: item {item.get('id')} has no asset {asset}, it has "
            f"{', '.join(assets) or 'none'}; correct a copy of the entry {entry.id} (--registry)"
        )
    place = f"{box.name}/" if stac.window else ""
    name = f"{item['id']}_{asset}.tif".translate(UNSAFE)
    size = assets[asset].get("file:size")
    return Wanted(
        source=entry.id,
        version=entry.version,
        key=f"{entry.dataset}/{entry.version}/{place}{name}",
        urls=(href,),
        kind=entry.kind,
        licence=entry.licence,
        size_bytes=(size, size) if isinstance(size, int) and not stac.window else None,
        plausible=entry.plausible(asset),
        window=box if stac.window else None,
        token_url=stac.token_url,
        about_bytes=entry.part_bytes(box) if stac.window else entry.about_bytes,
    )


def _search(
    entry: Entry, stac: Stac, box: Box, year: int, fetcher: Fetcher
) -> list[dict[str, Any]]:
    """Items of one year, each with its id."""
    question = Wanted(
        source=entry.id,
        version=entry.version,
        key=f"{entry.dataset}/{entry.version}/search_{year}_{box.name}.json",
        urls=(stac.api,),
        kind=Kind.JSON,
        licence=entry.licence,
        instead=WITHOUT_STAC,
    )
    answer = fetcher.document(question, lambda: search_stac(stac, box, year, fetcher.line.policy))
    items: list[dict[str, Any]] = answer["features"]
    return items


def search_stac(stac: Stac, box: Box, year: int, policy: Policy) -> bytes:
    """Ask a STAC API for the items of a year and a box; the answer as GeoJSON.

    Raises
    ------
    Unreachable, WrongContent
    """
    from pystac_client import Client
    from pystac_client.exceptions import APIError
    from pystac_client.stac_api_io import StacApiIO

    asked = f"{stac.api}: {stac.collection}, {year}, {box.name}"
    try:
        api = StacApiIO(
            headers={"User-Agent": user_agent()},
            max_retries=_patience(policy),
            timeout=policy.timeout_s,
        )
        client = Client.open(stac.api, stac_io=api)
        search = client.search(
            collections=[stac.collection],
            bbox=list(box),
            datetime=f"{year}-01-01T00:00:00Z/{year}-12-31T23:59:59Z",
            limit=PAGE_ITEMS,
            method="GET",
        )
        found = search.item_collection_as_dict()
    except APIError as error:
        status = getattr(error, "status_code", None)  # not set where the line itself broke
        text = str(error)
        told = f"status {status}, {len(text.encode())} bytes came: " if status else ""
        raise Unreachable(
            f"{asked}: {told}{text[:SHOWN]}\n  -> try again later, or {WITHOUT_STAC}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WrongContent(
            f"{asked}: status 200, expected a STAC answer, came something else ({error})\n"
            f"  -> try again later, or {WITHOUT_STAC}"
        ) from error
    return json.dumps(found).encode()


def _patience(policy: Policy) -> Any:
    """The retries of a policy; a server that asks for too long a pause is not waited for."""
    from urllib3 import Retry
    from urllib3.exceptions import MaxRetryError, ResponseError

    class Patience(Retry):
        def increment(self, *args: Any, **known: Any) -> Self:
            response = known.get("response")
            asked_s = self.get_retry_after(response) if response is not None else None
            if (asked_s or 0.0) > policy.longest_retry_after_s:
                raise MaxRetryError(known["_pool"], "", ResponseError(RETRY_TOO_LATE))
            return super().increment(*args, **known)

    return Patience(
        total=policy.attempts,
        backoff_factor=policy.first_wait_s,
        backoff_max=policy.longest_wait_s,
        status_forcelist=RETRIED,
        allowed_methods=None,
        raise_on_status=False,
    )
