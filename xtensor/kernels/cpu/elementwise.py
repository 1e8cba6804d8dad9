"""Elementwise kernels: NumPy's loops where NumPy has them, else the compiled formula.

NumPy's exp, log and tanh use AVX-512 where the machine has it; numba's tanh was 20 times slower.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import scalar
from .._jit import cpu_elementwise

# A chain of ufuncs runs over blocks that stay in a core's own cache between its steps. Much smaller
# blocks (8,192) measured six times slower: threads then fight over the GIL between the steps.
BLOCK = 65_536


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


def quiet(loop: Any) -> Any:
    """The loop without NumPy's warnings, where inf and NaN are the documented results.

    The scope costs a microsecond: sums and products, which overflow only by accident, go without.
    """

    def run(*inputs: Any, out: Any) -> None:
        with np.errstate(all="ignore"):
            loop(*inputs, out=out)

    return run


UFUNCS: dict[str, Any] = {
    "add_forward": np.add,
    "sub_forward": np.subtract,
    "mul_forward": np.multiply,
    "divide_forward": quiet(np.true_divide),
    "power_forward": quiet(np.power),
    "neg_forward": np.negative,
    "reciprocal_forward": quiet(np.reciprocal),
    "square_forward": np.square,
    "cast_forward": quiet(cast),
    "truth_forward": quiet(cast),
    "floor_forward": np.floor,
    "ceil_forward": np.ceil,
    "round_forward": np.rint,
    "sign_forward": np.sign,
    "exp_forward": quiet(np.exp),
    "exp_backward": np.multiply,
    "log_forward": quiet(np.log),
    "log_backward": quiet(np.true_divide),
    "sqrt_forward": quiet(np.sqrt),
    "abs_forward": np.absolute,
    "sin_forward": quiet(np.sin),
    "cos_forward": quiet(np.cos),
    "tan_forward": quiet(np.tan),
    "asin_forward": quiet(np.arcsin),
    "acos_forward": quiet(np.arccos),
    "atan_forward": np.arctan,
    "sinh_forward": quiet(np.sinh),
    "cosh_forward": quiet(np.cosh),
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
