"""Triangles of matrices."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel


@cpu_kernel
def triangle_forward(start, stop, out, x, rows, diagonal, upper):
    """out[r, j] = x[r, j] if j - r % rows >= diagonal, or <= if not upper, else 0; range over r"""
    columns = x.shape[1]
    for r in range(start, stop):
        edge = r % rows + diagonal
        first, end = (edge, columns) if upper else (0, edge + 1)
        first, end = min(max(first, 0), columns), min(max(end, 0), columns)
        before, to, after = out[r, :first], out[r, first:end], out[r, end:]
        source = x[r, first:end]
        for j in range(before.size):
            before[j] = 0
        for j in range(to.size):
            to[j] = source[j]
        for j in range(after.size):
            after[j] = 0
