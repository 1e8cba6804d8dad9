"""2-D convolution with bias, forward and with all three gradients."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

# N, C, H, W, out channels, kernel, stride, padding
SHAPES = [
    (64, 1, 28, 28, 6, 5, 1, 2),
    (64, 6, 14, 14, 16, 5, 1, 0),
    (32, 3, 32, 32, 32, 3, 1, 1),
    (16, 64, 56, 56, 64, 3, 1, 1),
    (8, 128, 28, 28, 128, 3, 2, 1),
    (16, 64, 56, 56, 256, 1, 1, 0),
]


def name(shape):
    n, c, h, w, o, k, s, p = shape
    return f"{n}x{c}x{h}x{w} to {o}, k{k} s{s} p{p}"


@BACKWARD
@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_conv2d(compare, shape, backward):
    n, c, h, w, o, k, s, p = shape
    compare(
        **on_arrays(
            [normal(n, c, h, w), normal(o, c, k, k), normal(o)],
            backward,
            xtensor=lambda x, weight, bias: xt.conv2d(x, weight, bias, s, p),
            torch=lambda x, weight, bias: torch.nn.functional.conv2d(x, weight, bias, s, p),
        )
    )
