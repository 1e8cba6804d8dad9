"""Indexing: ``t[item]`` and ``t[item] = value``, and the check that every index goes through.

An item becomes a selection before anything is read or written. Ints and slices select a strided
view; as soon as an array takes part, the selection is a list of places, worked out on the host.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import warn_unrecorded
from ..device import Array, cast, device_of, empty_like, full_like, host_constant, reshape, to_host
from ..dtype import BOOL, INT64
from ..errors import message
from ..kernels import launch
from ..op import Op
from ..strided import expand, read, stand_in, write
from ..tensor import XTensor, check_tensor, host_data
from .creation import check_value
from .shape import fits

# So many rows a thread of a GPU adds to a column by itself, before equal places are looked for.
FEW = 64


def check_range(where: str, argument: str, host: np.ndarray, limit: int, lowest: int = 0) -> None:
    """Refuse indices outside lowest .. limit-1.

    Args:
        where: public name of the op or layer.
        argument: what the indices are called there.
        host: host array of any shape and of numbers that are whole.
        limit: how many there are to index.
        lowest: below 0 where indices may count from the end.

    Raises:
        IndexError: names the argument, the first bad position, its value and the limit.

    Example:
        >>> check_range("embedding", "index", np.array([[0, 7]]), 5)
        Traceback (most recent call last):
            ...
        IndexError: embedding: index is 7 at position [0, 1]; expected 0 .. 4.
    """
    if host.size == 0:
        return
    if lowest == 0 and host.dtype == INT64:
        # As unsigned numbers, negative ones are beyond any limit.
        inside = np.maximum.reduce(host.view(np.uint64), None) < limit
    else:
        inside = host.min() >= lowest and host.max() < limit
    if inside:
        return
    bad = np.argwhere((host < lowest) | (host >= limit))[0].tolist()
    came = str(host[tuple(bad)]) + (f" at position {bad}" if bad else "")
    expected = f"{lowest} .. {limit - 1}" if limit else "nothing, as there are no elements"
    raise IndexError(message(where, argument, came, expected))


def check_whole(where: str, argument: str, host: np.ndarray, expected: str) -> None:
    """Refuse numbers that are not whole, NaN and infinities among them.

    Raises:
        IndexError: names the argument, the first such number and where it is.
    """
    if host.dtype.kind != "f":
        return
    whole = np.isfinite(host) & (host == np.floor(host))
    if not whole.all():
        position = np.argwhere(~whole)[0].tolist()
        came = f"{host[tuple(position)]} at position {position}"
        raise IndexError(message(where, argument, came, expected))


# -- selections -----------------------------------------------------------------------------------


class _View:
    """Ints, slices and new axes: what NumPy shows as a view."""

    def __init__(self, item: tuple[Any, ...]) -> None:
        self.item = item

    def read(self, x: Array) -> Array:
        out = read(x, self._show)
        return out if out.shape else reshape(out, (1,))

    def add_to(self, grad_x: Array, grad_out: Array) -> None:
        self.write(grad_x, reshape(grad_out, self.shape_in(grad_x)))

    def write(self, out: Array, values: Array) -> None:
        write(out, self._show, values)

    def shape_in(self, x: Array) -> tuple[int, ...]:
        return self._show(stand_in(x)).shape

    def _show(self, array: np.ndarray) -> np.ndarray:
        # With the Ellipsis NumPy gives a view for all ints too, not a number.
        return array[(*self.item, ...)]


class _Places:
    """At least one index array: row ``places[i]`` of the source is row i of the result."""

    def __init__(self, places: np.ndarray, shape: tuple[int, ...], inner: int) -> None:
        self.places = places.reshape(-1)
        self.shape, self.inner = shape, inner

    def shape_in(self, x: Array) -> tuple[int, ...]:
        return self.shape

    def _rows(self, array: Array) -> Array:
        return reshape(array, (array.size // self.inner if self.inner else 0, self.inner))

    def read(self, x: Array) -> Array:
        out = empty_like(x, (self.places.size, self.inner))
        if out.size:
            launch("gather_forward", self.places.size, out, self._rows(x),
                   host_constant(x, self.places))  # fmt: skip
        return reshape(out, self.shape or (1,))

    def add_to(self, grad_x: Array, grad_out: Array) -> None:
        if grad_out.size:
            add_to_places(self._rows(grad_x), self._rows(grad_out), self.places)

    def write(self, out: Array, values: Array) -> None:
        if self.places.size * self.inner == 0:
            return
        rows, values = self._rows(out), self._rows(expand(values, self.shape))
        if type(out) is np.ndarray:
            rows[self.places] = values  # of several values for one place the last one stays
        else:
            target, first, order = by_target(self.places)
            last = order[first[1:] - 1]
            launch("scatter_forward", target.size, rows, values, host_constant(out, target),
                   host_constant(out, last))  # fmt: skip


def add_to_places(out: Array, x: Array, places: np.ndarray) -> None:
    """out[places[i]] adds x[i], [rows, inner] both, those of one place in the order of i."""
    if type(out) is np.ndarray or places.size <= FEW:
        launch("scatter_add_forward", out.shape[1], out, x, host_constant(x, places))
    else:  # where a thread would add up a column alone
        add_groups(out, x, *by_target(places))


def add_groups(
    out: Array, x: Array, target: np.ndarray, first: np.ndarray, order: np.ndarray
) -> None:
    """The same for places in groups, see ``by_target``: each has one owner."""
    launch("gather_backward", target.size, out, x, host_constant(x, target),
           host_constant(x, first), host_constant(x, order))  # fmt: skip


def by_target(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group equal places: each once, where its group begins in ``order``, and ``order`` itself.

    Example:
        >>> by_target(np.array([7, 2, 7]))
        (array([2, 7]), array([0, 1, 3]), array([1, 0, 2]))
    """
    if (places[1:] > places[:-1]).all():
        every = np.arange(places.size + 1)
        return places, every, every[:-1]
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    begins = np.ones(places.size + 1, bool)  # the last one ends the last group
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:-1])
    first = np.flatnonzero(begins)
    return ordered[first[:-1]], first, order


