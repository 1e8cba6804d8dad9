"""Philox 4x32-10, the counter-based generator all random numbers come from, for both devices.

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Four words are
a pure function of a 128-bit counter and a 64-bit key, so element 4*i + j of a draw is word j of
block i whatever the device and however many threads share the work.

The functions are plain Python on numbers; the kernel files lift them. Every number is np.uint64 and
holds 32 bits, because numba gives float64 where uint64 meets a signed integer.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
ELEVEN = np.uint64(11)


def philox(c0, c1, c2, c3, k0, k1):
    """The four words of one counter (c0 lowest) under one key (k0 lowest)."""
    for _ in range(10):
        p0 = MULTIPLIER_0 * c0
        p1 = MULTIPLIER_1 * c2
        c0 = (p1 >> HALF) ^ c1 ^ k0
        c1 = p1 & LOW
        c2 = (p0 >> HALF) ^ c3 ^ k1
        c3 = p0 & LOW
        k0 = (k0 + WEYL_0) & LOW
        k1 = (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


def unit24(word):
    """[0, 1) in steps of 2**-24, which float32 holds exactly."""
    return np.float32(np.int32(word >> np.uint64(8))) * np.float32(2.0**-24)


def unit53(high, low):
    """[0, 1) in steps of 2**-53 from two words."""
    return np.float64(np.int64(((high << HALF) | low) >> ELEVEN)) * np.float64(2.0**-53)


def middle32(word):
    """(0, 1): the middle of one of 2**32 steps, so that its logarithm is finite."""
    return (np.float64(np.uint32(word)) + np.float64(0.5)) * np.float64(2.0**-32)
