"""Sequences of different lengths: padded to one length, packed without padding, and back.

Padded, step t of sequence b is row [t, b] (or [b, t]). Packed, the steps that are there lie behind
each other: all sequences' step 0, then step 1, longest sequence first. Packing reads rows at places
worked out on the host from the lengths, padding writes them there; each is the other's gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import Array, empty_like, full_like, host_constant, reshape, to_host
from .dtype import INT64
from .errors import check_flag, check_int, message, shown
from .kernels import launch
from .op import Op
from .ops.creation import check_value
from .strided import View, read, write
from .tensor import XTensor, check_tensor

# The largest whole number up to which float64 holds all of them.
LARGEST_WHOLE = 2**53


def _whole_numbers(where: str, argument: str, values: Any, lowest: int) -> np.ndarray:
    """A list, array or tensor of whole numbers, of whatever dtype, as a host array of int64."""
    if isinstance(values, XTensor):
        values = to_host(values.array)
    if not isinstance(values, (list, tuple, np.ndarray)):
        raise TypeError(
            message(where, argument, f"of type {type(values).__name__}",
                    "a list of ints, a NumPy array or an XTensor")
        )  # fmt: skip
    try:
        host = np.asarray(values)
    except ValueError:
        raise TypeError(message(where, argument, "a ragged list", "a list of ints")) from None
    if host.size and host.dtype.kind not in "iuf":
        raise TypeError(message(where, argument, shown(values), "whole numbers"))
    if host.ndim != 1 or host.size == 0:
        raise ValueError(
            message(
                where, argument, f"of shape {list(host.shape)}", "one axis of 1 or more numbers"
            )
        )
    bad = np.flatnonzero(~((host >= lowest) & (host <= LARGEST_WHOLE)) | (host != np.floor(host)))
    if bad.size:
        raise ValueError(
            message(where, argument, f"{host[bad[0]]} at position {bad[0]}",
                    f"whole numbers of at least {lowest}")
        )  # fmt: skip
    return host.astype(INT64)


def _exceeding(numbers: np.ndarray) -> np.ndarray:
    """How many of the numbers exceed 0, 1, 2, ...: from lengths to batch sizes and back.

    Example:
        >>> _exceeding(np.array([4, 1, 2]))
        array([3, 2, 1, 1])
        >>> _exceeding(np.array([3, 2, 1, 1]))
        array([4, 2, 1])
    """
    ascending = np.sort(numbers)
    steps = np.arange(ascending[-1])
    return ascending.size - np.searchsorted(ascending, steps, side="right")


def _inverse(order: np.ndarray) -> np.ndarray:
    inverse = np.empty_like(order)
    inverse[order] = np.arange(order.size)
    return inverse


def _permutation(argument: str, values: Any, count: int) -> np.ndarray | None:
    if values is None:
        return None
    numbers = _whole_numbers("PackedSequence", argument, values, 0)
    if not np.array_equal(np.sort(numbers), np.arange(count)):
        raise ValueError(
            message("PackedSequence", argument, numbers.tolist(), f"each of 0 .. {count - 1} once")
        )
    return numbers


def _check_falling(where: str, argument: str, numbers: np.ndarray, why: str) -> None:
    grows = np.flatnonzero(np.diff(numbers) > 0)
    if grows.size:
        at = grows[0] + 1
        raise ValueError(
            message(where, argument, f"{numbers[at]} after {numbers[at - 1]} at position {at}",
                    f"numbers that never grow, {why}")
        )  # fmt: skip


class PackedSequence:
    """Sequences of different lengths without padding.

    Args:
        data: XTensor [sum of lengths, *]: step 0 of all sequences, then step 1, ..., the longest
            sequence first in each step.
        batch_sizes: how many sequences have a step 0, 1, ...; numbers that never grow.
        sorted_indices: which sequence of the original batch is first, second, ... in the data; None
            if the batch was in this order already.
        unsorted_indices: the inverse of sorted_indices; worked out where it is left out.

    Attributes:
        data: as given.
        batch_sizes, sorted_indices, unsorted_indices: lists of ints, on the host, whatever came: a
            list, an array or a tensor. Both indices are None, or neither.

    Raises:
        TypeError: data is no XTensor, or the numbers are none.
        ValueError: batch_sizes grow or do not sum up to the rows of data; indices that do not name
            each sequence once, or are not inverse to each other.

    Example:
        >>> from xtensor import arange
        >>> packed = PackedSequence(arange(0, 7), [3, 2, 1, 1])
        >>> packed.lengths
        [4, 2, 1]
        >>> packed
        PackedSequence: 3 sequences of lengths [4, 2, 1], data [7]
    """

    data: XTensor
    batch_sizes: list[int]
    sorted_indices: list[int] | None
    unsorted_indices: list[int] | None

    def __init__(
        self,
        data: XTensor,
        batch_sizes: Any,
        sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> None:
        where = "PackedSequence"
        check_tensor(where, "data", data, "make one with pack_pad_sequence")
        sizes = _whole_numbers(where, "batch_sizes", batch_sizes, 1)
        _check_falling(where, "batch_sizes", sizes, "as sequences only end")
        if data.shape[:1] != [sizes.sum()]:
            raise ValueError(
                message(where, "data", f"of shape {data.shape}",
                        f"{sizes.sum()} rows, the sum of batch_sizes")
            )  # fmt: skip
        order = _permutation("sorted_indices", sorted_indices, sizes[0])
        inverse = _permutation("unsorted_indices", unsorted_indices, sizes[0])
        if order is None and inverse is not None:
            order = _inverse(inverse)
        if order is not None and inverse is not None and (inverse != _inverse(order)).any():
            raise ValueError(
                message(where, "unsorted_indices", inverse.tolist(),
                        f"{_inverse(order).tolist()}, the inverse of sorted_indices")
            )  # fmt: skip
        self.data = data
        self.batch_sizes = sizes.tolist()
        self.sorted_indices = None if order is None else order.tolist()
        self.unsorted_indices = None if order is None else _inverse(order).tolist()

    @property
    def lengths(self) -> list[int]:
        """Length of each sequence, in the order of the original batch."""
        lengths: list[int] = _exceeding(np.array(self.batch_sizes)).tolist()
        if self.unsorted_indices is None:
            return lengths
        return [lengths[place] for place in self.unsorted_indices]

    def __repr__(self) -> str:
        lengths = self.lengths
        return (
            f"PackedSequence: {len(lengths)} sequences of lengths {lengths}, data {self.data.shape}"
        )


def _places(sizes: np.ndarray, order: np.ndarray, steps: int, batch_first: bool) -> np.ndarray:
    """The row of the padded tensor, seen as [steps * batch, *], for each row of the packed data.

    Args:
        sizes: batch sizes.
        order: sequence of the original batch for each position in the packed order.
        steps: length of the time axis of the padded tensor.
        batch_first: whether the batch axis comes before it.

    Example:
        >>> _places(np.array([2, 1]), np.array([1, 0]), 3, batch_first=True)
        array([3, 0, 4])
    """
    step = np.repeat(np.arange(sizes.size), sizes)
    begin = np.cumsum(sizes) - sizes
    sequence = order[np.arange(step.size) - begin[step]]
    return sequence * steps + step if batch_first else step * order.size + sequence


def _rows(array: Array, count: int) -> Array:
    return reshape(array, (count, array.size // count))


def _take(out: Array, padded: Array, places: Array) -> Array:
    """out[i] = padded[places[i]], both seen as rows"""
    if out.size:
        count = padded.shape[0] * padded.shape[1]
        launch("gather_forward", places.size, _rows(out, places.size), _rows(padded, count), places)
    return out


def _put(padded: Array, data: Array, places: Array) -> Array:
    """padded[places[i]] = data[i], both seen as rows"""
    if data.size:
        count = padded.shape[0] * padded.shape[1]
        launch("scatter_forward", places.size, _rows(padded, count), _rows(data, places.size),
               places, host_constant(data, np.arange(places.size)))  # fmt: skip
    return padded


class PadSequence(Op):
    """Sequences side by side, short ones filled up at the end"""

    def __init__(self, batch_first: bool, padding_value: float) -> None:
        self.batch_first, self.padding_value = batch_first, padding_value

    def check(self, *sequences: Array) -> None:
        first = sequences[0]
        for number, array in enumerate(sequences):
            argument = f"qtensor_list[{number}]"
            if not array.shape:
                raise ValueError(message(self.name, argument, "of shape []", "[L, *], steps first"))
            if array.shape[1:] != first.shape[1:]:
                raise ValueError(
                    message(self.name, argument, f"of shape {list(array.shape)}",
                            f"[L, *] with * as in qtensor_list[0], {list(first.shape)}")
                )  # fmt: skip
            if array.dtype != first.dtype:
                raise TypeError(
                    message(self.name, argument, f"of dtype {array.dtype}",
                            f"{first.dtype}, as qtensor_list[0]")
                )  # fmt: skip
        check_value(self.name, "padding_value", self.padding_value, first.dtype)

    def _view(self, number: int, length: int) -> View:
        if self.batch_first:
            return lambda a: a[number, :length]
        return lambda a: a[:length, number]

    def forward(self, *sequences: Array) -> Array:
        first = sequences[0]
        self.lengths = [array.shape[0] for array in sequences]
        batch, steps = len(sequences), max(self.lengths)
        leading = (batch, steps) if self.batch_first else (steps, batch)
        out = full_like(first, self.padding_value, (*leading, *first.shape[1:]))
        for number, array in enumerate(sequences):
            write(out, self._view(number, array.shape[0]), array)
        return out

    def backward(self, grad_out: Array) -> tuple[Array | None, ...]:
        return tuple(
            [
                read(grad_out, self._view(number, length)) if self.needs(number) else None
                for number, length in enumerate(self.lengths)
            ]
        )


class PackPadSequence(Op):
    """The steps of each sequence up to its length, those of step 0 first"""

    def __init__(self, lengths: np.ndarray, order: np.ndarray, batch_first: bool) -> None:
        self.lengths, self.order, self.batch_first = lengths, order, batch_first

    def check(self, x: Array) -> None:
        if len(x.shape) < 2:
            due = "[B, T, *]" if self.batch_first else "[T, B, *]"
            raise ValueError(message(self.name, "input", f"of shape {list(x.shape)}", due))
        batch, steps = x.shape[:2] if self.batch_first else x.shape[1::-1]
        if self.lengths.size != batch:
            raise ValueError(
                message(self.name, "lengths", f"{self.lengths.size} numbers",
                        f"{batch}, one for each sequence of an input of shape {list(x.shape)}",
                        f"say batch_first={not self.batch_first}" if self.lengths.size == steps
                        else "")
            )  # fmt: skip
        bad = np.flatnonzero(self.lengths > steps)
        if bad.size:
            raise ValueError(
                message(self.name, "lengths", f"{self.lengths[bad[0]]} at position {bad[0]}",
                        f"at most {steps}, the steps of an input of shape {list(x.shape)}")
            )  # fmt: skip

    def forward(self, x: Array) -> Array:
        sizes = _exceeding(self.lengths)
        steps = x.shape[1 if self.batch_first else 0]
        places = host_constant(x, _places(sizes, self.order, steps, self.batch_first))
        self.save(x.shape, places)
        return _take(empty_like(x, (places.size, *x.shape[2:])), x, places)

    def backward(self, grad_out: Array) -> Array:
        shape, places = self.saved
        return _put(full_like(grad_out, 0, shape), grad_out, places)


class PadPackedSequence(Op):
    """Packed steps back at their places in a batch"""

    def __init__(
        self,
        sizes: np.ndarray,
        order: np.ndarray,
        batch_first: bool,
        padding_value: float,
        steps: int,
    ) -> None:
        self.sizes, self.order, self.steps = sizes, order, steps
        self.batch_first, self.padding_value = batch_first, padding_value

    def check(self, data: Array) -> None:
        check_value(self.name, "padding_value", self.padding_value, data.dtype)

    def forward(self, data: Array) -> Array:
        places = _places(self.sizes, self.order, self.steps, self.batch_first)
        places = host_constant(data, places)
        self.save(data.shape, places)
        batch = self.order.size
        leading = (batch, self.steps) if self.batch_first else (self.steps, batch)
        padded = full_like(data, self.padding_value, (*leading, *data.shape[1:]))
        return _put(padded, data, places)

    def backward(self, grad_out: Array) -> Array:
        shape, places = self.saved
        return _take(empty_like(grad_out, shape), grad_out, places)


# -- public functions -----------------------------------------------------------------------------


def pad_sequence(qtensor_list: Any, batch_first: bool = False, padding_value: float = 0) -> XTensor:
    """Sequences of different lengths in one tensor, short ones filled up at the end.

    Args:
        qtensor_list: list or tuple of B tensors [L_i, *] of one dtype, device and trailing shape.
        batch_first: whether the result is [B, T, *] instead of [T, B, *].
        padding_value: what stands behind the end of a short sequence.

    Returns:
        [T, B, *] or [B, T, *] with T the largest L_i. Padding gets no gradient.

    Raises:
        TypeError: no list of XTensors, tensors of different dtypes, padding_value no number.
        ValueError: an empty list, other trailing shapes, different devices, a tensor without axes.
        OverflowError: an integer dtype cannot hold padding_value.

    Formula: out[t, b] = qtensor_list[b][t] for t < L_b, else padding_value.

    Example:
        >>> from xtensor import ones
        >>> pad_sequence([ones([3]), ones([1])], batch_first=True)
        <BLANKLINE>
        [[1. 1. 1.]
         [1. 0. 0.]]
        <XTensor 2x3 cpu(0) kfloat32>
    """
    if not isinstance(qtensor_list, (list, tuple)):
        raise TypeError(
            message("pad_sequence", "qtensor_list", f"of type {type(qtensor_list).__name__}",
                    "a list of XTensors")
        )  # fmt: skip
    if not qtensor_list:
        raise ValueError(message("pad_sequence", "qtensor_list", "empty", "at least one XTensor"))
    for number, sequence in enumerate(qtensor_list):
        check_tensor("pad_sequence", f"qtensor_list[{number}]", sequence)
    check_flag("pad_sequence", "batch_first", batch_first)
    return PadSequence(batch_first, padding_value)(*qtensor_list)


def pack_pad_sequence(
    input: XTensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """A padded batch without its padding.

    Args:
        input: [T, B, *], or [B, T, *] with batch_first; any dtype.
        lengths: B whole numbers, 1 .. T: a list, a NumPy array or an XTensor, read by the host.
        batch_first: whether the batch axis of ``input`` comes first.
        enforce_sorted: whether lengths have to come longest first. With False the sequences are
            sorted (equal ones keep their order), and sorted_indices says how.

    Returns:
        A PackedSequence. Steps beyond a length get gradient 0.

    Raises:
        TypeError: input is no XTensor, lengths are no whole numbers, a flag is no bool.
        ValueError: an input of fewer than 2 axes, too few or too many lengths, one that is not in
            1 .. T, or lengths that grow with enforce_sorted.

    Formula: data = the rows input[t, b] with t < lengths[b], ordered by t, then by length of b.

    Example:
        >>> from xtensor import XTensor
        >>> batch = XTensor([[1, 2, 3], [4, 0, 0], [5, 6, 0]])
        >>> packed = pack_pad_sequence(batch, [3, 1, 2], batch_first=True, enforce_sorted=False)
        >>> packed.data.to_numpy().tolist(), packed.batch_sizes
        ([1.0, 5.0, 4.0, 2.0, 6.0, 3.0], [3, 2, 1])
        >>> packed.sorted_indices, packed.unsorted_indices
        ([0, 2, 1], [0, 2, 1])
    """
    where = "pack_pad_sequence"
    check_tensor(where, "input", input)
    check_flag(where, "batch_first", batch_first)
    check_flag(where, "enforce_sorted", enforce_sorted)
    numbers = _whole_numbers(where, "lengths", lengths, 1)
    if enforce_sorted:
        _check_falling(where, "lengths", numbers, "or enforce_sorted=False")
    order = np.argsort(-numbers, kind="stable")
    data = PackPadSequence(numbers, order, batch_first)(input)
    return PackedSequence(data, _exceeding(numbers), None if enforce_sorted else order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0,
    total_length: int | None = None,
) -> tuple[XTensor, list[int]]:
    """A packed batch with padding again, sequences in their original order.

    Args:
        sequence: a PackedSequence of B sequences.
        batch_first: whether the result is [B, T, *] instead of [T, B, *].
        padding_value: what stands behind the end of a short sequence.
        total_length: T, at least the longest length, which is the default.

    Returns:
        The tensor [T, B, *] or [B, T, *], and the B lengths as a list of ints. Padding gets no
        gradient.

    Raises:
        TypeError: sequence is no PackedSequence, a flag no bool, total_length no int,
            padding_value no number.
        ValueError: total_length below the longest length.
        OverflowError: an integer dtype cannot hold padding_value.

    Example:
        >>> from xtensor import arange
        >>> padded, lengths = pad_packed_sequence(PackedSequence(arange(1, 5), [3, 1]), True)
        >>> padded.to_numpy().tolist(), lengths
        ([[1.0, 4.0], [2.0, 0.0], [3.0, 0.0]], [2, 1, 1])
    """
    where = "pad_packed_sequence"
    if not isinstance(sequence, PackedSequence):
        raise TypeError(
            message(where, "sequence", f"of type {type(sequence).__name__}", "a PackedSequence",
                    "make one with pack_pad_sequence")
        )  # fmt: skip
    check_flag(where, "batch_first", batch_first)
    # Checked anew: its lists can have been edited, and kernels check no bounds.
    sequence = PackedSequence(
        sequence.data, sequence.batch_sizes, sequence.sorted_indices, sequence.unsorted_indices
    )
    longest = len(sequence.batch_sizes)
    steps = longest if total_length is None else check_int(where, "total_length", total_length)
    if steps < longest:
        raise ValueError(
            message(where, "total_length", steps, f"at least {longest}, the longest length")
        )
    sizes = np.array(sequence.batch_sizes)
    given = sequence.sorted_indices
    order = np.arange(sizes[0]) if given is None else np.array(given)
    op = PadPackedSequence(sizes, order, batch_first, padding_value, steps)
    return op(sequence.data), sequence.lengths


pad_pack_sequence = pad_packed_sequence
