"""A range split over a few Python threads that look for compiled jobs in compiled code.

numba's own ``parallel=True`` is not used: it compiles several times slower, and its threading
layers die after a fork or on concurrent entry. A chunk is a sub-range of the outer index, and an
outer index is computed alone, so the result has the same bytes however many threads take part.

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
from numpy import ndarray

from ..errors import message, shown
from .scratch import scratch

# A chunk should be worth the microsecond or two in which the others begin.
CHUNK_ELEMENTS = 32_768
# Below so many there is one chunk, which NumPy has done before a launch is under way.
SERIAL_ELEMENTS = 2 * CHUNK_ELEMENTS
# Where ranges are shared out by their shape, into a power of two, of which 2, 4 or 8 threads get as
# many each; and where by the number of threads: one that is held up leaves its share to the others.
MAX_CHUNKS, CHUNKS_PER_THREAD = 16, 4
# A loop's first calls go without other threads, unless they handle so many elements: what shares it
# out takes 0.1 to 0.3 s to compile, too much for one result and its gradients. An LSTM's have four
# products.
FIRST_CALLS, LONG = 4, 1 << 28
# What scratch memory for a loop goes by.
BUFFERS = [f"buffer {number}" for number in range(16)]
# How large a buffer is, or that and its dtype.
Buffer = int | tuple[int, Any]
# Places in the mailbox, two cache lines apart, as processors fetch lines in pairs.
# What a job is: a function of start, stop and a pointer; chunks of range(work). How far it is:
# chunks drawn in all, from the beginning and from the end. Threads at it besides the caller's.
APART = 16
(JOB, BUSY, HELPERS, FUNCTION, ARGUMENTS, CHUNKS, WORK, DRAWN, FROM_BEGIN, FROM_END, FAILED,
 CALLS, THREADS, BEDS) = range(0, 14 * APART, APART)  # fmt: skip
# Each thread's bed, from BEDS on: whether it sleeps, and the address of the lock that it sleeps at.
LOCK = 8


class Compiled:
    """A loop as ``parallel_for`` takes it besides Python functions.

    ``first_calls`` is how many of its FIRST_CALLS were taken.
    """

    first_calls = 0

    def compiled(self) -> Callable[..., Any]:
        """The loop itself, (start, stop, *args, *buffers)."""
        raise NotImplementedError

    def shared(self, buffers: int) -> Callable[..., bool]:
        """The loop shared out by a mailbox, (mailbox, chunks, work, *args, *buffers); whether it
        failed. A buffer has a row for each thread here, and the loop gets that."""
        raise NotImplementedError


class _Job:
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


class _Pool:
    """``count - 1`` daemon threads; the caller is the last one."""

    def __init__(self, count: int) -> None:
        from . import team

        self.count = count
        self.words = np.zeros(BEDS + count * APART, np.int64)
        self.words[THREADS] = count
        self.mailbox = self.words.ctypes.data
        self.serve, self.wake = team.prepare(self.mailbox)
        self.job: _Job | None = None
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

    def run(self, job: _Job) -> None:
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


_pool: _Pool | None = None
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def take_first_call(body: Compiled, cost: int) -> bool:
    """Whether a call is one of a loop's first, of which there is then one fewer; no long one is.

    Where it is not, asking again about the same call gives the same answer and takes nothing.
    """
    if body.first_calls >= FIRST_CALLS or cost >= LONG:
        return False
    body.first_calls += 1
    return True


def parallel_for(
    body: Compiled | Callable[..., Any],
    work: int,
    args: Sequence[Any],
    size: int | None = None,
    buffers: Sequence[Buffer] = (),
) -> None:
    """Call ``body(start, stop, *args)`` over sub-ranges that make up ``range(work)``.

    The size of the largest array among ``args`` stands for the cost of the whole; small calls, and
    calls made while the threads are at another one, run in the caller's thread. Chunks follow from
    the shape alone.

    With ``size``, which then stands for the cost instead, each index is taken to be a tile that is
    computed alike in any range, so that there may be as many chunks as suits the threads.

    A compiled loop is given ``buffers`` last, arrays of at least these sizes that no other thread
    uses; of the dtype of the first argument, if none comes with the size.
    """
    if work == 0:
        return
    cost = size or 0
    if size is None and work > 1:
        for arg in args:
            if type(arg) is ndarray and arg.size > cost:
                cost = arg.size
    chunks = min(work, cost // CHUNK_ELEMENTS)
    if chunks < 2:
        loop = body.compiled() if isinstance(body, Compiled) else body
        loop(0, work, *args, *_buffers(1, buffers, args))
        return
    threads = get_num_threads()
    if size is None:
        chunks = min(work, MAX_CHUNKS, 1 << (cost // CHUNK_ELEMENTS).bit_length() - 1)
    elif threads == 1:
        chunks = 1
    else:
        chunks = min(work, threads * min(CHUNKS_PER_THREAD, -(-chunks // threads)))
    if not isinstance(body, Compiled):
        _get_pool().run(_Job(body, work, chunks, args))
    elif threads == 1 or take_first_call(body, cost):
        _call_alone(body, work, chunks, args, buffers)
    else:
        _share(body, work, chunks, args, buffers)


def _share(
    body: Compiled, work: int, chunks: int, args: Sequence[Any], buffers: Sequence[Buffer]
) -> None:
    """Whoever has the time draws chunks."""
    pool, shared = _get_pool(), body.shared(len(buffers))
    pool.keep_apart()
    own = _buffers(pool.count, buffers, args)
    if shared(pool.mailbox, chunks, work, *args, *own):
        _call_alone(body, work, chunks, args, buffers)  # raises what one of its chunks did
        raise MemoryError(f"xtensor: no memory for what a kernel needs, {body!r}")


def _call_alone(
    body: Compiled, work: int, chunks: int, args: Sequence[Any], buffers: Sequence[Buffer]
) -> None:
    """The same chunks, one after the other."""
    loop, own = body.compiled(), _buffers(1, buffers, args)
    for chunk in range(chunks):
        loop(chunk * work // chunks, (chunk + 1) * work // chunks, *args, *own)


def _buffers(threads: int, wanted: Sequence[Buffer], args: Sequence[Any]) -> list[np.ndarray]:
    """Arrays of these sizes for one thread; for several, a row for each."""
    if not wanted:  # the first argument of a loop that takes none need be no array
        return []
    own = []
    for name, buffer in zip(BUFFERS, wanted):
        size, dtype = buffer if isinstance(buffer, tuple) else (buffer, args[0].dtype)
        own.append(scratch.rows(name, threads, size, dtype))
    return own
