"""Convolution layers: parameters, and one call into ops."""

from __future__ import annotations

import math
from typing import Any

from ..errors import check_flag, message
from ..initializer import Initializer, initialize
from ..module import Module
from ..ops.conv import conv1d, conv2d
from ..ops.conv_transpose import conv_transpose2d
from ..ops.shape import reshape
from ..ops.window import Numbers, check_padding, per_axis
from ..tensor import Parameter, XTensor


class _Conv(Module):
    """What the three layers share: checked options and the parameters."""

    axes = 2
    weights: Parameter
    bias: Parameter | None

    def _build(
        self,
        input_channels: Any,
        output_channels: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        use_bias: Any,
        kernel_initializer: Any,
        bias_initializer: Any,
        dilation_rate: Any,
        group: Any,
        dtype: Any,
    ) -> None:
        where, axes = type(self).__name__, self.axes
        self.input_channels = _channels(input_channels, where, "input_channels")
        self.output_channels = _channels(output_channels, where, "output_channels")
        self.kernel_size = per_axis(kernel_size, axes, where, "kernel_size")
        self.stride = per_axis(stride, axes, where, "stride")
        self.padding = check_padding(padding, axes, where)
        self.dilation_rate = per_axis(dilation_rate, axes, where, "dilation_rate")
        self.group = _channels(group, where, "group")
        for argument in ("input_channels", "output_channels"):
            if getattr(self, argument) % self.group:
                raise ValueError(
                    message(where, argument, getattr(self, argument),
                            f"a multiple of group={self.group}")
                )  # fmt: skip
        check_flag(where, "use_bias", use_bias)
        fan_in = self.input_channels // self.group * math.prod(self.kernel_size)
        self.weights = initialize(kernel_initializer, self._weight_shape(), dtype, fan_in, where)
        self.bias = None
        if use_bias:
            self.bias = initialize(bias_initializer, [self.output_channels], dtype, fan_in, where)

    def _weight_shape(self) -> list[int]:
        return [self.output_channels, self.input_channels // self.group, *self.kernel_size]


def _channels(value: Any, where: str, argument: str) -> int:
    return per_axis(value, 1, where, argument)[0]


class Conv1D(_Conv):
    """Cross-correlation of [B, C, L] with kernels, plus a bias: [B, output_channels, L'].

    Args:
        input_channels: C.
        output_channels: how many kernels.
        kernel_size: cells of a kernel, an int.
        stride: step of the window.
        padding: 'valid' (none), 'same' (L' = ceil(L / stride)), or cells on both sides.
        use_bias: whether there is a bias.
        kernel_initializer: called with the shape of the weights; by default U(-a, a) with
            a = 1 / sqrt(C / group * kernel_size).
        bias_initializer: called with [output_channels]; by default the same interval.
        dilation_rate: distance of the cells under neighbouring kernel elements.
        group: channels are cut into this many groups that do not mix.
        dtype: of the parameters, kfloat32 by default.
        name: a label.

    Attributes:
        weights: Parameter [output_channels, C / group, kernel_size, 1].
        bias: Parameter [output_channels], or None.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; group divides not both channel numbers; x of another
            rank or number of channels, or shorter than a window.

    Example:
        >>> from xtensor import ones
        >>> Conv1D(3, 2, 3, 2, "same")(ones([2, 3, 25])).shape
        [2, 2, 13]
    """

    axes = 1

    def __init__(
        self,
        input_channels: int,
        output_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: str | Numbers = "valid",
        use_bias: bool = True,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        dilation_rate: Numbers = 1,
        group: int = 1,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self._build(
            input_channels, output_channels, kernel_size, stride, padding, use_bias,
            kernel_initializer, bias_initializer, dilation_rate, group, dtype,
        )  # fmt: skip

    def _weight_shape(self) -> list[int]:
        return [*super()._weight_shape(), 1]

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, L] in, [B, output_channels, L'] out."""
        weights = reshape(self.weights, self.weights.shape[:-1])
        return conv1d(
            x, weights, self.bias, self.stride, self.padding, self.dilation_rate, self.group
        )


class Conv2D(_Conv):
    """Cross-correlation of [B, C, H, W] with kernels, plus a bias: [B, output_channels, H', W'].

    Args:
        input_channels: C.
        output_channels: how many kernels.
        kernel_size: cells of a kernel along each axis, an int or a pair.
        stride: step of the window, an int or a pair.
        padding: 'valid' (none), 'same' (H' = ceil(H / stride)), or cells on both sides, an int or
            a pair.
        use_bias: whether there is a bias.
        kernel_initializer: called with the shape of the weights; by default U(-a, a) with
            a = 1 / sqrt(C / group * kh * kw).
        bias_initializer: called with [output_channels]; by default the same interval.
        dilation_rate: distance of the cells under neighbouring kernel elements.
        group: channels are cut into this many groups that do not mix.
        dtype: of the parameters, kfloat32 by default.
        name: a label.

    Attributes:
        weights: Parameter [output_channels, C / group, kh, kw].
        bias: Parameter [output_channels], or None.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; group divides not both channel numbers; x of another
            rank or number of channels, or smaller than a window.

    Example:
        >>> from xtensor import ones
        >>> layer = Conv2D(3, 2, (3, 3), (2, 2), "same")
        >>> layer(ones([2, 3, 5, 5])).shape
        [2, 2, 3, 3]
        >>> list(layer.state_dict())
        ['weights', 'bias']
    """

    def __init__(
        self,
        input_channels: int,
        output_channels: int,
        kernel_size: Numbers,
        stride: Numbers = (1, 1),
        padding: str | Numbers = "valid",
        use_bias: bool = True,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        dilation_rate: Numbers = 1,
        group: int = 1,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self._build(
            input_channels, output_channels, kernel_size, stride, padding, use_bias,
            kernel_initializer, bias_initializer, dilation_rate, group, dtype,
        )  # fmt: skip

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, H, W] in, [B, output_channels, H', W'] out."""
        return conv2d(
            x, self.weights, self.bias, self.stride, self.padding, self.dilation_rate, self.group
        )


class ConvT2D(_Conv):
    """Transposed convolution of [B, C, H, W], plus a bias: [B, output_channels, H', W'].

    It is the adjoint of a ``Conv2D`` from output_channels to C channels.

    Args:
        input_channels: C.
        output_channels: channels of the result.
        kernel_size: cells of a kernel along each axis, an int or a pair.
        stride: step between the places that neighbouring input cells add to, an int or a pair.
        padding: 'valid' (H' = (H - 1) stride + dilation_rate (kh - 1) + 1), 'same'
            (H' = H stride), or cells cropped on both sides, an int or a pair.
        use_bias: whether there is a bias.
        kernel_initializer: called with the shape of the weights; by default U(-a, a) with
            a = 1 / sqrt(C / group * kh * kw).
        bias_initializer: called with [output_channels]; by default the same interval.
        dilation_rate: distance of the cells under neighbouring kernel elements.
        group: channels are cut into this many groups that do not mix.
        dtype: of the parameters, kfloat32 by default.
        name: a label.

    Attributes:
        weights: Parameter [C, output_channels / group, kh, kw].
        bias: Parameter [output_channels], or None.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; group divides not both channel numbers; x of another
            rank or number of channels, or padding that leaves nothing.

    Example:
        >>> from xtensor import ones
        >>> ConvT2D(3, 2, (3, 3), (1, 1), "valid")(ones([1, 3, 5, 5])).shape
        [1, 2, 7, 7]
    """

    def __init__(
        self,
        input_channels: int,
        output_channels: int,
        kernel_size: Numbers,
        stride: Numbers = (1, 1),
        padding: str | Numbers = "valid",
        use_bias: bool = True,
        kernel_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        dilation_rate: Numbers = 1,
        group: int = 1,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self._build(
            input_channels, output_channels, kernel_size, stride, padding, use_bias,
            kernel_initializer, bias_initializer, dilation_rate, group, dtype,
        )  # fmt: skip

    def _weight_shape(self) -> list[int]:
        return [self.input_channels, self.output_channels // self.group, *self.kernel_size]

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, H, W] in, [B, output_channels, H', W'] out."""
        return conv_transpose2d(
            x, self.weights, self.bias, self.stride, self.padding, self.dilation_rate, self.group
        )
