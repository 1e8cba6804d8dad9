"""What loops over runs of numbers share. Arrays are flat, and may come as pointers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from .._jit import CpuFunction
from .simd import copy_vector, lanes_of

# Inlined before LLVM sees it, so that a number written as a literal is one inside too.
inlined = partial(CpuFunction, inline="always")


@CpuFunction
def copy_cells(target, to, source, begin, count):
    """target[to + i] = source[begin + i] for i < count"""
    for i in range(0, count, lanes_of(target)):
        copy_vector(target, to + i, source, begin + i, count - i)


@CpuFunction
def clear_cells(target, to, count):
    """target[to + i] = 0 for i < count"""
    for i in range(count):
        target[to + i] = 0
