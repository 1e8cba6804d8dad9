"""Hangs the ops on XTensor as operators and methods, so that tensor.py need not import them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import autograd
from .device import cast
from .dtype import BOOL, is_floating
from .errors import message
from .ops import elementwise, index, logic, matmul, random, reduce, shape
from .tensor import XTensor, as_numbers


def _reflected(function: Callable[[Any, Any], XTensor]) -> Callable[[XTensor, Any], XTensor]:
    return lambda self, other: function(other, self)


def _of_truth(sign: str, function: Callable[..., XTensor]) -> Callable[..., XTensor]:
    """``a & b`` and its like; of numbers the sign would mean the bits, which nothing here does."""

    def apply(*operands: Any) -> XTensor:
        where = f"operator {sign}"
        for operand in operands:
            known = isinstance(operand, XTensor)
            dtype = operand.array.dtype if known else as_numbers(operand, where).dtype
            if dtype != BOOL:
                raise TypeError(
                    message(where, "an operand", f"of dtype {dtype}", "truth values, kbool",
                            f"compare it, as in t > 0, or call {function.__name__}")
                )  # fmt: skip
        return function(*operands)

    return apply


_and, _or = _of_truth("&", logic.logical_and), _of_truth("|", logic.logical_or)
_xor = _of_truth("^", logic.logical_xor)


def _in_place(name: str, sign: str, op: type) -> Callable[[XTensor, Any], XTensor]:
    """``a += b``: never recorded, the object, its shape and its dtype stay."""

    remedy = f"write a = a {sign} b"

    def apply(self: XTensor, other: Any) -> XTensor:
        autograd.warn_unrecorded(f"in place {name}", self, other, remedy)
        with autograd.no_grad():
            result = op()(self, other).array
        if result.shape != self.array.shape:
            raise ValueError(
                message(f"in place {name}", "the result", f"shape {list(result.shape)}",
                        f"shape {self.shape}, which the tensor keeps")
            )  # fmt: skip
        if is_floating(result.dtype) and not is_floating(self.array.dtype):
            raise TypeError(
                message(f"in place {name}", "the result", str(result.dtype),
                        f"{self.dtype}, which the tensor keeps", remedy)
            )  # fmt: skip
        self.array = cast(result, self.array.dtype)
        return self

    return apply


_METHODS: dict[str, Callable[..., Any]] = {
    "__add__": elementwise.add,
    "__radd__": _reflected(elementwise.add),
    "__sub__": elementwise.sub,
    "__rsub__": _reflected(elementwise.sub),
    "__mul__": elementwise.mul,
    "__rmul__": _reflected(elementwise.mul),
    "__truediv__": elementwise.divide,
    "__rtruediv__": _reflected(elementwise.divide),
    "__pow__": elementwise.power,
    "__rpow__": _reflected(elementwise.power),
    "__matmul__": matmul.matmul,
    "__rmatmul__": _reflected(matmul.matmul),
    "__neg__": elementwise.neg,
    "__abs__": elementwise.abs,
    "__iadd__": _in_place("add", "+", elementwise.Add),
    "__isub__": _in_place("sub", "-", elementwise.Sub),
    "__imul__": _in_place("mul", "*", elementwise.Mul),
    "__itruediv__": _in_place("divide", "/", elementwise.Divide),
    "__lt__": logic.less,
    "__le__": logic.less_equal,
    "__gt__": logic.greater,
    "__ge__": logic.greater_equal,
    "__eq__": logic.equal,
    "__ne__": logic.not_equal,
    "__and__": _and,
    "__rand__": _reflected(_and),
    "__or__": _or,
    "__ror__": _reflected(_or),
    "__xor__": _xor,
    "__rxor__": _reflected(_xor),
    "__invert__": _of_truth("~", logic.logical_not),
    "__getitem__": index.getitem,
    "__setitem__": index.setitem,
    "reshape": shape.reshape,
    "transpose": shape.transpose,
    "argmax": reduce.argmax,
    "argmin": reduce.argmin,
    "all": reduce.all,
    "any": reduce.any,
    "fill_rand_binary_": random.fill_rand_binary_,
    "fill_rand_signed_uniform_": random.fill_rand_signed_uniform_,
    "fill_rand_uniform_": random.fill_rand_uniform_,
    "fill_rand_normal_": random.fill_rand_normal_,
}

for _name, _function in _METHODS.items():
    setattr(XTensor, _name, _function)
