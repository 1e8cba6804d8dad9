"""Convolution on the CPU: which of three algorithms runs.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]

``line_conv`` takes anything; ``winograd`` 3x3 kernels with step 1; ``unfold`` goes through BLAS.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from .._jit import cpu_whole_kernel
from ..debug import report_choice
from . import line_conv, unfold, winograd

# From so many input and output channels on, Winograd's transforms pay: forward and for the input,
# and for the weight.
WINOGRAD, WINOGRAD_WEIGHT = 16, 32
# With fewer tiles, transforming the kernels costs more than is saved.
WINOGRAD_TILES = 96
# From so many channels on a product beats lines: outputs, and elements of a kernel over all input
# channels, going forward; input and output channels, for the input and for the weight, and for a
# 1x1 kernel that needs no unfolding.
PRODUCT_OUTPUTS, PRODUCT_LENGTH, PRODUCT_INPUT, PRODUCT_WEIGHT, PRODUCT_1X1 = 16, 64, 24, 48, 16


def tiles(array):
    """How many tiles of 4x4 results winograd cuts it into."""
    return array.shape[0] * math.prod(-(-length // 4) for length in array.shape[2:])


def choose(direction, source, result, weight_shape, stride, dilation, groups):
    """The module that computes one direction of a convolution, by shapes and dtype alone.

    The choice is printed with XTENSOR_DEBUG=kernels.
    """
    outputs, channels, *kernel = weight_shape
    fewest, elements = min(outputs, channels), math.prod(kernel)
    unit_steps = math.prod(stride) == math.prod(dilation) == 1
    module = line_conv
    if groups == 1:
        least = WINOGRAD_WEIGHT if direction == "backward_weight" else WINOGRAD
        winograd_form = kernel == [1, 3, 3] and unit_steps and source.dtype == "float32"
        if winograd_form and fewest >= least and tiles(result) >= WINOGRAD_TILES:
            module = winograd
        elif elements == 1:
            if fewest >= (PRODUCT_1X1 if unit_steps else PRODUCT_INPUT):
                module = unfold
        elif direction == "forward":
            if outputs >= PRODUCT_OUTPUTS and channels * elements >= PRODUCT_LENGTH:
                module = unfold
        elif fewest >= (PRODUCT_INPUT if direction == "backward_input" else PRODUCT_WEIGHT):
            module = unfold
    report_choice(f"conv_{direction} of {list(source.shape)} with weight {list(weight_shape)}",
                  module.__name__.rpartition(".")[2])  # fmt: skip
    return module


@cpu_whole_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0. An index is an element of
    out.
    """
    module = choose("forward", x, out, weight.shape, stride, dilation, groups)
    module.forward(out, x, weight, bias, stride, padding, dilation, groups)


@cpu_whole_kernel
def conv_backward_input(start, stop, grad_x, grad, weight, stride, padding, dilation, groups):
    """grad_x[n, g + c, p * stride - padding + k * dilation]
        = sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o. An index is an element of grad_x.
    """
    module = choose("backward_input", grad, grad_x, weight.shape, stride, dilation, groups)
    module.backward_input(grad_x, grad, weight, stride, padding, dilation, groups)


@cpu_whole_kernel
def conv_backward_weight(start, stop, grad_weight, grad, x, stride, padding, dilation, groups):
    """grad_weight[o, c, k] = sum over n, p of
        grad[n, o, p] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o. An index is an element of grad_weight.
    """
    module = choose("backward_weight", x, grad, grad_weight.shape, stride, dilation, groups)
    module.backward_weight(grad_weight, grad, x, stride, padding, dilation, groups)
