"""Rows for maximum and average pooling, functions and layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import xtensor as xt

from ..naive import pool as naive
from . import Case, Wrong, normal, rng

MAX = {1: xt.max_pool1d, 2: xt.max_pool2d, 3: xt.max_pool3d}
AVG = {1: xt.avg_pool1d, 2: xt.avg_pool2d, 3: xt.avg_pool3d}


def apart(*shape: int) -> np.ndarray:
    """Numbers at least 0.1 apart, of both signs, so that a small step changes no maximum."""
    return 0.1 * (rng(5).permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) // 2)


def both(
    label: str, x: np.ndarray, *options: Any, grad: tuple[int, ...] | None = None
) -> list[Case]:
    """The same call of both functions; ``options`` are kernel, stride, padding."""
    axes = x.ndim - 2
    return [
        Case(f"{kind}_pool{axes}d", lambda x, f=function: f(x, *options),
             lambda x, f=oracle: f(x, *options), [x], label, grad)
        for kind, function, oracle in (
            ("max", MAX[axes], naive.max_pool), ("avg", AVG[axes], naive.avg_pool)
        )
    ]  # fmt: skip


def layers(label: str, x: np.ndarray, *options: Any) -> list[Case]:
    pairs = (
        [(xt.MaxPool1D, naive.max_pool), (xt.AvgPool1D, naive.avg_pool)]
        if x.ndim == 3
        else [(xt.MaxPool2D, naive.max_pool), (xt.AvgPool2D, naive.avg_pool)]
    )
    return [
        Case(layer.__name__, lambda x, f=layer: f(*options)(x), lambda x, f=oracle: f(x, *options),
             [x], label)
        for layer, oracle in pairs
    ]  # fmt: skip


holed = normal(7, 1, 2, 4, 14)
holed[0, 0, 1, 1] = np.nan
holed[0, 1, 2, 3] = np.inf
holed[0, 1, 0, :] = -np.inf
# Of many windows in a row the loop is over windows, of few over cells; equals must not show it.
tied = rng(8).integers(-2, 3, (2, 2, 7, 21)).astype(float)

cases = [
    *both("side by side", apart(2, 3, 4, 6), 2),
    *both("overlapping", apart(1, 2, 5, 6), 3, 1),
    *both("stride 2, padding 1", apart(2, 2, 5, 4), 3, 2, 1),
    *both("stride beyond kernel", apart(1, 2, 7, 6), (2, 1), (3, 4)),
    *both("uneven everything", apart(2, 1, 6, 5), (3, 2), (1, 2), (2, 0)),
    *both("same, even split", apart(1, 2, 5, 5), 3, 2, "same"),
    *both("same, odd total", apart(1, 1, 4, 5), (2, 4), (1, 2), "same"),
    *both("below zero in the padding", apart(1, 1, 3, 3) - 10, 3, 1, 2),
    *both("one cell", apart(1, 1, 1, 1), 1),
    *both("the whole image", apart(3, 2, 3, 4), (3, 4)),
    *both("nothing in the batch", apart(0, 2, 4, 4), 2),
    *both("signal", apart(2, 3, 7), 3, 2),
    *both("signal, same", apart(1, 2, 5), 3, 2, "same"),
    *both("signal, padding", apart(1, 2, 5), 4, 1, 3),
    *both("volume", apart(1, 2, 4, 4, 2), 2),
    *both("volume, uneven", apart(2, 1, 3, 4, 5), (2, 3, 2), (1, 2, 3), (1, 0, 1)),
    *both("ties", np.ones((1, 1, 4, 4)), 2, 2, "valid", grad=()),
    *both("many in a row", apart(1, 2, 4, 20), 3, 1, 1),
    *both("many in a row, stride 2", apart(2, 1, 5, 21), (2, 3), 2, (0, 1)),
    *both("many in a row, stride 3", apart(1, 2, 4, 26), (2, 4), (1, 3), (1, 2)),
    *both("wide windows", apart(1, 2, 6, 23), (4, 11), 4, (2, 5)),
    *[
        case
        for stride in (1, 2, 3)
        for case in both(f"equals, stride {stride}", tied, 4, stride, 1, grad=())
    ],
    both("NaN and infinities", holed, 2, 1, grad=())[0],
    both("NaN and infinities, few windows", holed, 2, 2, grad=())[0],
    *layers("valid", apart(2, 2, 4, 6), (2, 2), (2, 2)),
    *layers("same", apart(1, 2, 5, 5), 3, 2, "same"),
    *layers("padding", apart(1, 1, 4, 5), [3, 2], (1, 2), (1, 0)),
    *layers("uneven", apart(2, 1, 6, 5), (3, 2), (1, 2), (2, 0)),
    *layers("stride beyond kernel", apart(1, 2, 7, 6), (2, 1), (3, 4)),
    *layers("same, odd total", apart(1, 1, 4, 5), (2, 4), (1, 2), "same"),
    *layers("one cell, no batch to speak of", apart(1, 1, 1, 1), 1, 1),
    *layers("valid", apart(2, 2, 6), 2, 2),
    *layers("same", apart(1, 5, 5), 3, 2, "same"),
    *layers("padding", apart(1, 1, 4), 3, 1, 1),
    *layers("stride beyond kernel", apart(2, 1, 8), 2, 3),
    *layers("the whole signal", apart(2, 3, 4), 4, 1),
    *layers("wide padding", apart(1, 2, 5), 4, 2, 3),
]  # fmt: skip

wrong = []


def bad(
    name: str, words: list[str], call: Callable[[], Any], error: type[Exception] = ValueError
) -> None:
    wrong.append(Wrong(name, call, error, words))


for _axes, _function in [*MAX.items(), *AVG.items()]:
    _name, _f, _x = _function.__name__, _function, xt.ones([1, 2, *[4] * _axes])

    bad(_name, [_name, "x", "[4, 4, 4, 4, 4, 4]"], lambda f=_f: f(xt.ones([4] * 6), 2))
    bad(_name, [_name, "x", "empty"], lambda f=_f, n=_axes: f(xt.ones([1, 2, *[0] * n]), 2))
    bad(_name, [_name, "kernel", "5", "padded"], lambda f=_f, x=_x: f(x, 5))
    bad(_name, [_name, "kernel", "0", "at least 1"], lambda f=_f, x=_x: f(x, 0))
    bad(_name, [_name, "kernel", "2.0", "int"], lambda f=_f, x=_x: f(x, 2.0), TypeError)
    bad(_name, [_name, "stride", "-1", "at least 1"], lambda f=_f, x=_x: f(x, 2, -1))
    bad(_name, [_name, "padding", "'zero'", "'same'"], lambda f=_f, x=_x: f(x, 2, 2, "zero"))
    bad(_name, [_name, "padding", "2", "kernel", "less"], lambda f=_f, x=_x: f(x, 2, 2, 2))
    bad(_name, [_name, "padding", "-1"], lambda f=_f, x=_x: f(x, 2, 2, -1))
    bad(_name, [_name, "kernel", "(1, 1, 1, 1)"], lambda f=_f, x=_x: f(x, (1, 1, 1, 1)))

for _layer in (xt.MaxPool1D, xt.AvgPool1D, xt.MaxPool2D, xt.AvgPool2D):
    _name, _l = _layer.__name__, _layer

    bad(_name, ["stride"], lambda f=_l: f(2), TypeError)
    bad(_name, [_name, "kernel", "0", "at least 1"], lambda f=_l: f(0, 1))
    bad(_name, [_name, "kernel", "None", "int"], lambda f=_l: f(None, 1), TypeError)
    bad(_name, [_name, "kernel", "(2, 2, 2)"], lambda f=_l: f((2, 2, 2), 1))
    bad(_name, [_name, "stride", "0", "at least 1"], lambda f=_l: f(2, 0))
    bad(_name, [_name, "stride", "1.5", "int"], lambda f=_l: f(2, 1.5), TypeError)
    bad(_name, [_name, "padding", "'reflect'"], lambda f=_l: f(2, 2, "reflect"))
    bad(_name, [_name, "padding", "3", "less"], lambda f=_l: f(2, 2, 3))
    bad(_name, [_name, "name", "7", "str"], lambda f=_l: f(2, 2, "valid", 7), TypeError)
    bad(_name, ["x", "[2, 2]", "axes"], lambda f=_l: f(2, 2)(xt.ones([2, 2])))
    bad(_name, ["kernel", "padded"], lambda f=_l: f(3, 1)(xt.ones([1, 1, *[2] * int(f.axes)])))
