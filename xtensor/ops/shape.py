"""Shapes: reshape and its kin share memory; the others read their input through strides, once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..device import Array, check_shape, empty_like
from ..device import reshape as reshape_array
from ..dtype import BOOL
from ..elementwise import apply
from ..errors import message, shown
from ..kernels.parallel import SERIAL_ELEMENTS
from ..op import Op
from ..reduction import check_axes, check_axis, sum_to_shape
from ..strided import View, expand, permuted, read, share, write
from ..tensor import XTensor, check_tensor
from .creation import check_value

# NumPy has joined fewer numbers than this before two launches are under way.
BY_NUMPY = 6 * SERIAL_ELEMENTS

# -- sharing memory -------------------------------------------------------------------------------


class Reshape(Op):
    """The same elements under another shape"""

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        self.save(x.shape)
        return reshape_array(x, self.shape)

    def backward(self, grad_out: Array) -> Array:
        (shape,) = self.saved
        return reshape_array(grad_out, shape)


class Flatten(Reshape):
    """Neighbouring axes merged"""


class Squeeze(Reshape):
    """Axes of length 1 taken out"""


class Unsqueeze(Reshape):
    """An axis of length 1 put in"""


# -- reading through strides ----------------------------------------------------------------------


class Permute(Op):
    """The axes in another order"""

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Array:
        return permuted(x, self.axes)

    def backward(self, grad_out: Array) -> Array:
        return permuted(grad_out, np.argsort(self.axes).tolist())


class BroadcastTo(Op):
    """Repeated along axes of length 1 and new leading axes"""

    broadcasts = True

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        return expand(x, self.shape)

    def backward(self, grad_out: Array) -> Array:
        return grad_out


class Tile(Op):
    """Whole copies side by side"""

    broadcasts = True

    def __init__(self, reps: Sequence[int]) -> None:
        self.reps = reps

    def forward(self, x: Array) -> Array:
        # A copy is a repetition along an axis of length 1 before the axis that is tiled.
        inner = (1,) * (len(self.reps) - len(x.shape)) + tuple(x.shape)
        reps = (1,) * (len(inner) - len(self.reps)) + tuple(self.reps)
        spread = [n for length in inner for n in (1, length)]
        full = [n for pair in zip(reps, inner) for n in pair]
        self.save(spread, full)
        rows = expand(reshape_array(x, spread), full)
        return reshape_array(rows, [r * n for r, n in zip(reps, inner)])

    def backward(self, grad_out: Array) -> Array:
        spread, full = self.saved
        summed = sum_to_shape(reshape_array(grad_out, full), spread)
        return reshape_array(summed, self.input_shapes[0])


class Flip(Op):
    """The elements of some axes in reverse"""

    def __init__(self, axes: tuple[int, ...]) -> None:
        steps = [-1 if axis in axes else 1 for axis in range(max(axes, default=-1) + 1)]
        # With the Ellipsis NumPy gives a view of an array without axes too, not a number.
        self.index: tuple[Any, ...] = (*[slice(None, None, step) for step in steps], ...)

    def forward(self, x: Array) -> Array:
        return read(x, lambda a: a[self.index])

    def backward(self, grad_out: Array) -> Array:
        return self.forward(grad_out)


class Concatenate(Op):
    """Joined along an axis that is there"""

    promotion = "common"

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def check(self, *inputs: Array) -> None:
        first = inputs[0].shape
        for number, array in enumerate(inputs):
            if array.shape != first and (
                len(array.shape) != len(first)
                or any(
                    n != m and axis != self.axis
                    for axis, (n, m) in enumerate(zip(array.shape, first))
                )
            ):
                raise ValueError(
                    message("concatenate", f"args[{number}]", f"shape {list(array.shape)}",
                            f"the lengths of args[0], {list(first)}, on all axes but {self.axis}")
                )  # fmt: skip

    def _part(self, start: int, stop: int) -> View:
        return lambda a: a[(slice(None),) * self.axis + (slice(start, stop),)]

    def forward(self, *inputs: Array) -> Array:
        first, axis = inputs[0], self.axis
        lengths, size = [], 0
        for array in inputs:
            lengths.append(array.shape[axis])
            size += array.size
        self.ends = [0, *itertools.accumulate(lengths)]
        if type(first) is np.ndarray and size < BY_NUMPY:
            return np.concatenate(inputs, axis)
        out = empty_like(first, (*first.shape[:axis], self.ends[-1], *first.shape[axis + 1 :]))
        for array, start, stop in zip(inputs, self.ends, self.ends[1:]):
            write(out, self._part(start, stop), array)
        return out

    def backward(self, grad_out: Array) -> tuple[Array | None, ...]:
        return tuple(
            [
                reshape_array(share(grad_out, self._part(start, stop)), self.input_shapes[i])
                if self.needs(i)
                else None
                for i, (start, stop) in enumerate(itertools.pairwise(self.ends))
            ]
        )


class Stack(Concatenate):
    """Joined along a new axis"""

    def check(self, *inputs: Array) -> None:
        first = inputs[0].shape
        for number, array in enumerate(inputs):
            if array.shape != first:
                raise ValueError(
                    message("stack", f"XTensors[{number}]", f"shape {list(array.shape)}",
                            f"the shape of XTensors[0], {list(first)}")
                )  # fmt: skip

    def forward(self, *inputs: Array) -> Array:
        shape = inputs[0].shape
        one = (*shape[: self.axis], 1, *shape[self.axis :])
        return super().forward(*[reshape_array(array, one) for array in inputs])


class MaskedFill(Op):
    """A number where the mask holds"""

    broadcasts = True

    def __init__(self, value: float) -> None:
        self.value = value

    def check(self, x: Array, mask: Array) -> None:
        if mask.dtype != BOOL:
            raise TypeError(
                message("masked_fill", "mask", f"of dtype {mask.dtype}", "kbool",
                        "compare, or build it from a NumPy boolean array")
            )  # fmt: skip
        if not fits(mask.shape, x.shape):
            raise ValueError(
                message("masked_fill", "mask", f"shape {list(mask.shape)}",
                        f"a shape that broadcasts to that of t, {list(x.shape)}")
            )  # fmt: skip

    def forward(self, x: Array, mask: Array) -> Array:
        self.save(mask)
        return apply("masked_fill_forward", (x, mask), (x.dtype.type(self.value),))

    def backward(self, grad_out: Array) -> tuple[Array, None]:
        (mask,) = self.saved
        return apply("keep_unless", (grad_out, mask)), None


def fits(shape: Sequence[int], target: Sequence[int]) -> bool:
    """Whether ``shape`` broadcasts to ``target``."""
    return len(shape) <= len(target) and all(
        n in (1, m) for n, m in zip(reversed(shape), reversed(target))
    )


# -- public functions -----------------------------------------------------------------------------


def reshape(t: XTensor, new_shape: Sequence[int]) -> XTensor:
    """The same elements under another shape.

    Args:
        t: tensor of any shape and dtype.
        new_shape: list or tuple of lengths with the product of t's; one of them may be -1.

    Returns:
        A tensor of that shape; it shares memory until one of the two is written.

    Raises:
        TypeError: ``t`` is no tensor, or ``new_shape`` no list of ints.
        ValueError: another number of elements, two -1, or a length below -1.

    Example:
        >>> import xtensor as xt
        >>> xt.reshape(xt.arange(0, 6), [2, -1])
        <BLANKLINE>
        [[0. 1. 2.]
         [3. 4. 5.]]
        <XTensor 2x3 cpu(0) kfloat32>
    """
    check_tensor("reshape", "t", t)
    lengths = (new_shape,) if isinstance(new_shape, (int, np.integer)) else new_shape
    shape, known = [], 1
    for n in lengths if isinstance(lengths, (list, tuple)) else (None,):
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
            raise TypeError(message("reshape", "new_shape", shown(new_shape), "a list of ints"))
        shape.append(int(n))
        if n != -1:
            known *= shape[-1]
    size = t.size
    if known > 0 and size % known == 0 and shape.count(-1) == 1:
        shape[shape.index(-1)] = size // known
        known = size
    if known != size or min(shape, default=0) < 0:
        raise ValueError(
            message("reshape", "new_shape", list(lengths),
                    f"lengths with the product {size}, one of them perhaps -1, for {t.shape}")
        )  # fmt: skip
    return Reshape(tuple(shape))(t)


def flatten(t: XTensor, start: int = 0, end: int = -1) -> XTensor:
    """Merge the neighbouring axes ``start`` .. ``end``, both included, into one.

    Args:
        t: tensor of any shape and dtype; no axes become one of length 1.
        start, end: first and last axis to merge; negative ones count from the end.

    Returns:
        A tensor that shares memory with ``t`` until one of the two is written.

    Raises:
        TypeError: ``t`` is no tensor, or an axis no int.
        ValueError: no such axis, or ``end`` before ``start``.

    Example:
        >>> import xtensor as xt
        >>> xt.flatten(xt.ones([2, 3, 4]), 1).shape
        [2, 12]
    """
    check_tensor("flatten", "t", t)
    ndim = max(t.ndim, 1)
    first = check_axis("flatten", start, ndim, "start")
    last = check_axis("flatten", end, ndim, "end")
    if last < first:
        raise ValueError(message("flatten", "end", end, f"an axis not before start, {start}"))
    shape = t.shape
    merged = math.prod(shape[first : last + 1])
    return Flatten((*shape[:first], merged, *shape[last + 1 :]))(t)


def squeeze(t: XTensor, axis: int | None = -1) -> XTensor:
    """Take out axes of length 1.

    Args:
        t: tensor of any shape and dtype.
        axis: the axis to take out, 0 .. ndim-1; -1 and None mean all axes of length 1.

    Returns:
        A tensor that shares memory with ``t`` until one of the two is written.

    Raises:
        TypeError: ``t`` is no tensor, or ``axis`` no int.
        ValueError: no such axis, or one whose length is not 1.

    Example:
        >>> import xtensor as xt
        >>> xt.squeeze(xt.ones([1, 6, 1])).shape, xt.squeeze(xt.ones([1, 6, 1]), 0).shape
        ([6], [6, 1])
    """
    check_tensor("squeeze", "t", t)
    if axis is None or (axis == -1 and not isinstance(axis, bool)):
        return Squeeze(tuple([n for n in t.shape if n != 1]))(t)
    place = check_axis("squeeze", axis, t.ndim)
    if t.shape[place] != 1:
        raise ValueError(
            message("squeeze", "axis", f"{axis}, of length {t.shape[place]}",
                    f"an axis of length 1 in shape {t.shape}")
        )  # fmt: skip
    return Squeeze((*t.shape[:place], *t.shape[place + 1 :]))(t)


def unsqueeze(t: XTensor, axis: int = 0) -> XTensor:
    """Put in an axis of length 1, which will be axis ``axis`` of the result.

    Args:
        t: tensor of any shape and dtype.
        axis: -(ndim+1) .. ndim.

    Returns:
        A tensor that shares memory with ``t`` until one of the two is written.

    Raises:
        TypeError: ``t`` is no tensor, or ``axis`` no int.
        ValueError: no such place.

    Example:
        >>> import xtensor as xt
        >>> xt.unsqueeze(xt.ones([2, 3]), 1).shape
        [2, 1, 3]
    """
    check_tensor("unsqueeze", "t", t)
    place = check_axis("unsqueeze", axis, t.ndim + 1)
    return Unsqueeze((*t.shape[:place], 1, *t.shape[place:]))(t)


def permute(t: XTensor, *axes: Any) -> XTensor:
    """The axes of ``t`` in another order.

    Args:
        t: tensor of any shape and dtype.
        axes: where each axis of the result comes from, as one list or as separate ints; negative
            ones count from the end. None at all reverses the axes.

    Returns:
        A contiguous tensor, out[i_0, i_1, ...] = t[...] with i_k on axis axes[k].

    Raises:
        TypeError: ``t`` is no tensor, or an axis no int.
        ValueError: not each axis of ``t`` once.

    Example:
        >>> import xtensor as xt
        >>> xt.permute(xt.ones([2, 3, 4]), [2, 0, 1]).shape
        [4, 2, 3]
    """
    return _permute("permute", t, axes)


def transpose(t: XTensor, *axes: Any) -> XTensor:
    """The same as ``permute``.

    Args:
        t: tensor of any shape and dtype.
        axes: where each axis of the result comes from, as one list or as separate ints; none at
            all reverses the axes.

    Returns:
        A contiguous tensor.

    Raises:
        TypeError: ``t`` is no tensor, or an axis no int.
        ValueError: not each axis of ``t`` once.

    Example:
        >>> import xtensor as xt
        >>> xt.transpose(xt.XTensor([[1, 2], [3, 4]]))
        <BLANKLINE>
        [[1. 3.]
         [2. 4.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    return _permute("transpose", t, axes)


def _permute(where: str, t: XTensor, axes: tuple[Any, ...]) -> XTensor:
    check_tensor(where, "t", t)
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (list, tuple))):
        axes = tuple(axes[0] or ())
    order = check_axes(where, axes, t.ndim, "axes") if axes else tuple(reversed(range(t.ndim)))
    if len(order) != t.ndim:
        raise ValueError(message(where, "axes", list(axes), f"each of the {t.ndim} axes once"))
    return Permute(order)(t)


