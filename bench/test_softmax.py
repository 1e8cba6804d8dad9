"""Softmax, and cross-entropy on class indices."""

import numpy as np
import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch


@BACKWARD
@pytest.mark.parametrize("shape", [(8192, 768), (64, 10)], ids=lambda s: "x".join(map(str, s)))
def test_softmax(compare, shape, backward):
    compare(
        **on_arrays(
            [normal(*shape)],
            backward,
            xtensor=xt.softmax,
            torch=lambda x: torch.softmax(x, -1),
        )
    )


@BACKWARD
@pytest.mark.parametrize(
    "shape", [(4096, 1000), (64, 10), (8, 21, 64, 64)], ids=lambda s: "x".join(map(str, s))
)
def test_cross_entropy(compare, shape, backward):
    labels = np.random.default_rng(0).integers(0, shape[1], (shape[0], *shape[2:]))
    loss = xt.CrossEntropyLoss()
    compare(
        **on_arrays(
            [labels, normal(*shape)],
            backward,
            xtensor=loss,
            torch=lambda target, x: torch.nn.functional.cross_entropy(x, target),
        )
    )
