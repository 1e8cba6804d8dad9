"""The layers Pixel_Shuffle and Pixel_Unshuffle."""

from __future__ import annotations

from ..errors import check_int
from ..module import Module
from ..ops.pixel import pixel_shuffle, pixel_unshuffle
from ..tensor import XTensor


class Pixel_Shuffle(Module):
    """Trades channels for resolution: r * r channels become a block of r by r pixels.

    Args:
        upscale_factors: r, at least 1.
        name: a label.

    Raises:
        TypeError: ``upscale_factors`` is no int, x no XTensor.
        ValueError: a factor below 1; x has fewer than 3 axes, or channels that r * r does not
            divide.

    Example:
        >>> from xtensor import Pixel_Shuffle, ones
        >>> Pixel_Shuffle(3)(ones([5, 2, 18, 4, 4])).shape
        [5, 2, 2, 12, 12]
    """

    def __init__(self, upscale_factors: int, name: str = "") -> None:
        super().__init__(name)
        self.upscale_factors = check_int("Pixel_Shuffle", "upscale_factors", upscale_factors, 1)

    def forward(self, x: XTensor) -> XTensor:
        """x [*, C * r * r, H, W] -> [*, C, H * r, W * r]."""
        return pixel_shuffle(x, self.upscale_factors)


class Pixel_Unshuffle(Module):
    """Trades resolution for channels, the reverse of Pixel_Shuffle.

    Args:
        downscale_factors: r, at least 1.
        name: a label.

    Raises:
        TypeError: ``downscale_factors`` is no int, x no XTensor.
        ValueError: a factor below 1; x has fewer than 3 axes, or a height or width that r does
            not divide.

    Example:
        >>> from xtensor import Pixel_Unshuffle, ones
        >>> Pixel_Unshuffle(3)(ones([5, 2, 2, 12, 12])).shape
        [5, 2, 18, 4, 4]
    """

    def __init__(self, downscale_factors: int, name: str = "") -> None:
        super().__init__(name)
        self.downscale_factors = check_int(
            "Pixel_Unshuffle", "downscale_factors", downscale_factors, 1
        )

    def forward(self, x: XTensor) -> XTensor:
        """x [*, C, H * r, W * r] -> [*, C * r * r, H, W]."""
        return pixel_unshuffle(x, self.downscale_factors)
