"""Running sums."""

from __future__ import annotations

from ..device import Array, empty_like, reshape
from ..dtype import FLOAT64, INT64, is_floating
from ..kernels import launch
from ..op import Op
from ..reduction import PART, as_rows, check_axis
from ..tensor import XTensor

# Few long lines are cut into at most so many parts, to be shared out over threads. Lines side by
# side are shared out as they are, if that is wide enough, or so narrow that the sums of the parts
# would cost more than they save.
MAX_PARTS = 16
WIDE = 1024
NARROW = 8


class Cumsum(Op):
    """Running sum along an axis; backward is the running sum from the other end"""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def check(self, x: Array) -> None:
        self.place = check_axis("cumsum", self.axis, len(x.shape))

    def run(self, x: Array, backwards: bool) -> Array:
        rows = as_rows(x, self.place, self.place + 1)
        outer, length, inner = rows.shape
        wide = FLOAT64 if is_floating(x.dtype) else INT64
        few = outer < MAX_PARTS and (inner == 1 or NARROW <= inner < WIDE)
        parts = max(1, min(MAX_PARTS, -(-x.size // PART), length)) if few else 1
        running = empty_like(rows, (outer * parts, inner), wide)
        sums = empty_like(running)
        if parts > 1:
            launch("sum_parts_forward", outer * parts, sums, rows, parts)
        out = empty_like(rows, dtype=x.dtype if wide is FLOAT64 else INT64)
        launch("cumsum_forward", running.size, out, running, rows, sums, parts, backwards)
        return reshape(out, x.shape)

    def forward(self, x: Array) -> Array:
        return self.run(x, False)

    def backward(self, grad_out: Array) -> Array:
        return self.run(grad_out, True)


def cumsum(t: XTensor, axis: int = -1) -> XTensor:
    """Running sum along an axis: out[i] = t[0] + ... + t[i], kept in float64 until it is written.

    Args:
        t: tensor of at least one axis; integers give kint64.
        axis: the axis, negative counted from the end.

    Returns:
        A tensor of the same shape. Gradient: the running sum of g from the end.

    Raises:
        TypeError: ``axis`` is no int.
        ValueError: no such axis.

    Example:
        >>> import xtensor as xt
        >>> xt.cumsum(xt.XTensor([[1, 2, 3], [4, 5, 6]])).to_numpy()
        array([[ 1.,  3.,  6.],
               [ 4.,  9., 15.]], dtype=float32)
    """
    return Cumsum(axis)(t)
