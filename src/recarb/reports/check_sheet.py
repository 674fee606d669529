"""The contact sheet of a check: every layer of a run as a small map."""

import textwrap

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.errors import RecarbError
from recarb.core.grid import is_geographic
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.reports.ground import Blank, Ground, ground_on
from recarb.reports.sheet import Sheet, coloured
from recarb.reports.style import CLASS_COLOURS, SEQUENTIAL, Ramp, ramp_for
from recarb.sequestration.look import Look, SmallMap

Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

BOX_IN = (2.6, 2.3)
COLUMNS = 3
TITLE_SIZE = 9
MOST_CLASSES = 9  # in a legend; the page lists them all
NAME_WIDTH = 14  # characters of a line in the legend
OPAQUE = 255
MISSING: dict[int, str] = {Blank.FAILED: "missing in the country"}


def draw_sheet(look: Look, config: RunConfig) -> tuple[Sheet, list[SmallMap]]:
    """All small maps on one sheet, and the maps in the order of their places."""
    maps, grid = list(look.maps()), look.view.grid
    box = grid.boundingbox
    extent = (box.left, box.right, box.bottom, box.top)
    sheet = Sheet(extent, _ground(look, config), BOX_IN, len(maps), COLUMNS)
    painted, seen = [], set()
    for number, one in enumerate(maps):
        blanks = _blanks(one, look, config.boundary is not None)
        axes = sheet.place(number)
        axes.set_title(one.key, fontsize=TITLE_SIZE)
        if one.key.startswith("land_use"):
            classes = classes_of(one)
            named = list(classes)[:MOST_CLASSES]
            sheet.legend(
                axes, {textwrap.fill(name, NAME_WIDTH): classes[name][0] for name in named}
            )
            colours = _class_colours(one, blanks)
        else:
            ramp = _ramp(one)
            sheet.bar(axes, ramp, one.unit)
            colours = coloured(one.values, ramp, blanks)
        seen |= set(np.unique(blanks[~np.isfinite(one.values)]).tolist())
        painted.append((axes, colours))
    sheet.margins(config.note, seen, f"{config.name or config.iso3}: inputs", MISSING)
    sheet.canvas.draw()
    for axes, colours in painted:
        sheet.paint(axes, colours)
    return sheet, maps


def classes_of(one: SmallMap) -> dict[str, tuple[str, float]]:
    """Colour and share [%] of the land-use classes of a map by name, the largest first."""
    codes, counts = np.unique(one.values[np.isfinite(one.values)], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {
        land_use_classes()[int(codes[at])].name: (
            CLASS_COLOURS[int(codes[at])],
            100.0 * float(counts[at] / counts.sum()),
        )
        for at in order
    }


def _blanks(one: SmallMap, look: Look, bounded: bool) -> Bytes:
    """What a pixel without a value means; of the SOC map only a boundary can tell."""
    country = look.view.inside if one.key == "soc" and bounded else look.country
    return np.where(country, np.uint8(Blank.FAILED), np.uint8(Blank.OUTSIDE))


def _ground(look: Look, config: RunConfig) -> Ground:
    try:
        return ground_on(config, look.view.grid)
    except (RecarbError, OSError, ValueError):  # the check tells what is wrong with the boundary
        return Ground(None, is_geographic(look.view.grid))


def _ramp(one: SmallMap) -> Ramp:
    if one.is_code:
        codes = one.values[np.isfinite(one.values)]
        return Ramp(SEQUENTIAL, min(float(codes.min()), 0.0), max(float(codes.max()), 1.0))
    return ramp_for(one.unit, [one.values], difference=False)


def _class_colours(one: SmallMap, blanks: Bytes) -> Bytes:
    """Colours (y, x, RGBA) of a map of land-use classes."""
    colours = coloured(np.full(one.values.shape, np.nan), Ramp(SEQUENTIAL, 0.0, 1.0), blanks)
    for code, colour in CLASS_COLOURS.items():
        where = one.values == code
        colours[where, :3] = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        colours[where, 3] = OPAQUE
    return colours
