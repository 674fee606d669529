"""What is wrong with one layer: values that cannot be, nothing there, no overlap, unknown codes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.errors import UnitError
from recarb.core.findings import Finding, Severity
from recarb.core.grid import is_geographic
from recarb.core.quantities import Quantity
from recarb.core.units import conversion, is_unit
from recarb.harmonise.crosswalk import Crosswalk
from recarb.harmonise.landuse import count_codes
from recarb.harmonise.regrid import source_window
from recarb.io.raster import ROI, LayerFile, read, read_raw_codes
from recarb.sequestration.check_report import LayerSummary, summary_of
from recarb.sequestration.impossible import BYTE_SENTINELS, Impossible, is_sentinel
from recarb.sequestration.suspicions import SuspicionCode, suspicion

__all__ = [
    "LayerSummary",
    "Scan",
    "Watch",
    "blocks",
    "code_findings",
    "constant_findings",
    "ground_of",
    "mask_findings",
    "overlap_findings",
    "summary_of",
    "together",
    "unit_findings",
    "value_findings",
    "zone_findings",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Watch = Callable[[list[int], ROI, Floats], None]  # bands, window, values: NaN is missing

BANDS_AT_ONCE = 12
LARGE_BLOCK = 4_000_000  # values read at once
WITHOUT_SOC = 50_000_000  # values of a layer that are checked although the SOC map is broken
NAMED_CODES = 10
PERCENT, CIRCLE = 100.0, 360.0
SOME, MOST = 0.01, 0.5  # share of the values; own judgement
ROUNDING = 1e-6  # of the upper limit: 1.0000001 as a share is 1
NEGATIVE_WATER_MM = 0.01  # reanalyses hold months with -1e-6 mm; own judgement


@dataclass
class Scan:
    """Running statistics of a layer over its window; the mean is that of the possible values."""

    low: float = np.inf
    high: float = -np.inf
    total: float = 0.0
    valid: int = 0
    possible: int = 0
    zeros: int = 0
    cells: int = 0

    def add(self, values: Floats, wrong: Bools) -> None:
        """Add one block; NaN is missing."""
        known = ~np.isnan(values)
        self.cells += values.size
        self.valid += int(known.sum())
        if known.any():
            self.low = min(self.low, float(np.nanmin(values)))
            self.high = max(self.high, float(np.nanmax(values)))
        possible = values[known & ~wrong]
        self.possible += possible.size
        self.zeros += int((possible == 0.0).sum())
        self.total += float(possible.sum())


def unit_findings(layer: LayerFile) -> list[Finding]:
    """Whether run.toml gives another unit than the file's own tag."""
    tag = layer.unit_tag
    if layer.unit_from != "run.toml" or tag is None or layer.quantity.is_code:
        return []
    try:
        if conversion(tag, layer.quantity, layer.where) == layer.conversion:
            return []
    except UnitError:
        if is_unit(tag):  # a unit, but of something else
            return [
                suspicion(
                    SuspicionCode.FOREIGN_UNIT_TAG,
                    layer.where,
                    f"the file's own tag says {tag!r}, which is no unit of "
                    f"{layer.quantity.long_name}; run.toml says {layer.unit!r}",
                    "is it the right file? Two layers may be swapped",
                )
            ]
    return [
        Finding(
            "unit_overrides_tag",
            Severity.WARNING,
            layer.where,
            f"run.toml says the unit is {layer.unit!r}, the file's own tag says {tag!r}; run.toml "
            "counts",
            "remove `unit` from run.toml if the tag is right",
        )
    ]


def ground_of(layer: LayerFile, grid: GeoBox | None) -> GeoBox | None:
    """Where a layer is checked: on the SOC map; without one, all of it, unless it is huge."""
    if grid is not None:
        return grid
    height, width = layer.geobox.shape
    return layer.geobox if height * width * layer.count <= WITHOUT_SOC else None


def overlap_findings(layer: LayerFile, grid: GeoBox, key: str) -> list[Finding]:
    """Whether the layer and the SOC grid share any ground."""
    window = source_window(layer.geobox, grid)
    box, ours = layer.geobox.boundingbox, grid.boundingbox
    turns = (-CIRCLE, 0.0, CIRCLE) if is_geographic(grid) else (0.0,)
    aside = all(box.right + t <= ours.left or box.left + t >= ours.right for t in turns)
    apart = layer.geobox.crs == grid.crs and (
        aside or box.top <= ours.bottom or box.bottom >= ours.top
    )
    if not apart and all(part.stop > part.start for part in window):
        return []
    return [
        Finding(
            "no_overlap",
            Severity.ERROR,
            f"{key} ({layer.layer.path.name})",
            f"covers x {box.left:g} to {box.right:g}, y {box.bottom:g} to {box.top:g} "
            f"({_crs_name(layer.geobox)}); expected ground of the SOC map, which lies at x "
            f"{ours.left:g} to {ours.right:g}, y {ours.bottom:g} to {ours.top:g} "
            f"({_crs_name(grid)})",
            _where_hint(layer.geobox),
        )
    ]


