"""Rows for softmax and log_softmax."""

from __future__ import annotations

import numpy as np

import xtensor as xt

from ..naive import softmax as naive
from . import Case, Wrong, normal


def weights(shape) -> np.ndarray:
    return np.asarray(np.cos(np.arange(int(np.prod(shape)))).reshape(shape) + 2)


def weighed(call):
    """The call times fixed weights: the table walks back with ones, which a result of constant sum
    turns into a gradient of 0, where nothing could be compared."""

    def of_tensors(*inputs):
        y = call(*inputs)
        return y * xt.XTensor(weights(y.shape), device=y.device, dtype=y.dtype)

    return of_tensors


def weighed_naive(naive):
    def of_arrays(*inputs):
        y = naive(*inputs)
        return y * weights(y.shape)

    return of_arrays


cases = []
for _name in ("softmax", "log_softmax"):
    _op, _naive = getattr(xt, _name), getattr(naive, _name)
    for _shape, _axis in (
        ((5,), 0),
        ((3, 9), -1),
        ((3, 9), 0),
        ((2, 5, 3), 1),
        ((2, 2, 3, 2), -3),
        ((9, 66), 0),  # more rows, and more columns, than are passed over together
        ((4, 1), 1),
        ((0, 3), 1),
        ((2, 0, 3), 2),
        ((), -1),
    ):
        cases.append(
            Case(_name, weighed(lambda x, f=_op, a=_axis: f(x, a)), weighed_naive(_naive(_axis)),
                 [normal(1, *_shape)], f"{list(_shape)}-axis{_axis}")
        )  # fmt: skip
    cases += [
        Case(_name, weighed(_op), weighed_naive(_naive()), [normal(2, 2, 4)], "default axis"),
        Case(_name, _op, _naive(), [np.array([[3], [7]])], "integers", grad=()),
        Case(_name, _op, _naive(), [np.array([1000.0, 999.0, -1000.0])], "no overflow", grad=()),
        Case(_name, _op, lambda x: x * np.nan, [np.array([1.0, np.nan])], "nan stays", grad=()),
    ]
cases += [
    Case("softmax", xt.softmax, lambda x: np.array([1.0, 0.0]), [np.array([2.0, -np.inf])],
         "masked", grad=()),
    Case("log_softmax", xt.log_softmax, lambda x: np.array([0.0, -np.inf]),
         [np.array([2.0, -np.inf])], "masked", grad=()),
]  # fmt: skip

wrong = []
for _name in ("softmax", "log_softmax"):
    _op = getattr(xt, _name)
    wrong += [
        Wrong(_name, lambda f=_op: f(xt.ones([2, 3]), 2), ValueError, [_name, "axis", "2"]),
        Wrong(_name, lambda f=_op: f(xt.ones([2, 3]), -3), ValueError, [_name, "axis", "-3"]),
        Wrong(_name, lambda f=_op: f(xt.ones([2]), 0.5), TypeError, [_name, "axis", "0.5"]),
        Wrong(_name, lambda f=_op: f(xt.ones([2]), None), TypeError, [_name, "axis", "None"]),
        Wrong(_name, lambda f=_op: f("scores"), TypeError, [_name, "str"]),
    ]
