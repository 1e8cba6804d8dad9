"""Where everything lies in a direct convolution: the geometry that direct.py only walks along.

Along one axis, a kernel element k meets

    forward           result q with cell   q s + k d - p  of x
    input gradient    result q s + phase with cell  q + (p + phase - k d) / s  of grad, where whole

so every direction asks for the same: elements that meet the cells ``step`` apart from a first one
on. A number that is read lies at

    place of the result + shift of the tap

a tap being a kernel element of a channel. Both are listed here, once for each combination of
shapes. Where a tap would meet padding, the source is copied into a box that has it around.

Geometry comes as three numbers, one for each axis: depth, height, width.

Source of such lists: Dukhan, "The indirect convolution algorithm" (2019).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Triple = tuple[int, int, int]
# First result, count, and offsets of the taps that meet cells there, along one axis.
Segment = tuple[int, int, "set[int]"]

# Results of a tile with two vectors of channels, and of one with a single vector.
TILE, NARROW_TILE = 6, 8
# Results whose sums are worked on together: a multiple of those of both kinds of tile, and of the
# lanes of any vector.
BLOCK = 48
# The copied source of a task stays in a part of a common second-level cache.
BOX_BYTES = 384 * 1024
# A band is not made half as long for a box that stays almost as large.
WORTH_HALVING = 0.75
# Results are cut into regions if that leaves no more than so much of the work. By itself a region
# takes as long as so many multiplications, as does a run of results that is written, and a number
# that is laid into a box.
WORTH_CUTTING, REGION, RUN, COPY = 0.92, 1 << 16, 64, 16
# No axis is cut into more segments, and no results into more regions, each of which has its lists.
MOST_SEGMENTS, MOST_REGIONS = 9, 128
# With fewer results than this in a sample, several samples are worked on as one.
LONG = 4 * BLOCK


class Taps(NamedTuple):
    """Kernel elements and the cells that result 0 meets through them."""

    elements: list[int]
    cells: list[tuple[int, ...]]


class Walk(NamedTuple):
    """Results that are worked on as one, and where what they meet lies.

    They are those of ``together`` samples or, if there are several bands, of a band of one sample:
    so many results along ``axis``, the first with more than one.

    in_place: whether cells are read from the source itself, and not from a box.
    extents: of what is read, the source or a box.
    origin: the first cell of the box of the first band.
    positions, last: results of a band of a sample, and of the last band.
    sample: from one sample to the next in what is read.
    places: of each result.
    shifts: of each tap, by channel and element.
    """

    in_place: bool
    extents: Triple
    origin: Triple
    together: int
    axis: int
    band: int
    bands: int
    positions: int
    last: int
    sample: int
    places: np.ndarray
    shifts: np.ndarray


class Bands(NamedTuple):
    """What ``correlate`` (direct.py) walks by: a task is a band of some samples, some panels.

    samples, rows, channels, groups: ``rows`` are channels of the result.
    together: samples that are worked on as one.
    bands, splits: into how many the results of a sample, and the panels, are cut.
    whole, short: results of a task, and of one with the last band or the last samples.
    volume, out_volume: of a channel of the source, and of the result.
    in_place: 1 if cells are read from the source itself, 0 if from a box.
    band_in, band_out: from a band to the next in what is read, and in the result.
    panel, box: numbers of a panel, and of a channel in a box.
    box_row, source_row: from a row to the next.
    terms: parts of a sum.
    whole_at, short_at, terms_at, laid_at, runs_at: where its entries begin in the lists of places
        (of both kinds of task), of shifts and depths, and in ``laid`` and ``runs``.
    laid_each, runs_each: numbers of ``laid`` for a band, and of ``runs`` for a block.
    """

    samples: int
    rows: int
    channels: int
    groups: int
    together: int
    bands: int
    splits: int
    whole: int
    short: int
    volume: int
    out_volume: int
    in_place: int
    band_in: int
    band_out: int
    panel: int
    box: int
    box_row: int
    source_row: int
    terms: int
    whole_at: int
    short_at: int
    terms_at: int
    laid_at: int
    runs_at: int
    laid_each: int
    runs_each: int


class Units(NamedTuple):
    """What ``sum_weights`` (direct.py) walks by: a task is some units, some channels, a panel.

    It travels there as a plain tuple: numba takes 2 us of each call to see what a named one is.

    A unit is a band of a sample or, where there is one band, some samples. Fields that ``Bands``
    has too are what they are there.

    units, per_part: of all samples, and of a task.
    wide: channels of a task, of a group's.
    elements: of a kernel.
    whole, last: results of a sample in a band, and in the last one.
    last_at: where the shifts for the last channels of a group begin.
    """

    samples: int
    outputs: int
    channels: int
    groups: int
    units: int
    per_part: int
    together: int
    bands: int
    wide: int
    elements: int
    whole: int
    last: int
    last_at: int
    volume: int
    out_volume: int
    in_place: int
    band_in: int
    box: int
    laid_each: int


def elements_of(kernel: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All places of a kernel, in order."""
    return itertools.product(*map(range, kernel))


