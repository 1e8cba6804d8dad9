"""Where everything lies in a convolution by lines: the geometry that lines.py only walks along.

Along one axis, a kernel element k meets

    forward           result q with cell   q s + k d - p  of x
    input gradient    result q s + phase with cell  q + (p + phase - k d) / s  of grad, where whole

so every direction asks for the same: elements that meet the cells ``step`` apart from a first one
on. A ``Plan`` says how they share lines; segments say which cells go where. All of it follows from
shapes, is worked out once for each, and kept as small arrays.

A row on a line is as long as results and kernel reach, less what padding it can share: the zeros
behind a row are those before the next. With 3x3 kernels and padding 1 that leaves one position
between rows of results instead of two.

Geometry comes as three numbers, one for each axis: depth, height, width.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .tiles import TILE_BYTES

Triple = tuple[int, int, int]

# Positions worked on at a time: six rows of sums of that many stay in the first-level cache.
CHUNK = 512
# Moving a number into a line, and having it there, takes as long as so many products: a price for
# ``plan_lines``. With 30 LeNet's second layer gained a sixth, and strided ones with 256 channels
# lost it.
MOVE = 80
# At most so many lines are read where kernel elements do not share them.
UNFOLDED = 1024
# With fewer positions between samples than a vector has lanes, samples are worked on in one go.
JOINT = 16


class Plan(NamedTuple):
    """How results lie on lines, and which line and place each kernel element begins at.

    layout: places of one sample along each axis, from one row to the next.
    step: from one result to the next, in cells of the source.
    offsets: the cell of the first place of each line of a channel.
    line_of, place_of: of each element; element_of: its number in the kernel.
    kept: positions from the first result of a sample to the last.
    halo: how much further the last element reaches.
    """

    layout: Triple
    step: Triple
    offsets: list[Triple]
    line_of: list[int]
    place_of: list[int]
    element_of: list[int]
    kept: int
    halo: int


class Segments(NamedTuple):
    """Runs of cells and their places on lines: [., place, cell, count, rows, sample].

    So many rows of an image follow each other with the same count, at equal distances.

    bounds: where each group of segments begins, and the end of the last.
    """

    table: np.ndarray
    bounds: np.ndarray


# -- elements -------------------------------------------------------------------------------------


def elements_of(kernel: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All places of a kernel, in order."""
    return itertools.product(*map(range, kernel))


def forward_plan(
    kernel: Triple, stride: Triple, padding: Triple, dilation: Triple, lengths: Triple,
    results: Triple, rows: int, channels: int,
) -> Plan:  # fmt: skip
    """For all results of a convolution of x with these ``lengths``."""
    cells = [
        tuple(k * d - p for k, d, p in zip(element, dilation, padding))
        for element in elements_of(kernel)
    ]
    return plan_lines(cells, range(len(cells)), stride, lengths, results, rows, channels)


