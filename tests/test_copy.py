"""Views read and written: large ones whose rows lie across those of the copy."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from xtensor.device import full
from xtensor.kernels import parallel
from xtensor.strided import permuted, read, write

from .cases import rng

# Lengths that no square of numbers divides, blocks that are not full, planes within other axes.
SHAPES = [
    ((300, 277), (1, 0)),
    ((256, 1024), (1, 0)),
    ((5, 20_000), (1, 0)),
    ((9, 30, 7, 300), (0, 2, 1, 3)),
    ((9, 700, 21, 3), (0, 2, 1, 3)),
    ((5, 3, 300, 17), (2, 0, 1, 3)),
    ((20_000, 9), (1, 0)),
    ((3, 40, 70, 11), (0, 2, 3, 1)),
    ((3, 40, 70, 11), (3, 2, 1, 0)),
    ((2, 35, 4, 33, 13), (2, 4, 0, 3, 1)),
]


def numbers(shape, dtype):
    """Bits of every kind, among them NaN with a payload and -0.0."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(rng(1).bytes(size), dtype).reshape(shape).copy()


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.float64])
@pytest.mark.parametrize(("shape", "axes"), SHAPES)
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_axes_in_another_order(threads, shape, axes, dtype):
    xt.set_num_threads(threads)
    x = numbers(shape, dtype)
    due = np.ascontiguousarray(x.transpose(axes))
    assert permuted(x, axes).tobytes() == due.tobytes()


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.transpose(2, 1, 0)[::-1, 1:],
        lambda a: a[::2, 3:-2, ::-1].swapaxes(0, 1),
        lambda a: a[:, ::-3].transpose(2, 0, 1),
        lambda a: a[1].T,
        lambda a: a[::-1, ::-1, ::-1],
        lambda a: a[:, :, 3:20],
        lambda a: a[2:, ::-1, 3:20],
        lambda a: np.broadcast_to(a[:, 0, :20], (300, 18, 20)),
        lambda a: a[:, 1:, ::-1],
        lambda a: a[:, :, ::2],
        lambda a: a[:, ::-1, 1:200:2],
        lambda a: a[:, 1:, 19:2:-1],
        lambda a: a[::-1, :, 15::-1],
        lambda a: a[:, ::-1, 90:1:-1].swapaxes(0, 1),
        lambda a: a[:, :, 89::-1].transpose(1, 0, 2),
        lambda a: np.broadcast_to(a[0].T, (2, 271, 300)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.uint8, np.float64])
def test_what_a_view_shows_is_read_and_written(view, dtype, monkeypatch):
    monkeypatch.setattr(parallel, "FIRST_CALLS", 0)
    x = numbers((18, 300, 271), dtype)
    seen = view(x)
    assert seen.size > 65_536
    assert read(x, view).tobytes() == seen.tobytes()
    values = numbers(seen.shape, dtype)
    if 0 not in seen.strides:
        due, out = x.copy(), x.copy()
        view(due)[...] = values
        write(out, view, values)
        assert out.tobytes() == due.tobytes()


def test_windows_that_overlap():
    x = numbers((70_000,), np.float32)

    def windows(a):
        return np.lib.stride_tricks.sliding_window_view(a, 16)

    assert read(x, windows).tobytes() == windows(x).tobytes()


@pytest.mark.parametrize("dtype", [xt.kfloat64, xt.kfloat32, xt.kint8, xt.kbool])
@pytest.mark.parametrize(
    ("shapes", "axis"),
    [
        ([(70_000,), (0,), (1,), (33_000,)], 0),  # runs that end within a part
        ([(5000, n) for n in (3, 17, 0, 1)], 1),  # rows of less than a run
        ([(3, n, 7) for n in (2500, 1, 4000)], 1),
        ([(1, 400, 2)] * 90, 0),
    ],
)
def test_many_numbers_joined(shapes, axis, dtype):
    parts = [xt.XTensor(rng(2).integers(0, 2, shape), dtype=dtype) for shape in shapes]
    due = np.concatenate([part.to_numpy() for part in parts], axis)
    for threads in (1, 2, 3):
        xt.set_num_threads(threads)
        assert xt.concatenate(parts, axis).to_numpy().tobytes() == due.tobytes()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("join", "due"), [(xt.concatenate, np.concatenate), (xt.stack, np.stack)])
def test_large_tensors_joined(join, due, axis):
    parts = [numbers((40, 30, 50), np.int32) for _ in range(3)]
    tensors = [xt.XTensor(part, dtype=xt.kint32) for part in parts]
    assert join(tensors, axis).to_numpy().tobytes() == due(parts, axis).tobytes()


@pytest.mark.parametrize("join", [xt.concatenate, xt.stack])
def test_gradients_of_what_was_joined_are_tensors_of_their_own(join):
    parts = [xt.XTensor(np.zeros((2, 3)), requires_grad=True) for _ in range(2)]
    seed = xt.ones(join(parts).shape)
    with xt.autograd.tape():
        y = join(parts)
    y.backward(seed)
    seed[0] = 7.0
    parts[0].grad[0] = 5.0
    np.testing.assert_array_equal(parts[1].grad.to_numpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(parts[0].grad.to_numpy(), [[5, 5, 5], [1, 1, 1]])


def test_a_stack_is_one_operation():
    x = xt.XTensor([1.0, 2.0], requires_grad=True)
    with xt.autograd.tape() as t:
        xt.stack([x, x], 1)
    assert str(t).splitlines()[0] == "tape: 1 operation"


def test_memory_that_may_not_be_written_is_read():
    x = numbers((300, 277), np.float32)
    x.flags.writeable = False
    for view in (lambda a: a.T, lambda a: a[:, ::-1], lambda a: a.reshape(-1, 4)[:, 1:]):
        t = read(x, view)
        assert t.tobytes() == view(x).tobytes()


def test_first_copies_are_numpys_and_the_same(monkeypatch):
    x = numbers((70, 31, 64), np.float32)
    views = [
        lambda a: a.transpose(2, 1, 0)[::-1, 1:],
        lambda a: a[::-2, ::-1, ::-1],
        lambda a: np.broadcast_to(a[:, 0], (40, 70, 64)),
    ]
    for view in views:
        found = []
        for calls in (0, 1 << 30):
            monkeypatch.setattr(parallel, "FIRST_CALLS", calls)
            out = x.copy()
            part = read(x, view)
            if part.size < x.size:
                write(out, view, part[::-1])
            found.append(part.tobytes() + out.tobytes() + full((70_000,), 3, x.dtype).tobytes())
        assert found[0] == found[1]
        assert found[0].startswith(view(x).tobytes())
