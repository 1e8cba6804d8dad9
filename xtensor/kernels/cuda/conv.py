"""Convolution on CUDA: a thread, or a block, per element written reads what it needs in place.

x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]
"""

from __future__ import annotations

import numpy as np

from .._cuda import ROW_THREADS, block_sum, cuda, cuda_kernel, cuda_row_kernel

# mypy: disable-error-code="no-untyped-def"


@cuda_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0. An index is an element of
    out.
    """
    _, outputs, out_depth, out_height, out_width = out.shape
    _, _, depth, height, width = x.shape
    _, per_group, kd, kh, kw = weight.shape
    positions = out_depth * out_height * out_width
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        n, o, p = i // (outputs * positions), i // positions % outputs, i % positions
        od, oh, ow = p // (out_height * out_width), p // out_width % out_height, p % out_width
        first = o // (outputs // groups) * per_group
        total = 0.0
        if bias.size > 0:
            total += bias[o]
        for c in range(per_group):
            for a in range(kd):
                d = od * stride[0] - padding[0] + a * dilation[0]
                if 0 <= d < depth:
                    for b in range(kh):
                        h = oh * stride[1] - padding[1] + b * dilation[1]
                        if 0 <= h < height:
                            for e in range(kw):
                                w = ow * stride[2] - padding[2] + e * dilation[2]
                                if 0 <= w < width:
                                    total += weight[o, c, a, b, e] * x[n, first + c, d, h, w]
        out[n, o, od, oh, ow] = total


@cuda.jit(device=True)
def source(cell, offset, stride, length):
    """The output position o with o * stride + offset == cell, or -1."""
    distance = cell - offset
    if distance < 0 or distance % stride != 0 or distance // stride >= length:
        return -1
    return distance // stride


@cuda_kernel
def conv_backward_input(start, stop, grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p * stride - padding + k * dilation] = bias[g + c]
        + sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o; an empty bias counts as 0, others serve the transposed
    form. An index is an element of grad_x.
    """
    _, channels, depth, height, width = grad_x.shape
    _, outputs, out_depth, out_height, out_width = grad.shape
    _, per_group, kd, kh, kw = weight.shape
    per_output = outputs // groups
    cells = depth * height * width
    for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        n, channel, cell = i // (channels * cells), i // cells % channels, i % cells
        d, h, w = cell // (height * width), cell // width % height, cell % width
        first, c = channel // per_group * per_output, channel % per_group
        total = 0.0
        if bias.size > 0:
            total += bias[channel]
        for a in range(kd):
            od = source(d, a * dilation[0] - padding[0], stride[0], out_depth)
            if od >= 0:
                for b in range(kh):
                    oh = source(h, b * dilation[1] - padding[1], stride[1], out_height)
                    if oh >= 0:
                        for e in range(kw):
                            ow = source(w, e * dilation[2] - padding[2], stride[2], out_width)
                            if ow >= 0:
                                for o in range(first, first + per_output):
                                    total += weight[o, c, a, b, e] * grad[n, o, od, oh, ow]
        grad_x[n, channel, d, h, w] = total


@cuda_row_kernel
def conv_backward_weight(start, stop, grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of
        grad[n, o, p] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o. An index is an element of grad_weight.
    """
    shared = cuda.shared.array(ROW_THREADS, np.float64)
    outputs, per_group, kd, kh, kw = grad_weight.shape
    samples, _, depth, height, width = x.shape
    _, _, out_depth, out_height, out_width = grad.shape
    positions = out_depth * out_height * out_width
    for i in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x):
        e, b, a = i % kw, i // kw % kh, i // (kw * kh) % kd
        c, o = i // (kw * kh * kd) % per_group, i // (kw * kh * kd * per_group)
        channel = o // (outputs // groups) * per_group + c
        total = 0.0
        for k in range(cuda.threadIdx.x, samples * positions, ROW_THREADS):
            n, p = k // positions, k % positions
            od, oh, ow = p // (out_height * out_width), p // out_width % out_height, p % out_width
            d = od * stride[0] - padding[0] + a * dilation[0]
            h = oh * stride[1] - padding[1] + b * dilation[1]
            w = ow * stride[2] - padding[2] + e * dilation[2]
            if 0 <= d < depth and 0 <= h < height and 0 <= w < width:
                total += grad[n, o, od, oh, ow] * x[n, channel, d, h, w]
        total = block_sum(total, shared)
        if cuda.threadIdx.x == 0:
            grad_weight[o, c, a, b, e] = total
