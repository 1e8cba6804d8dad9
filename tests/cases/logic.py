"""Rows for comparisons, truth and selection."""

import numpy as np

import xtensor as xt

from ..naive import logic as naive
from . import Case, Wrong, normal, rng
from .elementwise import SHAPES

COMPARE = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
           "logical_and", "logical_or", "logical_xor"]  # fmt: skip
TEST = ["logical_not", "isfinite", "isinf", "isnan", "isneginf", "isposinf"]
odd = np.array([0.0, -1.5, np.inf, -np.inf, np.nan, 2.0])

cases = []
for name in COMPARE:
    function, oracle = getattr(xt, name), getattr(naive, name)
    for label, (left, right) in SHAPES.items():
        x = rng(1).integers(-1, 2, left).astype(float)
        y = rng(2).integers(-1, 2, right).astype(float)
        if label == "empty":
            continue
        cases.append(Case(name, function, oracle, [np.asarray(x), np.asarray(y)], label, grad=()))
    cases.append(Case(name, function, oracle, [odd, odd[::-1].copy()], "nan", grad=()))
    ints = np.array([0, 1, 2])
    cases.append(Case(name, function, oracle, [ints, np.array([1, 1, 0])], "integers", grad=()))
for name in TEST:
    cases.append(Case(name, getattr(xt, name), getattr(naive, name), [odd], grad=()))
    cases.append(
        Case(name, getattr(xt, name), getattr(naive, name), [odd.reshape(2, 3)], "2d", grad=())
    )
for seed, name in enumerate(["maximum", "minimum"]):
    function, oracle = getattr(xt, name), getattr(naive, name)
    for label, (left, right) in SHAPES.items():
        pair = [np.asarray(normal(seed, *left)), np.asarray(normal(seed + 2, *right))]
        cases.append(Case(name, function, oracle, pair, label))
    cases.append(Case(name, function, oracle, [odd, odd[::-1].copy()], "nan", grad=()))
    cases.append(
        Case(name, lambda x, f=function: f(x, x), lambda x: x, [normal(9, 3)], "tie-shares")
    )
values = np.array([-2.0, -0.7, 0.1, 0.9, 3.0])
for label, low, high in (
    ("both", -1, 1),
    ("low", -1, None),
    ("high", None, 1),
    ("none", None, None),
):
    cases.append(
        Case(
            "clip",
            lambda t, a=low, b=high: xt.clip(t, a, b),
            naive.clip(low, high),
            [values],
            label,
        )
    )
cases += [
    Case("clip", lambda t: xt.clip(t, 2, 4), naive.clip(2, 4), [np.arange(6)], "integers"),
    Case("clip", lambda t: xt.clip(t, 1.5, 4.5), naive.clip(2, 4), [np.arange(6)], "between"),
    Case("where", xt.where, naive.where,
         [np.array([[True, False], [False, True]]), normal(3, 2, 2), normal(4, 2, 2)]),
    Case("where", xt.where, naive.where,
         [np.array([[True], [False]]), normal(3, 3), normal(4, 2, 1)], "broadcast"),
    Case("where", lambda c, x: xt.where(c, x, 0.0), lambda c, x: np.where(c, x, 0.0),
         [np.array([True, False]), normal(3, 2)], "number"),
    Case("not_equal", lambda t: t != -1, lambda x: x != -1, [np.array([255, 1], np.uint8)],
         "beyond"),
    Case("greater", lambda t: t > 300, lambda x: x > 300, [np.array([44, 1], np.int8)], "beyond"),
    Case("where", lambda c, x: xt.where(c, x, 7), lambda c, x: np.where(c, x, x.dtype.type(7)),
         [np.array([True, False]), np.array([1, 2], np.uint8)], "small-integers"),
    Case("where", xt.where, naive.where,
         [np.array([True, False] * 3), odd, odd[::-1].copy()], "nan", grad=()),
    Case("where", lambda c, x, y: xt.where(c, x, y), naive.where,
         [np.array([True, False]), normal(3, 2), np.array([4, 5])], "mixed-dtype"),
]  # fmt: skip

x23, x32 = xt.zeros([2, 3]), xt.zeros([3, 2])
wrong = []
for name in [*COMPARE, "maximum", "minimum"]:
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f(x23, x32), ValueError, [name, "[2, 3]", "[3, 2]"]),
        Wrong(name, lambda f=function: f(x23, "three"), TypeError, [name, "str"]),
        Wrong(name, lambda f=function: f(x23, None), TypeError, [name]),
        Wrong(name, lambda f=function: f(x23, 1j), TypeError, [name, "complex"]),
        Wrong(name, lambda f=function: f(x23, x23.GPU()), ValueError, [name, "devices"]),
    ]
for name in TEST:
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f("three"), TypeError, [name, "str"]),
        Wrong(name, lambda f=function: f({}), TypeError, [name, "dict"]),
        Wrong(name, lambda f=function: f(1j), TypeError, [name, "complex"]),
        Wrong(name, lambda f=function: f(None), TypeError, [name]),
        Wrong(name, lambda f=function: f(object()), TypeError, [name, "object"]),
    ]
wrong += [
    Wrong("clip", lambda: xt.clip(x23, "a", 1), TypeError, ["clip", "min_val", "'a'"]),
    Wrong("clip", lambda: xt.clip(x23, 0, x23), TypeError, ["clip", "max_val"]),
    Wrong("clip", lambda: xt.clip(x23, 2, 1), ValueError, ["clip", "min_val", "2", "1"]),
    Wrong(
        "clip",
        lambda: xt.clip(xt.arange(0, 3, dtype=xt.kint32), 1.2, 1.8),
        ValueError,
        ["clip", "1.2 and 1.8", "whole number", "int32"],
    ),
    Wrong(
        "clip",
        lambda: xt.clip(xt.arange(0, 3, dtype=xt.kuint8), -5, -1),
        ValueError,
        ["clip", "-5 and -1", "uint8"],
    ),
    Wrong(
        "clip",
        lambda: xt.clip(xt.arange(0, 3, dtype=xt.kint32), float("inf"), None),
        ValueError,
        ["clip", "inf and None", "int32"],
    ),
    Wrong("clip", lambda: xt.clip(x23, float("nan"), 1), ValueError, ["clip", "NaN"]),
    Wrong("clip", lambda: xt.clip("a", 0, 1), TypeError, ["clip", "str"]),
    Wrong("where", lambda: xt.where(x23, x23, x23), TypeError, ["where", "condition", "kbool"]),
    Wrong("where", lambda: xt.where(x23 > 0, x23, x32), ValueError, ["where", "[3, 2]"]),
    Wrong("where", lambda: xt.where(x32 > 0, x23, x23), ValueError, ["where", "[3, 2]"]),
    Wrong("where", lambda: xt.where(x23 > 0, "a", x23), TypeError, ["where", "str"]),
    Wrong("where", lambda: xt.where(x23 > 0, x23.GPU(), x23), ValueError, ["where", "devices"]),
]
