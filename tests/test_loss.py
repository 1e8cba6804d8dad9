"""Losses beyond the case table: targets that are no tensors."""

from __future__ import annotations

import warnings

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


@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64])
def test_mean_squared_error_trains_its_target_too(dtype):
    model = xt.XTensor([1.0, 4.0], requires_grad=True, dtype=dtype)
    other = xt.XTensor([2.0, 2.0], requires_grad=True)
    for mean in (xt.mean_squared_error, xt.MeanSquaredError()):
        with xt.autograd.tape():
            loss = mean(model, xt.XTensor([2.0, 2.0]))
        loss.backward()
        assert model.grad.dtype == dtype
        assert model.grad.to_numpy().tolist() == [-1, 2]
        with xt.autograd.tape():
            loss = mean(model, other)
        loss.backward()
        assert model.grad.to_numpy().tolist() == [-1, 2]
        assert other.grad.to_numpy().tolist() == [1, -2]


@pytest.mark.parametrize(
    "name",
    ["cross_entropy", "nll_loss", "softmax_cross_entropy", "categorical_cross_entropy",
     "binary_cross_entropy"],
)  # fmt: skip
def test_a_target_that_wants_a_gradient_is_told_that_none_goes_there(name):
    loss = getattr(xt, name)
    scores, target = xt.XTensor([[0.5, 0.5]], requires_grad=True), xt.XTensor([[0.0, 1.0]])
    if name in ("cross_entropy", "nll_loss"):
        scores, target = xt.XTensor([0.0], requires_grad=True), xt.XTensor([[0.5, 0.5]])
    value = loss(scores, target).item()
    with xt.autograd.tape():
        with pytest.warns(RuntimeWarning, match=rf"^{name}: target.*no gradient.*swap.*XTensor"):
            assert loss(scores, target).item() == value
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert loss(xt.XTensor(scores), target).item() == value


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "categorical_cross_entropy"])
def test_class_indices_of_many_classes(name):
    """Memory grows with the number of classes, not with its square."""
    prediction = np.zeros((2, 300_000))
    loss = getattr(xt, name)(xt.XTensor([5, 299_999], dtype=xt.kint64), xt.XTensor(prediction))
    added = 1e-7 if name == "categorical_cross_entropy" else 0
    np.testing.assert_allclose(loss.item(), -np.log(1 / 300_000 + added), rtol=1e-5)


@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64])
@pytest.mark.parametrize("shape", [(3, 5, 131), (2, 40, 64), (1, 2, 65), (2, 1, 7)])
def test_cross_entropy_of_pixels(shape, dtype):
    """Of several tiles of columns, the last one partial: each pixel as a row of its own."""
    rng = np.random.default_rng(1)
    x, classes = rng.standard_normal(shape) * 10, rng.integers(0, shape[1], (shape[0], shape[2]))
    rows = np.moveaxis(x, 1, -1).reshape(-1, shape[1])
    found = []
    for scores, target in ((x, classes), (rows, classes.reshape(-1))):
        prediction = xt.XTensor(scores, dtype=dtype, requires_grad=True)
        with xt.autograd.tape():
            loss = xt.cross_entropy(xt.XTensor(target, dtype=xt.kint64), prediction)
        loss.backward()
        found.append((loss.item(), prediction.grad.to_numpy()))
    (loss, grad), (due, due_grad) = found
    close = 1e-6 if dtype == xt.kfloat32 else 1e-14
    np.testing.assert_allclose(loss, due, rtol=close)
    due_grad = np.moveaxis(due_grad.reshape(shape[0], shape[2], -1), -1, 1)
    np.testing.assert_allclose(grad, due_grad, rtol=1e3 * close, atol=close / rows.size)
