"""One `njit` for all kernels: releases the GIL and keeps a compile cache that cannot go stale."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).parents[1]
KERNELS = ("core/compile.py", "rothc/*.py", "harmonise/gather.py", "sequestration/npp.py")


def source_fingerprint(package: Path = PACKAGE) -> str:
    """Hash of every source file that is compiled and of the compiler's version [hex]."""
    digest = hashlib.sha256(numba.__version__.encode())
    for pattern in KERNELS:
        for path in sorted(package.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Folder of the compiled kernels.

    numba does not notice an edit in an imported module (numba #1833, #8359) and would keep an old
    `rates.py` inside `kernels.py`; a folder named by the hash of all sources cannot be stale. Each
    place where recarb is installed has its own, as it has inside numba's cache.
    """
    import platformdirs

    base = os.environ.get("RECARB_CACHE_DIR") or platformdirs.user_cache_dir("recarb")
    place = hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:8]
    return Path(base) / "kernels" / f"{source_fingerprint()}-{place}"


def _usable_cache() -> bool:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return False
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return True


CACHE = _usable_cache()
# C never calls a kernel; a tenth of the compile time would go into the wrappers for it
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def njit(function: Function) -> Function:
    """Compile a function of scalars and C-contiguous arrays; it releases the GIL while it runs."""
    return cast(Function, numba.njit(cache=CACHE, **OPTIONS)(function))


def inlined(function: Function) -> Function:
    """Like `njit`, but copied into its callers before they are compiled."""
    return cast(Function, numba.njit(inline="always", **OPTIONS)(function))
