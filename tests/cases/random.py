"""Wrong calls of the random functions; what they give is asked in tests/test_random.py."""

from __future__ import annotations

from typing import Any

import numpy as np

import xtensor as xt

from . import Case, Wrong

NAN = float("nan")
cases: list[Case] = []


def bad(name: str, words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong(name, lambda: getattr(xt, name)(*args, **kwargs), error, [name, *words])


def fill(name: str, words: list[str], error: type[Exception], dtype: int, *args: Any) -> Wrong:
    def call() -> None:
        getattr(xt.ones([2], dtype=dtype), name)(*args)

    return Wrong(name, call, error, [name, *words])


wrong = []
for _name in ("randu", "randn"):
    wrong += [
        bad(_name, ["shape", "-1"], ValueError, [-1]),
        bad(_name, ["shape", "'ab'"], TypeError, "ab"),
        bad(_name, ["dtype", "kint64"], TypeError, [2], dtype=xt.kint64),
        bad(_name, ["dtype", "3"], TypeError, [2], dtype=3),
        bad(_name, ["device", "5"], ValueError, [2], device=5),
    ]
wrong += [
    bad("randu", ["min", "2", "max = 1"], ValueError, [2], 2),
    bad("randu", ["min", "nan"], ValueError, [2], NAN),
    bad("randu", ["max", "inf"], ValueError, [2], 0, np.inf),
    bad("randu", ["max - min"], ValueError, [2], -3e38, 3e38),
    bad("randu", ["max", "'1'"], TypeError, [2], 0, "1"),
    bad("randn", ["std", "-1"], ValueError, [2], 0, -1),
    bad("randn", ["std", "nan"], ValueError, [2], 0, NAN),
    bad("randn", ["mean", "inf"], ValueError, [2], np.inf),
    bad("randn", ["mean", "None"], TypeError, [2], None),
    bad("randperm", ["n", "-1"], ValueError, -1),
    bad("randperm", ["n", "4294967297", "2**32"], ValueError, 2**32 + 1),
    bad("randperm", ["n", "2.5"], TypeError, 2.5),
    bad("randperm", ["n", "True"], TypeError, True),
    bad("randperm", ["device", "7"], ValueError, 3, device=7),
    bad("randperm", ["n", "[3]"], TypeError, [3]),
    bad("manual_seed", ["seed", "'x'"], TypeError, "x"),
    bad("manual_seed", ["seed", "1.0"], TypeError, 1.0),
    bad("manual_seed", ["seed", "True"], TypeError, True),
    bad("manual_seed", ["seed", "-1"], ValueError, -1),
    bad("manual_seed", ["seed", "2**64"], ValueError, 2**64),
    bad("set_rng_state", ["state", "3"], TypeError, 3),
    bad("set_rng_state", ["state"], TypeError, {"seed": 1}),
    bad("set_rng_state", ["position", "-1"], ValueError, {"seed": 1, "position": -1}),
    bad("set_rng_state", ["seed", "2**64"], ValueError, {"seed": 2**64, "position": 0}),
    bad("set_rng_state", ["seed", "'a'"], TypeError, {"seed": "a", "position": 0}),
]
for _name in ("fill_rand_uniform_", "fill_rand_signed_uniform_"):
    wrong += [
        fill(_name, ["v", "-1"], ValueError, xt.kfloat32, -1),
        fill(_name, ["v", "nan"], ValueError, xt.kfloat32, NAN),
        fill(_name, ["v", "inf"], ValueError, xt.kfloat32, np.inf),
        fill(_name, ["v", "'x'"], TypeError, xt.kfloat32, "x"),
        fill(_name, ["kint32"], TypeError, xt.kint32, 1),
    ]
wrong += [
    fill("fill_rand_binary_", ["v", "nan"], ValueError, xt.kfloat32, NAN),
    fill("fill_rand_binary_", ["v", "None"], TypeError, xt.kfloat32, None),
    fill("fill_rand_normal_", ["s", "-1"], ValueError, xt.kfloat32, 0, -1),
    fill("fill_rand_normal_", ["m", "nan"], ValueError, xt.kfloat32, NAN),
    fill("fill_rand_normal_", ["s", "'1'"], TypeError, xt.kfloat32, 0, "1"),
    fill("fill_rand_normal_", ["kbool"], TypeError, xt.kbool, 0, 1),
]
