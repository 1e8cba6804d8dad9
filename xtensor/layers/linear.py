"""Linear: a matrix product along the last axis, plus a bias."""

from __future__ import annotations

from ..errors import check_flag, check_int
from ..initializer import Initializer, initialize
from ..module import Module
from ..ops.matmul import linear
from ..tensor import Parameter, XTensor


class Linear(Module):
    """y = x W^T + b along the last axis.

    Args:
        input_channels: length of the last axis of x.
        output_channels: length of the last axis of the result.
        weight_initializer: called with [output_channels, input_channels]; by default
            U(-1/sqrt(input_channels), 1/sqrt(input_channels)).
        bias_initializer: called with [output_channels]; by default the same interval.
        use_bias: whether there is a bias.
        dtype: of the parameters, kfloat32 by default.
        name: a label.

    Attributes:
        weights: Parameter [output_channels, input_channels].
        bias: Parameter [output_channels], or None.

    Raises:
        TypeError: a channel number is no int, use_bias no bool, an initializer not callable.
        ValueError: a channel number below 1; x has another last axis than input_channels.

    Example:
        >>> from xtensor import Linear, ones
        >>> layer = Linear(7, 5)
        >>> layer(ones([2, 3, 7])).shape
        [2, 3, 5]
        >>> layer
        Linear: 40 parameters  (weights [5, 7], bias [5])
    """

    def __init__(
        self,
        input_channels: int,
        output_channels: int,
        weight_initializer: Initializer | None = None,
        bias_initializer: Initializer | None = None,
        use_bias: bool = True,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        for argument, value in (
            ("input_channels", input_channels),
            ("output_channels", output_channels),
        ):
            check_int("Linear", argument, value, 1)
        check_flag("Linear", "use_bias", use_bias)
        self.weights = initialize(
            weight_initializer, [output_channels, input_channels], dtype, input_channels, "Linear"
        )
        self.bias: Parameter | None = None
        if use_bias:
            self.bias = initialize(
                bias_initializer, [output_channels], dtype, input_channels, "Linear"
            )

    def forward(self, x: XTensor) -> XTensor:
        """x [*, input_channels] -> [*, output_channels]."""
        return linear(x, self.weights, self.bias)