def swapaxis(t: XTensor, axis1: int, axis2: int) -> XTensor:
    """Exchange two axes.

    Args:
        t: tensor of any shape and dtype.
        axis1, axis2: the axes to exchange; negative ones count from the end.

    Returns:
        A contiguous tensor.

    Raises:
        TypeError: ``t`` is no tensor, or an axis no int.
        ValueError: no such axis.

    Example:
        >>> import xtensor as xt
        >>> xt.swapaxis(xt.ones([2, 3, 4]), 0, 2).shape
        [4, 3, 2]
    """
    check_tensor("swapaxis", "t", t)
    first = check_axis("swapaxis", axis1, t.ndim, "axis1")
    second = check_axis("swapaxis", axis2, t.ndim, "axis2")
    order = list(range(t.ndim))
    order[first], order[second] = second, first
    return Permute(order)(t)


def broadcast_to(t: XTensor, ref: Sequence[int]) -> XTensor:
    """Repeat ``t`` along axes of length 1 and new leading axes.

    Args:
        t: tensor of any shape and dtype.
        ref: list or tuple of lengths; from the last axis on each is t's, or t's is 1 or missing.

    Returns:
        A tensor of shape ``ref``; its gradient is summed over what was repeated.

    Raises:
        TypeError: ``t`` is no tensor, or ``ref`` no list of ints.
        ValueError: ``t`` does not broadcast to ``ref``.

    Example:
        >>> import xtensor as xt
        >>> xt.broadcast_to(xt.XTensor([1, 2]), [2, 2])
        <BLANKLINE>
        [[1. 2.]
         [1. 2.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    check_tensor("broadcast_to", "t", t)
    if isinstance(ref, XTensor):
        raise TypeError(
            message("broadcast_to", "ref", "an XTensor", "a list of lengths", "pass ref.shape")
        )
    shape = check_shape(ref, "broadcast_to", t.array.dtype)
    if not fits(t.shape, shape):
        raise ValueError(
            message("broadcast_to", "ref", list(shape), f"a shape that {t.shape} broadcasts to")
        )
    return BroadcastTo(shape)(t)


def broadcast(t1: XTensor, t2: XTensor) -> tuple[XTensor, XTensor]:
    """Both tensors repeated to the shape they broadcast to.

    Args:
        t1, t2: tensors of any dtype, whose lengths are equal, 1 or missing from the last axis on.

    Returns:
        The two tensors, of one shape.

    Raises:
        TypeError: one of them is no tensor.
        ValueError: the shapes do not broadcast.

    Example:
        >>> import xtensor as xt
        >>> a, b = xt.broadcast(xt.ones([2, 1]), xt.ones([3]))
        >>> a.shape, b.shape
        ([2, 3], [2, 3])
    """
    check_tensor("broadcast", "t1", t1)
    check_tensor("broadcast", "t2", t2)
    try:
        shape = np.broadcast_shapes(tuple(t1.shape), tuple(t2.shape))
    except ValueError:
        raise ValueError(
            message("broadcast", "t1 and t2", f"of shapes {t1.shape} and {t2.shape}",
                    "shapes that broadcast: equal lengths, or 1, from the last axis on")
        ) from None  # fmt: skip
    return BroadcastTo(shape)(t1), BroadcastTo(shape)(t2)


def concatenate(args: Sequence[XTensor], axis: int = 0) -> XTensor:
    """Join tensors along an axis they have.

    Args:
        args: list or tuple of at least one tensor, of equal lengths on all other axes; dtypes go to
            the largest of them.
        axis: the axis to join along; negative ones count from the end.

    Returns:
        A tensor whose length on ``axis`` is the sum of theirs.

    Raises:
        TypeError: ``args`` is no list of tensors, or ``axis`` no int.
        ValueError: nothing to join, no such axis, or lengths that differ on another axis.

    Example:
        >>> import xtensor as xt
        >>> xt.concatenate([xt.XTensor([1, 2]), xt.XTensor([3])])
        <BLANKLINE>
        [1. 2. 3.]
        <XTensor 3 cpu(0) kfloat32>
    """
    tensors = _tensors("concatenate", "args", args)
    place = check_axis("concatenate", axis, tensors[0].ndim)
    return Concatenate(place)(*tensors)


def stack(XTensors: Sequence[XTensor], axis: int = 0) -> XTensor:
    """Join tensors of one shape along a new axis.

    Args:
        XTensors: list or tuple of at least one tensor; dtypes go to the largest of them.
        axis: where the new axis will be in the result, -(ndim+1) .. ndim.

    Returns:
        A tensor with one axis more, of length ``len(XTensors)``.

    Raises:
        TypeError: no list of tensors, or ``axis`` no int.
        ValueError: nothing to join, no such axis, or shapes that differ.

    Example:
        >>> import xtensor as xt
        >>> xt.stack([xt.XTensor([1, 2]), xt.XTensor([3, 4])], 1)
        <BLANKLINE>
        [[1. 3.]
         [2. 4.]]
        <XTensor 2x2 cpu(0) kfloat32>
    """
    tensors = _tensors("stack", "XTensors", XTensors)
    place = check_axis("stack", axis, tensors[0].ndim + 1)
    return Stack(place)(*tensors)


def _tensors(where: str, argument: str, values: Any) -> list[XTensor]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(
            message(where, argument, f"of type {type(values).__name__}", "a list of XTensors")
        )
    if not values:
        raise ValueError(message(where, argument, "empty", "at least one XTensor"))
    for number, t in enumerate(values):
        if not isinstance(t, XTensor):
            check_tensor(where, f"{argument}[{number}]", t)
    return list(values)


def flip(t: XTensor, flip_dims: int | Sequence[int]) -> XTensor:
    """Reverse the order of the elements along some axes.

    Args:
        t: tensor of any shape and dtype.
        flip_dims: an axis or a list of axes; negative ones count from the end.

    Returns:
        A contiguous tensor of the same shape.

    Raises:
        TypeError: ``t`` is no tensor, or an axis no int.
        ValueError: no such axis, or one named twice.

    Example:
        >>> import xtensor as xt
        >>> xt.flip(xt.XTensor([1, 2, 3]), 0)
        <BLANKLINE>
        [3. 2. 1.]
        <XTensor 3 cpu(0) kfloat32>
    """
    check_tensor("flip", "t", t)
    return Flip(check_axes("flip", flip_dims, t.ndim, "flip_dims"))(t)


def tile(t: XTensor, reps: int | Sequence[int]) -> XTensor:
    """Lay copies of ``t`` side by side.

    Args:
        t: tensor of any shape and dtype.
        reps: how many copies along each axis, an int or a list; the shorter of ``reps`` and t's
            shape is padded with leading ones, as in numpy.tile.

    Returns:
        A tensor whose lengths are those of ``t`` times ``reps``; its gradient sums the copies.

    Raises:
        TypeError: ``t`` is no tensor, or ``reps`` no list of ints.
        ValueError: a negative number of copies.

    Example:
        >>> import xtensor as xt
        >>> xt.tile(xt.XTensor([1, 2]), [2, 2])
        <BLANKLINE>
        [[1. 2. 1. 2.]
         [1. 2. 1. 2.]]
        <XTensor 2x4 cpu(0) kfloat32>
    """
    check_tensor("tile", "t", t)
    counts = [reps] if isinstance(reps, (int, np.integer)) else reps
    if not isinstance(counts, (list, tuple)) or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in counts
    ):
        raise TypeError(message("tile", "reps", shown(reps), "an int or a list of ints"))
    if any(n < 0 for n in counts):
        raise ValueError(message("tile", "reps", shown(reps), "0 or more copies along each axis"))
    return Tile([int(n) for n in counts])(t)


def masked_fill(t: XTensor, mask: XTensor | np.ndarray | list[Any], value: float) -> XTensor:
    """``value`` where the mask holds, ``t`` elsewhere.

    Args:
        t: tensor of any shape and dtype.
        mask: kbool tensor, NumPy array or list of booleans that broadcasts to the shape of ``t``.
        value: a number that the dtype of ``t`` can hold.

    Returns:
        A tensor of the shape and dtype of ``t``; no gradient goes to what was filled.

    Raises:
        TypeError: ``t`` is no tensor, ``mask`` is not kbool, or ``value`` no number.
        ValueError: the mask does not broadcast to ``t``.
        OverflowError: the dtype of ``t`` cannot hold ``value``.

    Example:
        >>> import xtensor as xt
        >>> t = xt.XTensor([1, 2, 3])
        >>> xt.masked_fill(t, t > 1, 0)
        <BLANKLINE>
        [1. 0. 0.]
        <XTensor 3 cpu(0) kfloat32>
    """
    check_tensor("masked_fill", "t", t)
    return MaskedFill(check_value("masked_fill", "value", value, t.array.dtype))(t, mask)
