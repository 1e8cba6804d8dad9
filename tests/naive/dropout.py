"""Dropout with the mask that the stream of a seed gives."""

from __future__ import annotations

import numpy as np

from .random import words


def dropout(rate: float, seed: int):
    def naive(x: np.ndarray) -> np.ndarray:
        kept = [w >= rate * 2**32 for w in words(seed, 0, -(-x.size // 4))[: x.size]]
        out = [v / (1 - rate) if keep else 0.0 for v, keep in zip(x.ravel(), kept, strict=True)]
        return np.array(out).reshape(x.shape)

    return naive
