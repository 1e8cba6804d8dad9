"""Activations: elementwise, with the formulas of kernels/scalar.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..device import Array
from ..elementwise import apply
from ..errors import message, shown
from ..tensor import XTensor
from .elementwise import Unary


class Sigmoid(Unary):
    """1 / (1 + exp(-x))"""

    keeps = "output"


class Softplus(Unary):
    """log(1 + exp(x)) without overflow"""


class Softsign(Unary):
    """x / (1 + abs(x))"""


class HardSigmoid(Unary):
    """0 up to -3, 1 from 3 on, x / 6 + 1 / 2 between"""


class Relu(Unary):
    """max(x, 0); gradient 0 at 0"""

    keeps = "output"


class _WithAlpha(Unary, abstract=True):
    """An activation with one parameter, a plain number."""

    def __init__(self, alpha: float) -> None:
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.number)):
            raise TypeError(message(self.name, "alpha", shown(alpha), "a number"))
        if alpha != alpha:
            raise ValueError(message(self.name, "alpha", "NaN", "a number"))
        self.alpha = alpha

    def forward(self, x: Array) -> Array:
        self.save(x)
        return apply(f"{self.name}_forward", (x,), (x.dtype.type(self.alpha),))

    def backward(self, grad_out: Array) -> Array:
        (x,) = self.saved
        return apply(f"{self.name}_backward", (grad_out, x), (x.dtype.type(self.alpha),))


class LeakyRelu(_WithAlpha):
    """x from 0 on, alpha * x below"""


class Elu(_WithAlpha):
    """x above 0, alpha * (exp(x) - 1) otherwise"""


class Gelu(Unary):
    """x * Phi(x), Phi the normal distribution, or the form with tanh"""

    def __init__(self, approximate: str) -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(
                message(self.name, "approximate", shown(approximate), "'none' or 'tanh'")
            )
        self.approximate = approximate

    def forward(self, x: Array) -> Array:
        self.save(x)
        number = x.dtype.type
        if self.approximate == "tanh":
            return apply("gelu_tanh_forward", (x,), (number(TANH_1), number(TANH_3)))
        return apply("gelu_forward", (x,), (number(ROOT),))

    def backward(self, grad_out: Array) -> Array:
        (x,) = self.saved
        number = x.dtype.type
        if self.approximate == "tanh":
            return apply("gelu_tanh_backward", (grad_out, x), (number(TANH_1), number(TANH_3)))
        return apply("gelu_backward", (grad_out, x), (number(ROOT), number(PEAK)))


# Phi(x) = erfc(-x * ROOT) / 2, its density at 0, and what Phi's approximation has in its tanh.
ROOT, PEAK = math.sqrt(1 / 2), 1 / math.sqrt(2 * math.pi)
TANH_1 = math.sqrt(2 / math.pi)
TANH_3 = 0.044715 * TANH_1


# -- public functions -----------------------------------------------------------------------------


def sigmoid(x: Any) -> XTensor:
    """1 / (1 + exp(-x)). Gradient: g * y * (1 - y).

    Args:
        x: any shape; integers give kfloat32.

    Raises:
        TypeError: ``x`` is no tensor, number or array.

    Example:
        >>> sigmoid(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([0.2689, 0.5   , 0.8808], dtype=float32)
    """
    return Sigmoid()(x)


def softplus(x: Any) -> XTensor:
    """log(1 + exp(x)), computed without overflow. Gradient: g * sigmoid(x).

    Args:
        x: any shape; integers give kfloat32.

    Raises:
        TypeError: ``x`` is no tensor, number or array.

    Example:
        >>> softplus(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([0.3133, 0.6931, 2.1269], dtype=float32)
    """
    return Softplus()(x)


def softsign(x: Any) -> XTensor:
    """x / (1 + abs(x)). Gradient: g / (1 + abs(x))**2.

    Args:
        x: any shape; integers give kfloat32.

    Raises:
        TypeError: ``x`` is no tensor, number or array.

    Example:
        >>> softsign(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([-0.5   ,  0.    ,  0.6667], dtype=float32)
    """
    return Softsign()(x)


def hard_sigmoid(x: Any) -> XTensor:
    """0 for x <= -3, 1 for x >= 3, x / 6 + 1 / 2 between. Gradient: g / 6 inside, 0 outside.

    Args:
        x: any shape; integers give kfloat32.

    Raises:
        TypeError: ``x`` is no tensor, number or array.

    Example:
        >>> hard_sigmoid(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([0.3333, 0.5   , 0.8333], dtype=float32)
    """
    return HardSigmoid()(x)


def relu(x: Any) -> XTensor:
    """max(x, 0). Gradient: g where x > 0.

    Args:
        x: any shape; integers give kfloat32.

    Raises:
        TypeError: ``x`` is no tensor, number or array.

    Example:
        >>> relu(XTensor([-1.0, 0.0, 2.0])).to_numpy()
        array([0., 0., 2.], dtype=float32)
    """
    return Relu()(x)


def leaky_relu(x: Any, alpha: float = 0.01) -> XTensor:
    """x for x >= 0, alpha * x otherwise. Gradient: g or alpha * g.

    Args:
        x: any shape; integers give kfloat32.
        alpha: slope or scale on the negative side, a number.

    Raises:
        TypeError: ``x`` is no tensor, number or array.
        TypeError: ``alpha`` is not a number.
        ValueError: it is NaN.

    Example:
        >>> leaky_relu(XTensor([-1.0, 0.0, 2.0])).to_numpy()
        array([-0.01,  0.  ,  2.  ], dtype=float32)
    """
    return LeakyRelu(alpha)(x)


def elu(x: Any, alpha: float = 1) -> XTensor:
    """x for x > 0, alpha * (exp(x) - 1) otherwise. Gradient: g or g * alpha * exp(x).

    Args:
        x: any shape; integers give kfloat32.
        alpha: slope or scale on the negative side, a number.

    Raises:
        TypeError: ``x`` is no tensor, number or array.
        TypeError: ``alpha`` is not a number.
        ValueError: it is NaN.

    Example:
        >>> elu(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([-0.6321,  0.    ,  2.    ], dtype=float32)
    """
    return Elu(alpha)(x)


def gelu(x: Any, approximate: str = "none") -> XTensor:
    """x * Phi(x), Phi the normal distribution. Gradient: g * (Phi(x) + x * phi(x)).

    Phi(x) = (1 + erf(x / sqrt(2))) / 2, and phi(x) = exp(-x**2 / 2) / sqrt(2 pi) its density.
    "tanh" puts (1 + tanh(v)) / 2 in the place of Phi(x), v = sqrt(2 / pi) * (x + 0.044715 * x**3),
    and has the gradient of that. Both are from Hendrycks and Gimpel, "Gaussian Error Linear Units",
    arXiv:1606.08415.

    Args:
        x: any shape; integers give kfloat32.
        approximate: "none" or "tanh".

    Raises:
        TypeError: ``x`` is no tensor, number or array.
        ValueError: ``approximate`` is something else.

    Example:
        >>> gelu(XTensor([-1.0, 0.0, 2.0])).to_numpy().round(4)
        array([-0.1587,  0.    ,  1.9545], dtype=float32)
    """
    return Gelu(approximate)(x)
