"""Elementwise kernels over raw arrays that broadcast."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy import ndarray

from .device import Array, empty_like
from .errors import message
from .kernels import check_raw, launch
from .kernels.cpu.lifted import NO_MAKER, makers
from .kernels.parallel import SERIAL_ELEMENTS


def apply(
    name: str, arrays: tuple[Array, ...], numbers: tuple[Any, ...] = (), dtype: Any = None
) -> Array:
    """Run an elementwise kernel on raw arrays that broadcast into a new one.

    Args:
        name: a registered elementwise kernel.
        arrays: raw arrays of one dtype and device.
        numbers: the plain numbers the kernel takes after its arrays.
        dtype: of the result, one of NumPy's; that of the first array by default.

    Raises:
        LookupError: there is no such kernel.
        TypeError: the first array is no raw array, but a tensor or a number, say; more or fewer
            arrays or numbers than the kernel takes.
        ValueError: the shapes do not broadcast.

    Example:
        >>> apply("add_forward", (np.ones(2), np.ones(2)))
        array([2., 2.])
    """
    first = arrays[0]
    make, most, count = makers.get(name, NO_MAKER)
    if (
        type(first) is ndarray
        and (size := first.size) < most
        and len(arrays) == count
        and (
            count == 1 or size * arrays[1].size < SERIAL_ELEMENTS or first.shape == arrays[1].shape
        )
    ):
        # What a few numbers cost are calls: NumPy makes the result faster than it fills one.
        try:
            out = make(*arrays)
        except ValueError:  # NumPy's words for what is said better here
            broadcast_shape(name, arrays)
            raise
        if out.dtype is (first.dtype if dtype is None else dtype):
            return out if type(out) is ndarray else np.array(out)
    if type(first) is not ndarray:
        check_raw("apply", "arrays[0]", first)
    shape = first.shape
    for array in arrays[1:]:
        if array.shape and array.shape != shape:
            shape = broadcast_shape(name, arrays)
            break
    out = empty_like(first, shape, dtype)
    launch(name, out.size, out, *arrays, *numbers)
    return out


_together = lru_cache(maxsize=4096)(np.broadcast_shapes)


def add_to(total: Array, array: Array) -> None:
    """total += array, of the same shape."""
    if type(total) is ndarray and total.size < SERIAL_ELEMENTS:
        np.add(total, array, total)  # a little sooner than +=
    else:
        launch("add_forward", total.size, total, total, array)


def broadcast_shape(name: str, arrays: tuple[Array, ...]) -> tuple[int, ...]:
    """The shape that arrays make up together.

    Raises:
        ValueError: they do not broadcast.

    Example:
        >>> broadcast_shape("add_forward", (np.ones((2, 1)), np.ones(3)))
        (2, 3)
    """
    shapes = [array.shape for array in arrays]
    try:
        return _together(*shapes)
    except ValueError:
        raise ValueError(
            message(name.rpartition("_")[0], "its arguments",
                    "of shapes " + " and ".join(str(list(shape)) for shape in shapes),
                    "shapes that broadcast: equal lengths, or 1, from the last axis on")
        ) from None  # fmt: skip
