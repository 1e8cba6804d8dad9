"""What the table of cases does not ask of softmax: threads, and NaN in one column of many."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels import launch


@pytest.mark.parametrize("op", [xt.softmax, xt.log_softmax])
@pytest.mark.parametrize(("shape", "axis"), [((300, 500), 0), ((300, 500), 1), ((4, 30, 999), 1)])
def test_threads_change_no_byte(op, shape, axis):
    rng = np.random.default_rng(1)
    x, g = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    before, results = xt.get_num_threads(), []
    for threads in (1, 2, 4):
        xt.set_num_threads(threads)
        t = xt.XTensor(x, requires_grad=True)
        with xt.autograd.tape():
            y = op(t, axis)
        y.backward(xt.XTensor(g))
        results.append((y.to_numpy().tobytes(), t.grad.to_numpy().tobytes()))
    xt.set_num_threads(before)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("op", [xt.softmax, xt.log_softmax])
def test_columns_do_not_touch_each_other(op):
    x = np.random.default_rng(2).standard_normal((20, 70)).astype(np.float32)
    x[3, 5], x[:, 66], x[7, 69] = np.nan, -np.inf, np.inf
    result, alone = op(xt.XTensor(x), 0).to_numpy(), op(xt.XTensor(x.T), 1).to_numpy().T
    assert np.isnan(result).all(axis=0).nonzero()[0].tolist() == [5, 66, 69]
    np.testing.assert_allclose(result, alone, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 5e-7), (np.float64, 1e-15)])
def test_the_logarithm_over_columns_is_as_good_as_over_rows(dtype, error):
    x = np.zeros((300, 66), dtype)  # the logarithms of 1 to 300
    for count in range(66):
        x[count * 4 + 1 :, count] = -np.inf
    due = -np.log(np.arange(1, 266, 4, dtype=float)[:66])
    came = xt.log_softmax(xt.XTensor(x, dtype=xt.dtype.code_of(x.dtype)), 0).to_numpy()[0]
    np.testing.assert_allclose(came, due, rtol=error)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("length", [7, 90])
def test_a_logarithm_near_zero_keeps_its_digits(axis, length):
    """Of numbers of which one is far above the others: -log(1 + sum of exp(-20))."""
    shape = [40, 40, 40]
    shape[axis] = length
    x = np.full(shape, -20, np.float32)
    top = np.moveaxis(x, axis, 0)[length // 2]
    top[:] = 0
    came = np.moveaxis(xt.log_softmax(xt.XTensor(x), axis).to_numpy(), axis, 0)[length // 2]
    due = np.log1p((length - 1) * np.exp(-20.0))
    np.testing.assert_allclose(came, -due, rtol=1e-5)
    if axis == 1:
        classes = xt.XTensor(np.full((40, 40), length // 2), dtype=xt.kint64)
        loss = xt.cross_entropy(classes, xt.XTensor(x)).item()
        np.testing.assert_allclose(loss, due, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 5, 15, 16, 17, 33, 48, 49])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_rows_in_blocks_of_any_number(length, dtype):
    """They are transposed in squares: nothing around them is touched, and NaN there is not met."""
    rng = np.random.default_rng(3)
    for rows in (1, 3, 16, 63, 64, 65, 129):
        x, g = (5 * rng.standard_normal((rows, length)) for _ in range(2))
        due = np.exp(x - x.max(1, keepdims=True))
        due /= due.sum(1, keepdims=True)
        arrays = [np.full(x.size + 80, np.nan, dtype) for _ in range(4)]
        out, grad_x, xs, gs = (a[40:-40].reshape(rows, length, 1) for a in arrays)
        xs[..., 0], gs[..., 0] = x, g
        error = 1e-12 if dtype == np.float64 else 1e-5
        launch("log_softmax_forward", rows, out, xs)
        np.testing.assert_allclose(out[..., 0], np.log(due), error, error)
        launch("log_softmax_backward", rows, grad_x, gs, out)
        grad = g - due * g.sum(1, keepdims=True)
        np.testing.assert_allclose(grad_x[..., 0], grad, 10 * error, 10 * error)
        launch("softmax_forward", rows, out, xs)
        np.testing.assert_allclose(out[..., 0], due, error, error)
        launch("softmax_backward", rows, grad_x, gs, out)
        grad = due * (g - (g * due).sum(1, keepdims=True))
        np.testing.assert_allclose(grad_x[..., 0], grad, 10 * error, 10 * error)
        around = np.concatenate([np.concatenate([a[:40], a[-40:]]) for a in arrays])
        assert np.isnan(around).all()


@pytest.mark.parametrize("classes", [4, 48, 49, 600])
def test_a_small_loss_of_rows_keeps_its_digits(classes):
    """log(1 + (classes - 1) exp(-20)): in float32 the sum would be 1, as it is for pixels."""
    x = np.full((70, classes), -20.0, np.float32)
    x[:, 2] = 0
    loss = xt.cross_entropy(xt.XTensor(np.full(70, 2), dtype=xt.kint64), xt.XTensor(x))
    due = np.log1p((classes - 1) * np.exp(-20.0))
    np.testing.assert_allclose(loss.item(), due, rtol=1e-6)
    scores = xt.log_softmax(xt.XTensor(x), 1).to_numpy()
    np.testing.assert_allclose(scores[:, 2], -due, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradients_of_short_rows_keep_what_large_ones_leave(name):
    x = xt.XTensor(np.zeros((4, 3)), requires_grad=True)
    seed = np.tile(np.array([1e8, 1, -1e8], np.float32), (4, 1))  # in float32 the 1 is lost
    with xt.autograd.tape():
        y = getattr(xt, name)(x, 1)
    y.backward(xt.XTensor(seed))
    due = (1 - 1 / 3) / (3 if name == "softmax" else 1)
    np.testing.assert_allclose(x.grad.to_numpy()[:, 1], due, rtol=1e-3)
