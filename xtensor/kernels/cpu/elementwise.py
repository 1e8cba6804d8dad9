"""Elementwise kernels: NumPy's loops where NumPy has them, else the compiled formula.

NumPy's log and tanh use AVX-512 where the machine has it; numba's tanh was 20 times slower.
Formulas with an exponential in them are written again here, with the one that vectorises.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .. import scalar
from .._elementwise import cpu_elementwise, makers, run_ufunc
from ..parallel import SERIAL_ELEMENTS
from ..scalar import ONE, ZERO
from .exponential import exp, expm1, gauss, log1p, mills, within
from .power import (
    power_backward_x,
    power_backward_y,
    power_forward,
    share_products,
    share_slopes,
)
from .simd import add_tiles, div_tiles, mul_tiles, sub_tiles

# mypy: disable-error-code="no-untyped-def"

TWO, THREE = np.float32(2), np.float32(3)


def exp_forward(x):
    return exp(x)


def sigmoid_forward(x):
    """1 / (1 + exp(-x)); an infinite exp gives 0"""
    return ONE / (ONE + exp(-x))


def softplus_forward(x):
    """max(x, 0) + log(1 + exp(-abs(x)))"""
    return (ZERO if x < 0 else x) + log1p(exp(-abs(x)))


def softplus_backward(g, x):
    """g / (1 + exp(-x))"""
    return g / (ONE + exp(-x))


def elu_forward(x, alpha: float):
    """x above 0, alpha * (exp(x) - 1) otherwise; both computed, so that the loop has no branch"""
    below = alpha * expm1(x)
    return x if x > 0 else below


def elu_backward(g, x, alpha: float):
    """g above 0, g * alpha * exp(x) otherwise"""
    below = g * alpha * exp(x)
    return g if x > 0 else below


def gelu_forward(x, root: float):
    """max(x, 0) - abs(x) * Phi(-abs(x)), so that no sum of nearly opposites is scaled

    ``root`` is for the formula of ``scalar.py``, whose parameters these are.
    """
    a = within(x)
    return (ZERO if x < 0 else x) - a * mills(a) * gauss(a)


def gelu_backward(g, x, root: float, peak: float):
    """g * (Phi(x) + x * phi(x)), of which g and what abs(x) gives make up 1 between x and -x"""
    a = within(x)
    tail = gauss(a) * (mills(a) - a * peak)
    return g * (tail if x < 0 else ONE - tail)


def gelu_tanh_forward(x, c: float, d: float):
    """max(x, 0) - abs(x) / (1 + exp(2 v)), v = c abs(x) + d abs(x)**3"""
    a = within(x)
    e = exp(-TWO * a * (c + d * a * a))
    return (ZERO if x < 0 else x) - a * e / (ONE + e)


def gelu_tanh_backward(g, x, c: float, d: float):
    """g * s (1 - 2 abs(x) v' (1 - s)) below 0, g * (1 - the same) above; s = 1 / (1 + exp(2 v))"""
    a = within(x)
    e = exp(-TWO * a * (c + d * a * a))
    rest = ONE / (ONE + e)
    tail = e * rest * (ONE - TWO * a * (c + THREE * d * a * a) * rest)
    return g * (tail if x < 0 else ONE - tail)


FORMULAS = {
    f.__name__: f
    for f in (
        exp_forward, sigmoid_forward, softplus_forward, softplus_backward, elu_forward,
        elu_backward, gelu_forward, gelu_backward, gelu_tanh_forward, gelu_tanh_backward,
    )
}  # fmt: skip


def cast(x: np.ndarray, out: Any) -> None:
    np.copyto(out, x, casting="unsafe")


def sin_backward(g: np.ndarray, x: np.ndarray, out: Any) -> None:
    np.multiply(g, np.cos(x, out=out), out=out)


def cos_backward(g: np.ndarray, x: np.ndarray, out: Any) -> None:
    np.multiply(g, np.sin(x, out=out), out=out)
    np.negative(out, out=out)


def sinh_backward(g: np.ndarray, x: np.ndarray, out: Any) -> None:
    np.multiply(g, np.cosh(x, out=out), out=out)


def cosh_backward(g: np.ndarray, x: np.ndarray, out: Any) -> None:
    np.multiply(g, np.sinh(x, out=out), out=out)


def positive_part(x: np.ndarray) -> Any:
    return np.maximum(x, ZERO)


def quiet(loop: Any) -> Any:
    """The loop without NumPy's warnings, where inf and NaN are the documented results.

    The scope costs a microsecond: sums and products, which overflow only by accident, go without.
    """

    def run(*inputs: Any, out: Any = None) -> Any:
        with np.errstate(all="ignore"):
            return loop(*inputs, out=out)

    return run


# NumPy's loops, and functions that fill ``out`` by them; the quiet ones are called so.
PLAIN = {
    "add_forward": np.add,
    "sub_forward": np.subtract,
    "mul_forward": np.multiply,
    "power_forward": power_forward,
    "neg_forward": np.negative,
    "square_forward": np.square,
    "floor_forward": np.floor,
    "ceil_forward": np.ceil,
    "round_forward": np.rint,
    "exp_backward": np.multiply,
    "abs_forward": np.absolute,
    "atan_forward": np.arctan,
    "tanh_forward": np.tanh,
    "maximum_forward": np.maximum,
    "minimum_forward": np.minimum,
    "less_forward": np.less,
    "less_equal_forward": np.less_equal,
    "greater_forward": np.greater,
    "greater_equal_forward": np.greater_equal,
    "equal_forward": np.equal,
    "not_equal_forward": np.not_equal,
    "isfinite_forward": np.isfinite,
    "isinf_forward": np.isinf,
    "isnan_forward": np.isnan,
}
QUIET = {
    "divide_forward": np.true_divide,
    "power_backward_x": power_backward_x,
    "power_backward_y": power_backward_y,
    "cast_forward": cast,
    "truth_forward": cast,
    "log_forward": np.log,
    "log_backward": np.true_divide,
    "sin_forward": np.sin,
    "sin_backward": sin_backward,
    "cos_forward": np.cos,
    "cos_backward": cos_backward,
    "tan_forward": np.tan,
    "asin_forward": np.arcsin,
    "acos_forward": np.arccos,
    "sinh_forward": np.sinh,
    "sinh_backward": sinh_backward,
    "cosh_forward": np.cosh,
    "cosh_backward": cosh_backward,
}
# What makes few numbers where the compiled formula is faster for so many.
FEW = 8192
FOR_FEW = {
    "exp_forward": quiet(np.exp),
    "sqrt_forward": quiet(np.sqrt),
    "reciprocal_forward": quiet(np.reciprocal),
    "relu_forward": positive_part,
    "sign_forward": np.sign,
    "logical_and_forward": np.logical_and,
    "logical_or_forward": np.logical_or,
    "logical_xor_forward": np.logical_xor,
    "logical_not_forward": np.logical_not,
}
# What shares out many numbers, besides the loops of ufuncs.
SHARED: dict[str, Any] = {"power_forward": share_products, "power_backward_x": share_slopes}
# Formulas that do not vectorise: NumPy's loop is faster, whatever is repeated.
SLOW = {"power_forward"}
VECTORS = {
    "add_forward": add_tiles,
    "sub_forward": sub_tiles,
    "mul_forward": mul_tiles,
    "divide_forward": div_tiles,
}

for _name, _formula in scalar.formulas().items():
    _loop: Any = PLAIN.get(_name) or QUIET.get(_name)
    _called = quiet(_loop) if _name in QUIET else _loop
    _is_ufunc = isinstance(_loop, np.ufunc)
    _kernel = cpu_elementwise(
        _name,
        FORMULAS.get(_name, _formula),
        _called,
        partial(run_ufunc, _loop) if _is_ufunc else SHARED.get(_name),
        VECTORS.get(_name),
        _name not in SLOW,
    )
    if _is_ufunc:
        makers[_name] = _called, SERIAL_ELEMENTS, _kernel.arrays
    elif _name in FOR_FEW:
        makers[_name] = FOR_FEW[_name], FEW, _kernel.arrays
    _kernel.__module__ = scalar.__name__  # where the formula is explained, for both devices
