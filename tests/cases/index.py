"""Rows for ``t[item]`` and ``t[item] = value``."""

import numpy as np

import xtensor as xt
from xtensor.ops.index import check_range

from ..naive import index as naive
from . import Case, Wrong, normal

x = normal(1, 4, 3, 5)
at = np.array
every = slice(None)
mask = x > 0.3
BASIC = {
    "int": 0, "last": -1, "all-ints": (1, 2, -3), "two-ints": (1, 2), "slice": slice(1, 3),
    "reversed": (slice(None, None, -1), 1), "steps": (slice(3, 0, -2), every, slice(4, None, -3)),
    "ellipsis": ..., "ellipsis-last": (..., 1), "ellipsis-inside": (0, ..., slice(1, 3)),
    "new-axis": None, "new-axis-inside": (every, None, 2), "empty-slice": slice(2, 2),
    "beyond": slice(2, 100), "no-index": (),
}  # fmt: skip
ARRAYS = {
    "array": at([1, 1, 3]), "array-2d": at([[0, 3], [3, 3]]),
    "pair": (at([[0], [1]]), at([0, 1, 2])),
    "between": (every, at([0, 2]), slice(1, None, 2)), "apart": (at([0, 1]), every, at([2, 3])),
    "together": (slice(1, 3), at([0, 0]), at([4, 1])), "int-apart": (0, every, at([2, 3])),
    "new-axis-apart": (at([0, 1]), None, at([1, 2])), "negative": (at([-1, -4]), -1),
    "0d": (at(2),), "0d-all": (at(2), at(1), 0), "empty": (at([], dtype=int),),
    "mask": mask, "mask-first": at([True, False, True, True]),
    "mask-2d": mask[:, :, 0], "mask-apart": (at([True, False, True, False]), every, at([1, 2])),
    "mask-none": np.zeros((4, 3, 5), bool), "new-axis-front": (None, at([1, 2]), slice(0, 5, 2)),
    "empty-slice-array": (slice(2, 2), at([0, 1])), "ellipsis-array": (..., at([4, 0])),
    "ellipsis-of-no-axes": (slice(None), at([0, 1]), ..., at([1, 2])),
}  # fmt: skip


def on_device(item, like):
    """The arrays of an item as tensors, beside which they are used; integers as kfloat32."""
    if isinstance(item, tuple):
        return tuple(on_device(part, like) for part in item)
    if isinstance(item, np.ndarray):
        return xt.XTensor(item, device=like.device)
    return item


def assigned(t, item, value):
    """A copy of t after the assignment, which is never recorded."""
    copy = xt.XTensor(t, device=t.device)
    copy[on_device(item, t)] = value
    return copy


row = normal(2, 5)
cases = []
for label, item in (BASIC | ARRAYS).items():
    cases.append(
        Case("getitem", lambda t, i=item: t[on_device(i, t)], naive.getitem(item), [x], label)
    )
    cases.append(
        Case("setitem", lambda t, i=item: assigned(t, i, 2.5), naive.setitem(item, 2.5), [x], label,
             grad=())
    )  # fmt: skip
