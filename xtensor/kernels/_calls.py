"""LLVM code for what compiled code calls, and for what threads share; loaded to compile it.

The functions that begin with ``emit`` write code at the place of an ``Emitter`` (``_llvm.py``), for
the helpers in team.py and for NumPy's loops. Addresses are int64.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

import ctypes
import sys
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.np.arrayobj import populate_array

from ._llvm import LANE, WORD, Emitter

# What a chunk of a job is called with: start, stop, the thread's seat and the place of all else.
CHUNK = (types.int64,) * 4
# By the processor's family, as LLVM calls it.
PAUSE: dict[str, tuple[str, list[Any]]] = {
    "x86_64": ("llvm.x86.sse2.pause", []),
    "aarch64": ("llvm.aarch64.hint", [LANE(1)]),
    "arm64": ("llvm.aarch64.hint", [LANE(1)]),
}
# Names of functions of the system's.
GIVE_WAY, ACQUIRE, RELEASE = (f"xtensor_{name}" for name in ("give_way", "acquire", "release"))


# -- memory that threads share --------------------------------------------------------------------


def slot(emit, mailbox, place):
    """The address of that int64 of a mailbox, given by its own."""
    start = emit.builder.inttoptr(mailbox, WORD.as_pointer())
    return emit.builder.gep(start, [place])


def fetch(emit, mailbox, place):
    """The number there."""
    return emit.builder.load_atomic(slot(emit, mailbox, place), "seq_cst", 8)


def change(emit, how, mailbox, place, number):
    """At once "add" a number there, or "xchg" it for the one there; what was there before."""
    return emit.builder.atomic_rmw(how, slot(emit, mailbox, place), number, "seq_cst")


# -- functions of the system and of NumPy ---------------------------------------------------------


def name_system_functions():
    """Let compiled code, which the cache may have kept, find them."""
    if sys.platform == "win32":
        give_way = ctypes.windll.kernel32.SwitchToThread
    else:
        give_way = ctypes.CDLL(None).sched_yield
    python = ctypes.pythonapi
    for name, function in (
        (GIVE_WAY, give_way),
        (ACQUIRE, python.PyThread_acquire_lock),
        (RELEASE, python.PyThread_release_lock),
    ):
        binding.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)


def call(emit, name, *values):
    """Call a function without a result by its name."""
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    emit.builder.call(cgutils.get_or_insert_function(emit.module, kind, name), values)


def pause(emit):
    """A moment in which a loop that waits takes little from what shares its processor."""
    name, values = PAUSE.get(binding.get_default_triple().split("-")[0], (None, []))
    if name:
        call(emit, name, *values)


def call_loop(emit, loop, data, count, places, steps):
    """One of NumPy's inner loops: (char **pointers, intp *count, intp *steps, void *data)."""
    moved, stepped = (cgutils.alloca_once(emit.builder, WORD, len(places)) for _ in range(2))
    for number, (place, step) in enumerate(zip(places, steps, strict=True)):
        emit.builder.store(place, emit.builder.gep(moved, [LANE(number)]))
        emit.builder.store(step, emit.builder.gep(stepped, [LANE(number)]))
    counted = cgutils.alloca_once_value(emit.builder, count)
    kind = ir.FunctionType(ir.VoidType(), [moved.type, counted.type, stepped.type, WORD])
    function = emit.builder.inttoptr(loop, kind.as_pointer())
    emit.builder.call(function, [moved, counted, stepped, data])


# -- chunks of a job ------------------------------------------------------------------------------


def without_rows(arguments, buffers):
    """Types of arguments in which the last ones, so many buffers, are single rows."""
    plain = len(arguments) - buffers
    rows = [types.Array(array.dtype, 1, "C") for array in arguments[plain:]]
    return (*arguments[:plain], *rows)


def name_of(loop, arguments):
    """What compiled code calls the loop of that name for (start, stop, *arguments)."""
    return f"xtensor {loop} {', '.join(map(str, arguments))}"


def name_loop(loop, dispatcher, arguments):
    """Compile the dispatcher for (start, stop, *arguments) and let compiled code find it."""
    signature = (types.int64, types.int64, *arguments)
    dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    binding.add_symbol(name_of(loop, arguments), address)


def place_of(emit, value):
    """The address of memory of the calling function that holds a value."""
    return emit.builder.ptrtoint(cgutils.alloca_once_value(emit.builder, value), WORD)


def function_over(emit, name, kinds, held):
    """The address of a function (start, stop, seat, place of a tuple) that calls another.

    That is called for (start, stop, *values) of the given kinds. The tuple ``held`` has a row for
    each seat where an array has an axis more than its kind.
    """
    convention = emit.context.call_conv
    chunk = ir.Function(
        emit.module, convention.get_function_type(types.none, CHUNK),
        emit.module.get_unique_name("chunk"),
    )  # fmt: skip
    chunk.linkage = "internal"
    inside = Emitter(emit.context, ir.IRBuilder(chunk.append_basic_block()), held.types)
    start, stop, seat, place = convention.get_arguments(chunk)
    tuple_at = inside.builder.inttoptr(place, emit.context.get_value_type(held).as_pointer())
    values = cgutils.unpack_tuple(inside.builder, inside.builder.load(tuple_at))
    for number, (kind, given) in enumerate(zip(kinds, held.types)):
        if kind != given:
            values[number] = row(inside, kind, given, values[number], seat)
    kinds = types.int64, types.int64, *kinds
    loop = cgutils.get_or_insert_function(
        emit.module, convention.get_function_type(types.none, kinds), name
    )
    status, _ = convention.call_function(
        inside.builder, loop, types.none, kinds, [start, stop, *values]
    )
    with cgutils.if_unlikely(inside.builder, status.is_error):
        convention.return_status_propagate(inside.builder, status)
    convention.return_value(inside.builder, emit.context.get_dummy_value())
    return emit.builder.ptrtoint(chunk, WORD)


def row(emit, kind, rows, value, number):
    """A row of an array of rows, without counting a reference to it."""
    array = emit.context.make_array(rows)(emit.context, emit.builder, value)
    size, step = (
        emit.builder.extract_value(numbers, axis)
        for numbers, axis in ((array.shape, 1), (array.strides, 1))
    )
    data = emit.builder.gep(array.data, [emit.builder.mul(number, size)])
    part = emit.context.make_array(kind)(emit.context, emit.builder)
    populate_array(part, data, [size], [step], array.itemsize, array.meminfo)
    return part._getvalue()


def call_function(emit, function, start, stop, seat, place):
    """What ``function_over`` made; whether it raised."""
    convention = emit.context.call_conv
    kind = convention.get_function_type(types.none, CHUNK)
    pointer = emit.builder.inttoptr(function, kind.as_pointer())
    status, _ = convention.call_function(
        emit.builder, pointer, types.none, CHUNK, [start, stop, seat, place]
    )
    return status.is_error
