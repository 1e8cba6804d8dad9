"""Statistics, running sums and triangles beyond small rows: parts, threads, far from zero."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels.middle import SORTED, middle

from .cases import normal

LARGE = [(300_001,), (40_000, 7), (7, 40_000), (3, 9_000, 12), (90, 3_000), (2, 90_000, 2)]
DTYPES = (np.float32, np.float64)


def close(came, due, dtype):
    scale = np.abs(due).max()
    np.testing.assert_allclose(
        came, due, rtol=0, atol=scale * (1e-6 if dtype is np.float32 else 1e-12)
    )


@pytest.mark.parametrize("shape", LARGE, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_statistics_are_numpys(shape, dtype):
    x = normal(5, *shape).astype(dtype)
    t, wide = (
        xt.XTensor(x, dtype=xt.kfloat32 if dtype is np.float32 else xt.kfloat64),
        x.astype(float),
    )
    for axis in (None, *range(x.ndim)):
        for came, due in (
            (xt.var(t, axis), np.var(wide, axis, ddof=1)),
            (xt.std(t, axis, unbiased=False), np.std(wide, axis)),
            (xt.frobenius_norm(t, axis), np.sqrt((wide * wide).sum(axis))),
        ):
            close(came.to_numpy(), np.reshape(due, came.shape), dtype)
        came = xt.median(t, axis).to_numpy()
        close(came, np.reshape(np.median(wide, axis), came.shape), dtype)
        if axis is not None:
            close(xt.cumsum(t, axis).to_numpy(), np.cumsum(wide, axis), dtype)


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_gradients_of_large_inputs(shape):
    """Against the formulas, in float64."""
    x, seed = normal(6, *shape), 1.5
    for axis in range(x.ndim):
        n = x.shape[axis]
        off, spread = x - x.mean(axis, keepdims=True), x.std(axis, ddof=1, keepdims=True)
        norm = np.sqrt((x * x).sum(axis, keepdims=True))
        remaining = np.moveaxis(
            np.broadcast_to(np.arange(n, 0, -1.0), (*_others(x, axis), n)), -1, axis
        )
        for function, due in ((xt.var, 2 * off / (n - 1)), (xt.std, off / spread / (n - 1)),
                              (xt.frobenius_norm, x / norm), (xt.cumsum, remaining)):  # fmt: skip
            t = xt.XTensor(x, requires_grad=True, dtype=xt.kfloat64)
            with xt.autograd.tape():
                y = function(t, axis) * seed
            y.backward()
            close(t.grad.to_numpy(), seed * due, np.float64)


def _others(x, axis):
    return [n for place, n in enumerate(x.shape) if place != axis]


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_any_number_of_threads_gives_the_same_bytes(shape):
    x = normal(7, *shape).astype(np.float32)
    seen = set()
    for threads in (1, 2, 3):
        xt.set_num_threads(threads)
        parts = []
        for axis in range(x.ndim):
            for function in (xt.var, xt.std, xt.frobenius_norm, xt.median, xt.cumsum):
                t = xt.XTensor(x, requires_grad=True)
                with xt.autograd.tape():
                    y = function(t, axis)
                y.backward()
                parts += [y.to_numpy().tobytes(), t.grad.to_numpy().tobytes()]
        seen.add(b"".join(parts))
    assert len(seen) == 1


def test_a_deviation_far_from_zero_keeps_its_digits():
    x = (normal(8, 200_000) + 1e4).astype(np.float32)
    due = x.astype(float).std(ddof=1)
    assert abs(xt.std(xt.XTensor(x)).item() - due) < 1e-6 * due


@pytest.mark.parametrize("axis", [0, 1, None])
def test_a_deviation_of_numbers_close_to_each_other(axis):
    """Below the distance of their mean from the next float32; of equal numbers it is 0."""
    x = (16384 + 0.003 * normal(9, 1000, 300)).astype(np.float32)
    due = x.astype(float).std(axis=axis, ddof=1)
    np.testing.assert_allclose(xt.std(xt.XTensor(x), axis).to_numpy().ravel(), due, rtol=1e-6)
    equal = xt.full([3000, 7], 0.1, dtype=xt.kfloat32)
    assert not xt.std(equal, axis).to_numpy().any()


def test_a_long_running_sum_of_float32_does_not_stall():
    """In float32 a sum of ones would stay at 2 ** 24."""
    x = xt.ones([2**24 + 10])
    assert xt.cumsum(x).to_numpy()[-1] == 2**24 + 10
    assert xt.cumsum(xt.ones([2**17], dtype=xt.kint8)).to_numpy()[-1] == 2**17


def test_a_norm_whose_squares_overflow_float32():
    assert xt.frobenius_norm(xt.XTensor([3e30, 4e30])).item() == np.float32(5e30)


@pytest.mark.parametrize("name", ["var", "std"])
def test_one_element_has_no_unbiased_variance_and_no_gradient(name):
    t = xt.XTensor([3.0], requires_grad=True)
    with xt.autograd.tape():
        y = getattr(xt, name)(t)
    y.backward()
    assert np.isnan(y.item())
    assert np.isnan(t.grad.item())


@pytest.mark.parametrize("dtype", ["kbool", "kuint8", "kint8", "kint32", "kint64", "kfloat32"])
def test_large_triangles_are_numpys(dtype):
    x = (normal(9, 3, 200, 300) * 30).clip(-127, 127)
    t = xt.XTensor(np.abs(x) if dtype == "kuint8" else x, dtype=getattr(xt, dtype))
    for k in (-300, -50, 0, 50, 400):
        np.testing.assert_array_equal(xt.triu(t, k).to_numpy(), np.triu(t.to_numpy(), k))
        np.testing.assert_array_equal(xt.tril(t, k).to_numpy(), np.tril(t.to_numpy(), k))
        assert xt.triu(t, k).dtype == t.dtype


@pytest.mark.parametrize("length", [1, 2, 7, 8, SORTED, SORTED + 1, SORTED + 2])
def test_medians_of_rows_that_are_sorted_and_of_rows_that_are_parted(length):
    x = np.random.default_rng(3).integers(-4, 5, (6, length)).astype(np.float32)
    x[1], x[2, : (length + 1) // 2], x[3, length // 2] = 2, -np.inf, np.nan
    out, low, high = middle(x)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, np.median(x, axis=1))
    ordered = np.sort(x, axis=1)
    ordered[3] = np.nan
    np.testing.assert_array_equal(low, ordered[:, (length - 1) // 2])
    np.testing.assert_array_equal(high, ordered[:, length // 2])


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
def test_the_gradient_of_a_median_goes_to_the_first_of_equals(device):
    x = xt.XTensor([[2, 2, 2, 2], [4, 1, 4, 3], [1, 5, 2, 2]], requires_grad=True, device=device)
    with xt.autograd.tape():
        y = xt.median(x, 1)
    y.backward(xt.XTensor([1, 10, 100], device=device))
    due = [[1, 0, 0, 0], [5, 0, 0, 5], [0, 0, 100, 0]]
    np.testing.assert_array_equal(x.grad.to_numpy(), due)
