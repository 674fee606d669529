"""`recarb prepare`: from fetched files to a country's layers and its run.toml.

The body of `prepare` reads as what it does: find the files, settle the grid, make each layer that
is not there yet, write run.toml.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from odc.geo.geobox import GeoBox

from recarb.core.errors import ConfigError, MissingData, OutputError
from recarb.core.findings import Progress, no_progress
from recarb.core.grid import is_geographic
from recarb.harmonise.landuse import DEFAULT_CROSSWALK, load_crosswalk
from recarb.sources.cache import Cache
from recarb.sources.layer_out import Out
from recarb.sources.material import OWN, Country, Material, own_material, read_country
from recarb.sources.plan import CLIMATE_MARGIN_DEG, DEFAULT_SOURCES, MAP_MARGIN_DEG
from recarb.sources.prepare_boundary import UNIT_FIELDS, write_boundary
from recarb.sources.prepare_climate import Product, product_of, write_climate
from recarb.sources.prepare_cover import load_rules, write_cover
from recarb.sources.prepare_land import mosaic, write_land_use
from recarb.sources.prepare_record import Record, Step
from recarb.sources.prepare_run import Facts, run_text
from recarb.sources.prepare_soil import soil_layers, write_soil
from recarb.sources.prepare_uncertainty import LARGEST_PCT, write_uncertainty
from recarb.sources.prepare_uncertainty import LAYERS as UNCERTAINTY
from recarb.sources.readers import layers_of
from recarb.sources.registry import Entry
from recarb.sources.target import soc_grid

RUN_FILE, NEW_RUN_FILE = "run.toml", "run.toml.new"
STAGING = ".prepare"
NEEDED = ("soc", "clay", "land_cover", "climate")
USED = {"boundary", "provinces", "districts", "sand", "elevation", "cover", "ndvi", "scenario",
        "normals", *NEEDED, *UNCERTAINTY}  # fmt: skip
CROSSWALKS = {"glc_share": "glc_share"}  # of a data set, where not the default
YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")
BYTES_PER_CELL = {"soc": 4, "clay": 4, "sand": 4, "elevation": 4, "land_cover": 53, "cover": 48,
                  "ndvi": 48, "soc_quantiles": 4, "clay_quantiles": 4}  # fmt: skip
# of layers, not compressed; land cover: the class and 13 shares
BYTES_PER_VALUE = 4  # of climate
CELL_DEG = 0.1  # of a climate product whose entry does not say, for the estimate alone
BYTES_PER_MB = 1e6

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Choices of `recarb prepare`.

    Attributes
    ----------
    own : files of the country that go before what was fetched, by layer
    units : of own files whose tags name none, by layer
    crosswalk : of the land cover; None takes that of the data set
    cover_rules : how NDVI becomes plant cover; None takes those that ship
    snap : bring everything to FAO's 30 arc-second grid
    overwrite : replace a run.toml that somebody changed
    """

    own: Mapping[str, Path] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    crosswalk: str | None = None
    cover_rules: Path | None = None
    snap: bool = False
    overwrite: bool = False


def prepare(
    folder: Path,
    cache: Cache,
    registry: Mapping[str, Entry],
    options: Options | None = None,
    *,
    tell: Tell = lambda _: None,
    progress: Progress = no_progress,
) -> Path:
    """Make a country's layers and run.toml in `folder`, beside its sources.json.

    Raises
    ------
    MissingData
        A layer a run needs was not fetched, or a file is not in the cache any more.
    InputError, SourceError
        A file cannot be used as it is.
    OutputError
        The disk does not take a layer; those that are there are whole.
    """
    chosen = options or Options()
    country, materials = read_country(folder, cache, registry)
    for role, path in {**country.own, **chosen.own}.items():
        materials[role] = own_material(role, path, chosen.units.get(role))
    _check_complete(country, materials, tell)
    out = Out(folder, folder / STAGING, progress)
    try:
        (folder / STAGING).mkdir(parents=True, exist_ok=True)
        work = _Work(country, materials, chosen, out, tell)
        tell(work.estimate())
        record = Record.read(folder)
        steps = list(work.steps())
        for step in steps:
            if record.has(step):
                tell(f"unchanged: {', '.join(step.files)}")
                continue
            step.make()
            record.add(step)
            tell(f"written: {', '.join(step.files)}")
        record.keep(step.name for step in steps)
        return _write_run(folder, run_text(work.facts()), record, chosen.overwrite, tell)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); make room") from error
    finally:
        shutil.rmtree(folder / STAGING, ignore_errors=True)


