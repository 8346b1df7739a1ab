"""How kernels are compiled and where the machine code is kept: the one file that knows numba.

An entry is compiled for one signature when its module is imported, or loaded from the cache, which set-up fills: no
request waits for a compiler. The cache's folder is named by the sources and the versions it was made from, since a
cached entry does not notice that a kernel in another file has changed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import structlog

F = TypeVar("F", bound=Callable[..., Any])

HERE = Path(__file__).resolve().parent
KERNELS = (
    "chance.py", "compiled.py", "fleet.py", "layout.py", "live.py", "near.py", "places.py", "routes.py", "search.py",
)  # fmt: skip
"""files that hold kernels, or constants that are compiled into them"""
ENTRIES = 11
"""entries in all modules of this package: a cache with fewer indexes is cold"""
typeof = cast(Callable[[Any], Any], numba.typeof)
log = structlog.get_logger()


OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False}
"""Without the runtime that counts references: kernels allocate nothing, and counting took four fifths of the time."""


def fingerprint() -> str:
    """Changes with every kernel, with numba and with the Python that runs it."""
    digest = hashlib.sha256(f"{numba.__version__} {platform.python_version()} {platform.machine()}".encode())
    for name in KERNELS:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    return False


def cache_folder() -> Path:
    """Beside the sources; for an installation that may only be read, the user's cache, filled from beside the sources;
    for a user without a home, a temporary folder. `NUMBA_CACHE_DIR` goes before all of them."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    name = f"doorstep-{fingerprint()}"
    beside = HERE / "__pycache__" / name
    if named:
        return Path(named) / name
    if _writable(beside):
        return beside
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "doorstep" / name
    found = home if _writable(home) else Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    if beside.is_dir() and not is_warm(found):
        shutil.copytree(beside, found, dirs_exist_ok=True)
    return found


def is_warm(folder: Path) -> bool:
    """Has the compiler done its work for every entry?"""
    return len(list(folder.glob("**/*.nbi"))) >= ENTRIES


FOLDER = cache_folder()
vars(numba.config)["CACHE_DIR"] = str(FOLDER)
if not is_warm(FOLDER):
    log.warning("compiling_the_routing_engine", takes="about a minute, once", folder=str(FOLDER), avoid="make setup")


def kernel(function: F) -> F:
    """A function that entries call; compiled into each of them."""
    return cast(F, numba.njit(**OPTIONS)(function))


def inlined(function: F) -> F:
    """A kernel of an inner loop. Ground and state are some 300 machine words as arguments: a call that hands them on
    takes longer than pricing a place."""
    return cast(F, numba.njit(**OPTIONS, forceinline=True)(function))


def entry(*examples: Any) -> Callable[[F], F]:
    """A function that Python calls, compiled for arguments like these. It runs without the interpreter's lock."""

    def compiled(function: F) -> F:
        signature = tuple(typeof(each) for each in examples)
        return cast(F, numba.njit(signature, **OPTIONS, cache=True)(function))

    return compiled
