"""Tiles on processors with shorter vectors than this one's: the same numbers, in more pieces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import TypingError

from xtensor.kernels._jit import CpuFunction
from xtensor.kernels.cpu.numbers import bounded, choose, powers_of_two
from xtensor.kernels.cpu.simd import lanes_of, load_vector, store_vector

# What uses the helpers of simd.py, against NumPy in float64.
SCRIPT = """
import sys
import numpy as np
from xtensor.kernels import _llvm
_llvm.vector_bytes = lambda: int(sys.argv[1])
import xtensor as xt
from xtensor.kernels.cpu import conv as choice
from tests.naive.conv import conv

rng = np.random.default_rng(1)

def close(came, due, tolerance):
    came, due = np.asarray(came, np.float64), np.asarray(due, np.float64)
    assert np.abs(came - due).max() <= tolerance * np.abs(due).max(), (came, due)

def gradients(call, *arrays):
    tensors = [xt.XTensor(a, dtype=xt.kfloat32, requires_grad=True) for a in arrays]
    with xt.autograd.tape():
        y = call(*tensors)
    y.backward(xt.XTensor(np.cos(np.arange(y.size)).reshape(y.shape)))
    return y.to_numpy(), [t.grad.to_numpy() for t in tensors]

def check_conv(x_shape, weight_shape, stride, padding, groups=1):
    x, weight = (rng.standard_normal(s) for s in (x_shape, weight_shape))
    y, (grad_x, grad_weight) = gradients(
        lambda a, b: xt.conv2d(a, b, None, stride, padding, 1, groups), x, weight
    )
    due = conv(x, weight, None, stride, padding, 1, groups)
    close(y, due, 1e-5)
    seed = np.cos(np.arange(y.size)).reshape(y.shape)
    # <seed, conv(x, w)> is linear in both
    total = (seed * due).sum()
    close((grad_x * x).sum(), total, 1e-4)
    close((grad_weight * weight).sum(), total, 1e-4)

check_conv((2, 3, 9, 21), (17, 3, 3, 3), 1, 1)     # direct
check_conv((2, 5, 11, 37), (4, 5, 3, 3), 2, 1)    # every second cell
check_conv((2, 3, 13, 14), (2, 3, 2, 2), 3, 0)    # every third
check_conv((2, 3, 11, 37), (3, 1, 5, 3), 1, 1, 3)  # planes
check_conv((2, 3, 11, 37), (3, 1, 3, 3), 2, 1, 3)
check_conv((4, 3, 11, 37), (5, 3, 3, 3), 1, 1)    # six results at a time
choice.WORTH = 0
check_conv((9, 32, 12, 14), (32, 32, 3, 3), 1, 1)  # Winograd
x, y = rng.standard_normal((175, 130)), rng.standard_normal((130, 53))
out, (grad_x, grad_y) = gradients(xt.matmul, x, y)
close(out, x @ y, 1e-5)
seed = np.cos(np.arange(out.size)).reshape(out.shape)
close(grad_x, seed @ y.T, 1e-5)
close(grad_y, x.T @ seed, 1e-5)
for dtype in "float32", "float64", "int8", "uint8", "int64":
    x = (rng.standard_normal((9, 300)) * 40).astype(dtype)
    if dtype[0] == "f":
        x[3, 7] = np.nan
    t = xt.XTensor(x, dtype=getattr(xt, "k" + dtype))
    for length in 5, 17, 64, 300:
        np.testing.assert_array_equal(xt.max(t[:, :length], 1).to_numpy(), x[:, :length].max(1))
        np.testing.assert_array_equal(xt.min(t[:, :length], 1).to_numpy(), x[:, :length].min(1))
x = rng.standard_normal((300, 501)).astype("float32")
for _ in range(6):  # the first calls are NumPy's
    np.testing.assert_array_equal(xt.XTensor(x)[:, ::2].to_numpy(), x[:, ::2])
lstm, x = xt.LSTM(5, 19, batch_first=True), rng.standard_normal((3, 4, 5))
states, _ = lstm(xt.XTensor(x))
w = {name: p.to_numpy().astype(float) for name, p in lstm.named_parameters()}
h, c, logistic = np.zeros((3, 19)), np.zeros((3, 19)), lambda a: 1 / (1 + np.exp(-a))
for t in range(4):
    a = x[:, t] @ w["weight_ih_l0"].T + h @ w["weight_hh_l0"].T
    i, f, g, o = np.split(a + w["bias_ih_l0"] + w["bias_hh_l0"], 4, axis=1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    h = logistic(o) * np.tanh(c)
    close(states.to_numpy()[:, t], h, 1e-5)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("bytes_", "processor"), [(32, "haswell"), (16, "nehalem")])
def test_shorter_vectors(bytes_, processor, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bytes_)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "XTENSOR_CACHE": str(tmp_path), "NUMBA_CPU_NAME": processor,
             "NUMBA_CPU_FEATURES": "", "NUMBA_ENABLE_CUDASIM": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _formulas(x, y, rounded, half, zero):
    """One of each operator and helper that takes tiles, on numbers as well."""
    a, b = powers_of_two(rounded, zero)
    return (
        (x + y) * half - half / x,
        -abs(x) + half,
        choose(x < y, half - y, x),
        choose(x >= half, half, -half * y),
        choose(y <= x, half, y),
        choose(y > half, y, half),
        bounded(x * y, -half, half),
        a * b,
        choose(y > x, half, zero),
    )


formulas = CpuFunction(_formulas)


@CpuFunction
def by_numbers(out, x, y, rounded, half, zero):
    for i in range(x.size):
        results = formulas(x[i], y[i], rounded[i], half, zero)
        for k in range(9):
            out[k, i] = results[k]


@CpuFunction
def by_vectors(out, x, y, rounded, half, zero):
    size = x.size
    for i in range(0, size, lanes_of(x)):
        tiles = load_vector(x, i, size - i), load_vector(y, i, size - i)
        results = formulas(*tiles, load_vector(rounded, i, size - i), half, zero)
        for k in range(9):
            store_vector(out, k * size + i, size - i, results[k])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_formula_means_the_same_for_numbers_and_tiles(dtype):
    x = np.array([1.5, np.nan, -0.25] * 9, dtype)
    y = np.array([-3.0, 0.5, -0.25] * 9, dtype)
    half, zero = dtype(0.5), dtype(1.5) * 2 ** np.finfo(dtype).nmant
    powers = np.arange(-13, 14)
    came = np.zeros((2, 9, 27), dtype)
    for function, out in zip((by_numbers, by_vectors), came):
        function.compiled()(out, x, y, (zero + powers).astype(dtype), half, dtype(zero))
    np.testing.assert_array_equal(came[0], came[1])
    with np.errstate(invalid="ignore"):
        due = [
            (x + y) * half - half / x,
            -abs(x) + half,
            np.where(x < y, half - y, x),
            np.where(x >= half, half, -half * y),
            np.where(y <= x, half, y),
            np.where(y > half, y, half),
            np.clip(x * y, -half, half),
            2.0**powers,
            np.where(y > x, half, zero),
        ]
    np.testing.assert_array_equal(came[0], due)


@CpuFunction
def literal_or(x, a):
    return choose(x > 0, 1, x)


@CpuFunction
def number_or(x, a):
    return choose(x > 0, a, x)


@pytest.mark.parametrize("function", [literal_or, number_or])
def test_numbers_of_two_types_are_no_choice(function):
    with pytest.raises(TypingError, match="choose takes two of one type"):
        function.compiled()(np.float32(1), 2)
