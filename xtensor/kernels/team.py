"""Jobs that threads share without the GIL: a loop, its arguments, and chunks of its range.

A launch that went through Python cost 20 microseconds, and each chunk of it one or two, for threads
met at the GIL: sums of two arrays of 300,000 numbers took twice as long on two threads as on one.
Here the caller writes the address of a loop and of its arguments into the mailbox (``threads.py``)
and changes its JOB, which the others look at all the time: they begin within a microsecond.

JOB is odd while a job is open. A thread enters (HELPERS), looks whether the same job is open still,
draws chunks until none is left, and leaves. The caller closes the job when it finds no more chunks
itself, and then waits only for those that are inside: the arguments lie in its own frame. Either a
thread sees the job closed, or the caller sees the thread inside, for all of them see one order of
what happens to JOB and HELPERS.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

from ._jit import CpuFunction, CpuIntrinsic, with_globals
from .threads import (
    APART,
    ARGUMENTS,
    BEDS,
    BUSY,
    CALLS,
    CHUNKS,
    DRAWN,
    FAILED,
    FROM_BEGIN,
    FROM_END,
    FUNCTION,
    HELPERS,
    JOB,
    LOCK,
    THREADS,
    WORK,
)

I64 = np.int64
# So often a thread looks at the mailbox before it sleeps: 70 us on a Zen 5. A caller that waits for
# the last chunks lets other programs have the processor after so many looks.
PATIENCE, LOOKS = 3000, 30


def _calls():
    """What writes LLVM code; not loaded before something is compiled, as numba is not."""
    from . import _calls

    return _calls


@CpuIntrinsic
def look(mailbox, place):
    """What lies at that place, as all threads see it."""
    whole = _calls().types.int64

    def generate(emit, mailbox, place):
        return _calls().fetch(emit, mailbox, place)

    return whole(whole, whole), generate


@CpuIntrinsic
def add_to(mailbox, place, number):
    """Add a number to it; what was there before."""
    whole = _calls().types.int64

    def generate(emit, *values):
        return _calls().change(emit, "add", *values)

    return whole(whole, whole, whole), generate


@CpuIntrinsic
def exchange(mailbox, place, number):
    """Put a number there; what was there before."""
    whole = _calls().types.int64

    def generate(emit, *values):
        return _calls().change(emit, "xchg", *values)

    return whole(whole, whole, whole), generate


@CpuIntrinsic
def acquire(lock):
    """Wait for the lock at this address."""

    def generate(emit, address):
        _calls().call(emit, _calls().ACQUIRE, address, _calls().LANE(1))

    types = _calls().types
    return types.void(types.int64), generate


@CpuIntrinsic
def release(lock):
    """Let whoever waits for the lock at this address go on."""

    def generate(emit, address):
        _calls().call(emit, _calls().RELEASE, address)

    types = _calls().types
    return types.void(types.int64), generate


@CpuIntrinsic
def pause():
    """Wait a moment."""

    def generate(emit):
        _calls().pause(emit)

    return _calls().types.void(), generate


@CpuIntrinsic
def give_way():
    """Let another thread that waits for this processor run."""

    def generate(emit):
        _calls().call(emit, _calls().GIVE_WAY)

    return _calls().types.void(), generate


@CpuIntrinsic
def function_over(loop, buffers, arguments):
    """The address of a function (start, stop, seat, place) that calls a loop, given by its name.

    It finds the arguments at the place, and the loop when it is loaded, so that this is compiled
    once. Of the last arguments, so many buffers, it passes on the row for its seat.
    """
    values = _calls().without_rows(arguments.types, buffers.literal_value)
    name = _calls().name_of(loop.literal_value, values)

    def generate(emit, *_):
        return _calls().function_over(emit, name, values, arguments)

    return _calls().types.int64(loop, buffers, arguments), generate


@CpuIntrinsic
def place_of(arguments):
    """Where a copy of the tuple lies until the calling function returns."""

    def generate(emit, values):
        return _calls().place_of(emit, values)

    return _calls().types.int64(arguments), generate


@CpuIntrinsic
def call_function(function, start, stop, seat, place):
    """Call what ``function_over`` gave; whether it raised."""

    def generate(emit, *values):
        return _calls().call_function(emit, *values)

    types = _calls().types
    return types.boolean(*[types.int64] * 5), generate


@CpuFunction
def take_part(mailbox, number):
    """Draw chunks of the open job until none is left; threads with odd numbers from the end.

    So two threads walk through memory of their own.
    """
    side = number % 2
    function, place = look(mailbox, FUNCTION), look(mailbox, ARGUMENTS)
    chunks, work = look(mailbox, CHUNKS), look(mailbox, WORK)
    while add_to(mailbox, DRAWN, 1) < chunks:
        drawn = add_to(mailbox, FROM_BEGIN + side * APART, 1)
        chunk = chunks - 1 - drawn if side else drawn
        start, stop = chunk * work // chunks, (chunk + 1) * work // chunks
        if call_function(function, start, stop, number, place):
            exchange(mailbox, FAILED, 1)


@CpuFunction
def serve(mailbox, number, answered):
    """Take part in every job until CALLS is not ``answered`` any more; how much it is.

    Whoever finds nothing for a while lies down, looks once more, as a job may have come that knew
    nothing of it, and sleeps.
    """
    bed, seen, looks, lying = BEDS + number * APART, I64(0), 0, False
    while True:
        job, calls = look(mailbox, JOB), look(mailbox, CALLS)
        wanted = calls != answered or (job % 2 == 1 and job != seen)
        if lying:
            if not wanted or exchange(mailbox, bed, 0) == 0:
                acquire(look(mailbox, bed + LOCK))
            looks, lying = 0, False
        elif calls != answered:
            return calls
        elif wanted:
            add_to(mailbox, HELPERS, 1)
            if look(mailbox, JOB) == job:
                take_part(mailbox, number)
            add_to(mailbox, HELPERS, -1)
            looks, seen = 0, job
        elif looks < PATIENCE:
            looks += 1
            pause()
        else:
            exchange(mailbox, bed, 1)
            lying = True


@CpuFunction
def wake(mailbox, count):
    """Wake up to so many threads."""
    for bed in range(BEDS + APART, BEDS + look(mailbox, THREADS) * APART, APART):
        if count > 0 and look(mailbox, bed) == 1 and exchange(mailbox, bed, 0) == 1:
            release(look(mailbox, bed + LOCK))
            count -= 1


@CpuFunction
def conduct(mailbox, function, place, chunks, work):
    """A job from its first chunk to its last; whether one raised.

    While the mailbox has a job of another caller, this one does all chunks alone.
    """
    failed = False
    if exchange(mailbox, BUSY, 1):
        for chunk in range(chunks):
            start, stop = chunk * work // chunks, (chunk + 1) * work // chunks
            failed |= call_function(function, start, stop, 0, place)
        return failed
    exchange(mailbox, FUNCTION, function)
    exchange(mailbox, ARGUMENTS, place)
    exchange(mailbox, CHUNKS, chunks)
    exchange(mailbox, WORK, work)
    for counter in (DRAWN, FROM_BEGIN, FROM_END, FAILED):
        exchange(mailbox, counter, 0)
    add_to(mailbox, JOB, 1)
    wake(mailbox, chunks - 1)
    take_part(mailbox, I64(0))
    add_to(mailbox, JOB, 1)
    looks = 0
    while look(mailbox, HELPERS) > 0:
        looks += 1
        if looks % LOOKS == 0:
            give_way()
        pause()
    failed = look(mailbox, FAILED) != 0
    exchange(mailbox, BUSY, 0)
    return failed


# Bound by ``shared``: the name of a loop, and how many of its arguments are buffers.
loop: Any = None
buffers: Any = None


def _share(mailbox, chunks, work, *args):
    return conduct(mailbox, function_over(loop, buffers, args), place_of(args), chunks, work)


def shared(body: CpuFunction, buffers: int) -> Any:
    """``body`` as a job, (mailbox, chunks, work, *args), of which the last are buffers."""
    name = f"{body.function.__module__.split('.')[-1]}_{body.function.__name__}"
    values = {"loop": name, "buffers": buffers}
    job = CpuFunction(with_globals(_share, f"share_{name}", values)).compiled()
    compile_job = job.compile

    def compile_loop_first(signature: Any) -> Any:
        values = _calls().without_rows(tuple(signature)[-1].types, buffers)
        _calls().name_loop(name, body.compiled(), values)
        return compile_job(signature)

    job.compile = compile_loop_first
    return job


def prepare(mailbox: int) -> tuple[Any, Any]:
    """``serve`` and ``wake``, compiled by their first calls; for no thread may be at that when the
    program ends."""
    _calls().name_system_functions()
    functions = serve.compiled(), wake.compiled()
    functions[0](mailbox, 1, -1)
    functions[1](mailbox, 0)
    return functions
