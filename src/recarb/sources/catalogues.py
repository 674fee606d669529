"""Sources whose files are named by a catalogue: STAC collections and boundaries.

A catalogue's answer goes into the cache like a file: --offline finds the same files again.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from recarb.core.errors import Unreachable, WrongContent
from recarb.sources.base import Area, Box, Kind, Wanted
from recarb.sources.fetch import Fetcher
from recarb.sources.line import Policy, user_agent
from recarb.sources.registry import Entry, Stac

PAGE_ITEMS = 250  # asked for at a time
SHOWN = 200  # of an answer, in an error [characters]
RETRIED = (429, 500, 502, 503, 504)
UNSAFE = str.maketrans({mark: "_" for mark in '\\/:*?"<>|'})


def boundary_file(entry: Entry, area: Area, level: str, fetcher: Fetcher) -> Wanted:
    """The GeoJSON that the boundary API names for a country.

    Raises
    ------
    SourceError
        The API gives no answer, or names no file.
    """
    values = {"iso3": area.iso3, "level": level}
    urls = tuple(url.format(**values) for url in entry.urls)
    key = f"{entry.dataset}/{entry.version}/{entry.file.format(**values)}"
    question = Wanted(entry.id, entry.version, f"{key}.answer.json", urls, Kind.JSON, entry.licence)
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


def stac_files(
    entry: Entry, area: Area, years: Sequence[int], fetcher: Fetcher, margin_deg: float = 0.0
) -> list[Wanted]:
    """The assets of every item of a collection that touches the country in one of the years.

    Of tiles that are read in part, `margin_deg` more is read on every side [deg], as of other maps;
    a tile that lies in the margin alone may be empty.

    Raises
    ------
    SourceError
        The catalogue gives no answer, no item, or an item without the asset.
    """
    if entry.stac is None:
        raise WrongContent(f"{entry.id}: the registry names no STAC collection")
    found: dict[str, Wanted] = {}
    margin_deg = margin_deg if entry.stac.window else 0.0
    for country in area.boxes:
        box = country.grown(margin_deg)
        for year in years:
            items = _search(entry, entry.stac, box, year, fetcher)
            if not items:
                raise WrongContent(
                    f"{entry.stac.api}: {entry.stac.collection} has no item in {year} for "
                    f"{box.name}; choose other years or another --source"
                )
            for item in items:
                for asset in entry.stac.assets:
                    wanted = _asset(entry, entry.stac, item, asset, box)
                    if margin_deg and _beside(item, country):
                        wanted = replace(wanted, may_be_empty=True)
                    found[wanted.key] = wanted
    return list(found.values())


def _beside(item: dict[str, Any], box: Box) -> bool:
    """Whether an item lies outside a box, as far as it tells."""
    if not item.get("bbox"):
        return False
    west, south, east, north = item["bbox"]
    return bool(east <= box.west or west >= box.east or north <= box.south or south >= box.north)


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
    from urllib3 import Retry

    retry = Retry(
        total=policy.attempts,
        backoff_factor=policy.first_wait_s,
        backoff_max=policy.longest_wait_s,
        status_forcelist=RETRIED,
        allowed_methods=None,
        raise_on_status=False,
    )
    asked = f"{stac.api}: {stac.collection}, {year}, {box.name}"
    try:
        api = StacApiIO(
            headers={"User-Agent": user_agent()}, max_retries=retry, timeout=policy.timeout_s
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
            f"{asked}: {told}{text[:SHOWN]}; try again later, or choose another --source"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WrongContent(
            f"{asked}: status 200, expected a STAC answer, came something else ({error}); try "
            "again later, or choose another --source"
        ) from error
    return json.dumps(found).encode()
