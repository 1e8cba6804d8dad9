"""Functions of single numbers, and sums over them, on 6.4 million numbers."""

import numpy as np
import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

ROWS, COLUMNS = 6400, 1000

# PyTorch calls them the same; NumPy has no erf, and so no gelu.
UNARY = {
    "exp": {"numpy": np.exp},
    "tanh": {"numpy": np.tanh},
    "relu": {"numpy": lambda x: np.maximum(x, np.float32(0))},
    "sigmoid": {"numpy": lambda x: 1 / (1 + np.exp(-x))},
    "gelu": {},
}


@BACKWARD
@pytest.mark.parametrize("function", UNARY)
def test_elementwise(compare, function, backward):
    compare(
        **on_arrays(
            [normal(ROWS, COLUMNS)],
            backward,
            xtensor=getattr(xt, function),
            torch=lambda x: getattr(torch.nn.functional if function == "gelu" else torch, function)(
                x
            ),
            **UNARY[function],
        )
    )


@BACKWARD
def test_mul(compare, backward):
    compare(
        **on_arrays(
            [normal(ROWS, COLUMNS), normal(ROWS, COLUMNS, seed=2)],
            backward,
            xtensor=xt.mul,
            torch=lambda x, y: torch.mul(x, y),
            numpy=np.multiply,
        )
    )


@BACKWARD
@pytest.mark.parametrize("second", [(ROWS, COLUMNS), (COLUMNS,)], ids=["same shape", "broadcast"])
def test_add(compare, second, backward):
    compare(
        **on_arrays(
            [normal(ROWS, COLUMNS), normal(*second, seed=2)],
            backward,
            xtensor=xt.add,
            torch=lambda x, y: torch.add(x, y),
            numpy=np.add,
        )
    )


# name: ours, PyTorch's or NumPy's own name, axis
REDUCTIONS = {
    "sum of all": ("sums", "sum", None),
    "mean of all": ("mean", "mean", None),
    "max of all": ("max", "amax", None),
    "sum over rows": ("sums", "sum", 0),
    "mean over columns": ("mean", "mean", 1),
    "max over columns": ("max", "amax", 1),
}


@BACKWARD
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reduction(compare, reduction, backward):
    ours, theirs, axis = REDUCTIONS[reduction]
    compare(
        **on_arrays(
            [normal(ROWS, COLUMNS)],
            backward,
            xtensor=lambda x: getattr(xt, ours)(x, axis),
            torch=lambda x: getattr(torch, theirs)(x, *([] if axis is None else [axis])),
            numpy=lambda x: getattr(np, theirs)(x, axis),
        )
    )


@BACKWARD
def test_std(compare, backward):
    compare(
        **on_arrays(
            [normal(ROWS, COLUMNS)],
            backward,
            xtensor=xt.std,
            torch=lambda x: torch.std(x),
            numpy=lambda x: np.std(x, ddof=1),
        )
    )
