"""What loops over runs of numbers share. Arrays are flat, and may come as pointers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from .._jit import CpuFunction
from .simd import copy_vector, lanes_of, put_seconds, take_seconds

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


@CpuFunction
def move_rows(target, to, source, begin, rows, count, steps):
    """target[to + y * to_row + i * to_step] = source[begin + y * row + i * step]

    for y < rows and i < count, with to_row, to_step, row, step = steps, of which one step is 1.
    """
    to_row, to_step, row, step = steps
    lanes = lanes_of(target)
    if step == 1 and to_step == 1:
        for y in range(rows):
            for i in range(0, count, lanes):
                copy_vector(target, to + y * to_row + i, source, begin + y * row + i, count - i)
    elif step == 2:
        for y in range(rows):
            for i in range(0, count, lanes):
                take_seconds(target, to + y * to_row + i, source, begin + y * row + 2 * i,
                             count - i)  # fmt: skip
    elif to_step == 2:
        for y in range(rows):
            for i in range(0, count, lanes):
                put_seconds(target, to + y * to_row + 2 * i, source, begin + y * row + i,
                            count - i)  # fmt: skip
    else:
        for y in range(rows):
            for i in range(count):
                target[to + y * to_row + i * to_step] = source[begin + y * row + i * step]
