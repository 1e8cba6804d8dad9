"""Sorting long rows, where the first few are found without sorting the rest."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels import launch, sortkeys

LENGTH = 5 * sortkeys.SAMPLE
RNG = np.random.default_rng(61)
ROWS = {
    "normal": RNG.standard_normal(LENGTH).astype(np.float32),
    "many-ties": RNG.integers(0, 50, LENGTH).astype(np.int32),
    "one-value": np.ones(LENGTH, np.float32),
    "nan": np.where(RNG.random(LENGTH) < 0.3, np.nan, 1.0).astype(np.float32),
    "rising": np.arange(LENGTH, dtype=np.float64),
    "bool": RNG.random(LENGTH) < 0.001,
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ROWS)
def test_the_first_of_many_are_those_of_a_whole_stable_sort(name, descending):
    row = ROWS[name]
    whole = np.argsort(sortkeys.keys_of(row, descending), kind="stable")
    for k in (1, 7, 1000):
        np.testing.assert_array_equal(sortkeys.places(row[None], descending, k)[0], whole[:k])
    np.testing.assert_array_equal(sortkeys.places(row[None], descending, LENGTH)[0], whole)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "?"])
@pytest.mark.parametrize("width", [127, 128, 129, 300])
def test_a_few_picked_one_by_one_are_those_of_a_whole_sort(width, dtype, descending):
    x = RNG.integers(0, 9, (6, width)).astype(dtype)
    x[0] = 3  # nothing but ties
    if x.dtype.kind == "f":
        x[1:4][RNG.random((3, width)) < 0.1] = np.nan
        x[2:5][RNG.random((3, width)) < 0.1] = -0.0
        x[5], x[5, 7] = np.nan, np.inf
    elif x.dtype == np.int64:
        x[5], x[5, 7] = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for k in (1, 2, 8, 9):
        index = np.empty((6, k), np.int64)
        launch("places_forward", 6, index, x, descending)
        np.testing.assert_array_equal(index, sortkeys.places(x, descending, k))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "?"])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (7, 20), (1, 1023), (2, 512), (31, 33)])
def test_few_and_many_have_the_order_of_their_keys(shape, dtype, descending):
    x = RNG.integers(-3, 4, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[RNG.random(shape) < 0.1] = np.nan
        x[RNG.random(shape) < 0.1] = -0.0
    order = np.argsort(sortkeys.keys_of(x, descending), axis=1, kind="stable")
    for k in (1, shape[1]):
        found = sortkeys.places(x, descending, k)
        np.testing.assert_array_equal(found, order[:, :k], strict=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 127), (128, 1), (3, 300), (1, 5000)])
@pytest.mark.parametrize("kept", [2**64 - 1, 0xFFFF << 48, 0xF0000000000000FF, 0xFFF, 0])
def test_the_order_of_wide_keys_is_that_of_all_bits_and_then_of_the_places(shape, kept):
    keys = np.random.default_rng(7).integers(0, 2**64, shape, dtype=np.uint64)
    keys = (keys & np.uint64(kept)).view(np.int64)
    order = sortkeys.order_of(keys)
    np.testing.assert_array_equal(order, np.argsort(keys, axis=1, kind="stable"), strict=True)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_bytes_do_not_depend_on_the_threads(threads):
    x = xt.XTensor(RNG.integers(0, 9, (64, 4096)).astype(float))
    xt.set_num_threads(1)
    due = xt.argsort(x, 1, True).to_numpy(), xt.topK(x, 5, 0).to_numpy()
    xt.set_num_threads(threads)
    np.testing.assert_array_equal(xt.argsort(x, 1, True).to_numpy(), due[0])
    np.testing.assert_array_equal(xt.topK(x, 5, 0).to_numpy(), due[1])
