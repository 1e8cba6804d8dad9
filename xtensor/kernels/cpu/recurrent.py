"""Recurrent cells on the CPU: one layer, one direction, all time steps in one compiled function.

An index of a kernel's range is a tile of up to ``tile`` sequences, which goes through its steps by
itself, whatever the others do. The recurrent weight is laid out as panels once. A step is a product
of the states of the tile with them, at the processor's full speed, and a loop over the sequences
that does the rest of the cell, all in the cache. Each sequence is computed alone, so it has the
same bytes in any tile.

    S rows: of packed sequences the first steps of all, then the second, ..., longest sequence
        first; of sequences of one length all steps of the first, then of the second, ...
    gates [S, gates * H]: come in as W_ih x + b_ih + b_hh, go out as what backward needs
    previous, cells [S, H]: h and c before each row
    last, last_cell [B, H]: come in as the state before the first step of each sequence, go out as
        that after its last; backward, grad_first and grad_first_cell likewise
    schedule [T, 2], flat: the first row of each step, and how many sequences have it
    apart: how many rows it is in a step from one sequence to the next
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import cpu_whole_kernel
from ..parallel import parallel_for
from .cells import copy_cells, inlined, tiled, whole
from .exponential import exp, expm1
from .numbers import choose
from .product import BATCH_ROWS, PANEL, lay, multiply_full_panels
from .simd import lanes_of, load_vector, pointer, store_vector

# So many multiplications take as long as one of the elements in which parallel_for counts.
PRODUCTS_PER_ELEMENT = 64

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)


def _logistic(x):
    return ONE / (ONE + exp(-x))


def _tanh(x):
    """From exp(-2 abs(x)) - 1, which loses no digits near 0."""
    t = expm1(-abs(x + x))
    y = t / (t + TWO)
    return choose(x >= ZERO, -y, y)


def _rectified(x):
    """A NaN is kept, as NumPy's maximum does."""
    return choose(x < ZERO, ZERO, x)


logistic, tanh, rectified = inlined(_logistic), inlined(_tanh), inlined(_rectified)


# -- one row --------------------------------------------------------------------------------------

# Arrays are flat and come as pointers, each with the place where its row begins. Loops go vector by
# vector: LLVM, which would find vectors in plain loops too, writes each four times over, and twice
# for rows that might overlap, and takes as long for an LSTM as numba does.


@inlined
def add_cells(target, to, source, begin, count):
    """target[to + k] += source[begin + k] for k < count"""
    for k in range(0, count, lanes_of(target)):
        total = load_vector(target, to + k, count - k) + load_vector(source, begin + k, count - k)
        store_vector(target, to + k, count - k, total)


@inlined
def add_activated(gates, at, products, p, count, activation):
    """gates[at + k] = activation(gates[at + k] + products[p + k]) for k < count"""
    for k in range(0, count, lanes_of(gates)):
        left = count - k
        a = load_vector(gates, at + k, left) + load_vector(products, p + k, left)
        store_vector(gates, at + k, left, activation(a))


@inlined
def lstm_cell(out, previous, cells, row, state, h, cell, c, gates, hidden):
    """cell' = f cell + i g; out[row] = state' = o tanh(cell')

    previous[row], cells[row] = the state and the cell before
    """
    at, i = row * hidden, 4 * row * hidden
    f, g, o = i + hidden, i + 2 * hidden, i + 3 * hidden
    for k in range(0, hidden, lanes_of(gates)):
        left = hidden - k
        before = load_vector(cell, c + k, left)
        store_vector(previous, at + k, left, load_vector(state, h + k, left))
        store_vector(cells, at + k, left, before)
        kept = load_vector(gates, f + k, left) * before
        after = kept + load_vector(gates, i + k, left) * load_vector(gates, g + k, left)
        shown = load_vector(gates, o + k, left) * tanh(after)
        store_vector(cell, c + k, left, after)
        store_vector(state, h + k, left, shown)
        store_vector(out, at + k, left, shown)


