"""Rows for dropout; the table seeds every call with 11."""

from __future__ import annotations

import numpy as np

import xtensor as xt

from ..naive.dropout import dropout as naive
from . import Case, Wrong, normal

SEED = 11


def row(name: str, rate: float, *shape: int) -> Case:
    if name == "Dropout":
        return Case(name, xt.Dropout(rate), naive(rate, SEED), [normal(1, *shape)], f"{rate}",
                    training=True)  # fmt: skip
    return Case(name, lambda x: xt.dropout(x, rate), naive(rate, SEED), [normal(1, *shape)],
                f"{rate}-{'x'.join(map(str, shape))}")  # fmt: skip


cases = [
    row("dropout", 0.5, 3, 7),
    row("dropout", 0.1, 13),
    row("dropout", 0.9, 2, 2, 5),
    row("dropout", 0.0, 5),
    row("dropout", 0.3, 0, 4),
    row("dropout", 0.3),
    Case("dropout", lambda x: xt.dropout(x, 1), np.zeros_like, [normal(2, 4, 3)], "everything"),
    Case("dropout", lambda x: xt.dropout(x, 1), lambda x: np.zeros(2),
         [np.array([np.nan, np.inf])], "nan-dropped", grad=()),
    row("Dropout", 0.5, 4, 5),
    row("Dropout", 0.25, 4, 5),
    row("Dropout", 0.9, 13),
    row("Dropout", 0.0, 2, 3),
    row("Dropout", 1.0, 2, 3),
    row("Dropout", 0.4, 2, 2, 5),
    Case("Dropout", xt.Dropout(0.5), lambda x: x, [normal(3, 4)], "no tape", grad=()),
]  # fmt: skip

wrong = []
for _name, _call, _rate in (
    ("dropout", lambda rate: xt.dropout(xt.ones([2]), rate), "rate"),
    ("Dropout", xt.Dropout, "dropout_rate"),
):
    wrong += [
        Wrong(_name, lambda f=_call: f(-0.1), ValueError, [_name, _rate, "-0.1"]),
        Wrong(_name, lambda f=_call: f(1.5), ValueError, [_name, _rate, "1.5"]),
        Wrong(_name, lambda f=_call: f(float("nan")), ValueError, [_name, _rate, "nan"]),
        Wrong(_name, lambda f=_call: f("half"), TypeError, [_name, _rate, "half"]),
        Wrong(_name, lambda f=_call: f(True), TypeError, [_name, _rate, "True"]),
        Wrong(_name, lambda f=_call: f(None), TypeError, [_name, _rate, "None"]),
        Wrong(_name, lambda f=_call: f(float("inf")), ValueError, [_name, _rate, "inf"]),
    ]
wrong.append(Wrong("Dropout", lambda: xt.Dropout(0.5, 3), TypeError, ["Dropout", "name", "3"]))
