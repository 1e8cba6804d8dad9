"""A range split over a few Python threads. Kernels and NumPy release the GIL, so threads do run.

numba's own ``parallel=True`` is not used: it compiles several times slower, and its threading
layers die after a fork or on concurrent entry. A chunk is a sub-range of the outer index, and an
outer index is computed alone, so the result has the same bytes however many threads take part.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from ..errors import message

# Waking a thread costs about 20 microseconds; a chunk should be worth more than that.
CHUNK_ELEMENTS = 32_768
# Where ranges are shared out by their shape, and where by the number of threads: a thread that is
# held up leaves its share to the others, at some microseconds for each chunk.
MAX_CHUNKS, CHUNKS_PER_THREAD = 16, 4


class _Job:
    """One call of ``parallel_for``: threads draw chunks until none is left.

    Every other thread draws from the end, so that two threads walk through memory of their own:
    a sum of two arrays took 0.5 ms so, and 0.7 ms with the chunks of both taking turns.
    """

    def __init__(self, body: Callable[..., Any], work: int, chunks: int, args: Sequence[Any]):
        self.body, self.work, self.chunks, self.args = body, work, chunks, args
        self.drawn, self.finished = itertools.count(), itertools.count(1)
        self.next_of_side = itertools.count(), itertools.count(1 - chunks)
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def take_part(self, side: int = 0) -> None:
        """What each thread does with a job; the first error waits for the caller.

        Args:
            side: 0 to draw chunks from the beginning, 1 from the end.
        """
        before, _thread.inside = _thread.inside, True
        while next(self.drawn) < self.chunks:
            chunk = abs(next(self.next_of_side[side]))
            if self.error is None:
                try:
                    self._run(chunk)
                except BaseException as error:
                    self.error = error
            if next(self.finished) == self.chunks:
                self.done.release()
        _thread.inside = before

    def _run(self, chunk: int) -> None:
        start = chunk * self.work // self.chunks
        stop = (chunk + 1) * self.work // self.chunks
        self.body(start, stop, *self.args)

    def wait(self) -> None:
        """Until every chunk is done; a thread that comes later finds nothing, not even arrays."""
        self.done.acquire()
        self.args = ()
        if self.error is not None:
            raise self.error


class _Pool:
    """``count - 1`` daemon threads; the caller is the last one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.helpers: list[int] = []
        self.callers_processor = -1
        for number in range(1, count):
            threading.Thread(
                target=self._serve, args=(number % 2,), name=f"xtensor-{number}", daemon=True
            ).start()

    def _serve(self, side: int) -> None:
        self.helpers.append(threading.get_native_id())
        while (job := self.jobs.get()) is not None:
            job.take_part(side)

    def run(self, job: _Job) -> None:
        if _current_processor is not None:
            self._keep_apart(_current_processor())
        for _ in range(min(self.count, job.chunks) - 1):
            self.jobs.put(job)
        job.take_part()
        job.wait()

    def _keep_apart(self, processor: int) -> None:
        """Have the helpers run anywhere but on the caller's processor.

        Linux may wake a helper on the very processor that the caller keeps busy, and leave the
        others idle until its next look around, which is later than most kernels take.
        """
        global _current_processor
        if processor == self.callers_processor or len(self.helpers) < self.count - 1:
            return
        try:
            others = os.sched_getaffinity(0) - {processor}
            for helper in self.helpers if others else ():
                os.sched_setaffinity(helper, others)
        except OSError:  # a sandbox forbids it
            _current_processor = None
        self.callers_processor = processor

    def close(self) -> None:
        for _ in range(1, self.count):
            self.jobs.put(None)


def _find_current_processor() -> Callable[[], int] | None:
    """The C library's sched_getcpu; None where there is none, or threads cannot be placed."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)  # PyDLL keeps the GIL: 0.2 us


_current_processor = _find_current_processor()


class _ThreadState(threading.local):
    inside = False


_thread = _ThreadState()
_pool: _Pool | None = None
_wanted: int | None = None
_pool_lock = threading.Lock()


def _default_threads() -> int:
    text = os.environ.get("XTENSOR_NUM_THREADS", "")
    if text:
        if not (text.isascii() and text.isdigit() and int(text) >= 1):
            raise ValueError(
                message(
                    "xtensor", "XTENSOR_NUM_THREADS", repr(text), "a whole number of at least 1"
                )
            )
        return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """How many threads kernels are split over.

    Example:
        >>> get_num_threads() >= 1
        True
    """
    if _wanted is not None:
        return _wanted
    return _pool.count if _pool is not None else _default_threads()


def set_num_threads(count: int) -> None:
    """Split kernels over ``count`` threads from now on; the numbers they give do not change.

    Raises:
        ValueError: ``count`` is not a whole number of at least 1.

    Example:
        >>> before = get_num_threads()
        >>> set_num_threads(1)
        >>> get_num_threads()
        1
        >>> set_num_threads(before)
    """
    global _wanted, _pool
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(
            message("set_num_threads", "count", repr(count), "a whole number of at least 1")
        )
    with _pool_lock:
        if _pool is not None:
            _pool.close()
        _wanted, _pool = count, None


def _get_pool() -> _Pool:
    global _pool
    pool = _pool
    if pool is None:
        with _pool_lock:
            if _pool is None:
                _pool = _Pool(get_num_threads())
            pool = _pool
    return pool


def _after_fork() -> None:
    """Threads do not survive a fork, and a lock may have been held by one of them."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()
    _thread.inside = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def parallel_for(
    body: Callable[..., Any], work: int, args: Sequence[Any], size: int | None = None
) -> None:
    """Call ``body(start, stop, *args)`` over sub-ranges that make up ``range(work)``.

    The size of the largest array among ``args`` stands for the cost of the whole; small calls, and
    calls made inside another one, run in the caller's thread. Chunks follow from the shape alone.

    With ``size``, which then stands for the cost instead, each index is taken to be a tile that is
    computed alike in any range, so that there may be as many chunks as suits the threads.
    """
    if work <= 1:
        if work == 1:
            body(0, 1, *args)
        return
    largest = size or 0
    if size is None:
        for arg in args:
            if type(arg) is ndarray and arg.size > largest:
                largest = arg.size
    chunks = min(work, largest // CHUNK_ELEMENTS)
    if chunks < 2:
        body(0, work, *args)
        return
    pool = _get_pool()
    if size is None:
        chunks = min(chunks, MAX_CHUNKS)
    else:
        chunks = min(work, pool.count * min(CHUNKS_PER_THREAD, -(-chunks // pool.count)))
    job = _Job(body, work, chunks, args)
    if _thread.inside:
        job.take_part()
        job.wait()
    else:
        pool.run(job)