def forward_taps(kernel: Triple, padding: Triple, dilation: Triple) -> Taps:
    """What the results of a convolution meet of x."""
    cells = [
        tuple(k * d - p for k, d, p in zip(element, dilation, padding))
        for element in elements_of(kernel)
    ]
    return Taps(list(range(len(cells))), cells)


def input_taps(
    kernel: Triple, stride: Triple, padding: Triple, dilation: Triple, phase: Triple
) -> Taps:
    """What the gradients of the cells ``phase``, ``phase`` + stride, ... of x meet of grad."""
    elements, cells = [], []
    for index, element in enumerate(elements_of(kernel)):
        distances = [p + i - k * d for p, i, k, d in zip(padding, phase, element, dilation)]
        if not any(distance % s for distance, s in zip(distances, stride)):
            elements.append(index)
            cells.append(tuple(distance // s for distance, s in zip(distances, stride)))
    return Taps(elements, cells)


def regions(
    taps: Taps,
    step: Triple,
    shape: Sequence[int],
    results: Triple,
    out_shape: Sequence[int],
    out_step: Triple,
    groups: int,
) -> list[tuple[Triple, Triple, Taps]]:
    """First result, counts and taps of parts of the results in which a tap meets cells everywhere
    or padding everywhere, and is left out: of wide dilations most meet padding most of the time.

    Segments next to each other are taken as one where that makes less work, and all results are
    where cutting spares little.

    Args:
        shape: of the source, [samples, channels, depth, height, width].
        out_shape, out_step: what the results are a part of, and how far apart they lie there.

    Example:
        >>> taps = forward_taps((1, 1, 3), (0, 0, 90), (1, 1, 90))
        >>> x, out, axis, one = (10, 32, 1, 1, 100), (10, 32, 1, 1, 100), (1, 1, 100), (1, 1, 1)
        >>> for first, counts, part in regions(taps, one, x, axis, out, one, 1):
        ...     print(first[2], counts[2], part.elements)
        0 10 [1, 2]
        10 80 [1]
        90 10 [0, 1]
    """
    (samples, channels, *lengths), rows = shape, out_shape[1]

    def work(axes: Sequence[list[Segment]]) -> int:
        """Multiplications, and what takes as long."""
        total = 0
        for segments in itertools.product(*axes):
            count, along = math.prod(n for _, n, _ in segments), segments[2][1]
            due = -(-samples * count // TILE) * TILE * math.prod(len(o) for *_, o in segments)
            total += REGION + due * rows * channels // groups
            gapless = along == results[2] and out_step[2] == 1
            total += RUN * samples * rows * (count // (BLOCK if gapless else min(along, BLOCK)) + 1)
            inside, box = True, samples * channels
            for (first, n, offsets), s, length in zip(segments, step, lengths):
                low, high = min(offsets, default=0), max(offsets, default=0)
                inside &= meets_no_padding(first * s + low, first * s + high, s, length, n)
                box *= extent(low, high, s, n)
            total += 0 if inside else COPY * box
        return total

    offsets = [set(along) for along in zip(*taps.cells)] or [set()] * 3
    whole = [[(0, n, o)] for n, o in zip(results, offsets)]
    axes = [_segments(o, s, length, n) for o, s, length, n in zip(offsets, step, lengths, results)]
    best, least = whole, WORTH_CUTTING * work(whole)
    while max(map(len, axes)) > 1:
        if math.prod(map(len, axes)) <= MOST_REGIONS and (spent := work(axes)) < least:
            best, least = [list(axis) for axis in axes], spent
        _merge_two(max(axes, key=len))
    return list(_regions(taps, best))


def _regions(taps: Taps, axes: Sequence[list[Segment]]) -> Iterator[tuple[Triple, Triple, Taps]]:
    """First result, counts and taps for each combination of segments of the axes."""
    for segments in itertools.product(*axes):
        firsts, counts, offsets = zip(*segments)
        inside = [all(map(set.__contains__, offsets, cell)) for cell in taps.cells]
        elements = list(itertools.compress(taps.elements, inside))
        cells = list(itertools.compress(taps.cells, inside))
        yield firsts, counts, Taps(elements, cells)


def _merge_two(segments: list[Segment]) -> None:
    """Take two neighbours as one segment: those of which that adds the fewest taps."""

    def merged(i: int) -> Segment:
        (first, count, offsets), (_, further, others) = segments[i : i + 2]
        return first, count + further, offsets | others

    def added(i: int) -> int:
        _, count, offsets = merged(i)
        return count * len(offsets) - sum(n * len(o) for _, n, o in segments[i : i + 2])

    i = min(range(len(segments) - 1), key=added)
    segments[i : i + 2] = [merged(i)]


def reach(offset: int, step: int, length: int, count: int) -> tuple[int, int]:
    """The sub-range of i < count with 0 <= i * step + offset < length."""
    low = min(max(0, -(offset // step)), count)
    return low, max(low, min(count, -((offset - length) // step)))


def meets_no_padding(low: int, high: int, step: int, length: int, count: int) -> bool:
    """Whether ``count`` results stay inside, of which the first meets cells low to high."""
    return low >= 0 and (count - 1) * step + high < length


def extent(low: int, high: int, step: int, count: int) -> int:
    """Cells from the first to the last that they meet."""
    return (count - 1) * step + high - low + 1


def _segments(offsets: set[int], step: int, length: int, count: int) -> list[Segment]:
    """Where along one axis other taps meet cells than before, in as many segments as are taken."""
    inside = {o: reach(o, step, length, count) for o in offsets}
    ends = sorted({0, count, *(end for ends in inside.values() for end in ends)})
    segments = [
        (first, end - first, {o for o, (low, high) in inside.items() if low <= first < high})
        for first, end in itertools.pairwise(ends)
    ]
    while len(segments) > MOST_SEGMENTS:
        _merge_two(segments)
    return segments


def plan_walk(
    taps: Taps, step: Triple, lengths: Triple, results: Triple, together: int, bands: int,
    channels: int, read: int, itemsize: int,
) -> Walk:  # fmt: skip
    """How to walk along these results, in so many bands, or more if a box has to fit.

    Args:
        lengths: of the source.
        together: samples, if there is one band.
        channels: of a sample of the source.
        read: how many of them are read.
    """
    axis = next((axis for axis in (0, 1) if results[axis] > 1), 2)
    cells = taps.cells or [(0, 0, 0)]
    low, high = ([f(along) for along in zip(*cells)] for f in (min, max))
    in_place = not taps.cells or all(map(meets_no_padding, low, high, step, lengths, results))

    def extents_of(band: int) -> Triple:
        counts = [band if a == axis else r for a, r in enumerate(results)]
        depth, height, width = map(extent, low, high, step, counts)
        return depth, height, width

    band = -(-results[axis] // min(bands, results[axis]))
    extents, origin = lengths, (0, 0, 0)
    if not in_place:
        extents, origin = extents_of(band), tuple(low)
        while band > 1 and math.prod(extents) * read * itemsize > BOX_BYTES:
            half = extents_of(-(-band // 2))
            if math.prod(half) > WORTH_HALVING * math.prod(extents):
                break  # most of it is what the kernel reaches beyond the band
            band, extents = -(-band // 2), half
        together = max(1, min(together, BOX_BYTES // (math.prod(extents) * read * itemsize)))
    bands = -(-results[axis] // band)
    together = together if bands == 1 else 1
    counts = [band if a == axis else r for a, r in enumerate(results)]
    positions = math.prod(counts)
    steps, volume = pitches(extents), math.prod(extents)
    sample = volume * (channels if in_place else read)
    places = grid([together, *counts], [sample, *np.multiply(step, steps)])
    offsets = (np.array(taps.cells, np.int64).reshape(-1, 3) - origin) @ steps
    shifts = (np.arange(read)[:, None] * volume + offsets).ravel()
    return Walk(in_place, extents, origin, together, axis, band, bands, positions,
                positions // band * (results[axis] - (bands - 1) * band), sample, places,
                shifts)  # fmt: skip


def samples_together(samples: int, results: int, enough: int) -> int:
    """How many samples are worked on as one: several where each has few results."""
    return max(1, min(-(-LONG // max(1, results)), -(-samples // enough)))


def pitches(lengths: Sequence[int]) -> Triple:
    """From one cell of a volume to the next, along each axis."""
    return lengths[1] * lengths[2], lengths[2], 1


def grid(counts: Sequence[int], steps: Sequence[int]) -> np.ndarray:
    """sum over axes of index * step, for all indices in order"""
    total = np.zeros((), np.int64)
    for count, step in zip(counts, steps):
        total = np.add.outer(total, np.arange(count) * step)
    return total.ravel()


def whole_and_short(table: np.ndarray, short: int, multiple: int) -> tuple[np.ndarray, int]:
    """The table and its first ``short`` entries, both with their last one repeated: tiles are
    whole, and what they compute beyond the end must be there to be read. And where the second
    begins.

    Example:
        >>> whole_and_short(np.arange(5), 3, 4)
        (array([0, 1, 2, 3, 4, 4, 4, 4, 0, 1, 2, 2]), 8)
    """
    parts = [
        np.pad(part, (0, -part.size % multiple), mode="edge" if part.size else "constant")
        for part in (table, table[:short])
    ]
    return np.concatenate(parts), parts[0].size


def boxes_of(walk: Walk, step: Triple, lengths: Triple) -> np.ndarray:
    """What ``lay_boxes`` lays into the box of each band: [band, run, 4]."""
    bands = []
    for band in range(0 if walk.in_place else walk.bands):
        begins = list(walk.origin)
        begins[walk.axis] += band * walk.band * step[walk.axis]
        bands.append(list(box_runs(begins, walk.extents, lengths, walk.axis, walk.bands > 1)))
    return of_equal_length(bands, 4)


def box_runs(
    begins: Sequence[int], extents: Triple, lengths: Triple, axis: int, changing: bool
) -> Iterator[tuple[int, int, int, int]]:
    """Place, cell, rows and count of what goes into a box that begins there.

    Padding is cleared where a box of another band, if boxes are ``changing`` along the axis, may
    have had something else.

    Example:
        >>> list(box_runs((0, -1, -1), (1, 4, 4), (1, 9, 9), 1, True))
        [(5, 0, 3, 3), (0, 0, 0, 4), (16, 0, 0, 0)]
    """
    ends = [min(e, n - b) for b, e, n in zip(begins, extents, lengths)]
    (z0, y0, x0), (z1, y1, x1) = [max(0, -b) for b in begins], ends
    (_, tall, wide), plane = extents, extents[1] * extents[2]
    for z in range(extents[0]):
        begin, blank = z * plane, []
        if z0 <= z < z1 and y0 < y1 and x0 < x1:
            cell = ((begins[0] + z) * lengths[1] + begins[1] + y0) * lengths[2] + begins[2] + x0
            yield begin + y0 * wide + x0, cell, y1 - y0, x1 - x0
            if axis == 1:
                blank = [(0, y0 * wide), (y1 * wide, (tall - y1) * wide)]
            elif axis == 2:
                blank = [
                    (y * wide + x, n) for y in range(y0, y1) for x, n in ((0, x0), (x1, wide - x1))
                ]
        else:
            blank = [(0, plane)]
        for at, count in blank if changing else ():
            yield begin + at, 0, 0, count


def of_equal_length(lists: Sequence[Any], width: int) -> np.ndarray:
    """The lists [list, entry, width], with zeros where one has fewer entries."""
    table = np.zeros((len(lists), max(map(len, lists), default=0), width), np.int64)
    for to, entries in zip(table, lists):
        to[: len(entries)] = np.reshape(entries, (-1, width))
    return table


def runs_of(cells: np.ndarray, step: int) -> np.ndarray:
    """Runs of results whose cells are ``step`` apart, cut at the ends of blocks: [block, run, 3].

    Of each its place in the block, first cell and count.

    Example:
        >>> runs_of(np.array([0, 1, 2, 10, 11]), 1).tolist()
        [[[0, 0, 3], [3, 10, 2]]]
    """
    place = np.arange(cells.size)
    begins = np.flatnonzero((place % BLOCK == 0) | (np.diff(cells, prepend=0) != step))
    counts = np.diff(begins, append=cells.size)
    runs = np.stack([begins % BLOCK, cells[begins], counts], axis=1)
    blocks = np.searchsorted(begins, np.arange(BLOCK, cells.size, BLOCK))
    return of_equal_length(np.split(runs, blocks), 3)
