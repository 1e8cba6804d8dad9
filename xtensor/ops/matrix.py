"""Diagonals, triangles and Kronecker products."""

from __future__ import annotations

import numpy as np

from ..device import Array, check_shape, empty_like, full_like, reshape
from ..elementwise import apply
from ..errors import check_int, message
from ..kernels import launch
from ..op import Op
from ..reduction import sum_axes
from ..strided import read, write
from ..tensor import XTensor


class _Offset(Op, abstract=True):
    """An op about the diagonal ``k`` places above the main one."""

    argument = "k"

    def __init__(self, k: int) -> None:
        self.k = check_int(self.name, self.argument, k)

    def _view(self, matrix: np.ndarray) -> np.ndarray:
        return diagonal(matrix, self.k)


class _Triangle(_Offset, abstract=True):
    """One side of a diagonal of the last two axes, the rest 0; the gradient passes where x does"""

    argument = "diagonal"
    upper = True

    def check(self, x: Array) -> None:
        if len(x.shape) < 2:
            raise ValueError(
                message(
                    self.name, "t", f"of shape {list(x.shape)}", "at least 2 axes", "reshape it"
                )
            )

    def forward(self, x: Array) -> Array:
        rows, columns = x.shape[len(x.shape) - 2], x.shape[len(x.shape) - 1]
        out = empty_like(x)
        if out.size:
            lines = (x.size // columns, columns)
            # Beyond the corners nothing changes any more, and a kernel's numbers have 64 bits.
            diagonal = max(-rows - 1, min(self.k, columns + 1))
            launch("triangle_forward", lines[0], reshape(out, lines), reshape(x, lines), rows,
                   diagonal, self.upper)  # fmt: skip
        return out

    def backward(self, grad_out: Array) -> Array:
        return self.forward(grad_out)


class Triu(_Triangle):
    """The upper triangle"""


class Tril(_Triangle):
    """The lower triangle"""

    upper = False


class Diag(_Offset):
    """A matrix with everything off one diagonal set to 0, or a matrix made of a diagonal"""

    def check(self, x: Array) -> None:
        if len(x.shape) not in (1, 2):
            raise ValueError(
                message("diag", "t", f"of shape {list(x.shape)}", "1 or 2 axes", "index a matrix")
            )

    def forward(self, x: Array) -> Array:
        self.save(len(x.shape))
        if len(x.shape) == 2:
            return self._only(x)
        size = x.shape[0] + abs(self.k)
        out = full_like(x, 0, check_shape((size, size), "diag", x.dtype))
        write(out, self._view, x)
        return out

    def backward(self, grad_out: Array) -> Array:
        return self._only(grad_out) if self.saved == (2,) else read(grad_out, self._view)

    def _only(self, matrix: Array) -> Array:
        out = full_like(matrix, 0)
        write(out, self._view, read(matrix, self._view))
        return out


def diagonal(matrix: np.ndarray, k: int) -> np.ndarray:
    """A writable view of the diagonal k places above the main one; empty beyond the matrix."""
    rows, columns = matrix.shape
    length = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    first = max(k, 0) + max(-k, 0) * columns
    step = columns + 1
    return matrix.reshape(-1)[first : first + length * step : step]


class Trace(_Offset):
    """Sum of a diagonal"""

    def check(self, x: Array) -> None:
        if len(x.shape) != 2:
            raise ValueError(message("trace", "t", f"of shape {list(x.shape)}", "2 axes"))

    def forward(self, x: Array) -> Array:
        self.save(x.shape)
        return reshape(sum_axes(read(x, self._view), (0,)), (1,))

    def backward(self, grad_out: Array) -> Array:
        (shape,) = self.saved
        grad_x = full_like(grad_out, 0, shape)
        write(grad_x, self._view, grad_out)
        return grad_x


class Kron(Op):
    """Kronecker product over all axes"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        ndim = max(len(x.shape), len(y.shape))
        outer = (1,) * (ndim - len(x.shape)) + tuple(x.shape)
        inner = (1,) * (ndim - len(y.shape)) + tuple(y.shape)
        # x takes the even axes and y the odd ones of a product that only broadcasts.
        left = reshape(x, [n for length in outer for n in (length, 1)])
        right = reshape(y, [n for length in inner for n in (1, length)])
        self.save(left, right, x.shape, y.shape)
        out = apply("mul_forward", (left, right))
        return reshape(out, [a * b for a, b in zip(outer, inner)])

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        left, right, x_shape, y_shape = self.saved
        paired = [n * m for n, m in zip(left.shape, right.shape)]
        grad = reshape(grad_out, paired)
        even, odd = range(0, len(paired), 2), range(1, len(paired), 2)

        def summed(other: Array, axes: range, shape: tuple[int, ...]) -> Array:
            return reshape(sum_axes(apply("mul_forward", (grad, other)), tuple(axes)), shape)

        return (
            summed(right, odd, x_shape) if self.needs(0) else None,
            summed(left, even, y_shape) if self.needs(1) else None,
        )


# -- public functions -----------------------------------------------------------------------------


def diag(t: XTensor, k: int = 0) -> XTensor:
    """A matrix with everything off diagonal k set to 0; of a vector, a matrix with it there.

    Args:
        t: [rows, columns], or [n].
        k: which diagonal; positive ones lie above the main one.

    Returns:
        [rows, columns], or [n + abs(k), n + abs(k)]. Gradient: g on the diagonal.

    Raises:
        TypeError: ``k`` is no int.
        ValueError: ``t`` has neither 1 nor 2 axes, or the matrix would be too large.

    Example:
        >>> import xtensor as xt
        >>> xt.diag(xt.XTensor([[1, 2], [3, 4]])).to_numpy()
        array([[1., 0.],
               [0., 4.]], dtype=float32)
    """
    return Diag(k)(t)


def triu(t: XTensor, diagonal: int = 0) -> XTensor:
    """The upper triangle of the last two axes, the rest 0.

    Args:
        t: [..., rows, columns].
        diagonal: the lowest diagonal that stays; positive ones lie above the main one.

    Returns:
        A tensor of the same shape. Gradient: g in the triangle.

    Raises:
        TypeError: ``diagonal`` is no int.
        ValueError: ``t`` has fewer than 2 axes.

    Example:
        >>> import xtensor as xt
        >>> xt.triu(xt.XTensor([[1, 2], [3, 4]])).to_numpy()
        array([[1., 2.],
               [0., 4.]], dtype=float32)
    """
    return Triu(diagonal)(t)


def tril(t: XTensor, diagonal: int = 0) -> XTensor:
    """The lower triangle of the last two axes, the rest 0.

    Args:
        t: [..., rows, columns].
        diagonal: the highest diagonal that stays; positive ones lie above the main one.

    Returns:
        A tensor of the same shape. Gradient: g in the triangle.

    Raises:
        TypeError: ``diagonal`` is no int.
        ValueError: ``t`` has fewer than 2 axes.

    Example:
        >>> import xtensor as xt
        >>> xt.tril(xt.XTensor([[1, 2], [3, 4]])).to_numpy()
        array([[1., 0.],
               [3., 4.]], dtype=float32)
    """
    return Tril(diagonal)(t)


def trace(t: XTensor, k: int = 0) -> XTensor:
    """Sum of diagonal k of a matrix, of shape [1]; integers give kint64.

    Args:
        t: [rows, columns].
        k: which diagonal; positive ones lie above the main one. Beyond the matrix the sum is 0.

    Returns:
        Shape [1]. Gradient: g on the diagonal.

    Raises:
        TypeError: ``k`` is no int.
        ValueError: ``t`` has not 2 axes.

    Example:
        >>> import xtensor as xt
        >>> xt.trace(xt.XTensor([[1, 2], [3, 4]])).item()
        5.0
    """
    return Trace(k)(t)


def kron(t1: XTensor, t2: XTensor) -> XTensor:
    """Kronecker product: every element of t1 times all of t2, over all axes.

    Args:
        t1, t2: tensors; the one with fewer axes gets leading axes of length 1.

    Returns:
        A tensor of the larger of the two dtypes, whose lengths are the products of the lengths:
        out[i * n + j, ...] = t1[i, ...] * t2[j, ...] with n the length of t2. Gradient: for t1 the
        sum of g * t2 over each block, for t2 the sum of g * t1 over all blocks.

    Raises:
        TypeError: an argument is no tensor, number or array.
        ValueError: the devices differ.

    Example:
        >>> import xtensor as xt
        >>> xt.kron(xt.XTensor([1, 10]), xt.XTensor([1, 2])).to_numpy()
        array([ 1.,  2., 10., 20.], dtype=float32)
    """
    return Kron()(t1, t2)
