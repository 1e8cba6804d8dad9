"""Convolution and pooling beyond the case table: threads, tiles, and what only a layer shows."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels.cpu import column_conv, conv, direct_conv, plane_conv, winograd

from .cases import normal
from .naive import conv as naive
from .naive import pool as pool_naive

# (x, weight, stride, padding, groups): by planes, in bands, in panels that are shared out, in
# place, several samples at a time, by Winograd and with columns; groups, and one for each channel.
SHAPES = [
    ((40, 2, 28, 28), (6, 2, 5, 5), 1, 2, 1),
    ((3, 16, 70, 70), (24, 16, 3, 3), 1, 1, 1),
    ((2, 64, 40, 40), (32, 64, 3, 3), 2, "same", 1),
    ((9, 32, 24, 24), (64, 8, 3, 3), 1, 1, 4),
    ((9, 48, 20, 20), (48, 1, 3, 3), 1, 1, 48),
    ((9, 32, 30, 30), (64, 32, 1, 1), 1, 0, 1),
    ((2, 3, 100, 100), (9, 3, 7, 7), 2, 3, 1),
    ((5, 64, 23, 25), (72, 64, 3, 3), 1, 1, 1),
    ((4, 130, 14, 14), (130, 130, 3, 3), 1, (2, 0), 1),
    ((9, 64, 15, 15), (64, 64, 1, 1), 2, 0, 1),
    ((40, 64, 9, 9), (64, 64, 5, 5), 1, "same", 1),
    ((9, 48, 30, 31), (96, 1, 5, 5), 2, 2, 48),
    ((5, 3, 65, 64), (64, 3, 7, 7), 2, 3, 1),
]


@pytest.fixture
def _threads_restored():
    before = xt.get_num_threads()
    yield
    xt.set_num_threads(before)


def tensor(seed: int, *shape: int) -> xt.XTensor:
    return xt.XTensor(normal(seed, *shape), requires_grad=True)


def run(call, *inputs: xt.XTensor) -> list[bytes]:
    """Output and gradients of one call, as bytes."""
    with xt.autograd.tape():
        y = call(*inputs)
    y.backward(xt.XTensor(normal(9, *y.shape)))
    return [a.to_numpy().tobytes() for a in (y, *(x.grad for x in inputs))]


@pytest.mark.usefixtures("_threads_restored")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolution_has_the_same_bytes_for_any_number_of_threads(shape):
    x, weight, stride, padding, groups = shape
    inputs = tensor(1, *x), tensor(2, *weight), tensor(3, weight[0])
    results = []
    for threads in (1, 2, 4):
        xt.set_num_threads(threads)
        results.append(run(lambda x, w, b: xt.conv2d(x, w, b, stride, padding, 1, groups), *inputs))
    assert results[0] == results[1] == results[2]


# (x, weight) of 3x3 kernels with step 1, and their padding. Lengths that are no multiple of a tile,
# channels that are none of a vector, one sample, several blocks of them, wide padding.
WINOGRAD = [
    ((2, 17, 9, 11), (20, 17, 3, 3), (1, 1)),
    ((1, 32, 8, 8), (16, 32, 3, 3), (0, 2)),
    ((3, 16, 4, 3), (33, 16, 3, 3), (2, 1)),
    ((30, 24, 14, 14), (40, 24, 3, 3), (1, 0)),
    ((2, 16, 3, 3), (16, 16, 3, 3), (0, 0)),
    ((2, 3, 20, 5), (5, 3, 3, 3), (3, 4)),
    ((1, 40, 35, 37), (250, 40, 3, 3), (1, 1)),
]


def directions(module, case, dtype):
    """Output, gradient of the input and gradient of the weight by one algorithm."""
    x_shape, weight_shape, padding = case
    x, weight = (normal(k, *shape).astype(dtype) for k, shape in ((1, x_shape), (2, weight_shape)))
    x, weight = (a.reshape(*a.shape[:2], 1, *a.shape[2:]) for a in (x, weight))
    bias = normal(3, weight_shape[0]).astype(dtype)
    counts = [length + 2 * p - 2 for length, p in zip(x_shape[2:], padding, strict=True)]
    how = (1, 1, 1), (0, *padding), (1, 1, 1), 1
    out = np.full((x_shape[0], weight_shape[0], 1, *counts), np.nan, dtype)
    module.forward(out, x, weight, bias, *how)
    grad = normal(4, *out.shape).astype(dtype)
    grad_x, grad_weight = np.full_like(x, np.nan), np.full_like(weight, np.nan)
    module.backward_input(grad_x, grad, weight, normal(5, x.shape[1]).astype(dtype), *how)
    module.backward_weight(grad_weight, grad, x, *how)
    return out, grad_x, grad_weight


def distance(came, due):
    return np.linalg.norm((came - due).ravel()) / np.linalg.norm(due.ravel())


@pytest.mark.parametrize("case", WINOGRAD, ids=str)
def test_winograd_agrees_with_direct_convolution(case):
    """That is held against the naive oracle in the case table; here it is the oracle."""
    due = directions(direct_conv, case, np.float64)
    for came, expected in zip(directions(winograd, case, np.float32), due, strict=True):
        assert distance(came, expected) < 1e-5


@pytest.mark.parametrize(
    ("channels", "size"), [(64, 30), (512, 8)], ids=["many tiles", "many channels"]
)
def test_winograd_stays_within_its_error(channels, size):
    """float32 against float64 at the sizes it is meant for."""
    case = (2, channels, size, size), (channels, channels, 3, 3), (1, 1)
    due = directions(direct_conv, case, np.float64)
    for came, expected in zip(directions(winograd, case, np.float32), due, strict=True):
        assert distance(came, expected) < 1e-5


# (x, weight, stride, padding, dilation, groups) of convolutions with few results to a group. Rows
# of less than a vector, a few and many; rows of results that are no multiple of a tile; kernels of
# one, three and more rows, also larger than the input; steps that leave cells over; padding wider
# than the kernel reaches; one result, several, and more than a tile has; several planes to each.
PLANES = [
    ((2, 3, 7, 5), (3, 1, 3, 3), 1, 1, 1, 3),
    ((1, 4, 9, 70), (4, 1, 4, 5), 1, (2, 3), 1, 4),
    ((2, 3, 11, 33), (6, 1, 3, 3), 2, 1, 1, 3),
    ((1, 4, 14, 40), (4, 1, 5, 2), (2, 1), "same", 1, 4),
    ((2, 2, 12, 19), (2, 1, 3, 3), (1, 2), 2, (1, 2), 2),
    ((2, 2, 13, 17), (2, 1, 3, 2), (3, 4), (0, 1), (2, 3), 2),
    ((2, 2, 4, 3), (8, 1, 7, 6), 1, 4, 1, 2),
    ((2, 3, 2, 2), (3, 1, 2, 1), 1, 3, 2, 3),
    ((2, 2, 6, 6), (2, 1, 1, 1), 4, 0, 1, 2),
    ((4, 1, 12, 21), (6, 1, 5, 5), 1, 2, 1, 1),
    ((2, 6, 9, 18), (8, 3, 3, 3), 1, 1, 1, 2),
    ((4, 5, 8, 9), (7, 5, 3, 2), 1, 0, (2, 1), 1),
    ((2, 6, 8, 17), (20, 3, 3, 3), 1, 1, 1, 2),
    ((5, 2, 7, 7), (3, 2, 3, 3), 2, 1, 1, 1),
    # Half a vector and one more; of every second cell, two vectors, one fewer and one more.
    *(((2, 3, 5, width), (3, 1, 3, 3), 1, 1, 1, 3) for width in (8, 9, 16, 17, 24, 25)),
    *(((2, 3, 5, width), (3, 1, 3, 3), 2, width % 3, 1, 3)
      for width in (15, 16, 17, 31, 32, 33, 64, 65)),
    ((2, 3, 5, 34), (3, 1, 3, 5), 3, 1, 1, 3),
    ((3, 3, 9, 20), (41, 3, 3, 3), 2, 1, 1, 1),
    # Several bands, also of nothing but padding, and the last one short.
    ((1, 2, 37, 6), (2, 1, 3, 3), 1, 1, 1, 2),
    ((3, 2, 41, 5), (4, 2, 5, 2), (2, 1), (3, 0), (2, 1), 1),
    ((1, 1, 3, 9), (5, 1, 2, 2), 1, (20, 1), 1, 1),
    ((2, 2, 50, 7), (2, 1, 4, 3), (3, 2), 2, (1, 2), 2),
    ((3, 2, 60, 4), (6, 2, 3, 3), (1, 2), (1, 0), (4, 1), 1),
]  # fmt: skip


@pytest.fixture
def _choices_forgotten():
    """Those that a test makes do not outlive it."""
    yield
    conv.choose.cache_clear()


@pytest.mark.usefixtures("_choices_forgotten")
@pytest.mark.parametrize("code", [xt.kfloat32, xt.kfloat64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", PLANES, ids=str)
def test_planes_agree_with_the_naive_oracle_and_with_direct_convolution(case, code, monkeypatch):
    x_shape, weight_shape, *how = case
    arrays = normal(1, *x_shape), normal(2, *weight_shape), normal(3, weight_shape[0])
    seed = None

    def of(code):
        nonlocal seed
        x, weight, bias = (xt.XTensor(a, dtype=code, requires_grad=True) for a in arrays)
        with xt.autograd.tape():
            y = xt.conv2d(x, weight, bias, *how)
        seed = normal(4, *y.shape) if seed is None else seed
        y.backward(xt.XTensor(seed, dtype=code))
        return y.to_numpy(), x.grad.to_numpy(), weight.grad.to_numpy()

    chosen: list[str] = []
    monkeypatch.setattr("xtensor.kernels.cpu.conv.report_choice", lambda _, by: chosen.append(by))
    module = plane_conv
    monkeypatch.setattr("xtensor.kernels.cpu.conv.cheapest", lambda *a, **k: module)
    conv.choose.cache_clear()
    y, *grads = of(code)
    assert chosen == ["plane_conv"] * 3
    assert distance(y, naive.conv(*arrays, *how)) < 1e-6
    module = direct_conv
    conv.choose.cache_clear()
    for came, due in zip(grads, of(xt.kfloat64)[1:], strict=True):
        assert distance(came, due) < 1e-6
    assert chosen[3:] == ["direct_conv"] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("together", [1, 1 << 30], ids=["by samples", "at once"])
@pytest.mark.parametrize("case", [case for case in PLANES if case[3] != "same"], ids=str)
def test_columns_agree_with_direct_convolution(case, together, dtype, monkeypatch):
    """That is held against the naive oracle below; here it is the oracle."""
    monkeypatch.setattr("xtensor.kernels.cpu.column_conv.COLUMN_BYTES", together)
    x_shape, weight_shape, *how, groups = case
    stride, padding, dilation = (naive.each_axis(value, 2) for value in how)
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x_shape[2:], weight_shape[2:], stride, padding, dilation)
    ]
    grad, weight = normal(1, x_shape[0], weight_shape[0], 1, *counts), normal(2, *weight_shape)
    weight = weight.reshape(*weight_shape[:2], 1, *weight_shape[2:])
    for bias in normal(3, x_shape[1]), np.empty(0):
        grads = []
        for module, kind in (column_conv, dtype), (direct_conv, np.float64):
            grads.append(np.full((*x_shape[:2], 1, *x_shape[2:]), np.nan, kind))
            module.backward_input(grads[-1], *(a.astype(kind) for a in (grad, weight, bias)),
                                  (1, *stride), (0, *padding), (1, *dilation), groups)  # fmt: skip
        assert distance(*grads) < (1e-6 if dtype is np.float32 else 1e-14)


# (x, weight, stride, padding, dilation, groups) of direct convolutions, in three dimensions. Panels
# that are full, not full, and several to a group; a short last block of samples, in place and in
# boxes; a short last band, along depth, height and width; phases that no tap meets; more terms than
# are summed up at once; channels of a weight in several cuts, the last one short; dilations so wide
# that most taps meet padding only, with and without a step.
DIRECT = [
    ((3, 5, 1, 9, 11), (33, 5, 1, 3, 3), 1, (0, 1, 1), 1, 1),
    ((7, 4, 3, 4, 5), (10, 2, 2, 3, 1), (2, 1, 3), 1, (1, 2, 1), 2),
    ((3, 40, 1, 7, 7), (70, 40, 1, 1, 1), 1, 0, 1, 1),
    ((2, 30, 1, 9, 8), (17, 30, 1, 3, 3), (1, 2, 2), 0, 1, 1),
    ((2, 5, 1, 23, 21), (20, 5, 1, 3, 3), 1, (0, 1, 1), 1, 1),
    ((1, 4, 11, 9, 10), (18, 4, 3, 1, 1), 1, (1, 0, 0), 1, 1),
    ((2, 3, 1, 10, 10), (20, 3, 1, 2, 1), (1, 4, 3), (0, 1, 0), 1, 1),
    ((2, 8, 1, 1, 190), (17, 8, 1, 1, 5), 1, (0, 0, 3), 1, 1),
    ((2, 45, 1, 6, 6), (18, 45, 1, 5, 5), 1, (0, 2, 2), 1, 1),
    ((2, 6, 1, 13, 11), (18, 3, 1, 3, 3), 1, (0, 6, 7), (1, 6, 7), 2),
    ((2, 3, 5, 9, 10), (17, 3, 3, 3, 2), (1, 2, 3), (4, 5, 4), (4, 5, 7), 1),
    ((3, 4, 1, 12, 9), (17, 4, 1, 7, 5), 1, 0, 1, 1),
    ((2, 40, 1, 6, 7), (18, 40, 1, 1, 1), (1, 2, 3), 0, 1, 1),
]


@pytest.fixture(params=[(0, 9), (99, 9), (99, 2)], ids=["bands", "regions", "few regions"])
def _small_boxes(monkeypatch, request):
    """So that a small sample is walked along in bands, or cut into regions wherever that can be."""
    worth, most = request.param
    caches = direct_conv.forward_job, direct_conv.input_job, direct_conv.weight_job
    for job in caches:
        job.cache_clear()
    monkeypatch.setattr("xtensor.kernels.cpu.direct_plan.BOX_BYTES", 4096)
    monkeypatch.setattr("xtensor.kernels.cpu.direct_conv.MOST_RESULTS", 100)
    monkeypatch.setattr("xtensor.kernels.cpu.direct_plan.WORTH_CUTTING", worth)
    monkeypatch.setattr("xtensor.kernels.cpu.direct_plan.MOST_SEGMENTS", most)
    monkeypatch.setattr("xtensor.kernels.cpu.direct_plan.REGION", 0)
    yield
    for job in caches:
        job.cache_clear()


@pytest.mark.usefixtures("_small_boxes")
@pytest.mark.parametrize("code", [xt.kfloat32, xt.kfloat64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", DIRECT, ids=str)
def test_direct_convolution_agrees_with_the_naive_oracle(case, code, monkeypatch):
    """Gradients too: <seed, y> is linear in x and in the weight, and its slope is the oracle's."""
    monkeypatch.setattr("xtensor.kernels.cpu.conv.choose", lambda *a: direct_conv)
    x_shape, weight_shape, *how = case
    arrays = normal(1, *x_shape), normal(2, *weight_shape), normal(3, weight_shape[0])
    x, weight, bias = (xt.XTensor(a, dtype=code, requires_grad=True) for a in arrays)
    with xt.autograd.tape():
        y = xt.conv3d(x, weight, bias, *how)
    due = naive.conv(*arrays, *how)
    assert distance(y.to_numpy(), due) < 1e-6
    seed = normal(4, *y.shape)
    y.backward(xt.XTensor(seed, dtype=code))
    other_x, other_weight = normal(5, *x_shape), normal(6, *weight_shape)
    for grad, other, slope in (
        (x.grad, other_x, naive.conv(other_x, arrays[1], None, *how)),
        (weight.grad, other_weight, naive.conv(arrays[0], other_weight, None, *how)),
    ):
        size = np.linalg.norm(seed) * np.linalg.norm(slope)
        assert abs((grad.to_numpy() * other).sum() - (seed * slope).sum()) < 1e-6 * size


