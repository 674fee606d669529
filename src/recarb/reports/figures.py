"""Quick-look pictures of a finished run: one PNG per map, and one page with the main ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from recarb.core.config import RunConfig
from recarb.core.grid import is_geographic
from recarb.io.tables import written_atomically
from recarb.io.vectors import read_units
from recarb.reports.style import Ramp, ramp_for
from recarb.sequestration.forward import BAU
from recarb.sequestration.products import Product, diagnostics, products

Floats = NDArray[np.float64]
Extent = tuple[float, float, float, float]

FOLDER = "pictures"
LARGEST_SIDE = 1200  # pixels read of a map; more does not show
WIDTH_IN, DPI = 6.0, 120
MARGINS_IN = (0.5, 1.1, 0.45, 0.4)  # left, right (colour bar), bottom (note), top (title)
SCENARIOS = 3  # whose rates the overview shows
OVERVIEW_WIDTH_IN, OVERVIEW_EXTRA_IN = 13.0, 0.5  # extra: titles and labels of one row
WIDE = 0.55  # height over width below which two maps, not three, go into one row
OUTLINE_WIDTH = 0.4
TICKS = 5  # most of the time of a picture goes into the text of its ticks
SMALLEST_COSINE = 0.2
OUTSIDE_GREY, OUTLINE_GREY = "0.86", "0.25"
UNITS = {
    "t ha-1": "t C ha$^{-1}$",
    "t ha-1 year-1": "t C ha$^{-1}$ yr$^{-1}$",
    "percent": "%",
    "1": "-",
}
DIFFERENCES = {"AbsDiff", "ASR", "RelDiff", "RSR"}


@dataclass(frozen=True)
class Ground:
    """What lies under every map of a run: outlines of its units, and whether x, y are degrees."""

    outlines: Any | None
    geographic: bool


def draw_maps(
    folder: Path, config: RunConfig, progress: Callable[[int, int, str], None] | None = None
) -> Path:
    """Draw every map of a run into `folder`/pictures, and `overview.png` with the main ones."""
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    code = config.iso3
    todo = [(product, folder / f"{product.file_name(code)}.tif") for product in products(config)]
    todo += [
        (product, folder / "diagnostics" / f"{code}_{product.stem}.tif")
        for product in diagnostics(config)
        if not product.key.startswith("HW_")
    ]
    ground = ground_of(config, todo[0][1])
    for done, (product, path) in enumerate(todo):
        if progress is not None:
            progress(done, len(todo), "drawing")
        draw_map(path, product, config, ground, target / f"{path.stem}.png")
    draw_overview(folder, config, ground, target / "overview.png")
    return target


def ground_of(config: RunConfig, path: Path) -> Ground:
    """Outlines of the run's units, as its maps were made with, in the CRS of the map at `path`."""
    with rasterio.open(path) as source:
        grid = GeoBox(source.shape, source.transform, source.crs)
    if config.boundary is None:
        return Ground(None, is_geographic(grid))
    import geopandas

    units = read_units(config.boundary.path, grid, config.boundary.unit_field)
    lines = geopandas.GeoSeries(units.shapes, crs=str(grid.crs)).boundary
    return Ground(lines, is_geographic(grid))


def read_small(path: Path) -> tuple[Floats, Extent]:
    """A map, thinned where it is large, and its extent (left, right, bottom, top)."""
    with rasterio.open(path) as source:
        shrink = max(source.height, source.width) / LARGEST_SIDE
        shape = (source.height, source.width)
        if shrink > 1.0:
            shape = (round(source.height / shrink), round(source.width / shrink))
        data = source.read(1, out_shape=shape, masked=True, resampling=Resampling.nearest)
        box = source.bounds
    return data.astype(np.float64).filled(np.nan), (box.left, box.right, box.bottom, box.top)


def is_difference(product: Product) -> bool:
    """Whether zero is the middle of the product's ramp."""
    return product.key.split("_")[0] in DIFFERENCES


def draw_map(path: Path, product: Product, config: RunConfig, ground: Ground, target: Path) -> Path:
    """One map as PNG."""
    values, extent = read_small(path)
    height = WIDTH_IN * _aspect(extent, ground)
    width, total = WIDTH_IN + sum(MARGINS_IN[:2]), height + sum(MARGINS_IN[2:])
    figure = Figure(figsize=(width, total))
    # placed by hand: letting matplotlib find the margins draws every picture twice
    place = (MARGINS_IN[0] / width, MARGINS_IN[2] / total, WIDTH_IN / width, height / total)
    axes = figure.add_axes(place)
    ramp = ramp_for(product.unit, values, is_difference(product))
    _paint(axes, values, extent, product, ramp, ground)
    axes.set_title(f"{config.name or config.iso3}: {product.title}", fontsize=11)
    _note(axes, config)
    with written_atomically(target) as part:
        figure.savefig(part, dpi=DPI)
    return target


