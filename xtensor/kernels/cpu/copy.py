"""Kernels that move elements: filling, and reading and writing through strides.

NumPy copies rows as fast as memory allows. Where rows of one side are columns of the other, it
takes number after number from places far apart; such planes are transposed in squares that fit into
registers.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .._jit import CpuFunction, cpu_host_kernel, cpu_whole_kernel
from ..parallel import parallel_for
from .simd import lanes_of, pointer, transpose_whole

# Of fewer columns than this NumPy copies one after the other, and is as fast.
FEW_COLUMNS = 8
# A task is a block of a plane: rows by columns that stay in the first-level cache. Columns become
# rows of the result; if these lie a multiple of so many bytes apart, many of them share a place in
# the cache, and fewer are written together (1024x1024: 0.26 ms, and 0.42 with wide blocks).
ROWS, WIDE, NARROW, SHARING = 256, 64, 16, 2048


@cpu_host_kernel
def fill(start, stop, out, value):
    """out[i] = value; out flat"""
    out[start:stop] = value


def _view(flat, offset, shape, strides):
    """The elements of a flat array at offset + sum(index * stride), as an array of that shape."""
    size = flat.itemsize
    return np.ndarray(shape, flat.dtype, flat, offset * size, [stride * size for stride in strides])


@cpu_whole_kernel
def strided_read(start, stop, out, x, offset, shape, strides):
    """out[i...] = x[offset + sum(i * strides)]; out and x flat, range over shape[0]"""
    _move(out.reshape(shape), out, _view(x, offset, shape, strides), x[offset:])


@cpu_whole_kernel
def strided_write(start, stop, out, x, offset, shape, strides):
    """out[offset + sum(i * strides)] = x[i...]; out and x flat, range over shape[0]"""
    _move(_view(out, offset, shape, strides), out[offset:], x.reshape(shape), x)


def _move(to, to_flat, source, source_flat):
    """to[...] = source, of one shape and dtype; what is flat begins where the other does."""
    planes = _planes(to.itemsize, to.shape, to.strides, source.strides)
    if planes is None:
        parallel_for(_move_rows, len(to), (to, source), to.size)
    else:
        # As unsigned numbers: their bits are all that counts, and one kernel serves more dtypes.
        flat = [array.view(f"u{to.itemsize}") for array in (to_flat, source_flat)]
        parallel_for(move_planes.compiled(), planes[0], (*flat, *planes[1:]), to.size)


def _move_rows(start, stop, to, source):
    np.copyto(to[start:stop], source[start:stop])


def _planes(size, shape, to_strides, strides):
    """Number of tasks and the numbers for ``move_planes``, or None if rows had better be copied.

    Rows of a plane run along the axis in which the source is contiguous, columns along that of the
    result. Shorter numbers are rare, and a square of them would be many instructions to compile.
    """
    if size < 4 or size not in to_strides or size not in strides:
        return None
    down, across = to_strides.index(size), strides.index(size)
    rows, columns = shape[down], shape[across]
    if strides[down] == size or columns < FEW_COLUMNS:
        return None
    wide = WIDE if to_strides[across] % SHARING else NARROW
    outer = [
        (shape[axis], to_strides[axis] // size, strides[axis] // size)
        for axis in range(len(shape))
        if axis not in (down, across)
    ]
    tasks = math.prod([axis[0] for axis in outer]) * -(-rows // ROWS) * -(-columns // wide)
    outer_array = np.array(outer, np.int64).reshape(len(outer), 3)
    return (tasks, rows, columns, to_strides[across] // size, strides[down] // size, wide,
            outer_array)  # fmt: skip


@CpuFunction
def move_planes(start, stop, to, source, rows, columns, to_step, step, wide, outer):
    """to[place + c * to_step + r] = source[cell + r * step + c] for r < rows and c < columns

    of planes whose place and cell are sums of an index times a stride over the axes in ``outer``,
    each given as its length, to's stride and the source's. A block of a plane is a task.
    """
    target, origin = pointer(to), pointer(source)
    tall_blocks, wide_blocks = -(-rows // ROWS), -(-columns // wide)
    for task in range(start, stop):
        rest = task // wide_blocks
        c = (task - rest * wide_blocks) * wide
        plane = rest // tall_blocks
        r = (rest - plane * tall_blocks) * ROWS
        place, cell = c * to_step + r, r * step + c
        for axis in range(len(outer) - 1, -1, -1):
            rest = plane // outer[axis, 0]
            index = plane - rest * outer[axis, 0]
            place += index * outer[axis, 1]
            cell += index * outer[axis, 2]
            plane = rest
        transpose_block(target, place, to_step, origin, cell, step, min(ROWS, rows - r),
                        min(wide, columns - c))  # fmt: skip


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
