"""CUDA twin of cpu/matmul.py: tiles of both operands in shared memory."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._cuda import THREADS, cuda, cuda_kernel

# A block of threads computes one tile of the result, a thread per element.
TILE = math.isqrt(THREADS)


@cuda_kernel
def matmul_forward(start, stop, out, x, y, bias, transposed_x, transposed_y, parts):
    """out[b * parts + p, i, j] = bias[j] + sum_k x[b, i, k] * y[b, k, j], k over part p of K

    Shapes and range as in the CPU twin; sums are kept in the dtype of ``out``.
    """
    left = cuda.shared.array((TILE, TILE), out.dtype)
    right = cuda.shared.array((TILE, TILE), out.dtype)
    down = cuda.threadIdx.x // TILE
    across = cuda.threadIdx.x % TILE
    m = out.shape[1]
    n = out.shape[2]
    length = x.shape[1] if transposed_x else x.shape[2]
    tiles_across = -(-n // TILE)
    tiles = -(-m // TILE) * tiles_across
    for at in range(start * tiles + cuda.blockIdx.x, stop * tiles, cuda.gridDim.x):
        matrix = at // tiles
        tile = at % tiles
        b = matrix // parts
        part = matrix % parts
        b_x = b if x.shape[0] > 1 else 0
        b_y = b if y.shape[0] > 1 else 0
        i = tile // tiles_across * TILE + down
        j = tile % tiles_across * TILE + across
        each = -(-length // parts)
        first = part * each
        end = min(first + each, length)
        total = out.dtype.type(0)
        for k in range(first, end, TILE):
            left[down, across] = 0
            right[down, across] = 0
            if i < m and k + across < end:
                left[down, across] = (
                    x[b_x, k + across, i] if transposed_x else x[b_x, i, k + across]
                )
            if j < n and k + down < end:
                right[down, across] = y[b_y, j, k + down] if transposed_y else y[b_y, k + down, j]
            cuda.syncthreads()
            for step in range(TILE):
                total += left[down, step] * right[step, across]
            cuda.syncthreads()
        if i < m and j < n:
            out[matrix, i, j] = total + bias[j] if bias.size > 0 else total
