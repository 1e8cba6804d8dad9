"""Jobs that threads share without the GIL: a loop, its arguments, and chunks of its range.

A launch that went through Python cost 20 microseconds, and each chunk of it one or two, for threads
met at the GIL: sums of two arrays of 300,000 numbers took twice as long on two threads as on one.
Here the caller writes the address of a loop and of its arguments into the mailbox (``parallel.py``)
and changes its JOB, which the others look at all the time: they begin within a microsecond.

JOB is odd while a job is open. A thread enters (HELPERS), looks whether the same job is open still,
draws chunks until none is left, and leaves. The caller closes the job when it finds no more chunks
itself, and then waits only for those that are inside: the arguments lie in its own frame. Either a
thread sees the job closed, or the caller sees the thread inside, for all of them see one order of
what happens to JOB and HELPERS.
"""

# mypy: disable-error-code="no-untyped-def, name-defined"
# ruff: noqa: F821

from __future__ import annotations

from typing import Any

from ._jit import CpuFunction, CpuIntrinsic, with_globals
from .parallel import (
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
)  # fmt: skip

# So often a thread looks at the mailbox before it sleeps: about 0.1 ms. A caller that waits for the
# last chunks lets other programs have the processor after so many looks.
PATIENCE, LOOKS = 3000, 30


def _llvm():
    from . import _llvm

    return _llvm


@CpuIntrinsic
def look(mailbox, place):
    """mailbox[place] as all threads see it."""

    def generate(emit, array, index):
        return emit.fetch(array, index)

    return _llvm().types.int64(mailbox, place), generate


@CpuIntrinsic
def add_to(mailbox, place, number):
    """mailbox[place] += number, at once; what was there before."""

    def generate(emit, array, index, value):
        return emit.add(array, index, value)

    types = _llvm().types
    return types.int64(mailbox, types.intp, types.int64), generate


@CpuIntrinsic
def exchange(mailbox, place, number):
    """mailbox[place] = number, at once; what was there before."""

    def generate(emit, array, index, value):
        return emit.exchange_number(array, index, value)

    types = _llvm().types
    return types.int64(mailbox, types.intp, types.int64), generate


@CpuIntrinsic
def acquire(lock):
    """Wait for the lock at this address."""

    def generate(emit, address):
        emit.call_system(_llvm().ACQUIRE, address, 1)

    types = _llvm().types
    return types.void(types.int64), generate


@CpuIntrinsic
def release(lock):
    """Let whoever waits for the lock at this address go on."""

    def generate(emit, address):
        emit.call_system(_llvm().RELEASE, address)

    types = _llvm().types
    return types.void(types.int64), generate


@CpuIntrinsic
def pause():
    """Wait a moment."""

    def generate(emit):
        emit.pause()

    return _llvm().types.void(), generate


@CpuIntrinsic
def give_way():
    """Let another thread that waits for this processor run."""

    def generate(emit):
        emit.call_system(_llvm().GIVE_WAY)

    return _llvm().types.void(), generate


@CpuIntrinsic
def function_over(body, arguments):
    """The address of a function (start, stop, place) that calls body(start, stop, *arguments).

    It finds the arguments at the place.
    """

    def generate(emit, _, values):
        return emit.function_over(body, arguments)

    return _llvm().types.int64(body, arguments), generate


@CpuIntrinsic
def place_of(arguments):
    """Where a copy of the tuple lies until the calling function returns."""

    def generate(emit, values):
        return emit.place_of(values)

    return _llvm().types.int64(arguments), generate


@CpuIntrinsic
def call_function(function, start, stop, place):
    """Call what ``function_over`` gave; whether it raised."""

    def generate(emit, *values):
        return emit.call_function(*values)

    types = _llvm().types
    return types.boolean(*[types.int64] * 4), generate


