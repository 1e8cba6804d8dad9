"""Kernel registry and CPU compilation: the only file that imports numba's njit.

A kernel is a plain function over a half-open range of its outer index,

    @cpu_kernel
    def scale_forward(start, stop, out, x, factor):
        for i in range(start, stop):
            out[i] = factor * x[i]

``start, stop`` come first, arrays written next, arrays read after them, plain numbers last. The
CUDA twin has the same name and the same parameters. Nothing is compiled, and numba is not even
imported, before a kernel runs for the first time.
"""

from __future__ import annotations

import gc
import inspect
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import cache
from .parallel import parallel_for
from .scalar import split_parameters

# Named sets, so that a kernel says which liberty it takes. "reassociate" lets sums be reordered
# (vectorised); "contract" fuses a*b+c. nnan and ninf are never given: NaN must stay NaN.
FASTMATH: dict[str, bool | set[str]] = {
    "strict": False,
    "contract": {"contract"},
    "reassociate": {"reassoc", "contract", "nsz", "arcp"},
}

_compile_lock = threading.RLock()
_registry: dict[str, dict[str, Any]] = {"cpu": {}, "cuda": {}}


class Kernel:
    """What ``launch`` calls: a name, the function people read, and ``run`` for one device."""

    device = "cpu"

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    @property
    def parameters(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    def run(self, work: int, args: Sequence[Any]) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.device} kernel {self.name}({', '.join(self.parameters)})>"


def register(kernel: Kernel) -> Kernel:
    """Enter a kernel under its name. A notebook cell may run again; two modules may not clash."""
    known = _registry[kernel.device].get(kernel.name)
    if known is not None and known.__module__ != kernel.__module__:
        raise ValueError(
            f"kernel {kernel.name!r} for {kernel.device} is already defined in {known.__module__}; "
            f"give the one in {kernel.__module__} another name"
        )
    _registry[kernel.device][kernel.name] = kernel
    return kernel


def kernels(device: str) -> dict[str, Kernel]:
    """The registered kernels of ``"cpu"`` or ``"cuda"`` by name."""
    return _registry[device]


class CpuKernel(Kernel):
    """A loop that numba compiles at its first run, without the GIL and without bounds checks."""

    def __init__(
        self, function: Callable[..., Any], fastmath: str = "strict", name: str | None = None
    ) -> None:
        super().__init__(function, name)
        self.fastmath = FASTMATH[fastmath]
        self._compiled: Any = None

    def compiled(self) -> Any:
        """The numba dispatcher; made on first use."""
        if self._compiled is None:
            with _compile_lock:
                if self._compiled is None:
                    self._compiled = _njit(self.function, fastmath=self.fastmath)
        return self._compiled

    def run(self, work: int, args: Sequence[Any]) -> None:
        parallel_for(self._compiled or self.compiled(), work, args)


class HostKernel(Kernel):
    """A CPU kernel in plain Python over a range: NumPy's BLAS and compiled loops, in blocks."""

    def run(self, work: int, args: Sequence[Any]) -> None:
        parallel_for(self.function, work, args)


class WholeKernel(Kernel):
    """A CPU kernel in plain Python that gets the whole range at once and shares it out itself."""

    def run(self, work: int, args: Sequence[Any]) -> None:
        if work:
            self.function(0, work, *args)


