"""A country's files in one zip, for an office without a line; proven when they arrive."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from recarb.core.errors import ChecksumMismatch, ConfigError, InputError, MissingData, OutputError
from recarb.core.provenance import sha256_of
from recarb.sources.base import Fetched, Wanted
from recarb.sources.cache import Cache, record_of, safe_key
from recarb.sources.content import check_file
from recarb.sources.download import forget

MANIFEST = "recarb-pack.json"
FORMAT = 1
CHUNK = 1 << 20  # bytes
LARGEST_MANIFEST = 64 << 20  # bytes


class Manifest(BaseModel):
    """What is in a pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    files: tuple[Fetched, ...]


def pack(cache: Cache, files: Sequence[Fetched], target: Path) -> Path:
    """Write cached files and their records into a zip; catalogues' answers go along.

    Raises
    ------
    ChecksumMismatch
        A file in the cache is not what its record says.
    OutputError
        The zip cannot be written.
    """
    manifest = Manifest(files=tuple({one.key: one for one in files}.values()))
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as zipped:
            zipped.writestr(MANIFEST, manifest.model_dump_json(indent=2))
            for one in manifest.files:
                path = cache.path(one.key)
                if sha256_of(path) != one.sha256:
                    raise ChecksumMismatch(
                        f"{path}: changed since it was fetched; remove it and fetch again"
                    )
                zipped.write(path, one.key)
        os.replace(part, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror}); make room") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def unpack(cache: Cache, source: Path) -> list[Fetched]:
    """Bring a pack into the cache; every file is proven as if it came over the line.

    Raises
    ------
    MissingData, InputError
        No such file; no pack of recarb; names that leave the cache or are not listed.
    ChecksumMismatch, WrongContent
        A file is damaged. Those before it are in the cache.
    OutputError
        The disk does not take it.
    """
    if not source.is_file():
        raise MissingData(f"--unpack: no such file: {source}; correct the path")
    try:
        with zipfile.ZipFile(source) as zipped:
            manifest = _manifest(zipped, source)
            return [_take(cache, zipped, one, source) for one in manifest.files]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ChecksumMismatch(f"{source}: damaged ({error}); copy it again") from error


def _manifest(zipped: zipfile.ZipFile, source: Path) -> Manifest:
    """The list of files, which must be the files."""
    names = [info.filename for info in zipped.infolist() if info.filename != MANIFEST]
    try:
        if zipped.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
            raise InputError(f"{source}: its list of files is too long")
        manifest = Manifest.model_validate_json(zipped.read(MANIFEST))
        for one in manifest.files:
            safe_key(one.key)
    except (KeyError, ValidationError, ConfigError) as error:
        raise InputError(
            f"{source}: expected a pack written by `recarb fetch --pack`, found another zip "
            f"({error})"
        ) from error
    listed = [one.key for one in manifest.files]
    if sorted(names) != sorted(set(listed)) or manifest.format != FORMAT:
        odd = sorted(set(names) ^ set(listed))[:5] or f"format {manifest.format}"
        raise InputError(f"{source}: its list and its files differ: {odd}; nothing is unpacked")
    return manifest


def _take(cache: Cache, zipped: zipfile.ZipFile, one: Fetched, source: Path) -> Fetched:
    wanted = wanted_again(one)
    with cache.lock(one.key):
        there = cache.find(wanted)
        if there is not None and there.sha256 == one.sha256:
            return there
        part = cache.part(one.key)
        try:
            size = _extract(zipped, one, part)
            if size != one.size_bytes or sha256_of(part) != one.sha256:
                raise ChecksumMismatch(
                    f"{source}: {one.key}: expected {one.size_bytes} bytes with sha256 "
                    f"{one.sha256}, came {size} others; copy the pack again"
                )
            check_file(part, wanted)
            return cache.adopt(part, one)
        except OSError as error:
            raise OutputError(f"{part}: cannot be written ({error.strerror}); make room") from error
        finally:
            forget(part)


def _extract(zipped: zipfile.ZipFile, one: Fetched, part: Path) -> int:
    """Bytes written; never many more than the list says, whatever the zip holds."""
    size = 0
    with zipped.open(one.key) as packed, part.open("wb") as target:
        while size <= one.size_bytes and (chunk := packed.read(CHUNK)):
            size += target.write(chunk)
    return size


def wanted_again(one: Fetched) -> Wanted:
    """A wanted file with what its record can say of it."""
    return Wanted(
        source=one.source,
        version=one.version,
        key=one.key,
        urls=(one.url,),
        kind=one.kind,
        licence=one.licence,
        sha256=one.sha256,
        plausible=one.plausible,
        window=one.window,
        may_be_empty=True,
    )


def answers(cache: Cache) -> list[Fetched]:
    """Records of the catalogues' answers in the cache, which --offline needs too."""
    found = []
    for pattern in ("*/*/*.answer.json", "*/*/search_*.json"):
        for path in cache.folder.glob(pattern):
            try:
                found.append(Fetched.model_validate_json(record_of(path).read_bytes()))
            except (OSError, ValidationError):
                continue
    return found
