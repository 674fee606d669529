"""Figures of the real runs: maps side by side, and the moisture years of a cell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import rasterio
import shapely
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from tests.real import runs

from recarb.reports.ground import Ground, ground_of
from recarb.reports.style import DIVERGING
from recarb.sequestration.point import Trajectory

Floats = NDArray[np.float64]
Extent = tuple[float, float, float, float]  # left, right, bottom, top
Painting = dict[str, Any]

WIDTH_IN, DPI = 11.0, 110
GREY, OUTLINE = "0.86", "0.25"
COLOURS = (256, 192, 128, 64)  # of the palette a large PNG is reduced to
LARGEST_BYTES = 240_000
MARGIN = 3  # cells shown around those modelled
LONGEST_SIDE_DEG = 10.0  # of an outline; longer ones are cuts of a polygon, no border
# share of NPP that the equilibrium needs; blue possible, red more than grows (ColorBrewer RdYlBu)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
SHARE_COLOURS = ("#4575b4", "#91bfdb", "#e0f3f8", "#fee090", "#f46d43", "#d73027")
ABOVE_ALL = "#67001f"
CALENDAR, FULL = "#D55E00", "#0072B2"  # Okabe & Ito 2008


def shrink(path: Path) -> Path:
    """Keep a PNG below `LARGEST_BYTES`: as it is, else by a palette of fewer and fewer colours."""
    with Image.open(path) as image:
        full = image.convert("RGB")
    for colours in (None, *COLOURS):
        (full if colours is None else full.quantize(colours)).save(path, optimize=True)
        if path.stat().st_size <= LARGEST_BYTES:
            break
    return path


def ground_of_run(run: runs.Finished) -> Ground:
    """Outlines under the maps of a run, without the sides along which polygons were cut."""
    ground = ground_of(run.config, run.report.folder / f"{run.config.iso3}_GSOCseq_T0_Map030.tif")
    if ground.outlines is None:
        return ground
    points, line = shapely.get_coordinates(
        shapely.get_parts(ground.outlines.values), return_index=True
    )
    sides = np.stack([points[:-1], points[1:]], axis=1)
    real = (line[1:] == line[:-1]) & (np.abs(np.diff(points[:, 0])) < LONGEST_SIDE_DEG)
    return Ground(geopandas.GeoSeries(shapely.multilinestrings(sides[real])), ground.geographic)


def extent_of(run: runs.Finished) -> Extent:
    """Left, right, bottom, top of the maps of a run."""
    with rasterio.open(run.report.folder / f"{run.config.iso3}_GSOCseq_T0_Map030.tif") as source:
        box = source.bounds
    return box.left, box.right, box.bottom, box.top


def cropped(values: Floats, extent: Extent) -> tuple[tuple[slice, slice], Extent]:
    """Rows and columns that hold the values of a map, with a margin, and their extent."""
    height, width = values.shape
    rows, columns = np.nonzero(np.isfinite(values))
    top, bottom = max(rows.min() - MARGIN, 0), min(rows.max() + MARGIN + 1, height)
    left, right = max(columns.min() - MARGIN, 0), min(columns.max() + MARGIN + 1, width)
    x, y = (extent[1] - extent[0]) / width, (extent[3] - extent[2]) / height
    box = (extent[0] + left * x, extent[0] + right * x, extent[3] - bottom * y, extent[3] - top * y)
    return (slice(top, bottom), slice(left, right)), box


def side_by_side(
    target: Path,
    run: runs.Finished,
    maps: Sequence[tuple[str, Floats, Painting]],
    label: str,
    columns: int | None = None,
) -> Path:
    """Maps on the grid of `run` in a row (below each other where they are wide).

    Parameters
    ----------
    maps : (title, (y, x) values, arguments of imshow and `extend` of the colour bar)
    """
    window, extent = cropped(maps[0][1], extent_of(run))
    ground = ground_of_run(run)
    stretch = 1.0 / np.cos(np.radians((extent[2] + extent[3]) / 2.0))
    aspect = (extent[3] - extent[2]) / (extent[1] - extent[0]) * stretch
    columns = columns or (1 if aspect < 0.55 else len(maps))
    rows = -(-len(maps) // columns)
    width = WIDTH_IN / columns
    figure = Figure(figsize=(WIDTH_IN, rows * (0.86 * width * aspect + 0.5)), layout="compressed")
    FigureCanvasAgg(figure)
    for i, (title, values, how) in enumerate(maps):
        axes = figure.add_subplot(rows, columns, i + 1)
        own = dict(how)
        ends = own.pop("extend", "neither")
        image = axes.imshow(values[window], extent=extent, interpolation="nearest", **own)
        _frame(axes, extent, ground, float(stretch))
        axes.set_title(title, fontsize=10)
        beside = axes.inset_axes((1.02, 0.0, 0.03, 1.0))
        figure.colorbar(image, cax=beside, extend=ends).set_label(label, fontsize=8)
        beside.tick_params(labelsize=7)
    figure.savefig(target, dpi=DPI, bbox_inches="tight")
    return shrink(target)


def _frame(axes: Axes, extent: Extent, ground: Ground, stretch: float) -> None:
    axes.set_facecolor(GREY)
    if ground.outlines is not None:
        ground.outlines.plot(ax=axes, color=OUTLINE, linewidth=0.35, aspect=None)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="", ylabel="")
    axes.set_aspect(stretch)
    axes.tick_params(labelsize=7)


def share_of_npp() -> Painting:
    """How a map of C_eq / NPP is painted: in classes, red where more is needed than grows."""
    colours = ListedColormap(list(SHARE_COLOURS)).with_extremes(over=ABOVE_ALL)
    return {"cmap": colours, "norm": BoundaryNorm(SHARES, len(SHARE_COLOURS)), "extend": "max"}


def gains(*values: Floats) -> Painting:
    """How relative rates are painted: one ramp for all `values`, 0 to their 98th percentile."""
    together = np.concatenate([v[np.isfinite(v)] for v in values])
    high = float(np.percentile(together, 98.0))
    green = ListedColormap(colormaps[DIVERGING](np.linspace(0.5, 1.0, COLOURS[0])))
    return {"cmap": green, "norm": Normalize(0.0, high), "extend": "max"}


def moisture_years(target: Path, cells: Sequence[tuple[str, Trajectory, Trajectory]]) -> Path:
    """Mean rate modifier of every year of some cells, by crop calendar and under full cover."""
    figure = Figure(figsize=(9.0, 1.0 + 2.4 * len(cells)), layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(len(cells), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (title, calendar, covered) in zip(all_axes, cells, strict=True):
        for found, colour, label in (
            (calendar, CALENDAR, "crop calendar"),
            (covered, FULL, "covered all year"),
        ):
            _years(axes, found, colour, label)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_ylim(bottom=0.0)
        axes.set_ylabel("rate modifier [-]", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    all_axes[0].legend(
        fontsize=8, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0)
    )
    figure.savefig(target, dpi=DPI)
    return shrink(target)


def _years(axes: Axes, found: Trajectory, colour: str, label: str) -> None:
    """The years of the warm-up as points; the mean years of spin-up and forward as lines."""
    bau = found.months[found.months["scenario"] == "BAU"]
    rates = bau.groupby(["phase", "year"], sort=False)["rate"].mean()
    years = rates["warm_up"]
    axes.plot(years.index, years, "o-", color=colour, linewidth=0.8, markersize=4, label=label)
    first, last = int(years.index[0]), int(years.index[-1])
    spin_up, forward = float(rates["spin_up"].iloc[0]), float(rates["forward"].iloc[-1])
    axes.hlines(spin_up, first - 3, first - 1, color=colour, linewidth=2.5)
    axes.hlines(forward, last + 1, last + 5, color=colour, linewidth=2.5)
    axes.hlines(years.mean(), first, last, color=colour, linewidth=0.8, linestyle=":")
    ticks = [first - 2, *range(first, last + 1), last + 3]
    names = ["spin-up\nmean year", *(str(y) for y in range(first, last + 1)), "forward\nmean year"]
    axes.set_xticks(ticks, names)
