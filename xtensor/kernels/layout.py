"""Axes of arrays as kernels walk through them."""

from __future__ import annotations

from collections.abc import Sequence


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
