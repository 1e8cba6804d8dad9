"""3x3 convolution with step 1 by Winograd's minimal filtering F(4x4, 3x3), in float32.

The 4x4 results of a tile take 36 multiplications per channel instead of 144: the 6x6 inputs d they
need and the kernel g are both transformed to 36 numbers, which are multiplied, summed over channels
and transformed back,

    results = A^T [(G g G^T) * (B^T d B)] A,

so that the work is 36 products of matrices [tiles, channels] x [channels, outputs]. The gradient of
the kernel is G^T [(B^T d B) * (A e A^T)] G with the 4x4 gradients e, summed over tiles. The
relative error is around 2e-6. An infinity or NaN spreads over its tile of 6x6.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", arXiv:1509.09308.

A tile row is the tiles beside each other in one sample: row r is number r % down of sample
r // down. Transforms work on WIDE channels side by side, in buffers whose last axis they are.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for
from ..scratch import scratch
from ..threads import get_num_threads
from .cells import clear_cells, inlined, whole
from .product import PANEL, ROWS, multiply_panel, multiply_panels
from .simd import (
    add_tile,
    lanes_of,
    load_tile,
    pointer,
    row_transform,
    store_tile,
    transpose_square,
)

# Channels side by side: a whole number of vectors on any processor.
WIDE = 16
# What the transformed inputs and results of a block of tile rows may take together, and how many
# tiles make a product efficient.
BLOCK_BYTES = 1 << 20
FEWEST_TILES = 36
# At least so many blocks, to share them out.
FEWEST_BLOCKS = 4
# Where all transformed inputs take no more, and transformed kernels more than half as much, the
# kernels are transformed a panel of outputs at a time, and never leave the second-level cache.
VALUE_BYTES = 8 << 20
# A gradient of kernels is summed up in so many parts, of so many bytes together at most; a larger
# one in one part, by all threads, a stretch of tile rows of so many bytes at a time.
PARTS, PART_BYTES, STRETCH_BYTES = 8, 12 << 20, 8 << 20

B = [
    [4, 0, 0, 0, 0, 0],
    [0, -4, 4, -2, 2, 4],
    [-5, -4, -4, -1, -1, 0],
    [0, 1, -1, 2, -2, -5],
    [1, 1, 1, 1, 1, 0],
    [0, 0, 0, 0, 0, 1],
]
A = [[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]]
G = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]


def transposed(matrix):
    return [list(column) for column in zip(*matrix)]


b_transposed = row_transform(transposed(B))
a_matrix, a_transposed = row_transform(A), row_transform(transposed(A))
g_matrix, g_transposed = row_transform(G), row_transform(transposed(G))


# -- tile rows ------------------------------------------------------------------------------------


@inlined
def read_rows(rows, x, shape, n, c0, top, left, tall, width):
    """rows[w, i, c] = x[n, c0 + c, top + i, left + w] for i < tall, c < WIDE; 0 outside of x"""
    channels, height, length = shape
    clear_cells(rows, 0, width * tall * WIDE)
    plane, lanes = height * length, lanes_of(rows)
    for i in range(max(0, -top), min(tall, height - top)):
        for c in range(0, min(WIDE, channels - c0), lanes):
            line = (n * channels + c0 + c) * plane + (top + i) * length
            end = min(length, left + width)
            for w in range(max(0, left), end, lanes):
                to = ((w - left) * tall + i) * WIDE + c
                transpose_square(rows, to, tall * WIDE, x, line + w, plane,
                                 min(lanes, channels - c0 - c), min(lanes, end - w))  # fmt: skip


@inlined
def write_rows(out, shape, n, c0, top, rows, width):
    """The way back, out[n, c0 + c, top + i, w] = rows[i, w, c] for i < 4"""
    channels, height, length = shape
    plane, lanes = height * length, lanes_of(rows)
    for i in range(min(4, height - top)):
        for c in range(0, min(WIDE, channels - c0), lanes):
            line = (n * channels + c0 + c) * plane + (top + i) * length
            for w in range(0, length, lanes):
                transpose_square(out, line + w, plane, rows, (i * width + w) * WIDE + c, WIDE,
                                 min(lanes, length - w), min(lanes, channels - c0 - c))  # fmt: skip


@inlined
def transform_inputs(values, wide, tiles, x, shape, base, r0, r1, down, across, top, left, rows,
                     half):  # fmt: skip
    """values[:, tile, c] = B^T d B of channel c < wide, for the tiles of rows r0..r1-1

    The first tile of a sample begins at x[top, left]; values [36, tiles, wide] begin with row
    ``base``.
    """
    width, step, plane = 4 * across + 2, 6 * WIDE, tiles * wide
    for r in range(r0, r1):
        for c0 in range(0, wide, WIDE):
            read_rows(rows, x, shape, r // down, c0, 4 * (r % down) + top, left, 6, width)
            for c in range(0, WIDE, lanes_of(rows)):
                for w in range(width):
                    tile = load_tile(rows, w * step + c, WIDE, 6, 1)
                    store_tile(half, w * step + c, WIDE, b_transposed(tile))
                for t in range(across):
                    at = ((r - base) * across + t) * wide + c0 + c
                    for k in range(6):
                        tile = load_tile(half, (t * 24 + k) * WIDE + c, step, 6, 1)
                        store_tile(values, at + 6 * k * plane, plane, b_transposed(tile))


@inlined
def transform_gradients(values, wide, tiles, grad, shape, base, r0, r1, down, across, rows, half):
    """values[:, tile, o] = A e A^T of output channel o < wide, for the tiles of rows r0..r1-1"""
    width, plane = 4 * across, tiles * wide
    for r in range(r0, r1):
        for c0 in range(0, wide, WIDE):
            read_rows(rows, grad, shape, r // down, c0, 4 * (r % down), 0, 4, width)
            for c in range(0, WIDE, lanes_of(rows)):
                for w in range(width):
                    tile = load_tile(rows, w * 4 * WIDE + c, WIDE, 4, 1)
                    store_tile(half, w * 6 * WIDE + c, WIDE, a_matrix(tile))
                for t in range(across):
                    at = ((r - base) * across + t) * wide + c0 + c
                    for k in range(6):
                        tile = load_tile(half, (t * 24 + k) * WIDE + c, 6 * WIDE, 4, 1)
                        store_tile(values, at + 6 * k * plane, plane, a_matrix(tile))


@inlined
def transform_results(out, shape, first, values, wide, tiles, bias, r0, r1, down, across, rows,
                      half):  # fmt: skip
    """out of rows r0..r1-1, channels from ``first`` on = A^T m A + bias, m = values[:, tile, o]

    The bias goes on with zeros up to a multiple of WIDE.
    """
    width, plane = 4 * across, tiles * wide
    for r in range(r0, r1):
        for c0 in range(0, min(wide, shape[0] - first), WIDE):
            for c in range(0, WIDE, lanes_of(rows)):
                for t in range(across):
                    at = ((r - r0) * across + t) * wide + c0 + c
                    for k in range(6):
                        tile = load_tile(values, at + 6 * k * plane, plane, 6, 1)
                        store_tile(half, k * WIDE + c, 6 * WIDE, a_transposed(tile))
                    for k in range(4):
                        tile = a_transposed(load_tile(half, 6 * k * WIDE + c, WIDE, 6, 1))
                        tile = add_tile(tile, bias, first + c0 + c, 0)
                        store_tile(rows, (4 * t + k) * WIDE + c, width * WIDE, tile)
            write_rows(out, shape, r // down, first + c0, 4 * (r % down), rows, width)


# -- kernels --------------------------------------------------------------------------------------


@CpuFunction
def spread_kernels(start, stop, spread, weight, channels, outputs, channel_step, output_step, first,
                   step, g, half):  # fmt: skip
    """spread[:, c, o] = G g G^T of the kernels between input channels start..stop-1 and outputs

    spread [36, panel of outputs, channels, output], flat; element e of kernel g is
    weight[c * channel_step + o * output_step + first + e * step].
    """
    wide = whole(outputs, WIDE)
    plane = channels * wide
    g, half, spread, weight = pointer(g), pointer(half), pointer(spread), pointer(weight)
    for ch in range(start, stop):
        for o in range(0, wide, WIDE):
            for c in range(WIDE):
                at = ch * channel_step + min(o + c, outputs - 1) * output_step + first
                for e in range(9):
                    g[e * WIDE + c] = weight[at + e * step]
            panel = o // PANEL * PANEL
            at = panel * channels + ch * min(PANEL, wide - panel) + o - panel
            for c in range(0, WIDE, lanes_of(g)):
                for b in range(3):
                    tile = load_tile(g, b * WIDE + c, 3 * WIDE, 3, 1)
                    store_tile(half, 6 * b * WIDE + c, WIDE, g_matrix(tile))
                for k in range(6):
                    tile = load_tile(half, k * WIDE + c, 6 * WIDE, 3, 1)
                    store_tile(spread, at + 6 * k * plane + c, plane, g_matrix(tile))


@CpuFunction
def gather_kernels(start, stop, grad_weight, total, outputs, wide, g, half):
    """grad_weight[o, c] = G^T m G with m = total[:, o, c], for outputs start..stop-1

    total [36, outputs, wide], flat.
    """
    channels, plane, cells = grad_weight.shape[1], outputs * wide, pointer(grad_weight)
    total, g, half = pointer(total), pointer(g), pointer(half)
    for o in range(start, stop):
        for c0 in range(0, channels, WIDE):
            for c in range(0, WIDE, lanes_of(g)):
                for k in range(6):
                    tile = load_tile(total, o * wide + c0 + c + k * plane, 6 * plane, 6, 1)
                    store_tile(half, 3 * k * WIDE + c, WIDE, g_transposed(tile))
                for a in range(3):
                    tile = load_tile(half, a * WIDE + c, 3 * WIDE, 6, 1)
                    store_tile(g, 3 * a * WIDE + c, WIDE, g_transposed(tile))
            for c in range(min(WIDE, channels - c0)):
                for e in range(9):
                    cells[(o * channels + c0 + c) * 9 + e] = g[e * WIDE + c]


# -- blocks ---------------------------------------------------------------------------------------


@CpuFunction
def correlate_blocks(start, stop, out, x, spread, bias, top, left, down, across, total_rows, blocks,
                     wide, out_wide, values, results, rows, half):  # fmt: skip
    """Blocks start..stop-1 of the tile rows of out."""
    channels, shape, out_shape = x.shape[1], x.shape[1:], out.shape[1:]
    values, results, rows, half = pointer(values), pointer(results), pointer(rows), pointer(half)
    out, x, spread, bias = pointer(out), pointer(x), pointer(spread), pointer(bias)
    for block in range(start, stop):
        r0, r1 = block * total_rows // blocks, (block + 1) * total_rows // blocks
        tiles = (r1 - r0) * across
        room = whole(tiles, ROWS)
        transform_inputs(values, wide, room, x, shape, r0, r0, r1, down, across, top, left, rows,
                         half)  # fmt: skip
        for k in range(36):
            multiply_panels(results, k * room * out_wide, out_wide, values, k * room * wide, wide,
                            1, spread, k * channels * out_wide, tiles, channels,
                            out_wide)  # fmt: skip
        transform_results(out, out_shape, 0, results, out_wide, room, bias, r0, r1, down, across,
                          rows, half)  # fmt: skip


@CpuFunction
def transform_rows(start, stop, values, wide, tiles, x, down, across, top, left, rows, half):
    """``transform_inputs`` of tile rows start..stop-1 of x."""
    transform_inputs(pointer(values), wide, tiles, pointer(x), x.shape[1:], 0, start, stop, down,
                     across, top, left, pointer(rows), pointer(half))  # fmt: skip


@CpuFunction
def correlate_panels(start, stop, out, values, weight, bias, channel_step, output_step, first, step,
                     channels, down, across, total_rows, wide, room, spread, results, g, half_g,
                     rows, half):  # fmt: skip
    """Panels start..stop-1 of the channels of out, from all transformed inputs."""
    shape, tiles = out.shape[1:], total_rows * across
    for panel in range(start, stop):
        o = panel * PANEL
        count = min(PANEL, shape[0] - o)
        columns = whole(count, WIDE)
        spread_kernels(0, channels, spread, weight, channels, count, channel_step, output_step,
                       first + o * output_step, step, g, half_g)  # fmt: skip
        for k in range(36):
            multiply_panel(pointer(results), k * room * columns, columns, pointer(values),
                           k * room * wide, wide, 1, pointer(spread), k * channels * columns,
                           columns, tiles, channels, columns, False)  # fmt: skip
        transform_results(pointer(out), shape, o, pointer(results), columns, room, pointer(bias),
                          0, total_rows, down, across, pointer(rows), pointer(half))  # fmt: skip


@inlined
def transform_stretch(start, stop, values, gradients, wide, out_wide, tiles, x, grad, base, down,
                      across, top, left, rows, half):  # fmt: skip
    """Both transforms of tile rows base + start .. base + stop - 1."""
    r0, r1 = base + start, base + stop
    rows, half = pointer(rows), pointer(half)
    transform_inputs(pointer(values), wide, tiles, pointer(x), x.shape[1:], base, r0, r1, down,
                     across, top, left, rows, half)  # fmt: skip
    transform_gradients(pointer(gradients), out_wide, tiles, pointer(grad), grad.shape[1:], base,
                        r0, r1, down, across, rows, half)  # fmt: skip


@inlined
def add_products(start, stop, total, gradients, values, outputs, wide, out_wide, tiles, used, add):
    """total[k, o, c] (+)= sum over used tiles of gradients[k, tile, o] * values[k, tile, c]"""
    total, gradients, values = pointer(total), pointer(gradients), pointer(values)
    for k in range(start, stop):
        for c in range(0, wide, PANEL):
            multiply_panel(total, k * outputs * wide + c, wide, gradients, k * tiles * out_wide, 1,
                           out_wide, values, k * tiles * wide + c, wide, outputs, used,
                           min(PANEL, wide - c), add)  # fmt: skip


@CpuFunction
def add_parts(start, stop, totals, x, grad, bounds, block, down, across, top, left, wide, out_wide,
              padded, values, gradients, rows, half):  # fmt: skip
    """Parts start..stop-1 of the gradient of all kernels, ``block`` tile rows at a time."""
    tiles = block * across
    for part in range(start, stop):
        total = totals[part]
        for r0 in range(bounds[part], bounds[part + 1], block):
            count = min(block, bounds[part + 1] - r0)
            transform_stretch(0, count, values, gradients, wide, out_wide, tiles, x, grad, r0, down,
                              across, top, left, rows, half)  # fmt: skip
            add_products(0, 36, total, gradients, values, padded, wide, out_wide, tiles,
                         count * across, r0 > bounds[part])  # fmt: skip


# Where the parts of a gradient are too few to share out, each of these is.
transform_stretch_alone = CpuFunction(transform_stretch.function)
add_products_alone = CpuFunction(add_products.function)


# -- the algorithm --------------------------------------------------------------------------------


def row_buffers(across):
    """Sizes: one tile row of WIDE channels, as read and half transformed."""
    return [(4 * across + 2) * 6 * WIDE] * 2


# WIDE kernels: their elements, and half transformed.
KERNEL_BUFFERS = [18 * WIDE] * 2


def correlate(out, x, weight, steps, bias, top, left):
    """out[n, o] = sum over c of x[n, c] with 3x3 kernels; its first cell begins at x[top, left]

    ``steps`` in the flat weight: from input to input channel, from output to output, the place of
    the first element of a kernel, and from element to element.
    """
    samples, outputs, height, width = out.shape
    channels = x.shape[1]
    wide, out_wide = whole(channels, WIDE), whole(outputs, WIDE)
    down, across = -(-height // 4), -(-width // 4)
    rows = samples * down
    tiles, panels = rows * across, -(-outputs // PANEL)
    biases = scratch.array("bias", out_wide, np.float32)
    biases[outputs:] = 0
    biases[:outputs] = bias if bias.size else 0
    few_tiles = 36 * 4 * tiles * wide <= VALUE_BYTES < 36 * 4 * channels * out_wide * 2
    if few_tiles and panels >= 2 * get_num_threads():
        correlate_by_panels(out, x, weight, steps, biases, top, left, down, across, wide)
        return
    spread = scratch.array("spread", 36 * channels * out_wide, np.float32)
    parallel_for(
        spread_kernels, channels, (spread, weight.reshape(-1), channels, outputs, *steps),
        spread.size, KERNEL_BUFFERS,
    )  # fmt: skip
    fitting = -(-tiles * 36 * 4 * (wide + out_wide) // BLOCK_BYTES)
    blocks = max(1, min(rows, max(min(fitting, tiles // FEWEST_TILES), FEWEST_BLOCKS)))
    size = 36 * whole(-(-rows // blocks) * across, ROWS)
    parallel_for(
        correlate_blocks, blocks,
        (out, x, spread, biases, top, left, down, across, rows, blocks, wide, out_wide),
        tiles * wide * out_wide, [size * wide, size * out_wide, *row_buffers(across)],
    )  # fmt: skip


def correlate_by_panels(out, x, weight, steps, bias, top, left, down, across, wide):
    """The same for few tiles of many channels: all inputs are transformed, then shared out are
    panels of outputs."""
    rows, channels = len(x) * down, x.shape[1]
    room = whole(rows * across, ROWS)
    values = scratch.array("all values", 36 * room * wide, np.float32)
    parallel_for(transform_rows, rows, (values, wide, room, x, down, across, top, left),
                 values.size, row_buffers(across))  # fmt: skip
    panels, sizes = -(-out.shape[1] // PANEL), [36 * PANEL * channels, 36 * PANEL * room]
    parallel_for(
        correlate_panels, panels,
        (out, values, weight.reshape(-1), bias, *steps, channels, down, across, rows, wide, room),
        room * wide * out.shape[1], [*sizes, *KERNEL_BUFFERS, *row_buffers(across)],
    )  # fmt: skip


def plane(array):
    """[N, C, 1, H, W] without the axis of depth"""
    return array.reshape(*array.shape[:2], *array.shape[3:])


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """3x3 windows with step 1 in one group."""
    steps = 9, 9 * weight.shape[1], 0, 1
    correlate(plane(out), plane(x), weight, steps, bias, -padding[1], -padding[2])


def backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """The same with kernels turned around and input and output channels exchanged."""
    steps = 9 * weight.shape[1], 9, 8, -1
    correlate(plane(grad_x), plane(grad), weight, steps, bias, padding[1] - 2, padding[2] - 2)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """Sums over tiles of transformed inputs times transformed gradients, transformed back."""
    x, grad = plane(x), plane(grad)
    outputs, channels = grad_weight.shape[:2]
    samples, _, height, width = grad.shape
    down, across = -(-height // 4), -(-width // 4)
    rows, wide, out_wide = samples * down, whole(channels, WIDE), whole(outputs, WIDE)
    padded, row_bytes = whole(outputs, ROWS), 36 * 4 * (wide + out_wide) * across
    parts = min(PARTS, PART_BYTES // (36 * 4 * padded * wide), rows)
    how = down, across, -padding[1], -padding[2], wide, out_wide, padded
    if parts > 1:
        block = max(1, min(rows // parts, BLOCK_BYTES // row_bytes))
        totals = scratch.array("total", parts * 36 * padded * wide, np.float32).reshape(parts, -1)
        bounds = np.arange(parts + 1) * rows // parts
        sizes = [*tile_buffers(block * across, wide, out_wide), *row_buffers(across)]
        parallel_for(add_parts, parts, (totals, x, grad, bounds, block, *how),
                     rows * across * wide * out_wide, sizes)  # fmt: skip
        total = totals.sum(axis=0)
    else:
        total = sum_stretches(x, grad, rows, max(1, min(rows, STRETCH_BYTES // row_bytes)), *how)
    parallel_for(gather_kernels, outputs, (grad_weight, total, padded, wide), total.size,
                 KERNEL_BUFFERS)  # fmt: skip


def tile_buffers(tiles, wide, out_wide):
    """Sizes: transformed inputs and gradients."""
    return [36 * tiles * count + ROWS for count in (wide, out_wide)]


def sum_stretches(x, grad, rows, stretch, down, across, top, left, wide, out_wide, padded):
    """Of each stretch of tile rows, rows are shared out for the transforms, then the products."""
    tiles = stretch * across
    values, gradients = (
        scratch.array(name, size, np.float32)
        for name, size in zip(("values", "gradients"), tile_buffers(tiles, wide, out_wide))
    )
    total = scratch.array("total", 36 * padded * wide, np.float32)
    for base in range(0, rows, stretch):
        count = min(stretch, rows - base)
        parallel_for(
            transform_stretch_alone, count,
            (values, gradients, wide, out_wide, tiles, x, grad, base, down, across, top, left),
            values.size, row_buffers(across),
        )  # fmt: skip
        parallel_for(add_products_alone, 36,
                     (total, gradients, values, padded, wide, out_wide, tiles, count * across,
                      base > 0), tiles * wide * out_wide)  # fmt: skip
    return total
