"""Rows for sums, means, extremes, their places, all and any."""

import builtins
import math

import numpy as np

import xtensor as xt

from ..naive import reduce as naive
from . import Case, Wrong, normal

x345 = normal(1, 3, 4, 5)
AXES = {
    "all": (x345[:2, :3, :4], None), "first": (x345, 0), "middle": (x345, 1), "last": (x345, -1),
    "apart": (x345, [0, 2]), "together": (x345, (1, -1)), "all-named": (x345[0], [0, 1]),
    "none-named": (x345[0], []), "size-1": (x345[:, :1], 1), "0d": (np.array(2.5), None),
    "1d": (x345[0, 0], 0), "one": (np.array([3.0]), None),
}  # fmt: skip
NUMERIC = {"sums": math.fsum, "mean": naive.mean, "max": naive.largest, "min": naive.smallest}
nan = np.array([[1.0, math.nan, 2.0], [3.0, -1.0, math.inf], [math.nan, -math.inf, math.nan]])
ties = np.array([[2.0, 5.0, 5.0], [5.0, 2.0, 2.0]])

cases = []
for name, choose in NUMERIC.items():
    function = getattr(xt, name)
    for label, (x, axis) in AXES.items():
        for keepdims in (False, True) if label in ("all", "apart", "last") else (False,):
            cases.append(
                Case(name, lambda t, f=function, a=axis, k=keepdims: f(t, a, k),
                     naive.reduction(choose, axis, keepdims), [x], label + "-keep" * keepdims)
            )  # fmt: skip
    for label, x in (("int64", np.arange(-5, 7).reshape(3, 4)), ("bool", x345[0, :, :4] > 0)):
        cases.append(
            Case(name, lambda t, f=function: f(t, 1), naive.reduction(choose, 1), [x], label)
        )
    if name not in ("sums", "mean"):
        oracle = naive.reduction(choose, 1)
        cases.append(Case(name, lambda t, f=function: f(t, 1), oracle, [nan], "nan", grad=()))
for label, x, axis in (("empty", np.zeros((0, 3)), 0), ("empty-all", np.zeros((2, 0)), None),
                       ("empty-left", np.zeros((0, 3)), 1)):  # fmt: skip
    cases.append(
        Case("sums", lambda t, a=axis: xt.sums(t, a), naive.reduction(math.fsum, axis), [x], label)
    )
    cases.append(
        Case("mean", lambda t, a=axis: xt.mean(t, a), naive.reduction(naive.mean, axis), [x], label)
    )
# The gradient goes to the first of equal elements; finite differences cannot say so at a tie.
for name, weights in (("max", [[0, 1, 0], [1, 0, 0]]), ("min", [[1, 0, 0], [0, 1, 0]])):

    def gradient_at_ties(t, name=name):
        with xt.autograd.tape():
            leaf = xt.XTensor(t.to_numpy(), requires_grad=True, dtype=t.dtype, device=t.device)
            getattr(xt, name)(leaf, 1).backward()
        return leaf.grad

    cases.append(
        Case(
            name, gradient_at_ties, lambda x, w=weights: np.array(w, float), [ties], "tie", grad=()
        )
    )
for name in ("argmax", "argmin"):
    function, choose = getattr(xt, name), getattr(naive, name)
    for label in ("all", "first", "middle", "last", "0d", "1d"):
        x, axis = AXES[label]
        for keepdims in (False, True):
            cases.append(
                Case(name, lambda t, f=function, a=axis, k=keepdims: f(t, a, k),
                     naive.reduction(choose, axis, keepdims), [x], label + "-keep" * keepdims,
                     grad=())
            )  # fmt: skip
    for label, x in (("tie", ties), ("nan", nan), ("int64", np.array([[3, 1], [1, 3]]))):
        for axis in (0, 1):
            oracle = naive.reduction(choose, axis)
            cases.append(
                Case(name, lambda t, f=function, a=axis: f(t, a), oracle, [x], label, grad=())
            )
for name, choose in (("all", builtins.all), ("any", builtins.any)):
    function = getattr(xt, name)
    for label, x in (("ones", np.ones((2, 3))), ("mixed", np.array([[0.0, 2.0]])),
                     ("zeros", np.zeros((2, 2))), ("bool", np.array([True, True])),
                     ("nan", np.array([math.nan])), ("0d", np.array(3.0)),
                     ("empty", np.zeros((0, 2))), ("int64", np.array([0, 0, 4]))):  # fmt: skip
        cases.append(
            Case(name, lambda t, f=function: f(t),
                 lambda x, c=choose: np.array(c(bool(v) for v in x.ravel())), [x], label, grad=())
        )  # fmt: skip

x23 = xt.zeros([2, 3])
wrong = []
for name in NUMERIC:
    f = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=f: f(x23, 2), ValueError, [name, "axis", "2", "-2 .. 1"]),
        Wrong(name, lambda f=f: f(x23, [0, -3]), ValueError, [name, "axis", "-3"]),
        Wrong(name, lambda f=f: f(x23, [1, -1]), ValueError, [name, "each axis once"]),
        Wrong(name, lambda f=f: f(x23, 0.5), TypeError, [name, "axis", "0.5"]),
        Wrong(name, lambda f=f: f(x23, True), TypeError, [name, "axis", "True"]),
        Wrong(name, lambda f=f: f(x23, 0, 1), TypeError, [name, "keepdims", "1"]),
        Wrong(name, lambda f=f: f("text"), TypeError, [name, "str"]),
    ]
for name in ("max", "min", "argmax", "argmin"):
    f = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=f: f(xt.zeros([0, 3])), ValueError, [name, "empty", "[0, 3]"]),
        Wrong(name, lambda f=f: f(xt.zeros([2, 0]), 1), ValueError, [name, "at least one element"]),
    ]
for name in ("argmax", "argmin"):
    f = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=f: f(x23, 2), ValueError, [name, "dim", "2", "-2 .. 1"]),
        Wrong(name, lambda f=f: f(x23, [0]), TypeError, [name, "dim", "[0]"]),
        Wrong(name, lambda f=f: f(x23, "0"), TypeError, [name, "dim", "'0'"]),
        Wrong(name, lambda f=f: f(x23, True), TypeError, [name, "dim", "True"]),
        Wrong(name, lambda f=f: f("text"), TypeError, [name, "str"]),
    ]
for name in ("all", "any"):
    f = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=f, b=bad: f(b), TypeError, [name, kind])
        for bad, kind in (("text", "str"), ({}, "dict"), (object(), "object"), (b"1", "bytes"),
                          (1j, "complex"))
    ]  # fmt: skip
