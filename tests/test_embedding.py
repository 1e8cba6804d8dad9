"""Embedding: gradients of rows taken often, the same for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt


def gradient(rows: int, columns: int, index: np.ndarray, seed: np.ndarray) -> np.ndarray:
    weight = xt.zeros([rows, columns])
    weight.requires_grad = True
    with xt.autograd.tape():
        out = xt.embedding(weight, xt.XTensor(index, dtype=xt.kint64))
    out.backward(xt.XTensor(seed))
    return weight.grad.to_numpy()


def draw(rows: int, columns: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    index = rng.integers(0, rows, count)
    index[: count // 2] = 3  # as padding is: one row far more often than any other
    return index, rng.standard_normal((count, columns)).astype(np.float32)


def test_the_gradient_has_the_same_bytes_for_any_number_of_threads():
    index, seed = draw(500, 64, 8000)
    came = []
    for threads in (1, 2, 5):
        xt.set_num_threads(threads)
        came.append(gradient(500, 64, index, seed).tobytes())
    assert len(set(came)) == 1


def test_a_row_taken_very_often_loses_nothing_in_float32():
    index, seed = draw(10, 4, 200_000)
    seed += 1  # sums far larger than what is added to them
    exact = np.zeros((10, 4))
    np.add.at(exact, index, seed.astype(np.float64))
    np.testing.assert_allclose(gradient(10, 4, index, seed), exact, rtol=3e-6)


def test_rows_not_taken_get_zero():
    grad = gradient(5, 2, np.array([1, 1]), np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(grad, [[0, 0], [2, 2], [0, 0], [0, 0], [0, 0]])


def test_the_layer_starts_from_xavier_normal_and_is_saved_as_weights():
    layer = xt.Embedding(300, 100)
    assert list(layer.state_dict()) == ["weights"]
    weights = layer.weights.to_numpy()
    assert weights.shape == (300, 100)
    assert abs(weights.std() - np.sqrt(2 / 400)) < 1e-3
    assert (xt.Embedding(2, 3, xt.zeros, xt.kfloat64).weights.to_numpy() == 0).all()


def test_an_index_out_of_range_leaves_the_graph_unrecorded():
    layer = xt.Embedding(4, 3)
    with xt.autograd.tape() as tape, pytest.raises(IndexError):
        layer(xt.XTensor([9]))
    assert tape.count == 0
