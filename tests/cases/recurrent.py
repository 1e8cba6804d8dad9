"""Rows for the recurrent layers; parameters and states are inputs, so they are checked too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import xtensor as xt

from ..naive import recurrent as naive
from ..naive.sequence import pack
from . import Case, Wrong, normal, rng

INPUTS, HIDDEN = 3, 2
GATES = {"rnn": 1, "relu": 1, "gru": 3, "lstm": 4}
STATES = {"rnn": 1, "relu": 1, "gru": 1, "lstm": 2}
LAYERS = {"rnn": "RNN", "relu": "RNN", "gru": "GRU", "lstm": "LSTM"}
PER_DIRECTION = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def parameters(cell: str, layers: int, directions: int, bias: bool) -> list[np.ndarray]:
    """Of all layers and directions, in the order in which a layer makes them."""
    draw, rows, arrays = rng(7), GATES[cell] * HIDDEN, []
    for layer in range(layers):
        features = INPUTS if layer == 0 else directions * HIDDEN
        shapes = [(rows, features), (rows, HIDDEN)] + [(rows,), (rows,)] * bias
        arrays += [draw.uniform(-0.8, 0.8, shape) for _ in range(directions) for shape in shapes]
    return arrays


def groups(arrays: Sequence[Any], bias: bool) -> list[Sequence[Any]]:
    size = 4 if bias else 2
    return [arrays[k : k + size] for k in range(0, len(arrays), size)]


def layer_with(name: str, cell: str, tensors: Sequence[Any], layers: int, **options: Any) -> Any:
    """The layer with these tensors in the places of its parameters."""
    if cell == "relu":
        options["nonlinearity"] = "relu"
    layer = getattr(xt, name)(INPUTS, HIDDEN, layers, **options)
    names = [parameter for parameter, _ in layer.named_parameters()]
    vars(layer).update(zip(names, tensors, strict=True))
    return layer


def flat(output: Any, last: Any) -> tuple[Any, ...]:
    return (output, *last) if isinstance(last, tuple) else (output, last)


def row(
    label: str,
    cell: str,
    lengths: Sequence[int],
    layers: int = 1,
    bidirectional: bool = False,
    bias: bool = True,
    states: bool = True,
    batch_first: bool = True,
    packed: bool = False,
) -> Case:
    """One layer on sequences of these lengths, padded (all of one length) or packed."""
    directions, batch = 1 + bidirectional, len(lengths)
    name = ("Dynamic_" if packed else "") + LAYERS[cell]
    state_inputs = [normal(20 + k, layers * directions, batch, HIDDEN) for k in range(STATES[cell])]
    used_states = state_inputs if states else []
    steps = max(lengths)
    first = batch_first and not packed
    x = normal(1, batch, steps, INPUTS) if first else normal(1, steps, batch, INPUTS)

    def call(x, *others):
        given, weights = others[: len(used_states)], others[len(used_states) :]
        layer = layer_with(name, cell, weights, layers, batch_first=batch_first, use_bias=bias,
                           bidirectional=bidirectional)  # fmt: skip
        if packed:
            in_order = list(lengths) == sorted(lengths, reverse=True)
            x = xt.pack_pad_sequence(x, list(lengths), enforce_sorted=in_order)
        if not given:
            output, last = layer(x)
        else:
            output, last = layer(x, tuple(given) if cell == "lstm" else given[0])
        return flat(output.data if packed else output, last)

    def oracle(x, *others):
        weights = groups(others[len(used_states) :], bias)
        first_states = others[: len(used_states)] or [np.zeros_like(a) for a in state_inputs]
        times = np.swapaxes(x, 0, 1) if first else x
        sequences = [times[:length, b] for b, length in enumerate(lengths)]
        outputs, last = naive.network(cell, sequences, first_states, weights, directions)
        if packed:
            padded = np.zeros((steps, batch, directions * HIDDEN))
            for b, output in enumerate(outputs):
                padded[: len(output), b] = output
            return (pack(padded, lengths, False), *last)
        return (np.stack(outputs, axis=0 if first else 1), *last)

    inputs = [x, *used_states, *parameters(cell, layers, directions, bias)]
    return Case(name, call, oracle, inputs, f"{cell}, {label}")


def op_row(cell: str, sizes: list[int], reverse: bool, bias: bool = True) -> Case:
    """The op behind the layers, on packed rows."""
    lengths = [sum(size > b for size in sizes) for b in range(sizes[0])]
    states = [normal(20 + k, sizes[0], HIDDEN) for k in range(STATES[cell])]
    function = getattr(xt, "rnn" if cell == "relu" else cell)
    options = {"nonlinearity": "relu"} if cell == "relu" else {}

    def call(x, *others):
        given, weights = others[: len(states)], list(others[len(states) :])
        weights += [None, None] * (not bias)
        return function(x, *weights, *given, batch_sizes=sizes, reverse=reverse, **options)

    def oracle(x, *others):
        given, weights = others[: len(states)], others[len(states) :]
        begins = np.cumsum([0, *sizes])
        out, last = np.empty((len(x), HIDDEN)), [np.empty_like(s) for s in states]
        for b, length in enumerate(lengths):
            rows = begins[:length] + b
            out[rows], after = naive.direction(cell, x[rows], [s[b] for s in given], weights,
                                               reverse)  # fmt: skip
            for array, value in zip(last, after, strict=True):
                array[b] = value
        return (out, *last)

    inputs = [normal(1, sum(sizes), INPUTS), *states, *parameters(cell, 1, 1, bias)]
    label = f"{cell}-{sizes}-{'reverse' if reverse else 'forward'}"
    return Case(function.__name__, call, oracle, inputs, label)


def even_row(cell: str, reverse: bool) -> Case:
    """The op on sequences of one length."""
    states = [normal(20 + k, 3, HIDDEN) for k in range(STATES[cell])]

    def call(x, *others):
        given, weights = others[: len(states)], others[len(states) :]
        return getattr(xt, cell)(x, *weights, *given, reverse=reverse)

    def oracle(x, *others):
        given, weights = others[: len(states)], others[len(states) :]
        each = [
            naive.direction(cell, x[b], [s[b] for s in given], weights, reverse)
            for b in range(len(x))
        ]
        outs, afters = zip(*each, strict=True)
        return (np.stack(outs), *map(np.stack, zip(*afters, strict=True)))

    inputs = [normal(1, 3, 4, INPUTS), *states, *parameters(cell, 1, 1, True)]
    return Case(cell, call, oracle, inputs, f"{cell}-even-{'reverse' if reverse else 'forward'}")


cases = [
    *(
        make
        for cell in ("rnn", "gru", "lstm")
        for make in (
            row("batch first", cell, [3, 3]),
            row("steps first", cell, [3, 3], batch_first=False),
            row("no states, no bias", cell, [2, 2], bias=False, states=False),
            row("bidirectional", cell, [3, 3], bidirectional=True),
            row("two layers, both directions", cell, [2, 2], 2, bidirectional=True),
            row("one step of one sequence", cell, [1]),
            row("lengths", cell, [3, 2, 1], packed=True),
            row("lengths in any order, both directions", cell, [1, 3, 2], bidirectional=True,
                packed=True),
            row("lengths, two layers, no states", cell, [2, 1], 2, states=False, packed=True),
            row("equal lengths, no bias", cell, [2, 2], bias=False, packed=True),
            row("lengths, three layers", cell, [1, 2], 3, packed=True),
            row("one sequence, both directions", cell, [3], bidirectional=True, packed=True),
            op_row(cell, [3, 1, 1], False),
            op_row(cell, [3, 1, 1], True),
            op_row(cell, [2, 2], True, bias=False),
            even_row(cell, False),
            even_row(cell, True),
        )
    ),
    row("batch first", "relu", [3, 3]),
    row("lengths, both directions", "relu", [1, 3], bidirectional=True, packed=True),
    op_row("relu", [2, 1], True),
    op_row("lstm", [1, 1, 0], True),
]  # fmt: skip


def packed(*lengths: int, features: int = 2) -> xt.PackedSequence:
    x = xt.ones([max(lengths), len(lengths), features])
    return xt.pack_pad_sequence(x, list(lengths), enforce_sorted=False)


def bad(name: str, words: list[str], error: type[Exception], *args: Any, **options: Any) -> Wrong:
    return Wrong(name, lambda: getattr(xt, name)(*args, **options), error, [name, *words])


def bad_call(name: str, words: list[str], error: type[Exception], *inputs: Any) -> Wrong:
    """A layer of 2 features and 3 units, 2 layers, called with these."""
    return Wrong(name, lambda: getattr(xt, name)(2, 3, 2)(*inputs), error, [name, *words])


def bad_layer(name: str) -> list[Wrong]:
    return [
        bad(name, ["input_size", "0", "at least 1"], ValueError, 0, 3),
        bad(name, ["hidden_size", "-1", "at least 1"], ValueError, 2, -1),
        bad(name, ["hidden_size", "2.5", "int"], TypeError, 2, 2.5),
        bad(name, ["num_layers", "0"], ValueError, 2, 3, 0),
        bad(name, ["batch_first", "1", "True or False"], TypeError, 2, 3, batch_first=1),
        bad(name, ["bidirectional", "'yes'"], TypeError, 2, 3, bidirectional="yes"),
        bad(name, ["use_bias", "None"], TypeError, 2, 3, use_bias=None),
        bad(name, ["dtype", "kint32"], TypeError, 2, 3, dtype=xt.kint32),
    ]


def bad_states(name: str, x: Any, batch: int) -> list[Wrong]:
    """Initial states of the wrong shape or kind, for a layer of 2 layers and 3 units."""
    if name.endswith("LSTM"):
        good = xt.ones([2, batch, 3])
        return [
            bad_call(name, ["states", "XTensor", "pair"], TypeError, x, good),
            bad_call(name, ["states", "tuple", "pair"], TypeError, x, (good, good, good)),
            bad_call(name, ["h0", "[1, 1, 3]"], ValueError, x, (xt.ones([1, 1, 3]), good)),
            bad_call(name, ["c0", f"[2, {batch}, 4]", f"[2, {batch}, 3]"], ValueError, x,
                     (good, xt.ones([2, batch, 4]))),
            bad_call(name, ["c0", "list"], TypeError, x, (good, [1.0])),
        ]  # fmt: skip
    return [
        bad_call(name, ["h0", "[1, 1, 3]", f"[2, {batch}, 3]"], ValueError, x, xt.ones([1, 1, 3])),
        bad_call(name, ["h0", "[3]"], ValueError, x, xt.ones([3])),
        bad_call(name, ["h0", "tuple"], TypeError, x, (xt.ones([2, batch, 3]),)),
    ]


def bad_op(name: str, words: list[str], error: type[Exception], **changed: Any) -> Wrong:
    """The op with 3 rows of 2 features and 2 units, something being changed."""

    def call() -> Any:
        rows = GATES[name] * 2
        arguments: dict[str, Any] = {
            "x": xt.ones([3, 2]), "weight_ih": xt.ones([rows, 2]), "weight_hh": xt.ones([rows, 2]),
            "bias_ih": None, "bias_hh": None, "h0": None,
            **({"c0": None} if name == "lstm" else {}), "batch_sizes": [2, 1],
        }  # fmt: skip
        return getattr(xt, name)(**(arguments | changed))

    return Wrong(name, call, error, [name, *words])


def every(make: Callable[[str], list[Wrong]], names: Sequence[str]) -> list[Wrong]:
    return [wrong for name in names for wrong in make(name)]


wrong = [
    *every(bad_layer, [*LAYERS.values(), "Dynamic_RNN", "Dynamic_GRU", "Dynamic_LSTM"]),
    *every(
        lambda name: [
            bad_call(name, ["x", "[2, 2]", "[B, T, I]", "2"], ValueError, xt.ones([2, 2])),
            bad_call(name, ["x", "[1, 4, 3]", "input_size = 2"], ValueError, xt.ones([1, 4, 3])),
            bad_call(name, ["x", "[1, 0, 2]", "at least one step"], ValueError, xt.ones([1, 0, 2])),
            bad_call(name, ["x", "PackedSequence", f"Dynamic_{name}"], TypeError, packed(2, 1)),
            bad_call(name, ["x", "ndarray"], TypeError, np.ones([1, 2, 2])),
            *bad_states(name, xt.ones([4, 5, 2]), 4),
        ],
        ["RNN", "GRU", "LSTM"],
    ),
    *every(
        lambda name: [
            bad_call(name, ["x", "XTensor", "pack_pad_sequence"], TypeError, xt.ones([1, 2, 2])),
            bad_call(name, ["x.data", "[3, 4]", "input_size = 2"], ValueError,
                     packed(2, 1, features=4)),
            *bad_states(name, packed(3, 1, 2), 3),
        ],
        ["Dynamic_RNN", "Dynamic_GRU", "Dynamic_LSTM"],
    ),
    *every(
        lambda name: [
            bad_op(name, ["x", "[4, 2]", "3"], ValueError, x=xt.ones([4, 2])),
            bad_op(name, ["x", "[1, 3, 2]", "[3, I]"], ValueError, x=xt.ones([1, 3, 2])),
            bad_op(name, ["x", "[3, 2]", "[B, T, I]"], ValueError, batch_sizes=None),
            bad_op(name, ["x", "[3, 0, 2]", "at least one step"], ValueError,
                   x=xt.ones([3, 0, 2]), batch_sizes=None),
            bad_op(name, ["weight_ih", "[1, 2]"], ValueError, weight_ih=xt.ones([1, 2])),
            bad_op(name, ["weight_hh", "[5, 2]"], ValueError, weight_hh=xt.ones([5, 2])),
            bad_op(name, ["bias_ih", "[7]"], ValueError, bias_ih=xt.ones([7])),
            bad_op(name, ["h0", "[1, 2]", "[2, 2]"], ValueError, h0=xt.ones([1, 2])),
            bad_op(name, ["batch_sizes", "[1, 2]", "never grow"], ValueError, batch_sizes=[1, 2]),
            bad_op(name, ["batch_sizes", "[]"], TypeError, batch_sizes=[]),
            bad_op(name, ["batch_sizes", "1.5"], TypeError, batch_sizes=[1.5, 1.5]),
            bad_op(name, ["reverse", "'no'"], TypeError, reverse="no"),
        ],
        ["rnn", "gru", "lstm"],
    ),
    bad("RNN", ["nonlinearity", "'sigmoid'", "'tanh' or 'relu'"], ValueError, 2, 3, 1, "sigmoid"),
    bad("Dynamic_RNN", ["nonlinearity", "None"], ValueError, 2, 3, nonlinearity=None),
    bad_op("rnn", ["nonlinearity", "'relu6'"], ValueError, nonlinearity="relu6"),
]  # fmt: skip
