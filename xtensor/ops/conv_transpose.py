"""Transposed convolution over 1, 2 or 3 spatial axes.

It is the gradient of a convolution with respect to its input, so it runs on the same three kernels
with the places of input and output exchanged.
"""

from __future__ import annotations

from typing import Any

from ..device import Array
from ..errors import message
from ..tensor import XTensor
from .conv import Slide, bias_gradient
from .window import Numbers, span


class _ConvTranspose(Slide, abstract=True):
    """The adjoint of ``_Conv``: x takes the place of its output, out that of its input."""

    def check(self, x: Array, weight: Array, bias: Array | None) -> None:
        self.check_arrays(x, weight, "C, O / groups")
        self.check_channels(x, weight.shape[0])
        self.check_bias(bias, weight.shape[1] * self.groups)
        self.lengths = self._lengths(x.shape[2:], span(weight.shape[2:], self.dilation))

    def _lengths(self, lengths: tuple[int, ...], spans: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial lengths of the result; also notes how much is cropped before each axis."""
        steps = list(zip(lengths, self.stride, spans, strict=True))
        if self.padding == "same":
            self.before = tuple(max(span - s, 0) // 2 for _, s, span in steps)
            result = tuple(length * s for length, s, _ in steps)
        else:
            padding = self.padding
            self.before = (0,) * self.axes if isinstance(padding, str) else padding
            result = tuple(
                (length - 1) * s + span - 2 * p if length else 0
                for (length, s, span), p in zip(steps, self.before, strict=True)
            )
        if min(result) < 1:
            raise ValueError(
                message(self.name, "padding",
                        f"{self.padding!r} for x of {list(lengths)}, which leaves {list(result)}",
                        "at least 1 cell along every axis", "use less padding or a larger x")
            )  # fmt: skip
        return result

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        self.save(x if self.needs(1) else None, weight if self.needs(0) else None)
        self.shapes = x.shape, weight.shape
        shape = (x.shape[0], weight.shape[1] * self.groups, *self.lengths)
        return self.input_gradient(x, weight, bias, shape)

    def backward(self, grad_out: Array) -> tuple[Array | None, ...]:
        x, weight = self.saved
        x_shape, weight_shape = self.shapes
        grad_x = self.output(grad_out, weight, None, x_shape[2:]) if self.needs(0) else None
        return (
            grad_x,
            self.weight_gradient(x, grad_out, weight_shape) if self.needs(1) else None,
            bias_gradient(grad_out) if self.needs(2) else None,
        )


class ConvTranspose1d(_ConvTranspose):
    axes = 1


class ConvTranspose2d(_ConvTranspose):
    axes = 2


class ConvTranspose3d(_ConvTranspose):
    axes = 3


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Transposed convolution of signals: ``conv_transpose2d`` with one spatial axis.

    Args:
        x: [N, C, L], floating (integers give kfloat32).
        weight: [C, O / groups, k].
        bias: [O] or None.
        stride, padding, dilation, groups: as in ``conv_transpose2d``.

    Returns:
        [N, O, L'].

    Raises:
        TypeError, ValueError: as ``conv_transpose2d``.

    Example:
        >>> x = XTensor([[[1.0, 2.0]]])
        >>> conv_transpose1d(x, XTensor([[[1.0, 1.0, 1.0]]]), stride=2).to_numpy()
        array([[[1., 1., 3., 2., 2.]]], dtype=float32)
    """
    return ConvTranspose1d(stride, padding, dilation, groups)(x, weight, bias)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Transposed convolution of images: the adjoint of ``conv2d`` with the same weight.

    Every input cell adds its multiple of the kernel to the output:
    out[n, o, i * s - p + a * d, j * s - p + b * d] += x[n, c, i, j] * weight[c, o, a, b]

    Args:
        x: [N, C, H, W], floating (integers give kfloat32); N may be 0.
        weight: [C, O / groups, kh, kw].
        bias: [O] or None.
        stride: step between the places neighbouring input cells add to, an int or one per axis.
        padding: cells cropped on both sides, as an int or one per axis; 'valid' crops none; 'same'
            gives H * stride rows, the adjoint of a 'same' convolution of that many.
        dilation: distance of the cells under neighbouring kernel elements, as stride.
        groups: channels are cut into this many groups that do not mix; a divisor of C and O.

    Returns:
        [N, O, H', W'] with H' = (H - 1) s - 2 p + d (kh - 1) + 1, of the largest dtype.

    Raises:
        TypeError: stride, padding, dilation or groups of the wrong type.
        ValueError: wrong ranks, channels that do not fit, padding that leaves nothing.

    Source:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> x = XTensor([[[[1.0, 2.0]]]])
        >>> conv_transpose2d(x, XTensor([[[[1.0, 10.0]]]])).to_numpy()
        array([[[[ 1., 12., 20.]]]], dtype=float32)
    """
    return ConvTranspose2d(stride, padding, dilation, groups)(x, weight, bias)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Numbers = 1,
    padding: str | Numbers = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> XTensor:
    """Transposed convolution of volumes: ``conv_transpose2d`` with three spatial axes.

    Args:
        x: [N, C, D, H, W], floating (integers give kfloat32).
        weight: [C, O / groups, kd, kh, kw].
        bias: [O] or None.
        stride, padding, dilation, groups: as in ``conv_transpose2d``.

    Returns:
        [N, O, D', H', W'].

    Raises:
        TypeError, ValueError: as ``conv_transpose2d``.

    Example:
        >>> import numpy as np
        >>> x = XTensor(np.ones([1, 1, 1, 1, 1]))
        >>> conv_transpose3d(x, XTensor(np.ones([1, 1, 2, 2, 2])), stride=2).shape
        [1, 1, 2, 2, 2]
    """
    return ConvTranspose3d(stride, padding, dilation, groups)(x, weight, bias)
