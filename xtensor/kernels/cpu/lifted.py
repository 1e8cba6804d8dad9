"""Formulas lifted over arrays: NumPy's loops shared out over threads, or a compiled formula.

A ufunc is an object of NumPy's C API, whose fields are documented: among them the addresses of its
inner loops, one for each combination of dtypes, which take pointers, a count and steps in bytes.
Compiled code calls them, so that no thread needs the GIL: with it, threads made sums of two arrays
of 300,000 numbers slower instead of faster.

Compiled code also reads the addresses of arrays from their objects (``layout.py``), for views that
Python made of them cost one microsecond and a half.

Source: https://numpy.org/doc/stable/reference/c-api/types-and-structures.html (PyUFuncObject).
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from .._jit import CpuFunction, CpuIntrinsic, CpuKernel, with_globals
from ..formula import check_count, split_parameters
from ..layout import DATA, broadcast_strides, merge_axes
from ..parallel import SERIAL_ELEMENTS, parallel_for, take_first_call
from ..registry import register
from ..team import look
from .cells import inlined
from .simd import (
    lanes_of,
    load_tile,
    load_vector,
    pointer,
    repeat_tile,
    store_tile,
    store_vector,
)

# What makes the result of few numbers, how many are no longer few, and of how many arrays; by the
# kernel's name.
makers: dict[str, tuple[Callable[..., Any], int, int]] = {}
NO_MAKER: tuple[Any, int, int] = (None, 0, 0)
# So many numbers are no longer few where the compiled formula is faster than NumPy's loop.
FEW = 8192
# NumPy's loops are called for so many numbers at most.
RUN = 4096
# Fewer rows than this are not taken one by one.
FEWEST_ROWS = 8


class _UFunc(ctypes.Structure):
    """PyUFuncObject as far as it is read here."""

    _fields_ = (
        ("head", ctypes.c_byte * object.__basicsize__),
        *((name, ctypes.c_int) for name in ("inputs", "outputs", "arguments", "identity")),
        *((name, ctypes.POINTER(ctypes.c_void_p)) for name in ("loops", "data")),
    )


@cache
def find_loop(ufunc: np.ufunc, types: str) -> tuple[int, int] | None:
    """Addresses of the loop for types such as "ff->f", and of the data it wants; None without."""
    if types not in ufunc.types:
        return None
    fields, number = _UFunc.from_address(id(ufunc)), ufunc.types.index(types)
    return fields.loops[number] or 0, fields.data[number] or 0 if fields.data else 0


@CpuIntrinsic
def call_loop(loop, data, count, a_place, b_place, c_place, a_step, b_step, c_step):
    """One of NumPy's loops over ``count`` elements from these addresses on."""
    from .. import _calls

    whole = _calls.types.int64

    def generate(emit, loop, data, count, *operands):
        _calls.call_loop(emit, loop, data, count, operands[:3], operands[3:])

    return _calls.types.void(*[whole] * 9), generate


