"""Recurrent layers, one layer and one direction at a time: ``rnn``, ``gru`` and ``lstm``.

Sequences of one length come as [B, T, *]. Others are packed: rows [S, *] of all first steps, then
all second ones, the longest sequence first, and ``batch_sizes`` says how many sequences have each
step. The inputs of all steps are multiplied with their weight in one product; only what depends on
the state goes through a kernel step by step, and gradients of weights are again single products
over all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..device import Array, copy, empty_like, full_like, host_constant, reshape
from ..dtype import INT64
from ..elementwise import apply
from ..errors import check_flag, message, shown
from ..kernels import launch
from ..op import Op
from ..reduction import sum_axes
from ..strided import read, write
from ..tensor import XTensor
from .matmul import as_matrix, product

# More sequences than the first make a product no faster, fewer than the second no cheaper.
ENOUGH_TOGETHER, FEWEST_TOGETHER = 16, 8


def sequences_together(batch: int) -> int:
    """How many sequences go through their steps together.

    An even number of tiles has them all, so that two threads get equal work.

    Example:
        >>> [sequences_together(batch) for batch in (1, 8, 16, 32, 64, 100, 1024)]
        [1, 8, 8, 16, 16, 13, 16]
    """
    if batch <= FEWEST_TOGETHER:
        return max(1, batch)
    tiles = 2 * -(-batch // (2 * ENOUGH_TOGETHER))
    return -(-batch // tiles)


class _Recurrence(Op, abstract=True):
    """Checks and products that all cells share; inputs x, W_ih, W_hh, b_ih, b_hh, h0 (, c0)."""

    promotion = "float"
    gates = 1

    def __init__(self, batch_sizes: Sequence[int] | None, reverse: bool) -> None:
        self.reverse = check_flag(self.name, "reverse", reverse)
        self.batch_sizes = None if batch_sizes is None else self._check_sizes(batch_sizes)

    def _check_sizes(self, batch_sizes: Sequence[int]) -> np.ndarray:
        sizes = np.asarray(batch_sizes)
        if sizes.ndim != 1 or sizes.size == 0 or sizes.dtype.kind not in "iu":
            raise TypeError(
                message(self.name, "batch_sizes", shown(batch_sizes),
                        "a list of at least one int, or None")
            )  # fmt: skip
        if (sizes < 0).any() or (np.diff(sizes) > 0).any():
            raise ValueError(
                message(self.name, "batch_sizes", sizes.tolist(),
                        "numbers of 0 or more that never grow, as sequences only end")
            )  # fmt: skip
        return sizes.astype(INT64)

    def _check_rows(self, x: Array) -> None:
        """Also notes where the rows of a step are; see kernels/cpu/recurrent.py."""
        sizes = self.batch_sizes
        if sizes is None:
            if len(x.shape) != 3 or x.shape[1] == 0:
                raise ValueError(
                    message(self.name, "x", f"of shape {list(x.shape)}",
                            "[B, T, I] with at least one step, or [S, I] and batch_sizes")
                )  # fmt: skip
            self.batch, self.apart = x.shape[:2]
            begins, sizes = np.arange(self.apart), np.full(self.apart, self.batch)
        else:
            if len(x.shape) != 2 or x.shape[0] != sizes.sum():
                raise ValueError(
                    message(self.name, "x", f"of shape {list(x.shape)}",
                            f"[{sizes.sum()}, I], as many rows as batch_sizes sum up to")
                )  # fmt: skip
            self.batch, self.apart = int(sizes[0]), 1
            begins = np.cumsum(sizes) - sizes
        self.schedule = np.stack([begins, sizes], axis=1).astype(INT64).ravel()

    def check(self, x: Array, *others: Array | None) -> None:
        weight_ih, weight_hh, bias_ih, bias_hh, *states = others
        assert weight_hh is not None  # only biases and states are optional
        self._check_rows(x)
        if (
            len(weight_hh.shape) != 2
            or weight_hh.shape[0] != self.gates * weight_hh.shape[1]
            or weight_hh.size == 0
        ):
            raise ValueError(
                message(self.name, "weight_hh", f"of shape {list(weight_hh.shape)}",
                        f"[{self.gates} * H, H] with H of at least 1")
            )  # fmt: skip
        rows, hidden = weight_hh.shape
        *_, features = x.shape
        self.tile = sequences_together(self.batch)
        due = {
            "weight_ih": (weight_ih, (rows, features), "one column per feature of x"),
            "bias_ih": (bias_ih, (rows,), "as many as weight_hh has rows"),
            "bias_hh": (bias_hh, (rows,), "as many as weight_hh has rows"),
        } | {
            argument: (state, (self.batch, hidden), "one row per sequence")
            for argument, state in zip(("h0", "c0"), states, strict=False)
        }
        for argument, (array, shape, why) in due.items():
            if array is not None and array.shape != shape:
                raise ValueError(
                    message(self.name, argument, f"of shape {list(array.shape)}",
                            f"{list(shape)}, {why}")
                )  # fmt: skip

    def project(
        self, x: Array, weight: Array, bias_ih: Array | None, bias_hh: Array | None
    ) -> Array:
        """W_ih x + b_ih + b_hh of all rows at once, [S, gates * H]."""
        given = [bias for bias in (bias_ih, bias_hh) if bias is not None]
        bias = apply("add_forward", tuple(given)) if len(given) == 2 else next(iter(given), None)
        return product(as_matrix(x), weight, bias, transposed_y=True)

    def in_order(self, rows: Array, like: Array) -> Array:
        """Rows [S, H] as the axes of x, [S, I] or [B, T, I], have them."""
        return reshape(rows, (*like.shape[:-1], rows.shape[1]))

    def state(self, like: Array, weight: Array, given: Array | None) -> Array:
        """An initial state, which the steps will change; zeros where none is given."""
        shape = self.batch, weight.shape[1]
        return full_like(like, 0, shape) if given is None else copy(given)

    def run(self, kernel: str, *arrays: Array, numbers: tuple[Any, ...] = ()) -> None:
        """Launch a kernel over tiles of sequences."""
        schedule = host_constant(arrays[0], self.schedule)
        launch(kernel, -(-self.batch // self.tile), *arrays, schedule, self.apart, self.reverse,
               self.tile, *numbers)  # fmt: skip

    def parameter_gradients(
        self, grad_inputs: Array, grad_hidden: Array, x: Array, weight_ih: Array, previous: Array
    ) -> list[Array | None]:
        """From the gradients of W_ih x + b_ih and W_hh h + b_hh, both [S, gates * H]."""
        gradients: list[Array | None] = [None] * 5
        if self.needs(0):
            gradients[0] = reshape(product(grad_inputs, weight_ih), self.input_shapes[0])
        for position, grad, factor in ((1, grad_inputs, x), (2, grad_hidden, previous)):
            if self.needs(position):
                gradients[position] = product(grad, as_matrix(factor), transposed_x=True)
        for position, grad in ((3, grad_inputs), (4, grad_hidden)):
            if position == 4 and grad_hidden is grad_inputs and self.needs(3):
                gradients[4] = gradients[3]
            elif self.needs(position):
                gradients[position] = reshape(sum_axes(grad, (0,)), grad.shape[1:])
        return gradients


class Rnn(_Recurrence):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same)"""

    optional = (3, 4, 5)

    def __init__(self, batch_sizes: Sequence[int] | None, reverse: bool, nonlinearity: str) -> None:
        super().__init__(batch_sizes, reverse)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                message(self.name, "nonlinearity", shown(nonlinearity), "'tanh' or 'relu'")
            )
        self.relu = nonlinearity == "relu"

    def forward(
        self, x: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array | None,
        bias_hh: Array | None, h0: Array | None,
    ) -> tuple[Array, Array]:  # fmt: skip
        last, out = self.state(x, weight_hh, h0), self.project(x, weight_ih, bias_ih, bias_hh)
        previous = empty_like(out)
        self.run("rnn_forward", out, last, previous, weight_hh, numbers=(self.relu,))
        self.save(x, weight_ih, weight_hh, previous, out)
        return self.in_order(out, x), last

    def backward(self, grad_out: Array, grad_last: Array) -> tuple[Array | None, ...]:
        x, weight_ih, weight_hh, previous, out = self.saved
        grad_gates, grad_first = empty_like(previous), copy(grad_last)
        self.run("rnn_backward", grad_gates, grad_first, as_matrix(grad_out), out, weight_hh,
                 numbers=(self.relu,))  # fmt: skip
        return *self.parameter_gradients(grad_gates, grad_gates, x, weight_ih, previous), grad_first


