"""The folder of a run in an object store: built on the local disk, uploaded when it is complete.

`<output>.part` there holds the finished tiles and, after a fault, run.log. A store cannot rename a
folder. So the marker of a finished run is taken away first and comes back last, and a note in
`<output>.part` tells maps that were half uploaded from a folder that is not ours.
"""

import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from upath import UPath

from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError, OutputError, RecarbError
from recarb.core.findings import Progress, no_progress
from recarb.core.paths import AnyPath
from recarb.sequestration.object_store import ObjectStore
from recarb.sequestration.run_folder import LOG, MARKER, TILES, RunFolder, check_folder
from recarb.sequestration.schedule import in_order

UPLOADING = ".uploading"
PROBE = ".probe"
LAST = ("provenance.json", MARKER)  # in this order
UPLOADS = 4  # files at once


class RemoteFolder:
    """A context like `RunFolder` for an `output` behind a URL."""

    def __init__(self, config: RunConfig, overwrite: bool = False, fresh: bool = False) -> None:
        self.final = UPath(config.output)
        self._config, self._overwrite, self._fresh = config, overwrite, fresh
        self._part = ObjectStore(_beside(self.final))
        self.store = ObjectStore(self._part.folder / TILES)
        self._token = uuid.uuid4().hex.encode()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        check_remote_folder(self._config, self._overwrite)
        with ExitStack() as stack:
            self._part.put(MARKER, self._token)
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="recarb-"))
            here = self._config.model_copy(update={"output": Path(place) / "out"})
            self._folder = RunFolder(here, fresh=self._fresh, store=self.store)
            self.part = self._folder.part
            self._fetch_log()
            stack.enter_context(self._folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        log = self.part / LOG
        content = log.read_bytes() if error is not None and log.is_file() else b""
        self._stack.__exit__(kind, error, at)
        if error is None:
            return
        with suppress(RecarbError):  # not told over the first fault
            left = self._part.names()
            if self._is_mine() and set(left) > {MARKER}:
                self._part.put(LOG, content)
            elif self._is_mine():
                self._part.remove(left)

    def _fetch_log(self) -> None:
        """The log of the runs before, which this one goes on with."""
        with suppress(FileNotFoundError):
            earlier = self._part.get(LOG)
            self.part.mkdir()
            (self.part / MARKER).touch()
            (self.part / LOG).write_bytes(earlier)

    def finish(self, progress: Progress = no_progress) -> UPath:
        """Upload the folder; until its last file is there, it is not taken for a finished run.

        Raises
        ------
        OutputError
            The store failed, or another run has begun in the same folder.
        """
        here = self._folder.finish()
        target = ObjectStore(self.final)
        files = {p.relative_to(here).as_posix(): p for p in here.rglob("*") if p.is_file()}
        first = [name for name in sorted(files) if name not in LAST]
        self._check_mine()
        self._part.put(UPLOADING, b"")
        earlier = target.names()
        target.remove(name for name in LAST if name in earlier)
        _upload(target, {name: files[name] for name in first}, progress)
        target.remove(name for name in earlier if name not in files)
        _verify(target, {name: files[name] for name in first})
        self._check_mine()
        (here / MARKER).write_bytes(self._token)  # some stores know no empty object
        for name in LAST:
            target.put_file(name, files[name])
        left = self._part.names()
        self._part.remove(name for name in left if name not in {MARKER, UPLOADING})
        self._part.remove(name for name in left if name in {MARKER, UPLOADING})
        return self.final

    def _check_mine(self) -> None:
        """Two runs cannot lock each other out of a store; the one that began last goes on."""
        if not self._is_mine():
            raise OutputError(
                f"{self._part}: another run has begun there or has removed it; this one ends "
                "without writing its maps. Run one after the other, or choose another `output` in "
                "run.toml"
            )

    def _is_mine(self) -> bool:
        try:
            return self._part.get(MARKER) == self._token
        except FileNotFoundError:
            return False


def _upload(target: ObjectStore, files: dict[str, Path], progress: Progress) -> None:
    def upload(name: str) -> None:
        target.put_file(name, files[name])

    progress(0, len(files), "uploading")
    with closing(in_order(upload, files, UPLOADS, UPLOADS)) as uploaded:
        for done, _ in enumerate(uploaded, start=1):
            progress(done, len(files), "uploading")


def _verify(target: ObjectStore, files: dict[str, Path]) -> None:
    """Refuse an upload of which something is missing."""
    found = target.sizes()
    for name, path in files.items():
        if found.get(name) != path.stat().st_size:
            raise OutputError(
                f"{target.folder / name}: expected {path.stat().st_size} bytes after the upload, "
                f"found {found.get(name, 'nothing')}; does something else write there? Run again"
            )


def check_remote_folder(config: RunConfig, overwrite: bool) -> None:
    """Refuse, before any work, an output URL that would not or must not be written.

    Raises
    ------
    ConfigError
        There is a run and `overwrite` is not set, or something that recarb did not write.
    OutputError
        The store cannot be reached or does not let us write.
    """
    final = UPath(config.output)
    there, part = ObjectStore(final), ObjectStore(_beside(final))
    standing, begun = there.names(), [name for name in part.names() if name != PROBE]
    if MARKER in standing and not overwrite:
        raise ConfigError(
            f"the output folder {final} exists; choose another `output` in run.toml, or replace it "
            "with --overwrite"
        )
    half_uploaded = UPLOADING in begun
    for store, names, ours in (
        (there, standing, MARKER in standing or half_uploaded),
        (part, begun, MARKER in begun or half_uploaded),
    ):
        if names and not ours:
            raise ConfigError(
                f"{store} is in the way: expected nothing or an earlier run of recarb, found "
                f"{len(names)} objects of something else. They are left alone: choose another "
                "`output` in run.toml"
            )
    part.put(PROBE, b"may we write?")
    part.remove([PROBE])


def _beside(final: UPath) -> UPath:
    return final.with_name(final.name + ".part")


def run_folder(config: RunConfig, overwrite: bool, fresh: bool) -> RunFolder | RemoteFolder:
    """The folder of a run, on a disk or in a store."""
    make: Callable[..., RunFolder | RemoteFolder] = (
        RunFolder if isinstance(config.output, Path) else RemoteFolder
    )
    return make(config, overwrite, fresh)


def check_output(config: RunConfig, overwrite: bool) -> AnyPath:
    """Refuse what `check_folder` and `check_remote_folder` refuse."""
    check = check_folder if isinstance(config.output, Path) else check_remote_folder
    check(config, overwrite)
    return config.output
