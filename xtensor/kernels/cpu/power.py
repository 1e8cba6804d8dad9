"""Powers: products and roots for an exponent that is a small multiple of 1/2, else NumPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import CpuFunction
from ..parallel import parallel_for
from ..scalar import HALF, ONE, ZERO
from .cells import inlined

# mypy: disable-error-code="no-untyped-def"

INFINITY, TWO = np.float32(np.inf), np.float32(2)
# Up to this exponent products are as exact as they should be: 4 roundings at most.
MOST = 8


def power_forward(x: np.ndarray, y: np.ndarray, out: Any) -> None:
    """x ** y"""
    if (args := product_args(out, x, y)) is not None:
        products.compiled()(0, out.size, *args)
    elif out.dtype.kind == "f":
        power(x, y, out)
    else:
        np.power(x, y, out=out)


def power_backward_x(g: np.ndarray, x: np.ndarray, y: np.ndarray, out: Any) -> None:
    """g * y * x ** (y - 1), and g * y where y is 0, even at x = 0"""
    if (args := slope_args(out, g, x, y)) is not None:
        slopes.compiled()(0, out.size, *args)
        return
    n = number(y)
    y = y if n is None else y.dtype.type(n)
    power(x, y - ONE, out)
    np.multiply(out, y, out=out)
    np.multiply(out, g, out=out)
    if n is None:
        np.multiply(g, y, out=out, where=y == 0)


def power_backward_y(g: np.ndarray, x: np.ndarray, power: np.ndarray, out: Any) -> None:
    """g * x ** y * log(x), and g * x at x = 0 for a y that is not negative"""
    n = number(x)
    np.multiply(power, np.log(x if n is None else x.dtype.type(n)), out=out)
    np.multiply(out, g, out=out)
    if not n:
        np.multiply(g, x, out=out, where=(x == 0) & (abs(power) <= 1))


def number(x: np.ndarray) -> float | None:
    """The number that x is, or repeats all over; None for others"""
    return x.item(0) if x.size == 1 or not any(x.strides) else None


def is_product(n: float) -> bool:
    """Whether x ** n is made by products and roots"""
    return abs(n) <= MOST and (2 * n).is_integer()


# Few numbers and many are products in the same cases, so that they have the same bytes.


def product_args(out: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[Any, ...] | None:
    """What ``products`` takes for x ** y; None where they do not make it"""
    n = number(y)
    if out.dtype.kind != "f" or n is None or not is_product(n) or x.size < out.size:
        return None
    return out.reshape(-1), x.reshape(-1), int(2 * n)


def slope_args(
    out: np.ndarray, g: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[Any, ...] | None:
    """What ``slopes`` takes for g * y * x ** (y - 1); None where they do not make it"""
    n = number(y)
    if n is None or not is_product(n - 1) or g.size < out.size or x.size < out.size:
        return None
    twice = int(2 * n - 2) if n else 0
    return out.reshape(-1), g.reshape(-1), x.reshape(-1), y.dtype.type(n), twice


@np.errstate(all="ignore")
def power(x: np.ndarray, y: Any, out: Any) -> None:
    """x ** y; NumPy takes 0.4 ms for a million, but 42 where an x is below 0: there of abs(x)"""
    x, y = spread(x, out), spread(y, out)
    if not (x < 0).any():
        np.power(x, y, out=out)
        return
    np.power(np.abs(x), y, out=out)
    whole, half = y == np.rint(y), y * HALF
    odd = np.signbit(x) & whole & (half != np.rint(half))
    np.multiply(out, ONE - TWO * odd, out=out)
    nowhere = (x < 0) & (x > -np.inf) & ~whole
    if nowhere.any():
        np.copyto(out, np.nan, where=nowhere)


def spread(x: Any, out: np.ndarray) -> np.ndarray:
    """x with a place for each element of out: only so NumPy takes its vectorised loop"""
    if x.shape == out.shape and x.strides == out.strides:
        return x
    spread = np.empty_like(out)
    np.copyto(spread, x)
    return spread


@inlined
def product(x, twice, has_root):
    """x ** (twice / 2) from the binary digits, without a branch on x"""
    root = ONE
    if has_root:
        # In a power with a half IEEE 754 takes -0.0 for 0 and -infinity for infinity, unlike sqrt.
        x = x + ZERO
        x = INFINITY if x == -INFINITY else x
        root = math.sqrt(x)
    if twice < 0:  # before all products, which overflow where the reciprocal is not 0 yet
        x, root = ONE / x, ONE / root
    n = abs(twice) >> 1
    x2 = x * x
    x4 = x2 * x2
    low = (x if n & 1 else ONE) * (x2 if n & 2 else ONE)
    return root * low * ((x4 if n & 4 else ONE) * (x4 * x4 if n & 8 else ONE))


@CpuFunction
def products(start, stop, out, x, twice):
    to, xs = out[start:stop], x[start:stop]
    if twice & 1:
        for i in range(to.size):
            to[i] = product(xs[i], twice, True)
    else:
        for i in range(to.size):
            to[i] = product(xs[i], twice, False)


@CpuFunction
def slopes(start, stop, out, g, x, factor, twice):
    to, gs, xs = out[start:stop], g[start:stop], x[start:stop]
    if twice & 1:
        for i in range(to.size):
            to[i] = gs[i] * factor * product(xs[i], twice, True)
    else:
        for i in range(to.size):
            to[i] = gs[i] * factor * product(xs[i], twice, False)


# Many numbers with one exponent are shared out over threads in compiled code, if it is a product.


def share_products(out: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
    """``power_forward``, if it can"""
    if (args := product_args(out, x, y)) is None:
        return False
    parallel_for(products, out.size, args)
    return True


def share_slopes(out: np.ndarray, g: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
    """``power_backward_x``, if it can"""
    if (args := slope_args(out, g, x, y)) is None:
        return False
    parallel_for(slopes, out.size, args)
    return True
