"""A sheet with places for maps of one extent, placed by hand: finding margins draws all twice."""

from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from recarb.io.tables import written_atomically
from recarb.reports.ground import Blank, Extent, Floats, Ground, Shape, aspect_of
from recarb.reports.style import BLANKS, UNITS, Ramp

Bytes = NDArray[np.uint8]

DPI = 120
LEFT_IN, RIGHT_IN, BOTTOM_IN, TOP_IN = 0.5, 1.1, 0.3, 0.35  # round a map; right: its colour bar
FOOT_IN, HEADING_IN = 0.25, 0.35
BAR_GAP, BAR_WIDTH, BAR_HEIGHT_IN = 0.15, 0.17, 2.0  # [inches]; no bar is lower, its text must fit
TICKS = 5  # most of the time of a picture goes into the text of its ticks
TITLE_SIZE, HEADING_SIZE, LABEL_SIZE, SMALL_SIZE = 11, 12, 8, 7
OUTLINE_GREY, OUTLINE_WIDTH, NOTE_GREY = "0.25", 0.4, "0.4"
COMPRESSION = 3  # of PNG; the usual 6 takes half as long again for files a tenth smaller


class Sheet:
    """Places for `count` maps in `columns`, each map as large as fits into `box_in` (w, h)."""

    def __init__(
        self,
        extent: Extent,
        ground: Ground,
        box_in: tuple[float, float],
        count: int = 1,
        columns: int = 1,
    ) -> None:
        aspect = aspect_of(extent, ground.geographic)
        width = min(box_in[0], box_in[1] / aspect)
        self.map_in = (width, width * aspect)
        self._cell_in = (
            LEFT_IN + box_in[0] + RIGHT_IN,
            TOP_IN + max(self.map_in[1], BAR_HEIGHT_IN) + BOTTOM_IN,
        )
        self._extent, self._columns = extent, columns
        self._outlines = self._points(ground)
        self._rows = -(-count // columns)
        self._heading_in = HEADING_IN if count > 1 else 0.0
        self._size = (
            self._cell_in[0] * columns,
            self._cell_in[1] * self._rows + FOOT_IN + self._heading_in,
        )
        self.figure = Figure(figsize=self._size, dpi=DPI)
        self.canvas: Any = FigureCanvasAgg(self.figure)

    @property
    def map_shape(self) -> Shape:
        """Rows and columns of pixels of one map."""
        width, height = (max(round(side * DPI), 1) for side in self.map_in)
        return height, width

    def _points(self, ground: Ground) -> list[Floats]:
        """Points of every outline, without the bends that are smaller than half a pixel."""
        if ground.outlines is None:
            return []
        half_pixel = (self._extent[1] - self._extent[0]) / self.map_shape[1] / 2
        lines = shapely.get_parts(shapely.simplify(ground.outlines.to_numpy(), half_pixel))
        return [shapely.get_coordinates(line) for line in lines]

    def place(self, number: int) -> Axes:
        """The frame of map `number`, from the upper left."""
        row, column = divmod(number, self._columns)
        middle_x = column * self._cell_in[0] + (self._cell_in[0] + LEFT_IN - RIGHT_IN) / 2
        middle_y = FOOT_IN + (self._rows - row - 1) * self._cell_in[1]
        middle_y += (self._cell_in[1] + BOTTOM_IN - TOP_IN) / 2
        width, height = self.map_in
        axes = self._axes(middle_x - width / 2, middle_y - height / 2, width, height)
        axes.set_xlim(*self._extent[:2])
        axes.set_ylim(*self._extent[2:])
        axes.tick_params(labelsize=SMALL_SIZE)
        axes.locator_params(nbins=TICKS)
        if self._outlines:
            lines = LineCollection(self._outlines, colors=OUTLINE_GREY, linewidths=OUTLINE_WIDTH)
            axes.add_collection(lines, autolim=False)
        for artist in (*axes.collections, *axes.spines.values()):
            artist.set_animated(True)  # drawn by `paint`, over the map
        return axes

    def paint(self, axes: Axes, colours: Bytes) -> None:
        """Put a map (y, x, RGBA) into its frame, after all else of the sheet was drawn.

        The pixels are set directly: matplotlib would resample every map with its own careful means.
        """
        height, width = self.map_shape
        rows = np.arange(height) * colours.shape[0] // height
        columns = np.arange(width) * colours.shape[1] // width
        whole = np.ascontiguousarray(colours).view(np.uint32)[..., 0]  # four bytes, one colour
        left, top = round(axes.bbox.x0), round(self.figure.bbox.height - axes.bbox.y1)
        canvas = np.asarray(self.canvas.buffer_rgba()).view(np.uint32)[..., 0]
        canvas[top : top + height, left : left + width] = whole[rows[:, np.newaxis], columns]
        for artist in (*axes.collections, *axes.spines.values()):
            axes.draw_artist(artist)

    def bar(self, axes: Axes, ramp: Ramp, unit: str) -> Axes:
        """A colour bar beside a map, as high as the map unless that is very low."""
        box = axes.get_position()
        height = max(self.map_in[1], BAR_HEIGHT_IN)
        middle = (box.y0 + box.y1) / 2 * self._size[1]
        beside = self._axes(
            box.x1 * self._size[0] + BAR_GAP, middle - height / 2, BAR_WIDTH, height
        )
        colours = ScalarMappable(Normalize(ramp.low, ramp.high), ramp.colours)
        bar = self.figure.colorbar(
            colours, cax=beside, extend=ramp.extend, ticks=MaxNLocator(nbins=TICKS)
        )
        if ramp.shown_from is not None:
            beside.set_ylim(ramp.shown_from, ramp.high)
        bar.set_label(UNITS.get(unit, unit), fontsize=LABEL_SIZE)
        beside.tick_params(labelsize=SMALL_SIZE)
        return beside

    def margins(
        self,
        note: str | None,
        blanks: Collection[int],
        heading: str = "",
        words: Mapping[int, str] | None = None,
    ) -> None:
        """Heading above; below, what the blank cells are, and the run's note, such as SYNTHETIC.

        `words` say of a blank what it means on this sheet, where that is not the usual.
        """
        width, height = self._size
        self.figure.text(
            0.5, 1.0 - 0.1 / height, heading, ha="center", va="top", fontsize=HEADING_SIZE
        )
        keys = [
            _patch(colour, (words or {}).get(blank, label))
            for blank, (colour, label) in BLANKS.items()
            if blank in blanks
        ]
        corner = (LEFT_IN / width, FOOT_IN / 2 / height)
        self.figure.legend(
            handles=keys,
            loc="center left",
            bbox_to_anchor=corner,
            ncols=max(len(keys), 1),
            fontsize=SMALL_SIZE,
            frameon=False,
            borderpad=0.0,
            borderaxespad=0.0,
            handlelength=1.2,
            columnspacing=1.2,
        )
        self.figure.text(
            1.0 - 0.1 / width,
            corner[1],
            note or "",
            ha="right",
            va="center",
            fontsize=SMALL_SIZE,
            color=NOTE_GREY,
        )

    def legend(self, axes: Axes, colours: Mapping[str, str]) -> None:
        """Colours by name beside a map of classes, in the place of its colour bar."""
        axes.legend(
            handles=[_patch(colour, name) for name, colour in colours.items()],
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            fontsize=SMALL_SIZE,
            frameon=False,
            handlelength=1.0,
        )

    def png_of(self, number: int) -> bytes:
        """Map `number` alone, with its title and colour bar, as the bytes of a PNG."""
        row, column = divmod(number, self._columns)
        left, right = (round(at * self._cell_in[0] * DPI) for at in (column, column + 1))
        top, bottom = (
            round((self._heading_in + at * self._cell_in[1]) * DPI) for at in (row, row + 1)
        )
        image = self._image().crop((left, top, right, bottom))
        content = BytesIO()
        image.save(content, format="png", optimize=True)
        return content.getvalue()

    def _image(self) -> Image.Image:
        pixels = np.asarray(self.canvas.buffer_rgba())[:, :, :3]  # nothing shines through
        return Image.fromarray(np.ascontiguousarray(pixels))

    def save(self, target: Path) -> None:
        """Write what is drawn as PNG."""
        with written_atomically(target) as part:
            self._image().save(part, format="png", dpi=(DPI, DPI), compress_level=COMPRESSION)

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place in inches, moved to whole pixels."""
        size = self.figure.bbox.size
        pixels = [round(side * DPI) for side in (left, bottom, width, height)]
        return self.figure.add_axes(
            (pixels[0] / size[0], pixels[1] / size[1], pixels[2] / size[0], pixels[3] / size[1])
        )


def _patch(colour: str, label: str) -> Patch:
    return Patch(facecolor=colour, edgecolor=OUTLINE_GREY, linewidth=OUTLINE_WIDTH, label=label)


class Reel:
    """Maps one after the other on one sheet: what they share is drawn once, not with each."""

    def __init__(self, sheet: Sheet, note: str | None, blanks: Collection[int]) -> None:
        self._sheet = sheet
        self._axes = sheet.place(0)
        self._title = self._axes.set_title(" ", fontsize=TITLE_SIZE, animated=True)
        sheet.margins(note, blanks)
        sheet.canvas.draw()
        self._bare = self._background = sheet.canvas.copy_from_bbox(sheet.figure.bbox)

    def scale(self, ramp: Ramp, unit: str) -> None:
        """Put the colour bar of the maps that follow."""
        canvas, figure = self._sheet.canvas, self._sheet.figure
        canvas.restore_region(self._bare)
        beside = self._sheet.bar(self._axes, ramp, unit)
        figure.draw_artist(beside)
        beside.remove()
        self._background = canvas.copy_from_bbox(figure.bbox)

    def draw(self, colours: Bytes, title: str, target: Path) -> None:
        """One map (y, x, RGBA) as PNG."""
        self._sheet.canvas.restore_region(self._background)
        self._sheet.paint(self._axes, colours)
        self._title.set_text(title)
        self._axes.draw_artist(self._title)
        self._sheet.save(target)


def coloured(values: Floats, ramp: Ramp, blanks: Bytes) -> Bytes:
    """Colours (y, x, RGBA) of a map: its ramp, and why there is no value where there is none."""
    scaled = Normalize(ramp.low, ramp.high)(np.ma.masked_invalid(values))
    colours: Bytes = colormaps[ramp.colours](scaled, bytes=True)
    palette = np.rint(to_rgba_array([BLANKS[blank][0] for blank in Blank]) * 255).astype(np.uint8)
    without = np.isnan(values)
    colours[without] = palette[blanks[without]]
    return colours
