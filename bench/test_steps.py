"""Whole training steps: forward, backward and the optimizer."""

import numpy as np
import pytest

import xtensor as xt
from xtensor.datasets import load_digits
from xtensor.demo import DigitsNet

from .libraries import torch


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
