"""Recurrent cells on the CPU: one layer, one direction, all time steps.

An index of a kernel's range is a tile of up to ``tile`` sequences, which goes through its steps by
itself, whatever the others do. In each step BLAS multiplies the state with the recurrent weight,
NumPy's tanh serves all gates at once, and a compiled loop does the rest of the cell.

Inside, features come first and sequences last: [features, sequences]. BLAS is fastest that way
round, and gates are blocks of memory that one flat loop can go over. The logistic function is
s(x) = (1 + tanh(x / 2)) / 2, so gates that need it are halved on the way in.

    S rows: the first step of all sequences, then the second, ...; longest sequence first
    projected [gates * H, S]: W_ih x of every row; bias_ih and bias_hh [gates * H], or []
    previous [H, S]: the state before each row
    gates, cells: what backward needs, step by step and tile by tile, each [features, sequences]
    first, last [B, H]: the state before the first and after the last step of each sequence
    begins [T + 1]: the first row of each step
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from .. import blas
from .._jit import CpuFunction, cpu_host_kernel
from .exponential import exp, expm1


def tiles(start: int, stop: int, tile: int, batch: int) -> Iterator[tuple[int, int]]:
    """First and end sequence of each tile."""
    for index in range(start, stop):
        yield index * tile, min(index * tile + tile, batch)


def steps(begins: np.ndarray, reverse: bool, first: int, end: int) -> Iterator[tuple[slice, int]]:
    """Rows of the sequences first..end-1 in each step, and how many those are.

    Sequences that are over, or in reverse have not begun, are at the end of the tile.
    """
    bounds = begins.tolist()
    pairs = list(pairwise(bounds))
    for begin, next_begin in reversed(pairs) if reverse else pairs:
        count = min(next_begin - begin, end) - first
        if count > 0:
            yield slice(begin + first, begin + first + count), count


class Active:
    """The columns [features, n] of the sequences that have a step, contiguous, of [features, all].

    Where n changes from step to step, columns move between the two.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.all = rows.T.copy()
        self.columns = self.all

    def of(self, count: int) -> np.ndarray:
        """The columns of the first ``count`` sequences, to be read and written."""
        if count != self.columns.shape[1]:
            self.finish()
            self.columns = self.all if count == self.all.shape[1] else self.all[:, :count].copy()
        return self.columns

    def finish(self) -> np.ndarray:
        """[all, features], with what was written."""
        if self.columns is not self.all:
            self.all[:, : self.columns.shape[1]] = self.columns
        return self.all.T


def part(array: np.ndarray, features: int, rows: slice) -> np.ndarray:
    """[features, sequences] of one step of a tile, in the order in which backward reads it too."""
    return array[features * rows.start : features * rows.stop].reshape(features, -1)


# -- compiled -------------------------------------------------------------------------------------

ONE, TWO = np.float32(1), np.float32(2)


def _logistic(x):
    return ONE / (ONE + exp(-x))


def _tanh(x):
    """From exp(-2 abs(x)) - 1, which loses no digits near 0."""
    t = expm1(-abs(x + x))
    y = t / (t + TWO)
    return -y if x >= 0 else y


logistic = CpuFunction(_logistic, "contract")
tanh = CpuFunction(_tanh, "contract")


@CpuFunction
def shift_of(bias, r, zero):
    """bias[r], or 0 where there is none"""
    return bias[r] if bias.size > 0 else zero


@CpuFunction
def add_inputs(gates, projected, bias_ih, bias_hh):
    """gates[r, b] += projected[r, b] + both biases[r]"""
    zero = gates.dtype.type(0)
    for r in range(gates.shape[0]):
        shift = shift_of(bias_ih, r, zero) + shift_of(bias_hh, r, zero)
        row, other = gates[r], projected[r]
        for b in range(row.size):
            row[b] += other[b] + shift


@CpuFunction
def lstm_cell(state, cell, kept, gates, projected, bias_ih, bias_hh):
    """state and cell become those after the step, kept is the cell before it, gates are i, f, g, o

    gates come in as W_hh h.
    """
    add_inputs(gates, projected, bias_ih, bias_hh)
    a, c, before, h = gates.reshape(-1), cell.reshape(-1), kept.reshape(-1), state.reshape(-1)
    size = c.size
    i, f, g, o = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    for k in range(size):
        before[k] = c[k]
        i[k], f[k], g[k], o[k] = logistic(i[k]), logistic(f[k]), tanh(g[k]), logistic(o[k])
        c[k] = f[k] * before[k] + i[k] * g[k]
        h[k] = o[k] * tanh(c[k])


