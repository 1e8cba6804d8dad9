"""Convolution on the CPU: which of three algorithms runs.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]

``direct_conv`` takes anything; ``winograd`` 3x3 kernels with step 1 in float32; ``plane_conv`` what
has few results to a group.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import lru_cache

from .._jit import cpu_whole_kernel
from ..debug import report_choice
from . import direct_conv, plane, plane_conv, winograd
from .cells import whole

# What takes as long as so many multiplications, as measured on a Zen 5: transforming one of the 36
# numbers that winograd makes of a tile, and one of those it makes of a kernel; in a direct
# convolution, reading or writing a number.
TRANSFORM, SPREAD, MOVE = 25, 60, 30
# With less work there is less to save than it takes to compile winograd too: 0.1 ms a call.
WORTH = 1 << 25
# Results of a group from which on there are enough for vectors of channels.
MANY = 32
# What a product takes, with tiles that are full, relative to one by planes: by vectors of channels,
# one (of 16 numbers, or of fewer) or two of them at a time, and by planes for a weight's gradient.
ONE_VECTOR, ONE_SHORT_VECTOR, TWO_VECTORS, WEIGHT_PLANES = 1.6, 2.4, 1.2, 2
# With fewer groups of samples than this, threads have no work by planes; and planes that take more
# bytes fit no near cache, and take so many times as long.
FEWEST_TASKS, PLANES_BYTES, FAR_PLANES = 4, 512 * 1024, 2


def winograd_cost(samples, outputs, channels, height, width):
    """About how many multiplications winograd's work is worth, for that many results a channel."""
    tiles = samples * -(-height // 4) * -(-width // 4)
    wide, out_wide = whole(channels, winograd.WIDE), whole(outputs, winograd.WIDE)
    return 36 * ((tiles + SPREAD) * wide * out_wide + tiles * TRANSFORM * (wide + out_wide))


def direct_cost(samples, outputs, channels, height, width):
    """The same of direct convolution with 3x3 kernels."""
    products = 9 * whole(outputs, 16) * channels
    return samples * height * width * (products + MOVE * (outputs + channels))


def suits_planes(direction, source, result, weight_shape, stride, groups, itemsize):
    """Whether planes are faster than vectors of channels."""
    from .._llvm import vector_bytes  # not before numba is needed anyway

    lanes, is_wide = vector_bytes() // itemsize, vector_bytes() == 64
    results = weight_shape[1] if direction == "backward_input" else weight_shape[0] // groups
    width = result[4]
    # Sixes and fours make up any even number.
    rows, fewest = 2 if is_wide else plane.FEWER_TOGETHER, plane_conv.FEWEST_ROWS
    if direction == "backward_weight":
        rows, fewest = plane.WEIGHT_ROWS if is_wide else plane.FEWER_WEIGHT_ROWS, 2
    planes = whole(results, rows) if results >= fewest else results
    if direction == "backward_input":
        # Planes of grad are spread out by the step.
        planes *= math.prod(stride)
    elif direction == "backward_weight":
        planes *= WEIGHT_PLANES
    # A tile has several rows of results: of a single one it wastes most.
    planes *= whole(width, lanes) * whole(result[3], 4) / result[3]
    planes *= max(1, FEWEST_TASKS / (source[0] * groups))
    if math.prod(source[1:]) * itemsize // groups > PLANES_BYTES:
        planes *= FAR_PLANES
    direct = TWO_VECTORS * whole(results, 2 * lanes)
    if results <= lanes:
        direct = lanes * (ONE_VECTOR if lanes >= 16 else ONE_SHORT_VECTOR)
    return results < MANY and planes < direct * width


@lru_cache(maxsize=4096)
def choose(direction, source, result, weight_shape, stride, dilation, groups, itemsize):
    """The module that computes one direction of a convolution, by shapes and dtype alone.

    Numbers of 4 bytes are float32. The choice is printed with XTENSOR_DEBUG=kernels.
    """
    outputs, channels, *kernel = weight_shape
    size = result[0], outputs, channels, *result[3:]
    flat = kernel[0] == stride[0] == source[2] == result[2] == 1
    plain = groups == math.prod(stride) == math.prod(dilation) == 1
    fits = flat and plain and kernel == [1, 3, 3] and itemsize == 4
    if fits and max(WORTH, winograd_cost(*size)) < direct_cost(*size):
        module = winograd
    elif flat and suits_planes(direction, source, result, weight_shape, stride, groups, itemsize):
        module = plane_conv
    else:
        module = direct_conv
    report_choice(f"conv_{direction} of {list(source)} with weight {list(weight_shape)}"
                  f" to {list(result)}",
                  module.__name__.rpartition(".")[2])  # fmt: skip
    return module


@cpu_whole_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0. An index is an element of
    out.
    """
    module = choose("forward", x.shape, out.shape, weight.shape, stride, dilation, groups,
                    x.itemsize)  # fmt: skip
    module.forward(out, x, weight, bias, stride, padding, dilation, groups)


@cpu_whole_kernel
def conv_backward_input(start, stop, grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p * stride - padding + k * dilation] = bias[g + c]
        + sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o; an empty bias counts as 0, others serve the transposed
    form. An index is an element of grad_x.
    """
    module = choose("backward_input", grad.shape, grad_x.shape, weight.shape, stride, dilation,
                    groups, grad.itemsize)  # fmt: skip
    module.backward_input(grad_x, grad, weight, bias, stride, padding, dilation, groups)


@cpu_whole_kernel
def conv_backward_weight(start, stop, grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of
        grad[n, o, p] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o. An index is an element of grad_weight.
    """
    if not x.shape[0]:
        grad_weight[...] = 0
        return
    module = choose("backward_weight", x.shape, grad.shape, grad_weight.shape, stride, dilation,
                    groups, x.itemsize)  # fmt: skip
    module.backward_weight(grad_weight, grad, x, stride, padding, dilation, groups)
