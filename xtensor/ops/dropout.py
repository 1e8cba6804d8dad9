"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Array, empty_like, flat
from ..errors import check_number, message
from ..kernels import launch
from ..op import Op
from ..tensor import XTensor
from .random import take_blocks


def check_rate(where: str, argument: str, rate: Any) -> float:
    """A dropout rate as a float.

    Raises:
        TypeError: it is no number.
        ValueError: it is not between 0 and 1.
    """
    value = check_number(where, argument, rate)
    if not 0 <= value <= 1:
        raise ValueError(message(where, argument, rate, "0 <= rate <= 1"))
    return value


class Dropout(Op):
    """Each element 0 with probability rate, else divided by 1 - rate."""

    promotion = "float"

    def __init__(self, rate: float) -> None:
        self.rate = check_rate(self.name, "rate", rate)

    def forward(self, x: Array) -> Array:
        self.drawn = take_blocks(-(-x.size // 4))
        return self._masked(x)

    def backward(self, grad_out: Array) -> Array:
        return self._masked(grad_out)

    def _masked(self, x: Array) -> Array:
        out = empty_like(x)
        # A word is one of 2**32 equally likely numbers; that many of them drop the element.
        threshold = np.uint64(round(self.rate * 2**32))
        scale = x.dtype.type(0 if self.rate == 1 else 1 / (1 - self.rate))
        blocks = -(-x.size // 4)
        launch("dropout_forward", blocks, flat(out), flat(x), *self.drawn, threshold, scale)
        return out


def dropout(x: Any, rate: float = 0.5) -> XTensor:
    """Zero each element with probability ``rate`` and divide the others by 1 - rate.

    The function always drops; the layer ``Dropout`` does so in training mode only. The mask is not
    stored: backward draws it again from the same place of the random stream.

    Args:
        x: any shape; integers become kfloat32.
        rate: 0 (nothing is dropped) to 1 (everything is).

    Returns:
        The shape of x: mask * x / (1 - rate).

    Raises:
        TypeError: rate is no number.
        ValueError: rate is not between 0 and 1.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
    (2014).

    Example:
        >>> sorted(set(dropout([1.0] * 100, 0.75).to_numpy().tolist()))
        [0.0, 4.0]
    """
    return Dropout(rate)(x)
