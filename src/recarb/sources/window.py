"""A part of a GeoTIFF, read by range requests: a country instead of the world."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recarb.core.errors import OutputError, WrongContent
from recarb.sources.base import Box, Wanted
from recarb.sources.content import HEAD_BYTES, check_decodes, check_head
from recarb.sources.download import Answer, OnBytes, disk_message
from recarb.sources.line import Failure, Line, announced, led_to_login, plain, user_agent

DENSIFY = 101  # points along a side of the box when it is projected: lobes of Goode's projection
BLOCK = 256  # tile of the file written [cells]
ROWS = 1024  # read at a time
RETRIES, RETRY_DELAY_S = "3", "1"  # GDAL's own, below the attempts of the policy


class _Unreadable(Exception):
    """The server's side of a copy failed; the text may still hold a token."""


def probe(line: Line, wanted: Wanted, url: str) -> Answer:
    """Ask for the first bytes of a file and look at them.

    Raises
    ------
    Failure
        No answer, or no file of its kind.
    """
    headers = {"Range": f"bytes=0-{HEAD_BYTES - 1}"}
    with line.get(line.signed(url, wanted.token_url), headers) as response:
        head = b""
        for chunk in response.iter_raw():
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
        final = plain(str(response.url), wanted.token_url)
        try:
            check_head(head, wanted.kind)
        except WrongContent as error:
            login = "; led to a page that asks who you are" if led_to_login(response) else ""
            raise Failure(
                f"status {response.status_code} at {final}: {error}{login}; {len(head)} of "
                f"{announced(response)} bytes came",
                WrongContent,
            ) from error
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        if not total:
            total = response.headers.get("Content-Length", "")
        return Answer(
            url=url,
            final_url=final,
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
            total=int(total) if total.isdigit() else None,
            status=response.status_code,
        )


def read_window(line: Line, wanted: Wanted, url: str, part: Path, on_bytes: OnBytes) -> Answer:
    """Write the cells of `wanted.window` into `part`, as they stand in the file of `url`.

    Raises
    ------
    Failure
        The file cannot be read there, or changed while it was read.
    OutputError
        The disk is full or cannot be written.
    """
    before = probe(line, wanted, url)
    signed = line.signed(url, wanted.token_url)
    try:
        with line.slot(url):
            _copy(signed, wanted, part, line, lambda done: on_bytes(done, None))
    except Failure as failure:
        told = f"status {before.status}, a file of {before.total or 'unknown'} bytes: {failure}"
        raise Failure(told, failure.kind, can_pass=failure.can_pass) from failure
    after = probe(line, wanted, url)
    if (before.etag, before.last_modified, before.total) != (
        after.etag, after.last_modified, after.total,
    ):  # fmt: skip
        raise Failure(
            f"status {after.status}: the file changed while it was read, {before.total} bytes "
            f"before, {after.total} after",
            can_pass=True,
        )
    return after


def _copy(
    url: str, wanted: Wanted, part: Path, line: Line, on_bytes: Callable[[int], None]
) -> None:
    import rasterio

    from recarb.io.opened import GDAL_ERRORS

    seconds = str(max(1, math.ceil(line.policy.timeout_s)))
    settings = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_MAX_RETRY": RETRIES,
        "GDAL_HTTP_RETRY_DELAY": RETRY_DELAY_S,
        "GDAL_HTTP_CONNECTTIMEOUT": seconds,
        "GDAL_HTTP_LOW_SPEED_TIME": str(max(1, math.ceil(line.policy.slow_window_s))),
        "GDAL_HTTP_LOW_SPEED_LIMIT": str(max(1, int(line.policy.slow_bytes_per_s))),
        "GDAL_HTTP_USERAGENT": user_agent(),
        "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",  # a second attempt must not see the first's bytes
    }
    try:
        with rasterio.Env(**settings), rasterio.open(f"/vsicurl/{url}") as source:
            window = _window_of(source, wanted.window, touching=wanted.may_be_empty)
            _write(source, window, part, line, on_bytes)
    except (*GDAL_ERRORS, _Unreadable) as error:
        shown = str(error).replace(url, plain(url, wanted.token_url))
        raise Failure(f"cannot be read by range requests: {shown}", can_pass=True) from error


def _window_of(source: Any, box: Box | None, *, touching: bool = False) -> Any:
    """Whole cells that cover the box, inside the file; `touching`: the line of cells it touches."""
    from rasterio.warp import transform_bounds
    from rasterio.windows import Window, from_bounds

    if box is None:
        return Window(0, 0, source.width, source.height)
    if source.crs is None:
        raise Failure("expected a GeoTIFF with a coordinate system, came one without", WrongContent)
    bounds = transform_bounds("EPSG:4326", source.crs, *box, densify_pts=DENSIFY)
    window = from_bounds(*bounds, transform=source.transform)
    columns = _cells(window.col_off, window.width, source.width, touching)
    rows = _cells(window.row_off, window.height, source.height, touching)
    if columns is None or rows is None:
        raise Failure(
            f"expected a map that covers {box.name}, came one of {tuple(source.bounds)}",
            WrongContent,
        )
    return Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


def _cells(start: float, length: float, there: int, touching: bool) -> range | None:
    """Whole cells along one side, of those that are there; None outside."""
    first, last = max(math.floor(start), 0), min(math.ceil(start + length), there)
    if first == last and touching:
        first = min(first, there - 1)
        last = first + 1
    return range(first, last) if first < last else None


@contextmanager
def _written(part: Path) -> Iterator[None]:
    """Tell GDAL's errors of writing from those of reading; some of them GDAL keeps to itself."""
    from recarb.io.opened import GDAL_ERRORS

    try:
        yield
        check_decodes(part)
    except (*GDAL_ERRORS, WrongContent) as error:
        part.unlink(missing_ok=True)
        raise OutputError(disk_message(part, OSError(str(error)))) from error


def _write(
    source: Any, window: Any, part: Path, line: Line, on_bytes: Callable[[int], None]
) -> None:
    import rasterio
    from rasterio.windows import Window

    from recarb.io.opened import GDAL_ERRORS

    profile = {
        "driver": "GTiff",
        "count": source.count,
        "dtype": source.dtypes[0],
        "nodata": source.nodata,
        "crs": source.crs,
        "transform": source.window_transform(window),
        "width": window.width,
        "height": window.height,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "bigtiff": "if_safer",
    }
    with _written(part), rasterio.open(part, "w", **profile) as target:
        target.scales, target.offsets = source.scales, source.offsets
        target.units, target.descriptions = source.units, source.descriptions
        target.update_tags(**source.tags())
        for top in range(0, int(window.height), ROWS):
            line.check_stop()
            rows = min(ROWS, int(window.height) - top)
            at = Window(window.col_off, window.row_off + top, window.width, rows)
            try:
                values = source.read(window=at)
            except GDAL_ERRORS as error:
                raise Failure(
                    f"cannot be read by range requests: {error}", can_pass=True
                ) from error
            target.write(values, window=Window(0, top, window.width, rows))
            on_bytes(part.stat().st_size)
