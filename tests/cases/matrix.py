"""Rows for diagonals, triangles and Kronecker products."""

import numpy as np

import xtensor as xt

from ..naive import matrix as naive
from . import Case, Wrong, normal

wide, tall, stack = normal(41, 3, 5), normal(42, 5, 3), normal(43, 2, 3, 4)
cases = []
for k in (-6, -2, 0, 1, 4, 6):
    for label, x in (("wide", wide), ("tall", tall), ("square", wide[:, :3])):
        for name in ("triu", "tril", "diag", "trace"):
            function, oracle = getattr(xt, name), getattr(naive, name)(k)
            cases.append(Case(name, lambda t, f=function, k=k: f(t, k), oracle, [x], f"{label}{k}"))
    if abs(k) < 5:
        cases.append(Case("diag", lambda t, k=k: xt.diag(t, k), naive.diag(k), [wide[0]], f"1d{k}"))
for name in ("triu", "tril"):
    function, oracle = getattr(xt, name), getattr(naive, name)
    cases.append(Case(name, lambda t, f=function: f(t, 1), oracle(1), [stack], "batch"))
    for label, shape in (("empty", (0, 3)), ("empty-last", (2, 0)), ("empty-batch", (0, 2, 2))):
        cases.append(Case(name, function, oracle(0), [np.zeros(shape)], label))
    cases.append(Case(name, lambda t, f=function: f(t, 2**70), oracle(2**70), [wide], "far-above"))
    cases.append(
        Case(name, lambda t, f=function: f(t, -(2**70)), oracle(-(2**70)), [wide], "far-below")
    )
    cases.append(Case(name, function, oracle(0), [stack > 0], "bool"))
    cases.append(Case(name, function, oracle(0), [np.arange(9).reshape(3, 3)], "integers"))
for label, x in (("empty", np.zeros((0, 3))), ("empty-last", np.zeros((2, 0)))):
    cases += [Case("diag", xt.diag, naive.diag(0), [x], label),
              Case("trace", xt.trace, naive.trace(0), [x], label)]  # fmt: skip
cases += [
    Case("diag", xt.diag, naive.diag(0), [np.zeros(0)], "empty-1d"),
    Case("diag", lambda t: xt.diag(t, -1), naive.diag(-1), [np.zeros(0)], "empty-1d-below"),
    Case("trace", lambda t: xt.trace(t @ t), lambda x: naive.trace(0)(x @ x), [wide[:, :3]],
         "repeated"),
    Case("trace", xt.trace, naive.trace(0), [np.arange(9).reshape(3, 3)], "integers"),
    Case("diag", xt.diag, naive.diag(0), [np.arange(3)], "integers"),
    Case("kron", xt.kron, naive.kron, [normal(44, 2, 3), normal(45, 2, 2)], "2d"),
    Case("kron", xt.kron, naive.kron, [normal(44, 2), normal(45, 3)], "1d"),
    Case("kron", xt.kron, naive.kron, [normal(44, 2, 1, 2), normal(45, 3)], "ranks"),
    Case("kron", xt.kron, naive.kron, [normal(44, 2), normal(45, 2, 2, 1)], "ranks-left"),
    Case("kron", xt.kron, naive.kron, [np.array(2.0), normal(45, 2, 2)], "zero-dim"),
    Case("kron", lambda t: xt.kron(t, t), lambda x: naive.kron(x, x), [normal(46, 2, 2)], "twice"),
    Case("kron", xt.kron, naive.kron, [np.zeros((0, 2)), normal(45, 2, 2)], "empty"),
]  # fmt: skip

cube, vector = xt.zeros([2, 2, 2]), xt.zeros([3])
scalar = xt.XTensor(np.array(1.0))
matrix = xt.zeros([2, 3])
wrong = [
    Wrong("diag", lambda: xt.diag(cube), ValueError, ["diag", "[2, 2, 2]"]),
    Wrong("diag", lambda: xt.diag(vector, 2**40), ValueError, ["diag", "shape", "bytes"]),
    Wrong("diag", lambda: xt.diag(scalar), ValueError, ["diag", "[]"]),
    Wrong("trace", lambda: xt.trace(cube), ValueError, ["trace", "[2, 2, 2]"]),
    Wrong("trace", lambda: xt.trace(vector), ValueError, ["trace", "[3]"]),
    Wrong("triu", lambda: xt.triu(vector), ValueError, ["triu", "[3]"]),
    Wrong("triu", lambda: xt.triu(scalar), ValueError, ["triu", "[]"]),
    Wrong("tril", lambda: xt.tril(vector), ValueError, ["tril", "[3]"]),
    Wrong("tril", lambda: xt.tril(scalar), ValueError, ["tril", "[]"]),
    Wrong("kron", lambda: xt.kron(matrix, "text"), TypeError, ["kron", "str"]),
    Wrong("kron", lambda: xt.kron(matrix, None), TypeError, ["kron", "NoneType"]),
    Wrong("kron", lambda: xt.kron({}, matrix), TypeError, ["kron", "dict"]),
    Wrong("kron", lambda: xt.kron(matrix, 1j), TypeError, ["kron", "complex"]),
    Wrong("kron", lambda: xt.kron(matrix, matrix.GPU()), ValueError, ["kron", "devices"]),
]
for name, argument in (("diag", "k"), ("trace", "k"), ("triu", "diagonal"), ("tril", "diagonal")):
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f(matrix, 0.5), TypeError, [name, argument, "0.5"]),
        Wrong(name, lambda f=function: f(matrix, None), TypeError, [name, argument, "None"]),
        Wrong(name, lambda f=function: f(matrix, True), TypeError, [name, argument, "True"]),
        Wrong(name, lambda f=function: f("text"), TypeError, [name, "str"]),
    ]
