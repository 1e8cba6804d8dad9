"""The same parameters and inputs in PyTorch, where it is installed: results and all gradients.

float64 has to agree to 1e-9 and float32 to 1e-5 of the norm. Only what both libraries define alike
is here; docs/migrating.md says what differs.
"""

from __future__ import annotations

import itertools
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


def give_both(ours: xt.Module, theirs: Any, names: dict[str, str]) -> list[tuple[Any, Any]]:
    """The same parameters in both; ``names`` translates ours to theirs, where they differ.

    PyTorch's arrays are loaded as they are, but Conv1D's weights have one documented last axis of
    length 1 more. Norms start with ones and zeros, which hide mistakes: all are moved a little.

    Returns:
        Our parameters, each with its twin.
    """
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    twins = theirs.state_dict(keep_vars=True)
    arrays = {n: twins[names.get(n, n)].detach().numpy() for n in ours.state_dict()}
    if isinstance(ours, xt.Conv1D):
        arrays["weights"] = arrays["weights"][..., np.newaxis]
    ours.load_state_dict(arrays)
    return [(p, twins[names.get(n, n)]) for n, p in ours.named_parameters()]


def evaluating(layer: xt.Module) -> Callable[..., Any]:
    """The layer as it is without a tape, with gradients all the same."""

    def call(*inputs: xt.XTensor) -> Any:
        with xt.autograd.eval_mode():
            return layer(*inputs)

    return call


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
    """Results, and gradients of inputs and parameters, from the same gradients of the results.

    Where PyTorch's result has no axis, ours has one of length 1.
    """
    ours, theirs = tensors(inputs, dtype)
    for _, other in parameters:
        other.grad = None  # PyTorch adds to what an earlier comparison left
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
        assert y.shape == (list(expected.shape) or [1])
        assert y.to_numpy().dtype == dtype
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


