"""Pixel shuffle, one element at a time."""

from __future__ import annotations

import numpy as np


def pixel_shuffle(x: np.ndarray, r: int) -> np.ndarray:
    *lead, channels, height, width = x.shape
    out = np.zeros((*lead, channels // r**2, height * r, width * r), x.dtype)
    for *at, c, y, z in np.ndindex(out.shape):
        out[(*at, c, y, z)] = x[(*at, c * r * r + y % r * r + z % r, y // r, z // r)]
    return out


def pixel_unshuffle(x: np.ndarray, r: int) -> np.ndarray:
    *lead, channels, height, width = x.shape
    out = np.zeros((*lead, channels * r**2, height // r, width // r), x.dtype)
    for *at, c, y, z in np.ndindex(out.shape):
        i, j = divmod(c % (r * r), r)
        out[(*at, c, y, z)] = x[(*at, c // (r * r), y * r + i, z * r + j)]
    return out
