"""Rows for matmul and linear."""

import numpy as np

import xtensor as xt

from ..naive import matmul as naive
from . import Case, Wrong, normal, rng

SHAPES = {
    "2d": ((2, 3), (3, 4)), "column": ((3, 2), (2, 1)), "row": ((1, 3), (3, 2)),
    "1d-1d": ((3,), (3,)), "1d-2d": ((3,), (3, 4)), "2d-1d": ((2, 3), (3,)),
    "3d-2d": ((5, 2, 3), (3, 4)), "3d-3d": ((4, 2, 3), (4, 3, 2)), "2d-3d": ((2, 3), (4, 3, 2)),
    "4d": ((2, 2, 2, 3), (2, 2, 3, 2)), "batches-broadcast": ((2, 1, 2, 3), (3, 3, 2)),
    "batch-of-1": ((2, 1, 2, 3), (1, 1, 3, 2)), "1d-3d": ((3,), (2, 3, 2)),
    "3d-1d": ((2, 2, 3), (3,)),
    "no-rows": ((0, 3), (3, 2)), "no-sum": ((2, 0), (0, 3)), "no-batch": ((0, 2, 3), (3, 2)),
    "several-tiles": ((5, 7), (7, 3)),
}  # fmt: skip

cases = [
    Case("matmul", xt.matmul, naive.matmul, [normal(1, *left), normal(2, *right)], label)
    for label, (left, right) in SHAPES.items()
]
weight, bias = normal(4, 5, 3), normal(5, 5)
ints = rng(3).integers(-9, 9, (3, 3))
cases += [
    Case(
        "matmul", lambda x, y: x @ y, naive.matmul, [normal(1, 2, 2), normal(2, 2, 2)], "operator"
    ),
    Case("matmul", xt.matmul, naive.matmul, [ints, ints.T.copy()], "int64"),
    Case("matmul", xt.matmul, naive.matmul, [ints, normal(2, 3, 2)], "mixed-dtype"),
    Case("matmul", lambda x: x @ x, lambda x: naive.matmul(x, x), [normal(1, 3, 3)], "itself"),
    Case("linear", xt.linear, naive.linear, [normal(3, 4, 3), weight, bias]),
    Case("linear", xt.linear, naive.linear, [normal(3, 4, 3), weight], "no-bias"),
    Case("linear", xt.linear, naive.linear, [normal(3, 3), weight, bias], "1d"),
    Case("linear", xt.linear, naive.linear, [normal(3, 2, 2, 3), weight, bias], "4d"),
    Case("linear", xt.linear, naive.linear, [normal(3, 0, 3), weight, bias], "no-rows"),
    Case("linear", xt.linear, naive.linear, [normal(3, 2, 0), normal(4, 5, 0), bias], "no-inputs"),
    Case("linear", xt.linear, naive.linear, [np.arange(6).reshape(2, 3), weight, bias], "int64"),
]

x23, x34, w = xt.zeros([2, 3]), xt.zeros([3, 4]), xt.zeros([5, 3])
flags = xt.XTensor(np.array([[True]]))
wrong = [
    Wrong("matmul", lambda: x23 @ x23, ValueError, ["matmul", "t2", "[2, 3]", "length 3"]),
    Wrong("matmul", lambda: x23 @ xt.zeros([2]), ValueError, ["matmul", "t2", "[2]"]),
    Wrong("matmul", lambda: xt.zeros([2, 2, 3]) @ xt.zeros([3, 3, 2]), ValueError,
          ["[2, 2, 3]", "[3, 3, 2]", "broadcast"]),
    Wrong("matmul", lambda: xt.matmul(x23, 2.0), ValueError, ["matmul", "t2", "[]"]),
    Wrong("matmul", lambda: xt.matmul("a", x23), TypeError, ["matmul", "str"]),
    Wrong("matmul", lambda: flags @ flags, TypeError, ["matmul", "kbool"]),
    Wrong("matmul", lambda: x23 @ xt.zeros([3, 2], device=xt.DEV_GPU_0), ValueError,
          ["matmul", "devices"]),
    Wrong("linear", lambda: xt.linear(x34, w), ValueError, ["linear", "x", "[3, 4]", "3"]),
    Wrong("linear", lambda: xt.linear(x23, xt.zeros([3])), ValueError, ["weight", "[3]", "2 axes"]),
    Wrong("linear", lambda: xt.linear(x23, w, xt.zeros([3])), ValueError, ["bias", "[3]", "[5]"]),
    Wrong("linear", lambda: xt.linear(xt.zeros([]), w), ValueError, ["linear", "x", "[]"]),
    Wrong("linear", lambda: xt.linear("x", w), TypeError, ["linear", "str"]),
]  # fmt: skip
