"""Windows that slide over 1, 2 or 3 spatial axes: what convolution and pooling agree on.

Options may be given as one number for every axis or one per axis; padding as a word, too. Kernels
always see three spatial axes: shorter ones are lifted by axes of length 1, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from ..device import Array, reshape
from ..errors import message, shown

Numbers: TypeAlias = int | Sequence[int]
Padding: TypeAlias = str | tuple[int, ...]

SPATIAL = 3
# Lengths of the axes that are missing, by the axes that an array has.
MISSING = {3: (1, 1), 4: (1,), 5: ()}
LAYOUTS = {1: "[N, C, L]", 2: "[N, C, H, W]", 3: "[N, C, D, H, W]"}
KERNELS = {1: "k", 2: "k, k", 3: "k, k, k"}


def per_axis(value: Any, axes: int, where: str, argument: str, least: int = 1) -> tuple[int, ...]:
    """``value`` as one int per spatial axis.

    Raises:
        TypeError: it is neither an int nor a list or tuple of ints.
        ValueError: it has another number of ints, or one below ``least``.

    Example:
        >>> per_axis(2, 3, "conv3d", "stride")
        (2, 2, 2)
    """
    if type(value) is int and value >= least:
        return (value,) * axes
    if type(value) is tuple and len(value) == axes:  # as layers pass it at every call
        for number in value:
            if type(number) is not int or number < least:
                break
        else:
            return value
    expected = f"an int of at least {least}"
    if axes > 1:
        expected += f", or {axes} of them"
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,) * axes
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers):
        raise TypeError(message(where, argument, shown(value), expected))
    if len(numbers) != axes or min(numbers) < least:
        raise ValueError(message(where, argument, shown(value), expected))
    return tuple(int(n) for n in numbers)


def check_padding(padding: Any, axes: int, where: str) -> Padding:
    """``padding`` as 'valid', 'same' or one int per spatial axis.

    Raises:
        TypeError, ValueError: it is none of these.
    """
    if isinstance(padding, str):
        if padding in ("valid", "same"):
            return padding
        raise ValueError(
            message(
                where, "padding", shown(padding), "'valid', 'same', an int, or one int per axis"
            )
        )
    return per_axis(padding, axes, where, "padding", least=0)


def span(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How many cells a window covers along each axis, its gaps included."""
    return tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])


@lru_cache(maxsize=512)
def place(
    lengths: tuple[int, ...],
    spans: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    where: str,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Cells of padding before each axis, and how many windows fit along it.

    'same' gives ceil(length / stride) windows; an odd cell of padding goes to the end.

    Raises:
        ValueError: a window is longer than the padded axis.

    Example:
        >>> place((5, 5), (3, 3), (2, 1), "same", "conv2d")
        ((1, 1), (3, 5))
    """
    if padding == "same":
        counts = tuple(-(-length // s) for length, s in zip(lengths, stride, strict=True))
        before = tuple(
            max((count - 1) * s + span - length, 0) // 2
            for count, s, span, length in zip(counts, stride, spans, lengths, strict=True)
        )
    else:
        before = (0,) * len(spans) if isinstance(padding, str) else padding
        counts = tuple(
            (length + 2 * p - span) // s + 1
            for length, p, span, s in zip(lengths, before, spans, stride, strict=True)
        )
    if min(counts) < 1:
        raise ValueError(
            message(where, "kernel",
                    f"spanning {list(spans)} cells over x of {list(lengths)} with "
                    f"padding {padding!r}", "no longer than the padded x along any axis",
                    "use a smaller kernel or dilation, or more padding")
        )  # fmt: skip
    return before, counts


def check_rank(array: Array, axes: int, where: str, argument: str, layout: str) -> None:
    """Refuse an array without exactly ``axes`` spatial axes after its first two.

    Raises:
        ValueError: it has another number of axes.
    """
    if len(array.shape) != axes + 2:
        raise ValueError(
            message(where, argument, f"of shape {list(array.shape)}", f"{axes + 2} axes {layout}",
                    "reshape it, or unsqueeze the axis that is missing")
        )  # fmt: skip


def lift(array: Array) -> Array:
    """The array with axes of length 1 after its first two, up to three spatial axes."""
    shape = array.shape
    return reshape(array, shape[:2] + MISSING[len(shape)] + shape[2:])


def lift_numbers(numbers: Sequence[int], neutral: int) -> tuple[int, ...]:
    """One number per spatial axis, as three; ``neutral`` for the axes that ``lift`` puts in."""
    return (neutral,) * (SPATIAL - len(numbers)) + tuple(numbers)
