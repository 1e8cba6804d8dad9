"""2-D pooling, forward and with the gradient."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

# kind, kernel, stride, padding
WINDOWS = [
    ("max", 2, 2, 0),
    ("max", 3, 2, 1),
    ("avg", 2, 2, 0),
    ("avg", 3, 1, 1),
]
# Over all pixels at once, as at the end of a network.
GLOBAL = [("max", 14), ("avg", 14), ("avg", 7)]


@BACKWARD
@pytest.mark.parametrize("window", WINDOWS, ids=lambda w: "{} k{} s{} p{}".format(*w))
def test_pool2d(compare, window, backward):
    kind, *numbers = window
    function = f"{kind}_pool2d"
    compare(
        **on_arrays(
            [normal(32, 64, 56, 56)],
            backward,
            xtensor=lambda x: getattr(xt, function)(x, *numbers),
            torch=lambda x: getattr(torch.nn.functional, function)(x, *numbers),
        )
    )


@BACKWARD
@pytest.mark.parametrize("window", GLOBAL, ids=lambda w: "{} {}x{}".format(*w, w[1]))
def test_global_pool2d(compare, window, backward):
    kind, size = window
    function = f"{kind}_pool2d"
    compare(
        **on_arrays(
            [normal(32, 256, size, size)],
            backward,
            xtensor=lambda x: getattr(xt, function)(x, size, size),
            torch=lambda x: getattr(torch.nn.functional, function)(x, size, size),
        )
    )
