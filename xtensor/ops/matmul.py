"""Matrix products: ``matmul`` and ``linear``."""

from __future__ import annotations

import math

import numpy as np

from ..device import Array, cast, empty_like, reshape
from ..dtype import BOOL
from ..errors import message
from ..kernels import blas, launch
from ..op import Op
from ..reduction import sum_axes
from ..strided import expand
from ..tensor import XTensor

# The sums of a small result (the gradient of a weight), of fewer pieces than this with so many rows
# (or columns), are cut into parts, at least so long: at most so many for all of its pieces. A
# larger result gives the threads enough to share out.
ENOUGH_PIECES, PIECE_ROWS = 4, 128
PARTS, PART_LENGTH = 16, 4096


def product(
    x: Array,
    y: Array,
    bias: Array | None = None,
    transposed_x: bool = False,
    transposed_y: bool = False,
) -> Array:
    """x @ y (+ bias) for two matrices, or for two batches of them, of one dtype.

    Args:
        x: [m, k], or [k, m] with ``transposed_x``; of a batch [batch or 1, m, k], and so on.
        y: [k, n], or [n, k] with ``transposed_y``.
        bias: [n], added to every row.

    Returns:
        [m, n] or [batch, m, n]; the same bytes for any number of threads.
    """
    if len(x.shape) == 3:
        return _products(x, y, bias, transposed_x, transposed_y)
    m, length = (x.shape[1], x.shape[0]) if transposed_x else x.shape
    n = y.shape[0] if transposed_y else y.shape[1]
    if type(x) is np.ndarray and blas.is_small(m, n, length):
        # What a few numbers cost are calls.
        out = (x.T if transposed_x else x).dot(y.T if transposed_y else y)
        return out if bias is None else np.add(out, bias, out)
    matrices = reshape(x, (1, *x.shape)), reshape(y, (1, *y.shape))
    return reshape(_products(*matrices, bias, transposed_x, transposed_y), (m, n))


