"""Rows for multinomial whose outcome is certain; what is random is tested in test_multinomial."""

from __future__ import annotations

from typing import Any

import numpy as np

import xtensor as xt

from . import Case, Wrong


def in_order(drawn: xt.XTensor) -> xt.XTensor:
    """The numbers drawn, smallest first, where they were."""
    return xt.XTensor(np.sort(drawn.to_numpy()), device=drawn.device, dtype=drawn.dtype)


def positive(t: np.ndarray) -> np.ndarray:
    """The numbers of the positive weights, of which every row has as many."""
    rows = [[c for c, weight in enumerate(row) if weight > 0] for row in np.atleast_2d(t)]
    return np.array(rows, np.int64).reshape(*t.shape[:-1], -1)


def row(label: str, t: Any, count: int) -> Case:
    return Case("multinomial", lambda t: in_order(xt.multinomial(t, count)), positive,
                [np.asarray(t, float)], label, grad=())  # fmt: skip


cases = [
    row("one", [2.5], 1),
    row("one of many", [0, 0, 0.1, 0], 1),
    row("all", [0.1, 3, 7, 1e-30], 4),
    row("all that can be", [0, 3, 0, 1], 2),
    row("rows", [[0, 3, 0, 1], [1, 0, 1e30, 0], [1, 1, 0, 0]], 2),
    row("far apart", [1e-38, 0, 1e38], 2),
]


def bad(words: list[str], error: type[Exception], *args: Any) -> Wrong:
    return Wrong("multinomial", lambda: xt.multinomial(*args), error, ["multinomial", *words])


def weights(*values: Any) -> xt.XTensor:
    return xt.XTensor(list(values))


wrong = [
    bad(["t", "list", "XTensor"], TypeError, [1, 2], 1),
    bad(["t", "kint64", "kfloat32"], TypeError, xt.ones([3], dtype=xt.kint64), 1),
    bad(["t", "of shape []", "[C]"], ValueError, xt.ones([]), 1),
    bad(["t", "[1, 2, 3]", "[N, C]"], ValueError, xt.ones([1, 2, 3]), 1),
    bad(["t", "-1.0 at position [1]"], ValueError, weights(1, -1), 1),
    bad(["t", "nan at position [1, 0]"], ValueError, weights([1, 2], [float("nan"), 1]), 1),
    bad(["t", "inf at position [0]"], ValueError, weights(float("inf"), 1), 1),
    bad(["num_samples", "0", "at least 1"], ValueError, weights(1, 2), 0),
    bad(["num_samples", "1.0", "int"], TypeError, weights(1, 2), 1.0),
    bad(["num_samples", "True", "int"], TypeError, weights(1, 2), True),
    bad(["num_samples", "3", "at most 2"], ValueError, weights(1, 2), 3),
    bad(["num_samples", "2", "at most 1", "row 1"], ValueError, weights([1, 2], [0, 1]), 2),
    bad(["num_samples", "1", "at most 0"], ValueError, weights(0, 0), 1),
    bad(["num_samples", "1", "at most 0"], ValueError, xt.ones([0]), 1),
    bad(["num_samples", "4", "at most 3"], ValueError, xt.ones([0, 3]), 4),
]
