"""Rows for the layer Linear; its parameters are inputs, so that their gradients are checked too."""

from __future__ import annotations

from typing import Any

import xtensor as xt

from ..naive.linear import linear as naive
from . import Case, Wrong, normal


def layer(x: xt.XTensor, weights: xt.XTensor, bias: xt.XTensor | None = None) -> xt.XTensor:
    """Linear with these tensors in the place of its parameters."""
    net = xt.Linear(weights.shape[1], weights.shape[0], use_bias=bias is not None)
    vars(net).update(weights=weights, bias=bias)
    return net(x)


def row(label: str, x: tuple[int, ...], outputs: int, bias: bool = True) -> Case:
    inputs = [normal(1, *x), normal(2, outputs, x[-1])]
    return Case("Linear", layer, naive, [*inputs, normal(3, outputs)] if bias else inputs, label)


cases = [
    row("a matrix", (5, 4), 3),
    row("a vector", (4,), 3),
    row("three axes", (2, 3, 4), 5),
    row("four axes", (1, 2, 3, 4), 3),
    row("no bias", (5, 4), 3, bias=False),
    row("one to one", (3, 1), 1),
    row("nothing in the batch", (0, 4), 3),
    row("many", (17, 33), 9),
]


def bad(words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong("Linear", lambda: xt.Linear(*args, **kwargs), error, words)


wrong = [
    bad(["Linear", "input_channels", "0", "at least 1"], ValueError, 0, 3),
    bad(["Linear", "output_channels", "-2", "at least 1"], ValueError, 3, -2),
    bad(["Linear", "input_channels", "2.5", "int"], TypeError, 2.5, 3),
    bad(["Linear", "output_channels", "True", "int"], TypeError, 3, True),
    bad(["Linear", "use_bias", "'no'"], TypeError, 3, 2, use_bias="no"),
    bad(["Linear", "dtype", "kint64"], TypeError, 3, 2, dtype=xt.kint64),
    bad(["Linear", "initializer", "callable"], TypeError, 3, 2, weight_initializer=1.0),
    bad(["Linear", "initializer", "shape"], ValueError, 3, 2, lambda shape: xt.ones([1])),
    Wrong("Linear", lambda: xt.Linear(4, 3)(xt.ones([2, 5])), ValueError, ["linear", "5", "4"]),
    Wrong("Linear", lambda: xt.Linear(4, 3)(xt.ones([2, 4]).toGPU()), ValueError, ["device"]),
]