@inlined
def lstm_gradient(grads, i, grad_cell, grad_state, c, gates, cells, row, hidden):
    """From the gradients of h and c after a row to those of its gates and of the c before it."""
    f, g, o = i + hidden, i + 2 * hidden, i + 3 * hidden
    at, in_i = row * hidden, 4 * row * hidden
    in_f, in_g, in_o = in_i + hidden, in_i + 2 * hidden, in_i + 3 * hidden
    for k in range(0, hidden, lanes_of(grads)):
        left = hidden - k
        written, new = load_vector(gates, in_i + k, left), load_vector(gates, in_g + k, left)
        kept, shown = load_vector(gates, in_f + k, left), load_vector(gates, in_o + k, left)
        before, grad = load_vector(cells, at + k, left), load_vector(grad_state, c + k, left)
        product = kept * before
        squashed = tanh(product + written * new)
        d = load_vector(grad_cell, c + k, left) + grad * shown * (ONE - squashed * squashed)
        store_vector(grads, i + k, left, d * new * written * (ONE - written))
        store_vector(grads, f + k, left, d * before * kept * (ONE - kept))
        store_vector(grads, g + k, left, d * written * (ONE - new * new))
        store_vector(grads, o + k, left, grad * squashed * shown * (ONE - shown))
        store_vector(grad_cell, c + k, left, d * kept)


@inlined
def gru_cell(out, previous, state, h, gates, hidden_n, row, products, p, bias_n, hidden):
    """m = W_hn h + b_hn; n = tanh(W_in x + b_in + r m); out[row] = state' = n + z (state - n)

    hidden_n[row] = m; n takes its place among the gates; previous[row] = the state before
    """
    at, q = row * hidden, p + 2 * hidden
    r, z, n = 3 * at, 3 * at + hidden, 3 * at + 2 * hidden
    for k in range(0, hidden, lanes_of(gates)):
        left = hidden - k
        m = load_vector(products, q + k, left) + load_vector(bias_n, k, left)
        added = load_vector(gates, r + k, left) * m
        new = tanh(load_vector(gates, n + k, left) + added)
        before = load_vector(state, h + k, left)
        kept = load_vector(gates, z + k, left) * (before - new)
        after = new + kept
        store_vector(hidden_n, at + k, left, m)
        store_vector(gates, n + k, left, new)
        store_vector(previous, at + k, left, before)
        store_vector(state, h + k, left, after)
        store_vector(out, at + k, left, after)


@inlined
def gru_gradient(grads, r, grad_inputs, grad_state, h, gates, hidden_n, previous, row, hidden):
    """From the gradient of h' to those of W_hh h, of W_in x, and of h but for its product."""
    z, n, at = r + hidden, r + 2 * hidden, row * hidden
    in_r, in_z, in_n = 3 * at, 3 * at + hidden, 3 * at + 2 * hidden
    for k in range(0, hidden, lanes_of(grads)):
        left = hidden - k
        reset, kept = load_vector(gates, in_r + k, left), load_vector(gates, in_z + k, left)
        new, grad = load_vector(gates, in_n + k, left), load_vector(grad_state, h + k, left)
        d = grad * (ONE - kept) * (ONE - new * new)
        m = load_vector(hidden_n, at + k, left)
        change = load_vector(previous, at + k, left) - new
        store_vector(grad_inputs, in_n + k, left, d)
        store_vector(grads, r + k, left, d * m * reset * (ONE - reset))
        store_vector(grads, z + k, left, grad * change * kept * (ONE - kept))
        store_vector(grads, n + k, left, d * reset)
        store_vector(grad_state, h + k, left, grad * kept)


@inlined
def rnn_gradient(grads, g, grad_state, h, out, at, relu, hidden):
    """From the gradient of h' to that of what tanh or max took."""
    for k in range(0, hidden, lanes_of(grads)):
        left = hidden - k
        after, grad = load_vector(out, at + k, left), load_vector(grad_state, h + k, left)
        if relu:
            store_vector(grads, g + k, left, choose(after > ZERO, grad, ZERO))
        else:
            store_vector(grads, g + k, left, grad * (ONE - after * after))


