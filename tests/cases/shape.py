"""Rows for reshaping, permuting, repeating and joining."""

import numpy as np

import xtensor as xt

from ..naive import shape as naive
from . import Case, Wrong, normal

x234 = normal(1, 2, 3, 4)
x6, x0d = normal(2, 6), np.array(1.5)
empty = np.zeros((0, 3))
true = np.array([[True, False, True]])

cases = [
    Case("reshape", lambda t: xt.reshape(t, [4, 6]), naive.reshape(4, 6), [x234]),
    Case("reshape", lambda t: t.reshape((3, -1, 2)), naive.reshape(3, 4, 2), [x234], "rest"),
    Case("reshape", lambda t: xt.reshape(t, []), naive.reshape(), [normal(3, 1)], "to-0d"),
    Case("reshape", lambda t: xt.reshape(t, [1, 1]), naive.reshape(1, 1), [x0d], "from-0d"),
    Case("reshape", lambda t: xt.reshape(t, [3, 0, 2]), naive.reshape(3, 0, 2), [empty], "empty"),
    Case("reshape", lambda t: xt.reshape(t, -1), naive.reshape(24), [x234], "int"),
    Case("flatten", xt.flatten, naive.reshape(24), [x234]),
    Case("flatten", lambda t: xt.flatten(t, 1), naive.reshape(2, 12), [x234], "from-1"),
    Case("flatten", lambda t: xt.flatten(t, 0, -2), naive.reshape(6, 4), [x234], "to--2"),
    Case("flatten", lambda t: xt.flatten(t, 1, 1), naive.reshape(2, 3, 4), [x234], "one-axis"),
    Case("flatten", xt.flatten, naive.reshape(1), [x0d], "0d"),
    Case("squeeze", xt.squeeze, naive.reshape(6), [x6.reshape(1, 6, 1)], "all"),
    Case("squeeze", lambda t: xt.squeeze(t, None), naive.reshape(6), [x6.reshape(1, 6, 1)], "none"),
    Case("squeeze", lambda t: xt.squeeze(t, 0), naive.reshape(6, 1), [x6.reshape(1, 6, 1)], "0"),
    Case("squeeze", lambda t: xt.squeeze(t, -3), naive.reshape(6, 1), [x6.reshape(1, 6, 1)], "-3"),
    Case("squeeze", xt.squeeze, naive.reshape(), [normal(3, 1, 1)], "to-0d"),
    Case("unsqueeze", xt.unsqueeze, naive.reshape(1, 6), [x6]),
    Case("unsqueeze", lambda t: xt.unsqueeze(t, 1), naive.reshape(2, 1, 3, 4), [x234], "1"),
    Case("unsqueeze", lambda t: xt.unsqueeze(t, -1), naive.reshape(2, 3, 4, 1), [x234], "-1"),
    Case("unsqueeze", lambda t: xt.unsqueeze(t, 0), naive.reshape(1), [x0d], "0d"),
    Case("permute", xt.permute, naive.permute(2, 1, 0), [x234], "reversed"),
    Case("permute", lambda t: xt.permute(t, [2, 0, 1]), naive.permute(2, 0, 1), [x234], "list"),
    Case("permute", lambda t: xt.permute(t, 1, 2, 0), naive.permute(1, 2, 0), [x234], "ints"),
    Case("permute", lambda t: xt.permute(t, (0, -1, 1)), naive.permute(0, 2, 1), [x234], "-1"),
    Case("permute", xt.permute, naive.permute(), [x0d], "0d"),
    Case("permute", lambda t: xt.permute(t, 1, 0), naive.permute(1, 0), [empty], "empty"),
    Case("permute", lambda t: xt.permute(t, 0), naive.permute(0), [x6], "1d"),
    Case("transpose", lambda t: t.transpose(), naive.permute(2, 1, 0), [x234], "reversed"),
    Case("transpose", lambda t: t.transpose([0, 2, 1]), naive.permute(0, 2, 1), [x234], "list"),
    Case("transpose", lambda t: xt.transpose(t, 1, 0), naive.permute(1, 0), [x234[0]], "ints"),
    Case("swapaxis", lambda t: xt.swapaxis(t, 0, 2), naive.permute(2, 1, 0), [x234]),
    Case("swapaxis", lambda t: xt.swapaxis(t, -1, 1), naive.permute(0, 2, 1), [x234], "negative"),
    Case("swapaxis", lambda t: xt.swapaxis(t, 1, 1), naive.permute(0, 1, 2), [x234], "same"),
    Case("broadcast_to", lambda t: xt.broadcast_to(t, [2, 3, 4]), naive.broadcast_to(2, 3, 4),
         [normal(4, 3, 1)]),
    Case("broadcast_to", lambda t: xt.broadcast_to(t, [3, 2]), naive.broadcast_to(3, 2), [x0d],
         "0d"),
    Case("broadcast_to", lambda t: xt.broadcast_to(t, (2, 3)), naive.broadcast_to(2, 3),
         [normal(4, 2, 3)], "same"),
    Case("broadcast_to", lambda t: xt.broadcast_to(t, [0, 3]), naive.broadcast_to(0, 3),
         [normal(4, 1, 3)], "empty"),
    Case("broadcast", xt.broadcast, lambda x, y: (naive.broadcast_to(2, 3, 4)(x),
                                                  naive.broadcast_to(2, 3, 4)(y)),
         [normal(4, 3, 1), normal(5, 2, 1, 4)]),
    Case("broadcast", xt.broadcast, lambda x, y: (naive.broadcast_to(2)(x), y),
         [x0d, normal(5, 2)], "0d"),
    Case("concatenate", lambda *a: xt.concatenate(a), naive.concatenate(0),
         [normal(6, 2, 3), normal(7, 1, 3), normal(8, 2, 3)]),
    Case("concatenate", lambda *a: xt.concatenate(list(a), -1), naive.concatenate(1),
         [normal(6, 2, 3), normal(7, 2, 1)], "last"),
    Case("concatenate", lambda *a: xt.concatenate(a, 1), naive.concatenate(1),
         [normal(6, 2, 3, 2), normal(7, 2, 0, 2)], "empty"),
    Case("concatenate", lambda *a: xt.concatenate(a), naive.concatenate(0),
         [normal(6, 2), np.array([1, 2])], "mixed-dtype"),
    Case("concatenate", lambda a: xt.concatenate([a, a]), lambda x: naive.concatenate(0)(x, x),
         [normal(6, 2)], "itself"),
    Case("stack", lambda *a: xt.stack(a), naive.stack(0), [normal(6, 2, 3), normal(7, 2, 3)]),
    Case("stack", lambda *a: xt.stack(a, -1), naive.stack(2), [normal(6, 2, 3), normal(7, 2, 3)],
         "last"),
    Case("stack", lambda *a: xt.stack(list(a), 1), naive.stack(1), [normal(6, 2), normal(7, 2)],
         "middle"),
    Case("stack", lambda *a: xt.stack(a), naive.stack(0), [x0d, x0d], "0d"),
    Case("flip", lambda t: xt.flip(t, 1), naive.flip(1), [x234]),
    Case("flip", lambda t: xt.flip(t, [0, -1]), naive.flip(0, 2), [x234], "several"),
    Case("flip", lambda t: xt.flip(t, []), naive.flip(), [x234], "none"),
    Case("flip", lambda t: xt.flip(t, 0), naive.flip(0), [np.arange(4)], "int64"),
    Case("flip", lambda t: xt.flip(t, []), naive.flip(), [x0d], "0d"),
    Case("tile", lambda t: xt.tile(t, 3), naive.tile(3), [x6]),
    Case("tile", lambda t: xt.tile(t, [2, 1, 2]), naive.tile(2, 1, 2), [x234[0]], "more-reps"),
    Case("tile", lambda t: xt.tile(t, (2,)), naive.tile(2), [x234], "fewer-reps"),
    Case("tile", lambda t: xt.tile(t, [2, 0]), naive.tile(2, 0), [x234[0]], "no-copies"),
    Case("tile", lambda t: xt.tile(t, [2, 2]), naive.tile(2, 2), [x0d], "0d"),
    Case("masked_fill", lambda t, m: xt.masked_fill(t, m, -7.5), naive.masked_fill(-7.5),
         [normal(9, 2, 3), true]),
    Case("masked_fill", lambda t, m: xt.masked_fill(t, m, float("-inf")),
         naive.masked_fill(-np.inf), [normal(9, 3), true[0]], "inf", grad=()),
    Case("masked_fill", lambda t, m: xt.masked_fill(t, m, 2), naive.masked_fill(2),
         [np.arange(6).reshape(2, 3), np.array([[True], [False]])], "int64"),
    Case("masked_fill", lambda t, m: xt.masked_fill(t, m, True), naive.masked_fill(True),
         [np.array([[True, False], [False, False]]), np.array([False, True])], "kbool"),
    Case("masked_fill", lambda t: xt.masked_fill(t, true, 1),
         lambda x: naive.masked_fill(1)(x, true), [normal(9, 2, 3)], "numpy-mask"),
    Case("masked_fill", lambda t: xt.masked_fill(t, true.tolist(), 1),
         lambda x: naive.masked_fill(1)(x, true), [normal(9, 2, 3)], "list"),
]  # fmt: skip

