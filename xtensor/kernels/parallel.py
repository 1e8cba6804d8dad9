"""A range split over a few threads, which look for compiled loops in compiled code.

numba's own ``parallel=True`` is not used: it compiles several times slower, and its threading
layers die after a fork or on concurrent entry. A chunk is a sub-range of the outer index, and an
outer index is computed alone, so the result has the same bytes however many threads take part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from .scratch import scratch
from .threads import Job, get_num_threads, get_pool

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
        get_pool().run(Job(body, work, chunks, args))
    elif threads == 1 or take_first_call(body, cost):
        _call_alone(body, work, chunks, args, buffers)
    else:
        _share(body, work, chunks, args, buffers)


def _share(
    body: Compiled, work: int, chunks: int, args: Sequence[Any], buffers: Sequence[Buffer]
) -> None:
    """Whoever has the time draws chunks."""
    pool, shared = get_pool(), body.shared(len(buffers))
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
