"""Formulas on single numbers; every function here becomes an elementwise kernel of that name.

On CUDA the formula is lifted into a grid-stride loop with broadcasting. On the CPU NumPy's own loop
is used where there is one and it is faster, else numba compiles the formula, or one of the same
meaning that vectorises (``cpu/elementwise.py`` says where).
Parameters with an annotation are plain numbers, the others array elements. ``g`` is the gradient of
the output, ``x`` and ``y`` are inputs, ``out`` is what forward gave.

A literal, 1 as well as 0.5, widens float32 to float64, so that a number which meets an element is
float32 itself. Beside what ``math`` gives stands a literal: the simulator has a float of Python's
there, which a float32 would narrow.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

# mypy: disable-error-code="no-untyped-def"


ZERO, HALF, ONE, SIX = (np.float32(n) for n in (0, 0.5, 1, 6))
# From here on numbers are whole, infinite or NaN; numba rounds to an int64, where they may not fit.
WHOLE = np.float32(2**62)


# -- arithmetic -----------------------------------------------------------------------------------


def add_forward(x, y):
    return x + y


def sub_forward(x, y):
    return x - y


def mul_forward(x, y):
    return x * y


def divide_forward(x, y):
    return x / y


def divide_backward_y(g, out, y):
    return -g * out / y


def power_forward(x, y):
    return x**y


def power_backward_x(g, x, y):
    """0 where y is 0, even at x = 0."""
    return g * y * x ** (y - ONE) if y != 0 else g * y


def power_backward_y(g, x, out):
    """0 at x = 0, where x**y does not depend on a positive y; infinite with it for a negative y."""
    if x != 0:
        return g * out * math.log(x)
    return -g * out if abs(out) > ONE else g * x


def neg_forward(x):
    return -x


def reciprocal_forward(x):
    return ONE / x


def reciprocal_backward(g, out):
    return -g * out * out


def square_forward(x):
    return x * x


def square_backward(g, x):
    return g * x + g * x


def cast_forward(x):
    return x


def truth_forward(x):
    return x != 0


# -- rounding -------------------------------------------------------------------------------------


def floor_forward(x):
    return math.floor(x) if abs(x) < WHOLE else x


def ceil_forward(x):
    return math.ceil(x) if abs(x) < WHOLE else x


def round_forward(x):
    """To the nearest whole number, ties to the even one."""
    if not abs(x) < WHOLE:
        return x
    below = math.floor(x)
    rest = x - below
    if rest < 0.5 or (rest == 0.5 and below % 2 == 0):
        return below
    return below + 1


def sign_forward(x):
    """0 for -0.0 too; NaN stays NaN."""
    return 1 if x > 0 else (-1 if x < 0 else x - x)


# -- exponentials, roots, circles -----------------------------------------------------------------


def exp_forward(x):
    return math.exp(x)


def exp_backward(g, out):
    return g * out


def log_forward(x):
    return math.log(x)


def log_backward(g, x):
    return g / x


def sqrt_forward(x):
    return math.sqrt(x)


def sqrt_backward(g, out):
    return g / (out + out)


def norm_backward(g, out, count: float):
    """g / (count * out), and 0 where a root has no slope to speak of."""
    return g / (count * out) if out != 0 else 0


def abs_forward(x):
    return abs(x)


def abs_backward(g, x):
    return g if x > 0 else (-g if x < 0 else g * x)


def sin_forward(x):
    return math.sin(x)


def sin_backward(g, x):
    return g * math.cos(x)


def cos_forward(x):
    return math.cos(x)


def cos_backward(g, x):
    return -g * math.sin(x)


def tan_forward(x):
    return math.tan(x)


def tan_backward(g, out):
    return g + g * out * out


def asin_forward(x):
    return math.asin(x)


def asin_backward(g, x):
    return g / math.sqrt(ONE - x * x)


def acos_forward(x):
    return math.acos(x)


def acos_backward(g, x):
    return -g / math.sqrt(ONE - x * x)


def atan_forward(x):
    return math.atan(x)


def atan_backward(g, x):
    return g / (ONE + x * x)


def sinh_forward(x):
    return math.sinh(x)


def sinh_backward(g, x):
    return g * math.cosh(x)


def cosh_forward(x):
    return math.cosh(x)


def cosh_backward(g, x):
    return g * math.sinh(x)


def tanh_forward(x):
    return math.tanh(x)


def tanh_backward(g, out):
    return g - g * out * out


# -- activations ----------------------------------------------------------------------------------


def sigmoid_forward(x):
    """1 / (1 + exp(-x)), written with tanh so that no exp overflows."""
    return 0.5 + 0.5 * math.tanh(0.5 * x)


def sigmoid_backward(g, out):
    return g * (out - out * out)


def softplus_forward(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def softplus_backward(g, x):
    return g * (0.5 + 0.5 * math.tanh(0.5 * x))


def softsign_forward(x):
    return x / (ONE + abs(x))


def softsign_backward(g, x):
    return g / ((ONE + abs(x)) * (ONE + abs(x)))


def relu_forward(x):
    """max(x, 0); NaN stays NaN."""
    return x if x > 0 or x != x else 0


def relu_backward(g, out):
    return g if out > 0 else 0


def hard_sigmoid_forward(x):
    return min(max(x / SIX + HALF, ZERO), ONE) if x == x else x


def hard_sigmoid_backward(g, x):
    return g / SIX if x > -3 and x < 3 else 0


def leaky_relu_forward(x, alpha: float):
    return x if x >= 0 else alpha * x


def leaky_relu_backward(g, x, alpha: float):
    return g if x >= 0 else alpha * g


def elu_forward(x, alpha: float):
    return x if x > 0 else alpha * math.expm1(x)


def elu_backward(g, x, alpha: float):
    return g if x > 0 else g * alpha * math.exp(x)


def gelu_forward(x, root: float):
    """x * Phi(x), Phi the normal distribution: erfc(-x * root) / 2, root = sqrt(1 / 2)"""
    twice = math.erfc(-x * root)
    return 0.5 * (x * twice) if twice != 0 else 0


def gelu_backward(g, x, root: float, peak: float):
    """g * (Phi(x) + x * phi(x)), phi = peak * exp(-x * x / 2) the density"""
    y = x * root
    density = peak * math.exp(-y * y)
    slope = 0.5 * math.erfc(-y)
    return g * (slope + x * density) if density != 0 else g * slope


def gelu_tanh_forward(x, c: float, d: float):
    """x * (1 + tanh(v)) / 2, v = c x + d x**3"""
    rise = 1 + math.tanh(x * (c + d * x * x))
    return 0.5 * (x * rise) if rise != 0 else 0


def gelu_tanh_backward(g, x, c: float, d: float):
    t = math.tanh(x * (c + d * x * x))
    slope, bend = 0.5 + 0.5 * t, 1 - t * t
    return g * (slope + 0.5 * x * bend * (c + 3 * d * x * x)) if bend != 0 else g * slope


# -- selection ------------------------------------------------------------------------------------


def maximum_forward(x, y):
    """The larger; NaN if either is."""
    return x if x > y or x != x else y


def minimum_forward(x, y):
    return x if x < y or x != x else y


def maximum_backward(g, x, y):
    """Gradient for x: all where x is larger, half at a tie."""
    return g if x > y else (HALF * g if x == y else 0)


def minimum_backward(g, x, y):
    return g if x < y else (HALF * g if x == y else 0)


def clip_forward(x, low: float, high: float):
    return low if x < low else (high if x > high else x)


def clip_backward(g, x, low: float, high: float):
    return g if x >= low and x <= high else 0


def where_forward(x, y, z):
    """Compared with 0, because numba's truth of a bool keeps this loop from vectorising."""
    return y if x != 0 else z


