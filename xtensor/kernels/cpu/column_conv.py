"""Gradient of the input of a convolution, and the transposed one, with few channels: by columns.

All products first, each number of grad with each kernel element of each channel, as a convolution
with 1x1 kernels: channels times elements fill vectors where channels alone would not. Then each is
added where it belongs.

    x [N, C, 1, H, W], weight [O, C / groups, 1, KH, KW], out [N, O, 1, OH, OW]

Source: the second half is col2im of Jia et al., "Caffe: Convolutional architecture for fast feature
embedding" (2014).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for
from ..scratch import scratch
from . import direct_conv
from .direct_plan import reach
from .simd import pointer

# mypy: disable-error-code="no-untyped-def"

# Columns of some samples, one at least, stay in a common cache.
COLUMN_BYTES = 4 << 20


@lru_cache(maxsize=512)
def ranges(count, kernel, stride, padding, dilation, length):
    """Of each kernel element along an axis the first and last result but one that meets a cell, and
    the cell that result 0 would meet; int64 [element, 3]"""
    offsets = [k * dilation - padding for k in range(kernel)]
    return np.array([(*reach(o, stride, length, count), o) for o in offsets], np.int64)


@CpuFunction
def add_columns(start, stop, grad_x, columns, bias, rows, across, steps):
    """grad_x[i, y * s + top, x * s' + left] = bias[i % channels]
        + sum over elements t and x, y of columns[i, t, y, x]

    for planes i from start to stop-1; ``rows`` and ``across`` say which x and y meet a cell.
    """
    _, height, width = grad_x.shape
    _, _, tall, wide = columns.shape
    down, right = steps
    target, source = pointer(grad_x), pointer(columns)
    for i in range(start, stop):
        begin, taps = i * height * width, i * len(rows) * len(across)
        value = bias[i % len(bias)]
        for cell in range(begin, begin + height * width):
            target[cell] = value
        for t in range(len(rows)):
            for u in range(len(across)):
                for y in range(rows[t, 0], rows[t, 1]):
                    at = ((taps + t * len(across) + u) * tall + y) * wide
                    to = begin + (y * down + rows[t, 2]) * width + across[u, 2]
                    for x in range(across[u, 0], across[u, 1]):
                        target[to + x * right] += source[at + x]


def backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p s - p0 + k d] = bias[g + c] + sum of weight[o, c, k] * grad[n, o, p]"""
    (samples, channels, _, *lengths), (*_, tall, wide) = grad_x.shape, grad.shape
    kernel, outputs = weight.shape[3:], weight.shape[0] // groups
    elements = math.prod(kernel)
    turned = weight.reshape(groups, outputs, -1).transpose(0, 2, 1)
    turned = np.ascontiguousarray(turned).reshape(-1, outputs, 1, 1, 1)
    rows, across = (
        ranges(*geometry)
        for geometry in zip((tall, wide), kernel, stride[1:], padding[1:], dilation[1:], lengths)
    )
    begins = bias if bias.size else np.zeros(1, grad.dtype)
    size = channels * elements * tall * wide
    together = max(1, COLUMN_BYTES // (size * grad.itemsize))
    for first in range(0, samples, together):
        part = grad[first : first + together]
        count = len(part) * channels
        columns = scratch.array("columns", len(part) * size, grad.dtype)
        direct_conv.forward(columns.reshape(len(part), -1, 1, tall, wide), part, turned,
                            np.empty(0, grad.dtype), (1, 1, 1), (0, 0, 0), (1, 1, 1),
                            groups)  # fmt: skip
        target = grad_x[first : first + together].reshape(count, *lengths)
        parallel_for(add_columns, count,
                     (target, columns.reshape(count, elements, tall, wide), begins, rows, across,
                      stride[1:]), columns.size)  # fmt: skip
