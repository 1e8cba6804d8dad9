"""Kernels that move elements: filling, and reading and writing through strides.

Where rows of one side are columns of the other, their numbers lie far apart: such planes are
transposed in squares that fit into registers. Short rows are moved many to a task, all others in
runs, forwards, in reverse or one number again and again.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import itertools
import math
import operator
from functools import lru_cache

import numpy as np

from .._jit import CpuFunction, cpu_whole_kernel
from ..parallel import parallel_for, take_first_call
from .cells import copy_cells, inlined
from .simd import lanes_of, pointer, reverse_vector, take_seconds, transpose_whole

# With fewer columns, or rows, to a plane NumPy is as fast.
FEW = 8
# A task is a block of a plane: rows by columns that stay in the first-level cache. Columns become
# rows of the result; if these lie a multiple of so many bytes apart, many of them share a place in
# the cache, and fewer are written together (1024x1024: 0.26 ms, and 0.42 with wide blocks).
ROWS, WIDE, NARROW, SHARING = 256, 64, 16, 2048
# Rows of so many bytes at most are short: with twice as many NumPy is as fast.
SHORT = 128
# Other rows are cut into runs of so many.
RUN = 16_384


@cpu_whole_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    _move(out, np.array([value], out.dtype), out.shape, None, (0,))


@cpu_whole_kernel
def strided_read(start, stop, out, x, offset, shape, strides):
    """out[i...] = x[offset + sum(i * strides)]; out and x flat, range over shape[0]"""
    _move(out, x[offset:], shape, None, strides)


@cpu_whole_kernel
def strided_write(start, stop, out, x, offset, shape, strides):
    """out[offset + sum(i * strides)] = x[i...]; out and x flat, range over shape[0]"""
    _move(out[offset:], x, shape, strides, None)


def _move(to, source, shape, to_strides, strides):
    """to[sum(i * to_strides)] = source[sum(i * strides)], flat both; None: in order."""
    loop, tasks, numbers = _plan(to.itemsize, shape, to_strides, strides)
    size = math.prod(shape)
    if take_first_call(loop, size):  # NumPy has nothing to compile
        np.copyto(_view(to, shape, to_strides), _view(source, shape, strides))
        return
    # As unsigned numbers: their bits are all that counts, and one kernel serves more dtypes.
    kind = UNSIGNED[to.itemsize]
    parallel_for(loop, tasks, (to.view(kind), source.view(kind), *numbers), size)


def _view(flat, shape, strides):
    """The elements of a flat array at sum(index * strides), as an array of that shape."""
    steps = [flat.itemsize * stride for stride in strides or _in_order(shape)]
    return np.lib.stride_tricks.as_strided(flat, shape, steps)


UNSIGNED = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


@lru_cache(maxsize=4096)
def _plan(size, shape, to_strides, strides):
    """A loop, its number of tasks and its numbers; strides in elements of so many bytes.

    Rows of a plane that is transposed run along the axis in which the source is contiguous, columns
    along that of the result. Numbers of one or two bytes are not transposed: a square of them would
    be many instructions to compile.
    """
    to_strides, strides = to_strides or _in_order(shape), strides or _in_order(shape)
    down = min(range(len(shape)), key=lambda axis: (abs(to_strides[axis]), -axis))
    to_step, step = to_strides[down], strides[down]
    others = [axis for axis in range(len(shape)) if axis != down]
    rows = min(others, key=lambda axis: abs(to_strides[axis])) if others else down
    across = strides.index(1) if 1 in strides else down
    if to_step == abs(step) == 1 and size * shape[down] <= SHORT and rows != down:
        # Rows that follow each other in the result, so that it is written in order.
        outer = _outer(shape, to_strides, strides, (down, rows))
        tasks = math.prod(outer[:, 0].tolist()) * -(-shape[rows] // ROWS)
        steps = to_strides[rows], strides[rows]
        return move_short, tasks, (shape[rows], shape[down], *steps, step < 0, outer)
    if to_step == 1 and size >= 4 and across != down and shape[across] >= FEW:
        wide = WIDE if size * to_strides[across] % SHARING else NARROW
        outer = _outer(shape, to_strides, strides, (down, across))
        planes = math.prod(outer[:, 0].tolist())
        tasks = planes * -(-shape[down] // ROWS) * -(-shape[across] // wide)
        return (
            move_planes,
            tasks,
            (shape[down], shape[across], to_strides[across], step, wide, outer),
        )
    outer = _outer(shape, to_strides, strides, (down,))
    tasks = math.prod(outer[:, 0].tolist()) * -(-shape[down] // RUN)
    return move_runs, tasks, (shape[down], to_step, step, outer)


def _in_order(shape):
    """The strides of a contiguous array."""
    return tuple(itertools.accumulate(shape[:0:-1], operator.mul, initial=1))[::-1]


def _outer(shape, to_strides, strides, inner):
    """Length, stride of the result and stride of the source of each other axis."""
    axes = [
        (shape[axis], to_strides[axis], strides[axis])
        for axis in range(len(shape))
        if axis not in inner
    ]
    return np.array(axes, np.int64).reshape(len(axes), 3)


@inlined
def places_of(number, outer):
    """Where plane or row ``number`` begins in the result, and where in the source."""
    place, cell = 0, 0
    for axis in range(len(outer) - 1, -1, -1):
        rest = number // outer[axis, 0]
        index = number - rest * outer[axis, 0]
        place += index * outer[axis, 1]
        cell += index * outer[axis, 2]
        number = rest
    return place, cell


@inlined
def reverse_cells(target, to, source, end, count):
    """target[to + i] = source[end - i] for i < count"""
    for i in range(0, count, lanes_of(target)):
        reverse_vector(target, to + i, source, end - i, count - i)


@CpuFunction
def move_runs(start, stop, to, source, length, to_step, step, outer):
    """to[place + i * to_step] = source[cell + i * step] for i < length, of rows in ``outer``

    A run is a task.
    """
    target, origin = pointer(to), pointer(source)
    runs = -(-length // RUN)
    for task in range(start, stop):
        row = task // runs
        place, cell = places_of(row, outer)
        begin = (task - row * runs) * RUN
        count = min(RUN, length - begin)
        place += begin * to_step
        cell += begin * step
        if to_step != 1:
            for i in range(count):
                target[place + i * to_step] = origin[cell + i * step]
        elif step == 1:
            copy_cells(target, place, origin, cell, count)
        elif step == 0:
            number = origin[cell]
            for i in range(count):
                target[place + i] = number
        elif step == -1:
            reverse_cells(target, place, origin, cell, count)
        elif step == 2:
            for i in range(0, count, lanes_of(target)):
                take_seconds(target, place + i, origin, cell + 2 * i, count - i)
        else:
            for i in range(count):
                target[place + i] = origin[cell + i * step]


@CpuFunction
def move_short(start, stop, to, source, rows, length, to_step, step, backwards, outer):
    """to[place + r * to_step + i] = source[cell + r * step + i] for r < rows and i < length

    of planes in ``outer``, or -i where ``backwards``; a block of a plane is a task.
    """
    target, origin = pointer(to), pointer(source)
    blocks = -(-rows // ROWS)
    for task in range(start, stop):
        plane = task // blocks
        first = (task - plane * blocks) * ROWS
        place, cell = places_of(plane, outer)
        end = min(first + ROWS, rows)
        if backwards:
            for r in range(first, end):
                reverse_cells(target, place + r * to_step, origin, cell + r * step, length)
        else:
            for r in range(first, end):
                copy_cells(target, place + r * to_step, origin, cell + r * step, length)


@CpuFunction
def move_planes(start, stop, to, source, rows, columns, to_step, step, wide, outer):
    """to[place + c * to_step + r] = source[cell + r * step + c] for r < rows and c < columns

    of planes in ``outer``; a block of a plane is a task.
    """
    target, origin = pointer(to), pointer(source)
    tall_blocks, wide_blocks = -(-rows // ROWS), -(-columns // wide)
    for task in range(start, stop):
        rest = task // wide_blocks
        c = (task - rest * wide_blocks) * wide
        plane = rest // tall_blocks
        r = (rest - plane * tall_blocks) * ROWS
        place, cell = places_of(plane, outer)
        transpose_block(target, place + c * to_step + r, to_step, origin, cell + r * step + c, step,
                        min(ROWS, rows - r), min(wide, columns - c))  # fmt: skip


@CpuFunction
def transpose_block(to, i, to_step, source, j, step, rows, columns):
    """to[i + c * to_step + r] = source[j + r * step + c] for r < rows and c < columns"""
    lanes = lanes_of(to)
    whole_rows, whole_columns = rows // lanes * lanes, columns // lanes * lanes
    for r in range(0, whole_rows, lanes):
        for c in range(0, whole_columns, lanes):
            transpose_whole(to, i + c * to_step + r, to_step, source, j + r * step + c, step)
    for r in range(whole_rows, rows):
        for c in range(whole_columns):
            to[i + c * to_step + r] = source[j + r * step + c]
    for c in range(whole_columns, columns):
        for r in range(rows):
            to[i + c * to_step + r] = source[j + r * step + c]
