"""CUDA twin of cpu/matmul.py: tiles of both operands in shared memory."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._cuda import THREADS, cuda, cuda_kernel

# A block of threads computes one tile of the result, a thread per element.
TILE = math.isqrt(THREADS)


@cuda_kernel
def matmul_forward(start, stop, out, x, y, bias, transposed_x, transposed_y, parts, blocks):
    """out[b * parts + p, i, j] = bias[j] + sum_k x[b, i, k] * y[b, k, j], k over part p

    Shapes and range as in the CPU twin; sums are kept in the dtype of ``out``.
    """
    left = cuda.shared.array((TILE, TILE), out.dtype)
    right = cuda.shared.array((TILE, TILE), out.dtype)
    down = cuda.threadIdx.x // TILE
    across = cuda.threadIdx.x % TILE
    m = out.shape[1]
    n = out.shape[2]
    length = x.shape[1] if transposed_x else x.shape[2]
    block_rows = -(-m // blocks) if m >= n else m
    block_columns = n if m >= n else -(-n // blocks)
    tiles_across = -(-block_columns // TILE)
    tiles = -(-block_rows // TILE) * tiles_across
    for at in range(start * tiles + cuda.blockIdx.x, stop * tiles, cuda.gridDim.x):
        index = at // tiles
        tile = at % tiles
        matrix = index // blocks
        block = index % blocks
        b = matrix // parts
        part = matrix % parts
        b_x = b if x.shape[0] > 1 else 0
        b_y = b if y.shape[0] > 1 else 0
        i = tile // tiles_across * TILE + down
        j = tile % tiles_across * TILE + across
        i_end = m
        j_end = n
        if m >= n:
            i += block * m // blocks
            i_end = (block + 1) * m // blocks
        else:
            j += block * n // blocks
            j_end = (block + 1) * n // blocks
        first = part * length // parts
        end = (part + 1) * length // parts
        total = out.dtype.type(0)
        for k in range(first, end, TILE):
            left[down, across] = 0
            right[down, across] = 0
            if i < i_end and k + across < end:
                left[down, across] = (
                    x[b_x, k + across, i] if transposed_x else x[b_x, i, k + across]
                )
            if j < j_end and k + down < end:
                right[down, across] = y[b_y, j, k + down] if transposed_y else y[b_y, k + down, j]
            cuda.syncthreads()
            for step in range(TILE):
                total += left[down, step] * right[step, across]
            cuda.syncthreads()
        if i < i_end and j < j_end:
            out[matrix, i, j] = total + bias[j] if bias.size > 0 else total
