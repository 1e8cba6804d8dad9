"""Maximum and average pooling over 1, 2 or 3 spatial axes: one class each does the work."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..device import Array, empty_like, reshape
from ..dtype import INT64
from ..errors import message, shown
from ..kernels import launch
from ..op import Op
from ..tensor import XTensor
from .window import (
    LAYOUTS,
    MISSING,
    SPATIAL,
    Numbers,
    check_padding,
    check_rank,
    lift_numbers,
    per_axis,
    place,
)

# The place of a cell in its plane, unless that has more cells than it can count.
PLACE = np.dtype(np.int32)
MOST_PLACES = np.iinfo(PLACE).max


class _Pool(Op, abstract=True):
    """Options and checks of both; every plane [n, c] is worked on alone."""

    promotion = "float"
    axes = 2

    def __init__(self, kernel: Any, stride: Any, padding: Any) -> None:
        self.kernel = per_axis(kernel, self.axes, self.name, "kernel")
        self.stride = (
            self.kernel if stride is None else per_axis(stride, self.axes, self.name, "stride")
        )
        self.padding = check_pool_padding(padding, self.kernel, self.name)

    def check(self, x: Array) -> None:
        check_rank(x, self.axes, self.name, "x", LAYOUTS[self.axes])
        if 0 in x.shape[2:]:
            raise ValueError(
                message(self.name, "x", f"of shape {list(x.shape)}",
                        "spatial axes that are not empty")
            )  # fmt: skip
        self.before, self.counts = place(
            x.shape[2:], self.kernel, self.stride, self.padding, self.name
        )

    def _numbers(self) -> tuple[tuple[int, ...], ...]:
        """What every kernel takes after its arrays."""
        return (
            lift_numbers(self.kernel, 1),
            lift_numbers(self.stride, 1),
            lift_numbers(self.before, 0),
        )

    def _empty_output(self, x: Array) -> Array:
        self.x_shape = x.shape
        return empty_like(x, (*x.shape[:2], *self.counts))


def check_pool_padding(padding: Any, kernel: tuple[int, ...], where: str) -> Any:
    """``padding`` checked, and smaller than the kernel, so that every window holds real cells.

    Raises:
        TypeError, ValueError: it is no padding, or as large as the kernel.
    """
    checked = check_padding(padding, len(kernel), where)
    if not isinstance(checked, str) and any(p >= k for p, k in zip(checked, kernel, strict=True)):
        raise ValueError(
            message(where, "padding", shown(padding),
                    f"less than the kernel {list(kernel)} along every axis",
                    "use a larger kernel or less padding")
        )  # fmt: skip
    return checked


def _planes(array: Array) -> Array:
    """The array as [N * C, D, H, W]."""
    shape = array.shape
    return reshape(array, (shape[0] * shape[1], *MISSING[len(shape)], *shape[2:]))


class _MaxPool(_Pool, abstract=True):
    """The largest cell of each window; padding never counts, the first of equals wins."""

    def forward(self, x: Array) -> Array:
        out = self._empty_output(x)
        planes = _planes(out)
        small = math.prod(self.x_shape[2:]) <= MOST_PLACES
        index = empty_like(planes, planes.shape if self.needs(0) else (0,) * (SPATIAL + 1),
                           PLACE if small else INT64)  # fmt: skip
        launch("max_pool_forward", planes.shape[0], planes, index, _planes(x), *self._numbers())
        self.save(index)
        return out

    def backward(self, grad_out: Array) -> Array:
        (index,) = self.saved
        grad_x = empty_like(grad_out, self.x_shape)
        planes = _planes(grad_x)
        launch("max_pool_backward", planes.shape[0], planes, _planes(grad_out), index,
               *self._numbers())  # fmt: skip
        return grad_x


class _AvgPool(_Pool, abstract=True):
    """The sum of each window over the size of the kernel; padding counts as zeros."""

    def forward(self, x: Array) -> Array:
        out = self._empty_output(x)
        planes = _planes(out)
        launch("avg_pool_forward", planes.shape[0], planes, _planes(x), *self._numbers())
        return out

    def backward(self, grad_out: Array) -> Array:
        grad_x = empty_like(grad_out, self.x_shape)
        planes = _planes(grad_x)
        launch("avg_pool_backward", planes.shape[0], planes, _planes(grad_out), *self._numbers())
        return grad_x


class MaxPool1d(_MaxPool):
    axes = 1


class MaxPool2d(_MaxPool):
    axes = 2


class MaxPool3d(_MaxPool):
    axes = 3


class AvgPool1d(_AvgPool):
    axes = 1


class AvgPool2d(_AvgPool):
    axes = 2


class AvgPool3d(_AvgPool):
    axes = 3


def max_pool1d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Largest number in each window of a signal: ``max_pool2d`` with one spatial axis.

    Args:
        x: [N, C, L], floating (integers give kfloat32).
        kernel, stride, padding: as in ``max_pool2d``.

    Returns:
        [N, C, L'].

    Raises:
        TypeError, ValueError: as ``max_pool2d``.

    Example:
        >>> max_pool1d(XTensor([[[1.0, 5.0, 2.0, 4.0]]]), 2).to_numpy()
        array([[[5., 4.]]], dtype=float32)
    """
    return MaxPool1d(kernel, stride, padding)(x)


