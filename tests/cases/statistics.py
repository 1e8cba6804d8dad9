"""Rows for variance, standard deviation, Frobenius norm and median."""

import math

import numpy as np

import xtensor as xt

from ..naive import statistics as naive
from . import Case, Wrong, normal

x345 = normal(21, 3, 4, 5)
AXES = {
    "all": (x345[:2, :3, :3], None), "first": (x345, 0), "middle": (x345, 1), "last": (x345, -1),
    "apart": (x345, [0, 2]), "together": (x345, (1, -1)), "even": (x345[:, :, :4], 2),
    "1d": (x345[0, 0], 0), "all-named": (x345[0], [0, 1]), "columns": (x345[:, 0], 0),
    "empty-left": (np.zeros((0, 3)), 1),
}  # fmt: skip
FUNCTIONS = {
    "var": naive.var,
    "std": naive.std,
    "frobenius_norm": naive.norm,
    "median": naive.median,
}
nan = np.array([[1.0, math.nan, 2.0], [3.0, -1.0, 5.0]])

cases = []
for name, choose in FUNCTIONS.items():
    function = getattr(xt, name)
    for label, (x, axis) in AXES.items():
        for keepdims in (False, True) if label in ("all", "apart", "last") else (False,):
            cases.append(
                Case(name, lambda t, f=function, a=axis, k=keepdims: f(t, a, k),
                     naive.reduction(choose, axis, keepdims), [x], label + "-keep" * keepdims)
            )  # fmt: skip
    cases.append(
        Case(name, lambda t, f=function: f(t, 1), naive.reduction(choose, 1), [nan], "nan", grad=())
    )
    cases.append(
        Case(name, lambda t, f=function: f(t, 1),
             lambda x, c=choose: naive.reduction(c, 1)(x).astype(np.float32),
             [np.arange(12).reshape(3, 4)], "integers", rtol=1e-6)
    )  # fmt: skip
for name in ("var", "std"):
    function, choose = getattr(xt, name), FUNCTIONS[name]

    def biased(values, choose=choose):
        return choose(values, False)

    for axis in (None, 1, [0, 2]):
        cases.append(
            Case(name, lambda t, f=function, a=axis: f(t, a, False, False),
                 naive.reduction(biased, axis), [x345[:2, :2]], f"biased-{axis}")
        )  # fmt: skip
    cases += [
        Case(name, lambda t, f=function: f(t, 0), naive.reduction(choose, 0), [x345[:1, 0]],
             "one-element", grad=()),
        Case(name, lambda t, f=function: f(t, 1, False, False), naive.reduction(biased, 1),
             [x345[:, :1, 0]], "one-biased"),
        Case(name, lambda t, f=function: f(t + 1000.0, 1), naive.reduction(choose, 1),
             [x345[0]], "far-from-0", rtol=3e-4, grad=()),
    ]  # fmt: skip


def gradient_at_zero(function):
    """The gradient where the root has no slope: 0, not NaN."""

    def of(t):
        leaf = xt.XTensor(t.to_numpy(), requires_grad=True, dtype=t.dtype, device=t.device)
        with xt.autograd.tape():
            function(leaf).backward()
        return leaf.grad

    return of


for name in ("var", "std", "frobenius_norm"):
    function, choose = getattr(xt, name), FUNCTIONS[name]
    for label, x, axis in (("empty", np.zeros((0, 3)), 0), ("empty-all", np.zeros((2, 0)), None)):
        cases.append(
            Case(name, lambda t, f=function, a=axis: f(t, a), naive.reduction(choose, axis), [x],
                 label, grad=())
        )  # fmt: skip
for name, x in (("frobenius_norm", np.array(-2.5)), ("median", np.array(2.5))):
    function = getattr(xt, name)
    cases.append(Case(name, function, naive.reduction(FUNCTIONS[name]), [x], "0d"))
    cases.append(
        Case(name, lambda t, f=function: f(t, []), naive.reduction(FUNCTIONS[name], []),
             [x345[0, :2] - 3], "none-named")
    )  # fmt: skip
cases += [
    Case("var", xt.var, naive.reduction(naive.var), [np.array(2.5)], "0d", grad=()),
    Case("std", xt.std, naive.reduction(naive.std), [np.array(2.5)], "0d", grad=()),
    Case("var", lambda t: xt.var(t, [], False, False), np.zeros_like, [x345[0]], "none-named"),
    Case("std", lambda t: xt.std(t, [], False, False), np.zeros_like, [x345[0]], "none-named",
         grad=()),
]  # fmt: skip


def gradient_of_median(t):
    """The first of equal elements gets it, each of two middle ones half, and the first NaN all."""
    leaf = xt.XTensor(t.to_numpy(), requires_grad=True, dtype=t.dtype, device=t.device)
    with xt.autograd.tape():
        xt.median(leaf, 1).backward()
    return leaf.grad


cases += [
    Case("median", gradient_of_median,
         lambda x: np.array([[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 1, 0, 0]]),
         [np.array([[1.0, 2.0, 2.0, 5.0], [2.0, 9.0, 3.0, -1.0], [1.0, math.nan, 0.0, math.nan]])],
         "gradient", grad=()),
    Case("median", lambda t: xt.median(t, 1),
         lambda x: np.array([-math.inf, math.nan, math.inf, 1.5e38]),
         [np.array([[-math.inf, -math.inf, 1, -math.inf],
                    [math.inf, math.inf, -math.inf, -math.inf],
                    [math.inf, 0, 5, math.inf], [2e38, 1e38, 3e38, -1]])],
         "infinite-even", grad=()),
    Case("std", gradient_at_zero(xt.std), np.zeros_like, [np.full(3, 2.0)], "no-spread", grad=()),
    Case("frobenius_norm", gradient_at_zero(xt.frobenius_norm), np.zeros_like, [np.zeros(3)],
         "zero", grad=()),
    Case("median", xt.median, lambda x: np.array([2.0]), [np.array([2.0, 2.0, 2.0, 5.0])], "ties",
         grad=()),
    Case("median", xt.median, lambda x: np.array([np.inf]), [np.array([1.0, np.inf, np.inf])],
         "infinite", grad=()),
]  # fmt: skip

x23 = xt.zeros([2, 3])
wrong = []
for name in FUNCTIONS:
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f(x23, 2), ValueError, [name, "axis", "2"]),
        Wrong(name, lambda f=function: f(x23, [0, -2]), ValueError, [name, "once"]),
        Wrong(name, lambda f=function: f(x23, 1.5), TypeError, [name, "1.5"]),
        Wrong(name, lambda f=function: f(x23, "0"), TypeError, [name, "'0'"]),
        Wrong(name, lambda f=function: f("text"), TypeError, [name, "str"]),
    ]
for name in ("var", "std"):
    function = getattr(xt, name)
    wrong.append(
        Wrong(name, lambda f=function: f(x23, 0, False, 2), TypeError, [name, "unbiased", "2"])
    )
wrong.append(Wrong("median", lambda: xt.median(xt.zeros([0])), ValueError, ["median", "[0]"]))
