"""Products of matrices inside of other kernels, where a call of BLAS from Python would cost more.

``kernels.cpu.matmul`` goes through BLAS; this is for loops over many small products that must not
return to Python in between: the steps of a recurrent cell, the 36 products of a Winograd tile.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from .._jit import CpuFunction
from .simd import (
    add_outer,
    copy_vector,
    lanes_of,
    load_tile,
    store_tile,
    transpose_square,
    zero_tile,
)

# Rows that are multiplied together; buffers need room for a multiple of that.
ROWS = 6
# Columns of a panel: rows of b of that length follow each other, so that they are read in order.
PANEL = 32


@partial(CpuFunction, inline="always")
def multiply_columns(out, to, out_step, a, i, a_row, a_step, b, j, b_step, rows, depth, add,
                     columns):  # fmt: skip
    """``multiply_panel`` for as many columns as a tile has."""
    for r in range(0, rows, 6):
        if add:
            tile = load_tile(out, to + r * out_step, out_step, 6, columns)
        else:
            tile = zero_tile(out, 6, columns)
        for d in range(depth):
            tile = add_outer(tile, a, i + r * a_row + d * a_step, a_row, b, j + d * b_step)
        store_tile(out, to + r * out_step, out_step, tile)


@CpuFunction
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


@CpuFunction
def multiply_panels(out, to, out_step, a, i, a_row, a_step, b, j, rows, depth, columns):
    """The same for any multiple of 16 columns, b in panels from b[j] on: [panel, depth, column]."""
    for c in range(0, columns, PANEL):
        width = min(PANEL, columns - c)
        multiply_panel(out, to + c, out_step, a, i, a_row, a_step, b, j + c * depth, width, rows,
                       depth, width, False)  # fmt: skip


# -- a matrix in full panels, for many products with few rows -------------------------------------

# Rows that are multiplied together here: batches are often a multiple of that. Buffers need room
# for a multiple of it too.
BATCH_ROWS = 8


@CpuFunction
def full_panels(columns):
    """A number of columns, rounded up to a multiple of PANEL."""
    return -(-columns // PANEL) * PANEL


@CpuFunction
def lay_full_panels(start, stop, panels, matrix, depth, columns, transposed):
    """Panels start..stop-1 [panel, depth, PANEL] of b [depth, columns] = matrix, or its transpose.

    Columns beyond those of b stay as they are.
    """
    lanes = lanes_of(panels)
    for panel in range(start, stop):
        first = panel * PANEL
        used, at = min(PANEL, columns - first), first * depth
        if transposed:
            for c in range(0, used, lanes):
                for d in range(0, depth, lanes):
                    transpose_square(panels, at + d * PANEL + c, PANEL, matrix,
                                     (first + c) * depth + d, depth, min(lanes, used - c),
                                     min(lanes, depth - d))  # fmt: skip
        else:
            for d in range(depth):
                for c in range(0, used, lanes):
                    copy_vector(panels, at + d * PANEL + c, matrix, d * columns + first + c,
                                used - c)  # fmt: skip


@CpuFunction
def multiply_full_panels(out, a, panels, rows, depth, columns):
    """out [rows, full_panels(columns)] = a [rows, depth] b; rows rounded up to BATCH_ROWS"""
    wide = full_panels(columns)
    for c in range(0, wide, 2 * lanes_of(out)):
        place = c // PANEL * PANEL * depth + c % PANEL
        for r in range(0, rows, BATCH_ROWS):
            tile = zero_tile(out, BATCH_ROWS, 2)
            for d in range(depth):
                tile = add_outer(tile, a, r * depth + d, depth, panels, place + d * PANEL)
            store_tile(out, r * wide + c, wide, tile)
