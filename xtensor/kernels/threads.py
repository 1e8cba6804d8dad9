"""The threads that take part in loops: how many there are, and what they share.

Whoever calls a compiled loop lays it out in the *mailbox*, an array that all threads read, and
takes part; no thread needs the GIL for it (see ``team.py``). A thread that found no job for a while
sleeps until it is woken. A loop in Python is drawn by the same threads, one GIL among them.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import message, shown

# Places in the mailbox, two cache lines apart, as processors fetch lines in pairs.
# What a job is: a function of start, stop and a pointer; chunks of range(work). How far it is:
# chunks drawn in all, from the beginning and from the end. Threads at it besides the caller's.
APART = 16
(JOB, BUSY, HELPERS, FUNCTION, ARGUMENTS, CHUNKS, WORK, DRAWN, FROM_BEGIN, FROM_END, FAILED,
 CALLS, THREADS, BEDS) = range(0, 14 * APART, APART)  # fmt: skip
# Each thread's bed, from BEDS on: whether it sleeps, and the address of the lock that it sleeps at.
LOCK = 8


class Job:
    """One call of ``parallel_for`` in Python: threads draw chunks until none is left.

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
        while next(self.drawn) < self.chunks:
            chunk = abs(next(self.next_of_side[side]))
            if self.error is None:
                try:
                    self._run(chunk)
                except BaseException as error:
                    self.error = error
            if next(self.finished) == self.chunks:
                self.done.release()

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


class Pool:
    """``count - 1`` daemon threads; the caller is the last one."""

    def __init__(self, count: int) -> None:
        from . import team

        self.count = count
        self.words = np.zeros(BEDS + count * APART, np.int64)
        self.words[THREADS] = count
        self.mailbox = self.words.ctypes.data
        self.serve, self.wake = team.prepare(self.mailbox)
        self.job: Job | None = None
        self.closed = False
        self.calling = threading.Lock()
        self.helpers: list[int] = []
        self.callers_processor = -1
        for number in range(1, count):
            threading.Thread(
                target=self._help, args=(number,), name=f"xtensor-{number}", daemon=True
            ).start()

    def _help(self, number: int) -> None:
        """The life of a thread: compiled jobs, and a look around in Python when it is called."""
        self.helpers.append(threading.get_native_id())
        self.words[BEDS + number * APART + LOCK] = _new_lock()
        answered = 0
        while not self.closed:
            answered = self.serve(self.mailbox, number, answered)
            if (job := self.job) is not None:
                job.take_part(number % 2)

    def call(self) -> None:
        """Have all threads come back to Python."""
        self.words[CALLS] += 1
        self.wake(self.mailbox, self.count)

    def run(self, job: Job) -> None:
        """A job in Python; a second one, also one inside the first, is done by its caller alone."""
        if self.calling.acquire(blocking=False):
            try:
                self.job = job
                self.keep_apart()
                self.call()
                job.take_part()
                job.wait()
            finally:
                self.job = None
                self.calling.release()
        else:
            job.take_part()
            job.wait()

    def keep_apart(self) -> None:
        """Have the helpers run anywhere but on the caller's processor.

        Linux may wake a helper on the very processor that the caller keeps busy, and leave the
        others idle until its next look around, which is later than most kernels take.
        """
        global _current_processor
        if _current_processor is None:
            return
        processor = _current_processor()
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
        self.closed = True
        self.call()


def _new_lock() -> int:
    """The address of a lock of Python's own kind, closed, which needs no GIL."""
    allocate, acquire = (
        getattr(ctypes.pythonapi, f"PyThread_{name}_lock") for name in ("allocate", "acquire")
    )
    allocate.restype, acquire.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)
    lock = allocate()
    acquire(lock, 1)
    return lock


def _find_current_processor() -> Callable[[], int] | None:
    """The C library's sched_getcpu; None where there is none, or threads cannot be placed."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)  # PyDLL keeps the GIL: 0.2 us


_current_processor = _find_current_processor()


_pool: Pool | None = None
_wanted: int | None = None
_pool_lock = threading.Lock()


@functools.cache
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

    Args:
        count: whole number of at least 1.

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
            message("set_num_threads", "count", shown(count), "a whole number of at least 1")
        )
    with _pool_lock:
        if _pool is not None:
            _pool.close()
        _wanted, _pool = count, None


def get_pool() -> Pool:
    global _pool
    pool = _pool
    if pool is None:
        with _pool_lock:
            if _pool is None:
                _pool = Pool(get_num_threads())
            pool = _pool
    return pool


def _after_fork() -> None:
    """Threads do not survive a fork, and a lock may have been held by one of them."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
