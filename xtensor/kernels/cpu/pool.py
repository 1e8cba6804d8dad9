"""Maximum and average pooling on the CPU, one plane x [D, H, W] after the other.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis.
"""

from __future__ import annotations

from .._jit import CpuFunction, cpu_kernel

# mypy: disable-error-code="no-untyped-def"


@CpuFunction
def cells(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


@cpu_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    keep = index.size > 0
    for i in range(start, stop):
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    best = x[i, d0, h0, w0]
                    place = (d0 * height + h0) * width + w0
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            for w in range(w0, w1):
                                value = x[i, d, h, w]
                                if not value <= best and best == best:
                                    best = value
                                    place = (d * height + h) * width + w
                    out[i, od, oh, ow] = best
                    if keep:
                        index[i, od, oh, ow] = place


@cpu_kernel
def max_pool_backward(start, stop, grad_x, grad, index, kernel, stride, padding):
    """grad_x[i, c] = sum over o with index[i, o] = c of grad[i, o]

    grad_x [planes, D, H, W], grad and index [planes, OD, OH, OW].
    """
    _, out_depth, out_height, out_width = grad.shape
    for i in range(start, stop):
        plane = grad_x[i].reshape(-1)
        plane[:] = 0
        for od in range(out_depth):
            for oh in range(out_height):
                for ow in range(out_width):
                    plane[index[i, od, oh, ow]] += grad[i, od, oh, ow]


@cpu_kernel
def avg_pool_forward(start, stop, out, x, kernel, stride, padding):
    """out[i, o] = 1 / size(kernel) * sum over cells c of window o of x[i, c]

    x [planes, D, H, W], out [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    size = kernel[0] * kernel[1] * kernel[2]
    for i in range(start, stop):
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    total = 0.0
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            for w in range(w0, w1):
                                total += x[i, d, h, w]
                    out[i, od, oh, ow] = total / size


@cpu_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size = grad.dtype.type(kernel[0] * kernel[1] * kernel[2])
    for i in range(start, stop):
        grad_x[i] = 0
        for od in range(out_depth):
            d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
            for oh in range(out_height):
                h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
                for ow in range(out_width):
                    w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
                    share = grad[i, od, oh, ow] / size
                    for d in range(d0, d1):
                        for h in range(h0, h1):
                            for w in range(w0, w1):
                                grad_x[i, d, h, w] += share
