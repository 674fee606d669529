"""Named bytes in an object store (S3 and the like), through fsspec."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from recarb.core.paths import reaching, storing


@dataclass(frozen=True)
class ObjectStore:
    """A folder of an object store. An object is there as a whole or not at all."""

    folder: UPath

    def put(self, name: str, data: bytes) -> None:
        """Write one object.

        Raises
        ------
        OutputError
            The store cannot be reached or does not let us write.
        """
        with storing(self.folder / name):
            self.folder.fs.pipe_file(self._at(name), data)

    def put_file(self, name: str, path: Path) -> None:
        """Write one object from a local file; large ones in parts.

        Raises
        ------
        OutputError
            As `put`.
        """
        with storing(self.folder / name):
            self.folder.fs.put_file(str(path), self._at(name))

    def get(self, name: str) -> bytes:
        """Read a whole object.

        Raises
        ------
        FileNotFoundError
            There is none; any other fault is an InputError, so that nobody takes it for damage.
        """
        with reaching(self.folder / name):
            try:
                return bytes(self.folder.fs.cat_file(self._at(name)))
            except FileNotFoundError:
                pass
        raise FileNotFoundError(str(self.folder / name))

    def names(self) -> list[str]:
        """Every object, also of folders below, in alphabetical order."""
        return sorted(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Bytes of every object by name."""
        system, start = self.folder.fs, self.folder.path.rstrip("/") + "/"
        with reaching(self.folder):
            system.invalidate_cache()  # a listing kept from before would hide what has changed
            try:
                found = system.find(self.folder.path, detail=True)
            except FileNotFoundError:
                return {}
        return {
            str(path).removeprefix(start): int(facts["size"])
            for path, facts in found.items()
            if str(path).startswith(start)
        }

    def remove(self, names: Iterable[str]) -> None:
        """Delete objects, many with one request."""
        with storing(self.folder):
            if paths := [self._at(name) for name in names]:
                self.folder.fs.rm(paths)

    def _at(self, name: str) -> str:
        return str((self.folder / name).path)

    def __str__(self) -> str:
        return str(self.folder)
