"""Rows for padding and packing sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import xtensor as xt

from ..naive import sequence as naive
from . import Case, Wrong, normal


def pad_row(
    label: str, lengths: Sequence[int], trailing: tuple[int, ...], first: bool = False,
    value: float = 0,
) -> Case:  # fmt: skip
    return Case(
        "pad_sequence",
        lambda *s: xt.pad_sequence(list(s), first, value),
        lambda *s: naive.pad(s, first, value),
        [normal(i, n, *trailing) for i, n in enumerate(lengths)],
        label,
    )


def shape_of(lengths: Sequence[int], steps: int, trailing: tuple[int, ...], first: bool) -> Any:
    return (len(lengths), steps, *trailing) if first else (steps, len(lengths), *trailing)


def pack_row(
    label: str, lengths: list[int], steps: int, trailing: tuple[int, ...], first: bool = False,
    given: Callable[[list[int]], Any] = list,
) -> Case:  # fmt: skip
    in_order = sorted(lengths, reverse=True) == lengths

    def call(x: xt.XTensor) -> xt.XTensor:
        return xt.pack_pad_sequence(x, given(lengths), first, enforce_sorted=in_order).data

    x = normal(5, *shape_of(lengths, steps, trailing, first))
    return Case(
        "pack_pad_sequence", call, lambda x: naive.pack(x, lengths, first), [x], label
    )  # fmt: skip


def unpack_row(
    label: str, lengths: list[int], trailing: tuple[int, ...], first: bool = False,
    value: float = 0, total: int | None = None,
) -> Case:  # fmt: skip
    steps = max(lengths) if total is None else total
    order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
    sizes = [sum(n > t for n in lengths) for t in range(max(lengths))]

    def call(data: xt.XTensor) -> xt.XTensor:
        packed = xt.PackedSequence(data, sizes, order)
        padded, came = xt.pad_packed_sequence(packed, first, value, total)
        assert came == lengths
        return padded

    data = normal(6, sum(lengths), *trailing)
    return Case(
        "pad_packed_sequence",
        call,
        lambda data: naive.unpack(data, lengths, first, value, steps),
        [data],
        label,
    )


def there_and_back(x: xt.XTensor) -> xt.XTensor:
    packed = xt.pack_pad_sequence(x, [2, 4, 3], batch_first=True, enforce_sorted=False)
    squared = xt.PackedSequence(
        packed.data * packed.data, packed.batch_sizes, packed.sorted_indices
    )  # fmt: skip
    return xt.pad_packed_sequence(squared, batch_first=True, total_length=5)[0]


def there_and_back_naive(x: np.ndarray) -> np.ndarray:
    alive = np.arange(5)[None, :] < np.array([2, 4, 3])[:, None]
    return np.where(alive[..., None], x * x, 0)


ints = np.arange(6).reshape(3, 2)

cases = [
    pad_row("steps first", [4, 1, 2], (3,)),
    pad_row("batch first", [4, 1, 2], (2, 3), first=True),
    pad_row("no axes behind", [1, 3], ()),
    pad_row("one sequence", [3], (2,)),
    pad_row("equal lengths", [2, 2], (2,), first=True),
    pad_row("another value", [1, 3], (2,), value=-1.5),
    Case("pad_sequence", lambda a, b: xt.pad_sequence([a, b], True, float("nan")),
         lambda a, b: naive.pad((a, b), True, float("nan")), [normal(1, 1), normal(2, 3)],
         "nan as value", grad=()),
    pad_row("one is empty", [0, 2], (2,)),
    pad_row("all are empty", [0, 0], (2,)),
    pad_row("nothing in a step", [2, 1], (0,)),
    Case("pad_sequence", lambda a, b: xt.pad_sequence((a, b), False, 7),
         lambda a, b: naive.pad((a, b), False, 7), [ints, ints[:1]], "integers"),
    Case("pad_sequence", lambda a, b: xt.pad_sequence([a, b], True, True),
         lambda a, b: naive.pad((a, b), True, True), [ints > 2, ints[:1] > 2], "booleans"),
    Case("pad_sequence", lambda a: xt.pad_sequence([a, a]),
         lambda a: naive.pad((a, a), False, 0), [normal(3, 2, 2)], "the same one twice"),
    pack_row("steps first", [4, 2, 1], 4, (3,)),
    pack_row("batch first", [4, 2, 1], 4, (2, 3), first=True),
    pack_row("longer than all", [3, 3, 1], 5, (2,)),
    pack_row("unsorted", [1, 4, 2, 4], 4, (2,)),
    pack_row("unsorted, batch first", [2, 3, 2], 4, (2,), first=True),
    pack_row("no axes behind", [2, 1], 2, ()),
    pack_row("one sequence", [3], 3, (2,), first=True),
    pack_row("nothing in a step", [2, 1], 2, (0,)),
    pack_row("lengths as an array", [3, 1], 3, (2,), given=np.array),
    pack_row("lengths as a float tensor", [1, 3], 3, (2,), given=xt.XTensor),
    Case("pack_pad_sequence", lambda x: xt.pack_pad_sequence(x, [2, 1]).data,
         lambda x: naive.pack(x, [2, 1], False), [ints], "integers"),
    unpack_row("steps first", [4, 2, 1], (3,)),
    unpack_row("batch first", [4, 2, 1], (2, 3), first=True),
    unpack_row("unsorted", [1, 4, 2, 4], (2,)),
    unpack_row("unsorted, batch first", [2, 3, 2], (2,), first=True),
    unpack_row("another value", [1, 3], (2,), value=2.5),
    unpack_row("longer than all", [2, 1], (2,), total=5),
    unpack_row("no axes behind", [2, 1], (), first=True, total=2),
    unpack_row("one sequence", [3], (2,)),
    unpack_row("nothing in a step", [2, 1], (0,)),
    Case("pad_packed_sequence", there_and_back, there_and_back_naive, [normal(4, 3, 5, 2)],
         "there and back"),
]  # fmt: skip


def pad_bad(words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong("pad_sequence", lambda: xt.pad_sequence(*args, **kwargs), error,
                 ["pad_sequence", *words])  # fmt: skip


def pack_bad(words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong("pack_pad_sequence", lambda: xt.pack_pad_sequence(*args, **kwargs), error,
                 ["pack_pad_sequence", *words])  # fmt: skip


def made_bad(words: list[str], error: type[Exception], *args: Any) -> Wrong:
    return Wrong("PackedSequence", lambda: xt.PackedSequence(*args), error,
                 ["PackedSequence", *words])  # fmt: skip


def unpack_bad(words: list[str], error: type[Exception], *args: Any, **kwargs: Any) -> Wrong:
    return Wrong("pad_packed_sequence", lambda: xt.pad_packed_sequence(*args, **kwargs), error,
                 ["pad_packed_sequence", *words])  # fmt: skip


def edited() -> xt.PackedSequence:
    packed = xt.PackedSequence(xt.ones([3]), [2, 1])
    packed.batch_sizes.append(1)
    return packed


one, two = xt.ones([1, 3]), xt.ones([2, 3])
whole = xt.ones([2], dtype=xt.kint8)
batch = xt.ones([4, 3, 2])
packed = xt.PackedSequence(xt.ones([7, 2]), [3, 2, 1, 1])

wrong = [
    pad_bad(["qtensor_list", "XTensor", "list"], TypeError, two),
    pad_bad(["qtensor_list", "empty"], ValueError, []),
    pad_bad(["qtensor_list[1]", "ndarray", "XTensor"], TypeError, [one, np.ones((1, 3))]),
    pad_bad(["qtensor_list[1]", "[2, 4]", "[1, 3]"], ValueError, [one, xt.ones([2, 4])]),
    pad_bad(["qtensor_list[1]", "[2]"], ValueError, [one, xt.ones([2])]),
    pad_bad(["qtensor_list[0]", "[]"], ValueError, [xt.ones([])]),
    pad_bad(["qtensor_list[1]", "int8", "float32"], TypeError, [xt.ones([1]), whole]),
    pad_bad(["batch_first", "True or False"], TypeError, [one], two),
    pad_bad(["padding_value", "'0'"], TypeError, [one], padding_value="0"),
    pad_bad(["padding_value", "300"], OverflowError, [whole], padding_value=300),
    pad_bad(["padding_value", "nan"], ValueError, [whole], padding_value=float("nan")),
    Wrong("pad_sequence", lambda: xt.pad_sequence([one, xt.ones([1, 3]).toGPU()]), ValueError,
          ["pad_sequence", "device"]),
    pack_bad(["input", "PackedSequence", "XTensor"], TypeError, packed, [1]),
    pack_bad(["input", "[2]", "[T, B, *]"], ValueError, xt.ones([2]), [1, 1]),
    pack_bad(["input", "[B, T, *]"], ValueError, xt.ones([2]), [1, 1], True),
    pack_bad(["lengths", "4 after 2 at position 2", "enforce_sorted=False"], ValueError, batch,
             [3, 2, 4]),
    pack_bad(["lengths", "0 at position 1", "at least 1"], ValueError, batch, [4, 0, 1]),
    pack_bad(["lengths", "-2 at position 2"], ValueError, batch, [4, 1, -2]),
    pack_bad(["lengths", "5 at position 0", "at most 4"], ValueError, batch, [5, 4, 1]),
    pack_bad(["lengths", "5 at position 1", "at most 4"], ValueError, batch, [4, 5, 1],
             enforce_sorted=False),
    pack_bad(["lengths", "2 numbers", "3"], ValueError, batch, [4, 1]),
    pack_bad(["lengths", "4 numbers", "3", "batch_first=True"], ValueError, batch, [2, 1, 1, 1]),
    pack_bad(["lengths", "2.5 at position 0"], ValueError, batch, [2.5, 2, 1]),
    pack_bad(["lengths", "nan"], ValueError, batch, xt.XTensor([float("nan"), 2, 1])),
    pack_bad(["lengths", "inf"], ValueError, batch, np.array([np.inf, 2, 1])),
    pack_bad(["lengths", "of shape [0]"], ValueError, batch, []),
    pack_bad(["lengths", "of shape [1, 3]"], ValueError, batch, [[4, 2, 1]]),
    pack_bad(["lengths", "ragged"], TypeError, batch, [[4, 2], 1]),
    pack_bad(["lengths", "int", "list"], TypeError, batch, 4),
    pack_bad(["lengths", "whole"], TypeError, batch, ["4", "2", "1"]),
    pack_bad(["lengths", "whole"], TypeError, batch, [True, True, True]),
    pack_bad(["batch_first", "1"], TypeError, batch, [4, 2, 1], 1),
    pack_bad(["enforce_sorted", "'no'"], TypeError, batch, [4, 2, 1], enforce_sorted="no"),
    made_bad(["data", "ndarray"], TypeError, np.ones(3), [3]),
    made_bad(["data", "[3]", "4 rows"], ValueError, xt.ones([3]), [3, 1]),
    made_bad(["data", "[]"], ValueError, xt.ones([]), [1]),
    made_bad(["batch_sizes", "2 after 1 at position 1"], ValueError, xt.ones([3]), [1, 2]),
    made_bad(["batch_sizes", "0 at position 1"], ValueError, xt.ones([3]), [3, 0]),
    made_bad(["batch_sizes", "shape [0]"], ValueError, xt.ones([0]), []),
    made_bad(["batch_sizes", "int"], TypeError, xt.ones([3]), 3),
    made_bad(["sorted_indices", "[0, 0]", "0 .. 1"], ValueError, xt.ones([2]), [2], [0, 0]),
    made_bad(["sorted_indices", "[0]", "0 .. 1"], ValueError, xt.ones([2]), [2], [0]),
    made_bad(["unsorted_indices", "-1"], ValueError, xt.ones([2]), [2], None, [-1, 0]),
    made_bad(["unsorted_indices", "[1, 2, 0]", "[2, 0, 1]"], ValueError, xt.ones([3]), [3],
             [1, 2, 0], [1, 2, 0]),
    unpack_bad(["sequence", "XTensor", "PackedSequence"], TypeError, batch),
    unpack_bad(["total_length", "3", "4"], ValueError, packed, total_length=3),
    unpack_bad(["total_length", "4.0"], TypeError, packed, total_length=4.0),
    unpack_bad(["total_length", "True"], TypeError, packed, total_length=True),
    unpack_bad(["batch_first", "None"], TypeError, packed, None),
    unpack_bad(["padding_value", "None"], TypeError, packed, padding_value=None),
    unpack_bad(["padding_value", "300"], OverflowError, xt.PackedSequence(whole, [2]),
               padding_value=300),
    Wrong("pad_packed_sequence", lambda: xt.pad_packed_sequence(edited()), ValueError,
          ["PackedSequence", "data", "4 rows"]),
]  # fmt: skip
