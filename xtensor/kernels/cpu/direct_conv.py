"""Convolution as sums of numbers times vectors of channels, see direct.py: any shape at all.

The weight, or for its own gradient grad, is laid into panels: 32 channels side by side, as many
rows as sums have parts. Work is cut into tasks of some samples, a band of results and some panels.
A result is the same in any task, so there are as many as suits the threads; those of a weight
gradient are parts of sums and follow from the shapes alone.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..parallel import CHUNKS_PER_THREAD
from ..threads import get_num_threads
from .cells import whole
from .copy import fill
from .direct import correlate, sum_weights
from .direct_plan import (
    BLOCK,
    LONG,
    NARROW_TILE,
    TILE,
    Bands,
    Taps,
    Triple,
    Units,
    Walk,
    boxes_of,
    forward_taps,
    grid,
    input_taps,
    pitches,
    plan_walk,
    regions,
    runs_of,
    samples_together,
    whole_and_short,
)
from .job import Job, run_in_parts, run_job
from .product import PANEL, lay

# mypy: disable-error-code="no-untyped-def"

# So many products take as long as handling an element of an array.
PRODUCTS = 16
# Results of tiles, of both kinds, go into this many.
WHOLE_TILES = math.lcm(TILE, NARROW_TILE)
# For a weight gradient: tasks, if possible, as they may not follow the number of threads; the rows
# of the sums of a task, which stay in the second-level cache; what the parts of the whole gradient
# may take together.
TASKS, SUM_ROWS, PART_BYTES = 16, 1024, 16 << 20
# Results of a band, of which each has an entry in a list; and for a weight gradient, where as many
# rows of grad stay in the second-level cache. Planes of a volume, and rows of one, are not cut.
MOST_PLACES, MOST_RESULTS = 8192, 2048


class Piece(NamedTuple):
    """Results that meet the same taps: how many along each axis, the first, and the taps."""

    results: Triple
    offset: Triple
    taps: Taps


class Correlation(NamedTuple):
    """How the results of a piece are walked along, and the lists for that; see ``Bands``.

    tasks, cost: as of a job. size: of a box for all samples and channels of a task.
    """

    walked: Bands
    places: np.ndarray
    shifts: np.ndarray
    depths: np.ndarray
    laid: np.ndarray
    runs: np.ndarray
    tasks: int
    cost: int
    size: int


@lru_cache(maxsize=512)
def forward_job(out_shape, x_shape, weight_shape, stride, padding, dilation, groups, itemsize,
                enough):  # fmt: skip
    taps = forward_taps(weight_shape[2:], padding, dilation)
    parts = pieces(taps, stride, x_shape, out_shape, out_shape[2:], (1, 1, 1), (0, 0, 0), groups)
    return as_job(parts, stride, x_shape, out_shape, (1, 1, 1), weight_shape, groups, itemsize,
                  enough)  # fmt: skip


@lru_cache(maxsize=512)
def input_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups, itemsize,
              enough, biased):  # fmt: skip
    """Each phase of the step by itself. And whether some results are left out, as they are 0: they
    meet nothing, and have no bias."""
    parts = []
    for phase in itertools.product(*(range(min(s, n)) for s, n in zip(stride, x_shape[2:]))):
        results = tuple(-((i - n) // s) for n, i, s in zip(x_shape[2:], phase, stride))
        taps = input_taps(weight_shape[2:], stride, padding, dilation, phase)
        parts += pieces(taps, (1, 1, 1), grad_shape, x_shape, results, stride, phase, groups)
    due = [part for part in parts if biased or part.taps.cells] or parts
    job = as_job(due, (1, 1, 1), grad_shape, x_shape, stride, weight_shape, groups, itemsize,
                 enough)  # fmt: skip
    return job, len(due) < len(parts)


def pieces(
    taps: Taps, step, shape, out_shape, results, out_step, out_offset, groups
) -> list[Piece]:
    """The regions of these results, and what each meets."""
    found = []
    for first, counts, kept in regions(taps, step, shape, results, out_shape, out_step, groups):
        begin = np.multiply(first, step)
        cells = [tuple((begin + cell).tolist()) for cell in kept.cells]
        offset = tuple(np.add(out_offset, np.multiply(first, out_step)).tolist())
        found.append(Piece(counts, offset, Taps(kept.elements, cells)))
    return found


def as_job(parts: list[Piece], step, shape, out_shape, out_step, weight_shape, groups, itemsize,
           enough) -> Job:  # fmt: skip
    """All pieces, shared out together.

    Several are cut into one task for each thread, which has the same channels or samples of all of
    them: phases lie in one cache line side by side, where no other thread should write.
    """
    if len(parts) > 1:
        enough = -(-enough // CHUNKS_PER_THREAD)
    found = [
        correlation(part, math.prod(weight_shape[2:]), step, shape, out_shape, out_step, groups,
                    itemsize, enough)
        for part in parts
    ]  # fmt: skip
    tasks = sorted(  # those with the same channels or samples together
        ((index + 0.5) / walk.tasks, number, index)
        for number, walk in enumerate(found) for index in range(walk.tasks)
    )  # fmt: skip
    numbers = (
        np.array([task[1:] for task in tasks], np.int64).ravel(), *joined(found),
        (math.prod(out_shape[2:]), out_step[2], BLOCK),
    )  # fmt: skip
    sizes = max(walk.size for walk in found), BLOCK * PANEL, BLOCK * PANEL
    return Job(len(tasks), sum(walk.cost for walk in found), numbers, sizes)


def joined(found: list[Correlation]) -> list[np.ndarray]:
    """The table of their walks, and the lists of all of them one after the other."""
    lists = {
        name: [getattr(walk, name) for walk in found]
        for name in ("laid", "places", "shifts", "depths", "runs")
    }
    begins = {name: [0, *itertools.accumulate(map(len, parts))] for name, parts in lists.items()}
    walks = [
        walk.walked._replace(
            whole_at=begins["places"][i], short_at=begins["places"][i] + walk.walked.short_at,
            terms_at=begins["shifts"][i], laid_at=begins["laid"][i], runs_at=begins["runs"][i],
        )
        for i, walk in enumerate(found)
    ]  # fmt: skip
    return [np.array(walks, np.int64).ravel(), *map(np.concatenate, lists.values())]


def correlation(part: Piece, elements, step, shape, out_shape, out_step, groups, itemsize,
                enough) -> Correlation:  # fmt: skip
    """How a piece is walked along, in about so many tasks, and the lists for it."""
    results, out_offset, taps = part
    (samples, rows), (channels, *lengths) = out_shape[:2], shape[1:]
    per_channel, out_lengths = channels // groups, out_shape[2:]
    panels, count = groups * -(-(rows // groups) // PANEL), math.prod(results)
    together = samples_together(samples, count, enough)
    tasks = -(-samples // together)
    splits = min(panels, -(-enough // tasks))
    bands = max(min(-(-enough // (tasks * splits)), count // LONG), 1 + count // MOST_PLACES)
    walk = plan_walk(taps, step, tuple(lengths), results, together, bands, channels,
                     per_channel, itemsize)  # fmt: skip
    together, blocks = walk.together, -(-samples // walk.together)
    short = walk.last if walk.bands > 1 else count * (samples - (blocks - 1) * together)
    places, short_at = whole_and_short(walk.places, short, BLOCK)
    out_steps = np.multiply(out_step, pitches(out_lengths))
    counts = [walk.band if a == walk.axis else r for a, r in enumerate(results)]
    cells = grid([together, *counts], [math.prod(out_shape[1:]), *out_steps])
    channel = np.arange(per_channel)[:, None]
    depths = ((channel * elements + np.array(taps.elements, np.int64)) * PANEL).ravel()
    boxes = boxes_of(walk, step, tuple(lengths))
    runs = runs_of(cells + np.dot(out_offset, pitches(out_lengths)), out_step[2])
    walked = Bands(
        samples=samples, rows=rows, channels=channels, groups=groups, together=together,
        bands=walk.bands, splits=splits, whole=walk.places.size, short=short,
        volume=math.prod(lengths), out_volume=math.prod(out_lengths), in_place=int(walk.in_place),
        band_in=band_step(walk, step), band_out=int(walk.band * out_steps[walk.axis]),
        panel=per_channel * elements * PANEL, box=math.prod(walk.extents),
        box_row=walk.extents[2], source_row=lengths[2], terms=depths.size, whole_at=0,
        short_at=short_at, terms_at=0, laid_at=0, runs_at=0, laid_each=each(boxes),
        runs_each=each(runs),
    )  # fmt: skip
    return Correlation(
        walked, places, walk.shifts, depths, boxes.ravel(), runs.ravel(),
        tasks=blocks * walk.bands * splits,
        cost=samples * rows * count * per_channel * len(taps.cells) // PRODUCTS,
        size=0 if walk.in_place else together * walk.sample,
    )  # fmt: skip


def band_step(walk: Walk, step) -> int:
    """How far one band is from the next in what is read."""
    return walk.band * step[walk.axis] * pitches(walk.extents)[walk.axis]


def each(table: np.ndarray) -> int:
    """Numbers of a band or block."""
    return table[:1].size


@lru_cache(maxsize=512)
def weight_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups, itemsize):
    """Samples, or bands of them, are summed up in parts: the job, and how many parts."""
    samples, channels, *lengths = x_shape
    outputs, per_input, *kernel = weight_shape
    results, elements = grad_shape[2:], math.prod(kernel)
    wide = max(1, min(per_input, SUM_ROWS // elements))
    cuts = -(-per_input // wide)
    tasks = groups * cuts * -(-(outputs // groups) // PANEL)
    wanted, count = -(-TASKS // tasks), math.prod(results)
    walk = plan_walk(
        forward_taps(tuple(kernel), padding, dilation), stride, tuple(lengths), results,
        samples_together(samples, count, wanted), 1 + count // MOST_RESULTS, channels, wide,
        itemsize,
    )  # fmt: skip
    units = -(-samples // walk.together) * walk.bands
    fitting = PART_BYTES // (math.prod(weight_shape) * itemsize)
    per_part = -(-units // max(1, min(wanted, units, fitting)))
    parts = -(-units // per_part)
    last_cut = (per_input - (cuts - 1) * wide) * elements
    shifts, last_at = whole_and_short(walk.shifts, last_cut, WHOLE_TILES)
    boxes = boxes_of(walk, stride, tuple(lengths))
    walked = Units(
        samples=samples, outputs=outputs, channels=channels, groups=groups, units=units,
        per_part=per_part, together=walk.together, bands=walk.bands, wide=wide, elements=elements,
        whole=walk.positions, last=walk.last, last_at=last_at, volume=math.prod(lengths),
        out_volume=count, in_place=int(walk.in_place), band_in=band_step(walk, stride),
        box=math.prod(walk.extents), laid_each=each(boxes),
    )  # fmt: skip
    numbers = (
        tuple(walked), (walk.extents[2], 1, lengths[2]), boxes.ravel(), walk.places, shifts,
        np.arange(walk.places.size) * PANEL, (per_input * elements, 1, BLOCK),
    )  # fmt: skip
    sizes = (0 if walk.in_place else walk.together * walk.sample, walk.places.size * PANEL,
             whole(last_at, BLOCK) * PANEL, BLOCK * PANEL)  # fmt: skip
    return Job(tasks * parts, math.prod(grad_shape) * per_input * elements // PRODUCTS, numbers,
               sizes), parts  # fmt: skip


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    outputs, depth = weight.shape[0] // groups, math.prod(weight.shape[1:])
    panels = lay(weight.reshape(-1), groups, outputs, depth, outputs * depth, 1, depth)
    job = forward_job(out.shape, x.shape, weight.shape, stride, padding, dilation, groups,
                      x.itemsize, tasks_wanted())  # fmt: skip
    correlate_all(job, out, x, panels, bias)


def backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = bias[g + c] + sum of weight[o, c, k] * grad[n, o, p]"""
    outputs, channels, elements = weight.shape[0] // groups, weight.shape[1], weight[0, 0].size
    block = channels * elements
    panels = lay(weight.reshape(-1), groups, channels, elements, outputs * block, 1, elements,
                 outputs, block)  # fmt: skip
    job, left_out = input_job(grad_x.shape, grad.shape, weight.shape, stride, padding, dilation,
                              groups, grad.itemsize, tasks_wanted(), bias.size > 0)  # fmt: skip
    if left_out:
        fill.run(grad_x.size, (grad_x.reshape(-1), 0))
    correlate_all(job, grad_x, grad, panels, bias)


def tasks_wanted():
    """For each thread as many as ``parallel_for`` makes chunks."""
    return CHUNKS_PER_THREAD * get_num_threads()


def correlate_all(job, out, source, panels, bias):
    # A whole panel is read, wherever it begins.
    padded = np.zeros(out.shape[1] + PANEL, out.dtype)
    padded[: bias.size] = bias
    run_job(correlate, job, out, source, panels, padded)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - p0 + k d]

    Samples, or bands of them, are summed up in parts, then the parts.
    """
    job, parts = weight_job(x.shape, grad.shape, grad_weight.shape, stride, padding, dilation,
                            groups, x.itemsize)  # fmt: skip
    run_in_parts(sum_weights, job, parts, grad_weight, grad, x)
