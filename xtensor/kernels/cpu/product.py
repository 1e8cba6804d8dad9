"""Products of matrices in tiles, of which those of matmul.py and of other kernels are made.

OpenBLAS reaches 115 to 215 GF/s a core of a Zen 5, by what it takes the processor for, tiles 230 to
250; and loops over many small products, as in the steps of a recurrent cell or the 36 products of a
Winograd tile, need not return to Python in between.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import CpuFunction
from .cells import copy_cells, inlined, whole
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

# Rows that are multiplied together; buffers need room for a multiple of that.
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


@inlined
def cut(length, pieces, piece):
    """First and end of a piece of range(length)."""
    return piece * length // pieces, (piece + 1) * length // pieces


@inlined
def stretch(depth, parts, part, begin, most):
    """Where a stretch of a part of the depth begins, and how long it is; at the end 0 or less."""
    first, end = cut(depth, parts, part)
    return first + begin, min(most, end - first - begin)


@CpuFunction
def lay_panels(start, stop, panels, b, size, depth, columns, transposed, parts, begin, room, first,
               count):  # fmt: skip
    """Panels [set, panel, room, PANEL] of columns first..first+count-1 of b [depth, columns]

    or of its transpose. A set is a stretch, from ``begin`` on, of a part of the depth; the sets of
    a matrix follow each other, matrices are ``size`` apart. Of a panel, what is beyond the stretch
    or the columns stays as it is.
    """
    across = -(-count // PANEL)
    row_step, column_step = (1, depth) if transposed else (columns, 1)
    for index in range(start, stop):
        matrix, panel = index // across, index % across
        d, deep = stretch(depth, parts, matrix % parts, begin, room)
        lay_panel(pointer(panels), index * room * PANEL, pointer(b),
                  matrix // parts * size + d * row_step + (first + panel * PANEL) * column_step,
                  row_step, column_step, deep, min(PANEL, count - panel * PANEL))  # fmt: skip


@inlined
def sum_tile(out, a, i, a_row, a_step, panels, place, depth, tall, vectors):
    """tile[r] = sum over d < depth of a[i + r * a_row + d * a_step] * panels[place + d * PANEL :]

    of so many rows, and of as many columns as so many vectors have.
    """
    tile = zero_tile(out, tall, vectors)
    for d in range(depth):
        tile = add_outer(tile, a, i + d * a_step, a_row, panels, place + d * PANEL)
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
                tile = sum_tile(out, a, i, depth, 1, panels, place, depth, 1, 2)
                store_tile(out, to, wide, tile)
            elif rows - r <= FEWER_BATCH_ROWS:
                few = sum_tile(out, a, i, depth, 1, panels, place, depth, FEWER_BATCH_ROWS, 2)
                store_tile(out, to, wide, few)
            else:
                many = sum_tile(out, a, i, depth, 1, panels, place, depth, tall, 2)
                store_tile(out, to, wide, many)
