"""Rows for running sums."""

import numpy as np

import xtensor as xt

from ..naive import scan as naive
from . import Case, Wrong, normal

x = normal(31, 2, 3, 4)
cases = [
    Case("cumsum", lambda t, a=axis: xt.cumsum(t, a), naive.cumsum(axis), [x], f"axis{axis}")
    for axis in (0, 1, 2, -1, -3)
]
cases += [
    Case("cumsum", xt.cumsum, naive.cumsum(-1), [x[0, 0]], "1d"),
    Case("cumsum", xt.cumsum, naive.cumsum(-1), [np.zeros((2, 0))], "empty"),
    Case("cumsum", xt.cumsum, naive.cumsum(-1), [x[:, :, :1]], "size-1"),
    Case("cumsum", xt.cumsum, naive.cumsum(-1), [np.arange(6).reshape(2, 3)], "integers"),
    Case("cumsum", xt.cumsum, naive.cumsum(-1), [x > 0], "bool"),
    Case("cumsum", lambda t: xt.cumsum(t, 0), naive.cumsum(0), [normal(32, 3, 9)], "columns"),
    Case("cumsum", lambda t: xt.cumsum(t, 0), naive.cumsum(0), [np.zeros((0, 3))], "empty-first"),
    Case(
        "cumsum",
        lambda t: xt.cumsum(xt.cumsum(t)),
        lambda x: naive.cumsum(-1)(naive.cumsum(-1)(x)),
        [x[0]],
        "twice",
    ),
    Case(
        "cumsum",
        xt.cumsum,
        naive.cumsum(-1),
        [np.array([[1.0, np.inf, 2.0, -np.inf, 3.0], [0.0, np.nan, 1.0, 1.0, 1.0]])],
        "nan",
        grad=(),
    ),
]
x23 = xt.zeros([2, 3])
wrong = [
    Wrong("cumsum", lambda: xt.cumsum(x23, 2), ValueError, ["cumsum", "axis", "2"]),
    Wrong("cumsum", lambda: xt.cumsum(x23, -3), ValueError, ["cumsum", "-3"]),
    Wrong("cumsum", lambda: xt.cumsum(x23, None), TypeError, ["cumsum", "None"]),
    Wrong("cumsum", lambda: xt.cumsum(x23, [0]), TypeError, ["cumsum", "[0]"]),
    Wrong("cumsum", lambda: xt.cumsum(xt.XTensor(np.array(1.0))), ValueError, ["cumsum", "axis"]),
    Wrong("cumsum", lambda: xt.cumsum("text"), TypeError, ["cumsum", "str"]),
]
