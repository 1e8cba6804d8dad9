"""Elementwise operations: arithmetic, functions of one number, activations, comparisons.

Each class names its kernels by its own name (``exp_forward``, ``exp_backward``); the formulas stand
in ``kernels/scalar.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array, empty_like, full_like, to_host
from ..dtype import BOOL
from ..errors import message
from ..kernels import launch
from ..op import Op
from ..tensor import XTensor


def apply(name: str, arrays: tuple[Array, ...], *numbers: Any, dtype: Any = None) -> Array:
    """Run an elementwise kernel on broadcastable arrays of one dtype into a new array."""
    first = arrays[0]
    shape = first.shape
    for array in arrays[1:]:
        if array.shape != shape:
            shape = np.broadcast_shapes(shape, array.shape)
    if type(first) is np.ndarray:
        out = np.empty(shape, first.dtype if dtype is None else dtype)
    else:
        out = empty_like(first, shape, dtype)
    launch(name, out.size, out, *arrays, *numbers)
    return out


class _Elementwise(Op):
    """Shared by all: inputs broadcast, and shapes that do not are named."""

    broadcasts = True
    accepts_bool = True

    def check(self, *inputs: Array) -> None:
        shape = inputs[0].shape
        for array in inputs[1:]:
            if array.shape != shape:
                try:
                    shape = np.broadcast_shapes(shape, array.shape)
                except ValueError:
                    raise ValueError(
                        message(self.name, "its arguments",
                                "of shapes " + " and ".join(str(list(a.shape)) for a in inputs),
                                "shapes that broadcast: equal lengths, or 1, from the last axis on")
                    ) from None  # fmt: skip
        if not self.accepts_bool and inputs[0].dtype == BOOL:
            raise TypeError(
                message(self.name, "its argument", "kbool", "numbers", "cast it with dtype=kint32")
            )


class _Unary(_Elementwise):
    """f(x); backward takes what ``keeps`` names: the input, the output or nothing."""

    promotion = "float"
    keeps = "input"

    def forward(self, x: Array) -> Array:
        out = apply(f"{self.name}_forward", (x,))
        self.save(x if self.keeps == "input" else out)
        return out

    def backward(self, grad_out: Array) -> Array:
        return apply(f"{self.name}_backward", (grad_out, *self.saved))


class _Step(_Unary):
    """A piecewise constant function: the gradient is 0."""

    def backward(self, grad_out: Array) -> Array:
        return full_like(grad_out, 0)


class _Truth(_Elementwise):
    """A kbool result; nothing to differentiate."""

    promotion = "common"
    differentiable = False

    def forward(self, *inputs: Array) -> Array:
        return apply(f"{self.name}_forward", inputs, dtype=BOOL)


# -- arithmetic -----------------------------------------------------------------------------------


class Add(_Elementwise):
    """t1 + t2"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        return apply("add_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array, Array]:
        return grad_out, grad_out


class Sub(_Elementwise):
    """t1 - t2"""

    promotion = "common"
    accepts_bool = False

    def forward(self, x: Array, y: Array) -> Array:
        return apply("sub_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array, Array | None]:
        return grad_out, apply("neg_forward", (grad_out,)) if self.needs(1) else None


class Mul(_Elementwise):
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


class Divide(_Elementwise):
    """t1 / t2, kfloat32 for integers"""

    promotion = "float"

    def forward(self, x: Array, y: Array) -> Array:
        out = apply("divide_forward", (x, y))
        self.save(y, out)
        return out

    def backward(self, grad_out: Array) -> tuple[Array, Array | None]:
        y, out = self.saved
        return (
            apply("divide_forward", (grad_out, y)),
            apply("divide_backward_y", (grad_out, out, y)) if self.needs(1) else None,
        )


class Power(_Elementwise):
    """t1 ** t2"""

    promotion = "common"
    accepts_bool = False

    def check(self, x: Array, y: Array) -> None:
        super().check(x, y)
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


class Maximum(_Elementwise):
    """The larger of t1 and t2; a tie shares the gradient evenly"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        self.save(x, y)
        return apply(f"{self.name}_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array, Array]:
        x, y = self.saved
        kernel = f"{self.name}_backward"
        return apply(kernel, (grad_out, x, y)), apply(kernel, (grad_out, y, x))


class Minimum(Maximum):
    """The smaller of t1 and t2; a tie shares the gradient evenly"""


# -- one number in, one out -----------------------------------------------------------------------


class Neg(_Unary):
    """-t"""

    promotion = "common"
    accepts_bool = False

    def backward(self, grad_out: Array) -> Array:
        return apply("neg_forward", (grad_out,))


class Abs(_Unary):
    """Absolute value; gradient sign(t), 0 at 0"""

    promotion = "common"
    accepts_bool = False


class Square(_Unary):
    """t * t"""

    promotion = "common"


class Sign(_Step):
    """-1, 0 or 1"""

    promotion = "common"
    accepts_bool = False


class Floor(_Step):
    """Rounded down"""


class Ceil(_Step):
    """Rounded up"""


class Round(_Step):
    """Rounded to the nearest whole number, ties to the even one"""


class Reciprocal(_Unary):
    """1 / t"""

    keeps = "output"


class Exp(_Unary):
    """e ** t"""

    keeps = "output"


class Log(_Unary):
    """Natural logarithm"""


class Sqrt(_Unary):
    """Square root"""

    keeps = "output"


class Sin(_Unary):
    """Sine of radians"""


class Cos(_Unary):
    """Cosine of radians"""


class Tan(_Unary):
    """Tangent of radians"""

    keeps = "output"


class Asin(_Unary):
    """Arc sine in radians"""


class Acos(_Unary):
    """Arc cosine in radians"""


class Atan(_Unary):
    """Arc tangent in radians"""


class Sinh(_Unary):
    """Hyperbolic sine"""


class Cosh(_Unary):
    """Hyperbolic cosine"""


class Tanh(_Unary):
    """Hyperbolic tangent"""

    keeps = "output"


# -- activations ----------------------------------------------------------------------------------


class Sigmoid(_Unary):
    """1 / (1 + exp(-x))"""

    keeps = "output"


class Relu(_Unary):
    """max(x, 0); gradient 0 at 0"""

    keeps = "output"


# -- truth ----------------------------------------------------------------------------------------


class Less(_Truth):
    """t1 < t2"""


class LessEqual(_Truth):
    """t1 <= t2"""


class Greater(_Truth):
    """t1 > t2"""


class GreaterEqual(_Truth):
    """t1 >= t2"""


class Equal(_Truth):
    """t1 == t2"""


class NotEqual(_Truth):
    """t1 != t2"""


# -- public functions -----------------------------------------------------------------------------


def add(t1: Any, t2: Any) -> XTensor:
    return Add()(t1, t2)


def sub(t1: Any, t2: Any) -> XTensor:
    return Sub()(t1, t2)


def mul(t1: Any, t2: Any) -> XTensor:
    return Mul()(t1, t2)


def neg(t: Any) -> XTensor:
    return Neg()(t)


def exp(t: Any) -> XTensor:
    return Exp()(t)


def relu(x: Any) -> XTensor:
    return Relu()(x)
