"""Creation functions and initializers."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor import initializer

both_devices = pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])


@both_devices
@pytest.mark.parametrize(
    ("call", "due"),
    [
        (lambda **k: xt.arange(2, 30, 4, **k), [2, 6, 10, 14, 18, 22, 26]),
        (lambda **k: xt.arange(0, 1, 0.3, **k), [0, 0.3, 0.6, 0.9]),
        (lambda **k: xt.arange(3, 0, -1, **k), [3, 2, 1]),
        (lambda **k: xt.arange(3, 3, **k), []),
        (lambda **k: xt.arange(3, 0, **k), []),
        (lambda **k: xt.linspace(-2.5, 10, 6, **k), [-2.5, 0, 2.5, 5, 7.5, 10]),
        (lambda **k: xt.linspace(1, 2, 1, **k), [1]),
        (lambda **k: xt.linspace(1, 2, 0, **k), []),
        (lambda **k: xt.logspace(0, 3, 4, 2, **k), [1, 2, 4, 8]),
        (lambda **k: xt.eye(2, **k), [[1, 0], [0, 1]]),
        (lambda **k: xt.eye(3, 1, **k), [[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
        (lambda **k: xt.eye(2, -1, **k), [[0, 0], [1, 0]]),
        (lambda **k: xt.eye(0, **k), np.zeros((0, 0))),
        (lambda **k: xt.zeros([2, 3], **k), np.zeros((2, 3))),
        (lambda **k: xt.ones((2,), **k), [1, 1]),
        (lambda **k: xt.full([], 42, **k), 42),
    ],
)
def test_creation(call, due, device):
    x = call(device=device)
    assert (x.dtype, x.device, x.requires_grad) == (xt.kfloat32, device, False)
    assert x.shape == list(np.shape(due))
    np.testing.assert_allclose(x.to_numpy(), due, rtol=1e-6)
    assert call(dtype=xt.kfloat64).dtype == xt.kfloat64


@pytest.mark.parametrize(
    ("device", "count"), [(xt.DEV_CPU, 5), (xt.DEV_CPU, 300_000), (xt.DEV_GPU_0, 5)]
)
@pytest.mark.parametrize(("start", "step"), [(2**30, 7), (5, -3), (-0.7, 0.3), (100.0, -0.25)])
@pytest.mark.parametrize("dtype", list(xt.dtype.DType))
def test_arange_counts_in_whole_numbers_or_float64(device, count, start, step, dtype):
    numbers, numpy_dtype = start + np.arange(count) * step, xt.dtype.to_numpy_dtype(dtype)
    end = start + count * step
    if numpy_dtype.kind in "iu":
        limits = np.iinfo(numpy_dtype)
        if not limits.min <= numbers.min() <= numbers.max() <= limits.max:
            with pytest.raises(OverflowError, match="numbers that"):
                xt.arange(start, end, step, device=device, dtype=dtype)
            return
    due = numbers.astype(numpy_dtype)
    x = xt.arange(start, end, step, device=device, dtype=dtype)
    assert x.device == device
    np.testing.assert_array_equal(x.to_numpy(), due, strict=True)


@pytest.mark.parametrize(
    ("device", "count"), [(xt.DEV_CPU, 2), (xt.DEV_CPU, 300_001), (xt.DEV_GPU_0, 7)]
)
@pytest.mark.parametrize(("start", "end"), [(-1, 0.1), (5.5, -7), (3, 3)])
@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64, xt.kint32, xt.kbool])
def test_linspace_is_numpys_and_ends_where_it_should(device, count, start, end, dtype):
    due = np.linspace(start, end, count).astype(xt.dtype.to_numpy_dtype(dtype))
    x = xt.linspace(start, end, count, device=device, dtype=dtype)
    np.testing.assert_array_equal(x.to_numpy(), due, strict=True)


@pytest.mark.parametrize(
    ("make", "bound", "deviation"),
    [
        (initializer.kaiming_uniform, 1 / 75**0.5, 1 / 225**0.5),
        (initializer.he_uniform, 1 / 75**0.5, 1 / 225**0.5),
        (initializer.xavier_uniform, (6 / 275) ** 0.5, (2 / 275) ** 0.5),
        (initializer.xavier_normal, np.inf, (2 / 275) ** 0.5),
    ],
)
def test_initializers_follow_fan_in_and_fan_out(make, bound, deviation):
    values = make([8, 3, 5, 5]).to_numpy()
    assert abs(values).max() <= bound
    many = np.concatenate([make([8, 3, 5, 5]).to_numpy().ravel() for _ in range(20)])
    assert abs(many.std() / deviation - 1) < 0.05
    assert make([2, 2], dtype=xt.kfloat64).dtype == xt.kfloat64


def test_a_bias_starts_in_the_interval_of_its_weight():
    bias = initializer.initialize(None, [1000], None, 25, "Linear")
    assert isinstance(bias, xt.Parameter)
    assert 0.19 < abs(bias.to_numpy()).max() <= 0.2


def test_an_initializer_gets_the_dtype_if_it_takes_one():
    seen = {}

    def plain(shape):
        return xt.full(shape, 0.1)

    def typed(shape, dtype=None):
        seen["dtype"] = dtype
        return xt.full(shape, 0.1, dtype=dtype)

    for make in (plain, typed):
        value = initializer.initialize(make, [2], xt.kfloat64, 2, "Linear")
        assert (value.dtype, value.shape) == (xt.kfloat64, [2])
    assert seen == {"dtype": xt.kfloat64}