def _check_complete(country: Country, materials: Mapping[str, Material], tell: Tell) -> None:
    """Say all that is missing at once."""
    missing = [role for role in NEEDED if role not in materials]
    if "climate" in missing and "normals" in materials:
        missing.remove("climate")
    if missing:
        raise MissingData(
            f"{country.iso3}: a run needs {', '.join(missing)}, which was not fetched:\n"
            + "\n".join(
                f"  {role}: recarb fetch {country.iso3} --source {role}={DEFAULT_SOURCES[role]}"
                + ("" if role == "climate" else f", or --own {role}=FILE")
                for role in missing
            )
        )
    for role in sorted(set(materials) - USED):
        tell(f"note: {role} was fetched, but prepare has no use for it yet")
    if "ndvi" not in materials and "cover" not in materials:
        tell(
            f"note: no NDVI: plant cover by land use and crop calendar; "
            f"`recarb fetch {country.iso3} --with ndvi` gets it"
        )


class _Work:
    """Everything that the steps share: the SOC grid first of all."""

    def __init__(
        self,
        country: Country,
        materials: dict[str, Material],
        options: Options,
        out: Out,
        tell: Tell,
    ) -> None:
        self.tell = tell
        self.country, self.materials, self.options, self.out = country, materials, options, out
        self.soc = soil_layers(materials["soc"], out.staging)
        own = materials["soc"].source == OWN
        first = next(iter(self.soc.values()))[1]
        boxes = () if own else country.boxes
        self.grid: GeoBox = soc_grid(first, boxes, MAP_MARGIN_DEG, options.snap)
        series = materials["climate" if "climate" in materials else "normals"]
        self.climate = product_of(series)
        self.scenario = product_of(materials["scenario"]) if "scenario" in materials else None
        self.land = _land_cover_years(materials["land_cover"])

    def steps(self) -> Iterator[Step]:
        """Every layer, in the order in which they are made."""
        yield from self._maps()
        for quantiles, name in UNCERTAINTY.items():
            if quantiles in self.materials:
                yield self._uncertainty(name, self.materials[quantiles])
        yield from self._land_use()
        if "ndvi" in self.materials and "cover" not in self.materials:
            yield self._cover(self.materials["ndvi"])
        yield from self._climate(self.climate, "climate")
        if self.scenario is not None:
            yield from self._climate(self.scenario, "scenario")
        role = self._boundary_role()
        if role is not None:
            material = self.materials[role]
            yield Step(
                "boundary", (material,), ("boundary.geojson",), {"iso3": self.country.iso3},
                lambda: write_boundary(material, self.country.iso3, self.out),
            )  # fmt: skip

    def _maps(self) -> Iterator[Step]:
        for role in ("soc", "clay", "sand", "elevation", "cover"):
            if role not in self.materials:
                continue
            material = self.materials[role]

            def make(material: Material = material) -> None:
                layers = soil_layers(material, self.out.staging)
                write_soil(material, layers, self.grid, material.tags(), self.out)

            unit = {"unit": material.unit or ""}
            yield Step(role, (material,), (f"{role}.tif",), self._on_grid() | unit, make)

    def _uncertainty(self, name: str, material: Material) -> Step:
        def make() -> None:
            _, cut = write_uncertainty(material, self.grid, material.tags(), self.out)
            if cut.cells:
                self.tell(f"{name}: {cut.cells:,} cells cut to {LARGEST_PCT:g} %")

        return Step(name, (material,), (f"{name}.tif",), self._on_grid(), make)

    def _land_use(self) -> Iterator[Step]:
        material = self.materials["land_cover"]
        name_of_table = self.options.crosswalk or CROSSWALKS.get(material.source, DEFAULT_CROSSWALK)
        crosswalk = load_crosswalk(name_of_table)
        table = {"crosswalk": crosswalk.name, "classes": sorted(crosswalk.classes.items())}
        for name, one in self.land.items():

            def make(name: str = name, one: Material = one) -> None:
                tiles = layers_of(one, "land_use", self.out.staging)
                write_land_use(name, mosaic(tiles), crosswalk, self.grid, one.tags(), self.out)

            files = (f"{name}.tif", f"{name}_shares.tif")
            yield Step(name, (one,), files, self._on_grid() | table, make)

    def _cover(self, material: Material) -> Step:
        rules = load_rules(self.options.cover_rules)

        def make() -> None:
            _, gaps = write_cover(material, rules, self.grid, material.tags(), self.out)
            self.tell(
                f"cover: {gaps:,} cell-months without a good image, share taken: "
                f"{rules.share_without_images}"
            )

        facts = self._on_grid() | rules.model_dump(mode="json")
        return Step("cover", (material,), ("cover.tif",), facts, make)

    def _climate(self, product: Product, folder: str) -> Iterator[Step]:
        for variable in product.variables:

            def make(variable: str = variable) -> None:
                target = self.out.folder / folder
                target.mkdir(exist_ok=True)
                out = Out(target, self.out.staging, self.out.progress)
                tags = product.material.tags()
                write_climate(product, variable, self.country.boxes, tags, out)

            options = {"boxes": self.country.boxes}
            name = f"{folder}.{variable}"
            yield Step(name, (product.material,), (f"{folder}/{variable}.tif",), options, make)

    def _on_grid(self) -> dict[str, object]:
        return {"grid": [str(self.grid.crs), *self.grid.shape, *tuple(self.grid.transform)[:6]]}

    def _boundary_role(self) -> str | None:
        """The finest units there are; a file of the country's own goes first."""
        if "boundary" in self.materials and self.materials["boundary"].source == OWN:
            return "boundary"
        roles = ("districts", "provinces", "boundary")
        return next((role for role in roles if role in self.materials), None)

    def facts(self) -> Facts:
        """What run.toml says."""
        role = self._boundary_role()
        source = self.materials[role].source if role else ""
        return Facts(
            country=self.country,
            materials=self.materials,
            land_use={name: year_of(one.paths[0].name) for name, one in self.land.items()},
            climate=self.climate,
            scenario=self.scenario,
            boundary="boundary.geojson" if role else None,
            unit_field=UNIT_FIELDS.get(source) if role else None,
        )

    def estimate(self) -> str:
        """How much disk the layers take at most, and how much there is."""
        cells = self.grid.shape[0] * self.grid.shape[1]
        if is_geographic(self.grid) and self.materials["soc"].source != OWN:
            cell_deg2 = abs(self.grid.transform.a * self.grid.transform.e)
            boxes = [box.grown(MAP_MARGIN_DEG) for box in self.country.boxes]
            cells = min(cells, int(sum(box.area_deg2 for box in boxes) / cell_deg2))
        needed = sum(BYTES_PER_CELL.get(role, 0) for role in self.materials) * cells
        needed += self._climate_bytes()
        free = shutil.disk_usage(self.out.folder).free
        short = "" if free > needed else "; THIS MAY NOT BE ENOUGH"
        return (
            f"at most {needed / BYTES_PER_MB:,.0f} MB before compression, "
            f"{free / BYTES_PER_MB:,.0f} MB are free{short}"
        )

    def _climate_bytes(self) -> int:
        total = 0
        for product in (self.climate, self.scenario):
            if product is None or product.material.entry is None:
                continue
            cell_deg = product.material.entry.cell_deg or CELL_DEG
            area = sum(box.grown(CLIMATE_MARGIN_DEG).area_deg2 for box in self.country.boxes)
            months = product.months("temperature").size * len(product.variables)
            total += int(area / cell_deg**2 * BYTES_PER_VALUE * months)
        return total


