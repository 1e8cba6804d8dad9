"""About how long the algorithms of a convolution take, each for one direction of it.

    source [N, C, 1, H, W], result [N, O, 1, H', W']; x, weight and dilation of any convolution

In multiplications, as many as a direct convolution does of whole tiles in the time. What the costs
say of a number of channels or planes is how the algorithms walk along them (direct.py, plane.py,
winograd.py). The factors were fitted to the times of 12,000 random convolutions on a Zen 5, a
third of them with AVX2 only: what is chosen takes 2 to 4 % longer than the fastest, in the mean.
"""

from __future__ import annotations

import math
from operator import mul
from typing import Literal, NamedTuple

from . import winograd
from .cells import whole
from .direct_plan import Triple, reach
from .plane import FEWER_TOGETHER, FEWER_WEIGHT_ROWS, WEIGHT_ROWS
from .plane_conv import FEWEST_ROWS
from .plane_plan import ROWS, TASKS

Direction = Literal["forward", "backward_input", "backward_weight"]

# With less work there is less to save than it takes to compile winograd too: 0.1 ms a call.
WORTH = 1 << 25
# An algorithm besides direct convolution, half a second to compile, has to save this: 14 us a call.
ANOTHER = 3 << 20
# Transforming one of the 36 numbers that winograd makes of a tile, and one of those of a kernel.
TRANSFORM, SPREAD = 25, 60
# Moving a number to where it is read, as it lies; with a step of more than 2, or apart by a step;
# from where it was summed up; to a column, and on to the sum of several; and a number of the
# weight. A row of a plane that is laid, one of columns, and a sum over the lanes of a vector.
LAID, DEALT, APART, WRITTEN, ADDED, PANELLED = 1, 3, 4, 2, 3, 5
ROW, RUN, SUMMED = 7, 20, 15
# With fewer bands of planes than this not all threads have some. The number of threads does not
# count, as results would follow it.
FEWEST_BANDS = 3
# For the gradient of a weight: a product by planes, and anything by winograd.
WEIGHT_PLANES, WEIGHT_TILES = 2.1, 1.4


class Processor(NamedTuple):
    """What differs between vectors of 64 bytes and shorter ones.

    lanes: numbers of a vector.
    one_vector: a multiplication where tiles have one vector of channels; where there are two, 1.
    one_plane: the same by planes, of less than FEWEST_ROWS results.
    move: how many multiplications take as long as moving a number.
    rows, weight_rows: results of a tile that ``results`` by planes are rounded up to.
    """

    lanes: int
    one_vector: float
    one_plane: float
    move: float
    rows: int
    weight_rows: int


def processor(itemsize: int) -> Processor:
    from .._llvm import vector_bytes  # not before numba is needed anyway

    lanes = vector_bytes() // itemsize
    if vector_bytes() == 64:  # sixes and fours make up any even number
        return Processor(lanes, 1.5, 1.5, 15, 2, WEIGHT_ROWS)
    return Processor(lanes, 1.8, 1.2, 8, FEWER_TOGETHER, FEWER_WEIGHT_ROWS)


class Sums(NamedTuple):
    """A direction of a convolution of planes, as sums of what is read times weights.

    Of the gradient of a weight, x is read and grad counts as the result.

    sources, results: channels of a group.
    kernel, stride, read, made: height and width, of a plane that is read and of one that results.
    pairs: of a result and an element of the kernel that meet, in a plane.
    inside: whether none meets padding.
    weights: numbers of the whole weight.
    """

    direction: Direction
    samples: int
    groups: int
    sources: int
    results: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    read: tuple[int, int]
    made: tuple[int, int]
    pairs: int
    inside: bool
    weights: int

    @classmethod
    def of(
        cls, direction: Direction, source: tuple[int, ...], result: tuple[int, ...],
        weight: tuple[int, ...], stride: Triple, padding: Triple, dilation: Triple, groups: int,
    ) -> Sums:  # fmt: skip
        forth = direction != "backward_input"
        x, out = (source, result) if forth else (result, source)
        met = [
            sum(high - low for low, high in (reach(k * d - p, s, n, m) for k in range(size)))
            for size, s, p, d, n, m in zip(weight[3:], stride[1:], padding[1:], dilation[1:],
                                           x[3:], out[3:])
        ]  # fmt: skip
        due = [
            size * n // (1 if forth else s)
            for size, s, n in zip(weight[3:], stride[1:], result[3:])
        ]
        return cls(
            direction, result[0], groups, source[1] // groups, result[1] // groups,
            (weight[3], weight[4]), (stride[1], stride[2]), (source[3], source[4]),
            (result[3], result[4]), math.prod(met), met == due, math.prod(weight),
        )  # fmt: skip


