"""Elementwise kernels: NumPy's loops where NumPy has them, else the compiled formula.

NumPy's exp, log and tanh use AVX-512 where the machine has it; numba's tanh measured 20 times slower.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import scalar
from .._jit import cpu_elementwise

# A chain of ufuncs runs over blocks that stay in the first-level cache between its steps.
BLOCK = 8192


def sigmoid(x: np.ndarray, out: Any) -> None:
    """out = 0.5 + 0.5 * tanh(0.5 * x)"""
    if out.ndim != 1 or out.size <= BLOCK:
        np.multiply(x, 0.5, out=out)
        np.tanh(out, out=out)
        np.multiply(out, 0.5, out=out)
        np.add(out, 0.5, out=out)
        return
    for start in range(0, out.size, BLOCK):
        sigmoid(x[start : start + BLOCK], out[start : start + BLOCK])


def relu(x: np.ndarray, out: Any) -> None:
    """out = max(x, 0)"""
    np.maximum(x, 0, out=out)


def where(condition: np.ndarray, x: np.ndarray, y: np.ndarray, out: Any) -> None:
    """out = x where condition, else y"""
    np.copyto(out, y)
    np.copyto(out, x, where=condition)


def cast(x: np.ndarray, out: Any) -> None:
    np.copyto(out, x, casting="unsafe")


def clip(x: np.ndarray, low: float, high: float, out: Any) -> None:
    np.clip(x, low, high, out=out)


UFUNCS: dict[str, Any] = {
    "add_forward": np.add,
    "sub_forward": np.subtract,
    "mul_forward": np.multiply,
    "divide_forward": np.true_divide,
    "power_forward": np.power,
    "neg_forward": np.negative,
    "reciprocal_forward": np.reciprocal,
    "square_forward": np.square,
    "cast_forward": cast,
    "truth_forward": cast,
    "floor_forward": np.floor,
    "ceil_forward": np.ceil,
    "round_forward": np.rint,
    "sign_forward": np.sign,
    "exp_forward": np.exp,
    "exp_backward": np.multiply,
    "log_forward": np.log,
    "log_backward": np.true_divide,
    "sqrt_forward": np.sqrt,
    "abs_forward": np.absolute,
    "sin_forward": np.sin,
    "cos_forward": np.cos,
    "tan_forward": np.tan,
    "asin_forward": np.arcsin,
    "acos_forward": np.arccos,
    "atan_forward": np.arctan,
    "sinh_forward": np.sinh,
    "cosh_forward": np.cosh,
    "tanh_forward": np.tanh,
    "sigmoid_forward": sigmoid,
    "relu_forward": relu,
    "maximum_forward": np.maximum,
    "minimum_forward": np.minimum,
    "clip_forward": clip,
    "where_forward": where,
    "less_forward": np.less,
    "less_equal_forward": np.less_equal,
    "greater_forward": np.greater,
    "greater_equal_forward": np.greater_equal,
    "equal_forward": np.equal,
    "not_equal_forward": np.not_equal,
    "logical_and_forward": np.logical_and,
    "logical_or_forward": np.logical_or,
    "logical_xor_forward": np.logical_xor,
    "logical_not_forward": np.logical_not,
    "isfinite_forward": np.isfinite,
    "isinf_forward": np.isinf,
    "isnan_forward": np.isnan,
}

for _name, _formula in scalar.formulas().items():
    cpu_elementwise(_name, _formula, UFUNCS.get(_name))
