"""Linear, one sum per output number."""

from __future__ import annotations

import numpy as np


def linear(x: np.ndarray, weights: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    out = np.zeros((*x.shape[:-1], weights.shape[0]))
    for position in np.ndindex(x.shape[:-1]):
        for o in range(weights.shape[0]):
            total = 0.0 if bias is None else bias[o]
            for i in range(weights.shape[1]):
                total += x[position][i] * weights[o, i]
            out[(*position, o)] = total
    return out