@pytest.mark.parametrize(
    ("module", "x_shape", "weight_shape", "groups"),
    [(direct_conv, (2, 1, 1, 1, 150_000), (17, 1, 1, 1, 2), 1),
     (plane_conv, (16, 2, 1, 100, 200), (2, 1, 1, 2, 2), 2)],
    ids=["direct", "planes"],
)  # fmt: skip
def test_long_sums_keep_their_digits(module, x_shape, weight_shape, groups):
    """The gradient of a weight is a sum over every result."""
    counts = [n - k + 1 for n, k in zip(x_shape[2:], weight_shape[2:], strict=True)]
    x, grad = normal(1, *x_shape), normal(2, x_shape[0], weight_shape[0], *counts)
    grads: list[np.ndarray] = []
    for dtype in (np.float32, np.float64):
        grads.append(np.empty(weight_shape, dtype))
        module.backward_weight(grads[-1], grad.astype(dtype), x.astype(dtype), (1, 1, 1),
                               (0, 0, 0), (1, 1, 1), groups)  # fmt: skip
    assert distance(*grads) < 2e-6


# Whoever reads beyond the last array that is read in place reads from a page that nobody may touch.
GUARDED = """
import ctypes, mmap
import numpy as np
import xtensor as xt
from xtensor.kernels.cpu import column_conv, direct_conv, plane_conv

xt.set_num_threads(2)

def guarded(shape):
    size = int(np.prod(shape)) * 4
    whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, whole + mmap.PAGESIZE)
    bytes_ = np.frombuffer(memory, np.uint8)
    page = ctypes.c_void_p(bytes_.ctypes.data + whole)
    assert ctypes.CDLL(None).mprotect(page, mmap.PAGESIZE, 0) == 0
    array = bytes_[whole - size : whole].view(np.float32).reshape(shape)
    array[...] = 1
    return array

# A short last cut of channels; a short last band; a short last block of samples; few channels: each
# with taps that meet padding nowhere, at the edges, and mostly.
for samples, channels, outputs, height, width in (
    (3, 130, 17, 8, 8), (1, 3, 33, 40, 51), (17, 4, 17, 7, 9), (5, 2, 3, 6, 21)
):
    for padding, dilation, step in (0, 1, 1), (1, 1, 1), (5, 5, 1), (1, 1, 2), (2, 1, 3):
        results = []
        for module in direct_conv, plane_conv:
            how = (1, step, step), (0, padding, padding), (1, dilation, dilation), 1
            x = guarded((samples, channels, 1, height, width))
            weight = guarded((outputs, channels, 1, 3, 3))
            size = [(n + 2 * (padding - dilation) - 1) // step + 1 for n in (height, width)]
            out = guarded((samples, outputs, 1, *size))
            module.forward(out, x, weight, np.empty(0, np.float32), *how)
            grad, grad_x, grad_weight = (guarded(a.shape) for a in (out, x, weight))
            module.backward_input(grad_x, grad, weight, np.empty(0, np.float32), *how)
            module.backward_weight(grad_weight, grad, x, *how)
            results.append((out, grad_x, grad_weight))
        by_columns = guarded(x.shape)
        column_conv.backward_input(by_columns, grad, weight, np.empty(0, np.float32), *how)
        assert (by_columns == grad_x).all()
        for one, other in zip(*results):
            assert (one == other).all()
        if not padding:
            assert (out == 9 * channels).all() and (grad_weight == grad[:, 0].size).all()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="guards memory by Linux's mprotect")
def test_nothing_is_read_beyond_the_arrays():
    done = subprocess.run([sys.executable, "-c", GUARDED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_depth_that_padding_makes_is_no_plane():
    """A volume of depth 1 with padding in front and behind has results of depth 3."""
    for x, weight, groups in (((9, 32, 1, 24, 24), (32, 32, 1, 3, 3), 1),
                              ((2, 3, 1, 6, 6), (3, 1, 1, 3, 3), 3)):  # fmt: skip
        x, weight = normal(1, *x), normal(2, *weight)
        came = xt.conv3d(xt.XTensor(x), xt.XTensor(weight), None, 1, 1, 1, groups).to_numpy()
        flat = xt.conv2d(xt.XTensor(x[:, :, 0]), xt.XTensor(weight[:, :, 0]), None, 1, 1, 1, groups)
        assert came.shape[2] == 3
        assert not came[:, :, [0, 2]].any()
        assert distance(came[:, :, 1], flat.to_numpy()) < 1e-5


@pytest.mark.parametrize("groups", [1, 4])
def test_no_samples(groups):
    x, weight = tensor(1, 0, 4, 8, 8), tensor(2, 40, 4 // groups, 3, 3)
    with xt.autograd.tape():
        y = xt.conv2d(x, weight, groups=groups)
    y.backward(xt.ones([*y.shape]))
    assert list(y.shape) == [0, 40, 6, 6]
    assert list(x.grad.shape) == [0, 4, 8, 8]
    assert not weight.grad.to_numpy().any()


def test_the_choice_of_an_algorithm_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("xtensor.kernels.debug._wanted", True)
    conv.choose.cache_clear()
    for _ in range(2):
        xt.conv2d(xt.ones([30, 32, 18, 18]), xt.ones([32, 32, 3, 3]))
        xt.conv2d(xt.ones([1, 32, 8, 8]), xt.ones([32, 32, 3, 3]), stride=2)
        xt.conv2d(xt.ones([9, 32, 20, 20]), xt.ones([32, 1, 3, 3]), groups=32)
        xt.conv_transpose2d(xt.ones([8, 256, 8, 8]), xt.ones([256, 3, 5, 5]), stride=2)
    lines = capsys.readouterr().err.splitlines()
    chosen = [line.rpartition(": ")[2] for line in lines]
    assert chosen == ["winograd", "direct_conv", "plane_conv", "column_conv"]
    assert lines[0].startswith("xtensor: conv_forward of [30, 32, 1, 18, 18]")


@pytest.mark.usefixtures("_threads_restored")
@pytest.mark.parametrize("pool", [xt.max_pool2d, xt.avg_pool2d], ids=lambda f: f.__name__)
def test_pooling_has_the_same_bytes_for_any_number_of_threads(pool):
    x = tensor(1, 7, 16, 41, 40)
    results = []
    for threads in (1, 2, 4):
        xt.set_num_threads(threads)
        results.append(run(lambda x: pool(x, 3, 2, 1), x))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_are_adjoint_across_tiles(shape):
    """<y, conv(x, w)> is linear in x and in w, so it equals <grad_x, x> and <grad_w, w>."""
    x, weight, stride, padding, groups = shape
    a = xt.XTensor(normal(1, *x), requires_grad=True, dtype=xt.kfloat64)
    w = xt.XTensor(normal(2, *weight), requires_grad=True, dtype=xt.kfloat64)
    with xt.autograd.tape():
        y = xt.conv2d(a, w, None, stride, padding, 1, groups)
    seed = normal(3, *y.shape)
    y.backward(xt.XTensor(seed, dtype=xt.kfloat64))
    due = float((seed * y.to_numpy()).sum())
    size = np.linalg.norm(seed) * np.linalg.norm(y.to_numpy())
    for tensor_ in (a, w):
        assert abs(float((tensor_.grad.to_numpy() * tensor_.to_numpy()).sum()) - due) < 1e-13 * size


def test_a_sample_in_pieces_agrees_with_the_naive_oracle():
    """One sample of one channel."""
    x, weight = normal(1, 1, 1, 70_001), normal(2, 3, 1, 2)
    out = xt.conv1d(xt.XTensor(x, dtype=xt.kfloat64), xt.XTensor(weight, dtype=xt.kfloat64))
    kernels = [np.correlate(x[0, 0], row, "valid") for row in weight[:, 0]]
    np.testing.assert_allclose(out.to_numpy()[0], kernels, atol=1e-12)


@pytest.mark.parametrize("how", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (4, 3, 2), (5, 1, 0)], ids=str)
def test_pooling_of_wide_rows(how):
    """Rows of the case table are shorter than a vector; here are wide ones, with NaN and ties."""
    kernel, stride, padding = how
    rng = np.random.default_rng(1)
    x = rng.integers(-9, 9, (2, 3, 7, 90)).astype(np.float32)
    x[0, 0, 2, 5:9] = np.nan
    came = xt.max_pool2d(xt.XTensor(x), kernel, stride, padding).to_numpy()
    np.testing.assert_array_equal(came, pool_naive.max_pool(x, kernel, stride, padding))
    came = xt.avg_pool2d(xt.XTensor(x), kernel, stride, padding).to_numpy()
    due = pool_naive.avg_pool(x, kernel, stride, padding)
    np.testing.assert_allclose(came, due, 1e-5, 1e-6)


@pytest.mark.parametrize(
    "how", [(2, 2, 0), (3, 1, 0), (3, 1, 1), (5, 2, 2), (4, 3, 2), (5, 5, 0), (6, 4, 3)], ids=str
)
@pytest.mark.parametrize("width", [6, 60])
def test_the_first_of_equal_maxima_gets_the_gradient(width, how):
    """Of cells, that is: nothing is smaller than what lies around an image."""
    kernel, stride, padding = how
    x = np.random.default_rng(2).integers(0, 3, (6, width)).astype(np.float32)
    x[3:, 1:5] = np.nan
    x[:3, -4:] = x[:2, :2] = -np.inf
    given = xt.XTensor(x[None, None], requires_grad=True)
    with xt.autograd.tape():
        y = xt.max_pool2d(given, kernel, stride, padding)
    alone = xt.max_pool2d(given, kernel, stride, padding)  # that keeps no places
    assert y.to_numpy().tobytes() == alone.to_numpy().tobytes()
    grad = 1.0 + np.arange(y.size).reshape(y.shape[2:])
    y.backward(xt.XTensor(grad[None, None]))
    due = np.zeros_like(x)
    for (i, j), g in np.ndenumerate(grad):
        top, left = i * stride - padding, j * stride - padding
        row, column = max(top, 0), max(left, 0)
        window = x[row : top + kernel, column : left + kernel]
        down, across = divmod(int(np.argmax(window)), window.shape[1])  # of NaN the first as well
        due[row + down, column + across] += g
    np.testing.assert_array_equal(given.grad.to_numpy()[0, 0], due)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (3, 3), (1, 2)])
def test_zeros_of_both_signs_are_equal(kernel, stride):
    """The first of a row is kept where places are not, whatever lies in memory besides."""
    x = np.random.default_rng(4).choice([0.0, -0.0], (2, 3, 12, 40)).astype(np.float32)
    results = {xt.max_pool2d(xt.XTensor(x), kernel, stride).to_numpy().tobytes() for _ in range(9)}
    assert len(results) == 1


# Memory of a kernel that was given back too early would be taken by the other thread in the
# meantime, or by no one and be gone: one arena of the C library for all threads, and long rows.
LONG_ROWS = """
import numpy as np
import xtensor as xt
xt.set_num_threads(2)
x = np.random.default_rng(5).standard_normal((8, 4, 3, 9000)).astype(np.float32)
given = xt.XTensor(x, requires_grad=True)
means = x[:, :, :, 1:-1] + x[:, :, :, 2:] + x[:, :, :, :-2]
means = (means[:, :, 1:-1] + means[:, :, 2:] + means[:, :, :-2])[..., ::2] / 9
for _ in range(9):
    found = xt.avg_pool2d(given, 3, (1, 2)).to_numpy()
    np.testing.assert_allclose(found, means[..., : found.shape[3]], 1e-4, 1e-5)
    with xt.autograd.tape():
        y = xt.max_pool2d(given, 3, (3, 3))
    y.backward(xt.ones(y.shape))
    cells = x.reshape(8, 4, 3, 3000, 3).transpose(0, 1, 3, 2, 4).reshape(8, 4, 3000, 9)
    assert (y.to_numpy()[:, :, 0] == cells.max(3)).all()
    assert (xt.max_pool2d(given, 3, (3, 3)).to_numpy() == y.to_numpy()).all()
    assert given.grad.to_numpy().sum() == y.size
    assert ((given.grad.to_numpy() == 0) | (x == y.to_numpy().repeat(3, 3))).all()
