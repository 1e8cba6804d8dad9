"""Rows for sorting, the k largest, and what is not zero."""

import math

import numpy as np

import xtensor as xt

from ..naive import sort as naive
from . import Case, Wrong, normal, rng

x = normal(51, 3, 4, 5)
odd = np.array([2.0, math.nan, -math.inf, 0.0, -0.0, math.inf, math.nan, -1.0, 2.0, -math.nan])
ties = rng(52).integers(0, 3, (2, 9))
TYPES = (np.bool_, np.uint8, np.int8, np.int32, np.int64)

cases = []
for descending in (False, True):
    way = "down" if descending else "up"
    for axis in (None, 0, 1, -1):
        cases += [
            Case("sort", lambda t, a=axis, d=descending: xt.sort(t, a, d),
                 naive.sort(axis, descending), [x], f"{way}-axis{axis}"),
            Case("argsort", lambda t, a=axis, d=descending: xt.argsort(t, a, d),
                 naive.argsort(axis, descending), [x], f"{way}-axis{axis}", grad=()),
        ]  # fmt: skip
        if axis is not None:
            cases += [
                Case("topK", lambda t, a=axis, d=descending: xt.topK(t, 2, a, d),
                     naive.sort(axis, descending, 2), [x], f"{way}-axis{axis}"),
                Case("argtopK", lambda t, a=axis, d=descending: xt.argtopK(t, 2, a, d),
                     naive.argsort(axis, descending, 2), [x], f"{way}-axis{axis}", grad=()),
            ]  # fmt: skip
    cases += [
        Case("argsort", lambda t, d=descending: xt.argsort(t, 0, d), naive.argsort(0, descending),
             [odd], f"{way}-odd", grad=()),
        Case("sort", lambda t, d=descending: xt.sort(t, 0, d), naive.sort(0, descending), [odd],
             f"{way}-odd", grad=()),
        Case("argtopK", lambda t, d=descending: xt.argtopK(t, 5, 0, d),
             naive.argsort(0, descending, 5), [odd], f"{way}-odd", grad=()),
        Case("topK", lambda t, d=descending: xt.topK(t, 10, 0, d), naive.sort(0, descending, 10),
             [odd], f"{way}-all", grad=()),
    ]  # fmt: skip
    for dtype in TYPES:
        kind = np.dtype(dtype).name
        values = (ties if dtype == np.uint8 else ties - 1).astype(dtype)
        cases += [
            Case("argsort", lambda t, d=descending: xt.argsort(t, 1, d),
                 naive.argsort(1, descending), [values], f"{way}-{kind}"),
            Case("topK", lambda t, d=descending: xt.topK(t, 4, 1, d), naive.sort(1, descending, 4),
                 [values], f"{way}-{kind}"),
        ]  # fmt: skip
limits = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max, 0, -1])
cases += [
    Case("sort", lambda t: xt.sort(t, 0, True), naive.sort(0, True), [limits], "int64-limits"),
    Case("sort", lambda t: xt.sort(t, 1), naive.sort(1), [np.zeros((2, 0))], "empty"),
    Case("sort", xt.sort, lambda x: x.reshape(1), [np.array(3.0)], "zero-dim"),
    Case("argsort", lambda t: xt.argsort(t, 0), naive.argsort(0), [np.zeros((0, 2))], "empty",
         grad=()),
    Case("nonzero", xt.nonzero, naive.nonzero, [(x > 0.5).astype(float)], "3d", grad=()),
    Case("nonzero", xt.nonzero, naive.nonzero, [x[0] > 0], "bool"),
    Case("nonzero", xt.nonzero, naive.nonzero, [np.zeros((2, 3))], "none", grad=()),
    Case("nonzero", xt.nonzero, naive.nonzero, [np.array([0, 5, -3])], "integers"),
    Case("nonzero", xt.nonzero, naive.nonzero, [np.array([np.nan, 0.0, -0.0])], "nan", grad=()),
]  # fmt: skip

x23 = xt.zeros([2, 3])
wrong = []
for name in ("sort", "argsort"):
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f(x23, 2), ValueError, [name, "axis", "2"]),
        Wrong(name, lambda f=function: f(x23, 0.5), TypeError, [name, "axis", "0.5"]),
        Wrong(name, lambda f=function: f(x23, [0, 1]), TypeError, [name, "axis", "[0, 1]"]),
        Wrong(name, lambda f=function: f(x23, 0, "down"), TypeError, [name, "descending"]),
        Wrong(name, lambda f=function: f(x23, 0, False, 1), TypeError, [name, "stable", "1"]),
        Wrong(name, lambda f=function: f("text"), TypeError, [name, "str"]),
    ]
for name in ("topK", "argtopK"):
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f(x23, 0), ValueError, [name, "k is 0", "at least 1"]),
        Wrong(name, lambda f=function: f(x23, 4), ValueError, [name, "k is 4", "3"]),
        Wrong(name, lambda f=function: f(x23, 1.0), TypeError, [name, "k", "1.0"]),
        Wrong(name, lambda f=function: f(x23, 1, 2), ValueError, [name, "axis", "2"]),
        Wrong(name, lambda f=function: f(x23, 1, None), TypeError, [name, "axis", "None"]),
        Wrong(name, lambda f=function: f(x23, 1, 0, 1), TypeError, [name, "if_descent", "1"]),
    ]
for value in ("text", {}, 1j, None, object()):
    wrong.append(
        Wrong(
            "nonzero", lambda v=value: xt.nonzero(v), TypeError, ["nonzero", type(value).__name__]
        )
    )
