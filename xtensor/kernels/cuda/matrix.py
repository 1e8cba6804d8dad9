"""CUDA twin of cpu/matrix.py; a thread per element."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._cuda import cuda, cuda_kernel


@cuda_kernel
def triangle_forward(start, stop, out, x, rows, diagonal, upper):
    """out[r, j] = x[r, j] if j - r % rows >= diagonal, or <= if not upper, else 0; range over r"""
    columns = x.shape[1]
    for at in range(start * columns + cuda.grid(1), stop * columns, cuda.gridsize(1)):
        r = at // columns
        j = at % columns
        above = j - r % rows - diagonal
        kept = above >= 0 if upper else above <= 0
        out[r, j] = x[r, j] if kept else 0