@CpuFunction
def take_part(mailbox, side):
    """Draw chunks of the open job until none is left, from the end if ``side`` is 1.

    So that two threads walk through memory of their own.
    """
    function, place = mailbox[FUNCTION], mailbox[ARGUMENTS]
    chunks, work = mailbox[CHUNKS], mailbox[WORK]
    while add_to(mailbox, DRAWN, 1) < chunks:
        if side == 0:
            chunk = add_to(mailbox, FROM_BEGIN, 1)
        else:
            chunk = chunks - 1 - add_to(mailbox, FROM_END, 1)
        start, stop = chunk * work // chunks, (chunk + 1) * work // chunks
        if call_function(function, start, stop, place):
            mailbox[FAILED] = 1


@CpuFunction
def is_open(job, seen):
    """Whether there is a job that this thread has not taken part in."""
    return job % 2 == 1 and job != seen


@CpuFunction
def serve(mailbox, number, answered):
    """Take part in every job until CALLS is not ``answered`` any more; how much it is.

    Whoever finds nothing for a while lies down, looks once more, as a job may have come that knew
    nothing of it, and sleeps.
    """
    bed, seen = BEDS + number * APART, 0
    while True:
        for _ in range(PATIENCE):
            job = look(mailbox, JOB)
            if is_open(job, seen):
                add_to(mailbox, HELPERS, 1)
                if look(mailbox, JOB) == job:
                    take_part(mailbox, number % 2)
                add_to(mailbox, HELPERS, -1)
                seen = job
                break
            calls = look(mailbox, CALLS)
            if calls != answered:
                return calls
            pause()
        else:
            exchange(mailbox, bed, 1)
            wanted = is_open(look(mailbox, JOB), seen) or look(mailbox, CALLS) != answered
            if not wanted or exchange(mailbox, bed, 0) == 0:
                acquire(mailbox[bed + LOCK])


@CpuFunction
def wake(mailbox, count):
    """Wake up to so many threads."""
    for bed in range(BEDS + APART, BEDS + mailbox[THREADS] * APART, APART):
        if count > 0 and look(mailbox, bed) == 1 and exchange(mailbox, bed, 0) == 1:
            release(mailbox[bed + LOCK])
            count -= 1


@CpuFunction
def conduct(mailbox, function, place, chunks, work):
    """A job from its first chunk to its last; whether one raised.

    While the mailbox has a job of another caller, this one does all chunks alone.
    """
    if add_to(mailbox, BUSY, 1) > 0:
        add_to(mailbox, BUSY, -1)
        failed = False
        for chunk in range(chunks):
            start, stop = chunk * work // chunks, (chunk + 1) * work // chunks
            failed |= call_function(function, start, stop, place)
        return failed
    mailbox[FUNCTION], mailbox[ARGUMENTS] = function, place
    mailbox[CHUNKS], mailbox[WORK] = chunks, work
    mailbox[DRAWN] = mailbox[FROM_BEGIN] = mailbox[FROM_END] = mailbox[FAILED] = 0
    add_to(mailbox, JOB, 1)
    wake(mailbox, chunks - 1)
    take_part(mailbox, 0)
    add_to(mailbox, JOB, 1)
    looks = 0
    while look(mailbox, HELPERS) > 0:
        looks += 1
        if looks % LOOKS == 0:
            give_way()
        pause()
    failed = mailbox[FAILED] != 0
    add_to(mailbox, BUSY, -1)
    return failed


def _share(mailbox, chunks, work, *args):
    return conduct(mailbox, function_over(body, args), place_of(args), chunks, work)


def shared(body: CpuFunction) -> Any:
    """``body`` as a job, (mailbox, chunks, work, *args)."""
    name = f"share_{body.function.__module__.split('.')[-1]}_{body.function.__name__}"
    return CpuFunction(with_globals(_share, name, {"body": body})).compiled()


def prepare(mailbox: Any) -> tuple[Any, Any]:
    """``serve`` and ``wake``, compiled by their first calls; for no thread may be at that when the
    program ends."""
    _llvm().name_system_functions()
    functions = serve.compiled(), wake.compiled()
    mailbox[CALLS] = 1
    functions[0](mailbox, 1, 0)
    functions[1](mailbox, 0)
    return functions
