"""Elementwise kernels: NumPy's loops where NumPy has them, else the compiled formula.

NumPy's log and tanh use AVX-512 where the machine has it; numba's tanh was 20 times slower.
Formulas with an exponential in them are written again here, with the one that vectorises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import scalar
from ..scalar import ONE, ZERO
from .exponential import exp, expm1, gauss, log1p, mills, within
from .lifted import BY_FORMULA, Way, cpu_elementwise
from .power import (
    power_backward_x,
    power_backward_y,
    power_forward,
    share_products,
    share_slopes,
)

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


WAYS = {
    "add_forward": Way(np.add, tiles=True),
    "sub_forward": Way(np.subtract, tiles=True),
    "mul_forward": Way(np.multiply, tiles=True),
    "divide_forward": Way(np.true_divide, quiet=True, tiles=True),
    # Its formula does not vectorise: NumPy's loop is faster, whatever is repeated.
    "power_forward": Way(power_forward, shared=share_products, rows=False),
    "power_backward_x": Way(power_backward_x, quiet=True, shared=share_slopes),
    "power_backward_y": Way(power_backward_y, quiet=True),
    "neg_forward": Way(np.negative),
    "square_forward": Way(np.square),
    "abs_forward": Way(np.absolute),
    "floor_forward": Way(np.floor),
    "ceil_forward": Way(np.ceil),
    "round_forward": Way(np.rint),
    "maximum_forward": Way(np.maximum),
    "minimum_forward": Way(np.minimum),
    "cast_forward": Way(cast, quiet=True),
    "truth_forward": Way(cast, quiet=True),
    "less_forward": Way(np.less),
    "less_equal_forward": Way(np.less_equal),
    "greater_forward": Way(np.greater),
    "greater_equal_forward": Way(np.greater_equal),
    "equal_forward": Way(np.equal),
    "not_equal_forward": Way(np.not_equal),
    "isfinite_forward": Way(np.isfinite),
    "isinf_forward": Way(np.isinf),
    "isnan_forward": Way(np.isnan),
    "logical_and_forward": Way(few=np.logical_and),
    "logical_or_forward": Way(few=np.logical_or),
    "logical_xor_forward": Way(few=np.logical_xor),
    "logical_not_forward": Way(few=np.logical_not),
    "sign_forward": Way(few=np.sign),
    "sqrt_forward": Way(few=np.sqrt, quiet=True),
    "reciprocal_forward": Way(few=np.reciprocal, quiet=True),
    "exp_forward": Way(few=np.exp, quiet=True, formula=exp_forward),
    "exp_backward": Way(np.multiply),
    "log_forward": Way(np.log, quiet=True),
    "log_backward": Way(np.true_divide, quiet=True),
    "sin_forward": Way(np.sin, quiet=True),
    "sin_backward": Way(sin_backward, quiet=True),
    "cos_forward": Way(np.cos, quiet=True),
    "cos_backward": Way(cos_backward, quiet=True),
    "tan_forward": Way(np.tan, quiet=True),
    "asin_forward": Way(np.arcsin, quiet=True),
    "acos_forward": Way(np.arccos, quiet=True),
    "atan_forward": Way(np.arctan),
    "sinh_forward": Way(np.sinh, quiet=True),
    "sinh_backward": Way(sinh_backward, quiet=True),
    "cosh_forward": Way(np.cosh, quiet=True),
    "cosh_backward": Way(cosh_backward, quiet=True),
    "tanh_forward": Way(np.tanh),
    "relu_forward": Way(few=positive_part),
    "sigmoid_forward": Way(formula=sigmoid_forward),
    "softplus_forward": Way(formula=softplus_forward),
    "softplus_backward": Way(formula=softplus_backward),
    "elu_forward": Way(formula=elu_forward),
    "elu_backward": Way(formula=elu_backward),
    "gelu_forward": Way(formula=gelu_forward),
    "gelu_backward": Way(formula=gelu_backward),
    "gelu_tanh_forward": Way(formula=gelu_tanh_forward),
    "gelu_tanh_backward": Way(formula=gelu_tanh_backward),
}

for _name, _formula in scalar.formulas().items():
    cpu_elementwise(_name, _formula, WAYS.get(_name, BY_FORMULA))
