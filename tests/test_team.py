"""Compiled loops that threads share without the GIL."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels import parallel
from xtensor.kernels._jit import CpuFunction
from xtensor.kernels.cpu.lifted import find_loop, run_loop
from xtensor.kernels.layout import merge_axes
from xtensor.kernels.parallel import parallel_for
from xtensor.kernels.threads import DRAWN, FROM_END, HELPERS, get_pool

SEED = 20


def _count(start, stop, out, x, factor):
    for i in range(start, stop):
        out[i] += factor * x[i]


def _mark(start, stop, out, big, own):
    for i in range(start, stop):
        for j in range(own.size):
            own[j] = i
        for _ in range(50):
            for j in range(own.size):
                out[i] += own[j] != i


def _refuse(start, stop, out, least):
    for i in range(start, stop):
        if i >= least:
            raise ValueError("no more of these")
        out[i] = i


count, mark, refuse = CpuFunction(_count), CpuFunction(_mark), CpuFunction(_refuse)


@pytest.fixture
def threads():
    before = xt.get_num_threads()
    yield xt.set_num_threads
    xt.set_num_threads(before)


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_every_index_is_computed_once(threads, number):
    threads(number)
    rng = np.random.default_rng(SEED)
    for work in [2, 3, *rng.integers(4, 300_000, 60).tolist()]:
        out, x = np.zeros(work), rng.standard_normal(max(work, 100_000))
        parallel_for(count, work, (out, x, 2.0))
        np.testing.assert_array_equal(out, 2 * x[:work], err_msg=f"{work=}, seed {SEED}")


@pytest.mark.parametrize("number", [1, 3])
def test_a_buffer_belongs_to_one_thread(threads, number):
    threads(number)
    wrong = np.zeros(400)
    for _ in range(40):
        parallel_for(mark, wrong.size, (wrong, np.zeros(0)), 1 << 20, [33])
    assert not wrong.any()


@pytest.mark.parametrize("number", [1, 2, 4])
def test_what_a_chunk_raises_reaches_the_caller(threads, number):
    threads(number)
    out = np.zeros(200_000)
    for least in (0, 150_000, 199_999):
        with pytest.raises(ValueError, match="no more of these"):
            parallel_for(refuse, out.size, (out, least))
    parallel_for(refuse, out.size, (out, out.size))
    np.testing.assert_array_equal(out, np.arange(out.size))


def test_first_calls_go_without_other_threads_unless_they_are_long(threads, monkeypatch):
    monkeypatch.setattr(parallel, "FIRST_CALLS", 3)
    threads(2)
    jobs = []
    monkeypatch.setattr(parallel, "_share", lambda body, work, *_: jobs.append(work))
    loop, out, x = CpuFunction(_count), np.zeros(200_000), np.ones(200_000)
    for _ in range(3):
        parallel_for(loop, out.size, (out, x, 1.0))
    assert jobs == []
    np.testing.assert_array_equal(out, 3)
    parallel_for(loop, out.size, (out, x, 1.0))
    assert jobs == [200_000]
    parallel_for(CpuFunction(_count), 7, (out, x, 1.0), parallel.LONG)
    assert jobs == [200_000, 7]


def test_a_call_is_counted_once(threads, monkeypatch):
    """Sums ask whether it is one of the first before ``parallel_for`` does."""
    monkeypatch.setattr(parallel, "FIRST_CALLS", 3)
    monkeypatch.setattr(run_loop, "first_calls", 0)
    threads(2)
    out, x = np.zeros(200_000), np.ones(200_000)
    for calls in (1, 2, 3, 3, 3):
        xt.launch("add_forward", out.size, out, out, x)
        assert run_loop.first_calls == calls
    np.testing.assert_array_equal(out, 5)


@pytest.mark.parametrize("rest", [0, 0.01])
def test_other_threads_take_part_awake_or_asleep(threads, rest):
    """How much of it they get is the system's business: this waits until they got some."""
    threads(2)
    out, x = np.zeros(4_000_000), np.ones(4_000_000)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        time.sleep(rest)
        parallel_for(count, out.size, (out, x, 1.0))
        words = get_pool().words
        assert words[DRAWN] >= 16
        assert words[HELPERS] == 0
        if words[FROM_END]:
            return
    raise AssertionError("in 30 seconds no other thread took part")