@CpuFunction
def lstm_gradient(grad_gates, grad_cell, grad_state, gates, kept):
    """From the gradients of h and c to those of the gates and of the old c."""
    a, e, before, grad = (
        gates.reshape(-1), grad_gates.reshape(-1), kept.reshape(-1), grad_state.reshape(-1)
    )  # fmt: skip
    grad_c = grad_cell.reshape(-1)
    size = grad.size
    i, f, g, o = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    grad_i, grad_f = e[:size], e[size : 2 * size]
    grad_g, grad_o = e[2 * size : 3 * size], e[3 * size :]
    for k in range(size):
        squashed = tanh(f[k] * before[k] + i[k] * g[k])
        d = grad_c[k] + grad[k] * o[k] * (ONE - squashed * squashed)
        grad_i[k] = d * g[k] * i[k] * (ONE - i[k])
        grad_f[k] = d * before[k] * f[k] * (ONE - f[k])
        grad_g[k] = d * i[k] * (ONE - g[k] * g[k])
        grad_o[k] = grad[k] * squashed * o[k] * (ONE - o[k])
        grad_c[k] = d * f[k]


@CpuFunction
def gru_cell(state, gates, projected, bias_ih, bias_hh):
    """state becomes that after the step; gates are r, z, n, m, and come in as W_hh h for r, z, m"""
    hidden = state.shape[0]
    zero = gates.dtype.type(0)
    add_inputs(gates[: 2 * hidden], projected, bias_ih, bias_hh)
    for j in range(2 * hidden, 3 * hidden):
        row, other, m = gates[j], projected[j], gates[j + hidden]
        shift_ih, shift_hh = shift_of(bias_ih, j, zero), shift_of(bias_hh, j, zero)
        for b in range(row.size):
            row[b] = other[b] + shift_ih
            m[b] += shift_hh
    a, h = gates.reshape(-1), state.reshape(-1)
    size = h.size
    r, z, n, m = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    for k in range(size):
        r[k], z[k] = logistic(r[k]), logistic(z[k])
        n[k] = tanh(n[k] + r[k] * m[k])
        h[k] = n[k] + z[k] * (h[k] - n[k])


@CpuFunction
def gru_gradient(grad_inputs, grad_hidden, grad_state, gates, previous):
    """From the gradient of h' to those of r, z, n before their functions, and of h but for W_hh."""
    a, grad, before = gates.reshape(-1), grad_state.reshape(-1), previous.reshape(-1)
    x, e = grad_inputs.reshape(-1), grad_hidden.reshape(-1)
    size = grad.size
    r, z, n, m = a[:size], a[size : 2 * size], a[2 * size : 3 * size], a[3 * size :]
    x_r, x_z, x_n = x[:size], x[size : 2 * size], x[2 * size :]
    e_r, e_z, e_n = e[:size], e[size : 2 * size], e[2 * size :]
    for k in range(size):
        d = grad[k] * (ONE - z[k]) * (ONE - n[k] * n[k])
        x_r[k] = e_r[k] = d * m[k] * r[k] * (ONE - r[k])
        x_z[k] = e_z[k] = grad[k] * (before[k] - n[k]) * z[k] * (ONE - z[k])
        x_n[k] = d
        e_n[k] = d * r[k]
        grad[k] *= z[k]


# -- kernels --------------------------------------------------------------------------------------


@cpu_host_kernel
def lstm_forward(start, stop, out, last, last_cell, previous, gates, cells, projected, first,
                 first_cell, weight, bias_ih, bias_hh, begins, reverse, tile):  # fmt: skip
    """i, f, o = s(W_ih x + b_ih + W_hh h + b_hh), g = tanh(same); c' = f c + i g; h' = o tanh(c')

    weight W_hh [4 H, H], gates in the order i, f, g, o; cells: the c before each step; out [S, H].
    """
    hidden = weight.shape[1]
    with blas.one_thread(4 * hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(first)):
            state, cell = Active(first[b0:b1]), Active(first_cell[b0:b1])
            for rows, n in steps(begins, reverse, b0, b1):
                h, a = state.of(n), part(gates, 4 * hidden, rows)
                previous[:, rows] = h
                np.matmul(weight, h, out=a)
                lstm_cell.compiled()(
                    h, cell.of(n), part(cells, hidden, rows), a, projected[:, rows], bias_ih,
                    bias_hh,
                )  # fmt: skip
                out[rows] = h.T
            last[b0:b1], last_cell[b0:b1] = state.finish(), cell.finish()