cases += [
    Case("getitem", lambda t: t[[0, 2]], naive.getitem(at([0, 2])), [x], "list"),
    Case("getitem", lambda t: t[[True, False, True, True]],
         naive.getitem(at([True, False, True, True])), [x], "list-of-bools"),
    Case("getitem", lambda t: t[at([0, 2], np.int8), 1], naive.getitem((at([0, 2]), 1)), [x],
         "numpy"),
    Case("getitem", lambda t: t[3][2][1], naive.getitem((3, 2, 1)), [x], "chained"),
    Case("getitem", lambda t: t[::2], naive.getitem(slice(0, 9, 2)), [np.arange(5)], "int64"),
    Case("getitem", lambda t: t[...], lambda x: x.reshape(1), [at(1.5)], "0d-source"),
    Case("setitem", lambda t, v: assigned(t, (every, 1), v),
         lambda x, v: naive.setitem((every, 1), v)(x), [x, row], "row", grad=()),
    Case("setitem", lambda t, v: assigned(t, at([1, 1, 3]), v),
         lambda x, v: naive.setitem(at([1, 1, 3]), v)(x), [x, normal(3, 3, 3, 5)], "twice",
         grad=()),
    Case("setitem", lambda t: assigned(t, 0, [1, 2, 3, 4, 5]),
         naive.setitem(0, [1, 2, 3, 4, 5]), [x], "list", grad=()),
    Case("setitem", lambda t: assigned(t, (every, 0), t[:, 1]),
         lambda x: naive.setitem((every, 0), x[:, 1])(x), [x], "from-itself", grad=()),
    Case("setitem", lambda t: assigned(t, mask, t[mask] * 2),
         lambda x: naive.setitem(mask, x[mask] * 2)(x), [x], "masked", grad=()),
    Case("setitem", lambda t: assigned(t, slice(1, 3), 7), naive.setitem(slice(1, 3), 7),
         [np.arange(5)], "int64", grad=()),
    Case("setitem", lambda t: assigned(t, (0, 0, 0), xt.XTensor(9, device=t.device)),
         naive.setitem((0, 0, 0), 9), [x], "one-element", grad=()),
    Case("setitem", lambda t: assigned(t, 0, np.ones((1, 1, 3, 5))), naive.setitem(0, 1), [x],
         "leading-ones", grad=()),
]  # fmt: skip

t = xt.XTensor(x)
REFUSED = [
    (4, IndexError, ["axis 0", "4", "-4 .. 3"]),
    ((0, -4), IndexError, ["axis 1", "-4", "-3 .. 2"]),
    ((0, 0, 0, 0), IndexError, ["4 axes", "[4, 3, 5]"]),
    ([[0, 1], [2, 9]], IndexError, ["axis 0", "9 at position [1, 1]", "-4 .. 3"]),
    ((every, xt.XTensor([0, 3])), IndexError, ["axis 1", "3 at position [1]"]),
    (xt.XTensor(at([True])), IndexError, ["mask", "[1]", "[4]"]),
    ((at([0, 1]), at([0, 1, 2])), IndexError, ["[2]", "[3]", "broadcast"]),
    ("a", IndexError, ["str"]),
    (1.5, IndexError, ["float"]),
    (True, IndexError, ["bool"]),
    (np.array(True), IndexError, ["a mask", "[]", "where"]),
    ((..., ...), IndexError, ["Ellipses"]),
    (slice(None, None, 0), ValueError, ["zero"]),
    (slice(0.5, 2), TypeError, ["slice", "integers"]),
]
wrong = []
for item, error, words in REFUSED:
    wrong.append(Wrong("getitem", lambda i=item: t[i], error, words))
    wrong.append(Wrong("setitem", lambda i=item: t.__setitem__(i, 1.0), error, words))
wrong += [
    Wrong("getitem", lambda: xt.zeros([0])[0], IndexError, ["axis 0", "no elements"]),
    Wrong("setitem", lambda: t.__setitem__(0, xt.zeros([2])), ValueError,
          ["value", "[2]", "[3, 5]"]),
    Wrong("setitem", lambda: t.__setitem__(0, xt.zeros([2, 3, 5])), ValueError,
          ["value", "[2, 3, 5]"]),
    Wrong("setitem", lambda: t.__setitem__(0, "one"), TypeError, ["value", "'one'"]),
    Wrong("setitem", lambda: t.__setitem__(0, None), TypeError, ["value", "None"]),
    Wrong("setitem", lambda: xt.zeros([2], dtype=xt.kint8).__setitem__(0, xt.full([1], 300)),
          OverflowError, ["300.0", "int8"]),
    Wrong("setitem", lambda: xt.zeros([2], dtype=xt.kint8).__setitem__(0, 300), OverflowError,
          ["value", "300"]),
    Wrong("setitem", lambda: t.__setitem__(0, xt.zeros([5], device=xt.DEV_GPU_0)), ValueError,
          ["value", "device 1000", "device 0"]),
    Wrong("check_range", lambda: check_range("embedding", "index", at([[0, 7]]), 5), IndexError,
          ["embedding", "index", "7 at position [0, 1]", "0 .. 4"]),
    Wrong("check_range", lambda: check_range("nll", "target", at(-1), 5), IndexError,
          ["nll", "target", "-1", "0 .. 4"]),
]  # fmt: skip
