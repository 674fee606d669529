"""The cache: checked files under their keys, each with a record of where it comes from.

A file counts only with its record, and only while both agree: the record stands beside it as
`NAME.json`, written last. Processes share the folder; a lock per file keeps two from one download.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import filelock
import platformdirs
from pydantic import ValidationError

from recarb.core.errors import ConfigError, OutputError
from recarb.core.provenance import sha256_of
from recarb.sources.base import Fetched, Wanted

FOLDER_VARIABLE = "RECARB_CACHE_DIR"
SUBFOLDER = "data"  # beside the compiled kernels
LOCK_POLL_S = 0.5  # between two questions whether the user stopped [s]
DEVICES = {"con", "prn", "aux", "nul"}  # names Windows keeps for itself


def cache_folder(named: Path | None = None) -> Path:
    """The folder of the cache: `named`, else RECARB_CACHE_DIR, else the user's cache folder."""
    if named is not None:
        return named
    base = os.environ.get(FOLDER_VARIABLE) or platformdirs.user_cache_dir("recarb")
    return Path(base) / SUBFOLDER


def safe_key(key: str) -> PurePosixPath:
    """A key as a relative path that stays inside the folder, on every system.

    Raises
    ------
    ConfigError
        It would leave the folder.

    >>> safe_key("terraclimate/1.1/a.nc").name
    'a.nc'
    """
    path = PurePosixPath(key)
    wrong = (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or any(mark in key for mark in ("\\", ":", "\0"))
        or any(part.split(".")[0].lower() in DEVICES for part in path.parts)
    )
    if wrong:
        raise ConfigError(f"expected a path inside the cache, came {key!r}; the file is not used")
    return path


class Cache:
    """A folder of fetched files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the file of a key stands."""
        return self.folder.joinpath(*safe_key(key).parts)

    def part(self, key: str) -> Path:
        """Where it grows."""
        path = self.path(key)
        return path.with_name(path.name + ".part")

    def find(self, wanted: Wanted) -> Fetched | None:
        """The file if it is here and as its record says; a file touched since is hashed again."""
        path = self.path(wanted.key)
        record = record_of(path)
        try:
            fetched = Fetched.model_validate_json(record.read_bytes())
            there, noted = path.stat(), record.stat()
        except (OSError, ValidationError):
            return None
        if (fetched.key, fetched.version) != (wanted.key, wanted.version):
            return None
        if there.st_size != fetched.size_bytes or wanted.sha256 not in (None, fetched.sha256):
            return None
        touched = there.st_mtime_ns > noted.st_mtime_ns
        return None if touched and sha256_of(path) != fetched.sha256 else fetched

    @contextmanager
    def lock(self, key: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold a file alone, in this process and among others; `waiting` is called meanwhile.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        locks = self.folder / ".locks"
        try:
            self.path(key).parent.mkdir(parents=True, exist_ok=True)
            locks.mkdir(exist_ok=True)
            lock = filelock.FileLock(locks / f"{name}.lock")
            _acquire(lock, waiting)
        except OSError as error:
            raise OutputError(
                f"cache {self.folder}: cannot be written ({error.strerror}); name another folder "
                "with --cache or RECARB_CACHE_DIR"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def adopt(self, part: Path, fetched: Fetched) -> Fetched:
        """Give a checked `.part` its name, then write its record.

        Raises
        ------
        OutputError
            The disk does not take it.
        """
        path = self.path(fetched.key)
        record = record_of(path)
        draft = record.with_name(record.name + ".part")
        try:
            record.unlink(missing_ok=True)
            _sync(part)
            os.replace(part, path)
            draft.write_text(fetched.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _sync(draft)
            os.replace(draft, record)
            _sync(path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise OutputError(
                f"{path}: cannot be written ({error.strerror}); make room, or name another folder "
                "with --cache"
            ) from error
        return fetched

    def copy_in(self, file: Path, key: str) -> Path:
        """Copy a user's file to the `.part` of a key.

        Raises
        ------
        OutputError
            The disk does not take it.
        """
        part = self.part(key)
        try:
            part.unlink(missing_ok=True)
            shutil.copyfile(file, part)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OutputError(
                f"{part}: cannot be written ({error.strerror}); make room, or name another folder "
                "with --cache"
            ) from error
        return part

    def link_in(self, known: str, key: str) -> Path:
        """The `.part` of a key out of a file that is here already, without a second copy.

        Raises
        ------
        OutputError
            The disk takes neither a link nor a copy.
        """
        part = self.part(key)
        try:
            part.unlink(missing_ok=True)
            os.link(self.path(known), part)
        except OSError:  # some file systems have no links
            return self.copy_in(self.path(known), key)
        return part


def _acquire(lock: filelock.BaseFileLock, waiting: Callable[[], None]) -> None:
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL_S)
        except filelock.Timeout:
            waiting()
        else:
            return


def record_of(path: Path) -> Path:
    """The record beside a file."""
    return path.with_name(path.name + ".json")


def _sync(path: Path) -> None:
    """Bring a file or folder to the disk; Windows syncs no folders."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
