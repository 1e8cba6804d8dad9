"""Rows for the losses, as functions and as layers: loss(target, prediction)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import xtensor as xt

from ..naive import loss as naive
from . import Case, Wrong, normal, rng

LAYERS = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLL_Loss",
    "softmax_cross_entropy": "SoftmaxCrossEntropy",
    "categorical_cross_entropy": "CategoricalCrossEntropy",
    "mean_squared_error": "MeanSquaredError",
    "binary_cross_entropy": "BinaryCrossEntropy",
}
cases: list[Case] = []
wrong: list[Wrong] = []


def add(name: str, label: str, target: np.ndarray, x: np.ndarray, grad: bool = True) -> None:
    cases.append(
        Case(name, getattr(xt, name), getattr(naive, name), [target, x], label,
             grad=(1,) if grad else ())
    )  # fmt: skip


def classes(seed: int, count: int, *shape: int) -> np.ndarray:
    return rng(seed).integers(0, count, shape)


for _name in ("cross_entropy", "nll_loss"):
    add(_name, "matrix", classes(1, 9, 5), normal(1, 5, 9))
    add(_name, "one axis more", classes(2, 3, 2, 4), normal(2, 2, 3, 4))
    add(_name, "two axes more", classes(3, 4, 2, 3, 2), normal(3, 2, 4, 3, 2))
    add(_name, "one sample", classes(4, 5, 1), normal(4, 5))
    add(_name, "one sample, no axis", np.array(2), normal(4, 5))
    add(_name, "one class", classes(5, 1, 3), normal(5, 3, 1))
    add(_name, "float target", classes(6, 4, 3).astype(float), normal(6, 3, 4))
    add(_name, "bool target", np.array([True, False]), normal(7, 2, 2))
    add(_name, "scaled", classes(8, 4, 3), normal(8, 3, 4) * 50, grad=_name == "nll_loss")
for _name in ("softmax_cross_entropy", "categorical_cross_entropy"):
    add(_name, "one-hot", np.eye(6)[classes(1, 6, 4)], normal(1, 4, 6))
    add(_name, "integer one-hot", np.eye(6, dtype=int)[classes(1, 6, 4)], normal(1, 4, 6))
    add(_name, "indices", classes(2, 6, 4), normal(2, 4, 6))
    add(_name, "weights", rng(3).random((3, 5)), normal(3, 3, 5))
    add(_name, "no weight at all", np.zeros((2, 3)), normal(4, 2, 3))
    add(_name, "one class", np.ones((3, 1)), normal(5, 3, 1))
    add(_name, "large", np.eye(2), np.array([[500.0, -500.0], [500.0, -500.0]]), grad=False)
for _name in ("mean_squared_error", "binary_cross_entropy"):
    _draw = normal if _name == "mean_squared_error" else lambda s, *n: rng(s).uniform(0.1, 0.9, n)
    add(_name, "matrix", rng(1).random((4, 6)), _draw(2, 4, 6))
    add(_name, "three axes", rng(3).random((2, 3, 4)), _draw(4, 2, 3, 4))
    add(_name, "no axis", np.array(0.25), _draw(5))
    add(_name, "integer target", classes(6, 2, 7), _draw(6, 7))
    add(_name, "bool target", classes(6, 2, 7) == 1, _draw(6, 7))
    add(_name, "one number", rng(7).random(1), _draw(7, 1))
add("binary_cross_entropy", "certain", np.array([1.0, 0.0, 1.0, 0.0]),
    np.array([1.0, 0.0, 0.0, 1.0]), grad=False)  # fmt: skip

for _row in list(cases):
    _layer = LAYERS[_row.name]
    cases.append(replace(_row, name=_layer, call=getattr(xt, _layer)()))

for _name, _layer in LAYERS.items():
    for _where, _loss in ((_name, getattr(xt, _name)), (_layer, getattr(xt, _layer)())):
        _one = xt.full([2, 3], 0.5)
        wrong += [
            Wrong(_where, lambda f=_loss: f(xt.ones([2]), xt.ones([2], dtype=xt.kint64)),
                  TypeError, [_name, "prediction", "kint64"]),
            Wrong(_where, lambda f=_loss: f(xt.ones([2]), [0.5, 0.5]), TypeError,
                  [_name, "prediction", "list"]),
            Wrong(_where, lambda f=_loss: f(xt.ones([0]), xt.ones([0, 3])), ValueError,
                  [_name, "prediction", "empty", "[0, 3]"]),
            Wrong(_where, lambda f=_loss, x=_one: f(xt.ones([3, 3]), x), ValueError,
                  [_name, "target", "[3, 3]", "[2, 3]"]),
            Wrong(_where, lambda f=_loss, x=_one: f(xt.ones([5]), x), ValueError,
                  [_name, "target", "[5]"]),
            Wrong(_where, lambda f=_loss, x=_one: f("cat", x), TypeError, ["str"]),
            Wrong(_where, lambda f=_loss, x=_one: f(xt.ones([2, 3]).toGPU(), x), ValueError,
                  [_name, "device"]),
            Wrong(_where, lambda f=_loss, x=_one: f(xt.ones([1, 2, 3]), x), ValueError,
                  [_name, "target", "[1, 2, 3]"]),
        ]  # fmt: skip
for _name in ("cross_entropy", "nll_loss"):
    _loss = getattr(xt, _name)
    wrong += [
        Wrong(_name, lambda f=_loss: f([0, 3], xt.ones([2, 3])), IndexError,
              [_name, "target", "3", "[1]", "0 .. 2"]),
        Wrong(_name, lambda f=_loss: f([-1, 0], xt.ones([2, 3])), IndexError,
              [_name, "target", "-1", "[0]"]),
        Wrong(_name, lambda f=_loss: f([[0, 1], [5, 0]], xt.ones([2, 3, 2])), IndexError,
              [_name, "5", "[1, 0]"]),
        Wrong(_name, lambda f=_loss: f([0.0, np.nan], xt.ones([2, 3])), ValueError,
              [_name, "target", "NaN"]),
        Wrong(_name, lambda f=_loss: f(xt.zeros([2, 3]), xt.ones([2, 3])), ValueError,
              [_name, "target", "one-hot"]),
        Wrong(_name, lambda f=_loss: f(xt.ones([2, 3]), xt.ones([2])), ValueError,
              [_name, "target first"]),
        Wrong(_name, lambda f=_loss: f([0], xt.XTensor(np.array(1.0))), ValueError,
              [_name, "prediction", "[]"]),
        Wrong(_name, lambda f=_loss: f(xt.zeros([2]), xt.ones([2, 3]).toGPU()), ValueError,
              [_name, "device"]),
    ]  # fmt: skip
for _name in ("softmax_cross_entropy", "categorical_cross_entropy"):
    _loss = getattr(xt, _name)
    wrong += [
        Wrong(_name, lambda f=_loss: f([0, 3], xt.ones([2, 3])), IndexError,
              [_name, "3", "0 .. 2"]),
        Wrong(_name, lambda f=_loss: f([0, np.nan], xt.ones([2, 3])), ValueError, [_name, "NaN"]),
        Wrong(_name, lambda f=_loss: f([0.5, 1], xt.ones([2, 3])), IndexError, [_name, "whole"]),
        Wrong(_name, lambda f=_loss: f(xt.ones([3]), xt.ones([3])), ValueError,
              [_name, "prediction", "[3]", "[N, C]"]),
    ]  # fmt: skip
wrong += [
    Wrong("binary_cross_entropy", lambda: xt.binary_cross_entropy([1.0], xt.XTensor([1.5])),
          ValueError, ["binary_cross_entropy", "prediction", "1.5", "sigmoid"]),
    Wrong("binary_cross_entropy", lambda: xt.binary_cross_entropy([1.0], xt.XTensor([-0.5])),
          ValueError, ["binary_cross_entropy", "prediction", "-0.5"]),
]  # fmt: skip
