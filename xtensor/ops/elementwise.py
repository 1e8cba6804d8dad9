"""Elementwise operations: arithmetic and functions of one number.

Each class names its kernels by its own name (``exp_forward``, ``exp_backward``); the formulas stand
in ``kernels/scalar.py``.
"""

from __future__ import annotations

from typing import Any

from ..device import Array, full_like, to_host
from ..elementwise import apply
from ..errors import message
from ..op import Op
from ..tensor import XTensor


class Elementwise(Op, abstract=True):
    """Shared by all: inputs broadcast; shapes that do not are named where the result is made."""

    broadcasts = True


class Unary(Elementwise, abstract=True):
    """f(x); backward takes what ``keeps`` names: the input, the output or nothing."""

    promotion = "float"
    keeps = "input"

    def forward(self, x: Array) -> Array:
        out = apply(f"{self.name}_forward", (x,))
        self.save(x if self.keeps == "input" else out)
        return out

    def backward(self, grad_out: Array) -> Array:
        return apply(f"{self.name}_backward", (grad_out, *self.saved))


class Step(Unary, abstract=True):
    """A piecewise constant function: the gradient is 0."""

    def backward(self, grad_out: Array) -> Array:
        return full_like(grad_out, 0)


# -- arithmetic -----------------------------------------------------------------------------------


