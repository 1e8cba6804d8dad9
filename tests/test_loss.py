"""Losses beyond the case table: targets that are no tensors."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
def test_the_gradient_of_binary_cross_entropy_near_its_ends(device):
    values = np.array([1 - 2900 * 2.0**-24, 1 - 3 * 2.0**-12, 1e-6], np.float32)
    x = xt.XTensor(values, requires_grad=True, device=device)
    with xt.autograd.tape():
        loss = xt.binary_cross_entropy(xt.zeros([3], device=device), x)
    loss.backward()
    np.testing.assert_allclose(x.grad.to_numpy(), 1 / (1 - values.astype(float)) / 3, rtol=1e-6)


@pytest.mark.parametrize(
    "loss", [xt.mean_squared_error, xt.binary_cross_entropy, xt.softmax_cross_entropy]
)
def test_a_bare_target_keeps_the_digits_of_a_float64_prediction(loss):
    rng = np.random.default_rng(3)
    target, values = rng.dirichlet(np.ones(5), 4), rng.uniform(0.1, 0.9, (4, 5))
    prediction = xt.XTensor(values, dtype=xt.kfloat64)
    due = loss(xt.XTensor(target, dtype=xt.kfloat64), prediction)
    assert loss(target, prediction).item() == due.item()
    assert loss(target.tolist(), prediction).item() == due.item()
