"""Optimizers against plain NumPy formulas, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import xtensor as xt
from tests.naive import optimizer as naive
from xtensor.device import DEV_GPU_0
from xtensor.kernels.threads import get_num_threads, set_num_threads

RULES = [
    (xt.SGD, naive.sgd, {}),
    (xt.SGD, naive.sgd, {"lr": 0.3, "momentum": 0.7}),
    (xt.SGD, naive.sgd, {"lr": 0.3, "momentum": 0.7, "nesterov": True}),
    (xt.Adam, naive.adam, {}),
    (xt.Adam, naive.adam, {"lr": 0.1, "beta1": 0.5, "beta2": 0.6, "epsilon": 0.1}),
    (xt.Adam, naive.adam, {"lr": 0.1, "beta2": 0.3, "amsgrad": True}),
    (xt.Adamax, naive.adamax, {}),
    (xt.Adamax, naive.adamax, {"lr": 0.1, "beta1": 0.5, "beta2": 0.6, "epsilon": 0.1}),
    (xt.Adadelta, naive.adadelta, {}),
    (xt.Adadelta, naive.adadelta, {"lr": 2, "beta": 0.5, "epsilon": 0.01}),
    (xt.Adagrad, naive.adagrad, {}),
    (xt.Adagrad, naive.adagrad, {"lr": 0.5, "epsilon": 0.1}),
    (xt.RMSProp, naive.rmsprop, {}),
    (xt.RMSProp, naive.rmsprop, {"lr": 0.5, "beta": 0.3, "epsilon": 0.1}),
]
CLASSES = [xt.SGD, xt.Adam, xt.Adamax, xt.Adadelta, xt.Adagrad, xt.RMSProp]


def identity(rule):
    return f"{rule[0].__name__}-{'-'.join(rule[2]) or 'defaults'}"


def parameter(*shape, seed=0, dtype=xt.kfloat64):
    start = np.random.default_rng(seed).standard_normal(shape)
    return xt.Parameter(start, dtype=dtype)


def give_gradient(tensor, seed):
    values = np.random.default_rng((seed, 1)).standard_normal(tensor.shape)
    tensor.grad = xt.XTensor(values, dtype=tensor.dtype, device=tensor.device)
    return values


@pytest.mark.parametrize("rule", RULES, ids=identity)
@pytest.mark.parametrize("dtype", [xt.kfloat64, xt.kfloat32])
def test_five_steps_equal_the_formula(rule, dtype):
    optimizer_class, formula, options = rule
    weights = [parameter(3, 4, seed=1, dtype=dtype), parameter(5, seed=2, dtype=dtype)]
    expected = [w.to_numpy().astype(np.float64) for w in weights]
    state = [{}, {}]
    optimizer = optimizer_class(weights, **options)
    for t in range(1, 6):
        for i, w in enumerate(weights):
            g = give_gradient(w, (t, i))
            expected[i] = formula(expected[i], g, t, state[i], **options)
        optimizer.step()
    for w, due in zip(weights, expected, strict=True):
        assert w.dtype == dtype
        rtol = 1e-12 if dtype == xt.kfloat64 else 1e-5
        np.testing.assert_allclose(w.to_numpy(), due, rtol=rtol, atol=rtol)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", RULES, ids=identity)
def test_the_cuda_twin_agrees(rule):
    optimizer_class, _, options = rule
    results = []
    for device in (0, DEV_GPU_0):
        w = parameter(2, 5).toGPU(device) if device else parameter(2, 5)
        optimizer = optimizer_class([w], **options)
        for t in range(3):
            give_gradient(w, t)
            optimizer.step()
        assert w.device == device
        results.append(w.to_numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)


@pytest.mark.parametrize("optimizer_class", CLASSES)
def test_without_gradient_nothing_happens_and_no_step_is_counted(optimizer_class):
    used, unused = parameter(3), parameter(3)
    optimizer = optimizer_class([used, unused])
    before = unused.to_numpy()
    give_gradient(used, 1)
    optimizer.step()
    assert (unused.to_numpy() == before).all()
    alone = parameter(3)
    give_gradient(unused, 2)
    give_gradient(alone, 2)
    used.grad = None
    optimizer.step()
    optimizer_class([alone]).step()
    assert (unused.to_numpy() == alone.to_numpy()).all()


def test_the_learning_rate_may_change():
    w = xt.Parameter([1.0])
    optimizer = xt.SGD([w], lr=1)
    optimizer.lr = 0.5
    w.grad = xt.XTensor([1.0])
    optimizer.step()
    assert w.item() == 0.5
    with pytest.raises(ValueError, match="SGD: lr is nan"):
        optimizer.lr = float("nan")
    assert optimizer.lr == 0.5


def test_other_holders_of_the_memory_keep_their_values():
    w = xt.Parameter([1.0, 2.0])
    seen = xt.XTensor(w)
    view = w.array
    w.grad = xt.XTensor([1.0, 1.0])
    xt.SGD([w], lr=1).step()
    assert seen.to_numpy().tolist() == view.tolist() == [1.0, 2.0]
    assert w.to_numpy().tolist() == [0.0, 1.0]


def test_zero_grad_and_empty_tensors():
    w, nothing = parameter(2), parameter(0, 3)
    for tensor in (w, nothing):
        give_gradient(tensor, 1)
    optimizer = xt.Adam([w, nothing])
    optimizer.step()
    optimizer.zero_grad()
    assert w.grad is None
    assert nothing.grad is None


@pytest.mark.parametrize("optimizer_class", CLASSES)
def test_the_same_bytes_on_one_thread_and_on_four(optimizer_class):
    results = []
    before = get_num_threads()
    try:
        for threads in (1, 4):
            set_num_threads(threads)
            w = parameter(100_001, dtype=xt.kfloat32)
            optimizer = optimizer_class([w])
            for t in range(2):
                give_gradient(w, t)
                optimizer.step()
            results.append(w.to_numpy().tobytes())
    finally:
        set_num_threads(before)
    assert results[0] == results[1]


@pytest.mark.parametrize("rule", RULES, ids=identity)
def test_state_goes_on_where_it_was(rule):
    optimizer_class, _, options = rule
    w, untouched = parameter(4), parameter(2)
    optimizer = optimizer_class([w, untouched], **options)
    for t in range(2):
        give_gradient(w, t)
        optimizer.step()
    state = optimizer.state_dict()
    copy = xt.Parameter(w, dtype=w.dtype)
    other = optimizer_class([copy, parameter(2)], lr=9)
    other.load_state_dict(state)
    assert other.lr == optimizer.lr
    for tensor, by in ((w, optimizer), (copy, other)):
        give_gradient(tensor, 7)
        by.step()
    assert w.to_numpy().tobytes() == copy.to_numpy().tobytes()


def test_state_of_something_else_is_refused_and_changes_nothing():
    w = parameter(4)
    give_gradient(w, 1)
    optimizer = xt.Adam([w])
    optimizer.step()
    state = optimizer.state_dict()
    wrong = [
        (xt.SGD([w]), state, ValueError, "SGD.load_state_dict"),
        (xt.Adam([w, parameter(1)]), state, ValueError, "of 1 parameters"),
        (xt.Adam([parameter(5)]), state, ValueError, r"shape \[4\]"),
        (xt.Adam([w]), {**state, "options": {}}, ValueError, "options"),
        (xt.Adam([w]), {**state, "options": {**state["options"], "lr": -1}}, ValueError, "lr"),
        (xt.Adam([w]), {**state, "state": [{"step": 1}]}, ValueError, "parameter 0"),
        (xt.Adam([w]), {**state, "state": [{**state["state"][0], "step": -1}]}, ValueError, "-1"),
        (xt.Adam([w]), {**state, "state": [{"step": 1, "m": [1], "v": w}]}, TypeError, "m of para"),
        (xt.Adam([w]), [1], TypeError, "state_dict"),
    ]
    for other, broken, error, words in wrong:
        before = repr(other.state_dict())
        with pytest.raises(error, match=words):
            other.load_state_dict(broken)
        assert repr(other.state_dict()) == before


def leaf():
    return xt.Parameter([1.0])


def recorded():
    with xt.autograd.tape():
        return leaf() * 2.0


class Net(xt.Module):
    pass


WRONG = [
    (lambda: xt.SGD([]), ValueError, "SGD: params is empty"),
    (lambda: xt.Adam(Net()), TypeError, "module.parameters()"),
    (lambda: xt.Adam(leaf()), TypeError, "put it into a list"),
    (lambda: xt.Adam({"w": leaf()}), TypeError, "a list of tensors"),
    (lambda: xt.Adam(3), TypeError, "a list of tensors"),
    (lambda: xt.Adam([leaf(), 3]), TypeError, "params[1] is of type int"),
    (lambda: xt.Adam([xt.XTensor([1.0])]), ValueError, "params[0] is without requires_grad"),
    (lambda: xt.Adam([recorded()]), ValueError, "params[0] is a recorded result"),
    (lambda: xt.Adam([leaf()] * 2), ValueError, "params[1] is the same tensor again"),
    (lambda: xt.SGD([leaf()], lr=float("nan")), ValueError, "SGD: lr is nan"),
    (lambda: xt.SGD([leaf()], lr=float("inf")), ValueError, "SGD: lr is inf"),
    (lambda: xt.SGD([leaf()], lr=-0.1), ValueError, "SGD: lr is -0.1; expected a finite number"),
    (lambda: xt.SGD([leaf()], lr="fast"), TypeError, "SGD: lr is 'fast'"),
    (lambda: xt.SGD([leaf()], lr=True), TypeError, "SGD: lr is True"),
    (lambda: xt.SGD([leaf()], momentum=-1), ValueError, "SGD: momentum is -1"),
    (lambda: xt.SGD([leaf()], nesterov=True), ValueError, "SGD: nesterov"),
    (lambda: xt.SGD([leaf()], momentum=0.5, nesterov=1), TypeError, "SGD: nesterov is 1"),
    (lambda: xt.Adam([leaf()], beta1=1), ValueError, "Adam: beta1 is 1; expected a number from 0"),
    (lambda: xt.Adam([leaf()], beta2=float("nan")), ValueError, "Adam: beta2 is nan"),
    (lambda: xt.Adam([leaf()], epsilon=-1e-8), ValueError, "Adam: epsilon is -1e-08"),
    (lambda: xt.Adam([leaf()], amsgrad="yes"), TypeError, "Adam: amsgrad is 'yes'"),
    (lambda: xt.Adamax([leaf()], beta1=None), TypeError, "Adamax: beta1 is None"),
    (lambda: xt.Adamax([leaf()], beta2=1.5), ValueError, "Adamax: beta2 is 1.5"),
    (lambda: xt.Adadelta([leaf()], beta=-0.1), ValueError, "Adadelta: beta is -0.1"),
    (lambda: xt.Adagrad([leaf()], epsilon="0"), TypeError, "Adagrad: epsilon is '0'"),
    (lambda: xt.RMSProp([leaf()], beta=2), ValueError, "RMSProp: beta is 2"),
    (lambda: step_base(), NotImplementedError, "Optimizer has no update"),
]  # fmt: skip


def step_base():
    w = leaf()
    w.grad = xt.XTensor([1.0])
    xt.Optimizer([w]).step()


@pytest.mark.parametrize(("call", "error", "words"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_use_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("gradient", "error", "words"),
    [
        (xt.XTensor([1.0, 2.0]), ValueError, "gradient of params[1] is kfloat32 of shape [2]"),
        (xt.XTensor([1.0], dtype=xt.kfloat64), ValueError, "kfloat64 of shape [1]"),
        (np.ones(1, np.float32), TypeError, "of type ndarray"),
    ],
)
def test_a_gradient_that_does_not_fit_changes_no_parameter(gradient, error, words):
    first, second = leaf(), leaf()
    first.grad = xt.XTensor([1.0])
    second.grad = gradient
    with pytest.raises(error) as caught:
        xt.SGD([first, second], lr=1).step()
    assert words in str(caught.value)
    assert first.item() == 1.0


def test_generators_and_frozen_parameters_are_welcome():
    w = leaf()
    w.requires_grad = False
    optimizer = xt.SGD(p for p in [w, leaf()])
    optimizer.step()
    assert repr(optimizer) == "SGD(2 parameters, lr=0.01, momentum=0.0, nesterov=False)"
