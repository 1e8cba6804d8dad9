"""2-D convolution with bias, forward and with all three gradients; groups, dilation, transposed."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

# N, C, H, W, out channels, kernel, stride, padding
SHAPES = [
    (64, 1, 28, 28, 6, 5, 1, 2),
    (64, 6, 14, 14, 16, 5, 1, 0),
    (32, 3, 32, 32, 32, 3, 1, 1),
    (32, 32, 32, 32, 64, 3, 1, 1),
    (32, 64, 16, 16, 128, 3, 1, 1),
    (16, 64, 56, 56, 64, 3, 1, 1),
    (16, 64, 56, 56, 256, 1, 1, 0),
    (8, 128, 28, 28, 128, 3, 2, 1),
    (8, 256, 14, 14, 256, 3, 1, 1),
    (16, 512, 7, 7, 512, 3, 1, 1),
    (32, 16, 32, 32, 16, 3, 1, 1),
    (16, 256, 14, 14, 64, 1, 1, 0),
    (8, 3, 112, 112, 64, 7, 2, 3),
    (8, 64, 64, 64, 3, 3, 1, 1),
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


# x, weight, and dilation, groups
FORMS = {
    "4 groups": ((16, 64, 28, 28), (64, 16, 3, 3), 1, 4),
    "depthwise": ((16, 64, 28, 28), (64, 1, 3, 3), 1, 64),
    "dilated": ((16, 32, 28, 28), (32, 32, 3, 3), 2, 1),
}


@BACKWARD
@pytest.mark.parametrize("form", FORMS)
def test_conv2d_forms(compare, form, backward):
    x, weight, dilation, groups = FORMS[form]
    options = {"padding": dilation, "dilation": dilation, "groups": groups}
    compare(
        **on_arrays(
            [normal(*x), normal(*weight), normal(weight[0])],
            backward,
            xtensor=lambda x, w, b: xt.conv2d(x, w, b, **options),
            torch=lambda x, w, b: torch.nn.functional.conv2d(x, w, b, **options),
        )
    )


@BACKWARD
def test_conv_transpose2d(compare, backward):
    compare(
        **on_arrays(
            [normal(16, 64, 14, 14), normal(64, 32, 4, 4), normal(32)],
            backward,
            xtensor=lambda x, w, b: xt.conv_transpose2d(x, w, b, 2, 1),
            torch=lambda x, w, b: torch.nn.functional.conv_transpose2d(x, w, b, 2, 1),
        )
    )