def masked_fill_forward(x, y, value: float):
    return value if y != 0 else x


def keep_if(g, x):
    """The gradient where the condition holds."""
    return g if x else 0


def keep_unless(g, x):
    return 0 if x else g


# -- truth ----------------------------------------------------------------------------------------


def less_forward(x, y):
    return x < y


def less_equal_forward(x, y):
    return x <= y


def greater_forward(x, y):
    return x > y


def greater_equal_forward(x, y):
    return x >= y


def equal_forward(x, y):
    return x == y


def not_equal_forward(x, y):
    return x != y


def logical_and_forward(x, y):
    return x != 0 and y != 0


def logical_or_forward(x, y):
    return x != 0 or y != 0


def logical_xor_forward(x, y):
    return (x != 0) != (y != 0)


def logical_not_forward(x):
    return x == 0


def isfinite_forward(x):
    return x == x and x != math.inf and x != -math.inf


def isinf_forward(x):
    return x == math.inf or x == -math.inf


def isnan_forward(x):
    return x != x


def isneginf_forward(x):
    return x == -math.inf


def isposinf_forward(x):
    return x == math.inf


def formulas() -> dict[str, Callable[..., Any]]:
    """Every formula of this file by name."""
    module = sys.modules[__name__]
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value is not formulas and value.__module__ == __name__
    }
