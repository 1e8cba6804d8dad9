"""The Dropout layer."""

from __future__ import annotations

from .. import autograd
from ..module import Module
from ..ops.dropout import check_rate, dropout
from ..tensor import XTensor


class Dropout(Module):
    """Zeroes random elements while training, so that no unit relies on another.

    With the tape open each element becomes 0 with probability ``dropout_rate`` and the others are
    divided by 1 - dropout_rate; with the tape closed the input passes through unchanged.

    Args:
        dropout_rate: 0 (nothing is dropped) to 1 (everything is).
        name: a label.

    Raises:
        TypeError: dropout_rate is no number.
        ValueError: dropout_rate is not between 0 and 1.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer(XTensor([1.0, 2.0])).to_numpy().tolist()
        [1.0, 2.0]
        >>> with autograd.tape():
        ...     y = layer(XTensor([1.0] * 100))
        >>> sorted(set(y.to_numpy().tolist()))
        [0.0, 2.0]
    """

    def __init__(self, dropout_rate: float = 0.5, name: str = "") -> None:
        super().__init__(name)
        self.dropout_rate = check_rate("Dropout", "dropout_rate", dropout_rate)

    def forward(self, x: XTensor) -> XTensor:
        """Any shape in, the same shape out."""
        return dropout(x, self.dropout_rate) if autograd.is_training() else x
