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


def part(array: np.ndarray, features: int, rows: slice) -> np.ndarray:
    """[features, sequences] of one step of a tile, in the order in which backward reads it too."""
    return array[features * rows.start : features * rows.stop].reshape(features, -1)


# -- compiled -------------------------------------------------------------------------------------


@CpuFunction
def shift_of(bias, r, zero):
    """bias[r], or 0 where there is none"""
    return bias[r] if bias.size > 0 else zero


@CpuFunction
def add_inputs(gates, projected, bias_ih, bias_hh, factors):
    """gates[r, b] = (gates[r, b] + projected[r, b] + both biases[r]) * factor of its gate"""
    hidden = gates.shape[0] // len(factors)
    zero = gates.dtype.type(0)
    for k in range(len(factors)):
        factor = gates.dtype.type(factors[k])
        for r in range(k * hidden, k * hidden + hidden):
            shift = shift_of(bias_ih, r, zero) + shift_of(bias_hh, r, zero)
            row, other = gates[r], projected[r]
            for b in range(row.size):
                row[b] = (row[b] + other[b] + shift) * factor


@CpuFunction
def lstm_cell(new, gates, cell):
    """i, f, o in ``gates`` become (1 + t) / 2; new = f * cell + i * g"""
    half = new.dtype.type(0.5)
    size = new.size
    i, f = gates[:size], gates[size : 2 * size]
    g, o = gates[2 * size : 3 * size], gates[3 * size :]
    for k in range(size):
        i[k] = half + half * i[k]
        f[k] = half + half * f[k]
        o[k] = half + half * o[k]
        new[k] = f[k] * cell[k] + i[k] * g[k]


@CpuFunction
def lstm_cell_state(new, gates, cell):
    """new = f * cell + i * g"""
    size = new.size
    i, f, g = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size]
    for k in range(size):
        new[k] = f[k] * cell[k] + i[k] * g[k]


@CpuFunction
def lstm_gradient(grad_gates, grad_cell, grad, gates, cell, squashed):
    """From the gradients of h = o * squashed and of c to those of the gates and of the old c."""
    one = grad.dtype.type(1)
    size = grad.size
    i, f = gates[:size], gates[size : 2 * size]
    g, o = gates[2 * size : 3 * size], gates[3 * size :]
    grad_i, grad_f = grad_gates[:size], grad_gates[size : 2 * size]
    grad_g, grad_o = grad_gates[2 * size : 3 * size], grad_gates[3 * size :]
    for k in range(size):
        d = grad_cell[k] + grad[k] * o[k] * (one - squashed[k] * squashed[k])
        grad_i[k] = d * g[k] * i[k] * (one - i[k])
        grad_f[k] = d * cell[k] * f[k] * (one - f[k])
        grad_g[k] = d * i[k] * (one - g[k] * g[k])
        grad_o[k] = grad[k] * squashed[k] * o[k] * (one - o[k])
        grad_cell[k] = d * f[k]


@CpuFunction
def gru_candidate(gates, projected, bias_ih, bias_hh):
    """r, z in ``gates`` become (1 + t) / 2; m += b_hn, n = projected + b_in + r * m"""
    half, zero = gates.dtype.type(0.5), gates.dtype.type(0)
    hidden = gates.shape[0] // 4
    for j in range(hidden):
        r, z, n, m = gates[j], gates[hidden + j], gates[2 * hidden + j], gates[3 * hidden + j]
        other = projected[2 * hidden + j]
        shift_ih = shift_of(bias_ih, 2 * hidden + j, zero)
        shift_hh = shift_of(bias_hh, 2 * hidden + j, zero)
        for b in range(r.size):
            r[b] = half + half * r[b]
            z[b] = half + half * z[b]
            m[b] += shift_hh
            n[b] = other[b] + shift_ih + r[b] * m[b]


@CpuFunction
def gru_state(state, gates):
    """state = (1 - z) * n + z * state"""
    size = state.size
    z, n = gates[size : 2 * size], gates[2 * size : 3 * size]
    for k in range(size):
        state[k] = n[k] + z[k] * (state[k] - n[k])


@CpuFunction
def gru_gradient(grad_inputs, grad_hidden, grad, gates, previous):
    """From the gradient of h' to those of r, z, n before their functions, and of h but for W_hh."""
    one = grad.dtype.type(1)
    size = grad.size
    r, z = gates[:size], gates[size : 2 * size]
    n, m = gates[2 * size : 3 * size], gates[3 * size :]
    for k in range(size):
        d = grad[k] * (one - z[k]) * (one - n[k] * n[k])
        grad_inputs[k] = grad_hidden[k] = d * m[k] * r[k] * (one - r[k])
        grad_inputs[k + size] = grad_hidden[k + size] = (
            grad[k] * (previous[k] - n[k]) * z[k] * (one - z[k])
        )
        grad_inputs[k + 2 * size] = d
        grad_hidden[k + 2 * size] = d * r[k]
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
            state, cell = first[b0:b1].T.copy(), first_cell[b0:b1].T.copy()
            for rows, n in steps(begins, reverse, b0, b1):
                a, c = part(gates, 4 * hidden, rows), part(cells, hidden, rows)
                previous[:, rows], c[...] = state[:, :n], cell[:, :n]
                np.matmul(weight, state[:, :n], out=a)
                add_inputs.compiled()(a, projected[:, rows], bias_ih, bias_hh, (0.5, 0.5, 1.0, 0.5))
                np.tanh(a, out=a)
                new = np.empty_like(c)
                lstm_cell.compiled()(new.reshape(-1), a.reshape(-1), c.reshape(-1))
                cell[:, :n] = new
                np.tanh(new, out=new)
                np.multiply(new, a[3 * hidden :], out=new)
                state[:, :n] = new
                out[rows] = new.T
            last[b0:b1], last_cell[b0:b1] = state.T, cell.T