def draw_overview(folder: Path, config: RunConfig, ground: Ground, target: Path) -> Path:
    """T0, the final stock and rate of BAU, and the relative rate of up to three scenarios.

    The two stocks share one ramp and so do the scenarios, so that their colours can be compared.
    """
    by_key = {product.key: product for product in products(config)}
    relative = [f"RSR_{scenario.name}" for scenario in config.scenarios][-SCENARIOS:]
    groups = [["T0", f"finalSOC_{BAU}"], [f"ASR_{BAU}"], relative]
    keys = [key for group in groups for key in group]
    maps = {key: read_small(folder / f"{by_key[key].file_name(config.iso3)}.tif") for key in keys}
    aspect = _aspect(maps["T0"][1], ground)
    columns = 2 if aspect < WIDE else 3
    rows = -(-len(keys) // columns)
    height = rows * (OVERVIEW_WIDTH_IN / columns * aspect + OVERVIEW_EXTRA_IN)
    figure = Figure(figsize=(OVERVIEW_WIDTH_IN, height), layout="compressed")
    for group in filter(None, groups):
        together = np.concatenate([maps[key][0].ravel() for key in group])
        for key in group:
            product, (values, extent) = by_key[key], maps[key]
            axes = figure.add_subplot(rows, columns, keys.index(key) + 1)
            ramp = ramp_for(product.unit, together, is_difference(product))
            _paint(axes, values, extent, product, ramp, ground)
            axes.set_title(product.title, fontsize=10)
    figure.suptitle(f"{config.name or config.iso3}: GSOCseq, RothC-26.3, 0-30 cm", fontsize=12)
    _note(axes, config)
    with written_atomically(target) as part:
        figure.savefig(part, dpi=DPI, bbox_inches="tight")
    return target


def _paint(
    axes: Axes, values: Floats, extent: Extent, product: Product, ramp: Ramp, ground: Ground
) -> None:
    """Map, outlines and a colour bar as high as the map."""
    image = axes.imshow(
        values,
        extent=extent,
        cmap=ramp.colours,
        vmin=ramp.low,
        vmax=ramp.high,
        interpolation="nearest",
    )
    axes.set_facecolor(OUTSIDE_GREY)
    if ground.outlines is not None:
        ground.outlines.plot(ax=axes, color=OUTLINE_GREY, linewidth=OUTLINE_WIDTH, aspect=None)
        axes.set_xlim(extent[0], extent[1])
        axes.set_ylim(extent[2], extent[3])
        axes.set(xlabel="", ylabel="")
    axes.set_aspect(1.0 / _cosine(extent) if ground.geographic else 1.0)
    axes.tick_params(labelsize=7)
    axes.locator_params(nbins=TICKS)
    beside = axes.inset_axes((1.03, 0.0, 0.035, 1.0))
    bar = axes.figure.colorbar(image, cax=beside, extend=_ends(values, ramp))
    bar.set_label(UNITS.get(product.unit, product.unit), fontsize=8)
    bar.locator = MaxNLocator(nbins=TICKS)
    beside.tick_params(labelsize=7)


def _ends(values: Floats, ramp: Ramp) -> str:
    """Which ends of the colour bar have values beyond them."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return "neither"
    below, above = bool(finite.min() < ramp.low), bool(finite.max() > ramp.high)
    ends = {(True, True): "both", (True, False): "min", (False, True): "max"}
    return ends.get((below, above), "neither")


def _cosine(extent: Extent) -> float:
    """How much narrower a degree of longitude is at the middle of the map."""
    return max(float(np.cos(np.radians((extent[2] + extent[3]) / 2.0))), SMALLEST_COSINE)


def _aspect(extent: Extent, ground: Ground) -> float:
    """Height over width as the map is shown."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    return ratio / _cosine(extent) if ground.geographic else ratio


def _note(axes: Axes, config: RunConfig) -> None:
    """The run's note, such as SYNTHETIC, under every picture."""
    if config.note:
        axes.annotate(
            config.note,
            (1.0, 0.0),
            xycoords="axes fraction",
            xytext=(0, -24),
            textcoords="offset points",
            ha="right",
            fontsize=7,
            color="0.4",
        )
