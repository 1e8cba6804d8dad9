"""Convolution over 1, 2 or 3 spatial axes: one class does the work for any number of them."""

from __future__ import annotations

from typing import Any

from ..device import Array, empty_like, reshape
from ..errors import message
from ..kernels import launch
from ..op import Op
from ..reduction import sum_axes
from ..tensor import XTensor
from .window import (
    KERNELS,
    LAYOUTS,
    Numbers,
    check_padding,
    check_rank,
    lift,
    lift_numbers,
    per_axis,
    place,
    span,
)


class Slide(Op, abstract=True):
    """Options, checks and launches that a convolution shares with its transposed form.

    Names are those of the convolution: x is its input (the output of the transposed form), and
    ``grad`` stands for anything of its output's shape. Arrays are lifted to three spatial axes.
    """

    promotion = "float"
    optional = (2,)
    axes = 2

    def __init__(self, stride: Any, padding: Any, dilation: Any, groups: Any) -> None:
        self.stride = per_axis(stride, self.axes, self.name, "stride")
        self.padding = check_padding(padding, self.axes, self.name)
        self.dilation = per_axis(dilation, self.axes, self.name, "dilation")
        self.groups = per_axis(groups, 1, self.name, "groups")[0]

    def check_arrays(self, x: Array, weight: Array, channels: str) -> None:
        """``channels`` are the first axes of the layout of weight."""
        check_rank(x, self.axes, self.name, "x", LAYOUTS[self.axes])
        layout = f"[{channels}, {KERNELS[self.axes]}]"
        check_rank(weight, self.axes, self.name, "weight", layout)
        if 0 in weight.shape:
            raise ValueError(
                message(self.name, "weight", f"of shape {list(weight.shape)}",
                        f"lengths of at least 1 in {layout}")
            )  # fmt: skip
        if weight.shape[0] % self.groups:
            raise ValueError(
                message(self.name, "groups", self.groups,
                        f"a divisor of the first length of weight, {weight.shape[0]}")
            )  # fmt: skip

    def check_channels(self, x: Array, channels: int) -> None:
        if x.shape[1] != channels:
            raise ValueError(
                message(self.name, "x", f"of shape {list(x.shape)}, {x.shape[1]} channels",
                        f"{channels} channels, as weight and groups={self.groups} say",
                        "change the weight's shape or groups, or move the channels to axis 1")
            )  # fmt: skip

    def check_bias(self, bias: Array | None, channels: int) -> None:
        if bias is not None and bias.shape != (channels,):
            raise ValueError(
                message(self.name, "bias", f"of shape {list(bias.shape)}",
                        f"shape [{channels}], one per output channel")
            )  # fmt: skip

    def _numbers(self) -> tuple[Any, ...]:
        """What every kernel takes after its arrays."""
        return (
            lift_numbers(self.stride, 1),
            lift_numbers(self.before, 0),
            lift_numbers(self.dilation, 1),
            self.groups,
        )

    before: tuple[int, ...]

    def output(self, x: Array, weight: Array, bias: Array | None, counts: tuple[int, ...]) -> Array:
        out = empty_like(x, (x.shape[0], weight.shape[0], *counts))
        shift = empty_like(x, (0,)) if bias is None else bias
        launch("conv_forward", out.size, lift(out), lift(x), lift(weight), shift, *self._numbers())
        return out

    def input_gradient(
        self, grad: Array, weight: Array, bias: Array | None, shape: tuple[int, ...]
    ) -> Array:
        out = empty_like(grad, shape)
        shift = empty_like(grad, (0,)) if bias is None else bias
        launch("conv_backward_input", out.size, lift(out), lift(grad), lift(weight), shift,
               *self._numbers())  # fmt: skip
        return out

    def weight_gradient(self, grad: Array, x: Array, shape: tuple[int, ...]) -> Array:
        out = empty_like(grad, shape)
        launch("conv_backward_weight", out.size, lift(out), lift(grad), lift(x), *self._numbers())
        return out


