"""What is wrong with one layer: values that cannot be, nothing there, no overlap, unknown codes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.findings import Finding, Severity
from recarb.core.quantities import Quantity
from recarb.harmonise.crosswalk import Crosswalk
from recarb.harmonise.landuse import count_codes, unknown_codes
from recarb.harmonise.regrid import source_window
from recarb.io.raster import ROI, LayerFile, read, read_raw_codes

Floats = NDArray[np.float64]

SENTINELS = (-999.0, -9999.0, -99.0, -3.4028234663852886e38, -32768.0, -32767.0, 9.96921e36, 1e20)
SENTINEL_TOLERANCE = 1e-4  # relative; -3.4e38 is written with more or fewer digits
BANDS_AT_ONCE = 12
LARGE_BLOCK = 4_000_000  # cells read at once


@dataclass
class LayerSummary:
    """One row of the table `recarb check` prints."""

    key: str
    file: str
    unit: str
    unit_from: str
    grid: str
    bands: int
    low: float = np.nan
    high: float = np.nan
    mean: float = np.nan
    missing_pct: float = np.nan


@dataclass
class Scan:
    """Running statistics of a layer over its window."""

    low: float = np.inf
    high: float = -np.inf
    total: float = 0.0
    valid: int = 0
    cells: int = 0

    def add(self, values: Floats) -> None:
        """Add one block; NaN is missing."""
        self.cells += values.size
        finite = values[np.isfinite(values)]
        if finite.size:
            self.valid += finite.size
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))
            self.total += float(finite.sum())


def summary_of(layer: LayerFile, key: str | None = None) -> LayerSummary:
    """The row of a layer before its values are read."""
    a, shape = layer.geobox.transform, layer.geobox.shape
    return LayerSummary(
        key=key or layer.key,
        file=layer.layer.path.name,
        unit=layer.unit,
        unit_from=layer.unit_from,
        grid=f"{shape[1]} x {shape[0]}, {a.a:.6g}",
        bands=layer.count,
    )


def overlap_findings(layer: LayerFile, grid: GeoBox, key: str) -> list[Finding]:
    """Whether the layer and the SOC grid share any ground."""
    window = source_window(layer.geobox, grid)
    box, ours = layer.geobox.boundingbox, grid.boundingbox
    apart = layer.geobox.crs == grid.crs and (
        box.right <= ours.left or box.left >= ours.right or box.top <= ours.bottom or box.bottom >= ours.top
    )
    if not apart and all(part.stop > part.start for part in window):
        return []
    return [
        Finding(
            "no_overlap",
            Severity.ERROR,
            f"{key} ({layer.layer.path.name})",
            f"covers x {box.left:g} to {box.right:g}, y {box.bottom:g} to {box.top:g} "
            f"({layer.geobox.crs.to_epsg() or 'own CRS'}); the SOC map lies at x {ours.left:g} to "
            f"{ours.right:g}, y {ours.bottom:g} to {ours.top:g}",
            "use a layer of this country, or give the longitudes from -180 to 180",
        )
    ]


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
    watch: Callable[[list[int], Floats], None] | None = None,
) -> list[Finding]:
    """Read the part of a layer that lies on the country; fill `row`; say what cannot be.

    `days` are those of every band of the layer; `watch` sees every block.
    """
    quantity, scan = layer.quantity, Scan()
    found: list[Finding] = []
    for chosen, window in blocks(layer, source_window(layer.geobox, grid)):
        if bands is not None and not set(chosen) & set(bands):
            continue
        of_bands = None if days is None else days[np.array(chosen) - 1]
        values = read(layer, chosen, window, of_bands)
        if bands is not None:
            keep = [i for i, band in enumerate(chosen) if band in bands]
            values, chosen = values[keep], [chosen[i] for i in keep]
        scan.add(values)
        if watch is not None:
            watch(chosen, values)
        if not found:
            found = _impossible(values, chosen, window, layer, quantity)
    if scan.valid == 0:
        return [
            Finding(
                "all_nodata",
                Severity.ERROR,
                layer.where,
                "holds no value at all where the country lies",
                "is it the right file, and is its nodata value right?",
            )
        ]
    row.low, row.high, row.mean = scan.low, scan.high, scan.total / scan.valid
    row.missing_pct = 100.0 * (1.0 - scan.valid / scan.cells)
    return found


def _impossible(
    values: Floats, bands: list[int], window: ROI, layer: LayerFile, quantity: Quantity
) -> list[Finding]:
    wrong = (values < quantity.low) | (values > quantity.high)
    if not wrong.any():
        return []
    band, row, column = (int(i[0]) for i in np.nonzero(wrong))
    value = float(values[band, row, column])
    native = (value - layer.conversion.offset) / layer.conversion.scale
    sentinel = next((s for s in SENTINELS if abs(native - s) <= SENTINEL_TOLERANCE * abs(s)), None)
    code = "undeclared_nodata" if sentinel is not None else "impossible_value"
    low, high = np.nanmin(values), np.nanmax(values)
    return [
        Finding(
            code,
            Severity.ERROR,
            layer.where,
            f"band {bands[band]}, row {row + window[0].start}, column {column + window[1].start} is "
            f"{value:g} {quantity.unit} (in the file {native:g}, unit {layer.unit}); possible is "
            f"{quantity.low:g} to {quantity.high:g}; values of the block go from {low:g} to {high:g}",
            f"if it means missing, write nodata = [{sentinel:g}] beside the path"
            if sentinel is not None
            else _hint(quantity, float(np.nanmedian(values))),
        )
    ]


def _hint(quantity: Quantity, typical: float) -> str:
    """What an impossible value usually means, judged by the median."""
    kelvin_low, kelvin_high = 200.0, 330.0
    if quantity.unit == "degC" and kelvin_low < typical < kelvin_high:
        return 'this looks like kelvin: unit = "K"'
    if quantity.unit == "degC":
        return 'are these tenths of a degree (unit = "0.1 degC"), or is a scale factor missing?'
    if quantity.key in {"clay", "sand"}:
        return 'this looks like g/kg: unit = "g/kg"; a national map may also hold kriging artefacts'
    if quantity.key == "soc":
        return 'is the unit right ("t/ha", "g/m2"), or is a scale factor missing?'
    return "is the unit right, or is a scale factor missing or applied twice?"


def code_findings(
    layer: LayerFile, crosswalk: Crosswalk, grid: GeoBox, key: str
) -> tuple[list[Finding], dict[int, int]]:
    """Codes of a land-use layer without a row in its crosswalk, and how many cells have each code."""
    window = source_window(layer.geobox, grid)
    counts: dict[int, int] = {}
    missing: dict[int, int] = {}
    for band in range(1, layer.count + 1):
        if layer.layer.band is not None and band != layer.layer.band:
            continue
        codes, valid = read_raw_codes(layer, band, window)
        for code, cells in count_codes(codes, valid, where=layer.where).items():
            counts[code] = counts.get(code, 0) + cells
        missing |= unknown_codes(codes, valid, crosswalk, where=layer.where)
    if not counts:
        return [
            Finding("all_nodata", Severity.ERROR, layer.where, "holds no class where the country lies")
        ], counts
    if not missing:
        return [], counts
    named = ", ".join(f"{code} ({cells} cells)" for code, cells in sorted(missing.items()))
    hints = [text for code, text in crosswalk.foreign.items() if code in missing]
    return [
        Finding(
            "unknown_land_cover",
            Severity.ERROR,
            f"{key} ({layer.layer.path.name})",
            f"codes without a row in crosswalk {crosswalk.name!r}: {named}",
            hints[0]
            if hints
            else "choose another crosswalk, or add rows: options = { code = class }",
        )
    ], counts