def columns(results: int, on: Processor) -> float:
    """Numbers of channels, in tiles of two vectors and a last one of one or two."""
    rest = results % (2 * on.lanes)
    if 0 < rest <= on.lanes:
        return results - rest + on.lanes * on.one_vector
    return whole(results, 2 * on.lanes)


def direct_cost(sums: Sums, on: Processor) -> float:
    """Of ``direct_conv``."""
    planes, step = sums.samples * sums.groups, math.prod(sums.stride)
    products = planes * sums.sources * sums.pairs * columns(sums.results, on)
    cells = math.prod(sums.made)
    if sums.direction == "backward_input":  # others are 0
        cells = math.prod(map(min, sums.made, map(mul, sums.kernel, sums.read)))
    written = APART if sums.direction == "backward_input" and step > 1 else WRITTEN
    moved = planes * sums.results * cells * written + sums.weights * PANELLED
    if not sums.inside:
        moved += planes * sums.sources * math.prod(sums.read) * LAID
    return products + on.move * moved


def planes_cost(sums: Sums, on: Processor) -> float:
    """Of ``plane_conv``."""
    results, sources, step = sums.results, sums.sources, sums.stride[1]
    height, width = sums.made
    fewest, rows, factor = FEWEST_ROWS, on.rows, 1.0
    if sums.direction == "backward_weight":
        fewest, rows, factor = 2, on.weight_rows, WEIGHT_PLANES
    if results < fewest:
        rows, factor = 1, factor * on.one_plane
    taps = whole(results, rows) * sources * math.prod(sums.kernel)
    planes, lowest = sums.samples * sums.groups, -(-height // ROWS)
    bands = min(lowest, -(-TASKS // planes))
    laid = DEALT if step > 2 else LAID
    if sums.direction == "backward_input":
        laid = APART if step > 1 else LAID
    tall, wide = sums.read[0] + (bands - 1) * (sums.kernel[0] - 1), sums.read[1]
    cost = planes * taps * height * whole(width, on.lanes) * factor
    cost += planes * on.move * sources * tall * (wide * laid + ROW)
    if sums.direction == "backward_weight":
        parts = min(sums.samples * bands, -(-TASKS // sums.groups))
        cost += parts * sums.groups * on.move * taps * SUMMED
    return cost * max(1, FEWEST_BANDS / (planes * lowest))


def columns_cost(sums: Sums, on: Processor) -> float:
    """Of ``column_conv``, for a gradient of the input."""
    planes, (tall, wide) = sums.samples * sums.groups, sums.read
    rows = sums.results * math.prod(sums.kernel)
    products = sums.sources * tall * wide * columns(rows, on)
    moved = rows * tall * (wide * ADDED + RUN) + sums.results * math.prod(sums.made) * WRITTEN
    return planes * (products + on.move * moved) + on.move * sums.weights * 2 * PANELLED


def winograd_cost(sums: Sums, on: Processor) -> float:
    """Of ``winograd``, where it can be."""
    tiles = sums.samples * math.prod(-(-n // 4) for n in sums.made)
    wide, out_wide = (whole(n, winograd.WIDE) for n in (sums.sources, sums.results))
    products = tiles * wide * columns(out_wide, on)
    moved = tiles * TRANSFORM * (wide + out_wide) + SPREAD * wide * out_wide
    factor = WEIGHT_TILES if sums.direction == "backward_weight" else 1
    return max(WORTH, 36 * factor * (products + moved))
