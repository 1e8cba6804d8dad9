"""The networks of the whole-step benchmarks, in xtensor and, where it is installed, in PyTorch.

Layers that have parameters are made in the same order on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import xtensor as xt

from .libraries import normal, torch

nn: Any = torch and torch.nn


class Sequence(xt.Module):
    """Layers and functions one after the other."""

    def __init__(self, *parts: Callable[[xt.XTensor], xt.XTensor]) -> None:
        super().__init__()
        self.layers = xt.ModuleList([part for part in parts if isinstance(part, xt.Module)])
        self.order = [None if isinstance(part, xt.Module) else part for part in parts]

    def forward(self, x: xt.XTensor) -> xt.XTensor:
        layers = iter(self.layers)
        for part in self.order:
            x = next(layers)(x) if part is None else part(x)
        return x


def flat(x: xt.XTensor) -> xt.XTensor:
    return xt.flatten(x, 1)


def average(x: xt.XTensor) -> xt.XTensor:
    return xt.mean(xt.flatten(x, 2), 2)


def our_mlp() -> xt.Module:
    return Sequence(xt.Linear(64, 64), xt.relu, xt.Linear(64, 10))


def torch_mlp() -> Any:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def our_lenet() -> xt.Module:
    return Sequence(
        xt.Conv2D(1, 6, (5, 5), padding=2), xt.relu, xt.MaxPool2D(2, 2),
        xt.Conv2D(6, 16, (5, 5)), xt.relu, xt.MaxPool2D(2, 2), flat,
        xt.Linear(400, 120), xt.relu, xt.Linear(120, 84), xt.relu, xt.Linear(84, 10),
    )  # fmt: skip


def torch_lenet() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


VGG = [(3, 32), (32, 32), None, (32, 64), (64, 64), None, (64, 128), (128, 128), None]


def our_vgg() -> xt.Module:
    parts: list[Any] = []
    for widths in VGG:
        parts += [xt.Conv2D(*widths, (3, 3), padding=1), xt.relu] if widths else [
            xt.MaxPool2D(2, 2)]  # fmt: skip
    return Sequence(*parts, flat, xt.Linear(2048, 256), xt.relu, xt.Linear(256, 10))


def torch_vgg() -> Any:
    parts = []
    for widths in VGG:
        parts += [nn.Conv2d(*widths, 3, padding=1), nn.ReLU()] if widths else [nn.MaxPool2d(2)]
    return nn.Sequential(
        *parts, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10)
    )  # fmt: skip


class Block(xt.Module):
    """Two 3x3 convolutions beside a shortcut: a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = xt.Conv2D(channels, width, (3, 3), stride, 1, use_bias=False)
        self.norm1 = xt.BatchNorm2d(width)
        self.conv2 = xt.Conv2D(width, width, (3, 3), padding=1, use_bias=False)
        self.norm2 = xt.BatchNorm2d(width)
        changes = stride != 1 or channels != width
        self.shortcut = xt.Conv2D(channels, width, 1, stride, use_bias=False) if changes else None

    def forward(self, x: xt.XTensor) -> xt.XTensor:
        y = xt.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return xt.relu(y + (self.shortcut(x) if self.shortcut else x))


# channels in, channels out, stride
STAGES = [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]


def our_resnet() -> xt.Module:
    return Sequence(
        xt.Conv2D(3, 16, (3, 3), padding=1, use_bias=False), xt.BatchNorm2d(16), xt.relu,
        *(Block(*stage) for stage in STAGES), average, xt.Linear(64, 10),
    )  # fmt: skip


class LastState(xt.Module):
    """Scores from the state after the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = xt.LSTM(64, 128)
        self.scores = xt.Linear(128, 10)

    def forward(self, x: xt.XTensor) -> xt.XTensor:
        _, (hn, _) = self.lstm(x)
        return self.scores(hn[0])


if torch:

    class TorchBlock(nn.Module):  # type: ignore[misc]
        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(width)
            changes = stride != 1 or channels != width
            self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False) if changes else None

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.norm1(self.conv1(x)))
            y = self.norm2(self.conv2(y))
            return torch.relu(y + (self.shortcut(x) if self.shortcut else x))

    class TorchLastState(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(64, 128, batch_first=True)
            self.scores = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            _, (hn, _) = self.lstm(x)
            return self.scores(hn[0])


def torch_resnet() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        *(TorchBlock(*stage) for stage in STAGES), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10),
    )  # fmt: skip


@dataclass(frozen=True)
class Network:
    """A network in both libraries, and its input."""

    ours: Callable[[], xt.Module]
    torch: Callable[[], Any]
    sample: tuple[int, ...]
    batch: int


NETWORKS = {
    "MLP 64, 64, 10 B32": Network(our_mlp, torch_mlp, (64,), 32),
    "LeNet B64": Network(our_lenet, torch_lenet, (1, 28, 28), 64),
    "VGG B32": Network(our_vgg, torch_vgg, (3, 32, 32), 32),
    "small ResNet B32": Network(our_resnet, torch_resnet, (3, 32, 32), 32),
    "LSTM classifier B32 T50": Network(LastState, lambda: TorchLastState(), (50, 64), 32),
}


def our_step(name: str, batch: int | None = None) -> Callable[[], Any]:
    """Forward, backward and Adam on one batch; the loss."""
    network = NETWORKS[name]
    batch = batch or network.batch
    xt.manual_seed(1)
    model = network.ours()
    x = xt.XTensor(normal(batch, *network.sample))
    target = xt.XTensor(np.arange(batch) % 10, dtype=xt.kint64)
    loss_of, optimizer = xt.CrossEntropyLoss(), xt.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        with xt.autograd.tape():
            loss = loss_of(target, model(x))
        loss.backward()
        optimizer.step()
        return loss

    return step


def their_step(name: str) -> Callable[[], Any]:
    """The same in PyTorch, from the same parameters."""
    network = NETWORKS[name]
    xt.manual_seed(1)
    model = network.torch()
    with torch.no_grad():
        for mine, other in zip(network.ours().parameters(), model.parameters(), strict=True):
            other.copy_(torch.from_numpy(mine.to_numpy()))
    x = torch.from_numpy(normal(network.batch, *network.sample))
    target = torch.arange(network.batch) % 10
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.reshape(1)

    return step
