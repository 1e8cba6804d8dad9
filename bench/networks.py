"""The networks of the whole-step benchmarks, in xtensor and, where installed, in PyTorch and JAX.

Layers that have parameters are made in the same order on all sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import xtensor as xt

from .libraries import jax, normal, torch

nn: Any = torch and torch.nn

# Of the transformer.
WIDTH, HEADS = 128, 4
SCALE = (WIDTH // HEADS) ** -0.5


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


class Attention(xt.Module):
    """A transformer's block, with the norms before what they feed, on [B, T, 128]; four heads."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = xt.LayerNormNd([WIDTH])
        self.inputs, self.outputs = xt.Linear(WIDTH, 3 * WIDTH), xt.Linear(WIDTH, WIDTH)
        self.norm2 = xt.LayerNormNd([WIDTH])
        self.wide, self.narrow = xt.Linear(WIDTH, 4 * WIDTH), xt.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: xt.XTensor) -> xt.XTensor:
        batch, length, _ = x.shape
        heads = self.inputs(self.norm1(x)).reshape([batch, length, 3, HEADS, WIDTH // HEADS])
        queries, keys, values = xt.permute(heads, [2, 0, 3, 1, 4])
        scores = xt.matmul(queries, xt.transpose(keys, [0, 1, 3, 2])) * SCALE
        mixed = xt.matmul(xt.softmax(scores), values)
        x = x + self.outputs(xt.transpose(mixed, [0, 2, 1, 3]).reshape([batch, length, WIDTH]))
        return x + self.narrow(xt.gelu(self.wide(self.norm2(x))))


def over_time(x: xt.XTensor) -> xt.XTensor:
    return xt.mean(x, 1)


def our_transformer() -> xt.Module:
    return Sequence(xt.Linear(64, WIDTH), Attention(), Attention(), over_time, xt.Linear(WIDTH, 10))


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

    class TorchAttention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(WIDTH)
            self.inputs, self.outputs = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.norm2 = nn.LayerNorm(WIDTH)
            self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            heads = self.inputs(self.norm1(x)).reshape(batch, length, 3, HEADS, WIDTH // HEADS)
            queries, keys, values = heads.permute(2, 0, 3, 1, 4)
            mixed = torch.softmax(queries @ keys.transpose(-1, -2) * SCALE, -1) @ values
            x = x + self.outputs(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
            return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))

    class TorchOverTime(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return x.mean(1)


def torch_transformer() -> Any:
    return nn.Sequential(
        nn.Linear(64, WIDTH), TorchAttention(), TorchAttention(), TorchOverTime(),
        nn.Linear(WIDTH, 10),
    )  # fmt: skip


def torch_resnet() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        *(TorchBlock(*stage) for stage in STAGES), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10),
    )  # fmt: skip


# In JAX a network is a function of its parameters, which come in the order of ours.


def jax_dense(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight.T + bias


def jax_conv(x: Any, weight: Any, bias: Any, padding: int) -> Any:
    edges = [(padding, padding)] * 2
    y = jax.lax.conv_general_dilated(x, weight, (1, 1), edges)
    return jax.nn.relu(y + bias[:, None, None])


def jax_pool(x: Any) -> Any:
    window = (1, 1, 2, 2)
    return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, window, "VALID")


def jax_mlp(p: list[Any], x: Any) -> Any:
    return jax_dense(jax.nn.relu(jax_dense(x, *p[:2])), *p[2:])


def jax_lenet(p: list[Any], x: Any) -> Any:
    x = jax_pool(jax_conv(x, *p[:2], 2))
    x = jax_pool(jax_conv(x, *p[2:4], 0))
    x = jax.nn.relu(jax_dense(x.reshape(len(x), -1), *p[4:6]))
    return jax_dense(jax.nn.relu(jax_dense(x, *p[6:8])), *p[8:])


@dataclass(frozen=True)
class Network:
    """A network in each library, and its input."""

    ours: Callable[[], xt.Module]
    torch: Callable[[], Any]
    sample: tuple[int, ...]
    batch: int
    jax: Callable[[list[Any], Any], Any] | None = None


NETWORKS = {
    "MLP 64, 64, 10 B32": Network(our_mlp, torch_mlp, (64,), 32, jax_mlp),
    "LeNet B64": Network(our_lenet, torch_lenet, (1, 28, 28), 64, jax_lenet),
    "VGG B32": Network(our_vgg, torch_vgg, (3, 32, 32), 32),
    "small ResNet B32": Network(our_resnet, torch_resnet, (3, 32, 32), 32),
    "LSTM classifier B32 T50": Network(LastState, lambda: TorchLastState(), (50, 64), 32),
    "transformer B16 T64": Network(our_transformer, torch_transformer, (64, 64), 16),
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


def jax_step(name: str) -> Callable[[], Any]:
    """The same in JAX, Adam too, as one compiled function that may write over what it was given."""
    network = NETWORKS[name]
    xt.manual_seed(1)
    parameters = [jax.numpy.asarray(p.to_numpy()) for p in network.ours().parameters()]
    zeros = [jax.numpy.zeros_like(p) for p in parameters]
    x, target = jax.numpy.asarray(normal(network.batch, *network.sample)), np.arange(network.batch)
    target = jax.numpy.asarray(target % 10)

    def loss_of(parameters: list[Any]) -> Any:
        scores = jax.nn.log_softmax(network.jax(parameters, x))
        return -jax.numpy.take_along_axis(scores, target[:, None], 1).mean()

    def whole_step(parameters: list[Any], means: list[Any], squares: list[Any], count: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
        squares = [0.999 * s + 0.001 * g * g for s, g in zip(squares, gradients, strict=True)]
        parameters = [
            p - 1e-4 * m / (1 - 0.9**count) / ((s / (1 - 0.999**count)) ** 0.5 + 1e-8)
            for p, m, s in zip(parameters, means, squares, strict=True)
        ]
        return loss, (parameters, means, squares, count + 1)

    compiled = jax.jit(whole_step, donate_argnums=(0, 1, 2, 3))
    state = (parameters, zeros, [z.copy() for z in zeros], jax.numpy.ones(()))

    def step() -> Any:
        nonlocal state
        loss, state = compiled(*state)
        return jax.block_until_ready((loss, state))[0]

    return step
