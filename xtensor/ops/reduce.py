"""Reductions: sums, mean, max, min, argmax, argmin, all, any.

A numeric result with no axes left has shape [1], as the XTensor system prints it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..device import Array, empty_like, flat, full_like, host_constant, reshape
from ..dtype import BOOL, INT64
from ..elementwise import apply
from ..errors import check_flag, message, shown
from ..kernels import launch
from ..op import Op
from ..reduction import SMALL, as_rows, axis_groups, check_axes, extreme_axes, sum_axes, wide_sums
from ..strided import expand, permuted
from ..tensor import XTensor


class Reduction(Op, abstract=True):
    """Shared by all: which axes go, and the shape that is left."""

    argument = "axis"

    def __init__(self, axis: Any = None, keepdims: bool = False) -> None:
        self.axis, self.keepdims = axis, check_flag(self.name, "keepdims", keepdims)

    def check(self, x: Array) -> None:
        ndim = len(x.shape)
        self.axes = tuple(range(ndim))
        if self.axis is not None:
            self.axes = check_axes(self.name, self.axis, ndim, self.argument)

    def fit(self, kept: Array) -> Array:
        """From length-1 axes to the shape the caller asked for."""
        if self.keepdims:
            return kept if kept.shape else reshape(kept, (1,))
        if self.axis is None:
            return reshape(kept, (1,))
        left = [n for axis, n in enumerate(kept.shape) if axis not in self.axes]
        return reshape(kept, left or (1,))

    def kept_shape(self, shape: Sequence[int]) -> list[int]:
        return [1 if axis in self.axes else n for axis, n in enumerate(shape)]

    def count(self, shape: Sequence[int]) -> int:
        return math.prod(shape[axis] for axis in self.axes)


class Sums(Reduction):
    """Sum over axes"""

    def forward(self, x: Array) -> Array:
        self.save(x.shape)
        return self.fit(sum_axes(x, self.axes))

    def backward(self, grad_out: Array) -> Array:
        (shape,) = self.saved
        return expand(reshape(grad_out, self.kept_shape(shape)), shape)


class Mean(Reduction):
    """Mean over axes; NaN for none"""

    promotion = "float"

    def forward(self, x: Array) -> Array:
        self.save(x.shape)
        sums = wide_sums(x, self.axes)
        # Divided by 0, a sum over nothing would be NaN as well, but NumPy would warn.
        count = x.size // (sums.size or 1) or np.nan
        if type(sums) is np.ndarray and sums.shape and sums.size < SMALL:
            return self.fit((sums / count).astype(x.dtype))
        total = flat(sums)
        wide, out = empty_like(total), empty_like(total, dtype=x.dtype)
        launch("quotients_forward", out.size, out, wide, total, float(count), False)
        return self.fit(reshape(out, sums.shape))

    def backward(self, grad_out: Array) -> Array:
        (shape,) = self.saved
        count = host_constant(grad_out, self.count(shape) or 1, grad_out.dtype)
        share = apply("divide_forward", (grad_out, count))
        return expand(reshape(share, self.kept_shape(shape)), shape)


class _Extreme(Reduction, abstract=True):
    """The largest or smallest element; ties give the gradient to the first, NaN wins"""

    smallest = False

    def check(self, x: Array) -> None:
        super().check(x)
        if self.count(x.shape) == 0:
            raise ValueError(
                message(self.name, "t", f"shape {list(x.shape)}, empty over axis {list(self.axes)}",
                        "at least one element to choose from")
            )  # fmt: skip

    def forward(self, x: Array) -> Array:
        kept = extreme_axes(x, self.axes, self.smallest)
        if self.needs(0):
            self.save(first_place(x, kept, self.axes), x.shape)
        return self.fit(kept)

    def backward(self, grad_out: Array) -> Array:
        index, shape = self.saved
        outer, inner = index.shape
        rows = empty_like(grad_out, (outer, self.count(shape), inner))
        launch("place_backward", index.size, rows, reshape(grad_out, index.shape), index)
        return from_rows(rows, shape, self.axes)


def first_place(x: Array, kept: Array, axes: Sequence[int]) -> Array:
    """Where over ``axes``, row-major, the values ``kept`` come first: int64 [outer, inner]."""
    rows = to_rows(x, axes)
    index = empty_like(rows, (rows.shape[0], rows.shape[2]), INT64)
    launch("find_forward", index.size, index, rows, reshape(kept, index.shape))
    return index


def to_rows(x: Array, axes: Sequence[int]) -> Array:
    """The array as [outer, length, inner] with ``axes`` in the middle, moved together if apart."""
    order = _reduced_together(axes, len(x.shape))
    first = next((place for place, axis in enumerate(order) if axis in axes), 0)
    return as_rows(permuted(x, order), first, first + len(axes))


def from_rows(rows: Array, shape: Sequence[int], axes: Sequence[int]) -> Array:
    """The inverse of ``to_rows`` for an array of that shape."""
    order = _reduced_together(axes, len(shape))
    moved = reshape(rows, [shape[axis] for axis in order])
    return permuted(moved, np.argsort(order).tolist())


def _reduced_together(axes: Sequence[int], ndim: int) -> list[int]:
    """An order of the axes in which ``axes`` are neighbours: their own if they are, else last."""
    if len(axis_groups(axes)) < 2:
        return list(range(ndim))
    return [axis for axis in range(ndim) if axis not in axes] + sorted(axes)


class Max(_Extreme):
    """The largest element over axes"""


class Min(_Extreme):
    """The smallest element over axes"""

    smallest = True


class _Place(_Extreme, abstract=True):
    """Where the largest or smallest element is"""

    argument = "dim"
    differentiable = False

    def forward(self, x: Array) -> Array:
        if type(x) is np.ndarray and x.size < SMALL:
            places = np.argmin if self.smallest else np.argmax
            index = places(to_rows(x, self.axes), 1)
        else:
            kept = extreme_axes(x, self.axes, self.smallest)
            index = first_place(x, kept, self.axes)
        return self.fit(reshape(index, self.kept_shape(x.shape)))


class Argmax(_Place):
    """Where the largest element is"""


class Argmin(_Place):
    """Where the smallest element is"""

    smallest = True


class All(Reduction):
    """Whether every element is true"""

    differentiable = False
    smallest = True

    def forward(self, x: Array) -> Array:
        if x.size == 0:
            return full_like(x, self.smallest, (), BOOL)
        return reshape(extreme_axes(_truth(x), self.axes, self.smallest), ())


class Any_(All):
    """Whether some element is true"""

    name = "any"
    smallest = False


def _truth(x: Array) -> Array:
    """x != 0; NaN is true"""
    return apply("truth_forward", (x,), dtype=BOOL)


# -- public functions -----------------------------------------------------------------------------


def sums(t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> XTensor:
    """Sum of the elements, over all axes or some.

    Args:
        t: tensor of any shape and dtype.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the summed axes, with length 1.

    Returns:
        A tensor of the dtype of ``t``, kint64 for integers; shape [1] where no axis is left.
        Floating sums are kept in float64 and rounded once. In tensors of more than 4,096 elements
        up to 512 neighbours are added in their own dtype before, where float32 numbers of 1e36 and
        more may become infinite.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.sums(xt.XTensor([[1, 2, 3], [4, 5, 6]]))
        <BLANKLINE>
        [21.]
        <XTensor 1 cpu(0) kfloat32>
    """
    return Sums(axis, keepdims)(t)


def mean(t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> XTensor:
    """Mean of the elements, over all axes or some.

    Args:
        t: tensor of any shape and dtype.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes of the mean, with length 1.

    Returns:
        A tensor of the dtype of ``t``, kfloat32 for integers; shape [1] where no axis is left. The
        mean of no elements is NaN.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.mean(xt.XTensor([[1, 2, 3], [4, 5, 6]]), axis=1)
        <BLANKLINE>
        [2. 5.]
        <XTensor 2 cpu(0) kfloat32>
    """
    return Mean(axis, keepdims)(t)


def max(t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> XTensor:
    """Largest element, over all axes or some; NaN if there is one.

    Args:
        t: tensor of any shape and dtype.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes of the maximum, with length 1.

    Returns:
        A tensor of the dtype of ``t``; shape [1] where no axis is left. The gradient goes to the
        first of equal maxima.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, one named twice, or nothing to choose from.

    Example:
        >>> import xtensor as xt
        >>> xt.max(xt.XTensor([[1, 5, 3], [4, 2, 6]]), 1)
        <BLANKLINE>
        [5. 6.]
        <XTensor 2 cpu(0) kfloat32>
    """
    return Max(axis, keepdims)(t)


def min(t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> XTensor:
    """Smallest element, over all axes or some; NaN if there is one.

    Args:
        t: tensor of any shape and dtype.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes of the minimum, with length 1.

    Returns:
        A tensor of the dtype of ``t``; shape [1] where no axis is left. The gradient goes to the
        first of equal minima.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, one named twice, or nothing to choose from.

    Example:
        >>> import xtensor as xt
        >>> xt.min(xt.XTensor([[1, 5, 3], [4, 2, 6]]), 1, keepdims=True).shape
        [2, 1]
    """
    return Min(axis, keepdims)(t)


def argmax(t: XTensor, dim: int | None = None, keepdims: bool = False) -> XTensor:
    """Index of the largest element, the first of equal ones; of the first NaN if there is one.

    Args:
        t: tensor of any shape and dtype.
        dim: the axis to look along, negative counted from the end; None for the flattened tensor.
        keepdims: keep that axis, with length 1.

    Returns:
        A kint64 tensor; shape [1] where no axis is left.

    Raises:
        TypeError: ``dim`` is no int.
        ValueError: no such axis, or nothing to choose from.

    Example:
        >>> import xtensor as xt
        >>> xt.argmax(xt.XTensor([[1, 5, 3], [4, 2, 6]]), 1)
        <BLANKLINE>
        [1 2]
        <XTensor 2 cpu(0) kint64>
    """
    return Argmax(_one_axis("argmax", dim), keepdims)(t)


def argmin(t: XTensor, dim: int | None = None, keepdims: bool = False) -> XTensor:
    """Index of the smallest element, the first of equal ones; of the first NaN if there is one.

    Args:
        t: tensor of any shape and dtype.
        dim: the axis to look along, negative counted from the end; None for the flattened tensor.
        keepdims: keep that axis, with length 1.

    Returns:
        A kint64 tensor; shape [1] where no axis is left.

    Raises:
        TypeError: ``dim`` is no int.
        ValueError: no such axis, or nothing to choose from.

    Example:
        >>> import xtensor as xt
        >>> xt.argmin(xt.XTensor([[1, 5, 3], [4, 2, 6]]))
        <BLANKLINE>
        [0]
        <XTensor 1 cpu(0) kint64>
    """
    return Argmin(_one_axis("argmin", dim), keepdims)(t)


def _one_axis(where: str, dim: Any) -> Any:
    if isinstance(dim, (list, tuple)):
        raise TypeError(message(where, "dim", shown(dim), "one axis, or None"))
    return dim


def all(t: XTensor) -> XTensor:
    """Whether every element is true, that is not 0; true for no elements.

    Args:
        t: tensor of any shape and dtype.

    Returns:
        A kbool tensor of shape [].

    Raises:
        TypeError: ``t`` is no tensor.

    Example:
        >>> import xtensor as xt
        >>> xt.ones([2, 3]).all().item()
        True
    """
    return All()(t)


def any(t: XTensor) -> XTensor:
    """Whether at least one element is true, that is not 0; false for no elements.

    Args:
        t: tensor of any shape and dtype.

    Returns:
        A kbool tensor of shape [].

    Raises:
        TypeError: ``t`` is no tensor.

    Example:
        >>> import xtensor as xt
        >>> xt.zeros([2, 3]).any().item()
        False
    """
    return Any_()(t)
