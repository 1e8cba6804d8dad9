"""Recurrent cells, one sequence at a time, one step at a time, as their formulas read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def s(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def rnn_step(x, states, w, relu=False):
    (h,) = states
    a = w[0] @ x + w[1] @ h + sum(w[2:])
    return (np.maximum(a, 0) if relu else np.tanh(a),)


def relu_step(x, states, w):
    return rnn_step(x, states, w, relu=True)


def gru_step(x, states, w):
    (h,) = states
    b_ih, b_hh = w[2:] if len(w) > 2 else (np.zeros(3 * h.size), np.zeros(3 * h.size))
    from_x = np.split(w[0] @ x + b_ih, 3)
    from_h = np.split(w[1] @ h + b_hh, 3)
    r, z = s(from_x[0] + from_h[0]), s(from_x[1] + from_h[1])
    n = np.tanh(from_x[2] + r * from_h[2])
    return ((1 - z) * n + z * h,)


def lstm_step(x, states, w):
    h, c = states
    i, f, g, o = np.split(w[0] @ x + w[1] @ h + sum(w[2:]), 4)
    c = s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c


STEPS = {"rnn": rnn_step, "relu": relu_step, "gru": gru_step, "lstm": lstm_step}


def direction(cell: str, x: np.ndarray, states, weights, reverse: bool):
    """One sequence [L, I] through one layer: outputs [L, H] and the last states."""
    out = np.empty((len(x), weights[1].shape[1]))
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        states = STEPS[cell](x[t], states, weights)
        out[t] = states[0]
    return out, states


def network(
    cell: str,
    sequences: Sequence[np.ndarray],
    states: Sequence[np.ndarray],
    weights: Sequence[Sequence[np.ndarray]],
    directions: int,
):
    """Sequences [L_b, I] through all layers.

    ``states`` are arrays [layers * D, B, H], one or two; ``weights[layer * D + direction]`` are
    W_ih, W_hh and, or not, b_ih, b_hh. Returns the outputs [L_b, D * H] of each sequence and the
    last states.
    """
    last = [np.empty_like(state) for state in states]
    results = []
    for b, sequence in enumerate(sequences):
        for layer in range(len(weights) // directions):
            outputs = []
            for k in range(layer * directions, (layer + 1) * directions):
                out, after = direction(
                    cell, sequence, [state[k, b] for state in states], weights[k],
                    reverse=k % directions == 1,
                )  # fmt: skip
                outputs.append(out)
                for array, value in zip(last, after, strict=True):
                    array[k, b] = value
            sequence = np.concatenate(outputs, axis=1)
        results.append(sequence)
    return results, last