xt.set_num_threads(1)
long = xt.XTensor(np.ones((1, 1, 9_000_000), np.float32), requires_grad=True)
with xt.autograd.tape():
    y = xt.max_pool1d(long, 3, 1, 1)
assert (y.to_numpy() == 1).all()
assert (xt.max_pool1d(long, 3, 3).to_numpy() == 1).all()
del y
assert (xt.avg_pool1d(long, 3, 1).to_numpy() == 1).all()
"""


@pytest.mark.parametrize("setting", ["MALLOC_ARENA_MAX=1", "MALLOC_PERTURB_=85"])
def test_rows_that_kernels_work_in_stay_theirs(setting):
    name, _, value = setting.partition("=")
    subprocess.run([sys.executable, "-c", LONG_ROWS], check=True, env={**os.environ, name: value})


def test_nan_wins_every_maximum_and_gets_the_gradient():
    x = xt.XTensor([[[1.0, float("nan"), 3.0, float("nan"), 0.0, 5.0]]], requires_grad=True)
    with xt.autograd.tape():
        y = xt.max_pool1d(x, 2)
    y.backward()
    assert np.isnan(y.to_numpy()).tolist() == [[[True, True, False]]]
    assert x.grad.to_numpy().tolist() == [[[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]]


def test_infinity_stays_where_it_is():
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2] = np.inf
    out = xt.conv2d(xt.XTensor(x), xt.ones([1, 1, 2, 2]), padding=1).to_numpy()
    assert np.isinf(out).sum() == 4
    assert not np.isnan(out).any()


def test_infinity_reaches_the_weights_that_meet_it():
    """A column of x that only the first column of the kernel meets."""
    x = normal(1, 4, 2, 10, 10)
    x[0, 1, 5, 0] = np.inf
    weight = tensor(2, 2, 2, 3, 3)
    with xt.autograd.tape():
        y = xt.conv2d(xt.XTensor(x), weight)
    y.backward(xt.ones([*y.shape]))
    grad = weight.grad.to_numpy()
    assert np.isinf(grad[:, 1, :, 0]).all()
    assert np.isfinite(grad[:, 0]).all()
    assert np.isfinite(grad[:, 1, :, 1:]).all()


def test_integers_and_mixed_dtypes_meet_as_in_any_sum():
    x, weight = np.arange(16).reshape(1, 1, 4, 4), np.ones((1, 1, 2, 2))
    due = naive.conv(x.astype(float), weight)
    for code, other, result in [
        (xt.kint64, xt.kint32, xt.kfloat32),
        (xt.kint8, xt.kfloat64, xt.kfloat64),
        (xt.kfloat32, xt.kfloat64, xt.kfloat64),
    ]:
        out = xt.conv2d(xt.XTensor(x, dtype=code), xt.XTensor(weight, dtype=other))
        assert out.dtype == result
        np.testing.assert_array_equal(out.to_numpy(), due)
    assert xt.max_pool2d(xt.XTensor(x, dtype=xt.kint64), 2).dtype == xt.kfloat32


def test_transposed_is_the_adjoint_of_same_convolution():
    """<conv(u), v> == <u, convT(v)> for u of the length that v's convolution came from."""
    for length, stride, kernel in [(4, 2, 3), (3, 3, 2), (5, 1, 4), (2, 2, 5)]:
        u, v = normal(1, 1, 1, length * stride), normal(2, 1, 1, length)
        w = xt.XTensor(normal(3, 1, 1, kernel), dtype=xt.kfloat64)
        there = xt.conv1d(xt.XTensor(u, dtype=xt.kfloat64), w, None, stride, "same").to_numpy()
        back = xt.conv_transpose1d(xt.XTensor(v, dtype=xt.kfloat64), w, None, stride, "same")
        assert abs((there * v).sum() - (u * back.to_numpy()).sum()) < 1e-12


def test_parameters_start_between_bounds_set_by_fan_in():
    layer = xt.Conv2D(4, 50, (3, 3), group=2)
    bound = 1 / np.sqrt(2 * 9)
    for parameter in (layer.weights, layer.bias):
        assert 0.8 * bound < np.abs(parameter.to_numpy()).max() <= bound


def test_layers_name_their_parameters_as_documented():
    assert {k: v.shape for k, v in xt.Conv1D(4, 6, 3, group=2).state_dict().items()} == {
        "weights": [6, 2, 3, 1], "bias": [6]
    }  # fmt: skip
    assert {k: v.shape for k, v in xt.ConvT2D(4, 6, (3, 2), group=2).state_dict().items()} == {
        "weights": [4, 3, 3, 2], "bias": [6]
    }  # fmt: skip
    assert list(xt.Conv2D(2, 3, (3, 3), use_bias=False).state_dict()) == ["weights"]
