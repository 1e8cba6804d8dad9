"""Matrix products, and the linear layer around one."""

import numpy as np
import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch


@BACKWARD
@pytest.mark.parametrize("n", [64, 100, 256, 512, 1024])
def test_matmul(compare, n, backward):
    compare(
        **on_arrays(
            [normal(n, n), normal(n, n, seed=2)],
            backward,
            xtensor=xt.matmul,
            torch=lambda a, b: a @ b,
            numpy=np.matmul,
        )
    )


# batch, input features, output features
LINEAR = [
    (32, 64, 10),
    (256, 512, 512),
]


@BACKWARD
@pytest.mark.parametrize("sizes", LINEAR, ids=lambda s: "{}x{} to {}".format(*s))
def test_linear(compare, sizes, backward):
    n, inputs, outputs = sizes
    compare(
        **on_arrays(
            [normal(n, inputs), normal(outputs, inputs), normal(outputs)],
            backward,
            xtensor=xt.linear,
            torch=lambda x, weight, bias: torch.nn.functional.linear(x, weight, bias),
            numpy=lambda x, weight, bias: x @ weight.T + bias,
        )
    )
