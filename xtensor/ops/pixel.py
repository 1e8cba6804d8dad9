"""Pixel shuffle and its reverse: channels for resolution, one read through strides each."""

from __future__ import annotations

import math

from ..device import Array, reshape
from ..errors import check_int, message
from ..op import Op
from ..strided import permuted
from ..tensor import XTensor, check_tensor


def shuffled(x: Array, r: int) -> Array:
    """[*, C r r, H, W] -> [*, C, H r, W r]."""
    *lead, channels, height, width = x.shape
    planes = math.prod(lead) * (channels // (r * r))
    parts = permuted(reshape(x, (planes, r, r, height, width)), (0, 3, 1, 4, 2))
    return reshape(parts, (*lead, channels // (r * r), height * r, width * r))


def unshuffled(x: Array, r: int) -> Array:
    """[*, C, H r, W r] -> [*, C r r, H, W]."""
    *lead, channels, height, width = x.shape
    planes = math.prod(lead) * channels
    parts = permuted(reshape(x, (planes, height // r, r, width // r, r)), (0, 2, 4, 1, 3))
    return reshape(parts, (*lead, channels * r * r, height // r, width // r))


class PixelShuffle(Op):
    """Blocks of r r channels become blocks of r by r pixels"""

    def __init__(self, r: int) -> None:
        self.r = r

    def check(self, x: Array) -> None:
        channels, _, _ = _image("pixel_shuffle", x)
        if channels % (self.r * self.r):
            raise ValueError(
                message("pixel_shuffle", "x", f"of {channels} channels (shape {list(x.shape)})",
                        f"a multiple of upscale_factors squared, {self.r * self.r}")
            )  # fmt: skip

    def forward(self, x: Array) -> Array:
        return shuffled(x, self.r)

    def backward(self, grad_out: Array) -> Array:
        return unshuffled(grad_out, self.r)


class PixelUnshuffle(Op):
    """Blocks of r by r pixels become blocks of r r channels"""

    def __init__(self, r: int) -> None:
        self.r = r

    def check(self, x: Array) -> None:
        _, height, width = _image("pixel_unshuffle", x)
        for kind, length in (("height", height), ("width", width)):
            if length % self.r:
                raise ValueError(
                    message("pixel_unshuffle", "x",
                            f"of {kind} {length} (shape {list(x.shape)})",
                            f"a multiple of downscale_factors, {self.r}")
                )  # fmt: skip

    def forward(self, x: Array) -> Array:
        return unshuffled(x, self.r)

    def backward(self, grad_out: Array) -> Array:
        return shuffled(grad_out, self.r)


def _image(where: str, x: Array) -> list[int]:
    """Channels, height and width."""
    shape = list(x.shape)
    if len(shape) < 3:
        raise ValueError(message(where, "x", f"shape {shape}", "[*, channels, height, width]"))
    return shape[-3:]


# -- public functions -----------------------------------------------------------------------------


def pixel_shuffle(x: XTensor, upscale_factors: int) -> XTensor:
    """Trade channels for resolution: r * r channels become a block of r by r pixels.

    Args:
        x: [*, C * r * r, H, W] of any dtype, * any number of leading axes.
        upscale_factors: r, at least 1.

    Returns:
        [*, C, H * r, W * r] of the dtype of ``x``,
        out[c, h * r + i, w * r + j] = x[c * r * r + i * r + j, h, w].

    Raises:
        TypeError: ``x`` is no tensor, ``upscale_factors`` no int.
        ValueError: a factor below 1, fewer than 3 axes, or channels that r * r does not divide.

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network" (2016).

    Example:
        >>> import xtensor as xt
        >>> xt.pixel_shuffle(xt.arange(0, 4).reshape([4, 1, 1]), 2)
        <BLANKLINE>
        [[[0. 1.]
          [2. 3.]]]
        <XTensor 1x2x2 cpu(0) kfloat32>
    """
    r = check_int("pixel_shuffle", "upscale_factors", upscale_factors, 1)
    return PixelShuffle(r)(check_tensor("pixel_shuffle", "x", x))


def pixel_unshuffle(x: XTensor, downscale_factors: int) -> XTensor:
    """Trade resolution for channels, the reverse of ``pixel_shuffle``.

    Args:
        x: [*, C, H * r, W * r] of any dtype, * any number of leading axes.
        downscale_factors: r, at least 1.

    Returns:
        [*, C * r * r, H, W] of the dtype of ``x``,
        out[c * r * r + i * r + j, h, w] = x[c, h * r + i, w * r + j].

    Raises:
        TypeError: ``x`` is no tensor, ``downscale_factors`` no int.
        ValueError: a factor below 1, fewer than 3 axes, or a height or width that r does not
            divide.

    Source: as for ``pixel_shuffle``.

    Example:
        >>> import xtensor as xt
        >>> x = xt.arange(0, 16).reshape([1, 4, 4])
        >>> xt.pixel_unshuffle(x, 2).shape
        [4, 2, 2]
        >>> xt.all(xt.pixel_shuffle(xt.pixel_unshuffle(x, 2), 2) == x).item()
        True
    """
    r = check_int("pixel_unshuffle", "downscale_factors", downscale_factors, 1)
    return PixelUnshuffle(r)(check_tensor("pixel_unshuffle", "x", x))
