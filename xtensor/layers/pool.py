"""Pooling layers: checked options, and one call into ops."""

from __future__ import annotations

from ..module import Module
from ..ops.pool import avg_pool1d, avg_pool2d, check_pool_padding, max_pool1d, max_pool2d
from ..ops.window import Numbers, per_axis
from ..tensor import XTensor


class _Pool(Module):
    """What the four layers share."""

    axes = 2

    def __init__(
        self, kernel: Numbers, stride: Numbers, padding: str | Numbers = "valid", name: str = ""
    ) -> None:
        super().__init__(name)
        where = type(self).__name__
        self.kernel = per_axis(kernel, self.axes, where, "kernel")
        self.stride = per_axis(stride, self.axes, where, "stride")
        self.padding = check_pool_padding(padding, self.kernel, where)


class MaxPool1D(_Pool):
    """Largest number in each window of [B, C, L]: [B, C, L']. Padding never wins.

    Args:
        kernel: cells of a window.
        stride: step of the window.
        padding: 'valid' (none), 'same' (L' = ceil(L / stride)), or cells on both sides, fewer than
            the kernel has.
        name: a label.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; x of another rank, or shorter than a window.

    Example:
        >>> MaxPool1D(3, 2, "same")(XTensor([[[0, 1, 0, 4, 5]]])).to_numpy()
        array([[[1., 4., 5.]]], dtype=float32)
    """

    axes = 1

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, L] in, [B, C, L'] out."""
        return max_pool1d(x, self.kernel, self.stride, self.padding)


class MaxPool2D(_Pool):
    """Largest number in each window of [B, C, H, W]: [B, C, H', W']. Padding never wins.

    Args:
        kernel: cells of a window along each axis, an int or a pair.
        stride: step of the window, an int or a pair.
        padding: 'valid' (none), 'same' (H' = ceil(H / stride)), or cells on both sides, an int or
            a pair, fewer than the kernel has.
        name: a label.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; x of another rank, or smaller than a window.

    Example:
        >>> MaxPool2D((2, 2), (2, 2))(XTensor([[[[0, 1], [2, 3]]]])).to_numpy()
        array([[[[3.]]]], dtype=float32)
    """

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, H, W] in, [B, C, H', W'] out."""
        return max_pool2d(x, self.kernel, self.stride, self.padding)


class AvgPool1D(_Pool):
    """Mean of each window of [B, C, L]: [B, C, L']. Padding counts as zeros.

    Args:
        kernel: cells of a window.
        stride: step of the window.
        padding: 'valid' (none), 'same' (L' = ceil(L / stride)), or cells on both sides, fewer than
            the kernel has.
        name: a label.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; x of another rank, or shorter than a window.

    Example:
        >>> AvgPool1D(2, 1)(XTensor([[[0, 1, 3]]])).to_numpy()
        array([[[0.5, 2. ]]], dtype=float32)
    """

    axes = 1

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, L] in, [B, C, L'] out."""
        return avg_pool1d(x, self.kernel, self.stride, self.padding)


class AvgPool2D(_Pool):
    """Mean of each window of [B, C, H, W]: [B, C, H', W']. Padding counts as zeros.

    Args:
        kernel: cells of a window along each axis, an int or a pair.
        stride: step of the window, an int or a pair.
        padding: 'valid' (none), 'same' (H' = ceil(H / stride)), or cells on both sides, an int or
            a pair, fewer than the kernel has.
        name: a label.

    Raises:
        TypeError: an option of the wrong type.
        ValueError: an option out of range; x of another rank, or smaller than a window.

    Example:
        >>> AvgPool2D((2, 2), (2, 2))(XTensor([[[[0, 1], [2, 3]]]])).to_numpy()
        array([[[[1.5]]]], dtype=float32)
    """

    def forward(self, x: XTensor) -> XTensor:
        """[B, C, H, W] in, [B, C, H', W'] out."""
        return avg_pool2d(x, self.kernel, self.stride, self.padding)