@CpuFunction
def run_loop(start, stop, a, b, c, loop, data, axes):
    """A loop over arrays given by their ``id``, whose rows are cut into runs, the tasks.

    ``axes`` has the length of each axis and the steps of the arrays along it, in bytes; rows are
    the last.
    """
    last = len(axes) - 1
    length, a_step, b_step, c_step = axes[last, 0], axes[last, 1], axes[last, 2], axes[last, 3]
    runs = -(-length // RUN)
    a_begin, b_begin, c_begin = look(a, DATA), look(b, DATA), look(c, DATA)
    for task in range(start, stop):
        row = task // runs
        begin = (task - row * runs) * RUN
        a_place, b_place = a_begin + begin * a_step, b_begin + begin * b_step
        c_place = c_begin + begin * c_step
        for axis in range(last - 1, -1, -1):
            rest = row // axes[axis, 0]
            index = row - rest * axes[axis, 0]
            a_place += index * axes[axis, 1]
            b_place += index * axes[axis, 2]
            c_place += index * axes[axis, 3]
            row = rest
        call_loop(loop, data, min(RUN, length - begin), a_place, b_place, c_place,
                  a_step, b_step, c_step)  # fmt: skip


def run_ufunc(ufunc: np.ufunc, out: np.ndarray, x: np.ndarray, y: np.ndarray | None = None) -> bool:
    """ufunc(x, y, out=out) or ufunc(x, out=out) of arrays that broadcast to ``out``, if they are
    contiguous and NumPy has such a loop."""
    inputs = (x,) if y is None else (x, y)
    if y is None:  # a loop of one operand writes through the second place, and ignores the third
        y = out
    if not (out.flags.c_contiguous and x.flags.c_contiguous and y.flags.c_contiguous):
        return False
    plan = _plan(ufunc, x.dtype, x.shape, y.dtype, y.shape, out.dtype, out.shape)
    if plan is None:
        return False
    if take_first_call(run_loop, out.size):  # NumPy itself has nothing to compile
        with np.errstate(all="ignore"):
            ufunc(*inputs, out=out)
        return True
    tasks, loop, data, axes = plan
    parallel_for(run_loop, tasks, (id(x), id(y), id(out), loop, data, axes), out.size)
    return True


@lru_cache(maxsize=4096)
def _plan(ufunc: np.ufunc, *kinds: Any) -> tuple[int, int, int, np.ndarray] | None:
    """Tasks of ``run_loop`` and what it takes after three arrays, of these dtypes and shapes.

    An array is repeated along the axes that it lacks, and those where it has one element. None
    without a loop for the dtypes.
    """
    dtypes, shapes = kinds[::2], kinds[1::2]
    chars = [dtype.char for dtype in dtypes]
    found = find_loop(ufunc, "".join(chars[: ufunc.nin]) + "->" + chars[-1])
    if found is None:
        return None
    strides = [
        [step * dtype.itemsize for step in steps]
        for dtype, steps in zip(dtypes, broadcast_strides(shapes[-1], shapes), strict=True)
    ]
    axes = np.array(merge_axes(shapes[-1], *strides), np.int64)
    return math.prod(axes[:-1, 0].tolist()) * -(-int(axes[-1, 0]) // RUN), *found, axes


class Way(NamedTuple):
    """How a formula is computed on the CPU, if not by the formula itself.

    loop: NumPy's ufunc for it, or a function (*inputs, out=) that fills ``out`` by several.
    few: NumPy's for few numbers, where the compiled formula is faster for many.
    quiet: NumPy would warn of the infinities and NaN that are the documented results. Silence
        costs a microsecond: sums and products, which overflow only by accident, go without.
    formula: what is compiled instead, as it vectorises.
    tiles: the formula takes tiles as well, for arrays of which one is repeated.
    shared: (out, *inputs), shares many numbers out, or returns False where it can not.
    rows: whether arrays of which one is repeated go row by row.
    """

    loop: Callable[..., Any] | None = None
    few: Callable[..., Any] | None = None
    quiet: bool = False
    formula: Callable[..., Any] | None = None
    tiles: bool = False
    shared: Callable[..., bool] | None = None
    rows: bool = True


def _quietly(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The loop without NumPy's warnings."""

    def run(*inputs: Any, out: Any = None) -> Any:
        with np.errstate(all="ignore"):
            return loop(*inputs, out=out)

    return run


class ElementwiseKernel(CpuKernel):
    """A formula on single numbers over arrays that broadcast, and plain numbers after them."""

    def __init__(self, name: str, formula: Callable[..., Any], way: Way) -> None:
        self.arrays, self.numbers = split_parameters(formula)
        loop = _LOOPS[self.arrays, self.numbers]
        # Inlined by numba: LLVM leaves a call where a formula is long, and then no loop vectorises.
        self.formula = CpuFunction(way.formula or formula, inline="always")
        super().__init__(with_globals(loop, name, {"formula": self.formula}), "contract", name)
        self.numpy_loop, few = (
            _quietly(f) if f is not None and way.quiet else f for f in (way.loop, way.few)
        )
        self.shared, self.tiles = way.shared, way.tiles
        self.rows = way.rows and self.arrays == 2 and not self.numbers
        self.__module__ = formula.__module__
        self.__doc__ = formula.__doc__
        if few is not None:
            makers[name] = few, FEW, self.arrays
        elif self.numpy_loop is not None and isinstance(way.loop, np.ufunc):
            makers[name] = self.numpy_loop, SERIAL_ELEMENTS, self.arrays
            self.shared = partial(run_ufunc, way.loop)

    def run(self, work: int, args: Sequence[Any]) -> None:
        if work == 0:
            return
        check_count(self.name, self.arrays, self.numbers, args)
        if self.numpy_loop is not None and work < SERIAL_ELEMENTS:
            self.numpy_loop(*args[1:], out=args[0])
            return
        out, inputs, numbers = args[0], args[1 : self.arrays + 1], args[self.arrays + 1 :]
        if self.rows and self._run_rows(out, *inputs):
            return
        if self.shared is not None and self.shared(out, *inputs):
            return
        views = [out]
        for a in inputs:
            views.append(a if a.shape == out.shape else np.broadcast_to(a, out.shape))
        if self.numpy_loop is None:
            super().run(work, [*[view.ravel() for view in views], *numbers])
            return
        while views[0].shape[0] == 1:
            views = [view[0] for view in views]
        parallel_for(_numpy_rows, views[0].shape[0], (self.numpy_loop, numbers, *views))

    def _run_rows(self, out: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
        """Row by row, if x or y is repeated and there are enough rows."""
        if x.shape == y.shape:
            return False
        rows, x_step, y_step, axes = _plan_rows(out.shape, x.shape, y.shape)
        if rows < FEWEST_ROWS:
            return False
        by_vectors = self.tiles and x.dtype == y.dtype == out.dtype != np.bool_
        loop = self._rows(x_step, y_step, by_vectors)
        parallel_for(loop, rows, (out.reshape(-1), x.ravel(), y.ravel(), axes))
        return True

    @cache  # noqa: B019 - kernels live as long as the program
    def _rows(self, x_step: int, y_step: int, by_vectors: bool) -> CpuFunction:
        """The loop over rows with these steps of x and y along a row, 1 or 0."""
        name = f"{self.name}_rows_{x_step}{y_step}"
        values = {"formula": self.formula, "x_step": x_step, "y_step": y_step}
        if not by_vectors:
            return CpuFunction(with_globals(_rows_xy, name, values), "contract")
        loads, parts = (repeat_tile, load_tile), (_repeat_part, load_vector)
        values |= {
            "load_x": loads[x_step], "load_y": loads[y_step],
            "part_x": parts[x_step], "part_y": parts[y_step],
        }  # fmt: skip
        return CpuFunction(with_globals(_vectors_xy, name, values), "contract")


@lru_cache(maxsize=4096)
def _plan_rows(
    shape: tuple[int, ...], *shapes: tuple[int, ...]
) -> tuple[int, int, int, np.ndarray]:
    """Rows of an array and the steps of two that broadcast to it along one; the axes of ``_place``.

    No rows where nothing is repeated, or one number only.
    """
    axes = np.array(merge_axes(shape, *broadcast_strides(shape, shapes)), np.int64)
    x_step, y_step = axes[-1, 1:].tolist()
    return math.prod(axes[:-1, 0].tolist()) if len(axes) > 1 else 0, x_step, y_step, axes


def _numpy_rows(
    start: int, stop: int, loop: Callable[..., Any], numbers: Any, out: Any, *inputs: Any
) -> None:
    loop(*(a[start:stop] for a in inputs), *numbers, out=out[start:stop])


# Bound to these loops: the formula; how far x and y go on along a row, 1 or 0, and with what a tile
# of them is loaded, a whole one and a part.
formula: Any = None
x_step: Any = None
y_step: Any = None
load_x: Any = None
load_y: Any = None
part_x: Any = None
part_y: Any = None


# The names in these loops are those of the CUDA twins' parameters. Slices, because numba sees that
# an index is not negative, and so vectorises, only where it counts from 0.


def _loop_x(start, stop, out, x):
    to, xs = out[start:stop], x[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i])


def _loop_xy(start, stop, out, x, y):
    to, xs, ys = out[start:stop], x[start:stop], y[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], ys[i])


@inlined
def _repeat_part(array, i, count):
    return repeat_tile(array, i, 0, 1, 1)


@inlined
def _place(row, axes):
    """Of a row its index along the last axis but one, and where it begins in x and y.

    ``axes`` has the length of each axis and the steps of x and y along it; rows are the last.
    """
    x_place, y_place, index = 0, 0, row
    for axis in range(len(axes) - 2, -1, -1):
        rest = row // axes[axis, 0]
        along = row - rest * axes[axis, 0]
        x_place += along * axes[axis, 1]
        y_place += along * axes[axis, 2]
        if axis == len(axes) - 2:
            index = along
        row = rest
    return index, x_place, y_place


# Rows along the last axis but one begin a step apart; only the first one's place is worked out.


def _rows_xy(start, stop, out, x, y, axes):
    to, xs, ys = pointer(out), pointer(x), pointer(y)
    last = len(axes) - 1
    columns, row = axes[last, 0], start
    while row < stop:
        index, x_place, y_place = _place(row, axes)
        count = min(stop - row, axes[last - 1, 0] - index)
        for i in range(row, row + count):
            for j in range(columns):
                to[i * columns + j] = formula(xs[x_place + j * x_step], ys[y_place + j * y_step])
            x_place += axes[last - 1, 1]
            y_place += axes[last - 1, 2]
        row += count


def _vectors_xy(start, stop, out, x, y, axes):
    """The same, vector by vector: LLVM reads four of each operand before it writes four, and so, as
    when NumPy takes two, 6400 rows of 1000 from memory took 1.2 to 1.4 times as long on a Zen 4."""
    to, xs, ys = pointer(out), pointer(x), pointer(y)
    last, lanes = len(axes) - 1, lanes_of(to)
    columns, row = axes[last, 0], start
    whole = columns // lanes * lanes
    while row < stop:
        index, x_place, y_place = _place(row, axes)
        count = min(stop - row, axes[last - 1, 0] - index)
        for i in range(row, row + count):
            place = i * columns
            for j in range(0, whole, lanes):
                tile = load_x(xs, x_place + j * x_step, 0, 1, 1)
                tile = formula(tile, load_y(ys, y_place + j * y_step, 0, 1, 1))
                store_tile(to, place + j, 0, tile)
            if whole < columns:
                rest = columns - whole
                tile = part_x(xs, x_place + whole * x_step, rest)
                tile = formula(tile, part_y(ys, y_place + whole * y_step, rest))
                store_vector(to, place + whole, rest, tile)
            x_place += axes[last - 1, 1]
            y_place += axes[last - 1, 2]
        row += count


def _loop_xyz(start, stop, out, x, y, z):
    to, xs, ys, zs = out[start:stop], x[start:stop], y[start:stop], z[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], ys[i], zs[i])


def _loop_x_a(start, stop, out, x, a):
    to, xs = out[start:stop], x[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], a)


def _loop_xy_a(start, stop, out, x, y, a):
    to, xs, ys = out[start:stop], x[start:stop], y[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], ys[i], a)


def _loop_x_ab(start, stop, out, x, a, b):
    to, xs = out[start:stop], x[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], a, b)


def _loop_xy_ab(start, stop, out, x, y, a, b):
    to, xs, ys = out[start:stop], x[start:stop], y[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], ys[i], a, b)


# By number of array operands and of plain numbers.
_LOOPS = {
    (1, 0): _loop_x,
    (2, 0): _loop_xy,
    (3, 0): _loop_xyz,
    (1, 1): _loop_x_a,
    (2, 1): _loop_xy_a,
    (1, 2): _loop_x_ab,
    (2, 2): _loop_xy_ab,
}


BY_FORMULA = Way()


def cpu_elementwise(
    name: str, formula: Callable[..., Any], way: Way = BY_FORMULA
) -> ElementwiseKernel:
    """Register an elementwise CPU kernel.

    Args:
        name: of the kernel.
        formula: on single numbers, annotated plain ones last.
        way: see there.
    """
    return register(ElementwiseKernel(name, formula, way))
