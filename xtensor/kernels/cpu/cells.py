"""What loops over runs of numbers share. Arrays are flat, and may come as pointers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from .._jit import CpuFunction
from .simd import copy_vector, lanes_of, prefetch_tile, put_seconds

# Inlined before LLVM sees it, so that a number written as a literal is one inside too.
inlined = partial(CpuFunction, inline="always")
# What Python calls, and goes by tiles: not the transforms of Winograd, which lost 4 to 10 % by it.
tiled = partial(CpuFunction, tiled=True)


@inlined
def whole(count, unit):
    """The next multiple of the unit."""
    return -(-count // unit) * unit


@inlined
def part_of(index, length, parts):
    """Of an index into [outer, parts] the outer index, and first and end of that part of length."""
    if parts == 1:  # three divisions cost more than a short row
        return index, 0, length
    o = index // parts
    p = index - o * parts
    return o, p * length // parts, (p + 1) * length // parts


@inlined
def copy_cells(target, to, source, begin, count):
    """target[to + i] = source[begin + i] for i < count"""
    for i in range(0, count, lanes_of(target)):
        copy_vector(target, to + i, source, begin + i, count - i)


@inlined
def prefetch_cells(source, begin, count):
    """Have source[begin:][:count] come nearer, without waiting; nothing need be there."""
    for i in range(0, count, lanes_of(source)):
        prefetch_tile(source, begin + i, 0, 1, 1)


@inlined
def clear_cells(target, to, count):
    """target[to + i] = 0 for i < count"""
    for i in range(count):
        target[to + i] = 0


@inlined
def copy_rows(target, to, to_row, source, begin, row, rows, count):
    """target[to + y * to_row + i] = source[begin + y * row + i] for y < rows and i < count

    The last, partial vectors of all rows come after the others: their mask is the same. A count
    below 0 would write before the rows.
    """
    lanes = lanes_of(target)
    full = count // lanes * lanes
    if full:
        for y in range(rows):
            for i in range(0, full, lanes):
                copy_vector(target, to + y * to_row + i, source, begin + y * row + i, lanes)
    if full < count:
        for y in range(rows):
            copy_vector(target, to + y * to_row + full, source, begin + y * row + full,
                        count - full)  # fmt: skip


@CpuFunction
def move_rows(target, to, source, begin, rows, count, steps):
    """target[to + y * to_row + i * to_step] = source[begin + y * row + i]

    for y < rows and i < count, with to_row, to_step, row = steps.
    """
    to_row, to_step, row = steps
    if to_step == 1:
        copy_rows(target, to, to_row, source, begin, row, rows, count)
    elif to_step == 2:
        for y in range(rows):
            for i in range(0, count, lanes_of(target)):
                put_seconds(target, to + y * to_row + 2 * i, source, begin + y * row + i, count - i)
    else:
        for y in range(rows):
            for i in range(count):
                target[to + y * to_row + i * to_step] = source[begin + y * row + i]
