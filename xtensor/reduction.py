"""Reductions over axes of raw arrays: sums, as a broadcast gradient needs them, and extremes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .device import DEV_CPU, Array, cast, device_of, empty_like, reshape
from .dtype import FLOAT64, INT64, is_floating
from .errors import message
from .kernels import launch

# With fewer elements NumPy is done before a launch is under way.
SMALL = 4096
# About so many elements are summed to a partial sum; the partial sums are added up in order.
PART = 65_536
# With more rows than this there is enough to share out without cutting any of them up.
MANY_ROWS = 64
# No more parts than this on a CPU, where memory is read the faster the longer a part is; a GPU has
# more blocks of threads to keep busy.
MOST_PARTS = 8


def check_axes(where: str, axes: Any, ndim: int, argument: str = "axis") -> tuple[int, ...]:
    """One axis or several, negative ones counted from the end, as a tuple of 0 .. ndim-1.

    Raises:
        TypeError: not an int or a list or tuple of ints.
        ValueError: an axis the tensor does not have, or one named twice.

    Example:
        >>> check_axes("sums", [-1, 0], 3)
        (2, 0)
    """
    several = isinstance(axes, (list, tuple))
    numbers = axes if several else (axes,)
    for axis in numbers:
        if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
            raise TypeError(message(where, argument, repr(axes), "an int or a list of ints"))
        if not -ndim <= axis < ndim:
            raise ValueError(
                message(where, argument, axis, f"{-ndim} .. {ndim - 1} for {ndim} axes")
            )
    result = tuple([int(axis) % ndim for axis in numbers])
    if len(set(result)) != len(result):
        raise ValueError(message(where, argument, repr(axes), "each axis once"))
    return result


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

    Floating sums are kept in float64 until the last, on a CPU but for those of a few neighbours,
    and come out in the dtype of ``array``.
    """
    return cast(wide_sums(array, axes), array.dtype if is_floating(array.dtype) else INT64)


def wide_sums(array: Array, axes: Sequence[int]) -> Array:
    """``sum_axes`` before rounding: float64 or int64."""
    dtype = FLOAT64 if is_floating(array.dtype) else INT64
    if type(array) is np.ndarray and array.shape and array.size < SMALL:
        return np.add.reduce(array, tuple(axes), dtype, keepdims=True)
    return _over_axes("sum", wide_sums, array, axes, dtype)


def extreme_axes(array: Array, axes: Sequence[int], smallest: bool) -> Array:
    """The largest elements over ``axes`` (not empty), or the smallest; NaN wins. Axes stay."""
    if type(array) is np.ndarray and array.shape and array.size < SMALL:
        ufunc = np.minimum if smallest else np.maximum
        return ufunc.reduce(array, tuple(axes), keepdims=True)
    return _over_axes("extreme", extreme_axes, array, axes, array.dtype, smallest)


def _over_axes(
    kernel: str,
    whole: Callable[..., Array],
    array: Array,
    axes: Sequence[int],
    dtype: np.dtype[Any],
    *numbers: Any,
) -> Array:
    for first, end in axis_groups(axes):
        shape = array.shape
        out = _over_rows(kernel, whole, as_rows(array, first, end), dtype, *numbers)
        array = reshape(out, (*shape[:first], *[1] * (end - first), *shape[end:]))
    return array


def _over_rows(
    kernel: str, whole: Callable[..., Array], rows: Array, dtype: np.dtype[Any], *numbers: Any
) -> Array:
    """[outer, length, inner] -> [outer, inner], perhaps in parts, which go through ``whole``."""
    outer, length, inner = rows.shape
    if inner <= PART // 8:
        parts = -(-length * inner // PART) if outer < MANY_ROWS else 1
        parts = max(1, min(parts, length, MOST_PARTS if device_of(rows) == DEV_CPU else parts))
        if parts > 1 or inner == 1:
            partial = empty_like(rows, (outer * parts, inner), dtype)
            launch(f"{kernel}_parts_forward", outer * parts, partial, rows, parts, *numbers)
            if parts == 1:
                return partial
            return whole(reshape(partial, (outer, parts, inner)), (1,), *numbers)
    out = empty_like(rows, (outer, inner), dtype)
    launch(f"{kernel}_forward", outer * inner, out, rows, *numbers)
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
