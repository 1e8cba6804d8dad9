"""What the rows of tests/cases do not ask of powers: odd numbers, and arrays that are cut up."""

from __future__ import annotations

import math

import numpy as np
import pytest

import xtensor as xt

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DTYPES = {xt.kfloat32: np.float32, xt.kfloat64: np.float64}
BASES = [0, -0.0, 1, -1, 2, -2, 0.5, -7.3, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-45]
NUMBERS = [
    0,
    1,
    2,
    3,
    8,
    9,
    10,
    -1,
    -2,
    -3,
    -9,
    0.5,
    -0.5,
    1.5,
    -2.5,
    7.5,
    8.5,
    1.7,
    -1.7,
    101,
    1e10,
    np.inf,
    np.nan,
]


def power(x, y):
    """Python's power of each pair, which goes by IEEE 754, in the arrays' dtype."""

    def one(x, y):
        try:
            return math.pow(x, y)
        except OverflowError:
            return math.copysign(math.inf, x) if y % 2 == 1 else math.inf
        except ValueError:  # a root of what is below 0, or 1 / 0
            return math.nan if x else math.copysign(math.inf, x if y % 2 == 1 else 1)

    x, y = np.broadcast_arrays(x, y)
    values = [one(float(a), float(b)) for a, b in zip(x.flat, y.flat, strict=True)]
    return np.array(values).reshape(x.shape).astype(np.result_type(x, y))


def assert_same(came, due):
    assert came.dtype == due.dtype
    np.testing.assert_allclose(came, due, rtol=16 * np.finfo(due.dtype).eps, atol=1e-44)
    signs = np.signbit(came) == np.signbit(due)
    assert (signs | np.isnan(due)).all()


@pytest.mark.parametrize("repeats", [1, 7_000], ids=["few", "many"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_power_of_odd_numbers(number, dtype, repeats):
    bases, n = np.array(BASES, DTYPES[dtype]), DTYPES[dtype](number)
    for x in (bases, bases[~(bases < 0)]):  # another way is taken where none is below 0
        due = power(x, n)
        tiled = xt.XTensor(np.tile(x, (repeats, 1)), dtype=dtype)
        for y in (number, xt.full([len(x)], number, dtype=dtype)):
            came = (tiled**y).to_numpy()
            assert_same(came, np.tile(due, (repeats, 1)))
        came = (number**tiled).to_numpy()
        assert_same(came, np.tile(power(n, x), (repeats, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [0, 3, -2.5, 1.7])
def test_few_numbers_have_the_bytes_of_many(number, dtype):
    generator, few, many = np.random.default_rng(3), 1_000, 200_000
    x, g = (generator.uniform(-0.5, 3, many).astype(DTYPES[dtype]) for _ in range(2))
    for shape in ((), (1,), (1, 1)):
        y = np.full(shape, number, x.dtype)
        for name, arrays in (
            ("power_forward", (x, y)),
            ("power_backward_x", (g, x, y)),
            ("power_backward_y", (g, y, x)),
        ):
            first = [a[:few] if a.size > 1 else a for a in arrays]
            came = xt.apply(name, tuple(first)).tobytes()
            assert came == xt.apply(name, arrays).ravel()[:few].tobytes(), (name, shape)


@pytest.mark.parametrize("rows", [2, 30_000])
@pytest.mark.parametrize("number", [2, 1.7])
def test_fewer_bases_than_results_are_repeated(number, rows):
    x, y = np.array([1.0, 2.0, 3.0]), np.array(float(number))
    out, slope = np.empty((rows, 3)), np.empty((rows, 3))
    xt.launch("power_forward", out.size, out, x, y)
    np.testing.assert_allclose(out, np.tile(x**number, (rows, 1)))
    xt.launch("power_backward_x", slope.size, slope, np.ones((rows, 3)), x, y)
    np.testing.assert_allclose(slope, np.tile(number * x ** (number - 1), (rows, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [0, 1, 2, 0.5, 3])
def test_the_gradient_at_0_is_finite_where_it_should_be(number, dtype):
    x = xt.XTensor([0, 0], requires_grad=True, dtype=dtype)
    for y in (number, xt.full([2], number, dtype=dtype)):
        with xt.autograd.tape():
            out = x**y
        out.backward(xt.ones_like(out))
        due = {0: 0, 1: 1, 0.5: np.inf}.get(number, 0)
        np.testing.assert_array_equal(x.grad.to_numpy(), [due, due])


@pytest.mark.parametrize("device", [xt.DEV_CPU, xt.DEV_GPU_0])
def test_the_gradient_of_the_exponent_is_0_where_the_base_is_but_for_negative_ones(device):
    exponents = xt.XTensor([1.0, 2.0, 0.0, -1.0], device=device, requires_grad=True)
    for x, second in ((xt.XTensor([0.0, 2.0, 0.0, 0.0], device=device), 4 * math.log(2)), (0.0, 0)):
        with xt.autograd.tape():
            out = x**exponents
        out.backward(xt.ones_like(out))
        due = [0, second, 0, -math.inf]  # out * log(0)
        np.testing.assert_allclose(exponents.grad.to_numpy(), due, rtol=1e-6)
