"""What the rows of tests/cases do not ask of the activations: digits in the tails, and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

import xtensor as xt

DTYPES = [xt.kfloat32, xt.kfloat64]


def value_and_slope(x, approximate):
    with xt.autograd.tape():
        y = xt.gelu(x, approximate)
    y.backward(xt.ones_like(x))
    return y.to_numpy(), x.grad.to_numpy()


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_keeps_its_digits_in_both_tails(dtype):
    """1 + erf has none left at -6 in float32. Rounding x * x costs some, here and in the oracle."""
    x = xt.XTensor(np.linspace(-12, 12, 1001), dtype=dtype, requires_grad=True)
    array = x.to_numpy()
    due = np.array([v * math.erfc(-v / math.sqrt(2)) / 2 for v in array.tolist()])
    came, _ = value_and_slope(x, "none")
    unit = np.finfo(array.dtype).eps
    room = (4 + array * array) * unit
    assert (abs(came - due) <= room * abs(due)).all()


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
def test_gelu_has_its_limits_at_infinity(approximate, dtype, device):
    x = xt.XTensor([-np.inf, -1e30, 0, 1e30, np.inf, np.nan], device=device, dtype=dtype)
    x.requires_grad = True
    value, slope = value_and_slope(x, approximate)
    np.testing.assert_allclose(value, [0, 0, 0, 1e30, np.inf, np.nan], rtol=1e-7)
    np.testing.assert_array_equal(slope, [0, 0, 0.5, 1, 1, np.nan])


def test_the_two_forms_of_gelu_are_near_each_other():
    x = xt.linspace(-5, 5, 101)
    apart = abs(xt.gelu(x).to_numpy() - xt.gelu(x, "tanh").to_numpy())
    assert 1e-4 < apart.max() < 5e-4
