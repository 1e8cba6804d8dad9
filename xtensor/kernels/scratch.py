"""Memory that outlives a call, as fresh pages cost more than filling them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

import numpy as np

# Larger buffers are not kept for the next call.
KEPT_BYTES = 8 << 20
# A cache line; a vector that lies across two of them takes twice as long to load.
ALIGNMENT = 64


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, np.ndarray] = {}
        self.views: dict[str, np.ndarray] = {}  # of what was asked for last

    def rows(self, name: str, rows: int, size: int, dtype: np.dtype[Any]) -> np.ndarray:
        """Uninitialised rows, each of at least that size, which all begin with a cache line; a
        single one as an array of one axis."""
        itemsize = dtype.itemsize
        whole = -(-size * itemsize // ALIGNMENT) * ALIGNMENT // itemsize
        array = self.array(name, rows * whole, dtype, rows * KEPT_BYTES)
        return array if rows == 1 else array.reshape(rows, whole)

    def array(self, name: str, size: int, dtype: Any, kept: int = KEPT_BYTES) -> np.ndarray:
        """An uninitialised array that begins with a cache line.

        What an earlier call got under this name is overwritten.
        """
        view = self.views.get(name)
        if view is not None and view.size == size and view.dtype is dtype:
            return view
        count = size * np.dtype(dtype).itemsize
        buffer = self.buffers.get(name)
        if buffer is None or buffer.size < count:
            memory = np.empty(count + ALIGNMENT, np.uint8)
            begin = -memory.ctypes.data % ALIGNMENT
            buffer = memory[begin : begin + count]
        view = buffer[:count].view(dtype)
        if count <= kept:
            self.buffers[name], self.views[name] = buffer, view
        return view


scratch = _Scratch()

# Of <malloc.h>. A larger array is given back to the system as soon as it is freed (this is the most
# that glibc takes), and what is free at the end of the heap as soon as it is more than that.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MAPPED_BYTES, FREE_BYTES = 32 << 20, 256 << 20
# What sets them from outside.
LIMITS = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"


def _keep_freed_memory() -> None:
    """Have the C library keep what one training step frees for the next.

    Left to itself, glibc gives it back above a limit that follows the largest array freed so far,
    and every step meets its pages anew: 660 times in LeNet's, a fourth of its time. Whoever has set
    limits of their own keeps them.
    """
    if any(name in os.environ for name in LIMITS):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(M_TRIM_THRESHOLD, FREE_BYTES)


if sys.platform == "linux":
    _keep_freed_memory()
