"""Sums over axes of raw arrays, for the sum, the mean and the gradient of a broadcast."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .device import Array, cast, empty_like, reshape
from .dtype import FLOAT64, INT64, is_floating
from .kernels import launch

# About so many elements are summed to a partial sum; the partial sums are added up in order.
PART = 16_384
# With more rows than this there is enough to share out without cutting any of them up.
MANY_ROWS = 64


def axis_groups(axes: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring axes as (first, end), last run first.

    Example:
        >>> axis_groups([0, 2, 3])
        [(2, 4), (0, 1)]
    """
    groups: list[tuple[int, int]] = []
    for axis in sorted(axes, reverse=True):
        if groups and groups[-1][0] == axis + 1:
            groups[-1] = (axis, groups[-1][1])
        else:
            groups.append((axis, axis + 1))
    return groups


def as_rows(array: Array, first: int, end: int) -> Array:
    """The array as [outer, length, inner], with axes first..end-1 merged into the middle one."""
    shape = array.shape
    return reshape(
        array, (math.prod(shape[:first]), math.prod(shape[first:end]), math.prod(shape[end:]))
    )


def sum_axes(array: Array, axes: Sequence[int]) -> Array:
    """Sum over ``axes`` (non-negative), which stay with length 1; integers give int64.

    Floating sums are kept in float64 until the last, and come out in the dtype of ``array``.
    """
    dtype = array.dtype if is_floating(array.dtype) else INT64
    for first, end in axis_groups(axes):
        shape = array.shape
        sums = _sum_rows(as_rows(array, first, end))
        array = reshape(sums, (*shape[:first], *[1] * (end - first), *shape[end:]))
    return cast(array, dtype)


def _sum_rows(rows: Array) -> Array:
    """[outer, length, inner] -> [outer, inner], float64 or int64."""
    outer, length, inner = rows.shape
    dtype = FLOAT64 if is_floating(rows.dtype) else INT64
    if inner < 4 * PART:
        parts = max(1, -(-length * inner // PART)) if outer < MANY_ROWS else 1
        if parts > 1 or inner == 1:
            partial = empty_like(rows, (outer * parts, inner), dtype)
            launch("sum_parts_forward", outer * parts, partial, rows, parts)
            if parts == 1:
                return partial
            rows = reshape(partial, (outer, parts, inner))
            if inner == 1:
                return _sum_rows(rows)
    out = empty_like(rows, (outer, inner), dtype)
    launch("sum_forward", outer * inner, out, rows)
    return out


def sum_to_shape(array: Array, shape: Sequence[int]) -> Array:
    """Undo a broadcast: sum ``array`` over the axes along which ``shape`` was repeated."""
    extra = len(array.shape) - len(shape)
    axes = [
        axis
        for axis, length in enumerate(array.shape)
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    ]
    return reshape(sum_axes(array, axes), tuple(shape))
