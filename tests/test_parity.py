"""The same parameters and inputs in PyTorch, where it is installed: results and all gradients.

float64 has to agree to 1e-9 and float32 to 1e-5 of the norm. Only what both libraries define alike
is here; docs/migrating.md says what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import xtensor as xt

from .cases import away_from, normal, rng

torch = pytest.importorskip(
    "torch",
    reason="PyTorch is not installed; with it, these tests compare every layer with its own",
)
nn, functional = torch.nn, torch.nn.functional

CLOSE = {"float64": 1e-9, "float32": 1e-5}
CODES = {"float64": xt.kfloat64, "float32": xt.kfloat32}


def give_both(ours: xt.Module, theirs: Any, names: dict[str, str]) -> None:
    """PyTorch's start values in both; ``names`` translates ours to theirs, where they differ.

    Conv1D's weights have a documented last axis of length 1 more.
    """
    arrays = {name: tensor.detach().numpy() for name, tensor in theirs.state_dict().items()}
    ours.load_state_dict(
        {
            name: arrays[names.get(name, name)].reshape(value.shape)
            for name, value in ours.state_dict().items()
        }
    )


def distance(ours: xt.XTensor, theirs: Any) -> float:
    came, due = ours.to_numpy().astype(np.float64), theirs.detach().double().numpy()
    assert came.size == due.size
    gap = np.linalg.norm(came.ravel() - due.ravel())
    return float(gap / max(np.linalg.norm(due), 1e-30))


def tensors(arrays: Sequence[np.ndarray], dtype: str) -> tuple[list[xt.XTensor], list[Any]]:
    """The same inputs for both; floating ones require grad."""
    ours, theirs = [], []
    for array in arrays:
        if array.dtype.kind == "f":
            array = array.astype(dtype)
            ours.append(xt.XTensor(array, dtype=CODES[dtype], requires_grad=True))
            theirs.append(torch.tensor(array, requires_grad=True))
        else:
            ours.append(xt.XTensor(array, dtype=xt.kint64))
            theirs.append(torch.tensor(array))
    return ours, theirs


def flat(result: Any) -> list[Any]:
    """Results in a row, out of whatever tuples they lie in."""
    if isinstance(result, (tuple, list)):
        return [tensor for part in result for tensor in flat(part)]
    return [result]


def compare(
    our_call: Callable[..., Any], their_call: Callable[..., Any], inputs: Sequence[np.ndarray],
    dtype: str, parameters: Sequence[tuple[xt.XTensor, Any]] = (),
) -> None:  # fmt: skip
    """Results, and gradients of inputs and parameters, from the same gradients of the results."""
    ours, theirs = tensors(inputs, dtype)
    due = flat(their_call(*theirs))
    seeds = [rng(17, k).uniform(0.5, 1.5, tuple(y.shape)).astype(dtype) for k, y in enumerate(due)]
    sum((y * torch.tensor(s)).sum() for y, s in zip(due, seeds, strict=True)).backward()
    with xt.autograd.tape():
        came = flat(our_call(*ours))
        total = sum(
            xt.sums(y * s.reshape(y.shape)) for y, s in zip(came, seeds, strict=True)
        )  # fmt: skip
    total.backward()
    for y, expected in zip(came, due, strict=True):
        assert distance(y, expected) < CLOSE[dtype]
    for mine, other in [*zip(ours, theirs, strict=True), *parameters]:
        assert (mine.grad is None) == (other.grad is None)
        if other.grad is not None:
            assert distance(mine.grad, other.grad) < CLOSE[dtype]


@dataclass(frozen=True)
class Row:
    """A layer of ours and its twin. ``names`` translates parameter names, ours to theirs."""

    ours: Callable[[int], xt.Module]
    theirs: Callable[[Any], Any]
    inputs: Sequence[np.ndarray]
    names: dict[str, str] = field(default_factory=dict)


CONV = {"weights": "weight"}
NORM = {"gamma": "weight", "beta": "bias", "global_mean": "running_mean",
        "global_variance": "running_var"}  # fmt: skip


class SamePadding(nn.Module):
    """A convolution behind explicit padding: PyTorch has no "same" with a stride."""

    def __init__(self, padding: Any, conv: Any) -> None:
        super().__init__()
        self.padding, self.conv = padding, conv

    def forward(self, x: Any) -> Any:
        return self.conv(functional.pad(x, self.padding))


LAYERS = {
    "Linear": Row(lambda d: xt.Linear(4, 3, dtype=d), lambda d: nn.Linear(4, 3, dtype=d),
                  [normal(1, 2, 5, 4)], CONV),
    "Linear, no bias": Row(
        lambda d: xt.Linear(4, 3, use_bias=False, dtype=d),
        lambda d: nn.Linear(4, 3, bias=False, dtype=d), [normal(1, 5, 4)], CONV,
    ),
    "Conv1D": Row(lambda d: xt.Conv1D(3, 4, 3, 2, 1, dtype=d),
                  lambda d: nn.Conv1d(3, 4, 3, 2, 1, dtype=d), [normal(1, 2, 3, 9)], CONV),
    "Conv1D, dilated groups": Row(
        lambda d: xt.Conv1D(4, 6, 3, padding=2, dilation_rate=2, group=2, dtype=d),
        lambda d: nn.Conv1d(4, 6, 3, padding=2, dilation=2, groups=2, dtype=d),
        [normal(1, 2, 4, 9)], CONV,
    ),
    "Conv2D": Row(lambda d: xt.Conv2D(3, 4, (3, 2), (2, 1), (1, 0), dtype=d),
                  lambda d: nn.Conv2d(3, 4, (3, 2), (2, 1), (1, 0), dtype=d),
                  [normal(1, 2, 3, 7, 6)], CONV),
    "Conv2D, same": Row(lambda d: xt.Conv2D(3, 4, (3, 4), padding="same", dtype=d),
                        lambda d: nn.Conv2d(3, 4, (3, 4), padding="same", dtype=d),
                        [normal(1, 2, 3, 7, 6)], CONV),
    "Conv2D, same with a stride": Row(
        lambda d: xt.Conv2D(3, 4, (4, 3), (2, 2), "same", dtype=d),
        lambda d: SamePadding((0, 1, 1, 2), nn.Conv2d(3, 4, (4, 3), 2, dtype=d)),
        [normal(1, 2, 3, 7, 6)], {"weights": "conv.weight", "bias": "conv.bias"},
    ),
    "Conv2D, depthwise": Row(
        lambda d: xt.Conv2D(4, 8, 3, group=4, use_bias=False, dtype=d),
        lambda d: nn.Conv2d(4, 8, 3, groups=4, bias=False, dtype=d), [normal(1, 2, 4, 6, 6)], CONV,
    ),
    "Conv2D, many channels": Row(
        lambda d: xt.Conv2D(40, 48, 3, padding=1, dtype=d),
        lambda d: nn.Conv2d(40, 48, 3, padding=1, dtype=d), [normal(1, 3, 40, 15, 14)], CONV,
    ),
    "Conv2D, 1x1": Row(lambda d: xt.Conv2D(40, 48, 1, dtype=d),
                       lambda d: nn.Conv2d(40, 48, 1, dtype=d), [normal(1, 3, 40, 9, 9)], CONV),
    "Conv2D, many channels and a stride": Row(
        lambda d: xt.Conv2D(40, 48, 3, 2, 1, dtype=d),
        lambda d: nn.Conv2d(40, 48, 3, 2, 1, dtype=d), [normal(1, 3, 40, 14, 14)], CONV,
    ),
    "ConvT2D": Row(lambda d: xt.ConvT2D(3, 4, (3, 2), (2, 3), dtype=d),
                   lambda d: nn.ConvTranspose2d(3, 4, (3, 2), (2, 3), dtype=d),
                   [normal(1, 2, 3, 5, 4)], CONV),
    "ConvT2D, padding, dilated groups": Row(
        lambda d: xt.ConvT2D(4, 6, 3, 2, (1, 2), dilation_rate=2, group=2, dtype=d),
        lambda d: nn.ConvTranspose2d(4, 6, 3, 2, (1, 2), groups=2, dilation=2, dtype=d),
        [normal(1, 2, 4, 5, 4)], CONV,
    ),
    "MaxPool1D": Row(lambda d: xt.MaxPool1D(3, 2, 1), lambda d: nn.MaxPool1d(3, 2, 1),
                     [normal(1, 2, 3, 9)]),
    "MaxPool2D": Row(lambda d: xt.MaxPool2D((3, 2), (2, 1), (1, 0)),
                     lambda d: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), [normal(1, 2, 3, 9, 6)]),
    "AvgPool1D": Row(lambda d: xt.AvgPool1D(3, 2, 1), lambda d: nn.AvgPool1d(3, 2, 1),
                     [normal(1, 2, 3, 9)]),
    "AvgPool2D": Row(lambda d: xt.AvgPool2D((3, 2), (2, 1), (1, 0)),
                     lambda d: nn.AvgPool2d((3, 2), (2, 1), (1, 0)), [normal(1, 2, 3, 9, 6)]),
    "Embedding": Row(lambda d: xt.Embedding(7, 3, dtype=d), lambda d: nn.Embedding(7, 3, dtype=d),
                     [np.array([[1, 6, 1], [0, 2, 1]])], CONV),
    "BatchNorm1d": Row(lambda d: xt.BatchNorm1d(3, dtype=d), lambda d: nn.BatchNorm1d(3, dtype=d),
                       [normal(1, 6, 3)], NORM),
    "BatchNorm2d": Row(lambda d: xt.BatchNorm2d(3, momentum=0.3, epsilon=1e-3, dtype=d),
                       lambda d: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3, dtype=d),
                       [normal(1, 2, 3, 4, 5)], NORM),
    "LayerNorm1d": Row(lambda d: xt.LayerNorm1d(5, dtype=d), lambda d: nn.LayerNorm(5, dtype=d),
                       [normal(1, 4, 5)], NORM),
    "LayerNorm2d": Row(
        lambda d: xt.LayerNorm2d(24, affine=False, dtype=d),
        lambda d: nn.LayerNorm([2, 3, 4], elementwise_affine=False), [normal(1, 4, 2, 3, 4)],
    ),
    "LayerNormNd": Row(lambda d: xt.LayerNormNd([3, 4], dtype=d),
                       lambda d: nn.LayerNorm([3, 4], dtype=d), [normal(1, 2, 5, 3, 4)], NORM),
    "Pixel_Shuffle": Row(lambda d: xt.Pixel_Shuffle(2), lambda d: nn.PixelShuffle(2),
                         [normal(1, 2, 8, 3, 4)]),
    "Pixel_Unshuffle": Row(lambda d: xt.Pixel_Unshuffle(2), lambda d: nn.PixelUnshuffle(2),
                           [normal(1, 2, 3, 4, 6)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", LAYERS)
def test_layer(name, dtype):
    row = LAYERS[name]
    torch.manual_seed(1)
    ours, theirs = row.ours(CODES[dtype]), row.theirs(getattr(torch, dtype))
    give_both(ours, theirs, row.names)
    others = dict(theirs.named_parameters())
    pairs = [(p, others[row.names.get(n, n)]) for n, p in ours.named_parameters()]
    compare(ours, theirs, row.inputs, dtype, pairs)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5)], ids=str)
def test_running_values_of_batch_norm(shape, dtype):
    ours, theirs = (
        xt.BatchNorm1d(3, dtype=CODES[dtype]),
        nn.BatchNorm1d(3, dtype=getattr(torch, dtype)),
    )
    for seed in range(5):
        x = (2 * normal(seed, *shape) + 1).astype(dtype)
        with xt.autograd.tape():
            ours(xt.XTensor(x, dtype=CODES[dtype]))
        theirs(torch.tensor(x))
    assert distance(ours.global_mean, theirs.running_mean) < CLOSE[dtype]
    assert distance(ours.global_variance, theirs.running_var) < CLOSE[dtype]
    theirs.eval()
    assert distance(ours(xt.XTensor(x, dtype=CODES[dtype])), theirs(torch.tensor(x))) < CLOSE[dtype]


# -- recurrent ------------------------------------------------------------------------------------

RECURRENT = [
    pytest.param(kind, layers, directions, bias, id=f"{kind}-{layers} layers-{directions}-{bias}")
    for kind in ("RNN", "GRU", "LSTM")
    for layers, directions, bias in ((1, 1, True), (2, 2, True), (2, 1, False), (1, 2, False))
]


def both_recurrent(kind, layers, directions, bias, dtype, prefix="", **options):
    ours = getattr(xt, prefix + kind)(
        5, 4, layers, use_bias=bias, bidirectional=directions == 2, dtype=CODES[dtype], **options
    )
    theirs = getattr(nn, kind)(
        5,
        4,
        layers,
        bias=bias,
        bidirectional=directions == 2,
        dtype=getattr(torch, dtype),
        **options,
    )
    give_both(ours, theirs, {})
    others = dict(theirs.named_parameters())
    return ours, theirs, [(p, others[n]) for n, p in ours.named_parameters()]


def with_states(kind, layer):
    """A call that takes h0, and c0 of an LSTM, one after the other."""
    return lambda x, *states: layer(x, tuple(states) if kind == "LSTM" else states[0])


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(("kind", "layers", "directions", "bias"), RECURRENT)
def test_recurrent(kind, layers, directions, bias, batch_first, dtype):
    ours, theirs, pairs = both_recurrent(
        kind, layers, directions, bias, dtype, batch_first=batch_first
    )
    x = normal(1, *((11, 6) if batch_first else (6, 11)), 5)
    states = [normal(k, layers * directions, 11, 4) for k in (2, 3)[: 1 + (kind == "LSTM")]]
    compare(with_states(kind, ours), with_states(kind, theirs), [x, *states], dtype, pairs)
    compare(ours, theirs, [x], dtype)


@pytest.mark.parametrize("dtype", CLOSE)
def test_rnn_with_relu(dtype):
    ours, theirs, pairs = both_recurrent("RNN", 2, 2, True, dtype, nonlinearity="relu",
                                         batch_first=True)  # fmt: skip
    compare(ours, theirs, [normal(1, 3, 6, 5)], dtype, pairs)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(("kind", "layers", "directions", "bias"), RECURRENT)
def test_recurrent_on_packed_sequences(kind, layers, directions, bias, dtype):
    ours, theirs, pairs = both_recurrent(kind, layers, directions, bias, dtype, "Dynamic_")
    lengths = [4, 1, 6, 3, 6]

    def our_call(x, *states):
        packed = xt.pack_pad_sequence(x, lengths, enforce_sorted=False)
        output, last = with_states(kind, ours)(packed, *states)
        return xt.pad_packed_sequence(output)[0], last

    def their_call(x, *states):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, last = with_states(kind, theirs)(packed, *states)
        return nn.utils.rnn.pad_packed_sequence(output)[0], last

    states = [normal(k, layers * directions, 5, 4) for k in (2, 3)[: 1 + (kind == "LSTM")]]
    compare(our_call, their_call, [normal(1, 6, 5, 5), *states], dtype, pairs)


# -- functions ------------------------------------------------------------------------------------

x = normal(1, 4, 5)
chance = rng(2).uniform(0.05, 0.95, (4, 5))
one_hot = np.eye(5)[[0, 3, 3, 1]]
classes = np.array([0, 3, 3, 1])
places = rng(3).integers(0, 5, (4, 2, 3))
image = normal(4, 4, 5, 2, 3)
sequences = [normal(5, 3, 2), normal(6, 1, 2), normal(7, 2, 2)]

# Losses take the target first; a target gets no gradient, so it is bound before the comparison.
FUNCTIONS = {
    "sigmoid": (xt.sigmoid, torch.sigmoid, [x]),
    "tanh": (xt.tanh, torch.tanh, [x]),
    "relu": (xt.relu, torch.relu, [x]),
    "softplus": (xt.softplus, functional.softplus, [5 * x]),
    "softsign": (xt.softsign, functional.softsign, [x]),
    # PyTorch's hardsigmoid has a slope of 1/6 in float32 even for float64.
    "hard_sigmoid": (xt.hard_sigmoid, lambda x: torch.clamp(x / 6 + 0.5, 0, 1),
                     [away_from(3 * x, [-3, 3])]),
    "leaky_relu": (lambda x: xt.leaky_relu(x, 0.2), lambda x: functional.leaky_relu(x, 0.2), [x]),
    "elu": (lambda x: xt.elu(x, 0.7), lambda x: functional.elu(x, 0.7), [x]),
    "softmax": (lambda x: xt.softmax(x, 0), lambda x: torch.softmax(x, 0), [x]),
    "log_softmax": (lambda x: xt.log_softmax(x, 1), lambda x: torch.log_softmax(x, 1), [3 * x]),
    "Dropout, no tape": (lambda x: xt.dropout(x, 0.0), nn.Dropout(0.0), [x]),
    "MeanSquaredError": (lambda x: xt.MeanSquaredError()(one_hot, x),
                         lambda x: functional.mse_loss(x, torch.tensor(one_hot, dtype=x.dtype)),
                         [x]),
    "BinaryCrossEntropy": (
        lambda x: xt.BinaryCrossEntropy()(one_hot, x),
        lambda x: functional.binary_cross_entropy(x, torch.tensor(one_hot, dtype=x.dtype)),
        [chance],
    ),
    "SoftmaxCrossEntropy": (
        lambda x: xt.SoftmaxCrossEntropy()(one_hot, x),
        lambda x: functional.cross_entropy(x, torch.tensor(one_hot, dtype=x.dtype)), [x],
    ),
    # PyTorch has no such loss: its own softmax, with the documented 1e-7 under the logarithm.
    "CategoricalCrossEntropy": (
        lambda x: xt.CategoricalCrossEntropy()(one_hot, x),
        lambda x: -(torch.tensor(one_hot) * torch.log(torch.softmax(x, 1) + 1e-7)).sum(1).mean(),
        [x],
    ),
    "NLL_Loss": (lambda x: xt.NLL_Loss()(classes, x),
                 lambda x: functional.nll_loss(x, torch.tensor(classes)), [x]),
    "NLL_Loss of images": (lambda x: xt.NLL_Loss()(places, x),
                           lambda x: functional.nll_loss(x, torch.tensor(places)), [image]),
    "CrossEntropyLoss": (lambda x: xt.CrossEntropyLoss()(classes, x),
                         lambda x: functional.cross_entropy(x, torch.tensor(classes)), [x]),
    "CrossEntropyLoss of images": (
        lambda x: xt.CrossEntropyLoss()(places, x),
        lambda x: functional.cross_entropy(x, torch.tensor(places)), [image],
    ),
    "pad_sequence": (lambda *s: xt.pad_sequence(list(s), True, 0.5),
                     lambda *s: nn.utils.rnn.pad_sequence(list(s), True, 0.5), sequences),
}  # fmt: skip


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name, dtype):
    ours, theirs, inputs = FUNCTIONS[name]
    compare(ours, theirs, inputs, dtype)


# -- optimizers -----------------------------------------------------------------------------------

# PyTorch adds epsilon at another place in Adam and Adamax; next to nothing makes no difference.
TINY = 1e-30
OPTIMIZERS = {
    "SGD": (lambda p: xt.SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "SGD, momentum": (lambda p: xt.SGD(p, 0.1, 0.9), lambda p: torch.optim.SGD(p, 0.1, 0.9)),
    "SGD, Nesterov": (lambda p: xt.SGD(p, 0.1, 0.9, nesterov=True),
                      lambda p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True)),
    "Adam": (lambda p: xt.Adam(p, 0.1, epsilon=TINY), lambda p: torch.optim.Adam(p, 0.1, eps=TINY)),
    "Adam, amsgrad": (
        lambda p: xt.Adam(p, 0.1, 0.8, 0.7, TINY, amsgrad=True),
        lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.7), TINY, amsgrad=True),
    ),
    "Adamax": (lambda p: xt.Adamax(p, 0.1, epsilon=TINY),
               lambda p: torch.optim.Adamax(p, 0.1, eps=TINY)),
    "Adadelta": (lambda p: xt.Adadelta(p, 0.1, 0.9, 1e-6),
                 lambda p: torch.optim.Adadelta(p, 0.1, 0.9, 1e-6)),
    "Adagrad": (lambda p: xt.Adagrad(p, 0.1, 1e-6),
                lambda p: torch.optim.Adagrad(p, 0.1, eps=1e-6)),
    "RMSProp": (lambda p: xt.RMSProp(p, 0.1, 0.9, 1e-6),
                lambda p: torch.optim.RMSprop(p, 0.1, 0.9, 1e-6)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name, dtype):
    """Five steps of a small network."""
    torch.manual_seed(2)
    ours = xt.Linear(5, 5, dtype=CODES[dtype])
    theirs = nn.Linear(5, 5, dtype=getattr(torch, dtype))
    give_both(ours, theirs, CONV)
    our_optimizer = OPTIMIZERS[name][0](ours.parameters())
    their_optimizer = OPTIMIZERS[name][1](theirs.parameters())
    for seed in range(5):
        batch = normal(seed, 4, 5).astype(dtype)
        with xt.autograd.tape():
            loss = xt.CrossEntropyLoss()(classes, ours(xt.XTensor(batch, dtype=CODES[dtype])))
        loss.backward()
        our_optimizer.step()
        their_optimizer.zero_grad()
        functional.cross_entropy(theirs(torch.tensor(batch)), torch.tensor(classes)).backward()
        their_optimizer.step()
    assert distance(ours.weights, theirs.weight) < CLOSE[dtype]
    assert distance(ours.bias, theirs.bias) < CLOSE[dtype]
