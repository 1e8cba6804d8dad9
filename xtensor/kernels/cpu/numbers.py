"""What numba cannot say of a number, or takes long to compile: bits, bounds, powers of two, choice.

What is said to take tiles (see simd.py) does with each of their numbers what it does with one, as
Python's operators do: ``choose(a * b > c, a, c)``.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import functools

from .._jit import CpuIntrinsic


def llvm():
    """What writes LLVM code; not loaded before something is compiled, as numba is not."""
    from .. import _llvm

    return _llvm


# -- single numbers -------------------------------------------------------------------------------


@CpuIntrinsic
def zero_like(like):
    """The number 0 in the dtype of an array or pointer."""

    def generate(emit, value):
        return emit.context.get_constant(like.dtype, 0)

    return like.dtype(like), generate


@CpuIntrinsic
def summand(number):
    """The number as it is added to others: a float as it is, others as int64."""
    types = llvm().types
    kind = number if isinstance(number, types.Float) else types.int64

    def generate(emit, value):
        return emit.context.cast(emit.builder, value, number, kind)

    return kind(number), generate


@CpuIntrinsic
def bits_of(number):
    """The bits of a float32 as an int32, of a float64 as an int64.

    numba's ``view`` does the same, and takes 0.1 s to compile.
    """
    types = llvm().types
    kind = types.int32 if number.bitwidth == 32 else types.int64

    def generate(emit, value):
        return emit.same_bits(kind, value)

    return kind(number), generate


@CpuIntrinsic
def number_of(bits):
    """The float32 with the bits of an int32, or the float64 with those of an int64."""
    types = llvm().types
    kind = types.float32 if bits.bitwidth == 32 else types.float64

    def generate(emit, value):
        return emit.same_bits(kind, value)

    return kind(bits), generate


# -- numbers, or tiles of them ---------------------------------------------------------------------


@CpuIntrinsic
def choose(test, a, b):
    """a where the test holds, else b; both numbers of one type.

    Or tiles, or one of them a number: each number of the test, a tile of truths, by itself.
    """
    kind, number = llvm().tile_among((a, b)), llvm().types.unliteral(a)
    if kind is None and number == llvm().types.unliteral(b):
        kind = llvm().holding(test, number)
    if kind is None:
        raise llvm().errors.TypingError(f"choose takes two of one type, not {a} and {b}")

    def generate(emit, tests, *values):
        pair = [emit.repeated(kind, *operand) for operand in zip((a, b), values)]
        return emit.lanewise(kind, emit.builder.select, tests, *pair)

    return kind(test, a, b), generate


@CpuIntrinsic
def bounded(x, low, high):
    """x, a number or a tile, or the bound that it is beyond; NaN stays NaN."""

    def generate(emit, value, *bounds):
        ends = [emit.repeated(x, *operand) for operand in zip((low, high), bounds)]
        dtype = llvm().dtype_of(x)

        def bound(number, low, high):
            number = emit.extremes(dtype, low, number, smallest=False)
            return emit.extremes(dtype, high, number, smallest=True)

        return emit.lanewise(x, bound, value, *ends)

    return x(x, low, high), generate


@CpuIntrinsic
def powers_of_two(rounded, zero):
    """a, b with a * b = 2**k, where ``rounded`` is k units of the last place above ``zero``.

    Each of them is a number where their product is none any more. ``rounded`` may be a tile.
    """
    pair, dtype = llvm().types.UniTuple(rounded, 2), llvm().dtype_of(rounded)

    def generate(emit, value, zero_value):
        zeros = emit.repeated(rounded, zero, zero_value)
        powers = [functools.partial(emit.power_of_two, dtype, rest) for rest in (False, True)]
        results = [emit.lanewise(rounded, power, value, zeros) for power in powers]
        return emit.context.make_tuple(emit.builder, pair, results)

    return pair(rounded, zero), generate