# PyTorch has no "same" with a stride, so its twins are padded before, or cropped behind, by hand:
# (left, right, top, bottom), the odd one at the end.
PADDED = {"weights": "1.weight", "bias": "1.bias"}
CROPPED = {"weights": "0.weight", "bias": "0.bias"}
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
    "Conv1D, same with a stride": Row(
        lambda d: xt.Conv1D(3, 4, 3, 2, "same", dilation_rate=2, dtype=d),
        lambda d: nn.Sequential(nn.ZeroPad1d((1, 2)), nn.Conv1d(3, 4, 3, 2, dilation=2, dtype=d)),
        [normal(1, 2, 3, 10)], PADDED,
    ),
    "Conv1D, valid": Row(
        lambda d: xt.Conv1D(3, 4, 4, 3, "valid", use_bias=False, dtype=d),
        lambda d: nn.Conv1d(3, 4, 4, 3, bias=False, dtype=d), [normal(1, 2, 3, 12)], CONV,
    ),
    "Conv2D": Row(lambda d: xt.Conv2D(3, 4, (3, 2), (2, 1), (1, 0), dtype=d),
                  lambda d: nn.Conv2d(3, 4, (3, 2), (2, 1), (1, 0), dtype=d),
                  [normal(1, 2, 3, 7, 6)], CONV),
    "Conv2D, same": Row(lambda d: xt.Conv2D(3, 4, (3, 4), padding="same", dtype=d),
                        lambda d: nn.Conv2d(3, 4, (3, 4), padding="same", dtype=d),
                        [normal(1, 2, 3, 7, 6)], CONV),
    "Conv2D, same with a stride": Row(
        lambda d: xt.Conv2D(3, 4, (4, 3), (2, 2), "same", dtype=d),
        lambda d: nn.Sequential(nn.ZeroPad2d((0, 1, 1, 2)), nn.Conv2d(3, 4, (4, 3), 2, dtype=d)),
        [normal(1, 2, 3, 7, 6)], PADDED,
    ),
    "Conv2D, valid, dilated groups and strides": Row(
        lambda d: xt.Conv2D(4, 6, (2, 3), (1, 2), "valid", dilation_rate=2, group=2, dtype=d),
        lambda d: nn.Conv2d(4, 6, (2, 3), (1, 2), dilation=2, groups=2, dtype=d),
        [normal(1, 2, 4, 6, 8)], CONV,
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
    "ConvT2D, same": Row(  # 3 cells cropped in one axis; in the other 1 out of the kernel's reach
        lambda d: xt.ConvT2D(3, 4, (4, 2), (1, 3), "same", dtype=d),
        lambda d: nn.Sequential(
            nn.ConvTranspose2d(3, 4, (4, 2), (1, 3), output_padding=(0, 1), dtype=d),
            nn.ZeroPad2d((0, 0, -1, -2)),
        ),
        [normal(1, 2, 3, 5, 4)], CROPPED,
    ),
    "ConvT2D, same, dilated groups": Row(
        lambda d: xt.ConvT2D(4, 6, 3, 2, "same", False, dilation_rate=2, group=2, dtype=d),
        lambda d: nn.Sequential(
            nn.ConvTranspose2d(4, 6, 3, 2, dilation=2, groups=2, bias=False, dtype=d),
            nn.ZeroPad2d((-1, -2, -1, -2)),
        ),
        [normal(1, 2, 4, 5, 4)], CROPPED,
    ),
    "MaxPool1D": Row(lambda d: xt.MaxPool1D(3, 2, 1), lambda d: nn.MaxPool1d(3, 2, 1),
                     [normal(1, 2, 3, 9)]),
    "MaxPool2D": Row(lambda d: xt.MaxPool2D((3, 2), (2, 1), (1, 0)),
                     lambda d: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), [normal(1, 2, 3, 9, 6)]),
    "AvgPool1D": Row(lambda d: xt.AvgPool1D(3, 2, 1), lambda d: nn.AvgPool1d(3, 2, 1),
                     [normal(1, 2, 3, 9)]),
    "AvgPool2D": Row(lambda d: xt.AvgPool2D((3, 2), (2, 1), (1, 0)),
                     lambda d: nn.AvgPool2d((3, 2), (2, 1), (1, 0)), [normal(1, 2, 3, 9, 6)]),
    "MaxPool1D, valid": Row(lambda d: xt.MaxPool1D(2, 3), lambda d: nn.MaxPool1d(2, 3),
                            [normal(1, 2, 3, 10)]),
    "MaxPool1D, same": Row(  # what is padded never wins
        lambda d: xt.MaxPool1D(4, 2, "same"),
        lambda d: nn.Sequential(nn.ConstantPad1d((1, 2), -np.inf), nn.MaxPool1d(4, 2)),
        [normal(1, 2, 3, 9) - 2],
    ),
    "MaxPool2D, same": Row(
        lambda d: xt.MaxPool2D((3, 2), (2, 1), "same"),
        lambda d: nn.Sequential(
            nn.ConstantPad2d((0, 1, 1, 1), -np.inf), nn.MaxPool2d((3, 2), (2, 1))
        ),
        [normal(1, 2, 3, 7, 6) - 2],
    ),
    "AvgPool1D, same": Row(  # what is padded counts
        lambda d: xt.AvgPool1D(4, 2, "same"),
        lambda d: nn.Sequential(nn.ZeroPad1d((1, 2)), nn.AvgPool1d(4, 2)), [normal(1, 2, 3, 9)],
    ),
    "AvgPool2D, same": Row(
        lambda d: xt.AvgPool2D((3, 2), (2, 1), "same"),
        lambda d: nn.Sequential(nn.ZeroPad2d((0, 1, 1, 1)), nn.AvgPool2d((3, 2), (2, 1))),
        [normal(1, 2, 3, 7, 6)],
    ),
    "AvgPool2D, valid": Row(lambda d: xt.AvgPool2D(2, 3), lambda d: nn.AvgPool2d(2, 3),
                            [normal(1, 2, 3, 9, 8)]),
    "Embedding": Row(lambda d: xt.Embedding(7, 3, dtype=d), lambda d: nn.Embedding(7, 3, dtype=d),
                     [np.array([[1, 6, 1], [0, 2, 1]])], CONV),
    "BatchNorm1d": Row(lambda d: xt.BatchNorm1d(3, dtype=d), lambda d: nn.BatchNorm1d(3, dtype=d),
                       [normal(1, 6, 3)], NORM),
    "BatchNorm1d, sequences": Row(
        lambda d: xt.BatchNorm1d(3, dtype=d), lambda d: nn.BatchNorm1d(3, dtype=d),
        [normal(1, 4, 3, 5)], NORM,
    ),
    "BatchNorm2d": Row(lambda d: xt.BatchNorm2d(3, momentum=0.3, epsilon=1e-3, dtype=d),
                       lambda d: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3, dtype=d),
                       [normal(1, 2, 3, 4, 5)], NORM),
    "LayerNorm1d": Row(lambda d: xt.LayerNorm1d(5, dtype=d), lambda d: nn.LayerNorm(5, dtype=d),
                       [normal(1, 4, 5)], NORM),
    "LayerNorm2d": Row(
        lambda d: xt.LayerNorm2d(24, affine=False, dtype=d),
        lambda d: nn.LayerNorm([2, 3, 4], elementwise_affine=False), [normal(1, 4, 2, 3, 4)],
    ),
    "LayerNorm2d, affine": Row(  # gamma and beta are flat: a norm of rows, and the image around it
        lambda d: xt.LayerNorm2d(24, epsilon=1e-3, dtype=d),
        lambda d: nn.Sequential(
            nn.Flatten(), nn.LayerNorm(24, eps=1e-3, dtype=d), nn.Unflatten(1, (2, 3, 4))
        ),
        [normal(1, 4, 2, 3, 4)], {"gamma": "1.weight", "beta": "1.bias"},
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
    compare(ours, theirs, row.inputs, dtype, give_both(ours, theirs, row.names))


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith("BatchNorm")])
def test_batch_norm_trains_and_evaluates(name, dtype):
    row = LAYERS[name]
    ours, theirs = row.ours(CODES[dtype]), row.theirs(getattr(torch, dtype))
    pairs = give_both(ours, theirs, NORM)
    for seed in range(5):
        compare(ours, theirs, [2 * normal(seed, *row.inputs[0].shape) + 1], dtype, pairs)
        assert distance(ours.global_mean, theirs.running_mean) < CLOSE[dtype]
        assert distance(ours.global_variance, theirs.running_var) < CLOSE[dtype]
    compare(evaluating(ours), theirs.eval(), row.inputs, dtype, pairs)


