"""Sorting: sort, argsort, topK, argtopK, nonzero.

Sorting is stable in both directions: equal elements keep their order. NaN counts as the largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array, empty_like, host_constant, reshape, to_host
from ..dtype import INT64
from ..errors import check_flag, check_int, message
from ..kernels import launch
from ..op import Op
from ..reduction import check_axis
from ..strided import permuted
from ..tensor import XTensor

# Of so many truth values the places are listed at a time: what comes in between stays in the cache.
BLOCK = 65_536


class _Order(Op, abstract=True):
    """Places of elements in sorted order along an axis; the shape stays but for that axis."""

    def __init__(self, axis: int | None, descending: bool, k: int | None = None) -> None:
        self.axis, self.descending, self.k = axis, descending, k

    def check(self, x: Array) -> None:
        self.shape = tuple(x.shape) if self.axis is not None else (x.size,)
        place = 0 if self.axis is None else check_axis(self.name, self.axis, len(x.shape))
        # The axis goes last, and comes back by the inverse order.
        last = max(len(self.shape) - 1, 0)
        self.order = [*range(place), *range(place + 1, last + 1), place]
        self.inverse = [*range(place), last, *range(place, last)]
        self.length = self.shape[place]
        if self.k is not None and self.k > self.length:
            raise ValueError(
                message(
                    self.name, "k", self.k, f"at most {self.length}, the length of axis {place}"
                )
            )

    def lines(self, x: Array) -> Array:
        """[R, L]: the axis last, the others merged."""
        moved = permuted(reshape(x, self.shape), self.order)
        return reshape(moved, (x.size // self.length if self.length else 0, self.length))

    def unlines(self, lines: Array) -> Array:
        shape = [self.shape[axis] for axis in self.order[:-1]] + [lines.shape[1]]
        return permuted(reshape(lines, shape), self.inverse)

    def places(self, lines: Array) -> Array:
        width = self.length if self.k is None else self.k
        index = empty_like(lines, (lines.shape[0], width), INT64)
        launch("places_forward", lines.shape[0], index, lines, self.descending)
        return index


class _Sorted(_Order, abstract=True):
    """The elements at those places; each gradient goes back to where its element came from"""

    def forward(self, x: Array) -> Array:
        lines = self.lines(x)
        index = self.places(lines)
        out = empty_like(lines, index.shape)
        launch("take_along_forward", out.size, out, lines, index)
        self.save(index, x.shape)
        return self.unlines(out)

    def backward(self, grad_out: Array) -> Array:
        index, shape = self.saved
        grad = reshape(permuted(grad_out, self.order), index.shape)
        lines = empty_like(grad, (index.shape[0], self.length))
        launch("take_along_backward", lines.shape[0], lines, grad, index)
        return reshape(self.unlines(lines), shape)


class _Places(_Order, abstract=True):
    differentiable = False

    def forward(self, x: Array) -> Array:
        return self.unlines(self.places(self.lines(x)))


class Sort(_Sorted):
    """Sorted along an axis"""


class Argsort(_Places):
    """Places that sort along an axis"""


class TopK(_Sorted):
    """The k largest or smallest along an axis, in order"""

    name = "topK"


class ArgtopK(_Places):
    """Places of the k largest or smallest along an axis, in order"""

    name = "argtopK"


class Nonzero(Op):
    """Indices of the elements that are not 0"""

    differentiable = False

    def forward(self, x: Array) -> Array:
        host = to_host(x)
        flat = host.reshape(-1) != 0
        places = np.empty((np.count_nonzero(flat), host.ndim), INT64)
        end = 0
        # Of flat truth values NumPy lists the places ten times as fast as of others.
        for begin in range(0, flat.size, BLOCK):
            rest = np.flatnonzero(flat[begin : begin + BLOCK]) + begin
            rows = places[end : end + rest.size]
            end += rest.size
            for axis in range(host.ndim - 1, 0, -1):
                before = rest // host.shape[axis]
                rows[:, axis] = rest - before * host.shape[axis]
                rest = before
            rows[:, :1] = rest[:, None]
        return host_constant(x, places)


# -- public functions -----------------------------------------------------------------------------


def sort(t: Any, axis: int | None = None, descending: bool = False, stable: bool = True) -> XTensor:
    """The elements in order along an axis. On CUDA the order goes through the host.

    Args:
        t: tensor of any dtype.
        axis: the axis, negative counted from the end; None sorts the flattened tensor.
        descending: the largest first; equal elements keep their order all the same.
        stable: accepted; sorting is always stable.

    Returns:
        A tensor of the same shape, or flat. NaN counts as the largest. Each element's gradient goes
        back to where it came from.

    Raises:
        TypeError: ``axis`` is no int, or a flag no bool.
        ValueError: no such axis.

    Example:
        >>> sort(XTensor([[3, 1, 2], [4, 6, 5]]), 1).to_numpy()
        array([[1., 2., 3.],
               [4., 5., 6.]], dtype=float32)
    """
    check_flag("sort", "stable", stable)
    return Sort(axis, check_flag("sort", "descending", descending))(t)


def argsort(
    t: Any, axis: int | None = None, descending: bool = False, stable: bool = True
) -> XTensor:
    """The places that sort a tensor along an axis. On CUDA the order goes through the host.

    Args:
        t: tensor of any dtype.
        axis: the axis, negative counted from the end; None sorts the flattened tensor.
        descending: the largest first; equal elements keep their order all the same.
        stable: accepted; sorting is always stable.

    Returns:
        kint64 of the same shape, or flat; not differentiable. NaN counts as the largest.

    Raises:
        TypeError: ``axis`` is no int, or a flag no bool.
        ValueError: no such axis.

    Example:
        >>> argsort(XTensor([3, 1, 2])).to_numpy()
        array([1, 2, 0])
    """
    check_flag("argsort", "stable", stable)
    return Argsort(axis, check_flag("argsort", "descending", descending))(t)


def topK(t: Any, k: int, axis: int = -1, if_descent: bool = True) -> XTensor:
    """The k largest elements along an axis, in order. On CUDA the order goes through the host.

    Args:
        t: tensor of at least one axis and any dtype.
        k: how many.
        axis: the axis, negative counted from the end.
        if_descent: False takes the k smallest, the smallest first.

    Returns:
        A tensor with k elements along the axis; of equal elements the first are taken, NaN counts
        as the largest. Each element's gradient goes back to where it came from.

    Raises:
        TypeError: ``k`` or ``axis`` is no int, ``if_descent`` no bool.
        ValueError: no such axis, k < 1, or more than there are.

    Example:
        >>> topK(XTensor([3, 1, 4, 1, 5]), 2).to_numpy()
        array([5., 4.], dtype=float32)
    """
    descending = check_flag("topK", "if_descent", if_descent)
    return TopK(check_int("topK", "axis", axis), descending, check_int("topK", "k", k, 1))(t)


def argtopK(t: Any, k: int, axis: int = -1, if_descent: bool = True) -> XTensor:
    """The places of the k largest elements along an axis. On CUDA the order goes through the host.

    Args:
        t: tensor of at least one axis and any dtype.
        k: how many.
        axis: the axis, negative counted from the end.
        if_descent: False takes the k smallest, the smallest first.

    Returns:
        kint64 with k elements along the axis; not differentiable.

    Raises:
        TypeError: ``k`` or ``axis`` is no int, ``if_descent`` no bool.
        ValueError: no such axis, k < 1, or more than there are.

    Example:
        >>> argtopK(XTensor([3, 1, 4, 1, 5]), 2).to_numpy()
        array([4, 2])
    """
    descending = check_flag("argtopK", "if_descent", if_descent)
    count = check_int("argtopK", "k", k, 1)
    return ArgtopK(check_int("argtopK", "axis", axis), descending, count)(t)


def nonzero(t: Any) -> XTensor:
    """Indices of the elements that are not 0, in row-major order. On CUDA they go through the host.

    Args:
        t: tensor of any shape and dtype.

    Returns:
        kint64 [count, ndim]; not differentiable.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> nonzero(XTensor([[1, 0], [0, 2]])).to_numpy()
        array([[0, 0],
               [1, 1]])
    """
    return Nonzero()(t)
