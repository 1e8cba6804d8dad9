"""Random numbers from Philox: block i of a draw is counter ``counter + i`` under ``key``."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from .. import philox as formulas
from .._jit import CpuFunction, cpu_host_kernel, cpu_kernel

philox = CpuFunction(formulas.philox)
unit24 = CpuFunction(formulas.unit24)
unit53 = CpuFunction(formulas.unit53)
middle32 = CpuFunction(formulas.middle32)
HALF = formulas.HALF
LOW = formulas.LOW
ZERO = np.uint64(0)
TWO_PI = np.float64(2 * math.pi)

# Counter blocks whose radii and angles stay in the first-level cache between NumPy's loops.
BLOCKS = 1024


@cpu_kernel
def random_words_forward(start, stop, out, counter, key):
    """out[4*i + j] = word j of block i; out uint32 [n]"""
    for i in range(start, stop):
        c = counter + np.uint64(i)
        words = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = words[j]


@cpu_kernel
def uniform32_forward(start, stop, out, counter, key, low, width):
    """out[4*i + j] = low + width * unit24(word j of block i); out float32 [n]"""
    for i in range(start, stop):
        c = counter + np.uint64(i)
        words = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        for j in range(min(4, out.size - 4 * i)):
            out[4 * i + j] = low + width * unit24(words[j])


@cpu_kernel
def uniform64_forward(start, stop, out, counter, key, low, width):
    """out[2*i + j] = low + width * unit53(words 2*j and 2*j + 1 of block i); out float64 [n]"""
    for i in range(start, stop):
        c = counter + np.uint64(i)
        w0, w1, w2, w3 = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        out[2 * i] = low + width * unit53(w0, w1)
        if 2 * i + 1 < out.size:
            out[2 * i + 1] = low + width * unit53(w2, w3)


@CpuFunction
def polar32(start, stop, square, angle, counter, key):
    for i in range(start, stop):
        c = counter + np.uint64(i)
        words = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        for j in range(2):
            square[2 * (i - start) + j] = middle32(words[2 * j])
            angle[2 * (i - start) + j] = TWO_PI * middle32(words[2 * j + 1])


@CpuFunction
def polar64(start, stop, square, angle, counter, key):
    for i in range(start, stop):
        c = counter + np.uint64(i)
        w0, w1, w2, w3 = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        square[i - start] = 1 - unit53(w0, w1)
        angle[i - start] = TWO_PI * unit53(w2, w3)


def _box_muller(start, stop, out, counter, key, mean, std, polar, pairs):
    """Pairs (r cos a, r sin a), r = sqrt(-2 log u): NumPy's vector loops over cached blocks."""
    square = np.empty(pairs * BLOCKS, out.dtype)
    angle, wave = np.empty_like(square), np.empty_like(square)
    fill = polar.compiled()
    for first in range(start, stop, BLOCKS):
        last = min(first + BLOCKS, stop)
        count = pairs * (last - first)
        r, a, w = square[:count], angle[:count], wave[:count]
        fill(first, last, r, a, counter, key)
        np.log(r, out=r)
        np.multiply(r, -2 * std * std, out=r)
        np.sqrt(r, out=r)
        target = out[2 * pairs * first : 2 * pairs * last]
        for turn, half in ((np.cos, target[0::2]), (np.sin, target[1::2])):
            turn(a, out=w)
            np.multiply(w, r, out=w)
            np.add(w[: half.size], mean, out=half)


@cpu_host_kernel
def normal32_forward(start, stop, out, counter, key, mean, std):
    """out[4*i + 2*j], out[4*i + 2*j + 1] = mean + std * r * (cos a, sin a); out float32 [n]

    r = sqrt(-2 log middle32(word 2*j of block i)), a = 2 pi middle32(word 2*j + 1)
    """
    _box_muller(start, stop, out, counter, key, mean, std, polar32, 2)


@cpu_host_kernel
def normal64_forward(start, stop, out, counter, key, mean, std):
    """out[2*i], out[2*i + 1] = mean + std * r * (cos a, sin a); out float64 [n]

    r = sqrt(-2 log (1 - unit53(words 0, 1 of block i))), a = 2 pi unit53(words 2, 3)
    """
    _box_muller(start, stop, out, counter, key, mean, std, polar64, 1)