# -- recurrent ------------------------------------------------------------------------------------

RECURRENT = {"RNN": {}, "RNN, relu": {"nonlinearity": "relu"}, "GRU": {}, "LSTM": {}}
NETWORKS = list(itertools.product(RECURRENT, (1, 2), (1, 2), (True, False)))
of_every_network = pytest.mark.parametrize(
    ("name", "layers", "directions", "bias"),
    NETWORKS,
    ids=[f"{n}-{k} layers-{d} directions{'' if b else '-no bias'}" for n, k, d, b in NETWORKS],
)


class Recurrent:
    """A recurrent layer and its twin, called with the states one after the other, or none."""

    def __init__(self, name, layers, directions, bias, dtype, prefix="", sizes=(5, 4), **options):
        torch.manual_seed(1)
        kind, options = name.split(",")[0], {**options, **RECURRENT[name]}
        ours = getattr(xt, prefix + kind)(
            *sizes, layers, use_bias=bias, bidirectional=directions == 2, dtype=CODES[dtype],
            **options,
        )  # fmt: skip
        theirs = getattr(nn, kind)(
            *sizes, layers, bias=bias, bidirectional=directions == 2, dtype=getattr(torch, dtype),
            **options,
        )  # fmt: skip
        self.pairs = give_both(ours, theirs, {})
        self.is_lstm, self.shape = kind == "LSTM", (layers * directions, sizes[1])
        self.ours, self.theirs = self.with_states(ours), self.with_states(theirs)

    def with_states(self, layer):
        def call(x, *states):
            return layer(x, *([states] if self.is_lstm and states else states))

        return call

    def states(self, batch):
        """h0, and c0 of an LSTM."""
        count, size = self.shape
        return [normal(k, count, batch, size) for k in (2, 3)[: 1 + self.is_lstm]]


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
@of_every_network
def test_recurrent(name, layers, directions, bias, batch_first, dtype):
    both = Recurrent(name, layers, directions, bias, dtype, batch_first=batch_first)
    x = normal(1, *((11, 6) if batch_first else (6, 11)), 5)
    for states in (both.states(11), []):
        compare(both.ours, both.theirs, [x, *states], dtype, both.pairs)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("units", [160, 37])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_in_several_tiles(name, units, dtype):
    """48 sequences are more than one tile; 37 units, of any number of gates, end amid a vector."""
    both = Recurrent(name, 1, 2, True, dtype, sizes=(48, units), batch_first=True)
    x = normal(1, 48, 7, 48)
    compare(both.ours, both.theirs, [x, *both.states(48)], dtype, both.pairs)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize(
    ("batch_first", "lengths"), [(True, [6, 6, 4, 3, 1]), (False, [4, 1, 6, 3, 6])], ids=str
)
@of_every_network
def test_recurrent_on_packed_sequences(
    name, layers, directions, bias, batch_first, lengths, dtype
):  # fmt: skip
    both = Recurrent(name, layers, directions, bias, dtype, "Dynamic_", batch_first=batch_first)
    in_order = lengths == sorted(lengths, reverse=True)

    def our_call(x, *states):
        output, last = both.ours(
            xt.pack_pad_sequence(x, lengths, batch_first, in_order), *states
        )  # fmt: skip
        return xt.pad_packed_sequence(output, batch_first)[0], last

    def their_call(x, *states):
        output, last = both.theirs(
            nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first, in_order), *states
        )
        return nn.utils.rnn.pad_packed_sequence(output, batch_first)[0], last

    x = normal(1, *((5, 6) if batch_first else (6, 5)), 5)
    for states in (both.states(5), []):
        compare(our_call, their_call, [x, *states], dtype, both.pairs)


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("lengths", [[4, 3, 3, 1], [3, 1, 4, 3]], ids=["sorted", "unsorted"])
def test_packing_and_padding(lengths, batch_first, dtype):
    """The packed data, what describes them, and a longer padded tensor made of them."""
    in_order = lengths == sorted(lengths, reverse=True)
    described = []

    def our_call(x):
        packed = xt.pack_pad_sequence(x, lengths, batch_first, in_order)
        padded, back = xt.pad_packed_sequence(packed, batch_first, 0.5, 6)
        described.append((packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices, back))
        return packed.data, padded

    def their_call(x):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first, in_order)
        padded, back = nn.utils.rnn.pad_packed_sequence(packed, batch_first, 0.5, 6)
        numbers = (packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices, back)
        described.append(tuple(n if n is None else n.tolist() for n in numbers))
        return packed.data, padded

    x = normal(1, *((4, 5) if batch_first else (5, 4)), 2)
    compare(our_call, their_call, [x], dtype)
    assert described[0] == described[1]


