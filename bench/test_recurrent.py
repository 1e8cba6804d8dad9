"""Recurrent layers, forward and with all gradients."""

import pytest

import xtensor as xt

from .libraries import BACKWARD, normal, on_arrays, torch

# batch, steps, features, units, layers, directions
SHAPES = {
    "B32 T64 128 to 256": (32, 64, 128, 256, 1, False),
    "B16 T50 64 to 64, 2 layers, both directions": (16, 50, 64, 64, 2, True),
    "B64 T20 32 to 128": (64, 20, 32, 128, 1, False),
}


@BACKWARD
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent(compare, kind, shape, backward):
    batch, steps, features, units, layers, both = SHAPES[shape]
    ours = getattr(xt, kind)(features, units, layers, bidirectional=both)
    calls = {"xtensor": lambda x: ours(x)[0]}
    if torch:
        theirs = getattr(torch.nn, kind)(
            features, units, layers, batch_first=True, bidirectional=both
        )
        theirs.requires_grad_(backward)
        with torch.no_grad():
            for name, parameter in theirs.named_parameters():
                parameter.copy_(torch.from_numpy(getattr(ours, name).to_numpy()))

        def torch_call(x):
            theirs.zero_grad()
            return theirs(x)[0]

        calls["torch"] = torch_call
    compare(**on_arrays([normal(batch, steps, features)], backward, **calls))
