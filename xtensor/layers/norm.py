"""Normalisation layers: BatchNorm1d/2d and LayerNorm1d/2d/Nd."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .. import autograd
from ..errors import check_int, check_number, message, shown
from ..initializer import Initializer, initialize, ones, zeros
from ..module import Module
from ..ops.norm import batch_norm, layer_norm
from ..tensor import XTensor, check_tensor


class _BatchNorm(Module):
    """gamma, beta and running values of C channels; subclasses say how many axes an input has."""

    ranks: tuple[int, ...]
    shapes: str

    def __init__(
        self,
        channel_num: int,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        beta_initializer: Initializer = zeros,
        gamma_initializer: Initializer = ones,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        where = type(self).__name__
        self.channel_num = check_int(where, "channel_num", channel_num, 1)
        self.momentum = check_number(where, "momentum", momentum, 0)
        self.epsilon = check_number(where, "epsilon", epsilon, 0)
        shape = [self.channel_num]
        self.gamma = initialize(gamma_initializer, shape, dtype, self.channel_num, where)
        self.beta = initialize(beta_initializer, shape, dtype, self.channel_num, where)
        self.register_buffer("global_mean", zeros(shape, dtype=dtype))
        self.register_buffer("global_variance", ones(shape, dtype=dtype))

    global_mean: XTensor
    global_variance: XTensor

    def forward(self, x: XTensor) -> XTensor:
        """Normalise; under an open tape with the values of the batch."""
        shape = check_tensor(type(self).__name__, "x", x).shape
        if len(shape) not in self.ranks or shape[1] != self.channel_num:
            raise ValueError(
                message(type(self).__name__, "x", f"of shape {shape}",
                        f"{self.shapes} with C = {self.channel_num}")
            )  # fmt: skip
        return batch_norm(
            x, self.gamma, self.beta, self.global_mean, self.global_variance,
            autograd.is_training(), self.momentum, self.epsilon,
        )  # fmt: skip


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of [B, C, H, W] over the batch and the image.

    With the tape open mean and biased variance of the batch are used, and the running values move:
    global = (1 - momentum) * global + momentum * batch (the variance times n / (n - 1)). With the
    tape closed the running values are used.

    Args:
        channel_num: C.
        momentum: weight of the batch in the running values.
        epsilon: added to the variance under the root.
        beta_initializer: start of beta, called with the shape [C].
        gamma_initializer: start of gamma, called with the shape [C].
        dtype: of parameters and running values, kfloat32 by default.
        name: a label.

    Attributes:
        gamma, beta: parameters [C].
        global_mean, global_variance: running values [C], saved but not trained.

    Returns:
        (x - mean) / sqrt(variance + epsilon) * gamma + beta, in the shape of x.

    Raises:
        TypeError: an initializer that gives no XTensor; a channel_num that is no int.
        ValueError: x of another shape; in training, fewer than two values per channel.

    Example:
        >>> layer = BatchNorm2d(1)
        >>> with autograd.tape():
        ...     y = layer(XTensor([[[[1.0, 3.0]]]]))
        >>> y.to_numpy().round(3).tolist()
        [[[[-1.0, 1.0]]]]
        >>> round(layer.global_mean.item(), 3)
        0.2
    """

    ranks = (4,)
    shapes = "[B, C, H, W]"


class BatchNorm1d(_BatchNorm):
    """Normalises each channel of [B, C] or [B, C, L] over the batch and, if any, the last axis.

    Everything else is as in ``BatchNorm2d``.

    Args:
        channel_num: C.
        momentum: weight of the batch in the running values.
        epsilon: added to the variance under the root.
        beta_initializer: start of beta, called with the shape [C].
        gamma_initializer: start of gamma, called with the shape [C].
        dtype: of parameters and running values, kfloat32 by default.
        name: a label.

    Attributes:
        gamma, beta: parameters [C].
        global_mean, global_variance: running values [C], saved but not trained.

    Returns:
        (x - mean) / sqrt(variance + epsilon) * gamma + beta, in the shape of x.

    Raises:
        TypeError: an initializer that gives no XTensor; a channel_num that is no int.
        ValueError: x of another shape; in training, fewer than two values per channel.

    Example:
        >>> layer = BatchNorm1d(1)
        >>> with autograd.tape():
        ...     y = layer(XTensor([[1.0], [3.0]]))
        >>> y.to_numpy().round(3).tolist()
        [[-1.0], [1.0]]
    """

    ranks = (2, 3)
    shapes = "[B, C] or [B, C, L]"


class _LayerNorm(Module):
    """gamma and beta over the normalised axes, or neither."""

    def _start(
        self, shape: tuple[int, ...], epsilon: float, affine: bool, dtype: int | None
    ) -> None:
        where = type(self).__name__
        self.epsilon = check_number(where, "epsilon", epsilon, 0)
        self.gamma = self.beta = None
        if affine:
            size = math.prod(shape)
            self.gamma = initialize(ones, shape, dtype, size, where)
            self.beta = initialize(zeros, shape, dtype, size, where)

    def _refuse(self, x: XTensor, expected: str) -> None:
        raise ValueError(message(type(self).__name__, "x", f"of shape {x.shape}", expected))


