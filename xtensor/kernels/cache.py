"""Where compiled kernels are kept between runs, such that no state of that place breaks a run.

The place is ``XTENSOR_CACHE`` (a directory, or ``0`` for none), else the user's cache directory.
Inside it is one directory per version of xtensor, Python and numba and per state of the kernels:
numba stamps a cached kernel with its own file only, not with the files of the functions it calls.
Kernels from outside the package are not kept: nothing tells when what they are made of changes.
numba loads its cache with pickle, so the directory must belong to the user and be closed to others.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from .._version import __version__

_lock = threading.Lock()
OFF = "switched off by XTENSOR_CACHE=0"


def _base() -> Path | None:
    chosen = os.environ.get("XTENSOR_CACHE", "")
    if chosen == "0":
        return None
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "xtensor"


def _fingerprint() -> str:
    """Changes whenever a kernel source, or the version of what compiles it, does."""
    import hashlib

    import numba

    digest = hashlib.sha256(f"{sys.version}|{numba.__version__}".encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        status = source.stat()
        digest.update(f"|{source}|{status.st_mtime_ns}|{status.st_size}".encode())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def state() -> tuple[Path | None, str]:
    """The usable cache directory, or None and the reason why there is none."""
    import tempfile

    try:
        base = _base()
        if base is None:
            return None, OFF
        path = base / f"{__version__}-{_fingerprint()}"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid"):
            status = path.stat()
            if status.st_uid != os.getuid():
                return None, f"{path} belongs to another user"
            if stat.S_IMODE(status.st_mode) & 0o077:
                return None, f"{path} is open to other users; chmod 700 it"
        with tempfile.TemporaryFile(dir=path):
            return path, "usable"
    except (OSError, RuntimeError) as error:
        return None, str(error)


class _ForgivingCache:
    """numba's cache of one function; a damaged file costs a compilation, not the run."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        # A damaged pickle may raise almost anything.
        try:
            return self._cache.load_overload(signature, context)
        except Exception as error:
            self._complain("read", error)
            try:
                self._cache.flush()
            except OSError as failure:
                self._complain("reset", failure)
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        try:
            self._cache.save_overload(signature, data)
        except Exception as error:
            self._complain("write", error)

    def _complain(self, action: str, error: Exception) -> None:
        warnings.warn(
            f"xtensor could not {action} the compile cache in {self._cache.cache_path} "
            f"({type(error).__name__}: {error}); the kernel is compiled anew. "
            "If it lasts, delete that directory or set XTENSOR_CACHE=0.",
            RuntimeWarning,
            stacklevel=2,
        )


@lru_cache(maxsize=1)
def _say_once(reason: str) -> None:
    if reason != OFF:
        warnings.warn(
            f"xtensor keeps no compiled kernels, and compiles them in every run: {reason}. Set "
            "XTENSOR_CACHE to a directory of your own, or to 0 for none.",
            RuntimeWarning,
            stacklevel=2,
        )


def cached(build: Callable[[bool], Any]) -> Any:
    """``build(True)`` with numba's cache in our directory, or ``build(False)`` without one."""
    from numba import config

    path, reason = state()
    if path is None:
        _say_once(reason)
        return build(False)
    with _lock:
        previous, config.CACHE_DIR = config.CACHE_DIR, str(path)
        try:
            dispatcher = build(True)
        except RuntimeError:  # numba finds no source file to stamp, as for code typed at a prompt
            return build(False)
        finally:
            config.CACHE_DIR = previous
    dispatcher._cache = _ForgivingCache(dispatcher._cache)
    return dispatcher
