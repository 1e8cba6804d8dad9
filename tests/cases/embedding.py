"""Rows for embedding, the op and the layer."""

from __future__ import annotations

from typing import Any

import numpy as np

import xtensor as xt

from ..naive.embedding import embedding as naive
from . import Case, Wrong, normal


def row(label: str, table: tuple[int, int], index: Any) -> Case:
    inputs = [normal(1, *table), np.asarray(index)]
    return Case("embedding", xt.embedding, naive, inputs, label, grad=(0,))


def layer(weights: xt.XTensor, index: xt.XTensor) -> xt.XTensor:
    """Embedding with this tensor in the place of its parameter."""
    net = xt.Embedding(*weights.shape)
    vars(net).update(weights=weights)
    return net(index)


cases = [
    row("a vector", (5, 3), [4, 0, 2]),
    row("a row twice", (5, 3), [1, 3, 1, 1]),
    row("four axes", (6, 2), np.arange(24).reshape(2, 3, 2, 2) % 5),
    row("0-d", (4, 3), 2),
    row("one of one", (1, 1), [0]),
    row("no index", (3, 2), np.zeros((0, 2), int)),
    row("no columns", (3, 0), [0, 2]),
    row("no rows", (0, 2), np.zeros(0, int)),
    row("floats", (5, 3), [2.0, 4.0, 2.0]),
    row("int32", (5, 3), np.array([2, 4, 2], np.int32)),
    row("uint8", (5, 3), np.array([[2], [4]], np.uint8)),
    row("one row in pieces", (3, 2), [0] * 300 + [2, 1] + [0] * 300 + [2]),
    Case("embedding", xt.embedding, naive, [np.arange(6).reshape(3, 2), np.array([2, 2, 0])],
         "an integer table"),
    Case("Embedding", layer, naive, [normal(2, 4, 3), np.array([[3, 1], [1, 0]])]),
    Case("Embedding", layer, naive, [normal(3, 30, 3), np.arange(24).reshape(2, 3, 2, 2)],
         "four axes"),
    Case("Embedding", layer, naive, [normal(4, 4, 3), np.array([3.0, 3.0])], "floats", grad=(0,)),
    Case("Embedding", layer, naive, [normal(5, 2, 1), np.array(1)], "0-d"),
    Case("Embedding", layer, naive, [normal(6, 3, 4), np.array([2] * 7)], "one row for all"),
    Case("Embedding", layer, naive, [normal(7, 3, 2), np.array([[0], [2]], np.uint8)], "uint8"),
]  # fmt: skip

table = xt.ones([5, 3])


def bad(words: list[str], error: type[Exception], *args: Any) -> Wrong:
    return Wrong("embedding", lambda: xt.embedding(*args), error, ["embedding", *words])


def made_bad(words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong("Embedding", lambda: xt.Embedding(*args, **kwargs), error, ["Embedding", *words])


wrong = [
    bad(["index", "5.0 at position [1]", "0 .. 4"], IndexError, table, xt.XTensor([1, 5])),
    bad(["index", "-1 at position [0, 1]", "0 .. 4"], IndexError, table,
        xt.XTensor([[1, -1]], dtype=xt.kint64)),
    bad(["index", "1.5 at position [1]", "whole"], IndexError, table, xt.XTensor([1, 1.5])),
    bad(["index", "nan at position [0]"], IndexError, table, xt.XTensor([float("nan")])),
    bad(["index", "inf at position [0]"], IndexError, table, xt.XTensor([float("inf")])),
    bad(["index", "no elements"], IndexError, xt.ones([0, 3]), xt.XTensor([0])),
    bad(["index", "kbool", "mask"], TypeError, table, xt.XTensor(np.array([True]))),
    bad(["index", "list", "XTensor"], TypeError, table, [1, 2]),
    bad(["weight", "ndarray"], TypeError, np.ones((5, 3)), xt.XTensor([1])),
    bad(["weight", "[5]", "[rows, columns]"], ValueError, xt.ones([5]), xt.XTensor([1])),
    Wrong("embedding", lambda: xt.embedding(table, xt.XTensor([1]).toGPU()), ValueError,
          ["embedding", "device"]),
    made_bad(["num_embeddings", "0", "at least 1"], ValueError, 0, 3),
    made_bad(["embedding_dim", "-1", "at least 1"], ValueError, 3, -1),
    made_bad(["num_embeddings", "2.0", "int"], TypeError, 2.0, 3),
    made_bad(["embedding_dim", "True", "int"], TypeError, 2, True),
    made_bad(["dtype", "kint64"], TypeError, 2, 3, dtype=xt.kint64),
    made_bad(["initializer", "callable"], TypeError, 2, 3, weight_initializer="zeros"),
    made_bad(["initializer", "[1]", "[2, 3]"], ValueError, 2, 3, lambda shape: xt.ones([1])),
    Wrong("Embedding", lambda: xt.Embedding(4, 3)(xt.XTensor([4])), IndexError,
          ["4.0 at position [0]", "0 .. 3"]),
]  # fmt: skip
