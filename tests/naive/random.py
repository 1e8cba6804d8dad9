"""Philox and what is made of its words, with Python's unbounded integers."""

from __future__ import annotations

import math

import numpy as np

WORD = 2**32


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x32-10 as printed in Salmon et al. (2011)."""
    x, k = list(counter), list(key)
    for _ in range(10):
        left, right = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [right // WORD ^ x[1] ^ k[0], right % WORD, left // WORD ^ x[3] ^ k[1], left % WORD]
        k = [(k[0] + 0x9E3779B9) % WORD, (k[1] + 0xBB67AE85) % WORD]
    return x


def words(seed: int, position: int, blocks: int) -> list[int]:
    out: list[int] = []
    for block in range(position, position + blocks):
        out += philox([block % WORD, block // WORD % WORD, 0, 0], [seed % WORD, seed // WORD])
    return out


def uniform32(seed: int, position: int, n: int) -> np.ndarray:
    return np.array([(w >> 8) / 2**24 for w in words(seed, position, -(-n // 4))[:n]])


def uniform64(seed: int, position: int, n: int) -> np.ndarray:
    w = words(seed, position, -(-n // 2))
    return np.array([((w[2 * i] * WORD + w[2 * i + 1]) >> 11) / 2**53 for i in range(n)])


def normal32(seed: int, position: int, n: int) -> np.ndarray:
    w = [(word + 0.5) / WORD for word in words(seed, position, -(-n // 4))]
    return _pairs([(w[2 * i], w[2 * i + 1]) for i in range(-(-n // 2))])[:n]


def normal64(seed: int, position: int, n: int) -> np.ndarray:
    u = uniform64(seed, position, n + n % 2)
    return _pairs([(1 - u[2 * i], u[2 * i + 1]) for i in range(-(-n // 2))])[:n]


def _pairs(uniform: list[tuple[float, float]]) -> np.ndarray:
    out = []
    for u, v in uniform:
        radius = math.sqrt(-2 * math.log(u))
        out += [radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)]
    return np.array(out)
