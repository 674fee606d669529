"""Two sets of maps, cell by cell: what differs, by how much, and where.

Either side is the folder of a run or anybody's maps under the names that countries submit,
`{CODE}_GSOCseq_{map}.tif`. A difference is always B minus A, on the grid of A.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Layer
from recarb.core.errors import ConfigError, GridMismatch, InputError
from recarb.core.findings import Progress, no_progress
from recarb.core.grid import Tile, cell_areas_ha
from recarb.core.provenance import combined_hash, sha256_of, write_json
from recarb.core.quantities import Quantity
from recarb.harmonise.regrid import aligned_shift, is_finer, to_grid
from recarb.io.cog import MapSpec, MapWriter
from recarb.io.raster import LayerFile, describe
from recarb.io.tables import write_csv
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.products import (
    DIFFERENCE_LIMITS,
    RATE,
    RATE_LIMITS,
    RELATIVE_LIMITS,
    RELATIVE_RATE_LIMITS,
    SHARE,
    STOCK,
    STOCK_LIMITS,
    UNCERTAINTY_LIMITS,
)
from recarb.sequestration.run_folder import STAGING, writing

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NAME = re.compile(r"^(?P<code>.+?)_GSOCseq_(?P<stem>.+)\.tiff?$")
STATISTICS, RECORD, DIFFERENCES = "statistics.csv", "comparison.json", "differences"
FOLDER_MODE = 0o755  # a temporary folder is for its owner alone
FLAT = 1e-6  # spread over the largest value, below which a float32 map shows its rounding only
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KINDS = {  # first word of a map's name: unit, limits of the plausible
    "T0": (STOCK, STOCK_LIMITS),
    "finalSOC": (STOCK, STOCK_LIMITS),
    "AbsDiff": (STOCK, DIFFERENCE_LIMITS),
    "ASR": (RATE, RATE_LIMITS),
    "RelDiff": (STOCK, RELATIVE_LIMITS),
    "RSR": (RATE, RELATIVE_RATE_LIMITS),
}
UNCERTAINTY = "Uncertainty"
STOCKS = ("T0", "finalSOC")  # 0 is no stock: the published scripts write it where they skip a cell


@dataclass(frozen=True)
class Options:
    """How two sets are compared.

    Attributes
    ----------
    resample : bring B to the grid of A where the two differ, instead of refusing
    nodata : values that mean "missing", beside those that the files declare
    tolerance_pct : of A's value, within which two values count as equal
    all_values : compare implausible values too, instead of counting and leaving them out
    """

    resample: bool = False
    nodata: tuple[float, ...] = ()
    tolerance_pct: float = 1.0
    all_values: bool = False


@dataclass(frozen=True)
class MapPair:
    """One map of both sides on the grid of A, (y, x), NaN where it has no value."""

    stem: str
    unit: str
    grid: GeoBox
    a: Floats
    b: Floats

    @property
    def difference(self) -> Floats:
        """B minus A."""
        return self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """What was found: a row per map, and what one has to know to read it."""

    folder: Path
    table: pd.DataFrame
    notes: tuple[str, ...]


def compare(
    a: Path,
    b: Path,
    out: Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    pictures: Callable[[MapPair, Path], object] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare all maps that two folders have in common and write what differs into `out`.

    `out` gets statistics.csv, differences/*.tif (B minus A), comparison.json and what `pictures`
    draws of each pair. Memory: some ten times one map.

    Raises
    ------
    MissingData, InputError
        A folder has no maps, or two maps under one name.
    GridMismatch
        A pair lies on different grids and `options.resample` is not set.
    ConfigError
        `out` exists and is not to be replaced.
    """
    options, show = options or Options(), progress or no_progress
    found = find_maps(a), find_maps(b)
    stems = [stem for stem in found[0] if stem in found[1]]
    notes = _only_in_one(found)
    if not stems:
        raise InputError(
            f"{a} and {b} have no map in common; expected the same names after GSOCseq_ in both. "
            + "; ".join(notes)
        )
    rows = []
    with _built(out, overwrite) as part:
        for done, stem in enumerate(stems):
            show(done, len(stems), "comparing")
            pair, row, of_grid = read_pair(stem, found[0][stem], found[1][stem], options)
            notes += [note for note in of_grid if note not in notes]
            rows.append({**row, **statistics(pair, options.tolerance_pct)})
            _write_difference(pair, part)
            if pictures is not None:
                pictures(pair, part)
        show(len(stems), len(stems), "comparing")
        table = pd.DataFrame(rows)
        write_csv(table, part / STATISTICS)
        with writing(part):
            write_json(part / RECORD, _record(a, b, found, stems, options, notes))
    return Comparison(out, table, tuple(notes))


