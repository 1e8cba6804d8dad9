"""Random numbers from Philox: block i of a draw is counter ``counter + i`` under ``key``."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .. import philox as formulas
from .._cuda import cuda, cuda_kernel

philox = cuda.jit(device=True)(formulas.philox)
unit24 = cuda.jit(device=True)(formulas.unit24)
unit53 = cuda.jit(device=True)(formulas.unit53)
middle32 = cuda.jit(device=True)(formulas.middle32)
HALF = formulas.HALF
LOW = formulas.LOW
ZERO = np.uint64(0)
TWO_PI = np.float64(2 * math.pi)
MINUS_TWO = np.float32(-2)


@cuda.jit(device=True)
def block(counter, i, key):
    """The four words of block i"""
    c = counter + np.uint64(i)
    return philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)


@cuda_kernel
def random_words_forward(start, stop, out, counter, key):
    """out[4*i + j] = word j of block i; out uint32 [n]"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        words = block(counter, i, key)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = words[j]


@cuda_kernel
def uniform32_forward(start, stop, out, counter, key, low, width, most):
    """out[4*i + j] = low + width * unit24(word j of block i), at most ``most``; out float32 [n]"""
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        words = block(counter, i, key)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = min(low + width * unit24(words[j]), most)


@cuda_kernel
def uniform64_forward(start, stop, out, counter, key, low, width, most):
    """out[2*i + j] = low + width * unit53(words 2*j and 2*j + 1 of block i), at most ``most``

    out float64 [n]
    """
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        w0, w1, w2, w3 = block(counter, i, key)
        out[2 * i] = min(low + width * unit53(w0, w1), most)
        if 2 * i + 1 < out.size:
            out[2 * i + 1] = min(low + width * unit53(w2, w3), most)


@cuda_kernel
def normal32_forward(start, stop, out, counter, key, mean, std):
    """out[4*i + 2*j], out[4*i + 2*j + 1] = mean + std * r * (cos a, sin a); out float32 [n]

    r = sqrt(-2 log middle32(word 2*j of block i)), a = 2 pi middle32(word 2*j + 1)
    """
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        words = block(counter, i, key)
        for j in range(0, min(4, out.size - 4 * i), 2):
            r = std * math.sqrt(MINUS_TWO * math.log(np.float32(middle32(words[j]))))
            a = np.float32(TWO_PI * middle32(words[j + 1]))
            out[4 * i + j] = mean + r * math.cos(a)
            if 4 * i + j + 1 < out.size:
                out[4 * i + j + 1] = mean + r * math.sin(a)


@cuda_kernel
def normal64_forward(start, stop, out, counter, key, mean, std):
    """out[2*i], out[2*i + 1] = mean + std * r * (cos a, sin a); out float64 [n]

    r = sqrt(-2 log (1 - unit53(words 0, 1 of block i))), a = 2 pi unit53(words 2, 3)
    """
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        w0, w1, w2, w3 = block(counter, i, key)
        r = std * math.sqrt(-2.0 * math.log(1.0 - unit53(w0, w1)))
        a = TWO_PI * unit53(w2, w3)
        out[2 * i] = mean + r * math.cos(a)
        if 2 * i + 1 < out.size:
            out[2 * i + 1] = mean + r * math.sin(a)
