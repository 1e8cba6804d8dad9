"""Batch normalisation while training, with the running values; layer normalisation."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

SHAPES = [
    (32, 64, 56, 56),
    (64, 32, 8, 8),
    (8192, 512),
    (512, 64),
]


@BACKWARD
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_batch_norm(compare, shape, backward):
    name = "BatchNorm1d" if len(shape) == 2 else "BatchNorm2d"
    ours = getattr(xt, name)(shape[1])
    theirs = torch and getattr(torch.nn, name)(shape[1])
    with xt.autograd.tape():  # layers train where a tape is open
        compare(**on_arrays([normal(*shape)], backward, xtensor=ours, torch=theirs))


@BACKWARD
@pytest.mark.parametrize("shape", [(8192, 768), (64, 32)], ids=lambda s: "x".join(map(str, s)))
def test_layer_norm(compare, shape, backward):
    length = shape[1]
    compare(
        **on_arrays(
            [normal(*shape), normal(length, seed=1), normal(length, seed=2)],
            backward,
            xtensor=xt.layer_norm,
            torch=lambda x, g, b: torch.nn.functional.layer_norm(x, (length,), g, b),
        )
    )