def max_pool2d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Largest number in each window of an image.

    out[n, c, i, j] = max over a, b of x[n, c, i * s - p + a, j * s - p + b]

    Padded cells never win. The first of equal cells, in row-major order, gets the gradient. NaN in
    a window makes the result NaN.

    Args:
        x: [N, C, H, W], floating (integers give kfloat32); N may be 0.
        kernel: cells along each axis of a window, an int of at least 1 or one per axis.
        stride: step of the window, as kernel; by default the kernel, windows side by side.
        padding: 'valid' (none); 'same' (ceil(H / stride) rows come out, an odd cell of padding
            goes to the end); cells on both sides, as an int or one per axis, below the kernel.

    Returns:
        [N, C, H', W'] with H' = floor((H + 2 p - k) / s) + 1.

    Raises:
        TypeError: kernel, stride or padding of the wrong type.
        ValueError: wrong rank, a window longer than the padded input, padding >= kernel.

    Example:
        >>> x = XTensor([[[[1.0, 2.0, 0.0], [4.0, 3.0, 9.0]]]])
        >>> max_pool2d(x, 2, stride=1).to_numpy()
        array([[[[4., 9.]]]], dtype=float32)
    """
    return MaxPool2d(kernel, stride, padding)(x)


def max_pool3d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Largest number in each window of a volume: ``max_pool2d`` with three spatial axes.

    Args:
        x: [N, C, D, H, W], floating (integers give kfloat32).
        kernel, stride, padding: as in ``max_pool2d``.

    Returns:
        [N, C, D', H', W'].

    Raises:
        TypeError, ValueError: as ``max_pool2d``.

    Example:
        >>> max_pool3d(XTensor([[[[[1.0, 5.0]], [[7.0, 2.0]]]]]), (2, 1, 1)).to_numpy().tolist()
        [[[[[7.0, 5.0]]]]]
    """
    return MaxPool3d(kernel, stride, padding)(x)


def avg_pool1d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Mean of each window of a signal: ``avg_pool2d`` with one spatial axis.

    Args:
        x: [N, C, L], floating (integers give kfloat32).
        kernel, stride, padding: as in ``avg_pool2d``.

    Returns:
        [N, C, L'].

    Raises:
        TypeError, ValueError: as ``avg_pool2d``.

    Example:
        >>> avg_pool1d(XTensor([[[0.0, 3.0, 6.0]]]), 3, 2, "same").to_numpy()
        array([[[1., 3.]]], dtype=float32)
    """
    return AvgPool1d(kernel, stride, padding)(x)


def avg_pool2d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Mean of each window of an image; padded cells count as zeros.

    out[n, c, i, j] = 1 / (kh kw) sum over a, b of x[n, c, i * s - p + a, j * s - p + b]

    Args:
        x: [N, C, H, W], floating (integers give kfloat32); N may be 0.
        kernel: cells along each axis of a window, an int of at least 1 or one per axis.
        stride: step of the window, as kernel; by default the kernel, windows side by side.
        padding: 'valid' (none); 'same' (ceil(H / stride) rows come out, an odd cell of padding
            goes to the end); cells on both sides, as an int or one per axis, below the kernel.

    Returns:
        [N, C, H', W'] with H' = floor((H + 2 p - k) / s) + 1.

    Raises:
        TypeError: kernel, stride or padding of the wrong type.
        ValueError: wrong rank, a window longer than the padded input, padding >= kernel.

    Example:
        >>> x = XTensor([[[[1.0, 2.0], [4.0, 5.0]]]])
        >>> avg_pool2d(x, 2).to_numpy()
        array([[[[3.]]]], dtype=float32)
    """
    return AvgPool2d(kernel, stride, padding)(x)


def avg_pool3d(
    x: Any, kernel: Numbers, stride: Numbers | None = None, padding: str | Numbers = "valid"
) -> XTensor:
    """Mean of each window of a volume: ``avg_pool2d`` with three spatial axes.

    Args:
        x: [N, C, D, H, W], floating (integers give kfloat32).
        kernel, stride, padding: as in ``avg_pool2d``.

    Returns:
        [N, C, D', H', W'].

    Raises:
        TypeError, ValueError: as ``avg_pool2d``.

    Example:
        >>> avg_pool3d(XTensor([[[[[1.0, 5.0]], [[7.0, 3.0]]]]]), (2, 1, 2)).to_numpy().tolist()
        [[[[[4.0]]]]]
    """
    return AvgPool3d(kernel, stride, padding)(x)