def test_loops_in_python_and_compiled_ones_take_turns(threads):
    """A thread that waits for compiled jobs is called back, and those that sleep are woken."""
    threads(3)
    out, x, seen = np.zeros(300_000), np.ones(300_000), []
    for turn in range(1, 30):
        parallel_for(count, out.size, (out, x, 1.0))
        parallel_for(lambda start, stop, _: seen.append(stop - start), 16, (x,))
        time.sleep(0.001 * (turn % 3))
        assert sum(seen) == 16 * turn
    assert (out == 29).all()


def test_callers_in_several_threads_get_their_own_results(threads):
    threads(3)
    failures = []

    def caller(number):
        out, x = np.zeros(200_000), np.full(200_000, float(number))
        for turn in range(1, 200):
            parallel_for(count, out.size, (out, x, 1.0))
            if not (out == number * turn).all():
                failures.append((number, turn))

    callers = [threading.Thread(target=caller, args=(n,)) for n in range(1, 5)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    assert failures == []


def test_threads_of_a_former_number_end(threads):
    for number in (4, 2, 3):
        threads(number)
        parallel_for(count, 100_000, (np.zeros(100_000), np.ones(100_000), 1.0))
    until = time.monotonic() + 30
    while time.monotonic() < until:
        ours = [t for t in threading.enumerate() if t.name.startswith("xtensor-")]
        if len(ours) == 2:
            return
        time.sleep(0.01)
    raise AssertionError(f"{len(ours)} threads are left of 4, 2 and 3, where 2 are at work")


# -- NumPy's loops --------------------------------------------------------------------------------

SHAPES = [
    [(300, 400), (300, 1)],
    [(300, 1), (1, 400)],
    [(20, 30, 16, 16), (1, 30, 1, 1)],
    [(20, 30, 16, 16), (20, 1, 16, 1)],
    [(40_000, 3), (40_000, 1)],
    [(40_000, 3), (3,)],
    [(7,), (20_000, 7)],
    [(200_000,), ()],
    [(1, 200_000), (1,)],
    [(2, 1, 50_000), (1, 3, 1)],
    [(50_000, 1, 2), (3, 2)],
    [(66_000, 1), (66_000, 1)],
]
FUNCTIONS = {"add": np.add, "maximum": np.maximum, "greater": np.greater, "divide": np.true_divide}


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_numbers_of_all_shapes_that_broadcast(shapes, name):
    rng = np.random.default_rng(SEED)
    for dtype in (np.float32, np.float64, np.int32, np.uint8):
        x, y = (rng.integers(1, 100, shape).astype(dtype) for shape in shapes)
        due = FUNCTIONS[name](x, y)
        got = getattr(xt, name)(xt.XTensor(x), xt.XTensor(y)).to_numpy()
        np.testing.assert_array_equal(got, due.astype(got.dtype), err_msg=f"{dtype}, seed {SEED}")


def test_a_loop_is_found_by_its_types():
    assert find_loop(np.add, "ff->f") != find_loop(np.add, "dd->d")
    assert find_loop(np.add, "fd->d") is None


def test_axes_merge_only_where_all_arrays_agree():
    assert merge_axes((2, 3, 4), (48, 16, 4), (48, 16, 4)) == [(24, 4, 4)]
    assert merge_axes((2, 3, 4), (48, 16, 4), (16, 0, 4)) == [(2, 48, 16), (3, 16, 0), (4, 4, 4)]
    assert merge_axes((1, 1), (4, 4), (0, 0)) == [(1, 0, 0)]
