"""The output folder: maps grow in a staging folder beside it, which is renamed when all is done."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

import recarb
from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError, OutputError
from recarb.io.cog import WRITE_ERRORS, MapSpec, MapWriter
from recarb.sequestration.flags import Flag, flags
from recarb.sequestration.inputs import LoadedTile
from recarb.sequestration.products import Product, diagnostics, products

DIAGNOSTICS, FLAGS, SIS, STAGING = "diagnostics", "flags", "sis", ".staging"
MARKER = ".recarb-run"  # tells a folder of ours from one a user made
BYTE_NODATA = 255
if sys.platform != "win32":
    import fcntl

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class RunOutput:
    """All files of one run. On any failure nothing stands under the final folder's name."""

    def __init__(self, config: RunConfig, grid: GeoBox, tags: Mapping[str, str], overwrite: bool):
        self.config = config
        self.final = config.output
        self.part = beside(self.final, ".part")
        self.grid = grid
        self.tags = tags
        self._stack = ExitStack()
        self._ours = False
        self._writers: dict[str, tuple[MapWriter, str]] = {}
        check_folder(config, overwrite)

    def __enter__(self) -> Self:
        try:
            with writing(self.part):
                self._create()
            self._open_maps()
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._stack.close()
        else:
            self._abandon()

    def _create(self) -> None:
        """A fresh folder under the temporary name, with its log."""
        if self.part.exists():  # of a run that was killed, or of one that goes on
            with _held(self.part):
                shutil.rmtree(self.part)
        self.part.mkdir(parents=True)
        self._ours = True
        # before all else: the marker tells a killed run from a user's folder, its lock a live one
        self._stack.enter_context(_held(self.part))
        for folder in (STAGING, DIAGNOSTICS, FLAGS):
            (self.part / folder).mkdir()
        handler = logging.FileHandler(self.part / "run.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        self._stack.callback(_close_log, handler)
        logger = logging.getLogger("recarb")
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

    def _abandon(self) -> None:
        """Leave nothing; the fault that led here is told, not those of closing on a full disk."""
        with suppress(*WRITE_ERRORS, OutputError):
            self._stack.close()
        if self._ours:
            shutil.rmtree(self.part, ignore_errors=True)

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
        spec = MapSpec(
            name, product.title, product.unit, tags=self._tags(product.title, product.unit)
        )
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
        iso2 = _two_letters(self.config)
        with writing(self.part / SIS):
            (self.part / SIS).mkdir()
            for product in products(self.config):
                source = self.part / f"{product.file_name(self.config.iso3)}.tif"
                shutil.copyfile(source, self.part / SIS / f"{product.sis_name(iso2, year)}.tif")

    def finish(self) -> Path:
        """Give the folder its final name, replacing an earlier run only now."""
        old = beside(self.final, ".old")
        with writing(self.final):
            self._stack.close()
            shutil.rmtree(self.part / STAGING)
            if old.exists():  # of a run that was killed in the middle of the exchange
                shutil.rmtree(old)
            earlier = self.final.exists()
            if earlier:
                os.replace(self.final, old)
            try:
                os.replace(self.part, self.final)
            except OSError:
                if earlier:
                    os.replace(old, self.final)
                raise
        shutil.rmtree(old, ignore_errors=True)
        return self.final


def beside(folder: Path, suffix: str) -> Path:
    """The folder of the same name with a suffix."""
    return folder.with_name(folder.name + suffix)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says about writing `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: could not be written ({error.strerror or error}). Expected a folder of yours "
            "on a disk with room; nothing stands under the final name. Free some room, or choose "
            "another `output` in run.toml, and run again"
        ) from error


def _two_letters(config: RunConfig) -> str:
    if config.iso2 is None:
        raise ConfigError(
            'the information-system names need the country\'s two letters; write iso2 = "XX" in '
            "run.toml, or leave --sis-names"
        )
    return config.iso2


def check_folder(config: RunConfig, overwrite: bool, sis_names: bool = False) -> None:
    """Refuse, before any work, an output folder that would not or must not be written.

    Raises
    ------
    ConfigError
        There is a folder and `overwrite` is not set, or one that recarb did not write; the names
        of the information system are wanted and the country's two letters are not given.
    OutputError
        The folder cannot be created where it should stand.
    """
    if sis_names:
        _two_letters(config)
    final = config.output
    with writing(final):
        if final.exists() and not overwrite:
            raise ConfigError(
                f"the output folder {final} exists; choose another `output` in run.toml, or "
                "replace it with --overwrite"
            )
        for folder in (final, beside(final, ".part"), beside(final, ".old")):
            if os.path.lexists(folder) and not (folder / MARKER).is_file():
                raise ConfigError(
                    f"{folder} is in the way: expected nothing or an earlier run of recarb, found "
                    "something else. It is left alone: move it, or choose another `output` in "
                    "run.toml"
                )
        ground = next(parent for parent in final.absolute().parents if parent.exists())
        if not os.access(ground, os.W_OK | os.X_OK):
            raise OutputError(
                f"{final}: no permission to create it in {ground}; choose another `output` in "
                "run.toml, or ask for the right to write there"
            )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a run's folder; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    OutputError
        Another run is writing there. (Two runs into one folder are not noticed on Windows.)
    """
    with (folder / MARKER).open("w") as handle:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    f"{folder}: another run is writing there; wait for its end, or choose another "
                    "`output` in run.toml"
                ) from error
            except OSError:
                pass  # a file system without locks: nothing can be known
        yield


def _close_log(handler: logging.Handler) -> None:
    logging.getLogger("recarb").removeHandler(handler)
    handler.close()


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
