"""Products large enough to be cut up: the numbers follow the shape, whatever the threads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import xtensor as xt
from xtensor.device import to_device, to_host
from xtensor.kernels import launch, load, parallel
from xtensor.kernels.cpu import matmul
from xtensor.kernels.cpu.product import PANEL, lay, lay_panels
from xtensor.kernels.scratch import scratch
from xtensor.ops.matmul import product

from .cases import normal

load("cpu")  # all that products may be handed on to, not only what is imported here

# (m, k, n): rows cut, columns cut, a long sum over a small result, vectors, odd lengths, a sum of
# several stretches over rows that fill no tile, too little to cut up, one term.
SHAPES = [(700, 90, 300), (90, 300, 700), (64, 30_000, 40), (1, 3_000, 900), (900, 3_000, 1),
          (513, 257, 511), (301, 2_100, 270), (600, 11, 60), (300, 1, 500)]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pieces_are_right_and_the_same_for_any_number_of_threads(shape, transposed, dtype):
    m, k, n = shape
    x, y, bias = (normal(*size).astype(dtype) for size in ((1, m, k), (2, k, n), (3, n)))
    left = np.ascontiguousarray(x.T if transposed[0] else x)[None]
    right = np.ascontiguousarray(y.T if transposed[1] else y)[None]
    results = []
    for threads in (1, 2, 3, 4):
        xt.set_num_threads(threads)
        results.append(product(left, right, bias, *map(bool, transposed)))
    room = 1e-9 if dtype == np.float64 else 1e-5 * k**0.5
    due = x.astype(np.float64) @ y + bias
    np.testing.assert_allclose(results[0][0], due, rtol=room, atol=room)
    assert len({r.tobytes() for r in results}) == 1


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_long_integer_products_wrap_as_numpys(dtype):
    x = np.full((8, 9_000), np.iinfo(dtype).max // 3, dtype)
    due = np.matmul(x, x.T)
    for came in (product(x, x.T.copy()), product(x[None], x[None], None, False, True)[0]):
        assert came.dtype == dtype
        np.testing.assert_array_equal(came, due)


@pytest.mark.parametrize("one", ["x", "y", ""])
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("k", [1, 13])
def test_many_small_products_are_those_of_each(k, transposed, one):
    """Together they are worth tiles; one of the operands may be the same for all."""
    batch, m, n = 70, 41, 50
    x, y = normal(1, 1 if one == "x" else batch, m, k), normal(2, 1 if one == "y" else batch, k, n)
    left, right = (
        np.ascontiguousarray((a.transpose(0, 2, 1) if flag else a).astype(np.float32))
        for a, flag in zip((x, y), transposed, strict=True)
    )
    results = []
    for threads in (1, 2, 3, 4):
        xt.set_num_threads(threads)
        results.append(product(left, right, None, *map(bool, transposed)))
    np.testing.assert_allclose(results[0], x @ y, rtol=1e-4, atol=1e-5)
    assert len({r.tobytes() for r in results}) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed_x", [False, True])
@pytest.mark.parametrize(
    "shape", [(2, 70, 33, 80), (1, 9, 300, 49), (1, 8, 500, 32), (3, 40, 90, 117)], ids=str
)
def test_a_small_matrix_is_read_in_place_and_gives_the_same_bytes(
    monkeypatch, shape, transposed_x, dtype
):
    batch, m, k, n = shape
    given = normal(1, batch, m, k), normal(2, 1, k, n), normal(3, n)
    x, y, bias = (array.astype(dtype) for array in given)
    left = np.ascontiguousarray(x.transpose(0, 2, 1)) if transposed_x else x
    results, layouts = [], []
    for limit in (1 << 20, 0):
        monkeypatch.setattr(matmul, "IN_PLACE", limit)
        matmul.passes.cache_clear()
        out = np.empty((batch, m, n), dtype)
        matmul.multiply_tiles(out, left, y, bias, transposed_x, False, 1)
        results.append(out)
        how = out.shape, left.shape, y.shape, out.itemsize, transposed_x, False, 1, 2
        layouts += [part.layout for part in matmul.passes(*how)]
    matmul.passes.cache_clear()
    assert layouts[0] is None
    assert layouts[1] is not None
    np.testing.assert_allclose(results[0], x @ y + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(*results)


BEYOND = """
import ctypes, mmap, numpy as np
from xtensor.kernels import load
load("cpu")
from xtensor.kernels.cpu.matmul import multiply_tiles

