"""The output folder: maps grow in a staging folder beside it, which is renamed when all is done."""

import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

import recarb
from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError, OutputError
from recarb.io.cog import MapSpec, MapWriter
from recarb.sequestration.flags import Flag, flags
from recarb.sequestration.inputs import LoadedTile
from recarb.sequestration.products import Product, diagnostics, products

DIAGNOSTICS, FLAGS, SIS, STAGING = "diagnostics", "flags", "sis", ".staging"
MARKER = ".recarb-run"  # tells a folder of ours from one a user made
BYTE_NODATA = 255
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class RunOutput:
    """All files of one run. On any failure nothing stands under the final folder's name."""

    def __init__(self, config: RunConfig, grid: GeoBox, tags: Mapping[str, str], overwrite: bool):
        self.config = config
        self.final = config.output
        self.part = self.final.with_name(self.final.name + ".part")
        self.grid = grid
        self.tags = tags
        self._stack = ExitStack()
        self._writers: dict[str, tuple[MapWriter, str]] = {}
        if self.final.exists() and not overwrite:
            raise ConfigError(
                f"the output folder {self.final} exists; choose another `output` in run.toml, or "
                "replace it with --overwrite"
            )
        if self.final.exists() and not (self.final / MARKER).exists():
            raise ConfigError(
                f"the output folder {self.final} was not written by recarb; it is not replaced"
            )

    def __enter__(self) -> Self:
        if self.part.exists():
            if not (self.part / MARKER).exists():
                raise ConfigError(f"{self.part} is in the way and is not recarb's; remove it")
            shutil.rmtree(self.part)
        try:
            for folder in (STAGING, DIAGNOSTICS, FLAGS):
                (self.part / folder).mkdir(parents=True)
            (self.part / MARKER).touch()
        except OSError as error:
            raise OutputError(f"cannot create the output folder {self.part}: {error}") from error
        self._handler = logging.FileHandler(self.part / "run.log", encoding="utf-8")
        self._handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logging.getLogger("recarb").addHandler(self._handler)
        self._open_maps()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stack.close()
        self._close_log()
        if kind is not None:
            shutil.rmtree(self.part, ignore_errors=True)

    def _close_log(self) -> None:
        logging.getLogger("recarb").removeHandler(self._handler)
        self._handler.close()

    def _open_maps(self) -> None:
        code = self.config.iso3
        for product in products(self.config):
            self._open(product, product.file_name(code), "")
        for product in diagnostics(self.config):
            self._open(product, f"{code}_{product.stem}", DIAGNOSTICS)
        for flag in flags(self.config):
            self._open_bytes(flag, f"{code}_flag_{flag.key}", FLAGS)
        for key, title in (("outcome", "outcome of the cell"), ("land_use", "land use at t0")):
            self._open_bytes(Flag(key, title), f"{code}_{key}", DIAGNOSTICS)

    def _open(self, product: Product, name: str, folder: str) -> None:
        spec = MapSpec(name, product.title, product.unit, tags=self._tags(product.title, product.unit))
        self._register(product.key, spec, folder)

    def _open_bytes(self, flag: Flag, name: str, folder: str) -> None:
        spec = MapSpec(name, flag.title, "code", "uint8", self._tags(flag.title, "code"))
        self._register(flag.key, spec, folder)

    def _tags(self, title: str, unit: str) -> dict[str, str]:
        substance = {"substance": "C"} if unit.startswith("t ") else {}
        return {**self.tags, "title": title, "units": unit, **substance}

    def _register(self, key: str, spec: MapSpec, folder: str) -> None:
        writer = MapWriter(spec, self.grid, self.part / STAGING)
        self._writers[key] = (self._stack.enter_context(writer), folder)

    def write(
        self, loaded: LoadedTile, maps: xr.Dataset, flagged: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        """Write one tile of every map."""
        tile = loaded.tile
        row, column = tile.rows.start, tile.columns.start
        at = (maps["row"].values - row, maps["column"].values - column)
        for key, (writer, _) in self._writers.items():
            if key in maps:
                writer.write(_scattered(maps[key].values, at, tile.shape), row, column)
            elif key in flagged:
                writer.write(_scattered(flagged[key].astype(float), at, tile.shape), row, column)
        self.write_outcome(loaded)

    def write_outcome(self, loaded: LoadedTile) -> None:
        """Write the outcome and land use of one tile; all a tile without running cells has."""
        row, column = loaded.tile.rows.start, loaded.tile.columns.start
        self._writers["outcome"][0].write(loaded.outcome.astype(float), row, column)
        land_use = np.where(loaded.land_use == 0, np.nan, loaded.land_use.astype(float))
        self._writers["land_use"][0].write(land_use, row, column)

    def publish(self) -> list[Path]:
        """Turn every map into a verified COG; the folder still has its temporary name."""
        return [
            writer.publish(self.part / folder if folder else self.part)
            for writer, folder in self._writers.values()
        ]

    def copy_under_sis_names(self, year: int) -> None:
        """The deliverables once more under the names of the information system."""
        iso2 = self.config.iso2
        if iso2 is None:
            raise ConfigError('the information-system names need the country\'s two letters: iso2 = "XX"')
        (self.part / SIS).mkdir()
        for product in products(self.config):
            source = self.part / f"{product.file_name(self.config.iso3)}.tif"
            shutil.copyfile(source, self.part / SIS / f"{product.sis_name(iso2, year)}.tif")

    def finish(self) -> Path:
        """Give the folder its final name, replacing an earlier run only now."""
        self._stack.close()
        self._close_log()
        shutil.rmtree(self.part / STAGING)
        old = self.final.with_name(self.final.name + ".old")
        try:
            if self.final.exists():
                os.replace(self.final, old)
            os.replace(self.part, self.final)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise OutputError(f"cannot rename {self.part} to {self.final}: {error}") from error
        return self.final


def _scattered(
    values: NDArray[np.float64],
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    block = np.full(shape, np.nan)
    block[at] = values
    return block


def map_tags(config: RunConfig, inputs_hash: str, t0: int) -> dict[str, str]:
    """What every map says of itself; neither a time nor a machine, so that a rerun is identical."""
    return {
        "recarb_version": recarb.__version__,
        "protocol": "GSOCseq, RothC-26.3",
        "country": config.iso3,
        "depth_cm": f"{config.model.depth_cm:g}",
        "t0": str(t0),
        "years_forward": str(config.forward.years),
        "config_sha256": config.fingerprint(),
        "inputs_sha256": inputs_hash,
        **({"note": config.note} if config.note else {}),
    }
