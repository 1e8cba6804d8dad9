"""Comparison, truth, selection: kbool results, and the larger, the smaller, the chosen of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..device import Array, cast
from ..dtype import BOOL, INT64, is_floating
from ..elementwise import apply
from ..errors import message, shown
from ..tensor import XTensor, wrap
from .elementwise import Elementwise, Unary


class Truth(Elementwise, abstract=True):
    """A kbool result; nothing to differentiate."""

    promotion = "common"
    differentiable = False

    def _as_tensors(self, inputs: tuple[Any, ...]) -> list[XTensor]:
        """A number beyond the dtype it meets has an answer too, as ``labels != -1`` of kuint8."""
        try:
            return super()._as_tensors(inputs)
        except OverflowError:
            wide = [wrap(cast(x.array, INT64)) if isinstance(x, XTensor) else x for x in inputs]
            return super()._as_tensors(tuple(wide))

    def forward(self, *inputs: Array) -> Array:
        return apply(f"{self.name}_forward", inputs, dtype=BOOL)


class Maximum(Elementwise):
    """The larger of t1 and t2; a tie shares the gradient evenly"""

    promotion = "common"

    def forward(self, x: Array, y: Array) -> Array:
        self.save(x, y)
        return apply(f"{self.name}_forward", (x, y))

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None]:
        x, y = self.saved
        kernel = f"{self.name}_backward"
        return (
            apply(kernel, (grad_out, x, y)) if self.needs(0) else None,
            apply(kernel, (grad_out, y, x)) if self.needs(1) else None,
        )


class Minimum(Maximum):
    """The smaller of t1 and t2; a tie shares the gradient evenly"""


class Clip(Unary):
    """t limited to an interval; the gradient passes inside it"""

    promotion = "common"
    accepts_bool = False

    def __init__(self, low: float | None, high: float | None) -> None:
        self.low, self.high = low, high

    def check(self, x: Array) -> None:
        for argument, value in (("min_val", self.low), ("max_val", self.high)):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise TypeError(message("clip", argument, shown(value), "a number or None"))
            if math.isnan(value):
                raise ValueError(message("clip", argument, "NaN", "a number or None"))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(message("clip", "min_val", self.low, f"at most max_val, {self.high}"))

    def bounds(self, dtype: np.dtype[Any]) -> tuple[Any, Any]:
        """Both ends in the tensor's dtype; an open one is that dtype's own limit."""
        if is_floating(dtype):
            least, most = -math.inf, math.inf
        else:
            least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        low = least if self.low is None else max(self.low, least)
        high = most if self.high is None else min(self.high, most)
        if low <= high and not is_floating(dtype):
            low, high = math.ceil(low), math.floor(high)
        if low > high:
            raise ValueError(
                message("clip", "min_val and max_val", f"{self.low} and {self.high}",
                        f"limits with a whole number between them that {dtype} can hold")
            )  # fmt: skip
        return dtype.type(low), dtype.type(high)

    def forward(self, x: Array) -> Array:
        self.save(x)
        return apply("clip_forward", (x,), self.bounds(x.dtype))

    def backward(self, grad_out: Array) -> Array:
        (x,) = self.saved
        return apply("clip_backward", (grad_out, x), self.bounds(x.dtype))


class Where(Elementwise):
    """t1 where the condition holds, else t2"""

    def check(self, condition: Array, x: Array, y: Array) -> None:
        if condition.dtype != BOOL:
            raise TypeError(
                message("where", "condition", str(condition.dtype), "a kbool tensor",
                        "compare it, as in t > 0")
            )  # fmt: skip

    def _as_tensors(self, inputs: tuple[Any, ...]) -> list[XTensor]:
        """Numbers become what the tensor among the values is; the condition gives the device."""
        found = super()._as_tensors(inputs)
        if any(isinstance(x, XTensor) for x in inputs[1:]):
            found[1:] = super()._as_tensors(inputs[1:])
        return found

    def _promote(self, arrays: list[Array]) -> list[Array]:
        values = super()._promote(arrays[1:])
        if self.cast_from is not None:
            self.cast_from = [arrays[0].dtype, *self.cast_from]
        return [arrays[0], *values]

    promotion = "common"

    def forward(self, condition: Array, x: Array, y: Array) -> Array:
        self.save(condition)
        return apply("where_forward", (condition, x, y), dtype=x.dtype)

    def backward(self, grad_out: Array) -> tuple[None, Array | None, Array | None]:
        (condition,) = self.saved
        return (
            None,
            apply("keep_if", (grad_out, condition)) if self.needs(1) else None,
            apply("keep_unless", (grad_out, condition)) if self.needs(2) else None,
        )


class Less(Truth):
    """t1 < t2"""


class LessEqual(Truth):
    """t1 <= t2"""


class Greater(Truth):
    """t1 > t2"""


class GreaterEqual(Truth):
    """t1 >= t2"""


class Equal(Truth):
    """t1 == t2"""


class NotEqual(Truth):
    """t1 != t2"""


class LogicalAnd(Truth):
    """t1 and t2, where any number but 0 is true"""


class LogicalOr(Truth):
    """t1 or t2, where any number but 0 is true"""


class LogicalXor(Truth):
    """Whether just one of t1 and t2 is true (not 0)"""


class LogicalNot(Truth):
    """Whether t is 0"""


class Isfinite(Truth):
    """Whether t is neither NaN nor infinite"""


class Isinf(Truth):
    """Whether t is infinite, of either sign"""


class Isnan(Truth):
    """Whether t is NaN"""


class Isneginf(Truth):
    """Whether t is minus infinity"""


class Isposinf(Truth):
    """Whether t is plus infinity"""


# -- public functions -----------------------------------------------------------------------------


def less(t1: Any, t2: Any) -> XTensor:
    """t1 < t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> less(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([ True, False, False])
    """
    return Less()(t1, t2)


def less_equal(t1: Any, t2: Any) -> XTensor:
    """t1 <= t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> less_equal(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([ True,  True, False])
    """
    return LessEqual()(t1, t2)


def greater(t1: Any, t2: Any) -> XTensor:
    """t1 > t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> greater(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([False, False,  True])
    """
    return Greater()(t1, t2)


def greater_equal(t1: Any, t2: Any) -> XTensor:
    """t1 >= t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> greater_equal(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([False,  True,  True])
    """
    return GreaterEqual()(t1, t2)


def equal(t1: Any, t2: Any) -> XTensor:
    """t1 == t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> equal(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([False,  True, False])
    """
    return Equal()(t1, t2)


def not_equal(t1: Any, t2: Any) -> XTensor:
    """t1 != t2, broadcasting, as kbool; not differentiable.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> not_equal(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([ True, False,  True])
    """
    return NotEqual()(t1, t2)


def logical_and(t1: Any, t2: Any) -> XTensor:
    """t1 and t2, where any number but 0 is true, broadcasting, as kbool; not differentiable.

    For tensors of dtype kbool it is also written ``t1 & t2``.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> logical_and(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([False,  True, False])
    """
    return LogicalAnd()(t1, t2)


def logical_or(t1: Any, t2: Any) -> XTensor:
    """t1 or t2, where any number but 0 is true, broadcasting, as kbool; not differentiable.

    For tensors of dtype kbool it is also written ``t1 | t2``.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> logical_or(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([ True,  True,  True])
    """
    return LogicalOr()(t1, t2)


def logical_xor(t1: Any, t2: Any) -> XTensor:
    """Whether just one of t1 and t2 is true (not 0), broadcasting, as kbool; not differentiable.

    For tensors of dtype kbool it is also written ``t1 ^ t2``.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.
        TypeError: an argument is no tensor, number or array.

    Example:
        >>> logical_xor(XTensor([0, 1, 2]), XTensor([1, 1, 0])).to_numpy()
        array([ True, False,  True])
    """
    return LogicalXor()(t1, t2)


def logical_not(t: Any) -> XTensor:
    """Whether t is 0, as kbool; not differentiable.

    For a tensor of dtype kbool it is also written ``~t``.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> logical_not(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([ True, False, False, False])
    """
    return LogicalNot()(t)


def isfinite(t: Any) -> XTensor:
    """Whether t is neither NaN nor infinite, as kbool; not differentiable.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> isfinite(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([ True, False, False, False])
    """
    return Isfinite()(t)


def isinf(t: Any) -> XTensor:
    """Whether t is infinite, of either sign, as kbool; not differentiable.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> isinf(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([False,  True,  True, False])
    """
    return Isinf()(t)


def isnan(t: Any) -> XTensor:
    """Whether t is NaN, as kbool; not differentiable.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> isnan(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([False, False, False,  True])
    """
    return Isnan()(t)


def isneginf(t: Any) -> XTensor:
    """Whether t is minus infinity, as kbool; not differentiable.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> isneginf(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([False,  True, False, False])
    """
    return Isneginf()(t)


def isposinf(t: Any) -> XTensor:
    """Whether t is plus infinity, as kbool; not differentiable.

    Args:
        t: tensor of any shape and dtype, a number or a NumPy array.

    Raises:
        TypeError: ``t`` is no tensor, number or array.

    Example:
        >>> isposinf(XTensor([0.0, float("-inf"), float("inf"), float("nan")])).to_numpy()
        array([False, False,  True, False])
    """
    return Isposinf()(t)


def maximum(t1: Any, t2: Any) -> XTensor:
    """The larger of t1 and t2, broadcasting; NaN if either is. A tie shares the gradient evenly.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> maximum(XTensor([6, 4]), XTensor([3, 5])).to_numpy()
        array([6., 5.], dtype=float32)
    """
    return Maximum()(t1, t2)


def minimum(t1: Any, t2: Any) -> XTensor:
    """The smaller of t1 and t2, broadcasting; NaN if either is. A tie shares the gradient evenly.

    Args:
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; they
            broadcast.

    Raises:
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> minimum(XTensor([6, 4]), XTensor([3, 5])).to_numpy()
        array([3., 4.], dtype=float32)
    """
    return Minimum()(t1, t2)


def clip(t: Any, min_val: float | None, max_val: float | None) -> XTensor:
    """t limited to [min_val, max_val]; None leaves a side open. Gradient: g inside, ends included.

    Args:
        t: tensor of any shape and dtype but kbool, a number or a NumPy array.
        min_val, max_val: numbers, the least and the largest that is left; None for no limit.

    Raises:
        TypeError: a limit is no number, or ``t`` is kbool.
        ValueError: a limit is NaN, min_val > max_val, or no number of an integer dtype lies
            between them.

    Example:
        >>> clip(XTensor([2, 4, 6]), 3, 5).to_numpy()
        array([3., 4., 5.], dtype=float32)
    """
    return Clip(min_val, max_val)(t)


def where(condition: Any, t1: Any, t2: Any) -> XTensor:
    """t1 where ``condition`` (kbool) holds, else t2, all three broadcasting.

    Gradient: g where the condition holds for t1, g elsewhere for t2.

    Args:
        condition: kbool tensor.
        t1, t2: tensors of any shape and dtype, and numbers or NumPy arrays beside one; all three
            broadcast.

    Raises:
        TypeError: the condition is not kbool.
        ValueError: the shapes do not broadcast, or the devices differ.

    Example:
        >>> t = XTensor([-1.0, 2.0])
        >>> where(t > 0, t, 0.0).to_numpy()
        array([0., 2.], dtype=float32)
    """
    return Where()(condition, t1, t2)
