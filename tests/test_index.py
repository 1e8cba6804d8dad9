"""What ``t[item]`` shares with its source (nothing), and what a refused assignment leaves."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt

from .cases import normal, rng


def test_a_result_is_a_new_tensor():
    t = xt.zeros([3, 4])
    part = t[1:]
    part[0] = 5
    assert t.to_numpy().sum() == 0
    t[2] = 7
    assert part.to_numpy()[1].sum() == 0


def test_an_assignment_leaves_everybody_else_alone():
    t = xt.XTensor(normal(1, 2, 3), requires_grad=True)
    with xt.autograd.tape():
        flat = t.reshape([6])
        y = flat * flat
        with pytest.warns(RuntimeWarning, match="setitem.*not recorded"):
            flat[0] = 100.0
    before = t.to_numpy()
    y.backward()
    np.testing.assert_allclose(t.grad.to_numpy(), 2 * before, rtol=1e-6)


@pytest.mark.parametrize("index", [1.5, np.nan, np.inf])
def test_only_whole_numbers_name_an_element(index):
    with pytest.raises(IndexError, match=r"getitem: the index is .* at position \[1\]"):
        xt.zeros([4])[xt.XTensor([1.0, index])]
    for loss in (xt.CrossEntropyLoss(), xt.NLL_Loss()):
        with pytest.raises((IndexError, ValueError), match=r"target is .* whole number"):
            loss(xt.XTensor([1.0, index]), xt.ones([2, 4]))


def test_a_refused_assignment_writes_nothing():
    t = xt.zeros([4])
    with pytest.raises(IndexError, match=r"setitem: the index of axis 0 is 9 at position \[1\]"):
        t[xt.XTensor([0, 9])] = 1.0
    assert t.to_numpy().sum() == 0


def test_of_several_values_for_one_place_the_last_stays_for_any_number_of_threads():
    place = rng(1).integers(0, 50, 40_000)
    values = normal(2, 40_000, 3).astype(np.float32)
    due = np.zeros((50, 3), np.float32)
    due[place] = values
    for threads in (1, 3):
        xt.set_num_threads(threads)
        t = xt.zeros([50, 3])
        t[xt.XTensor(place, dtype=xt.kint64)] = xt.XTensor(values)
        np.testing.assert_array_equal(t.to_numpy(), due)


def test_gradients_of_one_place_add_up_in_one_order():
    place = xt.XTensor(rng(1).integers(0, 50, 40_000), dtype=xt.kint64)
    seed = xt.XTensor(normal(3, 40_000, 3))
    results = set()
    for threads in (1, 2, 3):
        xt.set_num_threads(threads)
        t = xt.XTensor(normal(2, 50, 3), requires_grad=True)
        with xt.autograd.tape():
            y = t[place]
        y.backward(seed)
        results.add(t.grad.to_numpy().tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("columns", [1, 3, 200])
@pytest.mark.parametrize("taken", [0, 10, 64, 65, 300])
@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
def test_what_is_taken_several_times_gets_all_gradients(device, taken, columns):
    """By few places and by many, which a GPU adds up otherwise."""
    rng = np.random.default_rng(1)
    places, seed = rng.integers(0, 20, taken), rng.standard_normal((taken, columns))
    due = np.zeros((20, columns))
    for i, row in zip(places, seed):
        due[i] += row
    x = xt.zeros([20, columns], dtype=xt.kfloat64, device=device)
    x.requires_grad = True
    index = xt.XTensor(places, dtype=xt.kint64, device=device)
    for call in (lambda: x[index], lambda: xt.embedding(x, index)):
        with xt.autograd.tape():
            y = call()
        y.backward(xt.XTensor(seed, dtype=xt.kfloat64, device=device))
        assert x.grad.to_numpy().tobytes() == due.tobytes()


def test_a_tensor_is_a_sequence_of_its_first_axis():
    t = xt.XTensor(normal(1, 3, 2))
    rows = list(t)
    assert [row.shape for row in rows] == [[2], [2], [2]]
    np.testing.assert_array_equal(np.stack([r.to_numpy() for r in rows]), t.to_numpy())


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (3, 40_000), (7, 150, 200)])
def test_places_that_are_not_zero_block_after_block(shape):
    x = np.where(rng(1).random(shape) < 0.3, np.float32(-2), np.float32(0))
    places = xt.nonzero(xt.XTensor(x))
    assert places.dtype == xt.kint64
    np.testing.assert_array_equal(places.to_numpy(), np.argwhere(x))


@pytest.mark.parametrize("item", [2**70, -(2**70), (2**70, [0, 1]), (4, [0, 1]), (-5, [0, 1])])
def test_an_int_beyond_the_axis_is_refused(item):
    with pytest.raises(
        IndexError, match=r"getitem: the index of axis 0 is -?\d+; expected -4 .. 3"
    ):
        xt.zeros([4, 3])[item]


def test_an_index_array_that_changes_later_changes_no_gradient():
    place = np.array([0, 2])
    x = xt.XTensor(np.zeros(4), requires_grad=True)
    with xt.autograd.tape():
        y = x[place]
    place[:] = 1
    y.backward()
    assert x.grad.to_numpy().tolist() == [1, 0, 1, 0]


def test_nothing_is_written_to_rows_without_elements():
    t = xt.zeros([3, 0])
    t[[0, 2]] = 1.0
    assert t[[0, 2]].shape == [2, 0]


@pytest.mark.parametrize("columns", [3, 3000])
def test_a_row_of_values_goes_to_every_place(columns):
    t, place, row = xt.zeros([50, columns]), np.arange(0, 50, 2), np.arange(columns)
    t[place] = row.astype(np.float32)
    t[1:49:2] = row.astype(np.float32)
    due = np.tile(row, (50, 1))
    due[49] = 0
    np.testing.assert_array_equal(t.to_numpy(), due)