def _products(
    x: Array, y: Array, bias: Array | None, transposed_x: bool, transposed_y: bool
) -> Array:
    """``product`` for batches; one of 1 is repeated."""
    batch = x.shape[0] if y.shape[0] == 1 else y.shape[0]
    m, length = (x.shape[2], x.shape[1]) if transposed_x else (x.shape[1], x.shape[2])
    n = y.shape[1] if transposed_y else y.shape[2]
    parts = 1
    if bias is None and batch < PARTS and length >= 2 * PART_LENGTH:
        pieces = max(1, min(PARTS // max(batch, 1), max(m, n) // PIECE_ROWS))
        if pieces < ENOUGH_PIECES:
            parts = min(PARTS // pieces, length // PART_LENGTH)
    out = empty_like(x, (batch * parts, m, n))
    if out.size:
        if bias is None:
            bias = empty_like(x, (0,))
        launch("matmul_forward", batch * parts, out, x, y, bias, transposed_x, transposed_y, parts)
    if parts > 1:
        total = sum_axes(reshape(out, (batch, parts, m, n)), (1,))  # of integers int64
        out = reshape(cast(total, x.dtype), (batch, m, n))
    return out


class Matmul(Op):
    """Matrix product over the last two axes"""

    promotion = "common"
    broadcasts = True

    def check(self, x: Array, y: Array) -> None:
        if x.dtype == BOOL:
            raise TypeError(message(self.name, "its arguments", "kbool", "numbers"))
        for argument, array in (("t1", x), ("t2", y)):
            if len(array.shape) == 0:
                raise ValueError(
                    message(self.name, argument, "shape []", "at least one axis", "multiply with *")
                )
        length = y.shape[max(len(y.shape) - 2, 0)]
        if _columns(x) != length:
            raise ValueError(
                message(self.name, "t2", f"shape {list(y.shape)}",
                        f"length {_columns(x)} on its last axis but one, as t1 has shape "
                        f"{list(x.shape)}")
            )  # fmt: skip
        self.batch = x.shape[:-2]
        if y.shape[:-2] == self.batch:
            return
        try:
            self.batch = np.broadcast_shapes(self.batch, y.shape[:-2])
        except ValueError:
            raise ValueError(
                message(self.name, "t1 and t2", f"of shapes {list(x.shape)} and {list(y.shape)}",
                        "leading axes that broadcast")
            ) from None  # fmt: skip

    def forward(self, x: Array, y: Array) -> Array:
        self.save(x, y)
        if len(x.shape) == len(y.shape) == 2:
            return product(x, y)
        out = product(*self._operands(x, y))
        rows, columns = x.shape[-2:-1], y.shape[-1:] if len(y.shape) > 1 else ()
        return reshape(out, (*self.batch, *rows, *columns) or (1,))

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        x, y = self.saved
        left, right = self._operands(x, y)
        one = len(left.shape) == 2
        rows = left.shape[:1] if one else (math.prod(self.batch), left.shape[1])
        grad = reshape(grad_out, (*rows, _columns(right)))
        grad_x = grad_y = None
        if self.needs(0):
            grad_x = product(grad, right, transposed_y=True)
            grad_x = reshape(grad_x, (*self.batch, *x.shape[-2:]))
        if self.needs(1):
            grad_y = product(left, grad, transposed_x=True)
            grad_y = reshape(grad_y, y.shape if one else (*self.batch, *y.shape[-2:]))
        return grad_x, grad_y

    def _operands(self, x: Array, y: Array) -> tuple[Array, Array]:
        """What ``product`` takes: with one matrix on the right, all rows of x meet it at once."""
        left = x if len(x.shape) > 1 else reshape(x, (1, x.size))
        right = y if len(y.shape) > 1 else reshape(y, (y.size, 1))
        if math.prod(right.shape[:-2]) == 1:
            return as_matrix(left), as_matrix(right)
        return self._batch(left), self._batch(right)

    def _batch(self, array: Array) -> Array:
        """[batch or 1, rows, columns]"""
        if math.prod(array.shape[:-2]) > 1:
            array = expand(array, (*self.batch, *array.shape[-2:]))
        return reshape(array, (math.prod(array.shape[:-2]), *array.shape[-2:]))


class Linear(Op):
    """x W^T + b"""

    promotion = "float"
    optional = (2,)

    def check(self, x: Array, weight: Array, bias: Array | None) -> None:
        if len(weight.shape) != 2:
            raise ValueError(
                message("linear", "weight", f"shape {list(weight.shape)}", "2 axes, [out, in]")
            )
        if len(x.shape) == 0 or _columns(x) != weight.shape[1]:
            raise ValueError(
                message("linear", "x", f"shape {list(x.shape)}",
                        f"last axis of length {weight.shape[1]}, as weight has shape "
                        f"{list(weight.shape)}")
            )  # fmt: skip
        if bias is not None and bias.shape != weight.shape[:1]:
            raise ValueError(
                message("linear", "bias", f"shape {list(bias.shape)}",
                        f"shape {[weight.shape[0]]}, as weight has shape {list(weight.shape)}")
            )  # fmt: skip

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        self.save(x, weight)
        out = product(as_matrix(x), weight, bias, transposed_y=True)
        return out if len(x.shape) == 2 else reshape(out, (*x.shape[:-1], weight.shape[0]))

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, weight = self.saved
        grad = as_matrix(grad_out)
        grad_x = grad_weight = grad_bias = None
        if self.needs(0):
            grad_x = reshape(product(grad, weight), x.shape)
        if self.needs(1):
            grad_weight = product(grad, as_matrix(x), transposed_x=True)
        if self.needs(2):
            grad_bias = reshape(sum_axes(grad, (0,)), (weight.shape[0],))
        return grad_x, grad_weight, grad_bias


def _columns(array: Array) -> int:
    """Length of the last axis; the simulator's shapes know no negative index."""
    return int(array.shape[len(array.shape) - 1])


def as_matrix(array: Array) -> Array:
    """Any number of leading axes as the rows of one matrix."""
    if len(array.shape) == 2:
        return array
    return reshape(array, (math.prod(array.shape[:-1]), _columns(array)))


def matmul(t1: XTensor, t2: XTensor) -> XTensor:
    """Matrix product of the last two axes; leading axes broadcast.

    Args:
        t1: [..., m, k], or [k].
        t2: [..., k, n], or [k].

    Returns:
        [..., m, n] in the larger of the two dtypes; a 1-D operand leaves out its axis, as in NumPy,
        and two of them give shape [1]. The same bytes for any number of threads.

    Raises:
        TypeError: kbool operands.
        ValueError: inner lengths that differ, leading axes that do not broadcast, or no axes.

    out[..., i, j] = sum_k t1[..., i, k] * t2[..., k, j]

    Example:
        >>> import xtensor as xt
        >>> xt.matmul(xt.XTensor([[1, 2], [3, 4]]), xt.XTensor([1, 1]))
        <BLANKLINE>
        [3. 7.]
        <XTensor 2 cpu(0) kfloat32>
    """
    return Matmul()(t1, t2)


def linear(x: XTensor, weight: XTensor, bias: XTensor | None = None) -> XTensor:
    """Affine map of the last axis.

    Args:
        x: [*, in], any number of leading axes.
        weight: [out, in].
        bias: [out], or None.

    Returns:
        [*, out], floating; integers become kfloat32.

    Raises:
        ValueError: shapes that do not fit each other.

    y = x W^T + b

    Example:
        >>> import xtensor as xt
        >>> linear(xt.ones([2, 3]), xt.ones([4, 3]), xt.ones([4])).to_numpy()[0]
        array([4., 4., 4., 4.], dtype=float32)
    """
    return Linear()(x, weight, bias)
