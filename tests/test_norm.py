"""Normalisation and losses beyond the table: running values, digits, threads."""

from __future__ import annotations

import numpy as np

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
            (lambda x: xt.BatchNorm2d(16)(x), image),
        ):
            x = xt.XTensor(data, requires_grad=True)
            with xt.autograd.tape():
                y = call(x)
            y.backward(xt.XTensor(np.cos(np.arange(y.size)).reshape(y.shape)))
            found += [y.to_numpy().tobytes(), x.grad.to_numpy().tobytes()]
        results.append(found)
    assert results[0] == results[1]
