"""What a recorded operation costs beside its arithmetic: 10 elements, on which there is none."""

import operator
from functools import partial

import pytest

import xtensor as xt

from .libraries import BACKWARD, OURS, normal, on_arrays, torch

# Microseconds per operation. The tape is open around the measurement: a step opens it only once.
FORWARD, WITH_BACKWARD = 3.0, 12.0

OPERATIONS = {"x * w": operator.mul, "x + w": operator.add}


@BACKWARD
@pytest.mark.parametrize("operation", OPERATIONS)
def test_recorded_op_on_10(figure, compare, operation, backward):
    function = OPERATIONS[operation]

    def builder(tensor):
        def build():
            x, w, seed = (tensor(normal(10, seed=number)) for number in range(3))
            x.requires_grad = w.requires_grad = True

            def forward_and_backward():
                x.grad = w.grad = None  # PyTorch would add to them
                out = function(x, w)
                out.backward(seed)
                return out, (x, w)

            return forward_and_backward if backward else partial(function, x, w)

        return build

    with xt.autograd.tape():
        timings = compare(xtensor=builder(xt.XTensor), torch=builder(torch and torch.from_numpy))
    figure(
        f"recorded {operation} on 10 elements, {'with backward' if backward else 'forward'}",
        timings.median(OURS) * 1e6,
        "us",
        at_most=WITH_BACKWARD if backward else FORWARD,
    )


def chain(x, w, b):
    for _ in range(50):
        x = x * w + b
    return x


@BACKWARD
def test_chain_of_100_ops_on_10(compare, backward):
    arrays = [normal(10, seed=number) / 2 for number in range(3)]
    compare(**on_arrays(arrays, backward, xtensor=chain, torch=chain))
