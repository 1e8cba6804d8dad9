"""Many numbers go through other loops than few, and through several threads: the same must come."""

from __future__ import annotations

import re

import numpy as np
import pytest

import xtensor as xt
from xtensor.kernels import _cuda, parallel, scalar
from xtensor.kernels.cpu import lifted
from xtensor.kernels.cpu.elementwise import WAYS
from xtensor.kernels.formula import LIFTED, split_parameters

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = [xt.kfloat32, xt.kfloat64, xt.kint32, xt.kint8, xt.kbool]
ONE = ["abs", "neg", "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "square",
       "sign", "floor", "ceil", "round", "reciprocal", "logical_not", "isfinite", "isinf",
       "isnan", "clip", "masked_fill"]  # fmt: skip
TWO = ["add", "sub", "mul", "divide", "power", "maximum", "minimum", "less", "less_equal",
       "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or",
       "logical_xor", "where"]  # fmt: skip
NOT_OF_BOOL = {"abs", "neg", "sign", "sub", "square", "power", "clip"}
ODD = [0, -0.0, 1, -1, 2.5, -7, np.inf, -np.inf, np.nan, 0.3, 1e-30, 100]
PLAIN = [0, 1, 2, 3, 100, 7, 1, 0, 5, 12, 11, 90]
ROWS = 6_000

CALLS = {
    "clip": lambda x: xt.clip(x, 1, 5),
    "masked_fill": lambda x: xt.masked_fill(x, x.to_numpy() > 1, 1),
    "where": lambda x, y: xt.where(x > y, x, y),
}


def numbers(dtype, reverse=False):
    floating = dtype in (xt.kfloat32, xt.kfloat64)
    return np.array((ODD if floating else PLAIN)[:: -1 if reverse else 1])


def assert_same(came, due):
    assert came.dtype == due.dtype
    if came.dtype.kind != "f":
        np.testing.assert_array_equal(came, due)
        return
    np.testing.assert_allclose(came, due, rtol=8 * np.finfo(due.dtype).eps)
    assert ((np.signbit(came) == np.signbit(due)) | np.isnan(due)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE)
def test_many_numbers_as_few(name, dtype):
    if dtype == xt.kbool and name in NOT_OF_BOOL:
        return
    call, x = CALLS.get(name, getattr(xt, name)), numbers(dtype)
    due = call(xt.XTensor(x, dtype=dtype)).to_numpy()
    came = call(xt.XTensor(np.tile(x, (ROWS, 1)), dtype=dtype)).to_numpy()
    assert_same(came, np.tile(due, (ROWS, 1)))


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWO)
def test_many_pairs_as_few(name, dtype, copies):
    """Rows of a part of a vector, and of whole ones and a part."""
    if dtype == xt.kbool and name in NOT_OF_BOOL:
        return
    call = CALLS.get(name, getattr(xt, name))
    x, y = (np.tile(numbers(dtype, reverse), copies) for reverse in (False, True))
    due = call(xt.XTensor(x, dtype=dtype), xt.XTensor(y, dtype=dtype)).to_numpy()
    rows = ROWS // copies
    many_x, many_y = np.tile(x, (rows, 1)), np.tile(y, (rows, 1))
    for pair in ((many_x, many_y), (many_x, y), (x, many_y)):
        came = call(*[xt.XTensor(part, dtype=dtype) for part in pair]).to_numpy()
        assert_same(came, np.tile(due, (rows, 1)))


@pytest.mark.parametrize("name", ["add", "less", "log", "tanh", "maximum"])
def test_first_calls_are_numpys_and_the_same(name, monkeypatch):
    x, y = (np.tile(numbers(xt.kfloat32, reverse), (ROWS, 1)) for reverse in (False, True))
    found = []
    for calls in (0, 1 << 30):
        monkeypatch.setattr(parallel, "FIRST_CALLS", calls)
        inputs = (x, y) if name in TWO else (x,)
        found.append(getattr(xt, name)(*map(xt.XTensor, inputs)).to_numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    "name", ["sin", "cos", "sinh", "cosh", "power", "where", "abs", "clip", "neg"]
)
def test_the_number_of_threads_changes_nothing(name):
    x = xt.XTensor(np.random.default_rng(1).standard_normal((300, 701)), requires_grad=True)
    y = xt.XTensor(np.random.default_rng(2).standard_normal((300, 701)), requires_grad=True)
    call = CALLS.get(name, getattr(xt, name))
    before, found = xt.get_num_threads(), []
    try:
        for threads in (1, 2, 4):
            xt.set_num_threads(threads)
            for _ in range(parallel.FIRST_CALLS + 1):  # these go another way
                with xt.autograd.tape():
                    out = call(x, y) if name in TWO else call(x)
                out.backward(y)
            found.append(out.to_numpy().tobytes() + x.grad.to_numpy().tobytes())
    finally:
        xt.set_num_threads(before)
    assert found[0] == found[1] == found[2]


WRITTEN_AGAIN = {name for name, way in WAYS.items() if way.formula is not None}


@pytest.mark.parametrize(
    "name", sorted(scalar.formulas().keys() - WRITTEN_AGAIN - {"round_forward"})
)
def test_float32_is_not_computed_in_float64(name):
    """A literal is enough to widen; numba rounds a whole number by way of an int64."""
    import numba

    formula = scalar.formulas()[name]
    compiled = numba.njit(error_model="numpy")(formula)
    signature = (numba.float32,) * sum(split_parameters(formula))
    compiled.compile(signature)
    (text,) = compiled.inspect_llvm().values()
    assert not re.findall(r"= f(?:add|sub|mul|div) .*double", text)


def test_both_devices_have_a_loop_for_every_formula_that_is_taken():
    assert set(lifted._LOOPS) == set(_cuda._LOOPS) == LIFTED


def refused_formulas():
    def only_a_number(a: float): ...
    def number_first(a: float, x): ...
    def four(x, y, z, u): ...
    def three_and_one(x, y, z, a: float): ...
    def nothing(): ...

    return [only_a_number, number_first, four, three_and_one, nothing]


@pytest.mark.parametrize("formula", refused_formulas(), ids=lambda f: f.__name__)
def test_a_formula_that_no_loop_takes_is_refused(formula):
    words = f"{formula.__name__}: the signature is .*expected one or two array elements"
    with pytest.raises(ValueError, match=words):
        xt.elementwise_kernel(formula)
    assert formula.__name__ not in lifted.makers
