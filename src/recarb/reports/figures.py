"""Quick-look pictures of a finished run: one PNG per map, and one page with the main ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recarb.core.config import RunConfig
from recarb.reports.ground import (
    Ground,
    aspect_of,
    extent_of,
    ground_of,
    read_blanks,
    read_values,
)
from recarb.reports.sheet import Reel, Sheet, coloured
from recarb.reports.style import ramp_for
from recarb.sequestration import output
from recarb.sequestration.ensemble_maps import ensemble_products
from recarb.sequestration.forward import BAU
from recarb.sequestration.monte_carlo import uncertainty_maps
from recarb.sequestration.output import DIAGNOSTICS, PROTOCOLS
from recarb.sequestration.pipeline import last_year
from recarb.sequestration.products import Product, diagnostics, products

FOLDER, OVERVIEW = "pictures", "overview.png"
BOX_IN = (6.0, 8.0)  # width and height a map has at most, on its own picture ...
OVERVIEW_BOX_IN = {2: (5.0, 4.0), 3: (2.8, 4.5)}  # ... and in an overview of so many columns
SCENARIOS = 3  # whose rates the overview shows
WIDE = 0.55  # height over width below which two maps, not three, go into one row
OVERVIEW_TITLE_SIZE = 9
DIFFERENCES = ("AbsDiff", "ASR", "RelDiff", "RSR")  # zero is the middle of their ramp
FAMILIES = {  # maps of one scale by their key or its first word; any other map has its own
    "T0": "stock",
    "finalSOC": "stock",
    "C_eq": "carbon input",
    "C_BAU": "carbon input",
    "rate": "rate modifier",
    **{kind: kind for kind in DIFFERENCES},
}
OVER_THE_YEARS, AT_THE_END = {"AbsDiff", "ASR", "RSR"}, {"finalSOC", "RelDiff", BAU, "SSM"}
UNCERTAINTY, HALF_WIDTH = "U_", "HW_"
DRAWN = ("sd_RSR_", "P_")  # of the many maps of a Monte Carlo: how sure are the gains
ENSEMBLE, MEAN, SPREAD = "ensemble_", "_mean", "_sd"


def draw_maps(
    folder: Path, config: RunConfig, progress: Callable[[int, int, str], None] | None = None
) -> Path:
    """Draw every map of a run into `folder`/pictures, and `overview.png` with the main ones.

    Maps of one family, such as the rates of all scenarios, share one scale.
    """
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    paths = _paths(folder, config)
    first = next(iter(paths.values()))
    ground = ground_of(config, first)
    sheet = Sheet(extent_of(first), ground, BOX_IN)
    blanks = read_blanks(_outcome(folder, config), sheet.map_shape)
    families: dict[str, list[Product]] = {}
    for product in paths:
        families.setdefault(family(product), []).append(product)
    done = 0
    reel = Reel(sheet, config.note, np.unique(blanks))
    for members in families.values():
        maps = [read_values(paths[product], sheet.map_shape) for product in members]
        ramp = ramp_for(members[0].unit, maps, is_difference(members[0]))
        reel.scale(ramp, members[0].unit)
        for product, values in zip(members, maps, strict=True):
            if progress is not None:
                progress(done, len(paths), "drawing")
            title = f"{config.name or config.iso3}: {dated_title(product, config)}"
            reel.draw(coloured(values, ramp, blanks), title, target / f"{paths[product].stem}.png")
            done += 1
    draw_overview(folder, config, ground, target / OVERVIEW)
    return target


def draw_overview(folder: Path, config: RunConfig, ground: Ground, target: Path) -> Path:
    """T0, the final stock and rate of BAU, and the relative rate of up to three scenarios.

    The two stocks share one ramp and so do the scenarios, so that their colours can be compared.
    """
    paths = {product.key: (product, path) for product, path in _paths(folder, config).items()}
    relative = [f"RSR_{scenario.name}" for scenario in config.scenarios][-SCENARIOS:]
    groups = [["T0", f"finalSOC_{BAU}"], [f"ASR_{BAU}"], relative]
    keys = [key for group in groups for key in group]
    extent = extent_of(paths["T0"][1])
    columns = 2 if aspect_of(extent, ground.geographic) < WIDE else 3
    sheet = Sheet(extent, ground, OVERVIEW_BOX_IN[columns], len(keys), columns)
    blanks = read_blanks(_outcome(folder, config), sheet.map_shape)
    painted = []
    for group in filter(None, groups):
        maps = [read_values(paths[key][1], sheet.map_shape) for key in group]
        unit, difference = paths[group[0]][0].unit, is_difference(paths[group[0]][0])
        ramp = ramp_for(unit, maps, difference)
        for key, values in zip(group, maps, strict=True):
            axes = sheet.place(keys.index(key))
            sheet.bar(axes, ramp, unit)
            axes.set_title(dated_title(paths[key][0], config), fontsize=OVERVIEW_TITLE_SIZE)
            painted.append((axes, coloured(values, ramp, blanks)))
    variant = config.model.variant.told()
    protocol = PROTOCOLS[config.protocol] + (f" ({variant})" if variant else "")
    heading = f"{config.name or config.iso3}: {protocol}, 0-{config.model.depth_cm:g} cm"
    sheet.margins(config.note, np.unique(blanks), heading)
    sheet.canvas.draw()
    for axes, colours in painted:
        sheet.paint(axes, colours)
    sheet.save(target)
    return target


def _paths(folder: Path, config: RunConfig) -> dict[Product, Path]:
    """The maps that are drawn, and their files."""
    code = config.iso3
    paths = {product: folder / f"{product.file_name(code)}.tif" for product in products(config)}
    for product in diagnostics(config):
        if not product.key.startswith(HALF_WIDTH):
            paths[product] = folder / DIAGNOSTICS / f"{code}_{product.stem}.tif"
    return paths | {
        product: folder / where / f"{code}_{product.stem}.tif" for where, product in beside(config)
    }


def beside(config: RunConfig) -> list[tuple[str, Product]]:
    """Maps of a Monte Carlo and of an ensemble that are drawn, and their folders."""
    shown = [
        (output.UNCERTAINTY, one) for one in uncertainty_maps(config) if one.key.startswith(DRAWN)
    ]
    return shown + [
        (output.ENSEMBLE, one)
        for one in ensemble_products(config)
        if one.key.startswith(ENSEMBLE) and one.key.endswith((MEAN, SPREAD))
    ]


def _outcome(folder: Path, config: RunConfig) -> Path:
    return folder / DIAGNOSTICS / f"{config.iso3}_outcome.tif"


def is_difference(product: Product) -> bool:
    """Whether zero is the middle of the product's ramp."""
    kind = product.key.removeprefix(ENSEMBLE).split("_")[0]
    return kind in DIFFERENCES and not product.key.endswith(SPREAD)


def family(product: Product) -> str:
    """Name of the maps whose colours are compared with those of this one."""
    if product.key.endswith(SPREAD):
        return ENSEMBLE + SPREAD
    if product.key.startswith(DRAWN):
        return product.key.split("_")[0]
    key = product.key.removeprefix(ENSEMBLE).removeprefix(UNCERTAINTY)
    kind = key.split("_")[0]
    if product.key.startswith(UNCERTAINTY):
        return UNCERTAINTY + (kind if kind in DIFFERENCES else "stock")
    return FAMILIES.get(key) or FAMILIES.get(kind, key)


def dated_title(product: Product, config: RunConfig) -> str:
    """The product's title with the year or years it speaks of."""
    start = last_year(config)
    end = start + config.forward.years
    kind = product.key.removeprefix(ENSEMBLE).removeprefix(UNCERTAINTY).split("_")[0]
    if kind in OVER_THE_YEARS:
        return f"{product.title} ({start}-{end})"
    if kind in AT_THE_END:
        return f"{product.title} ({end})"
    if kind == "T0" or product.stem.endswith("_t0"):
        return f"{product.title} ({start})"
    return product.title
