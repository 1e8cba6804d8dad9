"""Raw arrays read and written through strides.

NumPy works out every view, for a GPU on a stand-in of the same shape that owns no memory; what is
read or written is then an offset, a shape and strides, the same numbers on both devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy import ndarray

from .device import Array, empty_like, flat
from .kernels import launch
from .kernels.layout import address_of, merge_axes
from .kernels.parallel import CHUNK_ELEMENTS, SERIAL_ELEMENTS

View = Callable[[np.ndarray], np.ndarray]


def read(array: Array, view: View) -> Array:
    """The elements that ``view`` shows of ``array``, in a new contiguous array."""
    base = stand_in(array)
    seen = view(base)
    if base is array and (
        seen.size < CHUNK_ELEMENTS
        or (seen.size < SERIAL_ELEMENTS and seen.strides[-1] == seen.itemsize)
    ):
        return seen.copy()  # of rows more than of numbers that lie apart, which NumPy does slower
    out = empty_like(array, seen.shape)
    if seen.size:
        offset, shape, strides = _layout(base, seen)
        launch("strided_read", shape[0], flat(out), flat(array), offset, shape, strides)
    return out


def share(array: Array, view: View) -> Array:
    """What ``read`` gives; on the CPU the same memory where ``view`` shows a contiguous part."""
    if type(array) is ndarray and (seen := view(array)).flags.c_contiguous:
        return seen
    return read(array, view)


def write(out: Array, view: View, values: Array) -> None:
    """Put ``values``, which broadcast to what ``view`` shows, into these elements of ``out``."""
    base = stand_in(out)
    seen = view(base)
    if base is out and seen.size < SERIAL_ELEMENTS:
        seen[...] = values
    elif seen.size:
        flat_values = flat(expand(values, seen.shape))
        offset, shape, strides = _layout(base, seen)
        launch("strided_write", shape[0], flat(out), flat_values, offset, shape, strides)


def expand(array: Array, shape: Sequence[int]) -> Array:
    """The array repeated to a shape it broadcasts to; itself if it has that shape."""
    if tuple(array.shape) == tuple(shape):
        return array
    if type(array) is ndarray and math.prod(shape) < SERIAL_ELEMENTS:
        out = np.empty(shape, array.dtype)
        out[...] = array
        return out
    return read(array, lambda a: np.broadcast_to(a, shape))


def permuted(array: Array, axes: Sequence[int]) -> Array:
    """The array with its axes in another order, contiguous; itself if the order is its own."""
    if list(axes) == list(range(len(array.shape))):
        return array
    return read(array, lambda a: a.transpose(axes))


def stand_in(array: Array) -> np.ndarray:
    """What a view is taken of: a host array itself; else its layout over memory never touched."""
    if type(array) is ndarray:
        return array
    strides, step = [], 1
    for length in reversed(array.shape):
        strides.append(step)
        step *= length
    return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), array.shape, strides[::-1])


def _layout(base: np.ndarray, seen: np.ndarray) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Offset, shape and strides of a view of ``base`` in elements, neighbouring axes merged."""
    offset = (address_of(seen) - address_of(base)) // seen.itemsize
    return offset, *_merged(seen.shape, seen.strides, seen.itemsize)


@lru_cache(maxsize=4096)
def _merged(
    shape: tuple[int, ...], strides: tuple[int, ...], size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    axes = merge_axes(shape, strides)
    return tuple([length for length, _ in axes]), tuple([step // size for _, step in axes])
