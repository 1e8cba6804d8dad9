"""Rows for arithmetic and for functions of one number."""

import numpy as np

import xtensor as xt

from ..naive import elementwise as naive
from . import Case, Wrong, away_from, normal, rng

BINARY = {
    "add": (xt.add, naive.add),
    "sub": (xt.sub, naive.sub),
    "mul": (xt.mul, naive.mul),
    "divide": (xt.divide, naive.divide),
    "power": (xt.power, naive.power),
}
SHAPES = {
    "same": ((3, 4), (3, 4)),
    "row": ((3, 4), (4,)),
    "column": ((3, 1), (3, 4)),
    "outer": ((2, 1, 3), (4, 1)),
    "scalar": ((2, 3), ()),
    "one": ((1,), (1, 1)),
    "empty": ((0, 3), (3,)),
    "zero-dim": ((), ()),
}
# name: (function, oracle, kinks to keep away from, smallest, largest input)
UNARY = {
    "neg": (xt.neg, naive.neg, (), -3, 3),
    "abs": (xt.abs, naive.absolute, (0,), -3, 3),
    "square": (xt.square, naive.square, (), -3, 3),
    "sign": (xt.sign, naive.sign, (0,), -3, 3),
    "floor": (xt.floor, naive.floor, tuple(range(-3, 4)), -3, 3),
    "ceil": (xt.ceil, naive.ceil, tuple(range(-3, 4)), -3, 3),
    "round": (xt.round, naive.nearest, tuple(np.arange(-3.5, 4)), -3, 3),
    "reciprocal": (xt.reciprocal, naive.reciprocal, (0,), -3, 3),
    "exp": (xt.exp, naive.exp, (), -3, 3),
    "log": (xt.log, naive.log, (), 0.1, 4),
    "sqrt": (xt.sqrt, naive.sqrt, (), 0.1, 4),
    "sin": (xt.sin, naive.sin, (), -4, 4),
    "cos": (xt.cos, naive.cos, (), -4, 4),
    "tan": (xt.tan, naive.tan, (), -1.2, 1.2),
    "asin": (xt.asin, naive.asin, (), -0.9, 0.9),
    "acos": (xt.acos, naive.acos, (), -0.9, 0.9),
    "atan": (xt.atan, naive.atan, (), -3, 3),
    "sinh": (xt.sinh, naive.sinh, (), -2, 2),
    "cosh": (xt.cosh, naive.cosh, (), -2, 2),
    "tanh": (xt.tanh, naive.tanh, (), -2, 2),
}


def unary_rows(table):
    rows = []
    for seed, (name, (function, oracle, kinks, low, high)) in enumerate(table.items()):
        for label, shape in (("matrix", (3, 4)), ("empty", (0, 2)), ("zero-dim", ())):
            values = np.asarray(rng(31, seed).uniform(low, high, shape))
            values = away_from(values.reshape(-1), kinks).reshape(shape)
            rows.append(Case(name, function, oracle, [values], label))
    return rows


cases = unary_rows(UNARY)
for seed, (name, (function, oracle)) in enumerate(BINARY.items()):
    for label, (left, right) in SHAPES.items():
        if name == "power":
            x = np.asarray(rng(1, seed).uniform(0.3, 2, left))
        else:
            x = np.asarray(normal(seed, *left))
        y = np.asarray(rng(2, seed).uniform(0.5, 2, right))
        cases.append(Case(name, function, oracle, [x, y], label))
    cases.append(
        Case(name, lambda x, f=function: f(x, x), lambda x, f=oracle: f(x, x),
             [rng(3).uniform(0.5, 2, (2, 3))], "repeated")
    )  # fmt: skip
