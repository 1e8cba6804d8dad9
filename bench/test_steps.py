"""Whole training steps: forward, backward and the optimizer; cost per sample as batches grow."""

import numpy as np
import pytest

import xtensor as xt
from xtensor.datasets import load_digits
from xtensor.demo import DigitsNet

from .libraries import torch
from .networks import NETWORKS, jax_step, our_step, their_step
from .paired import measure


def torch_digits_net(net):
    """The demo's network in PyTorch, with the same parameters."""
    same = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding="same"),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, 3, padding="same"),
        torch.nn.BatchNorm2d(32),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Dropout(0.25),
        torch.nn.Flatten(),
        torch.nn.Linear(32 * 4 * 4, 10),
    )
    with torch.no_grad():
        for mine, other in zip(same.parameters(), net.parameters(), strict=True):
            mine.copy_(torch.from_numpy(other.to_numpy()))
    return same


@pytest.mark.parametrize("batch", [32, 64])
def test_digits_step(compare, batch):
    images, labels, *_ = load_digits()
    images, labels = images[:batch], labels[:batch]
    xt.manual_seed(1)
    net = DigitsNet()
    theirs = torch and torch_digits_net(net)
    if torch:  # dropout draws differ in training, so that it is the same network is seen here
        scores = theirs.eval()(torch.from_numpy(images)).detach().numpy()
        np.testing.assert_allclose(net(xt.XTensor(images)).to_numpy(), scores, 1e-3, 1e-4)

    def our_step():
        x, target = xt.XTensor(images), xt.XTensor(labels, dtype=xt.kint64)
        loss_of = xt.CrossEntropyLoss()
        optimizer = xt.Adam(net.parameters(), lr=1e-3)

        def step():
            with xt.autograd.tape():
                loss = loss_of(target, net(x))
            loss.backward()
            optimizer.step()

        return step

    def torch_step():
        x, target = torch.from_numpy(images), torch.from_numpy(labels)
        optimizer = torch.optim.Adam(theirs.train().parameters(), lr=1e-3)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(theirs(x), target).backward()
            optimizer.step()

        return step

    compare(xtensor=our_step, torch=torch_step)


@pytest.mark.parametrize("name", NETWORKS)
def test_step(compare, name):
    in_jax = {"jax": lambda: jax_step(name)} if NETWORKS[name].jax else {}
    compare(xtensor=lambda: our_step(name), torch=lambda: their_step(name), **in_jax)


@pytest.mark.parametrize("name", ["MLP 64, 64, 10 B32", "LeNet B64"])
def test_cost_per_sample(figure, report, name):
    """From a batch of 16 to one of 1,024; what a step costs beside its samples falls."""
    timings = measure({str(n): our_step(name, n) for n in (16, 1024)}, report.budget)
    per_sample = {n: timings.median(str(n)) / n for n in (16, 1024)}
    note = ", ".join(f"{seconds * 1e6:.1f} us at {n}" for n, seconds in per_sample.items())
    figure(f"{name.rpartition(' ')[0]}: cost per sample, batch 1024 / 16",
           per_sample[1024] / per_sample[16], "x", at_most=1.1, note=note)  # fmt: skip
