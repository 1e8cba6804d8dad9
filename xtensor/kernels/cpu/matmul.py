"""Matrix products on the CPU.

Large products of floating matrices are multiplied in tiles (see product.py), whose numbers are the
same in blocks of any size, so that these follow the threads. Products of one term go by elementwise
loops. All others are multiplied by NumPy: through BLAS, which has little to do for a few numbers
and reads a matrix once for a vector, in blocks that follow the shape alone.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .. import blas
from .._jit import CpuFunction, cpu_whole_kernel
from ..parallel import parallel_for
from ..registry import kernels
from ..threads import get_num_threads
from .cells import inlined
from .product import BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS, PANEL, ROWS, multiply_matrices
from .simd import pointer

# With fewer rows or columns a product is little more than reading the other matrix. Of small ones,
# which BLAS multiplies on one thread without being told to, tiles save time only where they have so
# many multiplications together, and each of them some.
FEWEST, WORTH, WORTH_OF_EACH = 8, 1 << 20, 1 << 14
# So many multiplications take as long as one of the elements in which parallel_for counts.
PRODUCTS, SLOW_PRODUCTS = 32, 16
# Blocks for each thread, so that one that is held up leaves some to the others; no smaller ones.
BLOCKS_PER_THREAD, LEAST_ROWS, LEAST_COLUMNS = 2, 48, 64
# What it takes to lay out a matrix if copying it takes 1: the second one where it comes transposed;
# of the first one, where it does not, only a few rows are copied.
TRANSPOSED, FEW_ROWS = 3, 0.2
# Blocks for BLAS, at most so many, of at least so many rows or columns each, so that it is at its
# best; a product of fewer multiplications is over before they are cut out.
MOST_BLOCKS, BLAS_ROWS, WORTH_CUTTING = 16, 128, 1 << 20


@inlined
def cut(length, pieces, piece, unit):
    """First and end of a piece; but for the last one they are multiples of a unit."""
    units = -(-length // unit)
    first, end = piece * units // pieces, (piece + 1) * units // pieces
    return first * unit, min(end * unit, length)


@CpuFunction
def matmul_tiles(start, stop, out, x, y, bias, x_size, y_size, m, n, depth, transposed_x,
                 transposed_y, parts, tall, wide, panels, copies):  # fmt: skip
    """``matmul_forward`` over flat arrays; matrices of x are x_size apart, or 0 if there is one."""
    x_row, x_step = (1, m) if transposed_x else (depth, 1)
    y_row, y_step = (1, depth) if transposed_y else (n, 1)
    for index in range(start, stop):
        matrix, block = index // (tall * wide), index % (tall * wide)
        b, part = matrix // parts, matrix % parts
        d0, d1 = cut(depth, parts, part, 1)
        r0, r1 = cut(m, tall, block // wide, ROWS)
        c0, c1 = cut(n, wide, block % wide, PANEL)
        multiply_matrices(
            pointer(out), (matrix * m + r0) * n + c0, n,
            pointer(x), b * x_size + r0 * x_row + d0 * x_step, x_row, x_step,
            pointer(y), b * y_size + d0 * y_row + c0 * y_step, y_row, y_step,
            pointer(bias), c0 if bias.size > 0 else -1, r1 - r0, d1 - d0, c1 - c0, pointer(panels),
            pointer(copies),
        )  # fmt: skip


def blocks_by_threads(matrices, m, n, transposed_x, transposed_y):
    """Into how many blocks of rows, and of columns, each product is cut for the threads.

    Where rows are cut, each block lays out the second matrix anew, where columns are, the first.
    """
    wanted = -(-BLOCKS_PER_THREAD * get_num_threads() // matrices)
    rows, columns = (
        max(1, min(wanted, size // least)) for size, least in ((m, LEAST_ROWS), (n, LEAST_COLUMNS))
    )
    first = m * (1 if transposed_x else FEW_ROWS)
    second = n * (TRANSPOSED if transposed_y else 1)
    if columns == 1 or (rows > 1 and second <= first):
        return rows, 1
    return 1, columns


def multiply_tiles(out, x, y, bias, transposed_x, transposed_y, parts):
    """``matmul_forward`` in tiles, whose numbers are the same however the work is cut up."""
    matrices, m, n = out.shape
    depth = x.shape[1] if transposed_x else x.shape[2]
    x_size, y_size = (a[0].size if len(a) > 1 else 0 for a in (x, y))
    tall, wide = blocks_by_threads(matrices, m, n, transposed_x, transposed_y)
    parallel_for(
        matmul_tiles, matrices * tall * wide,
        (out.reshape(-1), x.reshape(-1), y.reshape(-1), bias, x_size, y_size, m, n, depth,
         transposed_x, transposed_y, parts, tall, wide),
        x.size * out.shape[2] // PRODUCTS * (len(out) // parts // len(x)),
        (BLOCK_COLUMNS * BLOCK_DEPTH, BLOCK_ROWS * BLOCK_DEPTH),
    )  # fmt: skip


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
                d0, d1 = cut(length, parts, part, 1)
                left, right = left[:, d0:d1], right[d0:d1]
            if blocks > 1 and m >= n:
                r0, r1 = cut(m, blocks, block, 1)
                left, to = left[r0:r1], to[r0:r1]
            elif blocks > 1:
                c0, c1 = cut(n, blocks, block, 1)
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
    """out[b * parts + p, i, j] = bias[j] + sum_k x[b, i, k] * y[b, k, j], k over part p

    x [batch or 1, m, k], or [., k, m] if transposed; y [batch or 1, k, n], or [., n, k]; out
    [batch * parts, m, n]; bias [n] or []. An index is a matrix of out.
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
