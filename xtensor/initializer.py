"""Initializers: callables that give a tensor of start values for a shape.

One that has a parameter called ``dtype`` is given that too.

Random ones take ``fan_in``, how many inputs one output of the layer sums up, because a bias starts
in the same interval as the weight it goes with.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from .device import check_shape
from .dtype import FLOAT32, kfloat32, to_numpy_dtype
from .errors import message
from .ops.creation import ones, zeros
from .ops.random import randn, randu
from .tensor import Parameter, XTensor

__all__ = [
    "he_uniform", "initialize", "kaiming_uniform", "ones", "xavier_normal", "xavier_uniform",
    "zeros",
]  # fmt: skip

Initializer = Callable[..., XTensor]


def fans(shape: Any) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: [out, in], or [out, in, *kernel]; a vector counts as both.

    Example:
        >>> fans([8, 3, 5, 5])
        (75, 200)
    """
    lengths = check_shape(shape, "initializer", FLOAT32)
    if len(lengths) < 2:
        size = math.prod(lengths)
        return size, size
    kernel = math.prod(lengths[2:])
    return lengths[1] * kernel, lengths[0] * kernel


def xavier_normal(shape: Any, dtype: int | None = None, device: int | None = None) -> XTensor:
    """N(0, 2 / (fan_in + fan_out)), the start of an Embedding table.

    Args:
        shape: shape of the result, from which both fans follow.
        dtype: kfloat32 by default.
        device: where it lies, by default the CPU.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (2010).

    Example:
        >>> xavier_normal([24, 3]).shape
        [24, 3]
    """
    std = math.sqrt(2 / max(1, sum(fans(shape))))
    return randn(shape, 0.0, std, device=device, dtype=dtype)


def xavier_uniform(shape: Any, dtype: int | None = None, device: int | None = None) -> XTensor:
    """U(-a, a) with a = sqrt(6 / (fan_in + fan_out)).

    Args:
        shape: shape of the result, from which both fans follow.
        dtype: kfloat32 by default.
        device: where it lies, by default the CPU.

    Source: Glorot and Bengio (2010), as for ``xavier_normal``.

    Example:
        >>> bool((abs(xavier_uniform([3, 3]).to_numpy()) <= 1).all())
        True
    """
    bound = math.sqrt(6 / max(1, sum(fans(shape))))
    return randu(shape, -bound, bound, device=device, dtype=dtype)


def kaiming_uniform(
    shape: Any, dtype: int | None = None, device: int | None = None, fan_in: int | None = None
) -> XTensor:
    """U(-a, a) with a = 1 / sqrt(fan_in), the start of weights and biases.

    That is the Kaiming rule for a leaky ReLU of slope sqrt(5).

    Args:
        shape: shape of the result.
        dtype: kfloat32 by default.
        device: where it lies, by default the CPU.
        fan_in: by default that of a weight of this shape; a bias passes that of its weight.

    Source: He et al., "Delving deep into rectifiers" (2015).

    Example:
        >>> bool((abs(kaiming_uniform([4, 25]).to_numpy()) <= 0.2).all())
        True
    """
    bound = 1 / math.sqrt(max(1, fans(shape)[0] if fan_in is None else fan_in))
    return randu(shape, -bound, bound, device=device, dtype=dtype)


he_uniform = kaiming_uniform


def _takes_dtype(initializer: Initializer) -> bool:
    try:
        return "dtype" in inspect.signature(initializer).parameters
    except ValueError:
        return False


def initialize(
    initializer: Initializer | None, shape: Any, dtype: int | None, fan_in: int, where: str
) -> Parameter:
    """The parameter a layer starts with.

    Args:
        initializer: what the user gave; called with the shape, and with the dtype if it takes one.
            None is ``kaiming_uniform``.
        shape: shape of the parameter.
        dtype: its dtype, kfloat32 by default.
        fan_in: for ``kaiming_uniform``.
        where: name of the layer, for messages.

    Raises:
        TypeError: the initializer is not callable, or gives no XTensor.
        ValueError: it gives another shape.

    Example:
        >>> initialize(ones, [2], None, 2, "Linear")
        <BLANKLINE>
        [1. 1.]
        <Parameter 2 cpu(0) kfloat32>
    """
    code = kfloat32 if dtype is None else dtype
    numpy_dtype = to_numpy_dtype(code, where)
    if numpy_dtype.kind != "f":
        raise TypeError(message(where, "dtype", str(code), "kfloat32 or kfloat64"))
    if initializer is None or initializer is kaiming_uniform:
        value: Any = kaiming_uniform(shape, code, fan_in=fan_in)
    elif not callable(initializer):
        raise TypeError(
            message(where, "an initializer", f"of type {type(initializer).__name__}",
                    "a callable that gives an XTensor for a shape", "pass xtensor.zeros, say")
        )  # fmt: skip
    else:
        value = initializer(shape, dtype=code) if _takes_dtype(initializer) else initializer(shape)
    if not isinstance(value, XTensor):
        raise TypeError(
            message(where, "the result of an initializer", f"of type {type(value).__name__}",
                    "an XTensor")
        )  # fmt: skip
    if value.shape != list(shape):
        raise ValueError(
            message(where, "the result of an initializer", f"of shape {value.shape}",
                    f"shape {list(shape)}")
        )  # fmt: skip
    return Parameter(value, dtype=code)