def _select(where: str, item: Any, shape: Sequence[int]) -> _View | _Places:
    """What ``item`` means for a tensor of this shape, every index checked."""
    entries = [_entry(where, part) for part in (item if isinstance(item, tuple) else (item,))]
    taken, cut, arrays = 0, -1, False
    for number, entry in enumerate(entries):
        if entry is Ellipsis:
            if cut >= 0:
                raise IndexError(message(where, "the index", "with two Ellipses", "at most one"))
            cut = number
        elif isinstance(entry, np.ndarray):
            arrays = True
            taken += entry.ndim if entry.dtype == BOOL else 1
        elif entry is not None:
            taken += 1
    if taken > len(shape):
        raise IndexError(
            message(where, "the index", f"for {taken} axes", f"at most {len(shape)}, as the shape "
                    f"is {list(shape)}")
        )  # fmt: skip
    if cut < 0:
        cut = len(entries)
    rest = [slice(None)] * (len(shape) - taken)
    entries[cut : cut + 1] = rest
    axis = 0
    checked: list[Any] = []
    lengths: list[int] = []  # of the axes, those that a mask covers merged
    for entry in entries:
        length = shape[axis] if entry is not None else 1
        if isinstance(entry, np.ndarray) and entry.dtype == BOOL:
            length = _check_mask(where, entry, shape, axis)
            checked.append(np.flatnonzero(entry))
            axis += entry.ndim - 1
        elif isinstance(entry, np.ndarray):
            checked.append(_from_front(where, axis, entry, length))
        elif isinstance(entry, int):
            if not -length <= entry < length:
                check_range(where, _axis(axis), np.asarray(entry), length, -length)
            checked.append(np.asarray(entry % length) if arrays else entry)
        else:
            checked.append(entry)
        if entry is not None:
            axis += 1
            lengths.append(length)
    # NumPy takes an Ellipsis for a slice also where it stands for no axes.
    return _places(where, checked, lengths, 0 if rest else cut) if arrays else _View(tuple(checked))