x23 = xt.zeros([2, 3])
mask = xt.XTensor(np.array([True, False]))


def wrong_calls(name, *calls):
    function = getattr(xt, name)
    return [
        Wrong(name, lambda a=arguments: function(*a), error, [name, *words])
        for arguments, error, words in calls
    ]


wrong = [
    *wrong_calls(
        "reshape",
        ((x23, [4, 2]), ValueError, ["new_shape", "[4, 2]", "6"]),
        ((x23, [-1, -1]), ValueError, ["new_shape", "-1"]),
        ((x23, [-2, -3]), ValueError, ["new_shape"]),
        ((x23, [4, -1]), ValueError, ["new_shape", "[4, -1]"]),
        ((x23, [0, -1]), ValueError, ["new_shape", "[0, -1]"]),
        ((x23, "23"), TypeError, ["new_shape", "'23'"]),
        ((x23, [1.5, 4]), TypeError, ["new_shape", "1.5"]),
        (([1, 2], [2]), TypeError, ["t", "list", "XTensor"]),
    ),
    *wrong_calls(
        "flatten",
        ((x23, 2), ValueError, ["start", "2", "-2 .. 1"]),
        ((x23, 0, 2), ValueError, ["end", "2"]),
        ((x23, 1, 0), ValueError, ["end", "not before start"]),
        ((x23, 0.0), TypeError, ["start"]),
        ((1.0,), TypeError, ["t", "float"]),
    ),
    *wrong_calls(
        "squeeze",
        ((x23, 0), ValueError, ["axis", "length 2", "[2, 3]"]),
        ((x23, 2), ValueError, ["axis", "2"]),
        ((x23, -3), ValueError, ["axis", "-3"]),
        ((x23, 0.0), TypeError, ["axis"]),
        ((None,), TypeError, ["t", "NoneType"]),
    ),
    *wrong_calls(
        "unsqueeze",
        ((x23, 3), ValueError, ["axis", "3", "-3 .. 2"]),
        ((x23, -4), ValueError, ["axis", "-4"]),
        ((x23, None), TypeError, ["axis", "None"]),
        ((x23, True), TypeError, ["axis", "True"]),
        ((x23, [0, 1]), TypeError, ["axis", "[0, 1]", "one int"]),
        ((3,), TypeError, ["t", "int"]),
    ),
    *[
        Wrong(name, wrong.call, wrong.error, [name, *wrong.words[1:]])
        for name in ("permute", "transpose")
        for wrong in wrong_calls(
            name,
            ((x23, 0), ValueError, ["axes", "[0]", "2 axes once"]),
            ((x23, 0, 0), ValueError, ["axes", "each axis once"]),
            ((x23, [0, 2]), ValueError, ["axes", "2"]),
            ((x23, "10"), TypeError, ["axes"]),
            ((x23, 0.0, 1.0), TypeError, ["axes"]),
            (([[1.0]],), TypeError, ["t", "list"]),
        )
    ],
    *wrong_calls(
        "swapaxis",
        ((x23, 2, 0), ValueError, ["axis1", "2"]),
        ((x23, 0, -3), ValueError, ["axis2", "-3"]),
        ((x23, "0", 1), TypeError, ["axis1"]),
        ((x23, 0, 1.0), TypeError, ["axis2", "1.0"]),
        (("t", 0, 1), TypeError, ["t", "str"]),
    ),
    *wrong_calls(
        "broadcast_to",
        ((x23, [2, 4]), ValueError, ["ref", "[2, 4]", "[2, 3]"]),
        ((x23, [3]), ValueError, ["ref", "[3]"]),
        ((x23, [2, -3]), ValueError, ["[2, -3]"]),
        ((x23, 2.5), TypeError, ["2.5"]),
        ((2.0, [2]), TypeError, ["t", "float"]),
    ),
    *wrong_calls(
        "broadcast",
        ((x23, xt.zeros([2])), ValueError, ["[2, 3]", "[2]"]),
        ((xt.zeros([2, 2]), x23), ValueError, ["[2, 2]", "broadcast"]),
        ((x23, 1.0), TypeError, ["t2", "float"]),
        ((1.0, x23), TypeError, ["t1", "float"]),
        ((None, x23), TypeError, ["t1", "NoneType"]),
    ),
    *wrong_calls(
        "concatenate",
        (([x23, xt.zeros([2, 2])],), ValueError, ["args[1]", "[2, 2]", "[2, 3]"]),
        (([x23, xt.zeros([3])],), ValueError, ["args[1]", "[3]"]),
        (([x23], 2), ValueError, ["axis", "2"]),
        (([],), ValueError, ["args", "empty"]),
        ((x23,), TypeError, ["args", "XTensor"]),
        (([x23, 1.0],), TypeError, ["args[1]", "float"]),
        (([x23], "0"), TypeError, ["axis"]),
    ),
    *wrong_calls(
        "stack",
        (([x23, xt.zeros([3, 2])],), ValueError, ["XTensors[1]", "[3, 2]", "[2, 3]"]),
        (([x23], 3), ValueError, ["axis", "3"]),
        (([x23], []), TypeError, ["axis", "[]", "one int"]),
        (([],), ValueError, ["XTensors", "empty"]),
        ((None,), TypeError, ["XTensors", "NoneType"]),
        (([x23, None],), TypeError, ["XTensors[1]", "NoneType"]),
    ),
    *wrong_calls(
        "flip",
        ((x23, 2), ValueError, ["flip_dims", "2"]),
        ((x23, [0, -2]), ValueError, ["flip_dims", "each axis once"]),
        ((x23, None), TypeError, ["flip_dims", "None"]),
        ((x23, [0.0]), TypeError, ["flip_dims"]),
        ((1, 0), TypeError, ["t", "int"]),
    ),
    *wrong_calls(
        "tile",
        ((x23, [-1]), ValueError, ["reps", "[-1]"]),
        ((x23, "2"), TypeError, ["reps", "'2'"]),
        ((x23, [1.5]), TypeError, ["reps", "1.5"]),
        ((x23, None), TypeError, ["reps", "None"]),
        ((2, 2), TypeError, ["t", "int"]),
    ),
    *wrong_calls(
        "masked_fill",
        ((x23, x23, 1), TypeError, ["mask", "float32", "kbool"]),
        ((x23, mask, 1), ValueError, ["mask", "[2]", "[2, 3]"]),
        ((x23, mask.reshape([1, 1, 2]), 1), ValueError, ["mask", "[1, 1, 2]"]),
        ((x23, mask, "one"), TypeError, ["value", "'one'"]),
        ((xt.zeros([2], dtype=xt.kuint8), mask, 300), OverflowError, ["value", "300"]),
        ((1, mask, 1), TypeError, ["t", "int"]),
    ),
]
