"""Kernels: loops over raw arrays, one file per family and device, twins under equal names.

``launch`` runs one on the device its arrays lie on. Kernels know nothing of tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import message, nearest
from ._jit import cpu_kernel
from .cpu.lifted import cpu_elementwise
from .registry import Kernel, kernels, load_own

__all__ = ["Kernel", "cpu_kernel", "cuda_kernel", "elementwise_kernel", "launch", "load"]

# Elementwise kernels from outside the package, until there is a CUDA registry to enter them in.
_formulas: list[Callable[..., Any]] = []


def load(device: str) -> dict[str, Kernel]:
    """Import every kernel file of ``"cpu"`` or ``"cuda"``; the registry of that device."""
    load_own(device)
    if device == "cuda":
        while _formulas:
            _register_cuda(_formulas.pop(0))
    return kernels(device)


def _register_cuda(formula: Callable[..., Any]) -> None:
    from ._cuda import cuda_elementwise

    cuda_elementwise(formula.__name__, formula)


def cuda_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a loop over ``(start, stop, written..., read..., numbers...)`` as a CUDA kernel.

    ``for i in range(start + cuda.grid(1), stop, cuda.gridsize(1))`` shares the range out over the
    threads. Only now is numba.cuda imported.

    Args:
        function: the loop, with the name and parameters of its CPU twin.

    Raises:
        ValueError: another module or xtensor itself already has a CUDA kernel of that name.

    Example:
        >>> from numba import cuda
        >>> @cuda_kernel
        ... def doctest_double_forward(start, stop, out, x):
        ...     for i in range(start + cuda.grid(1), stop, cuda.gridsize(1)):
        ...         out[i] = 2 * x[i]
        >>> doctest_double_forward
        <cuda kernel doctest_double_forward(start, stop, out, x)>
    """
    from ._cuda import cuda_kernel

    return cuda_kernel(function)


def elementwise_kernel(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Register a formula on single numbers as an elementwise kernel of its name, on both devices.

    Args:
        formula: of one or two array elements and up to two plain numbers after them, which are
            annotated (``alpha: float``), or of three elements. Keep float32 in float32: ``x * x``,
            not ``x ** 2.0``.

    Raises:
        ValueError: other parameters; another module or xtensor itself already has a kernel of
            that name.

    Example:
        >>> @elementwise_kernel
        ... def doctest_cube_forward(x):
        ...     return x * x * x
        >>> out = np.empty(2)
        >>> launch("doctest_cube_forward", 2, out, np.array([2.0, 3.0]))
        >>> out
        array([ 8., 27.])
    """
    cpu_elementwise(formula.__name__, formula)
    _formulas.append(formula)
    return formula


_cpu = kernels("cpu")


def check_raw(where: str, argument: str, array: Any) -> None:
    """Refuse what is no raw array of either device.

    Raises:
        TypeError: a tensor, a number or anything else.
    """
    if type(array) is not np.ndarray and not hasattr(array, "copy_to_host"):
        raise TypeError(
            message(where, argument, f"of type {type(array).__name__}",
                    "a raw array: numpy.ndarray, or numba's on a GPU", "pass x.array of a tensor x")
        )  # fmt: skip


def launch(name: str, work: int, *args: Any) -> None:
    """Run the kernel ``name`` over ``range(work)`` on the device its first array lies on.

    Args:
        name: a registered kernel, the same on both devices.
        work: length of the outer range; 0 does nothing.
        args: arrays written, arrays read, then plain numbers, as the kernel takes them.

    Raises:
        LookupError: no kernel of that name on that device.
        TypeError: the first argument is no raw array, or their number is not the kernel's.

    Example:
        >>> out = np.empty(2)
        >>> launch("add_forward", 2, out, np.ones(2), np.ones(2))
        >>> out
        array([2., 2.])
    """
    try:
        first = args[0]
    except IndexError:
        raise TypeError(
            message("launch", f"what kernel {name!r} shall work on", "missing",
                    "arrays written, arrays read, then plain numbers")
        ) from None  # fmt: skip
    if type(first) is np.ndarray:
        kernel = _cpu.get(name) or load("cpu").get(name)
    else:
        check_raw("launch", "args[0]", first)
        kernel = load("cuda").get(name)
    if kernel is None:
        device = "cpu" if type(first) is np.ndarray else "cuda"
        near = nearest(name, kernels(device))
        raise LookupError(
            f"there is no {device} kernel {name!r}{near and f', the nearest name is {near!r}'}; "
            f"define it with @{device}_kernel under the same name and parameters as its twin"
        )
    kernel.run(work, args)
