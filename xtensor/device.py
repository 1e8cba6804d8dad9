"""Device codes, and raw arrays on either device.

A raw array is a C-contiguous ``numpy.ndarray`` on the CPU or a numba device array on a GPU. Nothing
here imports numba unless a GPU is asked for.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from .dtype import BOOL
from .errors import message, shown
from .kernels import check_raw, launch
from .kernels.parallel import SERIAL_ELEMENTS

Array: TypeAlias = Any

DEV_CPU = 0
DEV_GPU_0, DEV_GPU_1, DEV_GPU_2, DEV_GPU_3, DEV_GPU_4 = range(1000, 1005)
DEV_GPU_5, DEV_GPU_6, DEV_GPU_7, DEV_GPU_8, DEV_GPU_9 = range(1005, 1010)


def _cuda() -> Any:
    from .kernels import _cuda

    return _cuda


def check_device(device: int | None, where: str) -> int:
    """The device code meant by ``device``, known to be usable.

    Raises:
        ValueError: it is no device code.
        RuntimeError: it names a GPU that is not there.
    """
    if device is None or device == DEV_CPU:
        return DEV_CPU
    if not isinstance(device, int) or not DEV_GPU_0 <= device <= DEV_GPU_9:
        raise ValueError(
            message(
                where, "device", shown(device), "DEV_CPU (0) or DEV_GPU_0..DEV_GPU_9 (1000..1009)"
            )
        )
    try:
        count = _cuda().device_count()
    except ImportError as error:
        raise RuntimeError(
            message(where, "device", f"GPU {device - DEV_GPU_0}", "a device of this machine",
                    f"numba.cuda does not load here ({error}); pip install 'xtensor[cu12]'")
        ) from error  # fmt: skip
    if device - DEV_GPU_0 >= count:
        raise RuntimeError(
            message(where, "device", f"GPU {device - DEV_GPU_0}",
                    f"one of the {count} CUDA devices this process can use",
                    "run `python -m xtensor doctor`, or use DEV_CPU")
        )  # fmt: skip
    return device


def device_of(array: Array) -> int:
    """The device code of a raw array."""
    if type(array) is ndarray:
        return DEV_CPU
    return DEV_GPU_0 + int(_cuda().device_number(array))


def device_name(device: int) -> str:
    """How a device code is printed.

    Example:
        >>> device_name(DEV_CPU), device_name(DEV_GPU_1)
        ('cpu(0)', 'gpu(1)')
    """
    return "cpu(0)" if device == DEV_CPU else f"gpu({device - DEV_GPU_0})"


def check_shape(shape: Any, where: str, dtype: np.dtype[Any]) -> tuple[int, ...]:
    """``shape`` as a tuple of ints that memory can be asked for.

    Raises:
        TypeError: it is neither an int nor a list or tuple of ints.
        ValueError: a negative length, or more bytes than an array can have.
    """
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else shape
    several = isinstance(lengths, (list, tuple))
    if not several or (
        set(map(type, lengths)) - {int}  # most are plain; looking closer takes as long as the rest
        and not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in lengths)
    ):
        raise TypeError(message(where, "shape", shown(shape), "a list or tuple of ints"))
    lengths = tuple([int(n) for n in lengths])
    if lengths and min(lengths) < 0:
        raise ValueError(message(where, "shape", list(lengths), "lengths of 0 or more"))
    size = math.prod(lengths) * dtype.itemsize
    if size > sys.maxsize:
        raise ValueError(
            message(where, "shape", f"{list(lengths)}, {size} bytes", "fewer bytes than memory has")
        )
    return lengths


def empty(shape: Sequence[int], dtype: np.dtype[Any], device: int = DEV_CPU) -> Array:
    """An uninitialised raw array."""
    if device == DEV_CPU:
        return np.empty(shape, dtype)
    return _cuda().empty(tuple(shape), dtype, device - DEV_GPU_0)


def empty_like(
    array: Array, shape: Sequence[int] | None = None, dtype: np.dtype[Any] | None = None
) -> Array:
    """An uninitialised raw array on the device of ``array``, by default with its shape and dtype.

    Args:
        array: raw array of either device.
        shape, dtype: of the result, a NumPy dtype; None for those of ``array``.

    Raises:
        TypeError: ``array`` is no raw array, but a tensor, say.

    Example:
        >>> empty_like(np.zeros((2, 3), np.float32), (4,)).shape
        (4,)
    """
    shape = array.shape if shape is None else shape
    dtype = array.dtype if dtype is None else dtype
    if type(array) is ndarray:
        return np.empty(shape, dtype)
    check_raw("empty_like", "array", array)
    return empty(shape, dtype, device_of(array))


def full(shape: Sequence[int], value: float, dtype: np.dtype[Any], device: int = DEV_CPU) -> Array:
    """A raw array with every element ``value``."""
    if device == DEV_CPU and value == 0 and math.copysign(1, value) == 1:
        return np.zeros(shape, dtype)
    out = empty(shape, dtype, device)
    if device == DEV_CPU and out.size < SERIAL_ELEMENTS:
        out.fill(value)
        return out
    launch("fill", out.size, flat(out), dtype.type(value))
    return out


def full_like(
    array: Array,
    value: float,
    shape: Sequence[int] | None = None,
    dtype: np.dtype[Any] | None = None,
) -> Array:
    """``full`` on the device of ``array``, by default with its shape and dtype."""
    return full(
        array.shape if shape is None else shape,
        value,
        array.dtype if dtype is None else dtype,
        device_of(array),
    )


def to_host(array: Array) -> np.ndarray:
    """The array itself if it is on the CPU, else a host copy."""
    return array if type(array) is ndarray else _cuda().to_host(array)


def to_device(array: Array, device: int) -> Array:
    """The array itself if it is already on ``device``, else a copy there."""
    if device_of(array) == device:
        return array
    host = to_host(array)
    return host if device == DEV_CPU else _cuda().to_device(host, device - DEV_GPU_0)


def host_constant(like: Array, values: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """Values known on the host, as a raw array on the device of ``like``."""
    return to_device(np.asarray(values, dtype, order="C"), device_of(like))


def copy(array: Array) -> Array:
    return array.copy() if type(array) is ndarray else _cuda().copy(array)


def reshape(array: Array, shape: Sequence[int]) -> Array:
    """The same memory under another shape."""
    if type(array) is ndarray:
        return array.reshape(shape)
    return _cuda().reshape(array, tuple(shape))


def flat(array: Array) -> Array:
    """The same memory as one axis."""
    return reshape(array, (array.size,))


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in another dtype; itself if it has that dtype already."""
    if array.dtype == dtype:
        return array
    if type(array) is ndarray:
        return array.astype(dtype)
    out = empty_like(array, dtype=dtype)
    name = "truth_forward" if dtype == BOOL else "cast_forward"
    launch(name, out.size, out, array)
    return out