class ElementwiseKernel(CpuKernel):
    """A formula on single numbers over arrays that broadcast, and plain numbers after them.

    ``numpy_loop(*inputs, out=out)`` runs it where NumPy has such a loop; else the formula is lifted
    into a compiled loop over flat arrays.
    """

    def __init__(
        self, name: str, formula: Callable[..., Any], numpy_loop: Callable[..., Any] | None
    ) -> None:
        self.arrays, self.numbers = split_parameters(formula)
        loop = _LOOPS[self.arrays, self.numbers]
        # Inlined by numba: LLVM leaves a call where a formula is long, and then no loop vectorises.
        inlined = CpuFunction(formula, inline="always")
        super().__init__(with_globals(loop, name, {"formula": inlined}), "contract", name)
        self.formula = formula
        self.numpy_loop = numpy_loop
        rows = with_globals(_rows_xy, f"{name}_rows", {"formula": inlined})
        self.rows = CpuKernel(rows, "contract") if self.arrays == 2 and not self.numbers else None
        if isinstance(numpy_loop, np.ufunc):
            ufuncs[name] = numpy_loop
        self.__module__ = formula.__module__
        self.__doc__ = formula.__doc__

    def run(self, work: int, args: Sequence[Any]) -> None:
        if work == 0:
            return
        if self.numpy_loop is not None and work < SERIAL_ELEMENTS:
            self.numpy_loop(*args[1:], out=args[0])
            return
        out, inputs, numbers = args[0], args[1 : self.arrays + 1], args[self.arrays + 1 :]
        if all(a.shape == out.shape for a in inputs):
            views = [a.reshape(-1) for a in (out, *inputs)]
        elif self.rows is not None and (rows := _as_rows(out, *inputs)):
            self.rows.run(*rows)
            return
        else:
            views = [out, *(np.broadcast_to(a, out.shape) for a in inputs)]
        if self.numpy_loop is None:
            super().run(work, [*(view.reshape(-1) for view in views), *numbers])
            return
        while views[0].shape[0] == 1:
            views = [view[0] for view in views]
        parallel_for(_numpy_rows, views[0].shape[0], (self.numpy_loop, numbers, *views))


def _as_rows(out: Any, x: Any, y: Any) -> tuple[int, tuple[Any, ...]] | None:
    """What ``_rows_xy`` is called with if x or y is repeated for every row of the other."""
    row = x if x.size < y.size else y
    shape = row.shape
    while shape and shape[0] == 1:
        shape = shape[1:]
    columns, rows = row.size, out.size // row.size
    if (
        min(rows, columns) < FEW
        or max(x.size, y.size) < out.size
        or shape != out.shape[-len(shape) :]
    ):
        return None
    steps = [0 if a is row else columns for a in (x, y)]
    return rows, (*[a.reshape(-1) for a in (out, x, y)], columns, *steps)


# Elementwise kernels that are a function of NumPy's, by name.
ufuncs: dict[str, np.ufunc] = {}
# Below this many elements NumPy's loop is over before a second thread would wake.
SERIAL_ELEMENTS = 65_536
# Fewer rows than this, or shorter ones, are left to NumPy.
FEW = 8


def _numpy_rows(
    start: int, stop: int, loop: Callable[..., Any], numbers: Any, out: Any, *inputs: Any
) -> None:
    loop(*(a[start:stop] for a in inputs), *numbers, out=out[start:stop])


# The names in these loops are those of the CUDA twins' parameters. Slices, because numba sees that
# an index is not negative, and so vectorises, only where it counts from 0.
# mypy: disable-error-code="no-untyped-def, name-defined"
# ruff: noqa: F821


def _loop_x(start, stop, out, x):
    to, xs = out[start:stop], x[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i])


def _loop_xy(start, stop, out, x, y):
    to, xs, ys = out[start:stop], x[start:stop], y[start:stop]
    for i in range(to.size):
        to[i] = formula(xs[i], ys[i])


def _rows_xy(start, stop, out, x, y, columns, x_step, y_step):
    for i in range(start, stop):
        to = out[i * columns :][:columns]
        xs, ys = x[i * x_step :][:columns], y[i * y_step :][:columns]
        for j in range(columns):
            to[j] = formula(xs[j], ys[j])


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


def with_globals(function: Any, name: str, values: dict[str, Any]) -> Any:
    """The function under another name, with these globals besides its own.

    So one text serves several kernels: numba caches functions with globals, but no closures.
    """
    scope = {**function.__globals__, **values}
    variant = types.FunctionType(function.__code__, scope, name)
    variant.__qualname__, variant.__module__ = name, function.__module__
    return variant


