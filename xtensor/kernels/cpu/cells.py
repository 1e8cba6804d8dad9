"""What loops over runs of numbers share. Arrays are flat, and may come as pointers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from .._jit import CpuFunction
from .simd import copy_vector, lanes_of, prefetch_tile, put_seconds, take_seconds

# Inlined before LLVM sees it, so that a number written as a literal is one inside too.
inlined = partial(CpuFunction, inline="always")


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


@CpuFunction
def move_rows(target, to, source, begin, rows, count, steps):
    """target[to + y * to_row + i * to_step] = source[begin + y * row + i * step]

    for y < rows and i < count, with to_row, to_step, row, step = steps, of which one step is 1.
    """
    to_row, to_step, row, step = steps
    lanes = lanes_of(target)
    for y in range(rows):
        place, cell = to + y * to_row, begin + y * row
        if step == 1 and to_step == 1:
            # Calling copy_cells took a fifth longer for the planes of small images.
            for i in range(0, count, lanes):
                copy_vector(target, place + i, source, cell + i, count - i)
        elif step == 2:
            for i in range(0, count, lanes):
                take_seconds(target, place + i, source, cell + 2 * i, count - i)
        elif to_step == 2:
            for i in range(0, count, lanes):
                put_seconds(target, place + 2 * i, source, cell + i, count - i)
        else:
            for i in range(count):
                target[place + i * to_step] = source[cell + i * step]


@inlined
def lay_volumes(box, to, size, source, begin, volume, volumes, runs, first, end, steps):
    """Some volumes of the source, one after the other, into boxes of ``size`` cells.

    Of each, place, cell, rows and count of runs[first:end] say from which cell to which place so
    many rows of so many cells move, see ``move_rows``; with no rows, so many cells become 0.
    """
    for k in range(volumes):
        place, cell = to + k * size, begin + k * volume
        for r in range(first, end, 4):
            if runs[r + 2]:
                move_rows(box, place + runs[r], source, cell + runs[r + 1], runs[r + 2],
                          runs[r + 3], steps)  # fmt: skip
            else:
                clear_cells(box, place + runs[r], runs[r + 3])
