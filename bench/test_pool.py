"""2-D pooling, forward and with the gradient."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

# kind, kernel, stride, padding
WINDOWS = [
    ("max", 2, 2, 0),
    ("max", 3, 2, 1),
    ("avg", 2, 2, 0),
]


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