def at_the_end(values):
    size = -(-values.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = np.frombuffer(mmap.mmap(-1, size + mmap.PAGESIZE), np.uint8)
    closed = ctypes.c_void_p(memory.ctypes.data + size)
    assert ctypes.CDLL(None).mprotect(closed, mmap.PAGESIZE, 0) == 0
    array = memory[size - values.nbytes : size].view(values.dtype).reshape(values.shape)
    array[...] = values
    return array

random = np.random.default_rng(1)
for m, k, n in ((9, 100, 49), (70, 33, 80), (64, 1000, 20), (100, 700, 130)):
    for flags in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, y = random.standard_normal((1, m, k)), random.standard_normal((1, k, n))
        due, out, bias = x @ y + 1, at_the_end(np.empty((1, m, n))), at_the_end(np.ones(n))
        given = (a.transpose(0, 2, 1) if t else a for a, t in zip((x, y), flags))
        left, right = (at_the_end(np.ascontiguousarray(a)) for a in given)
        for _ in range(6):  # the first calls lay panels another way
            multiply_tiles(out, left, right, bias, *map(bool, flags), 1)
            np.testing.assert_allclose(out, due, atol=1e-9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a page is closed to the process by mprotect")
def test_nothing_is_read_or_written_beyond_the_end_of_a_matrix():
    done = subprocess.run([sys.executable, "-c", BEYOND], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.gpu
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
def test_parts_on_cuda_are_those_of_the_cpu(parts, transposed):
    for m, k, n in ((5, 7, 3), (3, 4, 6), (4, 1, 5)):
        x = normal(1, 2, *((k, m) if transposed[0] else (m, k)))
        y = normal(2, 1, *((n, k) if transposed[1] else (k, n)))
        arrays = [np.empty((2 * parts, m, n)), x, y, normal(3, n)]
        there = [to_device(a, xt.DEV_GPU_0) for a in arrays]
        for group in (arrays, there):
            flags = [bool(t) for t in transposed]
            launch("matmul_forward", 2 * parts, *group, *flags, parts)
        np.testing.assert_allclose(to_host(there[0]), arrays[0], rtol=1e-12)


# sets, columns, depth of a block, blocks, how many terms there are of all blocks
LAID = [(1, 70, 9, 1, 9), (3, 32, 40, 1, 40), (2, 5, 7, 4, 28), (2, 33, 7, 4, 23),
        (1, 40, 7, 4, 15)]  # fmt: skip


@pytest.mark.parametrize("panels", LAID, ids=str)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_panels_are_those_that_numpy_lays_out(panels, transposed, dtype):
    sets, columns, depth, blocks, whole = panels
    b = normal(1, sets * columns * whole).astype(dtype)
    steps = (1, whole) if transposed else (columns, 1)
    laid = []
    for first_calls in (0, parallel.FIRST_CALLS):
        lay_panels.first_calls = first_calls
        # What no number is laid on stays.
        scratch.array("panels", sets * blocks * depth * 3 * PANEL, b.dtype)[:] = 7
        found = lay(b, sets, columns, depth, columns * whole, *steps, blocks, depth * steps[0],
                    depth, whole)  # fmt: skip
        laid.append(found.copy())
    np.testing.assert_array_equal(*laid)
    matrices = b.reshape(sets, columns, whole).transpose(0, 2, 1) if transposed else b
    one = laid[0].reshape(sets, -1, blocks, depth, PANEL)[-1, 0, 0]
    count = min(columns, PANEL)
    due = matrices.reshape(sets, whole, columns)[-1, : min(depth, whole), :count]
    np.testing.assert_array_equal(one[: len(due), :count], due)


def test_linear_is_matmul_with_the_transposed_weight():
    x, weight, bias = xt.XTensor(normal(1, 300, 40)), xt.XTensor(normal(2, 70, 40)), xt.ones([70])
    by_hand = xt.matmul(x, xt.transpose(weight)) + bias
    np.testing.assert_allclose(
        xt.linear(x, weight, bias).to_numpy(), by_hand.to_numpy(), rtol=1e-4, atol=1e-5
    )
