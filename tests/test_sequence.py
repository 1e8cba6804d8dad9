"""Sequences: what a PackedSequence holds, and what goes through several of the functions."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt


def test_the_documented_example():
    sequences = [xt.ones([n, 2, 3]) for n in (4, 2, 1)]
    packed = xt.pack_pad_sequence(xt.pad_sequence(sequences, True), [4, 2, 1], True, False)
    assert packed.data.shape == [7, 2, 3]
    assert packed.batch_sizes == [3, 2, 1, 1]
    assert packed.lengths == [4, 2, 1]
    padded, lengths = xt.pad_packed_sequence(packed, batch_first=True)
    assert lengths == [4, 2, 1]
    assert all(type(n) is int for n in lengths)
    np.testing.assert_array_equal(
        padded.to_numpy()[..., 0, 0], [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]
    )


@pytest.mark.parametrize("first", [False, True])
def test_unsorted_sequences_come_back_in_their_order(first):
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 9, 12)
    sequences = [xt.XTensor(rng.standard_normal((n, 3))) for n in lengths]
    padded = xt.pad_sequence(sequences, first)
    packed = xt.pack_pad_sequence(padded, lengths, first, enforce_sorted=False)
    assert packed.lengths == lengths.tolist()
    order = np.array(packed.sorted_indices)
    assert order[packed.unsorted_indices].tolist() == list(range(12))
    assert (np.diff(lengths[order]) <= 0).all()
    ties = np.diff(lengths[order]) == 0
    assert (np.diff(order)[ties] > 0).all(), "equal lengths changed places"
    again, came = xt.pad_packed_sequence(packed, first)
    np.testing.assert_array_equal(again.to_numpy(), padded.to_numpy())
    assert came == lengths.tolist()


def test_sorted_input_has_no_indices():
    packed = xt.pack_pad_sequence(xt.ones([2, 2]), [2, 1])
    assert packed.sorted_indices is None
    assert packed.unsorted_indices is None


def test_either_index_makes_the_other():
    data = xt.ones([3])
    assert xt.PackedSequence(data, [3], [1, 2, 0]).unsorted_indices == [2, 0, 1]
    assert xt.PackedSequence(data, [3], None, xt.XTensor([2, 0, 1])).sorted_indices == [1, 2, 0]


def test_padding_and_steps_behind_the_end_get_no_gradient():
    x = xt.ones([3, 2])
    x.requires_grad = True
    with xt.autograd.tape():
        packed = xt.pack_pad_sequence(x, [2, 1])
        padded, _ = xt.pad_packed_sequence(packed, padding_value=5, total_length=4)
    padded.backward()
    np.testing.assert_array_equal(x.grad.to_numpy(), [[1, 1], [1, 0], [0, 0]])


def test_only_the_sequences_that_want_a_gradient_get_one():
    a, b = xt.XTensor([1.0, 2.0], requires_grad=True), xt.XTensor([3.0])
    with xt.autograd.tape():
        y = xt.pad_sequence([a, b])
    y.backward(xt.XTensor([[1, 2], [3, 4]]))
    np.testing.assert_array_equal(a.grad.to_numpy(), [1, 3])
    assert b.grad is None


def test_the_tape_names_what_was_called():
    x = xt.ones([2, 2])
    x.requires_grad = True
    with xt.autograd.tape() as tape:
        xt.pad_pack_sequence(xt.pack_pad_sequence(xt.pad_sequence([x, x]), [2, 2]))
    names = [line.split()[1] for line in str(tape).splitlines()[1:]]
    assert names == ["pad_sequence", "pack_pad_sequence", "pad_packed_sequence"]


def test_the_result_does_not_share_memory_with_a_sequence():
    x = xt.ones([2, 2])
    padded = xt.pad_sequence([x])
    padded[0] = 7
    assert (x.to_numpy() == 1).all()