def find_maps(folder: Path) -> dict[str, Path]:
    """Maps of a folder by what stands after `GSOCseq_` in their names, in the order of a delivery.

    Raises
    ------
    InputError
        There is none, or there are two of one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*_GSOCseq_*.tif*")):
        if (match := NAME.match(path.name)) is None or kind_of(match["stem"]) is None:
            continue
        stem = match["stem"]
        if stem in found:
            raise InputError(
                f"{folder}: {found[stem].name} and {path.name} are the same map of two countries; "
                "expected the maps of one: move the others away"
            )
        found[stem] = path
    if not found:
        raise InputError(
            f"{folder}: expected a finished run, or maps named CODE_GSOCseq_T0_Map030.tif and so "
            f"on; {'it has none' if folder.is_dir() else 'there is no such folder'}"
        )
    order = [*KINDS]
    return dict(sorted(found.items(), key=lambda i: (UNCERTAINTY in i[0], _place(i[0], order))))


def _place(stem: str, order: list[str]) -> tuple[int, str]:
    first = stem.split("_", maxsplit=1)[0]
    return (order.index(first) if first in order else len(order)), stem


def kind_of(stem: str) -> tuple[str, tuple[float, float]] | None:
    """Unit and limits of the plausible of a map; None if it is none of a delivery.

    >>> kind_of("RSR_SSM1_Map030")
    ('t ha-1 year-1', (0.0, 4.0))
    """
    if UNCERTAINTY in stem:
        return SHARE, UNCERTAINTY_LIMITS
    return KINDS.get(stem.split("_", maxsplit=1)[0])


def read_pair(
    stem: str, a: Path, b: Path, options: Options
) -> tuple[MapPair, dict[str, Any], list[str]]:
    """Both maps on the grid of A, the counts of what has no place in the statistics, notes."""
    kind = kind_of(stem)
    assert kind is not None  # noqa: S101 - `find_maps` gives no other
    unit, limits = kind
    files = [_described(path, stem, unit, options.nodata) for path in (a, b)]
    grid = files[0].geobox
    notes = _grid_notes(files[0], files[1], options.resample)
    values = [to_grid(file, grid) for file in files]
    row: dict[str, Any] = {"map": stem, "unit": unit}
    for side, field in zip("ab", values, strict=True):
        wrong = _implausible(field, stem, limits)
        row[f"implausible_in_{side}"] = int(wrong.sum())
        if not options.all_values:
            field[wrong] = np.nan
    known_a, known_b = (np.isfinite(field) for field in values)
    row["only_in_a"] = int((known_a & ~known_b).sum())
    row["only_in_b"] = int((known_b & ~known_a).sum())
    return MapPair(stem, unit, grid, *values), row, notes


def _described(path: Path, stem: str, unit: str, nodata: tuple[float, ...]) -> LayerFile:
    """A map with the unit its tags name; without any, the one of the protocol."""
    quantity = Quantity(key=stem, long_name=stem, unit=unit, source="GSOCseq manual ch. 13")
    found = describe(stem, Layer(path=path, unit=unit, nodata=nodata), quantity)
    if found.unit_tag is None:
        return found
    return describe(stem, Layer(path=path, nodata=nodata), quantity)


def _grid_notes(a: LayerFile, b: LayerFile, resample: bool) -> list[str]:
    """What was done where two grids differ.

    Raises
    ------
    GridMismatch
        They differ in their cells, and B was not to be resampled.
    """
    shift = aligned_shift(b.geobox, a.geobox)
    if shift is not None:
        same = b.geobox.shape == a.geobox.shape and shift == (0, 0)
        return [] if same else ["B has the cells of A, in another extent"]
    if not resample:
        raise GridMismatch(
            f"{a.layer.path.name} and {b.layer.path.name} lie on different grids: "
            f"{_grid_text(a.geobox)} and {_grid_text(b.geobox)}. Cells that are not the same "
            "cannot be compared: make the maps on one grid, or bring B to the grid of A with "
            "--resample (mean of smaller cells, else bilinear)"
        )
    how = "the mean of its cells" if is_finer(b.geobox, a.geobox) else "bilinear interpolation"
    return [f"B was brought to the grid of A by {how}"]


def _grid_text(grid: GeoBox) -> str:
    height, width = grid.shape
    a = grid.transform
    return f"{height} x {width} cells of {a.a:.7g} from {a.c:.7g}, {a.f:.7g} ({grid.crs})"


def _implausible(field: Floats, stem: str, limits: tuple[float, float]) -> Bools:
    low, high = limits
    wrong = (field < low) | (field > high)
    if stem.split("_", maxsplit=1)[0] in STOCKS and UNCERTAINTY not in stem:
        wrong |= field == 0.0
    return np.asarray(wrong)


def statistics(pair: MapPair, tolerance_pct: float = 1.0) -> dict[str, float]:
    """Statistics of the cells that both sides have, weighted by their area.

    `within_pct` is the share of the area where |B - A| is at most `tolerance_pct` of |A|.
    """
    both = np.isfinite(pair.a) & np.isfinite(pair.b)
    height, width = pair.grid.shape
    area = cell_areas_ha(pair.grid, Tile(slice(0, height), slice(0, width)))[both]
    a, b = pair.a[both], pair.b[both]
    found: dict[str, float] = {"cells": int(both.sum()), "area_ha": float(area.sum())}
    if not both.any():
        return found
    share = area / area.sum()
    off = b - a
    mean_a, mean_b = float((share * a).sum()), float((share * b).sum())
    found |= {"mean_a": mean_a, "mean_b": mean_b, "mean_difference": float((share * off).sum())}
    found["rmse"] = float(np.sqrt((share * off**2).sum()))
    for quantile, value in zip(QUANTILES, _quantiles(off, share), strict=True):
        found[f"difference_q{100 * quantile:02.0f}"] = float(value)
    spread_a = float(np.sqrt((share * (a - mean_a) ** 2).sum()))
    spread_b = float(np.sqrt((share * (b - mean_b) ** 2).sum()))
    together = float((share * (a - mean_a) * (b - mean_b)).sum())
    flat = min(spread_a, spread_b) <= FLAT * float(np.abs([a, b]).max())
    found["correlation"] = float("nan") if flat else together / (spread_a * spread_b)
    close = np.abs(off) <= tolerance_pct / PERCENT * np.abs(a)
    found["within_pct"] = float(PERCENT * share[close].sum())
    return found


def _quantiles(values: Floats, share: Floats) -> Floats:
    """Quantiles of values that stand for shares of the area."""
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(share[order]) - share[order] / 2.0
    return np.asarray(np.interp(QUANTILES, middle, values[order]))


def _only_in_one(found: tuple[dict[str, Path], dict[str, Path]]) -> list[str]:
    notes = []
    for side, maps, other in (("A", *found), ("B", *found[::-1])):
        if alone := [stem for stem in maps if stem not in other]:
            notes.append(f"only in {side}: {', '.join(alone)}")
    return notes


@contextmanager
def _built(out: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write into that becomes `out` when all is done, and nothing after a fault.

    Raises
    ------
    ConfigError
        `out` exists: an earlier comparison that is not to be replaced, or something else.
    """
    if out.exists() and not (overwrite and (out / RECORD).is_file()):
        raise ConfigError(
            f"{out} exists; name another folder with --out, or replace an earlier comparison with "
            "--overwrite"
        )
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(prefix=f"{out.name}.", suffix=".part", dir=out.parent))
    try:
        with writing(out):
            (part / DIFFERENCES).mkdir()
            (part / STAGING).mkdir()
        yield part
        with writing(out):
            (part / STAGING).rmdir()
            part.chmod(FOLDER_MODE)
            if out.exists():
                shutil.rmtree(out)
            part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_difference(pair: MapPair, out: Path) -> None:
    title = f"{pair.stem}, B minus A"
    tags = {"title": title, "units": pair.unit}
    spec = MapSpec(f"{pair.stem}_difference", title, pair.unit, tags=tags)
    with MapWriter(spec, pair.grid, out / STAGING) as writer:
        writer.write(pair.difference, 0, 0)
        writer.publish(out / DIFFERENCES)


def _record(
    a: Path,
    b: Path,
    found: tuple[dict[str, Path], dict[str, Path]],
    stems: Iterable[str],
    options: Options,
    notes: list[str],
) -> dict[str, Any]:
    """What was compared with what, and how."""

    def side(folder: Path, maps: dict[str, Path]) -> dict[str, str]:
        return {
            "folder": folder.name,
            "maps_sha256": combined_hash(sha256_of(maps[stem]) for stem in stems),
        }

    stems = list(stems)
    return {
        "a": side(a, found[0]),
        "b": side(b, found[1]),
        "maps": stems,
        "options": vars(options),
        "notes": notes,
    }
