"""Sums over axes of raw arrays, as the sum op, the mean and the gradient of a broadcast need them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .device import Array, empty_like, reshape
from .kernels import launch

# A row this long is cut into parts that are summed side by side, then together, in order.
PART = 16_384


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
    """Sum over ``axes`` (non-negative), which stay with length 1."""
    for first, end in axis_groups(axes):
        shape = array.shape
        rows = as_rows(array, first, end)
        out = empty_like(rows, (rows.shape[0], rows.shape[2]))
        _sum_rows(out, rows)
        array = reshape(out, (*shape[:first], *[1] * (end - first), *shape[end:]))
    return array


def _sum_rows(out: Array, rows: Array) -> None:
    outer, length, inner = rows.shape
    if inner == 1 and outer < 16 and length > 2 * PART:
        parts = -(-length // PART)
        partial = empty_like(rows, (outer * parts,))
        launch("sum_parts_forward", outer * parts, partial, reshape(rows, (outer, length)), parts)
        rows = reshape(partial, (outer, parts, 1))
    launch("sum_forward", outer, out, rows)


def sum_to_shape(array: Array, shape: Sequence[int]) -> Array:
    """Undo a broadcast: sum ``array`` over the axes along which ``shape`` was repeated."""
    extra = len(array.shape) - len(shape)
    axes = [
        axis
        for axis, length in enumerate(array.shape)
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    ]
    return reshape(sum_axes(array, axes), tuple(shape))
