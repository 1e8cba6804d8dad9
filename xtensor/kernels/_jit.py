"""Kernels for the CPU and how they are compiled: the only file that imports numba's njit.

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
import logging  # noqa: F401 - see _before_fork
import os
import sys
import threading
import types
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import message
from . import cache
from .parallel import Compiled, parallel_for
from .registry import Kernel, WholeKernel, is_ours, register

# Named sets, so that a kernel says which liberty it takes. "reassociate" lets sums be reordered
# (vectorised); "contract" fuses a*b+c. nnan and ninf are never given: NaN must stay NaN.
FASTMATH: dict[str, bool | set[str]] = {
    "strict": False,
    "contract": {"contract"},
    "reassociate": {"reassoc", "contract", "nsz", "arcp"},
}

# For calls from C, and from Python, numba adds to each function what takes it 0.01 to 0.05 s to
# compile. What only compiled functions call does without both; it is kept within these.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
HELPER_OPTIONS = OPTIONS | {"no_cpython_wrapper": True}

_compile_lock = threading.RLock()
_held_by_fork: list[Any] = []


def _before_fork() -> None:
    """Wait until no other thread compiles, or imports numba to do so.

    Its locks would stay closed in the child, which lacks the thread that opens them. They are taken
    in the order in which a compilation takes them; the lock of ``cache`` lies inside the first. A
    fork from within a compilation comes through, as a thread may take both twice. Handlers before a
    fork run in reverse, so that of logging, which numba uses while it compiles, must have been
    registered before this one: else this thread would wait here with the lock of logging in hand.
    """
    _compile_lock.acquire()
    _held_by_fork.append(_compile_lock)
    module = sys.modules.get("numba.core.compiler_lock")
    lock = getattr(module, "global_compiler_lock", None)
    if lock is not None:
        lock.acquire()
        _held_by_fork.append(lock)


def _after_fork() -> None:
    while _held_by_fork:
        _held_by_fork.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )


class CpuKernel(Kernel):
    """A loop that numba compiles at its first run, without the GIL and without bounds checks."""

    def __init__(
        self, function: Callable[..., Any], fastmath: str = "strict", name: str | None = None
    ) -> None:
        super().__init__(function, name)
        self.loop = CpuFunction(function, fastmath)

    def run(self, work: int, args: Sequence[Any]) -> None:
        try:
            parallel_for(self.loop, work, args)
        except TypeError:
            due = self.parameters[2:]
            if len(args) == len(due):
                raise
            raise TypeError(  # numba counts start and stop, and names no kernel
                message(self.name, "the number of arguments", len(args),
                        f"{len(due)}: {', '.join(due)}")
            ) from None  # fmt: skip


class HostKernel(Kernel):
    """A CPU kernel in plain Python over a range: NumPy's BLAS and compiled loops, in blocks."""

    def run(self, work: int, args: Sequence[Any]) -> None:
        parallel_for(self.function, work, args)


def with_globals(function: Any, name: str, values: dict[str, Any]) -> Any:
    """The function under another name, with these globals besides its own.

    So one text serves several kernels: numba caches functions with globals, but no closures.
    """
    scope = {**function.__globals__, **values}
    variant = types.FunctionType(function.__code__, scope, name)
    variant.__qualname__, variant.__module__ = name, function.__module__
    return variant


def _with_helpers(function: Callable[..., Any]) -> tuple[Any, bool]:
    """The function with what numba takes for its CpuFunction globals; whether all are ours."""
    import numba

    from ._operators import BUILTINS

    if numba.config.DISABLE_JIT:
        raise RuntimeError(
            message("xtensor", "NUMBA_DISABLE_JIT", 1, "0, as only compiled code runs kernels",
                    "unset it; a kernel of your own also runs as Python: k.function(0, n, ...)")
        )  # fmt: skip
    numba.typeof(np.empty(0))  # imports what a first call else would, where no fork waits for it
    called = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    own = {name: f for name, f in called.items() if isinstance(f, CpuFunction)}
    helpers = {name: f.helper() for name, f in own.items()}
    ours = all(map(is_ours, [function, *[f.function for f in own.values()]]))
    if ours:
        helpers |= {name: BUILTINS[name] for name in called.keys() & BUILTINS.keys()}
    return with_globals(function, function.__name__, helpers) if helpers else function, ours


def _njit(function: Callable[..., Any], fastmath: bool | set[str], tiled: bool) -> Any:
    """numba's dispatcher of a function, for calls from Python, with the cache in our directory."""
    import numba

    function, ours = _with_helpers(function)

    def build(use_cache: bool) -> Any:
        return numba.njit(**OPTIONS, fastmath=fastmath, cache=use_cache)(function)

    dispatcher = cache.cached(build) if ours else build(False)
    dispatcher.compile = _compiled_sooner(dispatcher.compile, ours, tiled)
    return dispatcher