@cpu_host_kernel
def lstm_backward(start, stop, grad_gates, grad_first, grad_first_cell, grad_out, grad_last,
                  grad_last_cell, gates, cells, weight, begins, reverse, tile):  # fmt: skip
    """The derivative of lstm_forward, last step first; grad_gates [4 H, S] before tanh and s.

    dh = grad_out + W_hh^T (grad_gates of the step after)
    """
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, 4 * hidden):
        for b0, b1 in tiles(start, stop, tile, len(grad_first)):
            state, cell = grad_last[b0:b1].T.copy(), grad_last_cell[b0:b1].T.copy()
            for rows, n in steps(begins, not reverse, b0, b1):
                a, c = part(gates, 4 * hidden, rows), part(cells, hidden, rows)
                squashed, grad_a = np.empty_like(c), np.empty_like(a)
                lstm_cell_state.compiled()(squashed.reshape(-1), a.reshape(-1), c.reshape(-1))
                np.tanh(squashed, out=squashed)
                grad = state[:, :n] + grad_out[rows].T
                grad_c = np.ascontiguousarray(cell[:, :n])
                lstm_gradient.compiled()(
                    grad_a.reshape(-1), grad_c.reshape(-1), grad.reshape(-1), a.reshape(-1),
                    c.reshape(-1), squashed.reshape(-1),
                )  # fmt: skip
                cell[:, :n] = grad_c
                grad_gates[:, rows] = grad_a
                state[:, :n] = np.matmul(weight.T, grad_a)
            grad_first[b0:b1], grad_first_cell[b0:b1] = state.T, cell.T


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
            state = first[b0:b1].T.copy()
            for rows, n in steps(begins, reverse, b0, b1):
                a = part(gates, 4 * hidden, rows)
                h = np.ascontiguousarray(state[:, :n])
                previous[:, rows] = h
                np.matmul(weight[:split], h, out=a[:split])
                np.matmul(weight[split:], h, out=a[3 * hidden :])
                add_inputs.compiled()(
                    a[:split], projected[:split, rows], bias_ih, bias_hh, (0.5, 0.5)
                )
                np.tanh(a[:split], out=a[:split])
                gru_candidate.compiled()(a, projected[:, rows], bias_ih, bias_hh)
                np.tanh(a[split : 3 * hidden], out=a[split : 3 * hidden])
                gru_state.compiled()(h.reshape(-1), a.reshape(-1))
                state[:, :n] = h
                out[rows] = h.T
            last[b0:b1] = state.T


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
            state = grad_last[b0:b1].T.copy()
            for rows, n in steps(begins, not reverse, b0, b1):
                a = part(gates, 4 * hidden, rows)
                grad_x, grad_h = np.empty((2, 3 * hidden, n), a.dtype)
                grad = state[:, :n] + grad_out[rows].T
                h = np.ascontiguousarray(previous[:, rows])
                gru_gradient.compiled()(
                    grad_x.reshape(-1), grad_h.reshape(-1), grad.reshape(-1), a.reshape(-1),
                    h.reshape(-1),
                )  # fmt: skip
                grad_inputs[:, rows], grad_hidden[:, rows] = grad_x, grad_h
                state[:, :n] = np.matmul(weight.T, grad_h) + grad
            grad_first[b0:b1] = state.T


@cpu_host_kernel
def rnn_forward(start, stop, out, last, previous, projected, first, weight, bias_ih, bias_hh,
                begins, reverse, tile, relu):  # fmt: skip
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same) if ``relu``

    weight W_hh [H, H]; out [S, H].
    """
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(first)):
            state = first[b0:b1].T.copy()
            for rows, n in steps(begins, reverse, b0, b1):
                previous[:, rows] = state[:, :n]
                new = np.matmul(weight, state[:, :n])
                add_inputs.compiled()(new, projected[:, rows], bias_ih, bias_hh, (1.0,))
                np.maximum(new, 0, out=new) if relu else np.tanh(new, out=new)
                state[:, :n] = new
                out[rows] = new.T
            last[b0:b1] = state.T


@cpu_host_kernel
def rnn_backward(start, stop, grad_gates, grad_first, grad_out, grad_last, out, weight, begins,
                 reverse, tile, relu):  # fmt: skip
    """The derivative of rnn_forward, last step first; grad_gates [H, S] before tanh or max."""
    hidden = weight.shape[1]
    with blas.one_thread(hidden, tile, hidden):
        for b0, b1 in tiles(start, stop, tile, len(grad_first)):
            state = grad_last[b0:b1].T.copy()
            for rows, n in steps(begins, not reverse, b0, b1):
                h = out[rows].T
                grad = (state[:, :n] + grad_out[rows].T) * ((h > 0) if relu else 1 - h * h)
                grad_gates[:, rows] = grad
                state[:, :n] = np.matmul(weight.T, grad)
            grad_first[b0:b1] = state.T
