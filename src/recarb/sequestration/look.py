"""What a layer looks like on its country: a small map, sampled while the check reads the layer."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import RunConfig
from recarb.core.errors import RecarbError
from recarb.harmonise.regrid import positions
from recarb.io.raster import ROI, LayerFile
from recarb.io.vectors import OUTSIDE, Units, read_units

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EDGE_DIGITS = 6  # of a cell: a boundary on the edge of a cell ends there
LARGEST = (240, 320)  # rows and columns of a small map


@dataclass(frozen=True)
class View:
    """Where layers are looked at: a coarse grid over the country, and which of it lies inside."""

    grid: GeoBox
    inside: Bools

    @classmethod
    def of(cls, config: RunConfig, grid: GeoBox) -> "View":
        """The view of a run on the grid of its SOC map.

        A boundary that cannot be read is no matter here: the check tells of it.
        """
        units = None
        if config.boundary is not None:
            try:
                units = read_units(config.boundary.path, grid, None)
            except (RecarbError, OSError, ValueError):
                units = None
        coarse = _coarse(_around(grid, units))
        inside = np.ones(coarse.shape, dtype=bool)
        if units is not None:
            inside = units.on_grid(coarse) != OUTSIDE
        return cls(coarse, inside)


@dataclass(frozen=True)
class SmallMap:
    """A layer as it is shown: values in the canonical unit or codes, (y, x), NaN = missing.

    Of several bands the mean is shown, of codes the last band.
    """

    key: str
    title: str
    unit: str
    values: Floats
    is_code: bool = False


class Sampler:
    """Watches a layer being read, and keeps the cell under the centre of every pixel of a view."""

    def __init__(self, layer: LayerFile, view: View) -> None:
        self._shape = view.grid.shape
        row, column = (axis.ravel() for axis in np.mgrid[: self._shape[0], : self._shape[1]])
        down, right = positions(view.grid, layer.geobox, row, column)
        height, width = layer.geobox.shape
        there = (down >= 0) & (down < height) & (right >= 0) & (right < width)
        at = np.full(row.size, -1, dtype=np.int64)
        at[there] = np.floor(down[there]).astype(np.int64) * width
        at[there] += np.floor(right[there]).astype(np.int64)
        cells, where = np.unique(at, return_inverse=True)
        self._known = cells >= 0
        self._where = where
        self._rows, self._columns = np.divmod(cells, width)  # in the order of rows
        self._is_code = layer.quantity.is_code
        self._total = np.zeros(cells.size)
        self._count = np.zeros(cells.size, dtype=np.int64)

    def __call__(self, _bands: list[int], window: ROI, values: NDArray[np.float64]) -> None:
        """Add a block (band, y, x); NaN is missing."""
        first, last = np.searchsorted(self._rows, (window[0].start, window[0].stop))
        rows, columns = self._rows[first:last], self._columns[first:last]
        there = self._known[first:last] & (columns >= window[1].start)
        there &= columns < window[1].stop
        at = np.arange(first, last)[there]
        block = values[:, rows[there] - window[0].start, columns[there] - window[1].start]
        finite = np.isfinite(block)
        if self._is_code:
            self._total[at], self._count[at] = np.nan_to_num(block[-1]), finite[-1]
            return
        self._total[at] += np.where(finite, block, 0.0).sum(axis=0)
        self._count[at] += finite.sum(axis=0)

    def values(self) -> Floats:
        """(y, x) of the view: the mean over bands, or the last code; NaN where there is none."""
        found = np.full(self._total.size, np.nan)
        known = self._known & (self._count > 0)
        found[known] = self._total[known] / self._count[known]
        return found[self._where].reshape(self._shape)


@dataclass
class Look:
    """The small maps of a check: one for each layer, on one view."""

    view: View
    samplers: dict[str, tuple[LayerFile, Sampler, Mapping[int, int] | None]] = field(
        default_factory=dict
    )

    def sampler(
        self, layer: LayerFile, key: str, classes: Mapping[int, int] | None = None
    ) -> Sampler:
        """What watches a layer being read; `classes` translates the codes of a land-use map."""
        made = Sampler(layer, self.view)
        self.samplers[key] = (layer, made, classes)
        return made

    @property
    def country(self) -> Bools:
        """Pixels inside the boundary that have a stock; without a stock map all inside."""
        found = self.samplers.get("soc")
        if found is None:
            return self.view.inside
        return self.view.inside & np.isfinite(found[1].values())

    def covers_pct(self, key: str) -> float:
        """Share of the country for which a layer has a value [%]; of SOC, of what lies inside."""
        country = self.view.inside if key == "soc" else self.country
        if key not in self.samplers or not country.any():
            return math.nan
        return 100.0 * float(np.isfinite(self.samplers[key][1].values()[country]).mean())

    def maps(self) -> Iterator[SmallMap]:
        """The layers that have any value, in the order in which they were read."""
        for key, (layer, made, classes) in self.samplers.items():
            values = made.values()
            if not np.isfinite(values).any():
                continue
            if classes is not None:
                values = _translated(values, classes)
            quantity = layer.quantity
            unit = "" if quantity.is_code else quantity.unit
            yield SmallMap(key, quantity.long_name, unit, values, quantity.is_code)


def _translated(values: Floats, classes: Mapping[int, int]) -> Floats:
    """Land-use classes of codes; a code without a class is missing."""
    found = np.full(values.shape, np.nan)
    for code in np.unique(values[np.isfinite(values)]):
        if classes.get(int(code)):
            found[values == code] = classes[int(code)]
    return found


def _around(grid: GeoBox, units: Units | None) -> GeoBox:
    """The part of a grid that holds the country."""
    if units is None:
        return grid
    bounds = np.array([shape.bounds for shape in units.shapes])
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    a, (height, width) = grid.transform, grid.shape
    columns = _span((west - a.c) / a.a, (east - a.c) / a.a, width)
    rows = _span((north - a.f) / a.e, (south - a.f) / a.e, height)
    return grid[rows, columns]


def _span(first: float, last: float, length: int) -> slice:
    start = min(max(math.floor(round(first, EDGE_DIGITS)), 0), length - 1)
    return slice(start, max(min(math.ceil(round(last, EDGE_DIGITS)), length), start + 1))


def _coarse(grid: GeoBox) -> GeoBox:
    """The same ground in at most `LARGEST` pixels, square in cells of the grid."""
    height, width = grid.shape
    step = max(math.ceil(height / LARGEST[0]), math.ceil(width / LARGEST[1]), 1)
    shape = (math.ceil(height / step), math.ceil(width / step))
    return GeoBox(shape, grid.transform * Affine.scale(step), grid.crs)
