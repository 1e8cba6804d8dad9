"""Random numbers: the generator, its state, the streams, the distributions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels import launch, philox
from xtensor.kernels.cpu import random

from .naive import random as naive

# Random123's kat_vectors, rows "philox4x32 10": counter, key, result.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]
both_devices = pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])


@pytest.fixture(autouse=True, params=[0, 1 << 40], ids=["compiled", "numpy"])
def _drawn_by(request, monkeypatch):
    """The first numbers of a program are drawn by NumPy, all others by compiled loops."""
    monkeypatch.setattr(random, "BY_NUMPY", request.param)


@pytest.mark.parametrize("n", [1, 2, 3, 30, 1023, 70_001])
def test_numpy_draws_the_same_bits(n, monkeypatch):
    results = []
    for most in (0, 1 << 40):
        monkeypatch.setattr(random, "BY_NUMPY", most)
        xt.set_rng_state({"seed": 2**63 + 7, "position": 2**32 - 2})
        drawn = [
            draw([n], *range_, dtype=dtype)
            for draw, range_ in ((xt.randu, (-2.7, 3.1)), (xt.randn, (0.3, 1.7)))
            for dtype in (xt.kfloat32, xt.kfloat64)
        ]
        results.append([t.to_numpy().tobytes() for t in (*drawn, xt.randperm(n))])
    assert results[0] == results[1]


def test_after_so_many_numbers_loops_are_compiled(monkeypatch):
    def loop():
        raise AssertionError

    monkeypatch.setattr(random, "BY_NUMPY", 3 * random.LEAST)
    assert [random.by_numpy(loop, 5) for _ in range(4)] == [True, True, True, False]
    assert not random.by_numpy(test_state_comes_back, random.BY_NUMPY + 1)


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_philox_gives_the_published_words(counter, key, result):
    ours = philox.philox(*(np.uint64(v) for v in counter + key))
    assert [int(v) for v in ours] == result
    assert naive.philox(counter, key) == result


def test_compiled_words_are_the_published_ones():
    out = np.empty(6, np.uint32)
    launch("random_words_forward", 2, out, np.uint64(0), np.uint64(0))
    assert out[:4].tolist() == KNOWN[0][2]
    assert out[4:].tolist() == naive.philox([1, 0, 0, 0], [0, 0])[:2]


@pytest.mark.parametrize("position", [0, 1, 2**32 - 1, 2**64 - 2])
@pytest.mark.parametrize("seed", [0, 2**64 - 1, 0x123456789ABCDEF0])
def test_seed_and_position_use_all_their_bits(seed, position):
    xt.set_rng_state({"seed": seed, "position": position})
    np.testing.assert_array_equal(xt.randu([5]).to_numpy(), naive.uniform32(seed, position, 5))


@both_devices
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 30])
def test_streams_are_those_of_the_oracle(n, device):
    for draw, dtype, due in (
        (xt.randu, xt.kfloat32, naive.uniform32),
        (xt.randu, xt.kfloat64, naive.uniform64),
        (xt.randn, xt.kfloat32, naive.normal32),
        (xt.randn, xt.kfloat64, naive.normal64),
    ):
        xt.manual_seed(5)
        came = draw([n], dtype=dtype, device=device)
        assert (came.shape, came.dtype, came.device) == ([n], dtype, device)
        tolerance = 1e-6 if dtype == xt.kfloat32 else 1e-14
        np.testing.assert_allclose(came.to_numpy(), due(5, 0, n), rtol=tolerance, atol=tolerance)


def test_each_draw_takes_its_own_blocks():
    xt.manual_seed(1)
    for draw, blocks in (
        (lambda: xt.randu([9]), 3),
        (lambda: xt.randu([9], dtype=xt.kfloat64), 5),
        (lambda: xt.randn([8]), 2),
        (lambda: xt.randperm(4), 2),
        (lambda: xt.dropout(xt.ones([5])), 2),
        (lambda: xt.randu([0]), 0),
    ):
        before = xt.get_rng_state()["position"]
        draw()
        assert xt.get_rng_state()["position"] - before == blocks


def test_state_comes_back():
    xt.manual_seed(3)
    xt.randn([11])
    state = xt.get_rng_state()
    first = xt.randn([5]).to_numpy()
    xt.set_rng_state(state)
    np.testing.assert_array_equal(xt.randn([5]).to_numpy(), first)
    assert not np.array_equal(xt.randn([5]).to_numpy(), first)


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize("std", [1e-30, 1e25])
def test_normal_numbers_of_any_deviation(std, size):
    """Also where its square is no float32 any more; many numbers go by compiled loops at last."""
    for _ in range(6):
        xt.manual_seed(3)
        due = xt.randn([size]).to_numpy().astype(np.float64) * std
        xt.manual_seed(3)
        np.testing.assert_allclose(xt.randn([size], 0, std).to_numpy(), due, rtol=1e-6)


def test_results_do_not_depend_on_the_number_of_threads():
    results = []
    for threads in (1, 3):
        xt.set_num_threads(threads)
        xt.manual_seed(9)
        drawn = [xt.randu([300_001]), xt.randn([300_001]), xt.randn([100_001], dtype=xt.kfloat64)]
        drawn.append(xt.dropout(drawn[0], 0.3))
        results.append([x.to_numpy() for x in drawn])
    for one, three in zip(*results, strict=True):
        assert one.tobytes() == three.tobytes()


@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64])
def test_distributions(dtype):
    n = 400_000
    u = xt.randu([n], -2, 3, dtype=dtype).to_numpy().astype(np.float64)
    assert u.min() >= -2
    assert u.max() <= 3
    counts = np.histogram(u, 50, (-2, 3))[0]
    assert ((counts - n / 50) ** 2 / (n / 50)).sum() < 100  # chi-square, 49 degrees: p < 2e-5
    z = xt.randn([n], 1, 2, dtype=dtype).to_numpy().astype(np.float64)
    z = (z - 1) / 2
    for power, moment, deviation in ((1, 0, 1), (2, 1, 2**0.5), (3, 0, 15**0.5), (4, 3, 96**0.5)):
        assert abs((z**power).mean() - moment) < 5 * deviation / n**0.5
    assert abs((z[::2] * z[1::2]).mean()) < 5 / (n / 2) ** 0.5


def test_dropout_keeps_the_mean_and_draws_one_mask_for_both_passes():
    x = xt.XTensor(np.ones(200_000), requires_grad=True)
    with xt.autograd.tape():
        y = xt.dropout(x, 0.25)
    xt.randu([100])  # another draw between the passes must not matter
    y.backward()
    np.testing.assert_array_equal(x.grad.to_numpy(), y.to_numpy())
    assert abs((y.to_numpy() == 0).mean() - 0.25) < 0.005
    assert abs(y.to_numpy().mean() - 1) < 0.01


def test_randperm_is_a_permutation_and_follows_the_seed():
    xt.manual_seed(4)
    order = xt.randperm(1000)
    assert order.dtype == xt.kint64
    assert sorted(order.to_numpy().tolist()) == list(range(1000))
    assert order.to_numpy().tolist() != list(range(1000))
    xt.manual_seed(4)
    assert xt.randperm(1000).to_numpy().tolist() == order.to_numpy().tolist()
    assert xt.randperm(0).shape == [0]


@pytest.mark.parametrize("size", [1, 5, 5000])
def test_randperm_shuffles_by_words_of_the_stream(size):
    words = np.empty(2 * size, np.uint32)
    launch("random_words_forward", -(-2 * size // 4), words, np.uint64(0), np.uint64(8))
    due = []
    for i, word in enumerate(words.view(np.uint64).tolist()):
        due.append(i)
        j = word * (i + 1) >> 64
        due[i], due[j] = due[j], due[i]
    xt.manual_seed(8)
    np.testing.assert_array_equal(xt.randperm(size).to_numpy(), due)


def test_randperm_knows_every_order():
    xt.manual_seed(9)
    times = Counter(tuple(xt.randperm(4).to_numpy().tolist()) for _ in range(4800))
    assert len(times) == 24
    # Each 200 times; the sum has a chi-squared distribution of 23 degrees of freedom.
    assert sum((count - 200) ** 2 / 200 for count in times.values()) < 49.7  # once in a thousand


@both_devices
@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64])
@pytest.mark.parametrize(("low", "high"), [(1000, 1001), (-3, -2.9), (1e8, 1e8 + 8), (2, 2)])
def test_uniform_numbers_stay_below_their_end(low, high, dtype, device):
    """Where they are rounded to, one in some ten thousand, or in two, would reach it."""
    xt.manual_seed(10)
    size = 200_000 if device == xt.DEV_CPU else 50
    values = xt.randu([size], low, high, device, dtype).to_numpy()
    ends = np.array([low, high], values.dtype)
    assert (values >= ends[0]).all()
    assert (values < ends[1]).all() if low < high else (values == low).all()


@both_devices
def test_filling_in_place(device):
    for fill, low, high in (
        (lambda t: t.fill_rand_uniform_(0.5), 0, 0.5),
        (lambda t: t.fill_rand_signed_uniform_(0.5), -0.5, 0.5),
        (lambda t: t.fill_rand_normal_(3, 0), 3, 3),
        (lambda t: t.fill_rand_binary_(2), 1, 1),
        (lambda t: t.fill_rand_binary_(0), 0, 0),
    ):
        t = xt.full([2, 20], 7.0, device=device)
        assert fill(t) is None
        values = t.to_numpy()
        assert (t.shape, t.device, t.dtype) == ([2, 20], device, xt.kfloat32)
        assert low <= values.min() <= values.max() <= high
        if high - low == 1:
            assert values.min() < 0


def test_filling_is_not_recorded_and_leaves_the_graph_alone():
    x = xt.XTensor([1.0, 2.0], requires_grad=True)
    with xt.autograd.tape() as tape:
        y = xt.sums(x * x)
        x.fill_rand_normal_()
    assert "fill" not in str(tape)
    y.backward()
    assert x.grad.to_numpy().tolist() == [2.0, 4.0]


def test_binary_fill_of_integers_and_probability():
    t = xt.zeros([100_000], dtype=xt.kuint8)
    t.fill_rand_binary_(0.3)
    assert t.dtype == xt.kuint8
    assert abs(t.to_numpy().mean() - 0.3) < 0.01


def test_requires_grad_makes_a_leaf():
    assert xt.randu([2], requires_grad=True).requires_grad
    assert not xt.randn([2]).requires_grad