class Add(Elementwise):
    """t1 + t2"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        return apply("add_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array, Array]:
        return grad_out, grad_out


class Sub(Elementwise):
    """t1 - t2"""

    promotion = "common"
    accepts_bool = False

    def forward(self, x: Array, y: Array) -> Array:
        return apply("sub_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array, Array | None]:
        return grad_out, apply("neg_forward", (grad_out,)) if self.needs(1) else None


class Mul(Elementwise):
    """t1 * t2"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        self.save(x, y)
        return apply("mul_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        x, y = self.saved
        return (
            apply("mul_forward", (grad_out, y)) if self.needs(0) else None,
            apply("mul_forward", (grad_out, x)) if self.needs(1) else None,
        )


class Divide(Elementwise):
    """t1 / t2, kfloat32 for integers"""

    promotion = "float"

    def forward(self, x: Array, y: Array) -> Array:
        out = apply("divide_forward", (x, y))
        self.save(y, out)
        return out

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        y, out = self.saved
        return (
            apply("divide_forward", (grad_out, y)) if self.needs(0) else None,
            apply("divide_backward_y", (grad_out, out, y)) if self.needs(1) else None,
        )


class Power(Elementwise):
    """t1 ** t2"""

    promotion = "common"
    accepts_bool = False

    def check(self, x: Array, y: Array) -> None:
        if y.dtype.kind in "iu" and y.size and int(to_host(y).min()) < 0:
            raise ValueError(
                message("power", "t2", f"negative ({int(to_host(y).min())}) with integers",
                        "exponents of 0 or more", "use a floating dtype for t1")
            )  # fmt: skip

    def forward(self, x: Array, y: Array) -> Array:
        out = apply("power_forward", (x, y))
        self.save(x, y, out)
        return out

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        x, y, out = self.saved
        return (
            apply("power_backward_x", (grad_out, x, y)) if self.needs(0) else None,
            apply("power_backward_y", (grad_out, x, out)) if self.needs(1) else None,
        )


# -- one number in, one out -----------------------------------------------------------------------


class Neg(Unary):
    """-t"""

    promotion = "common"
    accepts_bool = False

    def backward(self, grad_out: Array) -> Array:
        return apply("neg_forward", (grad_out,))


class Abs(Unary):
    """Absolute value; gradient sign(t), 0 at 0"""

    promotion = "common"
    accepts_bool = False


class Square(Unary):
    """t * t"""

    promotion = "common"
    accepts_bool = False


class Sign(Step):
    """-1, 0 or 1"""

    promotion = "common"
    accepts_bool = False


class Floor(Step):
    """Rounded down"""


class Ceil(Step):
    """Rounded up"""


class Round(Step):
    """Rounded to the nearest whole number, ties to the even one"""


class Reciprocal(Unary):
    """1 / t"""

    keeps = "output"


class Exp(Unary):
    """e ** t"""

    keeps = "output"


class Log(Unary):
    """Natural logarithm"""


class Sqrt(Unary):
    """Square root"""

    keeps = "output"


class Sin(Unary):
    """Sine of radians"""


class Cos(Unary):
    """Cosine of radians"""


class Tan(Unary):
    """Tangent of radians"""

    keeps = "output"


class Asin(Unary):
    """Arc sine in radians"""


class Acos(Unary):
    """Arc cosine in radians"""


class Atan(Unary):
    """Arc tangent in radians"""


class Sinh(Unary):
    """Hyperbolic sine"""


class Cosh(Unary):
    """Hyperbolic cosine"""


class Tanh(Unary):
    """Hyperbolic tangent"""

    keeps = "output"


# -- public functions -----------------------------------------------------------------------------
#
# All take tensors of any shape on one device; numbers and NumPy arrays are taken as constants
# beside them. A float result for integers is kfloat32. Raised are ValueError for shapes that do not
# broadcast and for mixed devices, and TypeError for what is no number.


def add(t1: Any, t2: Any) -> XTensor:
    """t1 + t2, broadcasting; the same as the operator. Gradient: g to both.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> add(XTensor([1, 2, 3]), XTensor([4, 5, 6])).to_numpy()
        array([5., 7., 9.], dtype=float32)
    """
    return Add()(t1, t2)


def sub(t1: Any, t2: Any) -> XTensor:
    """t1 - t2, broadcasting; the same as the operator. Gradient: g and -g.

    Args:
        t1, t2: tensors of any shape, not both kbool, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: both are kbool.

    Example:
        >>> sub(XTensor([1, 2, 3]), 1).to_numpy()
        array([0., 1., 2.], dtype=float32)
    """
    return Sub()(t1, t2)


def mul(t1: Any, t2: Any) -> XTensor:
    """t1 * t2 element by element, broadcasting. Gradient: g * t2 and g * t1.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> mul(XTensor([1, 2, 3]), XTensor([4, 5, 6])).to_numpy()
        array([ 4., 10., 18.], dtype=float32)
    """
    return Mul()(t1, t2)


def divide(t1: Any, t2: Any) -> XTensor:
    """t1 / t2, broadcasting; integers give kfloat32, division by 0 gives inf or NaN.

    Gradient: g / t2 and -g * t1 / t2**2.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> divide(XTensor([1, 2, 3]), 2).to_numpy()
        array([0.5, 1. , 1.5], dtype=float32)
    """
    return Divide()(t1, t2)


def power(t1: Any, t2: Any) -> XTensor:
    """t1 ** t2, broadcasting. Gradient: g * t2 * t1**(t2-1) and g * t1**t2 * log(t1), 0 at t1 = 0.

    Args:
        t1, t2: tensors of any shape, not both kbool, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or an integer has a negative exponent.
        TypeError: both are kbool.

    Example:
        >>> power(XTensor([1, 4, 3]), XTensor([2, 0.5, 3])).to_numpy()
        array([ 1.,  2., 27.], dtype=float32)
    """
    return Power()(t1, t2)


def neg(t: Any) -> XTensor:
    """-t. Gradient: -g.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array, or is kbool.

    Example:
        >>> neg(XTensor([1.0, -2.0])).to_numpy()
        array([-1.,  2.], dtype=float32)
    """
    return Neg()(t)


def abs(t: Any) -> XTensor:
    """The absolute value of t. Gradient: g * sign(t), 0 at 0.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array, or is kbool.

    Example:
        >>> abs(XTensor([1.0, -2.0])).to_numpy()
        array([1., 2.], dtype=float32)
    """
    return Abs()(t)


def square(t: Any) -> XTensor:
    """t * t. Gradient: 2 * g * t.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array, or is kbool.

    Example:
        >>> square(XTensor([3.0, -2.0])).to_numpy()
        array([9., 4.], dtype=float32)
    """
    return Square()(t)


def sign(t: Any) -> XTensor:
    """-1, 0 or 1 by the sign of t. Gradient: 0.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array, or is kbool.

    Example:
        >>> sign(XTensor([3.0, 0.0, -2.0])).to_numpy()
        array([ 1.,  0., -1.], dtype=float32)
    """
    return Sign()(t)


def floor(t: Any) -> XTensor:
    """t rounded down; integers give kfloat32. Gradient: 0.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> floor(XTensor([1.5, -1.5])).to_numpy()
        array([ 1., -2.], dtype=float32)
    """
    return Floor()(t)


def ceil(t: Any) -> XTensor:
    """t rounded up; integers give kfloat32. Gradient: 0.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> ceil(XTensor([1.2, -1.5])).to_numpy()
        array([ 2., -1.], dtype=float32)
    """
    return Ceil()(t)


def round(t: Any) -> XTensor:
    """t rounded to the nearest whole number, ties to the even one; integers give kfloat32.

    Gradient: 0.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> round(XTensor([0.5, 1.5, 2.6])).to_numpy()
        array([0., 2., 3.], dtype=float32)
    """
    return Round()(t)


def reciprocal(t: Any) -> XTensor:
    """1 / t; integers give kfloat32. Gradient: -g / t**2.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> reciprocal(XTensor([2.0, -4.0])).to_numpy()
        array([ 0.5 , -0.25], dtype=float32)
    """
    return Reciprocal()(t)


def exp(t: Any) -> XTensor:
    """e ** t; integers give kfloat32. Gradient: g * exp(t).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> exp(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([1.    , 2.7183], dtype=float32)
    """
    return Exp()(t)


def log(t: Any) -> XTensor:
    """The natural logarithm of t; NaN below 0; integers give kfloat32. Gradient: g / t.

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> log(XTensor([1.0, 2.0])).to_numpy().round(4)
        array([0.    , 0.6931], dtype=float32)
    """
    return Log()(t)


def sqrt(t: Any) -> XTensor:
    """The square root of t; NaN below 0; integers give kfloat32. Gradient: g / (2 * sqrt(t)).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> sqrt(XTensor([4.0, 9.0])).to_numpy()
        array([2., 3.], dtype=float32)
    """
    return Sqrt()(t)


def sin(t: Any) -> XTensor:
    """The sine of t in radians; integers give kfloat32. Gradient: g * cos(t).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> sin(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([0.    , 0.8415], dtype=float32)
    """
    return Sin()(t)


def cos(t: Any) -> XTensor:
    """The cosine of t in radians; integers give kfloat32. Gradient: -g * sin(t).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> cos(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([1.    , 0.5403], dtype=float32)
    """
    return Cos()(t)


def tan(t: Any) -> XTensor:
    """The tangent of t in radians; integers give kfloat32. Gradient: g * (1 + tan(t)**2).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> tan(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([0.    , 1.5574], dtype=float32)
    """
    return Tan()(t)


def asin(t: Any) -> XTensor:
    """The arc sine of t in radians; NaN outside [-1, 1]; integers give kfloat32.

    Gradient: g / sqrt(1 - t**2).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> asin(XTensor([0.0, 0.5])).to_numpy().round(4)
        array([0.    , 0.5236], dtype=float32)
    """
    return Asin()(t)


def acos(t: Any) -> XTensor:
    """The arc cosine of t in radians; NaN outside [-1, 1]; integers give kfloat32.

    Gradient: -g / sqrt(1 - t**2).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> acos(XTensor([1.0, 0.5])).to_numpy().round(4)
        array([0.    , 1.0472], dtype=float32)
    """
    return Acos()(t)


def atan(t: Any) -> XTensor:
    """The arc tangent of t in radians; integers give kfloat32. Gradient: g / (1 + t**2).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> atan(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([0.    , 0.7854], dtype=float32)
    """
    return Atan()(t)


def sinh(t: Any) -> XTensor:
    """The hyperbolic sine of t; integers give kfloat32. Gradient: g * cosh(t).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> sinh(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([0.    , 1.1752], dtype=float32)
    """
    return Sinh()(t)


def cosh(t: Any) -> XTensor:
    """The hyperbolic cosine of t; integers give kfloat32. Gradient: g * sinh(t).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> cosh(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([1.    , 1.5431], dtype=float32)
    """
    return Cosh()(t)


def tanh(t: Any) -> XTensor:
    """The hyperbolic tangent of t; integers give kfloat32. Gradient: g * (1 - tanh(t)**2).

    Args:
        t: any shape.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> tanh(XTensor([0.0, 1.0])).to_numpy().round(4)
        array([0.    , 0.7616], dtype=float32)
    """
    return Tanh()(t)
