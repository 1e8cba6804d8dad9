"""Products of matrices in tiles: large ones, and those inside of other kernels.

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
    add_part,
    by_registers,
    lanes_of,
    load_tile,
    pointer,
    store_part,
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


# -- a matrix in full panels, for many products with few rows -------------------------------------

# Rows that are multiplied together here, by registers: batches are often a multiple of that.
# Buffers need room for a multiple of the first.
BATCH_ROWS, FEWER_BATCH_ROWS = 8, 4


@CpuFunction
def lay_full_panels(start, stop, panels, matrix, depth, columns, transposed):
    """Panels start..stop-1 [panel, depth, PANEL] of b [depth, columns] = matrix, or its transpose.

    Columns beyond those of b stay as they are.
    """
    for panel in range(start, stop):
        first = panel * PANEL
        used = min(PANEL, columns - first)
        if transposed:
            lay_panel(pointer(panels), first * depth, pointer(matrix), first * depth, 1, depth,
                      depth, used)  # fmt: skip
        else:
            lay_panel(pointer(panels), first * depth, pointer(matrix), first, columns, 1, depth,
                      used)  # fmt: skip


@inlined
def multiply_few(out, to, wide, a, i, panels, place, depth, tall):
    """So many rows of as many columns as two vectors have."""
    tile = zero_tile(out, tall, 2)
    for d in range(depth):
        tile = add_outer(tile, a, i + d, depth, panels, place + d * PANEL)
    store_tile(out, to, wide, tile)


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
                multiply_few(out, to, wide, a, i, panels, place, depth, 1)
            elif rows - r <= FEWER_BATCH_ROWS:
                multiply_few(out, to, wide, a, i, panels, place, depth, FEWER_BATCH_ROWS)
            else:
                multiply_few(out, to, wide, a, i, panels, place, depth, tall)


# -- matrices of any size -------------------------------------------------------------------------

# A block of so many columns and so long a part of the sums stays in the second-level cache; so many
# rows, a multiple of ROWS, are copied at a time where they must be: those of a transposed matrix as
# they lie, number by number of the sum, as neighbours in memory are what a tile takes together.
BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS = 256, 512, 96


@inlined
def multiply_rows(out, to, out_step, a, i, a_row, a_step, panels, c, rows, depth, columns, begin, b,
                  begin_row, added, tile_columns):  # fmt: skip
    """Up to ROWS rows of as many columns as a tile has, from column c of panels on."""
    tile = zero_tile(out, ROWS, tile_columns)
    place = c // PANEL * PANEL * depth + c % PANEL
    for d in range(depth):
        tile = add_outer(tile, a, i + d * a_step, a_row, panels, place + d * PANEL)
    if added:
        tile = add_part(tile, begin, b + c, begin_row, rows, columns - c)
    store_part(out, to + c, out_step, lanes_of(out), tile, rows, columns - c, lanes_of(out))


@inlined
def multiply_matrices(out, to, out_step, a, i, a_row, a_step, b, j, b_step, b_column, bias, shift,
                      rows, depth, columns, panels, copies):  # fmt: skip
    """out[to + r * out_step + c] = bias[shift + c] + sum over d < depth of
        a[i + r * a_row + d * a_step] * b[j + d * b_step + c * b_column]

    for r < rows and c < columns; no bias if ``shift`` is below 0. The order of a sum is the same
    wherever its row and column lie.
    """
    lanes = lanes_of(out)
    for c in range(0, columns, BLOCK_COLUMNS):
        wide = min(BLOCK_COLUMNS, columns - c)
        for d in range(0, depth, BLOCK_DEPTH):
            deep = min(BLOCK_DEPTH, depth - d)
            for p in range(0, wide, PANEL):
                lay_panel(panels, p * deep, b, j + d * b_step + (c + p) * b_column, b_step,
                          b_column, deep, min(PANEL, wide - p))  # fmt: skip
            for r in range(0, rows, BLOCK_ROWS):
                tall = min(BLOCK_ROWS, rows - r)
                source, at, row, step = a, i + r * a_row + d * a_step, a_row, a_step
                if a_step != 1 or tall % ROWS != 0:
                    if a_step == 1:
                        lines, apart, length, row = tall, a_row, deep, BLOCK_DEPTH
                    else:
                        lines, apart, length, row, step = deep, a_step, tall, 1, BLOCK_ROWS
                    for k in range(lines):
                        copy_cells(copies, k * max(row, step), a, at + k * apart, length)
                    source, at = copies, 0
                for k in range(0, tall, ROWS):
                    place = to + (r + k) * out_step + c
                    begin, first, begin_row = out, place, out_step
                    if d == 0:
                        begin, first, begin_row = bias, shift + c, 0
                    for w in range(0, wide, 2 * lanes):
                        if wide - w > lanes:
                            multiply_rows(out, place, out_step, source, at + k * row, row, step,
                                          panels, w, tall - k, deep, wide, begin, first, begin_row,
                                          d > 0 or shift >= 0, 2)  # fmt: skip
                        else:
                            multiply_rows(out, place, out_step, source, at + k * row, row, step,
                                          panels, w, tall - k, deep, wide, begin, first, begin_row,
                                          d > 0 or shift >= 0, 1)  # fmt: skip
