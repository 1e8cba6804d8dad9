"""Maximum and average pooling on CUDA: one thread per element written, gradients gathered.

Window o covers the cells o * stride - padding + 0 .. kernel - 1 of each axis.
"""

from __future__ import annotations

from .._cuda import cuda, cuda_kernel

# mypy: disable-error-code="no-untyped-def"


@cuda.jit(device=True)
def cells(o, kernel, stride, padding, length):
    """First and end cell of window o that are not padding."""
    first = o * stride - padding
    return max(first, 0), min(first + kernel, length)


@cuda.jit(device=True)
def windows(cell, kernel, stride, padding, length):
    """First and end of the windows that cover a cell; ``length`` windows there are."""
    place = cell + padding
    first = 0 if place < kernel else (place - kernel) // stride + 1
    return first, min(place // stride + 1, length)


@cuda_kernel
def max_pool_forward(start, stop, out, index, x, kernel, stride, padding):
    """out[i, o] = max over cells c of window o of x[i, c]; index[i, o] = the first such c, if kept.

    An empty index is not written. x [planes, D, H, W], out and index [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    size = out_depth * out_height * out_width
    for e in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        i, p = e // size, e % size
        od, oh, ow = p // (out_height * out_width), p // out_width % out_height, p % out_width
        d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
        h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
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
        if index.size > 0:
            index[i, od, oh, ow] = place


@cuda_kernel
def max_pool_backward(start, stop, grad_x, grad, index, kernel, stride, padding):
    """grad_x[i, c] = sum over o with index[i, o] = c of grad[i, o]

    grad_x [planes, D, H, W], grad and index [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size = depth * height * width
    for e in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        i, cell = e // size, e % size
        d, h, w = cell // (height * width), cell // width % height, cell % width
        d0, d1 = windows(d, kernel[0], stride[0], padding[0], out_depth)
        h0, h1 = windows(h, kernel[1], stride[1], padding[1], out_height)
        w0, w1 = windows(w, kernel[2], stride[2], padding[2], out_width)
        total = 0.0
        for od in range(d0, d1):
            for oh in range(h0, h1):
                for ow in range(w0, w1):
                    if index[i, od, oh, ow] == cell:
                        total += grad[i, od, oh, ow]
        grad_x[i, d, h, w] = total


@cuda_kernel
def avg_pool_forward(start, stop, out, x, kernel, stride, padding):
    """out[i, o] = 1 / size(kernel) * sum over cells c of window o of x[i, c]

    x [planes, D, H, W], out [planes, OD, OH, OW].
    """
    _, depth, height, width = x.shape
    _, out_depth, out_height, out_width = out.shape
    size = out_depth * out_height * out_width
    for e in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        i, p = e // size, e % size
        od, oh, ow = p // (out_height * out_width), p // out_width % out_height, p % out_width
        d0, d1 = cells(od, kernel[0], stride[0], padding[0], depth)
        h0, h1 = cells(oh, kernel[1], stride[1], padding[1], height)
        w0, w1 = cells(ow, kernel[2], stride[2], padding[2], width)
        total = 0.0
        for d in range(d0, d1):
            for h in range(h0, h1):
                for w in range(w0, w1):
                    total += x[i, d, h, w]
        out[i, od, oh, ow] = total / (kernel[0] * kernel[1] * kernel[2])


@cuda_kernel
def avg_pool_backward(start, stop, grad_x, grad, kernel, stride, padding):
    """grad_x[i, c] = 1 / size(kernel) * sum over windows o that cover c of grad[i, o]

    grad_x [planes, D, H, W], grad [planes, OD, OH, OW].
    """
    _, depth, height, width = grad_x.shape
    _, out_depth, out_height, out_width = grad.shape
    size = depth * height * width
    for e in range(start * size + cuda.grid(1), stop * size, cuda.gridsize(1)):
        i, cell = e // size, e % size
        d, h, w = cell // (height * width), cell // width % height, cell % width
        d0, d1 = windows(d, kernel[0], stride[0], padding[0], out_depth)
        h0, h1 = windows(h, kernel[1], stride[1], padding[1], out_height)
        w0, w1 = windows(w, kernel[2], stride[2], padding[2], out_width)
        total = 0.0
        for od in range(d0, d1):
            for oh in range(h0, h1):
                for ow in range(w0, w1):
                    total += grad[i, od, oh, ow]
        grad_x[i, d, h, w] = total / (kernel[0] * kernel[1] * kernel[2])
