"""The tape: what it records, what it prints, what it keeps, and the checker itself."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import xtensor as xt
from xtensor.gradcheck import GradcheckError


def leaf(*values):
    return xt.XTensor(list(values), requires_grad=True)


def test_nothing_is_recorded_outside_a_tape():
    x = leaf(1.0)
    y = x * 2
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        y.backward()


def test_backward_inside_and_after_the_scope():
    x = leaf(1.0, 2.0)
    with xt.autograd.tape():
        (2 * x + 3).backward()
    assert x.grad.to_numpy().tolist() == [2, 2]
    with xt.autograd.tape():
        y = x * x
    y.backward()
    assert x.grad.to_numpy().tolist() == [2, 4]


def test_a_pass_replaces_and_sums_within():
    x = leaf(3.0)
    for _ in range(2):
        with xt.autograd.tape():
            y = x * x + x
        y.backward()
        assert x.grad.item() == 7


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0], ids=["cpu", "cuda"])
@pytest.mark.parametrize("length", [3, 70_000])
def test_gradients_of_many_uses_are_summed_up_in_an_array_of_their_own(length, device):
    """The gradient of a sum is one array for both its terms: adding to it would reach the other."""
    if device != xt.DEV_CPU:
        length = 3
    shared, *others, seed = (
        xt.XTensor(np.full(length, value), requires_grad=True, device=device)
        for value in (1.0, 2.0, 3.0, 4.0, 5.0)
    )
    with xt.autograd.tape():
        first, second, third = (shared + other for other in others)
        y = first + second + third + shared
    y.backward(seed)
    assert set(shared.grad.to_numpy()) == {20.0}
    for other in others:
        assert set(other.grad.to_numpy()) == {5.0}
    assert set(seed.to_numpy()) == {5.0}


def test_leaves_that_require_nothing_get_nothing():
    x, w = xt.XTensor([1.0]), leaf(2.0)
    with xt.autograd.tape():
        y = x * w
    y.backward()
    assert x.grad is None
    assert w.grad.item() == 1


def test_a_second_walk_says_what_to_do():
    x = leaf(1.0)
    with xt.autograd.tape():
        h = x * 2
        y, z = h * 3, h * 4
    y.backward()
    for again in (y, z):
        with pytest.raises(RuntimeError, match=r"freed.*Run the forward computation again"):
            again.backward()


def test_a_failed_walk_leaves_the_gradients_alone():
    x = leaf(1.0)
    with xt.autograd.tape():
        h = x * 2
        y, z = h * 3, h * 4
    y.backward()
    with pytest.raises(RuntimeError):
        z.backward()
    assert x.grad.item() == 6


def test_backward_of_a_leaf_and_cutting_off():
    x = leaf(1.0, 2.0)
    x.backward()
    assert x.grad.to_numpy().tolist() == [1, 1]
    with xt.autograd.tape():
        y = x * 2
        y.requires_grad = False
        z = y * x
    z.backward()
    assert x.grad.to_numpy().tolist() == [2, 4]


def test_the_printed_tape():
    x = leaf(1.0, 2.0)
    with xt.autograd.tape() as t:
        xt.relu(x * xt.ones([3, 1]))
    assert str(t).splitlines() == [
        "tape: 2 operations",
        "  1  mul   [2], [3, 1] -> [3, 2]",
        "  2  relu  [3, 2] -> [3, 2]",
    ]


def test_a_long_tape_prints_its_latest_operations():
    x = leaf(1.0)
    with xt.autograd.tape() as t:
        for _ in range(1203):
            x * 2
    lines = str(t).splitlines()
    assert lines[0] == "tape: 1203 operations"
    assert "latest 1000" in lines[1]
    assert lines[2].split()[0] == "204"
    assert lines[-1].split()[0] == "1203"


def test_scopes_nest_and_restore_after_errors():
    state = xt.autograd.is_recording, xt.autograd.is_training
    with xt.autograd.tape(), xt.autograd.no_grad():
        assert [f() for f in state] == [False, True]
        with pytest.raises(KeyError), xt.autograd.tape(), xt.autograd.eval_mode():
            raise KeyError([f() for f in state])
        assert [f() for f in state] == [False, True]
    assert [f() for f in state] == [False, False]


def test_evaluation_lasts_whatever_opens_a_tape_inside_it():
    norm, x = xt.BatchNorm1d(2), xt.XTensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    with xt.autograd.eval_mode(), xt.autograd.tape():
        assert (xt.autograd.is_recording(), xt.autograd.is_training()) == (True, False)
        y = norm(x)
    y.backward(xt.ones([2, 2]))
    np.testing.assert_array_equal(norm.global_mean.to_numpy(), [0, 0])
    np.testing.assert_allclose(x.grad.to_numpy(), np.full((2, 2), 1 / np.sqrt(1 + 1e-5)), rtol=1e-6)


def test_scopes_decorate_functions():
    @xt.autograd.tape()
    @xt.autograd.no_grad()
    def flags():
        return xt.autograd.is_recording(), xt.autograd.is_training()

    tapes = []

    @xt.autograd.tape()
    def depth(n):
        tapes.append(xt.autograd.state.tape)
        return depth(n - 1) if n else xt.autograd.is_recording()

    assert flags() == (False, True)
    assert depth(2)
    assert len(set(map(id, tapes))) == 3, "each call has a tape of its own"
    assert not xt.autograd.is_recording()
    assert not xt.autograd.is_training()


def test_the_tape_belongs_to_its_thread():
    seen = []
    with xt.autograd.tape():
        thread = threading.Thread(target=lambda: seen.append(xt.autograd.is_recording()))
        thread.start()
        thread.join()
        assert xt.autograd.is_recording()
    assert seen == [False]


@pytest.mark.parametrize("seed", range(20))
def test_each_operation_is_walked_after_all_that_use_it(seed):
    """Sums of what came at random before: a node taken too early would miss a gradient."""
    pick = np.random.default_rng(seed)
    x = leaf(1.0)
    values, slopes = [x], [1.0]
    with xt.autograd.tape():
        for _ in range(40):
            i, j = pick.integers(len(values), size=2)
            values.append(values[i] * 0.5 + values[j] * 0.25)
            slopes.append(slopes[i] * 0.5 + slopes[j] * 0.25)
        sum(values[1:]).backward()
    assert x.grad.item() == pytest.approx(sum(slopes[1:]), rel=1e-5), f"seed {seed}"


def test_a_graph_nobody_holds_is_gone():
    x = leaf(*np.ones(1000))
    with xt.autograd.tape():
        hidden = x * 2
        watch = weakref.ref(hidden)
        node = weakref.ref(hidden.node)
        y = xt.relu(hidden)
        del hidden
        gc.collect()
        assert watch() is None, "a node keeps what backward needs, not its input tensors"
        assert node() is not None
        del y
        gc.collect()
        assert node() is None


def test_a_long_chain_is_walked_and_dropped():
    x = y = leaf(1.0)
    with xt.autograd.tape():
        for _ in range(50_000):
            y = y + 1
    y.backward()
    assert x.grad.item() == 1
    with xt.autograd.tape():
        for _ in range(50_000):
            y = y + x
    del y


def test_anomaly_mode_names_the_op():
    x = leaf(-1.0)
    with xt.autograd.tape():
        y = xt.sqrt(x) * 2
    with xt.autograd.detect_anomaly(), pytest.raises(FloatingPointError, match="of sqrt"):
        y.backward()


class Square(xt.Op):
    promotion = "float"

    def forward(self, x):
        self.save(x)
        return x * x

    def backward(self, grad_out):
        (x,) = self.saved
        return 2 * x * grad_out


def test_an_instance_may_be_called_many_times():
    square, a, b = Square(), leaf(3.0), leaf(5.0)
    square(xt.XTensor([1], dtype=xt.kint32))  # unrecorded, and of another dtype
    for _ in range(2):
        with xt.autograd.tape():
            y = square(a) + square(square(b))
        square(xt.XTensor([9.0]))
        y.backward()
        assert a.grad.item() == 6
        assert a.grad.dtype == xt.kfloat32
        assert b.grad.item() == 4 * 5**3


# -- the checker ----------------------------------------------------------------------------------


class Planted(xt.Op):
    """exp, with a gradient that is wrong by ``error``."""

    def __init__(self, error, position=None):
        self.error, self.position = error, position

    def forward(self, x):
        out = xt.apply("exp_forward", (x,))
        self.save(out)
        return out

    def backward(self, grad_out):
        (out,) = self.saved
        grad = grad_out * out
        if self.position is None:
            return grad * (1 + self.error)
        grad[self.position] *= 1 + self.error
        return grad


def test_a_right_gradient_passes_the_checker():
    assert xt.gradcheck(Planted(0.0), leaf(0.1, 0.2, 0.3))


@pytest.mark.parametrize("position", [None, 0, 2])
@pytest.mark.parametrize("error", [1e-3, -1e-3, 1.0, float("nan")])
def test_a_planted_error_fails_the_checker(error, position):
    with pytest.raises(GradcheckError, match=r"input 0 at \[[02]\]"):
        xt.gradcheck(lambda x: Planted(error, position)(x), leaf(-6.0, 0.2, 3.0))


def test_the_checker_wants_a_recorded_function():
    with pytest.raises(GradcheckError, match="not recorded"):
        xt.gradcheck(lambda x: x > 0, leaf(1.0))
    with pytest.raises(TypeError, match="floating"):
        xt.gradcheck(lambda x: x, xt.XTensor([1], dtype=xt.kint32))


@pytest.mark.parametrize(
    ("fn", "x", "words"),
    [
        (lambda t: t, [1.0, 2.0], r"input 0 is of type list; .*XTensor\(\.\.\.\)"),
        (lambda t: t, np.ones(2), "input 0 is of type ndarray"),
        (lambda t: 3.0, xt.XTensor([1.0]), "the result of fn is of type float"),
    ],
)
def test_the_checker_wants_tensors(fn, x, words):
    with pytest.raises(TypeError, match=f"gradcheck: {words}"):
        xt.gradcheck(fn, x)


def test_a_forward_of_half_precision_is_named():
    class Half(xt.Op):
        def forward(self, x):
            return x.astype(np.float16)

    with xt.autograd.tape():
        y = Half()(leaf(1.0))
    for use in (lambda: y.dtype, lambda: repr(y), lambda: y + leaf(1.0)):
        with pytest.raises(TypeError, match=r"of dtype float16; expected one of .*forward"):
            use()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda g: (g, g), "the number of gradients is 2; expected 1, one per input"),
        (lambda g: g.reshape(1, 2), r"shape \[1, 2\]"),
        (lambda g: g.astype(float), "input 0 is float64; expected float32"),
        (lambda g: g.astype(np.float16), "input 0 is float16; expected float32"),
    ],
)
def test_a_malformed_backward_names_the_op(result, words):
    class Malformed(xt.Op):
        def forward(self, x):
            return x.copy()

        def backward(self, grad_out):
            return result(grad_out)

    with xt.autograd.tape():
        y = Malformed()(xt.tanh(leaf(1.0, 2.0)))
    with pytest.raises(RuntimeError, match=f"backward of malformed.*{words}"):
        y.backward()


def test_a_training_step_leaves_no_garbage_for_the_collector():
    x = leaf(1.0, 2.0)

    def step():
        with xt.autograd.tape():
            y = xt.sums(xt.relu(x * 2))
        y.backward()

    step()  # compiles, which leaves garbage of numba's
    gc.collect()
    gc.disable()
    try:
        step()
        assert gc.collect() == 0
    finally:
        gc.enable()