# -- all steps of tiles start..stop-1 -------------------------------------------------------------

# What is multiplied is in scratch, with room for rows that a product takes in addition, states too
# while the steps run. The c of an LSTM, and all gradients of states, stay in the arrays [B, H] that
# hold them in the end.


@inlined
def rows_of_step(schedule, apart, step, backwards, b0, b1):
    """The first row of sequences b0..b1-1 in a step, and how many of them have that step.

    Those that are over, or in reverse have not begun, are at the end of the tile.
    """
    t = schedule.size // 2 - 1 - step if backwards else step
    return schedule[2 * t] + b0 * apart, max(0, min(schedule[2 * t + 1], b1) - b0)


@tiled
def lstm_steps(start, stop, out, last, last_cell, previous, gates, cells, schedule, apart,
               backwards, tile, hidden, panels, states, products):  # fmt: skip
    rows, wide, batch = 4 * hidden, whole(4 * hidden, PANEL), last.size // hidden
    out, last, last_cell = pointer(out), pointer(last), pointer(last_cell)
    previous, gates, cells = pointer(previous), pointer(gates), pointer(cells)
    panels, states, products = pointer(panels), pointer(states), pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        copy_cells(states, 0, last, b0 * hidden, (b1 - b0) * hidden)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            multiply_full_panels(products, states, panels, count, hidden, rows)
            for b in range(count):
                here = row + b * apart
                at, h, c = here * hidden, b * hidden, (b0 + b) * hidden
                for g in range(0, rows, hidden):
                    i, p = 4 * at + g, b * wide + g
                    if g == 2 * hidden:
                        add_activated(gates, i, products, p, hidden, tanh)
                    else:
                        add_activated(gates, i, products, p, hidden, logistic)
                lstm_cell(out, previous, cells, here, states, h, last_cell, c, gates,
                          hidden)  # fmt: skip
        copy_cells(last, b0 * hidden, states, 0, (b1 - b0) * hidden)


@tiled
def lstm_steps_back(start, stop, grad_gates, grad_first, grad_first_cell, grad_out, gates, cells,
                    schedule, apart, backwards, tile, hidden, panels, grads, products):  # fmt: skip
    rows, wide, batch = 4 * hidden, whole(hidden, PANEL), grad_first.size // hidden
    grad_gates, grad_first = pointer(grad_gates), pointer(grad_first)
    grad_first_cell, grad_out, gates = pointer(grad_first_cell), pointer(grad_out), pointer(gates)
    cells, panels, grads = pointer(cells), pointer(panels), pointer(grads)
    products = pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            for b in range(count):
                here = row + b * apart
                c = (b0 + b) * hidden
                add_cells(grad_first, c, grad_out, here * hidden, hidden)
                lstm_gradient(grads, b * rows, grad_first_cell, grad_first, c, gates, cells,
                              here, hidden)  # fmt: skip
                copy_cells(grad_gates, here * rows, grads, b * rows, rows)
            multiply_full_panels(products, grads, panels, count, rows, hidden)
            for b in range(count):
                copy_cells(grad_first, (b0 + b) * hidden, products, b * wide, hidden)


@tiled
def gru_steps(start, stop, out, last, previous, gates, hidden_n, bias_n, schedule, apart,
              backwards, tile, hidden, panels, states, products):  # fmt: skip
    rows, wide, batch = 3 * hidden, whole(3 * hidden, PANEL), last.size // hidden
    out, last, previous, gates = pointer(out), pointer(last), pointer(previous), pointer(gates)
    hidden_n, bias_n, panels = pointer(hidden_n), pointer(bias_n), pointer(panels)
    states, products = pointer(states), pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        copy_cells(states, 0, last, b0 * hidden, (b1 - b0) * hidden)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            multiply_full_panels(products, states, panels, count, hidden, rows)
            for b in range(count):
                here = row + b * apart
                at, h = here * hidden, b * hidden
                for g in range(0, 2 * hidden, hidden):
                    add_activated(gates, 3 * at + g, products, b * wide + g, hidden, logistic)
                gru_cell(out, previous, states, h, gates, hidden_n, here, products, b * wide,
                         bias_n, hidden)  # fmt: skip
        copy_cells(last, b0 * hidden, states, 0, (b1 - b0) * hidden)


