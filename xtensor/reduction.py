"""Reductions over axes of raw arrays: sums, as a broadcast gradient needs them, and extremes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from .device import Array, cast, empty_like, reshape
from .dtype import FLOAT64, INT64, is_floating
from .errors import message, shown
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
    if type(axes) is int and -ndim <= axes < ndim:
        return (axes % ndim,)
    numbers = axes if isinstance(axes, (list, tuple)) else (axes,)
    for axis in numbers:
        if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
            raise TypeError(message(where, argument, shown(axes), "an int or a list of ints"))
        if not -ndim <= axis < ndim:
            there = f"{-ndim} .. {ndim - 1} for {ndim} axes" if ndim else "none, without axes"
            raise ValueError(message(where, argument, axis, there))
    result = tuple([int(axis) % ndim for axis in numbers])
    if len(set(result)) != len(result):
        raise ValueError(message(where, argument, shown(axes), "each axis once"))
    return result


def check_axis(where: str, axis: Any, ndim: int, argument: str = "axis") -> int:
    """A single axis, counted from the front.

    Raises:
        TypeError: not an int.
        ValueError: an axis the tensor does not have.

    Example:
        >>> check_axis("cumsum", -1, 3)
        2
    """
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise TypeError(message(where, argument, shown(axis), "one int"))
    return check_axes(where, axis, ndim, argument)[0]


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
    if is_floating(array.dtype):
        return _over_axes("sum", np.add, array, axes, FLOAT64, array.dtype)
    return wide_sums(array, axes)


def wide_sums(array: Array, axes: Sequence[int]) -> Array:
    """``sum_axes`` before rounding: float64 or int64."""
    wide = FLOAT64 if is_floating(array.dtype) else INT64
    return _over_axes("sum", np.add, array, axes, wide, wide)


def extreme_axes(array: Array, axes: Sequence[int], smallest: bool) -> Array:
    """The largest elements over ``axes`` (not empty), or the smallest; NaN wins. Axes stay."""
    ufunc = np.minimum if smallest else np.maximum
    return _over_axes("extreme", ufunc, array, axes, array.dtype, array.dtype, smallest)


def _over_axes(
    kernel: str,
    ufunc: np.ufunc,
    array: Array,
    axes: Sequence[int],
    wide: np.dtype[Any],
    dtype: np.dtype[Any],
    *numbers: Any,
) -> Array:
    """Reduced in the dtype ``wide``, the last result in ``dtype``."""
    on_cpu = type(array) is ndarray
    if on_cpu and array.shape and array.size < SMALL:
        return cast(ufunc.reduce(array, tuple(axes), wide, keepdims=True), dtype)
    steps, kept = _plan(array.shape, tuple(axes), on_cpu)
    for (outer, length, inner), parts, rounds in steps:
        rows = reshape(array, (outer, length, inner))
        if on_cpu and array.size < SMALL:
            array = ufunc.reduce(rows, 1, wide)
            continue
        array = empty_like(rows, (outer * (parts or 1), inner), dtype if rounds else wide)
        if parts:
            launch(f"{kernel}_parts_forward", outer * parts, array, rows, parts, *numbers)
        else:
            launch(f"{kernel}_forward", array.size, array, rows, *numbers)
    return reshape(cast(array, dtype), kept)


Step: TypeAlias = "tuple[tuple[int, int, int], int, bool]"


@lru_cache(maxsize=4096)
def _plan(
    shape: tuple[int, ...], axes: tuple[int, ...], on_cpu: bool
) -> tuple[list[Step], tuple[int, ...]]:
    """Steps from an array of that shape to its reduction, and the shape with axes of length 1.

    Each step is the shape [outer, length, inner] of what it reduces; into how many parts the length
    is cut, 0 for columns, each of them a thread of a GPU; and whether it rounds what it writes.
    """
    steps: list[Step] = []
    groups = axis_groups(axes)
    for first, end in groups:
        before, reduced, after = shape[:first], shape[first:end], shape[end:]
        outer, length, inner = math.prod(before), math.prod(reduced), math.prod(after)
        shape = (*before, *[1] * len(reduced), *after)
        parts = _parts(outer, length, inner, on_cpu)
        while parts > 1:
            steps.append(((outer, length, inner), parts, False))
            length, parts = parts, _parts(outer, parts, inner, on_cpu)
        rounds = on_cpu and (first, end) == groups[-1]
        steps.append(((outer, length, inner), parts, rounds))
    return steps, shape


def _parts(outer: int, length: int, inner: int, on_cpu: bool) -> int:
    if inner > PART // 8:
        return 0
    parts = parts_of((outer, length, inner), MOST_PARTS if on_cpu else length)
    return parts if parts > 1 or inner == 1 else 0


def parts_of(shape: tuple[int, ...], most: int) -> int:
    """Into how many parts, by the shape alone, the length of [outer, length, inner] is cut."""
    outer, length, inner = shape
    wanted = -(-length * inner // PART) if outer < MANY_ROWS else 1
    return max(1, min(wanted, length, most))


def sum_to_shape(array: Array, shape: Sequence[int]) -> Array:
    """Undo a broadcast: sum ``array`` over the axes along which ``shape`` was repeated."""
    extra = len(array.shape) - len(shape)
    axes = [
        axis
        for axis, length in enumerate(array.shape)
        if axis < extra or (shape[axis - extra] == 1 and length != 1)
    ]
    return reshape(sum_axes(array, axes), tuple(shape))
