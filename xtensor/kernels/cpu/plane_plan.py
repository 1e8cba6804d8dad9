"""How planes lie in the buffer that a convolution by planes reads; see plane.py.

Geometry of a plane comes as two numbers, height and width.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .cells import whole
from .direct_plan import reach
from .plane import ALIGNED, ROWS

# mypy: disable-error-code="no-untyped-def"


class Layout(NamedTuple):
    """How a plane lies in the buffer.

    runs: place, cell, rows and count of what ``lay_volumes`` moves, and ``steps`` how.
    first, step: the place of result 0 of the first row, and from one row of results to the next.
    down, columns: from a row of the kernel to the next, and where its columns begin.
    """

    runs: np.ndarray
    steps: tuple[int, int, int, int]
    first: int
    step: int
    down: int
    columns: list[int]

    def places(self, rows: int) -> np.ndarray:
        """Where result 0 meets each element of a kernel of so many rows."""
        return self.first + np.arange(rows)[:, None] * self.down + self.columns

    def size(self, results: tuple[int, int], kernel: tuple[int, int]) -> int:
        """What is written and, for whole tiles of results, read of the buffer; in whole lines."""
        last = (whole(results[0], ROWS) - 1) * self.step + (kernel[0] - 1) * self.down
        read = self.first + last + max(self.columns) + results[1]
        place, _, rows, count = self.runs.T
        written = np.max(place + rows * self.steps[0] + count * self.steps[1])
        return whole(max(read, int(written)), ALIGNED)


def layout_of(runs, rows, steps, step, down, columns) -> Layout:
    """Cells begin with a cache line, as far as one place can be moved to one."""
    lead = -runs[0][0] % ALIGNED
    table = np.array([(place + lead, cell, rows, count) for place, cell, count in runs], np.int64)
    return Layout(table, steps, lead, step, down, columns)


def x_layout(out_shape, x_shape, kernel, stride, padding, dilation) -> Layout:
    """Of x: what a tap meets lies side by side."""
    needed = [
        (count - 1) * s + (k - 1) * d + 1
        for count, k, s, d in zip(out_shape[3:], kernel, stride[1:], dilation[1:])
    ]
    across = stride[2]
    pitch = whole(needed[1], across * ALIGNED)
    part = pitch // across
    first, end = reach(padding[1], 1, needed[0], x_shape[3])
    place, cell = (first + padding[1]) * pitch, first * x_shape[4]
    runs = []
    for remainder in range(across):
        offset = remainder - padding[2]
        low, high = reach(offset, across, x_shape[4], part)
        runs.append((place + remainder * part + low, cell + low * across + offset, high - low))
    columns = [x * dilation[2] for x in range(kernel[1])]
    columns = [x % across * part + x // across for x in columns]
    return layout_of(runs, end - first, (pitch, 1, x_shape[4], across), stride[1] * pitch,
                     dilation[1] * pitch, columns)  # fmt: skip


def grad_layout(x_shape, grad_shape, kernel, stride, padding, dilation) -> Layout:
    """Of grad: apart by the step."""
    reaches = [(k - 1) * d for k, d in zip(kernel, dilation[1:])]
    needed = [n + r for n, r in zip(x_shape[3:], reaches)]
    before = [r - p for r, p in zip(reaches, padding[1:])]
    pitch = whole(needed[1], ALIGNED)
    (first, end), (low, high) = (
        reach(b, s, n, count) for b, s, n, count in zip(before, stride[1:], needed, grad_shape[3:])
    )
    place = (first * stride[1] + before[0]) * pitch + low * stride[2] + before[1]
    runs = [(place, first * grad_shape[4] + low, high - low)]
    columns = [x * dilation[2] for x in range(kernel[1])]
    steps = stride[1] * pitch, stride[2], grad_shape[4], 1
    return layout_of(runs, end - first, steps, pitch, dilation[1] * pitch, columns)
