"""Convolution on CUDA: one thread per element written, reading what it needs where it lies.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]

The indices of a range are the tiles that the CPU twins work on; threads share out their elements.
"""

from __future__ import annotations

from .._cuda import cuda, cuda_kernel

# mypy: disable-error-code="no-untyped-def"


@cuda_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups, tile):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0. An index is a
    block of tile[0] samples and a block of tile[1] output channels.
    """
    samples, outputs, out_depth, out_height, out_width = out.shape
    _, _, depth, height, width = x.shape
    _, per_group, kd, kh, kw = weight.shape
    positions = out_depth * out_height * out_width
    blocks = (outputs + tile[1] - 1) // tile[1]
    size = tile[0] * tile[1] * positions
    for i in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        index, rest = i // size, i % size
        n = index // blocks * tile[0] + rest // (tile[1] * positions)
        o = index % blocks * tile[1] + rest // positions % tile[1]
        if n < samples and o < outputs:
            p = rest % positions
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
def conv_backward_input(start, stop, grad_x, grad, weight, stride, padding, dilation, groups, tile):
    """grad_x[n, g + c, p * stride - padding + k * dilation]
        = sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o. An index is a block of tile[0] samples and a block of
    tile[1] input channels.
    """
    samples, channels, depth, height, width = grad_x.shape
    _, outputs, out_depth, out_height, out_width = grad.shape
    _, per_group, kd, kh, kw = weight.shape
    per_output = outputs // groups
    cells = depth * height * width
    blocks = (channels + tile[1] - 1) // tile[1]
    size = tile[0] * tile[1] * cells
    for i in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        index, rest = i // size, i % size
        n = index // blocks * tile[0] + rest // (tile[1] * cells)
        channel = index % blocks * tile[1] + rest // cells % tile[1]
        if n < samples and channel < channels:
            cell = rest % cells
            d, h, w = cell // (height * width), cell // width % height, cell % width
            first, c = channel // per_group * per_output, channel % per_group
            total = 0.0
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


@cuda_kernel
def conv_backward_weight(
    start, stop, partial, grad, x, stride, padding, dilation, groups, tile, per_part
):
    """partial[b, o, c, k] = sum over n of part b and over p of
        grad[n, o, p] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o. An index is a part of per_part samples and a block of
    tile[1] input channels.
    """
    _, outputs, per_group, kd, kh, kw = partial.shape
    samples, channels, depth, height, width = x.shape
    _, _, out_depth, out_height, out_width = grad.shape
    per_output = outputs // groups
    elements = per_output * kd * kh * kw
    blocks = (channels + tile[1] - 1) // tile[1]
    size = tile[1] * elements
    for i in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        index, rest = i // size, i % size
        part = index // blocks
        channel = index % blocks * tile[1] + rest // elements
        if channel < channels:
            o = channel // per_group * per_output + rest // (kd * kh * kw) % per_output
            a, b, e = rest // (kh * kw) % kd, rest // kw % kh, rest % kw
            total = 0.0
            for n in range(part * per_part, min((part + 1) * per_part, samples)):
                for od in range(out_depth):
                    d = od * stride[0] - padding[0] + a * dilation[0]
                    if 0 <= d < depth:
                        for oh in range(out_height):
                            h = oh * stride[1] - padding[1] + b * dilation[1]
                            if 0 <= h < height:
                                for ow in range(out_width):
                                    w = ow * stride[2] - padding[2] + e * dilation[2]
                                    if 0 <= w < width:
                                        total += grad[n, o, od, oh, ow] * x[n, channel, d, h, w]
            partial[part, o, channel % per_group, a, b, e] = total
