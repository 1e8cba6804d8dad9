"""One BLAS thread inside our own threads.

Matrix products are split into blocks that follow the shape, and several of our threads work on
them. Each product inside must then run on one BLAS thread: OpenBLAS cuts a product up by its number
of threads and gives other bytes for 1 and 2 of them, and threads inside threads only get in each
other's way. The setting is the process's, so the first scope to open sets it and the last to close
puts it back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

# OpenBLAS runs a product of m*n*k up to this on one thread by itself: interface/gemm.c compares
# with SMP_THRESHOLD_MIN (65536) * GEMM_MULTITHREAD_THRESHOLD (4, Makefile.rule).
SMALL_PRODUCT = 262_144
# With a vector NumPy calls gemv, and interface/gemv.c compares with 2304 times the same threshold.
SMALL_VECTOR_PRODUCT = 9_216

_lock = threading.Lock()
_libraries: list[Any] | None = None
_open = 0
_before: list[tuple[Any, int]] = []


def _find() -> list[Any]:
    """The BLAS libraries of this process whose threads can be set; none for Apple's Accelerate."""
    import threadpoolctl

    controllers = threadpoolctl.ThreadpoolController().lib_controllers
    return [library for library in controllers if library.user_api == "blas"]


def _set_threads(library: Any, count: int) -> None:
    """Set a library's number of threads from any thread; our lock decides who may.

    threadpoolctl (3.8, for one) lets only the first thread that asked set OpenBLAS's number and
    ignores all others, which would leave our workers with BLAS threads of their own.
    """
    getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


def is_small(m: int, n: int, k: int) -> bool:
    """Whether an m x k by k x n product runs on one thread without being told to."""
    return m * n * k <= (SMALL_PRODUCT if min(m, n) > 1 else SMALL_VECTOR_PRODUCT)


def one_thread(m: int, n: int, k: int) -> AbstractContextManager[None]:
    """A scope in which an m x k by k x n product runs on the thread that asks for it."""
    return nullcontext() if is_small(m, n, k) else single_threaded()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Inside, BLAS runs on the thread that calls it; scopes nest, and overlap between threads."""
    global _libraries, _open, _before
    with _lock:
        if _libraries is None:
            _libraries = _find()
        if _open == 0:
            _before = []
            for library in _libraries:
                threads = library.get_num_threads()
                if threads is not None and threads != 1:
                    _before.append((library, threads))
                    _set_threads(library, 1)
        _open += 1
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0:
                for library, threads in _before:
                    _set_threads(library, threads)


def _after_fork() -> None:
    """The scopes of threads that a fork left behind will never close here."""
    global _lock, _open
    _lock = threading.Lock()
    if _open:
        _open = 0
        for library, threads in _before:
            _set_threads(library, threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
