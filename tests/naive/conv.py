"""Convolutions written as sums over every index, for any number of spatial axes."""

import itertools
import math

import numpy as np


def pads(length, kernel, stride, dilation, padding):
    """Padding before and after one axis; ``padding`` is a word or a number."""
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return padding, padding
    total = max((math.ceil(length / stride) - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)
    return total // 2, total - total // 2


def each_axis(value, axes):
    return (value,) * axes if isinstance(value, (int, str)) else tuple(value)


def positions(shape):
    return itertools.product(*[range(n) for n in shape])


def conv(x, weight, bias=None, stride=1, padding="valid", dilation=1, groups=1):
    axes = x.ndim - 2
    stride, padding, dilation = (each_axis(v, axes) for v in (stride, padding, dilation))
    kernel = weight.shape[2:]
    around = [
        pads(*row) for row in zip(x.shape[2:], kernel, stride, dilation, padding, strict=True)
    ]
    x = np.pad(x, [(0, 0), (0, 0), *around])
    counts = [
        (length - d * (k - 1) - 1) // s + 1
        for length, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    out = np.zeros((x.shape[0], weight.shape[0], *counts))
    per_group = x.shape[1] // groups
    for n, o in positions(out.shape[:2]):
        first = o // (weight.shape[0] // groups) * per_group
        for p in positions(counts):
            total = 0.0 if bias is None else bias[o]
            for k in positions(kernel):
                cell = tuple(
                    i * s + j * d for i, s, j, d in zip(p, stride, k, dilation, strict=True)
                )
                for c in range(per_group):
                    total += weight[(o, c, *k)] * x[(n, first + c, *cell)]
            out[(n, o, *p)] = total
    return out


def conv_transpose(x, weight, bias=None, stride=1, padding="valid", dilation=1, groups=1):
    axes = x.ndim - 2
    stride, padding, dilation = (each_axis(v, axes) for v in (stride, padding, dilation))
    kernel = weight.shape[2:]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    per_group = weight.shape[1]
    # Room for every cell that is reached, and for those that 'same' keeps beyond the reach.
    room = [max((n - 1) * s + e, n * s) for n, s, e in zip(x.shape[2:], stride, spans, strict=True)]
    full = np.zeros((x.shape[0], per_group * groups, *room))
    for n, c in positions(x.shape[:2]):
        first = c // (x.shape[1] // groups) * per_group
        for p in positions(x.shape[2:]):
            for k in positions(kernel):
                cell = tuple(
                    i * s + j * d for i, s, j, d in zip(p, stride, k, dilation, strict=True)
                )
                for o in range(per_group):
                    full[(n, first + o, *cell)] += x[(n, c, *p)] * weight[(c, o, *k)]
    kept = [slice(None), slice(None)]
    for length, s, e, p in zip(x.shape[2:], stride, spans, padding, strict=True):
        if p == "same":
            before, result = max(e - s, 0) // 2, length * s
        else:
            before = 0 if p == "valid" else p
            result = (length - 1) * s + e - 2 * before
        kept.append(slice(before, before + result))
    out = full[tuple(kept)]
    return out if bias is None else out + bias.reshape(-1, *[1] * axes)