class _Conv(Slide, abstract=True):
    """out[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] x[n, c, p s - before + k d]"""

    def check(self, x: Array, weight: Array, bias: Array | None) -> None:
        self.check_arrays(x, weight, "O, C / groups")
        self.check_channels(x, weight.shape[1] * self.groups)
        self.check_bias(bias, weight.shape[0])
        spans = span(weight.shape[2:], self.dilation)
        self.before, self.counts = place(x.shape[2:], spans, self.stride, self.padding, self.name)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        self.save(x if self.needs(1) else None, weight if self.needs(0) else None)
        self.shapes = x.shape, weight.shape
        return self.output(x, weight, bias, self.counts)

    def backward(self, grad_out: Array) -> tuple[Array | None, ...]:
        x, weight = self.saved
        x_shape, weight_shape = self.shapes
        return (
            self.input_gradient(grad_out, weight, None, x_shape) if self.needs(0) else None,
            self.weight_gradient(grad_out, x, weight_shape) if self.needs(1) else None,
            bias_gradient(grad_out) if self.needs(2) else None,
        )


def bias_gradient(grad_out: Array) -> Array:
    axes = [0, *range(2, len(grad_out.shape))]
    return reshape(sum_axes(grad_out, axes), (grad_out.shape[1],))


class Conv1d(_Conv):
    axes = 1


class Conv2d(_Conv):
    axes = 2


class Conv3d(_Conv):
    axes = 3


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Cross-correlation of signals with kernels: ``conv2d`` with one spatial axis.

    Args:
        x: [N, C, L], floating (integers give kfloat32).
        weight: [O, C / groups, k].
        bias: [O] or None.
        stride, dilation: ints of at least 1.
        padding: 'valid', 'same' or an int, as in ``conv2d``.
        groups: a divisor of C and O.

    Returns:
        [N, O, L'].

    Raises:
        TypeError, ValueError: as ``conv2d``.

    Example:
        >>> x = XTensor([[[1.0, 2.0, 4.0, 7.0]]])
        >>> conv1d(x, XTensor([[[-1.0, 1.0]]])).to_numpy()
        array([[[1., 2., 3.]]], dtype=float32)
    """
    return Conv1d(stride, padding, dilation, groups)(x, weight, bias)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Cross-correlation of images with kernels (no kernel is flipped), zeros in the padding.

    out[n, o, i, j] = bias[o]
        + sum over c, a, b of weight[o, c, a, b] * x[n, g + c, i * s - p + a * d, j * s - p + b * d]
    where g is the first channel of the group of o.

    Args:
        x: [N, C, H, W], floating (integers give kfloat32); N may be 0.
        weight: [O, C / groups, kh, kw].
        bias: [O] or None.
        stride: step of the window, an int of at least 1 or one per axis.
        padding: 'valid' (none); 'same' (ceil(H / stride) rows come out, an odd cell of padding
            goes to the end); cells on both sides, as an int or one per axis.
        dilation: distance of the cells under neighbouring kernel elements, as stride.
        groups: channels are cut into this many groups that do not mix; a divisor of C and O.

    Returns:
        [N, O, H', W'] with H' = floor((H + 2 p - d (kh - 1) - 1) / s) + 1, of the largest dtype.

    Raises:
        TypeError: stride, padding, dilation or groups of the wrong type.
        ValueError: wrong ranks, channels that do not fit, a window longer than the padded input.

    Source:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> x = XTensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
        >>> weight = XTensor([[[[1.0, 0.0], [0.0, 1.0]]]])
        >>> conv2d(x, weight).to_numpy()
        array([[[[ 6.,  8.],
                 [12., 14.]]]], dtype=float32)
    """
    return Conv2d(stride, padding, dilation, groups)(x, weight, bias)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Cross-correlation of volumes with kernels: ``conv2d`` with three spatial axes.

    Args:
        x: [N, C, D, H, W], floating (integers give kfloat32).
        weight: [O, C / groups, kd, kh, kw].
        bias: [O] or None.
        stride, padding, dilation, groups: as in ``conv2d``.

    Returns:
        [N, O, D', H', W'].

    Raises:
        TypeError, ValueError: as ``conv2d``.

    Example:
        >>> import numpy as np
        >>> x = XTensor(np.ones([1, 1, 2, 2, 2]))
        >>> conv3d(x, XTensor(np.ones([1, 1, 2, 2, 2]))).to_numpy().tolist()
        [[[[[8.0]]]]]
    """
    return Conv3d(stride, padding, dilation, groups)(x, weight, bias)
