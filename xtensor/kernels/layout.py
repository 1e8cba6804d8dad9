"""Axes of arrays as kernels walk through them, and where an array begins."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

# Where the address of an array's first element lies in its object, in words: after Python's head.
# Source: https://numpy.org/doc/stable/reference/c-api/types-and-structures.html (PyArrayObject).
DATA = object.__basicsize__ // 8


def address_of(array: np.ndarray) -> int:
    """The address of the first element; ``__array_interface__`` takes a microsecond for it.

    Example:
        >>> a = np.zeros(3)
        >>> address_of(a[1:]) - address_of(a)
        8
    """
    return ctypes.c_ssize_t.from_address(id(array) + 8 * DATA).value


def merge_axes(shape: Sequence[int], *strides: Sequence[int]) -> list[tuple[int, ...]]:
    """Length and stride in each array, for every axis; axes that follow each other in all are one.

    Args:
        shape: of all arrays, none of them empty.
        strides: of each array.

    Example:
        >>> merge_axes((5, 2, 3), (24, 12, 4), (0, 12, 4))  # the second is the same five times
        [(5, 24, 0), (6, 4, 4)]
    """
    axes: list[tuple[int, ...]] = []
    for length, *steps in zip(shape, *strides, strict=True):
        if axes and axes[-1][1:] == tuple([step * length for step in steps]):
            length *= axes.pop()[0]
        if length != 1:
            axes.append((length, *steps))
    return axes or [(1, *[0] * len(strides))]


def broadcast_strides(
    shape: Sequence[int], operands: Sequence[Sequence[int]]
) -> list[tuple[int, ...]]:
    """Strides in elements of contiguous arrays of these shapes that are broadcast to ``shape``.

    An axis that an array lacks, or has with length 1, gets 0.

    Example:
        >>> broadcast_strides((2, 3, 4), [(2, 3, 4), (3, 4), (2, 1, 1)])
        [(12, 4, 1), (0, 4, 1), (1, 0, 0)]
    """
    strides = []
    for operand in operands:
        step, steps = 1, []
        for length in reversed(operand):
            steps.append(step if length != 1 else 0)
            step *= length
        steps += [0] * (len(shape) - len(operand))
        strides.append(tuple(steps[::-1]))
    return strides