def _njit(
    function: Callable[..., Any], fastmath: bool | set[str] = False, inline: str = "never"
) -> Any:
    """Compile ``function``, its CpuFunction globals first, with the cache in our own directory."""
    import numba

    called = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    helpers = {n: f.compiled() for n, f in called.items() if isinstance(f, CpuFunction)}
    if helpers:
        function = with_globals(function, function.__name__, helpers)
    dispatcher = cache.cached(
        lambda use_cache: numba.njit(
            nogil=True, error_model="numpy", fastmath=fastmath, cache=use_cache, inline=inline
        )(function)
    )
    dispatcher.compile = _collector_off(dispatcher.compile)
    return dispatcher


def _collector_off(compile_signature: Callable[..., Any]) -> Callable[..., Any]:
    """The same without garbage collection: numba makes a million objects that all live until it is
    done, and looking through them again and again took a tenth of its time."""

    def compile_undisturbed(signature: Any) -> Any:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return compile_signature(signature)
        finally:
            if was_on:
                gc.enable()

    return compile_undisturbed


def cpu_kernel(function: Any = None, *, fastmath: str = "strict") -> Any:
    """Register a loop over ``(start, stop, written..., read..., numbers...)`` as a CPU kernel.

    Args:
        fastmath: a name in FASTMATH. "strict" keeps IEEE order; "contract" may fuse ``a * b + c``;
            "reassociate" may also reorder sums, which is what lets a reduction vectorise.

    Raises:
        ValueError: another module already has a CPU kernel of that name.

    Example:
        >>> @cpu_kernel
        ... def doctest_double_forward(start, stop, out, x):
        ...     for i in range(start, stop):
        ...         out[i] = 2 * x[i]
        >>> doctest_double_forward
        <cpu kernel doctest_double_forward(start, stop, out, x)>
    """
    if function is None:
        return lambda function: register(CpuKernel(function, fastmath))
    return register(CpuKernel(function, fastmath))


def cpu_host_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CPU kernel that stays Python: it calls BLAS or other kernels on its sub-range."""
    return register(HostKernel(function))


def cpu_whole_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CPU kernel that chooses among algorithms, each with blocks of its own."""
    return register(WholeKernel(function))


class CpuFunction:
    """A helper that CPU kernels call; compiled, inlined into them, when the first of them is.

    LLVM inlines it, after it has optimised it by itself; with ``inline="always"`` numba does before
    that. A loop that calls a helper which returns several numbers may vectorise only so.
    """

    def __init__(
        self, function: Callable[..., Any], fastmath: str = "strict", inline: str = "never"
    ) -> None:
        self.function = function
        self.fastmath = FASTMATH[fastmath]
        self.inline = inline
        self._compiled: Any = None

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def compiled(self) -> Any:
        if self._compiled is None:
            with _compile_lock:  # host kernels ask for it from several threads
                if self._compiled is None:
                    self._compiled = _njit(self.function, self.fastmath, self.inline)
        return self._compiled


class CpuIntrinsic(CpuFunction):
    """A helper for CPU kernels given as LLVM code, see ``_llvm.make_intrinsic``.

    Numbers that it takes as literals must be written as such where it is called, or come through a
    helper with ``inline="always"``.
    """

    def compiled(self) -> Any:
        if self._compiled is None:
            from ._llvm import make_intrinsic

            with _compile_lock:
                if self._compiled is None:
                    self._compiled = make_intrinsic(self.function)
        return self._compiled


def cpu_elementwise(
    name: str, formula: Callable[..., Any], numpy_loop: Callable[..., Any] | None = None
) -> Kernel:
    """Register an elementwise CPU kernel; ``numpy_loop(*inputs, out=out)`` is used if given."""
    return register(ElementwiseKernel(name, formula, numpy_loop))
