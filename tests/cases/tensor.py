"""Rows for making tensors out of what users have."""

import numpy as np

import xtensor as xt

from . import Case, Wrong, normal

cases = [
    Case("to_xtensor", xt.to_xtensor, lambda x: x, [normal(71, 2, 3)], "passes-through", grad=()),
    Case("xtensor", lambda t: xt.xtensor(t, device=t.device), lambda x: x, [normal(72, 2)], "copy",
         grad=()),
]  # fmt: skip

wrong = []
for name in ("xtensor", "to_xtensor"):
    function = getattr(xt, name)
    wrong += [
        Wrong(name, lambda f=function: f("text"), TypeError, ["data", "str"]),
        Wrong(name, lambda f=function: f(1j), TypeError, ["data", "complex"]),
        Wrong(name, lambda f=function: f([[1], [1, 2]]), TypeError, ["data", "one length"]),
        Wrong(name, lambda f=function: f(None), TypeError, ["data", "NoneType"]),
        Wrong(name, lambda f=function: f([1], dtype=3), TypeError, ["dtype is 3", "kfloat32=6"]),
        Wrong(name, lambda f=function: f([1], device=5), ValueError, ["device is 5", "DEV_CPU"]),
        Wrong(name, lambda f=function: f([1], device=xt.DEV_GPU_9), RuntimeError, ["GPU 9"]),
        Wrong(name, lambda f=function: f(np.array(["a"])), TypeError, ["data", "ndarray"]),
    ]
