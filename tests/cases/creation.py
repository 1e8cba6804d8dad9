"""Rows for the creation functions that follow a tensor, and wrong calls of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

import xtensor as xt

from . import Case, Wrong, normal

cases = [
    case
    for shape in ((2, 3), (), (0, 4))
    for case in (
        Case("zeros_like", xt.zeros_like, np.zeros_like, [normal(1, *shape)], str(shape), ()),
        Case("ones_like", xt.ones_like, np.ones_like, [normal(1, *shape)], str(shape), ()),
        Case("full_like", lambda t: xt.full_like(t, -2.5), lambda t: np.full_like(t, -2.5),
             [normal(1, *shape)], str(shape), ()),
    )
]  # fmt: skip
cases += [
    Case("ones_like", xt.ones_like, np.ones_like, [np.array([True, False])], "bool", ()),
    Case("full_like", lambda t: xt.full_like(t, 7), lambda t: np.full_like(t, 7), [np.arange(3)],
         "integers", ()),
]  # fmt: skip


def bad(name: str, words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong(name, lambda: getattr(xt, name)(*args, **kwargs), error, [name, *words])


wrong = []
for _name, _rest in (("zeros", ()), ("ones", ()), ("full", (1,))):
    wrong += [
        bad(_name, ["shape", "-1"], ValueError, [2, -1], *_rest),
        bad(_name, ["shape", "2.5"], TypeError, [2.5], *_rest),
        bad(_name, ["shape", "None"], TypeError, None, *_rest),
        bad(_name, ["shape", "bytes"], ValueError, [2**40, 2**40], *_rest),
        bad(_name, ["dtype", "3"], TypeError, [2], *_rest, dtype=3),
        bad(_name, ["device", "17"], ValueError, [2], *_rest, device=17),
    ]
for _name, _rest in (("zeros_like", ()), ("ones_like", ()), ("full_like", (1,))):
    wrong += [
        bad(_name, ["t", "ndarray"], TypeError, np.zeros(2), *_rest),
        bad(_name, ["t", "list"], TypeError, [0.0], *_rest),
        bad(_name, ["t", "NoneType"], TypeError, None, *_rest),
        bad(_name, ["t", "float"], TypeError, 1.0, *_rest),
        bad(_name, ["t", "str"], TypeError, "t", *_rest),
    ]
wrong += [
    bad("full", ["value", "'x'"], TypeError, [2], "x"),
    bad("full", ["value", "300", "uint8"], OverflowError, [2], 300, dtype=xt.kuint8),
    bad("full", ["value", "nan"], ValueError, [2], float("nan"), dtype=xt.kint32),
    bad("full_like", ["value", "300"], OverflowError, xt.zeros([2], dtype=xt.kint8), 300),
    bad("arange", ["step", "0"], ValueError, 0, 5, 0),
    bad("arange", ["start", "nan"], ValueError, float("nan"), 5),
    bad("arange", ["end", "inf"], ValueError, 0, float("inf")),
    bad("arange", ["start", "'a'"], TypeError, "a", 5),
    bad("arange", ["dtype", "42"], TypeError, 0, 5, dtype=42),
    bad("arange", ["bytes"], ValueError, 0, 2**62),
    bad("linspace", ["num", "-1"], ValueError, 0, 1, -1),
    bad("linspace", ["num", "2.5"], TypeError, 0, 1, 2.5),
    bad("linspace", ["start", "nan"], ValueError, float("nan"), 1, 3),
    bad("linspace", ["end", "None"], TypeError, 0, None, 3),
    bad("linspace", ["dtype", "'f'"], TypeError, 0, 1, 3, dtype="f"),
    bad("logspace", ["base", "0"], ValueError, 0, 1, 3, 0),
    bad("logspace", ["base", "-2"], ValueError, 0, 1, 3, -2),
    bad("logspace", ["num", "'3'"], TypeError, 0, 1, "3", 10),
    bad("logspace", ["start", "inf"], ValueError, float("inf"), 1, 3, 10),
    bad("logspace", ["num", "-3"], ValueError, 0, 1, -3, 10),
    bad("eye", ["size", "-2"], ValueError, -2),
    bad("eye", ["size", "2.0"], TypeError, 2.0),
    bad("eye", ["offset", "0.5"], TypeError, 2, 0.5),
    bad("eye", ["bytes"], ValueError, 2**32),
    bad("eye", ["device", "-1"], ValueError, 2, device=-1),
]