cases += [
    Case("mul", lambda x: 3 * x - 1 + x / 2, lambda x: 3.5 * x - 1, [normal(4, 5)], "numbers"),
    Case("sub", lambda x: 1 - x, lambda x: 1 - x, [normal(5, 2, 2)], "reflected"),
    Case("divide", lambda x: 1 / x, lambda x: 1 / x, [rng(6).uniform(1, 2, (2, 2))], "reflected"),
    Case("power", lambda x: 2**x, lambda x: 2**x, [normal(7, 4)], "reflected"),
    Case("power", lambda x: x**3, lambda x: x * x * x, [normal(8, 4)], "negative-base"),
    Case("power", lambda x: x**2.0, lambda x: x * x, [np.array([0.0, 1.0])], "zero-base", grad=()),
    Case("power", lambda x, y: x**y, naive.power,
         [np.array([-2.0, -1.5, -0.5, 2.0]), np.array([3, 2, -1, 0.5])], "signs", grad=(0,)),
    Case("abs", xt.abs, np.abs, [np.array([0.0, -0.0])], "kink", grad=()),
    Case("round", xt.round, np.rint, [np.array([0.5, 1.5, 2.5, -0.5])], "ties", grad=()),
    *(Case(name, getattr(xt, name), oracle, [np.array([np.nan, np.inf, -np.inf, 1e30, -3e20])],
           "whole", grad=())
      for name, oracle in (("floor", np.floor), ("ceil", np.ceil), ("round", np.rint))),
    Case("add", xt.add, np.add, [np.array([1, 2, 120], np.int8), np.array([1, -2, 10], np.int8)],
         "int8-wraps"),
    Case("divide", xt.divide, lambda x, y: np.array([0.5, 1.0], np.float32),
         [np.array([1, 4], np.int64), np.array([2, 4], np.int64)], "integers"),
    Case("exp", xt.exp, lambda x: np.exp(x.astype(np.float32)), [np.array([0, 1], np.int32)],
         "integers"),
]  # fmt: skip

for number in (-9, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.7, 2, 2.5, 3, 5, 8, 9):
    x = away_from(rng(10).uniform(-2, 2, (2, 3)), (0,), 0.6)
    cases.append(
        Case("power", lambda x, n=number: x**n, lambda x, n=number: naive.power(x, n),
             [x if number == int(number) else np.abs(x)], f"to-the-{number}", rtol=4e-6)
    )  # fmt: skip

x23, x32 = xt.zeros([2, 3]), xt.zeros([3, 2])
flags = xt.XTensor(np.array([True, False]))
wrong = [
    Wrong(name, lambda f=function: f(x23, x32), ValueError, [name, "[2, 3]", "[3, 2]"])
    for name, (function, _) in BINARY.items()
]
for name, (function, _) in BINARY.items():
    wrong += [
        Wrong(name, lambda f=function: f(x23, "three"), TypeError, [name, "str"]),
        Wrong(name, lambda f=function: f(x23, {}), TypeError, [name, "dict"]),
        Wrong(name, lambda f=function: f(x23, 1j), TypeError, [name, "complex"]),
        Wrong(name, lambda f=function: f(x23, x23.GPU()), ValueError, [name, "devices", "toGPU"]),
    ]
for name, (function, *_) in UNARY.items():
    wrong += [
        Wrong(name, lambda f=function: f("three"), TypeError, [name, "str"]),
        Wrong(name, lambda f=function: f({}), TypeError, [name, "dict"]),
        Wrong(name, lambda f=function: f(1j), TypeError, [name, "complex"]),
        Wrong(name, lambda f=function: f(object()), TypeError, [name, "object"]),
        Wrong(name, lambda f=function: f(np.array(["a"])), TypeError, [name, "data"]),
    ]
wrong += [
    Wrong("sub", lambda: flags - flags, TypeError, ["sub", "kbool"]),
    Wrong("neg", lambda: -flags, TypeError, ["neg", "kbool"]),
    Wrong("square", lambda: xt.square(flags), TypeError, ["square", "kbool"]),
    Wrong("abs", lambda: xt.abs(flags), TypeError, ["abs", "kbool"]),
    Wrong("sign", lambda: xt.sign(flags), TypeError, ["sign", "kbool"]),
    Wrong("power", lambda: xt.XTensor([2], dtype=xt.kint32) ** -1, ValueError, ["t2", "-1"]),
    Wrong("add", lambda: xt.XTensor([2], dtype=xt.kint8) + 300, OverflowError, ["300", "int8"]),
]
