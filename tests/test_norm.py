"""Normalisation and losses beyond the table: running values, digits, threads."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt


def test_running_values_of_batch_norm():
    x = np.random.default_rng(0).standard_normal((6, 3, 4)) * 2 + 1
    layer = xt.BatchNorm1d(3, momentum=0.3, dtype=xt.kfloat64)
    layer(xt.XTensor(x, dtype=xt.kfloat64))
    assert layer.global_mean.to_numpy().tolist() == [0, 0, 0]
    with xt.autograd.tape():
        layer(xt.XTensor(x, dtype=xt.kfloat64))
    mean, variance = x.mean((0, 2)), x.var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.global_mean.to_numpy(), 0.3 * mean, rtol=1e-13)
    np.testing.assert_allclose(layer.global_variance.to_numpy(), 0.7 + 0.3 * variance, rtol=1e-13)
    assert not layer.global_mean.requires_grad
    assert list(layer.state_dict()) == ["gamma", "beta", "global_mean", "global_variance"]
    assert len(layer.parameters()) == 2


def test_statistics_far_from_zero_keep_their_digits():
    x = np.random.default_rng(1).standard_normal((16, 2, 500)).astype(np.float32) + 1000
    layer = xt.BatchNorm1d(2)
    with xt.autograd.tape():
        y = layer(xt.XTensor(x)).to_numpy()
    exact = x.astype(np.float64)
    due = (exact - exact.mean((0, 2), keepdims=True)) / exact.std((0, 2), keepdims=True)
    assert abs(y - due).max() < 1e-4


@pytest.mark.parametrize("shape", [(7, 3), (9, 40_000), (1027, 300), (70_001, 3)])
def test_rows_in_parts_have_the_statistics_of_all_rows(shape):
    rng = np.random.default_rng(3)
    x = (rng.standard_normal(shape) * 2 + rng.standard_normal(shape[1]) * 50).astype(np.float32)
    grad = rng.standard_normal(shape).astype(np.float32)
    layer, given = xt.BatchNorm1d(shape[1], epsilon=1e-3), xt.XTensor(x, requires_grad=True)
    gamma = rng.uniform(0.5, 2, shape[1]).astype(np.float32)
    layer.load_state_dict({**layer.state_dict(), "gamma": gamma})
    with xt.autograd.tape():
        y = layer(given)
    y.backward(xt.XTensor(grad))
    exact = x.astype(np.float64)
    scale = 1 / np.sqrt(exact.var(0) + 1e-3)
    h = (exact - exact.mean(0)) * scale
    assert abs(y.to_numpy() - h * gamma).max() < 1e-4
    slope, level = (grad * h).mean(0), grad.mean(0, np.float64)
    due = gamma * scale * (grad - level - h * slope)
    for found, wanted in (
        (given.grad, due),
        (layer.gamma.grad, slope * len(x)),
        (layer.beta.grad, level * len(x)),
    ):
        assert np.linalg.norm(found.to_numpy() - wanted) < 2e-5 * np.linalg.norm(wanted)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 5)])
def test_an_empty_batch_has_a_gradient_in_evaluation(shape):
    x, layer = xt.XTensor(np.ones(shape), requires_grad=True), xt.BatchNorm1d(3)
    with xt.autograd.tape(), xt.autograd.eval_mode():
        y = layer(x)
    y.backward(xt.XTensor(np.ones(shape)))
    assert x.grad.shape == list(shape)
    assert layer.gamma.grad.to_numpy().tolist() == [0, 0, 0]


def test_an_outlier_in_the_first_row_costs_the_others_no_digits():
    x = np.random.default_rng(4).standard_normal((300, 4)).astype(np.float32) * 0.01
    x[0] = [1e4, -1e4, np.nan, 0]
    x[:, 3] = 7
    layer = xt.BatchNorm1d(4, momentum=1.0)
    with xt.autograd.tape():
        y = layer(xt.XTensor(x)).to_numpy()
    due = x.astype(np.float64).var(0, ddof=1)
    np.testing.assert_allclose(layer.global_variance.to_numpy(), due, rtol=1e-6)
    assert np.isnan(y).all(0).tolist() == [False, False, True, False]
    assert (y[:, 3] == 0).all()


def test_results_of_norms_and_losses_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(2)
    wide = rng.standard_normal((300, 500)).astype(np.float32)
    image = rng.standard_normal((8, 16, 30, 30)).astype(np.float32)
    labels = rng.integers(0, 500, 300)
    results = []
    for threads in (1, 3):
        xt.set_num_threads(threads)
        found = []
        for call, data in (
            (lambda x: xt.softmax(x), wide),
            (lambda x: xt.log_softmax(x, 0), wide),
            (lambda x: xt.cross_entropy(labels, x), wide),
            (lambda x: xt.mean_squared_error(wide * 2, x), wide),
            (lambda x: xt.layer_norm(x), wide),
            (lambda x: xt.BatchNorm1d(500)(x), wide),
            (lambda x: xt.BatchNorm1d(3)(x), wide.reshape(-1, 3)),
            (lambda x: xt.BatchNorm2d(16)(x), image),
        ):
            x = xt.XTensor(data, requires_grad=True)
            with xt.autograd.tape():
                y = call(x)
            y.backward(xt.XTensor(np.cos(np.arange(y.size)).reshape(y.shape)))
            found += [y.to_numpy().tobytes(), x.grad.to_numpy().tobytes()]
        results.append(found)
    assert results[0] == results[1]


@pytest.mark.parametrize("shape", [(2, 40_000), (5, 14_000), (33, 2_000), (130, 600)])
def test_gradients_of_a_layer_norm_over_long_rows(shape):
    """Of which a few are several parts of the sums over rows, for any number of threads."""
    rng = np.random.default_rng(1)
    x, seed = rng.standard_normal(shape), rng.standard_normal(shape)
    gamma, beta = rng.standard_normal((2, shape[1]))
    h = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    g = seed * gamma
    slope = g - g.mean(1, keepdims=True) - h * (g * h).mean(1, keepdims=True)
    due = slope / np.sqrt(x.var(1, keepdims=True) + 1e-5), (seed * h).sum(0), seed.sum(0)
    found = set()
    for threads in (1, 2, 3):
        xt.set_num_threads(threads)
        inputs = [xt.XTensor(a, dtype=xt.kfloat64, requires_grad=True) for a in (x, gamma, beta)]
        with xt.autograd.tape():
            y = xt.layer_norm(*inputs)
        y.backward(xt.XTensor(seed, dtype=xt.kfloat64))
        for t, exact in zip(inputs, due, strict=True):
            np.testing.assert_allclose(t.grad.to_numpy(), exact, rtol=1e-9, atol=1e-11)
        found.add(b"".join(t.grad.to_numpy().tobytes() for t in inputs))
    assert len(found) == 1
