"""Buffers of a thread that outlive a call, as fresh pages cost more than filling them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

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

    def rows(self, name: str, rows: int, size: int, dtype: Any) -> np.ndarray:
        """Uninitialised rows, each of at least that size, which all begin with a cache line."""
        itemsize = np.dtype(dtype).itemsize
        whole = -(-size * itemsize // ALIGNMENT) * ALIGNMENT // itemsize
        return self.array(name, rows * whole, dtype, rows * KEPT_BYTES).reshape(rows, whole)

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
