"""CUDA kernels: the only file that imports numba.cuda.

numba's built-in CUDA target, the ``numba-cuda`` package and the simulator
(``NUMBA_ENABLE_CUDASIM=1``) share a common subset; kernels keep to it: no cuda.random, no
cuda.reduce, no ufunc targets, each shared array on a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import config, cuda

from .formula import check_count, split_parameters
from .layout import broadcast_strides, merge_axes
from .registry import Kernel, WholeKernel, register

SIMULATOR = bool(config.ENABLE_CUDASIM)
# The simulator runs every CUDA thread as a Python thread; tiny blocks, but several of them.
THREADS = 4 if SIMULATOR else 256
MAX_BLOCKS = 2 if SIMULATOR else 65_535
ROW_THREADS = 4 if SIMULATOR else 128


class CudaKernel(Kernel):
    """``@cuda_kernel``: every thread strides through the range from its own place in the grid."""

    device = "cuda"
    per_row = False

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(function, name)
        self._compiled: Any = None

    def run(self, work: int, args: Sequence[Any]) -> None:
        if work == 0:
            return
        if self._compiled is None:
            self._compiled = cuda.jit(self.function)
        # A kernel may share out each index of its range, so the grid covers what is written.
        blocks = work if self.per_row else -(-max(work, args[0].size) // THREADS)
        threads = ROW_THREADS if self.per_row else THREADS
        with cuda.gpus[device_number(args[0])]:
            self._compiled[min(blocks, MAX_BLOCKS), threads](0, work, *args)


class CudaHostKernel(WholeKernel):
    """``@cuda_host_kernel``: Python on the host, for what has no device algorithm yet."""

    device = "cuda"


class CudaRowKernel(CudaKernel):
    """``@cuda_row_kernel``: one block of ROW_THREADS threads shares each index of the range."""

    per_row = True


class CudaElementwiseKernel(CudaKernel):
    """A formula on single numbers over arrays that are broadcast by strides, never copied."""

    def __init__(self, name: str, formula: Callable[..., Any]) -> None:
        self.arrays, self.numbers = split_parameters(formula)
        loop = _LOOPS[self.arrays, self.numbers](cuda.jit(device=True)(formula))
        super().__init__(loop, name)
        self.__module__ = formula.__module__
        self.__doc__ = formula.__doc__

    @property
    def parameters(self) -> list[str]:
        return ["start", "stop", "out", *"xyz"[: self.arrays], *"ab"[: self.numbers]]

    def run(self, work: int, args: Sequence[Any]) -> None:
        check_count(self.name, self.arrays, self.numbers, args)
        views, numbers = args[: self.arrays + 1], args[self.arrays + 1 :]
        strides = broadcast_strides(args[0].shape, [a.shape for a in views])
        shape, *strides = zip(*merge_axes(args[0].shape, *strides))
        flat = [reshape(a, (a.size,)) for a in views]
        pairs = [value for pair in zip(flat[1:], strides[1:]) for value in pair]
        super().run(work, [flat[0], shape, *pairs, *numbers])


@cuda.jit(device=True)
def offset_of(index, shape, strides):
    """Where the ``index``-th element (row-major over ``shape``) lies in a strided operand."""
    offset = 0
    for axis in range(len(shape) - 1, -1, -1):
        offset += (index % shape[axis]) * strides[axis]
        index //= shape[axis]
    return offset


# mypy: disable-error-code="no-untyped-def"


def _loop_x(formula):
    def loop(start, stop, out, shape, x, x_strides):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(x[offset_of(i, shape, x_strides)])

    return loop


def _loop_x_a(formula):
    def loop(start, stop, out, shape, x, x_strides, a):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(x[offset_of(i, shape, x_strides)], a)

    return loop


def _loop_x_ab(formula):
    def loop(start, stop, out, shape, x, x_strides, a, b):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(x[offset_of(i, shape, x_strides)], a, b)

    return loop


def _loop_xy(formula):
    def loop(start, stop, out, shape, x, x_strides, y, y_strides):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(x[offset_of(i, shape, x_strides)], y[offset_of(i, shape, y_strides)])

    return loop


def _loop_xy_a(formula):
    def loop(start, stop, out, shape, x, x_strides, y, y_strides, a):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(
                x[offset_of(i, shape, x_strides)], y[offset_of(i, shape, y_strides)], a
            )

    return loop


def _loop_xy_ab(formula):
    def loop(start, stop, out, shape, x, x_strides, y, y_strides, a, b):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(
                x[offset_of(i, shape, x_strides)], y[offset_of(i, shape, y_strides)], a, b
            )

    return loop


def _loop_xyz(formula):
    def loop(start, stop, out, shape, x, x_strides, y, y_strides, z, z_strides):
        for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
            out[i] = formula(
                x[offset_of(i, shape, x_strides)],
                y[offset_of(i, shape, y_strides)],
                z[offset_of(i, shape, z_strides)],
            )

    return loop


_LOOPS = {
    (1, 0): _loop_x,
    (1, 1): _loop_x_a,
    (1, 2): _loop_x_ab,
    (2, 0): _loop_xy,
    (2, 1): _loop_xy_a,
    (2, 2): _loop_xy_ab,
    (3, 0): _loop_xyz,
}


def cuda_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CUDA kernel: ``for i in range(start + cuda.grid(1), stop, cuda.gridsize(1))``.

    Raises:
        ValueError: another module already has a CUDA kernel of that name.
    """
    return register(CudaKernel(function))


