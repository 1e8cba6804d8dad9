"""Matrix products on the CPU.

Large products of floating matrices are multiplied in tiles (see product.py), whose numbers are the
same in blocks of any size, so that these follow the threads. Products of one term go by elementwise
loops. All others are multiplied by NumPy: through BLAS, which has little to do for a few numbers
and reads a matrix once for a vector, in blocks that follow the shape alone.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import blas
from .._jit import cpu_whole_kernel
from ..parallel import parallel_for
from ..registry import kernels
from ..threads import get_num_threads
from .cells import copy_cells, inlined, tiled, whole
from .product import BATCH_ROWS, PANEL, ROWS, lay, sum_tile
from .simd import add_part, by_registers, lanes_of, pointer, store_part, store_tile

# With fewer rows or columns a product is little more than reading the other matrix, and fills no
# tile. Of small ones, which BLAS multiplies on one thread without being told to, tiles save time
# only where they have so many multiplications together, and each of them some.
FEWEST, WORTH, WORTH_OF_EACH = BATCH_ROWS, 1 << 20, 1 << 14
# So many multiplications take as long as one of the elements in which parallel_for counts.
PRODUCTS, SLOW_PRODUCTS = 32, 16
# Rows of a block, a multiple of those of a tile: ROOM terms of them stay in the second-level cache.
# And no fewer; blocks for each thread, so that one that is held up leaves some to the others.
BLOCK_ROWS, LEAST_ROWS, BLOCKS_PER_THREAD = 72, 16, 8
# So many terms of a sum are added up at a time, and so many numbers are laid out as panels.
ROOM, PANELS = 1024, 1 << 20
# A matrix of so many bytes at most stays in the cache, and is read in place if its rows have two
# vectors of any processor.
IN_PLACE, TWO_VECTORS = 1 << 16, 128
# Blocks for BLAS, at most so many, of at least so many rows or columns each, so that it is at its
# best; a product of fewer multiplications is over before they are cut out.
MOST_BLOCKS, BLAS_ROWS, WORTH_CUTTING = 16, 128, 1 << 20


@inlined
def cut(length, pieces, piece):
    """First and end of a piece of range(length)."""
    return piece * length // pieces, (piece + 1) * length // pieces


@inlined
def multiply_tile(out, to, n, a, i, a_row, a_step, b, j, b_step, depth, high, vectors, sums, s,
                  sums_row, added, rows, columns):  # fmt: skip
    """Rows and columns of out, of those a tile has: sums of products, and of what is ``added``."""
    tile = sum_tile(out, a, i, a_row, a_step, b, j, b_step, depth, high, vectors)
    if added:
        tile = add_part(tile, sums, s, sums_row, rows, columns)
    if rows == high and columns >= vectors * lanes_of(out):
        store_tile(out, to, n, tile)
    else:
        store_part(out, to, n, lanes_of(out), tile, rows, columns, lanes_of(out))


@tiled
def matmul_tiles(start, stop, out, x, bias, panels, in_place, sets, size, m, n, depth, transposed_x,
                 parts, each, tall, wide, begin, room, first, count, copies):  # fmt: skip
    """``matmul_forward`` over flat arrays, columns first..first+count-1: of each part of the sums
    ``room`` terms, from ``begin`` on. What comes before them is in out.

    Matrices of x are ``size`` apart, or 0 if there is one; the panels, see ``lay_panels``, are of
    so many ``sets``, or one matrix y ``in_place``. An index is one of ``tall`` times ``wide``
    blocks of a matrix of out. Its first tile of rows takes what the others leave of m, so all rows
    that are read exist; so do columns of y, as its last tile overlaps the one before.
    """
    high, lanes = by_registers(out, BATCH_ROWS, ROWS), lanes_of(out)
    tiles, across = -(-m // high), -(-count // PANEL)
    x_row, x_step = (1, m) if transposed_x else (depth, 1)
    results, laid, added = pointer(out), pointer(panels), begin > 0 or bias.size > 0
    panel_size, panel_row = (PANEL, n) if in_place else (room * PANEL, PANEL)
    for index in range(start, stop):
        matrix, block = index // (tall * wide), index % (tall * wide)
        d = matrix % parts * each + begin
        deep = min(room, depth - d)
        t0, t1 = cut(tiles, tall, block // wide)
        p0, p1 = cut(across, wide, block % wide)
        source, row, step = pointer(x), x_row, x_step
        at = matrix // parts * size + d * x_step
        if transposed_x:
            r0, r1 = max(0, m - (tiles - t0) * high), m - (tiles - t1) * high
            for k in range(deep):
                copy_cells(copies, k * BLOCK_ROWS, source, at + r0 + k * m, max(high, r1 - r0))
            source, at, step = pointer(copies), -r0, BLOCK_ROWS
        for c in range(p0 * PANEL, min(p1 * PANEL, count), 2 * lanes):
            if in_place:
                c = min(c, n - 2 * lanes)
            panel = (matrix // parts % sets * across + c // PANEL) * parts + matrix % parts
            place = panel * panel_size + c % PANEL
            for t in range(t0, t1):
                r = max(0, m - (tiles - t) * high)
                rows, i = m - (tiles - t - 1) * high - r, at + r * row
                to = (matrix * m + r) * n + first + c
                sums, s, sums_row = results, to, n
                if begin == 0:
                    sums, s, sums_row = pointer(bias), first + c, 0
                if count - c > lanes:
                    multiply_tile(results, to, n, source, i, row, step, laid, place, panel_row,
                                  deep, high, 2, sums, s, sums_row, added, rows,
                                  count - c)  # fmt: skip
                else:
                    multiply_tile(results, to, n, source, i, row, step, laid, place, panel_row,
                                  deep, high, 1, sums, s, sums_row, added, rows,
                                  count - c)  # fmt: skip


def blocks_by_threads(matrices, m, columns, transposed_x, threads):
    """Into how many blocks of rows, and of columns, each product is cut for the threads.

    Rows of a transposed matrix are copied for each block of columns, so more of them are cut.
    """
    wanted = -(-BLOCKS_PER_THREAD * threads // matrices)
    tall = -(-m // BLOCK_ROWS)
    if transposed_x:
        tall = max(tall, min(wanted, m // LEAST_ROWS))
        wanted = min(wanted, threads)
    return tall, min(-(-wanted // tall), -(-columns // PANEL))


class Pass(NamedTuple):
    """A part of a product: where in the flat out, x and y it begins; how y is laid out from there,
    if at all; what ``matmul_tiles`` is given for it, and ``parallel_for``."""

    to: int
    at: int
    source: int
    layout: tuple[int, ...] | None
    numbers: tuple[int, ...]
    blocks: int
    cost: int
    buffer: int


@lru_cache(maxsize=4096)
def passes(out_shape, x_shape, y_shape, itemsize, transposed_x, transposed_y, parts, threads):
    """How ``multiply_tiles`` goes about matrices of these shapes.

    So many matrices, columns and terms of the sums at a time that the panels stay in the cache.
    """
    (sets, *y_matrix), x_size, found = y_shape, math.prod(x_shape[1:]), []
    (_, m, n), y_size = out_shape, math.prod(y_matrix)
    depth = x_shape[1] if transposed_x else x_shape[2]
    row_step, column_step = (1, depth) if transposed_y else (n, 1)
    each = -(-depth // parts)
    most = min(ROOM, each)
    columns = min(n, whole(max(1, PANELS // (most * parts)), PANEL))
    matrices = out_shape[0] // parts
    together = max(1, PANELS // (most * columns * parts)) if sets > 1 else matrices
    in_place = sets == parts == column_step == 1 and y_size * itemsize <= IN_PLACE
    in_place = in_place and n * itemsize >= TWO_VECTORS
    for b in range(0, matrices, together):
        count_b = min(together, matrices - b)
        for first, begin in itertools.product(range(0, n, columns), range(0, each, most)):
            count, room = min(columns, n - first), min(most, each - begin)
            y_sets = min(sets, count_b)
            tall, wide = blocks_by_threads(count_b * parts, m, count, transposed_x, threads)
            found.append(
                Pass(
                    to=b * parts * m * n,
                    at=b * x_size if x_shape[0] > 1 else 0,
                    source=(b * y_size if sets > 1 else 0) + first * column_step + begin * row_step,
                    layout=None if in_place else (
                        y_sets, count, room, y_size, row_step, column_step, parts, each * row_step,
                        each, depth - begin,
                    ),
                    numbers=(
                        in_place, y_sets, x_size if x_shape[0] > 1 else 0, m, n, depth,
                        transposed_x, parts, each, tall, wide, begin, room, first, count,
                    ),
                    blocks=count_b * parts * tall * wide,
                    cost=count_b * parts * m * count * room // PRODUCTS,
                    buffer=room * BLOCK_ROWS if transposed_x else 1,
                )
            )  # fmt: skip
    return found


def multiply_tiles(out, x, y, bias, transposed_x, transposed_y, parts):
    """``matmul_forward`` in tiles, whose numbers are the same however the work is cut up.

    First y is laid out as panels, unless it is small, then blocks of x are multiplied with them.
    """
    results, left, right = out.reshape(-1), x.reshape(-1), y.reshape(-1)
    for part in passes(out.shape, x.shape, y.shape, out.itemsize, transposed_x, transposed_y, parts,
                       get_num_threads()):  # fmt: skip
        source = right[part.source :]
        panels = source if part.layout is None else lay(source, *part.layout)
        parallel_for(matmul_tiles, part.blocks,
                     (results[part.to :], left[part.at :], bias, panels, *part.numbers), part.cost,
                     (part.buffer,))  # fmt: skip


def blocks_by_shape(matrices, m, n, length):
    """Into how many blocks of the longer of m and n each product is cut, whatever the threads:
    BLAS gives other bytes for other blocks."""
    if matrices >= MOST_BLOCKS or m * n * length < WORTH_CUTTING:
        return 1
    return max(1, min(MOST_BLOCKS // matrices, max(m, n) // BLAS_ROWS))


def multiply_by_numpy(start, stop, out, x, y, bias, transposed_x, transposed_y, parts, blocks):
    """``matmul_forward`` by BLAS; integers by loops of NumPy's.

    The range goes over the matrices of out times ``blocks``, pieces of the longer of m and n.
    """
    x = x.transpose(0, 2, 1) if transposed_x else x
    y = y.transpose(0, 2, 1) if transposed_y else y
    _, m, n = out.shape
    length = x.shape[2]
    if blocks == parts == 1:
        left = x if len(x) == 1 else x[start:stop]
        right = y if len(y) == 1 else y[start:stop]
        to = out if len(out) == 1 else out[start:stop]
        with blas.one_thread(m, n, length):
            np.matmul(left, right, out=to)
        if bias.size:
            np.add(to, bias, out=to)
        return
    rows, columns = (-(-m // blocks), n) if m >= n else (m, -(-n // blocks))
    with blas.one_thread(rows, columns, length):
        for index in range(start, stop):
            matrix, block = divmod(index, blocks)
            b, part = divmod(matrix, parts)
            left, right, to = x[b if len(x) > 1 else 0], y[b if len(y) > 1 else 0], out[matrix]
            added = bias
            if parts > 1:
                each = -(-length // parts)
                terms = slice(part * each, (part + 1) * each)
                left, right = left[:, terms], right[terms]
            if blocks > 1 and m >= n:
                r0, r1 = cut(m, blocks, block)
                left, to = left[r0:r1], to[r0:r1]
            elif blocks > 1:
                c0, c1 = cut(n, blocks, block)
                right, to, added = right[:, c0:c1], to[:, c0:c1], bias[c0:c1]
            np.matmul(left, right, out=to)
            if added.size:
                np.add(to, added, out=to)


def multiply_outer(out, x, y, bias):
    """``matmul_forward`` for one term, where BLAS takes four times as long as elementwise loops."""
    _, m, n = out.shape
    columns, rows = x.reshape(-1, m, 1), y.reshape(-1, 1, n)
    kernels("cpu")["mul_forward"].run(out.size, (out, columns, rows))
    if bias.size:
        kernels("cpu")["add_forward"].run(out.size, (out, out, bias))


@cpu_whole_kernel
def matmul_forward(start, stop, out, x, y, bias, transposed_x, transposed_y, parts):
    """out[b * parts + p, i, j] = bias[j] + sum_k x[b, i, k] * y[b, k, j], k over part p of K

    Parts are ceil(K / parts) long, but for the last ones. x [batch or 1, m, K], or [., K, m] if
    transposed; y [batch or 1, K, n], or [., n, K]; out [batch * parts, m, n]; bias [n] or []. An
    index is a matrix of out.
    """
    _, m, n = out.shape
    length = x.shape[1] if transposed_x else x.shape[2]
    each, matrices = m * n * length, len(out) // parts
    if length == parts == 1:
        multiply_outer(out, x, y, bias)
        return
    many = each >= WORTH_OF_EACH and each * matrices >= WORTH
    large = min(m, n) >= FEWEST and (many or not blas.is_small(m, n, length))
    args = out, x, y, bias, transposed_x, transposed_y, parts
    if large and out.dtype.kind == "f":
        multiply_tiles(*args)
    else:
        blocks = blocks_by_shape(matrices, m, n, length) if parts == 1 else 1
        # Of integers NumPy multiplies one after the other, of a vector memory takes the time.
        slow = out.dtype.kind != "f" or min(m, n) == 1
        cost = each * matrices // (SLOW_PRODUCTS if slow else PRODUCTS)
        parallel_for(multiply_by_numpy, stop * blocks, (*args, blocks), cost)
