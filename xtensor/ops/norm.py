"""Batch and layer normalisation."""

from __future__ import annotations

import math
from typing import Any

from ..device import Array, cast, empty_like, full_like, reshape
from ..dtype import FLOAT64
from ..errors import check_int, check_number, message
from ..kernels import launch
from ..kernels.parallel import SERIAL_ELEMENTS
from ..op import Op
from ..reduction import sum_axes
from ..tensor import XTensor, check_tensor

# The gradients of gamma and beta are summed over so many rows at a time, then over the parts.
PART_ROWS = 32
# And of many numbers in few rows into so many parts at least.
PARTS = 4


def _check_vector(where: str, argument: str, vector: Array, expected: int, of: str) -> None:
    if vector.shape != (expected,):
        raise ValueError(
            message(where, argument, f"of shape {list(vector.shape)}", f"shape [{expected}], {of}")
        )


class BatchNorm(Op):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, per channel"""

    promotion = "float"

    def __init__(
        self, mean: XTensor, variance: XTensor, training: bool, momentum: float, epsilon: float
    ) -> None:
        self.mean, self.variance, self.training = mean, variance, training
        self.momentum = check_number(self.name, "momentum", momentum, 0)
        self.epsilon = check_number(self.name, "epsilon", epsilon, 0)

    def check(self, x: Array, gamma: Array, beta: Array) -> None:
        if len(x.shape) < 2:
            raise ValueError(
                message(self.name, "x", f"of shape {list(x.shape)}", "[B, C] or [B, C, d1..dK]")
            )
        channels = x.shape[1]
        vectors = {
            "gamma": gamma, "beta": beta, "mean": self.mean.array, "variance": self.variance.array,
        }  # fmt: skip
        for argument, vector in vectors.items():
            _check_vector(
                self.name, argument, vector, channels,
                f"one number per channel of x, which has shape {list(x.shape)}",
            )  # fmt: skip
        if self.training and channels and x.size // channels < 2:
            raise ValueError(
                message(self.name, "x", f"of shape {list(x.shape)}",
                        "at least two values per channel in training mode: one value has no "
                        "variance to divide by", "use a larger batch, or evaluate without a tape")
            )  # fmt: skip

    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        shape, channels = x.shape, x.shape[1]
        rows = reshape(x, (shape[0], channels, math.prod(shape[2:])))
        out = empty_like(rows)
        scale = empty_like(x, (channels,), FLOAT64)
        if self.training:
            mean, variance = empty_like(scale), empty_like(scale)
            launch(
                "batch_norm_forward", channels, out, mean, scale, variance, rows, gamma, beta,
                self.epsilon,
            )  # fmt: skip
            self._update(mean, variance, x.size // max(1, channels))
        else:
            mean = cast(self.mean.array, FLOAT64)
            launch(
                "batch_norm_evaluate", channels, out, scale, rows, gamma, beta, mean,
                self.variance.array, self.epsilon,
            )  # fmt: skip
        self.save(rows, gamma, mean, scale)
        return reshape(out, shape)

    def _update(self, mean: Array, variance: Array, count: int) -> None:
        """Move the running values towards those of the batch, unrecorded."""
        old_mean, old_variance = self.mean.array, self.variance.array
        new_mean, new_variance = empty_like(old_mean), empty_like(old_variance)
        launch(
            "batch_norm_update", mean.size, new_mean, new_variance, mean, variance, old_mean,
            old_variance, self.momentum, count / (count - 1),
        )  # fmt: skip
        self.mean.array, self.variance.array = new_mean, new_variance

    def backward(self, grad_out: Array) -> tuple[Array, Array, Array]:
        x, gamma, mean, scale = self.saved
        grad_x, grad_gamma, grad_beta = empty_like(x), empty_like(mean), empty_like(mean)
        launch(
            "batch_norm_backward", x.shape[1], grad_x, grad_gamma, grad_beta,
            reshape(grad_out, x.shape), x, gamma, mean, scale, float(self.training),
        )  # fmt: skip
        grad_x = reshape(grad_x, grad_out.shape)
        return grad_x, cast(grad_gamma, x.dtype), cast(grad_beta, x.dtype)


class LayerNorm(Op):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, over the last axes"""

    promotion = "float"
    optional = (1, 2)

    def __init__(self, axes: int, epsilon: float) -> None:
        self.axes = check_int(self.name, "axes", axes)
        self.epsilon = check_number(self.name, "epsilon", epsilon, 0)

    def check(self, x: Array, gamma: Array | None, beta: Array | None) -> None:
        if not 1 <= self.axes <= len(x.shape):
            raise ValueError(
                message(self.name, "axes", f"{self.axes} for shape {list(x.shape)}",
                        "from 1 to the number of axes of x")
            )  # fmt: skip
        self.length = length = math.prod(x.shape[-self.axes :])
        if length == 0:
            raise ValueError(
                message(self.name, "x", f"of shape {list(x.shape)}",
                        "at least one element to normalise over")
            )  # fmt: skip
        for argument, vector in (("gamma", gamma), ("beta", beta)):
            if vector is not None:
                shape = x.shape[-self.axes :]
                if vector.shape not in ((length,), shape):
                    raise ValueError(
                        message(self.name, argument, f"of shape {list(vector.shape)}",
                                f"shape {list(shape)}, as the last axes of x, or [{length}]")
                    )  # fmt: skip

    def forward(self, x: Array, gamma: Array | None, beta: Array | None) -> Array:
        length = self.length
        rows = reshape(x, (x.size // length, length))
        g = full_like(x, 1, (length,)) if gamma is None else reshape(gamma, (length,))
        b = full_like(x, 0, (length,)) if beta is None else reshape(beta, (length,))
        out = empty_like(rows)
        mean = empty_like(x, (rows.shape[0],), FLOAT64)
        scale = empty_like(mean)
        launch("layer_norm_forward", rows.shape[0], out, mean, scale, rows, g, b, self.epsilon)
        shapes = [None if v is None else v.shape for v in (gamma, beta)]
        self.save(rows, g, mean, scale, shapes)
        return reshape(out, x.shape)

    def backward(self, grad_out: Array) -> tuple[Array | None, Array | None, Array | None]:
        x, gamma, mean, scale, shapes = self.saved
        rows, length = x.shape
        grad_x, g = empty_like(x), reshape(grad_out, x.shape)
        affine = self.needs(1) or self.needs(2)
        part = PART_ROWS if x.size < SERIAL_ELEMENTS else min(PART_ROWS, -(-rows // PARTS))
        parts = -(-rows // part)
        sums = [empty_like(x, (parts, length if affine else 0), FLOAT64) for _ in shapes]
        launch("layer_norm_backward", parts, grad_x, *sums, g, x, gamma, mean, scale, part)
        grad_gamma, grad_beta = (
            reshape(cast(sum_axes(part, (0,)), x.dtype), shape) if affine and shape else None
            for part, shape in zip(sums, shapes, strict=True)
        )
        grad_x = reshape(grad_x, grad_out.shape)
        return grad_x, grad_gamma, grad_beta


def batch_norm(
    x: Any,
    gamma: Any,
    beta: Any,
    mean: XTensor,
    variance: XTensor,
    training: bool = False,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> XTensor:
    """Normalise every channel over the batch and all further axes, then scale and shift it.

    Args:
        x: [B, C] or [B, C, d1..dK]; integers become kfloat32.
        gamma: [C], the factor of each channel.
        beta: [C], what is added to each channel.
        mean: [C], running mean; used in evaluation, updated in place, unrecorded, in training.
        variance: [C], running variance; likewise.
        training: whether to use mean and variance of the batch instead of the running ones.
        momentum: weight of the batch in the running values.
        epsilon: added to the variance under the root.

    Returns:
        The shape of x: (x - mean) / sqrt(variance + epsilon) * gamma + beta, in training with mean
        and biased variance of the batch. The running values become (1 - momentum) * old + momentum
        * batch, the variance times n / (n - 1) for n values per channel.

    Raises:
        ValueError: x has fewer than two axes, a vector is not [C], or in training a channel has
            fewer than two values.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift" (2015).

    Example:
        >>> one, zero = XTensor([1.0]), XTensor([0.0])
        >>> y = batch_norm(XTensor([[1.0], [3.0]]), one, zero, zero, one, training=True)
        >>> y.to_numpy().round(3).tolist()
        [[-1.0], [1.0]]
        >>> round(zero.item(), 3), round(one.item(), 3)
        (0.2, 1.1)
    """
    check_tensor("batch_norm", "mean", mean)
    check_tensor("batch_norm", "variance", variance)
    result: XTensor = BatchNorm(mean, variance, training, momentum, epsilon)(x, gamma, beta)
    return result


def layer_norm(
    x: Any, gamma: Any = None, beta: Any = None, axes: int = 1, epsilon: float = 1e-5
) -> XTensor:
    """Normalise over the last axes, each element of the others by itself, then scale and shift.

    Args:
        x: any shape; integers become kfloat32.
        gamma: factors, in the shape of the last axes or flattened; none by default.
        beta: what is added, in such a shape; none by default.
        axes: how many of the last axes to normalise over.
        epsilon: added to the variance under the root.

    Returns:
        The shape of x: (x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and biased
        variance over the last axes.

    Raises:
        TypeError: axes is no int.
        ValueError: x has fewer axes, nothing to normalise over, or gamma or beta another shape.

    Source: Ba, Kiros, Hinton, "Layer normalization" (2016).

    Example:
        >>> layer_norm(XTensor([[1.0, 3.0]])).to_numpy().round(3).tolist()
        [[-1.0, 1.0]]
    """
    result: XTensor = LayerNorm(axes, epsilon)(x, gamma, beta)
    return result
