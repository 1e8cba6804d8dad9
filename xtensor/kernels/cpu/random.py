"""Random numbers from Philox: block i of a draw is counter ``counter + i`` under ``key``.

The first ones are drawn by the same formulas on NumPy's arrays, with the same bits: parameters are
what most programs draw, and a loop for them would be half a second before anything else happens.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from .. import philox as formulas
from .._jit import CpuFunction, cpu_whole_kernel
from ..parallel import parallel_for
from .cells import inlined
from .simd import pointer, room

philox, unit24, unit53, middle32 = map(
    inlined, (formulas.philox, formulas.unit24, formulas.unit53, formulas.middle32)
)
HALF = formulas.HALF
LOW = formulas.LOW
ZERO = np.uint64(0)
TWO_PI = np.float64(2 * math.pi)

# Counter blocks whose radii and angles stay in the second-level cache between NumPy's loops; with
# fewer the calls themselves, and waiting for the GIL, took half of the time.
BLOCKS = 16384


# So many numbers in all are drawn by NumPy, at 10 to 15 ns each, before a loop is compiled; a draw
# counts as so many at least.
BY_NUMPY, LEAST = 1 << 21, 1 << 13
_drawn: Counter[CpuFunction] = Counter()

# Counter blocks whose words are drawn at once, into memory in the first-level cache.
DRAWN = 256
WORDS = 4 * DRAWN


@CpuFunction
def draw(words, blocks, counter, key):
    """words[4*i + j] = word j of block i; words uint32, a pointer

    Nothing but the rounds, inlined, and an index that is seen not to be negative: so LLVM
    vectorises over the blocks, which made this ten times faster.
    """
    for i in range(blocks):
        c = counter + np.uint64(i)
        w0, w1, w2, w3 = philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
        words[4 * i] = w0
        words[4 * i + 1] = w1
        words[4 * i + 2] = w2
        words[4 * i + 3] = w3


@CpuFunction
def random_words(start, stop, out, counter, key):
    words = room(np.uint32, WORDS)
    for first in range(start, stop, DRAWN):
        last = min(first + DRAWN, stop)
        draw(words, last - first, counter + np.uint64(first), key)
        target = out[4 * first : 4 * last]
        for k in range(target.size):
            target[k] = words[k]


@CpuFunction
def uniform32(start, stop, out, counter, key, low, width, most):
    words = room(np.uint32, WORDS)
    for first in range(start, stop, DRAWN):
        last = min(first + DRAWN, stop)
        draw(words, last - first, counter + np.uint64(first), key)
        target = out[4 * first : 4 * last]
        for k in range(target.size):
            target[k] = min(low + width * unit24(np.uint64(words[k])), most)


@CpuFunction
def uniform64(start, stop, out, counter, key, low, width, most):
    words = room(np.uint32, WORDS)
    for first in range(start, stop, DRAWN):
        last = min(first + DRAWN, stop)
        draw(words, last - first, counter + np.uint64(first), key)
        target = out[2 * first : 2 * last]
        for k in range(target.size):
            unit = unit53(np.uint64(words[2 * k]), np.uint64(words[2 * k + 1]))
            target[k] = min(low + width * unit, most)


@CpuFunction
def polar32(words, uniform, angle, counter, key):
    """uniform[k] in (0, 1] and angle[k] = 2 pi times another, from the words of blocks; float32"""
    draw(pointer(words), words.size // 4, counter, key)
    for k in range(uniform.size):
        uniform[k] = middle32(np.uint64(words[2 * k]))
        angle[k] = TWO_PI * middle32(np.uint64(words[2 * k + 1]))


@CpuFunction
def polar64(words, uniform, angle, counter, key):
    """The same in float64, each from two words."""
    draw(pointer(words), words.size // 4, counter, key)
    for k in range(uniform.size):
        uniform[k] = 1 - unit53(np.uint64(words[4 * k]), np.uint64(words[4 * k + 1]))
        angle[k] = TWO_PI * unit53(np.uint64(words[4 * k + 2]), np.uint64(words[4 * k + 3]))


@CpuFunction
def interleave(out, r, cosine, sine, mean):
    """out[2 * k] = r[k] * cosine[k] + mean and out[2 * k + 1] = r[k] * sine[k] + mean"""
    for k in range(out.size // 2):
        out[2 * k] = r[k] * cosine[k] + mean
        out[2 * k + 1] = r[k] * sine[k] + mean
    if out.size % 2:
        out[out.size - 1] = r[out.size // 2] * cosine[out.size // 2] + mean


# -- the same by NumPy ----------------------------------------------------------------------------


def by_numpy(loop, size):
    """Whether so many numbers are among the first, which NumPy draws in place of a loop."""
    if _drawn[loop] >= BY_NUMPY:
        return False
    _drawn[loop] += max(size, LEAST)
    return _drawn[loop] <= BY_NUMPY


def words_of(blocks, counter, key):
    """[blocks, 4] words, each in a uint64"""
    c = counter + np.arange(blocks, dtype=np.uint64)
    words = formulas.philox(c & LOW, c >> HALF, ZERO, ZERO, key & LOW, key >> HALF)
    return np.stack(words, axis=1)


def draw_by_numpy(numbers, out, per_block, counter, key):
    """Block by block, as many to a block, what ``numbers`` makes of their words.

    So many blocks at a time as stay in a cache; a number that underflows is no news.
    """
    with np.errstate(all="ignore"):
        for first in range(0, out.size, per_block * BLOCKS):
            part = out[first : first + per_block * BLOCKS]
            begin = counter + np.uint64(first // per_block)
            words = words_of(-(-part.size // per_block), begin, key)
            part[:] = numbers(words).reshape(-1)[: part.size]


def polar32_by_numpy(words, uniform, angle, counter, key):
    drawn = words_of(words.size // 4, counter, key).reshape(-1, 2)
    uniform[:] = formulas.middle32(drawn[:, 0])
    angle[:] = TWO_PI * formulas.middle32(drawn[:, 1])


def polar64_by_numpy(words, uniform, angle, counter, key):
    drawn = words_of(words.size // 4, counter, key)
    uniform[:] = 1 - formulas.unit53(drawn[:, 0], drawn[:, 1])
    angle[:] = TWO_PI * formulas.unit53(drawn[:, 2], drawn[:, 3])


def interleave_by_numpy(out, r, cosine, sine, mean):
    out[::2] = r[: -(-out.size // 2)] * cosine[: -(-out.size // 2)] + mean
    out[1::2] = r[: out.size // 2] * sine[: out.size // 2] + mean


# -- kernels --------------------------------------------------------------------------------------


@cpu_whole_kernel
def random_words_forward(start, stop, out, counter, key):
    """out[4*i + j] = word j of block i; out uint32 [n]"""
    if by_numpy(random_words, out.size):
        draw_by_numpy(lambda words: words, out, 4, counter, key)
    else:
        parallel_for(random_words, stop, (out, counter, key))


@cpu_whole_kernel
def uniform32_forward(start, stop, out, counter, key, low, width, most):
    """out[4*i + j] = low + width * unit24(word j of block i), at most ``most``; out float32 [n]"""
    if by_numpy(uniform32, out.size):
        draw_by_numpy(
            lambda words: np.minimum(low + width * formulas.unit24(words), most),
            out, 4, counter, key,
        )  # fmt: skip
    else:
        parallel_for(uniform32, stop, (out, counter, key, low, width, most))


@cpu_whole_kernel
def uniform64_forward(start, stop, out, counter, key, low, width, most):
    """out[2*i + j] = low + width * unit53(words 2*j and 2*j + 1 of block i), at most ``most``

    out float64 [n]
    """
    if by_numpy(uniform64, out.size):
        draw_by_numpy(
            lambda words: np.minimum(
                low + width * formulas.unit53(words[:, ::2], words[:, 1::2]), most
            ),
            out, 2, counter, key,
        )  # fmt: skip
    else:
        parallel_for(uniform64, stop, (out, counter, key, low, width, most))


def _box_muller(start, stop, out, counter, key, mean, std, polar, interleave, pairs):
    """Pairs (r cos a, r sin a), r = sqrt(-2 log u): NumPy's vector loops over cached blocks."""
    uniform = np.empty(pairs * BLOCKS, out.dtype)
    angle, cosine = np.empty_like(uniform), np.empty_like(uniform)
    words = np.empty(4 * BLOCKS, np.uint32)
    for first in range(start, stop, BLOCKS):
        last = min(first + BLOCKS, stop)
        count = pairs * (last - first)
        r, a, c = uniform[:count], angle[:count], cosine[:count]
        polar(words[: 4 * (last - first)], r, a, counter + np.uint64(first), key)
        np.log(r, out=r)
        np.multiply(r, -2, out=r)
        np.sqrt(r, out=r)
        np.multiply(r, std, out=r)
        np.cos(a, out=c)
        np.sin(a, out=a)
        interleave(out[2 * pairs * first : 2 * pairs * last], r, c, a, mean)


@cpu_whole_kernel
def normal32_forward(start, stop, out, counter, key, mean, std):
    """out[4*i + 2*j], out[4*i + 2*j + 1] = mean + std * r * (cos a, sin a); out float32 [n]

    r = sqrt(-2 log middle32(word 2*j of block i)), a = 2 pi middle32(word 2*j + 1)
    """
    loops = polar32_by_numpy, interleave_by_numpy
    if not by_numpy(polar32, out.size):
        loops = polar32.compiled(), interleave.compiled()
    parallel_for(_box_muller, stop, (out, counter, key, mean, std, *loops, 2))


@cpu_whole_kernel
def normal64_forward(start, stop, out, counter, key, mean, std):
    """out[2*i], out[2*i + 1] = mean + std * r * (cos a, sin a); out float64 [n]

    r = sqrt(-2 log (1 - unit53(words 0, 1 of block i))), a = 2 pi unit53(words 2, 3)
    """
    loops = polar64_by_numpy, interleave_by_numpy
    if not by_numpy(polar64, out.size):
        loops = polar64.compiled(), interleave.compiled()
    parallel_for(_box_muller, stop, (out, counter, key, mean, std, *loops, 1))
