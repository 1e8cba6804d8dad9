"""Matrix products by NumPy's BLAS, in blocks that follow the shape and never the threads."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .. import blas
from .._jit import cpu_host_kernel


@cpu_host_kernel
def matmul_forward(start, stop, out, x, y, bias, transposed_x, transposed_y, parts, blocks):
    """out[b * parts + p, i, j] = bias[j] + sum_k x[b, i, k] * y[b, k, j], k over part p

    x [batch or 1, m, k], or [., k, m] if transposed; y [batch or 1, k, n], or [., n, k]; out
    [batch * parts, m, n]; bias [n] or []. The range goes over out's matrices times ``blocks``,
    pieces of the longer of m and n.
    """
    x = x.transpose(0, 2, 1) if transposed_x else x
    y = y.transpose(0, 2, 1) if transposed_y else y
    _, m, n = out.shape
    length = x.shape[2]
    rows, columns = (-(-m // blocks), n) if m >= n else (m, -(-n // blocks))
    with blas.one_thread(rows, columns, length):
        for index in range(start, stop):
            matrix, block = divmod(index, blocks)
            b, part = divmod(matrix, parts)
            left, right, to = x[b if len(x) > 1 else 0], y[b if len(y) > 1 else 0], out[matrix]
            added = bias
            if parts > 1:
                cut = slice(part * length // parts, (part + 1) * length // parts)
                left, right = left[:, cut], right[cut]
            if blocks > 1 and m >= n:
                cut = slice(block * m // blocks, (block + 1) * m // blocks)
                left, to = left[cut], to[cut]
            elif blocks > 1:
                cut = slice(block * n // blocks, (block + 1) * n // blocks)
                right, to, added = right[:, cut], to[:, cut], bias[cut]
            np.matmul(left, right, out=to)
            if added.size:
                np.add(to, added, out=to)
