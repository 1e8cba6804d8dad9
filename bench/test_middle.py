"""The usual functions on a quarter of a million and a million numbers.

Few enough for the caches, so that what it takes to share the work out counts; the suite's other
cases are a hundred numbers or millions of them.
"""

import numpy as np
import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

SIZES = pytest.mark.parametrize("size", [500, 1000], ids=["500x500", "1000x1000"])

# ours, PyTorch's; how many arrays
FUNCTIONS = {
    "add": (xt.add, lambda x, y: torch.add(x, y), 2),
    "add a column": (lambda x, y: x + y[:, :1], lambda x, y: x + y[:, :1], 2),
    "maximum": (xt.maximum, lambda x, y: torch.maximum(x, y), 2),
    "where": (lambda x, y: xt.where(x > y, x, y), lambda x, y: torch.where(x > y, x, y), 2),
    "neg": (xt.neg, lambda x: -x, 1),
    "x ** 3": (lambda x: x**3, lambda x: x**3, 1),
    "exp": (xt.exp, lambda x: torch.exp(x), 1),
    "sin": (xt.sin, lambda x: torch.sin(x), 1),
    "tanh": (xt.tanh, lambda x: torch.tanh(x), 1),
    "relu": (xt.relu, lambda x: torch.relu(x), 1),
    "sigmoid": (xt.sigmoid, lambda x: torch.sigmoid(x), 1),
    "gelu": (xt.gelu, lambda x: torch.nn.functional.gelu(x), 1),
    "sum of all": (xt.sums, lambda x: torch.sum(x), 1),
    "sum over rows": (lambda x: xt.sums(x, 0), lambda x: torch.sum(x, 0), 1),
    "max over columns": (lambda x: xt.max(x, 1), lambda x: torch.amax(x, 1), 1),
    "softmax": (lambda x: xt.softmax(x, 1), lambda x: torch.softmax(x, 1), 1),
    "softmax over rows": (lambda x: xt.softmax(x, 0), lambda x: torch.softmax(x, 0), 1),
    "cumsum": (lambda x: xt.cumsum(x, 1), lambda x: torch.cumsum(x, 1), 1),
    "transpose and add": (lambda x, y: x + xt.transpose(y), lambda x, y: x + y.T, 2),
    "concatenate": (lambda x, y: xt.concatenate([x, y], 1), lambda x, y: torch.cat([x, y], 1), 2),
    "flip": (lambda x: xt.flip(x, 1), lambda x: torch.flip(x, [1]), 1),
    "every second": (lambda x: x[::2, ::2] + 1, lambda x: x[::2, ::2] + 1, 1),
}


@BACKWARD
@SIZES
@pytest.mark.parametrize("function", FUNCTIONS)
def test_middle(compare, function, size, backward):
    ours, theirs, count = FUNCTIONS[function]
    arrays = [normal(size, size, seed=seed) for seed in range(count)]
    compare(**on_arrays(arrays, backward, xtensor=ours, torch=theirs))


@BACKWARD
def test_short_rows_times_a_column(compare, backward):
    arrays = [normal(30_000, 10), normal(30_000, 1, seed=1)]
    compare(**on_arrays(arrays, backward, xtensor=xt.mul, torch=lambda x, y: torch.mul(x, y)))


@SIZES
def test_topk(compare, size):
    array = normal(size, size)
    compare(
        **on_arrays(
            [array],
            False,
            xtensor=lambda x: xt.topK(x, 5),
            torch=lambda x: torch.topk(x, 5)[0],
        )
    )


def test_randperm(compare):
    """A permutation has nothing to agree on but its length."""

    def sized(function):
        return lambda: lambda: np.array(len(function(1_000_000)))

    compare(xtensor=sized(xt.randperm), torch=sized(lambda n: torch.randperm(n)))
