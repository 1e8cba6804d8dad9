"""Softmax and its logarithm along any axis."""

from __future__ import annotations

from typing import Any

from ..device import Array, empty_like, reshape
from ..errors import check_int, message
from ..kernels import launch
from ..op import Op
from ..reduction import as_rows
from ..tensor import XTensor


def rows_along(array: Array, axis: int) -> Array:
    """The array as [outer, length, inner], the axis in the middle; 0-d counts as one element."""
    axis = axis % max(1, len(array.shape))
    return as_rows(array, axis, axis + 1)


class _AlongAxis(Op, abstract=True):
    """A row kernel over one axis; backward reads the output."""

    promotion = "float"

    def __init__(self, axis: int) -> None:
        self.axis = check_int(self.name, "axis", axis)

    def check(self, x: Array) -> None:
        rank = max(1, len(x.shape))
        if not -rank <= self.axis < rank:
            raise ValueError(
                message(self.name, "axis", f"{self.axis} for shape {list(x.shape)}",
                        f"{-rank} <= axis < {rank}")
            )  # fmt: skip

    def forward(self, x: Array) -> Array:
        out = empty_like(x)
        self._launch(f"{self.name}_forward", out, x)
        self.save(out)
        return out

    def backward(self, grad_out: Array) -> Array:
        grad_x = empty_like(grad_out)
        self._launch(f"{self.name}_backward", grad_x, grad_out, *self.saved)
        return grad_x

    def _launch(self, kernel: str, *arrays: Array) -> None:
        first = rows_along(arrays[0], self.axis)
        outer, _, inner = shape = first.shape
        others = [reshape(a, shape) for a in arrays[1:]]
        launch(kernel, outer * inner if first.size else 0, first, *others)


class Softmax(_AlongAxis):
    """exp(x) / sum exp(x) along an axis"""


class LogSoftmax(_AlongAxis):
    """x - log sum exp(x) along an axis"""


def softmax(x: Any, axis: int = -1) -> XTensor:
    """Positive numbers that sum to 1 along an axis, from any scores.

    Args:
        x: any shape; integers become kfloat32. Large scores do not overflow.
        axis: the axis to normalise, negative ones count from the end.

    Returns:
        exp(x) / sum exp(x) along the axis, in the shape of x. A row with infinity in it, or of
        nothing but -infinity, is NaN.

    Raises:
        TypeError: axis is no int.
        ValueError: x has no such axis.

    Example:
        >>> softmax([1.0, 2.0, 3.0, 4.0])
        <BLANKLINE>
        [0.0320586 0.0871443 0.2368828 0.6439143]
        <XTensor 4 cpu(0) kfloat32>
    """
    return Softmax(axis)(x)


def log_softmax(t: Any, axis: int = -1) -> XTensor:
    """The logarithm of ``softmax``, finite where softmax itself rounds to 0.

    Args:
        t: any shape; integers become kfloat32.
        axis: the axis to normalise, negative ones count from the end.

    Returns:
        t - log sum exp(t) along the axis, in the shape of t.

    Raises:
        TypeError: axis is no int.
        ValueError: t has no such axis.

    Example:
        >>> log_softmax([0.0, -200.0]).to_numpy().tolist()
        [0.0, -200.0]
    """
    return LogSoftmax(axis)(t)