# -- functions ------------------------------------------------------------------------------------

x = normal(1, 4, 5)
chance = rng(2).uniform(0.05, 0.95, (4, 5))
shares = rng(8).dirichlet(np.ones(5), 4)
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
    "softplus, large": (xt.softplus, functional.softplus, [300 * x]),
    "softplus": (xt.softplus, functional.softplus, [5 * x]),
    "softsign": (xt.softsign, functional.softsign, [x]),
    # PyTorch's hardsigmoid has a slope of 1/6 in float32 even for float64.
    "hard_sigmoid": (xt.hard_sigmoid, lambda x: torch.clamp(x / 6 + 0.5, 0, 1),
                     [away_from(3 * x, [-3, 3])]),
    # Not at 0: there our slope is 1, as documented, and PyTorch's is alpha.
    "leaky_relu": (lambda x: xt.leaky_relu(x, 0.2), lambda x: functional.leaky_relu(x, 0.2), [x]),
    "elu": (lambda x: xt.elu(x, 0.7), lambda x: functional.elu(x, 0.7), [x]),
    "softmax": (lambda x: xt.softmax(x, 0), lambda x: torch.softmax(x, 0), [x]),
    "softmax, large": (xt.softmax, lambda x: torch.softmax(x, -1), [300 * x]),
    "softmax, images": (lambda x: xt.softmax(x, 1), lambda x: torch.softmax(x, 1), [image]),
    "log_softmax, large": (xt.log_softmax, lambda x: torch.log_softmax(x, -1), [300 * x]),
    "log_softmax": (lambda x: xt.log_softmax(x, 1), lambda x: torch.log_softmax(x, 1), [3 * x]),
    "Dropout, evaluating": (evaluating(xt.Dropout(0.5)), nn.Dropout(0.5).eval(), [x]),
    "MeanSquaredError": (lambda x: xt.MeanSquaredError()(one_hot, x),
                         lambda x: functional.mse_loss(x, torch.tensor(one_hot, dtype=x.dtype)),
                         [x]),
    "BinaryCrossEntropy": (
        lambda x: xt.BinaryCrossEntropy()(one_hot, x),
        lambda x: functional.binary_cross_entropy(x, torch.tensor(one_hot, dtype=x.dtype)),
        [chance],
    ),
    "BinaryCrossEntropy, shares": (
        lambda x: xt.BinaryCrossEntropy()(shares, x),
        lambda x: functional.binary_cross_entropy(x, torch.tensor(shares, dtype=x.dtype)),
        [chance],
    ),
    "SoftmaxCrossEntropy, shares": (
        lambda x: xt.SoftmaxCrossEntropy()(shares, x),
        lambda x: functional.cross_entropy(x, torch.tensor(shares, dtype=x.dtype)), [50 * x],
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
    "NLL_Loss, images": (lambda x: xt.NLL_Loss()(places, x),
                           lambda x: functional.nll_loss(x, torch.tensor(places)), [image]),
    "CrossEntropyLoss": (lambda x: xt.CrossEntropyLoss()(classes, x),
                         lambda x: functional.cross_entropy(x, torch.tensor(classes)), [x]),
    "CrossEntropyLoss, one sample": (
        lambda x: xt.CrossEntropyLoss()(np.array(3), x),
        lambda x: functional.cross_entropy(x, torch.tensor(3)), [x[0]],
    ),
    "CrossEntropyLoss, images": (
        lambda x: xt.CrossEntropyLoss()(places, x),
        lambda x: functional.cross_entropy(x, torch.tensor(places)), [image],
    ),
    "pad_sequence, time first": (lambda *s: xt.pad_sequence(list(s)),
                                 lambda *s: nn.utils.rnn.pad_sequence(list(s)), sequences),
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
# test_optimizer.py compares the documented formulas, with an epsilon that counts.
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
    code, kind = CODES[dtype], getattr(torch, dtype)
    ours = xt.ModuleList([xt.Linear(5, 6, dtype=code), xt.Linear(6, 5, dtype=code)])
    theirs = nn.ModuleList([nn.Linear(5, 6, dtype=kind), nn.Linear(6, 5, dtype=kind)])
    pairs = give_both(ours, theirs, {f"{k}.weights": f"{k}.weight" for k in (0, 1)})
    make_ours, make_theirs = OPTIMIZERS[name]
    our_optimizer, their_optimizer = make_ours(ours.parameters()), make_theirs(theirs.parameters())
    for seed in range(5):
        compare(
            lambda x: xt.CrossEntropyLoss()(classes, ours[1](xt.tanh(ours[0](x)))),
            lambda x: functional.cross_entropy(
                theirs[1](torch.tanh(theirs[0](x))), torch.tensor(classes)
            ),
            [normal(seed, 4, 5)], dtype, pairs,
        )  # fmt: skip
        our_optimizer.step()
        their_optimizer.step()
        for mine, other in pairs:
            assert distance(mine, other) < CLOSE[dtype]


def test_every_layer_and_optimizer_is_here():
    """Rows are named after what they stand for."""
    rows = {name.split(",")[0] for name in (*LAYERS, *RECURRENT, *FUNCTIONS, *OPTIMIZERS)}
    rows |= {f"Dynamic_{name}" for name in RECURRENT}
    public = {
        name
        for name in xt.__all__
        if isinstance(getattr(xt, name), type)
        and issubclass(getattr(xt, name), (xt.Module, xt.Optimizer))
    }
    assert public - rows == {"Module", "ModuleList", "Optimizer"}