def year_of(name: str) -> int | None:
    """The year in the name of a land-cover tile.

    >>> year_of("C3S-LC-L4-LCCS-Map-300m-P1Y-2020-v2.1.1-N45E090_lccs_class.tif")
    2020
    """
    found = YEAR.search(name)
    return int(found[1]) if found else None


def _land_cover_years(material: Material) -> dict[str, Material]:
    """The first and the last year of a land-cover map, by name of the layer."""
    years = sorted({year_of(path.name) or 0 for path in material.paths})
    if material.source == OWN or len(years) == 1:
        return {"land_use": material}
    if 0 in years:
        raise ConfigError(
            f"land_cover: {material.title}: some files have no year in their names; fetch again"
        )
    names = {f"land_use_{years[0]}": years[0], "land_use": years[-1]}
    return {name: _only(material, year) for name, year in names.items()}


def _only(material: Material, year: int) -> Material:
    kept = [i for i, path in enumerate(material.paths) if year_of(path.name) == year]
    return replace(
        material,
        paths=tuple(material.paths[i] for i in kept),
        hashes=tuple(material.hashes[i] for i in kept),
        urls=tuple(material.urls[i] for i in kept),
        values=tuple(material.values[i] for i in kept),
        fetched=tuple(material.fetched[i] for i in kept if material.fetched),
    )


def _write_run(folder: Path, text: str, record: Record, overwrite: bool, tell: Tell) -> Path:
    """Write run.toml; one that somebody changed stays, and the new one goes beside it."""
    path = folder / RUN_FILE
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    target = path
    if found and found not in (digest, record.run_sha256) and not overwrite:
        target = folder / NEW_RUN_FILE
        tell(f"kept: {path}, which was changed by hand; what prepare would write is {target.name}")
    part = target.with_name(target.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, target)
    if target == path:
        record.run_sha256 = digest
    record.write()
    return path