class LayerNormNd(_LayerNorm):
    """Normalises over the last axes, whose lengths are ``normalized_shape``.

    Args:
        normalized_shape: lengths of those axes.
        epsilon: added to the variance under the root.
        affine: whether there are gamma and beta.
        dtype: of gamma and beta, kfloat32 by default.
        name: a label.

    Attributes:
        gamma, beta: parameters of that shape, or None.

    Returns:
        (x - mean) / sqrt(variance + epsilon) * gamma + beta, in the shape of x, with mean and
        biased variance over those axes.

    Raises:
        TypeError: normalized_shape is no list of ints.
        ValueError: x ends with other lengths.

    Example:
        >>> LayerNormNd([2])(XTensor([[1.0, 3.0]])).to_numpy().round(3).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Sequence[int],
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self.normalized_shape = _lengths("LayerNormNd", "normalized_shape", normalized_shape)
        self._start(self.normalized_shape, epsilon, affine, dtype)

    def forward(self, x: XTensor) -> XTensor:
        """[*, normalized_shape] in, the same out."""
        axes = len(self.normalized_shape)
        check_tensor("LayerNormNd", "x", x)
        if tuple(x.shape[-axes:]) != self.normalized_shape:
            self._refuse(x, f"[*, {', '.join(map(str, self.normalized_shape))}]")
        return layer_norm(x, self.gamma, self.beta, axes, self.epsilon)


class LayerNorm2d(_LayerNorm):
    """Normalises each image of [B, C, H, W] over everything but the batch.

    Args:
        norm_size: C * H * W.
        epsilon: added to the variance under the root.
        affine: whether there are gamma and beta.
        dtype: of gamma and beta, kfloat32 by default.
        name: a label.

    Attributes:
        gamma, beta: parameters [norm_size], in the order of the flattened image, or None.

    Returns:
        (x - mean) / sqrt(variance + epsilon) * gamma + beta, in the shape of x.

    Raises:
        TypeError: norm_size is no int.
        ValueError: x is not [B, C, H, W] with C * H * W = norm_size.

    Example:
        >>> LayerNorm2d(2)(XTensor([[[[1.0, 3.0]]]])).to_numpy().round(3).tolist()
        [[[[-1.0, 1.0]]]]
    """

    def __init__(
        self,
        norm_size: int,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self.norm_size = check_int("LayerNorm2d", "norm_size", norm_size, 1)
        self._start((self.norm_size,), epsilon, affine, dtype)

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, H, W] in, the same out."""
        check_tensor("LayerNorm2d", "x", x)
        if x.ndim != 4 or math.prod(x.shape[1:]) != self.norm_size:
            self._refuse(x, f"[B, C, H, W] with C * H * W = {self.norm_size}")
        return layer_norm(x, self.gamma, self.beta, 3, self.epsilon)


class LayerNorm1d(_LayerNorm):
    """Normalises each row of [B, N].

    Args:
        norm_size: N.
        epsilon: added to the variance under the root.
        affine: whether there are gamma and beta.
        dtype: of gamma and beta, kfloat32 by default.
        name: a label.

    Attributes:
        gamma, beta: parameters [norm_size], or None.

    Returns:
        (x - mean) / sqrt(variance + epsilon) * gamma + beta, in the shape of x.

    Raises:
        TypeError: norm_size is no int.
        ValueError: x is not [B, N] with N = norm_size.

    Example:
        >>> LayerNorm1d(2)(XTensor([[1.0, 3.0]])).to_numpy().round(3).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        norm_size: int,
        epsilon: float = 1e-5,
        affine: bool = True,
        dtype: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name)
        self.norm_size = check_int("LayerNorm1d", "norm_size", norm_size, 1)
        self._start((self.norm_size,), epsilon, affine, dtype)

    def forward(self, x: XTensor) -> XTensor:
        """[B, N] in, the same out."""
        check_tensor("LayerNorm1d", "x", x)
        if x.ndim != 2 or x.shape[1] != self.norm_size:
            self._refuse(x, f"[B, {self.norm_size}]")
        return layer_norm(x, self.gamma, self.beta, 1, self.epsilon)


def _lengths(where: str, argument: str, lengths: Sequence[int]) -> tuple[int, ...]:
    """Lengths of at least 1.

    Raises:
        TypeError: not a list or tuple of ints.
        ValueError: one is below 1, or there is none.
    """
    if not isinstance(lengths, (list, tuple)) or any(
        isinstance(n, bool) or not isinstance(n, (int, np.integer)) for n in lengths
    ):
        raise TypeError(message(where, argument, shown(lengths), "a list of ints"))
    if not lengths or min(lengths) < 1:
        raise ValueError(message(where, argument, list(lengths), "lengths of at least 1"))
    return tuple(int(n) for n in lengths)
