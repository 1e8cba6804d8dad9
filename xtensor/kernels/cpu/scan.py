"""Running sums over the middle axis of [outer, length, inner] arrays."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from .._jit import cpu_kernel


@cpu_kernel
def cumsum_forward(start, stop, out, x, total, backwards):
    """out[o, i, j] = sum of x[o, k, j] over k <= i, or k >= i if backwards; range outer * inner

    ``total`` is a zero of the dtype the sums are kept in.
    """
    length, inner = x.shape[1], x.shape[2]
    for line in range(start, stop):
        o, j = line // inner, line % inner
        running = total
        for step in range(length):
            i = length - 1 - step if backwards else step
            running += x[o, i, j]
            out[o, i, j] = running