class Gru(_Recurrence):
    """r, z = s(W_ih x + b_ih + W_hh h + b_hh); h' = (1 - z) tanh(W x + b + r (W h + b)) + z h"""

    optional = (3, 4, 5)
    gates = 3

    def forward(
        self, x: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array | None,
        bias_hh: Array | None, h0: Array | None,
    ) -> tuple[Array, Array]:  # fmt: skip
        hidden = weight_hh.shape[1]
        bias_n = full_like(x, 0, (hidden,))
        if bias_hh is not None:  # of which b_hn is not to be added before r has its say
            bias_hh, zeros = copy(bias_hh), bias_n
            bias_n = read(bias_hh, lambda a: a[2 * hidden :])
            write(bias_hh, lambda a: a[2 * hidden :], zeros)
        last, gates = self.state(x, weight_hh, h0), self.project(x, weight_ih, bias_ih, bias_hh)
        out = empty_like(x, (gates.shape[0], hidden))
        previous, hidden_n = empty_like(out), empty_like(out)
        self.run("gru_forward", out, last, previous, gates, hidden_n, weight_hh, bias_n)
        self.save(x, weight_ih, weight_hh, previous, gates, hidden_n)
        return self.in_order(out, x), last

    def backward(self, grad_out: Array, grad_last: Array) -> tuple[Array | None, ...]:
        x, weight_ih, weight_hh, previous, gates, hidden_n = self.saved
        grad_inputs, grad_hidden, grad_first = empty_like(gates), empty_like(gates), copy(grad_last)
        self.run("gru_backward", grad_inputs, grad_hidden, grad_first, as_matrix(grad_out), gates,
                 hidden_n, previous, weight_hh)  # fmt: skip
        return (
            *self.parameter_gradients(grad_inputs, grad_hidden, x, weight_ih, previous),
            grad_first,
        )