def cuda_host_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CUDA kernel that copies to the host, works there, and copies back."""
    return register(CudaHostKernel(function))


def cuda_row_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CUDA kernel in which a block of ROW_THREADS threads shares each index:

    ``for row in range(start + cuda.blockIdx.x, stop, cuda.gridDim.x)``, the threads of the block
    striding through the row from ``cuda.threadIdx.x`` by ``ROW_THREADS``.
    """
    return register(CudaRowKernel(function))


def cuda_elementwise(name: str, formula: Callable[..., Any]) -> Kernel:
    """Register an elementwise CUDA kernel from a formula on single numbers."""
    return register(CudaElementwiseKernel(name, formula))


@cuda.jit(device=True)
def block_sum(value, shared):
    """Sum of ``value`` over the block, in a fixed tree order, returned to every thread.

    ``shared`` is a shared array of ROW_THREADS elements (a power of two).
    """
    thread = cuda.threadIdx.x
    shared[thread] = value
    cuda.syncthreads()
    half = ROW_THREADS // 2
    while half > 0:
        if thread < half:
            shared[thread] += shared[thread + half]
        cuda.syncthreads()
        half //= 2
    total = shared[0]
    cuda.syncthreads()
    return total


@cuda.jit(device=True)
def more_extreme(a, b, smallest):
    """The larger of two numbers, or the smaller; NaN wins."""
    if a != a or b != b:
        return a if a != a else b
    if smallest:
        return a if a < b else b
    return a if a > b else b


@cuda.jit(device=True)
def block_extreme(value, shared, smallest):
    """The most extreme ``value`` of the block, returned to every thread; else as block_sum."""
    thread = cuda.threadIdx.x
    shared[thread] = value
    cuda.syncthreads()
    half = ROW_THREADS // 2
    while half > 0:
        if thread < half:
            shared[thread] = more_extreme(shared[thread], shared[thread + half], smallest)
        cuda.syncthreads()
        half //= 2
    extreme = shared[0]
    cuda.syncthreads()
    return extreme


def device_count() -> int:
    """How many CUDA devices this process can use; 0 without driver or toolkit."""
    return len(cuda.gpus) if cuda.is_available() else 0


def device_number(array: Any) -> int:
    """On which device a CUDA array lies, as noted when it was made: numba does not say."""
    return getattr(array, "xtensor_device", 0)


def _mark(array: Any, number: int) -> Any:
    array.xtensor_device = number
    return array


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], number: int) -> Any:
    with cuda.gpus[number]:
        return _mark(cuda.device_array(shape, dtype), number)


def to_device(array: np.ndarray, number: int) -> Any:
    with cuda.gpus[number]:
        return _mark(cuda.to_device(np.asarray(array, order="C")), number)


def to_host(array: Any) -> np.ndarray:
    return np.asarray(array.copy_to_host())


def reshape(array: Any, shape: tuple[int, ...]) -> Any:
    """The same memory under another shape."""
    return _mark(array.reshape(shape), device_number(array))


def copy(array: Any) -> Any:
    """A new array with the same elements on the same device."""
    out = empty(array.shape, array.dtype, device_number(array))
    if array.size:
        with cuda.gpus[device_number(array)]:
            out.copy_to_device(array)
    return out