def _compiled_sooner(
    compile_signature: Callable[..., Any], ours: bool, tiled: bool
) -> Callable[..., Any]:
    """The same without what numba does in vain, a fourth of its time.

    Garbage collection: it makes a million objects that all live until it is done. Copies: it copies
    what it inlines twice, block by block, and throws two of the three away; what uses blocks again,
    as ``literal_unroll`` does, needs them, but no function of ours. And, of loops in tiles, LLVM's
    passes over single functions: those over the whole module, which follow, do the same. Other
    loops need both, to be vectorised or to keep their indices in registers.
    """
    from numba.core import codegen, ir
    from numba.core.compiler_lock import global_compiler_lock

    library: Any = codegen.CPUCodeLibrary

    def only_lay_out(self: Any, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def compile_undisturbed(signature: Any) -> Any:
        with global_compiler_lock:  # so that no fork comes, nor a compilation of another's, between
            if "__deepcopy__" in vars(ir.Block):  # for what is being compiled, so all is done
                return compile_signature(signature)
            was_on, passes = gc.isenabled(), getattr(library, "_optimize_functions", None)
            gc.disable()
            if ours:
                ir.Block.__deepcopy__ = lambda block, memo: block
            if tiled and passes:
                library._optimize_functions = only_lay_out
            try:
                return compile_signature(signature)
            finally:
                if tiled and passes:
                    library._optimize_functions = passes
                if ours:
                    del ir.Block.__deepcopy__
                if was_on:
                    gc.enable()

    return compile_undisturbed


def cpu_kernel(function: Any = None, *, fastmath: str = "strict") -> Any:
    """Register a loop over ``(start, stop, written..., read..., numbers...)`` as a CPU kernel.

    Args:
        fastmath: a name in FASTMATH. "strict" keeps IEEE order; "contract" may fuse ``a * b + c``;
            "reassociate" may also reorder sums, which is what lets a reduction vectorise.

    Raises:
        ValueError: another module or xtensor itself already has a CPU kernel of that name;
            ``fastmath`` is no name in FASTMATH.

    Example:
        >>> @cpu_kernel
        ... def doctest_double_forward(start, stop, out, x):
        ...     for i in range(start, stop):
        ...         out[i] = 2 * x[i]
        >>> doctest_double_forward
        <cpu kernel doctest_double_forward(start, stop, out, x)>
    """
    if fastmath not in FASTMATH:
        names = ", ".join(map(repr, FASTMATH))
        raise ValueError(message("cpu_kernel", "fastmath", repr(fastmath), f"one of {names}"))
    if function is None:
        return lambda function: register(CpuKernel(function, fastmath))
    return register(CpuKernel(function, fastmath))


def cpu_host_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CPU kernel that stays Python: it calls BLAS or other kernels on its sub-range."""
    return register(HostKernel(function))


def cpu_whole_kernel(function: Callable[..., Any]) -> Kernel:
    """Register a CPU kernel that chooses among algorithms, each with blocks of its own."""
    return register(WholeKernel(function))


class CpuFunction(Compiled):
    """A helper that CPU kernels call; compiled, inlined into them, when the first of them is.

    LLVM inlines it, after it has optimised it by itself; with ``inline="always"`` numba does before
    that. A loop that calls a helper which returns several numbers may vectorise only so. What is
    called from Python is ``tiled`` if all of its loops that matter go by tiles.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        fastmath: str = "strict",
        inline: str = "never",
        tiled: bool = False,
    ) -> None:
        self.function = function
        self.fastmath = FASTMATH[fastmath]
        self.inline = inline
        self.tiled = tiled
        self._compiled: Any = None
        self._helper: Any = None
        self._shared: Any = None

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def __repr__(self) -> str:
        return f"<compiled function {self.function.__module__}.{self.function.__name__}>"

    def compiled(self) -> Any:
        """The numba dispatcher, for calls from Python; made on first use."""
        if self._compiled is None:
            with _compile_lock:  # host kernels ask for it from several threads
                if self._compiled is None:
                    self._compiled = _njit(self.function, self.fastmath, self.tiled)
        return self._compiled

    def helper(self) -> Any:
        """What compiled functions call; called from Python, it would end the program."""
        if self._helper is None:
            with _compile_lock:
                if self._helper is None:
                    self._helper = self._make_helper()
        return self._helper

    def _make_helper(self) -> Any:
        import numba

        function, _ = _with_helpers(self.function)
        options = {"fastmath": self.fastmath, "inline": self.inline}
        return numba.njit(**HELPER_OPTIONS, **options)(function)

    def shared(self, buffers: int) -> Any:
        """The dispatcher of a job over it, see ``team.shared``; made on first use."""
        if self._shared is None:
            from . import team

            with _compile_lock:
                if self._shared is None:
                    self._shared = team.shared(self, buffers)
        return self._shared


def cpu_function(fastmath: str) -> Callable[[Callable[..., Any]], CpuFunction]:
    """A decorator that makes CpuFunctions which take a liberty, a name in FASTMATH."""
    return partial(CpuFunction, fastmath=fastmath)


class CpuIntrinsic(CpuFunction):
    """A helper for CPU kernels given as LLVM code, see ``_llvm.make_intrinsic``.

    Numbers that it takes as literals must be written as such where it is called, or come through a
    helper with ``inline="always"``.
    """

    def _make_helper(self) -> Any:
        from ._llvm import make_intrinsic

        return make_intrinsic(self.function)


class CpuChoice(CpuFunction):
    """A helper of a number, or tile, with a text for float32, one for float64, one for any other.

    An ``isinstance`` in a single text would do, but numba takes 0.1 s to see through it.
    """

    def __init__(
        self, single: CpuFunction, double: CpuFunction, other: CpuFunction | None = None
    ) -> None:
        super().__init__(single.function)
        self.single, self.double, self.other = single, double, other or single

    def __call__(self, x: Any) -> Any:
        texts = {np.float32: self.single, np.float64: self.double}
        return texts.get(type(x), self.other)(x)

    def _make_helper(self) -> Any:
        from numba import types
        from numba.extending import overload

        single, double, other = (
            _with_helpers(text.function)[0] for text in (self.single, self.double, self.other)
        )
        texts = {types.float32: single, types.float64: double}

        def choose(x: Any) -> Any:
            raise NotImplementedError("only compiled functions call it")

        options = HELPER_OPTIONS | {"fastmath": self.single.fastmath}
        overload(choose, jit_options=options)(lambda x: texts.get(getattr(x, "dtype", x), other))
        return choose
