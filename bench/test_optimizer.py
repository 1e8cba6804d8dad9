"""One update of ten parameters of a million numbers each."""

import pytest

import xtensor as xt

from .libraries import normal, torch

# ours, PyTorch's, options of both
UPDATES = {
    "SGD, momentum": ("SGD", "SGD", {"momentum": 0.9}),
    "Adam": ("Adam", "Adam", {}),
}


@pytest.mark.parametrize("update", UPDATES)
def test_optimizer(compare, update):
    ours, theirs, options = UPDATES[update]

    def our_step():
        parameters = [xt.Parameter(normal(1_000_000, seed=k)) for k in range(10)]
        for k, parameter in enumerate(parameters):
            parameter.grad = xt.XTensor(normal(1_000_000, seed=k + 10))
        return getattr(xt, ours)(parameters, lr=1e-3, **options).step

    def their_step():
        parameters = [torch.nn.Parameter(torch.from_numpy(normal(1_000_000, seed=k)))
                      for k in range(10)]  # fmt: skip
        for k, parameter in enumerate(parameters):
            parameter.grad = torch.from_numpy(normal(1_000_000, seed=k + 10))
        optimizer = getattr(torch.optim, theirs)(parameters, lr=1e-3, **options)
        return lambda: optimizer.step()

    compare(xtensor=our_step, torch=their_step)
