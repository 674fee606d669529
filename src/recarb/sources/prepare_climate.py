"""Climate on its own grid: one file a variable, one band a month, written month by month.

Only one month of one variable is in memory. Mean temperature is that of minimum and maximum where
the product gives no mean. Rates per day are multiplied by the true days of the month.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Layer
from recarb.core.errors import MissingData
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR, climatology_months, days_of
from recarb.harmonise.regrid import to_grid
from recarb.io.cog import MapSpec, MapWriter
from recarb.io.raster import LayerFile, describe
from recarb.sources.base import Box
from recarb.sources.layer_out import Out
from recarb.sources.material import Material
from recarb.sources.plan import CLIMATE_MARGIN_DEG
from recarb.sources.readers import check_possible, facts_of, first_known, rasters_in, unpacked
from recarb.sources.target import climate_grid

Floats = NDArray[np.float64]
Months = NDArray[np.datetime64]

FROM = {  # what each variable of a run is the mean of, the first that the product has
    "temperature": (("temperature",), ("temperature_max", "temperature_min")),
    "rain": (("rain",),),
    "pet": (("pet",),),
}
BLOCK = 64  # cells along a block of the file: a run reads all months of a small window


@dataclass(frozen=True)
class Part:
    """The files of one variable that hold the same months, one for each box."""

    paths: tuple[Path, ...]
    months: Months


@dataclass(frozen=True)
class Product:
    """A climate product as it was fetched.

    Attributes
    ----------
    parts : by quantity of the catalogue, in the order of time
    climatology : twelve long-term means
    """

    material: Material
    parts: Mapping[str, tuple[Part, ...]]
    climatology: bool

    def months(self, variable: str) -> Months:
        """All months of a variable."""
        return np.concatenate([part.months for part in self.parts[self.sources(variable)[0]]])

    def sources(self, variable: str) -> tuple[str, ...]:
        """The quantities a variable of a run is the mean of; () if the product has none."""
        for wanted in FROM[variable]:
            if all(key in self.parts for key in wanted):
                return wanted
        return ()

    @property
    def variables(self) -> list[str]:
        """Variables of a run that it can give."""
        return [variable for variable in FROM if self.sources(variable)]

    @property
    def years(self) -> tuple[int, int]:
        """First and last year."""
        first, last = self.months("temperature")[[0, -1]].astype("datetime64[Y]").astype(str)
        return int(first), int(last)


def product_of(material: Material) -> Product:
    """Sort the files of a climate product by variable and time.

    Raises
    ------
    MissingData
        A variable is missing, has gaps, or other months than the rest.
    """
    climatology = not {"year", "decade"} & {key for known in material.values for key in known}
    parts: dict[str, tuple[Part, ...]] = {}
    for name in material.choices("variable"):
        facts = facts_of(material, name)
        key = (facts.quantity if facts else None) or name
        parts[key] = tuple(_parts(material, name, climatology))
    product = Product(material, parts, climatology)
    for variable in ("temperature", "rain"):
        if not product.sources(variable):
            raise MissingData(
                f"{material.role}: {material.title} has no {variable}; choose another --source"
            )
    _check_months(product)
    return product


def _parts(material: Material, name: str, climatology: bool) -> Iterator[Part]:
    if climatology:
        yield Part(tuple(material.where(variable=name)), climatology_months())
        return
    key = "year" if material.choices("year") else "decade"
    for value in material.choices(key):
        first, _, last = value.partition(".")
        months = np.arange(f"{first}-01", f"{int(last or first) + 1}-01", dtype="datetime64[M]")
        paths = tuple(material.where(variable=name, **{key: value}))
        if paths:
            yield Part(paths, months)


def _check_months(product: Product) -> None:
    """All variables have the same whole years, without a gap."""
    expected = product.months("temperature")
    steps = np.diff(expected).astype(int)
    if not product.climatology and (steps != 1).any():
        at = expected[int(np.flatnonzero(steps != 1)[0])]
        raise MissingData(
            f"{product.material.role}: the years fetched have a gap after {at}; fetch them all: "
            "--years climate=FIRST-LAST"
        )
    for variable in product.variables:
        for key in product.sources(variable):
            found = np.concatenate([part.months for part in product.parts[key]])
            if not np.array_equal(found, expected):
                raise MissingData(
                    f"{product.material.role}: {key} has other months than temperature "
                    f"({found[0]} to {found[-1]}); fetch again"
                )


def write_climate(
    product: Product, variable: str, boxes: tuple[Box, ...], tags: Mapping[str, str], out: Out
) -> Path:
    """Write one variable of a product: a band a month, named like 1981-01.

    Raises
    ------
    MissingData
        A file has other months than its name says.
    InputError
        A file cannot be read, or holds impossible values.
    OutputError
        The disk does not take it.
    """
    quantity, keys = catalogue()[variable], product.sources(variable)
    months = product.months(variable)
    names = tuple(str(month) for month in months)
    spec = MapSpec(variable, quantity.long_name, quantity.unit, tags=tags, bands=names, cog=False)
    writer, done, grid = None, 0, None
    with ExitStack() as stack:
        for parts in zip(*(product.parts[key] for key in keys), strict=True):
            with ExitStack() as files:
                layers = [
                    [_opened(product, key, part, path, files, out) for path in part.paths]
                    for key, part in zip(keys, parts, strict=True)
                ]
                if writer is None or grid is None:
                    grid = climate_grid(layers[0][0].geobox, boxes, CLIMATE_MARGIN_DEG)
                    writer = MapWriter(spec, grid, out.staging, BLOCK)
                    stack.enter_context(writer)
                for band, days in enumerate(days_of(parts[0].months, product.climatology), 1):
                    out.progress(done, months.size, f"{product.material.role}: {variable}")
                    field = _mean(layers, grid, band, float(days))
                    check_possible(field, quantity, f"{variable} of {names[done]}")
                    done += 1
                    writer.write(field, 0, 0, done)
        if writer is None:
            raise MissingData(f"{product.material.role}: no files of {variable}; fetch again")
        return writer.publish(out.folder)


def _mean(layers: list[list[LayerFile]], grid: GeoBox, band: int, days: float) -> Floats:
    """Mean over the quantities; of several boxes, the first that knows a cell."""
    total: Floats | float = 0.0
    for files in layers:
        total = total + first_known(to_grid(file, grid, band, days=days) for file in files)
    return np.asarray(total) / len(layers)


def _opened(
    product: Product, key: str, part: Part, path: Path, files: ExitStack, out: Out
) -> LayerFile:
    """One file as a layer whose bands are the months of its part."""
    material = product.material
    name = next(
        known["variable"]
        for one, known in zip(material.paths, material.values, strict=True)
        if one == path
    )
    facts = facts_of(material, name)
    inside = files.enter_context(unpacked(path, out.staging))
    if path.suffix.lower() == ".zip":
        first = rasters_in(inside, out.staging)[0]
        inside = first.with_name("*" + first.suffix)
    layer = Layer(
        path=inside,
        unit=facts.unit if facts else None,
        variable=facts.in_file if facts else None,
    )
    found = describe(key, layer, catalogue()[key])
    _check_times(found, part, product.climatology)
    return found


def _check_times(layer: LayerFile, part: Part, climatology: bool) -> None:
    expected = tuple(str(month) for month in part.months)
    if climatology:
        right = layer.count == YEAR
    else:
        right = layer.count == len(expected) and layer.times in (None, expected)
    if not right:
        times = layer.times or ("unknown",)
        raise MissingData(
            f"{layer.where}: expected the months {expected[0]} to {expected[-1]}, found "
            f"{layer.count} bands, {times[0]} to {times[-1]}; remove the file from the cache and "
            "fetch it again"
        )
