"""Convolution plane after plane, for few results or few channels to a group.

Direct convolution (direct.py) has vectors of channels, which are not full with few results, and it
turns results over, which takes long where sums are short. Here vectors run along rows of images,
see plane.py. A task is a band of a group of a sample or, for a weight gradient, some of these.

    x [N, C, 1, H, W], weight [O, C / groups, 1, KH, KW], out [N, O, 1, OH, OW]
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from .cells import whole
from .job import Job, run_in_parts, run_job
from .plane import (
    ONE_TAPS,
    SEVERAL_TAPS,
    SLACK,
    TOGETHER,
    WEIGHT_ROWS,
    correlate_plane,
    correlate_planes,
    weight_plane,
    weight_planes,
)
from .plane_plan import TASKS, cut, grad_layout, x_layout

# mypy: disable-error-code="no-untyped-def"

# From so many results on, several are summed together.
FEWEST_ROWS = 4
# So many products take as long as handling an element of an array.
PRODUCTS = 16
# Numbers of the longest vector.
LANES = 16


@lru_cache(maxsize=512)
def forward_job(out_shape, x_shape, weight_shape, stride, padding, dilation, groups,
                itemsize) -> Job:  # fmt: skip
    elements = math.prod(weight_shape[3:])
    layout = partial(x_layout, out_shape=out_shape, x_shape=x_shape, kernel=weight_shape[3:],
                     stride=stride, padding=padding, dilation=dilation)  # fmt: skip
    return correlation(layout, out_shape, x_shape, weight_shape, groups, itemsize,
                       weight_shape[1] * elements, elements, 1)  # fmt: skip


@lru_cache(maxsize=512)
def input_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups,
              itemsize) -> Job:  # fmt: skip
    elements = math.prod(weight_shape[3:])
    layout = partial(grad_layout, x_shape=x_shape, grad_shape=grad_shape, kernel=weight_shape[3:],
                     stride=stride, padding=padding, dilation=dilation)  # fmt: skip
    return correlation(layout, x_shape, grad_shape, weight_shape, groups, itemsize, elements,
                       weight_shape[1] * elements, -1)  # fmt: skip


def correlation(layout_of, out_shape, shape, weight_shape, groups, itemsize, row_step, source_step,
                way) -> Job:  # fmt: skip
    """The job for planes that are laid so, by ``cut``.

    row_step, source_step: of the weight, from a result to the next, and from a plane that is read.
    way: -1 for the kernel backwards.
    """
    results, sources, (rows, width) = out_shape[1] // groups, shape[1] // groups, weight_shape[3:]
    planes = out_shape[0] * groups
    bands = cut(layout_of, out_shape[3:], (rows, width), planes, sources * itemsize)
    layout = bands.layouts[0]
    taps = np.arange(rows * width)[::way].reshape(rows, width)
    places = layout.places(rows)
    threes = rows // 3 * 3 if results < FEWEST_ROWS and layout.step == layout.down else 0
    begins = np.arange(sources)[:, None]

    def of_all(table, between):
        """Taps of all sources: those that begin three rows of the kernel, then single ones."""
        parts = table[:threes:3].ravel(), table[threes:].ravel()
        return np.concatenate([(begins * between + part).ravel() for part in parts])

    numbers = (
        planes, groups, results, sources, shape[3:], out_shape[3:],
        bands.rows, bands.laid(), bands.plane, layout.step,
        of_all(places, bands.plane), of_all(taps, source_step), threes // 3 * width * sources,
        way * width, math.prod(weight_shape) // groups, row_step,
    )  # fmt: skip
    cost = math.prod(out_shape) * sources * taps.size // PRODUCTS
    return Job(planes * len(bands.layouts), cost, numbers, (sources * bands.plane + SLACK,))


@lru_cache(maxsize=512)
def weight_job(x_shape, grad_shape, weight_shape, stride, padding, dilation, groups, itemsize):
    """Bands of samples are summed up in parts: the job, and how many parts."""
    samples, results, sources = x_shape[0], grad_shape[1] // groups, weight_shape[1]
    layout_of = partial(x_layout, out_shape=grad_shape, x_shape=x_shape, kernel=weight_shape[3:],
                        stride=stride, padding=padding, dilation=dilation)  # fmt: skip
    bands = cut(layout_of, grad_shape[3:], weight_shape[3:], samples * groups, sources * itemsize)
    layout = bands.layouts[0]
    places = layout.places(weight_shape[3]).ravel()
    places = (np.arange(sources)[:, None] * bands.plane + places).ravel()
    taps = ONE_TAPS if results == 1 else SEVERAL_TAPS
    wide = whole(places.size, taps)
    # A tile has whole rows: beyond the last result it takes that once more.
    grads = np.minimum(np.arange(results + (WEIGHT_ROWS - 1) * (results > 1)), results - 1)
    units = samples * len(bands.layouts)
    per_part = -(-units // max(1, min(units, -(-TASKS // groups))))
    parts = -(-units // per_part)
    numbers = (
        samples, units, per_part, groups, results, sources, x_shape[3:], grad_shape[3:],
        bands.rows, bands.laid(), bands.plane, layout.step,
        grads * math.prod(grad_shape[3:]), np.pad(places, (0, wide - places.size), mode="edge"),
        places.size,
    )  # fmt: skip
    cost = math.prod(grad_shape) * places.size // PRODUCTS
    sizes = sources * bands.plane + SLACK, grads.size * wide * LANES
    return Job(parts * groups, cost, numbers, sizes), parts


# -- directions -----------------------------------------------------------------------------------


def forward(out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] * x[n, g + c, p s - p0 + k d]"""
    job = forward_job(out.shape, x.shape, weight.shape, stride, padding, dilation, groups,
                      x.itemsize)  # fmt: skip
    _correlate_all(job, out, x, weight, bias, groups, weight[0].size)


def backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = bias[g + c] + sum of weight[o, c, k] * grad[n, o, p]"""
    job = input_job(grad_x.shape, grad.shape, weight.shape, stride, padding, dilation, groups,
                    grad.itemsize)  # fmt: skip
    _correlate_all(job, grad_x, grad, weight, bias, groups, weight[0, 0].size)


def backward_weight(grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of grad[n, o, p] * x[n, g + c, p s - p0 + k d]

    Bands of samples are summed up in parts, then the parts.
    """
    job, parts = weight_job(x.shape, grad.shape, grad_weight.shape, stride, padding, dilation,
                            groups, x.itemsize)  # fmt: skip
    loop = weight_plane if grad.shape[1] == groups else weight_planes
    run_in_parts(loop, job, parts, grad_weight, grad, x)


def _correlate_all(job, out, source, weight, bias, groups, row_step):
    """Weights and biases of a whole tile are read, wherever it begins; row_step as in the job."""
    padded = np.zeros(out.shape[1] + TOGETHER - 1, out.dtype)
    padded[: bias.size] = bias
    beyond = np.zeros((TOGETHER - 1) * row_step, weight.dtype)
    weight = np.concatenate([weight.reshape(-1), beyond])
    loop = correlate_planes if out.shape[1] // groups >= FEWEST_ROWS else correlate_plane
    run_job(loop, job, out, source, weight, padded)
