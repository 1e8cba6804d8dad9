"""How planes lie in the buffer that a convolution by planes reads; see plane.py.

Geometry of a plane comes as two numbers, height and width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .cells import whole
from .direct_plan import WORTH_HALVING, reach

# mypy: disable-error-code="no-untyped-def"

# Rows of the highest tile, and of the lowest band.
ROWS = 8
# Tasks, if planes are high enough to be cut into as many bands.
TASKS = 16
# The buffer stays in a part of the second-level cache.
BUFFER_BYTES = 640 * 1024
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


class Cut(NamedTuple):
    """Planes of results in bands of so many rows, how what each reads lies in the buffer, and how
    long a plane is there."""

    rows: int
    layouts: list[Layout]
    plane: int

    def laid(self) -> np.ndarray:
        """What ``lay_planes`` (plane.py) goes by, of one band after the other."""
        return np.array([layout.laid for layout in self.layouts], np.int64).ravel()


def cut(
    layout: Callable[[int, int], Layout], results: tuple[int, int], kernel: tuple[int, int],
    tasks: int, plane_bytes: int,
) -> Cut:  # fmt: skip
    """Bands so low that there are TASKS, and that the buffer stays in a near cache.

    Args:
        layout: of a band, by its first row and how many it has.
        tasks: of whole planes.
        plane_bytes: of the buffer for each number of a plane.
    """

    def size(rows: int) -> int:
        return layout(0, rows).size((rows, results[1]), kernel)

    rows = results[0]
    while rows > ROWS:
        half = whole(-(-rows // 2), ROWS)
        if tasks * -(-results[0] // rows) >= TASKS and (
            size(rows) * plane_bytes <= BUFFER_BYTES or size(half) > WORTH_HALVING * size(rows)
        ):
            break
        rows = half
    layouts = [layout(first, rows) for first in range(0, results[0], rows)]
    return Cut(rows, layouts, max(each.size((rows, results[1]), kernel) for each in layouts))


def x_layout(first_row, rows, out_shape, x_shape, kernel, stride, padding, dilation) -> Layout:
    """Of x, for these rows of results: what a tap meets lies side by side."""
    needed = [
        (count - 1) * s + (k - 1) * d + 1
        for count, k, s, d in zip((rows, out_shape[4]), kernel, stride[1:], dilation[1:])
    ]
    before = padding[1] - first_row * stride[1], padding[2]
    parts = stride[2]
    pitch = whole(needed[1], parts * ALIGNED)
    part = pitch // parts
    (first, end), (low, high) = (
        reach(b, 1, n, count) for b, n, count in zip(before, needed, x_shape[3:])
    )
    laid = Laid(
        place=(first + before[0]) * pitch, cell=first * x_shape[4] + low, column=low + before[1],
        rows=end - first, columns=high - low, row=x_shape[4], pitch=pitch, parts=parts, part=part,
        apart=1,
    )  # fmt: skip
    columns = [x * dilation[2] for x in range(kernel[1])]
    columns = [x % parts * part + x // parts for x in columns]
    return layout_of(laid, stride[1] * pitch, dilation[1] * pitch, columns)


def grad_layout(first_row, rows, x_shape, grad_shape, kernel, stride, padding, dilation) -> Layout:
    """Of grad, for these rows of x: apart by the step."""
    reaches = [(k - 1) * d for k, d in zip(kernel, dilation[1:])]
    needed = [n + r for n, r in zip((rows, x_shape[4]), reaches)]
    before = [r - p for r, p in zip(reaches, (padding[1] + first_row, padding[2]))]
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