class Lstm(_Recurrence):
    """c' = f c + i g; h' = o tanh(c') with i, f, o = s(a), g = tanh(a) of a = W x + b + W h + b"""

    optional = (3, 4, 5, 6)
    gates = 4

    def forward(
        self, x: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array | None,
        bias_hh: Array | None, h0: Array | None, c0: Array | None,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        last, last_cell = self.state(x, weight_hh, h0), self.state(x, weight_hh, c0)
        gates = self.project(x, weight_ih, bias_ih, bias_hh)
        out = empty_like(x, (gates.shape[0], weight_hh.shape[1]))
        previous, cells = empty_like(out), empty_like(out)
        self.run("lstm_forward", out, last, last_cell, previous, gates, cells, weight_hh)
        self.save(x, weight_ih, weight_hh, previous, gates, cells)
        return self.in_order(out, x), last, last_cell

    def backward(
        self, grad_out: Array, grad_last: Array, grad_last_cell: Array
    ) -> tuple[Array | None, ...]:
        x, weight_ih, weight_hh, previous, gates, cells = self.saved
        grad_gates = empty_like(gates)
        grad_first, grad_first_cell = copy(grad_last), copy(grad_last_cell)
        self.run("lstm_backward", grad_gates, grad_first, grad_first_cell, as_matrix(grad_out),
                 gates, cells, weight_hh)  # fmt: skip
        return (
            *self.parameter_gradients(grad_gates, grad_gates, x, weight_ih, previous),
            grad_first,
            grad_first_cell,
        )


def rnn(
    x: XTensor,
    weight_ih: XTensor,
    weight_hh: XTensor,
    bias_ih: XTensor | None,
    bias_hh: XTensor | None,
    h0: XTensor | None,
    batch_sizes: Sequence[int] | None = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> tuple[XTensor, XTensor]:
    """One layer of an Elman network over sequences, in one direction.

    Args:
        x: [B, T, I], or packed [S, I]: step 0 of all sequences, then step 1, ..., the longest
            sequence first.
        weight_ih: [H, I].
        weight_hh: [H, H].
        bias_ih, bias_hh: [H], or None.
        h0: [B, H], the state before the first step; zeros if None.
        batch_sizes: how many packed sequences have a step 0, 1, ...; the first is B, their sum is
            S. None for [B, T, I].
        reverse: whether each sequence is gone through from its own last step to its first.
        nonlinearity: 'tanh' or 'relu'.

    Returns:
        The state after each row, [B, T, H] or [S, H], and after the last step of each sequence,
        [B, H].

    Raises:
        TypeError: batch_sizes is no list of ints, reverse no bool.
        ValueError: shapes that do not fit each other, batch_sizes that grow, another nonlinearity.

    h' = tanh(W_ih x + b_ih + W_hh h + b_hh)

    Source: Elman, "Finding structure in time" (1990).

    Example:
        >>> from xtensor import ones
        >>> out, last = rnn(ones([3, 1]), ones([1, 1]), ones([1, 1]), None, None, None, [2, 1])
        >>> out.to_numpy().ravel().round(2), last.to_numpy().ravel().round(2)
        (array([0.76, 0.76, 0.94], dtype=float32), array([0.94, 0.76], dtype=float32))
    """
    return Rnn(batch_sizes, reverse, nonlinearity)(x, weight_ih, weight_hh, bias_ih, bias_hh, h0)


def gru(
    x: XTensor,
    weight_ih: XTensor,
    weight_hh: XTensor,
    bias_ih: XTensor | None,
    bias_hh: XTensor | None,
    h0: XTensor | None,
    batch_sizes: Sequence[int] | None = None,
    reverse: bool = False,
) -> tuple[XTensor, XTensor]:
    """One layer of gated recurrent units over sequences, in one direction.

    Args:
        x: [B, T, I], or packed [S, I] as for ``rnn``.
        weight_ih: [3 H, I], the rows of r, then z, then n.
        weight_hh: [3 H, H], likewise.
        bias_ih, bias_hh: [3 H], likewise, or None.
        h0: [B, H]; zeros if None.
        batch_sizes, reverse: as for ``rnn``.

    Returns:
        The state after each row, [B, T, H] or [S, H], and after the last step of each sequence,
        [B, H].

    Raises:
        TypeError: batch_sizes is no list of ints, reverse no bool.
        ValueError: shapes that do not fit each other, batch_sizes that grow.

    With s(a) = 1 / (1 + exp(-a)):
        r, z = s(W_ih x + b_ih + W_hh h + b_hh)
        n = tanh(W_in x + b_in + r (W_hn h + b_hn))
        h' = (1 - z) n + z h

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation" (2014), with the reset gate behind the product, as cuDNN and PyTorch do.

    Example:
        >>> from xtensor import ones, zeros
        >>> out, last = gru(ones([1, 1]), zeros([3, 1]), zeros([3, 1]), None, None, ones([1, 1]),
        ...                 [1])
        >>> last.item()
        0.5
    """
    return Gru(batch_sizes, reverse)(x, weight_ih, weight_hh, bias_ih, bias_hh, h0)


def lstm(
    x: XTensor,
    weight_ih: XTensor,
    weight_hh: XTensor,
    bias_ih: XTensor | None,
    bias_hh: XTensor | None,
    h0: XTensor | None,
    c0: XTensor | None,
    batch_sizes: Sequence[int] | None = None,
    reverse: bool = False,
) -> tuple[XTensor, XTensor, XTensor]:
    """One layer of long short-term memory over sequences, in one direction.

    Args:
        x: [B, T, I], or packed [S, I] as for ``rnn``.
        weight_ih: [4 H, I], the rows of i, then f, g and o.
        weight_hh: [4 H, H], likewise.
        bias_ih, bias_hh: [4 H], likewise, or None.
        h0, c0: [B, H]; zeros if None.
        batch_sizes, reverse: as for ``rnn``.

    Returns:
        h after each row, [B, T, H] or [S, H]; h and c after the last step of each sequence, [B, H]
        each.

    Raises:
        TypeError: batch_sizes is no list of ints, reverse no bool.
        ValueError: shapes that do not fit each other, batch_sizes that grow.

    With s(a) = 1 / (1 + exp(-a)):
        i, f, o = s(W_ih x + b_ih + W_hh h + b_hh), g = tanh(same form)
        c' = f c + i g
        h' = o tanh(c')

    Source: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber and
    Cummins, "Learning to forget" (2000).

    Example:
        >>> from xtensor import ones, zeros
        >>> out, last, cell = lstm(ones([1, 1]), zeros([4, 1]), zeros([4, 1]), None, None, None,
        ...                        ones([1, 1]), [1])
        >>> cell.item()
        0.5
    """
    return Lstm(batch_sizes, reverse)(x, weight_ih, weight_hh, bias_ih, bias_hh, h0, c0)
