"""Reductions beyond small rows: parts, threads, special numbers of every dtype."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import xtensor as xt

from .cases import rng

LARGE = [(200_001,), (40_000, 5), (5, 40_000), (3, 9_000, 4), (70, 3_000)]
DTYPES = [xt.kbool, xt.kuint8, xt.kint8, xt.kint32, xt.kint64, xt.kfloat32, xt.kfloat64]


def drawn(shape, dtype, seed=1):
    """Numbers over the whole range of the dtype; infinities and both zeros among floats."""
    kind = xt.zeros([1], dtype=dtype).array.dtype
    if kind.kind == "b":
        return rng(seed).random(shape) < 0.5
    if kind.kind != "f":
        limits = np.iinfo(kind)
        return rng(seed).integers(limits.min, limits.max, shape, kind, endpoint=True)
    x = rng(seed).standard_normal(shape).astype(kind)
    x.flat[rng(seed, 2).integers(0, x.size, 9)] = [np.inf, -np.inf, 0, -0.0, 1e30, -1e30, 1, 2, 3]
    return x


@pytest.mark.parametrize("shape", LARGE, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_large_extremes_and_their_places_are_numpys(shape, dtype):
    x = drawn(shape, dtype)
    t = xt.XTensor(x, dtype=dtype)
    for axis in (None, *range(x.ndim)):
        for ours, numpys in ((xt.max, np.max), (xt.min, np.min), (xt.argmax, np.argmax),
                             (xt.argmin, np.argmin)):  # fmt: skip
            came = ours(t, axis).to_numpy()
            np.testing.assert_array_equal(came, np.reshape(numpys(x, axis), came.shape))


@pytest.mark.parametrize("bits", [0x7FC0_0000, 0xFFC0_0000], ids=["nan", "-nan"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_nan_of_either_sign_wins(bits, axis):
    x = drawn((300, 40), xt.kfloat32)
    x[[7, 7, 250], [3, 4, 39]] = np.array(bits, np.uint32).view(np.float32)
    t = xt.XTensor(x)
    for ours, numpys in ((xt.max, np.max), (xt.min, np.min), (xt.argmax, np.argmax)):
        came = ours(t, axis).to_numpy()
        np.testing.assert_array_equal(came, np.reshape(numpys(x, axis), came.shape))


@pytest.mark.parametrize("shape", LARGE, ids=str)
def test_any_number_of_threads_gives_the_same_bytes(shape):
    x = xt.XTensor(rng(3).standard_normal(shape).astype(np.float32))
    results = set()
    for threads in (1, 2, 3):
        xt.set_num_threads(threads)
        results.add(
            b"".join(
                f(x, axis).to_numpy().tobytes()
                for f in (xt.sums, xt.mean, xt.max, xt.argmin)
                for axis in (None, *range(x.ndim))
            )
        )
    assert len(results) == 1


def test_a_long_float32_sum_is_as_good_as_one_in_float64():
    x = (rng(4).random(3_000_000) + 0.5).astype(np.float32)
    exact = np.float32(x.sum(dtype=np.float64))
    assert xt.sums(xt.XTensor(x)).item() == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("length", [1, 3, 4, 15, 16, 17, 63, 64, 65, 67, 130, 771])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_short_rows(length, dtype):
    x = drawn((9, length), dtype, seed=length)
    if x.dtype.kind == "f":
        x[2, length // 2] = x[3, 0] = x[4, -1] = np.nan
    t = xt.XTensor(x, dtype=dtype)
    np.testing.assert_array_equal(xt.max(t, 1).to_numpy(), x.max(1))
    np.testing.assert_array_equal(xt.min(t, 1).to_numpy(), x.min(1))
    floating = x.dtype.kind == "f"
    if floating:
        x = np.where(np.abs(x) < 1000, x, 1).astype(x.dtype)
    came = xt.sums(xt.XTensor(x, dtype=dtype), 1).to_numpy()
    due = x.sum(1, dtype=np.float64 if floating else np.int64)
    np.testing.assert_allclose(came, due, atol=1e-5 if floating else 0)


def test_integer_sums_do_not_overflow_their_dtype():
    assert xt.sums(xt.full([1000], 127, dtype=xt.kint8)).item() == 127_000
    assert xt.sums(xt.full([4], 2**31 - 1, dtype=xt.kint32)).item() == 2**33 - 4


def test_truth_has_no_axes_and_numbers_have_one():
    x = xt.ones([2, 3])
    assert xt.sums(x).shape == xt.max(x).shape == x.argmax().shape == [1]
    assert x.all().shape == x.any().shape == []
    assert repr(x.all()).endswith("<XTensor  cpu(0) kbool>")


SCRIPT = """
import hashlib, numpy as np, xtensor as xt
digest = hashlib.sha256()
for length in (10, 64, 100, 1024, 3000):
    x = xt.XTensor(np.cos(np.arange(90 * length)).reshape(90, length))
    for f in (xt.sums, xt.mean, xt.max, xt.std, xt.softmax, xt.log_softmax):
        digest.update(f(x, 1).to_numpy().tobytes())
    digest.update(xt.sums(x, 0).to_numpy().tobytes() + xt.layer_norm(x).to_numpy().tobytes())
print(digest.hexdigest())
"""


def test_compiled_now_and_taken_from_the_cache_give_the_same_bytes(tmp_path):
    """A helper that reorders sums once did not: the cache held a copy of it, optimised again."""
    environment = {**os.environ, "XTENSOR_CACHE": str(tmp_path), "NUMBA_ENABLE_CUDASIM": "0"}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True,
            check=True, timeout=300,
        ).stdout
        for _ in range(2)
    )  # fmt: skip
    assert first == second != ""
    assert list(tmp_path.rglob("*.nbc"))
