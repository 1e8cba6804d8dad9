"""Statistics over axes: variance, standard deviation, Frobenius norm, median."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..device import Array, cast, empty_like, flat, full_like, host_constant, reshape
from ..dtype import FLOAT64, INT64
from ..elementwise import apply
from ..errors import check_flag, message
from ..kernels import launch
from ..reduction import parts_of, sum_axes
from ..strided import permuted
from ..tensor import XTensor
from .reduce import Reduction, from_rows, to_rows

# A mean or norm over few rows is cut into at most so many parts, to be shared out over threads.
MAX_PARTS = 16


class _Squares(Reduction, abstract=True):
    """Functions of the sum of squared distances from a centre, which backward needs again."""

    promotion = "float"

    def measure(self, x: Array, divisor: int, centered: bool, rooted: bool) -> Array:
        """Sum of squares / divisor, or the root of it; saves that in float64 and what it is of."""
        rows = to_rows(x, self.axes)
        outer, length, inner = rows.shape
        mean = full_like(rows, 0, (outer, inner), FLOAT64)
        if centered:
            sums = sum_distances(rows, mean, squared=False)
            line = flat(mean)
            # NumPy's division, which must be kept from warning, takes longer for a few numbers.
            launch("quotients_forward", line.size, line, line, sums, float(max(length, 1)), False)
        squares = sum_distances(rows, mean, squared=True)
        value, out = empty_like(squares), empty_like(squares, dtype=x.dtype)
        launch("quotients_forward", out.size, out, value, squares, float(divisor), rooted)
        self.save(rows, mean, x.shape, reshape(value, (outer, inner)))
        return self.fit(reshape(out, self.kept_shape(x.shape)))

    def spread(self, scale: Array) -> Array:
        """(x - mean) * scale, scale float64 [outer, inner], in the shape of x."""
        rows, mean, shape = self.saved[:3]
        grad, parts = empty_like(rows), parts_of(rows.shape, MAX_PARTS)
        launch("squares_backward", rows.shape[0] * parts, grad, rows, mean, scale, parts)
        return from_rows(grad, shape, self.axes)


def sum_distances(rows: Array, mean: Array, squared: bool) -> Array:
    """Sum over i of rows[o, i, j] - mean[o, j], or of its square, in float64 [outer * inner]."""
    outer, _, inner = rows.shape
    parts = parts_of(rows.shape, MAX_PARTS)
    sums = empty_like(mean, (outer * parts, inner))
    launch("distances_forward", outer * parts, sums, rows, mean, parts, squared)
    if parts > 1:
        sums = sum_axes(reshape(sums, (outer, parts, inner)), (1,))
    return reshape(sums, (outer * inner,))


class Var(_Squares):
    """Mean squared distance from the mean"""

    def __init__(self, axis: Any, keepdims: bool, unbiased: bool) -> None:
        super().__init__(axis, keepdims)
        self.unbiased = check_flag(self.name, "unbiased", unbiased)

    def divisor(self, shape: Sequence[int]) -> int:
        return self.count(shape) - self.unbiased

    def forward(self, x: Array) -> Array:
        return self.measure(x, max(self.divisor(x.shape), 0), centered=True, rooted=False)

    def backward(self, grad_out: Array) -> Array:
        _, mean, shape, _ = self.saved
        divisor = self.divisor(shape)
        factor = host_constant(grad_out, 2 / divisor if divisor > 0 else math.nan, FLOAT64)
        grad = cast(reshape(grad_out, mean.shape), FLOAT64)
        return self.spread(apply("mul_forward", (grad, factor)))


class Std(Var):
    """Square root of the variance; its gradient at 0 is 0"""

    def forward(self, x: Array) -> Array:
        return self.measure(x, max(self.divisor(x.shape), 0), centered=True, rooted=True)

    def backward(self, grad_out: Array) -> Array:
        _, mean, shape, root = self.saved
        grad = cast(reshape(grad_out, mean.shape), FLOAT64)
        divisor = FLOAT64.type(max(self.divisor(shape), 1))
        return self.spread(apply("norm_backward", (grad, root), (divisor,)))


class FrobeniusNorm(_Squares):
    """Square root of the sum of squares; its gradient at 0 is 0"""

    def forward(self, x: Array) -> Array:
        return self.measure(x, 1, centered=False, rooted=True)

    def backward(self, grad_out: Array) -> Array:
        _, mean, _, root = self.saved
        grad = cast(reshape(grad_out, mean.shape), FLOAT64)
        return self.spread(apply("norm_backward", (grad, root), (FLOAT64.type(1),)))


class Median(Reduction):
    """The middle element, or the mean of the two in the middle"""

    promotion = "float"

    def check(self, x: Array) -> None:
        super().check(x)
        if self.count(x.shape) == 0:
            raise ValueError(
                message("median", "t", f"shape {list(x.shape)}, empty over axis {list(self.axes)}",
                        "at least one element")
            )  # fmt: skip

    def forward(self, x: Array) -> Array:
        rows = to_rows(x, self.axes)
        outer, length, inner = rows.shape
        lines = reshape(permuted(rows, (0, 2, 1)), (outer * inner, length))
        out, low, high = (empty_like(rows, (outer, inner)) for _ in range(3))
        launch("median_forward", outer * inner, *map(flat, (out, low, high)), lines)
        if self.needs(0):
            places = []
            for value in (low, high)[: 2 - length % 2]:
                places.append(empty_like(rows, (outer, inner), INT64))
                launch("find_forward", outer * inner, places[-1], rows, value)
            self.save(places[0], places[-1], x.shape)
        return self.fit(reshape(out, self.kept_shape(x.shape)))

    def backward(self, grad_out: Array) -> Array:
        low, high, shape = self.saved
        outer, inner = low.shape
        rows = full_like(grad_out, 0, (outer, self.count(shape), inner))
        grad = reshape(grad_out, (outer, inner))
        launch("median_backward", outer * inner, rows, grad, low, high)
        return from_rows(rows, shape, self.axes)


# -- public functions -----------------------------------------------------------------------------


def var(
    t: XTensor,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    unbiased: bool = True,
) -> XTensor:
    """Variance over all axes or some: sum((t - mean)**2) / (n - 1), or / n with ``unbiased=False``.

    Args:
        t: tensor of any shape; integers give kfloat32.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes of the variance, with length 1.
        unbiased: divide by n - 1 (Bessel's correction), which of one element gives NaN.

    Returns:
        A floating tensor; shape [1] where no axis is left. The variance of no elements is NaN.
        Gradient: 2 g (t - mean) / (n - 1).

    Raises:
        TypeError: ``axis`` is no int or list of ints, ``unbiased`` no bool.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.var(xt.XTensor([[1, 2, 3], [4, 6, 8]]), 1).to_numpy()
        array([1., 4.], dtype=float32)
    """
    return Var(axis, keepdims, unbiased)(t)


def std(
    t: XTensor,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    unbiased: bool = True,
) -> XTensor:
    """Standard deviation over all axes or some: the square root of ``var``.

    Args:
        t: tensor of any shape; integers give kfloat32.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes, with length 1.
        unbiased: divide by n - 1 under the root, which of one element gives NaN.

    Returns:
        A floating tensor; shape [1] where no axis is left. The deviation of no elements is NaN.
        Gradient: g (t - mean) / ((n - 1) std), and 0 where the deviation is 0.

    Raises:
        TypeError: ``axis`` is no int or list of ints, ``unbiased`` no bool.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.std(xt.XTensor([[1, 2, 3], [4, 6, 8]]), 1).to_numpy()
        array([1., 2.], dtype=float32)
    """
    return Std(axis, keepdims, unbiased)(t)


def frobenius_norm(
    t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> XTensor:
    """sqrt(sum of squares) over all axes or some.

    Args:
        t: tensor of any shape; integers give kfloat32.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes, with length 1.

    Returns:
        A floating tensor; shape [1] where no axis is left, 0 for no elements. Gradient:
        g t / norm, and 0 where the norm is 0.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.frobenius_norm(xt.XTensor([[3, 4], [6, 8]]), 1).to_numpy()
        array([ 5., 10.], dtype=float32)
    """
    return FrobeniusNorm(axis, keepdims)(t)


def median(t: XTensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> XTensor:
    """Median over all axes or some: the middle element, or the mean of the two in the middle.

    NaN if there is one. On CUDA the choice goes through the host.

    Args:
        t: tensor of any shape; integers give kfloat32.
        axis: an axis or a list of axes, negative ones counted from the end; None for all.
        keepdims: keep the axes, with length 1.

    Returns:
        A floating tensor; shape [1] where no axis is left. Gradient: g for the middle element, or
        g / 2 for each of the two; of equal elements the first one gets it.

    Raises:
        TypeError: ``axis`` is no int or list of ints.
        ValueError: no such axis, one named twice, or nothing to choose from.

    Example:
        >>> import xtensor as xt
        >>> xt.median(xt.XTensor([[1, 5, 3], [4, 2, 6]]), 1).to_numpy()
        array([3., 4.], dtype=float32)
    """
    return Median(axis, keepdims)(t)