def _where_hint(box: GeoBox) -> str:
    edge = box.boundingbox
    degrees = max(abs(edge.left), abs(edge.right), abs(edge.top), abs(edge.bottom)) <= CIRCLE
    if degrees and box.crs is not None and not box.crs.geographic:
        return "these numbers look like degrees: is its coordinate system EPSG:4326 instead?"
    return "use a layer of this country, with the right coordinate system"


def _crs_name(box: GeoBox) -> str:
    code = None if box.crs is None else box.crs.to_epsg()
    return f"EPSG:{code}" if code else "a coordinate system without EPSG code"


def blocks(layer: LayerFile, roi: ROI) -> Iterator[tuple[list[int], ROI]]:
    """Bands and windows that walk through a layer with bounded memory."""
    rows, columns = roi
    width = max(columns.stop - columns.start, 1)
    bands = min(BANDS_AT_ONCE, layer.count)
    step = max(LARGE_BLOCK // (width * bands), 1)
    for first in range(1, layer.count + 1, bands):
        chosen = list(range(first, min(first + bands, layer.count + 1)))
        for row in range(rows.start, rows.stop, step):
            yield chosen, (slice(row, min(row + step, rows.stop)), columns)


def value_findings(
    layer: LayerFile,
    grid: GeoBox,
    row: LayerSummary,
    days: Floats | None = None,
    bands: tuple[int, ...] | None = None,
    watch: Watch | None = None,
) -> list[Finding]:
    """Read the part of a layer that lies on the country; fill `row`; say what cannot be.

    `days` are those of every band of the layer; `watch` sees every block without what cannot be.
    """
    quantity, scan, impossible = layer.quantity, Scan(), Impossible(layer)
    for block, window in blocks(layer, source_window(layer.geobox, grid)):
        chosen = [band for band in block if bands is None or band in bands]
        if not chosen:
            continue
        values = read(layer, chosen, window, None if days is None else days[np.array(chosen) - 1])
        wrong = _wrong(values, quantity)
        scan.add(values, wrong)
        if wrong.any():
            impossible.add(values, wrong, chosen, window)
            values[wrong] = np.nan
        if watch is not None:
            watch(chosen, window, values)
    if scan.valid == 0:
        return [_all_nodata(layer, "no value at all", scan.cells)]
    row.low, row.high = scan.low, scan.high
    row.mean = scan.total / scan.possible if scan.possible else np.nan
    row.missing_pct = PERCENT * (1.0 - scan.valid / scan.cells)
    return impossible.findings(scan.valid) + _zeros(layer, scan.zeros / scan.valid)


def constant_findings(layer: LayerFile, row: LayerSummary) -> list[Finding]:
    """A map that holds one value everywhere stands for no country."""
    if row.low != row.high or layer.geobox.shape == (1, 1):
        return []
    return [
        Finding(
            "constant_layer",
            Severity.WARNING,
            layer.where,
            f"expected a map that varies, every value on the country is {row.low:g} "
            f"{row.values_in}",
            "is it the map itself, or a placeholder?",
        )
    ]


def _zeros(layer: LayerFile, share: float) -> list[Finding]:
    """Soil without any clay: 0 stands for "missing" in many files."""
    if layer.quantity.key != "clay" or share <= SOME:
        return []
    told = f"{share:.0%} of the values are exactly 0; expected some clay in every soil"
    advice = "if 0 means missing, write beside its path: nodata = [0]"
    if share > MOST:
        return [suspicion(SuspicionCode.ZERO_FILLED, layer.where, told, advice)]
    return [Finding("zeros", Severity.WARNING, layer.where, told, advice)]


def _wrong(values: Floats, quantity: Quantity) -> Bools:
    """Where a value is impossible, rounding allowed for."""
    low = quantity.low - (NEGATIVE_WATER_MM if quantity.unit.startswith("mm") else 0.0)
    high = quantity.high + ROUNDING * abs(quantity.high)
    return np.asarray((values < low) | (values > high))


def _all_nodata(layer: LayerFile, nothing: str, cells: int) -> Finding:
    return Finding(
        "all_nodata",
        Severity.ERROR,
        layer.where,
        f"expected values where the country lies, found {nothing} in {cells:,} cells",
        "is it the right file and band, and is its nodata value right?",
    )


def together(*watches: Watch | None) -> Watch:
    """Several watches as one; None watches nothing."""
    chosen = [watch for watch in watches if watch is not None]

    def all_of_them(bands: list[int], window: ROI, values: Floats) -> None:
        for watch in chosen:
            watch(bands, window, values)

    return all_of_them


def _counts(
    layer: LayerFile, grid: GeoBox, row: LayerSummary, watch: Watch | None
) -> tuple[dict[int, int], int]:
    """Cells of every code on the country, and all cells; fills the missing share of `row`."""
    counts: Counter[int] = Counter()
    cells = 0
    for block, window in blocks(layer, source_window(layer.geobox, grid)):
        for band in block:
            if layer.layer.band in {None, band}:
                codes, valid = read_raw_codes(layer, band, window)
                counts.update(count_codes(codes, valid, where=layer.where))
                cells += valid.size
                if watch is not None:
                    watch([band], window, np.where(valid, codes, np.nan)[np.newaxis])
    if cells:
        row.missing_pct = PERCENT * (1.0 - counts.total() / cells)
    return dict(counts), cells


def code_findings(
    layer: LayerFile,
    crosswalk: Crosswalk,
    grid: GeoBox,
    row: LayerSummary,
    watch: Watch | None = None,
) -> tuple[list[Finding], dict[int, int]]:
    """Codes of a land-use layer without a row in its crosswalk, and the cells of every code."""
    counts, cells = _counts(layer, grid, row, watch)
    if not set(counts) - set(crosswalk.nodata):
        return [_all_nodata(layer, "no land-cover class", cells)], counts
    missing = {
        code: number
        for code, number in counts.items()
        if code not in crosswalk.classes and code not in crosswalk.nodata
    }
    if not missing:
        return [], counts
    most = sorted(missing.items(), key=lambda item: -item[1])
    named = ", ".join(f"{code} ({number:,} cells)" for code, number in most[:NAMED_CODES])
    more = f" and {len(most) - NAMED_CODES} more" if len(most) > NAMED_CODES else ""
    return [
        Finding(
            "unknown_land_cover",
            Severity.ERROR,
            layer.where,
            f"expected codes of the crosswalk {crosswalk.name!r}, found without a row there: "
            f"{named}{more}",
            _code_hint(missing, crosswalk, layer),
        )
    ], counts


def _code_hint(missing: dict[int, int], crosswalk: Crosswalk, layer: LayerFile) -> str:
    """What to do about codes without a row; another legend is likelier than a missing row."""
    for code, text in crosswalk.foreign.items():
        if code in missing:
            return text
    empty = [code for code in missing if _means_missing(code)]
    if empty:
        declared = [*(f"{value:g}" for value in layer.layer.nodata), *map(str, sorted(empty))]
        return f"if they mean missing, write beside its path: nodata = [{', '.join(declared)}]"
    return (
        "choose the crosswalk of this legend, or add rows beside its path: "
        f"options = {{ {next(iter(missing))} = 2 }} gives it class 2"
    )


def _means_missing(code: int) -> bool:
    """Whether a code without a row is one of the numbers that commonly mean "missing"."""
    return code in BYTE_SENTINELS or bool(is_sentinel(np.array([float(code)]))[0])


def mask_findings(
    layer: LayerFile, grid: GeoBox, row: LayerSummary, watch: Watch | None = None
) -> list[Finding]:
    """A mask holds 0 and 1: a share or an undeclared nodata value would silently set no flag."""
    counts, cells = _counts(layer, grid, row, watch)
    if not counts:
        return [_all_nodata(layer, "no value", cells)]
    odd = sorted(set(counts) - {0, 1})
    if not odd:
        return []
    return [
        Finding(
            "impossible_value",
            Severity.ERROR,
            layer.where,
            f"expected a mask of 0 and 1, found {', '.join(map(str, odd[:NAMED_CODES]))}",
            f"if they mean missing, write beside its path: nodata = {odd[:NAMED_CODES]}",
        )
    ]


def zone_findings(
    layer: LayerFile,
    grid: GeoBox,
    row: LayerSummary,
    wanted: set[int],
    watch: Watch | None = None,
) -> list[Finding]:
    """Zones that nothing declares as missing, and gains for zones that are nowhere on the map."""
    counts, cells = _counts(layer, grid, row, watch)
    if not counts:
        return [_all_nodata(layer, "no zone", cells)]
    negative = sorted(zone for zone in counts if zone < 0)
    found = []
    if negative:
        found.append(
            Finding(
                "undeclared_nodata",
                Severity.ERROR,
                layer.where,
                f"expected zone numbers from 0, found {', '.join(map(str, negative))}",
                f"if they mean missing, write beside its path: nodata = {negative}",
            )
        )
    if absent := sorted(wanted - set(counts)):
        there = ", ".join(map(str, sorted(counts)[:NAMED_CODES]))
        found.append(
            Finding(
                "zone_without_cells",
                Severity.WARNING,
                layer.where,
                f"gain_pct_by_zone names {', '.join(map(str, absent))}, which no cell has; the map "
                f"holds {there}",
                "correct the zone numbers in [[scenarios]]",
            )
        )
    return found
