"""Products of matrices in tiles, of which those of matmul.py and of other kernels are made.

OpenBLAS reaches 115 to 215 GF/s a core of a Zen 5, by what it takes the processor for, tiles 230 to
250; and loops over many small products, as in the steps of a recurrent cell or the 36 products of a
Winograd tile, need not return to Python in between.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .._jit import CpuFunction
from ..parallel import parallel_for, take_first_call
from ..scratch import scratch
from .cells import copy_cells, inlined, tiled, whole
from .simd import (
    add_outer,
    by_registers,
    lanes_of,
    load_tile,
    pointer,
    store_tile,
    transpose_square,
    zero_tile,
)

# Rows that are multiplied together, where 16 vectors fit in registers as well as where 32 do;
# buffers need room for a multiple of that.
ROWS = 6
# Columns of a panel: rows of b of that length follow each other, so that they are read in order.
PANEL = 32


@inlined
def multiply_columns(out, to, out_step, a, i, a_row, a_step, b, j, b_step, rows, depth, add,
                     columns):  # fmt: skip
    """``multiply_panel`` for as many columns as a tile has."""
    for r in range(0, rows, ROWS):
        if add:
            tile = load_tile(out, to + r * out_step, out_step, ROWS, columns)
        else:
            tile = zero_tile(out, ROWS, columns)
        for d in range(depth):
            tile = add_outer(tile, a, i + r * a_row + d * a_step, a_row, b, j + d * b_step)
        store_tile(out, to + r * out_step, out_step, tile)


@inlined
def multiply_panel(out, to, out_step, a, i, a_row, a_step, b, j, b_step, rows, depth, columns, add):
    """out[to + r * out_step + c] = sum over d < depth of
        a[i + r * a_row + d * a_step] * b[j + d * b_step + c]

    for r < rows, rounded up to a multiple of ROWS, and c < columns, a multiple of 16; added to what
    is there if ``add``.
    """
    lanes, c = lanes_of(out), 0
    while c < columns:
        if columns - c >= 2 * lanes:
            multiply_columns(out, to + c, out_step, a, i, a_row, a_step, b, j + c, b_step, rows,
                             depth, add, 2)  # fmt: skip
            c += 2 * lanes
        else:
            multiply_columns(out, to + c, out_step, a, i, a_row, a_step, b, j + c, b_step, rows,
                             depth, add, 1)  # fmt: skip
            c += lanes


@inlined
def multiply_panels(out, to, out_step, a, i, a_row, a_step, b, j, rows, depth, columns):
    """The same for any multiple of 16 columns, b in panels from b[j] on: [panel, depth, column]."""
    for c in range(0, columns, PANEL):
        width = min(PANEL, columns - c)
        multiply_panel(out, to + c, out_step, a, i, a_row, a_step, b, j + c * depth, width, rows,
                       depth, width, False)  # fmt: skip


@inlined
def transpose(to, i, to_step, source, j, step, rows, columns):
    """to[i + c * to_step + r] = source[j + r * step + c] for r < rows and c < columns"""
    lanes = lanes_of(to)
    for c in range(0, columns, lanes):
        for r in range(0, rows, lanes):
            transpose_square(to, i + c * to_step + r, to_step, source, j + r * step + c, step,
                             min(lanes, rows - r), min(lanes, columns - c))  # fmt: skip


@inlined
def lay_panel(panels, at, b, j, row_step, column_step, depth, columns):
    """panels[at + d * PANEL + c] = b[j + d * row_step + c * column_step]; one of the steps is 1"""
    if column_step == 1:
        for d in range(depth):
            copy_cells(panels, at + d * PANEL, b, j + d * row_step, columns)
    else:
        transpose(panels, at, PANEL, b, j, column_step, columns, depth)


# -- a matrix in panels that several blocks of a product read --------------------------------------

# Rows that are multiplied together here, by registers: batches are often a multiple of that.
# Buffers need room for a multiple of the first.
BATCH_ROWS, FEWER_BATCH_ROWS = 8, 4


@tiled
def lay_panels(start, stop, panels, b, columns, blocks, depth, each, whole, set_step, block_step,
               row_step, column_step):  # fmt: skip
    """Panels start..stop-1 [set, panel, block, depth, PANEL] of blocks of matrices:

    b[set * set_step + block * block_step + d * row_step + c * column_step] where also
    block * each + d < whole. What is beyond that, or the columns, stays as it is.
    """
    across = -(-columns // PANEL)
    for index in range(start, stop):
        at, first = index // across * set_step, index % across * PANEL
        for block in range(blocks):
            lay_panel(pointer(panels), (index * blocks + block) * depth * PANEL, pointer(b),
                      at + block * block_step + first * column_step, row_step, column_step,
                      min(depth, whole - block * each), min(PANEL, columns - first))  # fmt: skip


def lay_panels_by_numpy(panels, b, columns, blocks, depth, each, whole, set_step, block_step,
                        row_step, column_step):  # fmt: skip
    """All of ``lay_panels``; its oracle, too."""
    panels = panels.reshape(-1, -(-columns // PANEL), blocks, depth, PANEL)
    strides = row_step * b.itemsize, column_step * b.itemsize
    for i, block in np.ndindex(len(panels), blocks):
        deep = max(0, min(depth, whole - block * each))
        matrix = as_strided(b[i * set_step + block * block_step :], (deep, columns), strides)
        for first in range(0, columns, PANEL):
            part = matrix[:, first : first + PANEL]
            panels[i, first // PANEL, block, :deep, : part.shape[1]] = part


def lay(b, sets, columns, depth, set_step, row_step, column_step, blocks=1, block_step=0, each=0,
        whole=None):  # fmt: skip
    """The panels of a flat b in scratch memory, see ``lay_panels``; without ``whole``, of all."""
    across = -(-columns // PANEL)
    panels = scratch.array("panels", sets * across * blocks * depth * PANEL, b.dtype)
    args = (panels, b, columns, blocks, depth, each, depth if whole is None else whole, set_step,
            block_step, row_step, column_step)  # fmt: skip
    if take_first_call(lay_panels, panels.size):  # the loop takes 0.3 s to compile
        lay_panels_by_numpy(*args)
    else:
        parallel_for(lay_panels, sets * across, args, panels.size)
    return panels


@inlined
def sum_tile(out, a, i, a_row, a_step, b, j, b_step, depth, tall, vectors):
    """tile[r] = sum over d < depth of a[i + r * a_row + d * a_step] * b[j + d * b_step :]

    of so many rows, and of as many columns as so many vectors have.
    """
    tile = zero_tile(out, tall, vectors)
    for d in range(depth):
        tile = add_outer(tile, a, i + d * a_step, a_row, b, j + d * b_step)
    return tile


@CpuFunction
def multiply_full_panels(out, a, panels, rows, depth, columns):
    """out [rows, whole(columns, PANEL)] = a [rows, depth] b; rows rounded up to BATCH_ROWS

    One row, or up to four, have tiles of their own: for one in a tile of eight a step of an LSTM
    took three times as long.
    """
    wide = whole(columns, PANEL)
    tall = by_registers(out, BATCH_ROWS, FEWER_BATCH_ROWS)
    for c in range(0, wide, 2 * lanes_of(out)):
        place = c // PANEL * PANEL * depth + c % PANEL
        for r in range(0, rows, tall):
            to, i = r * wide + c, r * depth
            if rows - r == 1:
                tile = sum_tile(out, a, i, depth, 1, panels, place, PANEL, depth, 1, 2)
                store_tile(out, to, wide, tile)
            elif rows - r <= FEWER_BATCH_ROWS:
                few = sum_tile(out, a, i, depth, 1, panels, place, PANEL, depth,
                               FEWER_BATCH_ROWS, 2)  # fmt: skip
                store_tile(out, to, wide, few)
            else:
                many = sum_tile(out, a, i, depth, 1, panels, place, PANEL, depth, tall, 2)
                store_tile(out, to, wide, many)
