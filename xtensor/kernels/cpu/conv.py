"""Convolution on the CPU: which of four algorithms runs.

    x [N, C, D, H, W], weight [O, C / groups, KD, KH, KW], out [N, O, OD, OH, OW]

``direct_conv`` takes anything; ``plane_conv`` images, and suits few results or few channels to a
group; ``column_conv`` gradients of images; ``winograd`` 3x3 kernels with step 1 in float32. The one
that costs the least runs, see conv_cost.py.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import lru_cache

from .._jit import cpu_whole_kernel
from ..debug import report_choice
from . import column_conv, direct_conv, plane_conv, winograd
from .conv_cost import (
    ANOTHER,
    Sums,
    columns_cost,
    direct_cost,
    planes_cost,
    processor,
    winograd_cost,
)


@lru_cache(maxsize=4096)
def choose(direction, source, result, weight_shape, stride, padding, dilation, groups, itemsize):
    """The module that computes one direction of a convolution, by shapes and dtype alone.

    Numbers of 4 bytes are float32. The choice is printed with XTENSOR_DEBUG=kernels.
    """
    module = direct_conv
    if weight_shape[2] == stride[0] == source[2] == result[2] == 1:
        module = cheapest(
            Sums.of(direction, source, result, weight_shape, stride, padding, dilation, groups),
            is_plain=groups == math.prod(stride) == math.prod(dilation) == 1,
            itemsize=itemsize,
        )
    report_choice(f"conv_{direction} of {list(source)} with weight {list(weight_shape)}"
                  f" to {list(result)}",
                  module.__name__.rpartition(".")[2])  # fmt: skip
    return module


def cheapest(sums, is_plain, itemsize):
    """The module for images; is_plain: without groups, steps and dilation."""
    on = processor(itemsize)
    costs = {direct_conv: direct_cost(sums, on) - ANOTHER, plane_conv: planes_cost(sums, on)}
    if sums.direction == "backward_input":
        costs[column_conv] = columns_cost(sums, on)
    if is_plain and sums.kernel == (3, 3) and itemsize == 4:
        costs[winograd] = winograd_cost(sums, on)
    return min(costs, key=costs.__getitem__)


@cpu_whole_kernel
def conv_forward(start, stop, out, x, weight, bias, stride, padding, dilation, groups):
    """out[n, o, p] = bias[o]
        + sum over c, k of weight[o, c, k] * x[n, g + c, p * stride - padding + k * dilation]

    g is the first channel of the group of o; an empty bias counts as 0. An index is an element of
    out.
    """
    module = choose("forward", x.shape, out.shape, weight.shape, stride, padding, dilation, groups,
                    x.itemsize)  # fmt: skip
    module.forward(out, x, weight, bias, stride, padding, dilation, groups)


@cpu_whole_kernel
def conv_backward_input(start, stop, grad_x, grad, weight, bias, stride, padding, dilation, groups):
    """grad_x[n, g + c, p * stride - padding + k * dilation] = bias[g + c]
        + sum over all o, k, p that meet there of weight[o, c, k] * grad[n, o, p]

    g is the first channel of the group of o; an empty bias counts as 0, others serve the transposed
    form. An index is an element of grad_x.
    """
    module = choose("backward_input", grad.shape, grad_x.shape, weight.shape, stride, padding,
                    dilation, groups, grad.itemsize)  # fmt: skip
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
    module = choose("backward_weight", x.shape, grad.shape, grad_weight.shape, stride, padding,
                    dilation, groups, x.itemsize)  # fmt: skip
    module.backward_weight(grad_weight, grad, x, stride, padding, dilation, groups)
