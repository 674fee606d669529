"""Where files lie: a local path, or a URL of an object store or web server (fsspec).

A local file is a `pathlib.Path`, a remote one a `UPath`, which offers the same methods. Credentials
come from the environment or the configuration of fsspec, never from a path.
"""

import io
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import url2pathname

import fsspec
from upath import UPath

from recarb.core.errors import InputError, MissingData, OutputError, RecarbError

AnyPath = Path | UPath
SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://(.*)$", re.DOTALL)  # C:\ has one letter
WEB = ("http", "https")
EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "http": "http",
    "https": "http",
}
"""Scheme of a URL -> the extra of recarb that installs what reads it."""
CREDENTIALS = (
    "give credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY) or "
    'in ~/.config/fsspec; for open data there {"s3": {"anon": true}}'
)
ADVICE = (
    (("Credential", "Token", "Permission", "Forbidden", "Auth"), CREDENTIALS),
    (
        ("Connect", "Endpoint", "Timeout", "DNS", "SSL"),
        "check the network and the endpoint (AWS_ENDPOINT_URL, FSSPEC_S3_ENDPOINT_URL)",
    ),
)
"""Words in the name of an error of a storage package -> what to do. The packages share no class."""
LATER = "the server may be busy: try again later, or copy the file and give its local path"


def parse_path(text: str | Path | UPath, folder: AnyPath | None = None) -> AnyPath:
    """Read a path or URL; a relative one lies in `folder`.

    Raises
    ------
    ValueError
        A variable is not set, or the URL cannot be used; the message says what to do.

    >>> str(parse_path("maps/soc.tif", parse_path("memory://kenya/runs")))
    'memory://kenya/runs/maps/soc.tif'
    """
    expanded = os.path.expandvars(str(text))
    url = SCHEME.match(expanded)
    if url and url[1].lower() == "file":
        return Path(url2pathname(url[2].removeprefix("localhost")))
    if url:
        return _remote(url[1].lower(), url[2])
    if "$" in expanded:
        name = re.findall(r"\$\{?(\w+)", expanded)
        raise ValueError(f"the environment variable {', '.join(name)} in {text} is not set")
    local = Path(expanded).expanduser()
    if folder is None or local.is_absolute():
        return local
    if isinstance(folder, Path):
        return folder / local
    scheme, _, rest = str(folder).partition("://")
    return _remote(scheme, posixpath.normpath(posixpath.join(rest, local.as_posix())))


def _remote(scheme: str, rest: str) -> UPath:
    place, _, _ = rest.partition("/")
    if "@" in place or "%40" in place:
        raise ValueError(
            f"the URL {scheme}://...@{place.rsplit('@', 1)[-1]}/... holds a user or password, "
            f"which a file must not; {CREDENTIALS}"
        )
    if "$" in rest:
        raise ValueError(f"an environment variable in {scheme}://{rest} is not set")
    if scheme in WEB and set("?#") & set(rest):
        raise ValueError(
            f"the URL {scheme}://{rest.partition('?')[0]}?... is a signed link or a query, which "
            "holds a secret or expires; use the store's own URL (s3://, gs://, az://) or copy the "
            "file and give its local path"
        )
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        extra = EXTRAS.get(scheme)
        install = f'pip install "recarb[{extra}]"' if extra else str(error)
        raise ValueError(f"{scheme}:// needs a package that is not installed: {install}") from error
    except ValueError as error:
        raise ValueError(
            f"nobody knows the scheme {scheme}:// of {scheme}://{rest}; "
            "expected a local path, s3://, gs://, az:// or https://"
        ) from error
    return UPath(f"{scheme}://{rest}")


def is_remote(path: AnyPath) -> bool:
    """Whether the file lies behind a URL."""
    return isinstance(path, UPath) and not isinstance(path, Path)


@contextmanager
def reaching(path: object) -> Iterator[None]:
    """Turn what a storage package raises into an error that names the URL and what to do.

    Raises
    ------
    MissingData
        There is no such file or bucket.
    InputError
        It cannot be reached or read.
    """
    try:
        yield
    except RecarbError:
        raise
    except FileNotFoundError as error:
        raise MissingData(f"no such file: {path}; correct its path, or the bucket") from error
    except Exception as error:  # a store may raise anything: botocore, aiohttp, google.auth
        raise InputError(f"{path} cannot be read ({_said(error)}): {_advice(error)}") from error


@contextmanager
def storing(path: object) -> Iterator[None]:
    """Turn what a storage package raises while it writes into an error that says what to do.

    Raises
    ------
    OutputError
        The store cannot be reached or does not let us write.
    """
    try:
        yield
    except RecarbError:
        raise
    except FileNotFoundError as error:
        raise OutputError(
            f"{path} could not be written: there is no such bucket; create it, or correct `output` "
            "in run.toml"
        ) from error
    except Exception as error:  # a store may raise anything, see `reaching`
        raise OutputError(
            f"{path} could not be written ({_said(error)}): {_advice(error)}"
        ) from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _advice(error: BaseException) -> str:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    kinds = " ".join(base.__name__ for one in causes for base in type(one).__mro__)
    for words, what_to_do in ADVICE:
        if any(word in kinds for word in words):
            return what_to_do
    return LATER


def is_file(path: AnyPath) -> bool:
    """Whether there is such a file; a store that does not answer is an error, not a no.

    Raises
    ------
    InputError
        The store cannot be asked.
    """
    if isinstance(path, Path):
        return path.is_file()
    with reaching(path):
        try:
            return bool(path.fs.info(path.path)["type"] == "file")
        except FileNotFoundError:
            return False


def matching(path: AnyPath) -> list[AnyPath]:
    """Files that a path with `*`, `?` or `[...]` in its name stands for, sorted by name."""
    if isinstance(path, Path):
        return list(sorted(path.parent.glob(path.name)))
    with reaching(path):
        path.fs.invalidate_cache()  # a listing kept from before would hide what has changed
        found = path.fs.glob(path.path)
        path.fs.invalidate_cache()
    names = sorted(posixpath.basename(str(name)) for name in found)
    return [path.parent / name for name in names]


def read_bytes(path: AnyPath) -> bytes:
    """All bytes of a small file.

    Raises
    ------
    MissingData, InputError
        A remote file is not there or cannot be read.
    OSError
        A local one.
    """
    if isinstance(path, Path):
        return path.read_bytes()
    with reaching(path):
        return bytes(path.fs.cat_file(path.path))


def read_text(path: AnyPath) -> str:
    """Text of a small file in UTF-8, with or without the byte order mark that editors write."""
    return io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8-sig").read()
