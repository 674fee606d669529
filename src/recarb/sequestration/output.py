"""The maps of a run: they grow tile by tile in the run's folder and are published at the end."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

import recarb
from recarb.core.config import FAO_R, RunConfig
from recarb.core.errors import ConfigError
from recarb.core.findings import Progress
from recarb.core.quantities import CODE
from recarb.io.cog import BLOCK, MapSpec, MapWriter
from recarb.sequestration.ensemble_maps import ensemble_products
from recarb.sequestration.flags import Flag, flags
from recarb.sequestration.monte_carlo import share_maps, uncertainty_maps
from recarb.sequestration.products import PLAIN, Product, diagnostics, products
from recarb.sequestration.run_folder import STAGING, writing
from recarb.sequestration.schedule import in_order
from recarb.sequestration.tile_run import TileResult

PROTOCOLS = {"rothc-26.3": "GSOCseq, RothC-26.3", FAO_R: "GSOCseq, fao-r (scripts v1.1)"}
DIAGNOSTICS, FLAGS, ENSEMBLE, SIS = "diagnostics", "flags", "ensemble", "sis"
UNCERTAINTY = "uncertainty"
BLOCKS = (Flag("outcome", "outcome of the cell"), Flag("land_use", "land use at t0"))


class RunMaps:
    """Every map of one run, in a folder that has its temporary name.

    Parameters
    ----------
    block : cells along a tile
    """

    def __init__(
        self,
        config: RunConfig,
        grid: GeoBox,
        tags: Mapping[str, str],
        folder: Path,
        block: int = BLOCK,
    ) -> None:
        self.config = config
        self.grid = grid
        self.tags = tags
        self.folder = folder
        self.block = block
        self._stack = ExitStack()
        self._of_ensemble = ensemble_products(config)
        self._writers: dict[str, tuple[MapWriter, str]] = {}
        self._bands: dict[str, tuple[MapWriter, int]] = {}  # of maps with several

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            with writing(self.folder):
                for name in (DIAGNOSTICS, FLAGS, *([ENSEMBLE] if self._of_ensemble else [])):
                    (self.folder / name).mkdir()
                if self.config.monte_carlo is not None:
                    (self.folder / UNCERTAINTY).mkdir()
            self._open_maps(opened)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def _open_maps(self, opened: ExitStack) -> None:
        code = self.config.iso3
        specs = [
            (product.key, self._spec(product, product.file_name(code)), "")
            for product in products(self.config)
        ]
        specs += [
            (product.key, self._spec(product, f"{code}_{product.stem}"), DIAGNOSTICS)
            for product in diagnostics(self.config)
        ]
        specs += [
            (flag.key, self._byte_spec(flag, f"{code}_flag_{flag.key}"), FLAGS)
            for flag in flags(self.config)
        ]
        specs += [
            (block.key, self._byte_spec(block, f"{code}_{block.key}"), DIAGNOSTICS)
            for block in BLOCKS
        ]
        specs += [
            (product.key, self._spec(product, f"{code}_{product.stem}"), ENSEMBLE)
            for product in self._of_ensemble
        ]
        specs += [
            (product.key, self._spec(product, f"{code}_{product.stem}"), UNCERTAINTY)
            for product in uncertainty_maps(self.config)
        ]
        shares = share_maps(self.config)
        specs += [
            (stem, self._bands_spec(bands, f"{code}_{stem}"), UNCERTAINTY)
            for stem, bands in shares.items()
        ]
        for key, spec, folder in specs:
            writer = MapWriter(spec, self.grid, self.folder / STAGING, self.block)
            self._writers[key] = (opened.enter_context(writer), folder)
        for stem, bands in shares.items():
            writer = self._writers[stem][0]
            self._bands |= {band.key: (writer, i) for i, band in enumerate(bands, start=1)}

    def _spec(self, product: Product, name: str) -> MapSpec:
        if product.unit == CODE:
            return self._byte_spec(Flag(product.key, product.title), name)
        tags = self._tags(product.title, product.unit)
        return MapSpec(name, product.title, product.unit, tags=tags)

    def _bands_spec(self, bands: list[Product], name: str) -> MapSpec:
        title = "share of the variance by input"
        tags = self._tags(title, PLAIN)
        return MapSpec(name, title, PLAIN, tags=tags, bands=tuple(band.title for band in bands))

    def _byte_spec(self, flag: Flag, name: str) -> MapSpec:
        return MapSpec(name, flag.title, CODE, "uint8", self._tags(flag.title, CODE))

    def _tags(self, title: str, unit: str) -> dict[str, str]:
        substance = {"substance": "C"} if unit.startswith("t ") else {}
        return {**self.tags, "title": title, "units": unit, **substance}

    def write(self, result: TileResult) -> None:
        """Write one tile of every map."""
        row, column = result.tile.rows.start, result.tile.columns.start
        width = result.tile.shape[1]
        at = result.rows.astype(np.intp) * width + result.columns
        columns: dict[str, NDArray[Any]] = {**result.maps, **result.flags}
        for key, values in columns.items():
            writer, band = self._bands.get(key) or (self._writers[key][0], 1)
            writer.write(_scattered(values, at, result.tile.shape), row, column, band)
        self._writers["outcome"][0].write(result.outcome, row, column)
        land_use = np.where(result.land_use == 0, np.nan, result.land_use)
        self._writers["land_use"][0].write(land_use, row, column)

    def publish(self, threads: int, progress: Progress) -> None:
        """Turn every map into a verified COG; the folder still has its temporary name."""

        def publish_one(key: str) -> None:
            writer, folder = self._writers[key]
            writer.publish(self.folder / folder if folder else self.folder)

        total = len(self._writers)
        progress(0, total, "writing the maps")
        with closing(in_order(publish_one, self._writers, threads, in_flight=total)) as published:
            for done, _ in enumerate(published, start=1):
                progress(done, total, "writing the maps")

    def copy_under_sis_names(self, year: int) -> None:
        """The deliverables once more under the names of the information system."""
        iso2 = two_letters(self.config)
        with writing(self.folder / SIS):
            (self.folder / SIS).mkdir()
            for product in products(self.config):
                source = self.folder / f"{product.file_name(self.config.iso3)}.tif"
                shutil.copyfile(source, self.folder / SIS / f"{product.sis_name(iso2, year)}.tif")


def two_letters(config: RunConfig) -> str:
    """The country's code in the names of the information system; ConfigError without one."""
    if config.iso2 is None:
        raise ConfigError(
            'the information-system names need the country\'s two letters; write iso2 = "XX" in '
            "run.toml, or leave --sis-names"
        )
    return config.iso2


def _scattered(
    values: NDArray[Any], at: NDArray[np.intp], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """A block (y, x) with `values` at the flat positions `at`, NaN elsewhere."""
    block = np.full(shape[0] * shape[1], np.nan, dtype=np.float32)
    block[at] = values
    return block.reshape(shape)


def map_tags(config: RunConfig, inputs_hash: str, t0: int) -> dict[str, str]:
    """What every map says of itself; neither a time nor a machine, so that a rerun is identical."""
    variant = config.model.variant.told()
    return {
        "recarb_version": recarb.__version__,
        "protocol": PROTOCOLS[config.protocol],
        "country": config.iso3,
        "depth_cm": f"{config.model.depth_cm:g}",
        "t0": str(t0),
        "years_forward": str(config.forward.years),
        "config_sha256": config.fingerprint(),
        "inputs_sha256": inputs_hash,
        **({"variant": variant} if variant else {}),
        **({"note": config.note} if config.note else {}),
    }
