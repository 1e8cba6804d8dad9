"""Embedding: rows of a table, and the sum of their gradients, row by row."""

from __future__ import annotations

import numpy as np

from ..device import Array, cast, empty_like, flat, full_like, reshape, to_host
from ..dtype import BOOL, INT64
from ..errors import message
from ..kernels import launch
from ..op import Op
from ..tensor import XTensor, check_tensor
from .index import add_groups, add_to_places, by_target, check_range, check_whole

# So many gradients of one row are added in a line; more are cut into pieces, which are added then.
PIECE = 256


class Embedding(Op):
    """Rows of a table; a row that is taken several times gets the sum of the gradients"""

    def check(self, weight: Array, index: Array) -> None:
        if len(weight.shape) != 2:
            raise ValueError(
                message(self.name, "weight", f"of shape {list(weight.shape)}", "[rows, columns]")
            )
        if index.dtype == BOOL:
            raise TypeError(
                message(self.name, "index", "kbool", "row numbers of any other dtype",
                        "weight[mask] selects the rows of a mask")
            )  # fmt: skip
        host = to_host(index)
        check_whole(self.name, "index", host, f"a whole number, 0 .. {weight.shape[0] - 1}")
        check_range(self.name, "index", host, weight.shape[0])

    def forward(self, weight: Array, index: Array) -> Array:
        rows = flat(cast(index, INT64))
        columns = weight.shape[1]
        out = empty_like(weight, (rows.size, columns))
        if out.size:
            launch("gather_forward", rows.size, out, weight, rows)
        self.save(weight.shape, rows)
        return reshape(out, (*index.shape, columns))

    def backward(self, grad_out: Array) -> tuple[Array, None]:
        shape, rows = self.saved
        grad_weight = full_like(grad_out, 0, shape)
        if grad_out.size:
            _add_rows(grad_weight, reshape(grad_out, (rows.size, shape[1])), to_host(rows))
        return grad_weight, None


def _add_rows(out: Array, x: Array, rows: np.ndarray) -> None:
    """out[rows[i]] adds x[i], those of one row in the order of i.

    A row that comes up very often is added up in pieces: float32 would lose what is added last.
    """
    if rows.size <= PIECE or np.bincount(rows).max() <= PIECE:
        add_to_places(out, x, rows)
        return
    target, first, order = by_target(rows)
    pieces = -(-np.diff(first) // PIECE)
    ends = np.cumsum(pieces)
    nth = np.arange(ends[-1]) - np.repeat(ends - pieces, pieces)
    starts = np.append(np.repeat(first[:-1], pieces) + PIECE * nth, rows.size)
    partial = full_like(x, 0, (starts.size - 1, x.shape[1]))
    every = np.arange(starts.size - 1)
    add_groups(partial, x, every, starts, order)
    add_groups(out, partial, target, np.append(0, ends), every)


def embedding(weight: XTensor, index: XTensor) -> XTensor:
    """Rows of a table.

    Args:
        weight: the table, [rows, columns], any dtype.
        index: row numbers of any shape, 0 .. rows - 1, of any dtype but kbool (floats have to be
            whole). On a GPU they are read by the host once, to check them.

    Returns:
        [*index.shape, columns], of the dtype of ``weight``. Gradients of a row taken several times
        add up, in the same order whatever the number of threads; ``index`` gets none.

    Raises:
        TypeError: an argument is no XTensor, or ``index`` is kbool.
        ValueError: ``weight`` has not 2 axes, or the two lie on different devices.
        IndexError: an index that is out of range or no whole number; nothing has been read then.

    Formula: out[i] = weight[index[i]].

    Example:
        >>> from xtensor import XTensor, kint64
        >>> table = XTensor([[1, 2], [3, 4], [5, 6]])
        >>> embedding(table, XTensor([2, 0], dtype=kint64))
        <BLANKLINE>
        [[5. 6.]
         [1. 2.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    check_tensor("embedding", "weight", weight)
    check_tensor("embedding", "index", index, "wrap it: XTensor(values, dtype=kint64)")
    return Embedding()(weight, index)
