"""3x3 convolution with step 1 by Winograd's minimal filtering F(4x4, 3x3), in float32.

The 4x4 results of a tile take 36 multiplications per channel instead of 144: the 6x6 inputs d they
need and the kernel g are both transformed to 36 numbers, which are multiplied, summed over channels
and transformed back,

    results = A^T [(G g G^T) * (B^T d B)] A,

so that the work is 36 products of matrices [tiles, channels] x [channels, outputs], done by BLAS.
The gradient of the kernel is G^T [(B^T d B) * (A e A^T)] G with the 4x4 gradients e, summed over
tiles. The relative error is around 2e-6. An infinity or NaN spreads over its tile of 6x6.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", arXiv:1509.09308.

A tile row is the tiles beside each other in one sample: row r is number r % down of sample
r // down. Transforms work on LANES channels side by side, so that every loop is a few vectors long.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

import numpy as np

from .. import blas
from .._jit import CpuFunction
from ..parallel import parallel_for
from .scratch import scratch

LANES = 16
# What the transformed inputs and results of a block of tile rows may take together, and how many
# tiles make a product efficient.
BLOCK_BYTES = 4 << 20
FEWEST_TILES = 64
# At least so many blocks, to share them out.
FEWEST_BLOCKS = 4
# The same of a stretch of tile rows whose products are added to the gradient of the kernels.
STRETCH_BYTES = 8 << 20

G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
# [36, 9]: from the elements of a kernel g, row by row, to those of G g G^T.
TRANSFORM = np.kron(G, G).astype(np.float32)

fused = partial(CpuFunction, fastmath="contract")


# -- transforms of LANES numbers at a time --------------------------------------------------------

# ``to`` and ``source`` hold vectors of LANES numbers; ``at`` and ``begin`` are places in them,
# ``step`` the distance of the vectors read. Those written follow each other.


@fused
def b_transform(to, at, source, begin, step):
    """to = B^T d, 6 vectors from 6"""
    two, four, five = np.float32(2), np.float32(4), np.float32(5)
    for c in range(LANES):
        d0, d1 = source[np.uint64(begin + c)], source[np.uint64(begin + step + c)]
        d2, d3 = source[np.uint64(begin + 2 * step + c)], source[np.uint64(begin + 3 * step + c)]
        d4, d5 = source[np.uint64(begin + 4 * step + c)], source[np.uint64(begin + 5 * step + c)]
        to[np.uint64(at + c)] = four * d0 - five * d2 + d4
        to[np.uint64(at + LANES + c)] = d3 + d4 - four * (d1 + d2)
        to[np.uint64(at + 2 * LANES + c)] = d4 - d3 + four * (d1 - d2)
        to[np.uint64(at + 3 * LANES + c)] = d4 - d2 + two * (d3 - d1)
        to[np.uint64(at + 4 * LANES + c)] = d4 - d2 + two * (d1 - d3)
        to[np.uint64(at + 5 * LANES + c)] = four * d1 - five * d3 + d5


@fused
def at_transform(to, at, source, begin, step):
    """to = A^T m, 4 vectors from 6"""
    two, four, eight = np.float32(2), np.float32(4), np.float32(8)
    for c in range(LANES):
        m0, m1 = source[np.uint64(begin + c)], source[np.uint64(begin + step + c)]
        m2, m3 = source[np.uint64(begin + 2 * step + c)], source[np.uint64(begin + 3 * step + c)]
        m4, m5 = source[np.uint64(begin + 4 * step + c)], source[np.uint64(begin + 5 * step + c)]
        to[np.uint64(at + c)] = m0 + (m1 + m2) + (m3 + m4)
        to[np.uint64(at + LANES + c)] = (m1 - m2) + two * (m3 - m4)
        to[np.uint64(at + 2 * LANES + c)] = (m1 + m2) + four * (m3 + m4)
        to[np.uint64(at + 3 * LANES + c)] = (m1 - m2) + eight * (m3 - m4) + m5


@fused
def a_transform(to, at, source, begin, step):
    """to = A e, 6 vectors from 4"""
    two, four = np.float32(2), np.float32(4)
    for c in range(LANES):
        e0, e1 = source[np.uint64(begin + c)], source[np.uint64(begin + step + c)]
        e2, e3 = source[np.uint64(begin + 2 * step + c)], source[np.uint64(begin + 3 * step + c)]
        to[np.uint64(at + c)] = e0
        to[np.uint64(at + LANES + c)] = (e0 + e2) + (e1 + e3)
        to[np.uint64(at + 2 * LANES + c)] = (e0 + e2) - (e1 + e3)
        to[np.uint64(at + 3 * LANES + c)] = (e0 + four * e2) + two * (e1 + four * e3)
        to[np.uint64(at + 4 * LANES + c)] = (e0 + four * e2) - two * (e1 + four * e3)
        to[np.uint64(at + 5 * LANES + c)] = e3


# -- tile rows ------------------------------------------------------------------------------------


@fused
def read_rows(rows, x, n, c0, top, left, height, width):
    """rows[w, i, c] = x[n, c0 + c, top + i, left + w] for LANES channels; 0 outside of x"""
    channels, last_row, last_column = x.shape[1:]
    begin, end = max(0, -left), min(width, last_column - left)
    for i in range(height):
        inside = 0 <= top + i < last_row
        for c in range(LANES):
            first, stop = (begin, max(begin, end)) if inside and c0 + c < channels else (0, 0)
            at, step = i * LANES + c, height * LANES
            for w in range(first):
                rows[np.uint64(at + w * step)] = 0
            if stop > first:
                line = x[n, c0 + c, top + i]
                for w in range(first, stop):
                    rows[np.uint64(at + w * step)] = line[np.uint64(left + w)]
            for w in range(stop, width):
                rows[np.uint64(at + w * step)] = 0


@fused
def write_spots(values, spots, tile, c0):
    """values[k, tile, c0 + c] = spots[k, c]"""
    flat = values.reshape(-1)
    step = values.shape[1] * values.shape[2]
    at = tile * values.shape[2] + c0
    for k in range(36):
        for c in range(LANES):
            flat[np.uint64(at + k * step + c)] = spots[np.uint64(k * LANES + c)]


@fused
def transform_inputs(values, x, base, r0, r1, down, across, top, left, rows, half, spots):
    """values[:, tile, c] = B^T d B of channel c, for the tiles of rows r0..r1-1

    The first tile of a sample begins at x[top, left]; values begin with row ``base``.
    """
    width = 4 * across + 2
    for r in range(r0, r1):
        for c0 in range(0, values.shape[2], LANES):
            read_rows(rows, x, r // down, c0, 4 * (r % down) + top, left, 6, width)
            for w in range(width):
                b_transform(half, w * 6 * LANES, rows, w * 6 * LANES, LANES)
            for t in range(across):
                for k in range(6):
                    b_transform(spots, k * 6 * LANES, half, (t * 24 + k) * LANES, 6 * LANES)
                write_spots(values, spots, (r - base) * across + t, c0)


@fused
def transform_gradients(values, grad, base, r0, r1, down, across, rows, half, spots):
    """values[:, tile, o] = A e A^T of output channel o, for the tiles of rows r0..r1-1"""
    width = 4 * across
    for r in range(r0, r1):
        for c0 in range(0, values.shape[2], LANES):
            read_rows(rows, grad, r // down, c0, 4 * (r % down), 0, 4, width)
            for w in range(width):
                a_transform(half, w * 6 * LANES, rows, w * 4 * LANES, LANES)
            for t in range(across):
                for k in range(6):
                    a_transform(spots, k * 6 * LANES, half, (t * 24 + k) * LANES, 6 * LANES)
                write_spots(values, spots, (r - base) * across + t, c0)


@fused
def transform_results(out, values, bias, r0, r1, down, across, rows, half, spots):
    """out of rows r0..r1-1 = A^T m A + bias, m = values[:, tile, o]"""
    flat = values.reshape(-1)
    step = values.shape[1] * values.shape[2]
    _, channels, height, width = out.shape
    for r in range(r0, r1):
        n, top = r // down, 4 * (r % down)
        for c0 in range(0, channels, LANES):
            for t in range(across):
                at = ((r - r0) * across + t) * values.shape[2] + c0
                for k in range(36):
                    for c in range(LANES):
                        spots[np.uint64(k * LANES + c)] = flat[np.uint64(at + k * step + c)]
                for k in range(6):
                    at_transform(half, k * 4 * LANES, spots, k * LANES, 6 * LANES)
                for k in range(4):
                    # rows[i, w, c], row by row
                    at_transform(rows, (k * across + t) * 4 * LANES, half, k * LANES, 4 * LANES)
            for i in range(min(4, height - top)):
                for c in range(min(LANES, channels - c0)):
                    shift = bias[c0 + c] if bias.size > 0 else np.float32(0)
                    line = out[n, c0 + c, top + i]
                    at = i * across * 4 * LANES + c
                    for w in range(width):
                        line[np.uint64(w)] = rows[np.uint64(at + w * LANES)] + shift


# -- the algorithm --------------------------------------------------------------------------------


def lanes(channels):
    """A number of channels, rounded up to whole vectors."""
    return -(-channels // LANES) * LANES


def blocks_of_rows(rows, across, channels):
    """How many blocks the tile rows are cut into."""
    tiles = rows * across
    fitting = -(-tiles * 36 * 4 * channels // BLOCK_BYTES)
    return max(1, min(rows, max(min(fitting, tiles // FEWEST_TILES), FEWEST_BLOCKS)))


def buffers(across):
    """Scratch for one tile row of LANES channels: as read, half transformed, and one tile."""
    size = (4 * across + 2) * 6 * LANES
    return [
        scratch.array(name, count, np.float32)
        for name, count in (("rows", size), ("half", max(size, 36 * LANES)), ("spots", 36 * LANES))
    ]


def spread_kernels(weight, turned):
    """[36, O, C] of weight [O, C, 1, 3, 3]: G g G^T, of the kernels turned around if ``turned``"""
    transform = TRANSFORM[:, ::-1] if turned else TRANSFORM
    outputs, channels = weight.shape[:2]
    spread = np.empty((36, outputs * channels), np.float32)
    parallel_for(_spread, spread.shape[1], (spread, transform, weight.reshape(-1, 9)))
    return spread.reshape(36, outputs, channels)


def _spread(start, stop, spread, transform, kernels):
    np.matmul(transform, kernels[start:stop].T, out=spread[:, start:stop])


def correlate(out, x, spread, bias, top, left):
    """out[n, o] = sum over c of x[n, c] with 3x3 kernels; its first cell begins at x[top, left]

    spread [36, C, O]; out, x [N, ., height, width].
    """
    samples, _, height, width = out.shape
    down, across = -(-height // 4), -(-width // 4)
    rows = samples * down
    blocks = blocks_of_rows(rows, across, sum(spread.shape[1:]))
    parallel_for(_correlate_blocks, blocks,
                 (out, x, spread, bias, top, left, down, across, rows, blocks))  # fmt: skip


def _correlate_blocks(start, stop, out, x, spread, bias, top, left, down, across, rows, blocks):
    channels, outputs = spread.shape[1:]
    for block in range(start, stop):
        r0, r1 = block * rows // blocks, (block + 1) * rows // blocks
        values, results = (
            scratch.array(name, 36 * (r1 - r0) * across * lanes(count), np.float32)
            .reshape(36, (r1 - r0) * across, lanes(count))
            for name, count in (("values", channels), ("results", outputs))
        )  # fmt: skip
        room = buffers(across)
        transform_inputs.compiled()(values, x, r0, r0, r1, down, across, top, left, *room)
        np.matmul(values[:, :, :channels], spread, out=results[:, :, :outputs])
        transform_results.compiled()(out, results, bias, r0, r1, down, across, *room)


def plane(array):
    """[N, C, 1, H, W] or [O, C, 1, 3, 3] without the axis of depth"""
    return array.reshape(*array.shape[:2], *array.shape[3:])


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """3x3 windows with step 1 in one group."""
    with blas.single_threaded():
        spread = spread_kernels(weight, turned=False).transpose(0, 2, 1)
        correlate(plane(out), plane(x), spread, bias, -padding[1], -padding[2])


def backward_input(grad_x, grad, weight, stride, padding, dilation, groups):
    """The same with kernels turned around and input and output channels exchanged."""
    none = np.empty(0, np.float32)
    with blas.single_threaded():
        spread = spread_kernels(weight, turned=True)
        correlate(plane(grad_x), plane(grad), spread, none, padding[1] - 2, padding[2] - 2)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """Sums over tiles of transformed inputs times transformed gradients, transformed back.

    A stretch of tile rows at a time is transformed, shared out by rows, and multiplied, shared out
    by the 36 products.
    """
    x, grad = plane(x), plane(grad)
    outputs, channels = grad_weight.shape[:2]
    samples, _, height, width = grad.shape
    down, across = -(-height // 4), -(-width // 4)
    rows, wide, out_wide = samples * down, lanes(channels), lanes(outputs)
    stretch = max(1, min(rows, STRETCH_BYTES // (36 * 4 * (wide + out_wide) * across)))
    values = np.empty((36, stretch * across, wide), np.float32)
    gradients = np.empty((36, stretch * across, out_wide), np.float32)
    total = np.zeros((36, outputs, channels), np.float32)
    with blas.single_threaded():
        for base in range(0, rows, stretch):
            count = min(stretch, rows - base)
            parallel_for(_transform_rows, count, (values, gradients, x, grad, base, down, across,
                                                  -padding[1], -padding[2]))  # fmt: skip
            parallel_for(_add_products, 36, (total, values[:, : count * across, :channels],
                                             gradients[:, : count * across, :outputs]))  # fmt: skip
        kernels = total.reshape(36, -1).T @ TRANSFORM
    grad_weight[...] = kernels.reshape(grad_weight.shape)


def _transform_rows(start, stop, values, gradients, x, grad, base, down, across, top, left):
    room = buffers(across)
    r0, r1 = base + start, base + stop
    transform_inputs.compiled()(values, x, base, r0, r1, down, across, top, left, *room)
    transform_gradients.compiled()(gradients, grad, base, r0, r1, down, across, *room)


def _add_products(start, stop, total, values, gradients):
    for k in range(start, stop):
        total[k] += gradients[k].T @ values[k]
