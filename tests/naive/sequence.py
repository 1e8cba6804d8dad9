"""Sequences, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pad(sequences: Sequence[np.ndarray], batch_first: bool, value: float) -> np.ndarray:
    steps = max(len(s) for s in sequences)
    out = np.full((steps, len(sequences), *sequences[0].shape[1:]), value, sequences[0].dtype)
    for b, sequence in enumerate(sequences):
        for t in range(len(sequence)):
            out[t, b] = sequence[t]
    return np.swapaxes(out, 0, 1) if batch_first else out


def pack(x: np.ndarray, lengths: Sequence[int], batch_first: bool) -> np.ndarray:
    """Longest sequence first, equal ones in their order; all first steps, then all second ones."""
    x = np.swapaxes(x, 0, 1) if batch_first else x
    order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
    steps = range(max(lengths))
    return np.array([x[t, b] for t in steps for b in order if t < lengths[b]])


def unpack(
    data: np.ndarray, lengths: Sequence[int], batch_first: bool, value: float, steps: int
) -> np.ndarray:
    """What ``pack`` made of a batch, put back row by row."""
    order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
    out = np.full((steps, len(lengths), *data.shape[1:]), value, data.dtype)
    row = 0
    for t in range(max(lengths)):
        for b in order:
            if t < lengths[b]:
                out[t, b] = data[row]
                row += 1
    return np.swapaxes(out, 0, 1) if batch_first else out