@tiled
def gru_steps_back(start, stop, grad_inputs, grad_hidden, grad_first, grad_out, gates,
                   hidden_n, previous, schedule, apart, backwards, tile, hidden,
                   panels, grads, products):  # fmt: skip
    rows, wide, batch = 3 * hidden, whole(hidden, PANEL), grad_first.size // hidden
    grad_inputs, grad_hidden = pointer(grad_inputs), pointer(grad_hidden)
    grad_first, grad_out, gates = pointer(grad_first), pointer(grad_out), pointer(gates)
    hidden_n, previous, panels = pointer(hidden_n), pointer(previous), pointer(panels)
    grads, products = pointer(grads), pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            for b in range(count):
                here = row + b * apart
                at, g, h = here * rows, b * rows, (b0 + b) * hidden
                add_cells(grad_first, h, grad_out, here * hidden, hidden)
                gru_gradient(grads, g, grad_inputs, grad_first, h, gates, hidden_n, previous,
                             here, hidden)  # fmt: skip
                copy_cells(grad_inputs, at, grads, g, 2 * hidden)
                copy_cells(grad_hidden, at, grads, g, rows)
            multiply_full_panels(products, grads, panels, count, rows, hidden)
            for b in range(count):
                add_cells(grad_first, (b0 + b) * hidden, products, b * wide, hidden)


@tiled
def rnn_steps(start, stop, out, last, previous, schedule, apart, backwards, tile, relu, hidden,
              panels, states, products):  # fmt: skip
    wide, batch = whole(hidden, PANEL), last.size // hidden
    out, last, previous = pointer(out), pointer(last), pointer(previous)
    panels, states, products = pointer(panels), pointer(states), pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        copy_cells(states, 0, last, b0 * hidden, (b1 - b0) * hidden)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            multiply_full_panels(products, states, panels, count, hidden, hidden)
            for b in range(count):
                here = row + b * apart
                at, h = here * hidden, b * hidden
                copy_cells(previous, at, states, h, hidden)
                if relu:
                    add_activated(out, at, products, b * wide, hidden, rectified)
                else:
                    add_activated(out, at, products, b * wide, hidden, tanh)
                copy_cells(states, h, out, at, hidden)
        copy_cells(last, b0 * hidden, states, 0, (b1 - b0) * hidden)


