"""How planes lie in the buffer that a convolution by planes reads; see plane.py.

Geometry of a plane comes as two numbers, height and width.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .cells import whole
from .direct_plan import reach

# mypy: disable-error-code="no-untyped-def"

# Rows of the highest tile.
ROWS = 8
# Rows of the buffer begin with a cache line.
ALIGNED = 16


class Laid(NamedTuple):
    """Where ``lay_planes`` (plane.py) lays the cells of a plane. It travels as a plain tuple.

    place: of the first row that is laid, column 0.
    cell, column: the first cell, and in which column it comes to lie.
    rows, columns: how many are laid of each.
    row, pitch: from a row to the next, in the source and in the buffer.
    parts, part: columns are dealt out to so many parts of a row, each so long.
    apart: from a column to the next, within a part.
    """

    place: int
    cell: int
    column: int
    rows: int
    columns: int
    row: int
    pitch: int
    parts: int
    part: int
    apart: int


class Layout(NamedTuple):
    """How a plane lies in the buffer.

    first, step: the place of result 0 of the first row, and from one row of results to the next.
    down, columns: from a row of the kernel to the next, and where its columns begin.
    """

    laid: Laid
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
        place, _, column, rows, columns, _, pitch, parts, part, apart = self.laid
        last_column = (parts - 1) * part + (column + columns) // parts * apart
        return whole(max(read, place + rows * pitch + last_column), ALIGNED)


def layout_of(laid: Laid, step, down, columns) -> Layout:
    """Cells begin with a cache line, as far as one column can be moved to one."""
    lead = (-laid.column // laid.parts - laid.place) % ALIGNED
    return Layout(laid._replace(place=laid.place + lead), lead, step, down, columns)


def x_layout(out_shape, x_shape, kernel, stride, padding, dilation) -> Layout:
    """Of x: what a tap meets lies side by side."""
    needed = [
        (count - 1) * s + (k - 1) * d + 1
        for count, k, s, d in zip(out_shape[3:], kernel, stride[1:], dilation[1:])
    ]
    parts = stride[2]
    pitch = whole(needed[1], parts * ALIGNED)
    part = pitch // parts
    (first, end), (low, high) = (
        reach(p, 1, n, count) for p, n, count in zip(padding[1:], needed, x_shape[3:])
    )
    laid = Laid(
        place=(first + padding[1]) * pitch, cell=first * x_shape[4] + low, column=low + padding[2],
        rows=end - first, columns=high - low, row=x_shape[4], pitch=pitch, parts=parts, part=part,
        apart=1,
    )  # fmt: skip
    columns = [x * dilation[2] for x in range(kernel[1])]
    columns = [x % parts * part + x // parts for x in columns]
    return layout_of(laid, stride[1] * pitch, dilation[1] * pitch, columns)


def grad_layout(x_shape, grad_shape, kernel, stride, padding, dilation) -> Layout:
    """Of grad: apart by the step."""
    reaches = [(k - 1) * d for k, d in zip(kernel, dilation[1:])]
    needed = [n + r for n, r in zip(x_shape[3:], reaches)]
    before = [r - p for r, p in zip(reaches, padding[1:])]
    pitch = whole(needed[1], ALIGNED)
    (first, end), (low, high) = (
        reach(b, s, n, count) for b, s, n, count in zip(before, stride[1:], needed, grad_shape[3:])
    )
    laid = Laid(
        place=(first * stride[1] + before[0]) * pitch + low * stride[2] + before[1],
        cell=first * grad_shape[4] + low, column=0, rows=end - first, columns=high - low,
        row=grad_shape[4], pitch=stride[1] * pitch, parts=1, part=0, apart=stride[2],
    )  # fmt: skip
    columns = [x * dilation[2] for x in range(kernel[1])]
    return layout_of(laid, pitch, dilation[1] * pitch, columns)
