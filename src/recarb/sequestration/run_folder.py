"""The folder of a run: built beside its final name, held against a second run, renamed when done.

`<output>.part` holds the finished tiles, the maps as they grow, and run.log. After a fault or a
stop only tiles and log stay, and the same command goes on from them.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError, OutputError, RecarbError
from recarb.core.findings import Progress, no_progress
from recarb.sequestration.tile_store import FolderStore, Store, count_tiles

TILES = "tiles"
STAGING = ".staging"
MARKER = ".recarb-run"  # tells a folder of ours from one a user made
LOCK = ".lock"
LOG = "run.log"
KEPT = {TILES, MARKER, LOCK, LOG}  # what outlives an interrupted run
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class RunFolder:
    """A context in which the folder of a run is built; `finish` gives it its final name.

    Parameters
    ----------
    overwrite : replace an earlier run, once this one is complete
    fresh : forget the tiles of an interrupted run
    store : where finished tiles are kept; default: in the folder
    """

    def __init__(
        self,
        config: RunConfig,
        overwrite: bool = False,
        fresh: bool = False,
        store: Store | None = None,
    ) -> None:
        self.final = config.local_output()
        self.part = beside(self.final, ".part")
        self.store = store or FolderStore(self.part.absolute() / TILES)
        self.staging = self.part / STAGING
        self._fresh = fresh
        self._stack = ExitStack()
        check_folder(config, overwrite)

    def __enter__(self) -> Self:
        with writing(self.part):
            self.part.mkdir(parents=True, exist_ok=True)
            # before all else: the marker tells our folder from a user's, the lock a live run
            (self.part / MARKER).touch()
            self._stack.enter_context(_held(self.part))
        try:
            with writing(self.part):
                self._clear(KEPT - {TILES, LOG} if self._fresh else KEPT)
                if self._fresh:
                    self.store.remove(self.store.names())
                self.staging.mkdir()
            self._open_log()
        except BaseException as error:
            self._abandon(error)
            raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if error is None:
            self._stack.close()
        else:
            self._abandon(error)

    def _open_log(self) -> None:
        with writing(self.part / LOG):
            handler = logging.FileHandler(self.part / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        self._stack.callback(_close_log, handler)
        logger = logging.getLogger("recarb")
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

    def _clear(self, keep: set[str]) -> None:
        for path in self.part.iterdir():
            if path.name not in keep:
                _remove(path)

    def _abandon(self, error: BaseException) -> None:
        """Keep finished tiles and say so; faults of the clearing are not told over the first."""
        kept = 0
        with suppress(OSError, RecarbError):
            kept = count_tiles(self.store)
        with suppress(OSError, OutputError):
            self._clear(KEPT if kept else {MARKER, LOCK, LOG})
        with suppress(OSError, OutputError):
            self._stack.close()
        if kept:
            error.add_note(
                f"{kept} finished tile(s) are kept in {self.store}: the same command goes on from "
                "there (or starts anew with --fresh)"
            )
        else:
            shutil.rmtree(self.part, ignore_errors=True)

    def finish(self, progress: Progress = no_progress) -> Path:
        """Give the folder its final name, replacing an earlier run only now."""
        old = beside(self.final, ".old")
        with writing(self.final):
            _remove(self.staging)
            _remove(old)  # of a run that was killed in the middle of the exchange
            self._stack.close()
            (self.part / LOCK).unlink(missing_ok=True)
            earlier = self.final.exists()
            if earlier:
                os.replace(self.final, old)
            try:
                os.replace(self.part, self.final)
            except OSError:
                if earlier:
                    os.replace(old, self.final)
                raise
        # only now: a stop before would lose the tiles and leave no maps
        shutil.rmtree(self.final / TILES, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        return self.final


def beside(folder: Path, suffix: str) -> Path:
    """The folder of the same name with a suffix."""
    return folder.with_name(folder.name + suffix)


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Turn what the operating system says about writing `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: could not be written ({error.strerror or error}). Expected a folder of yours "
            "on a disk with room; nothing stands under the final name. Free some room, or choose "
            "another `output` in run.toml, and run again"
        ) from error


def check_folder(config: RunConfig, overwrite: bool) -> None:
    """Refuse, before any work, an output folder that would not or must not be written.

    Raises
    ------
    ConfigError
        There is a folder and `overwrite` is not set, or one that recarb did not write.
    OutputError
        The folder cannot be created where it should stand.
    """
    final = config.local_output()
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
        Another run is writing there.
    """
    try:
        with FileLock(folder / LOCK, blocking=False):
            yield
    except Timeout as error:
        raise OutputError(
            f"{folder}: another run is writing there; wait for its end, or choose another `output` "
            "in run.toml"
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _close_log(handler: logging.Handler) -> None:
    logging.getLogger("recarb").removeHandler(handler)
    handler.close()
