"""multinomial: the right frequencies, nothing twice, one stream on both devices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import xtensor as xt

WEIGHTS = [0.5, 0, 2, 1, 4]


def test_pairs_are_as_frequent_as_drawing_one_after_the_other_makes_them():
    """Chi-square over the 12 ordered pairs; 31.3 is the 99.9 % point for 11 degrees of freedom."""
    count = 20_000
    drawn = xt.multinomial(xt.XTensor([WEIGHTS] * count), 2).to_numpy()
    total, chi_square = sum(WEIGHTS), 0.0
    for first, second in itertools.permutations([0, 2, 3, 4], 2):
        probability = WEIGHTS[first] / total * WEIGHTS[second] / (total - WEIGHTS[first])
        came = ((drawn[:, 0] == first) & (drawn[:, 1] == second)).sum()
        chi_square += (came - count * probability) ** 2 / (count * probability)
    assert chi_square < 31.3


def test_rows_hold_no_number_twice_and_no_weight_of_zero():
    weights = np.random.default_rng(0).random((200, 9)) * (np.arange(9) % 3 > 0)
    drawn = xt.multinomial(xt.XTensor(weights), 5).to_numpy()
    assert all(len(set(row)) == 5 for row in drawn.tolist())
    assert (np.take_along_axis(weights, drawn, 1) > 0).all()


@pytest.mark.parametrize("dtype", [xt.kfloat32, xt.kfloat64])
def test_scale_does_not_matter(dtype):
    def draw(scale):
        xt.manual_seed(5)
        return xt.multinomial(xt.XTensor([WEIGHTS] * 50, dtype=dtype) * scale, 3).to_numpy()

    np.testing.assert_array_equal(draw(1.0), draw(2.0**-100))
    np.testing.assert_array_equal(draw(1.0), draw(2.0**100))


def test_weights_too_small_to_divide_by_still_count():
    drawn = xt.multinomial(xt.XTensor([5e-324, 0, 5e-324], dtype=xt.kfloat64), 2)
    assert sorted(drawn.to_numpy().tolist()) == [0, 2]


@pytest.mark.gpu
def test_a_seed_gives_the_same_draw_on_both_devices():
    draws = []
    for device in (xt.DEV_CPU, xt.DEV_GPU_0):
        xt.manual_seed(3)
        draw = xt.multinomial(xt.XTensor([WEIGHTS] * 20, device=device), 3)
        assert draw.device == device
        assert draw.dtype == xt.kint64
        draws.append(draw.to_numpy())
    np.testing.assert_array_equal(draws[0], draws[1])


def test_the_result_is_never_recorded():
    t = xt.XTensor(WEIGHTS, requires_grad=True)
    with xt.autograd.tape():
        assert not xt.multinomial(t, 2).requires_grad


def test_no_rows_give_no_rows():
    assert xt.multinomial(xt.ones([0, 3]), 2).shape == [0, 2]
