"""New tensors from a shape or a rule; never recorded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import device as devices
from ..device import DEV_CPU, check_device, check_shape, device_of, empty, to_device
from ..dtype import FLOAT64, INT64, is_floating, kfloat32, to_numpy_dtype
from ..errors import check_int, check_number, message, shown
from ..kernels import launch
from ..kernels.parallel import SERIAL_ELEMENTS
from ..tensor import XTensor, check_tensor, host_data, wrap


def check_value(where: str, argument: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """``value`` as a number that the dtype can hold.

    Raises:
        TypeError: it is no real number.
        ValueError: NaN or infinity for an integer dtype.
        OverflowError: an integer out of the dtype's range.
    """
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        raise TypeError(message(where, argument, shown(value), "a number"))
    if not is_floating(dtype) and dtype.kind != "b":
        if not math.isfinite(value):
            raise ValueError(message(where, argument, value, f"a finite number for {dtype}"))
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise OverflowError(message(where, argument, value, f"a number that {dtype} can hold"))
    return value


def _full(where: str, shape: Any, value: Any, device: int | None, dtype: int | None) -> XTensor:
    numpy_dtype = to_numpy_dtype(kfloat32 if dtype is None else dtype, where)
    lengths = check_shape(shape, where, numpy_dtype)
    number = check_value(where, "value", value, numpy_dtype)
    return wrap(devices.full(lengths, number, numpy_dtype, check_device(device, where)))


def _full_like(where: str, t: XTensor, value: Any) -> XTensor:
    check_tensor(where, "t", t)
    number = check_value(where, "value", value, t.array.dtype)
    return wrap(devices.full(t.array.shape, number, t.array.dtype, device_of(t.array)))


def _from_host(where: str, values: np.ndarray, device: int | None, dtype: int | None) -> XTensor:
    numpy_dtype = to_numpy_dtype(kfloat32 if dtype is None else dtype, where)
    return wrap(to_device(host_data(values, numpy_dtype, where), check_device(device, where)))


def _evenly(
    where: str, count: int, first: Any, step: Any, last: Any, device: int | None, dtype: int | None
) -> XTensor:
    """first + i * step for i < count, but for the last; int64 numbers or float64 ones."""
    numpy_dtype = to_numpy_dtype(kfloat32 if dtype is None else dtype, where)
    place = check_device(device, where)
    fits = is_floating(numpy_dtype) or (numpy_dtype == INT64 == first.dtype)
    if not fits or (place == DEV_CPU and count < SERIAL_ELEMENTS):
        values = first + np.arange(count) * step
        values[-1:] = last
        return wrap(to_device(host_data(values, numpy_dtype, where), place))
    out = empty((count,), numpy_dtype, place)
    launch("evenly_forward", count, out, first, step, last)
    return wrap(out)


# -- public functions -----------------------------------------------------------------------------


def zeros(shape: Any, device: int | None = None, dtype: int | None = None) -> XTensor:
    """A tensor of zeros; also an initializer.

    Args:
        shape: lengths of the axes.
        device: where it lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        A tensor of that shape.

    Raises:
        TypeError, ValueError: a shape that is no list of ints of 0 or more; no such dtype.

    Example:
        >>> zeros([2, 2])
        <BLANKLINE>
        [[0. 0.]
         [0. 0.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    return _full("zeros", shape, 0, device, dtype)


def ones(shape: Any, device: int | None = None, dtype: int | None = None) -> XTensor:
    """A tensor of ones; also an initializer.

    Args:
        shape: lengths of the axes.
        device: where it lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        A tensor of that shape.

    Raises:
        TypeError, ValueError: a shape that is no list of ints of 0 or more; no such dtype.

    Example:
        >>> ones([2])
        <BLANKLINE>
        [1. 1.]
        <XTensor 2 cpu(0) kfloat32>
    """
    return _full("ones", shape, 1, device, dtype)


def full(shape: Any, value: float, device: int | None = None, dtype: int | None = None) -> XTensor:
    """A tensor with one value everywhere.

    Args:
        shape: lengths of the axes.
        value: a number that the dtype can hold.
        device: where it lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        A tensor of that shape.

    Raises:
        TypeError, ValueError: a shape that is no list of ints of 0 or more; no such dtype.
        OverflowError: an integer dtype cannot hold the value.

    Example:
        >>> full([2], 42)
        <BLANKLINE>
        [42. 42.]
        <XTensor 2 cpu(0) kfloat32>
    """
    return _full("full", shape, value, device, dtype)


def zeros_like(t: XTensor) -> XTensor:
    """Zeros in the shape, dtype and device of ``t``.

    Args:
        t: tensor of any shape and dtype.

    Raises:
        TypeError: t is no XTensor.

    Example:
        >>> zeros_like(full([2], 7)).to_numpy().tolist()
        [0.0, 0.0]
    """
    return _full_like("zeros_like", t, 0)


def ones_like(t: XTensor) -> XTensor:
    """Ones in the shape, dtype and device of ``t``.

    Args:
        t: tensor of any shape and dtype.

    Raises:
        TypeError: t is no XTensor.

    Example:
        >>> ones_like(full([2], 7)).to_numpy().tolist()
        [1.0, 1.0]
    """
    return _full_like("ones_like", t, 1)


def full_like(t: XTensor, value: float) -> XTensor:
    """One value in the shape, dtype and device of ``t``.

    Args:
        t: tensor of any shape and dtype.
        value: number that every element gets.

    Raises:
        TypeError: t is no XTensor, value no number.
        OverflowError: the integer dtype of t cannot hold the value.

    Example:
        >>> full_like(zeros([2]), 7).to_numpy().tolist()
        [7.0, 7.0]
    """
    return _full_like("full_like", t, value)


def arange(
    start: float,
    end: float,
    step: float = 1,
    device: int | None = None,
    dtype: int | None = None,
) -> XTensor:
    """Evenly spaced numbers from ``start`` up to, without, ``end``.

    Args:
        start: first number.
        end: where to stop; not itself in the result.
        step: distance of neighbours, not 0; negative to count down.
        device: where the result lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        start + i * step, for i below (end - start) / step; shape [0] if there is none.

    Raises:
        TypeError: a bound that is no number.
        ValueError: step 0, or a bound that is NaN or infinite.
        OverflowError: a number that the dtype cannot hold.

    Example:
        >>> arange(2, 30, 8)
        <BLANKLINE>
        [ 2. 10. 18. 26.]
        <XTensor 4 cpu(0) kfloat32>
    """
    check_number("arange", "start", start)
    check_number("arange", "end", end)
    check_number("arange", "step", step)
    if step == 0:
        raise ValueError(message("arange", "step", 0, "a number other than 0"))
    count = max(0, math.ceil((end - start) / step))
    check_shape([count], "arange", FLOAT64)
    whole = isinstance(start, (int, np.integer)) and isinstance(step, (int, np.integer))
    number = np.int64 if whole else np.float64
    first, distance = number(start), number(step)
    last = first + (count - 1) * distance
    return _evenly("arange", count, first, distance, last, device, dtype)


def linspace(
    start: float, end: float, num: int, device: int | None = None, dtype: int | None = None
) -> XTensor:
    """``num`` evenly spaced numbers from ``start`` to ``end``, both included.

    Args:
        start: first number.
        end: last number; left out where num is 1.
        num: how many.
        device: where the result lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        A tensor of shape [num].

    Raises:
        TypeError: a bound that is no number, a num that is no int.
        ValueError: a negative num, or a bound that is NaN or infinite.
        OverflowError: a number that the dtype cannot hold.

    Example:
        >>> linspace(-2.5, 10, 6).to_numpy().tolist()
        [-2.5, 0.0, 2.5, 5.0, 7.5, 10.0]
    """
    check_number("linspace", "start", start)
    check_number("linspace", "end", end)
    count = check_int("linspace", "num", num, 0)
    check_shape([count], "linspace", FLOAT64)
    first, last = np.float64(start), np.float64(end)
    step = (last - first) / max(count - 1, 1)
    return _evenly("linspace", count, first, step, last if count > 1 else first, device, dtype)


def logspace(
    start: float,
    end: float,
    num: int,
    base: float,
    device: int | None = None,
    dtype: int | None = None,
) -> XTensor:
    """``num`` numbers from base ** start to base ** end, their logarithms evenly spaced.

    Args:
        start: exponent of the first number.
        end: exponent of the last number.
        num: how many.
        base: above 0.
        device: where the result lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        base ** linspace(start, end, num), of shape [num].

    Raises:
        TypeError: a bound that is no number, a num that is no int.
        ValueError: base 0 or below, a negative num, or a bound that is NaN or infinite.
        OverflowError: a number that an integer dtype cannot hold.

    Example:
        >>> logspace(0, 3, 4, 2).to_numpy().tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    check_number("logspace", "start", start)
    check_number("logspace", "end", end)
    check_number("logspace", "base", base)
    if base <= 0:
        raise ValueError(message("logspace", "base", base, "a number above 0"))
    exponents = np.linspace(start, end, check_int("logspace", "num", num, 0))
    return _from_host("logspace", np.power(float(base), exponents), device, dtype)


def eye(size: int, offset: int = 0, device: int | None = None, dtype: int | None = None) -> XTensor:
    """A square matrix with ones on a diagonal, zeros elsewhere.

    Args:
        size: number of rows and of columns.
        offset: which diagonal; 0 the main one, positive above it, negative below.
        device: where it lies, by default the CPU.
        dtype: kfloat32 by default.

    Returns:
        A tensor of shape [size, size].

    Raises:
        TypeError: size or offset is no int.
        ValueError: size is negative, or the matrix has more bytes than memory.

    Example:
        >>> eye(2)
        <BLANKLINE>
        [[1. 0.]
         [0. 1.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    numpy_dtype = to_numpy_dtype(kfloat32 if dtype is None else dtype, "eye")
    count = check_int("eye", "size", size, 0)
    check_shape([count, count], "eye", numpy_dtype)
    matrix = np.eye(count, k=check_int("eye", "offset", offset), dtype=numpy_dtype)
    return _from_host("eye", matrix, device, dtype)
