"""Pictures of a comparison: both maps and their difference side by side, and value on value."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from recarb.core.grid import is_geographic
from recarb.io.tables import written_atomically
from recarb.reports.figures import DIFFERENCES, FOLDER
from recarb.reports.ground import Blank, Ground
from recarb.reports.sheet import Sheet, coloured
from recarb.reports.style import UNITS, ramp_for
from recarb.sequestration.compare import MapPair

Floats = NDArray[np.float64]

BOX_IN = (4.2, 4.6)  # width and height a map has at most
TITLE_SIZE = 9
SIZE_IN, DPI = 4.6, 110
SHOWN_PCT = (0.5, 99.5)  # percentiles of both sides between which the scatter is shown
HEXAGONS = 60  # along an axis
LINE_GREY, LINE_WIDTH = "0.3", 0.8
UNCERTAINTY = "Uncertainty"


def draw_pair(
    pair: MapPair, folder: Path, names: tuple[str, str] = ("A", "B")
) -> tuple[Path, Path]:
    """Draw the maps and the scatter of one pair into `folder`/pictures."""
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    maps, scatter = target / f"{pair.stem}.png", target / f"{pair.stem}_scatter.png"
    draw_side_by_side(pair, maps, names)
    draw_scatter(pair, scatter, names)
    return maps, scatter


def draw_side_by_side(pair: MapPair, target: Path, names: tuple[str, str]) -> Path:
    """A and B with one scale, and B minus A about zero."""
    box = pair.grid.boundingbox
    ground = Ground(None, is_geographic(pair.grid))
    sheet = Sheet((box.left, box.right, box.bottom, box.top), ground, BOX_IN, 3, 3)
    swings = pair.stem.split("_")[0] in DIFFERENCES and UNCERTAINTY not in pair.stem
    ramp = ramp_for(pair.unit, [pair.a, pair.b], swings)
    difference = pair.difference
    painted = []
    for number, (values, scale, title) in enumerate(
        (
            (pair.a, ramp, names[0]),
            (pair.b, ramp, names[1]),
            (difference, ramp_for(pair.unit, [difference], difference=True), "B minus A"),
        )
    ):
        axes = sheet.place(number)
        sheet.bar(axes, scale, pair.unit)
        axes.set_title(title, fontsize=TITLE_SIZE)
        blanks = np.full(values.shape, Blank.OUTSIDE, dtype=np.uint8)
        painted.append((axes, coloured(values, scale, blanks)))
    sheet.margins("light blue: no value to compare", (), pair.stem)
    sheet.canvas.draw()
    for axes, colours in painted:
        sheet.paint(axes, colours)
    sheet.save(target)
    return target


def draw_scatter(pair: MapPair, target: Path, names: tuple[str, str]) -> Path:
    """Cells of B over those of A, with the line of equal values."""
    figure = Figure(figsize=(SIZE_IN, SIZE_IN), dpi=DPI, layout="constrained")
    scatter(figure.subplots(), pair, names)
    with written_atomically(target) as part:
        figure.savefig(part, format="png")
    return target


def scatter(axes: Axes, pair: MapPair, names: tuple[str, str]) -> None:
    """The cells that both sides have, counted in hexagons, into `axes`."""
    both = np.isfinite(pair.a) & np.isfinite(pair.b)
    unit = UNITS.get(pair.unit, pair.unit) or "-"
    axes.set_xlabel(f"{names[0]} [{unit}]")
    axes.set_ylabel(f"{names[1]} [{unit}]")
    axes.set_title(f"{pair.stem}, {int(both.sum()):,} cells", fontsize=TITLE_SIZE)
    if not both.any():
        return
    a, b = pair.a[both], pair.b[both]
    low, high = (float(v) for v in np.percentile(np.concatenate([a, b]), SHOWN_PCT))
    if high <= low:
        low, high = low - 1.0, high + 1.0
    seen = (a >= low) & (a <= high) & (b >= low) & (b <= high)
    axes.hexbin(
        a[seen],
        b[seen],
        gridsize=HEXAGONS,
        extent=(low, high, low, high),
        bins="log",
        mincnt=1,
        cmap="viridis_r",
        linewidths=0.0,
    )
    axes.plot([low, high], [low, high], color=LINE_GREY, linewidth=LINE_WIDTH)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