@tiled
def rnn_steps_back(start, stop, grad_gates, grad_first, grad_out, out, schedule, apart, backwards,
                   tile, relu, hidden, panels, grads, products):  # fmt: skip
    wide, batch = whole(hidden, PANEL), grad_first.size // hidden
    grad_gates, grad_first, grad_out = pointer(grad_gates), pointer(grad_first), pointer(grad_out)
    out, panels, grads, products = pointer(out), pointer(panels), pointer(grads), pointer(products)
    for index in range(start, stop):
        b0, b1 = index * tile, min(index * tile + tile, batch)
        for step in range(schedule.size // 2):
            row, count = rows_of_step(schedule, apart, step, backwards, b0, b1)
            for b in range(count):
                here = row + b * apart
                at, g, h = here * hidden, b * hidden, (b0 + b) * hidden
                add_cells(grad_first, h, grad_out, at, hidden)
                rnn_gradient(grads, g, grad_first, h, out, at, relu, hidden)
                copy_cells(grad_gates, at, grads, g, hidden)
            multiply_full_panels(products, grads, panels, count, hidden, hidden)
            for b in range(count):
                copy_cells(grad_first, (b0 + b) * hidden, products, b * wide, hidden)


# -- kernels --------------------------------------------------------------------------------------


def run(steps, tiles, weight, transposed, arrays, schedule, apart, backwards, tile, *numbers):
    """Lay out W_hh or its transpose as panels, then share out tiles of sequences."""
    rows, hidden = weight.shape
    depth, columns = (hidden, rows) if transposed else (rows, hidden)
    wide = whole(columns, PANEL)
    row_step, column_step = (1, depth) if transposed else (columns, 1)
    panels = lay(weight.reshape(-1), 1, columns, depth, 0, row_step, column_step)
    flat = [array.reshape(-1) for array in arrays]
    cost = len(arrays[0]) * weight.size // PRODUCTS_PER_ELEMENT
    room = whole(tile, BATCH_ROWS)
    parallel_for(steps, tiles, (*flat, schedule, apart, backwards, tile, *numbers, hidden, panels),
                 cost, (room * depth, room * wide))  # fmt: skip


@cpu_whole_kernel
def lstm_forward(start, stop, out, last, last_cell, previous, gates, cells, weight, schedule, apart,
                 reverse, tile):  # fmt: skip
    """i, f, o = s(W_ih x + b_ih + W_hh h + b_hh), g = tanh(same); c' = f c + i g; h' = o tanh(c')

    weight W_hh [4 H, H]; gates [S, 4 H] in the order i, f, g, o; out [S, H].
    """
    run(lstm_steps, stop, weight, True, (out, last, last_cell, previous, gates, cells), schedule,
        apart, reverse, tile)  # fmt: skip


@cpu_whole_kernel
def lstm_backward(start, stop, grad_gates, grad_first, grad_first_cell, grad_out, gates, cells,
                  weight, schedule, apart, reverse, tile):  # fmt: skip
    """The derivative of lstm_forward, last step first; grad_gates [S, 4 H] before tanh and s.

    dh = grad_out + (grad_gates of the step after) W_hh
    """
    run(lstm_steps_back, stop, weight, False,
        (grad_gates, grad_first, grad_first_cell, grad_out, gates, cells), schedule, apart,
        not reverse, tile)  # fmt: skip


@cpu_whole_kernel
def gru_forward(start, stop, out, last, previous, gates, hidden_n, weight, bias_n, schedule, apart,
                reverse, tile):  # fmt: skip
    """r, z = s(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r m); h' = (1 - z) n + z h

    m = W_hn h + b_hn, kept as hidden_n [S, H]; weight W_hh [3 H, H]; bias_n [H]; gates [S, 3 H] in
    the order r, z, n, without b_hn at first; out [S, H].
    """
    run(gru_steps, stop, weight, True, (out, last, previous, gates, hidden_n, bias_n), schedule,
        apart, reverse, tile)  # fmt: skip


@cpu_whole_kernel
def gru_backward(start, stop, grad_inputs, grad_hidden, grad_first, grad_out, gates, hidden_n,
                 previous, weight, schedule, apart, reverse, tile):  # fmt: skip
    """The derivative of gru_forward, last step first.

    grad_inputs, grad_hidden [S, 3 H]: gradients of W_ih x + b_ih and of W_hh h + b_hh.
    dh = grad_out + z' dh' + grad_hidden' W_hh with ' for the step after
    """
    run(gru_steps_back, stop, weight, False,
        (grad_inputs, grad_hidden, grad_first, grad_out, gates, hidden_n, previous), schedule,
        apart, not reverse, tile)  # fmt: skip


@cpu_whole_kernel
def rnn_forward(start, stop, out, last, previous, weight, schedule, apart, reverse, tile,
                relu):  # fmt: skip
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, same) if ``relu``

    weight W_hh [H, H]; out [S, H] comes in as W_ih x + b_ih + b_hh.
    """
    run(rnn_steps, stop, weight, True, (out, last, previous), schedule, apart, reverse, tile,
        relu)  # fmt: skip


@cpu_whole_kernel
def rnn_backward(start, stop, grad_gates, grad_first, grad_out, out, weight, schedule, apart,
                 reverse, tile, relu):  # fmt: skip
    """The derivative of rnn_forward, last step first; grad_gates [S, H] before tanh or max."""
    run(rnn_steps_back, stop, weight, False, (grad_gates, grad_first, grad_out, out), schedule,
        apart, not reverse, tile, relu)  # fmt: skip