def input_plan(
    kernel: Triple, stride: Triple, padding: Triple, dilation: Triple, lengths: Triple,
    grad_lengths: Triple, phase: Triple, rows: int, channels: int,
) -> Plan:  # fmt: skip
    """For the gradient of the cells ``phase``, ``phase`` + stride, ... of x along each axis."""
    cells, elements = [], []
    for index, element in enumerate(elements_of(kernel)):
        distances = [p + i - k * d for p, i, k, d in zip(padding, phase, element, dilation)]
        if not any(distance % s for distance, s in zip(distances, stride)):
            cells.append(tuple(distance // s for distance, s in zip(distances, stride)))
            elements.append(index)
    results = [-((i - n) // s) for n, i, s in zip(lengths, phase, stride)]
    return plan_lines(cells, elements, (1, 1, 1), grad_lengths, results, rows, channels)


def plan_lines(
    cells: list[tuple[int, ...]], elements: Sequence[int], step: Triple, lengths: Triple,
    results: Sequence[int], rows: int, channels: int,
) -> Plan:  # fmt: skip
    """The plan for kernel elements that meet result 0 at ``cells``.

    Elements whose cells differ by whole steps share a line, unless what that wastes, positions
    between results, costs more than further lines: one for each column of the kernel, which leaves
    nothing between rows of results, or one for every element.

    Args:
        lengths: of the source.
        rows: results that are computed of the same lines; the more, the more a wasted position.
        channels: if there are many, the lines of all elements would not fit into a cache.
    """
    lowest = [min(axis) for axis in zip(*cells)]
    shared = [tuple((c - b) // s for c, b, s in zip(cell, lowest, step)) for cell in cells]
    plans = [_lay_out(cells, elements, step, lengths, results, shared)]
    columns_apart = [(z, y, 0) for z, y, _ in shared]
    for shifts in (columns_apart, [(0, 0, 0)] * len(cells)):
        plan = _lay_out(cells, elements, step, lengths, results, shifts)
        if len(plan.offsets) * channels <= UNFOLDED:
            plans.append(plan)

    def cost(plan: Plan) -> int:
        positions = plan.kept + (plan.halo if plan.halo < JOINT else 0)
        return positions * (len(cells) * rows + MOVE * len(plan.offsets))

    return min(plans, key=cost)


def _lay_out(cells, elements, step, lengths, results, shifts):
    """The plan in which an element begins ``shifts`` places after its line does."""
    begins = [tuple(c - i * s for c, i, s in zip(*each, step)) for each in zip(cells, shifts)]
    lines = list(dict.fromkeys(begins))
    last = [max(axis) for axis in zip(*shifts)] if shifts else [0, 0, 0]
    layout = tuple(
        r + i - shared_padding([line[axis] for line in lines], step[axis], lengths[axis], r, i)
        for axis, (r, i) in enumerate(zip(results, last))
    )

    def place(z: int, y: int, x: int) -> int:
        return (z * layout[1] + y) * layout[2] + x

    return Plan(
        layout, step, lines, [lines.index(b) for b in begins], [place(*shift) for shift in shifts],
        list(elements), place(*(r - 1 for r in results)) + 1, place(*last),
    )  # fmt: skip


def shared_padding(offsets: list[int], step: int, length: int, results: int, last: int) -> int:
    """How many places at the end of every row are padding, as so many at the next one's begin are.

    Example: 3 cells with one of padding on either side, as 5 places.
        >>> shared_padding([-1], 1, 3, 3, 2)
        1
    """
    places = results + last
    ranges = [reach(offset, step, length, places) for offset in offsets]
    return min([last, *(min(low, places - high) for low, high in ranges)])


def fit_piece(plan: Plan, line_count: int, samples: int, itemsize: int) -> int:
    """How many of the kept positions are worked on at a time."""
    fitting = max(TILE_BYTES // (line_count * samples * itemsize) - plan.halo, CHUNK // 2)
    return -(-plan.kept // -(-plan.kept // fitting))


def pieces_of(plan: Plan, piece: int) -> list[tuple[int, int]]:
    """First position and length of each piece."""
    return [(first, min(piece, plan.kept - first)) for first in range(0, plan.kept, piece)]


# -- segments -------------------------------------------------------------------------------------


def reach(offset: int, step: int, length: int, count: int) -> tuple[int, int]:
    """The sub-range of i < count with 0 <= i * step + offset < length."""
    low = min(max(0, -(offset // step)), count)
    return low, max(low, min(count, -((offset - length) // step)))


def segments_of(
    shape: Triple, layout: Triple, position: int, length: int, step: Triple, offset: Triple
) -> np.ndarray:
    """How a volume of that shape lies on a line: rows [., place, cell, count, 0].

    Place i of the line stands for the cell at place (position + i) of ``layout``, times step, plus
    offset. A segment is what meets one row of the volume, or several that follow each other.
    """
    ranges = [
        np.arange(*reach(o, s, n, places))
        for o, s, n, places in zip(offset, step, shape, layout)
    ]  # fmt: skip
    if not all(each.size for each in ranges):
        return np.empty((0, 4), np.int64)
    z, y = np.meshgrid(*ranges[:2], indexing="ij")
    row = ((z * layout[1] + y) * layout[2]).ravel()
    corner = ((z * step[0] + offset[0]) * shape[1] + y * step[1] + offset[1]).ravel() * shape[2]
    low, high = ranges[2][0], ranges[2][-1] + 1
    first = np.maximum(row + low, position)
    count = np.minimum(row + high, position + length) - first
    cell = corner + (first - row) * step[2] + offset[2]
    inside = count > 0
    place, cell, count = (first - position)[inside], cell[inside], count[inside]
    if step[2] == 1 and count.size:
        ends = place[:-1] + count[:-1], cell[:-1] + count[:-1]
        apart = np.flatnonzero((place[1:] != ends[0]) | (cell[1:] != ends[1])) + 1
        begins = np.concatenate([[0], apart])
        place, cell, count = place[begins], cell[begins], np.add.reduceat(count, begins)
    return np.stack([place, cell, count, np.zeros_like(place)], axis=1)


def stacked(segments: np.ndarray, between_places: int, between_cells: int) -> np.ndarray:
    """Those that follow each other at these distances as one, see ``Segments``.

    The first counts as far away: no sample comes before 0.
    """
    away = np.diff(segments, axis=0, prepend=-1) != [between_places, between_cells, 0, 0]
    begins = np.flatnonzero(away.any(axis=1))
    rows = np.diff(begins, append=len(segments))
    return np.insert(segments[begins], 3, rows, axis=1)


def grouped(groups: list[np.ndarray], between_places: int, between_cells: int) -> Segments:
    """Segments in groups that follow each other, rows at these distances as one."""
    tables = [stacked(group, between_places, between_cells) for group in groups]
    bounds = np.cumsum([0, *map(len, tables)])
    return Segments(np.concatenate([*tables, np.empty((0, 5), np.int64)]), bounds)


def list_reads(plan: Plan, shape: Triple, piece: int, halo: int) -> Segments:
    """What goes into the lines of a channel; a group is one line of one piece."""
    groups = [
        segments_of(shape, plan.layout, first, length + halo, plan.step, offset)
        for first, length in pieces_of(plan, piece)
        for offset in plan.offsets
    ]
    return grouped(groups, plan.layout[2], shape[2] * plan.step[1])


def list_chunks(
    plan: Plan, piece: int, samples: int, shape: Triple, step: Triple, offset: Triple, rows: int
) -> tuple[np.ndarray, np.ndarray, Segments]:
    """How the positions of a tile are cut into chunks, and where its results go.

    Returns:
        Position on the line and count of each chunk, [., 2]; where the chunks of each piece begin,
        and the end of the last; a group of segments for each chunk, the places from its position
        on, the cells from the volume of the first sample on, of which a sample has ``rows``.
    """
    length, between = piece + plan.halo, rows * math.prod(shape)
    chunks: list[tuple[int, int]] = []
    bounds, groups = [0], []
    for first, due in pieces_of(plan, piece):
        one = segments_of(shape, plan.layout, first, due, step, offset)
        each = np.arange(samples)[:, None, None] * np.array([length, between, 0, 1])
        segments = (one + each).reshape(-1, 4)
        if plan.halo < JOINT:
            stretches = [(0, (samples - 1) * length + due)]
        else:
            stretches = [(n * length, n * length + due) for n in range(samples)]
        for begin, end in stretches:
            for at in range(begin, end, CHUNK):
                chunks.append((at, min(CHUNK, end - at)))
                groups.append(cut_segments(segments, *chunks[-1], step[2]))
        bounds.append(len(chunks))
    writes = grouped(groups, plan.layout[2], shape[2] * step[1])
    return np.array(chunks, np.int64).reshape(-1, 2), np.array(bounds), writes


def cut_segments(segments: np.ndarray, at: int, count: int, across: int) -> np.ndarray:
    """What of them lies in places at .. at + count - 1, which become 0 .. count - 1."""
    place, cell, length, sample = segments.T
    first, end = np.maximum(place, at), np.minimum(place + length, at + count)
    cut = np.stack([first - at, cell + (first - place) * across, end - first, sample], axis=1)
    return cut[end > first]


def tap_places(plan: Plan, channels: int, line: int, channel_step: int) -> list[np.ndarray]:
    """Where each tap begins in the lines of so many channels, and its place in a row of the weight.

    Lines are ``line`` long, [channel, offset, line]; two more places are there to be read.
    """
    channel = np.arange(channels)[:, None]
    lines = channel * len(plan.offsets) + np.array(plan.line_of, np.int64)
    shifts = (lines * line + np.array(plan.place_of, np.int64)).ravel()
    taps = (channel * channel_step + np.array(plan.element_of, np.int64)).ravel()
    return [np.concatenate([places, [0, 0]]).astype(np.int64) for places in (shifts, taps)]