def _entry(where: str, part: Any) -> Any:
    """One part of an item as an int, slice, None, Ellipsis, or host array of kbool or int64."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    if isinstance(part, XTensor):
        part = to_host(part.array)
    elif isinstance(part, list):
        part = np.asarray(part) if part else np.empty(0, np.int64)
    if isinstance(part, np.ndarray) and part.dtype == BOOL and part.ndim == 0:
        raise IndexError(
            message(where, "a mask", "of shape []", "the lengths of the tensor's first axes",
                    "use where(mask, t, other)")
        )  # fmt: skip
    if isinstance(part, np.ndarray) and part.dtype.kind in "biuf":
        check_whole(where, "the index", part, "a whole number")
        return part if part.dtype == BOOL else part.astype(np.int64)
    raise IndexError(
        message(where, "the index", f"of type {type(part).__name__}",
                "an int, a slice, an XTensor, a list or array of ints or booleans, or a tuple")
    )  # fmt: skip


def _axis(axis: int) -> str:
    return f"the index of axis {axis}"


def _from_front(where: str, axis: int, index: np.ndarray, length: int) -> np.ndarray:
    """The index with what counts from the end counted from the front."""
    # As unsigned numbers, negative ones are beyond any limit.
    if index.size and np.maximum.reduce(index.view(np.uint64), None) >= length:
        check_range(where, _axis(axis), index, length, -length)
        return np.where(index < 0, index + length, index)
    return index


def _check_mask(where: str, mask: np.ndarray, shape: Sequence[int], axis: int) -> int:
    """How many elements the axes that a mask covers have together."""
    due = tuple(shape[axis : axis + mask.ndim])
    if mask.shape != due:
        raise IndexError(
            message(where, f"the mask of axis {axis}", f"shape {list(mask.shape)}",
                    f"shape {list(due)}, as the tensor has there")
        )  # fmt: skip
    return mask.size


def _places(where: str, entries: list[Any], shape: Sequence[int], gap: int) -> _Places:
    """Places for entries of which some are arrays: NumPy's rules for where their axes go.

    gap: the entry before which something stood that no axis is left for.
    """
    while isinstance(entries[-1], slice) and entries[-1] == slice(None):
        entries = entries[:-1]
    used = sum([entry is not None for entry in entries])
    trailing = tuple(shape[used:])
    numbers = [i for i, entry in enumerate(entries) if isinstance(entry, np.ndarray)]
    # Something between them: they go first.
    split = numbers[-1] - numbers[0] + 1 > len(numbers) or numbers[0] < gap <= numbers[-1]
    lengths: list[int] = []
    ranges: list[tuple[int, np.ndarray]] = []
    from_arrays: Any = None
    put = 0 if split else -1
    axis = 0
    for entry in entries:
        if entry is None:
            lengths.append(1)
            continue
        length = shape[axis]
        axis += 1
        step = math.prod(shape[axis:used])
        if isinstance(entry, slice):
            span = np.arange(*entry.indices(length), dtype=np.int64) * step
            ranges.append((len(lengths), span))
            lengths.append(span.size)
            continue
        put = len(lengths) if put < 0 else put
        scaled = entry if step == 1 else entry * step
        try:
            from_arrays = scaled if from_arrays is None else from_arrays + scaled
        except ValueError:
            raise IndexError(
                message(where, "its index arrays",
                        "of shapes " + " and ".join(str(list(entries[i].shape)) for i in numbers),
                        "shapes that broadcast")
            ) from None  # fmt: skip
    together = from_arrays.shape
    places = from_arrays.reshape((*together, *[1] * (len(lengths) - put)))
    for position, span in ranges:
        after = len(lengths) - position - 1
        if position < put:
            after += len(together)
        places = places + span.reshape((span.size, *[1] * after))
    full = (*lengths[:put], *together, *lengths[put:])
    return _Places(places, (*full, *trailing), math.prod(trailing))


# -- the op and the public functions --------------------------------------------------------------


class Getitem(Op):
    """The elements an item selects; what is selected twice gets both gradients"""

    def __init__(self, selection: _View | _Places) -> None:
        self.selection = selection

    def forward(self, x: Array) -> Array:
        self.save(x.shape)
        return self.selection.read(x)

    def backward(self, grad_out: Array) -> Array:
        (shape,) = self.saved
        grad_x = full_like(grad_out, 0, shape)
        self.selection.add_to(grad_x, grad_out)
        return grad_x


def getitem(t: XTensor, item: Any) -> XTensor:
    """``t[item]``: the selected elements in a new tensor.

    Args:
        t: tensor of any shape and dtype.
        item: an int, a slice, an XTensor or array or list of ints (floats must be whole), a kbool
            mask, Ellipsis, None for a new axis, or a tuple of these. Negative ints count from the
            end. Index arrays broadcast together, as in NumPy; on a GPU they are read by the host.

    Returns:
        A tensor of the dtype of ``t``; shape [1] if ``item`` selects a single element.

    Raises:
        TypeError: ``t`` is no tensor.
        IndexError: an index out of range (named with its axis and limit), too many of them, a mask
            of another shape, arrays that do not broadcast, or something that is no index.

    Example:
        >>> import xtensor as xt
        >>> t = xt.arange(0, 6).reshape([2, 3])
        >>> t[1, ::2]
        <BLANKLINE>
        [3. 5.]
        <XTensor 2 cpu(0) kfloat32>
        >>> t[xt.XTensor([1, 0, 1]), 2].to_numpy()
        array([5., 2., 5.], dtype=float32)
    """
    check_tensor("getitem", "t", t)
    return Getitem(_select("getitem", item, t.array.shape))(t)


def setitem(t: XTensor, item: Any, value: Any) -> None:
    """``t[item] = value``, in place and never recorded.

    Args:
        t: tensor of any shape and dtype.
        item: as for ``getitem``. If it names an element several times, its last value stays.
        value: a number, an array or an XTensor that broadcasts to the selection; cast to t's dtype.

    Raises:
        TypeError: ``t`` is no tensor, or ``value`` nothing to store.
        IndexError: as for ``getitem``; nothing has been written then.
        ValueError: ``value`` does not broadcast to the selection, or lies on another device.
        OverflowError: an integer dtype cannot hold the number.

    Example:
        >>> import xtensor as xt
        >>> t = xt.zeros([2, 2])
        >>> t[0] = 5
        >>> t[:, 1] = xt.XTensor([7, 8])
        >>> t
        <BLANKLINE>
        [[5. 7.]
         [0. 8.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    check_tensor("setitem", "t", t)
    selection = _select("setitem", item, t.array.shape)
    shape = selection.shape_in(t.array)
    values = _values(value, t)
    while len(values.shape) > len(shape) and values.shape[0] == 1:
        values = reshape(values, values.shape[1:])
    if not fits(values.shape, shape):
        raise ValueError(
            message("setitem", "value", f"shape {list(values.shape)}",
                    f"a shape that broadcasts to the selection's, {list(shape)}")
        )  # fmt: skip
    warn_unrecorded("setitem", t, value, "put the parts together with concatenate, stack or where")
    selection.write(t.writable(), values)


def _values(value: Any, t: XTensor) -> Array:
    dtype = t.array.dtype
    if not isinstance(value, XTensor):
        if not isinstance(value, (np.ndarray, list, tuple)):
            return host_constant(t.array, check_value("setitem", "value", value, dtype), dtype)
        value = XTensor(value, device=t.device, dtype=t.dtype)
    if value.device != device_of(t.array):
        raise ValueError(
            message("setitem", "value", f"on device {value.device}", f"on device {t.device}",
                    "move it with toGPU() or toCPU()")
        )  # fmt: skip
    if dtype.kind in "iu" and value.array.dtype != dtype:
        return host_constant(t.array, host_data(value, dtype, "setitem"))
    return cast(value.array, dtype)
