"""Recurrent layers beyond the case table: several tiles of sequences, threads, names, packing."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.ops.recurrent import sequences_together

from .cases.recurrent import GATES, LAYERS, layer_with, parameters
from .naive import recurrent as naive

CELLS = ["rnn", "relu", "gru", "lstm"]
every_cell = pytest.mark.parametrize("cell", CELLS)


def seeds_and_gradients(layer, x):
    """Outputs and all gradients of a layer as bytes."""
    x.requires_grad = True
    with xt.autograd.tape():
        output, last = layer(x)
        total = xt.sums(output * output) + sum(
            xt.sums(state) for state in (last if isinstance(last, tuple) else (last,))
        )
    total.backward()
    gradients = [x.grad, *(p.grad for p in layer.parameters())]
    return [tensor.to_numpy().tobytes() for tensor in (output, *gradients)]


@every_cell
def test_any_number_of_threads_gives_the_same_bytes(cell):
    """48 sequences of 160 units are several tiles."""
    assert sequences_together(48) < 48
    xt.manual_seed(3)
    options = {"nonlinearity": "relu"} if cell == "relu" else {}
    layer = getattr(xt, LAYERS[cell])(48, 160, bidirectional=True, **options)
    x = xt.randn([48, 7, 48])
    before = xt.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 4):
            xt.set_num_threads(threads)
            results.append(seeds_and_gradients(layer, x))
    finally:
        xt.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@every_cell
def test_tiles_of_sequences_of_different_lengths(cell, monkeypatch):
    """Tiles of 2 sequences: some are over before others, some have none left in a step."""
    monkeypatch.setattr("xtensor.ops.recurrent.sequences_together", lambda *_: 2)
    lengths = [5, 4, 4, 2, 1, 1, 1]
    weights = parameters(cell, 1, 2, True)
    layer = layer_with(f"Dynamic_{LAYERS[cell]}", cell,
                       [xt.Parameter(w, dtype=xt.kfloat64) for w in weights], 1,
                       bidirectional=True, dtype=xt.kfloat64)  # fmt: skip
    rng = np.random.default_rng(5)
    sequences = [rng.standard_normal((length, layer.input_size)) for length in lengths]
    packed = xt.pack_pad_sequence(
        xt.pad_sequence([xt.XTensor(s, dtype=xt.kfloat64) for s in sequences]), lengths
    )
    output, last = layer(packed)
    states = [np.zeros((2, len(lengths), layer.hidden_size))] * (2 if cell == "lstm" else 1)
    due, due_last = naive.network(cell, sequences, states, [weights[:4], weights[4:]], 2)
    padded, back = xt.pad_packed_sequence(output)
    assert back == lengths
    for b, expected in enumerate(due):
        np.testing.assert_allclose(padded.to_numpy()[: len(expected), b], expected, atol=1e-13)
    for came, expected in zip(last if cell == "lstm" else (last,), due_last, strict=True):
        np.testing.assert_allclose(came.to_numpy(), expected, atol=1e-13)


@every_cell
@pytest.mark.parametrize("reverse", [False, True])
def test_a_sequence_has_the_same_bytes_in_any_tile(cell, reverse, monkeypatch):
    """37 units end amid a vector, whatever the tile; no sequence minds who goes with it."""
    function, rows = getattr(xt, "rnn" if cell == "relu" else cell), GATES[cell] * 37
    options = {"nonlinearity": "relu"} if cell == "relu" else {}
    xt.manual_seed(4)
    x, w_ih, w_hh, bias = (xt.randn(shape) for shape in ([41, 5], [rows, 5], [rows, 37], [rows]))
    first = [xt.randn([19, 37])] * (2 if cell == "lstm" else 1)
    results = []
    for size in (1, 7, 8, 19):
        monkeypatch.setattr("xtensor.ops.recurrent.sequences_together", lambda _, size=size: size)
        leaves = [xt.XTensor(t.to_numpy(), requires_grad=True) for t in (x, w_ih, w_hh)]
        with xt.autograd.tape():
            out, *last = function(*leaves, bias, bias, *first, [19, 12, 9, 1], reverse, **options)
            total = xt.sums(out * out) + sum(xt.sums(state) for state in last)
        total.backward()
        results.append([t.to_numpy().tobytes() for t in (out, *last, *(t.grad for t in leaves))])
    assert all(result == results[0] for result in results)


@every_cell
def test_gradient_over_tiles(cell, monkeypatch):
    monkeypatch.setattr("xtensor.ops.recurrent.sequences_together", lambda *_: 2)
    options = {"nonlinearity": "relu"} if cell == "relu" else {}
    xt.manual_seed(8)
    layer = getattr(xt, f"Dynamic_{LAYERS[cell]}")(2, 2, dtype=xt.kfloat64, **options)
    packed = xt.pack_pad_sequence(xt.randn([3, 5, 2], dtype=xt.kfloat64), [3, 3, 2, 1, 1])
    names = [name for name, _ in layer.named_parameters()]

    def call(data, *weights):
        vars(layer).update(zip(names, weights, strict=True))
        output, last = layer(xt.PackedSequence(data, packed.batch_sizes))
        return (output.data, *last) if isinstance(last, tuple) else (output.data, last)

    assert xt.gradcheck(call, packed.data, *layer.parameters())


def test_parameters_have_pytorch_names_and_shapes():
    layer = xt.LSTM(5, 4, 2, bidirectional=True)
    assert {name: list(p.shape) for name, p in layer.named_parameters()} == {
        f"{kind}_l{k}{suffix}": shape
        for k, features in ((0, 5), (1, 8))
        for suffix in ("", "_reverse")
        for kind, shape in (
            ("weight_ih", [16, features]), ("weight_hh", [16, 4]), ("bias_ih", [16]),
            ("bias_hh", [16]),
        )
    }  # fmt: skip
    assert not [n for n, _ in xt.GRU(5, 4, use_bias=False).named_parameters() if "bias" in n]


def test_initial_parameters_are_uniform_within_one_over_root_of_hidden_size():
    xt.manual_seed(1)
    for _, parameter in xt.GRU(30, 25).named_parameters():
        values = parameter.to_numpy()
        assert 0.9 * 0.2 < np.abs(values).max() <= 0.2


def test_a_packed_batch_in_any_order_gives_each_sequence_its_own_result():
    """What comes out does not depend on the neighbours, nor on the place in the batch."""
    xt.manual_seed(2)
    layer = xt.Dynamic_GRU(3, 4, 2, bidirectional=True)
    alone = xt.GRU(3, 4, 2, bidirectional=True)
    alone.load_state_dict(layer.state_dict())
    lengths = [2, 5, 1, 3]
    x = xt.randn([4, 5, 3])
    h0 = xt.randn([4, 4, 4])
    packed = xt.pack_pad_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, hn = layer(packed, h0)
    padded, _ = xt.pad_packed_sequence(output, batch_first=True)
    for b, length in enumerate(lengths):
        due, last = alone(x[b : b + 1, :length], h0[:, b : b + 1])
        np.testing.assert_allclose(padded.to_numpy()[b, :length], due.to_numpy()[0], atol=1e-6)
        np.testing.assert_allclose(hn.to_numpy()[:, b], last.to_numpy()[:, 0], atol=1e-6)


def test_edited_batch_sizes_are_refused():
    packed = xt.pack_pad_sequence(xt.ones([3, 2, 2]), [3, 2])
    packed.batch_sizes[0] = 9
    with pytest.raises(ValueError, match="batch_sizes"):
        xt.Dynamic_RNN(2, 3)(packed)


def test_an_empty_batch():
    output, (hn, cn) = xt.LSTM(2, 3, 2)(xt.ones([0, 4, 2]))
    assert output.shape == [0, 4, 3]
    assert hn.shape == cn.shape == [2, 0, 3]


def test_only_the_gradients_asked_for():
    layer = xt.GRU(2, 3)
    layer.weight_hh_l0.requires_grad = False
    with xt.autograd.tape():
        output, _ = layer(xt.ones([1, 2, 2]))
    output.backward()
    assert layer.weight_hh_l0.grad is None
    assert layer.weight_ih_l0.grad.shape == [9, 2]


def test_inputs_without_features_leave_the_bias():
    bias = xt.XTensor([0.5])
    for x, sizes in ((xt.ones([2, 3, 0]), None), (xt.ones([6, 0]), [2, 2, 2])):
        out, last = xt.rnn(x, xt.ones([1, 0]), xt.zeros([1, 1]), bias, None, None, sizes)
        assert out.shape == [*x.shape[:-1], 1]
        assert np.allclose(last.to_numpy(), np.tanh(0.5))