@cpu_host_kernel
def lstm_backward(start, stop, grad_gates, grad_first, grad_first_cell, grad_out, grad_last,
                  grad_last_cell, gates, cells, weight, begins, reverse, tile):  # fmt: skip
    """The derivative of lstm_forward, last step first; grad_gates [4 H, S] before tanh and s.

    dh = grad_out + W_hh^T (grad_gates of the step after)
    """
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, 4 * hidden):
        for b0, b1 in tiles(start, stop, tile, len(grad_first)):
            state, cell = Active(grad_last[b0:b1]), Active(grad_last_cell[b0:b1])
            for rows, n in steps(begins, not reverse, b0, b1):
                a, grad = part(gates, 4 * hidden, rows), state.of(n)
                grad_a = np.empty_like(a)
                grad += grad_out[rows].T
                lstm_gradient.compiled()(grad_a, cell.of(n), grad, a, part(cells, hidden, rows))
                grad_gates[:, rows] = grad_a
                np.matmul(weight.T, grad_a, out=grad)
            grad_first[b0:b1], grad_first_cell[b0:b1] = state.finish(), cell.finish()


@cpu_host_kernel
def gru_forward(start, stop, out, last, previous, gates, projected, first, weight, bias_ih,
                bias_hh, begins, reverse, tile):  # fmt: skip
    """r, z = s(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r m); h' = (1 - z) n + z h

    m = W_hn h + b_hn; weight W_hh [3 H, H], its rows in the order r, z, n; gates: r, z, n, m;
    out [S, H].
    """
    hidden = weight.shape[1]
    split = 2 * hidden
    with blas.one_thread(3 * hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(first)):
            state = Active(first[b0:b1])
            for rows, n in steps(begins, reverse, b0, b1):
                h, a = state.of(n), part(gates, 4 * hidden, rows)
                previous[:, rows] = h
                np.matmul(weight[:split], h, out=a[:split])
                np.matmul(weight[split:], h, out=a[3 * hidden :])
                gru_cell.compiled()(h, a, projected[:, rows], bias_ih, bias_hh)
                out[rows] = h.T
            last[b0:b1] = state.finish()


@cpu_host_kernel
def gru_backward(start, stop, grad_inputs, grad_hidden, grad_first, grad_out, grad_last, gates,
                 previous, weight, begins, reverse, tile):  # fmt: skip
    """The derivative of gru_forward, last step first.

    grad_inputs, grad_hidden [3 H, S]: gradients of W_ih x + b_ih and of W_hh h + b_hh.
    dh = grad_out + z' dh' + W_hh^T grad_hidden' with ' for the step after
    """
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, 3 * hidden):
        for b0, b1 in tiles(start, stop, tile, len(grad_first)):
            state = Active(grad_last[b0:b1])
            for rows, n in steps(begins, not reverse, b0, b1):
                a, grad = part(gates, 4 * hidden, rows), state.of(n)
                grad_x, grad_h = np.empty((2, 3 * hidden, n), a.dtype)
                grad += grad_out[rows].T
                gru_gradient.compiled()(
                    grad_x, grad_h, grad, a, np.ascontiguousarray(previous[:, rows])
                )
                grad_inputs[:, rows], grad_hidden[:, rows] = grad_x, grad_h
                grad += weight.T @ grad_h
            grad_first[b0:b1] = state.finish()


@cpu_host_kernel
def rnn_forward(start, stop, out, last, previous, projected, first, weight, bias_ih, bias_hh,
                begins, reverse, tile, relu):  # fmt: skip
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same) if ``relu``

    weight W_hh [H, H]; out [S, H].
    """
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(first)):
            state = Active(first[b0:b1])
            for rows, n in steps(begins, reverse, b0, b1):
                h = state.of(n)
                previous[:, rows] = h
                new = weight @ h
                add_inputs.compiled()(new, projected[:, rows], bias_ih, bias_hh)
                np.maximum(new, 0, out=h) if relu else np.tanh(new, out=h)
                out[rows] = h.T
            last[b0:b1] = state.finish()


@cpu_host_kernel
def rnn_backward(start, stop, grad_gates, grad_first, grad_out, grad_last, out, weight, begins,
                 reverse, tile, relu):  # fmt: skip
    """The derivative of rnn_forward, last step first; grad_gates [H, S] before tanh or max."""
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(grad_first)):
            state = Active(grad_last[b0:b1])
            for rows, n in steps(begins, not reverse, b0, b1):
                h, grad = out[rows].T, state.of(n)
                grad += grad_out[rows].T
                grad *= (h > 0) if relu else 1 - h * h
                grad_gates[:, rows] = grad
                np.matmul(weight.T, grad.copy(), out=grad)
            grad_first[b0:b1] = state.finish()
