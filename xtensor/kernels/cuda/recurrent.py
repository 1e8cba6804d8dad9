"""CUDA twins of cpu/recurrent.py: a block of threads takes a tile of sequences through its steps.

Threads share the pairs of a feature and a sequence; each sums up its own product with the recurrent
weight. Threads beside each other take the same row of the weight in products, so that it is read
once, and the same sequence elsewhere. ``last`` (backward: ``grad_first``) is the state, before the
first step too.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._cuda import ROW_THREADS, cuda, cuda_row_kernel


@cuda.jit(device=True)
def row_count(schedule, t, first, end):
    """How many of the sequences first..end-1 have a step t."""
    return max(0, min(schedule[2 * t + 1], end) - first)


@cuda.jit(device=True)
def logistic(x):
    return 1 / (1 + math.exp(-x))


@cuda.jit(device=True)
def times_state(weight, r, state, b, start):
    """start + the product of row r of the weight with the state of sequence b"""
    total = start
    for j in range(weight.shape[1]):
        total += weight[r, j] * state[b, j]
    return total


@cuda.jit(device=True)
def times_gradient(weight, j, grad, row, start):
    """start + the product of column j of the weight with the gradients of a row"""
    total = start
    for r in range(weight.shape[0]):
        total += weight[r, j] * grad[row, r]
    return total


@cuda_row_kernel
def lstm_forward(start, stop, out, last, last_cell, previous, gates, cells, weight, schedule, apart,
                 reverse, tile):  # fmt: skip
    """i, f, o = s(W_ih x + b_ih + W_hh h + b_hh), g = tanh(same); c' = f c + i g; h' = o tanh(c')

    weight W_hh [4 H, H]; gates [S, 4 H] in the order i, f, g, o; out [S, H].
    """
    batch, hidden = last.shape
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = count - 1 - step if reverse else step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, 4 * hidden * n, ROW_THREADS):
                r, b = k // n, k % n
                at = row + b * apart
                a = times_state(weight, r, last, b0 + b, gates[at, r])
                gates[at, r] = math.tanh(a) if r // hidden == 2 else logistic(a)
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                i, f = gates[at, j], gates[at, hidden + j]
                g, o = gates[at, 2 * hidden + j], gates[at, 3 * hidden + j]
                previous[at, j] = last[b0 + b, j]
                cells[at, j] = last_cell[b0 + b, j]
                cell = f * last_cell[b0 + b, j] + i * g
                last_cell[b0 + b, j] = cell
                last[b0 + b, j] = o * math.tanh(cell)
                out[at, j] = last[b0 + b, j]
            cuda.syncthreads()


@cuda_row_kernel
def lstm_backward(start, stop, grad_gates, grad_first, grad_first_cell, grad_out, gates, cells,
                  weight, schedule, apart, reverse, tile):  # fmt: skip
    """The derivative of lstm_forward, last step first; grad_gates [S, 4 H] before tanh and s.

    dh = grad_out + (grad_gates of the step after) W_hh
    """
    batch, hidden = grad_first.shape
    zero = grad_gates.dtype.type(0)
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = step if reverse else count - 1 - step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                i, f = gates[at, j], gates[at, hidden + j]
                g, o = gates[at, 2 * hidden + j], gates[at, 3 * hidden + j]
                cell = cells[at, j]
                squashed = math.tanh(f * cell + i * g)
                grad = grad_first[b0 + b, j] + grad_out[at, j]
                d = grad_first_cell[b0 + b, j] + grad * o * (1 - squashed * squashed)
                grad_gates[at, j] = d * g * i * (1 - i)
                grad_gates[at, hidden + j] = d * cell * f * (1 - f)
                grad_gates[at, 2 * hidden + j] = d * i * (1 - g * g)
                grad_gates[at, 3 * hidden + j] = grad * squashed * o * (1 - o)
                grad_first_cell[b0 + b, j] = d * f
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                j, b = k // n, k % n
                at = row + b * apart
                grad_first[b0 + b, j] = times_gradient(weight, j, grad_gates, at, zero)
            cuda.syncthreads()


@cuda_row_kernel
def gru_forward(start, stop, out, last, previous, gates, hidden_n, weight, bias_n, schedule, apart,
                reverse, tile):  # fmt: skip
    """r, z = s(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r m); h' = (1 - z) n + z h

    m = W_hn h + b_hn, kept as hidden_n [S, H]; weight W_hh [3 H, H]; bias_n [H]; gates [S, 3 H] in
    the order r, z, n, without b_hn at first; out [S, H].
    """
    batch, hidden = last.shape
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = count - 1 - step if reverse else step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, 3 * hidden * n, ROW_THREADS):
                r, b = k // n, k % n
                at = row + b * apart
                if r < 2 * hidden:
                    gates[at, r] = logistic(times_state(weight, r, last, b0 + b, gates[at, r]))
                else:
                    j = r - 2 * hidden
                    hidden_n[at, j] = times_state(weight, r, last, b0 + b, bias_n[j])
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                r, z = gates[at, j], gates[at, hidden + j]
                new = math.tanh(gates[at, 2 * hidden + j] + r * hidden_n[at, j])
                gates[at, 2 * hidden + j] = new
                previous[at, j] = last[b0 + b, j]
                last[b0 + b, j] = new + z * (last[b0 + b, j] - new)
                out[at, j] = last[b0 + b, j]
            cuda.syncthreads()


@cuda_row_kernel
def gru_backward(start, stop, grad_inputs, grad_hidden, grad_first, grad_out, gates, hidden_n,
                 previous, weight, schedule, apart, reverse, tile):  # fmt: skip
    """The derivative of gru_forward, last step first.

    grad_inputs, grad_hidden [S, 3 H]: gradients of W_ih x + b_ih and of W_hh h + b_hh.
    dh = grad_out + z' dh' + grad_hidden' W_hh with ' for the step after
    """
    batch, hidden = grad_first.shape
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = step if reverse else count - 1 - step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                r, z = gates[at, j], gates[at, hidden + j]
                new, m = gates[at, 2 * hidden + j], hidden_n[at, j]
                grad = grad_first[b0 + b, j] + grad_out[at, j]
                d = grad * (1 - z) * (1 - new * new)
                grad_r = d * m * r * (1 - r)
                grad_z = grad * (previous[at, j] - new) * z * (1 - z)
                grad_inputs[at, j] = grad_r
                grad_hidden[at, j] = grad_r
                grad_inputs[at, hidden + j] = grad_z
                grad_hidden[at, hidden + j] = grad_z
                grad_inputs[at, 2 * hidden + j] = d
                grad_hidden[at, 2 * hidden + j] = d * r
                grad_first[b0 + b, j] = grad * z
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                j, b = k // n, k % n
                at = row + b * apart
                grad_first[b0 + b, j] = times_gradient(
                    weight, j, grad_hidden, at, grad_first[b0 + b, j]
                )
            cuda.syncthreads()


@cuda_row_kernel
def rnn_forward(start, stop, out, last, previous, weight, schedule, apart, reverse, tile,
                relu):  # fmt: skip
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same) if ``relu``

    weight W_hh [H, H]; out [S, H] comes in as W_ih x + b_ih + b_hh.
    """
    batch, hidden = last.shape
    zero = out.dtype.type(0)
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = count - 1 - step if reverse else step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                j, b = k // n, k % n
                at = row + b * apart
                a = times_state(weight, j, last, b0 + b, out[at, j])
                previous[at, j] = last[b0 + b, j]
                # A NaN is kept, as NumPy's maximum does.
                out[at, j] = (zero if a < 0 else a) if relu else math.tanh(a)
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                last[b0 + b, j] = out[at, j]
            cuda.syncthreads()


@cuda_row_kernel
def rnn_backward(start, stop, grad_gates, grad_first, grad_out, out, weight, schedule, apart,
                 reverse, tile, relu):  # fmt: skip
    """The derivative of rnn_forward, last step first; grad_gates [S, H] before tanh or max."""
    batch, hidden = grad_first.shape
    zero = grad_gates.dtype.type(0)
    count = schedule.size // 2
    for index in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        b0 = index * tile
        b1 = min(b0 + tile, batch)
        for step in range(count):
            t = step if reverse else count - 1 - step
            n = row_count(schedule, t, b0, b1)
            row = schedule[2 * t] + b0 * apart
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                b, j = k // hidden, k % hidden
                at = row + b * apart
                grad = grad_first[b0 + b, j] + grad_out[at, j]
                h = out[at, j]
                if relu:
                    grad_gates[at, j] = grad if h > 0 else zero
                else:
                    grad_gates[at, j] = grad * (1 - h * h)
            cuda.syncthreads()
            for k in range(cuda.threadIdx.x, hidden * n, ROW_THREADS):
                j, b = k // n, k % n
                at = row + b * apart
                grad_first[b0 + b, j] = times_gradient(weight, j, grad_gates, at, zero)
            cuda.syncthreads()
